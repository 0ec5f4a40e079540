"""iteminfo.json: what portals and people read about a .tpkx package.

::

    creator, name, guid, version (1.0), created (milliseconds since 1970, 0 when unknown), snippet, description,
    summary, title, tags (list; "" in packages without), type "Compact Tile Package",
    typeKeywords | typekeywords, thumbnail "./thumbnail.png", [accessInformation, licenseInfo],
    extent {xmin, ymin, xmax, ymax, spatialReference{wkid 4326}} | [[xmin, ymin], [xmax, ymax]]

Sources: Esri's tile package specification and the package that comes with it; the ArcGIS REST reference for the names
of credits and licence, which those two do without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tilepack.cache import CacheInfo, ItemDescription
from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.limits import make_extent
from tilepack.metadata.spatial_json import extent_members, read_extent_json
from tilepack.metadata.writing import json_document
from tilepack.spatial import SpatialReference

DEFAULT_CREATOR = "tilepack"
_DEGREES = SpatialReference(wkid=4326, latest_wkid=4326)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInfo:
    """What the item document of a package says."""

    description: ItemDescription
    name: str
    """"" where it gives none."""
    guid: str
    """As given, "" where it gives none."""
    extent: Extent | None
    """WGS84 longitudes and latitudes; None where missing, empty, or in other units."""


def parse_iteminfo_json(data: bytes, *, place: str) -> ItemInfo:
    """Read an iteminfo.json in any of its spellings.

    Raises:
        MetadataError: The document is malformed.
    """
    root = parse_json(data, place=place)
    return ItemInfo(
        description=ItemDescription(
            title=root.text("title"),
            tags=split_tags(root.get("tags")),
            summary=root.text("snippet") or root.text("summary"),
            description=root.text("description"),
            attribution=root.text("accessInformation") or root.text("attribution"),
            license=root.text("licenseInfo"),
            creator=root.text("creator") or root.text("owner"),
        ),
        name=root.text("name"),
        guid=root.text("guid"),
        extent=_read_extent(root),
    )


def split_tags(value: object) -> tuple[str, ...]:
    """Give the tags of a list or of a text with commas; what is neither has none."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return ()
    node = JsonNode({str(position): tag for position, tag in enumerate(value)}, "")
    return tuple(filter(None, map(node.text, node.members)))


def _read_extent(root: JsonNode) -> Extent | None:
    corners = root.get("extent")
    if isinstance(corners, list):  # as items of a portal give it
        flat = [value for corner in corners if isinstance(corner, list) for value in corner]
        if len(flat) != 4:
            return None
        node = JsonNode(dict(zip(("xmin", "ymin", "xmax", "ymax"), flat, strict=True)), root.place)
        try:
            numbers = [node.number(edge) for edge in node.members]
        except MetadataError:
            return None
        return make_extent(*numbers, place=root.place)
    return read_extent_json(root, "extent", within=_DEGREES)


def format_iteminfo_json(
    info: CacheInfo, *, guid: str, created: int | None = None, degrees: Extent | None = None
) -> bytes:
    """Print an iteminfo.json.

    Args:
        info: What the cache says. Its name stands in for a missing title.
        guid: The package's own, written in upper case.
        created: Seconds since 1970 UTC.
        degrees: The extent in WGS84 longitudes and latitudes, where it is known.
    """
    about = info.description
    members: dict[str, Any] = {
        "creator": about.creator or DEFAULT_CREATOR,
        "name": info.name,
        "guid": guid.upper(),
        "version": 1.0,
        "created": (created or 0) * 1000,
        "snippet": about.summary,
        "description": about.description,
        "summary": about.summary,
        "title": about.title or info.name,
        "tags": list(about.tags),
        "type": "Compact Tile Package",
        "typeKeywords": ["Compact Tile Package", "Tile Package", "tpkx"],
        "thumbnail": "./thumbnail.png",
    }
    if degrees is not None:
        members["extent"] = extent_members(degrees) | {"spatialReference": {"wkid": 4326, "latestWkid": 4326}}
    if about.attribution:
        members["accessInformation"] = about.attribution
    if about.license:
        members["licenseInfo"] = about.license
    return json_document(members)
