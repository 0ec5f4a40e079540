"""p12/root.json: the document that describes the tiles of a .vtpk, a package of vector tiles.

::

    p12/root.json                   this document
    p12/tile/Lnn/R....bundle        Compact V2 bundles of gzipped vector tiles
    p12/tilemap/root.json           index of an indexed package: where tiles have finer ones below (``tileMap``)
    p12/resources/styles/root.json  see vector_style
    p12/resources/sprites, fonts    what the style draws symbols and labels with
    esriinfo/                       item.pkinfo, iteminfo.xml, thumbnail, as in a .tpk

    currentVersion, name, copyrightText, capabilities "TilesOnly", type "indexedVector", [tileMap "tilemap"]
    defaultStyles     "resources/styles"
    tiles             ["tile/{z}/{y}/{x}.pbf"], relative to the document
    initialExtent, fullExtent, minScale, maxScale
    tileInfo          see tiling_json; tiles of 512 pixels, format "pbf"
    maxzoom, minLOD, maxLOD
    resourceInfo      {styleVersion 8, tileCompression "gzip", cacheInfo{storageInfo{packetSize, storageFormat}}}

Source: the VectorTileServer resource of ArcGIS' REST reference, which is the same document; it calls the tilemap
optional. Packages written here have none, nor a tileMap that names one; "indexedVector" is the only type that the
reference knows. No package written here was tried in ArcGIS.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Final

from tilepack.cache import CacheInfo, TileFormat
from tilepack.errors import MetadataError, UnsupportedError
from tilepack.keys import PACKET_SIZE
from tilepack.metadata.documents import shown
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.limits import held_levels
from tilepack.metadata.root_json import (
    DEFAULT_BUNDLES_PATH,
    RootJson,
    described_by,
    describes_vector_tiles,
    folder_inside,
    level_bounds,
    parse_root_json,
    stored_as,
    visible_scales,
)
from tilepack.metadata.spatial_json import extent_members, read_extent_json
from tilepack.metadata.tiling_json import read_tile_info, tile_info_members
from tilepack.metadata.writing import json_document, json_number

VECTOR_FOLDER: Final = "p12"
"""Folder of a .vtpk that holds all but esriinfo."""

STYLES: Final = "resources/styles"
"""Folder of the style, where root.json names no other (``defaultStyles``)."""

_OWN_KEYS: Final = (
    *("name", "copyrightText", "attribution", "description", "serviceDescription", "initialExtent", "fullExtent"),
    *("extent", "minScale", "maxScale", "tileInfo", "minLOD", "maxLOD"),
)
_TEMPLATE: Final = re.compile(r"([^{}]*)\{z\}.*", re.DOTALL)


def parse_any_root_json(data: bytes, *, place: str, name: str) -> RootJson:
    """Read a root.json, of images or of vector tiles; see ``parse_root_json`` for arguments and what is raised."""
    root = parse_json(data, place=place)
    if describes_vector_tiles(root) and root.get("tileImageInfo") is None:
        return _parse(root, name)
    return parse_root_json(data, place=place, name=name)


def _parse(root: JsonNode, name: str) -> RootJson:
    place = root.place
    tile_info = root.node("tileInfo")
    if tile_info is None:
        raise MetadataError(f"{place}: root.json has no tileInfo; the document is incomplete")
    packing = _compression(root)
    if packing not in ("", "gzip"):
        raise UnsupportedError(f"{place}: tileCompression is {shown(packing)}; tilepack reads gzipped vector tiles")
    scheme = read_tile_info(tile_info, root.node("spatialReference"))
    min_level, max_level = level_bounds(root)
    info = CacheInfo(
        name=root.text("name") or name,
        scheme=scheme,
        storage_format=stored_as(root),
        tile_format=TileFormat.PBF,
        extent=read_extent_json(root, "fullExtent", "extent", within=scheme.spatial_reference),
        initial_extent=read_extent_json(root, "initialExtent", within=scheme.spatial_reference),
        min_level=min_level,
        max_level=max_level,
        description=described_by(root),
        ready_to_serve=True,
        service=MappingProxyType(root.rest(*_OWN_KEYS)),
    )
    visible_scales(root, info)  # how far the map may be enlarged; no tile depends on it, but it has to be numbers
    return RootJson(info, _bundles_path(root))


def _compression(root: JsonNode) -> str:
    resource = root.node("resourceInfo")
    return resource.text("tileCompression").lower() if resource else ""


def _bundles_path(root: JsonNode) -> str:
    """Give the folder that holds the levels, by the template of the tiles' addresses."""
    given = root.get("tiles")
    template = given[0] if isinstance(given, list) and given else given
    if template in (None, ""):
        return DEFAULT_BUNDLES_PATH
    match = _TEMPLATE.fullmatch(template) if isinstance(template, str) else None
    if match is None:
        raise MetadataError(f"{root.place}: tiles is {shown(template)}; it must be like tile/{{z}}/{{y}}/{{x}}.pbf")
    return folder_inside(match[1].rstrip("/") or ".", "tiles", place=root.place)


def format_vector_root_json(info: CacheInfo) -> bytes:
    """Print the root.json of a .vtpk: minLOD and maxLOD are the levels that hold tiles, of the whole list of levels.

    The map may be shown down to the finest level of the list: vector tiles are drawn larger beyond their own.
    """
    scheme, reference = info.scheme, info.scheme.spatial_reference
    first, last = held_levels(info)
    tile_info = tile_info_members(scheme, with_grid=False)
    members: dict[str, Any] = {
        "currentVersion": 11.0,
        "name": info.name,
        "copyrightText": info.description.attribution,
        "capabilities": "TilesOnly",
        "type": "indexedVector",
        "defaultStyles": STYLES,
        "tiles": ["tile/{z}/{y}/{x}.pbf"],
        "exportTilesAllowed": False,
    }
    for name, extent in (("initialExtent", info.initial_extent or info.extent), ("fullExtent", info.extent)):
        if extent is not None:
            members[name] = extent_members(extent, reference)
    return json_document(
        members
        | {
            "minScale": json_number(first.scale),
            "maxScale": json_number(min(lod.scale for lod in scheme.levels)),
            "tileInfo": {**tile_info, "format": "pbf"},
            "maxzoom": last.level,
            "minLOD": first.level,
            "maxLOD": last.level,
            "resourceInfo": {
                "styleVersion": 8,
                "tileCompression": "gzip",
                "cacheInfo": {"storageInfo": {"packetSize": PACKET_SIZE, "storageFormat": "compactV2"}},
            },
        }
    )


def format_resource_info() -> bytes:
    """Print p12/resources/info/root.json, which lists what the folder resources holds: the style."""
    return json_document({"resourceInfo": ["../styles/root.json"]})
