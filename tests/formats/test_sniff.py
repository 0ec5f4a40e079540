"""Tiles are told apart by their first bytes, whatever those are."""

import io
import struct
import subprocess
import sys
import time
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from tilepack.formats.sniff import PNG_SIGNATURE, TileKind, is_beheaded_png, sniff


def encoded(mode: str, image_format: str, size=(40, 30), **options) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, image_format, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_head(colour_type: int, depth: int, *chunks: bytes) -> bytes:
    ihdr = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 512, 256, depth, colour_type, 0, 0, 0))
    return PNG_SIGNATURE + ihdr + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "name", "suffix"),
    [
        (encoded("P", "PNG"), "PNG8", ".png"),
        (encoded("RGB", "PNG"), "PNG24", ".png"),
        (encoded("RGBA", "PNG"), "PNG32", ".png"),
        (encoded("L", "PNG"), "PNG", ".png"),
        (encoded("LA", "PNG"), "PNG", ".png"),
        (encoded("I;16", "PNG"), "PNG", ".png"),
        (encoded("RGB", "JPEG"), "JPEG", ".jpg"),
        (encoded("RGB", "JPEG", progressive=True), "JPEG", ".jpg"),
        (encoded("L", "JPEG"), "JPEG", ".jpg"),
        (encoded("RGB", "WEBP"), "WEBP", ".webp"),
        (encoded("RGBA", "WEBP"), "WEBP", ".webp"),
        (encoded("RGB", "WEBP", lossless=True), "WEBP", ".webp"),
        (encoded("P", "GIF"), "GIF", ".gif"),
        (b"CntZImage " + struct.pack("<4i", 11, 8, 30, 40), "LERC", ".lerc"),
        (b"Lerc2 " + struct.pack("<iI2i", 4, 0xDEADBEEF, 30, 40), "LERC", ".lerc"),
        (b"Lerc2 " + struct.pack("<i2i", 2, 30, 40), "LERC", ".lerc"),
    ],
)
def test_sniff_tells_name_size_and_suffix(data, name, suffix):
    kind = sniff(data)
    assert kind is not None
    assert (kind.name, kind.suffix) == (name, suffix)
    assert (kind.width, kind.height) == (40, 30)
    assert kind.is_image == (name != "LERC")
    assert kind.is_png == name.startswith("PNG")


@pytest.mark.parametrize(
    ("colour_type", "depth", "name"),
    [
        (3, 1, "PNG8"),
        (3, 2, "PNG8"),
        (3, 4, "PNG8"),
        (3, 8, "PNG8"),
        (2, 8, "PNG24"),
        (6, 8, "PNG32"),
        (2, 16, "PNG"),
        (6, 16, "PNG"),
        (0, 8, "PNG"),
        (4, 8, "PNG"),
        (9, 7, "PNG"),
    ],
)
def test_sniff_names_png_by_colour_type_and_depth(colour_type, depth, name):
    kind = sniff(png_head(colour_type, depth))
    assert kind == TileKind(name, 512, 256, colour_type, depth)


def test_sniff_calls_gzip_a_vector_tile():
    assert sniff(b"\x1f\x8b\x08\x00") == TileKind("PBF")


@pytest.mark.parametrize("data", [b"", b"\x89", b"\x89PNG", b"RIFF\0\0\0\0WAVE", b"BM", b"<html>", b"{}", b"\0" * 40])
def test_sniff_knows_nothing_of_other_bytes(data):
    assert sniff(data) is None


@pytest.mark.parametrize(
    ("data", "opaque"),
    [
        (encoded("RGB", "JPEG"), True),
        (encoded("RGB", "PNG"), True),
        (encoded("P", "PNG"), True),
        (encoded("L", "PNG"), True),
        (encoded("RGB", "WEBP"), True),
        (encoded("RGB", "PNG", transparency=(1, 2, 3)), False),
        (encoded("P", "PNG", transparency=0), False),
        (encoded("RGBA", "PNG"), False),
        (encoded("LA", "PNG"), False),
        (encoded("RGBA", "WEBP"), False),
        (encoded("P", "GIF"), False),
        (png_head(2, 8, png_chunk(b"tEXt", b"a\0b"), png_chunk(b"IDAT")), True),
        (
            png_head(2, 8, png_chunk(b"tEXt", b"a\0b"), png_chunk(b"tRNS", bytes(6)), png_chunk(b"IDAT")),
            False,
        ),
        (png_head(2, 8, png_chunk(b"tEXt", b"a\0b")), False),
        (png_head(2, 8, struct.pack(">I", 0xFFFFFFFF) + b"tEXt"), False),
        (
            png_head(2, 8, *[png_chunk(b"tEXt")] * 1000, png_chunk(b"tRNS", bytes(6)), png_chunk(b"IDAT")),
            False,
        ),
    ],
)
def test_sniff_claims_opacity_only_where_it_is_certain(data, opaque):
    kind = sniff(data)
    assert kind is not None
    assert kind.is_opaque is opaque


def test_sniff_finds_jpeg_size_behind_metadata_fill_bytes_and_restart_markers():
    segments = b"\xff\xe1\xff\xf0" + bytes(0xFFEE) + b"\xff\xff\xff\xfe\x00\x04hi" + b"\xff\xd0"
    data = encoded("RGB", "JPEG")
    kind = sniff(data[:2] + segments + data[2:])
    assert kind is not None
    assert (kind.width, kind.height) == (40, 30)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff" + b"\xff" * 5_000_000,
        b"\xff\xd8" + b"\xff\xd0" * 2_500_000,
        b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1_250_000,
        png_head(2, 8, *[png_chunk(b"tEXt")] * 300_000),
    ],
)
def test_sniff_takes_no_time_when_segments_never_end(data):
    start = time.thread_time()  # of the processor: others may be at work
    kind = sniff(data)
    assert time.thread_time() - start < 0.1  # a walk through all of it takes longer
    assert kind is not None


def test_beheaded_png_is_unknown_but_recognised():
    whole = encoded("RGBA", "PNG")
    beheaded = whole[4:]
    assert sniff(beheaded) is None
    assert is_beheaded_png(beheaded)
    assert not is_beheaded_png(whole)
    assert not is_beheaded_png(b"\r\n\x1a\n")
    assert sniff(PNG_SIGNATURE[:4] + beheaded) == sniff(whole)


_HEADS = [
    PNG_SIGNATURE,
    PNG_SIGNATURE + b"\0\0\0\x0dIHDR",
    b"\xff\xd8\xff",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"RIFF\0\0\0\0WEBPVP8L",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"GIF89a",
    b"Lerc2 ",
    b"CntZImage ",
    b"\x1f\x8b",
    b"",
]


@given(st.sampled_from(_HEADS), st.binary(max_size=80))
@example(PNG_SIGNATURE, b"")
def test_sniff_never_raises_whatever_the_bytes(head, tail):
    kind = sniff(head + tail)
    assert kind is None or kind.suffix.startswith(".")


@pytest.mark.parametrize(
    "whole",
    [
        encoded("P", "PNG", transparency=0),
        encoded("RGB", "JPEG"),
        encoded("RGBA", "WEBP"),
        encoded("P", "GIF"),
    ],
)
def test_sniff_of_any_beginning_agrees_or_says_less(whole):
    full = sniff(whole)
    assert full is not None
    for length in range(len(whole)):
        kind = sniff(whole[:length])
        if kind is not None:
            assert kind.suffix == full.suffix
            assert kind.width in (None, full.width)
            assert kind.height in (None, full.height)


def test_sniff_needs_neither_pillow_nor_numpy():
    code = "import sys, tilepack.formats.sniff; print([m for m in ('PIL', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
