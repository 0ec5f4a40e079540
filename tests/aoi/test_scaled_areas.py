"""Areas for scales, as pairs, as ``Area.scales`` or in front of a text: they are for the levels that match."""

from __future__ import annotations

import caches
import pytest
import shapely
from command_line import run

import tilepack
from tilepack.aoi_levels import split_scales
from tilepack.keys import TileKey

SCALE_5, SCALE_9 = 18489297.737236, 1155581.108577


def box_of(*keys: TileKey) -> str:
    extents = [caches.web_mercator().tile_extent(key).as_tuple() for key in keys]
    return "SRID=3857;" + shapely.union_all([shapely.box(*each) for each in extents]).envelope.wkt


COUNTRY = box_of(TileKey(5, 11, 7), TileKey(5, 12, 8))
CITY = box_of(TileKey(9, 125, 252), TileKey(9, 127, 255))


@pytest.fixture
def by_level(v2_island, tmp_path):
    """What the same areas give for levels."""
    tilepack.export_cache(v2_island, tmp_path / "plain", levels="5,9", area=[f"5={COUNTRY}", f"9={CITY}"])
    return caches.look_at_files(tmp_path / "plain")


FORMS = {
    "pairs": [([SCALE_5], COUNTRY), ([SCALE_9], CITY)],
    "numbers": [(SCALE_5, COUNTRY), (SCALE_9, CITY)],
    "lists": [[[SCALE_5], COUNTRY], [[SCALE_9], CITY]],
    "areas": [tilepack.Area(source=COUNTRY, scales=[SCALE_5]), ([SCALE_9], tilepack.Area(source=CITY))],
    "texts": [f"1:{SCALE_5}={COUNTRY}", f"1:{SCALE_9}={CITY}"],
    "mixed": [(SCALE_5, COUNTRY), f"9={CITY}"],
}


@pytest.mark.parametrize("form", FORMS)
def test_areas_for_scales_are_those_for_their_levels(v2_island, tmp_path, by_level, form):
    tilepack.export_cache(v2_island, tmp_path / "new", levels="5,9", area=FORMS[form])
    assert caches.look_at_files(tmp_path / "new") == by_level


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"mixed"}))
def test_their_levels_are_taken_where_nobody_names_any(v2_island, tmp_path, by_level, form):
    tilepack.export_cache(v2_island, tmp_path / "new", area=FORMS[form])
    assert caches.look_at_files(tmp_path / "new") == by_level
    report = tilepack.status_of(v2_island, area=FORMS[form])
    assert [level.level for level in report.levels] == [5, 9]


def test_one_area_for_several_scales_and_another_for_all_others(v2_island, tmp_path):
    tilepack.export_cache(
        v2_island, tmp_path / "new", levels="0,5,9", area=[([SCALE_5, SCALE_9], COUNTRY), box_of(TileKey(0, 0, 0))]
    )
    tilepack.export_cache(
        v2_island, tmp_path / "plain", levels="0,5,9", area=[f"5,9={COUNTRY}", box_of(TileKey(0, 0, 0))]
    )
    assert caches.look_at_files(tmp_path / "new") == caches.look_at_files(tmp_path / "plain")


def test_command_line_takes_scales_in_front(v2_island, tmp_path, by_level):
    areas = ("--aoi", f"1:{SCALE_5}={COUNTRY}", "--aoi", f"1: {SCALE_9} = {CITY}")
    done = run("export", v2_island, tmp_path / "new", "--levels", "5,9", *areas)
    assert done.exit_code == 0, done.output
    assert caches.look_at_files(tmp_path / "new") == by_level


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1:500000,1:250000=a.shp", ((500000, 250000), "a.shp")),
        ("1:500000;250000=a=b.shp", ((500000, 250000), "a=b.shp")),
        (" 1 : 5e5 =x", ((500000,), "x")),
        ("0-8=a.shp", (None, "0-8=a.shp")),
        ("a.shp", (None, "a.shp")),
        ("C:/1:5=x.shp", (None, "C:/1:5=x.shp")),
    ],
)
def test_text_is_parted(text, expected):
    assert split_scales(text) == expected


def test_scales_that_match_no_level_or_mean_nothing_are_errors(v2_island, tmp_path):
    for area, sentence in (
        ([([123456], CITY)], "scale 123456 matches no level"),
        ([([-5], CITY)], "cannot be read"),
        ("1:5:5=x.shp", "cannot be read"),
        ([([SCALE_5], COUNTRY)], "level 9 has no area of interest"),
    ):
        with pytest.raises(tilepack.TilepackError, match=sentence):
            tilepack.export_cache(v2_island, tmp_path / "new", levels="5,9", area=area)
    done = run("export", v2_island, tmp_path / "new", "--aoi", "1:x5=x.shp")
    assert done.exit_code == 1
    done = run("export", v2_island, tmp_path / "new", "--aoi", "1:5:5=x.shp")
    assert done.exit_code == 2
    assert "cannot be read" in done.output
    assert not (tmp_path / "new").exists()
