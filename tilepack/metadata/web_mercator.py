"""The grid of the web: zooms of web mercator, whose level 0 is one tile, and the way to degrees and back.

MBTiles, PMTiles and XYZ folders know this grid alone. A level's LevelID is its zoom; a zoom's tiles are counted from
the upper left corner, columns and rows from 0 to 2^zoom - 1. Tiles of 512 pixels are the same squares, with resolutions
half as large.

Resolutions are Esri's own as far as Esri has any (see ``standard``), each half of the one before beyond. Sources: the
MBTiles 1.3 specification; OGC 17-083r2, annex E (WebMercatorQuad).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Final

from tilepack.extent import Extent
from tilepack.keys import TileRange
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.scheme import LevelOfDetail, TilingScheme

LAST_ZOOM: Final = 30
"""The finest zoom: beyond it, rows and columns would leave 31 bits, and pixels the size of an atom."""

TILE_SIDES: Final = (256, 512, 1024)
"""Pixels that a side of a web tile has."""

_RADIUS: Final = 6378137.0
"""Metres, of the sphere of web mercator."""

HALF_WORLD: Final = math.pi * _RADIUS
"""Metres from the middle of web mercator's square to each of its sides."""


@cache
def web_scheme(tile_side: int = 256, last_zoom: int = 0) -> TilingScheme:
    """Give the scheme of web tiles: the zooms for which Esri has numbers, and on to the last one asked for.

    Args:
        tile_side: Pixels of a tile's sides: 256, 512 or 1024.
        last_zoom: Zoom that it reaches at least.

    Raises:
        ValueError: There is no such grid.
    """
    if tile_side not in TILE_SIDES or not 0 <= last_zoom <= LAST_ZOOM:
        raise ValueError(f"web tiles have 256, 512 or 1024 pixels and zooms to 30, not {tile_side} and {last_zoom}")
    base = arcgis_online_scheme()
    skipped = (tile_side // 256).bit_length() - 1  # larger tiles begin with the resolution of a later zoom
    known = list(base.levels[skipped:])
    while len(known) <= last_zoom:
        known.append(replace(known[-1], resolution=known[-1].resolution / 2, scale=known[-1].scale / 2))
    levels = tuple(
        LevelOfDetail(level=zoom, resolution=lod.resolution, scale=lod.scale) for zoom, lod in enumerate(known)
    )
    return replace(base, tile_width=tile_side, tile_height=tile_side, levels=levels)


def tiles_of_zoom(zoom: int) -> TileRange:
    """Give all tiles that a zoom can have."""
    return TileRange(level=zoom, row_start=0, row_stop=1 << zoom, column_start=0, column_stop=1 << zoom)


def to_web_degrees(extent: Extent) -> Extent:
    """Give the longitudes and latitudes of an extent of web mercator, in metres; within +-180 and +-85.06 degrees."""
    west, east = (max(-180.0, min(180.0, math.degrees(x / _RADIUS))) for x in (extent.xmin, extent.xmax))
    south, north = (_latitude(y) for y in (extent.ymin, extent.ymax))
    return Extent(xmin=west, ymin=south, xmax=east, ymax=north)


def from_web_degrees(degrees: Extent) -> Extent:
    """Give an extent of longitudes and latitudes in metres of web mercator, cut to the square that it covers."""
    xmin, xmax = (max(-180.0, min(180.0, longitude)) / 180 * HALF_WORLD for longitude in (degrees.xmin, degrees.xmax))
    ymin, ymax = (_northing(latitude) for latitude in (degrees.ymin, degrees.ymax))
    return Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)


def snapped(extent: Extent, scheme: TilingScheme, zoom: int, slack: float) -> Extent:
    """Lay an extent's edges on those of a zoom's tiles where they are as good as there: degrees were rounded.

    Args:
        extent: The extent, map units.
        scheme: The grid.
        zoom: The zoom.
        slack: Map units by which an edge may have been rounded; never more than a tenth of a tile.
    """
    side = scheme.tile_width * scheme.level(zoom).resolution
    slack = min(slack, side / 10)

    def snap(value: float, origin: float) -> float:
        edge = origin + round((value - origin) / side) * side
        return edge if abs(edge - value) <= slack else value

    return Extent(
        xmin=snap(extent.xmin, scheme.origin_x),
        ymin=snap(extent.ymin, scheme.origin_y),
        xmax=snap(extent.xmax, scheme.origin_x),
        ymax=snap(extent.ymax, scheme.origin_y),
    )


def _latitude(northing: float) -> float:
    held = max(-HALF_WORLD, min(HALF_WORLD, northing))
    return math.degrees(2 * math.atan(math.exp(held / _RADIUS)) - math.pi / 2)


def _northing(latitude: float) -> float:
    held = math.radians(max(-89.0, min(89.0, latitude)))
    return max(-HALF_WORLD, min(HALF_WORLD, _RADIUS * math.asinh(math.tan(held))))
