"""Reading MBTiles: an SQLite database with a table or view ``tiles``, a row a tile, rows counted from the bottom.

=================  ======================================================================
``tiles``          zoom_level, tile_column, tile_row (integers), tile_data (blob)
``metadata``       name, value (texts)
=================  ======================================================================

Where equal tiles are stored once, ``tiles`` is a view over two tables, mostly ``map`` and ``images``; where it is a
table, tiles come in the order of their rows in it. Source: the MBTiles 1.3 specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import StorageFormat
from tilepack.disk.sqlite import SqliteFile
from tilepack.errors import BundleError, MetadataError, TileError
from tilepack.formats.bundle import LARGEST_TILE
from tilepack.keys import PACKET_SIZE, BundleKey, TileKey
from tilepack.metadata.documents import shown
from tilepack.metadata.web_mercator import LAST_ZOOM
from tilepack.metadata.web_metadata import parse_web_metadata
from tilepack.stores.documents import OpeningWarning
from tilepack.stores.web.reader import Sizes, WebReader, lay_out

_COLUMNS: Final = ("zoom_level", "tile_column", "tile_row", "tile_data")
_ROWID_NAMES: Final = {"rowid", "oid", "_rowid_"}

_MOST_ITEMS: Final = 10_000
"""Rows of the metadata; real ones have a dozen."""
_MOST_TEXT: Final = 64 << 20
"""Characters of it."""

_SAMPLED: Final = 2
"""Tiles of each zoom whose first bytes are looked at when the file is opened."""

_START: Final = 4096
"""Bytes of a tile that tell what it is."""

_DENSE: Final = 4
"""Rows that a scan may pass over for one that is wanted: cheaper than to look for it."""

_KNOWN_TABLES: Final = ("tiles", "metadata", "images", "map", "android_metadata")
"""What an MBTiles holds that is written anew, or that nobody misses."""

_SCHEMA: Final = "select type from sqlite_master where lower(name) = 'tiles' and type in ('table', 'view')"
_SCAN: Final = "select rowid, tile_data from tiles where rowid between ? and ?"
_WINDOW: Final = "zoom_level = ? and tile_column between ? and ? and tile_row between ? and ?"
_TILE: Final = "select tile_data from tiles where zoom_level = ? and tile_column = ? and tile_row = ? limit 2"


class MbtilesReader(WebReader):
    """An MBTiles file, open for reading."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Args:
            path: The file.

        Raises:
            BundleError: It is no SQLite database, or damaged, or holds no tiles of MBTiles.
            TransferError: It cannot be read.
        """
        super().__init__(str(path))
        self._file = SqliteFile(path)
        self._windows: dict[int, list[BundleKey]] = {}
        self.is_deduped = False
        """Whether the tiles are a view, as where equal ones are stored once."""
        try:
            self._has_rowids = self._look_at_schema()
            self._levels = self._find_levels()
            said = parse_web_metadata(self._metadata(), place=f"{path}: metadata")
            self._describe(said, StorageFormat.MBTILES, path.stem, self._starts(), "metadata")
        except BaseException:
            self.close()
            raise

    def _look_at_schema(self) -> bool:
        """See that there are tiles, and whether in a view; tell whether they have row numbers."""
        found = self._file.all(_SCHEMA)
        columns = [str(row[1]).lower() for row in self._file.all("pragma table_info(tiles)")] if found else []
        missing = [name for name in _COLUMNS if name not in columns]
        if missing:
            lacks = f"a table tiles with {', '.join(missing)}" if found else "a table tiles"
            raise BundleError(f"{self.place}: is an SQLite database without {lacks}; it is no MBTiles")
        self.is_deduped = found[0][0] != "table"
        if self.is_deduped or _ROWID_NAMES & set(columns):
            return False
        try:
            self._file.all("select rowid from tiles limit 0")
        except BundleError:  # made without
            return False
        return True

    def foreign_tables(self) -> list[str]:
        """Name the tables that hold something and are none of MBTiles' tiles and metadata, such as grids.

        Raises:
            BundleError: The database is damaged.
        """
        found = self._file.all(
            "select name, type, sql from sqlite_master where type in ('table', 'view') order by name"
        )
        view = " ".join(
            str(sql).lower() for name, kind, sql in found if kind == "view" and str(name).lower() == "tiles"
        )
        foreign = []
        for name in (str(name) for name, _, _ in found):
            known = name.lower() in _KNOWN_TABLES or name.lower().startswith("sqlite_") or name.lower() in view
            if not known and self._holds_rows(name):
                foreign.append(name)
        return foreign

    def _holds_rows(self, name: str) -> bool:
        """Tell whether a table has rows; one that cannot be looked at counts as one that has."""
        quoted = name.replace('"', '""')
        try:
            return bool(self._file.all(f'select 1 from "{quoted}" limit 1'))  # noqa: S608  a name out of the file
        except BundleError:
            return True

    def _find_levels(self) -> list[int]:
        found: list[int] = []
        ends = self._file.all("select (select min(zoom_level) from tiles), (select max(zoom_level) from tiles)")[0]
        for zoom in ends:
            if zoom is not None and not (isinstance(zoom, int) and 0 <= zoom <= LAST_ZOOM):
                raise BundleError(
                    f"{self.place}: a tile has the zoom_level {shown(zoom)}; zooms are whole numbers from 0 to "
                    f"{LAST_ZOOM}, remove it"
                )
        zoom = ends[0]
        while zoom is not None:
            if not isinstance(zoom, int):
                raise BundleError(f"{self.place}: a tile has the zoom_level {shown(zoom)}, no whole number; remove it")
            found.append(zoom)
            zoom = self._file.all("select min(zoom_level) from tiles where zoom_level > ?", zoom)[0][0]
        return found

    def _metadata(self) -> dict[str, Any]:
        """Give the metadata as texts by name; of a name that is there twice, the first."""
        try:
            rows = self._file.rows("select name, value from metadata limit ?", _MOST_ITEMS)
            found: dict[str, Any] = {}
            size = 0
            for name, value in rows:
                text = value if isinstance(value, str) else "" if value is None else str(value)
                size += len(text)
                if size > _MOST_TEXT:
                    raise MetadataError(
                        f"{self.place}: its metadata has more than {_MOST_TEXT} characters; cut it down"
                    )
                found.setdefault(str(name), text)
        except BundleError as error:
            self.warnings.append(OpeningWarning("document-malformed", f"{error}; read without metadata"))
            return {}
        return found

    def _starts(self) -> Iterator[bytes]:
        statement = f"select substr(tile_data, 1, {_START}) from tiles where zoom_level = ? limit {_SAMPLED}"  # noqa: S608
        for level in self._levels:
            for (data,) in self._file.all(statement, level):
                if isinstance(data, bytes):
                    yield data

    def levels(self) -> list[int]:
        """Give the zooms that hold tiles, ascending."""
        return list(self._levels)

    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the windows that hold any, by row, then column.

        Raises:
            TileError: A tile has a row or column that its zoom has not.
        """
        if level not in self._levels:
            return []
        if level not in self._windows:
            last = (1 << level) - 1
            rows = self._file.all(
                "select tile_column >> 7, (? - tile_row) >> 7, min(tile_column), max(tile_column), min(tile_row), "
                "max(tile_row) from tiles where zoom_level = ? group by 1, 2",
                last,
                level,
            )
            for row in rows:
                for value in row[2:]:
                    if not (isinstance(value, int) and 0 <= value <= last):
                        raise TileError(
                            f"{self.place}: a tile of zoom {level} has the row or column {shown(value)}; there they go "
                            f"from 0 to {last}, remove it"
                        )
            self._windows[level] = sorted(
                BundleKey(level, row * PACKET_SIZE, column * PACKET_SIZE) for column, row, *_ in rows
            )
        return list(self._windows[level])

    def _bounds(self, bundle: BundleKey) -> tuple[int, int, int, int, int]:
        """Give zoom, first and last column, first and last row of a window as the file counts them."""
        last = (1 << bundle.level) - 1
        end = PACKET_SIZE - 1
        return bundle.level, bundle.column, bundle.column + end, last - bundle.row - end, last - bundle.row

    def _located(self, bundle: BundleKey, what: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the row-major positions of a window's tiles, and something of each that is a whole number."""
        rows = self._file.all(
            f"select tile_column, tile_row, {what} from tiles where {_WINDOW}",  # noqa: S608  texts of this module
            *self._bounds(bundle),
        )
        found = np.array(rows or np.zeros((0, 3), np.int64))
        if found.dtype != np.int64:
            raise TileError(f"{self.place}: a tile in {bundle} has a row or column that is no whole number; remove it")
        down = (1 << bundle.level) - 1 - found[:, 1] - bundle.row
        return down * PACKET_SIZE + found[:, 0] - bundle.column, found[:, 2]

    def _measure(self, bundle: BundleKey) -> Sizes:
        at, sizes = self._located(bundle, "coalesce(length(tile_data), 0)")
        return lay_out(bundle, at, sizes, place=self.place, largest=LARGEST_TILE)

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data as they lie in the table; of a view, row by row.

        Args:
            bundle: Which window.
            wanted: Only these, shape (16384,), row-major; None for all.

        Raises:
            TileError: A tile's data is none.
            BundleError: The database is damaged.
        """
        at, rowids = self._located(bundle, "rowid" if self._has_rowids else "0")
        if wanted is not None:
            keep = wanted[at]
            at, rowids = at[keep], rowids[keep]
        if not self._has_rowids:
            for position in np.sort(at).tolist():
                tile = bundle.tile(position)
                data = self.read(tile)
                if data is not None:
                    yield tile, data
            return
        order = np.argsort(rowids)
        at, rowids = at[order], rowids[order]
        for run in _runs(rowids):
            yield from self._scan(bundle, at[run], rowids[run])

    def _scan(
        self, bundle: BundleKey, at: NDArray[np.int64], rowids: NDArray[np.int64]
    ) -> Iterator[tuple[TileKey, bytes]]:
        """Yield the tiles of some rows that lie near one another."""
        names = dict(zip(rowids.tolist(), at.tolist(), strict=True))
        level, row, column = bundle.level, bundle.row, bundle.column
        first, last = int(rowids[0]), int(rowids[-1])
        for rowid, data in self._file.rows(_SCAN, first, last):
            position = names.get(rowid)
            if position is not None:
                tile = TileKey(level, row + position // PACKET_SIZE, column + position % PACKET_SIZE)
                if self._is_data(tile, data):
                    yield tile, data

    def _is_data(self, tile: TileKey, data: object) -> bool:
        if data is not None and not isinstance(data, bytes):
            raise TileError(f"{self.place}: the data of tile {tile} is {type(data).__name__} and no blob; remove it")
        if data and len(data) > LARGEST_TILE:
            raise TileError(f"{self.place}: tile {tile} has {len(data)} bytes; a tile has at most {LARGEST_TILE}")
        return bool(data)

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile.

        Raises:
            TileError: Its data is none, or it is there twice.
        """
        if tile.level not in self._levels:
            return None
        last = (1 << tile.level) - 1
        rows = self._file.all(_TILE, tile.level, tile.column, last - tile.row) if tile.row <= last else []
        if len(rows) > 1:
            raise TileError(f"{self.place}: tile {tile} is there twice; keep the one that is right")
        if not rows or not self._is_data(tile, rows[0][0]):
            return None
        data: bytes = rows[0][0]
        return data

    def faults(self, most: int) -> list[str]:
        """Let SQLite look at all of the file, and give what it finds wrong, in its own words.

        Args:
            most: Faults after which it stops.
        """
        try:
            found = [str(row[0]) for row in self._file.all(f"pragma integrity_check({most})")]
        except BundleError as error:
            return [str(error)]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _runs(rowids: NDArray[np.int64]) -> Iterator[slice]:
    """Part ascending row numbers where the gaps are so wide that a scan would pass over too much."""
    breaks = np.flatnonzero(np.diff(rowids) > _DENSE) + 1
    edges = [0, *breaks.tolist(), rowids.size]
    for start, stop in pairwise(edges):
        if stop > start:
            yield slice(start, stop)
