"""Which tiles are expected on a level: those with at least one pixel centre inside the area or rectangle.

Rectangles are reckoned with, however large; areas are asked by bundles first, then by the tiles of those that their
edge crosses. A rectangle follows the rule of the masks: a centre on its upper or left edge is inside, on its lower or
right edge outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tilepack.aoi import AreaOfInterest
from tilepack.errors import AreaOfInterestError
from tilepack.extent import Extent
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileRange
from tilepack.pixels.coverage import Coverage
from tilepack.pixels.mask import PixelGrid
from tilepack.scheme import TilingScheme

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_GRID_END: Final = 1 << 31
"""Rows and columns from here on are expected of no cache: at a centimetre a pixel the Earth takes 2**24."""

_AT_ONCE: Final = 1 << 20
"""Bundles classified at once."""

_MOST_LOOKED_AT: Final = 1 << 24
"""Bundles in an area's box that are looked at, some hundred billion tiles."""

_GAP: Final = 4
"""Bundles between two on an area's edge up to which they are asked together."""

_RUN: Final = 64
"""Bundles asked together at most."""


@dataclass(frozen=True, slots=True)
class ExpectedBundles:
    """The bundles of a level of which tiles are expected, by row, then column."""

    rows: Integers
    """First tile row of each."""
    columns: Integers
    """First tile column of each."""
    tiles: Integers
    """Number of tiles expected of each, 1 to 16384."""
    boxes: Integers
    """Smallest rectangle around them, (n, 4): first row, row behind the last, first column, column behind the last."""


class Expected(Protocol):
    """The tiles expected on one level."""

    tiles: int
    """Their number."""
    bundle_count: int
    """Number of bundles that they lie in."""

    def bundles(self) -> ExpectedBundles:
        """Give the bundles that they lie in."""

    def meets(self, bundle: BundleKey) -> bool:
        """Tell whether any tile of a bundle is expected."""

    def among(self, bundle: BundleKey, held: TileRange) -> Flags | bool:
        """Tell which of a bundle's tiles are expected.

        Args:
            bundle: The bundle.
            held: Rectangle of it that is asked about.

        Returns:
            True for all of them, False for none, else flags, shape (16384,), row-major.
        """


class ExpectedRectangle:
    """All tiles of a rectangle."""

    def __init__(self, tiles: TileRange) -> None:
        self._range = tiles
        self.tiles = tiles.count
        self.bundle_count = tiles.bundle_count

    def bundles(self) -> ExpectedBundles:
        """Give the bundles that the rectangle meets."""
        tiles = self._range
        if not tiles.count:
            return _no_bundles()
        rows, top, bottom = _cut(tiles.row_start, tiles.row_stop)
        columns, left, right = _cut(tiles.column_start, tiles.column_stop)
        across, down = columns.size, rows.size
        boxes = (np.repeat(top, across), np.repeat(bottom, across), np.tile(left, down), np.tile(right, down))
        return ExpectedBundles(
            rows=np.repeat(rows, across),
            columns=np.tile(columns, down),
            tiles=np.outer(bottom - top, right - left).reshape(-1),
            boxes=np.stack(boxes, axis=1),
        )

    def meets(self, bundle: BundleKey) -> bool:
        """Tell whether any tile of a bundle is expected."""
        tiles = self._range
        return (
            tiles.count > 0
            and bundle.row < tiles.row_stop
            and tiles.row_start < bundle.row + PACKET_SIZE
            and bundle.column < tiles.column_stop
            and tiles.column_start < bundle.column + PACKET_SIZE
        )

    def among(self, bundle: BundleKey, held: TileRange) -> Flags | bool:
        """Tell which of a bundle's tiles are expected: True for all in a rectangle of it, False for none, or flags."""
        tiles = self._range
        if (
            tiles.row_start <= held.row_start
            and held.row_stop <= tiles.row_stop
            and tiles.column_start <= held.column_start
            and held.column_stop <= tiles.column_stop
        ):
            return True
        flags = np.zeros((PACKET_SIZE, PACKET_SIZE), np.bool_)
        rows = slice(max(0, tiles.row_start - bundle.row), max(0, tiles.row_stop - bundle.row))
        columns = slice(max(0, tiles.column_start - bundle.column), max(0, tiles.column_stop - bundle.column))
        flags[rows, columns] = True
        return flags.reshape(TILES_PER_BUNDLE) if flags.any() else False


class ExpectedArea:
    """The tiles of a level with a pixel inside an area."""

    def __init__(self, area: AreaOfInterest, level: int, place: str) -> None:
        """Look at the bundles in an area's box.

        Args:
            area: The area.
            level: LevelID.
            place: What the area is laid on, for messages.

        Raises:
            AreaOfInterestError: There are more than can be looked at.
        """
        self._area = area
        box = _on_grid(area.tiles(level))
        if box.bundle_count > _MOST_LOOKED_AT:
            raise AreaOfInterestError(
                f"{place}: {box.bundle_count:,} bundles lie in the area's box on level {level}, too many to look at; "
                "check the area's spatial reference, or choose coarser levels"
            )
        found = [self._look(part) for part in _parts(box)]
        self._found = _in_order(found) if found else _no_bundles()
        self._keys = key_of(self._found.rows, self._found.columns)
        self.tiles = int(self._found.tiles.sum())
        self.bundle_count = self._keys.size

    def bundles(self) -> ExpectedBundles:
        """Give the bundles in which a tile has a pixel inside."""
        return self._found

    def meets(self, bundle: BundleKey) -> bool:
        """Tell whether any tile of a bundle is expected."""
        return self._find(bundle) is not None

    def among(self, bundle: BundleKey, held: TileRange) -> Flags | bool:
        """Tell which of a bundle's tiles are expected: True for all in a rectangle of it, False for none, or flags."""
        at = self._find(bundle)
        if at is None:
            return False
        if self._found.tiles[at] == TILES_PER_BUNDLE:
            return True
        flags = np.zeros((PACKET_SIZE, PACKET_SIZE), np.bool_)
        rows = slice(held.row_start - bundle.row, held.row_stop - bundle.row)
        columns = slice(held.column_start - bundle.column, held.column_stop - bundle.column)
        flags[rows, columns] = self._area.tiles_with_pixels(held)
        return flags.reshape(TILES_PER_BUNDLE)

    def _find(self, bundle: BundleKey) -> int | None:
        key = int(key_of(np.int64(bundle.row), np.int64(bundle.column)))
        at = int(np.searchsorted(self._keys, key))
        return at if at < self._keys.size and self._keys[at] == key else None

    def _look(self, tiles: TileRange) -> ExpectedBundles:
        """Classify bundles as wholes, and count the tiles of those that an edge crosses."""
        cover = self._area.bundle_coverage(tiles)
        first_row, first_column = tiles.row_start // PACKET_SIZE, tiles.column_start // PACKET_SIZE
        down, right = np.nonzero(cover == Coverage.INSIDE)
        rows, columns = (first_row + down) * PACKET_SIZE, (first_column + right) * PACKET_SIZE
        whole = ExpectedBundles(
            rows=rows,
            columns=columns,
            tiles=np.full(rows.size, TILES_PER_BUNDLE, np.int64),
            boxes=np.stack((rows, rows + PACKET_SIZE, columns, columns + PACKET_SIZE), axis=1),
        )
        found = [whole]
        for row in np.flatnonzero((cover == Coverage.CROSSING).any(axis=1)).tolist():
            crossed = np.flatnonzero(cover[row] == Coverage.CROSSING)
            apart = (np.diff(crossed) > _GAP) | (np.diff(crossed // _RUN) > 0)
            found += [
                self._look_closer(tiles.level, first_row + row, first_column + run)
                for run in np.split(crossed, np.flatnonzero(apart) + 1)
            ]
        return _joined(found)

    def _look_closer(self, level: int, row: int, columns: Integers) -> ExpectedBundles:
        """Count the tiles of bundles near one another in a row, given in bundles."""
        start, stop = int(columns[0]), int(columns[-1]) + 1
        tiles = TileRange(
            level=level,
            row_start=row * PACKET_SIZE,
            row_stop=(row + 1) * PACKET_SIZE,
            column_start=start * PACKET_SIZE,
            column_stop=stop * PACKET_SIZE,
        )
        some = self._area.tiles_with_pixels(tiles)
        blocks = some.reshape(PACKET_SIZE, stop - start, PACKET_SIZE).swapaxes(0, 1)[columns - start]
        counts = np.count_nonzero(blocks, axis=(1, 2))
        blocks, columns, counts = blocks[counts > 0], columns[counts > 0] * PACKET_SIZE, counts[counts > 0]
        rows = np.full(columns.size, row * PACKET_SIZE, np.int64)
        top, bottom = _ends(blocks.any(axis=2))
        left, right = _ends(blocks.any(axis=1))
        boxes = np.stack((rows + top, rows + bottom, columns + left, columns + right), axis=1)
        return ExpectedBundles(rows=rows, columns=columns, tiles=counts.astype(np.int64), boxes=boxes)


def tiles_with_centres(scheme: TilingScheme, extent: Extent, level: int) -> TileRange:
    """Give the tiles of a level that have at least one pixel centre in a rectangle.

    Raises:
        TilingSchemeError: The level is not in the scheme.
    """
    grid = PixelGrid(scheme.origin_x, scheme.origin_y, scheme.level(level).resolution)
    with np.errstate(over="ignore"):  # documents may declare extents beyond any map
        top, bottom = grid.rows_from(np.array([extent.ymax, extent.ymin])).tolist()
        left, right = grid.columns_from(np.array([extent.xmin, extent.xmax])).tolist()
    tiles = TileRange(
        level=level,
        row_start=top // scheme.tile_height,
        row_stop=-(-bottom // scheme.tile_height) if bottom > top else top // scheme.tile_height,
        column_start=left // scheme.tile_width,
        column_stop=-(-right // scheme.tile_width) if right > left else left // scheme.tile_width,
    )
    return _on_grid(tiles)


def key_of(rows: Integers | np.int64, columns: Integers | np.int64) -> Integers:
    """Number bundles in the order of their rows, then columns."""
    return np.asarray((rows // PACKET_SIZE << 32) + columns // PACKET_SIZE, dtype=np.int64)


def _on_grid(tiles: TileRange) -> TileRange:
    """Leave out what lies where no cache can have tiles."""
    return TileRange(
        level=tiles.level,
        row_start=max(0, tiles.row_start),
        row_stop=min(_GRID_END, tiles.row_stop),
        column_start=max(0, tiles.column_start),
        column_stop=min(_GRID_END, tiles.column_stop),
    )


def _parts(tiles: TileRange) -> list[TileRange]:
    """Part a rectangle of tiles into such as hold no more bundles than are classified at once."""
    if not tiles.count:
        return []
    across = min(_AT_ONCE, -(-tiles.column_stop // PACKET_SIZE) - tiles.column_start // PACKET_SIZE)
    down = max(1, _AT_ONCE // across)
    return [
        TileRange(
            level=tiles.level,
            row_start=row,
            row_stop=min(row + down * PACKET_SIZE, tiles.row_stop),
            column_start=column,
            column_stop=min(column + across * PACKET_SIZE, tiles.column_stop),
        )
        for row in range(tiles.row_start & -PACKET_SIZE, tiles.row_stop, down * PACKET_SIZE)
        for column in range(tiles.column_start & -PACKET_SIZE, tiles.column_stop, across * PACKET_SIZE)
    ]


def _cut(start: int, stop: int) -> tuple[Integers, Integers, Integers]:
    """Cut a run of tiles into bundles: where each bundle starts, and where the run starts and stops in it."""
    bundles = np.arange(start & -PACKET_SIZE, stop, PACKET_SIZE, dtype=np.int64)
    return bundles, np.maximum(bundles, start), np.minimum(bundles + PACKET_SIZE, stop)


def _ends(flags: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Give the first that is set along each row of flags (n, 128), and the one behind the last."""
    first = flags.argmax(axis=1).astype(np.int64)
    return first, PACKET_SIZE - flags[:, ::-1].argmax(axis=1).astype(np.int64)


def _no_bundles() -> ExpectedBundles:
    none = np.empty(0, np.int64)
    return ExpectedBundles(rows=none, columns=none, tiles=none, boxes=np.empty((0, 4), np.int64))


def _joined(found: list[ExpectedBundles]) -> ExpectedBundles:
    return ExpectedBundles(
        rows=np.concatenate([each.rows for each in found]),
        columns=np.concatenate([each.columns for each in found]),
        tiles=np.concatenate([each.tiles for each in found]),
        boxes=np.concatenate([each.boxes for each in found]),
    )


def _in_order(found: list[ExpectedBundles]) -> ExpectedBundles:
    every = _joined(found)
    order = np.argsort(key_of(every.rows, every.columns), kind="stable")
    return ExpectedBundles(every.rows[order], every.columns[order], every.tiles[order], every.boxes[order])
