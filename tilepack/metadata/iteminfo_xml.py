"""esriinfo/iteminfo.xml and esriinfo/item.pkinfo: what portals and people read about a .tpk or .vtpk package.

::

    ESRI_ItemInformation   name, guid, catalogpath, snippet, description, summary, title, tags (commas between),
                           type "Tile Package", typekeywords/typekeyword, thumbnail, documentation, url,
                           datalastmodifiedtime, extent{xmin, ymin, xmax, ymax in WGS84 degrees},
                           spatialreference (its name), accessinformation, licenseinfo
    pkinfo                 ID (the same guid), name, version, size (-1), created, type, servable, packagelocation,
                           pkinfolocation

Both have one element a line, ended by CR LF. Source: packages of ArcGIS 10.3 and 10.6 desktop. Those of vector tiles
say "Vector Tile Package" for their type, as portals call the item; their keywords were not compared with those of a
package of ArcGIS Pro.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from tilepack.cache import CacheInfo, ItemDescription, TileFormat
from tilepack.extent import Extent
from tilepack.metadata.iteminfo_json import ItemInfo, split_tags
from tilepack.metadata.limits import make_extent
from tilepack.metadata.spatial_defaults import filled_reference, reference_name
from tilepack.metadata.writing import (
    XML_DECLARATION,
    written_schema_version,
    xml_element,
    xml_text,
)
from tilepack.metadata.xml_documents import XmlNode, parse_xml

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_KEYWORDS = ("Data", "Tile Package", "ArcMap", "ArcGlobe", "tpk")
_VECTOR_KEYWORDS = ("Data", "Vector Tile Package", "vtpk")
_STYLESHEET = '<?xml-stylesheet type="text/xsl" href="http://www.arcgisonline.com/home/pkinfostylesheet.xsl"?>'


def parse_iteminfo_xml(data: bytes, *, place: str) -> ItemInfo:
    """Read an iteminfo.xml.

    Raises:
        MetadataError: The document is malformed, or its extent has other things than numbers.
    """
    root = parse_xml(data, place=place, root="ESRI_ItemInformation")
    return ItemInfo(
        description=ItemDescription(
            title=root.text("title"),
            tags=split_tags(root.text("tags")),
            summary=root.text("snippet") or root.text("summary"),
            description=root.text("description"),
            attribution=root.text("accessinformation"),
            license=root.text("licenseinfo"),
        ),
        name=root.text("name"),
        guid=root.text("guid"),
        extent=_read_extent(root.child("extent")),
    )


def _read_extent(node: XmlNode | None) -> Extent | None:
    if node is None or any(node.text(edge).lower() in {"", "nan"} for edge in _EDGES):
        return None
    xmin, ymin, xmax, ymax = (node.number(edge) for edge in _EDGES)
    return make_extent(xmin, ymin, xmax, ymax, place=node.place)


def format_iteminfo_xml(
    info: CacheInfo, *, guid: str, created: int | None = None, degrees: Extent | None = None
) -> bytes:
    """Print an iteminfo.xml.

    Args:
        info: What the cache says. Its name stands in for a missing title.
        guid: The package's own, written in upper case; the same as in item.pkinfo.
        created: Seconds since 1970 UTC, written as the time of the last change; left empty when None.
        degrees: The extent in WGS84 longitudes and latitudes, where it is known.
    """
    about = info.description
    keywords = _VECTOR_KEYWORDS if info.tile_format is TileFormat.PBF else _KEYWORDS
    lines = [
        _line("name", info.name),
        _line("guid", guid.upper()),
        _line("catalogpath"),
        _line("snippet", about.summary),
        _line("description", about.description),
        _line("summary", about.summary),
        _line("title", about.title or info.name),
        _line("tags", ", ".join(about.tags)),
        _line("type", _type(info)),
        "<typekeywords>",
        *(_line("typekeyword", keyword) for keyword in keywords),
        "</typekeywords>",
        _line("thumbnail", "thumbnail/thumbnail.png"),
        _line("documentation"),
        _line("url"),
        _line("datalastmodifiedtime", _time(created)),
    ]
    if degrees is not None:
        edges = zip(_EDGES, degrees.as_tuple(), strict=True)
        # Fifteen digits: a nanometre on the ground, and what ArcGIS prints here.
        lines += ["<extent>", *(_line(edge, f"{value:.15g}") for edge, value in edges), "</extent>"]
    lines += [
        _line("spatialreference", reference_name(filled_reference(info.scheme.spatial_reference))),
        _line("accessinformation", about.attribution),
        _line("licenseinfo", about.license),
    ]
    return _document("ESRI_ItemInformation", lines)


def format_item_pkinfo(info: CacheInfo, *, guid: str, created: int | None = None) -> bytes:
    """Print an item.pkinfo.

    Args:
        info: What the cache says.
        guid: The package's own, written in upper case; the same as in iteminfo.xml.
        created: Seconds since 1970 UTC; left empty when None, as ArcGIS does.
    """
    lines = [
        _line("ID", guid.upper()),
        _line("name", info.name),
        _line("version", written_schema_version(info.schema_version)),
        _line("size", "-1"),
        _line("created", _time(created)),
        _line("type", _type(info)),
        _line("servable", "false"),
        _line("packagelocation"),
        _line("pkinfolocation"),
    ]
    return _document("pkinfo", lines, _STYLESHEET)


def _type(info: CacheInfo) -> str:
    return "Vector Tile Package" if info.tile_format is TileFormat.PBF else "Tile Package"


def _line(name: str, text: str = "") -> str:
    return xml_element(name, xml_text(text))


def _time(seconds: int | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(name: str, lines: Iterable[str], *heads: str) -> bytes:
    return "".join(
        f"{line}\r\n" for line in (XML_DECLARATION, *heads, f"<{name} Culture='en-US'>", *lines, f"</{name}>")
    ).encode()
