"""Which levels are moved, and which extent is declared for what was moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from caches import feet, look_at_tiles, payload, tile_box, v2_files, web_mercator, write_files, write_v1, write_v2
from layouts import LAYOUTS, convert_to

import tilepack
from tilepack.keys import TileKey

TILES = {TileKey(level, 10, 6): payload(TileKey(level, 10, 6)) for level in (4, 5, 6, 9)}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_v2(folder, web_mercator(), TILES)
    return folder


def levels_moved(source: Path, folder: Path, **selection: object) -> list[int]:
    return sorted({tile.level for tile in look_at_tiles(convert_to("v1", source, folder, **selection))})


# Levels


@pytest.mark.parametrize(
    ("levels", "moved"),
    [
        (None, [4, 5, 6, 9]),
        ("5", [5]),
        ("4-6", [4, 5, 6]),
        ("0-5,9", [4, 5, 9]),
        (" 4 , 6-23 ", [4, 6, 9]),
        ([9, 4], [4, 9]),
        (range(4, 7), [4, 5, 6]),
    ],
)
def test_levels_are_moved_that_were_asked_for(source, tmp_path, levels, moved):
    assert levels_moved(source, tmp_path, levels=levels) == moved


@pytest.mark.parametrize(
    ("scales", "moved"),
    [
        ("18489297.737236", [5]),
        ("18489297;9244648.868618", [5, 6]),
        ([36978595.474472, 1155581.108577], [4, 9]),
        ("18489334.7", [5]),  # by 1/0.0254 inches a metre
    ],
)
def test_scales_choose_the_levels_they_match(source, tmp_path, scales, moved):
    assert levels_moved(source, tmp_path, scales=scales) == moved


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_the_levels_asked_for_are_written(source, tmp_path, layout):
    place = convert_to(layout, source, tmp_path, levels="5,9")
    with tilepack.open(place) as reader:
        assert reader.levels() == [5, 9]
    assert set(look_at_tiles(place)) == {tile for tile in TILES if tile.level in (5, 9)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_level_of_the_scheme_is_kept_whatever_was_moved(source, tmp_path, layout):
    with tilepack.open(convert_to(layout, source, tmp_path, levels="5,9")) as reader:
        assert [lod.level for lod in reader.info.scheme.levels] == list(range(24))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_level_numbers_are_kept_when_they_skip(tmp_path, layout):
    write_v1(tmp_path / "source", feet(), {TileKey(level, 1, 1): b"tile" for level in (2, 7)})
    with tilepack.open(convert_to(layout, tmp_path / "source", tmp_path)) as reader:
        assert [lod.level for lod in reader.info.scheme.levels] == [1, 2, 4, 7, 11]
        assert reader.levels() == [2, 7]


def test_level_without_tiles_comes_with_a_warning_when_it_was_named(source, tmp_path):
    plan = tilepack.plan_convert(source, tmp_path / "new", levels="5,7")
    assert "level 7 holds no tiles" in plan.warnings


def test_level_without_tiles_comes_without_a_warning_when_it_lies_in_a_range(source, tmp_path):
    assert tilepack.plan_convert(source, tmp_path / "new", levels="5-8").warnings == ()


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"levels": "24"}, r"level 24 is not in the tiling scheme; it has 0-23"),
        ({"levels": "5,99"}, r"level 99 is not"),
        ({"levels": "30-40"}, r"no level lies in 30-40; there are 0, 1, 2"),
        ({"levels": "9-5"}, r"run backwards; write 5-9"),
        ({"levels": "five"}, r"'five' cannot be read; write them as 0-7,9"),
        ({"levels": ""}, r"cannot be read"),
        ({"levels": "5,,6"}, r"cannot be read"),
        ({"levels": "-1"}, r"cannot be read"),
        ({"scales": "500000"}, r"scale 500000 matches no level; there are 0 \(1:591657527\.6\)"),
        ({"scales": "18491147"}, r"matches no level"),
        ({"scales": "1:500000"}, r"cannot be read; write denominators as 500000,250000"),
        ({"scales": "nan"}, r"cannot be read"),
        ({"scales": "0"}, r"cannot be read"),
        ({"levels": "5", "scales": "500000"}, r"both given"),
    ],
)
def test_selection_that_means_nothing_is_refused(source, tmp_path, selection, message):
    with pytest.raises(tilepack.TilingSchemeError, match=message):
        tilepack.convert(source, tmp_path / "new", **selection)
    assert list(tmp_path.iterdir()) == []


def test_tiles_on_a_level_that_the_scheme_lacks_are_refused_unless_others_are_chosen(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), TILES)
    write_files(tmp_path / "source/_alllayers", v2_files({TileKey(77, 0, 0): b"lost"}))
    with pytest.raises(tilepack.TilingSchemeError, match="level 77 holds tiles"):
        tilepack.convert(tmp_path / "source", tmp_path / "new")
    assert levels_moved(tmp_path / "source", tmp_path, levels="0-23") == [4, 5, 6, 9]


@pytest.mark.parametrize(("levels", "bounds"), [(None, (4, 9)), ("5-6", (5, 6)), ("9", (9, 9))])
def test_bounds_of_a_tpkx_are_the_levels_that_hold_tiles(source, tmp_path, levels, bounds):
    with tilepack.open(convert_to("tpkx", source, tmp_path, levels=levels)) as reader:
        assert (reader.info.min_level, reader.info.max_level) == bounds


# Extents


def extent_of(tiles: list[TileKey], folder: Path, layout: str = "v1") -> tilepack.Extent:
    write_v2(folder / "source", web_mercator(), dict.fromkeys(tiles, b"tile"))
    with tilepack.open(convert_to(layout, folder / "source", folder)) as reader:
        assert reader.info.extent is not None
        return reader.info.extent


@pytest.mark.parametrize("layout", LAYOUTS)
def test_extent_is_the_box_of_the_finest_tiles(tmp_path, layout):
    tiles = [TileKey(9, 100, 60), TileKey(9, 140, 300), TileKey(9, 120, 10)]
    assert extent_of(tiles, tmp_path, layout).as_tuple() == pytest.approx(tile_box(web_mercator(), tiles).as_tuple())


def test_one_tile_at_level_0_does_not_make_the_extent_the_world(tmp_path):
    fine = [TileKey(9, 100, 60), TileKey(9, 101, 61)]
    found = extent_of([TileKey(0, 0, 0), *fine], tmp_path)
    assert found.as_tuple() == pytest.approx(tile_box(web_mercator(), fine).as_tuple())


def test_coarser_tiles_over_the_finest_do_not_widen_the_extent(tmp_path):
    fine = [TileKey(9, 100, 60), TileKey(9, 107, 67)]
    found = extent_of([*fine, TileKey(8, 50, 30), TileKey(7, 25, 15), TileKey(6, 13, 8)], tmp_path)
    assert found.as_tuple() == pytest.approx(tile_box(web_mercator(), fine).as_tuple())


def test_coarser_tiles_elsewhere_widen_the_extent(tmp_path):
    fine, lonely = TileKey(9, 100, 60), TileKey(7, 60, 90)
    box, more = (tile_box(web_mercator(), [tile]) for tile in (fine, lonely))
    assert extent_of([fine, lonely], tmp_path).as_tuple() == pytest.approx(box.union(more).as_tuple())


def test_coarser_tiles_widen_the_extent_only_by_those_elsewhere(tmp_path):
    """Of two tiles on one level, the one over the finest tiles adds nothing of itself."""
    fine, over, lonely = TileKey(9, 100, 60), TileKey(5, 6, 3), TileKey(5, 6, 9)
    box, more = (tile_box(web_mercator(), [tile]) for tile in (fine, lonely))
    assert extent_of([fine, over, lonely], tmp_path).as_tuple() == pytest.approx(box.union(more).as_tuple())


def test_extent_follows_the_levels_that_were_moved(source, tmp_path):
    with tilepack.open(convert_to("v2", source, tmp_path, levels="5")) as reader:
        expected = tile_box(web_mercator(), [TileKey(5, 10, 6)])
        assert reader.info.extent.as_tuple() == pytest.approx(expected.as_tuple())
