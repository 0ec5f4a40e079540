"""Tiling schemes as these tools ask for them: a file, a standard scheme's levels, or a list of scales."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tilepack.arcpy import parameters
from tilepack.arcpy.environment import located
from tilepack.arcpy.messages import ExecuteError
from tilepack.errors import CacheNotFoundError, TilingSchemeError

if TYPE_CHECKING:
    from tilepack.scheme import TilingScheme

_MERCATOR, _DEGREES = 3857, 4326
_MAPS = (".mxd", ".mapx", ".lyr", ".lyrx", ".aprx")


def read_scheme(name: str, value: object) -> TilingScheme:
    """Read the scheme of a tiling scheme file, a conf.xml, a cache or a map service.

    Raises:
        ExecuteError: Nothing is given.
        TilepackError: It describes no scheme.
    """
    from tilepack.stores.templates import read_template

    text = parameters.need(name, value)
    path = located(text)
    return read_template(text if path is None else path).info.scheme


def standard_scheme_of(
    origin: tuple[float, float] | None,
    *,
    scales: list[float] | None,
    count: int | None,
    dpi: float,
    tile_size: int,
) -> TilingScheme:
    """Make a scheme in web mercator or WGS84, whichever has its corner at an origin.

    Raises:
        ExecuteError: Neither has.
        TilingSchemeError: The scales make no scheme.
    """
    if origin is None or _is_corner(origin, _MERCATOR):
        return scheme_of(_MERCATOR, None, scales=scales, count=count, dpi=dpi, tile_size=tile_size)
    if _is_corner(origin, _DEGREES):
        return scheme_of(_DEGREES, None, scales=scales, count=count, dpi=dpi, tile_size=tile_size)
    raise ExecuteError(
        f"tile_origin {origin[0]:.10g} {origin[1]:.10g} tells no spatial reference, and there is no map to take one "
        "from; generate a tiling scheme for it first, and give that as a PREDEFINED one"
    )


def _is_corner(origin: tuple[float, float], wkid: int) -> bool:
    corner = _standard(wkid)
    tolerance = abs(corner.origin_x) * 1e-6
    return abs(corner.origin_x - origin[0]) <= tolerance and abs(corner.origin_y - origin[1]) <= tolerance


def _standard(wkid: int) -> TilingScheme:
    from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme

    return arcgis_online_scheme() if wkid == _MERCATOR else wgs84_scheme()


def scheme_of(
    wkid: int,
    origin: tuple[float, float] | None,
    *,
    scales: list[float] | None,
    count: int | None,
    dpi: float,
    tile_size: int,
) -> TilingScheme:
    """Make a scheme of scales, or of the coarsest levels of a standard scheme.

    Args:
        wkid: Number of the spatial reference.
        origin: Upper left corner; None for that of the standard scheme.
        scales: Scale denominators; None for those of the standard scheme.
        count: How many levels there are to be; None for all.
        dpi: Pixels to the inch.
        tile_size: Pixels of a tile's side.

    Raises:
        ExecuteError: There is no standard scheme, or it has fewer levels; or the count contradicts the list.
        TilingSchemeError: The scales make no scheme.
    """
    from tilepack.metadata.custom_scheme import custom_scheme
    from tilepack.spatial import SpatialReference

    is_mercator = SpatialReference(wkid=wkid).is_web_mercator
    standard = _standard(_MERCATOR if is_mercator else _DEGREES) if is_mercator or wkid == _DEGREES else None
    if origin is None:
        if standard is None:
            raise ExecuteError(
                f"tile_origin is required for spatial reference {wkid}: only web mercator and WGS84 have one"
            )
        origin = standard.origin_x, standard.origin_y
    if scales is None:
        if standard is None:
            raise ExecuteError(
                f"scales are required for spatial reference {wkid}: only web mercator and WGS84 have some"
            )
        scales = [lod.scale for lod in standard.levels]
        if count is not None and not 0 < count <= len(scales):
            raise ExecuteError(f"num_of_scales is {count}; the standard scheme has {len(scales)}")
        scales = scales[:count]
    elif count is not None and count != len(scales):
        raise ExecuteError(f"num_of_scales is {count}, and {len(scales)} scales are listed; let them agree")
    return custom_scheme(wkid, origin, scales, tile_size=tile_size, dpi=dpi)


def spatial_reference_of(name: str, value: object) -> tuple[int | None, TilingScheme | None]:
    """Tell what a map or data set that a scheme is made for says of its spatial reference.

    Args:
        name: The parameter, for the message.
        value: A WKID, as a number or ``EPSG:2056``; or a cache, package, tiling scheme file or map service.

    Returns:
        The WKID, or else the scheme that it has.

    Raises:
        ExecuteError: It is a map document or something else that cannot be read here.
    """
    text = parameters.need(name, value)
    found = re.fullmatch(r"(?:(?:EPSG|ESRI):)?(\d{4,6})", text, re.IGNORECASE)
    if found:
        return int(found[1]), None
    if Path(text).suffix.lower() in _MAPS:
        raise ExecuteError(
            f"{name} is {text}, and maps cannot be read here; give a WKID, or a cache, package, tiling scheme file or "
            "map service in the same spatial reference"
        )
    try:
        return None, read_scheme(name, text)
    except CacheNotFoundError as error:
        raise ExecuteError(f"{name}: {error}; a WKID will do too, as 3857") from error


def scheme_for(
    given: tuple[int | None, TilingScheme | None],
    origin: tuple[float, float] | None,
    *,
    scales: list[float] | None,
    count: int | None,
    dpi: float,
    tile_size: int,
) -> TilingScheme:
    """Make a scheme in the spatial reference of a map or data set.

    Raises:
        ExecuteError: Origin or scales are missing and nothing tells them.
        TilingSchemeError: They make no scheme, or the spatial reference has no WKID.
    """
    wkid, like = given
    if like is not None:
        reference = like.spatial_reference
        wkid = reference.latest_wkid or reference.wkid
        if wkid is None:
            raise TilingSchemeError(
                "the spatial reference has no WKID, and a new scheme is made by one; give the number"
            )
        origin = origin or (like.origin_x, like.origin_y)
        if scales is None:
            listed = sorted((lod.scale for lod in like.levels), reverse=True)
            if count is not None and not 0 < count <= len(listed):
                raise ExecuteError(f"num_of_scales is {count}; there are {len(listed)} to take")
            scales, count = listed[:count], None
    if wkid is None:
        raise ExecuteError("nothing tells the spatial reference; give its WKID")
    return scheme_of(wkid, origin, scales=scales, count=count, dpi=dpi, tile_size=tile_size)
