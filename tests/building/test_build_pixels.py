"""The finest level has the raster's pixels, every other one those of the level below."""

from __future__ import annotations

import numpy as np
import pytest
from seeded_rasters import as_pixels, exactly_halved, level_pixels, noise, on_the_grid, write_raster

import tilepack

COLUMN, ROW, LEVEL = 520_000, 345_000, 12
HEIGHT, WIDTH = 700, 600


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """A raster whose pixels are those of level 12."""
    values = noise(3, HEIGHT, WIDTH)
    place = write_raster(tmp_path_factory.mktemp("aligned") / "aligned.tif", values, on_the_grid(COLUMN, ROW, LEVEL))
    return place, values


@pytest.fixture(scope="module")
def built(aligned, tmp_path_factory):
    target = tmp_path_factory.mktemp("built") / "aligned.tpkx"
    return target, tilepack.build(aligned[0], target, tile_format="PNG32", resampling="nearest")


def test_finest_level_is_the_one_of_the_pixel_size(built):
    assert [level.level for level in built[1].levels] == list(range(LEVEL + 1))


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average"])
def test_pixels_on_the_grid_stay_what_they_are(aligned, tmp_path, resampling):
    place, values = aligned
    tilepack.build(place, tmp_path / "t.tpkx", tile_format="PNG", resampling=resampling, levels=[LEVEL])
    around = (COLUMN - 300, ROW - 300, COLUMN + WIDTH + 300, ROW + HEIGHT + 300)
    expected = np.zeros((HEIGHT + 600, WIDTH + 600, 4), np.uint8)
    expected[300 : 300 + HEIGHT, 300 : 300 + WIDTH] = as_pixels(values)
    assert np.array_equal(level_pixels(tmp_path / "t.tpkx", LEVEL, around), expected)


@pytest.mark.parametrize("level", [11, 10, 9, 8])
def test_coarser_level_is_the_exact_average_of_the_level_below(built, level):
    size = 1 << (LEVEL - level)
    box = (COLUMN // size - 3, ROW // size - 3, (COLUMN + WIDTH) // size + 4, (ROW + HEIGHT) // size + 4)
    below = level_pixels(built[0], level + 1, tuple(2 * side for side in box))
    assert np.array_equal(level_pixels(built[0], level, box), exactly_halved(below))


def test_only_tiles_with_data_are_there(built):
    target, result = built
    with tilepack.open(target) as cache:
        for level in range(LEVEL + 1):
            size = 256 << (LEVEL - level)
            rows, columns = (ROW // size, (ROW + HEIGHT - 1) // size), (COLUMN // size, (COLUMN + WIDTH - 1) // size)
            there = {(tile.row, tile.column) for bundle in cache.bundles(level) for tile, _ in cache.tiles(bundle)}
            assert there == {
                (row, column) for row in range(rows[0], rows[1] + 1) for column in range(columns[0], columns[1] + 1)
            }
    assert result.tiles == sum(level.tiles for level in result.plan.levels)
