"""An area and what is left when it is deleted are the whole, pixel for pixel."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import shapely
from any_polygon import BOX, SCHEME, TILES, any_polygon
from caches import look_at_files, look_at_tiles, write_v2
from export_caches import (
    assert_cut,
    coloured,
    data_of,
    drawn,
    export_to,
    jpeg,
    mask_of,
    mixed,
    pixels_of,
    png_of,
    ragged,
    square,
    wkt,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layouts import LAYOUTS, convert_to
from upkeep_caches import EVERY_LAYOUT, copy_of, stamps

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey


def made(tmp_path: Path, tiles: dict, tile_format: TileFormat) -> Path:
    write_v2(tmp_path / "Island", SCHEME, data_of(tiles), tile_format=tile_format)
    return tmp_path / "Island"


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    island = made(folder, TILES, TileFormat.PNG)
    return {layout: convert_to(layout, island, folder) for layout in LAYOUTS}


@settings(max_examples=12)
@given(area=any_polygon, layout=st.sampled_from(sorted(LAYOUTS)), jobs=st.sampled_from([1, 4]))
def test_what_is_exported_and_what_is_left_are_the_whole(sources, area, layout, jobs):
    masks = {tile: mask_of(SCHEME, [area], tile) for tile in TILES}
    assume(any(mask.any() for mask in masks.values()))
    with tempfile.TemporaryDirectory() as folder:
        exported = export_to("exploded", sources[layout], Path(folder), area=wkt(area))
        cache = copy_of(sources[layout], Path(folder) / "left")
        tilepack.delete_tiles(cache, area=wkt(area), pixels=True, jobs=jobs)
        assert_cut(TILES, exported, lambda tile: masks[tile])
        assert_cut(TILES, cache, lambda tile: ~masks[tile])


@EVERY_LAYOUT
def test_deleting_twice_is_deleting_once(sources, layout, tmp_path):
    cache, area = copy_of(sources[layout], tmp_path), wkt(ragged(BOX))
    first = tilepack.delete_tiles(cache, area=area, pixels=True)
    once = look_at_files(cache)
    assert first.cut + first.deleted > 4
    second = tilepack.delete_tiles(cache, area=area, pixels=True)
    assert (second.cut, second.deleted) == (0, 0)
    assert look_at_files(cache) == once


def test_mixed_tiles_stay_whole_where_no_edge_lies(tmp_path):
    tiles = drawn(SCHEME, mixed, side=5)
    cache = made(tmp_path, tiles, TileFormat.MIXED)
    area = ragged(square(SCHEME, 5, 9, 13, 5))
    tilepack.delete_tiles(cache, area=wkt(area), pixels=True)
    found = assert_cut(tiles, cache, lambda tile: ~mask_of(SCHEME, [area], tile))
    assert min(found.values()) > 0


# JPEG


def test_jpeg_needs_a_background_and_says_the_ways_out(tmp_path):
    cache = made(tmp_path, drawn(SCHEME, jpeg), TileFormat.JPEG)
    when = stamps(cache)
    with pytest.raises(tilepack.UnsupportedError, match="--background"):
        tilepack.delete_tiles(cache, area=wkt(ragged(square(SCHEME, 5, 9, 13, 5))), pixels=True)
    assert stamps(cache) == when


def test_jpeg_is_painted_inside(tmp_path):
    tiles = drawn(SCHEME, jpeg)
    cache = made(tmp_path, tiles, TileFormat.JPEG)
    area = ragged(square(SCHEME, 5, 9, 13, 5))
    result = tilepack.delete_tiles(cache, area=wkt(area), pixels=True, background=(250, 10, 200))
    after = look_at_tiles(cache)
    painted = 0
    for tile, (data, _) in tiles.items():
        mask = mask_of(SCHEME, [area], tile)
        if not mask.any():
            assert after[tile] == data
        elif tile in after:
            painted += 1
            assert after[tile][:3] == b"\xff\xd8\xff"
            colours = pixels_of(after[tile])[mask][:, :3].astype(int)
            assert np.abs(np.median(colours, axis=0) - (250, 10, 200)).max() < 25 or mask.sum() < 99
        else:
            assert mask.all()
    assert painted == result.cut > 4


# What cannot be cut


def test_lerc_tiles_on_the_edge_stay_whole(tmp_path):
    keys = [TileKey(5, row, column) for row in range(9, 14) for column in range(13, 18)]
    tiles = {key: (b"Lerc2 " + bytes([6, 0, 0, 0, *key]) * 9, None) for key in keys}
    cache = made(tmp_path, tiles, TileFormat.LERC)
    area = ragged(square(SCHEME, 5, 9, 13, 5))
    result = tilepack.delete_tiles(cache, area=wkt(area), pixels=True)
    inside = {key for key in keys if area.contains(shapely.box(*SCHEME.tile_extent(key).as_tuple()))}
    assert look_at_tiles(cache) == {key: data for key, (data, _) in tiles.items() if key not in inside}
    assert inside
    assert result.plan.tiles_crossing > 0
    assert any("LERC" in warning for warning in result.plan.warnings)


@pytest.fixture
def broken(tmp_path) -> tuple[Path, dict]:
    tiles = drawn(SCHEME, coloured(6, 8))
    bad = next(tile for tile in tiles if (tile.row, tile.column) == (11, 13))
    tiles[bad] = (tiles[bad][0][:99], tiles[bad][1])
    return made(tmp_path, tiles, TileFormat.PNG32), tiles


def split(box: tilepack.Extent) -> shapely.Polygon:
    """Draw a half whose edge runs through the first column of tiles."""
    return shapely.box(box.xmin + box.width * 0.13, box.ymin - 1, box.xmax + 1, box.ymax + 1)


def test_a_damaged_tile_on_the_edge_is_named_and_nothing_is_changed(broken):
    cache, _ = broken
    before = look_at_files(cache)
    with pytest.raises(tilepack.TileError, match="5/11/13"):
        tilepack.delete_tiles(cache, area=wkt(split(square(SCHEME, 5, 9, 13, 5))), pixels=True)
    assert look_at_files(cache) == before


def test_a_damaged_tile_on_the_edge_may_be_left_whole(broken):
    cache, tiles = broken
    area = wkt(split(square(SCHEME, 5, 9, 13, 5)))
    result = tilepack.delete_tiles(cache, area=area, pixels=True, skip_errors=True)
    assert [tuple(tile) for tile in result.skipped] == [(5, 11, 13)]
    after = look_at_tiles(cache)
    assert after[TileKey(5, 11, 13)] == tiles[TileKey(5, 11, 13)][0]
    assert len(after) == 5
    assert result.cut == 4


def test_blank_tiles_stay_when_asked_to(tmp_path):
    numbers = np.zeros((64, 64, 4), np.uint8)
    numbers[:, 32:] = 200  # to be seen in the right half alone
    tiles = {TileKey(5, 9, 13): (png_of(numbers, 6, 8), numbers)}
    cache = made(tmp_path, tiles, TileFormat.PNG32)
    box = square(SCHEME, 5, 9, 13, 1)
    area = wkt(shapely.box(box.xmin + box.width * 0.3, box.ymin - 1, box.xmax + 1, box.ymax + 1))
    tilepack.delete_tiles(cache, area=area, pixels=True, keep_blank=True)
    assert not pixels_of(look_at_tiles(cache)[TileKey(5, 9, 13)])[..., 3].any()
    tilepack.delete_tiles(cache, levels="5")
    cache = made(tmp_path / "again", tiles, TileFormat.PNG32)
    assert tilepack.delete_tiles(cache, area=area, pixels=True).deleted == 1
    assert look_at_tiles(cache) == {}
