"""Every number of every document, made into each of the numbers and other things that it must not be."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from typing import Any

import fuzz_documents
import hostile_builders as small
import pytest
from fuzz_target import World
from fuzz_watch import watched

from tilepack.extent import Extent
from tilepack.metadata.iteminfo_json import format_iteminfo_json
from tilepack.metadata.mapserver_json import format_mapserver_json

ODD = ("1e400", "-1e400", "1e308", "-1e308", "5e-324", "-0", "0", "-1", "1e15", "-1e15", "1e-15", "1000000000000001")
ODD += (str(1 << 31), str(1 << 63), str(1 << 64), "9" * 400, "9" * 5000, "0.1", "1e5", "255", "8192", "999", "1000")
JSON_ODD = (*ODD, "NaN", "Infinity", "-Infinity", "null", "true", '""', '"1"', '"NaN"', '"\u0661"', "[]", "{}", "[1]")
XML_ODD = (
    *ODD,
    "NaN",
    "-INF",
    "",
    " 1 ",
    "1,5",
    "0x10",
    "1_0",
    "\u0661",
    "<a/>",
    "1<a/>",
    "+1",
    ".5",
    "5.",
    "1e",
    "--1",
)

THIRDS = 3
"""Each place gets every third of them, in turns; all with all take half a minute, and found nothing."""

BOX = Extent(xmin=-9, ymin=-8, xmax=7, ymax=6)
JSON_DOCUMENTS = {
    "root.json": (
        fuzz_documents.read_root,
        small.root_json(minScale=591657527.5, maxScale=1000, exportTilesAllowed=False, bandCount=1),
    ),
    "iteminfo.json": (
        fuzz_documents.read_item,
        format_iteminfo_json(fuzz_documents.plain(), guid=fuzz_documents.GUID, created=1, degrees=BOX),
    ),
    "MapServer JSON": (fuzz_documents.read_service, format_mapserver_json(fuzz_documents.plain(), degrees=BOX)),
}
XML_DOCUMENTS = {
    "conf.xml": (
        fuzz_documents.read_conf,
        small.conf_xml("v2", extra="").replace(
            b"<LODInfos>", b"<PreciseDPI>96</PreciseDPI><TileEnd><X>9e7</X><Y>-9e7</Y></TileEnd><LODInfos>"
        ),
    ),
    "conf.cdi": (
        fuzz_documents.read_cdi,
        small.CONF_CDI.replace(
            b"</EnvelopeN>",
            b"<SpatialReference><XOrigin>-1</XOrigin><YOrigin>-2</YOrigin><XYScale>3</XYScale><WKID>4326</WKID>"
            b"<LeftLongitude>-180</LeftLongitude><LatestWKID>4326</LatestWKID></SpatialReference></EnvelopeN>",
        ),
    ),
    "tiling scheme": (fuzz_documents.read_scheme, small.conf_xml("v1")),
}


def numbers_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Name the places of numbers in a JSON value; of the levels, those of the first."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value[:2]):
            yield from numbers_in(inner, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def with_text(document: bytes, path: tuple[Any, ...], text: str) -> bytes:
    """Put a text in the place of a number."""
    value = whole = json.loads(document)
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = "#here#"
    return json.dumps(whole).replace('"#here#"', text).encode()


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(made.own))
    return made


@pytest.mark.parametrize(("read", "document"), JSON_DOCUMENTS.values(), ids=JSON_DOCUMENTS)
def test_no_number_of_json_breaks_a_rule(read, document, world):
    places = list(numbers_in(json.loads(document)))
    assert len(places) >= 4
    for number, path in enumerate(places):
        for text in JSON_ODD[number % THIRDS :: THIRDS]:
            with watched(world):
                read(with_text(document, path, text), world)


@pytest.mark.parametrize(("read", "document"), XML_DOCUMENTS.values(), ids=XML_DOCUMENTS)
def test_no_number_of_xml_breaks_a_rule(read, document, world):
    places = [found.span(1) for found in re.finditer(rb">(-?[0-9][0-9.e]*)<", document)]
    assert len(places) >= 4
    for number, (start, stop) in enumerate(places):
        for text in XML_ODD[number % THIRDS :: THIRDS]:
            with watched(world):
                read(document[:start] + text.encode() + document[stop:], world)
