"""What a written document says of a spatial reference where its source said nothing.

==================  ===================  ===================  ============  =============================
spatial reference   x origin             y origin             steps a unit  tolerance, map units
==================  ===================  ===================  ============  =============================
web mercator        -20037700            -30241100            10000         0.001
geographic          -400                 -400                 1000000000    8.983152841195215e-09
other projected     -100000000           -100000000           10000         0.001
==================  ===================  ===================  ============  =============================

Z and M: origin -100000, 10,000 steps a unit, tolerance 0.001. The first two rows are Esri's customary ones. Esri
derives the third from the projection's domain; tilepack takes one that holds every place on earth in metres and in
feet. Nothing positions tiles by these numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tilepack.spatial import CoordinatePrecision, SpatialReference, complete, is_geographic

WEB_MERCATOR_WKT: Final = (
    'PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",'
    'SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Mercator_Auxiliary_Sphere"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",0.0],PARAMETER["Auxiliary_Sphere_Type",0.0],'
    'UNIT["Meter",1.0],AUTHORITY["EPSG",3857]]'
)
"""Web mercator in Esri's own words."""

WGS84_WKT: Final = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433],AUTHORITY["EPSG",4326]]'
)
"""WGS84 longitudes and latitudes in Esri's own words."""

_CURRENT_MERCATOR = frozenset({3857, 102100, 900913, None})
"""Of web mercator's numbers those that ArcGIS now prints as 102100 / 3857. 102113 / 3785 is an older definition."""

_AUTHORITY = re.compile(r',AUTHORITY\["[^"]*",[^\]]*\](?=\]$)')

_WEB_MERCATOR_PRECISION = CoordinatePrecision(x_origin=-20037700, y_origin=-30241100, xy_scale=10000)
_GEOGRAPHIC_PRECISION = CoordinatePrecision(
    x_origin=-400, y_origin=-400, xy_scale=1000000000, xy_tolerance=8.983152841195215e-09
)
_PROJECTED_PRECISION = CoordinatePrecision(x_origin=-100000000, y_origin=-100000000, xy_scale=10000)

_UNIT = re.compile(r'UNIT\[\s*"[^"]*"\s*,\s*([0-9.eE+-]+)')
_UNITS = (
    (1.0, "esriMeters"),
    (0.3048, "esriFeet"),
    (0.9144, "esriYards"),
    (1000.0, "esriKilometers"),
    (1609.344, "esriMiles"),
    (0.01, "esriCentimeters"),
    (0.001, "esriMillimeters"),
)
_UNIT_TOLERANCE = 1e-5
"""Relative: a US survey foot differs from a foot by 2e-6, and ArcGIS calls both esriFeet."""


def filled_reference(reference: SpatialReference) -> SpatialReference:
    """Give a spatial reference with everything a document needs: numbers, text, storage grid.

    Web mercator becomes 102100 / 3857 under Esri's text. What the source said of others stays; what cannot be found
    out stays missing, and an unknown spatial reference stays unknown.
    """
    if not reference.is_known:
        return reference
    filled = _named(reference)
    precision = filled.precision
    left = filled.left_longitude
    if filled.is_web_mercator:
        precision = precision or _WEB_MERCATOR_PRECISION
    elif is_geographic(filled):
        precision = precision or _GEOGRAPHIC_PRECISION
        left = -180.0 if left is None else left
    else:
        precision = precision or _PROJECTED_PRECISION
    return replace(filled, precision=precision, left_longitude=left)


def _named(reference: SpatialReference) -> SpatialReference:
    numbers = {reference.wkid, reference.latest_wkid}
    same_text = bool(reference.wkt) and _bare(reference.wkt) == _bare(WEB_MERCATOR_WKT)
    if numbers <= _CURRENT_MERCATOR and (numbers != {None} or same_text):
        return replace(reference, wkid=102100, latest_wkid=3857, wkt=reference.wkt or WEB_MERCATOR_WKT)
    if numbers <= {4326, None} and numbers != {None} and not reference.wkt:
        return replace(reference, wkid=4326, wkt=WGS84_WKT)
    if numbers == {None} and _bare(reference.wkt) == _bare(WGS84_WKT):
        return replace(reference, wkid=4326, latest_wkid=4326)
    return complete(reference)


def _bare(wkt: str | None) -> str:
    return _AUTHORITY.sub("", (wkt or "").strip())


def reference_name(reference: SpatialReference) -> str:
    """Give the name in the WKT, "" where there is none."""
    parts = (reference.wkt or "").split('"')
    return parts[1] if len(parts) > 1 else ""


def map_units(reference: SpatialReference) -> str:
    """Give Esri's name for the map units: esriMeters, esriDecimalDegrees, esriFeet, ..., esriUnknownUnits."""
    if reference.is_web_mercator:
        return "esriMeters"
    if not reference.is_known:
        return "esriUnknownUnits"
    if is_geographic(reference):
        return "esriDecimalDegrees"
    # The projection's own unit is the last one; the one before it belongs to its geographic base.
    found = _UNIT.findall((reference if reference.wkt else complete(reference)).wkt or "")
    try:
        factor = float(found[-1])
    except (IndexError, ValueError):
        return "esriUnknownUnits"
    return next(
        (name for metres, name in _UNITS if abs(factor - metres) <= _UNIT_TOLERANCE * metres),
        "esriUnknownUnits",
    )


def make_precision(said: Mapping[str, float | None], *, high_precision: bool = True) -> CoordinatePrecision | None:
    """Make a storage grid of what a document says of it.

    Args:
        said: Numbers by the names of ``CoordinatePrecision``; None where the document has none.
        high_precision: Whether it says so.

    Returns:
        None where origin or scale of x and y are missing: then nothing is said.
    """
    given = {name: value for name, value in said.items() if value is not None}
    if not {"x_origin", "y_origin", "xy_scale"} <= given.keys():
        return None
    return CoordinatePrecision(high_precision=high_precision, **given)
