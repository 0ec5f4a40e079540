"""The spatialReference and extent objects of root.json, mapserver.json and iteminfo.json.

::

    spatialReference   {wkid, latestWkid, [xyTolerance, zTolerance, mTolerance, falseX, falseY, xyUnits, falseZ,
                        zUnits, falseM, mUnits]}  or  {wkt}
    extent             {xmin, ymin, xmax, ymax, [spatialReference]}

Keys come in any case (``LatestWkid`` in Esri's tile package specification, ``latestWkid`` in real packages). Sources:
that specification, and documents written by ArcGIS Server and ArcGIS desktop.
"""

from __future__ import annotations

from typing import Any

from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.json_documents import JsonNode
from tilepack.metadata.limits import make_extent
from tilepack.metadata.spatial_defaults import filled_reference, make_precision
from tilepack.metadata.spatial_xml import read_wkid
from tilepack.metadata.writing import json_number
from tilepack.spatial import CoordinatePrecision, SpatialReference

_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read_spatial_json(node: JsonNode | None) -> SpatialReference:
    """Read a spatialReference object; without one the spatial reference is unknown.

    Raises:
        MetadataError: A number in it is none.
    """
    if node is None:
        return SpatialReference()
    wkid = node.optional_integer("wkid")
    latest = node.optional_integer("latestWkid", "latest_wkid")
    return SpatialReference(
        wkid=read_wkid(wkid, place=node.place),
        latest_wkid=read_wkid(latest, place=node.place),
        wkt=node.text("wkt", "wkt1") or None,
        precision=_read_precision(node),
    )


def _read_precision(node: JsonNode) -> CoordinatePrecision | None:
    said = {
        "x_origin": node.optional_number("falseX"),
        "y_origin": node.optional_number("falseY"),
        "xy_scale": node.optional_number("xyUnits"),
        "z_origin": node.optional_number("falseZ"),
        "z_scale": node.optional_number("zUnits"),
        "m_origin": node.optional_number("falseM"),
        "m_scale": node.optional_number("mUnits"),
        "xy_tolerance": node.optional_number("xyTolerance"),
        "z_tolerance": node.optional_number("zTolerance"),
        "m_tolerance": node.optional_number("mTolerance"),
    }
    return make_precision(said)


def spatial_members(reference: SpatialReference, *, with_grid: bool) -> dict[str, Any]:
    """Give the members of a spatialReference object, completed where the source left something out.

    Args:
        reference: The spatial reference.
        with_grid: Whether the storage grid belongs in (root.json has it, mapserver.json does not).
    """
    filled = filled_reference(reference)
    members: dict[str, Any] = {}
    if filled.wkid is not None:
        members["wkid"] = filled.wkid
    if filled.latest_wkid is not None:
        members["latestWkid"] = filled.latest_wkid
    # A number found for a text is a finding; the text that the source gave stays beside it.
    if filled.wkt and (filled.wkid is None or (reference.wkid is None and reference.latest_wkid is None)):
        members["wkt"] = filled.wkt
    grid = filled.precision
    if with_grid and grid is not None:
        members |= {
            "xyTolerance": json_number(grid.xy_tolerance),
            "zTolerance": json_number(grid.z_tolerance),
            "mTolerance": json_number(grid.m_tolerance),
            "falseX": json_number(grid.x_origin),
            "falseY": json_number(grid.y_origin),
            "xyUnits": json_number(grid.xy_scale),
            "falseZ": json_number(grid.z_origin),
            "zUnits": json_number(grid.z_scale),
            "falseM": json_number(grid.m_origin),
            "mUnits": json_number(grid.m_scale),
        }
    return members


def read_extent_json(parent: JsonNode, *names: str, within: SpatialReference | None = None) -> Extent | None:
    """Read an extent object.

    Args:
        parent: The object that has it as a member.
        names: The member's names, tried in order.
        within: The spatial reference that its numbers must be in; an extent that names another one says nothing
            about the cache in terms of its own grid, and counts as missing.

    Returns:
        The extent in the units it is given in; None where it is missing, incomplete, empty (``NaN``) or elsewhere.

    Raises:
        MetadataError: A number is none, or minima lie above maxima.
    """
    if not isinstance(parent.get(*names), dict):
        return None
    node = parent.node(*names)
    if node is None:
        return None
    values = [node.get(name) for name in _EDGES]
    if any(value is None or (isinstance(value, str) and value.strip().lower() in {"", "nan"}) for value in values):
        return None
    xmin, ymin, xmax, ymax = (node.number(name) for name in _EDGES)
    if within is not None and _elsewhere(node, within):
        return None
    return make_extent(xmin, ymin, xmax, ymax, place=node.place, label=names[0])


def _elsewhere(node: JsonNode, within: SpatialReference) -> bool:
    given = node.get("spatialReference")
    if not isinstance(given, dict):
        return False
    own = read_spatial_json(JsonNode(given, node.place))
    # By numbers alone where both have some: pyproj is slow to start, and documents of one cache agree in practice.
    if own.is_web_mercator and within.is_web_mercator:
        return False
    mine = {own.wkid, own.latest_wkid} - {None}
    theirs = {within.wkid, within.latest_wkid} - {None}
    if not mine or not theirs or mine & theirs:
        return False
    try:
        return not own.agrees_with(within)
    except MetadataError:  # nobody can tell; then the document's word stands
        return False


def extent_members(
    extent: Extent, reference: SpatialReference | None = None, *, with_grid: bool = False
) -> dict[str, Any]:
    """Give the members of an extent object, with the spatial reference where one is given."""
    members: dict[str, Any] = dict(zip(_EDGES, map(json_number, extent.as_tuple()), strict=True))
    if reference is not None:
        members["spatialReference"] = spatial_members(reference, with_grid=with_grid)
    return members
