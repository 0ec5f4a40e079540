"""Caches written by ArcGIS, cut in two and put together again, to the pixel; and their damaged tiles."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from caches import look_at_files, look_at_tiles, tile_box, write_v2
from export_caches import WORLD, halves, mask_of, pixels_of, wkt
from import_caches import assert_same_pixels, decoded, emptied, encoded, laid, overlay, put
from layouts import LAYOUTS, convert_to

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey

WHOLE = {
    "canyonlands.tpk": {},
    "Usa.tpkx": {"levels": "2-4"},  # the levels below have a damaged tile each
    "mixed_v2_cache": {},
    "esri_compact_v2_cache": {},
    "states_filled.tpk": {"levels": "0-3"},
}
PAINT = encoded(np.full((256, 256, 3), (255, 0, 255), np.uint8))


def opened(source: Path) -> tuple[tilepack.CacheInfo, tilepack.Extent]:
    with tilepack.open(source) as reader:
        return reader.info, next(extent for name, extent in reader.declared if "degrees" not in name)


@pytest.fixture(scope="module")
def cut_up(samples, tmp_path_factory):
    """Each sample with two halves of it, their areas, and its tiles; made when first asked for."""
    found = {}

    def make(name: str):
        if name not in found:
            folder = tmp_path_factory.mktemp("halves")
            info, _ = opened(samples / name)
            held = look_at_tiles(samples / name)
            world = shapely.box(-WORLD, -WORLD, WORLD, WORLD)  # what lies beyond would be wrapped around it
            west = halves(tile_box(info.scheme, held), 4)[0].intersection(world)
            areas = [west, world.difference(west)]
            for number, area in enumerate(areas):
                tilepack.export_cache(samples / name, folder / str(number), area=wkt(area), **WHOLE[name])
            tiles = look_at_tiles(folder / "0").keys() | look_at_tiles(folder / "1").keys()
            before = {tile: data for tile, data in look_at_tiles(samples / name).items() if tile in tiles}
            found[name] = [folder / "0", folder / "1"], areas, before
        return found[name]

    return make


@pytest.mark.parametrize("layout", ["v2", "tpk"])
@pytest.mark.parametrize("name", WHOLE)
def test_two_halves_make_the_original_again(cut_up, tmp_path, name, layout):
    pieces, areas, before = cut_up(name)
    target = emptied(pieces[0], layout, tmp_path / "there")  # of a JPEG cache: MIXED, as its pieces are
    for piece in pieces:
        tilepack.import_cache(piece, target)
    assert_original(target, areas, before)


@pytest.mark.parametrize("layout", ["exploded", "tpkx"])
@pytest.mark.parametrize("name", WHOLE)
def test_two_halves_cover_what_was_painted_over(cut_up, tmp_path, name, layout):
    pieces, areas, before = cut_up(name)
    info, _ = opened(pieces[0])
    write_v2(tmp_path / "paint", info.scheme, dict.fromkeys(before, PAINT), tile_format=TileFormat.MIXED)
    (tmp_path / "there").mkdir()
    target = convert_to(layout, tmp_path / "paint", tmp_path / "there")
    for piece, area in zip(pieces, areas, strict=True):  # tiles of which the cut left nothing visible are missing
        tilepack.import_cache(piece, target, mode="OVERWRITE", delete_missing=True, area=wkt(area))
    assert_original(target, areas, before)


def assert_original(target: Path, areas, before) -> None:
    info, _ = opened(target)
    after = look_at_tiles(target)
    assert_same_pixels(decoded(after), decoded(before), hidden=False)
    whole = [
        tile for tile in before for area in areas if shapely.box(*info.scheme.tile_extent(tile).as_tuple()).within(area)
    ]
    assert all(after[tile] == before[tile] for tile in whole)
    assert len(whole) < len(before)


@pytest.mark.parametrize("name", ["canyonlands.tpk", "esri_compact_v2_cache"])
def test_jpeg_stays_jpeg_where_a_background_is_given(samples, cut_up, tmp_path, name):
    _, areas, before = cut_up(name)
    target = emptied(samples / name, "v2", tmp_path / "there")
    options = tilepack.PixelOptions(background=(255, 255, 255))
    with pytest.raises(tilepack.UnsupportedError, match="--background"):
        tilepack.import_cache(samples / name, target, area=wkt(areas[0]))
    for area in areas:
        tilepack.import_cache(samples / name, target, area=wkt(area), pixels=options)
    info, _ = opened(target)
    assert info.tile_format is TileFormat.JPEG
    after = look_at_tiles(target)
    assert set(after) == set(before)
    for tile, data in after.items():
        assert data.startswith(b"\xff\xd8\xff")
        inside = [mask_of(info.scheme, [area], tile).all() for area in areas]
        if any(inside):
            assert data == before[tile]
        else:
            assert np.abs(pixels_of(data).astype(int) - pixels_of(before[tile])).mean() < 6


@pytest.mark.parametrize("name", WHOLE)
def test_an_overlay_is_laid_on_as_whole_numbers_say(samples, cut_up, tmp_path, name):
    _, areas, before = cut_up(name)
    info, _ = opened(samples / name)
    mine = {tile: overlay(tile, 256, 256) for tile in sorted(before)[::2]}
    write_v2(tmp_path / "over", info.scheme, {tile: drawn[0] for tile, drawn in mine.items()})
    tilepack.export_cache(samples / name, tmp_path / "there", **WHOLE[name])
    conf = tmp_path / "there" / "conf.xml"
    conf.write_bytes(conf.read_bytes().replace(b"<CacheTileFormat>JPEG<", b"<CacheTileFormat>MIXED<"))
    before = look_at_tiles(tmp_path / "there")
    lossy = tilepack.PixelOptions(allow_lossy=True)
    result = tilepack.import_cache(tmp_path / "over", tmp_path / "there", area=wkt(areas[0]), pixels=lossy)
    after = look_at_tiles(tmp_path / "there")
    assert result.counts.blended
    for tile, data in before.items():
        inside = mask_of(info.scheme, [areas[0]], tile)
        if tile in mine and inside.any():
            wanted = laid(mine[tile][1], pixels_of(data), inside)
            if name != "states_filled.tpk":  # PNG8
                np.testing.assert_array_equal(pixels_of(after[tile]), wanted, err_msg=str(tile))
        else:
            assert after[tile] == data


# Damaged tiles


BAD = [TileKey(0, 0, 0), TileKey(1, 0, 0)]


@pytest.fixture
def beside(samples, tmp_path):
    """A cache on the grid of Usa.tpkx, with other tiles where its damaged ones lie."""
    info, _ = opened(samples / "Usa.tpkx")
    tiles = dict.fromkeys([*BAD, TileKey(1, 0, 1)], PAINT)
    write_v2(tmp_path / "there", info.scheme, tiles, tile_format=TileFormat.PNG)
    return tmp_path / "there"


def test_damaged_tiles_of_usa_are_named_together(samples, beside):
    _, box = opened(samples / "Usa.tpkx")
    area = wkt(shapely.box(*box.as_tuple()).buffer(-box.width / 50))
    before = look_at_files(beside)
    for mode in ("MERGE", "OVERWRITE"):
        with pytest.raises(tilepack.TileError) as caught:
            tilepack.import_cache(samples / "Usa.tpkx", beside, area=area, levels="0-1", mode=mode)
        message = str(caught.value)
        assert message.startswith(f"{samples / 'Usa.tpkx'}: 2 tiles cannot be brought in; do what")
        assert "0/0/0: the first four bytes of the PNG are overwritten" in message
        assert "1/0/0: " in message
        assert look_at_files(beside) == before


def test_damaged_tiles_of_usa_may_be_left_out(samples, beside):
    _, box = opened(samples / "Usa.tpkx")
    area = shapely.box(*box.as_tuple()).buffer(-box.width / 50)
    before, options = look_at_tiles(beside), tilepack.PixelOptions(skip_errors=True)
    result = tilepack.import_cache(samples / "Usa.tpkx", beside, area=wkt(area), pixels=options, mode="OVERWRITE")
    assert list(result.skipped) == BAD
    after, source = look_at_tiles(beside), look_at_tiles(samples / "Usa.tpkx")
    info, _ = opened(beside)
    for tile in set(source) - set(BAD):
        inside = mask_of(info.scheme, [area], tile)
        clear = np.zeros((256, 256, 4), np.uint8)
        there = pixels_of(before[tile]) if tile in before else clear
        wanted = put(pixels_of(source[tile]), there, inside)
        now = pixels_of(after[tile]) if tile in after else clear
        np.testing.assert_array_equal(now[wanted[..., 3] > 0], wanted[wanted[..., 3] > 0])
        np.testing.assert_array_equal(now[..., 3], wanted[..., 3])
    assert all(after[tile] == before[tile] for tile in BAD)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_tiles_of_usa_move_where_nobody_has_to_look_into_them(samples, tmp_path, layout):
    source = look_at_tiles(samples / "Usa.tpkx")
    target = emptied(samples / "Usa.tpkx", layout, tmp_path / "there")
    tilepack.import_cache(samples / "Usa.tpkx", target)
    assert look_at_tiles(target) == source
    again = tilepack.import_cache(samples / "Usa.tpkx", target, mode="OVERWRITE")
    assert again.counts.unchanged == len(source)


def test_a_grid_by_another_number_is_the_same(samples, tmp_path):
    info, _ = opened(samples / "esri_compact_v2_cache")
    reference = replace(info.scheme.spatial_reference, wkid=102113, latest_wkid=3785)
    scheme = replace(info.scheme, spatial_reference=reference)
    write_v2(tmp_path / "there", scheme, {TileKey(0, 0, 0): PAINT}, tile_format=TileFormat.MIXED)
    tilepack.import_cache(samples / "esri_compact_v2_cache", tmp_path / "there", mode="OVERWRITE")
    assert look_at_tiles(tmp_path / "there") == look_at_tiles(samples / "esri_compact_v2_cache")
    shutil.rmtree(tmp_path / "there")
