import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_documents import cache_info, encoded, extents, infos, root_members, texts

from tilepack.cache import CacheInfo, ItemDescription, StorageFormat, TileFormat
from tilepack.errors import MetadataError, UnsupportedError
from tilepack.extent import Extent
from tilepack.metadata.mapserver_json import WRAPPER_KEY
from tilepack.metadata.root_json import format_root_json, parse_root_json
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme

SERVICE = {
    "version": 1.0,
    "units": "esriMeters",
    "resampling": False,
    "exportTilesAllowed": True,
    "layers": [{"id": 0}],
}


def parse(**changes):
    return parse_root_json(encoded(root_members(**changes)), place="x.tpkx/root.json", name="fallback")


def changed(name, **changes):
    """Give one member of the usual document with other members inside; None leaves one out."""
    inner = root_members()[name] | changes
    return {name: {key: value for key, value in inner.items() if value is not None}}


def test_document_is_read_in_full():
    root = parse(minScale=1, copyrightText="Nobody", mystery={"kept": [1.5, None]})
    info = root.info
    assert root.bundles_path == "./tile"
    assert (info.name, info.storage_format, info.tile_format) == ("Island", StorageFormat.COMPACT_V2, TileFormat.JPEG)
    assert (info.quality, info.band_count, info.lerc_error) == (75, 3, 0)
    assert (info.scheme.tile_width, info.scheme.tile_height, len(info.scheme.levels)) == (512, 256, 2)
    assert (info.min_level, info.max_level, info.ready_to_serve) == (0, 1, True)
    assert info.extent == Extent(xmin=0, ymin=0, xmax=9.5, ymax=9)
    assert info.initial_extent == Extent(xmin=1, ymin=2, xmax=3, ymax=4)
    assert info.description == ItemDescription(description="An island that is not there", attribution="Nobody")
    assert info.service == {
        "version": 1.0,
        "units": "esriMeters",
        "resampling": True,
        "exportTilesAllowed": False,
        "layers": [],
        "mystery": {"kept": [1.5, None]},
    }


# --- every spelling


def test_rows_and_columns_may_be_in_the_singular():
    usual = root_members()["tileInfo"]
    singular = {key: value for key, value in usual.items() if key not in {"rows", "cols"}} | {"row": 256, "col": 512}
    assert parse(tileInfo=singular).info.scheme == parse().info.scheme


def test_quality_may_be_called_compression():
    assert parse(tileImageInfo={"format": "jpg", "compression": 60}).info.quality == 60


@pytest.mark.parametrize("spelling", ["latestWkid", "LatestWkid"])
def test_latest_wkid_may_be_capitalised(spelling):
    reference = {"wkid": 102100, spelling: 3857}
    root = parse(**changed("tileInfo", spatialReference=reference))
    assert root.info.scheme.spatial_reference.latest_wkid == 3857


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        ({"storageformat": "esriMapCacheStorageModeCompactV2", "packetsize": 128}, StorageFormat.COMPACT_V2),
        ({"storageFormat": "compactV2", "packetSize": "128"}, StorageFormat.COMPACT_V2),
        ({"storageFormat": "COMPACT_V2"}, StorageFormat.COMPACT_V2),
        ({"storageFormat": "compact", "packetSize": 128.0}, StorageFormat.COMPACT),
        ({"storageFormat": "esriMapCacheStorageModeExploded", "packetSize": 0}, StorageFormat.EXPLODED),
        ({}, StorageFormat.COMPACT_V2),
        (None, StorageFormat.COMPACT_V2),
    ],
)
def test_storage_format_is_read_in_every_spelling(storage, expected):
    assert parse(storageInfo=storage).info.storage_format is expected


def test_storage_format_is_read_where_services_repeat_it():
    resource = {"cacheInfo": {"storageInfo": {"packetSize": 128, "storageFormat": "compact"}}}
    assert parse(storageInfo=None, resourceInfo=resource).info.storage_format is StorageFormat.COMPACT


def test_format_is_taken_from_tile_info_when_there_is_no_image_info():
    info = parse(tileImageInfo=None, **changed("tileInfo", format="mixed", compressionQuality=55)).info
    assert (info.tile_format, info.quality, info.band_count, info.lerc_error) == (TileFormat.MIXED, 55, None, None)


def test_keys_are_read_in_any_case():
    members = {key.upper(): value for key, value in root_members().items()}
    read = parse_root_json(encoded(members), place="p", name="n").info
    assert replace(read, service={}) == replace(parse().info, service={})


def test_much_may_be_missing():
    names = ("name", "minLOD", "maxLOD", "fullExtent", "initialExtent", "tileBundlesPath", "serviceDescription")
    root = parse(**dict.fromkeys(names))
    info = root.info
    assert (info.name, info.min_level, info.max_level, info.extent, info.initial_extent) == ("fallback", *[None] * 4)
    assert root.bundles_path == "./tile"


def test_spatial_reference_is_the_documents_when_tile_info_has_none():
    info = parse(**changed("tileInfo", spatialReference=None)).info
    assert info.scheme.spatial_reference.wkid == 102100


def test_extent_in_another_spatial_reference_counts_as_missing():
    assert parse(**changed("fullExtent", spatialReference={"wkid": 4326})).info.extent is None


# --- one broken document per rule


@pytest.mark.parametrize(
    "path",
    [
        "/etc", "..", "../..", "./tile/../..", "tile/..", "C:/tile", "c:tile", "..\\tile", "\\\\host\\share", ".\\tile",
        "http://host/tile", "til\0e", "a/.. /b", "a/... /b", "a/. ./b", 5, ["tile"],
    ],
)  # fmt: skip
def test_bundles_path_is_refused_when_it_leads_out(path):
    with pytest.raises(MetadataError, match=r"^x.tpkx/root.json: tileBundlesPath is .*; it must be a folder inside"):
        parse(tileBundlesPath=path)


@pytest.mark.parametrize("path", ["./tile", "tile", "tile/", "./a/b..c/tile", ".", "a//b", "größe"])
def test_bundles_path_is_given_raw_when_it_stays_inside(path):
    assert parse(tileBundlesPath=path).bundles_path == path


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tileInfo": None}, "root.json has no tileInfo"),
        ({"tileInfo": []}, r"tileInfo is \[\]; it must be an object"),
        (changed("tileInfo", origin=None), "tileInfo has no origin"),
        (changed("tileInfo", origin={"x": 1}), "y is missing"),
        (changed("tileInfo", lods=None), "tileInfo.lods is None; it must be a list"),
        (changed("tileInfo", lods=[]), "no levels"),
        (changed("tileInfo", lods=[7]), "tileInfo.lods holds 7"),
        (changed("tileInfo", lods=[{"level": 0}]), "resolution is missing"),
        (changed("tileInfo", lods=[{"level": 0, "resolution": 0}]), "Resolution of level 0 is 0"),
        (changed("tileInfo", lods=[{"level": 0, "resolution": 1}] * 2), "LevelID 0 occurs twice"),
        (changed("tileInfo", lods=[{"level": 0, "resolution": 1}] * 300), "300 levels"),
        (changed("tileInfo", lods=[{"level": 1000, "resolution": 1}]), "LevelID is 1000"),
        (changed("tileInfo", rows=100_000), "tiles are 512 x 100000 pixels"),
        (changed("tileInfo", cols=None), "cols is missing"),
        ({"tileImageInfo": {}}, "names no tile format"),
        (changed("tileImageInfo", compressionQuality=-1), "CompressionQuality is -1"),
        (changed("storageInfo", packetSize=64), "PacketSize is 64; compact caches have 128"),
        ({"minLOD": 5, "maxLOD": 4}, "minLOD is 5 and maxLOD 4"),
        ({"maxLOD": 10**30}, "maxLOD is 10+"),
        ({"minLOD": 0.5}, "minLOD is 0.5; it must be a whole number"),
        (changed("fullExtent", xmin=99), "fullExtent is 99, 0, 9.5, 9; its minima"),
    ],
)
def test_document_is_refused_with_place_and_reason_when_it_breaks_a_rule(changes, complaint):
    with pytest.raises(MetadataError, match=f"^x.tpkx/root.json: .*{complaint}"):
        parse(**changes)


@pytest.mark.parametrize("changes", [{"type": "indexedVector"}, changed("tileInfo", format="pbf")])
def test_vector_tiles_are_no_images(changes):
    with pytest.raises(UnsupportedError, match=r"^x.tpkx/root.json: describes vector tiles"):
        parse(**changes)


@pytest.mark.parametrize("changes", [{"tileImageInfo": {"format": "gif"}}, {"storageInfo": {"storageFormat": "heap"}}])
def test_unknown_formats_are_refused_with_the_known_ones(changes):
    with pytest.raises(UnsupportedError, match=r"^x.tpkx/root.json: .*tilepack knows"):
        parse(**changes)


# --- writing


@st.composite
def whole_infos(draw: st.DrawFn) -> CacheInfo:
    """Give infos with every field that root.json carries."""
    return replace(
        draw(infos),
        storage_format=draw(st.sampled_from([StorageFormat.COMPACT, StorageFormat.COMPACT_V2])),
        band_count=draw(st.integers(1, 4)),
        lerc_error=draw(st.floats(0, 100)),
        extent=draw(extents()),
        initial_extent=draw(extents()),
        min_level=draw(st.integers(0, 400)),
        max_level=draw(st.integers(400, 999)),
        description=ItemDescription(description=draw(texts), attribution=draw(texts)),
        ready_to_serve=True,
        service=SERVICE,
    )


@given(whole_infos())
def test_document_reads_back_as_the_same_value(info):
    read = parse_root_json(format_root_json(info), place="p", name="n").info
    # A number stands for the text; left_longitude has no name in JSON.
    reference = replace(info.scheme.spatial_reference, wkt=None, left_longitude=None)
    assert read == replace(info, scheme=replace(info.scheme, spatial_reference=reference))


@given(infos)
def test_document_is_the_same_bytes_when_written_twice(info):
    once = format_root_json(info)
    assert format_root_json(parse_root_json(once, place="p", name="n").info) == once


def test_members_have_the_order_of_arcgis_and_no_white_space():
    info = cache_info(extent=Extent(xmin=0, ymin=1, xmax=2.5, ymax=3), service={"zoo": 1, "units": "esriFeet"})
    data = format_root_json(info)
    assert list(json.loads(data)) == [
        "tileImageInfo", "name", "version", "serviceDescription", "tileBundlesPath", "spatialReference", "units",
        "minLOD", "maxLOD", "minScale", "maxScale", "resampling", "tileInfo", "exportTilesAllowed", "storageInfo",
        "layers", "initialExtent", "fullExtent", "zoo",
    ]  # fmt: skip
    assert b'"units":"esriFeet"' in data
    assert b'"version":1.0,' in data
    assert b'"dpi":96,"origin":{"x":-20037508.342787,"y":20037508.342787}' in data
    assert b'"initialExtent":{"xmin":0,"ymin":1,"xmax":2.5,"ymax":3,"spatialReference":{"wkid":102100,' in data


def test_scales_are_those_of_the_levels_that_hold_tiles_whatever_was_kept():
    info = cache_info(scheme=arcgis_online_scheme(), min_level=3, max_level=5, service={"minScale": 7, "maxScale": 8})
    members = json.loads(format_root_json(info))
    assert (members["minScale"], members["maxScale"]) == (73957190.948944, 18489297.737236)
    assert (members["minLOD"], members["maxLOD"], len(members["tileInfo"]["lods"])) == (3, 5, 24)


def test_levels_are_the_whole_scheme_when_none_is_said_to_hold_tiles():
    members = json.loads(format_root_json(cache_info(scheme=wgs84_scheme())))
    assert (members["minLOD"], members["maxLOD"], members["units"]) == (0, 22, "esriDecimalDegrees")
    assert "fullExtent" not in members


def test_members_kept_of_a_mapserver_json_stay_out():
    assert WRAPPER_KEY.encode() not in format_root_json(cache_info(service={WRAPPER_KEY: {"resources": [1]}}))
