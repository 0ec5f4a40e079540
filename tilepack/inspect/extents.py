"""When a declared extent fits what is there, and when two of them say the same."""

from __future__ import annotations

from typing import Final

from tilepack.extent import Extent
from tilepack.keys import TileRange

_SUPERTILE: Final = 16
"""Tiles by which ArcGIS oversteps an extent as a matter of course: it makes 4096 x 4096 pixels at a time."""

_DEGREE_SLACK: Final = 0.01
"""Part of an extent by which its corners in degrees may differ from the description's."""

_FAR_LARGER: Final = 4
"""Times as many bundles as the tiles fill, from which a declared extent is said to be far larger."""


def oversteps(tiles: TileRange, declared: TileRange) -> bool:
    """Tell whether tiles reach further over a declared rectangle than ArcGIS' own way of making them explains."""
    return (
        tiles.row_start < declared.row_start - _SUPERTILE
        or tiles.row_stop > declared.row_stop + _SUPERTILE
        or tiles.column_start < declared.column_start - _SUPERTILE
        or tiles.column_stop > declared.column_stop + _SUPERTILE
    )


def far_larger(declared: TileRange, tiles: TileRange) -> bool:
    """Tell whether a declared rectangle has many times the bundles of the one that tiles fill.

    ArcGIS Online counts bundles from the declared extent, and refuses a package with more than 40,000.
    """
    return declared.bundle_count > _FAR_LARGER * tiles.bundle_count


def alike(first: Extent, second: Extent) -> bool:
    """Tell whether two extents in degrees say the same, as far as documents are exact."""
    slack = _DEGREE_SLACK * max(first.width, first.height, second.width, second.height)
    return first.holds(second, slack) and second.holds(first, slack)
