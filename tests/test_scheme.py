"""Keys and tiling schemes: the arithmetic of grids, and when two grids are one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.errors import TilingSchemeError
from tilepack.extent import Extent
from tilepack.keys import PACKET_SIZE, BundleKey, TileKey, TileRange
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference, to_degrees

WEB = arcgis_online_scheme()
NATIONAL = TilingScheme(
    origin_x=-5220400,
    origin_y=4470200,
    tile_width=512,
    tile_height=384,
    levels=tuple(
        LevelOfDetail(level=n, resolution=r, scale=r * 3779.52) for n, r in ((2, 254.0), (5, 9.525), (6, 4.2))
    ),
    spatial_reference=SpatialReference(wkid=27700),
)
schemes = st.sampled_from([WEB, wgs84_scheme(), NATIONAL])


@st.composite
def tiles(draw):
    scheme = draw(schemes)
    level = draw(st.sampled_from(scheme.levels)).level
    row, column = (draw(st.integers(0, 1 << min(22, level + 1))) for _ in range(2))
    return scheme, TileKey(level, row, column)


@given(st.integers(0, 99), st.integers(0, 1 << 31), st.integers(0, 1 << 31))
def test_bundle_and_position_name_the_tile_again(level, row, column):
    tile = TileKey(level, row, column)
    assert tile.bundle.tile(tile.bundle.position(tile)) == tile


def test_position_is_refused_for_a_tile_of_another_bundle():
    with pytest.raises(ValueError, match=r"tile 1/128/0 lies in"):
        BundleKey(1, 0, 0).position(TileKey(1, 128, 0))


@pytest.mark.parametrize(("row", "column"), [(1, 0), (0, 64), (-128, 0)])
def test_bundle_key_is_refused_off_the_grid_of_bundles(row, column):
    with pytest.raises(ValueError, match=r"starts? at"):
        BundleKey(3, row, column)


@given(tiles())
def test_tiles_in_the_extent_of_a_tile_are_that_tile_alone(scheme_and_tile):
    scheme, tile = scheme_and_tile
    found = scheme.tiles_in(scheme.tile_extent(tile), tile.level)
    assert tile in found
    assert found.count == 1


@given(tiles())
def test_extent_of_a_bundle_is_that_of_its_first_and_last_tile(scheme_and_tile):
    scheme, tile = scheme_and_tile
    bundle = tile.bundle
    corners = scheme.tile_extent(bundle.tile(0)).union(scheme.tile_extent(bundle.tile(PACKET_SIZE**2 - 1)))
    assert scheme.bundle_extent(bundle).as_tuple() == pytest.approx(corners.as_tuple(), rel=1e-12)


def test_tiles_in_leaves_out_what_only_an_edge_touches():
    quarter = -WEB.origin_x / 2
    extent = Extent(xmin=-quarter, ymin=quarter, xmax=0, ymax=quarter + 1000)  # edges of level 2 on three sides
    assert WEB.tiles_in(extent, 2) == TileRange(level=2, row_start=0, row_stop=1, column_start=1, column_stop=2)


def test_tiles_in_gives_none_left_of_and_above_the_origin():
    outside = Extent(xmin=WEB.origin_x - 1e7, ymin=WEB.origin_y + 1, xmax=WEB.origin_x - 1, ymax=WEB.origin_y + 1e7)
    assert WEB.tiles_in(outside, 5).count == 0


def test_bundles_of_a_range_are_counted_as_they_are_listed():
    tiles = TileRange(level=9, row_start=100, row_stop=400, column_start=127, column_stop=129)
    assert len(list(tiles.bundles())) == tiles.bundle_count == 8


def test_range_around_nothing_is_none():
    empty = TileRange(level=1, row_start=4, row_stop=4, column_start=0, column_stop=9)
    assert TileRange.around(1, [empty]) is None


@pytest.mark.parametrize("scale", [591657527.591555, 591658710.9])
def test_level_at_scale_takes_either_inch(scale):
    assert WEB.level_at_scale(scale).level == 0


def test_level_at_scale_names_the_scales_when_none_is_near():
    with pytest.raises(TilingSchemeError, match=r"scale 500000 matches no level; there are 0 \(1:591657527.6\)"):
        WEB.level_at_scale(500000)


def test_level_names_the_levels_when_there_is_no_such():
    with pytest.raises(TilingSchemeError, match="level 3 is not in the tiling scheme; it has 2, 5, 6"):
        NATIONAL.level(3)
    with pytest.raises(TilingSchemeError, match=r"level 24 is not in the tiling scheme; it has 0-23$"):
        WEB.level(24)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (replace(WEB, tile_width=512, tile_height=512), "tiles are 256 x 256 pixels here, 512 x 512 there"),
        (replace(WEB, origin_x=WEB.origin_x + 100), "the tile origin is"),
        (replace(WEB, levels=WEB.levels[:5]), "level 5"),
        (replace(WEB, spatial_reference=SpatialReference(wkid=2193)), "the spatial reference is"),
    ],
)
def test_differences_are_said_in_sentences(other, sentence):
    assert any(sentence in difference for difference in WEB.differences(other))


@pytest.mark.parametrize("wkid", [3857, 102113, 3785, 900913])
def test_web_mercator_agrees_under_all_its_numbers(wkid):
    assert WEB.differences(replace(WEB, spatial_reference=SpatialReference(wkid=wkid))) == []


def test_grids_are_one_when_resolutions_differ_as_esri_prints_them():
    drifted = tuple(replace(lod, resolution=lod.resolution * (1 + 3e-10), level=lod.level + 1) for lod in WEB.levels)
    assert WEB.differences(replace(WEB, levels=drifted)) == []


def test_spatial_references_agree_by_what_their_text_means():
    text = to_wkt(2193)
    assert SpatialReference(wkid=2193).agrees_with(SpatialReference(wkt=text))
    assert not SpatialReference(wkid=27700).agrees_with(SpatialReference(wkt=text))


def to_wkt(number: int) -> str:
    from pyproj import CRS

    return CRS.from_epsg(number).to_wkt("WKT1_ESRI")


def test_degrees_of_the_world_are_the_world():
    world = Extent(xmin=-20037508.342787, ymin=-20037508.342787, xmax=20037508.342787, ymax=20037508.342787)
    degrees = to_degrees(world, WEB.spatial_reference)
    assert degrees is not None
    assert degrees.as_tuple() == pytest.approx((-180, -85.0511288, 180, 85.0511288), abs=1e-6)


@pytest.mark.parametrize("values", [(1, 0, 0, 1), (0, 0, float("nan"), 1), (0, 0, float("inf"), 1)])
def test_extent_is_refused_when_it_is_none(values):
    with pytest.raises(ValueError, match="an extent"):
        Extent(**dict(zip(("xmin", "ymin", "xmax", "ymax"), values, strict=True)))
