"""Esri's standard tiling schemes, number for number as Esri prints them, never computed.

============================  ========================================  ======  ==================================
scheme                        origin                                    levels  resolution of level 0
============================  ========================================  ======  ==================================
ArcGIS Online (web mercator)  -20037508.342787, 20037508.342787         24      156543.033928 metres a pixel
WGS84 Geographic, version 2   -180, 90                                  23      0.703125 degrees a pixel
============================  ========================================  ======  ==================================

Both have 256-pixel tiles and 96 dpi. Levels of the first are not exact halves of one another (they drift by up to
3.1e-10), and some ArcGIS clients refuse packages whose numbers were recomputed; those of the second halve exactly.
Source: the scheme files of ArcGIS and packages exported by ArcGIS Server.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from tilepack.metadata.spatial_defaults import WEB_MERCATOR_WKT, WGS84_WKT
from tilepack.scheme import LevelOfDetail, TilingScheme, same_resolution
from tilepack.spatial import SpatialReference

_ARCGIS_ONLINE: Final = (
    (156543.033928, 591657527.591555),
    (78271.5169639999, 295828763.795777),
    (39135.7584820001, 147914381.897889),
    (19567.8792409999, 73957190.948944),
    (9783.93962049996, 36978595.474472),
    (4891.96981024998, 18489297.737236),
    (2445.98490512499, 9244648.868618),
    (1222.99245256249, 4622324.434309),
    (611.49622628138, 2311162.217155),
    (305.748113140558, 1155581.108577),
    (152.874056570411, 577790.554289),
    (76.4370282850732, 288895.277144),
    (38.2185141425366, 144447.638572),
    (19.1092570712683, 72223.819286),
    (9.55462853563415, 36111.909643),
    (4.77731426794937, 18055.954822),
    (2.38865713397468, 9027.977411),
    (1.19432856685505, 4513.988705),
    (0.597164283559817, 2256.994353),
    (0.298582141647617, 1128.497176),
    (0.14929107082380833, 564.248588),
    (0.07464553541190416, 282.124294),
    (0.03732276770595208, 141.062147),
    (0.01866138385297604, 70.5310735),
)
"""Resolution in metres a pixel and scale of levels 0 to 23."""

_WGS84_TOP: Final = (0.703125, 295828763.7958547)
"""Resolution in degrees a pixel and scale of level 0; each further level halves both, exactly."""

_WGS84_LEVELS: Final = 23

_ORIGIN_TOLERANCE = 1e-6
_LITERAL_SCALE_TOLERANCE = 1e-5
"""Relative. Legacy WGS84 caches share resolutions with version 2 but have scales 1.1e-3 apart: those stay."""

_SAME_LITERAL = 1e-14
"""Relative. Older ArcGIS prints Esri's numbers with errors of 1e-15; they are Esri's own all the same."""


@cache
def arcgis_online_scheme() -> TilingScheme:
    """Give the ArcGIS Online / Bing / Google scheme: 256-pixel tiles of web mercator, levels 0 to 23."""
    return TilingScheme(
        origin_x=-20037508.342787,
        origin_y=20037508.342787,
        tile_width=256,
        tile_height=256,
        levels=tuple(
            LevelOfDetail(level=level, resolution=resolution, scale=scale)
            for level, (resolution, scale) in enumerate(_ARCGIS_ONLINE)
        ),
        spatial_reference=SpatialReference(wkid=102100, latest_wkid=3857, wkt=WEB_MERCATOR_WKT),
    )


@cache
def wgs84_scheme() -> TilingScheme:
    """Give the WGS84 Geographic scheme, version 2: 256-pixel tiles in degrees, levels 0 to 22."""
    resolution, scale = _WGS84_TOP
    return TilingScheme(
        origin_x=-180,
        origin_y=90,
        tile_width=256,
        tile_height=256,
        levels=tuple(
            LevelOfDetail(level=level, resolution=resolution / 2**level, scale=scale / 2**level)
            for level in range(_WGS84_LEVELS)
        ),
        spatial_reference=SpatialReference(wkid=4326, latest_wkid=4326, wkt=WGS84_WKT),
    )


def with_literal_levels(scheme: TilingScheme, *, keep_older: bool = True) -> TilingScheme:
    """Give a scheme whose levels carry Esri's literal numbers wherever they mean a level of a standard scheme.

    A level takes both numbers when its resolution agrees within 1e-9 and its scale within 1e-5 relative (or none is
    given). LevelIDs never change; other levels, and grids with another spatial reference or origin, stay as they are.
    So do ladders whose every number is Esri's as an older ArcGIS prints it; a ladder is never half the one, half the
    other. Tile sizes do not matter.

    Args:
        scheme: The grid.
        keep_older: Whether ladders as an older ArcGIS prints them stay. Whoever has reckoned one does not want that.
    """
    standard = _standard_of(scheme)
    if standard is None or (keep_older and all(_is_literal(lod, standard.levels) for lod in scheme.levels)):
        return scheme
    return replace(scheme, levels=tuple(_literal(lod, standard.levels) for lod in scheme.levels))


def _standard_of(scheme: TilingScheme) -> TilingScheme | None:
    reference = scheme.spatial_reference
    if reference.is_web_mercator:
        standard = arcgis_online_scheme()
    elif 4326 in {reference.wkid, reference.latest_wkid}:
        standard = wgs84_scheme()
    else:
        return None
    finest = min(lod.resolution for lod in scheme.levels)
    tolerance = min(finest, _ORIGIN_TOLERANCE * abs(standard.origin_x))
    x_apart, y_apart = abs(scheme.origin_x - standard.origin_x), abs(scheme.origin_y - standard.origin_y)
    return standard if max(x_apart, y_apart) <= tolerance else None


def _nearest(lod: LevelOfDetail, levels: tuple[LevelOfDetail, ...]) -> LevelOfDetail:
    return min(levels, key=lambda other: abs(other.resolution - lod.resolution))


def _is_literal(lod: LevelOfDetail, levels: tuple[LevelOfDetail, ...]) -> bool:
    nearest = _nearest(lod, levels)
    return same_resolution(lod.resolution, nearest.resolution, _SAME_LITERAL) and same_resolution(
        lod.scale, nearest.scale, _SAME_LITERAL
    )


def _literal(lod: LevelOfDetail, levels: tuple[LevelOfDetail, ...]) -> LevelOfDetail:
    nearest = _nearest(lod, levels)
    same = same_resolution(lod.resolution, nearest.resolution) and (
        lod.scale == 0 or same_resolution(lod.scale, nearest.scale, _LITERAL_SCALE_TOLERANCE)
    )
    if not same:
        return lod
    return replace(lod, resolution=nearest.resolution, scale=nearest.scale)
