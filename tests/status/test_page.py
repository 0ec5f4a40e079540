"""Laws of the status page: it tells everything, loads nothing, and strangers' names are text in it."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reading import assert_loads_nothing, pictures_of, read_page, words
from PIL import Image

from tilepack.status.html import CompletenessReport, format_report
from tilepack.status.picture import CompletenessMap

HOSTILE = "</style><script>alert('x')</script>\"><img src=http://example.com/x.png onerror=alert(1)>&amp;"


def level(number=9, counts=((4, 4), (1, 4), (0, 4)), names=None, **more):
    built, expected = (np.array(column, np.int64) for column in zip(*counts, strict=True))
    left = np.arange(len(counts)) * 100.0
    return CompletenessMap(
        level=number,
        scale=591657527.591555 / 2**number,
        extents=np.stack([left, left * 0, left + 100, left * 0 + 100], axis=1),
        expected=expected,
        built=built,
        names=[f"R0000C{place:04x}" for place in range(len(counts))] if names is None else names,
        **more,
    )


def page(*levels, **more):
    report = CompletenessReport(**{"title": "Roads", "place": "/caches/Roads", "levels": levels, **more})
    text = format_report(report)
    return text, read_page(text)


def test_the_page_is_one_file_that_loads_nothing():
    text, root = page(level(9), level(10), warnings=["look here"], facts=[("bounded by", "x.gpkg")])
    assert text.startswith("<!DOCTYPE html>")
    assert_loads_nothing(root)


def test_it_tells_the_figures_of_each_level():
    _, root = page(level(9, tile_bytes=5 * 2**20), level(10, counts=((2, 2),), tile_bytes=2**20))
    assert words(root.find(".//header")).endswith("50 % 7 of 14 tiles built 2 levels, 4 bundles, 6.0 MiB")
    rows = [[words(cell) for cell in row] for row in root.xpath("//table[@class='levels']/tbody/tr")]
    assert rows == [
        ["9", "1:1,155,581", "41.6 %", "5", "12", "3", "1", "1", "5.0 MiB"],
        ["10", "1:577,791", "100 %", "2", "2", "1", "0", "0", "1.0 MiB"],
    ]


def test_links_lead_to_their_levels():
    _, root = page(level(9), level(10))
    targets = root.xpath("//a/@href")
    assert targets == ["#level-9", "#level-10"]
    assert all(root.get_element_by_id(target[1:]) is not None for target in targets)


def test_every_level_has_its_picture():
    _, root = page(level(9), level(10))
    images = root.xpath("//img")
    assert len(images) == 2
    for image, picture in zip(images, pictures_of(root), strict=True):
        with Image.open(io.BytesIO(picture)) as opened:
            assert opened.size == (int(image.get("width")), int(image.get("height")))
        assert image.get("alt")


def test_bundles_that_lack_most_come_first():
    counts = [(number % 30, 40) for number in range(100)]
    _, root = page(level(9, counts=counts))
    rows = [[words(cell) for cell in row] for row in root.xpath("//section[@id='level-9']//tbody/tr")]
    missing = [int(row[2]) for row in rows]
    assert missing == sorted((40 - built for built, _ in counts), reverse=True)[:10]
    assert rows[0] == ["R0000C0000", "0 %", "40", "0", "40"]
    assert "and 90 more incomplete bundles" in words(root.get_element_by_id("level-9"))


@pytest.mark.parametrize(
    ("count", "sentence"),
    [(1, "The bundle is complete."), (2, "Both bundles are complete."), (3, "All 3 bundles are complete.")],
)
def test_complete_levels_say_so(count, sentence):
    _, root = page(level(9, counts=((4, 4),) * count))
    assert sentence in words(root.get_element_by_id("level-9"))


def test_only_what_there_is_has_a_legend_and_tiles_outside_are_told():
    _, root = page(level(9, outside=5), level(10, counts=((4, 4),)))
    first, second = (root.get_element_by_id(f"level-{number}") for number in (9, 10))
    assert [words(each) for each in first.xpath(".//ul/li")] == ["empty 1", "25 to 49 % 1", "complete 1"]
    assert [words(each) for each in second.xpath(".//ul/li")] == ["complete 1"]
    assert "5 of 12 tiles built, 41.6 %; 5 tiles outside" in words(first)
    assert "outside" not in words(second)


def test_small_maps_stand_side_by_side_unless_there_is_something_to_list():
    _, root = page(level(9, ((4, 4),)), level(10, ((4, 4),) * 2), level(11, ((4, 4),) * 3), level(12, ((1, 4),)))
    kinds = [section.get("class") for section in root.xpath("//section[starts-with(@id, 'level')]")]
    assert kinds == ["level small", "level small", "level", "level"]


def test_levels_without_bundles_and_pages_without_levels_are_pages():
    none = np.empty(0, np.int64)
    empty = CompletenessMap(level=3, extents=np.empty((0, 4)), expected=none, built=none)
    assert "No tile is expected here." in words(page(empty)[1])
    assert "There is no level to tell of." in words(page()[1])


@pytest.mark.parametrize("where", ["title", "place", "warning", "fact", "name"])
def test_hostile_names_are_text(where):
    given_ = {
        "title": {"title": HOSTILE},
        "place": {"place": HOSTILE},
        "warning": {"warnings": [HOSTILE]},
        "fact": {"facts": [(HOSTILE, HOSTILE)]},
        "name": {},
    }[where]
    names = [HOSTILE] * 3 if where == "name" else None
    _, root = page(level(9, names=names), **given_)
    assert_loads_nothing(root)
    assert HOSTILE in "".join(root.itertext())


@given(st.text(st.characters(exclude_categories=()), max_size=40))
@settings(max_examples=40)
def test_any_text_makes_a_page_that_can_be_written(text):
    whole, root = page(title=text, place=text, warnings=[text])
    assert whole.encode("utf-8")
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    assert root.xpath("string(//h1/bdi)") == shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", whole)
