"""Building into a cache that exists: what is built, merged tile by tile, and nothing else touched."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from seeded_rasters import as_pixels, level_pixels, noise, on_the_grid, smooth, write_raster
from vector_tiles import VECTOR
from web_caches import write_mbtiles

import tilepack
from tilepack.keys import TileKey

COLUMN, ROW, LEVEL = 40_000, 30_000, 9


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A raster that a cache is made of."""
    place = tmp_path_factory.mktemp("ground") / "ground.tif"
    return write_raster(place, noise(3, 900, 1000, seed=1), on_the_grid(COLUMN, ROW, LEVEL))


@pytest.fixture(scope="module")
def patch(tmp_path_factory):
    """A small raster that lies on it, and a bit beyond its right edge."""
    place = tmp_path_factory.mktemp("patch") / "patch.tif"
    return write_raster(place, noise(3, 90, 180, seed=2), on_the_grid(COLUMN + 900, ROW + 410, LEVEL))


OPTIONS = {"tile_format": "PNG32", "resampling": "nearest", "levels": "5-9"}


@pytest.mark.parametrize(
    ("name", "storage_format"),
    [("c.tpkx", None), ("c.tpk", None), ("c", "COMPACT"), ("c", "COMPACT_V2"), ("c", "EXPLODED")],
)
def test_is_what_an_import_of_the_build_makes(ground, patch, tmp_path, name, storage_format):
    cache = tmp_path / name
    tilepack.build(ground, cache, storage_format=storage_format, **OPTIONS)
    other = tmp_path / "other" / name
    other.parent.mkdir()
    shutil.copytree(cache, other) if cache.is_dir() else shutil.copy(cache, other)
    result = tilepack.build_into(patch, cache, resampling="nearest")
    tilepack.build(patch, tmp_path / "patch.tpkx", **OPTIONS)
    tilepack.import_cache(tmp_path / "patch.tpkx", other)
    assert tilepack.diff(cache, other).has_same_tiles
    assert [level.level for level in result.built.levels] == [5, 6, 7, 8, 9]  # those that the cache holds
    assert {path.name for path in tmp_path.iterdir()} == {name, "other", "patch.tpkx"}
    made = level_pixels(cache, LEVEL, (COLUMN, ROW, COLUMN + 1100, ROW + 900))
    expected = np.zeros_like(made)
    expected[:900, :1000] = as_pixels(noise(3, 900, 1000, seed=1))
    expected[410:500, 900:1080] = as_pixels(noise(3, 90, 180, seed=2))
    assert np.array_equal(made, expected)


def test_only_tiles_that_are_touched_change_on_any_level(ground, patch, tmp_path):
    cache, before = tmp_path / "c", tmp_path / "before"
    tilepack.build(ground, cache, **OPTIONS)
    shutil.copytree(cache, before)
    tilepack.build_into(patch, cache, resampling="nearest")
    found = tilepack.diff(before, cache)
    assert not found.has_same_tiles
    for level in range(5, 10):
        size = 1 << (LEVEL - level)
        box = (COLUMN // size - 4, ROW // size - 4, (COLUMN + 1100) // size + 4, (ROW + 900) // size + 4)
        changed = (level_pixels(before, level, box) != level_pixels(cache, level, box)).any(axis=-1)
        rows, columns = np.nonzero(changed)
        assert (ROW + 410) // size <= rows.min() + box[1] <= rows.max() + box[1] <= (ROW + 499) // size
        assert (COLUMN + 900) // size <= columns.min() + box[0] <= columns.max() + box[0] <= (COLUMN + 1079) // size


@pytest.mark.parametrize("tile_format", ["JPEG", "MIXED", "PNG8", "PNG24", "PNG"])
def test_format_of_the_cache_stays(tmp_path, tile_format):
    ground = write_raster(tmp_path / "g.tif", smooth(3, 512, 512), on_the_grid(157 * 256, 118 * 256, LEVEL))
    patch = write_raster(
        tmp_path / "p.tif", 255 - smooth(3, 300, 300), on_the_grid(157 * 256 + 90, 118 * 256 + 90, LEVEL)
    )
    cache = tmp_path / "c.tpkx"
    tilepack.build(ground, cache, tile_format=tile_format, levels="8-9")
    tilepack.build_into(patch, cache, background=(255, 255, 255))
    assert not tilepack.verify(cache, deep=True).errors
    with tilepack.open(cache) as there:
        assert there.info.tile_format == tile_format
    made = level_pixels(cache, LEVEL, (157 * 256, 118 * 256, 157 * 256 + 512, 118 * 256 + 512))[..., :3].astype(int)
    expected = as_pixels(smooth(3, 512, 512))[..., :3].astype(int)
    expected[90:390, 90:390] = as_pixels(255 - smooth(3, 300, 300))[..., :3]
    assert np.abs(made - expected).mean() < (12 if tile_format in ("JPEG", "MIXED", "PNG8") else 0.001)


def test_tiles_of_webp_take_what_is_built(patch, tmp_path):
    place = TileKey(LEVEL, ROW // 256, COLUMN // 256)  # beside the patch
    below = TileKey(LEVEL, (ROW + 410) // 256, (COLUMN + 900) // 256)
    pixels = Image.fromarray(np.full((256, 256, 3), (9, 200, 9), np.uint8))
    pixels.save(tmp_path / "t.webp", lossless=True)
    data = (tmp_path / "t.webp").read_bytes()
    target = write_mbtiles(tmp_path / "t.mbtiles", {place: data, below: data}, metadata={"format": "webp"})
    tilepack.build_into(patch, target, resampling="nearest")
    with tilepack.open(target) as reader:
        assert reader.read(place) == data
    made = level_pixels(target, LEVEL, (COLUMN + 900, ROW + 410, COLUMN + 1080, ROW + 500))
    assert np.array_equal(made, as_pixels(noise(3, 90, 180, seed=2)))


def test_vector_tiles_take_no_pixels(patch, tmp_path):
    target = write_mbtiles(tmp_path / "t.mbtiles", VECTOR, metadata={"name": "t", "format": "pbf"})
    with pytest.raises(tilepack.UnsupportedError, match="holds vector tiles, and rasters become images"):
        tilepack.build_into(patch, target)


def test_empty_cache_gets_all_levels(patch, tmp_path):
    tilepack.create_cache(tmp_path / "c", tile_format="PNG32")
    result = tilepack.build_into(patch, tmp_path / "c", resampling="nearest")
    assert [level.level for level in result.built.levels] == list(range(LEVEL + 1))


def test_stopped_run_is_taken_up_by_the_same_command(ground, patch, tmp_path):
    cache, whole = tmp_path / "c", tmp_path / "whole"
    tilepack.build(ground, cache, **OPTIONS)
    shutil.copytree(cache, whole)
    tilepack.build_into(patch, whole, resampling="nearest")
    moved = []

    def stop(tiles: int, _bytes: int) -> None:
        moved.append(tiles)
        if sum(moved) > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.build_into(patch, cache, resampling="nearest", jobs=1, joined=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "whole"]
    tilepack.build_into(patch, cache, resampling="nearest")
    assert tilepack.diff(cache, whole).has_same_tiles
    assert not (cache / "tilepack.journal").exists()


def test_what_the_cache_has_settled_is_not_asked_again(patch, tmp_path):
    with pytest.raises(tilepack.CacheNotFoundError, match="--into"):
        tilepack.build_into(patch, tmp_path / "c")
    tilepack.create_cache(tmp_path / "c")
    with pytest.raises(tilepack.TransferError, match="tile format stays"):
        tilepack.build_into(patch, tmp_path / "c", tile_format="JPEG")


def test_other_scheme_rules(tmp_path):
    tilepack.create_cache(tmp_path / "c", scheme="wgs84", tile_format="PNG32", levels="0-4")
    raster = write_raster(tmp_path / "p.tif", noise(3, 90, 180), on_the_grid(COLUMN, ROW, LEVEL))
    result = tilepack.build_into(raster, tmp_path / "c")
    assert max(level.level for level in result.built.levels) == 4  # the finest that the scheme has
    assert result.joined.info.scheme.spatial_reference.wkid == 4326
