import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_documents import conf_xml, schemes

from tilepack.cache import StorageFormat, TileFormat
from tilepack.errors import MetadataError, TilepackError
from tilepack.metadata.conf_xml import parse_conf_xml
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme, with_literal_levels
from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme, parse_tiling_scheme


def parse(data: bytes):
    return parse_tiling_scheme(data, place="grids/scheme.xml", name="new")


@given(
    schemes(),
    st.sampled_from([known for known in TileFormat if known.is_arcgis]),
    st.integers(0, 100),
    st.sampled_from([known for known in StorageFormat if not known.is_web]),
    st.none() | st.floats(0, 1e6),
)
def test_scheme_reads_back_as_it_was_written(scheme, tile_format, quality, storage_format, lerc_error):
    data = format_tiling_scheme(
        scheme, tile_format=tile_format, quality=quality, storage_format=storage_format, lerc_error=lerc_error
    )
    read = parse(data)
    assert read.scheme == scheme
    assert (read.tile_format, read.quality, read.lerc_error) == (tile_format, quality, lerc_error)
    assert read.storage_format is storage_format
    assert read == parse_conf_xml(data, place="p", name="new")


@pytest.mark.parametrize("scheme", [arcgis_online_scheme(), wgs84_scheme()])
def test_standard_scheme_reads_back_number_for_number(scheme):
    read = parse(format_tiling_scheme(scheme)).scheme
    assert read.levels == scheme.levels
    assert read.differences(scheme) == []


@pytest.mark.parametrize("version", ["9.3", "10.0", "10.6", "3.4.0"])
def test_scheme_file_without_storage_info_names_no_storage_format(version):
    # As ArcGIS' own scheme files are. In a cache's conf.xml the same means EXPLODED.
    data = conf_xml(version, storage=None, tile_format="<CacheTileFormat>PNG8</CacheTileFormat>")
    read = parse(data)
    assert read.storage_format is StorageFormat.COMPACT_V2
    assert (read.tile_format, read.quality) == (TileFormat.PNG8, 0)
    assert parse_conf_xml(data, place="p", name="n").storage_format is StorageFormat.EXPLODED
    assert read.scheme == parse_conf_xml(data, place="p", name="n").scheme


def test_scheme_file_without_image_info_is_taken_for_mixed():
    whole = conf_xml()
    start, stop = whole.index(b"<TileImageInfo>"), whole.index(b"</TileImageInfo>") + len(b"</TileImageInfo>")
    read = parse(whole[:start] + whole[stop:])
    assert (read.tile_format, read.quality, read.storage_format) == (TileFormat.MIXED, 75, StorageFormat.COMPACT_V2)
    assert read.scheme == parse(whole).scheme


def test_scheme_file_printed_with_all_its_digits_is_the_standard_scheme():
    # ArcGIS' WGS84 scheme file spells scales with 29 digits and ends lines with white space.
    scale, lod = "295828763.79585470937713011037", "<Resolution>0.703125</Resolution>"
    levels = f"<LODInfos>\n  <LODInfo>\n<LevelID>0</LevelID>\n<Scale>{scale}</Scale>\n{lod}</LODInfo>\n</LODInfos>"
    origin = "<TileOrigin><X>-180.0</X><Y>90.0</Y></TileOrigin>"
    reference = "<SpatialReference><WKID>4326</WKID></SpatialReference>"
    read = parse(conf_xml("10.0", storage=None, levels=levels, origin=origin, reference=reference))
    assert with_literal_levels(read.scheme).levels == wgs84_scheme().levels[:1]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"<TilingScheme/>", "the topmost element is 'TilingScheme'; it must be CacheInfo"),
        (b"<CacheInfo/>", "CacheInfo has no TileCacheInfo"),
        (b"<CacheInfo><TileCacheInfo/></CacheInfo>", "TileCacheInfo has no LODInfos"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><CacheInfo>&a;</CacheInfo>", "the document has a DOCTYPE"),
        (b"<CacheInfo>" + b"<a>" * 300_000, "the document has about 300,001 parts"),
        (conf_xml(cols="<TileCols>1000000000</TileCols>"), "tiles are 1000000000 x 256 pixels; sides go from 1"),
        (conf_xml(levels="<LODInfos/>"), "the tiling scheme has no levels"),
        (conf_xml(levels=f"<LODInfos>{'<LODInfo/>' * 300}</LODInfos>"), "the tiling scheme has 300 levels; 256 are"),
        (conf_xml(tile_format="<CacheTileFormat>GIF</CacheTileFormat>"), "the tile format is 'GIF'"),
        (b"", "the document is empty"),
    ],
)
def test_malformed_scheme_file_is_refused_in_a_sentence(data, complaint):
    with pytest.raises(TilepackError, match=f"^grids/scheme.xml: {complaint}"):
        parse(data)


def test_entities_of_a_scheme_file_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("256")
    entity = f"<!DOCTYPE CacheInfo [<!ENTITY s SYSTEM '{(tmp_path / 'secret').as_uri()}'>]>".encode()
    whole = conf_xml(cols="<TileCols>&s;</TileCols>")
    with pytest.raises(MetadataError, match="has a DOCTYPE"):
        parse(whole.replace(b"<CacheInfo", entity + b"<CacheInfo", 1))
