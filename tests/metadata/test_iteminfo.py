import json
from dataclasses import replace

import pytest
from hypothesis import given
from metadata_documents import cache_info, descriptions, encoded, extents

from tilepack.cache import ItemDescription
from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.iteminfo_json import format_iteminfo_json, parse_iteminfo_json
from tilepack.metadata.iteminfo_xml import format_item_pkinfo, format_iteminfo_xml, parse_iteminfo_xml
from tilepack.metadata.xml_documents import parse_xml

GUID = "0a1b2c3d-0000-4000-8000-00000000abcd"
DEGREES = Extent(xmin=-5.5, ymin=1, xmax=6, ymax=7.25)


@given(descriptions, extents())
def test_json_reads_back_as_the_same_values(description, degrees):
    data = format_iteminfo_json(cache_info(description=description), guid=GUID, degrees=degrees)
    read = parse_iteminfo_json(data, place="p")
    assert (read.name, read.guid, read.extent, read.description) == ("Island", GUID.upper(), degrees, description)


@given(descriptions)
def test_xml_reads_back_as_the_same_values(description):
    data = format_iteminfo_xml(cache_info(description=description), guid=GUID, degrees=DEGREES)
    read = parse_iteminfo_xml(data, place="p")
    assert read.description == replace(description, creator="")
    assert (read.name, read.guid, read.extent) == ("Island", GUID.upper(), DEGREES)


def test_json_has_the_order_and_spelling_of_arcgis():
    members = json.loads(format_iteminfo_json(cache_info(), guid=GUID, created=1_700_000_000, degrees=DEGREES))
    assert list(members) == [
        "creator", "name", "guid", "version", "created", "snippet", "description", "summary", "title", "tags", "type",
        "typeKeywords", "thumbnail", "extent",
    ]  # fmt: skip
    assert (members["creator"], members["title"], members["created"]) == ("tilepack", "Island", 1_700_000_000_000)
    assert members["typeKeywords"] == ["Compact Tile Package", "Tile Package", "tpkx"]
    assert members["extent"]["spatialReference"] == {"wkid": 4326, "latestWkid": 4326}


def test_json_says_nothing_of_time_and_extent_when_unknown():
    members = json.loads(format_iteminfo_json(cache_info(), guid=GUID))
    assert members["created"] == 0
    assert "extent" not in members


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(["a", " b ", "", None, 3], ("a", "b")), ("a, b,,c", ("a", "b", "c")), ("", ()), (None, ()), ({"a": 1}, ())],
)
def test_tags_are_read_from_lists_and_texts(tags, expected):
    assert parse_iteminfo_json(encoded({"tags": tags}), place="p").description.tags == expected


@pytest.mark.parametrize(
    ("extent", "expected"),
    [
        ([[-5.5, 1], [6, 7.25]], DEGREES),
        ({"xmin": -5.5, "ymin": 1, "xmax": 6, "ymax": 7.25}, DEGREES),
        ({"xmin": -5.5, "ymin": 1, "xmax": 6, "ymax": 7.25, "spatialReference": {"wkid": 102100}}, None),
        ([[1, 2]], None),
        ([["a", 2], [3, 4]], None),
        ([], None),
        (None, None),
    ],
)
def test_json_extent_is_read_in_degrees_only(extent, expected):
    assert parse_iteminfo_json(encoded({"extent": extent}), place="p").extent == expected


def test_json_of_other_spellings_is_read():
    members = {"Title": "T", "Snippet": "S", "accessinformation": "A", "LICENSEINFO": "L", "typekeywords": []}
    read = parse_iteminfo_json(encoded(members), place="p")
    assert read.description == ItemDescription(title="T", summary="S", attribution="A", license="L")


def test_xml_has_one_element_a_line_in_the_order_of_arcgis():
    about = ItemDescription(title="A <b>", tags=("x", "y"), summary="s", attribution="c\0", license="l")
    lines = format_iteminfo_xml(cache_info(description=about), guid=GUID, degrees=DEGREES).decode().split("\r\n")
    assert lines[:3] == [
        '<?xml version="1.0" encoding="utf-8" ?>',
        "<ESRI_ItemInformation Culture='en-US'>",
        "<name>Island</name>",
    ]
    assert "<title>A &lt;b&gt;</title>" in lines
    assert "<tags>x, y</tags>" in lines
    assert lines[lines.index("<extent>") + 1] == "<xmin>-5.5</xmin>"
    assert lines[-5:] == [
        "<spatialreference>WGS_1984_Web_Mercator_Auxiliary_Sphere</spatialreference>",
        "<accessinformation>c</accessinformation>",
        "<licenseinfo>l</licenseinfo>",
        "</ESRI_ItemInformation>",
        "",
    ]


def test_pkinfo_shares_guid_and_version():
    data = format_item_pkinfo(cache_info(schema_version="10.6"), guid=GUID, created=0)
    node = parse_xml(data, place="p", root="pkinfo")
    assert (node.text("ID"), node.text("version"), node.text("size")) == (GUID.upper(), "10.6", "-1")
    assert node.text("created") == "1970-01-01T00:00:00Z"
    assert b"<created></created>" in format_item_pkinfo(cache_info(), guid=GUID)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"<pkinfo/>", "the topmost element is 'pkinfo'; it must be ESRI_ItemInformation"),
        (
            (
                b"<ESRI_ItemInformation><extent><xmin>a</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></extent>"
                b"</ESRI_ItemInformation>"
            ),
            "xmin is 'a'",
        ),
        (
            (
                b"<ESRI_ItemInformation><extent><xmin>9</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></extent>"
                b"</ESRI_ItemInformation>"
            ),
            "extent is 9, 1, 2, 3",
        ),
    ],
)
def test_xml_is_refused_with_place_and_reason_when_it_breaks_a_rule(data, complaint):
    with pytest.raises(MetadataError, match=f"^p: {complaint}"):
        parse_iteminfo_xml(data, place="p")


def test_xml_without_extent_is_read():
    assert parse_iteminfo_xml(b"<ESRI_ItemInformation><extent/></ESRI_ItemInformation>", place="p").extent is None
