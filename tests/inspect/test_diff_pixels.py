"""Comparing tiles by their pixels; Pillow and numpy are the oracle."""

from __future__ import annotations

import io

import numpy as np
import pytest
import shapely
from caches import payload, picture, write_exploded, write_v2
from export_caches import (
    COLOUR_TYPES,
    coloured,
    data_of,
    drawn,
    export_to,
    mask_of,
    mercator,
    mixed,
    pixels_of,
    png_of,
    ragged,
    square,
    wkt,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import tilepack
from tilepack.cache import TileFormat
from tilepack.inspect.tile_verdicts import pixel_difference
from tilepack.keys import TileKey

SCHEME = mercator()
KEY = TileKey(5, 9, 13)
BOX = square(SCHEME, 5, 9, 13, 5)


def written(folder, tiles, write=write_v2, **options):
    write(folder, SCHEME, tiles, **options)
    return folder


def png(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


def compare(tmp_path, a: bytes, b: bytes, **options):
    """Compare two caches of one tile."""
    here, there = (
        written(tmp_path / name, {KEY: data}, write)
        for name, data, write in (("a", a, write_v2), ("b", b, write_exploded))
    )
    return tilepack.diff(here, there, pixels=True, **options)


@pytest.fixture
def rgba():
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return pixels


def test_same_picture_is_the_same_when_one_is_a_palette(tmp_path):
    colours = np.random.default_rng(2).integers(0, 256, (50, 3), dtype=np.uint8)
    indices = np.random.default_rng(3).integers(0, 50, (64, 64, 1))
    palette = png_of(indices, 3, 8, palette=colours.tobytes())
    rgb = png(colours[indices[..., 0]])
    assert compare(tmp_path / "pixels", palette, rgb).counts == tilepack.DifferenceCounts(same=1, recoded=1)
    assert compare(tmp_path / "pixels", palette, rgb).is_same
    by_bytes = tilepack.diff(tmp_path / "pixels" / "a", tmp_path / "pixels" / "b")
    assert by_bytes.counts == tilepack.DifferenceCounts(differing=1)
    assert by_bytes.differing[0].pixels is None


@pytest.mark.parametrize("channel", range(4))
def test_one_step_of_one_channel_of_one_pixel_is_found(channel, rgba, tmp_path):
    other = rgba.copy()
    other[40, 7, channel] ^= 1
    found = compare(tmp_path, png(rgba), png(other))
    assert found.counts == tilepack.DifferenceCounts(differing=1, pixels=1, largest=1)
    assert [(tile.tile, tile.pixels, tile.largest) for tile in found.differing] == [(KEY, 1, 1)]


def test_colours_under_alpha_0_show_nothing(rgba, tmp_path):
    other = rgba.copy()
    rgba[:9, :, 3] = other[:9, :, 3] = 0
    other[:9, :, :3] ^= 255
    assert compare(tmp_path, png(rgba), png(other)).counts == tilepack.DifferenceCounts(same=1, recoded=1)


def test_where_one_is_transparent_the_alphas_differ(rgba, tmp_path):
    other = rgba.copy()
    rgba[3, 4] = 0, 0, 0, 0
    other[3, 4] = 255, 255, 255, 6
    assert compare(tmp_path, png(rgba), png(other)).counts == tilepack.DifferenceCounts(
        differing=1, pixels=1, largest=6
    )


small = arrays.arrays(np.uint8, (3, 4, 4), elements=st.sampled_from((0, 1, 5, 254, 255)))


@settings(max_examples=200)
@given(a=small, b=small, mask=arrays.arrays(np.bool_, (3, 4)))
def test_pixel_difference_is_what_it_says(a, b, mask):
    apart = []
    for at in np.ndindex(3, 4):
        first, second = a[at].astype(int), b[at].astype(int)
        visible = first[3] and second[3]
        apart.append(mask[at] * max(abs(first - second)[0 if visible else 3 :]))
    assert pixel_difference(a, b, mask) == (sum(each > 0 for each in apart), max(apart))
    assert pixel_difference(b, a, mask) == pixel_difference(a, b, mask)
    assert pixel_difference(a, a) == (0, 0)


def test_figures_of_many_tiles_add_up(tmp_path):
    """Enough tiles for several chunks, JPEG beside PNG."""
    keys = [TileKey(5, row, column) for row in range(12) for column in range(28)]
    a = {key: mixed(key, 64, 64)[0] for key in keys}
    b = {key: a[key] if number % 5 else mixed(keys[number - 1], 64, 64)[0] for number, key in enumerate(keys)}
    found = tilepack.diff(written(tmp_path / "a", a), written(tmp_path / "b", b), pixels=True, jobs=3)
    expected = {}
    for key in keys:
        apart = abs(pixels_of(a[key]).astype(int) - pixels_of(b[key]))
        apart[(pixels_of(a[key])[..., 3] == 0) | (pixels_of(b[key])[..., 3] == 0), :3] = 0
        if apart.any():
            expected[key] = int(apart.any(axis=-1).sum()), int(apart.max())
    assert {tile.tile: (tile.pixels, tile.largest) for tile in found.differing} == expected
    assert found.counts.pixels == sum(pixels for pixels, _ in expected.values())
    assert found.counts.largest == max(largest for _, largest in expected.values())
    assert found.counts.differing == len(expected) == 68


def test_tile_that_cannot_be_decoded_differs_with_the_reason(rgba, tmp_path):
    whole = png(rgba)
    found = compare(tmp_path, whole, whole[:-30])
    assert found.counts == tilepack.DifferenceCounts(differing=1, undecodable=1)
    assert found.differing[0].reason.startswith("B: ")
    assert found.differing[0].pixels is None
    mirrored = tilepack.diff(tmp_path / "b", tmp_path / "a", pixels=True)
    assert mirrored.differing[0].reason == "A" + found.differing[0].reason[1:]


def test_tile_that_cannot_be_decoded_is_the_same_when_its_bytes_are(tmp_path):
    assert compare(tmp_path, b"rubbish", b"rubbish").is_same


def test_tile_of_another_size_cannot_be_compared(rgba, tmp_path):
    found = compare(tmp_path, png(rgba), png(rgba[:32]))
    assert found.counts.undecodable == 1
    assert "64 x 32" in found.differing[0].reason


def test_lerc_is_compared_by_bytes(tmp_path):
    tiles = {KEY: b"Lerc2 " + bytes(50)}
    here = written(tmp_path / "a", tiles, tile_format=TileFormat.LERC)
    there = written(tmp_path / "b", {KEY: b"Lerc2 " + bytes(49) + b"x"}, tile_format=TileFormat.LERC)
    found = tilepack.diff(here, there, pixels=True)
    assert found.counts == tilepack.DifferenceCounts(differing=1)
    assert not found.pixels_compared
    assert "LERC" in found.warnings[0]


# With an area


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [*COLOUR_TYPES[-4:], (3, 8)])
def test_export_is_the_same_as_its_source_inside_its_area(kind, seed, tmp_path):
    tiles = drawn(SCHEME, coloured(*kind, keyed=kind[0] == 3))
    source = written(tmp_path / "source", data_of(tiles), tile_format=TileFormat.PNG)
    area, wider = ragged(BOX, seed), ragged(BOX, seed).buffer(BOX.width / 40)
    target = export_to("tpkx", source, tmp_path / "out", area=wkt(area))
    found = tilepack.diff(source, target, pixels=True, area=wkt(area))
    assert found.has_same_tiles
    assert found.metadata == ()
    assert found.counts.recoded
    assert not tilepack.diff(source, target, area=wkt(area)).is_same
    assert not tilepack.diff(source, target, pixels=True, area=wkt(wider)).is_same


def test_only_pixels_inside_an_area_count(tmp_path):
    tiles = drawn(SCHEME, coloured(6, 8))
    others = drawn(SCHEME, coloured(2, 8))
    area = ragged(BOX, 8)
    here, there = written(tmp_path / "a", data_of(tiles)), written(tmp_path / "b", data_of(others))
    found = tilepack.diff(here, there, pixels=True, area=wkt(area))
    expected = {}
    for key, (_, pixels) in tiles.items():
        other = others[key][1]
        apart = abs(pixels.astype(int) - other)
        apart[pixels[..., 3] == 0, :3] = 0
        inside = apart.max(axis=-1) * mask_of(SCHEME, [area], key)
        if inside.any():
            expected[key] = int((inside > 0).sum()), int(inside.max())
    assert {tile.tile: (tile.pixels, tile.largest) for tile in found.differing} == expected
    assert 0 < found.counts.pixels < len(tiles) * 64 * 64


def test_tile_on_the_edge_counts_when_it_shows_something_inside(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[10, 10] = 1, 2, 3, 4
    here = written(tmp_path / "a", {KEY: png(pixels), TileKey(5, 12, 13): payload(KEY)})
    there = written(tmp_path / "b", {TileKey(5, 12, 13): payload(KEY)})
    box = SCHEME.tile_extent(KEY)
    pixel = box.width / 64
    around = {True: (10, 11), False: (11, 14)}
    for shows, (first, stop) in around.items():
        area = wkt(
            shapely.box(
                box.xmin + first * pixel, box.ymax - 10 * pixel, box.xmin + stop * pixel, box.ymin - box.height * 3
            )
        )
        for pair in ((here, there), (there, here)):
            found = tilepack.diff(*pair, pixels=True, area=area)
            assert found.counts.only_a + found.counts.only_b == shows
            assert tilepack.diff(*pair, area=area).counts.tiles == 2


def test_pictures_of_the_samples_are_compared_in_all_formats(samples, tmp_path):
    tilepack.convert(samples / "mixed_v2_cache", tmp_path / "b", storage_format="exploded")
    for place in (tmp_path / "b").rglob("C*.*"):
        place.write_bytes(picture(TileKey(0, 0, 0), "jpg" if place.suffix == ".jpg" else "png"))
    found = tilepack.diff(samples / "mixed_v2_cache", tmp_path / "b", pixels=True)
    assert found.counts.differing == 4
    assert found.counts.undecodable == 0
    assert found.counts.pixels > 100_000
