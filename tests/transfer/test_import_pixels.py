"""Imported pixels are what whole numbers say, whatever the tiles are: laid over or put in the place of the target's."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
import shapely
from caches import look_at_tiles
from export_caches import mask_of, pixels_of, ragged, square, wkt
from import_caches import (
    SCHEME,
    SOURCES,
    TARGETS,
    aside,
    assert_same_pixels,
    block,
    both,
    decoded,
    joined,
    known,
    laid,
    overlay,
    put,
    write_cache,
)
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat
from tilepack.formats.sniff import sniff
from tilepack.keys import TileKey

AREA = ragged(square(SCHEME, 5, 9, 13, 4), 3).union(
    shapely.box(*square(SCHEME, 5, 11, 14, 1).as_tuple()).buffer(50_000).simplify(2_000)
)
ROWS, COLUMNS = range(9, 12), range(13, 16)
THERE = range(10, 13), range(14, 17)
MODES = {
    "MERGE": {"mode": "MERGE"},
    "MERGE in an area": {"mode": "MERGE", "area": wkt(AREA)},
    "OVERWRITE in an area": {"mode": "OVERWRITE", "area": wkt(AREA)},
    "OVERWRITE in an area, missing tiles too": {"mode": "OVERWRITE", "area": wkt(AREA), "delete_missing": True},
}
CORE = ("JPEG", "MIXED", "RGBA", "palette")
"""Sources that are imported in every mode, the others in two."""
BACKGROUND = (250, 3, 120)
LOSSLESS = [tile_format for tile_format in TARGETS if tile_format is not TileFormat.JPEG]


@functools.cache
def in_area(tile: TileKey) -> np.ndarray:
    return mask_of(SCHEME, [AREA], tile)


def everywhere(tile: TileKey) -> np.ndarray:
    return np.ones((64, 64), np.bool_)


def pixels(tiles):
    return {tile: shown for tile, (_, shown) in tiles.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Caches of each kind, made when first asked for, with their tiles."""
    found = {}

    def make(kind: TileFormat | str):
        if kind not in found:
            folder = tmp_path_factory.mktemp("made")
            tile_format, draw = SOURCES[kind] if kind in SOURCES else (kind, TARGETS[kind])
            tiles = block(draw, 5, ROWS, COLUMNS) if kind in SOURCES else block(draw, 5, *THERE)
            found[kind] = write_cache("v2", folder, tiles, tile_format), tiles
        return found[kind]

    # PNG and the like are names of sources and of targets: tell them apart
    return lambda name, *, target=False: make(TileFormat(name) if target else name)


def kinds_for(tile_format: TileFormat, shown: np.ndarray) -> set[str]:
    """Name what a composed tile of such pixels may be."""
    is_opaque, is_hard = (shown[..., 3] == 255).all(), np.isin(shown[..., 3], (0, 255)).all()
    few = len(np.unique(np.ascontiguousarray(shown).view(np.uint32))) <= 256
    rgba = "PNG24" if is_opaque else "PNG32"
    return {
        TileFormat.PNG: {"PNG8" if few else rgba},
        TileFormat.PNG8: {"PNG8"},
        TileFormat.PNG24: {"PNG24" if is_hard else "PNG32"},
        TileFormat.PNG32: {"PNG32"},
        TileFormat.MIXED: {rgba},
        TileFormat.JPEG: {"JPEG"},
    }[tile_format]


def assert_moved_or_composed(tile_format, before, brought, after, *, mode) -> None:
    """Tiles that are neither the source's nor the target's bytes are as the target's format wants them."""
    for tile, data in after.items():
        if data == before.get(tile):
            continue
        if data == brought.get(tile):
            kind = sniff(data)
            assert kind.name == "JPEG" if tile_format is TileFormat.JPEG else kind.is_png or tile_format == "MIXED"
            assert tile_format is not TileFormat.PNG8 or kind.colour_type == 3
            assert tile_format is not TileFormat.PNG24 or kind.colour_type == 2
            assert tile not in before or mode == "OVERWRITE" or kind.is_opaque or (pixels_of(data)[..., 3] == 255).all()
            continue
        assert sniff(data).name in kinds_for(tile_format, pixels_of(data)), tile


@pytest.mark.parametrize("tile_format", LOSSLESS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_pixel_is_what_whole_numbers_say(made, tmp_path, source, tile_format):
    origin, ours = made(source)
    there, theirs = made(tile_format, target=True)
    for number, name in enumerate(MODES if source in CORE else list(MODES)[1::2]):
        wish = MODES[name]
        target = shutil.copytree(there, tmp_path / str(number))
        lossy = tilepack.PixelOptions(allow_lossy=True)
        result = tilepack.import_cache(origin, target, pixels=lossy, **wish)
        after = look_at_tiles(target)
        mask = in_area if "area" in wish else everywhere
        missing = wish.get("delete_missing", False)
        wanted = joined(pixels(ours), pixels(theirs), mask, wish["mode"], delete_missing=missing)
        drawn = known(ours, theirs)
        now = {tile: drawn[data] if data in drawn else pixels_of(data) for tile, data in after.items()}
        if result.notes.get("quantised"):
            assert tile_format is TileFormat.PNG8
            assert set(now) == {tile for tile in wanted if tile in now or wanted[tile][..., 3].any()}
            blank = np.zeros((64, 64, 4), np.uint8)
            apart = [
                np.abs(now.get(tile, blank).astype(int) - wanted[tile])[wanted[tile][..., 3] > 0] for tile in wanted
            ]
            assert np.concatenate(apart).mean() < 25, name
        else:
            hidden = tile_format not in (TileFormat.PNG8, TileFormat.PNG24)
            assert_same_pixels(now, wanted, hidden=hidden)
        before, brought = look_at_tiles(there), look_at_tiles(origin)
        assert_moved_or_composed(tile_format, before, brought, after, mode=wish["mode"])
        for tile in set(before) - {tile for tile in before if mask(tile).any() and (missing or tile in brought)}:
            assert after[tile] == before[tile]


@pytest.mark.parametrize("source", SOURCES)
def test_jpeg_shows_what_whole_numbers_say_on_the_background(made, tmp_path, source):
    origin, ours = made(source)
    there, theirs = made(TileFormat.JPEG, target=True)
    options = tilepack.PixelOptions(allow_lossy=True, background=BACKGROUND)
    for number, name in enumerate(MODES if source in CORE else list(MODES)[1::2]):
        wish = MODES[name]
        target = shutil.copytree(there, tmp_path / str(number))
        tilepack.import_cache(origin, target, pixels=options, **wish)
        mask = in_area if "area" in wish else everywhere
        missing = wish.get("delete_missing", False)
        wanted = joined(pixels(ours), pixels(theirs), mask, wish["mode"], delete_missing=missing)
        after = look_at_tiles(target)
        assert {sniff(data).name for data in after.values()} == {"JPEG"}
        ground = np.broadcast_to(np.array((*BACKGROUND, 255), np.uint8), (64, 64, 4))
        for tile, then in wanted.items():
            if tile not in after:
                assert not then[..., 3].any()
                continue
            shown = laid(then, ground, everywhere(tile))
            assert np.abs(pixels_of(after[tile]).astype(int) - shown).mean() < 45, tile
        assert_moved_or_composed(TileFormat.JPEG, look_at_tiles(there), look_at_tiles(origin), after, mode=wish["mode"])


@pytest.mark.parametrize("mode", ["MERGE", "OVERWRITE"])
def test_whole_tiles_are_taken_uncut(made, tmp_path, mode):
    origin, ours = made("RGBA")
    there, theirs = made(TileFormat.PNG32, target=True)
    target = shutil.copytree(there, tmp_path / "target")
    options = tilepack.PixelOptions(whole_tiles=True)
    tilepack.import_cache(origin, target, area=wkt(AREA), mode=mode, pixels=options)
    met = {tile for tile in ours if in_area(tile).any()}
    after, before = look_at_tiles(target), look_at_tiles(there)
    taken = {tile for tile in ours if after.get(tile) != before.get(tile)}
    assert met - taken <= {tile for tile in ours if not ours[tile][1][..., 3].any()}
    wanted = joined({tile: ours[tile][1] for tile in met}, pixels(theirs), everywhere, mode)
    touched = {tile: shown for tile, shown in decoded(after).items() if tile in wanted}
    assert_same_pixels(touched, wanted)
    for tile in set(after) - set(wanted):  # a corner that no pixel's centre lies in
        assert after[tile] == ours[tile][0]


def test_blank_tiles_are_dropped_unless_they_are_kept(made, tmp_path):
    there, _ = made(TileFormat.PNG32, target=True)
    (tmp_path / "clear").mkdir()
    nothing = aside(lambda tile, width, height: overlay(tile._replace(row=3, column=0), width, height))
    ours = block(nothing, 5, ROWS, COLUMNS)
    assert not any(shown[..., 3].any() for _, shown in ours.values())
    origin = write_cache("v2", tmp_path / "clear", ours)
    for keep in (False, True):
        target = shutil.copytree(there, tmp_path / f"kept {keep}")
        before = look_at_tiles(target)
        options = tilepack.PixelOptions(keep_blank=keep)
        result = tilepack.import_cache(origin, target, mode="OVERWRITE", area=wkt(AREA), pixels=options)
        after = look_at_tiles(target)
        inside = {tile for tile in ours if in_area(tile).all()}
        cut = {tile for tile in ours if in_area(tile).any()} - inside
        assert inside
        assert inside <= set(after)  # moved as they are
        assert (cut <= set(after)) == keep
        assert result.counts.dropped == (0 if keep else len(cut - set(after)))
        for tile in cut & set(before):
            np.testing.assert_array_equal(
                pixels_of(after[tile]) if tile in after else 0,
                put(ours[tile][1], pixels_of(before[tile]), in_area(tile)),
            )


@pytest.mark.parametrize("kind", ["extent", "bbox"])
def test_rectangles_choose_tiles_and_cut_nothing(made, tmp_path, kind):
    origin, ours = made("RGBA")
    there, _ = made(TileFormat.PNG32, target=True)
    target = shutil.copytree(there, tmp_path / "target")
    box = square(SCHEME, 5, 10, 14, 1)
    bounds = box.xmin + 9999, box.ymin + 9999, box.xmax + 9999, box.ymax - 9999  # meets the tile to the right, too
    if kind == "bbox":
        from pyproj import Transformer

        bounds = Transformer.from_crs(3857, 4326, always_xy=True).transform_bounds(*bounds)
    tilepack.import_cache(origin, target, mode="OVERWRITE", **{kind: bounds})
    after, before = look_at_tiles(target), look_at_tiles(there)
    chosen = {TileKey(5, 10, 14), TileKey(5, 10, 15)}
    assert {tile: data for tile, data in after.items() if tile not in chosen} == {
        tile: data for tile, data in before.items() if tile not in chosen
    }
    assert all(after[tile] == ours[tile][0] for tile in chosen)


def test_delete_missing_by_extent_takes_whole_tiles(made, tmp_path):
    origin, ours = made("RGBA")
    there, _ = made(TileFormat.PNG32, target=True)
    target = shutil.copytree(there, tmp_path / "target")
    box = square(SCHEME, 5, 11, 15, 2).as_tuple()
    result = tilepack.import_cache(origin, target, mode="OVERWRITE", delete_missing=True, extent=box)
    gone = {TileKey(5, 11, 16), TileKey(5, 12, 15), TileKey(5, 12, 16)}
    assert set(look_at_tiles(there)) - set(look_at_tiles(target)) == gone
    assert result.counts.deleted == 3
    assert look_at_tiles(target)[TileKey(5, 11, 15)] == ours[TileKey(5, 11, 15)][0]


def test_levels_have_areas_of_their_own(tmp_path):
    ours = block(overlay, 5, ROWS, COLUMNS) | block(overlay, 4, range(4, 7), range(6, 9))
    theirs = block(aside(both), 5, *THERE) | block(aside(both), 4, range(4, 7), range(6, 9))
    for name, tiles in (("source", ours), ("target", theirs)):
        (tmp_path / name).mkdir()
        write_cache("v2", tmp_path / name, tiles, TileFormat.PNG32 if name == "source" else TileFormat.MIXED)
    coarse = ragged(square(SCHEME, 4, 4, 6, 3), 9)
    areas = [
        tilepack.Area(source=f"5={wkt(AREA).source}", crs=3857),
        tilepack.Area(source=f"0-4={wkt(coarse).source}", crs=3857),
    ]
    name = LAYOUTS["v2"][0]
    target = tmp_path / "target" / name
    tilepack.import_cache(tmp_path / "source" / name, target, area=areas)
    wanted = joined(
        pixels(ours), pixels(theirs), lambda tile: mask_of(SCHEME, [AREA if tile.level == 5 else coarse], tile)
    )
    assert_same_pixels(decoded(look_at_tiles(target)), wanted)


def test_hidden_colours_stay_what_they_were(tmp_path):
    """Where the source shows nothing, not one byte of a pixel changes, though the tile is written anew."""
    noise = np.random.default_rng(1)

    def faint(tile: TileKey, width: int, height: int):
        from import_caches import encoded

        shown = noise.integers(0, 256, (height, width, 4)).astype(np.uint8)
        shown[..., 3] = noise.choice((0, 0, 0, 128), (height, width))
        return encoded(shown), shown

    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    ours, theirs = block(faint, 5, ROWS, COLUMNS), block(faint, 5, ROWS, COLUMNS)
    origin = write_cache("v2", tmp_path / "source", ours)
    target: Path = write_cache("v2", tmp_path / "target", theirs)
    tilepack.import_cache(origin, target)
    for tile, data in look_at_tiles(target).items():
        unseen = ours[tile][1][..., 3] == 0
        np.testing.assert_array_equal(pixels_of(data)[unseen], theirs[tile][1][unseen])
        assert (theirs[tile][1][unseen][..., 3] == 0).any()
        np.testing.assert_array_equal(pixels_of(data), laid(ours[tile][1], theirs[tile][1], everywhere(tile)))
