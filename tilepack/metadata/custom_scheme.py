"""Tiling schemes by hand: a spatial reference, an origin and scales.

Esri reckons 39.37 inches to the metre::

    resolution = scale / (dpi * 39.37 * metres in one map unit)

====================  =============================================================================
map units             metres in one
====================  =============================================================================
metres, feet          by the projection's unit; of a US survey foot 39.37 make exactly 12 inches
degrees               pi / 180 * semi-major axis of the ellipsoid: 111319.4907932 on WGS84
====================  =============================================================================

Sources: the levels of ArcGIS Online, of WGS84 version 2, and of caches in metres and US survey feet, which all come out
to their last digit. ArcGIS 9 took degrees of a sphere of 6,370,997 m instead: its numbers this does not give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from tilepack.errors import MetadataError, TilingSchemeError
from tilepack.metadata.limits import make_level, make_scheme
from tilepack.metadata.standard import with_literal_levels
from tilepack.scheme import TilingScheme
from tilepack.spatial import LARGEST_EPSG_WKID, SpatialReference, metres_per_unit

_INCHES_PER_METRE: Final = 39.37
_PLACE: Final = "the scheme asked for"


def custom_scheme(
    wkid: int,
    origin: tuple[float, float],
    scales: Iterable[float],
    *,
    tile_size: int | tuple[int, int] = 256,
    dpi: float = 96,
) -> TilingScheme:
    """Make a tiling scheme out of scales; the coarsest is level 0.

    Where that comes to levels of ArcGIS Online or WGS84, they get Esri's literal numbers.

    Args:
        wkid: Esri's or EPSG's number of the spatial reference.
        origin: Upper left corner of tile 0/0, map units.
        scales: Scale denominators, in any order.
        tile_size: Pixels of a side, or width and height.
        dpi: Pixels to the inch, by which scales become resolutions.

    Raises:
        TilingSchemeError: The WKID means no coordinate system, there are no scales, one is given twice, or a number
            lies outside its limits.
    """
    reference = SpatialReference(wkid=wkid, latest_wkid=wkid if wkid <= LARGEST_EPSG_WKID else None)
    descending = sorted(scales, reverse=True)
    sides = (tile_size, tile_size) if isinstance(tile_size, int) else tile_size
    if not (math.isfinite(dpi) and dpi > 0 and all(map(math.isfinite, (*origin, *descending)))):
        raise TilingSchemeError(f"{_PLACE}: origin, dpi and scales are finite numbers, dpi above 0")
    if len(set(descending)) < len(descending):
        raise TilingSchemeError(f"{_PLACE}: a scale is given twice; each level has its own")
    try:
        per_pixel = dpi * _INCHES_PER_METRE * metres_per_unit(reference)
        levels = [
            make_level(level=level, resolution=scale / per_pixel, scale=scale, place=_PLACE)
            for level, scale in enumerate(descending)
        ]
        scheme = make_scheme(
            origin=origin, tile_size=sides, dpi=dpi, levels=levels, spatial_reference=reference, place=_PLACE
        )
    except MetadataError as error:
        raise TilingSchemeError(str(error)) from error
    return with_literal_levels(scheme, keep_older=False)
