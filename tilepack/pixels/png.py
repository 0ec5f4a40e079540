"""PNG: every colour type in, exactly; 8-bit palette, RGB and RGBA out, small and quick.

=========  ====================================================================================
bytes      meaning
=========  ====================================================================================
8          signature 89 PNG 0D 0A 1A 0A
per chunk  u32 length, 4 letters, data, u32 CRC-32 of letters and data
IHDR       u32 width, u32 height, u8 bit depth, u8 colour type, u8 0, u8 0, u8 interlace (0, 1)
PLTE       up to 256 times red, green, blue
tRNS       palette: alphas of its first entries; grey, RGB: the one colour that is transparent
IDAT ...   together one zlib stream: per row a filter byte and the row, packed
IEND       nothing
=========  ====================================================================================

All big-endian; ISO/IEC 15948. Numbers of more bits than eight stay whole until the transparent colour is found, and
are rounded then. The chunks are read here and not by Pillow: its reader rounds such colours first, warns through
process-wide state, and looks at text and profiles nobody asked for. Undoing the row filters is left to Pillow's zip
decoder (it releases the interpreter), which gets the inflated rows in a zlib stream of stored blocks: so their length
and checksum are verified before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from zlib_ng import zlib_ng

from tilepack.errors import TileError
from tilepack.formats.sniff import PNG_SIGNATURE
from tilepack.pixels.blend import Pixels

_REMEDY: Final = "take it from an undamaged copy of the cache, or leave it out"

_InflateError: Final[type[Exception]] = zlib_ng.error  # type: ignore[assignment] # the stubs take it for an instance

_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers a pixel, by colour type: grey, RGB, palette, grey with alpha, RGBA."""

_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}

_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Adam7: first column, first row, columns apart, rows apart."""

_LEVEL: Final = 3
"""Of zlib-ng. Level 2 is a sixth quicker and up to a tenth larger; 6 takes half as long again for 3 %."""

_RAW_MODES: Final = {
    1: ("P", "P;1"),
    2: ("P", "P;2"),
    4: ("P", "P;4"),
    8: ("P", "P"),
    16: ("LA", "LA"),
    24: ("RGB", "RGB"),
    32: ("RGBA", "RGBA"),
    48: ("RGB", "RGB;16B", "RGB;16L"),  # two looks: at the upper bytes, and at the lower as if they were the upper
    64: ("RGBA", "RGBA;16B", "RGBA;16L"),
}
"""Pillow's mode and raw mode in which the bytes of so many bits a pixel come through unchanged, whatever they mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PngImage:
    """What was in a PNG."""

    pixels: Pixels
    """uint8 (height, width, 4), straight alpha."""
    palette: NDArray[np.uint8] | None = None
    """uint8 (entries, 4): red, green, blue, alpha of a palette image; None for all others."""
    indices: NDArray[np.uint8] | None = None
    """uint8 (height, width): which entry each pixel is; None likewise."""
    key: tuple[int, int, int] | None = None
    """The colour that is transparent, of an RGB image of 8 bits that has one."""
    is_sixteen_bit: bool = False
    """Whether numbers of 16 bits were rounded to 8."""
    has_profile: bool = False
    """Whether it carries an ICC profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool

    @property
    def bits(self) -> int:
        """Bits a pixel."""
        return self.depth * _CHANNELS[self.colour_type]

    @property
    def raw_size(self) -> int:
        """Bytes of all rows, filter bytes included."""
        total = 0
        for left, upper, columns, rows in _PASSES if self.interlaced else ((0, 0, 1, 1),):
            width, height = -(-(self.width - left) // columns), -(-(self.height - upper) // rows)
            if width > 0 and height > 0:
                total += height * (1 + (width * self.bits + 7) // 8)
        return total


def read_png(data: bytes, *, width: int, height: int) -> PngImage:
    """Decode a PNG.

    16-bit numbers become 8-bit ones, v / 257 rounded to the nearest. Pixels of the transparent colour keep it under
    alpha 0.

    Args:
        data: The file.
        width: Pixels it must have; nothing is allocated before this is checked.
        height: Likewise.

    Raises:
        TileError: It is malformed, cut short or of another size.
    """
    header, chunks = _parse(data)
    if (header.width, header.height) != (width, height):
        raise TileError(
            f"the PNG has {header.width} x {header.height} pixels; tiles of this cache have "
            f"{width} x {height}: {_REMEDY}"
        )
    raw = _inflate(chunks.get(b"IDAT", b""), header.raw_size)
    profile = b"iCCP" in chunks
    key = chunks.get(b"tRNS", b"")
    if header.colour_type == 3:
        palette = _palette(chunks.get(b"PLTE"), key)
        indices = _numbers(raw, header)[..., 0]
        if int(indices.max()) >= len(palette):
            raise TileError(
                f"a pixel of the PNG has palette entry {indices.max()}; there are {len(palette)}: {_REMEDY}"
            )
        pixels = palette.view("<u4")[:, 0].take(indices).view(np.uint8).reshape(height, width, 4)
        return PngImage(pixels=pixels, palette=palette, indices=indices, has_profile=profile)
    wanted = {0: 2, 2: 6}.get(header.colour_type, 0)  # bytes of a transparent colour, where there may be one
    if key and len(key) < wanted:
        raise TileError(f"the PNG's tRNS chunk has {len(key)} bytes; its colour type needs {wanted}: {_REMEDY}")
    transparent = struct.unpack(f">{wanted // 2}H", key[:wanted]) if key and wanted else None
    pixels = _expand(_numbers(raw, header), header, transparent)
    colour = None
    if transparent and header.bits == 24:
        colour = (transparent[0] & 255, transparent[1] & 255, transparent[2] & 255)
    return PngImage(pixels=pixels, key=colour, is_sixteen_bit=header.depth == 16, has_profile=profile)


def write_png(
    pixels: NDArray[np.uint8], *, palette: NDArray[np.uint8] | None = None, key: tuple[int, int, int] | None = None
) -> bytes:
    """Encode a PNG of 8 bits, unfiltered or as differences to the row above: the same pixels give the same bytes.

    Args:
        pixels: uint8, (height, width) indices of a palette, (height, width, 3) RGB or (height, width, 4) RGBA.
        palette: uint8 (1 to 256, 4), RGBA; only with indices.
        key: The colour of RGB that is transparent; only with RGB.

    Raises:
        ValueError: Shapes do not fit.
    """
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels not in (1, 3, 4) or (palette is None) == (channels == 1) or (key is not None and channels != 3):
        raise ValueError(f"pixels of shape {pixels.shape} are no indices with a palette, RGB or RGBA")
    if palette is not None and not 1 <= len(palette) <= 256:
        raise ValueError(f"a palette has 1 to 256 entries, not {len(palette)}")
    colour_type = {1: 3, 3: 2, 4: 6}[channels]
    out = [PNG_SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))]
    if palette is not None:
        out.append(_chunk(b"PLTE", palette[:, :3].tobytes()))
        translucent = np.flatnonzero(palette[:, 3] != 255)
        if translucent.size:
            out.append(_chunk(b"tRNS", palette[: translucent[-1] + 1, 3].tobytes()))
    if key is not None:
        out.append(_chunk(b"tRNS", struct.pack(">3H", *key)))
    out += [_chunk(b"IDAT", _deflate(pixels.reshape(height, width, channels))), _chunk(b"IEND", b"")]
    return b"".join(out)


def _parse(data: bytes) -> tuple[_Header, dict[bytes, bytes]]:
    """Take a PNG apart: its header, and the chunks that matter by name; the IDATs are joined."""
    if data[:8] != PNG_SIGNATURE:
        raise TileError(f"the data does not start as a PNG does: {_REMEDY}")
    if data[12:16] != b"IHDR":
        raise TileError(f"the PNG starts with {data[12:16]!r} where IHDR belongs: {_REMEDY}")
    chunks: dict[bytes, bytes] = {}
    parts: list[bytes] = []
    for name, content in _chunks(data):
        if name == b"IDAT":
            parts.append(content)
        elif not parts:  # behind the pixels, nothing can say any more what they mean
            chunks.setdefault(name, content)
    chunks[b"IDAT"] = b"".join(parts)
    return _parse_header(chunks[b"IHDR"]), chunks


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each chunk that bears on the pixels; of a profile the name alone."""
    position = 8
    while len(name := data[position + 4 : position + 8]) == 4 and name != b"IEND":
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if name in {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}:
            if end > len(data):
                raise TileError(
                    f"the PNG is cut short inside {name.decode()}, {end - len(data):,} bytes early: {_REMEDY}"
                )
            if zlib_ng.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise TileError(f"the checksum of the PNG's {name.decode()} at byte {position:,} is wrong: {_REMEDY}")
            yield name, data[position + 8 : end - 4]
        elif name == b"iCCP":
            yield name, b""
        position = end  # pixels that are whole are taken without an IEND too: it says nothing of its own


def _parse_header(content: bytes) -> _Header:
    if len(content) != 13:
        raise TileError(f"the PNG's IHDR has {len(content)} bytes, not 13: {_REMEDY}")
    width, height, depth, colour_type, compression, filtering, interlace = struct.unpack(">IIBBBBB", content)
    if depth not in _DEPTHS.get(colour_type, ()):
        raise TileError(f"the PNG says colour type {colour_type} with {depth} bits, which does not exist: {_REMEDY}")
    if compression or filtering or interlace > 1:
        methods = f"compression {compression}, filter {filtering}, interlace {interlace}"
        raise TileError(f"the PNG says {methods}, which do not exist: {_REMEDY}")
    return _Header(width=width, height=height, depth=depth, colour_type=colour_type, interlaced=bool(interlace))


def _palette(colours: bytes | None, alphas: bytes) -> NDArray[np.uint8]:
    if not colours or len(colours) % 3 or len(colours) > 768:
        raise TileError(
            f"the PNG's palette has {len(colours or b'')} bytes, not 3 for each of 1 to 256 entries: {_REMEDY}"
        )
    palette = np.full((len(colours) // 3, 4), 255, np.uint8)
    palette[:, :3] = np.frombuffer(colours, np.uint8).reshape(-1, 3)
    # Alphas for more entries than there are have nothing to say.
    known = np.frombuffer(alphas, np.uint8)[: len(palette)]
    palette[: len(known), 3] = known
    return palette


def _inflate(data: bytes, size: int) -> bytes:
    """Inflate the rows, and never more than they may be."""
    inflater = zlib_ng.decompressobj()
    try:
        raw: bytes = inflater.decompress(data, size)
        if len(raw) == size and not inflater.eof:
            # Reads the checksum. Superfluous bytes instead, which some writers leave, hurt nobody.
            superfluous = inflater.decompress(inflater.unconsumed_tail, 1)
            if not superfluous and not inflater.eof:
                raise TileError(f"the PNG is cut short: the checksum of its pixels is missing: {_REMEDY}")
    except _InflateError as error:
        raise TileError(f"the PNG's pixels do not inflate ({error}): {_REMEDY}") from error
    if len(raw) != size:
        raise TileError(f"the PNG is cut short: its rows have {len(raw):,} bytes of {size:,}: {_REMEDY}")
    return raw


def _numbers(raw: bytes, header: _Header) -> NDArray[np.uint8]:
    """Undo the filters: uint8 (height, width, bytes a pixel); of fewer than 8 bits, one byte each."""
    height, width = header.height, header.width
    if header.depth >= 8 and not header.interlaced:
        rows = np.frombuffer(raw, np.uint8).reshape(height, -1)
        if set(rows[:, 0].tolist()) <= {0, 2}:
            return _undo_up(rows).reshape(height, width, -1)
    stream = _store(raw)
    mode, *raw_modes = _RAW_MODES[header.bits]
    size = (header.width, header.height)
    looks = []
    for raw_mode in raw_modes:
        try:
            image = Image.frombytes(mode, size, stream, "zip", raw_mode, int(header.interlaced))
        except ValueError as error:  # the stream is ours and whole, so only this is left
            raise TileError(f"a row of the PNG has a filter that does not exist: {_REMEDY}") from error
        looks.append(np.frombuffer(image.tobytes(), np.uint8).reshape(header.height, header.width, -1))
    return looks[0] if len(looks) == 1 else np.stack(looks, axis=-1).reshape(header.height, header.width, -1)


def _undo_up(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo filter 2, the difference to the row above, in the rows that have it."""
    values = rows[:, 1:].copy()
    above = None
    for row, filtered in zip(values, rows[:, 0].tolist(), strict=True):
        if filtered and above is not None:
            np.add(row, above, out=row)
        above = row
    return values


def _store(raw: bytes) -> bytes:
    """Wrap bytes as a zlib stream without compressing them."""
    out = [b"\x78\x01"]
    for start in range(0, len(raw), 0xFFFF):
        block = raw[start : start + 0xFFFF]
        out += [struct.pack("<BHH", start + 0xFFFF >= len(raw), len(block), len(block) ^ 0xFFFF), block]
    out.append(zlib_ng.adler32(raw).to_bytes(4, "big"))
    return b"".join(out)


def _expand(numbers: NDArray[np.uint8], header: _Header, key: tuple[int, ...] | None) -> Pixels:
    """Make RGBA of grey, RGB and their like."""
    height, width = numbers.shape[:2]
    channels = _CHANNELS[header.colour_type]
    most = (1 << header.depth) - 1
    if channels == 1 and header.depth <= 8:  # 256 greys at most: one look-up does it all
        greys = np.full((256, 4), 255, np.uint8)
        greys[: most + 1, :3] = np.arange(most + 1)[:, None] * (255 // most)
        if key is not None:
            greys[key[0] & most, 3] = 0
        return greys.view("<u4")[:, 0].take(numbers[..., 0]).view(np.uint8).reshape(height, width, 4)
    if channels == 4 and header.depth == 8:
        return np.array(numbers)
    clear = None
    if header.depth == 16:
        wide, numbers = numbers.view(">u2"), np.empty((height, width, channels), np.uint8)
        if key is not None:
            clear = (wide == np.array(key, np.uint16)).all(axis=-1)
        for row, rounded in zip(wide, numbers, strict=True):  # one by one: 32 bits a number are much for a whole tile
            rounded[...] = (row.astype(np.uint32) + 128) // 257
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., :3] = numbers[..., : 3 if channels >= 3 else 1]
    pixels[..., 3] = numbers[..., -1] if channels in (2, 4) else 255
    if key is not None and header.depth == 8:  # bits of the key beyond the depth do not count
        red, green, blue = (part & most for part in key)
        clear = pixels.view("<u4")[..., 0] == (red | green << 8 | blue << 16 | 255 << 24)
    if clear is not None:
        pixels[..., 3][clear] = 0
    return pixels


def _deflate(pixels: NDArray[np.uint8]) -> bytes:
    """Filter and compress rows (height, width, channels) each way; give the shortest, of equals the first."""
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:].reshape(pixels.shape)[...] = pixels
    ways: list[bytes] = [zlib_ng.compress(rows, _LEVEL)]
    rows[1:, 1:] = rows[1:, 1:] - rows[:-1, 1:]
    rows[:, 0] = 2
    ways.append(zlib_ng.compress(rows, _LEVEL))
    if min(map(len, ways)) * 5 > rows.size:  # grain: nothing comes again, and what seems to costs more than it saves
        runs = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, zlib_ng.MAX_WBITS, zlib_ng.DEF_MEM_LEVEL, zlib_ng.Z_RLE)
        ways.append(runs.compress(rows) + runs.flush())
    return min(ways, key=len)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib_ng.crc32(content, zlib_ng.crc32(name))
    return b"".join((struct.pack(">I", len(content)), name, content, struct.pack(">I", checksum)))
