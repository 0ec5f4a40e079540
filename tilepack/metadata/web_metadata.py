"""What MBTiles, PMTiles and folders of web tiles say of themselves, in the words of MBTiles' metadata table.

=====================  ====================================================================================
name                   what it says
=====================  ====================================================================================
name, description      as people read them
attribution            credits
format                 png, jpg, webp or pbf; ``hybrid`` and the like for several. Tiles tell for themselves
bounds                 west, south, east, north in WGS84 degrees
center                 longitude, latitude and zoom of a first view
minzoom, maxzoom       zooms that hold tiles
type                   overlay or baselayer
json                   further members as JSON, such as vector_layers
=====================  ====================================================================================

Values are texts in MBTiles and in a folder's metadata.json; PMTiles has JSON's own, and bounds and zooms in its header.
Whatever else there is (version, type, vector_layers, ...) is given back unchanged. Source: the MBTiles 1.3
specification; the PMTiles 3 specification, section 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tilepack.cache import CacheInfo, ItemDescription, TileFormat
from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.documents import read_integer, read_number, shown
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.web_mercator import LAST_ZOOM, to_web_degrees

_KNOWN: Final = (
    *("name", "description", "attribution", "format", "bounds", "center", "minzoom", "maxzoom", "json"),
    *("tags", "summary", "license"),
)
_DIGITS: Final = 9
"""Of degrees: a tenth of a millimetre."""

TILE_FORMATS: Final = {
    "png": TileFormat.PNG,
    "png8": TileFormat.PNG,
    "png32": TileFormat.PNG,
    "jpg": TileFormat.JPEG,
    "jpeg": TileFormat.JPEG,
    "webp": TileFormat.WEBP,
    "pbf": TileFormat.PBF,
    "mvt": TileFormat.PBF,
    "hybrid": TileFormat.MIXED,
    "mixed": TileFormat.MIXED,
}
"""Tile formats by what the metadata calls them, media types without ``image/``."""


@dataclass(slots=True)
class WebMetadata:
    """What was read."""

    name: str = ""
    description: ItemDescription = field(default_factory=ItemDescription)
    tile_format: TileFormat | None = None
    degrees: Extent | None = None
    """Declared extent, WGS84 degrees."""
    min_zoom: int | None = None
    max_zoom: int | None = None
    rest: dict[str, Any] = field(default_factory=dict)
    """What tilepack has no use for."""
    faults: list[str] = field(default_factory=list)
    """What cannot be true of it, a sentence each; it counts as not said."""


def parse_web_metadata(members: Mapping[str, Any], *, place: str) -> WebMetadata:
    """Read metadata. No tile depends on any of it, so what is malformed is a fault and not an error.

    Args:
        members: Texts, or values of JSON, by name.
        place: What to call it in messages.
    """
    read = WebMetadata()
    node = JsonNode(members, place)
    inner = members.get("json")
    if isinstance(inner, str) and inner.strip():
        try:
            more = parse_json(inner.encode(errors="replace"), place=f"{place} (json)").members
        except MetadataError as error:
            read.faults.append(str(error))
        else:
            node = JsonNode({**more, **members}, place)
    read.name = node.text("name")
    tags = node.get("tags")
    read.description = ItemDescription(
        title=read.name,
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()) if isinstance(tags, str) else (),
        summary=node.text("summary"),
        description=node.text("description"),
        attribution=node.text("attribution"),
        license=node.text("license"),
    )
    said = node.text("format").lower().removeprefix("image/")
    read.tile_format = TILE_FORMATS.get(said)
    if said and read.tile_format is None:
        read.faults.append(f"{place}: the format is {shown(said)}, which nobody knows; the tiles tell")
    for name, reading in (("bounds", _read_bounds), ("minzoom", _read_zoom), ("maxzoom", _read_zoom)):
        try:
            value = reading(node, name)
        except MetadataError as error:
            read.faults.append(str(error))
        else:
            setattr(read, {"bounds": "degrees", "minzoom": "min_zoom", "maxzoom": "max_zoom"}[name], value)
    read.rest = node.rest(*_KNOWN)
    return read


def _read_bounds(node: JsonNode, name: str) -> Extent | None:
    value = node.get(name)
    if value in (None, "", []):
        return None
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) != 4:
        raise MetadataError(f"{node.place}: {name} is {shown(value)}; it is west, south, east, north in degrees")
    west, south, east, north = (read_number(_bare(part), place=node.place, label=name) for part in parts)
    if west > east:  # across the antimeridian: one rectangle can only hold both sides
        west, east = -180.0, 180.0
    if south > north or south > 90 or north < -90 or not -360 <= west <= east <= 360:
        raise MetadataError(f"{node.place}: {name} is {shown(value)}, which is nowhere on earth")
    return Extent(xmin=max(-180.0, west), ymin=max(-90.0, south), xmax=min(180.0, east), ymax=min(90.0, north))


def _read_zoom(node: JsonNode, name: str) -> int | None:
    value = node.get(name)
    if value in (None, ""):
        return None
    zoom = read_integer(_bare(value), place=node.place, label=name)
    if not 0 <= zoom <= LAST_ZOOM:
        raise MetadataError(f"{node.place}: {name} is {zoom}; zooms go from 0 to {LAST_ZOOM}")
    return zoom


def _bare(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def web_members(info: CacheInfo, tile_format: str) -> dict[str, Any]:
    """Give what a cache says, as JSON's values, in the order in which the specification names it.

    Args:
        info: The cache, its scheme the web's.
        tile_format: ``png``, ``jpg``, ``webp`` or ``pbf``.
    """
    item = info.description
    members: dict[str, Any] = {"name": item.title or info.name, "format": tile_format}
    if info.extent is not None:
        west, south, east, north = (round(value, _DIGITS) for value in to_web_degrees(info.extent).as_tuple())
        members["bounds"] = [west, south, east, north]
        zoom = 0 if info.min_level is None else info.min_level
        members["center"] = [round((west + east) / 2, _DIGITS), round((south + north) / 2, _DIGITS), zoom]
    if info.min_level is not None and info.max_level is not None:
        members |= {"minzoom": info.min_level, "maxzoom": info.max_level}
    texts = {
        "attribution": item.attribution,
        "description": item.description or item.summary,
        "summary": item.summary if item.description else "",
        "tags": ",".join(item.tags),
        "license": item.license,
    }
    members |= {name: text for name, text in texts.items() if text}
    members["type"] = "baselayer" if tile_format == "jpg" else "overlay"
    members["version"] = "1"
    return members | dict(info.web)


def as_texts(members: Mapping[str, Any]) -> dict[str, str]:
    """Give members as MBTiles holds them: texts; what is none goes into ``json`` together."""
    texts: dict[str, str] = {}
    deep: dict[str, Any] = {}
    for name, value in members.items():
        if isinstance(value, str):
            texts[name] = value
        elif name in ("bounds", "center"):
            texts[name] = ",".join(str(number) for number in value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            texts[name] = str(value)
        else:
            deep[name] = value
    if deep:
        texts["json"] = json.dumps(deep, ensure_ascii=False)
    return texts
