"""The same grid or not: levels found by resolution, corners within a pixel, and sentences that say what differs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import shapely
from caches import look_at_files, look_at_tiles
from export_caches import degrees, mercator, square, wkt
from import_caches import SCHEME, aside, block, overlay, write_cache
from layouts import LAYOUTS

import tilepack
from tilepack.keys import TileKey, TileRange
from tilepack.scheme import TilingScheme
from tilepack.spatial import SpatialReference
from tilepack.transfer.matching import match_levels

TILES = TileRange(level=5, row_start=9, row_stop=11, column_start=13, column_stop=16)
FEW = {5: [TILES]}


def matched(source: TilingScheme, target: TilingScheme, tiles=FEW):
    return match_levels(source, target, tiles, place="the target")


def numbered(scheme: TilingScheme, by: int) -> TilingScheme:
    """Give the same grid under other LevelIDs."""
    return scheme.with_levels(replace(lod, level=lod.level + by) for lod in scheme.levels)


def stretched(scheme: TilingScheme, by: float) -> TilingScheme:
    """Give a grid whose resolutions are a bit larger."""
    return scheme.with_levels(replace(lod, resolution=lod.resolution * by) for lod in scheme.levels)


def shifted(scheme: TilingScheme, x: float, y: float = 0, level: int = 5) -> TilingScheme:
    """Give a grid that begins some pixels of a level away."""
    resolution = scheme.level(level).resolution
    return replace(scheme, origin_x=scheme.origin_x + x * resolution, origin_y=scheme.origin_y + y * resolution)


# The grid


def test_levels_are_the_same_when_their_resolutions_are():
    assert matched(SCHEME, SCHEME) == {5: 5}
    assert matched(SCHEME, numbered(SCHEME, 9), {level: [replace(TILES, level=level)] for level in (3, 5)}) == {
        3: 12,
        5: 14,
    }
    scaled = SCHEME.with_levels(replace(lod, scale=1.0) for lod in SCHEME.levels)
    assert matched(SCHEME, scaled) == {5: 5}


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, 1), (-1, 0), (0, -1), (0.6, 0.6)])
def test_a_grid_may_lie_up_to_one_pixel_off(x, y):
    assert matched(SCHEME, shifted(SCHEME, 0.999 * x, 0.999 * y)) == {5: 5}
    if abs(x) == 1 or abs(y) == 1:
        with pytest.raises(tilepack.TilingSchemeError, match=r"level 5 .* 1 pixels? away .*the tile origin is"):
            matched(SCHEME, shifted(SCHEME, 1.001 * x, 1.001 * y))


def test_what_is_within_a_pixel_of_a_coarse_level_need_not_be_of_a_fine_one():
    target = shifted(SCHEME, 0.9, level=3)
    assert matched(SCHEME, target, {3: [replace(TILES, level=3)]}) == {3: 3}
    with pytest.raises(tilepack.TilingSchemeError, match=r"level 5 tiles would land 3\.6 pixels away"):
        matched(SCHEME, target, {3: [replace(TILES, level=3)], 5: [TILES]})


def test_the_corner_farthest_from_the_origin_counts():
    wide = replace(TILES, column_start=390, column_stop=400)
    pixels = 64 * 400
    assert matched(SCHEME, stretched(SCHEME, 1 + 0.999 / pixels), {5: [TILES, wide]}) == {5: 5}
    with pytest.raises(tilepack.TilingSchemeError, match=r"pixels away \(the resolution is .* in the source, "):
        matched(SCHEME, stretched(SCHEME, 1 + 1.01 / pixels), {5: [TILES, wide]})
    assert matched(SCHEME, stretched(SCHEME, 1 + 1.01 / pixels), {5: [TILES]}) == {5: 5}


@pytest.mark.parametrize("wkid", [3857, 102100, 102113, 3785, 900913])
def test_web_mercator_has_many_numbers(wkid):
    other = replace(SCHEME, spatial_reference=SpatialReference(wkid=wkid))
    assert matched(SCHEME, other) == matched(other, SCHEME) == {5: 5}


def test_spatial_references_agree_by_what_they_mean():
    from pyproj import CRS

    by_text = replace(SCHEME, spatial_reference=SpatialReference(wkt=CRS(3857).to_wkt("WKT1_ESRI")))
    assert matched(SCHEME, by_text) == {5: 5}
    latest = replace(SCHEME, spatial_reference=SpatialReference(wkid=102100, latest_wkid=3857))
    assert matched(latest, by_text) == {5: 5}


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (degrees(), "the spatial reference is WKID 3857 in the source, WKID 4326 in the target"),
        (replace(SCHEME, tile_width=128), "tiles have 64 x 64 pixels in the source, 128 x 64 in the target"),
        (
            SCHEME.with_levels(SCHEME.levels[:4]),
            r"level 5 has a resolution of 19567\.87924, and the target no such level; it has 0 \(.*, 3 \(78271\.5",
        ),
        (
            shifted(SCHEME, 32, 0),
            r"32 pixels away \(the tile origin is -20037508.34, 20037508.34 in the source",
        ),
        (stretched(SCHEME, 1.5), "the target no such level"),
    ],
)
def test_other_grids_are_refused_by_what_differs(target, sentence):
    with pytest.raises(tilepack.TilingSchemeError, match=sentence) as caught:
        matched(SCHEME, target)
    assert str(caught.value).startswith("the target: has another tiling scheme than the source")


def test_all_differences_are_told_at_once():
    other = replace(degrees(), tile_height=32)
    with pytest.raises(tilepack.TilingSchemeError, match=r"tiles have 64 x 64 .*; the spatial reference is"):
        matched(SCHEME, other)
    missing = {level: [replace(TILES, level=level)] for level in (3, 4, 5)}
    with pytest.raises(tilepack.TilingSchemeError, match=r"level 3 has .*; level 4 has .*; level 5 has"):
        matched(SCHEME, SCHEME.with_levels(SCHEME.levels[:2]), missing)


def test_two_levels_of_one_resolution_cannot_become_one():
    twin = replace(SCHEME.levels[5], level=6, resolution=SCHEME.levels[5].resolution * (1 + 1e-6))
    source = SCHEME.with_levels((*SCHEME.levels, twin))
    with pytest.raises(tilepack.TilingSchemeError, match=r"levels 5 and 6 of the source .* choose one"):
        matched(source, SCHEME, {5: [TILES], 6: [replace(TILES, level=6)]})
    assert matched(source, SCHEME, {6: [replace(TILES, level=6)]}) == {6: 5}


# Through an import


def test_level_numbers_are_the_source_s_and_become_the_target_s(tmp_path):
    ours = {level: block(overlay, level, range(2, 4), range(3, 5)) for level in (2, 3, 4)}
    theirs = {
        tile._replace(level=tile.level + 9): drawn
        for tile, drawn in block(aside(overlay), 3, range(3, 5), range(3, 5)).items()
    }
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    source = write_cache("v2", tmp_path / "source", ours[2] | ours[3] | ours[4])
    target = write_cache("v1", tmp_path / "target", theirs, scheme=numbered(SCHEME, 9))
    plan = tilepack.plan_import(source, target, levels="3-4")
    assert plan.levels == {3: 12, 4: 13}
    assert plan.as_json()["targetLevels"] == {"3": 12, "4": 13}
    with pytest.raises(tilepack.TilingSchemeError, match="level 12 is not in the tiling scheme; it has 0-"):
        tilepack.plan_import(source, target, levels="12")
    result = tilepack.import_cache(source, target, levels="3-4", mode="OVERWRITE")
    assert result.counts.repacked + result.counts.copied == 8
    wanted = {tile: data for tile, (data, _) in theirs.items()} | {
        tile._replace(level=tile.level + 9): data for tile, (data, _) in (ours[3] | ours[4]).items()
    }
    assert look_at_tiles(target) == wanted
    assert {task.bundle.level for task in result.plan.tasks} == {3, 4}
    again = tilepack.import_cache(source, target, scales=[SCHEME.level(3).scale], mode="OVERWRITE")
    assert again.counts.unchanged == 4


def test_an_area_by_levels_counts_the_source_s(tmp_path):
    ours = block(overlay, 3, range(2, 4), range(3, 5))
    target_scheme = numbered(SCHEME, 9)
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    source = write_cache("v2", tmp_path / "source", ours)
    there = {TileKey(12, 0, 0): overlay(TileKey(0, 1, 0), 64, 64)}
    target = write_cache("v2", tmp_path / "target", there, scheme=target_scheme)
    box = shapely.box(*square(SCHEME, 3, 2, 3, 1).as_tuple())
    area = tilepack.Area(source=f"3={wkt(box).source}", crs=3857)
    tilepack.import_cache(source, target, area=area)
    assert set(look_at_tiles(target)) == {TileKey(12, 0, 0), TileKey(12, 2, 3)}
    with pytest.raises(tilepack.AreaOfInterestError, match="level 3 has no area of interest"):
        tilepack.plan_import(source, target, area=tilepack.Area(source=f"12={wkt(box).source}", crs=3857))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_refused_import_leaves_the_target_as_it_was(tmp_path, layout):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    source = write_cache("v2", tmp_path / "source", block(overlay, 5, range(9, 11), range(13, 15)))
    theirs = block(overlay, 3, range(2, 3), range(3, 4))
    target = write_cache(layout, tmp_path / "target", theirs, scheme=shifted(SCHEME, 7))
    before = look_at_files(target)
    with pytest.raises(tilepack.TilingSchemeError, match=re.escape(f"{target}: has another tiling scheme")):
        tilepack.import_cache(source, target)
    assert look_at_files(target) == before
    assert {place.name for place in (tmp_path / "target").iterdir()} <= {target.name, f"{layout}-drawn"}


def test_only_the_tiles_asked_for_have_to_fit(tmp_path):
    """Resolutions that drift apart fit near the origin, and far from it they do not."""
    drifting = stretched(mercator(), 1 + 9e-5)
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    near, far = block(overlay, 5, range(9, 11), range(13, 15)), block(overlay, 5, range(9, 10), range(200, 201))
    source = write_cache("v2", tmp_path / "source", near | far, scheme=drifting)
    target = write_cache("v2", tmp_path / "target", block(aside(overlay), 5, range(9, 10), range(13, 14)))
    with pytest.raises(tilepack.TilingSchemeError, match="pixels away"):
        tilepack.plan_import(source, target)
    extent = square(drifting, 5, 9, 13, 2).as_tuple()
    assert tilepack.import_cache(source, target, extent=extent, mode="OVERWRITE").tiles == 4
    assert look_at_tiles(target) == {tile: data for tile, (data, _) in near.items()}
