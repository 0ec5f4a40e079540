"""PNGs made by hand, of every kind, and the pixels that they mean by the plain words of the standard."""

import itertools
import struct
import zlib

import numpy as np

from tilepack.formats.sniff import PNG_SIGNATURE
from tilepack.pixels.png import read_png

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8)]
KINDS += [(4, 8), (4, 16), (6, 8), (6, 16)]
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def packed(numbers, depth):
    """Pack numbers (height, width, channels) into rows of bytes."""
    flat = numbers.reshape(len(numbers), -1)
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in flat]
    bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
    return [np.packbits(row.reshape(-1)).tobytes() for row in bits]


def paeth(left, above, corner):
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def filtered(rows, step, filters):
    """Filter rows, each by the next of the filters."""
    above, out = bytes(len(rows[0])), b""
    for row, number in zip(rows, itertools.cycle(filters)):
        left, corner = bytes(step) + row, bytes(step) + above
        predicted = {
            0: lambda *_: 0,
            1: lambda a, *_: a,
            2: lambda _, b, __: b,
            3: lambda a, b, _: (a + b) // 2,
            4: paeth,
        }[number]
        out += bytes([number])
        out += bytes((x - predicted(a, b, c)) & 255 for x, a, b, c in zip(row, left, above, corner, strict=False))
        above = row
    return out


def made(
    numbers, colour_type, depth, *, plte=b"", trns=None, interlaced=False, filters=(0, 1, 2, 3, 4), before=b"", idats=1
):
    """Make a PNG by hand."""
    step = max(1, depth * CHANNELS[colour_type] // 8)
    height, width = numbers.shape[:2]
    parts = [numbers[y::v, x::h] for x, y, h, v in PASSES] if interlaced else [numbers]
    raw = b"".join(filtered(packed(part, depth), step, filters) for part in parts if part.size)
    stream = zlib.compress(raw)
    cut = -(-len(stream) // idats)
    return b"".join(
        (
            PNG_SIGNATURE,
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced)),
            before,
            chunk(b"PLTE", plte) if plte else b"",
            chunk(b"tRNS", trns) if trns is not None else b"",
            *(chunk(b"IDAT", stream[start : start + cut]) for start in range(0, len(stream), cut)),
            chunk(b"IEND", b""),
        )
    )


def numbers_of(colour_type, depth, seed=0, height=19, width=23):
    return np.random.default_rng(seed).integers(0, 1 << depth, (height, width, CHANNELS[colour_type]))


def palette_of(depth):
    return np.random.default_rng(9).integers(0, 256, (1 << depth, 4)).astype(np.uint8)


def expected_pixels(numbers, colour_type, depth, key=None):
    """Give the pixels that the numbers mean, by the plain words of the standard."""
    if colour_type == 3:
        return palette_of(depth)[numbers[..., 0]]
    most = (1 << depth) - 1
    scaled = np.floor(numbers * 255 / most + 0.5).astype(np.uint8)
    pixels = np.full((*numbers.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = scaled[..., :3] if colour_type in (2, 6) else scaled[..., :1]
    if colour_type in (4, 6):
        pixels[..., 3] = scaled[..., -1]
    if key is not None:
        pixels[(numbers == np.array(key)).all(axis=-1), 3] = 0
    return pixels


def options_of(colour_type, depth):
    if colour_type != 3:
        return {}
    palette = palette_of(depth)
    return {"plte": palette[:, :3].tobytes(), "trns": palette[:, 3].tobytes()}


def read(data, height=19, width=23):
    return read_png(data, width=width, height=height)
