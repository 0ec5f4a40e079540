"""Writing web tiles as files: ``{z}/{x}/{y}.ext``, rows from the top, and a metadata.json that says so.

Others' folders and ZIPs keep the order and the folder that they have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tilepack.cache import CacheInfo
from tilepack.disk.container import Container, FolderContainer
from tilepack.disk.files import write_whole
from tilepack.disk.tree import below
from tilepack.errors import TransferError
from tilepack.formats.sniff import sniff
from tilepack.formats.xyz_names import TileOrder, to_path_numbers
from tilepack.keys import BundleKey
from tilepack.metadata.web_metadata import web_members
from tilepack.stores.base import PackageItem, Piece, single_tiles
from tilepack.stores.web.kinds import TileKinds
from tilepack.stores.web.xyz import METADATA_JSON
from tilepack.stores.writer import UnreservedWriter

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def format_metadata_json(info: CacheInfo, tile_format: str, order: TileOrder) -> bytes:
    """Give a metadata.json.

    Args:
        info: What it says, its scheme the web's.
        tile_format: ``png``, ``jpg``, ``webp`` or ``pbf``.
        order: Which numbers of a tile's path are which.
    """
    members = {**web_members(info, tile_format), "scheme": str(order)}
    return (json.dumps(members, ensure_ascii=False, indent=2) + "\n").encode()


class XyzWriter(UnreservedWriter):
    """A new folder or ZIP of web tiles. Parts of a folder's windows may be written by different threads."""

    def __init__(self, container: Container, *, folder: str = "", order: TileOrder = TileOrder.XYZ) -> None:
        """Fill a folder or ZIP.

        Args:
            container: The new folder or ZIP.
            folder: Path in it of the folder that holds the zooms.
            order: Which numbers of a tile's path are which.
        """
        self.container = container
        """What it fills."""
        self._folder = folder
        self._order = order
        self._kinds = TileKinds()

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write tiles, each under the extension of its bytes.

        Raises:
            TransferError: The disk is full, or failed.
        """
        del slot_bytes
        level = below(self._folder, str(bundle.level))
        made: set[int] = set()
        for tile, data in single_tiles(tiles):
            outer, inner = to_path_numbers(self._order, *tile)
            kind = sniff(data)
            self._kinds.add(data)
            folder = f"{level}/{outer}"
            path = f"{folder}/{inner}{kind.suffix if kind else '.png'}"
            if not isinstance(self.container, FolderContainer):
                self.container.write_document(path, data)
                continue
            place = self.container.root / path
            try:
                if outer not in made:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    made.add(outer)
                _write(place, data)
            except OSError as error:
                raise TransferError(f"{place}: cannot write: {error.strerror}") from error

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write the metadata, and let the folder or ZIP appear under its name."""
        del item
        path = below(self._folder, METADATA_JSON)
        self.container.write_document(path, format_metadata_json(info, self._kinds.usual(), self._order))
        self.container.commit([path])

    def abort(self) -> None:
        """Throw away what was written."""
        self.container.abort()


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, _NEW, 0o666)
    try:
        write_whole(descriptor, data)
    finally:
        os.close(descriptor)
