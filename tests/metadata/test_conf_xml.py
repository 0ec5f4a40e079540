from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_documents import (
    DEGREES_WKT,
    FEET_WKT,
    cache_info,
    conf_xml,
    coordinates,
    infos,
    levels_xml,
    reference_xml,
)

from tilepack.cache import CacheInfo, StorageFormat, TileFormat, UnknownElement
from tilepack.errors import MetadataError, TilepackError, UnsupportedError
from tilepack.metadata.conf_xml import format_conf_xml, parse_conf_xml
from tilepack.metadata.spatial_defaults import WEB_MERCATOR_WKT
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.spatial import SpatialReference


def parse(data: bytes):
    return parse_conf_xml(data, place="state/conf.xml", name="state")


def level_list(*levels: tuple[int, float, float]) -> str:
    return f"<LODInfos>{levels_xml(levels)}</LODInfos>"


# --- versions


def test_version_9_2_is_read_geographic_with_a_wkt_alone_and_no_storage_info():
    info = parse(
        conf_xml(
            "9.2",
            reference=reference_xml(DEGREES_WKT, "<LeftLongitude>-180</LeftLongitude>", kind="Geographic"),
            origin="<TileOrigin xsi:type='typens:PointN'><X>-180</X><Y>90</Y></TileOrigin>",
            cols="<TileCols>512</TileCols>",
            rows="<TileRows>512</TileRows>",
            levels=level_list((0, 147748799.285417, 0.3515625), (1, 73874399.6427087, 0.17578125)),
            tile_format="<CacheTileFormat>JPEG</CacheTileFormat>",
            quality="<CompressionQuality>75</CompressionQuality>",
            storage=None,
        )
    )
    assert info.storage_format is StorageFormat.EXPLODED
    assert (info.tile_format, info.quality, info.antialiasing) == (TileFormat.JPEG, 75, True)
    assert info.schema_version == "9.2"
    scheme = info.scheme
    assert (scheme.origin_x, scheme.origin_y, scheme.tile_width, scheme.tile_height) == (-180, 90, 512, 512)
    assert [lod.resolution for lod in scheme.levels] == [0.3515625, 0.17578125]
    assert (scheme.spatial_reference.wkid, scheme.spatial_reference.wkt) == (None, DEGREES_WKT)
    assert scheme.spatial_reference.left_longitude == -180


def test_version_9_3_is_read_in_feet_with_a_lower_case_format():
    info = parse(
        conf_xml(
            "9.3",
            reference=reference_xml(FEET_WKT, "<WKID>0</WKID>"),
            tile_format="<CacheTileFormat>jpg</CacheTileFormat>",
            levels=level_list((0, 500000, 434.027777777778), (1, 350000, 303.819444444444)),
            storage=None,
        )
    )
    assert info.tile_format is TileFormat.JPEG
    assert info.scheme.spatial_reference.wkid is None
    assert info.scheme.levels[1].resolution == 303.819444444444


@pytest.mark.parametrize(
    ("version", "storage", "size", "expected"),
    [
        ("10.0", "esriMapCacheStorageModeExploded", "0", StorageFormat.EXPLODED),
        ("10.1", "esriMapCacheStorageModeCompact", "128", StorageFormat.COMPACT),
        ("10.3", "esriMapCacheStorageModeCompactV2", "128.0", StorageFormat.COMPACT_V2),
        ("10.6", "ESRIMAPCACHESTORAGEMODECOMPACTV2", "", StorageFormat.COMPACT_V2),
        ("3.1.0", "esriMapCacheStorageModeExploded", "64", StorageFormat.EXPLODED),
    ],
)
def test_storage_format_is_read_in_every_version(version, storage, size, expected):
    text = (
        f"<CacheStorageInfo><StorageFormat>{storage}</StorageFormat><PacketSize>{size}</PacketSize></CacheStorageInfo>"
    )
    info = parse(conf_xml(version, storage=text))
    assert (info.storage_format, info.schema_version) == (expected, version)


def test_version_10_3_adds_bands_lerc_error_and_precise_dpi():
    info = parse(
        conf_xml(
            "10.3",
            precise="<PreciseDPI>96.5</PreciseDPI>",
            image_extra="<BandCount>3</BandCount><LERCError>0.25</LERCError>",
        )
    )
    assert (info.band_count, info.lerc_error, info.scheme.precise_dpi) == (3, 0.25, 96.5)


# --- leniency


def test_levels_are_sorted_when_out_of_order_and_with_gaps():
    info = parse(conf_xml(levels=level_list((9, 10, 1.5), (4, 20, 3.25), (5, 15, 2.5))))
    assert [lod.level for lod in info.scheme.levels] == [4, 5, 9]
    assert [lod.resolution for lod in info.scheme.levels] == [3.25, 2.5, 1.5]


def test_tiles_may_be_oblong_and_the_grid_may_have_an_end():
    info = parse(conf_xml(cols="<tilecols>300</tilecols>", end="<TileEnd><X>5</X><Y>-6.5</Y></TileEnd>"))
    assert (info.scheme.tile_width, info.scheme.tile_height) == (300, 256)
    assert info.scheme.end == (5, -6.5)


def test_spatial_reference_is_unknown_when_missing():
    info = parse(conf_xml(reference=None))
    assert not info.scheme.spatial_reference.is_known
    assert b"UnknownCoordinateSystem" in format_conf_xml(info)
    assert parse(format_conf_xml(info)).scheme == info.scheme


def test_dpi_and_scales_may_be_missing():
    levels = "<LODInfos><LODInfo><LevelID>0</LevelID><Resolution>2</Resolution></LODInfo></LODInfos>"
    scheme = parse(conf_xml(dpi=None, levels=levels)).scheme
    assert (scheme.dpi, scheme.levels[0].scale) == (96, 0)


@pytest.mark.parametrize("known", [known for known in TileFormat if known.is_arcgis])
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_tile_format_is_read_in_any_case(known, spell):
    text = f"<CacheTileFormat>{spell(str(known))}</CacheTileFormat>"
    assert parse(conf_xml(tile_format=text)).tile_format is known


def test_document_may_be_indented_and_in_utf_16():
    text = conf_xml().decode().replace("><", ">\r\n   <").replace("utf-8", "utf-16")
    assert parse(text.encode("utf-16")) == parse(conf_xml())


# --- one broken document per rule


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        (
            {
                "storage": "<CacheStorageInfo><StorageFormat>esriMapCacheStorageModeCompact</StorageFormat>"
                "<PacketSize>64</PacketSize></CacheStorageInfo>"
            },
            "PacketSize is 64; compact caches have 128",
        ),
        ({"cols": "<TileCols>8193</TileCols>"}, "tiles are 8193 x 256 pixels"),
        ({"rows": "<TileRows>0</TileRows>"}, "tiles are 256 x 0 pixels"),
        ({"rows": "<TileRows>-256</TileRows>"}, "tiles are 256 x -256 pixels"),
        ({"cols": "<TileCols>99999999999999999999</TileCols>"}, "pixels; sides go from 1 to 8192"),
        ({"cols": "<TileCols>25.6</TileCols>"}, "TileCols is '25.6'; it must be a whole number"),
        ({"cols": None}, "TileCacheInfo has no TileCols"),
        ({"origin": None}, "TileCacheInfo has no TileOrigin"),
        ({"origin": "<TileOrigin><X>1</X></TileOrigin>"}, "TileOrigin has no Y"),
        ({"origin": "<TileOrigin><X>1e300</X><Y>0</Y></TileOrigin>"}, "tile origin is 1e\\+300, 0"),
        ({"origin": "<TileOrigin><X>NaN</X><Y>0</Y></TileOrigin>"}, "X is 'NaN'; it must be a finite number"),
        ({"end": "<TileEnd><X>1e16</X><Y>0</Y></TileEnd>"}, "TileEnd is 1e\\+16"),
        ({"dpi": "<DPI>0</DPI>"}, "DPI is 0"),
        ({"dpi": "<DPI>many</DPI>"}, "DPI is 'many'"),
        ({"levels": None}, "TileCacheInfo has no LODInfos"),
        ({"levels": "<LODInfos/>"}, "no levels"),
        ({"levels": f"<LODInfos>{levels_xml([(k, 1, 1) for k in range(257)])}</LODInfos>"}, "257 levels"),
        ({"levels": level_list((1000, 1, 1))}, "LevelID is 1000"),
        ({"levels": level_list((-1, 1, 1))}, "LevelID is -1"),
        ({"levels": level_list((3, 1, 1), (3, 2, 2))}, "LevelID 3 occurs twice"),
        ({"levels": level_list((0, 1, 0))}, "Resolution of level 0 is 0"),
        ({"levels": level_list((0, 1, -2))}, "Resolution of level 0 is -2"),
        ({"levels": level_list((0, 1, 1e-320))}, "Resolution of level 0 is "),
        ({"levels": level_list((0, 1, float("inf")))}, "Resolution is 'inf'"),
        ({"levels": level_list((0, -1, 1))}, "Scale of level 0 is -1"),
        ({"levels": "<LODInfos><LODInfo><LevelID>1</LevelID></LODInfo></LODInfos>"}, "LODInfo has no Resolution"),
        ({"quality": "<CompressionQuality>101</CompressionQuality>"}, "CompressionQuality is 101"),
        ({"tile_format": None}, "TileImageInfo has no CacheTileFormat"),
        ({"reference": "<SpatialReference><WKID>9999999999</WKID></SpatialReference>"}, "WKID is 9,999,999,999"),
        ({"reference": "<SpatialReference><WKID>many</WKID></SpatialReference>"}, "WKID is 'many'"),
    ],
)
def test_document_is_refused_with_place_and_reason_when_it_breaks_a_rule(parts, complaint):
    with pytest.raises(MetadataError, match=f"^state/conf.xml: .*{complaint}"):
        parse(conf_xml(**parts))


@pytest.mark.parametrize(
    "parts",
    [
        {"tile_format": "<CacheTileFormat>BMP</CacheTileFormat>"},
        {"storage": "<CacheStorageInfo><StorageFormat>Heap</StorageFormat></CacheStorageInfo>"},
    ],
)
def test_unknown_formats_are_refused_with_the_known_ones(parts):
    with pytest.raises(UnsupportedError, match=r"^state/conf.xml: the (tile|storage) format is .*; tilepack knows "):
        parse(conf_xml(**parts))


@pytest.mark.parametrize("missing", ["TileCacheInfo", "TileImageInfo"])
def test_document_is_refused_when_a_section_is_missing(missing):
    data = conf_xml().replace(missing.encode(), b"Else")
    with pytest.raises(MetadataError, match=f"^state/conf.xml: CacheInfo has no {missing}"):
        parse(data)


# --- unknown elements


def test_unknown_elements_are_kept_and_written_back_below_their_parents():
    data = conf_xml(
        "10.6",
        grid_extra="<Tilt xsi:type='typens:Tilt'>3 &lt; 4<Inner a='&gt;'/></Tilt>",
        image_extra="<Gamma>2.2</Gamma>",
        levels=f"<LODInfos>{levels_xml()}<LODInfo><LevelID>2</LevelID><Scale>1</Scale><Resolution>1</Resolution>"
        "<Alias>fine</Alias></LODInfo><Note/></LODInfos>",
        reference="<SpatialReference><WKID>102100</WKID><VCSWKID>5773</VCSWKID></SpatialReference>",
        extra="<n:Third xmlns:n='urn:n'><n:Part/></n:Third>",
    )
    info = parse(data)
    assert {element.parent for element in info.unknown_elements} == {
        "",
        "TileCacheInfo",
        "TileCacheInfo/SpatialReference",
        "TileCacheInfo/LODInfos",
        "TileCacheInfo/LODInfos/LODInfo[2]",
        "TileImageInfo",
    }
    assert UnknownElement("TileImageInfo", "<Gamma>2.2</Gamma>") in info.unknown_elements
    written = format_conf_xml(info)
    assert parse(written).unknown_elements == info.unknown_elements
    assert b"<Alias>fine</Alias></LODInfo>" in written
    assert b"<Gamma>2.2</Gamma></TileImageInfo>" in written
    assert format_conf_xml(parse(written)) == written


# --- writing


@st.composite
def whole_infos(draw: st.DrawFn) -> CacheInfo:
    """Give infos with every field that conf.xml carries."""
    info = draw(infos)
    precise = draw(st.none() | st.floats(1, 600))
    return replace(
        info,
        scheme=replace(info.scheme, end=draw(st.none() | st.tuples(coordinates, coordinates)), precise_dpi=precise),
        schema_version=draw(st.sampled_from(["10.1", "10.3", "10.6", "10.81"])),
        band_count=draw(st.none() | st.integers(1, 4)),
        lerc_error=draw(st.none() | st.floats(0, 100)),
        antialiasing=draw(st.booleans()),
    )


@given(whole_infos())
def test_document_reads_back_as_the_same_value(info):
    assert parse_conf_xml(format_conf_xml(info), place="p", name=info.name) == info


@given(infos)
def test_document_is_the_same_bytes_when_written_twice(info):
    assert format_conf_xml(info) == format_conf_xml(parse_conf_xml(format_conf_xml(info), place="p", name="n"))


def test_numbers_are_printed_as_arcgis_prints_them():
    text = format_conf_xml(cache_info()).decode()
    assert "<X>-20037508.342787001</X><Y>20037508.342787001</Y>" in text
    assert "<DPI>96</DPI>" in text
    assert "<Scale>295828763.79577702</Scale><Resolution>78271.516963999893</Resolution>" in text
    assert "<ZTolerance>0.001</ZTolerance>" in text


def test_elements_have_types_namespaces_and_order_of_arcgis():
    text = format_conf_xml(cache_info(storage_format=StorageFormat.COMPACT)).decode()
    assert text.startswith(
        '<?xml version="1.0" encoding="utf-8" ?><CacheInfo xsi:type=\'typens:CacheInfo\' '
        "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema' "
        "xmlns:typens='http://www.esri.com/schemas/ArcGIS/10.3'><TileCacheInfo xsi:type='typens:TileCacheInfo'>"
        "<SpatialReference xsi:type='typens:ProjectedCoordinateSystem'><WKT>PROJCS[&quot;WGS_1984_Web"
    )
    assert text.endswith(
        "<CacheStorageInfo xsi:type='typens:CacheStorageInfo'><StorageFormat>esriMapCacheStorageModeCompact"
        "</StorageFormat><PacketSize>128</PacketSize></CacheStorageInfo></CacheInfo>"
    )
    assert "BandCount" not in text
    assert "PreciseDPI" not in text


@pytest.mark.parametrize(("version", "before"), [("10.3", True), ("10.5", False), ("10.6", False)])
def test_precise_dpi_moves_behind_the_levels_at_10_5(version, before):
    info = cache_info(scheme=replace(arcgis_online_scheme(), precise_dpi=96), schema_version=version)
    text = format_conf_xml(info).decode()
    assert (text.index("PreciseDPI") < text.index("LODInfos")) is before


def test_packet_size_is_0_when_exploded():
    text = format_conf_xml(cache_info(storage_format=StorageFormat.EXPLODED)).decode()
    assert "Exploded</StorageFormat><PacketSize>0</PacketSize>" in text


@pytest.mark.parametrize("wkid", [3857, 102100, 900913])
def test_web_mercator_is_written_as_102100_in_esris_words_when_named_by_number(wkid):
    scheme = replace(arcgis_online_scheme(), spatial_reference=SpatialReference(wkid=wkid))
    reference = parse(format_conf_xml(cache_info(scheme=scheme))).scheme.spatial_reference
    assert (reference.wkid, reference.latest_wkid, reference.wkt) == (102100, 3857, WEB_MERCATOR_WKT)
    assert reference.precision is not None
    assert (reference.precision.x_origin, reference.precision.y_origin) == (-20037700, -30241100)


def test_the_error_is_of_the_family_when_the_root_is_another():
    with pytest.raises(
        TilepackError, match=r"^state/conf.xml: the topmost element is 'EnvelopeN'; it must be CacheInfo"
    ):
        parse(b"<EnvelopeN/>")
