"""Documents and tiles that become much more than they look: read or refused, in little memory."""

import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hostile_builders import files_of, root_json, write_folder

import tilepack
from tilepack.disk.journal import JOURNAL, Journal
from tilepack.errors import TransferError, UnsupportedError
from tilepack.pixels.codec import decode

MEBIBYTES = 250


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEBIBYTES << 20
    finally:
        tracemalloc.stop()


def test_text_of_one_wide_letter_and_millions_of_others_is_read(tmp_path):
    text = b'"' + b"a" * (15 << 20) + "\U0001f600".encode() + b'"'
    files = files_of("ready") | {"root.json": root_json()[:-1] + b', "x": ' + text + b"}"}
    with little_memory(), tilepack.open(write_folder(tmp_path, files)) as reader:
        assert reader.info.name == "Small"


@pytest.mark.parametrize("line", [b"[]," * 5_000_000, b"a" * (16 << 20)], ids=["many lists", "long"])
def test_line_of_a_journal_that_no_writer_writes_is_refused(line, tmp_path):
    head = b'{"tilepack":1,"work":"a","fingerprint":"b"}\n'
    (tmp_path / JOURNAL).write_bytes(head + b'{"x":[' + line + b"0]}\n")
    with little_memory(), pytest.raises(TransferError, match="line 2 is none of a journal"):
        Journal.open(tmp_path)


def png_of_zeros(side: int, *, interlace: int) -> bytes:
    """Make a PNG of 16 bits a channel, RGBA; all zeros, so that 8 bytes a pixel pack into next to nothing."""
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    passes = steps if interlace else [(0, 0, 1, 1)]
    sizes = [(len(range(right, side, across)), len(range(down, side, along))) for right, down, across, along in passes]
    rows = b"".join((b"\0" + bytes(width * 8)) * height for width, height in sizes)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, interlace)), (b"IDAT", zlib.compress(rows, 1))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.mark.parametrize("interlace", [0, 1])
def test_largest_tile_of_most_bits_is_decoded(interlace):
    data = png_of_zeros(2048, interlace=interlace)
    assert len(data) < 200_000
    with little_memory():
        assert decode(data, width=2048, height=2048).is_sixteen_bit


def test_larger_tile_is_not_decoded():
    with pytest.raises(UnsupportedError, match="2048 x 2048 is the most"):
        decode(png_of_zeros(16, interlace=0), width=4096, height=2048)
