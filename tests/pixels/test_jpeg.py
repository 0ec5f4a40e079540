"""JPEGs of every kind are decoded as Pillow decodes them, and written after their model."""

import io
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from tilepack.errors import TileError, UnsupportedError
from tilepack.pixels.jpeg import JpegEncoding, read_jpeg, write_jpeg

SIZE = (96, 64)


def scene(mode="RGB", seed=0):
    """A picture with slopes and something on them."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    noise = np.random.default_rng(seed).integers(0, 30, (*x.shape, 3))
    pixels = np.stack((x * 2, y * 3, (x + y) % 97), axis=-1) + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert(mode)


def jpeg(mode="RGB", **options):
    buffer = io.BytesIO()
    scene(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def read(data, width=SIZE[0], height=SIZE[1]):
    return read_jpeg(data, width=width, height=height)


def opened(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGBA"))


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def as_ycck(data):
    """Tell of a CMYK JPEG that it is YCCK: other colours, and as sound a file."""
    position = data.index(b"Adobe")
    return data[: position + 11] + b"\x02" + data[position + 12 :]


KINDS = {
    "L": jpeg("L"),
    "YCbCr 4:4:4": jpeg(subsampling=0),
    "YCbCr 4:2:2": jpeg(subsampling=1),
    "YCbCr 4:2:0": jpeg(subsampling=2),
    "RGB": jpeg(keep_rgb=True),
    "CMYK": jpeg("CMYK"),
    "YCCK": as_ycck(jpeg("CMYK")),
    "progressive": jpeg(progressive=True),
    "restarts": jpeg(restart_marker_blocks=3),
}


@pytest.mark.parametrize("name", KINDS)
def test_pillow_agrees_on_every_kind(name):
    image = read(KINDS[name])
    assert np.array_equal(image.pixels, opened(KINDS[name]))
    assert image.pixels.flags.writeable
    assert not image.has_profile


@pytest.mark.parametrize(
    ("name", "model", "subsampling"),
    [
        ("L", "L", 0),
        ("YCbCr 4:4:4", "YCbCr", 0),
        ("YCbCr 4:2:2", "YCbCr", 1),
        ("YCbCr 4:2:0", "YCbCr", 2),
        ("RGB", "RGB", 0),
        ("CMYK", "CMYK", 0),
        ("YCCK", "YCCK", 0),
    ],
)
def test_the_encoding_is_told(name, model, subsampling):
    encoding = read(KINDS[name]).encoding
    assert (encoding.model, encoding.subsampling) == (model, subsampling)
    tables = Image.open(io.BytesIO(KINDS[name])).quantization
    assert [list(table) for table in encoding.tables[:2]] == [tables[0], tables.get(1, tables[0])][
        : len(encoding.tables)
    ]


@pytest.mark.parametrize("quality", [20, 75, 97])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_what_is_written_has_the_tables_and_the_subsampling_of_its_model(quality, subsampling):
    model = read(jpeg(quality=quality, subsampling=subsampling))
    again = read(write_jpeg(model.pixels, like=model.encoding))
    assert again.encoding == model.encoding
    assert np.abs(again.pixels.astype(int) - model.pixels).mean() < 3


@pytest.mark.parametrize("name", ["L", "RGB"])
def test_grey_stays_grey_and_rgb_stays_rgb(name):
    model = read(KINDS[name])
    assert read(write_jpeg(model.pixels, like=model.encoding)).encoding == model.encoding


def test_three_tables_stay_three():
    tables = tuple(tuple([number] * 64) for number in (3, 5, 7))
    like = JpegEncoding(model="YCbCr", tables=tables, sampling=((2, 2), (1, 1), (1, 1)))
    assert read(write_jpeg(read(KINDS["RGB"]).pixels, like=like)).encoding == like


def test_large_numbers_in_tables_stay():
    tables = (tuple(range(1, 640, 10)),) * 3
    like = JpegEncoding(model="YCbCr", tables=tables, sampling=((1, 1),) * 3)
    assert read(write_jpeg(read(KINDS["RGB"]).pixels, like=like)).encoding.tables == tables


def test_grey_becomes_colour_with_the_pixels():
    model = read(KINDS["L"])
    model.pixels[:8, :8, :3] = (255, 0, 0)
    again = read(write_jpeg(model.pixels, like=model.encoding))
    assert again.encoding.model == "YCbCr"
    assert set(again.encoding.tables) == set(model.encoding.tables)


@pytest.mark.parametrize("sampling", [((1, 2), (1, 1), (1, 1)), ((4, 1), (1, 1), (1, 1)), ((2, 2), (2, 1), (1, 1))])
def test_other_subsampling_becomes_full(sampling):
    model = read(KINDS["YCbCr 4:2:0"])
    like = JpegEncoding(model="YCbCr", tables=model.encoding.tables, sampling=sampling)
    assert like.subsampling is None
    assert read(write_jpeg(model.pixels, like=like)).encoding.subsampling == 0


def test_cmyk_becomes_colour():
    model = read(KINDS["CMYK"])
    assert read(write_jpeg(model.pixels, like=model.encoding)).encoding.model == "YCbCr"


def test_quality_rules_where_there_is_no_model():
    pixels = read(KINDS["RGB"]).pixels
    assert write_jpeg(pixels, quality=0) == write_jpeg(pixels, quality=75) == write_jpeg(pixels)
    assert len(write_jpeg(pixels, quality=30)) < len(write_jpeg(pixels, quality=90))
    with pytest.raises(ValueError, match="0 to 100"):
        write_jpeg(pixels, quality=101)


def test_what_says_nothing_of_the_pixels_is_passed_over():
    odd = segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff") + segment(0xE2, b"MPF\0damaged") + segment(0xFE, b"hello")
    odd += segment(0xE2, b"ICC_PROFILE\0\1\1...") + b"\xff\xff"
    data = KINDS["YCbCr 4:2:0"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = read(data[:2] + odd + data[2:] + b"behind the end")
    assert np.array_equal(image.pixels, read(data).pixels)
    assert image.has_profile


@pytest.mark.parametrize("name", KINDS)
def test_a_jpeg_cut_short_anywhere_is_an_error(name):
    data = KINDS[name]
    for length in [*range(0, len(data) - 2, 37), len(data) - 3]:
        with pytest.raises(TileError):
            read(data[:length])


@pytest.mark.parametrize("name", [name for name in KINDS if name != "progressive"])
def test_an_end_put_behind_half_an_image_deceives_nobody(name):
    data = KINDS[name]
    for part in np.linspace(0.4, 0.95, 40):
        with pytest.raises(TileError, match=r"cut short|does not decode"):
            read(data[: int(len(data) * part)].rstrip(b"\xff") + b"\xff\xd9")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_what_is_grey_of_itself_is_no_damage(mode):
    buffer = io.BytesIO()
    Image.new("RGB", SIZE, (128, 128, 128)).convert(mode).save(buffer, "JPEG")
    assert np.abs(read(buffer.getvalue()).pixels[..., :3].astype(int) - 128).max() <= 1


@pytest.mark.parametrize("name", KINDS)
def test_changed_bytes_raise_nothing_but_our_errors(name):
    random = np.random.default_rng(5)
    for _ in range(150):
        data = bytearray(KINDS[name])
        data[random.integers(2, len(data))] = random.integers(0, 256)
        try:
            image = read(bytes(data))
        except (TileError, UnsupportedError):
            continue
        assert image.pixels.shape == (64, 96, 4)
        write_jpeg(image.pixels, like=image.encoding)


def frame(precision=8, height=SIZE[1], width=SIZE[0], components=3):
    content = struct.pack(">BHHB", precision, height, width, components)
    return segment(0xC0, content + b"".join(bytes([n, 0x11, 0]) for n in range(components)))


START, SCAN = b"\xff\xd8", segment(0xDA, bytes(10))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG", "does not start"),
        (START + SCAN, "no frame"),
        (START + frame(width=1) + SCAN, "1 x 64 pixels; tiles of this cache have 96 x 64"),
        (START + frame(width=65535, height=65535) + SCAN, "65535 x 65535"),
        (START + frame(components=2) + SCAN, "2 components"),
        (START + frame() + b"\xff\xd9" + bytes(9), "no segment"),
        (START + frame() + b"\xff\xe0\0\1" + SCAN, "shorter than its own length"),
        (START + frame(), "ends before its image"),
        (START + frame() + SCAN * 502, "more than 500 scans"),
        (START + frame() + SCAN + bytes(99), "does not decode|cut short"),
    ],
)
def test_malformed_jpegs_are_told_apart(data, words):
    with pytest.raises(TileError, match=words):
        read(data)


def test_more_than_eight_bits_are_not_supported():
    with pytest.raises(UnsupportedError, match="12 bits"):
        read(START + frame(precision=12) + SCAN)
