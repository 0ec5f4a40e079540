"""Damaged tiles: moved where nobody has to look into them, else named together, or left out where that is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from caches import look_at_files, look_at_tiles
from export_caches import data_of, jpeg, mask_of, pixels_of, ragged, square, wkt
from import_caches import SCHEME, aside, assert_same_pixels, block, decoded, joined, overlay, write_cache
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey, TileRange

AREA = ragged(square(SCHEME, 5, 9, 13, 4), 3)
HERE = range(9, 13), range(13, 17)
SKIP = tilepack.PixelOptions(skip_errors=True)
DAMAGES = {
    "beheaded": lambda data: b"\0\0\1\2" + data[8:],
    "cut short": lambda data: data[: len(data) // 2],
    "no image": lambda data: data[::-1],
    "a bit": lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
    "another size": lambda data: data[:16] + (128).to_bytes(4, "big") + data[20:],
}


def in_area(tile):
    return mask_of(SCHEME, [AREA], tile)


def soft(tile: TileKey, width: int, height: int):
    """Draw a tile that has to be decoded wherever it meets another."""
    return overlay(tile._replace(row=5, column=tile.row * 50 + tile.column * 5), width, height)


def spoilt(tiles, damage: str, bad) -> dict:
    return {tile: (DAMAGES[damage](data) if tile in bad else data, pixels) for tile, (data, pixels) in tiles.items()}


def caches(folder: Path, ours, theirs, layout: str = "v2") -> tuple[Path, Path]:
    for name in ("here", "there"):
        (folder / name).mkdir()
    source = write_cache("v2", folder / "here", ours)
    target = write_cache(layout, folder / "there", theirs)
    shutil.rmtree(folder / "there" / f"{layout}-drawn", ignore_errors=True)
    return source, target


BAD = {TileKey(5, 10, 14), TileKey(5, 11, 15), TileKey(5, 12, 13)}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_only_moves_moves_as_it_is(tmp_path, damage, layout):
    ours = spoilt(block(soft, 5, *HERE), damage, BAD)
    source, target = caches(tmp_path, ours, block(soft, 4, range(2), range(2)), layout)
    result = tilepack.import_cache(source, target)
    assert result.skipped == {}
    after = {tile: data for tile, data in look_at_tiles(target).items() if tile.level == 5}
    assert after == data_of(ours)
    theirs = block(aside(soft), 5, *HERE)
    (tmp_path / "other").mkdir()
    other = write_cache(layout, tmp_path / "other", theirs)
    tilepack.import_cache(source, other, mode="OVERWRITE")
    assert look_at_tiles(other) == data_of(ours)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_has_to_be_decoded_is_named_and_nothing_is_written(tmp_path, damage, layout):
    ours = spoilt(block(soft, 5, *HERE), damage, BAD)
    source, target = caches(tmp_path, ours, block(aside(soft), 5, *HERE), layout)
    before = look_at_files(tmp_path / "there")
    with pytest.raises(tilepack.TileError) as caught:
        tilepack.import_cache(source, target)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{source}: 3 tiles cannot be brought in; ")
    assert lines[0].endswith("or leave them out by --skip-errors:")
    assert [line.split(":")[0].strip() for line in lines[1:]] == [str(tile) for tile in sorted(BAD)]
    assert "target's" not in str(caught.value)
    assert look_at_files(tmp_path / "there") == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_skipped_leaves_the_target_s_tile(tmp_path, layout):
    drawn = block(soft, 5, *HERE)
    theirs = block(aside(soft), 5, range(10, 14), range(14, 18))
    source, target = caches(tmp_path, spoilt(drawn, "cut short", BAD), theirs, layout)
    before = look_at_tiles(target)
    result = tilepack.import_cache(source, target, area=wkt(AREA), pixels=SKIP)
    crossing = {tile for tile in BAD if in_area(tile).any()}
    assert set(result.skipped) == crossing
    assert all("cut short" in reason for reason in result.skipped.values())
    after = look_at_tiles(target)
    for tile in crossing:
        assert after.get(tile) == before.get(tile)
    sound = {tile: pixels for tile, (_, pixels) in drawn.items() if tile not in crossing}
    wanted = joined(sound, {tile: pixels for tile, (_, pixels) in theirs.items()}, in_area)
    assert_same_pixels(decoded(after), wanted)
    assert result.as_json()["tilesSkipped"] == len(crossing)
    counts = result.counts
    counted = counts.repacked + counts.copied + counts.blended + counts.dropped + counts.unchanged
    assert counted + len(crossing) == result.plan.tiles
    assert result.tiles == len([tile for tile in asked(result.plan, drawn) - crossing if tile in after])


def asked(plan, tiles):
    """Tiles that the area meets, if only by a corner."""
    cover = plan.request.areas.coverage(TileRange(level=5, row_start=9, row_stop=13, column_start=13, column_stop=17))
    return {tile for tile in tiles if cover[tile.row - 9, tile.column - 13]}


def test_twenty_are_listed_and_the_others_counted(tmp_path):
    there = range(5, 10), range(13, 18)
    ours = block(soft, 5, *there)
    source, target = caches(tmp_path, spoilt(ours, "a bit", set(ours)), block(aside(soft), 5, *there))
    with pytest.raises(tilepack.TileError) as caught:
        tilepack.import_cache(source, target)
    lines = str(caught.value).splitlines()
    assert ": 25 tiles cannot" in lines[0]
    assert len(lines) == 22
    assert lines[-1].strip() == "and 5 more"


@pytest.mark.parametrize("jobs", [1, 4])
def test_bad_tiles_of_all_bundles_are_found_though_nothing_more_is_written(tmp_path, jobs):
    """The first bundles may be there already; what comes behind the bad tile is only looked at."""
    ours, theirs = {}, {}
    for row in (0, 128, 256, 384):
        ours |= block(soft, 5, range(row, row + 2), range(2))
        theirs |= block(aside(soft), 5, range(row, row + 2), range(2))
    bad = {TileKey(5, 128, 0), TileKey(5, 129, 1), TileKey(5, 384, 1)}
    source, target = caches(tmp_path, spoilt(ours, "cut short", bad), theirs)
    before = look_at_tiles(target)
    with pytest.raises(tilepack.TileError) as caught:
        tilepack.import_cache(source, target, jobs=jobs)
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == [str(t) for t in sorted(bad)]
    after = look_at_tiles(target)
    changed = {tile.bundle for tile in before if after[tile] != before[tile]}
    assert changed <= {TileKey(5, 0, 0).bundle, TileKey(5, 256, 0).bundle}
    if jobs == 1:
        assert changed == {TileKey(5, 0, 0).bundle}
        assert any("run the same again to finish" in note for note in caught.value.__notes__)
    result = tilepack.import_cache(source, target, jobs=jobs, pixels=SKIP)  # takes up what was begun
    assert set(result.skipped) == bad
    assert result.resumed_bundles == len(changed)
    wanted = joined(
        {tile: pixels for tile, (_, pixels) in ours.items() if tile not in bad},
        {tile: pixels for tile, (_, pixels) in theirs.items()},
        lambda _: np.ones((64, 64), np.bool_),
    )
    assert_same_pixels(decoded(look_at_tiles(target)), wanted)
    assert [name for name in look_at_files(target) if "tilepack" in name or "partial" in name] == []


# The target's own


@pytest.mark.parametrize("damage", ["cut short", "no image", "a bit"])
def test_a_damaged_tile_of_the_target_is_said_to_be_its(tmp_path, damage):
    theirs = spoilt(block(aside(soft), 5, *HERE), damage, BAD)
    source, target = caches(tmp_path, block(soft, 5, *HERE), theirs)
    before = look_at_tiles(target)
    with pytest.raises(tilepack.TileError) as caught:
        tilepack.import_cache(source, target)
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    assert all("this is the target's tile" in line for line in lines)
    assert look_at_tiles(target) == before
    result = tilepack.import_cache(source, target, pixels=SKIP)
    assert set(result.skipped) == BAD
    assert all(look_at_tiles(target)[tile] == before[tile] for tile in BAD)


def test_a_damaged_tile_of_the_target_is_well_replaced(tmp_path):
    """By tiles that hide it wholly, nobody looks into it."""
    theirs = spoilt(block(aside(soft), 5, *HERE), "no image", BAD)
    hiding = block(lambda tile, width, height: overlay(tile._replace(row=2, column=0), width, height), 5, *HERE)
    source, target = caches(tmp_path, hiding, theirs)
    assert tilepack.import_cache(source, target).skipped == {}
    assert look_at_tiles(target) == data_of(hiding)


def test_a_damaged_tile_to_trim_is_named(tmp_path):
    theirs = spoilt(block(aside(soft), 5, *HERE), "cut short", BAD)
    source, target = caches(tmp_path, block(soft, 5, range(9, 10), range(13, 14)), theirs)
    wish = {"mode": "OVERWRITE", "delete_missing": True, "area": wkt(AREA)}
    with pytest.raises(tilepack.TileError, match=r"cut short.*; this is the target's tile"):
        tilepack.import_cache(source, target, **wish)
    result = tilepack.import_cache(source, target, pixels=SKIP, **wish)
    assert set(result.skipped) == {tile for tile in BAD if in_area(tile).any() and not in_area(tile).all()}
    after = look_at_tiles(target)
    for tile, (data, pixels) in theirs.items():
        if tile in result.skipped:
            assert after[tile] == data
        elif tile != TileKey(5, 9, 13):
            shown = ~in_area(tile) & (pixels[..., 3] > 0)
            assert (tile in after) == shown.any()
            assert tile not in after or ((pixels_of(after[tile])[..., 3] > 0) == shown).all()


@pytest.mark.parametrize("layout", ["v2", "exploded"])
def test_what_would_have_to_become_another_format_is_looked_into(tmp_path, layout):
    """Bytes that are no image's go only where the source's tiles belong: a ruined PNG is no JPEG."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    source = write_cache(layout, tmp_path / "here", spoilt(block(soft, 5, *HERE), "beheaded", BAD))
    target = write_cache("v2", tmp_path / "there", block(jpeg, 4, range(2), range(2)), TileFormat.JPEG)
    options = tilepack.PixelOptions(allow_lossy=True, background=(0, 0, 0), skip_errors=True)
    assert set(tilepack.import_cache(source, target, pixels=options).skipped) == BAD
    assert not BAD & set(look_at_tiles(target))


def test_damaged_jpeg_moves_into_mixed_and_is_named_where_it_is_cut(tmp_path):
    drawn = block(jpeg, 5, *HERE)
    ours = spoilt(drawn, "cut short", BAD)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    source = write_cache("v2", tmp_path / "here", ours, TileFormat.JPEG)
    target = write_cache("v2", tmp_path / "there", block(aside(soft), 5, *HERE), TileFormat.MIXED)
    whole = shutil.copytree(target, tmp_path / "whole")
    tilepack.import_cache(source, whole)
    assert look_at_tiles(whole) == data_of(ours)
    with pytest.raises(tilepack.TileError, match="the JPEG"):
        tilepack.import_cache(source, target, area=wkt(AREA))
