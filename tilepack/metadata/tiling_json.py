"""The tileInfo object of root.json and of a MapServer's JSON.

::

    tileInfo  {rows, cols, dpi, [format, compressionQuality], origin{x, y}, spatialReference,
               lods[{level, resolution, scale}, ...]}

Spelled ``row`` and ``col`` in Esri's tile package specification, ``rows`` and ``cols`` in real packages and in the
REST reference.
"""

from __future__ import annotations

from typing import Any

from tilepack.errors import MetadataError
from tilepack.metadata.documents import shown
from tilepack.metadata.json_documents import JsonNode
from tilepack.metadata.limits import check_level_count, make_level, make_scheme
from tilepack.metadata.spatial_json import read_spatial_json, spatial_members
from tilepack.metadata.writing import json_number
from tilepack.scheme import LevelOfDetail, TilingScheme


def read_tile_info(node: JsonNode, spatial_reference: JsonNode | None) -> TilingScheme:
    """Read a tileInfo object.

    Args:
        node: The object.
        spatial_reference: The document's own, for a tileInfo that names none.

    Raises:
        MetadataError: Something that a tiling scheme needs is missing, no number, or outside its limits.
    """
    origin = node.node("origin")
    if origin is None:
        raise MetadataError(f"{node.place}: tileInfo has no origin; the document is incomplete")
    listed = node.get("lods", "lod")
    if not isinstance(listed, list):
        raise MetadataError(f"{node.place}: tileInfo.lods is {shown(listed)}; it must be a list of levels")
    check_level_count(len(listed), place=node.place)
    dpi = node.optional_number("dpi")
    reference = read_spatial_json(node.node("spatialReference"))
    return make_scheme(
        origin=(origin.number("x"), origin.number("y")),
        tile_size=(node.integer("cols", "col"), node.integer("rows", "row")),
        dpi=96 if dpi is None else dpi,
        levels=[_read_level(level, node.place) for level in listed],
        spatial_reference=reference if reference.is_known else read_spatial_json(spatial_reference),
        place=node.place,
    )


def _read_level(value: object, place: str) -> LevelOfDetail:
    if not isinstance(value, dict):
        raise MetadataError(f"{place}: tileInfo.lods holds {shown(value)}; each level is an object")
    node = JsonNode(value, place)
    return make_level(
        level=node.integer("level", "levelID"),
        resolution=node.number("resolution"),
        scale=node.optional_number("scale") or 0.0,
        place=place,
    )


def tile_info_members(
    scheme: TilingScheme, *, with_grid: bool, tile_format: str | None = None, quality: int = 0
) -> dict[str, Any]:
    """Give the members of a tileInfo object in ArcGIS' order.

    Args:
        scheme: The grid, its whole list of levels.
        with_grid: Whether the spatial reference carries its storage grid.
        tile_format: Format by ArcGIS' name where it belongs in here, with the quality.
        quality: JPEG quality, 0 for formats without one.
    """
    members: dict[str, Any] = {
        "rows": scheme.tile_height,
        "cols": scheme.tile_width,
        "dpi": json_number(scheme.dpi),
    }
    if tile_format is not None:
        members |= {"format": tile_format, "compressionQuality": quality}
    return members | {
        "origin": {"x": json_number(scheme.origin_x), "y": json_number(scheme.origin_y)},
        "spatialReference": spatial_members(scheme.spatial_reference, with_grid=with_grid),
        "lods": [
            {
                "level": lod.level,
                "resolution": json_number(lod.resolution),
                "scale": json_number(lod.scale),
            }
            for lod in scheme.levels
        ],
    }
