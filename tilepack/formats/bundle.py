"""What both kinds of bundle have in common: where each tile lies, and which claims about that can be true.

In V1 and V2 alike a tile is stored as its length (4 bytes, little endian) followed by its data. A *slot* is both
together; it starts at the length. All positions are bytes from the start of the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilepack.errors import BundleError
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileRange

LENGTH_PREFIX: Final = 4
"""Bytes of the length in front of each tile's data."""

LARGEST_TILE: Final = (1 << 24) - 1
"""A V2 index keeps a size in 24 bits."""

Positions = NDArray[np.int64]


class HeaderDialect(Enum):
    """Two ways in which V2 headers are filled in; readers take both."""

    PAPER = "paper"
    """As in Esri's paper: record count 16384, largest tile as it is. For folders with conf.xml: GDAL before its pull
    request 13580 reads such folders as empty, without an error, when the record count is 0."""
    ARCGIS = "arcgis"
    """As ArcGIS writes: record count 0, largest tile at least 131092. For packages and folders with root.json."""


class HeaderFigures(NamedTuple):
    """What a header says of its bundle beyond what reading it takes."""

    largest: int
    """Bytes of the largest tile."""
    slack: int
    """Bytes of no use, as far as the writer counted them."""
    file_size: int
    """Bytes of the ``.bundle``."""


@dataclass(frozen=True, slots=True)
class TileIndex:
    """Where the tiles of a bundle lie."""

    starts: Positions
    """Start of each tile's slot, shape (16384,), row-major; 0 where there is no tile."""
    sizes: Positions | None
    """Bytes of each tile's data, shape (16384,), 0 where there is no tile; None where only the slots know (V1)."""

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which tiles there are, shape (16384,), row-major."""
        return np.not_equal(self.starts, 0)

    def order(self) -> Positions:
        """Give the row-major positions of the tiles there are in the order in which they are stored."""
        held = np.flatnonzero(self.starts)
        return held[np.argsort(self.starts[held], kind="stable")]


def check_slots(index: TileIndex, *, first: int, file_size: int, bundle: BundleKey, place: str) -> Positions:
    """Check that the slots of an index lie in the bundle, behind the header, and share no byte.

    Where sizes are unknown, a slot is only known to hold its length.

    Args:
        index: The index.
        first: Where the first slot may start.
        file_size: Bytes in the file by the bundle's header, which cannot be more than there are.
        bundle: Names the tiles in messages.
        place: The file, for messages.

    Returns:
        The positions of the tiles there are, in stored order.

    Raises:
        BundleError: A slot lies elsewhere, or two overlap.
    """
    order = index.order()
    if not order.size:
        return order
    starts = index.starts[order]
    ends = starts + LENGTH_PREFIX
    if index.sizes is not None:
        ends = ends + index.sizes[order]
    if starts[0] < first:
        raise BundleError(
            f"{place}: tile {bundle.tile(int(order[0]))} is said to start at byte {starts[0]}, inside the header, "
            f"which ends at {first}; the index is damaged, take the bundle from a backup"
        )
    beyond = np.flatnonzero(ends > file_size)
    if beyond.size:
        at = beyond[0]
        raise BundleError(
            f"{place}: tile {bundle.tile(int(order[at]))} is said to lie at bytes {starts[at]} to {ends[at]}, but "
            f"by its header the bundle ends at {file_size}; one of them is damaged, take the bundle from a backup"
        )
    overlap = np.flatnonzero(ends[:-1] > starts[1:])
    if overlap.size:
        raise overlapping(bundle, int(order[overlap[0]]), int(order[overlap[0] + 1]), place)
    return order


def overlapping(bundle: BundleKey, first: int, second: int, place: str) -> BundleError:
    """Make the error for two tiles, given by position, that claim the same bytes."""
    return BundleError(
        f"{place}: tiles {bundle.tile(first)} and {bundle.tile(second)} claim the same bytes; the index is damaged, "
        f"take the bundle from a backup"
    )


def lengths_differ(bundle: BundleKey, position: int, size: int, length: int, place: str) -> BundleError:
    """Make the error for a V2 tile whose index entry and length contradict each other."""
    return BundleError(
        f"{place}: tile {bundle.tile(position)} has {size} bytes by the index, {length} by the length in front of it; "
        f"one of them is damaged, take the bundle from a backup"
    )


def occupied(present: NDArray[np.bool_], bundle: BundleKey) -> TileRange:
    """Give the smallest rectangle that holds the tiles there are; an empty one when there is none."""
    grid = present.reshape(PACKET_SIZE, PACKET_SIZE)
    rows = np.flatnonzero(grid.any(axis=1))
    columns = np.flatnonzero(grid.any(axis=0))
    if not rows.size:
        return TileRange(
            level=bundle.level,
            row_start=bundle.row,
            row_stop=bundle.row,
            column_start=bundle.column,
            column_stop=bundle.column,
        )
    return TileRange(
        level=bundle.level,
        row_start=bundle.row + int(rows[0]),
        row_stop=bundle.row + int(rows[-1]) + 1,
        column_start=bundle.column + int(columns[0]),
        column_stop=bundle.column + int(columns[-1]) + 1,
    )


def transpose(values: Positions) -> Positions:
    """Turn row-major positions into column-major ones, and back."""
    return np.ascontiguousarray(values.reshape(PACKET_SIZE, PACKET_SIZE).T).reshape(TILES_PER_BUNDLE)
