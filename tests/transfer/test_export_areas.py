"""Which tiles are taken: by area, by levels' own areas, by extent, by a rectangle in degrees; and what is declared."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from caches import look_at_tiles, payload, web_mercator, write_v2
from export_caches import (
    assert_cut,
    coloured,
    data_of,
    drawn,
    export_to,
    mask_of,
    mercator,
    png_of,
    ragged,
    square,
    wkt,
)
from layouts import LAYOUTS

import tilepack
from tilepack.keys import TileKey

SCHEME = mercator()
BOX = square(SCHEME, 5, 9, 13, 5)


@pytest.fixture(scope="module")
def tiles():
    found = {}
    for level, row, column, side in ((5, 9, 13, 5), (4, 4, 6, 3), (3, 2, 3, 2), (0, 0, 0, 1)):
        found |= drawn(SCHEME, coloured(6, 8), level=level, row=row, column=column, side=side)
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory, tiles):
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_v2(folder, SCHEME, data_of(tiles))
    return folder


def assert_taken(target, tiles, wanted):
    """Only those wanted are there, and each as it was."""
    found = look_at_tiles(target)
    assert set(found) == {tile for tile in tiles if wanted(tile)}
    assert all(data == tiles[tile][0] for tile, data in found.items())
    assert found


# Areas


def test_each_level_is_cut_by_its_own_area(source, tiles, tmp_path):
    coarse, fine, other = ragged(BOX, 3), ragged(BOX, 4), ragged(BOX, 5)
    texts = [f"0-3={coarse.wkt}", f"5,9={fine.wkt}", other.wkt]
    target = export_to("v2", source, tmp_path, area=[tilepack.Area(source=text, crs=3857) for text in texts])
    areas = {0: coarse, 3: coarse, 4: other, 5: fine}
    assert_cut(tiles, target, lambda tile: mask_of(SCHEME, [areas[tile.level]], tile))


def test_areas_of_overlapping_ranges_are_united(source, tiles, tmp_path):
    first, second = ragged(BOX, 3), ragged(BOX, 4)
    areas = [
        tilepack.Area(source=f"{levels}={area.wkt}", crs=3857) for levels, area in (("0-4", first), ("4-5", second))
    ]
    target = export_to("v2", source, tmp_path, area=areas)

    def mask(tile):
        mine = [area for area, levels in ((first, (0, 3, 4)), (second, (4, 5))) if tile.level in levels]
        return np.any([mask_of(SCHEME, [area], tile) for area in mine], axis=0)

    assert_cut(tiles, target, mask)


def test_level_without_an_area_is_an_error_before_anything_is_written(source, tmp_path):
    area = tilepack.Area(source=f"0-4={ragged(BOX).wkt}", crs=3857)
    with pytest.raises(tilepack.AreaOfInterestError, match="level 5 has no area"):
        export_to("v2", source, tmp_path, area=area)
    assert list(tmp_path.iterdir()) == []
    target = export_to("v2", source, tmp_path, area=area, levels="0-4")
    assert {tile.level for tile in look_at_tiles(target)} == {0, 3, 4}


def test_area_around_everything_takes_every_tile_as_it_is(source, tiles, tmp_path):
    world = shapely.box(-2e8, -2e8, 2e8, 2e8)
    plan = tilepack.plan_export(source, tmp_path / "v2", area=wkt(world))
    assert plan.count("copy") == len(plan.tasks) == 4
    assert_taken(export_to("v2", source, tmp_path, area=wkt(world)), tiles, lambda _: True)


@pytest.mark.parametrize("selection", [{"extent": (0, 0, 1, 1)}, {"bbox": (0, 0, 1, 1)}])
def test_area_counts_and_an_extent_beside_it_comes_with_a_warning(source, tiles, tmp_path, selection):
    area = ragged(BOX)
    plan = tilepack.plan_export(source, tmp_path / "v2", area=wkt(area), **selection)
    assert any("both given; the area counts" in warning for warning in plan.warnings)
    target = export_to("v2", source, tmp_path, area=wkt(area), **selection)
    assert_cut(tiles, target, lambda tile: mask_of(SCHEME, [area], tile))


# Areas that miss


@pytest.mark.parametrize("levels", [None, "5"])
def test_area_that_misses_the_cache_is_an_error_that_says_how_far_off_it_lies(source, tmp_path, levels):
    away = shapely.box(BOX.xmax + 1_234_000, BOX.ymin, BOX.xmax + 1_235_000, BOX.ymax)
    with pytest.raises(tilepack.AreaOfInterestError, match=r"it lies 1\.234e\+06 map units to the east.*3857"):
        export_to("v2", source, tmp_path, area=wkt(away), levels=levels or "5")
    assert list(tmp_path.iterdir()) == []


def test_area_that_misses_a_cache_without_a_declared_extent_is_an_error_too(tmp_path, tiles):
    fine = {tile: data for tile, (data, _) in tiles.items() if tile.level == 5}
    write_v2(tmp_path / "source", SCHEME, fine)
    (tmp_path / "source/conf.cdi").unlink()
    away = shapely.box(BOX.xmax + 1_234_000, BOX.ymin, BOX.xmax + 1_235_000, BOX.ymax)
    with pytest.raises(tilepack.AreaOfInterestError, match=r"1\.234e\+06 map units to the east.*3857"):
        export_to("v2", tmp_path / "source", tmp_path / "targets", area=wkt(away))


def test_area_between_the_tiles_is_an_error(tmp_path):
    keys = [TileKey(5, 9, 13), TileKey(5, 9, 17)]
    write_v2(tmp_path / "source", SCHEME, {key: payload(key) for key in keys})
    between = SCHEME.tile_extent(TileKey(5, 9, 15))
    with pytest.raises(tilepack.AreaOfInterestError, match="none of its tiles lies in the area of interest"):
        export_to("v2", tmp_path / "source", tmp_path / "targets", area=wkt(shapely.box(*between.as_tuple())))
    assert list((tmp_path / "targets").iterdir()) == []


@pytest.mark.parametrize("selection", [{"extent": (0, 0, 1, 1)}, {"bbox": (100.0, -20.0, 101.0, -19.0)}])
def test_extent_that_misses_is_an_error(source, tmp_path, selection):
    with pytest.raises(tilepack.AreaOfInterestError, match=r"none of its tiles|misses"):
        export_to("v2", source, tmp_path, levels="5", **selection)
    assert list(tmp_path.iterdir()) == []


# Extents


@pytest.mark.parametrize("layout", LAYOUTS)
def test_extent_takes_whole_tiles_that_it_meets_and_cuts_nothing(source, tiles, tmp_path, layout):
    inner = shapely.box(BOX.xmin + BOX.width * 0.31, BOX.ymin + BOX.height * 0.3, BOX.xmax - BOX.width * 0.35, BOX.ymax)
    target = export_to(layout, source, tmp_path, extent=inner.bounds)
    assert_taken(
        target, tiles, lambda tile: shapely.box(*SCHEME.tile_extent(tile).as_tuple()).intersection(inner).area > 0
    )


def test_extent_that_shares_an_edge_with_a_tile_does_not_take_it(source, tiles, tmp_path):
    middle = SCHEME.tile_extent(TileKey(5, 11, 15))
    target = export_to("v2", source, tmp_path, extent=middle.as_tuple(), levels="5")
    assert_taken(target, tiles, lambda tile: tile == (5, 11, 15))


@pytest.mark.parametrize("bounds", [(5, 5, 0, 6), (0, float("nan"), 1, 1), (0, 0, float("inf"), 1)])
def test_extent_that_is_none_is_refused(source, tmp_path, bounds):
    with pytest.raises(tilepack.AreaOfInterestError, match="xmin, ymin, xmax, ymax"):
        export_to("v2", source, tmp_path, extent=bounds)


@pytest.mark.parametrize(
    "bounds", [(0, 6, 5, 5), (-190, 0, 5, 5), (0, 0, 5, 91), (0, 0, float("nan"), 5), (3, 0, 3, 5)]
)
def test_bbox_that_is_none_is_refused(source, tmp_path, bounds):
    with pytest.raises(tilepack.AreaOfInterestError, match="west, south, east, north"):
        export_to("v2", source, tmp_path, bbox=bounds)


def test_extent_and_bbox_together_are_refused(source, tmp_path):
    with pytest.raises(tilepack.AreaOfInterestError, match="choose by one"):
        export_to("v2", source, tmp_path, extent=BOX.as_tuple(), bbox=(0, 0, 1, 1))


def test_bbox_takes_the_tiles_that_it_meets_in_degrees(tmp_path):
    keys = {TileKey(5, row, column): b"tile" for row in range(8, 24) for column in range(32)}
    write_v2(tmp_path / "source", web_mercator(), keys)
    target = export_to("v2", tmp_path / "source", tmp_path / "targets", bbox=(10.0, 40.0, 25.0, 50.0))
    # By the formulas of web mercator: 32 tiles, 11.25 degrees wide.
    columns = {16, 17, 18}
    rows = {int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 32) for lat in np.arange(40.0, 50.1, 0.1)}
    assert set(look_at_tiles(target)) == {tile for tile in keys if tile.row in rows and tile.column in columns}


def test_bbox_across_the_antimeridian_takes_tiles_on_both_sides(tmp_path):
    keys = {TileKey(5, row, column): b"tile" for row in range(8, 24) for column in range(32)}
    write_v2(tmp_path / "source", web_mercator(), keys)
    target = export_to("v2", tmp_path / "source", tmp_path / "targets", bbox=(165.0, -1.0, -170.0, 1.0))
    assert set(look_at_tiles(target)) == {TileKey(5, row, column) for row in (15, 16) for column in (0, 30, 31)}


@pytest.mark.parametrize("bbox", [(-180.0, -90.0, 180.0, 90.0), (-180.0, -85.0, 180.0, 85.0)])
def test_bbox_of_the_world_takes_everything(tmp_path, bbox):
    keys = {TileKey(3, row, column): b"tile" for row in range(8) for column in range(8)}
    write_v2(tmp_path / "source", web_mercator(), keys)
    target = export_to("v2", tmp_path / "source", tmp_path / "targets", bbox=bbox)
    assert set(look_at_tiles(target)) == set(keys)


# What is declared


@pytest.mark.parametrize("layout", LAYOUTS)
def test_declared_extent_is_that_of_the_tiles_left_clipped_to_the_area_s_box(source, tmp_path, layout):
    area = ragged(BOX, 6).intersection(shapely.box(BOX.xmin, BOX.ymin, BOX.xmin + BOX.width * 0.52, BOX.ymax))
    with tilepack.open(export_to(layout, source, tmp_path, area=wkt(area))) as reader:
        found = reader.info.extent
    box = shapely.box(*area.bounds).intersection(shapely.box(*BOX.as_tuple()))
    assert found.as_tuple() == pytest.approx(box.bounds)


def test_declared_levels_and_extent_are_of_what_is_left_when_nothing_is_left_on_a_level(tmp_path):
    clear = coloured(6, 8)(TileKey(0, 0, 0), 64, 64)[1] * np.array([1, 1, 1, 0], np.uint8)
    tiles = drawn(SCHEME, coloured(6, 8), level=4, row=4, column=6, side=3)
    tiles |= drawn(SCHEME, lambda *_: (png_of(clear, 6, 8), clear), level=5, row=9, column=13, side=5)
    write_v2(tmp_path / "source", SCHEME, data_of(tiles))
    lonely = SCHEME.tile_extent(TileKey(5, 11, 15))
    area = shapely.Point((lonely.xmin + lonely.xmax) / 2, (lonely.ymin + lonely.ymax) / 2).buffer(lonely.width / 3.01)
    for layout in LAYOUTS:
        target = export_to(layout, tmp_path / "source", tmp_path / layout, area=wkt(area))
        assert {tile.level for tile in look_at_tiles(target)} == {4}
        with tilepack.open(target) as reader:
            assert [level for level in reader.levels() if reader.bundles(level)] == [4]
            if layout == "tpkx":
                assert (reader.info.min_level, reader.info.max_level) == (4, 4)
            assert reader.info.extent.as_tuple() == pytest.approx(area.bounds)


def test_other_tiles_than_images_move_whole_with_a_warning_or_are_refused(tmp_path):
    keys = [TileKey(5, row, column) for row in range(9, 14) for column in range(13, 18)]
    tiles = {key: b"Lerc2 " + payload(key) for key in keys}
    write_v2(tmp_path / "source", SCHEME, tiles, tile_format=tilepack.TileFormat.LERC)
    area = ragged(BOX)
    plan = tilepack.plan_export(tmp_path / "source", tmp_path / "new", area=wkt(area))
    assert any("LERC" in warning and "move whole" in warning for warning in plan.warnings)
    found = look_at_tiles(export_to("v2", tmp_path / "source", tmp_path / "targets", area=wkt(area)))
    assert {key for key in keys if mask_of(SCHEME, [area], key).any()} <= set(found)
    assert all(data == tiles[key] for key, data in found.items())
    strict = tilepack.PixelOptions(strict=True)
    with pytest.raises(tilepack.UnsupportedError, match="--whole-tiles"):
        export_to("v1", tmp_path / "source", tmp_path / "targets", area=wkt(area), pixels=strict)
    whole = tilepack.PixelOptions(strict=True, whole_tiles=True)
    assert (
        look_at_tiles(export_to("v1", tmp_path / "source", tmp_path / "targets", area=wkt(area), pixels=whole)) == found
    )


def test_area_for_a_level_that_is_not_taken_does_not_widen_the_declared_extent(source, tmp_path):
    west = shapely.box(BOX.xmin, BOX.ymin, BOX.xmin + BOX.width * 0.52, BOX.ymax)
    areas = [tilepack.Area(source=f"{levels}={area.wkt}", crs=3857) for levels, area in
             (("5", west), ("4", shapely.box(*BOX.as_tuple())))]  # fmt: skip
    with tilepack.open(export_to("v2", source, tmp_path, area=areas, levels="5")) as reader:
        assert reader.info.extent.as_tuple() == pytest.approx(west.bounds)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cut_that_leaves_no_visible_pixel_at_all_is_an_error(tmp_path, layout):
    clear = np.zeros((64, 64, 4), np.uint8)
    tiles = drawn(SCHEME, lambda *_: (png_of(clear, 6, 8), clear), level=5, row=9, column=13, side=2)
    write_v2(tmp_path / "source", SCHEME, data_of(tiles))
    box = SCHEME.tile_extent(TileKey(5, 9, 13))
    area = shapely.Point(box.xmax, box.ymin).buffer(box.width / 3)
    with pytest.raises(tilepack.AreaOfInterestError, match="no visible pixel lies in the area of interest"):
        export_to(layout, tmp_path / "source", tmp_path / "out", area=wkt(area))
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
