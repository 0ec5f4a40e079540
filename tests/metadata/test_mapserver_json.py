import json
from dataclasses import replace

import pytest
from hypothesis import given
from metadata_documents import cache_info, descriptions, encoded, extents, infos, root_members

from tilepack.cache import ItemDescription, StorageFormat, TileFormat
from tilepack.errors import MetadataError, UnsupportedError
from tilepack.extent import Extent
from tilepack.metadata.mapserver_json import (
    WRAPPER_KEY,
    format_mapserver_json,
    parse_levels,
    parse_mapserver_json,
    parse_service,
)
from tilepack.metadata.standard import arcgis_online_scheme

REFERENCE = {"wkid": 102100, "latestWkid": 3857}
CONTENTS = {
    "currentVersion": 10.6,
    "mapName": "Island",
    "description": "Rocks",
    "copyrightText": "Nobody",
    "layers": [{"id": 0, "name": "Shore"}],
    "spatialReference": REFERENCE,
    "singleFusedMapCache": True,
    "tileInfo": root_members()["tileInfo"],
    "documentInfo": {
        "Title": "The island",
        "Author": "A hermit",
        "Category": "islands",
        "Keywords": "sea, rock,,surf ",
    },
    "capabilities": "Map",
    "fullExtent": {"xmin": 0, "ymin": 1, "xmax": 2, "ymax": 3, "spatialReference": REFERENCE},
    "minScale": 9,
    "maxScale": 8,
}
WRAPPER = {
    "name": "MapServer",
    "contents": CONTENTS,
    "resourceInfo": {
        "geoFullExtent": {"xmin": -180, "ymin": -85, "xmax": 180, "ymax": 85},
        "spatialReferenceDomain": {"xmin": -5},
        "cacheInfo": {"storageInfo": {"packetSize": 128, "storageFormat": "compact"}, "spatialReferenceType": "pcs"},
    },
    "resources": [{"name": "layers", "resources": [{"name": "0", "contents": {"id": 0}}]}],
}
DEGREES = Extent(xmin=10, ymin=20, xmax=30, ymax=40.5)


def test_wrapped_document_is_read_in_full():
    read = parse_mapserver_json(encoded(WRAPPER), place="p")
    assert read.name == "Island"
    assert read.description == ItemDescription(
        title="The island", tags=("sea", "rock", "surf"), description="Rocks", attribution="Nobody", creator="A hermit"
    )
    assert read.extent == Extent(xmin=0, ymin=1, xmax=2, ymax=3)
    assert read.initial_extent is None
    assert read.service.keys() == {"currentVersion", "layers", "documentInfo", "capabilities", WRAPPER_KEY}
    assert read.service[WRAPPER_KEY] == {key: WRAPPER[key] for key in ("resourceInfo", "resources")}


def test_bare_document_is_read_like_a_wrapped_one():
    bare = parse_mapserver_json(encoded(CONTENTS), place="p")
    wrapped = parse_mapserver_json(encoded(WRAPPER), place="p")
    assert replace(wrapped, service=bare.service) == bare


@given(infos, extents(), extents(), descriptions)
def test_document_reads_back_as_the_same_values(info, full, initial, description):
    about = replace(description, summary="", license="")
    data = format_mapserver_json(replace(info, extent=full, initial_extent=initial, description=about), degrees=DEGREES)
    read = parse_mapserver_json(data, place="p")
    assert (read.name, read.extent, read.initial_extent, read.description) == (info.name, full, initial, about)
    scheme = parse_levels(data, place="p")
    bare = replace(info.scheme.spatial_reference, wkt=None, precision=None, left_longitude=None)
    assert scheme == replace(info.scheme, spatial_reference=bare)


def test_document_written_from_what_was_read_keeps_the_rest():
    read = parse_mapserver_json(encoded(WRAPPER), place="p")
    info = cache_info(
        scheme=arcgis_online_scheme(),
        storage_format=StorageFormat.COMPACT,
        extent=read.extent,
        description=read.description,
        service=read.service,
        min_level=10,
        max_level=11,
    )
    written = json.loads(format_mapserver_json(info, degrees=DEGREES))
    contents = written["contents"]
    assert list(written) == ["name", "contents", "resourceInfo", "resources"]
    assert (contents["currentVersion"], contents["layers"]) == (10.6, [{"id": 0, "name": "Shore"}])
    assert contents["documentInfo"]["Category"] == "islands"
    assert contents["documentInfo"]["Keywords"] == "sea, rock, surf"
    assert contents["singleFusedMapCache"] is True
    assert (contents["minScale"], contents["maxScale"]) == (577790.554289, 288895.277144)
    assert contents["initialExtent"] == contents["fullExtent"]
    assert (contents["tileInfo"]["format"], contents["tileInfo"]["compressionQuality"]) == ("JPEG", 75)
    assert written["resources"] == WRAPPER["resources"]
    degrees = {"xmin": 10, "ymin": 20, "xmax": 30, "ymax": 40.5}
    assert written["resourceInfo"] == {
        "geoFullExtent": degrees,
        "geoInitialExtent": degrees,
        "spatialReferenceDomain": {"xmin": -5},
        "cacheInfo": {"storageInfo": {"packetSize": 128, "storageFormat": "compact"}, "spatialReferenceType": "pcs"},
    }


def test_document_of_a_cache_that_says_little_is_complete():
    written = json.loads(format_mapserver_json(cache_info(), degrees=None))
    assert [resource["name"] for resource in written["resources"]] == ["layers", "tables", "legend"]
    assert "geoFullExtent" not in written["resourceInfo"]
    assert "fullExtent" not in written["contents"]
    assert written["contents"]["documentInfo"]["Title"] == "Island"
    assert written["contents"]["units"] == "esriMeters"


def test_members_of_a_root_json_alone_stay_out():
    info = cache_info(service={"version": 1.0, "resampling": True, "layers": [1], "mine": 2, "minLOD": 3})
    contents = json.loads(format_mapserver_json(info, degrees=None))["contents"]
    assert contents.keys().isdisjoint({"version", "resampling", "minLOD"})
    assert (contents["layers"], contents["mine"]) == ([1], 2)


@pytest.mark.parametrize("document", [CONTENTS, WRAPPER])
def test_levels_of_a_service_are_read(document):
    scheme = parse_levels(encoded(document), place="p")
    assert [lod.level for lod in scheme.levels] == [0, 1]
    assert scheme.tile_width == 512


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({**CONTENTS, "tileInfo": None}, "the service is not cached .it has no tileInfo."),
        ({**CONTENTS, "singleFusedMapCache": False}, "the service is not cached .singleFusedMapCache is false."),
        ({"error": {"code": 499, "message": "Token required"}}, "an error .'Token required'."),
        ({}, "the service is not cached"),
        ({"contents": 5}, "contents is 5; it must be an object"),
    ],
)
def test_levels_are_refused_when_the_service_has_none(document, complaint):
    with pytest.raises(MetadataError, match=f"^https://host/MapServer: .*{complaint}"):
        parse_levels(encoded(document), place="https://host/MapServer")


def test_document_is_refused_when_an_extent_is_inside_out():
    broken = {**CONTENTS, "fullExtent": {"xmin": 5, "ymin": 1, "xmax": 2, "ymax": 3}}
    with pytest.raises(MetadataError, match=r"^p: fullExtent is 5, 1, 2, 3; its minima"):
        parse_mapserver_json(encoded(broken), place="p")


@given(infos, extents(), descriptions)
def test_service_tells_grid_formats_and_extent(info, full, description):
    about = replace(description, summary="", license="")
    data = format_mapserver_json(replace(info, extent=full, description=about), degrees=None)
    read = parse_service(data, place="p", name="n")
    assert (read.tile_format, read.quality, read.extent) == (info.tile_format, info.quality, full)
    assert (read.name, read.description) == (info.name, about)
    assert read.scheme == parse_levels(data, place="p")
    assert not read.service


@pytest.mark.parametrize(
    ("said", "tile_format", "quality"),
    [
        ({}, TileFormat.MIXED, 75),
        ({"format": "jpg", "compressionQuality": 55}, TileFormat.JPEG, 55),
        ({"format": "PNG8"}, TileFormat.PNG8, 0),
    ],
)
def test_service_that_names_no_format_is_taken_for_mixed(said, tile_format, quality):
    document = {**CONTENTS, "tileInfo": {**CONTENTS["tileInfo"], **said}}
    read = parse_service(encoded(document), place="p", name="n")
    assert (read.tile_format, read.quality) == (tile_format, quality)


@pytest.mark.parametrize(
    ("said", "error", "complaint"),
    [
        ({"format": "pbf"}, UnsupportedError, "the tile format is 'pbf'; tilepack knows PNG"),
        ({"format": "JPEG", "compressionQuality": 400}, MetadataError, "CompressionQuality is 400; it goes"),
    ],
)
def test_service_is_refused_when_its_formats_are_none(said, error, complaint):
    document = {**CONTENTS, "tileInfo": {**CONTENTS["tileInfo"], **said}}
    with pytest.raises(error, match=f"^p: {complaint}"):
        parse_service(encoded(document), place="p", name="n")
