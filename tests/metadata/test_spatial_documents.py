import re

import pytest
from hypothesis import given
from metadata_documents import DEGREES_WKT, FEET_WKT, METRES_WKT, references

from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.spatial_defaults import WEB_MERCATOR_WKT, WGS84_WKT, filled_reference, map_units, reference_name
from tilepack.metadata.spatial_json import extent_members, read_extent_json, read_spatial_json, spatial_members
from tilepack.metadata.spatial_xml import format_spatial_xml, read_spatial_xml
from tilepack.metadata.xml_documents import XmlNode, parse_xml
from tilepack.spatial import SpatialReference, is_geographic

MERCATOR = SpatialReference(wkid=102100, latest_wkid=3857)


def node_of(text: str) -> XmlNode:
    return parse_xml(re.sub(r" xsi:type='[^']*'", "", text).encode(), place="p")


@given(references)
def test_element_reads_back_as_the_same_value(reference):
    assert read_spatial_xml(node_of(format_spatial_xml(reference))) == reference


@given(references)
def test_object_reads_back_numbers_and_storage_grid(reference):
    read = read_spatial_json(JsonNode(spatial_members(reference, with_grid=True), "p"))
    assert (read.wkid, read.latest_wkid, read.precision) == (reference.wkid, reference.latest_wkid, reference.precision)


@given(references)
def test_object_has_no_storage_grid_when_not_asked_for(reference):
    assert spatial_members(reference, with_grid=False).keys() <= {"wkid", "latestWkid"}


@given(references)
def test_filling_keeps_what_is_said(reference):
    assert filled_reference(reference) == reference


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        (MERCATOR, "Projected"),
        (SpatialReference(wkid=4326), "Geographic"),
        (SpatialReference(wkt=DEGREES_WKT), "Geographic"),
        (SpatialReference(wkt=FEET_WKT), "Projected"),
        (SpatialReference(wkid=2193), "Projected"),
        (SpatialReference(), "Unknown"),
    ],
)
def test_element_says_its_kind(reference, kind):
    assert format_spatial_xml(reference).startswith(f"<SpatialReference xsi:type='typens:{kind}CoordinateSystem'>")


def test_defaults_are_those_of_each_kind():
    mercator, degrees, metres = (filled_reference(SpatialReference(wkid=wkid)).precision for wkid in (3857, 4326, 2193))
    assert mercator is not None
    assert degrees is not None
    assert metres is not None
    assert (mercator.x_origin, mercator.y_origin, mercator.xy_scale) == (-20037700, -30241100, 10000)
    assert (degrees.x_origin, degrees.y_origin, degrees.xy_scale) == (-400, -400, 1000000000)
    assert metres.x_origin == metres.y_origin == -100000000
    assert filled_reference(SpatialReference(wkid=4326)).left_longitude == -180


@pytest.mark.parametrize("wkt", [WEB_MERCATOR_WKT, WEB_MERCATOR_WKT.replace(',AUTHORITY["EPSG",3857]', "")])
def test_web_mercator_is_numbered_by_esris_text_alone(wkt):
    filled = filled_reference(SpatialReference(wkt=wkt))
    assert (filled.wkid, filled.latest_wkid, filled.wkt) == (102100, 3857, wkt)


def test_wgs84_is_named_without_pyproj():
    assert filled_reference(SpatialReference(wkid=4326)).wkt == WGS84_WKT
    assert filled_reference(SpatialReference(wkt=WGS84_WKT)).wkid == 4326


def test_the_older_web_mercator_keeps_its_number():
    assert filled_reference(SpatialReference(wkid=102113, wkt="x")).wkid == 102113


def test_a_number_alone_gets_a_text_that_means_it():
    filled = filled_reference(SpatialReference(wkid=2193))
    assert filled.wkt is not None
    assert reference_name(filled) == "NZGD_2000_New_Zealand_Transverse_Mercator"
    assert not is_geographic(filled)


def test_what_cannot_be_found_out_stays_missing():
    filled = filled_reference(SpatialReference(wkid=99_999))
    assert (filled.wkid, filled.wkt) == (99_999, None)
    assert filled_reference(SpatialReference()) == SpatialReference()


def test_a_text_without_number_stays_in_the_object():
    members = spatial_members(SpatialReference(wkt=FEET_WKT), with_grid=False)
    assert members["wkt"] == FEET_WKT


@pytest.mark.parametrize(
    ("reference", "units"),
    [
        (MERCATOR, "esriMeters"),
        (SpatialReference(wkid=4326), "esriDecimalDegrees"),
        (SpatialReference(wkt=FEET_WKT), "esriFeet"),
        (SpatialReference(wkt=METRES_WKT), "esriMeters"),
        (SpatialReference(wkt=FEET_WKT.replace("0.3048006096012192", "0.3048")), "esriFeet"),
        (SpatialReference(wkt=FEET_WKT.replace("0.3048006096012192", "1609.344")), "esriMiles"),
        (SpatialReference(wkt=FEET_WKT.replace("0.3048006096012192", "0.7")), "esriUnknownUnits"),
        (SpatialReference(wkid=2263), "esriFeet"),
        (SpatialReference(wkid=99_999), "esriUnknownUnits"),
        (SpatialReference(), "esriUnknownUnits"),
    ],
)
def test_map_units_follow_the_spatial_reference(reference, units):
    assert map_units(reference) == units


@pytest.mark.parametrize("number", [0, -1])
def test_wkids_that_mean_none_are_none(number):
    assert read_spatial_json(JsonNode({"wkid": number}, "p")) == SpatialReference()


@pytest.mark.parametrize("spelling", ["latestWkid", "LatestWkid", "latestwkid", "LATESTWKID"])
def test_latest_wkid_is_read_in_every_spelling(spelling):
    assert read_spatial_json(JsonNode({"WKID": "102100", spelling: 3857}, "p")) == MERCATOR


@pytest.mark.parametrize(
    ("extent", "within"),
    [
        (None, MERCATOR),
        ([1, 2, 3, 4], MERCATOR),
        ({"xmin": 1, "ymin": 2, "xmax": 3}, MERCATOR),
        ({"xmin": "NaN", "ymin": "NaN", "xmax": "NaN", "ymax": "NaN"}, MERCATOR),
        ({"xmin": None, "ymin": 2, "xmax": 3, "ymax": 4}, MERCATOR),
        ({"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4, "spatialReference": {"wkid": 4326}}, MERCATOR),
    ],
)
def test_extent_counts_as_missing_when_it_says_nothing_of_the_grid(extent, within):
    assert read_extent_json(JsonNode({"fullExtent": extent}, "p"), "fullExtent", within=within) is None


@pytest.mark.parametrize("wkid", [3857, 102113, 900913, 98_765])
def test_extent_is_read_when_its_spatial_reference_is_the_same_or_unreadable(wkid):
    data = {"XMin": 1, "ymin": "2", "xmax": 3, "ymax": 4.5, "spatialReference": {"wkid": wkid}}
    node = JsonNode({"fullextent": data}, "p")
    assert read_extent_json(node, "fullExtent", within=MERCATOR) == Extent(xmin=1, ymin=2, xmax=3, ymax=4.5)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b'{"e": {"xmin": 3, "ymin": 0, "xmax": 1, "ymax": 1}}', "e is 3, 0, 1, 1; its minima"),
        (b'{"e": {"xmin": "west", "ymin": 0, "xmax": 1, "ymax": 1}}', "xmin is 'west'"),
        (b'{"e": {"xmin": -1e308, "ymin": 0, "xmax": 1, "ymax": 1}}', "e is .*; coordinates stay within"),
    ],
)
def test_extent_is_refused_with_place_and_reason_when_it_breaks_a_rule(data, complaint):
    with pytest.raises(MetadataError, match=f"^p: {complaint}"):
        read_extent_json(parse_json(data, place="p"), "e")


def test_extent_has_numbers_without_a_point_when_whole():
    assert repr(extent_members(Extent(xmin=-1, ymin=0.5, xmax=2.0, ymax=3))) == (
        "{'xmin': -1, 'ymin': 0.5, 'xmax': 2, 'ymax': 3}"
    )
