"""Laws of how notebooks show an open cache: a picture, the facts, nothing that a stranger's file could do harm by."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import pytest
from caches import describe, picture, web_mercator, write_v2
from lxml import html
from PIL import Image

import tilepack
from tilepack.cache import ItemDescription, StorageFormat
from tilepack.keys import TileKey


def parse(text):
    """Parse a fragment; give its root, its picture if there is one, and its table as a mapping."""
    root = html.fromstring(text)
    pictures = root.findall(".//img")
    rows = {row.find("th").text: row.find("td").text for row in root.iter("tr")}
    assert not set(root.itertext()) & {"<"}
    return root, pictures, rows


@pytest.fixture
def cache(tmp_path):
    tiles = {TileKey(level, 0, column): picture(TileKey(level, 0, column)) for level in (1, 2) for column in (0, 1)}
    write_v2(tmp_path / "cache", web_mercator(), tiles)
    return tmp_path / "cache"


def test_an_open_cache_shows_a_picture_and_its_facts(cache):
    with tilepack.open(cache) as reader:
        _, (image,), rows = parse(reader._repr_html_())
    head, _, data = image.get("src").partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
        assert opened.size == (300, 200)
        assert len(opened.convert("RGB").getcolors(60000)) > 10
    assert rows["storage"] == "COMPACT_V2"
    assert rows["levels"] == "1 to 2, 2 in all"
    assert rows["tiles"] == "MIXED, 256 x 256 pixels"


def test_every_kind_of_reader_shows_itself(cache, tmp_path):
    for target, style in ((tmp_path / "x.tpk", None), (tmp_path / "exploded", StorageFormat.EXPLODED)):
        tilepack.convert(cache, target, storage_format=style)
        with tilepack.open(target) as reader:
            assert parse(reader._repr_html_())[1]


def test_samples_show_themselves(samples):
    for name in ("canyonlands.tpk", "Usa.tpkx", "mixed_v2_cache", "states_filled.tpk", "esri_compact_v2_cache"):
        with tilepack.open(samples / name) as reader:
            assert parse(reader._repr_html_())[1]


def test_what_a_file_says_is_escaped(cache):
    hostile = '<script>alert("x")</script>\u202e\x07\ud800'
    with tilepack.open(cache) as reader:
        info = describe(web_mercator(), StorageFormat.COMPACT_V2)
        reader.info = replace(info, description=ItemDescription(title=hostile))
        reader.place = "<img src=x onerror=alert(1)>"
        root, pictures, rows = parse(reader._repr_html_())
    assert not root.findall(".//script")
    assert len(pictures) == 1
    assert rows["cache"] == "<img src=x onerror=alert(1)>"
    assert rows["name"] == '<script>alert("x")</script>???'


def test_a_cache_that_cannot_be_drawn_shows_its_facts(cache):
    for bundle in (cache / "_alllayers").rglob("*.bundle"):
        bundle.write_bytes(bundle.read_bytes()[:70])
    with tilepack.open(cache) as reader:
        _, pictures, rows = parse(reader._repr_html_())
    assert not pictures
    assert rows["storage"] == "COMPACT_V2"


def test_a_closed_reader_and_an_empty_cache_show_their_facts(cache, tmp_path):
    write_v2(tmp_path / "empty", web_mercator(), {})
    (tmp_path / "empty/_alllayers").mkdir()
    with tilepack.open(tmp_path / "empty") as empty, tilepack.open(tilepack_package(cache, tmp_path)) as closed:
        assert parse(empty._repr_html_())[2]["levels"] == "none"
    assert parse(closed._repr_html_())[2]["levels"] == "1 to 2, 2 in all"


def tilepack_package(cache, folder):
    tilepack.convert(cache, folder / "p.tpkx")
    return folder / "p.tpkx"


def test_few_bundles_are_looked_at(tmp_path, monkeypatch):
    """Two hundred bundles: a notebook does not wait for them."""
    tiles = {TileKey(14, 128 * number, 128): picture(TileKey(0, 0, 0)) for number in range(100)}
    write_v2(tmp_path / "large", web_mercator(), tiles)
    with tilepack.open(tmp_path / "large") as reader:
        asked = []
        summary = reader.summary
        monkeypatch.setattr(reader, "summary", lambda bundle: asked.append(bundle) or summary(bundle))
        assert parse(reader._repr_html_())[1]
    assert len(asked) == 64
