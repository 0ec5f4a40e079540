"""Writing exploded caches: one file a tile."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tilepack.cache import TileFormat
from tilepack.disk.container import FolderContainer
from tilepack.disk.files import write_whole
from tilepack.errors import TilepackError, TransferError
from tilepack.formats.names import level_folder, row_folder, tile_file
from tilepack.formats.sniff import sniff
from tilepack.keys import BundleKey
from tilepack.stores.base import Piece, single_tiles
from tilepack.stores.layouts import Layout
from tilepack.stores.writer import StoreWriter, UnreservedWriter

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_ROWS_OPEN: Final = 24
"""Row folders kept open: tiles stored column by column visit them in turn, but descriptors are few."""
_BY_FOLDER: Final = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd


def suffix_of(tile_format: TileFormat) -> str:
    """Give the extension of tiles whose bytes do not tell what they are, by what the cache says of all."""
    return {TileFormat.JPEG: ".jpg", TileFormat.LERC: ".lerc"}.get(tile_format, ".png")


class ExplodedWriter(StoreWriter, UnreservedWriter):
    """A new exploded cache. Parts of one window may be written by different threads, row by row."""

    def __init__(self, container: FolderContainer, tile_format: TileFormat, layout: Layout) -> None:
        """Fill a folder.

        Args:
            container: The new folder.
            tile_format: What the cache says its tiles are; the extension of those whose bytes do not tell.
            layout: Where things lie in it, and which documents there are.
        """
        super().__init__(container, layout)
        self._levels = container.root / layout.tiles_folder
        self._suffix = suffix_of(tile_format)

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write tiles, each under the extension of its bytes.

        Raises:
            TransferError: The disk is full, or failed.
        """
        del slot_bytes
        level = self._levels / level_folder(bundle.level)
        rows: dict[int, int | Path] = {}
        place = level
        try:
            level.mkdir(parents=True, exist_ok=True)
            for tile, data in single_tiles(tiles):
                row = rows.get(tile.row)
                if row is None:
                    if len(rows) >= _ROWS_OPEN:
                        _close_row(rows.pop(next(iter(rows))))
                    place = level / row_folder(tile.row)
                    row = rows[tile.row] = _open_row(place)
                kind = sniff(data)
                name = tile_file(tile, kind.suffix if kind else self._suffix)
                if isinstance(row, Path):
                    descriptor = os.open(row / name, _NEW, 0o666)
                else:
                    descriptor = os.open(name, _NEW, 0o666, dir_fd=row)
                try:
                    write_whole(descriptor, data)
                finally:
                    os.close(descriptor)
        except OSError as error:
            if isinstance(error, TilepackError):  # from reading the tiles; some of them are OSErrors too
                raise
            raise TransferError(f"{place}: cannot write: {error.strerror}") from error
        finally:
            for opened in rows.values():
                _close_row(opened)


def _open_row(place: Path) -> int | Path:
    """Make a row's folder; give its descriptor where files can be made by it, else its path."""
    place.mkdir(exist_ok=True)
    return os.open(place, os.O_RDONLY) if _BY_FOLDER else place


def _close_row(row: int | Path) -> None:
    if isinstance(row, int):
        os.close(row)
