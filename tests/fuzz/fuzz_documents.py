"""Targets: the documents of caches and packages. What is read must be written, and the same when it is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import hostile_builders as small
import metadata_documents as versions
from fuzz_target import Target, World, fixture_files, sample_files

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.keys import TileKey
from tilepack.metadata.conf_cdi import format_conf_cdi, parse_conf_cdi
from tilepack.metadata.conf_properties import format_conf_properties, parse_conf_properties
from tilepack.metadata.conf_xml import format_conf_xml, parse_conf_xml
from tilepack.metadata.iteminfo_json import format_iteminfo_json, parse_iteminfo_json
from tilepack.metadata.iteminfo_xml import format_item_pkinfo, format_iteminfo_xml, parse_iteminfo_xml
from tilepack.metadata.mapserver_json import format_mapserver_json, parse_levels, parse_mapserver_json, parse_service
from tilepack.metadata.root_json import format_root_json, parse_root_json
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.metadata.tiling_scheme_xml import parse_tiling_scheme
from tilepack.spatial import complete, is_geographic, metres_per_unit, to_degrees

PLACE = "a/document"
GUID = "6d1f2a8c-0000-4000-8000-00000000a15e"

NUMBERS = (b"1e400", b"-1e400", b"NaN", b"Infinity", b"-0", b"1e15", b"1e-15", b"1e-400", b"0x10", b"1_0", b"9" * 400)
NUMBERS += (b"999", b"1000", b"8192", b"8193", b"128.0", b"2147483648", b"1e308", b"5e-324", b"0.1", b"\xd9\xa1")
XML = (b"<!DOCTYPE a [", b'<!ENTITY b "c">', b"&b;", b"<?xml", b"<![CDATA[", b"]]>", b"<!--", b"&#0;", b"&#xD800;")
XML += (b"xmlns:a='b'", b"xsi:type='typens:PointN'", b'encoding="utf-16"', b'encoding="utf-7"', b'encoding="cp037"')
XML += (b"<WKT>", b"<WKID>", b"<LatestWKID>", b"<XYScale>", b"<TileEnd><X>0</X><Y>0</Y></TileEnd>", b"<PreciseDPI>")
XML += (b"<LeftLongitude>-180</LeftLongitude>", b"<BandCount>", b"<LERCError>", b"<LODInfo>", b"</LODInfo>")
JSON = (b"\\ud800", b"\\u0000", b"null", b"true", b"[]", b"{}", b'""', b"[" * 200, b'{"a":' * 120, b"\xef\xbb\xbf")
JSON += (
    b'"wkt":"',
    b'"wkid":',
    b'"latestWkid":',
    b'"extent":[[-180,-90],[180,90]]',
    b'"tags":["a","b"]',
    b'"tags":"a, b"',
)
JSON += (b'"minLOD":', b'"maxLOD":', b'"minScale":', b'"maxScale":', b'"tileBundlesPath":"../neighbour"')
JSON += (b'"storageInfo":', b'"packetSize":', b'"contents":', b'"documentInfo":', b'"resourceInfo":', b'"xmin":"NaN"')


def read_conf(data: bytes, world: World) -> None:
    info = parse_conf_xml(data, place=PLACE, name="A")
    again = parse_conf_xml(format_conf_xml(info), place=PLACE, name="A")
    assert replace(again.scheme, spatial_reference=info.scheme.spatial_reference) == info.scheme
    use(info)


def read_scheme(data: bytes, world: World) -> None:
    use(parse_tiling_scheme(data, place=PLACE, name=""))


def read_cdi(data: bytes, world: World) -> None:
    extent, reference = parse_conf_cdi(data, place=PLACE)
    if extent is None:
        return
    scheme = arcgis_online_scheme()
    if reference is not None:
        scheme = replace(scheme, spatial_reference=reference)
    info = CacheInfo(
        name="A",
        scheme=scheme,
        storage_format=StorageFormat.COMPACT,
        tile_format=TileFormat.MIXED,
        extent=extent,
    )
    assert parse_conf_cdi(format_conf_cdi(info), place=PLACE)[0] == extent
    use(info)


def read_properties(data: bytes, world: World) -> None:
    kind = parse_conf_properties(data, place=PLACE)
    info = replace(plain(), content_type=kind)
    assert parse_conf_properties(format_conf_properties(info), place=PLACE) == kind


def read_root(data: bytes, world: World) -> None:
    root = parse_root_json(data, place=PLACE, name="A")
    assert ".." not in root.bundles_path.split("/")
    again = parse_root_json(format_root_json(root.info), place=PLACE, name="A").info
    assert again.scheme.levels == root.info.scheme.levels
    assert again.extent == root.info.extent
    use(root.info)


def read_item(data: bytes, world: World) -> None:
    item = parse_iteminfo_json(data, place=PLACE)
    info = replace(plain(), name=item.name or "A", description=item.description)
    parse_iteminfo_json(format_iteminfo_json(info, guid=GUID, degrees=item.extent), place=PLACE)
    format_item_pkinfo(info, guid=GUID)


def read_item_xml(data: bytes, world: World) -> None:
    item = parse_iteminfo_xml(data, place=PLACE)
    info = replace(plain(), name=item.name or "A", description=item.description)
    parse_iteminfo_xml(format_iteminfo_xml(info, guid=GUID, degrees=item.extent), place=PLACE)


def read_service(data: bytes, world: World) -> None:
    for read in (read_levels, read_mapserver):
        with suppress(MetadataError):
            read(data)
    use(parse_service(data, place=PLACE, name="A"))


def read_levels(data: bytes) -> None:
    parse_levels(data, place=PLACE)


def read_mapserver(data: bytes) -> None:
    said = parse_mapserver_json(data, place=PLACE)
    info = replace(
        plain(),
        name=said.name or "A",
        service=said.service,
        description=said.description,
        extent=said.extent,
        initial_extent=said.initial_extent,
    )
    parse_mapserver_json(format_mapserver_json(info, degrees=None), place=PLACE)


def plain() -> CacheInfo:
    return CacheInfo(
        name="A",
        scheme=arcgis_online_scheme(),
        storage_format=StorageFormat.COMPACT,
        tile_format=TileFormat.MIXED,
        quality=75,
    )


def use(info: CacheInfo) -> None:
    """Do with a cache's description what conversions do: write it as every document, reckon with its grid."""
    scheme = info.scheme
    reference = scheme.spatial_reference
    is_geographic(reference)
    complete(reference)
    assert not scheme.differences(scheme)
    degrees = to_degrees(info.extent, reference) if info.extent else None
    with suppress(MetadataError):
        metres_per_unit(reference)
    for level in (scheme.levels[0].level, scheme.levels[-1].level):
        extent = scheme.tile_extent(TileKey(level, 3, 5))
        to_degrees(extent, reference)
        scheme.tiles_in(info.extent or Extent(xmin=-1, ymin=-1, xmax=1, ymax=1), level)
    for write in (format_conf_xml, format_root_json, format_conf_properties):
        write(info)
    format_mapserver_json(info, degrees=degrees)
    format_iteminfo_json(info, guid=GUID, degrees=degrees)
    format_iteminfo_xml(info, guid=GUID, degrees=degrees)
    if info.extent is not None:
        format_conf_cdi(info)


# Seeds


def confs() -> Iterator[bytes]:
    yield from (small.conf_xml(kind) for kind in ("v1", "v2", "exploded"))
    yield from (versions.conf_xml(version) for version in ("9.2", "10.1", "10.5"))
    yield small.conf_xml("v2").decode().replace("utf-8", "utf-16").encode("utf-16")
    yield small.conf_xml("v2", extra="<Unknown a='b'>c<D/></Unknown>")
    wkt = versions.FEET_WKT.replace('"', "&quot;")
    yield small.conf_xml("v2").replace(
        b"<WKID>102100</WKID><LatestWKID>3857</LatestWKID>", f"<WKT>{wkt}</WKT>".encode()
    )
    yield from fixture_files("conf.xml")
    yield from sample_files("[cC]onf.xml")


def envelopes() -> Iterator[bytes]:
    yield small.CONF_CDI
    yield small.CONF_CDI.replace(b"</EnvelopeN>", b"<SpatialReference><WKID>4326</WKID></SpatialReference></EnvelopeN>")
    yield b"<EnvelopeN><XMin>NaN</XMin><YMin>NaN</YMin><XMax>NaN</XMax><YMax>NaN</YMax></EnvelopeN>"
    yield from fixture_files("conf.cdi")
    yield from sample_files("conf.cdi")


def properties() -> Iterator[bytes]:
    yield format_conf_properties(plain())
    yield from fixture_files("conf.properties", most=2)
    yield from sample_files("conf.properties")


def roots() -> Iterator[bytes]:
    yield small.root_json()
    yield small.root_json(tileBundlesPath="a/./b", resourceInfo={"cacheInfo": {"storageInfo": {"packetSize": 128}}})
    yield small.root_json(
        minScale=591657527.591555, maxScale=1128.5, version="1.0", units="esriMeters", layers=[{"id": 0}]
    )
    yield small.root_json(fullExtent={"xmin": "NaN", "ymin": 0, "xmax": 0, "ymax": 0})
    yield small.root_json(spatialReference={"wkt": versions.FEET_WKT}).decode().encode("utf-16")


def items() -> Iterator[bytes]:
    yield small.ITEMINFO_JSON
    yield b'{"title": "A", "tags": "a, b", "snippet": "c", "extent": "-180,-90,180,90", "accessInformation": "d"}'
    yield format_iteminfo_json(plain(), guid=GUID, degrees=Extent(xmin=-9, ymin=-8, xmax=7, ymax=6))


def items_xml() -> Iterator[bytes]:
    yield small.files_of("tpk")["esriinfo/iteminfo.xml"]
    yield format_iteminfo_xml(plain(), guid=GUID, degrees=Extent(xmin=-9, ymin=-8, xmax=7, ymax=6), created=1)


def services() -> Iterator[bytes]:
    yield small.files_of("tpk")["servicedescriptions/mapserver/mapserver.json"]
    yield format_mapserver_json(plain(), degrees=Extent(xmin=-9, ymin=-8, xmax=7, ymax=6))
    yield small.root_json(singleFusedMapCache=True, documentInfo={"Title": "A", "Keywords": "b, c"})
    yield b'{"error": {"code": 400, "message": "no"}}'


def schemes() -> Iterator[bytes]:
    yield from confs()
    whole = small.conf_xml("v2").decode()
    for part in ("TileImageInfo", "CacheStorageInfo"):
        start, stop = whole.index(f"<{part}>"), whole.index(f"</{part}>") + len(part) + 3
        yield (whole[:start] + whole[stop:]).encode()


def _target(
    name: str, run: Callable[[bytes, World], object], seeds: Callable[[], Any], *words: bytes, share: int
) -> Target:
    return Target(name=name, run=run, seeds=seeds, words=NUMBERS + words, share=share, longest=8192)


TARGETS = (
    _target("conf.xml", read_conf, confs, *XML, share=80),
    _target("conf.cdi", read_cdi, envelopes, *XML, share=100),
    _target("conf.properties", read_properties, properties, *XML, share=20),
    _target("tiling scheme", read_scheme, schemes, *XML, share=60),
    _target("root.json", read_root, roots, *JSON, share=130),
    _target("iteminfo.json", read_item, items, *JSON, share=160),
    _target("iteminfo.xml", read_item_xml, items_xml, *XML, share=80),
    _target("MapServer JSON", read_service, services, *JSON, share=100),
)
