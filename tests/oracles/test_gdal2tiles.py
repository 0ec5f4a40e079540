"""Builds beside gdal2tiles: the same grid, the same tiles, the same pixels; and GDAL's ESRIC driver reads them back."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine
from seeded_rasters import level_pixels, noise, on_the_grid, smooth, write_raster

import tilepack
from tilepack.metadata.custom_scheme import custom_scheme

COLUMN, ROW, LEVEL = 520_000, 345_000, 12


def gdal2tiles(raster: Path, folder: Path, *options: str) -> dict[tuple[int, int, int], Path]:
    """Run gdal2tiles, and give its tiles by level, row and column."""
    program = shutil.which("gdal2tiles.py")
    if program is None:
        pytest.skip("gdal2tiles.py is not on this machine")
    # It belongs to the system's Python, not to the one that runs the tests.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    clean["PATH"] = os.pathsep.join(
        part for part in clean.get("PATH", "").split(os.pathsep) if Path(part) != Path(sys.executable).parent
    )
    command = [program, "--xyz", "-x", "-w", "none", "-q", *options, str(raster), str(folder)]
    subprocess.run(command, check=True, env=clean, capture_output=True)
    return {
        (int(path.parent.parent.name), int(path.stem), int(path.parent.name)): path for path in folder.glob("*/*/*.png")
    }


def keys(place: Path) -> set[tuple[int, int, int]]:
    with tilepack.open(place) as cache:
        return {
            tuple(tile)
            for level in cache.levels()
            for bundle in cache.bundles(level)
            for tile, _ in cache.tiles(bundle)
        }


def is_right_of_the_corner(key: tuple[int, int, int]) -> bool:
    """Tell whether a tile begins right of and below the raster's first pixel.

    Where it begins before, gdal2tiles cuts a negative offset towards 0 and lands a pixel beside its own grid.
    """
    level, row, column = key
    size = 256 << (LEVEL - level)
    return column * size >= COLUMN and row * size >= ROW


def pixels_there(place: Path, key: tuple[int, int, int]) -> np.ndarray:
    level, row, column = key
    return level_pixels(place, level, (column * 256, row * 256, column * 256 + 256, row * 256 + 256))


def pixels_of(tiles: dict[tuple[int, int, int], Path], key: tuple[int, int, int]) -> np.ndarray:
    with Image.open(tiles[key]) as image:
        return np.array(image.convert("RGBA"))


def test_raster_on_the_grid_has_the_same_tiles_and_pixels(tmp_path):
    raster = write_raster(tmp_path / "r.tif", noise(3, 700, 600), on_the_grid(COLUMN, ROW, LEVEL))
    theirs = gdal2tiles(raster, tmp_path / "tiles", "-r", "near", "-z", f"7-{LEVEL}")
    tilepack.build(raster, tmp_path / "t.tpkx", levels=f"7-{LEVEL}", resampling="nearest", tile_format="PNG32")
    assert keys(tmp_path / "t.tpkx") == set(theirs)
    compared = [key for key in theirs if key[0] == LEVEL and is_right_of_the_corner(key)]
    assert len(compared) >= 4
    for key in compared:
        ours, them = pixels_there(tmp_path / "t.tpkx", key), pixels_of(theirs, key)
        them[them[..., 3] == 0] = 0
        assert np.array_equal(ours, them)


def test_coarser_levels_average_as_theirs_do(tmp_path):
    raster = write_raster(tmp_path / "r.tif", smooth(3, 1300, 1300), on_the_grid(COLUMN, ROW, LEVEL))
    theirs = gdal2tiles(raster, tmp_path / "tiles", "-r", "average", "-z", f"11-{LEVEL}")
    tilepack.build(raster, tmp_path / "t.tpkx", levels=f"11-{LEVEL}", resampling="average", tile_format="PNG32")
    assert keys(tmp_path / "t.tpkx") == set(theirs)
    compared = [key for key in theirs if is_right_of_the_corner(key)]
    assert {level for level, _, _ in compared} == {11, 12}
    for key in compared:
        ours, them = pixels_there(tmp_path / "t.tpkx", key).astype(int), pixels_of(theirs, key)
        both = (ours[..., 3] == 255) & (them[..., 3] == 255)
        assert both.any()
        assert np.abs(ours - them)[both].max() <= LEVEL - key[0]  # each average rounds once


def test_raster_in_another_coordinate_system_lies_where_theirs_does(tmp_path):
    place = Affine(31.0, 0, 480_000, 0, -33.0, 5_300_000)
    raster = write_raster(tmp_path / "r.tif", smooth(3, 700, 800), place, "EPSG:32633")
    theirs = gdal2tiles(raster, tmp_path / "tiles", "-r", "bilinear", "-z", "11-11")
    tilepack.build(raster, tmp_path / "t.tpkx", levels=[11], resampling="bilinear", tile_format="PNG32")
    assert keys(tmp_path / "t.tpkx") == set(theirs)
    rows, columns = sorted({key[1] for key in theirs}), sorted({key[2] for key in theirs})
    them = np.concatenate(
        [np.concatenate([pixels_of(theirs, (11, row, column)) for column in columns], axis=1) for row in rows]
    ).astype(int)
    box = (columns[0] * 256, rows[0] * 256, columns[-1] * 256 + 256, rows[-1] * 256 + 256)
    ours = level_pixels(tmp_path / "t.tpkx", 11, box).astype(int)
    both = (ours[..., 3] == 255) & (them[..., 3] == 255)
    assert np.count_nonzero((ours[..., 3] == 255) ^ (them[..., 3] == 255)) < 0.02 * np.count_nonzero(both)

    def apart(down: int, right: int) -> float:
        moved = np.roll(ours, (down, right), axis=(0, 1))
        inner = both & np.roll(both, (down, right), axis=(0, 1))
        return float(np.abs(moved - them)[inner].mean())

    least = min(((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)), key=lambda at: apart(*at))
    assert least == (0, 0)
    assert apart(0, 0) < 1.5


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic"])
def test_projected_raster_is_read_back_in_its_place_by_esric(tmp_path, resampling):
    """A raster in UTM, built on a UTM scheme of its own, comes back within half a pixel."""
    scheme = custom_scheme(32633, (-5_000_000, 10_000_000), [500_000, 250_000, 125_000, 62_500])
    size = scheme.levels[-1].resolution
    place = Affine(size * 0.97, 0, 500_123.4, 0, -size * 0.97, 5_301_234.5)
    height, width = 500, 600
    raster = write_raster(tmp_path / "r.tif", smooth(3, height, width), place, "EPSG:32633")
    target = tmp_path / "t"
    tilepack.build(raster, target, scheme=scheme, tile_format="PNG32", resampling=resampling)
    with rasterio.open(target / "conf.xml") as data:
        assert data.driver == "ESRIC"
        assert data.crs == rasterio.CRS.from_epsg(32633)
        assert math.isclose(data.transform.a, size, rel_tol=1e-9)
        left, top = (math.floor(side) - 50 for side in ~data.transform @ (place.c, place.f))
        window = rasterio.windows.Window(left, top, width + 100, height + 100)
        values, transform = data.read(window=window), data.transform @ Affine.translation(left, top)
    # Where a mark of the raster comes back: the centre of gravity of what is visible.
    rows, columns = np.nonzero(values[3])
    x, y = transform @ (columns.mean() + 0.5, rows.mean() + 0.5)
    middle = place @ (width / 2, height / 2)
    assert abs(x - middle[0]) < size / 2
    assert abs(y - middle[1]) < size / 2
    # And each pixel where the raster has its colour.
    inside_x, inside_y = transform.c + (columns + 0.5) * size, transform.f - (rows + 0.5) * size
    source_columns = np.clip(((inside_x - place.c) / place.a).astype(int), 0, width - 1)
    source_rows = np.clip(((inside_y - place.f) / place.e).astype(int), 0, height - 1)
    there = smooth(3, height, width)[:, source_rows, source_columns].astype(int)
    assert np.abs(values[:3, rows, columns] - there).max() <= (0 if resampling == "nearest" else 4)


def test_package_is_read_back_in_its_place_by_esric(tmp_path):
    raster = write_raster(tmp_path / "r.tif", noise(3, 700, 600), on_the_grid(COLUMN, ROW, LEVEL))
    tilepack.build(raster, tmp_path / "t.tpkx", tile_format="PNG32", resampling="nearest")
    with rasterio.open(tmp_path / "t.tpkx") as data:
        corner = ~data.transform @ (rasterio.open(raster).transform.c, rasterio.open(raster).transform.f)
        left, top = round(corner[0]), round(corner[1])
        assert abs(corner[0] - left) < 0.01
        assert abs(corner[1] - top) < 0.01
        window = rasterio.windows.Window(left, top, 600, 700)
        assert np.array_equal(data.read([1, 2, 3], window=window), noise(3, 700, 600))


def test_real_cache_is_a_raster_too_and_comes_out_pixel_by_pixel(samples, tmp_path):
    """GDAL reads ArcGIS' own cache as one raster; built anew on its grid, its finest level has the same pixels."""
    source = samples / "esri_compact_v2_cache"
    with tilepack.open(source) as cache:
        level = max(cache.levels())
        tiles = [tile for bundle in cache.bundles(level) for tile, _ in cache.tiles(bundle)]
        document = next(path for path in cache.home.iterdir() if path.name.lower() == "conf.xml")
    target = tmp_path / "again.tpkx"
    tilepack.build(document, target, scheme=source, levels=f"0-{level}", tile_format="PNG", resampling="nearest")
    assert {tuple(tile) for tile in tiles} <= keys(target)
    for tile in tiles[:: max(1, len(tiles) // 5)]:
        with tilepack.open(source) as cache, warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            # By GDAL's own JPEG driver: builds of libjpeg differ.
            with rasterio.MemoryFile(cache.read(tile)) as file, file.open() as data:
                there = data.read()
        again = pixels_there(target, tuple(tile))
        assert np.array_equal(np.moveaxis(again[..., :3], -1, 0), there)
        assert (again[..., 3] == 255).all()
