"""Rasters all over the world, and schemes of all kinds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Transformer
from rasterio import Affine
from seeded_rasters import ORIGIN, exactly_halved, level_pixels, noise, on_the_grid, resolution, smooth, write_raster

import tilepack
from tilepack.metadata.custom_scheme import custom_scheme
from tilepack.pixels.codec import decode


def colour_at(place, level: int, x: float, y: float) -> tuple[int, ...] | None:
    """Give the colour of the pixel at map coordinates."""
    with tilepack.open(place) as cache:
        scheme = cache.info.scheme
        size = scheme.level(level).resolution
        column, row = math.floor((x - scheme.origin_x) / size), math.floor((scheme.origin_y - y) / size)
        data = cache.read(tilepack.TileKey(level, row // scheme.tile_height, column // scheme.tile_width))
        if data is None:
            return None
        tile = decode(data, width=scheme.tile_width, height=scheme.tile_height).pixels
        return tuple(tile[row % scheme.tile_height, column % scheme.tile_width].tolist())


@pytest.mark.parametrize("west", [-180, 0])
def test_world_in_degrees_fills_the_world(tmp_path, west):
    values = smooth(3, 256, 512)
    raster = write_raster(tmp_path / "r.tif", values, Affine(360 / 512, 0, west, 0, -180 / 256, 90), "EPSG:4326")
    result = tilepack.build(raster, tmp_path / "t.tpkx", tile_format="PNG32")
    assert {level.level: level.tiles for level in result.levels} == {0: 1, 1: 4}
    assert (level_pixels(tmp_path / "t.tpkx", 1, (0, 0, 512, 512))[..., 3] == 255).all()
    for longitude, latitude in ((-170, 0.3), (-60, 40), (0.5, 10), (100, -50), (175, 60)):
        column = int((longitude - west) % 360 * 512 / 360)
        expected = values[:, int((90 - latitude) * 256 / 180), column]
        x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(longitude, latitude)
        made = colour_at(tmp_path / "t.tpkx", 1, x, y)
        assert made is not None
        assert max(abs(int(a) - int(b)) for a, b in zip(made[:3], expected, strict=True)) <= 8


def test_world_in_degrees_on_its_own_scheme(tmp_path):
    values = noise(3, 256, 512)
    raster = write_raster(tmp_path / "r.tif", values, Affine(360 / 512, 0, -180, 0, -180 / 256, 90), "EPSG:4326")
    tilepack.build(raster, tmp_path / "t", scheme="wgs84", tile_format="PNG24", resampling="nearest")
    made = level_pixels(tmp_path / "t", 0, (0, 0, 512, 256))
    assert np.array_equal(np.moveaxis(made[..., :3], -1, 0), values)


@pytest.mark.parametrize(
    ("place", "crs"),
    [
        (Affine(0.02, 0, 175, 0, -0.02, -15), "EPSG:4326"),  # 175 to 187 degrees
        (Affine(0.02, 0, -185, 0, -0.02, -15), "EPSG:4326"),  # -185 to -173
        (Affine(2000, 0, -400_000, 0, -2000, 7_600_000), "EPSG:32601"),
    ],
)
def test_raster_across_the_antimeridian_shows_on_both_sides(tmp_path, place, crs):
    values = smooth(3, 400, 600)
    raster = write_raster(tmp_path / "r.tif", values, place, crs)
    result = tilepack.build(raster, tmp_path / "t.tpkx", tile_format="PNG32")
    level = result.levels[-1].level
    to_map = Transformer.from_crs(crs, 3857, always_xy=True)
    sides = set()
    for column, row in ((20, 20), (580, 380), (300, 200), (20, 380), (580, 20)):
        x, y = to_map.transform(*(place @ (column + 0.5, row + 0.5)))
        x = (x + ORIGIN) % (2 * ORIGIN) - ORIGIN
        sides.add(x > 0)
        made = colour_at(tmp_path / "t.tpkx", level, x, y)
        assert made is not None
        assert made[3] == 255
        assert max(abs(int(a) - int(b)) for a, b in zip(made[:3], values[:, row, column], strict=True)) <= 6
    assert sides == {True, False}
    assert result.plan.windows < 20  # and not the whole parallel


def test_raster_around_a_pole_goes_all_around(tmp_path):
    raster = write_raster(
        tmp_path / "r.tif", smooth(3, 600, 600), Affine(10_000, 0, -3e6, 0, -10_000, 3e6), "EPSG:3995"
    )
    result = tilepack.build(raster, tmp_path / "t.tpkx", tile_format="PNG32")
    level = result.levels[-1].level
    row = level_pixels(tmp_path / "t.tpkx", level, (0, 100, 256 << level, 101))
    assert (row[..., 3] == 255).all()


def test_scheme_whose_levels_are_no_powers_of_two(tmp_path):
    scheme = custom_scheme(2193, (-4_020_900, 19_998_100), [500_000, 250_000, 100_000, 50_000], tile_size=512)
    size = scheme.levels[-1].resolution
    raster = write_raster(tmp_path / "r.tif", smooth(3, 900, 900), Affine(size, 0, 1.5e6, 0, -size, 5.4e6), "EPSG:2193")
    result = tilepack.build(raster, tmp_path / "t", scheme=scheme, tile_format="PNG32")
    drawn = {level.level: level.is_drawn for level in result.plan.levels}
    assert drawn == {0: False, 1: True, 2: False, 3: True}
    x, y = 1.5e6 + 400.5 * size, 5.4e6 - 300.5 * size
    expected = smooth(3, 900, 900)[:, 300, 400].astype(int)
    for level in range(4):
        made = colour_at(tmp_path / "t", level, x, y)
        assert made is not None
        assert max(abs(a - b) for a, b in zip(made[:3], expected.tolist(), strict=True)) <= 12


def test_levels_between_may_be_left_out(tmp_path):
    raster = write_raster(tmp_path / "r.tif", noise(3, 512, 512), on_the_grid(40_960, 30_720, 9))
    options = {"tile_format": "PNG32", "resampling": "nearest"}
    tilepack.build(raster, tmp_path / "all.tpkx", **options)
    result = tilepack.build(raster, tmp_path / "some.tpkx", levels="9,6", **options)
    assert [level.level for level in result.levels] == [6, 9]
    assert not result.plan.levels[0].is_drawn
    box = (40_960 // 8, 30_720 // 8, 40_960 // 8 + 64, 30_720 // 8 + 64)
    assert np.array_equal(level_pixels(tmp_path / "all.tpkx", 6, box), level_pixels(tmp_path / "some.tpkx", 6, box))


def test_tiles_of_another_size_and_an_odd_one(tmp_path):
    for tile_size in (512, 255):
        scheme = custom_scheme(3857, (-ORIGIN, ORIGIN), [2_000_000, 1_000_000, 500_000], tile_size=tile_size)
        size = scheme.levels[-1].resolution
        place = Affine(size, 0, -ORIGIN + 3000 * size, 0, -size, ORIGIN - 2000 * size)
        values = noise(3, 700, 600)
        raster = write_raster(tmp_path / f"{tile_size}.tif", values, place)
        target = tmp_path / f"t{tile_size}"
        result = tilepack.build(raster, target, scheme=scheme, tile_format="PNG32", resampling="nearest")
        made = level_pixels(target, 2, (3000, 2000, 3600, 2700))
        assert np.array_equal(np.moveaxis(made[..., :3], -1, 0), values)
        assert [level.is_drawn for level in result.plan.levels] == [tile_size == 255, tile_size == 255, True]
        if tile_size == 512:
            coarser = level_pixels(target, 1, (1500, 1000, 1800, 1350))
            assert np.array_equal(coarser, exactly_halved(made))


@pytest.mark.parametrize(("factor", "level"), [(1.0, 9), (0.8, 9), (1.3, 9), (0.6, 10), (1.5, 8)])
def test_finest_level_is_the_nearest(tmp_path, factor, level):
    size = resolution(9) * factor
    raster = write_raster(tmp_path / "r.tif", noise(1, 9, 9), Affine(size, 0, 1e6, 0, -size, 6e6))
    assert tilepack.plan_build(raster, tmp_path / "t").levels[-1].level == level


def test_raster_beyond_the_scheme_is_refused(tmp_path):
    scheme = custom_scheme(3857, (0, 0), [500_000])
    raster = write_raster(tmp_path / "r.tif", noise(1, 9, 9), Affine(100, 0, -1e6, 0, -100, 1e6))
    with pytest.raises(tilepack.TilingSchemeError, match="origin"):
        tilepack.build(raster, tmp_path / "t", scheme=scheme)


def test_drawn_larger_than_it_is_said(tmp_path):
    raster = write_raster(tmp_path / "r.tif", noise(1, 9, 9), Affine(10_000, 0, 1e6, 0, -10_000, 6e6))
    plan = tilepack.plan_build(raster, tmp_path / "t", levels=[8])
    assert any("times as large" in text for text in plan.warnings)


def test_overviews_serve_levels_drawn_small(tmp_path):
    import rasterio
    from rasterio.enums import Resampling

    raster = write_raster(tmp_path / "r.tif", smooth(3, 2048, 2048), Affine(50, 0, 1e6, 0, -50, 6e6))
    tilepack.build(raster, tmp_path / "without.tpkx", levels=[8], tile_format="PNG32")
    with rasterio.open(raster, "r+") as data:
        data.build_overviews([2, 4, 8], Resampling.average)
    tilepack.build(raster, tmp_path / "with.tpkx", levels=[8], tile_format="PNG32")
    box = tuple(round(side) for side in ((1e6 + ORIGIN) / 611.5, (ORIGIN - 6e6) / 611.5))
    boxes = (box[0] + 3, box[1] + 3, box[0] + 160, box[1] + 160)
    first, second = (level_pixels(tmp_path / f"{name}.tpkx", 8, boxes).astype(int) for name in ("with", "without"))
    assert (first[..., 3] == 255).all()
    assert np.abs(first - second).max() <= 2


def test_levels_that_nobody_could_build_are_refused_at_once_and_their_parts_are_not(tmp_path):
    width = 2 * ORIGIN / 40
    world = write_raster(tmp_path / "w.tif", noise(3, 40, 40), Affine(width, 0, -ORIGIN, 0, -width, ORIGIN))
    with pytest.raises(tilepack.TilingSchemeError, match=r"level 17: the rasters would come to 17,1\d\d,\d\d\d,\d\d\d"):
        tilepack.plan_build(world, tmp_path / "t.tpkx", levels="0-23")
    for part in (
        {"bbox": (8, 47, 8.001, 47.001)},
        {"extent": (891_000, 5_942_000, 891_100, 5_942_100)},
        {"area": "SRID=4326;POLYGON((8 47, 8.001 47, 8 47.001, 8 47))"},
    ):
        plan = tilepack.plan_build(world, tmp_path / "t.tpkx", levels="0-23", **part)
        assert 0 < plan.tiles < 3000
