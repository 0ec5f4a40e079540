"""Names of tiles and bundles, and rectangles of tiles.

Rows count downwards and columns to the right from the tile origin (the upper left corner); both start at 0. A bundle is
a square of 128 x 128 tiles whose first row and column are multiples of 128.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

PACKET_SIZE = 128
"""Tiles along each side of a bundle. Only 128 was ever seen in compact caches."""

TILES_PER_BUNDLE = PACKET_SIZE * PACKET_SIZE
"""Tiles that a bundle has place for."""

LAST_ROW = (1 << 32) - 1
"""Largest row and column: V1 headers hold them in 32 bits, exploded caches in eight hex digits."""


class TileKey(NamedTuple):
    """One tile of a cache: its level (LevelID), row and column."""

    level: int
    row: int
    column: int

    def __str__(self) -> str:
        return f"{self.level}/{self.row}/{self.column}"

    @property
    def bundle(self) -> BundleKey:
        """The bundle this tile belongs to."""
        return BundleKey(self.level, self.row & -PACKET_SIZE, self.column & -PACKET_SIZE)


@dataclass(frozen=True, slots=True, order=True)
class BundleKey:
    """One bundle: its level and the row and column of its first (upper left) tile."""

    level: int
    """LevelID."""
    row: int
    """First tile row, a multiple of 128."""
    column: int
    """First tile column, a multiple of 128."""

    def __post_init__(self) -> None:
        if self.level < 0 or self.row < 0 or self.column < 0:
            raise ValueError(f"level, row and column start at 0, not {self.level}, {self.row}, {self.column}")
        if self.row % PACKET_SIZE or self.column % PACKET_SIZE:
            raise ValueError(f"a bundle starts at multiples of {PACKET_SIZE}, not {self.row}, {self.column}")

    def __str__(self) -> str:
        return f"L{self.level:02d}/R{self.row:04x}C{self.column:04x}"

    def tiles(self) -> TileRange:
        """Give the rectangle of its 128 x 128 tiles."""
        return TileRange(
            level=self.level,
            row_start=self.row,
            row_stop=self.row + PACKET_SIZE,
            column_start=self.column,
            column_stop=self.column + PACKET_SIZE,
        )

    def tile(self, position: int) -> TileKey:
        """Name the tile at a row-major position, 0 to 16383, in this bundle."""
        return TileKey(self.level, self.row + position // PACKET_SIZE, self.column + position % PACKET_SIZE)

    def position(self, tile: TileKey) -> int:
        """Give a tile's row-major position in this bundle, 0 to 16383.

        Raises:
            ValueError: The tile lies in another bundle.
        """
        level, row, column = tile
        row, column = row - self.row, column - self.column
        if not (0 <= row < PACKET_SIZE and 0 <= column < PACKET_SIZE) or level != self.level:  # asked of every tile
            raise ValueError(f"tile {tile} lies in {tile.bundle}, not in {self}")
        return row * PACKET_SIZE + column


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRange:
    """A rectangle of tiles of one level."""

    level: int
    """LevelID."""
    row_start: int
    """First row."""
    row_stop: int
    """Row behind the last."""
    column_start: int
    """First column."""
    column_stop: int
    """Column behind the last."""

    @property
    def count(self) -> int:
        """Number of tiles in the rectangle, 0 when it is empty."""
        return max(0, self.row_stop - self.row_start) * max(0, self.column_stop - self.column_start)

    def __contains__(self, tile: TileKey) -> bool:
        return (
            tile.level == self.level
            and self.row_start <= tile.row < self.row_stop
            and self.column_start <= tile.column < self.column_stop
        )

    @classmethod
    def of(cls, tile: TileKey) -> TileRange:
        """Give the rectangle of one tile."""
        level, row, column = tile
        return cls(level=level, row_start=row, row_stop=row + 1, column_start=column, column_stop=column + 1)

    @classmethod
    def around(cls, level: int, ranges: Collection[TileRange]) -> TileRange | None:
        """Give the smallest rectangle that holds all of a level's rectangles; None when they hold no tile."""
        held = [tiles for tiles in ranges if tiles.count]
        if not held:
            return None
        return cls(
            level=level,
            row_start=min(tiles.row_start for tiles in held),
            row_stop=max(tiles.row_stop for tiles in held),
            column_start=min(tiles.column_start for tiles in held),
            column_stop=max(tiles.column_stop for tiles in held),
        )

    def intersection(self, other: TileRange) -> TileRange | None:
        """Give the shared rectangle of two of one level; None when they share no tile.

        Raises:
            ValueError: They are of two levels.
        """
        if self.level != other.level:
            raise ValueError(f"tiles of levels {self.level} and {other.level} have nothing in common")
        common = TileRange(
            level=self.level,
            row_start=max(self.row_start, other.row_start),
            row_stop=min(self.row_stop, other.row_stop),
            column_start=max(self.column_start, other.column_start),
            column_stop=min(self.column_stop, other.column_stop),
        )
        return common if common.count else None

    @property
    def bundle_count(self) -> int:
        """Number of bundles that the rectangle meets, 0 when it is empty; nothing is counted one by one."""
        if not self.count:
            return 0
        rows = (self.row_stop - 1) // PACKET_SIZE - self.row_start // PACKET_SIZE + 1
        columns = (self.column_stop - 1) // PACKET_SIZE - self.column_start // PACKET_SIZE + 1
        return rows * columns

    def bundles(self) -> Iterator[BundleKey]:
        """Yield the bundles that the rectangle meets, row by row."""
        if not self.count:
            return
        for row in range(self.row_start & -PACKET_SIZE, self.row_stop, PACKET_SIZE):
            for column in range(self.column_start & -PACKET_SIZE, self.column_stop, PACKET_SIZE):
                yield BundleKey(self.level, row, column)
