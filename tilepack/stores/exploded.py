"""Reading exploded caches: one file a tile, in folders of rows, in folders of levels.

Listings are kept for one strip of 128 rows at a time, so that memory stays flat however many tiles there are.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tilepack.disk.files import explained
from tilepack.disk.tree import FolderTree
from tilepack.errors import TileError, TilepackError, TransferError
from tilepack.formats.bundle import LARGEST_TILE
from tilepack.formats.names import parse_row_folder, parse_tile_file
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.stores.base import BundleSummary, OpenBundle
from tilepack.stores.documents import Described
from tilepack.stores.leaving import LeavingFiles
from tilepack.stores.reader import StoreReader
from tilepack.stores.windows import Window, summary_of_sizes

_PLAIN: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_BY_FOLDER: Final = os.open in os.supports_dir_fd
"""Opening by a folder's descriptor spares the walk down the path for each of its files."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A folder of one row: the tiles of one bundle in it."""

    row: int
    folder: str
    files: dict[int, str]
    """File name by column."""


class ExplodedReader(StoreReader):
    """An exploded cache, open for reading. Safe to share among threads."""

    def __init__(self, tree: FolderTree, described: Described, folders: Mapping[int, str]) -> None:
        """Take over a folder whose documents were read.

        Args:
            tree: The folder.
            described: What its documents say.
            folders: Path in the tree of each level's folder.
        """
        super().__init__(tree, described, folders)
        self._root = tree.root
        self._rows: dict[int, dict[int, str]] = {}
        self._bundles: dict[int, list[BundleKey]] = {}
        self._strip: tuple[int, int] | None = None
        self._listed: dict[int, list[_Row]] = {}
        self._newest: tuple[BundleKey, float | None] | None = None
        self._leaving = LeavingFiles(tree)
        self._lock = threading.Lock()

    def _row_folders(self, level: int) -> dict[int, str]:
        """List a level's row folders once, by row."""
        if level not in self._rows:
            folder = self.folders.get(level)
            found: dict[int, str] = {}
            for entry in () if folder is None else self.tree.entries(folder):
                row = parse_row_folder(entry.name) if entry.is_folder else None
                if row is None:
                    continue
                path = f"{folder}/{entry.name}"
                if row in found:
                    raise TileError(f"{self.place}/{path}: is the same row as {found[row]}; move one away")
                found[row] = path
            self._rows[level] = found
        return self._rows[level]

    def _bundles_of_strip(self, level: int, first_row: int) -> dict[int, list[_Row]]:
        """List the files of 128 rows, apart by the first column of their bundles; the last strip is kept."""
        with self._lock:
            if self._strip == (level, first_row):
                return self._listed
            folders = self._row_folders(level)
            listed: dict[int, list[_Row]] = {}
            for row in range(first_row, first_row + PACKET_SIZE):
                if row in folders:
                    for column, files in self._files_of_row(folders[row]).items():
                        listed.setdefault(column, []).append(_Row(row, folders[row], files))
            self._strip, self._listed = (level, first_row), listed
            return listed

    def _files_of_row(self, folder: str, leaving: frozenset[str] | None = None) -> dict[int, dict[int, str]]:
        """List a row's tiles by the first column of their bundle.

        A tile that changes its extension is there twice until the old file goes, or for longer where the writer was
        killed: the journal says which one goes. It is only asked then.
        """
        found: dict[int, dict[int, str]] = {}
        place = self._root / folder
        with explained("list the folder", place):
            names = sorted(os.listdir(place))  # noqa: PTH208  names, and not a Path for each of millions
        for name in names:
            column = parse_tile_file(name)
            if column is None:
                continue
            files = found.setdefault(column & -PACKET_SIZE, {})
            other = files.setdefault(column, name)
            if other == name:
                continue
            if leaving is None:
                return self._files_of_row(folder, self._leaving.paths())
            stays = [file for file in (other, name) if f"{folder}/{file}" not in leaving]
            if len(stays) != 1:
                raise TileError(f"{place}: {other} and {name} are the same tile; keep the one that is right")
            files[column] = stays[0]
        return found

    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the windows of 128 x 128 tiles that hold any, by row, then column.

        Raises:
            TileError: A tile or a row is there twice.
        """
        if level not in self._bundles:  # every folder of the level is listed for this: once is enough
            strips = sorted({row & -PACKET_SIZE for row in self._row_folders(level)})
            self._bundles[level] = [
                BundleKey(level, row, column) for row in strips for column in sorted(self._bundles_of_strip(level, row))
            ]
        return list(self._bundles[level])

    def _rows_of(self, bundle: BundleKey) -> list[_Row]:
        return self._bundles_of_strip(bundle.level, bundle.row).get(bundle.column, [])

    def present(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Tell which tiles there are, shape (16384,), row-major; only names are read."""
        found = np.zeros(TILES_PER_BUNDLE, np.bool_)
        for row in self._rows_of(bundle):
            at = (row.row - bundle.row) * PACKET_SIZE - bundle.column
            found[[at + column for column in row.files]] = True
        return found

    def index(self, bundle: BundleKey) -> NDArray[np.int64]:
        """Give the bytes of each tile's file, shape (16384,), row-major, 0 for none.

        Raises:
            TransferError: A file vanished.
        """
        return self._look(bundle)[0]

    def newest(self, bundle: BundleKey) -> float | None:
        """Give the time, seconds since 1970, at which the newest of its tiles was changed; None if it has none.

        Raises:
            TransferError: A file vanished.
        """
        known = self._newest
        return known[1] if known is not None and known[0] == bundle else self._look(bundle)[1]

    def _look(self, bundle: BundleKey) -> tuple[NDArray[np.int64], float | None]:
        """Ask for all files' sizes and times; the newest time is kept, for who wants the sizes often wants it next."""
        sizes = np.zeros(TILES_PER_BUNDLE, np.int64)
        newest: float | None = None
        for row in self._rows_of(bundle):
            at = (row.row - bundle.row) * PACKET_SIZE - bundle.column
            with _opened_folder(self._root / row.folder) as folder:
                for column, name in row.files.items():
                    sizes[at + column], time = folder.size_and_time(name)
                    newest = time if newest is None else max(newest, time)
        self._newest = bundle, newest
        return sizes, newest

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what names and sizes of the files tell; no tile is read.

        Raises:
            TransferError: A file vanished.
        """
        return summary_of_sizes(bundle, self.index(bundle))

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data, row by row.

        Args:
            bundle: Which window.
            wanted: Only these, shape (16384,), row-major; None for all.

        Raises:
            TileError: A tile's file is none, or larger than a tile can be.
            TransferError: A file cannot be read.
        """
        for row in self._rows_of(bundle):
            at = (row.row - bundle.row) * PACKET_SIZE - bundle.column
            with _opened_folder(self._root / row.folder) as folder:
                for column in sorted(row.files):
                    if wanted is None or wanted[at + column]:
                        data = folder.read(row.files[column])
                        if data:
                            yield TileKey(bundle.level, row.row, column), data

    def row_folder(self, level: int, row: int) -> str | None:
        """Give the path of a row's folder; None where there is none."""
        return self._row_folders(level).get(row)

    def files(self, bundle: BundleKey) -> dict[int, str]:
        """Give the paths of a window's tiles, by row-major position.

        Raises:
            TileError: A tile is there twice.
        """
        return {
            (row.row - bundle.row) * PACKET_SIZE + column - bundle.column: f"{row.folder}/{name}"
            for row in self._rows_of(bundle)
            for column, name in row.files.items()
        }

    def reading(self, bundle: BundleKey) -> OpenBundle:
        """Open a window to read its tiles in any order.

        Raises:
            TileError: A tile is there twice.
        """
        files = self.files(bundle)
        return Window(lambda position: self._data(files[position]) or None if position in files else None)

    def _data(self, path: str) -> bytes:
        place = self._root / path
        with _opened_folder(place.parent) as folder:
            return folder.read(place.name)

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile.

        Raises:
            TileError: The tile's file is none, or larger than a tile can be.
            TransferError: The file cannot be read.
        """
        folder = self._row_folders(tile.level).get(tile.row)
        if folder is None:
            return None
        name = self._files_of_row(folder).get(tile.column & -PACKET_SIZE, {}).get(tile.column)
        if name is None:
            return None
        return self._data(f"{folder}/{name}") or None


class _opened_folder:  # noqa: N801  used as a function, in with statements
    """A folder whose files are read by name, without walking its path each time where the system allows."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        if _BY_FOLDER:
            with explained("open the folder", self._place):
                self._descriptor = os.open(self._place, os.O_RDONLY)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _path(self, name: str) -> str | Path:
        return self._place / name if self._descriptor is None else name

    def size_and_time(self, name: str) -> tuple[int, float]:
        """Give a file's bytes, and when it was changed, seconds since 1970.

        Raises:
            TileError: It is no plain file, or larger than a tile can be.
            TransferError: The system does not tell.
        """
        try:
            status = os.stat(self._path(name), dir_fd=self._descriptor)
        except OSError as error:
            raise self._failed(name, error) from error
        self._check(name, status)
        return status.st_size, status.st_mtime

    def read(self, name: str) -> bytes:
        """Give a file's data.

        Raises:
            TileError: It is no plain file, or larger than a tile can be.
            TransferError: It cannot be read, or was cut meanwhile.
        """
        try:
            descriptor = os.open(self._path(name), _PLAIN, dir_fd=self._descriptor)
            try:
                status = os.fstat(descriptor)
                self._check(name, status)
                data = os.read(descriptor, status.st_size)
                while len(data) < status.st_size and (more := os.read(descriptor, status.st_size - len(data))):
                    data += more  # a network file system may answer in pieces
            finally:
                os.close(descriptor)
        except OSError as error:
            if isinstance(error, TilepackError):
                raise
            raise self._failed(name, error) from error
        if len(data) != status.st_size:
            raise TransferError(f"{self._place / name}: was cut while it was being read; start again")
        return data

    def _check(self, name: str, status: os.stat_result) -> None:
        """See that a file can be a tile."""
        if not stat.S_ISREG(status.st_mode):
            raise TileError(f"{self._place / name}: is no plain file; remove it or put the tile back")
        if status.st_size > LARGEST_TILE:
            size = f"has {status.st_size} bytes; a tile has at most {LARGEST_TILE}"
            raise TileError(f"{self._place / name}: {size}, remove it or put the tile back")

    def _failed(self, name: str, error: OSError) -> TransferError:
        return TransferError(f"{self._place / name}: cannot read: {error.strerror}")
