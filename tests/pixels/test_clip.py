"""One tile clipped: what is inside stays bit by bit, in a format that holds the outside."""

import numpy as np
import pytest
from tiles_to_compose import (
    EVERYTHING,
    JPEG,
    LERC,
    MERGE,
    MIXED,
    NOTHING,
    OVERWRITE,
    PNG,
    PNG8,
    PNG24,
    PNG32,
    TILES,
    WHITE,
    clip,
    compose,
    decoded,
    disc,
    jpeg,
    noise,
    pixels_of,
)

from tilepack.errors import UnsupportedError
from tilepack.formats.sniff import sniff
from tilepack.pixels.blend import cut, paint
from tilepack.pixels.outcome import Outcome, TileNotes
from tilepack.pixels.png import write_png


@pytest.mark.parametrize("tile_format", [PNG, PNG8, PNG24, PNG32, MIXED])
@pytest.mark.parametrize("name", TILES)
def test_a_clipped_tile_keeps_what_is_inside_bit_by_bit(name, tile_format):
    before = pixels_of(TILES[name])
    result = clip(TILES[name], tile_format)
    after = pixels_of(result.data)
    assert result.outcome is Outcome.COMPOSED
    assert (after[~disc(), 3] == 0).all()
    kept = disc() & (before[..., 3] > 0)
    assert np.array_equal(after[kept], before[kept])
    assert (after[disc(), 3] == before[disc(), 3]).all()
    if tile_format not in (PNG24, PNG8) or name == "RGB with a key":
        assert np.array_equal(after[disc()], before[disc()])
    assert result.notes.sixteen_to_eight == (name == "16 bit")


def test_a_clipped_palette_tile_keeps_palette_and_indices():
    for name in ("palette", "full palette", "palette with a clear entry"):
        before = decoded(TILES[name])
        result = clip(TILES[name], PNG8)
        after = decoded(result.data)
        assert sniff(result.data).name == "PNG8"
        assert np.array_equal(after.indices[disc()], before.indices[disc()])
        used = np.unique(before.indices[disc()])
        assert np.array_equal(after.palette[used], before.palette[used])
        assert not result.notes.widened_to_rgba


def test_a_palette_tile_without_room_becomes_rgba():
    mask = EVERYTHING.copy()
    mask[0] = False
    result = clip(TILES["full palette"], PNG8, mask)
    assert sniff(result.data).name == "PNG32"
    assert result.notes.widened_to_rgba


def test_png24_takes_the_key_it_had_or_a_free_one():
    kept = decoded(clip(TILES["RGB with a key"], PNG24).data)
    assert (kept.kind.name, kept.key) == ("PNG24", (64, 128, 0))
    made = decoded(clip(TILES["RGB"], PNG24).data)
    assert made.kind.name == "PNG24"
    assert made.key is not None


def test_a_clipped_jpeg_becomes_png_for_mixed():
    result = clip(TILES["JPEG"], MIXED)
    assert sniff(result.data).name == "PNG32"
    expected = pixels_of(TILES["JPEG"])
    cut(expected, disc())
    assert np.array_equal(pixels_of(result.data), expected)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_background_keeps_jpeg_its_tables_and_its_subsampling(subsampling):
    data = jpeg(quality=60, subsampling=subsampling)
    result = clip(data, JPEG, background=WHITE)
    assert decoded(result.data).jpeg == decoded(data).jpeg
    expected = pixels_of(data)
    paint(WHITE, expected, disc())
    assert np.abs(pixels_of(result.data).astype(int) - expected).mean() < 12
    assert result.notes == TileNotes(decoded=True, jpeg_encoded=True)


def test_grey_and_cmyk_jpegs_with_a_background():
    grey = clip(TILES["grey JPEG"], JPEG, background=WHITE)
    assert decoded(grey.data).jpeg.model == "L"
    assert decoded(clip(TILES["grey JPEG"], JPEG, background=(255, 0, 0)).data).jpeg.model == "YCbCr"
    inks = clip(TILES["CMYK JPEG"], JPEG, background=WHITE)
    assert decoded(inks.data).jpeg.model == "YCbCr"
    assert inks.notes.cmyk_to_rgb


def test_png_in_a_jpeg_cache_is_painted_and_transcoded():
    result = clip(TILES["RGBA"], JPEG, background=WHITE)
    assert sniff(result.data).name == "JPEG"
    assert result.notes.transcoded


def test_jpeg_cannot_be_clipped_without_a_background():
    with pytest.raises(UnsupportedError, match=r"--background.*MIXED"):
        clip(TILES["JPEG"], JPEG)
    with pytest.raises(UnsupportedError, match="--background"):
        compose(TILES["JPEG"], None, disc(), MERGE, JPEG)
    with pytest.raises(UnsupportedError, match="--background"):
        compose(TILES["RGBA"], TILES["JPEG"], disc(), OVERWRITE, JPEG)


def test_tiles_without_a_visible_pixel_are_dropped_unless_kept():
    blank = write_png(noise(1, (0,)))
    for data, mask in ((blank, disc()), (TILES["RGB"], NOTHING), (TILES["JPEG"], NOTHING)):
        assert clip(data, MIXED, mask).outcome is Outcome.DROPPED
        kept = clip(data, MIXED, mask, keep_blank=True)
        assert not pixels_of(kept.data)[..., 3].any()
    opaque_outside = noise(1)
    opaque_outside[disc(), 3] = 0
    assert clip(write_png(opaque_outside), PNG).outcome is Outcome.DROPPED
    assert compose(TILES["RGB"], None, NOTHING, MERGE, PNG).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("name", TILES)
def test_a_mask_of_everything_moves_the_bytes(name):
    result = clip(TILES[name], PNG, EVERYTHING)
    assert (result.outcome, result.data, result.notes) == (Outcome.MOVED, TILES[name], TileNotes())


@pytest.mark.parametrize("data", [b"Lerc2 " + bytes(80), b"\x1f\x8b" + bytes(20)])
def test_what_is_no_image_moves_whole_or_not_at_all(data):
    with pytest.raises(UnsupportedError, match="no pixels to cut"):
        clip(data, LERC)
    with pytest.raises(UnsupportedError, match="neither move"):
        compose(data, None, disc(), MERGE, LERC)
    with pytest.raises(UnsupportedError, match="neither move"):
        compose(data, None, None, MERGE, PNG)
    if data.startswith(b"Lerc"):
        assert compose(data, b"Lerc2 old", None, MERGE, LERC).outcome is Outcome.MOVED
