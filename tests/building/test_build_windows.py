"""What comes out depends neither on windows nor on threads, and leaves no seams."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from rasterio import Affine
from seeded_rasters import as_pixels, level_pixels, noise, on_the_grid, smooth, write_raster

import tilepack
from tilepack.building import planning

UTM = Affine(31.0, 0, 480_000, 0, -33.0, 5_300_000)


@pytest.fixture(scope="module")
def tilted(tmp_path_factory):
    """A raster in another coordinate system, over several tiles."""
    return write_raster(
        tmp_path_factory.mktemp("tilted") / "utm.tif", smooth(3, 400, 500) + noise(3, 400, 500) // 8, UTM, "EPSG:32633"
    )


def digest(target):
    return hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average", "lanczos"])
def test_windows_do_not_show(tilted, tmp_path, monkeypatch, resampling):
    found = []
    for window in (256, 2048):
        monkeypatch.setattr(planning, "WINDOW", window)
        target = tmp_path / f"{window}.tpkx"
        tilepack.build(tilted, target, tile_format="PNG32", resampling=resampling, name="same")
        found.append(digest(target))
    assert len(set(found)) == 1


def test_bytes_do_not_depend_on_threads(tilted, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "WINDOW", 512)  # so that there is something to share
    found = set()
    for jobs in (1, 8):
        target = tmp_path / f"{jobs}.tpkx"
        tilepack.build(tilted, target, jobs=jobs, name="same")
        found.add(digest(target))
    assert len(found) == 1


@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
def test_no_seams_in_another_coordinate_system(tmp_path, monkeypatch, resampling):
    monkeypatch.setattr(planning, "WINDOW", 256)
    raster = write_raster(tmp_path / "s.tif", smooth(3, 400, 500), UTM, "EPSG:32633")
    tilepack.build(raster, tmp_path / "t.tpkx", tile_format="PNG32", resampling=resampling)
    with tilepack.open(tmp_path / "t.tpkx") as cache:
        level = max(cache.levels())
        box = cache.bundles(level)[0]
        tiles = [tile for bundle in cache.bundles(level) for tile, _ in cache.tiles(bundle)]
    assert box is not None
    rows, columns = [tile.row for tile in tiles], [tile.column for tile in tiles]
    edges = (min(columns) * 256, min(rows) * 256, (max(columns) + 1) * 256, (max(rows) + 1) * 256)
    pixels = level_pixels(tmp_path / "t.tpkx", level, edges).astype(int)
    inside = pixels[..., 3] == 255
    for axis in (0, 1):  # waves differ by a few from pixel to pixel, everywhere alike
        steps = np.abs(np.diff(pixels[..., :3], axis=axis)).max(axis=-1)
        both = (inside[1:] & inside[:-1]) if axis == 0 else (inside[:, 1:] & inside[:, :-1])
        assert steps[both].max() <= 6


@pytest.mark.parametrize("cut", ["rows", "columns"])
def test_two_halves_are_the_whole(tmp_path, cut):
    values = noise(3, 350, 500)
    whole = write_raster(tmp_path / "whole.tif", values, UTM, "EPSG:32633")
    at = 211
    if cut == "rows":
        parts = [(values[:, :at], UTM), (values[:, at:], UTM @ Affine.translation(0, at))]
    else:
        parts = [(values[:, :, :at], UTM), (values[:, :, at:], UTM @ Affine.translation(at, 0))]
    halves = [
        write_raster(tmp_path / f"{number}.tif", part, place, "EPSG:32633")
        for number, (part, place) in enumerate(parts)
    ]
    options = {"tile_format": "PNG32", "resampling": "nearest", "levels": "10-12"}
    tilepack.build(whole, tmp_path / "whole.tpkx", **options)
    tilepack.build(halves, tmp_path / "halves.tpkx", **options)
    box = (2215 * 256, 1425 * 256, 2219 * 256, 1430 * 256)
    one, two = (level_pixels(tmp_path / f"{name}.tpkx", 12, box) for name in ("whole", "halves"))
    assert np.array_equal(one[..., 3], two[..., 3])  # not a gap between them
    assert (one[..., 3] > 0).mean() > 0.1
    # A centre within a hundredth of a pixel of the cut may fall on either side of it.
    assert (one != two).any(axis=-1).mean() < 2e-4


def test_rasters_lie_on_those_before_them(tmp_path):
    level, column, row = 9, 40_000, 30_000
    below, above = noise(3, 300, 300, seed=1), noise(3, 120, 100, seed=2)
    first = write_raster(tmp_path / "below.tif", below, on_the_grid(column, row, level))
    second = write_raster(tmp_path / "above.tif", above, on_the_grid(column + 77, row + 130, level))
    expected = as_pixels(below)
    expected[130:250, 77:177] = as_pixels(above)
    options = {"tile_format": "PNG32", "resampling": "nearest", "levels": [level]}
    tilepack.build([first, second], tmp_path / "t.tpkx", **options)
    assert np.array_equal(level_pixels(tmp_path / "t.tpkx", level, (column, row, column + 300, row + 300)), expected)
    tilepack.build([second, first], tmp_path / "u.tpkx", **options)
    made = level_pixels(tmp_path / "u.tpkx", level, (column, row, column + 300, row + 300))
    assert np.array_equal(made, as_pixels(below))


def test_soft_pixels_are_laid_exactly(tmp_path):
    from seeded_rasters import ALPHA, BLUE, GREEN, RED

    from tilepack.pixels.blend import merge

    level, column, row = 9, 40_000, 30_000
    layers = [noise(4, 200, 200, seed=seed) for seed in (1, 2, 3)]
    meanings = [RED, GREEN, BLUE, ALPHA]
    rasters = [
        write_raster(tmp_path / f"{number}.tif", values, on_the_grid(column, row, level), meanings=meanings)
        for number, values in enumerate(layers)
    ]
    expected = np.zeros((200, 200, 4), np.uint8)
    for values in layers:
        merge(np.ascontiguousarray(as_pixels(values)), expected)
    tilepack.build(rasters, tmp_path / "t.tpkx", tile_format="PNG32", resampling="nearest", levels=[level])
    assert np.array_equal(level_pixels(tmp_path / "t.tpkx", level, (column, row, column + 200, row + 200)), expected)
