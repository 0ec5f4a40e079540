"""root.json: the one document of a .tpkx package and of a "ready to serve" cache folder.

::

    tileImageInfo     {format, compressionQuality | compression, bandCount, lercError}
    name, version (1.0), serviceDescription, [copyrightText | attribution]
    tileBundlesPath   "./tile", relative to the document
    spatialReference  see spatial_json
    units             esriMeters, esriDecimalDegrees, esriFeet, ...
    minLOD, maxLOD    first and last level that hold tiles
    minScale, maxScale, resampling
    tileInfo          see tiling_json; the whole scheme whatever the levels that hold tiles
    exportTilesAllowed
    storageInfo       {storageFormat | storageformat, packetSize | packetsize}
    layers            with legends
    initialExtent, fullExtent

Sources: Esri's tile package specification, whose spellings differ from those of the package that comes with it, and
that package. All spellings are read; the package's are written. Members that tilepack has no use for are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tilepack.cache import CacheInfo, ItemDescription, StorageFormat
from tilepack.errors import MetadataError, UnsupportedError
from tilepack.keys import PACKET_SIZE
from tilepack.metadata.documents import shown
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.limits import (
    MAX_LEVEL_ID,
    STORAGE_LITERALS,
    check_packet_size,
    check_quality,
    held_levels,
    read_storage_format,
    read_tile_format,
)
from tilepack.metadata.mapserver_json import WRAPPER_KEY
from tilepack.metadata.spatial_defaults import map_units
from tilepack.metadata.spatial_json import extent_members, read_extent_json, spatial_members
from tilepack.metadata.tiling_json import read_tile_info, tile_info_members
from tilepack.metadata.writing import json_document, json_number

DEFAULT_BUNDLES_PATH = "./tile"

_OWN_KEYS = (
    "tileImageInfo", "name", "serviceDescription", "description", "copyrightText", "attribution", "tileBundlesPath",
    "spatialReference", "minLOD", "maxLOD", "minScale", "maxScale", "tileInfo", "storageInfo", "initialExtent",
    "fullExtent", "extent",
)  # fmt: skip
"""Members whose meaning is in `CacheInfo`; all others are kept as they are."""

_KEPT_IN_PLACE = ("version", "units", "resampling", "exportTilesAllowed", "layers")


@dataclass(frozen=True, slots=True)
class RootJson:
    """What a root.json says."""

    info: CacheInfo
    bundles_path: str
    """Folder of the levels, relative to the document, as given; it leads neither out of nor above it."""


def parse_root_json(data: bytes, *, place: str, name: str) -> RootJson:
    """Read a root.json in any of its spellings.

    Args:
        data: The document's bytes.
        place: Its path, for messages.
        name: Name of the cache where the document gives none.

    Raises:
        MetadataError: The document is malformed, incomplete, claims the impossible, or leads out of the package.
        UnsupportedError: It describes vector tiles (see ``vector_root_json``), or a format that tilepack does not know.
    """
    root = parse_json(data, place=place)
    image, tile_info = root.node("tileImageInfo"), root.node("tileInfo")
    if tile_info is None:
        raise MetadataError(f"{place}: root.json has no tileInfo; the document is incomplete")
    if describes_vector_tiles(root):
        raise UnsupportedError(f"{place}: describes vector tiles where images are expected")
    scheme = read_tile_info(tile_info, root.node("spatialReference"))
    tile_format = (image.text("format") if image else "") or tile_info.text("format")
    if not tile_format:
        raise MetadataError(f"{place}: root.json names no tile format; tileImageInfo.format is missing")
    quality = _quality(image) if image else None
    if quality is None:
        quality = _quality(tile_info) or 0
    min_level, max_level = level_bounds(root)
    full = read_extent_json(root, "fullExtent", "extent", within=scheme.spatial_reference)
    info = CacheInfo(
        name=root.text("name") or name,
        scheme=scheme,
        storage_format=stored_as(root),
        tile_format=read_tile_format(tile_format, place=place),
        quality=check_quality(quality, place=place),
        band_count=image.optional_integer("bandCount") if image else None,
        lerc_error=image.optional_number("lercError") if image else None,
        extent=full,
        initial_extent=read_extent_json(root, "initialExtent", within=scheme.spatial_reference),
        min_level=min_level,
        max_level=max_level,
        description=described_by(root),
        ready_to_serve=True,
        service=MappingProxyType(root.rest(*_OWN_KEYS, WRAPPER_KEY)),
    )
    return RootJson(replace(info, visible_scales=visible_scales(root, info)), _bundles_path(root))


def describes_vector_tiles(root: JsonNode) -> bool:
    """Tell whether a root.json is that of a vector tile package, by its type or by its tile format."""
    tile_info = root.get("tileInfo")
    tile_format = JsonNode(tile_info, root.place).text("format") if isinstance(tile_info, dict) else ""
    return root.text("type").lower().startswith("indexed") or tile_format.lower() in {"pbf", "mvt"}


def _quality(node: JsonNode) -> int | None:
    return node.optional_integer("compressionQuality", "compression")


def described_by(root: JsonNode) -> ItemDescription:
    """Give what a root.json says of its item, by either of the names that packages have for it."""
    return ItemDescription(
        description=root.text("description") or root.text("serviceDescription"),
        attribution=root.text("copyrightText") or root.text("attribution"),
    )


def level_bounds(root: JsonNode) -> tuple[int | None, int | None]:
    """Read minLOD and maxLOD.

    Raises:
        MetadataError: They are no levels, or the wrong way round.
    """
    bounds = root.optional_integer("minLOD"), root.optional_integer("maxLOD")
    for label, bound in zip(("minLOD", "maxLOD"), bounds, strict=True):
        if bound is not None and not 0 <= bound <= MAX_LEVEL_ID:
            raise MetadataError(f"{root.place}: {label} is {shown(bound)}; it goes from 0 to {MAX_LEVEL_ID}")
    first, last = bounds
    if first is not None and last is not None and first > last:
        raise MetadataError(f"{root.place}: minLOD is {first} and maxLOD {last}; minLOD cannot lie above maxLOD")
    return bounds


def visible_scales(root: JsonNode, info: CacheInfo) -> tuple[float, float] | None:
    """Read minScale and maxScale where they say more than the levels do; 0 is no limit.

    Raises:
        MetadataError: They are no numbers.
    """
    first, last = root.optional_number("minScale"), root.optional_number("maxScale")
    if not (first and last and first > 0 and last > 0):
        return None
    return None if (first, last) == tuple(lod.scale for lod in held_levels(info)) else (first, last)


def stored_as(root: JsonNode) -> StorageFormat:
    """Read how tiles are stored, COMPACT_V2 where nothing is said.

    Raises:
        UnsupportedError: In a way that tilepack does not know.
        MetadataError: In bundles of another size than 128 x 128 tiles.
    """
    node = root.node("storageInfo")
    if node is None:  # where services repeat it
        resource = root.node("resourceInfo")
        cache = resource.node("cacheInfo") if resource else None
        node = cache.node("storageInfo") if cache else None
    literal = node.text("storageFormat") if node else ""
    storage_format = read_storage_format(literal, place=root.place) if literal else StorageFormat.COMPACT_V2
    size = node.optional_integer("packetSize") if node else None
    check_packet_size(PACKET_SIZE if size is None else size, storage_format, place=root.place)
    return storage_format


def _bundles_path(root: JsonNode) -> str:
    given = root.get("tileBundlesPath")
    return folder_inside(DEFAULT_BUNDLES_PATH if given in (None, "") else given, "tileBundlesPath", place=root.place)


def folder_inside(path: object, label: str, *, place: str) -> str:
    """Give the path of a folder back when it leads neither out of nor above the package.

    Args:
        path: As the document says it, ``/``-joined.
        label: The member that says it, for messages.
        place: The document's path, for messages.

    Raises:
        MetadataError: It leads elsewhere, or is no path.
    """
    safe = (
        isinstance(path, str)
        and not path.startswith("/")
        and not re.search(r"[\\:\x00-\x1f\ud800-\udfff]", path)
        # Windows drops blanks and points at a name's end, so ".. " leads upwards there too.
        and all(step.strip() in {".", ""} or step.rstrip(" .") for step in path.split("/"))
    )
    if not safe:
        raise MetadataError(
            f"{place}: {label} is {shown(path)}; it must be a folder inside the package, such as {DEFAULT_BUNDLES_PATH}"
        )
    return str(path)


def format_root_json(info: CacheInfo, bundles_path: str = DEFAULT_BUNDLES_PATH) -> bytes:
    """Print a root.json with the members and in the order of ArcGIS' packages.

    The whole list of levels is written. minLOD and maxLOD are the levels said to hold tiles (the scheme's ends where
    nothing is said), minScale and maxScale theirs, unless the source says others. Extents are left
    out where none is declared.
    """
    scheme, kept = info.scheme, JsonNode(info.service, "root.json")
    reference = scheme.spatial_reference
    first, last = held_levels(info)
    coarsest, closest = info.visible_scales or (first.scale, last.scale)
    units, resampling = kept.get("units"), kept.get("resampling")
    members: dict[str, Any] = {
        "tileImageInfo": {
            "format": str(info.tile_format),
            "compressionQuality": info.quality,
            "bandCount": 1 if info.band_count is None else info.band_count,
            "lercError": json_number(info.lerc_error or 0),
        },
        "name": info.name,
        "version": kept.get("version") or 1.0,
        "serviceDescription": info.description.description,
        "tileBundlesPath": bundles_path,
        "spatialReference": spatial_members(reference, with_grid=True),
        "units": units or map_units(reference),
        "minLOD": first.level if info.min_level is None else info.min_level,
        "maxLOD": last.level if info.max_level is None else info.max_level,
        "minScale": json_number(coarsest),
        "maxScale": json_number(closest),
        "resampling": True if resampling is None else resampling,
        "tileInfo": tile_info_members(scheme, with_grid=True),
        "exportTilesAllowed": kept.get("exportTilesAllowed") or False,
        "storageInfo": {"storageFormat": STORAGE_LITERALS[info.storage_format], "packetSize": PACKET_SIZE},
        "layers": kept.get("layers") or [],
    }
    for name, extent in (("initialExtent", info.initial_extent or info.extent), ("fullExtent", info.extent)):
        if extent is not None:
            members[name] = extent_members(extent, reference, with_grid=True)
    if info.description.attribution:
        members["copyrightText"] = info.description.attribution
    return json_document(members | kept.rest(*_OWN_KEYS, *_KEPT_IN_PLACE, WRAPPER_KEY))
