"""GDAL and MapProxy read caches that were compacted, mended and thinned out as they read sound ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from broken_caches import beheaded
from caches import island_tiles, look_at_tiles, picture, v1_files, v2_files, web_mercator, write_exploded, write_files
from packed_bundles import V2_FIRST

import tilepack
from tilepack.keys import TileKey

FINEST = 2
TILES = {
    TileKey(level, row, column): picture(TileKey(level, row, column))
    for level in range(FINEST + 1)
    for row in range(1 << level)
    for column in range(1 << level)
}


def pyramid(folder: Path) -> Path:
    """Make a V2 cache that GDAL opens."""
    scheme = web_mercator()
    write_exploded(folder / "drawn", replace(scheme, levels=scheme.levels[: FINEST + 1]), TILES)
    tilepack.convert(folder / "drawn", folder / "sound")
    return folder / "sound"


def seen(cache: Path) -> np.ndarray:
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(cache / "conf.xml") as dataset:
        assert dataset.driver == "ESRIC"
        return dataset.read()


def damage(cache: Path) -> None:
    """Wear every bundle: dead space in front of its second tile, and the first one without its start."""
    for place in cache.rglob("*.bundle"):
        held = {key: data for key, data in TILES.items() if f"L{key.level:02d}" == place.parent.name}
        (worn,) = v2_files(held, dialect="paper", dead=[0, 999]).values()
        place.write_bytes(beheaded(worn, V2_FIRST))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_sees_a_mended_cache_as_it_was(tmp_path):
    cache = pyramid(tmp_path)
    sound = seen(cache)
    damage(cache)
    assert tilepack.repair(cache).plan.mended_counts["tile-beheaded-png"] == FINEST + 1
    np.testing.assert_array_equal(seen(cache), sound)
    damage(cache)
    tilepack.repair(cache, tmp_path / "new")
    np.testing.assert_array_equal(seen(tmp_path / "new"), sound)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_sees_nothing_where_tiles_were_deleted(tmp_path):
    cache = pyramid(tmp_path)
    sound = seen(cache)
    size = 256 << FINEST
    half = tilepack.TilingScheme.tile_extent(web_mercator(), TileKey(1, 0, 0))
    tilepack.delete_tiles(cache, extent=half.as_tuple(), levels=[FINEST])
    after = seen(cache)
    assert after.shape[1:] == (size, size)
    assert not after[:, : size // 2, : size // 2].any()
    np.testing.assert_array_equal(after[:, size // 2 :], sound[:, size // 2 :])


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("kind", ["COMPACT", "COMPACT_V2"])
@pytest.mark.parametrize("work", ["compact", "repair", "delete"])
def test_mapproxy_reads_every_tile_that_is_left(tmp_path, kind, work):
    pytest.importorskip("mapproxy")
    from mapproxy.cache.compact import CompactCacheV1, CompactCacheV2
    from mapproxy.cache.tile import Tile

    tiles = island_tiles()
    write_exploded(tmp_path / "drawn", web_mercator(), tiles)
    cache = tmp_path / "cache"
    tilepack.convert(tmp_path / "drawn", cache, storage_format=kind)
    pack = v1_files if kind == "COMPACT" else v2_files
    write_files(cache / "_alllayers", pack(tiles, dead=[0, 50, 0, 3]))
    if work == "compact":
        assert tilepack.compact(cache).gained_bytes > 0
    elif work == "delete":
        tilepack.delete_tiles(cache, levels="5")
    else:
        assert tilepack.repair(cache).plan.mended_counts["bundle-dead-space"] > 0
    left = look_at_tiles(cache)
    assert left.items() <= tiles.items()
    opened = (CompactCacheV1 if kind == "COMPACT" else CompactCacheV2)(str(cache / "_alllayers"))
    for key in tiles:
        tile = Tile((key.column, key.row, key.level))
        there = opened.load_tile(tile)
        assert bool(there) == (key in left)
        if there:
            assert tile.image_result.image.read() == left[key]
