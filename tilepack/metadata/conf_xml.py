"""conf.xml: the tiling scheme and the formats of a cache folder.

::

    CacheInfo
      TileCacheInfo
        SpatialReference                 see spatial_xml
        TileOrigin        X, Y           map units, upper left corner of tile 0/0
        [TileEnd]         X, Y           map units, lower right corner of the grid
        TileCols, TileRows               pixels
        DPI
        [PreciseDPI]                     here up to 10.4, after LODInfos from 10.5 on
        LODInfos / LODInfo               LevelID, Scale, Resolution (map units a pixel)
      TileImageInfo
        CacheTileFormat                  PNG, PNG8, PNG24, PNG32, JPEG, MIXED, LERC
        CompressionQuality, Antialiasing, [BandCount, LERCError]
      [CacheStorageInfo]                 missing in 9.2 and 9.3, which know the exploded format only
        StorageFormat                    esriMapCacheStorageModeCompact | CompactV2 | Exploded
        PacketSize                       128, or 0 when exploded

The version is in the namespace ``http://www.esri.com/schemas/ArcGIS/10.3``. Sources: files written by ArcGIS 9.2 to
10.6. Elements that tilepack does not know are kept with the path of their parent and written at that parent's end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from tilepack.cache import CacheInfo, StorageFormat, UnknownElement
from tilepack.keys import PACKET_SIZE
from tilepack.metadata.limits import (
    STORAGE_LITERALS,
    check_level_count,
    check_packet_size,
    check_quality,
    make_level,
    make_scheme,
    read_storage_format,
    read_tile_format,
)
from tilepack.metadata.spatial_xml import KNOWN_CHILDREN, format_spatial_xml, read_spatial_xml
from tilepack.metadata.writing import (
    version_numbers,
    written_schema_version,
    xml_element,
    xml_number,
    xml_root,
)
from tilepack.metadata.xml_documents import XmlNode, parse_xml
from tilepack.scheme import TilingScheme

_KNOWN: Mapping[str, frozenset[str]] = {
    "": frozenset({"tilecacheinfo", "tileimageinfo", "cachestorageinfo"}),
    "TileCacheInfo": frozenset(
        {
            "spatialreference", "tileorigin", "tileend", "tilecols", "tilerows", "dpi", "precisedpi", "lodinfos",
        }
    ),
    "TileCacheInfo/SpatialReference": KNOWN_CHILDREN,
    "TileCacheInfo/TileOrigin": frozenset({"x", "y"}),
    "TileCacheInfo/TileEnd": frozenset({"x", "y"}),
    "TileCacheInfo/LODInfos": frozenset({"lodinfo"}),
    "TileImageInfo": frozenset(
        {"cachetileformat", "compressionquality", "antialiasing", "bandcount", "lercerror"}
    ),
    "CacheStorageInfo": frozenset({"storageformat", "packetsize"}),
}  # fmt: skip
"""Path of a parent below CacheInfo -> local names, lower case, of the children that are understood."""

_KNOWN_OF_LEVEL = frozenset({"levelid", "scale", "resolution"})
_NAMESPACE = re.compile(r"http://www\.esri\.com/schemas/ArcGIS/([0-9.]+)", re.IGNORECASE)
_STANDARD_PREFIX = re.compile(
    r' xmlns:(?:xsi="http://www\.w3\.org/2001/XMLSchema-instance"|xs="http://www\.w3\.org/2001/XMLSchema"'
    r'|typens="http://www\.esri\.com/schemas/ArcGIS/[0-9.]+")'
)
_LATE_PRECISE_DPI = (10, 5)


def parse_conf_xml(data: bytes, *, place: str, name: str) -> CacheInfo:
    """Read a conf.xml of any version.

    Args:
        data: The document's bytes.
        place: Its path, for messages.
        name: Name of the cache; the document has none.

    Returns:
        What the document says. Extents are in conf.cdi, descriptions elsewhere.

    Raises:
        MetadataError: The document is malformed, incomplete, or claims the impossible.
        UnsupportedError: It names a tile or storage format that tilepack does not know.
    """
    return read_cache_info(parse_xml(data, place=place, root="CacheInfo"), name=name)


def read_cache_info(root: XmlNode, *, name: str) -> CacheInfo:
    """Read a CacheInfo element; what ``parse_conf_xml`` says holds.

    Args:
        root: The element.
        name: Name of the cache; the element has none.

    Raises:
        MetadataError: The element is malformed, incomplete, or claims the impossible.
        UnsupportedError: It names a tile or storage format that tilepack does not know.
    """
    place = root.place
    storage_format = _read_storage(root.child("CacheStorageInfo"), place)
    image = root.need("TileImageInfo")
    quality = image.optional_integer("CompressionQuality") or 0
    return CacheInfo(
        name=name,
        scheme=read_scheme_xml(root.need("TileCacheInfo")),
        storage_format=storage_format,
        tile_format=read_tile_format(image.need("CacheTileFormat").own_text, place=place),
        quality=check_quality(quality, place=place),
        antialiasing=image.text("Antialiasing").lower() in {"true", "1"},
        band_count=image.optional_integer("BandCount"),
        lerc_error=image.optional_number("LERCError"),
        schema_version=_schema_version(root),
        unknown_elements=tuple(_unknown_elements(root)),
    )


def _read_storage(node: XmlNode | None, place: str) -> StorageFormat:
    literal = "" if node is None else node.text("StorageFormat")
    if node is None or not literal:
        return StorageFormat.EXPLODED
    storage_format = read_storage_format(literal, place=place)
    if storage_format is not StorageFormat.EXPLODED:
        size = node.optional_integer("PacketSize")
        check_packet_size(PACKET_SIZE if size is None else size, storage_format, place=place)
    return storage_format


def read_scheme_xml(node: XmlNode) -> TilingScheme:
    """Read a TileCacheInfo element.

    Raises:
        MetadataError: Something that a tiling scheme needs is missing, no number, or outside its limits.
    """
    place = node.place
    listed = [child for child in node.need("LODInfos") if child.name == "lodinfo"]
    check_level_count(len(listed), place=place)
    origin, end = node.need("TileOrigin"), node.child("TileEnd")
    dpi = node.optional_number("DPI")
    return make_scheme(
        origin=(origin.number("X"), origin.number("Y")),
        tile_size=(node.integer("TileCols"), node.integer("TileRows")),
        dpi=96 if dpi is None else dpi,
        precise_dpi=node.optional_number("PreciseDPI"),
        levels=[
            make_level(
                level=lod.integer("LevelID"),
                resolution=lod.number("Resolution"),
                scale=lod.optional_number("Scale") or 0.0,
                place=place,
            )
            for lod in listed
        ],
        spatial_reference=read_spatial_xml(node.child("SpatialReference")),
        end=None if end is None else (end.number("X"), end.number("Y")),
        place=place,
    )


def _schema_version(root: XmlNode) -> str | None:
    for uri in root.element.nsmap.values():
        found = _NAMESPACE.fullmatch(str(uri))
        if found and version_numbers(found[1]):
            return found[1]
    return None


def _unknown_elements(root: XmlNode) -> Iterator[UnknownElement]:
    for path, known in _KNOWN.items():
        node: XmlNode | None = root
        for step in filter(None, path.split("/")):
            node = None if node is None else node.child(step)
        if node is not None:
            yield from _unknown_children(node, path, known)
    levels = root.need("TileCacheInfo").need("LODInfos")
    for lod in levels:
        if lod.name == "lodinfo":
            yield from _unknown_children(lod, _level_path(lod.integer("LevelID")), _KNOWN_OF_LEVEL)


def _unknown_children(node: XmlNode, path: str, known: frozenset[str]) -> Iterator[UnknownElement]:
    for child in node:
        if child.name not in known:
            yield UnknownElement(path, _as_text(child))


def _as_text(node: XmlNode) -> str:
    text = etree.tostring(node.element, encoding="unicode", with_tail=False)
    # The prefixes that every conf.xml declares at its top are declared there again when the element is written.
    tag, closing, rest = text.partition(">")  # no attribute holds a bare one: it is escaped when printed
    return f"{_STANDARD_PREFIX.sub('', tag)}{closing}{rest}"


def _level_path(level: int) -> str:
    return f"TileCacheInfo/LODInfos/LODInfo[{level}]"


def format_conf_xml(info: CacheInfo) -> bytes:
    """Print a conf.xml as ArcGIS 10.3 and later write it.

    The schema version is the source's own from 10.1 on, else 10.3. Numbers come out as the doubles that they are.
    Unknown elements of levels that are not in the scheme, and of elements that are not written, are left out.
    """
    version = written_schema_version(info.schema_version)
    extras = _Extras(info.unknown_elements)
    storage = "".join(
        (
            xml_element("StorageFormat", STORAGE_LITERALS[info.storage_format]),
            xml_element("PacketSize", "0" if info.storage_format is StorageFormat.EXPLODED else str(PACKET_SIZE)),
            extras.below("CacheStorageInfo"),
        )
    )
    content = (
        xml_element("TileCacheInfo", _scheme_content(info, version, extras), "typens:TileCacheInfo"),
        xml_element("TileImageInfo", _image_content(info, extras), "typens:TileImageInfo"),
        xml_element("CacheStorageInfo", storage, "typens:CacheStorageInfo"),
        extras.below(""),
    )
    return xml_root("CacheInfo", "".join(content), version)


class _Extras:
    """Unknown elements by the path of their parent."""

    def __init__(self, elements: Iterable[UnknownElement]) -> None:
        self._texts: dict[str, list[str]] = {}
        for element in elements:
            self._texts.setdefault(element.parent, []).append(element.xml)

    def below(self, path: str) -> str:
        return "".join(self._texts.get(path, ()))


def _scheme_content(info: CacheInfo, version: str, extras: _Extras) -> str:
    scheme = info.scheme
    path = "TileCacheInfo"
    levels = "".join(
        xml_element(
            "LODInfo",
            f"<LevelID>{lod.level}</LevelID><Scale>{xml_number(lod.scale)}</Scale>"
            f"<Resolution>{xml_number(lod.resolution)}</Resolution>{extras.below(_level_path(lod.level))}",
            "typens:LODInfo",
        )
        for lod in scheme.levels
    )
    precise = "" if scheme.precise_dpi is None else xml_element("PreciseDPI", xml_number(scheme.precise_dpi))
    late = version_numbers(version) >= _LATE_PRECISE_DPI
    return "".join(
        (
            format_spatial_xml(scheme.spatial_reference, extras.below(f"{path}/SpatialReference")),
            _point("TileOrigin", (scheme.origin_x, scheme.origin_y), extras),
            "" if scheme.end is None else _point("TileEnd", scheme.end, extras),
            xml_element("TileCols", str(scheme.tile_width)),
            xml_element("TileRows", str(scheme.tile_height)),
            xml_element("DPI", xml_number(scheme.dpi)),
            "" if late else precise,
            xml_element("LODInfos", levels + extras.below(f"{path}/LODInfos"), "typens:ArrayOfLODInfo"),
            precise if late else "",
            extras.below(path),
        )
    )


def _point(name: str, corner: tuple[float, float], extras: _Extras) -> str:
    content = f"<X>{xml_number(corner[0])}</X><Y>{xml_number(corner[1])}</Y>"
    return xml_element(name, content + extras.below(f"TileCacheInfo/{name}"), "typens:PointN")


def _image_content(info: CacheInfo, extras: _Extras) -> str:
    parts = [
        xml_element("CacheTileFormat", info.tile_format),
        xml_element("CompressionQuality", str(info.quality)),
        xml_element("Antialiasing", "true" if info.antialiasing else "false"),
    ]
    if info.band_count is not None:
        parts.append(xml_element("BandCount", str(info.band_count)))
    if info.lerc_error is not None:
        parts.append(xml_element("LERCError", xml_number(info.lerc_error)))
    return "".join(parts) + extras.below("TileImageInfo")
