"""mapserver.json of a .tpk package, and the JSON that a map service answers.

::

    {name: "MapServer",
     contents: {currentVersion, serviceDescription, mapName, description, copyrightText, ..., layers, tables,
                spatialReference, singleFusedMapCache, tileInfo (see tiling_json), units, documentInfo{Title, Author,
                ..., Keywords}, ..., fullExtent, initialExtent, minScale, maxScale, [minLOD, maxLOD]},
     resourceInfo: {geoFullExtent, geoInitialExtent (WGS84 degrees), spatialReferenceDomain, cacheInfo{storageInfo}},
     resources: [{name: "layers", resources}, {name: "tables", resources}, {name: "legend", contents{layers}}]}

A service answers with the contents alone. Packages of ArcGIS 10.3 leave tileInfo out and claim that there is no cache;
the scheme of a package is in its conf.xml. Sources: packages of ArcGIS 10.3 and 10.6 desktop, the REST reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from tilepack.cache import DEFAULT_QUALITY, DEFAULT_TILE_FORMAT, CacheInfo, ItemDescription, StorageFormat
from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.keys import PACKET_SIZE
from tilepack.metadata.documents import shown
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.limits import check_quality, held_levels, read_tile_format
from tilepack.metadata.spatial_defaults import map_units
from tilepack.metadata.spatial_json import extent_members, read_extent_json, read_spatial_json, spatial_members
from tilepack.metadata.tiling_json import read_tile_info, tile_info_members
from tilepack.metadata.writing import json_document, json_number
from tilepack.scheme import TilingScheme

WRAPPER_KEY: Final = "mapserver.json"
"""Member of `CacheInfo.service` that keeps what stands beside ``contents``: resourceInfo and resources."""

_OWN_KEYS = (
    "mapName", "description", "serviceDescription", "copyrightText", "spatialReference", "singleFusedMapCache",
    "tileInfo", "fullExtent", "initialExtent", "minScale", "maxScale", "minLOD", "maxLOD", "storageInfo",
)  # fmt: skip

_STORAGE_WORDS = {
    StorageFormat.COMPACT: "compact",
    StorageFormat.COMPACT_V2: "compactV2",
    StorageFormat.EXPLODED: "exploded",
}
_ROOT_JSON_ONLY = ("version", "resampling")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapServerJson:
    """What a mapserver.json says beside the tiling scheme."""

    name: str
    """Map name, "" where it gives none."""
    description: ItemDescription
    service: Mapping[str, Any]
    """Members that tilepack has no use for, as `CacheInfo.service` keeps them."""
    extent: Extent | None
    """fullExtent, map units; None where it is missing or empty."""
    initial_extent: Extent | None
    """Map units; None where it is missing or empty."""


def parse_mapserver_json(data: bytes, *, place: str) -> MapServerJson:
    """Read a mapserver.json with or without the wrapper around its contents.

    Raises:
        MetadataError: The document is malformed.
    """
    root = parse_json(data, place=place)
    contents = _contents(root)
    document = contents.node("documentInfo") or JsonNode({}, place)
    reference = read_spatial_json(contents.node("spatialReference"))
    service = contents.rest(*_OWN_KEYS)
    if contents is not root:
        beside = {key: root.get(key) for key in ("resourceInfo", "resources") if root.get(key)}
        if beside:
            service[WRAPPER_KEY] = beside
    keywords = document.text("Keywords")
    return MapServerJson(
        name=contents.text("mapName"),
        description=ItemDescription(
            title=document.text("Title"),
            tags=tuple(tag for tag in (part.strip() for part in keywords.split(",")) if tag),
            description=contents.text("description") or contents.text("serviceDescription"),
            attribution=contents.text("copyrightText"),
            creator=document.text("Author"),
        ),
        service=MappingProxyType(service),
        extent=read_extent_json(contents, "fullExtent", within=reference),
        initial_extent=read_extent_json(contents, "initialExtent", within=reference),
    )


def parse_levels(data: bytes, *, place: str) -> TilingScheme:
    """Read the tiling scheme out of a service's JSON (``?f=json``), of a map or an image service, or a mapserver.json.

    Raises:
        MetadataError: The document is malformed, an error message, or of a service without a cache.
    """
    contents = _contents(parse_json(data, place=place))
    error = contents.node("error")
    if error is not None and contents.get("tileInfo") is None:
        raise MetadataError(
            f"{place}: the server answered with an error ({shown(error.text('message'))}); "
            "see that the address is right and open to you"
        )
    tile_info = contents.node("tileInfo")
    if tile_info is None or contents.get("singleFusedMapCache") in (False, "false"):
        reason = "it has no tileInfo" if tile_info is None else "singleFusedMapCache is false"
        raise MetadataError(
            f"{place}: the service is not cached ({reason}); name a cached service, a cache or a package"
        )
    return read_tile_info(tile_info, contents.node("spatialReference"))


def parse_service(data: bytes, *, place: str, name: str) -> CacheInfo:
    """Read what a service's JSON, or a mapserver.json, says of the cache behind it.

    Args:
        data: The document's bytes.
        place: Its path or address, for messages.
        name: Name of the cache where the document gives none.

    Returns:
        Scheme, tile format and quality (MIXED and 75 where it names none), extent and description. How the tiles are
        stored it does not tell reliably: that is COMPACT_V2 here.

    Raises:
        MetadataError: The document is malformed, an error message, or of a service without a cache.
        UnsupportedError: It names a tile format that tilepack does not know, such as that of vector tiles.
    """
    scheme = parse_levels(data, place=place)
    said = parse_mapserver_json(data, place=place)
    tile_info = _contents(parse_json(data, place=place)).node("tileInfo") or JsonNode({}, place)
    literal, quality = tile_info.text("format"), tile_info.optional_integer("compressionQuality")
    tile_format = read_tile_format(literal, place=place) if literal else DEFAULT_TILE_FORMAT
    if quality is None:
        quality = 0 if literal else DEFAULT_QUALITY
    return CacheInfo(
        name=said.name or name,
        scheme=scheme,
        storage_format=StorageFormat.COMPACT_V2,
        tile_format=tile_format,
        quality=check_quality(quality, place=place),
        extent=said.extent,
        description=said.description,
    )


def _contents(root: JsonNode) -> JsonNode:
    return root.node("contents") or root


def format_mapserver_json(info: CacheInfo, *, degrees: Extent | None) -> bytes:
    """Print a mapserver.json with its wrapper, in the members and order of ArcGIS' packages.

    Args:
        info: What the cache says. minScale and maxScale are those of the levels said to hold tiles.
        degrees: The declared extent in WGS84 longitudes and latitudes, where it is known.
    """
    beside = info.service.get(WRAPPER_KEY)
    wrapper = JsonNode(beside if isinstance(beside, dict) else {}, WRAPPER_KEY)
    resources = wrapper.get("resources")
    return json_document(
        {
            "name": "MapServer",
            "contents": _contents_members(info),
            "resourceInfo": _resource_info(info, wrapper, degrees),
            "resources": resources if isinstance(resources, list) and resources else _NO_RESOURCES,
        }
    )


_NO_RESOURCES = [
    {"name": "layers", "resources": []},
    {"name": "tables", "resources": []},
    {"name": "legend", "contents": {"layers": []}},
]


def _contents_members(info: CacheInfo) -> dict[str, Any]:
    scheme, about = info.scheme, info.description
    reference = scheme.spatial_reference
    kept = JsonNode(info.service, WRAPPER_KEY)
    first, last = held_levels(info)
    document = kept.get("documentInfo")
    defaults: dict[str, Any] = {
        "currentVersion": 10.3,
        "serviceDescription": "",
        "mapName": info.name,
        "description": about.description,
        "copyrightText": about.attribution,
        "supportsDynamicLayers": False,
        "layers": [],
        "tables": [],
        "spatialReference": spatial_members(reference, with_grid=False),
        "singleFusedMapCache": True,
        "tileInfo": tile_info_members(scheme, with_grid=False, tile_format=str(info.tile_format), quality=info.quality),
        "units": map_units(reference),
        "supportedImageFormatTypes": "PNG32,PNG24,PNG,JPG,DIB,TIFF,EMF,PS,PDF,GIF,SVG,SVGZ,BMP",
        "documentInfo": None,
        "capabilities": "Map",
        "supportedQueryFormats": "JSON, AMF",
        "exportTilesAllowed": False,
    }
    known = set(map(str.lower, (*_OWN_KEYS, *_ROOT_JSON_ONLY, WRAPPER_KEY)))
    spelled = {name.lower(): name for name in defaults}
    members = defaults | {
        spelled.get(key.lower(), key): value for key, value in info.service.items() if key.lower() not in known
    }
    members["documentInfo"] = _document_info(info, document if isinstance(document, dict) else {})
    members |= {"maxRecordCount": 1000, "maxImageHeight": 4096, "maxImageWidth": 4096} | {
        key: members[key] for key in ("maxRecordCount", "maxImageHeight", "maxImageWidth") if key in members
    }
    for name, extent in (("fullExtent", info.extent), ("initialExtent", info.initial_extent or info.extent)):
        if extent is not None:
            members[name] = extent_members(extent, reference)
    coarsest, closest = info.visible_scales or (first.scale, last.scale)
    members["minScale"], members["maxScale"] = json_number(coarsest), json_number(closest)
    return members


def _document_info(info: CacheInfo, kept: dict[str, Any]) -> dict[str, Any]:
    about = info.description
    mode = "Fast" if info.antialiasing else "None"
    named = {"Title": about.title or info.name, "Author": about.creator, "Keywords": ", ".join(about.tags)}
    others = {"Comments": "", "Subject": "", "Category": "", "AntialiasingMode": mode}
    members = {"Title": "", "Author": ""} | others | {"TextAntialiasingMode": "Force", "Keywords": ""}
    return members | kept | named


def _resource_info(info: CacheInfo, wrapper: JsonNode, degrees: Extent | None) -> dict[str, Any]:
    given = wrapper.get("resourceInfo")
    # What was said of extents and of the storage holds for the source; the rest is kept.
    kept = JsonNode(given if isinstance(given, dict) else {}, WRAPPER_KEY)
    members: dict[str, Any] = {}
    if degrees is not None:
        members["geoFullExtent"] = extent_members(degrees)
        members["geoInitialExtent"] = extent_members(degrees)
    members |= kept.rest("geoFullExtent", "geoInitialExtent", "cacheInfo")
    cache = kept.get("cacheInfo")
    packet_size = 0 if info.storage_format is StorageFormat.EXPLODED else PACKET_SIZE
    storage = {"packetSize": packet_size, "storageFormat": _STORAGE_WORDS[info.storage_format]}
    members["cacheInfo"] = (cache if isinstance(cache, dict) else {}) | {"storageInfo": storage}
    return members
