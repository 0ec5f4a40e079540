"""Every kind of PNG is decoded exactly, and what is written is small and means the same."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pngs_by_hand import (
    KINDS,
    chunk,
    expected_pixels,
    made,
    numbers_of,
    options_of,
    palette_of,
    read,
)

from tilepack.errors import TileError
from tilepack.formats.sniff import PNG_SIGNATURE
from tilepack.pixels.png import read_png, write_png


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "depth"), KINDS)
def test_every_kind_is_decoded_exactly(colour_type, depth, interlaced):
    numbers = numbers_of(colour_type, depth)
    data = made(numbers, colour_type, depth, interlaced=interlaced, **options_of(colour_type, depth))
    image = read(data)
    assert np.array_equal(image.pixels, expected_pixels(numbers, colour_type, depth))
    assert image.is_sixteen_bit == (depth == 16)
    assert (image.palette is None) == (colour_type != 3)


@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (0, 2), (2, 2, 0, 1)])
@pytest.mark.parametrize(("colour_type", "depth"), [(3, 8), (2, 8), (6, 8), (4, 8), (2, 16)])
def test_every_filter_is_undone(colour_type, depth, filters):
    numbers = numbers_of(colour_type, depth, 3)
    data = made(numbers, colour_type, depth, filters=filters, **options_of(colour_type, depth))
    assert np.array_equal(read(data).pixels, expected_pixels(numbers, colour_type, depth))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (5, 1), (3, 2), (8, 8), (9, 4)])
@pytest.mark.parametrize(("colour_type", "depth"), [(0, 1), (3, 2), (2, 8), (6, 16)])
def test_small_interlaced_images_have_empty_passes(colour_type, depth, width, height):
    numbers = numbers_of(colour_type, depth, 5, height, width)
    data = made(numbers, colour_type, depth, interlaced=True, **options_of(colour_type, depth))
    assert np.array_equal(read(data, height, width).pixels, expected_pixels(numbers, colour_type, depth))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "depth"), [kind for kind in KINDS if kind[0] in (0, 2)])
def test_the_transparent_colour_is_found_at_full_depth(colour_type, depth, interlaced):
    numbers = numbers_of(colour_type, depth, 1)
    key = numbers[4, 7]
    numbers[5, 5], numbers[6, 6] = key, key
    if depth == 16:  # equal when rounded to eight bits, and yet another colour
        numbers[8, 8] = key ^ 1
    trns = struct.pack(f">{len(key)}H", *key.tolist())
    pixels = read(made(numbers, colour_type, depth, trns=trns, interlaced=interlaced)).pixels
    assert np.array_equal(pixels, expected_pixels(numbers, colour_type, depth, key))
    assert pixels[5, 5, 3] == 0
    if depth == 16:
        assert pixels[8, 8, 3] == 255


def test_bits_of_the_transparent_colour_beyond_the_depth_do_not_count():
    numbers = numbers_of(2, 8, 2)
    key = numbers[3, 3]
    pixels = read(made(numbers, 2, 8, trns=struct.pack(">3H", *(key + 0x4200).tolist()))).pixels
    assert np.array_equal(pixels, expected_pixels(numbers, 2, 8, key))


def test_sixteen_bits_round_to_the_nearest_eight():
    numbers = np.arange(1 << 16).reshape(256, 256, 1)
    pixels = read(made(numbers, 0, 16, filters=(0,)), 256, 256).pixels
    exact = numbers[..., 0] / 257
    assert np.abs(pixels[..., 0] - exact).max() < 0.5


def test_a_table_of_alphas_may_be_shorter_or_longer_than_the_palette():
    numbers, palette = numbers_of(3, 2), palette_of(2)
    for alphas in (b"", b"\x07", bytes(9)):
        image = read(made(numbers, 3, 2, plte=palette[:, :3].tobytes(), trns=alphas))
        assert image.palette[:, 3].tolist() == [*alphas[:4], *[255] * (4 - len(alphas))]


def test_what_says_nothing_of_the_pixels_is_passed_over():
    numbers = numbers_of(6, 8)
    odd = chunk(b"iCCP", b"?") + chunk(b"acTL", bytes(8)) + chunk(b"tEXt", b"x" * 99) + chunk(b"gAMA", b"")
    odd += b"\0\0\0\1zzZzA????"  # its checksum is wrong
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = read(made(numbers, 6, 8, before=odd, idats=7) + b"behind the end")
    assert np.array_equal(image.pixels, expected_pixels(numbers, 6, 8))
    assert image.has_profile


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "depth"), [kind for kind in KINDS if kind[1] <= 8])
def test_pillow_agrees_up_to_eight_bits(colour_type, depth, interlaced):
    data = made(
        numbers_of(colour_type, depth, 7), colour_type, depth, interlaced=interlaced, **options_of(colour_type, depth)
    )
    assert np.array_equal(read(data).pixels, np.array(Image.open(io.BytesIO(data)).convert("RGBA")))


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_agrees_on_sixteen_bits(colour_type):
    data = made(numbers_of(colour_type, 16, 8), colour_type, 16, interlaced=True)
    with rasterio.MemoryFile(data) as file, file.open() as dataset:
        numbers = np.moveaxis(dataset.read(), 0, -1).astype(np.int64)
    assert np.array_equal(read(data).pixels, expected_pixels(numbers, colour_type, 16))


def test_decoded_pixels_may_be_changed():
    for colour_type, depth in KINDS:
        pixels = read(made(numbers_of(colour_type, depth), colour_type, depth, **options_of(colour_type, depth))).pixels
        assert pixels.flags.writeable
        assert pixels.flags.c_contiguous


@pytest.mark.parametrize(("colour_type", "depth"), [(3, 8), (2, 8), (6, 16)])
def test_a_png_cut_short_anywhere_is_an_error_or_whole(colour_type, depth):
    numbers = numbers_of(colour_type, depth)
    data = made(numbers, colour_type, depth, idats=2, **options_of(colour_type, depth))
    for length in range(len(data) - 12):
        with pytest.raises(TileError):
            read(data[:length])
    for length in range(len(data) - 12, len(data)):
        assert np.array_equal(read(data[:length]).pixels, expected_pixels(numbers, colour_type, depth))


def test_a_changed_bit_is_an_error_or_changes_nothing():
    data = made(numbers_of(3, 8), 3, 8, **options_of(3, 8))
    whole = read(data).pixels
    for position in range(0, len(data), 3):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        try:
            pixels = read(bytes(changed)).pixels
        except TileError:
            continue
        # A chunk's name may become one that says nothing of the pixels; of tRNS that leaves the colours.
        assert np.array_equal(pixels[..., :3], whole[..., :3])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (made(numbers_of(3, 8), 3, 8), "palette has 0 bytes"),
        (made(numbers_of(3, 8), 3, 8, plte=bytes(10)), "palette has 10 bytes"),
        (made(numbers_of(3, 8), 3, 8, plte=bytes(30)), "there are 10"),
        (made(numbers_of(2, 8), 2, 8, trns=b"\0\0"), "tRNS chunk has 2 bytes"),
        (made(numbers_of(6, 8, height=18), 6, 8), "23 x 18 pixels; tiles of this cache have 23 x 19"),
        (
            PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 23, 19, 8, 6, 0, 0, 0)) + chunk(b"IEND", b""),
            "cut short",
        ),
        (PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 23, 19, 3, 6, 0, 0, 0)), "does not exist"),
        (PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 23, 19, 8, 6, 0, 0, 2)), "interlace 2"),
        (PNG_SIGNATURE + chunk(b"IHDR", bytes(9)), "IHDR has 9 bytes"),
        (PNG_SIGNATURE + chunk(b"IDAT", bytes(9)), "where IHDR belongs"),
        (b"GIF89a" + bytes(60), "does not start"),
    ],
)
def test_malformed_pngs_are_told_apart(data, words):
    with pytest.raises(TileError, match=words):
        read(data)


def rows_as_png(raw):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 23, 19, 8, 2, 0, 0, 0))
    return PNG_SIGNATURE + header + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def test_rows_that_are_missing_are_an_error_and_superfluous_ones_are_not():
    row = bytes(1 + 3 * 23)
    with pytest.raises(TileError, match=r"1,260 bytes of 1,330"):
        read(rows_as_png(row * 18))
    assert not read(rows_as_png(row * 30)).pixels[..., :3].any()


def test_a_bomb_is_inflated_no_further_than_its_rows():
    assert read(rows_as_png(bytes(50_000_000))).pixels.shape == (19, 23, 4)


def test_an_unknown_filter_is_an_error():
    with pytest.raises(TileError, match="filter that does not exist"):
        read(rows_as_png((b"\x05" + bytes(69)) * 19))


def test_a_wrong_checksum_inside_the_stream_is_an_error():
    stream = bytearray(zlib.compress(bytes(70 * 19)))
    stream[-1] ^= 1
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 23, 19, 8, 2, 0, 0, 0))
    with pytest.raises(TileError, match="do not inflate"):
        read(PNG_SIGNATURE + header + chunk(b"IDAT", bytes(stream)))


def opened(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGBA"))


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([3, 4]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_again(width, height, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)
    data = write_png(pixels)
    ours = read_png(data, width=width, height=height).pixels
    assert np.array_equal(ours[..., :channels], pixels)
    assert np.array_equal(opened(data), ours)


@given(st.integers(1, 256), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_palettes_are_read_again(entries, seed):
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (entries, 4)).astype(np.uint8)
    palette[entries // 2 :, 3] = 255
    indices = random.integers(0, entries, (11, 13)).astype(np.uint8)
    data = write_png(indices, palette=palette)
    image = read_png(data, width=13, height=11)
    assert np.array_equal(image.palette, palette)
    assert np.array_equal(image.indices, indices)
    assert np.array_equal(opened(data), image.pixels)


def test_a_transparent_colour_is_read_again():
    pixels = np.random.default_rng(0).integers(0, 3, (11, 13, 3)).astype(np.uint8)
    data = write_png(pixels, key=(0, 1, 2))
    image = read_png(data, width=13, height=11)
    assert image.key == (0, 1, 2)
    assert np.array_equal(image.pixels[..., 3] == 0, (pixels == (0, 1, 2)).all(axis=-1))
    assert np.array_equal(opened(data), image.pixels)


def test_the_filter_that_gives_less_is_taken():
    slope = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 256, 3)), 256, axis=0).astype(np.uint8)
    falling = (slope + np.arange(256)[:, None, None]).astype(np.uint8)
    assert len(write_png(falling)) < 4000  # unfiltered it does not shrink
    assert np.array_equal(opened(write_png(falling))[..., :3], falling)


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (np.zeros((4, 4), np.uint8), {}),
        (np.zeros((4, 4, 2), np.uint8), {}),
        (np.zeros((4, 4, 4), np.uint8), {"key": (0, 0, 0)}),
        (np.zeros((4, 4, 3), np.uint8), {"palette": np.zeros((1, 4), np.uint8)}),
        (np.zeros((4, 4), np.uint8), {"palette": np.zeros((257, 4), np.uint8)}),
    ],
)
def test_shapes_that_do_not_fit_are_refused(pixels, options):
    with pytest.raises(ValueError, match=r"pixels of shape|a palette has"):
        write_png(pixels, **options)
