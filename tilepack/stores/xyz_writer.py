"""Writing web tiles as files: ``{z}/{x}/{y}.ext``, rows from the top, and a metadata.json that says so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tilepack.cache import CacheInfo
from tilepack.disk.container import FolderContainer
from tilepack.errors import TilepackError, TransferError
from tilepack.formats.sniff import sniff
from tilepack.formats.xyz_names import TileOrder
from tilepack.keys import BundleKey
from tilepack.metadata.web_metadata import web_members
from tilepack.stores.base import PackageItem, Piece, single_tiles
from tilepack.stores.kinds import TileKinds
from tilepack.stores.xyz import METADATA_JSON

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class XyzWriter:
    """A new folder of web tiles. Parts of one window may be written by different threads."""

    def __init__(self, container: FolderContainer) -> None:
        """Fill a folder.

        Args:
            container: The new folder.
        """
        self._container = container
        self._kinds = TileKinds()

    def reserve(self, bundle: BundleKey, slot_bytes: int | None) -> None:
        """Files of a folder need no place beforehand."""

    def cancel(self, bundle: BundleKey) -> None:
        """Files of a folder need no place beforehand."""

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write tiles, each under the extension of its bytes.

        Raises:
            TransferError: The disk is full, or failed.
        """
        del slot_bytes
        level = self._container.root / str(bundle.level)
        made: set[int] = set()
        place = level
        try:
            for tile, data in single_tiles(tiles):
                place = level / str(tile.column)
                if tile.column not in made:
                    place.mkdir(parents=True, exist_ok=True)
                    made.add(tile.column)
                kind = sniff(data)
                self._kinds.add(data)
                _write(place / f"{tile.row}{kind.suffix if kind else '.png'}", data)
        except OSError as error:
            if isinstance(error, TilepackError):  # from reading the tiles; some of them are OSErrors too
                raise
            raise TransferError(f"{place}: cannot write: {error.strerror}") from error

    def write_substitute(self, name: str, data: bytes) -> bool:
        """Say that there is no place for a ``missing.*`` or ``blank.*``."""
        del name, data
        return False

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write the metadata, and let the folder appear under its name."""
        del item
        members = {**web_members(info, self._kinds.usual()), "scheme": str(TileOrder.XYZ)}
        text = json.dumps(members, ensure_ascii=False, indent=2) + "\n"
        self._container.write_document(METADATA_JSON, text.encode())
        self._container.commit([])

    def abort(self) -> None:
        """Throw away what was written."""
        self._container.abort()


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, _NEW, 0o666)
    try:
        done = os.write(descriptor, data)
        while done < len(data):
            done += os.write(descriptor, data[done:])
    finally:
        os.close(descriptor)
