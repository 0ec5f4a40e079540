"""The extents that caches declare, and the one that a new target is to declare.

A new target's starts with the box of the finest level's tiles; a coarser level widens it only by tiles that the box so
far does not meet. One tile at level 0 must not make the extent the world: ArcGIS Online counts bundles from the
declared extent, and refuses a package with more than 40,000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tilepack.extent import Extent
from tilepack.formats.bundle import occupied
from tilepack.keys import PACKET_SIZE, BundleKey, TileRange
from tilepack.scheme import TilingScheme
from tilepack.stores.base import TileReader

Occupied = tuple[BundleKey, TileRange]
"""A bundle and the rectangle of its tiles."""

_DEGREES: Final = "degrees"
"""What the name of a document says whose extent is in them; see ``TileReader.declared``."""


class Declaring(Protocol):
    """What has documents that declare extents."""

    declared: list[tuple[str, Extent]]
    """See ``TileReader``."""


def tile_box(scheme: TilingScheme, bundles: Sequence[Occupied]) -> Extent | None:
    """Give the extent of all tiles of one level; None when there are none."""
    whole = TileRange.around(bundles[0][0].level, [tiles for _, tiles in bundles]) if bundles else None
    return scheme.range_extent(whole) if whole else None


def declared_extent(
    scheme: TilingScheme,
    levels: Mapping[int, Sequence[Occupied]],
    present: Callable[[BundleKey], NDArray[np.bool_]],
) -> Extent | None:
    """Give the extent to declare for the tiles of some levels.

    Args:
        scheme: The grid.
        levels: Bundles with the rectangles of their tiles, by LevelID.
        present: Tells which tiles of a bundle there are, shape (16384,); asked only where it matters.

    Returns:
        The extent in map units, or None when there is no tile.
    """
    finest_first = sorted(levels, key=lambda level: scheme.level(level).resolution)
    box: Extent | None = None
    for level in finest_first:
        if box is None:
            box = tile_box(scheme, levels[level])
            continue
        met = scheme.tiles_in(box, level)
        outside = [(bundle, _outside(bundle, tiles, met, present)) for bundle, tiles in levels[level]]
        more = tile_box(scheme, outside)
        if more is not None:
            box = box.union(more)
    return box


def extent_of_tiles(reader: TileReader) -> Extent | None:
    """Give the extent that a new target of all tiles of a cache would declare; None where there are none.

    Raises:
        BundleError: A bundle is malformed.
    """
    scheme = reader.info.scheme
    levels = {
        level: [(bundle, reader.summary(bundle).occupied) for bundle in reader.bundles(level)]
        for level in reader.levels()
        if level in scheme.level_ids
    }
    return declared_extent(scheme, levels, reader.present)


def declared_in_map_units(reader: Declaring) -> list[tuple[str, Extent]]:
    """Give the extents that documents declare in map units, each with its document's name."""
    return [(name, extent) for name, extent in reader.declared if _DEGREES not in name]


def declared_in_degrees(reader: Declaring) -> list[tuple[str, Extent]]:
    """Give those that they declare in degrees, likewise."""
    return [(name, extent) for name, extent in reader.declared if _DEGREES in name]


def _outside(
    bundle: BundleKey, tiles: TileRange, met: TileRange, present: Callable[[BundleKey], NDArray[np.bool_]]
) -> TileRange:
    """Give the rectangle of a bundle's tiles that lie outside another rectangle."""
    inside = (
        met.row_start <= tiles.row_start
        and tiles.row_stop <= met.row_stop
        and met.column_start <= tiles.column_start
        and tiles.column_stop <= met.column_stop
    )
    if inside or not tiles.count:
        return occupied(np.zeros(PACKET_SIZE * PACKET_SIZE, np.bool_), bundle)
    there = present(bundle).reshape(PACKET_SIZE, PACKET_SIZE).copy()
    rows = slice(max(0, met.row_start - bundle.row), max(0, met.row_stop - bundle.row))
    columns = slice(max(0, met.column_start - bundle.column), max(0, met.column_stop - bundle.column))
    there[rows, columns] = False
    return occupied(there, bundle)
