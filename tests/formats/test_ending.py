"""Where an image ends: what Pillow writes ends where its file does, whatever follows."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tilepack.formats.ending import end_of_image


def drawn(kind: str, **options: object) -> bytes:
    noise = Image.frombytes("RGB", (40, 30), random.Random(4).randbytes(3600)).resize((83, 64))
    out = io.BytesIO()
    noise.save(out, kind, **options)
    return out.getvalue()


EXIF = Image.Exif()
EXIF[0x010E] = "a picture in a picture: \xff\xd8\xff\xd9 \xff\xda"

IMAGES = {
    "png": drawn("PNG"),
    "png-palette": drawn("PNG", bits=4),
    "jpeg": drawn("JPEG"),
    "jpeg-progressive": drawn("JPEG", progressive=True, quality=30),
    "jpeg-restarts": drawn("JPEG", restart_marker_blocks=2),
    "jpeg-exif": drawn("JPEG", exif=EXIF, comment=b"\xff\xd9"),
    "webp": drawn("WEBP"),
    "webp-lossless": drawn("WEBP", lossless=True),
}
EVERY = pytest.mark.parametrize("name", IMAGES)


@EVERY
@pytest.mark.parametrize("behind", [b"", b"\0", b"\xff\xd9\xff\xd9", bytes(99), IMAGES["png"]])
def test_end_is_the_files_whatever_follows(name, behind):
    assert end_of_image(IMAGES[name] + behind) == len(IMAGES[name])


@EVERY
def test_cut_anywhere_it_has_no_end(name):
    data = IMAGES[name]
    for length in [*range(40), *range(40, len(data), 7), *range(len(data) - 20, len(data))]:
        assert end_of_image(data[:length]) is None


@pytest.mark.parametrize(
    "data", [b"", b"CntZImage " + bytes(50), b"Lerc2 " + bytes(50), b"\x1f\x8b" + bytes(50), b"what"]
)
def test_other_kinds_do_not_say(data):
    assert end_of_image(data) is None


@given(start=st.sampled_from([b"", *(data[:12] for data in IMAGES.values())]), rest=st.binary(max_size=200))
def test_nothing_makes_it_fail(start, rest):
    end = end_of_image(start + rest)
    assert end is None or 0 < end <= len(start + rest)


@given(name=st.sampled_from(sorted(IMAGES)), at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_never_gives_an_end_beyond_the_data(name, at, byte):
    data = bytearray(IMAGES[name])
    data[at % len(data)] = byte
    end = end_of_image(bytes(data))
    assert end is None or end <= len(data)


def test_millions_of_segments_are_not_walked():
    assert end_of_image(b"\xff\xd8\xff\xe0\0\2" + b"\xff\xe0\0\2" * 200_000 + b"\xff\xd9") is None
