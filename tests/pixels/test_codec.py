"""Tiles are decoded by what their bytes are, and encoded as small as their format allows without a loss."""

import io
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from tilepack.cache import TileFormat
from tilepack.errors import TileError, UnsupportedError
from tilepack.formats.sniff import TileKind, sniff
from tilepack.pixels.codec import admits, admits_format, decode, encode_png, identify
from tilepack.pixels.palette import Indexed, cut_indexed, find_palette, find_unused_colour, quantise

PNGS = [TileFormat.PNG, TileFormat.PNG8, TileFormat.PNG24, TileFormat.PNG32, TileFormat.MIXED]


def tile(colours, seed=0, alpha=(255,), height=64, width=64):
    """Pixels of so many colours, each of random alpha out of a few."""
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 4)).astype(np.uint8)
    palette[:, 3] = random.choice(alpha, colours)
    palette[:, 0], palette[:, 1] = np.arange(colours) % 256, np.arange(colours) // 256
    return palette[random.permutation(np.arange(height * width) % colours)].reshape(height, width, 4)


def saved(image, image_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def decoded(data, height=64, width=64):
    return decode(data, width=width, height=height)


def photograph(seed=0, size=256):
    """Smooth slopes with grain, as imagery has them."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (9, 9, 3)).astype(np.uint8)).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    pixels = np.full((size, size, 4), 255, np.uint8)
    pixels[..., :3] = (np.array(coarse) + random.integers(-3, 4, (size, size, 3))).clip(0, 255)
    return pixels


def flat_map(seed=0, size=256):
    """Areas and lines of few colours, as maps have them."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((size, size, 4), np.uint8)
    y, x = np.mgrid[:size, :size]
    for _ in range(40):
        cx, cy, radius = random.integers(0, size, 3)
        pixels[(x - cx) ** 2 + (y - cy) ** 2 < (radius / 3) ** 2] = (*random.integers(0, 256, 3), 255)
    return pixels


KINDS = [
    TileKind("JPEG"),
    TileKind("PNG8", colour_type=3, bit_depth=4),
    TileKind("PNG24", colour_type=2, bit_depth=8),
    TileKind("PNG32", colour_type=6, bit_depth=8),
    TileKind("LERC"),
    TileKind("WEBP"),
    TileKind("PBF"),
]


@pytest.mark.parametrize("tile_format", TileFormat)
@pytest.mark.parametrize("other", TileFormat)
def test_a_format_admits_another_when_it_admits_all_that_one_may_hold(tile_format, other):
    held = [kind for kind in KINDS if admits(other, kind)]
    assert admits_format(tile_format, other) == all(admits(tile_format, kind) for kind in held)


@pytest.mark.parametrize(
    ("kind", "formats"),
    [
        (TileKind("JPEG"), {"JPEG", "MIXED"}),
        (TileKind("PNG8", colour_type=3, bit_depth=4), {"PNG", "PNG8", "PNG32", "MIXED"}),
        (TileKind("PNG24", colour_type=2, bit_depth=8), {"PNG", "PNG24", "PNG32", "MIXED"}),
        (TileKind("PNG32", colour_type=6, bit_depth=8), {"PNG", "PNG32", "MIXED"}),
        (TileKind("PNG", colour_type=0, bit_depth=8), {"PNG", "PNG32", "MIXED"}),
        (TileKind("LERC"), {"LERC"}),
        (TileKind("WEBP"), {"WEBP"}),
        (TileKind("PBF"), {"PBF"}),
    ],
)
def test_a_format_admits_the_kinds_it_can_hold(kind, formats):
    web = {"WEBP"} if kind.is_image else set()  # where each tile may be any image
    assert {str(tile_format) for tile_format in TileFormat if admits(tile_format, kind)} == formats | web


@pytest.mark.skipif(not features.check("webp"), reason="this Pillow has no WebP")
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_is_decoded(mode, lossless):
    image = Image.fromarray(tile(500, alpha=(0, 90, 255))).convert(mode)
    data = saved(image, "WEBP", lossless=lossless, exact=True)
    assert np.array_equal(decoded(data).pixels, np.array(Image.open(io.BytesIO(data)).convert("RGBA")))
    for length in range(0, len(data) - 1, 41):
        with pytest.raises((TileError, UnsupportedError)):
            decoded(data[:length])
    with pytest.raises(TileError, match="tiles of this cache"):
        decode(data, width=64, height=63)


@pytest.mark.skipif(not features.check("webp"), reason="this Pillow has no WebP")
def test_films_are_refused():
    frames = [Image.fromarray(tile(9, seed)) for seed in range(3)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(TileError, match="film"):
        decoded(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no bytes"),
        (b"hello, tile", "68 65 6c"),
        (b"\r\n\x1a\n\0\0\0\rIHDR" + bytes(20), "overwritten by its length"),
    ],
)
def test_what_is_no_tile_is_told_apart(data, words):
    with pytest.raises(TileError, match=words):
        identify(data)


@pytest.mark.parametrize("data", [b"Lerc2 " + bytes(80), b"\x1f\x8b" + bytes(20), b"GIF89a\x40\0\x40\0" + bytes(20)])
def test_what_is_no_image_of_ours_is_not_decoded(data):
    with pytest.raises(UnsupportedError, match="not decoded"):
        decoded(data)


@pytest.mark.parametrize(("width", "height"), [(0, 64), (64, -1), (1 << 13, 1 << 13)])
def test_absurd_sizes_are_refused(width, height):
    with pytest.raises(UnsupportedError, match="2048 x 2048"):
        decode(encode_png(tile(3), TileFormat.PNG).data, width=width, height=height)


@given(
    st.sampled_from([1, 2, 255, 256, 257, 3000]),
    st.sampled_from([(255,), (0, 255), (0, 1, 254, 255)]),
    st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_png_and_png32_and_mixed_lose_nothing(colours, alpha, seed):
    pixels = tile(colours, seed, alpha)
    for tile_format in (TileFormat.PNG, TileFormat.PNG32, TileFormat.MIXED):
        encoded = encode_png(pixels, tile_format)
        assert np.array_equal(decoded(encoded.data).pixels, pixels)
        assert np.array_equal(np.array(Image.open(io.BytesIO(encoded.data)).convert("RGBA")), pixels)
        assert not encoded.quantised
        assert not encoded.widened_to_rgba


@pytest.mark.parametrize(
    ("colours", "alpha", "names"),
    [
        (200, (255,), ["PNG8", "PNG8", "PNG24", "PNG32", "PNG24"]),
        (200, (0, 255), ["PNG8", "PNG8", "PNG24", "PNG32", "PNG32"]),
        (200, (9, 255), ["PNG8", "PNG8", "PNG32", "PNG32", "PNG32"]),
        (900, (255,), ["PNG24", "PNG24", "PNG24", "PNG32", "PNG24"]),
        (900, (0, 255), ["PNG32", "PNG32", "PNG24", "PNG32", "PNG32"]),
        (900, (9, 255), ["PNG32", "PNG32", "PNG32", "PNG32", "PNG32"]),
    ],
)
def test_each_format_takes_the_smallest_kind_it_may(colours, alpha, names):
    pixels = tile(colours, 1, alpha)
    assert [sniff(encode_png(pixels, tile_format).data).name for tile_format in PNGS] == names


def test_png24_keeps_every_visible_pixel():
    pixels = tile(900, 2, (0, 255))
    encoded = encode_png(pixels, TileFormat.PNG24)
    got = decoded(encoded.data)
    assert np.array_equal(got.pixels[..., 3], pixels[..., 3])
    visible = pixels[..., 3] == 255
    assert np.array_equal(got.pixels[visible], pixels[visible])


def test_png24_and_png8_that_cannot_hold_a_tile_become_wider_and_say_so():
    for tile_format in (TileFormat.PNG8, TileFormat.PNG24):
        pixels = tile(900, 3, (0, 128, 255))
        encoded = encode_png(pixels, tile_format)
        assert encoded.widened_to_rgba
        assert np.array_equal(decoded(encoded.data).pixels, pixels)


def test_too_many_colours_for_png8_are_quantised_on_demand():
    pixels = photograph()
    pixels[:40] = 0
    encoded = encode_png(pixels, TileFormat.PNG8, may_quantise=True)
    assert encoded.quantised
    assert sniff(encoded.data).name == "PNG8"
    got = decoded(encoded.data, 256, 256).pixels
    assert np.array_equal(got[..., 3], pixels[..., 3])
    assert np.abs(got.astype(int) - pixels).mean() < 6


@pytest.mark.parametrize("alpha", [(255,), (0, 255), (0, 40, 200, 255), (0,)])
def test_quantised_tiles_keep_what_is_invisible_and_what_is_opaque(alpha):
    pixels = tile(3000, 4, alpha)
    indexed = quantise(pixels)
    got = indexed.palette[indexed.indices]
    assert len(indexed.palette) <= 256
    assert np.array_equal(got[..., 3] == 0, pixels[..., 3] == 0)
    if 40 not in alpha:
        assert np.array_equal(got[..., 3], pixels[..., 3])


def test_the_same_pixels_give_the_same_bytes():
    for pixels in (photograph(), flat_map(), tile(3000, 4, (0, 40, 255))):
        for tile_format in PNGS:
            first = encode_png(pixels, tile_format, may_quantise=True)
            assert first == encode_png(pixels.copy(), tile_format, may_quantise=True)


@pytest.mark.parametrize("make", [photograph, flat_map])
@pytest.mark.parametrize("seed", range(3))
def test_crossing_tiles_are_no_larger_than_pillows(make, seed):
    pixels = make(seed)
    y, x = np.mgrid[:256, :256]
    pixels[x * 2 + y > 380] = 0
    ours = encode_png(pixels, TileFormat.PNG32).data
    assert len(ours) <= 1.1 * len(saved(Image.fromarray(pixels), "PNG"))


def test_no_png_is_made_of_jpeg_and_lerc():
    for tile_format in (TileFormat.JPEG, TileFormat.LERC):
        with pytest.raises(ValueError, match="no PNG"):
            encode_png(tile(3), tile_format)


@pytest.mark.parametrize("colours", [1, 2, 255, 256, 257, 4000])
def test_a_palette_is_found_up_to_256_colours(colours):
    pixels = tile(colours, 5, (0, 128, 255))
    indexed = find_palette(pixels)
    if colours > 256:
        assert indexed is None
    else:
        assert len(indexed.palette) == colours
        assert np.array_equal(indexed.palette[indexed.indices], pixels)


def test_a_palette_is_found_for_any_colours_hash_or_not():
    for seed in range(200):
        random = np.random.default_rng(seed)
        palette = random.integers(0, 256, (256, 4)).astype(np.uint8)
        pixels = palette[random.integers(0, 256, (16, 16))]
        indexed = find_palette(pixels)
        assert np.array_equal(indexed.palette[indexed.indices], pixels)


def halves(height=8, width=8):
    mask = np.zeros((height, width), np.bool_)
    mask[:, : width // 2] = True
    return mask


def indexed_tile(entries, alpha=255):
    palette = np.full((entries, 4), alpha, np.uint8)
    palette[:, 0] = np.arange(entries)
    return Indexed(palette, (np.arange(256) % entries).astype(np.uint8).reshape(16, 16))


def test_the_outside_is_a_transparent_entry_where_there_is_one():
    tile_ = indexed_tile(20)
    tile_.palette[7, 3] = 0
    cut = cut_indexed(tile_, halves(16, 16))
    assert np.array_equal(cut.palette, tile_.palette)
    assert (cut.indices[:, 8:] == 7).all()
    assert np.array_equal(cut.indices[:, :8], tile_.indices[:, :8])


def test_the_outside_is_a_new_entry_where_there_is_room():
    tile_ = indexed_tile(255)
    cut = cut_indexed(tile_, halves(16, 16))
    assert np.array_equal(cut.palette[:255], tile_.palette)
    assert cut.palette[255].tolist() == [0, 0, 0, 0]
    assert (cut.indices[:, 8:] == 255).all()


def test_the_outside_is_an_unused_entry_in_a_full_palette():
    tile_ = indexed_tile(256)
    cut = cut_indexed(tile_, halves(16, 16))
    assert cut.palette[8].tolist() == [0, 0, 0, 0]
    assert tile_.palette[8].tolist() == [8, 255, 255, 255]
    assert (cut.indices[:, 8:] == 8).all()
    assert np.array_equal(cut.indices[:, :8], tile_.indices[:, :8])


def test_there_is_no_outside_where_every_entry_is_in_use():
    tile_ = Indexed(indexed_tile(256).palette, np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16), 2, axis=1))
    mask = np.zeros((16, 32), np.bool_)
    mask[:, ::2] = True
    assert cut_indexed(tile_, mask) is None


def test_an_unused_colour_is_one_that_nobody_has():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 0] = np.arange(256).reshape(16, 16)
    everywhere = np.ones((16, 16), np.bool_)
    assert find_unused_colour(pixels, everywhere) == (0, 1, 0)
    everywhere[0, 3] = False
    assert find_unused_colour(pixels, everywhere) == (3, 0, 0)
    assert find_unused_colour(pixels, everywhere, (1, 2, 3)) == (1, 2, 3)
    assert find_unused_colour(pixels, everywhere, (5, 0, 0)) == (3, 0, 0)


def test_threads_decode_at_once_without_warnings():
    tiles = [saved(Image.fromarray(tile(3000, seed)).convert("RGB"), "JPEG") for seed in range(4)]
    tiles += [encode_png(tile(3000, seed, (0, 128, 255)), TileFormat.PNG).data for seed in range(4)]
    expected = [decoded(data).pixels for data in tiles]
    failures = []

    def work():
        for data, pixels in list(zip(tiles, expected, strict=True)) * 20:
            if not np.array_equal(decoded(data).pixels, pixels):
                failures.append(data)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
