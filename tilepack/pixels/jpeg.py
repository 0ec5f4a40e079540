"""JPEG: grey, YCbCr, RGB, CMYK and YCCK in; grey and colour out, as an earlier tile was written.

==========  =====================================================================================
marker      meaning
==========  =====================================================================================
FF D8       start; then segments: FF, marker, u16 length (itself included), content
FF E0       "JFIF": three components are YCbCr
FF EE       "Adobe", u16 version, u16, u16, u8 transform: 0 RGB or CMYK, 1 YCbCr, 2 YCCK
FF DB       tables: u8 (precision << 4 | number), 64 numbers of 1 or 2 bytes in zigzag order
FF C0 - CF  frame (but C4, C8, CC): u8 precision, u16 height, u16 width, u8 components; for each
            u8 identifier, u8 (horizontal << 4 | vertical) sampling, u8 number of its table
FF DA       a scan: from here to FF D9 the image
==========  =====================================================================================

All big-endian; ITU-T T.81, JFIF 1.02, Adobe Technical Note 5116. Of the segments only those that bear on the pixels
are handed to the decoder, as they were read here: so nothing is decoded that was not checked, and Pillow, whose own
reader warns of odd Exif and MPO data through process-wide state, never sees these.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image

from tilepack.errors import TileError, UnsupportedError
from tilepack.pixels.blend import Pixels

_REMEDY: Final = "take it from an undamaged copy of the cache, or leave it out"

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM and the restarts."""

_MOST_SCANS: Final = 500
"""More scans than any encoder makes; each costs the decoder a walk over the whole image, however short it is."""

_MODES: Final = {1: "L", 3: "RGB", 4: "CMYK"}

_DEFAULT_QUALITY: Final = 75
"""ArcGIS' own."""

_FILLED: Final = 128
"""The grey of a block whose numbers are all 0, of any model but ink."""

_NOISE: Final = bytes(range(1, 255)) * 4

_PROBE: Final = _NOISE + b"".join(bytes((0xFF, marker)) + _NOISE for marker in range(0xD0, 0xD8)) + b"\xff\xd9"
"""Something to decode where an image lacks its end, behind whichever restart marker is due, and an end."""

_ZIGZAG: Final = (
    *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14),
    *(21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60),
    *(61, 54, 47, 55, 62, 63),
)
"""Where in its table, row by row, each number of the file belongs."""

_SUBSAMPLINGS: Final = {(1.0, 1.0): 0, (2.0, 1.0): 1, (2.0, 2.0): 2}
"""Luminance samples for one of colour, across and down: what Pillow can write, under its own numbers."""

Table = tuple[int, ...]
"""64 divisors, row by row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegEncoding:
    """How a JPEG was written: what it takes to write another like it."""

    model: str
    """What its components are: L, RGB, YCbCr, CMYK or YCCK."""
    tables: tuple[Table, ...]
    """One quantisation table a component; empty where the file does not give them beforehand."""
    sampling: tuple[tuple[int, int], ...]
    """Samples of each component a unit, across and down."""

    @property
    def subsampling(self) -> int | None:
        """Pillow's number for it: 0 (4:4:4), 1 (4:2:2), 2 (4:2:0); None for those it cannot write."""
        if len(self.sampling) < 3:
            return 0
        (across, down), second, third = self.sampling[:3]
        if second != third or 0 in second:
            return None
        return _SUBSAMPLINGS.get((across / second[0], down / second[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegImage:
    """What was in a JPEG."""

    pixels: Pixels
    """uint8 (height, width, 4), all opaque."""
    encoding: JpegEncoding
    has_profile: bool = False
    """Whether it carries an ICC profile, which the pixels do not."""


def read_jpeg(data: bytes, *, width: int, height: int) -> JpegImage:
    """Decode a JPEG.

    CMYK and YCCK are taken as inverted, as Adobe writes them, and every common reader does.

    Args:
        data: The file; what follows its end does not matter.
        width: Pixels it must have; nothing is allocated before this is checked.
        height: Likewise.

    Raises:
        TileError: It is malformed, cut short or of another size.
        UnsupportedError: It has more than 8 bits a sample.
    """
    header = _parse(data)
    size = (header.width, header.height)
    if size != (width, height):
        raise TileError(
            f"the JPEG has {header.width} x {header.height} pixels; tiles of this cache have {width} x {height}: "
            f"{_REMEDY}"
        )
    pixels = _decode(header, header.reduced)
    if _may_be_filled(pixels, len(header.components)):
        # Data behind the image are passed over; in place of missing ones they show.
        end = header.reduced.rfind(b"\xff\xd9")
        if not np.array_equal(pixels, _decode(header, header.reduced[:end] + _PROBE)):
            raise TileError(f"the JPEG is cut short: its end comes before that of its image: {_REMEDY}")
    return JpegImage(pixels=pixels, encoding=header.encoding, has_profile=header.has_profile)


def write_jpeg(pixels: Pixels, *, like: JpegEncoding | None = None, quality: int = _DEFAULT_QUALITY) -> bytes:
    """Encode a JPEG, baseline or, where tables hold numbers over 255, extended; alpha is ignored.

    Args:
        pixels: uint8 (height, width, 4).
        like: Whose quantisation tables, subsampling and colour model to take; without tables, only whether it is
            grey. Where Pillow cannot write its subsampling, 4:4:4 takes its place; CMYK becomes YCbCr; grey stays grey
            while all pixels are.
        quality: 1 to 100 in the scale of libjpeg with its usual 4:2:0, where there are no tables; 0 for 75.

    Raises:
        ValueError: The quality is out of range.
    """
    if not 0 <= quality <= 100:
        raise ValueError(f"JPEG quality is 0 to 100, not {quality}")
    height, width = pixels.shape[:2]
    mode = "RGB"
    options: dict[str, Any] = {"quality": quality or _DEFAULT_QUALITY}
    if like is not None and like.tables:
        tables = list(like.tables[:3])
        while len(tables) > 1 and tables[-1] == tables[-2]:  # components without one of their own take the last
            tables.pop()
        options = {"quality": -1, "qtables": tables, "subsampling": like.subsampling or 0}
        if like.model == "RGB":
            options["keep_rgb"] = True
    if like is not None and like.model == "L" and (pixels[..., :2] == pixels[..., 1:3]).all():
        mode = "L"
    image = Image.frombuffer("RGB", (width, height), np.ascontiguousarray(pixels), "raw", "RGBX", 0, 1)
    if mode == "L":
        image = image.getchannel(0)
    buffer = BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    width: int
    height: int
    components: tuple[tuple[int, int, int], ...]
    """Identifier, sampling and table number of each."""
    encoding: JpegEncoding
    has_profile: bool
    reduced: bytes
    """The JPEG without the segments that do not bear on the pixels."""


def _decode(header: _Header, data: bytes) -> Pixels:
    mode = _MODES[len(header.components)]
    # Adobe's ink counts from the other end.
    raw_mode = "CMYK;I" if mode == "CMYK" else mode
    try:
        image = Image.frombytes(mode, (header.width, header.height), data, "jpeg", raw_mode, "")
    except (ValueError, OSError) as error:
        reason = "is cut short" if "not enough" in str(error) else "does not decode"
        raise TileError(f"the JPEG {reason}: {_REMEDY}") from error
    if mode != "RGB":
        image = image.convert("RGB")
    pixels = np.array(np.frombuffer(image.tobytes("raw", "RGBX"), np.uint8).reshape(header.height, header.width, 4))
    pixels[..., 3] = 255
    return pixels


def _may_be_filled(pixels: Pixels, components: int) -> bool:
    """Tell whether the last pixels look like those that libjpeg puts, without an error, where data are missing."""
    corner = pixels[-4:, -4:, :3]
    grey = int(corner[-1, -1, 0])
    return (grey == _FILLED or components == 4) and bool((corner == grey).all())


def _parse(data: bytes) -> _Header:
    """Read the segments up to the first scan."""
    kept = [b"\xff\xd8"]
    frame = b""
    adobe: int | None = None
    jfif = has_profile = False
    tables: dict[int, Table] = {}
    scan = len(data)
    for marker, start, end in _segments(data):
        content = data[start + 4 : end]
        if marker == 0xDA:
            scan = start
            break
        if marker == 0xDB:
            tables.update(_tables(content))
        elif marker in _FRAMES:
            frame = frame or content
        elif marker == 0xE0 and content.startswith(b"JFIF"):
            jfif = True
        elif marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12:
            adobe = content[11]
        elif marker == 0xFE or 0xE0 <= marker <= 0xEF:
            has_profile = has_profile or (marker == 0xE2 and content.startswith(b"ICC_PROFILE\0"))
            continue
        kept.append(data[start:end])
    if data.count(b"\xff\xda", scan) > _MOST_SCANS:
        raise TileError(f"the JPEG has more than {_MOST_SCANS} scans, as no encoder writes: {_REMEDY}")
    height, width, components = _frame(frame)
    numbers = [number for _, _, number in components]
    encoding = JpegEncoding(
        model=_model([identifier for identifier, _, _ in components], adobe, jfif=jfif),
        tables=tuple(tables[number] for number in numbers) if tables.keys() >= set(numbers) else (),
        sampling=tuple((sampling >> 4, sampling & 15) for _, sampling, _ in components),
    )
    reduced = b"".join((*kept, data[scan:]))
    return _Header(
        width=width,
        height=height,
        components=components,
        encoding=encoding,
        has_profile=has_profile,
        reduced=reduced,
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment, the first scan's header the last of them.

    Raises:
        TileError: The data ends before a scan, or a marker is missing where one belongs.
    """
    if data[:2] != b"\xff\xd8":
        raise TileError(f"the data does not start as a JPEG does: {_REMEDY}")
    position = 2
    while position + 4 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker in {0x00, 0xD8, 0xD9}:
            raise TileError(f"the JPEG has no segment at byte {position:,} where one belongs: {_REMEDY}")
        if marker == 0xFF or marker in _ALONE:  # a fill byte before a marker; a marker that says nothing
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if end < position + 4:
            raise TileError(f"the JPEG's segment at byte {position:,} is shorter than its own length: {_REMEDY}")
        if end > len(data):
            break
        yield marker, position, end
        if marker == 0xDA:
            return
        position = end
    raise TileError(f"the JPEG is cut short: it ends before its image: {_REMEDY}")


def _tables(content: bytes) -> Iterator[tuple[int, Table]]:
    """Yield number and table; of what is cut short nothing, the decoder will say so."""
    position = 0
    while position < len(content):
        layout = ">64H" if content[position] >> 4 else ">64B"
        end = position + 1 + struct.calcsize(layout)
        if end > len(content):
            return
        table = [0] * 64
        for place, divisor in zip(_ZIGZAG, struct.unpack(layout, content[position + 1 : end]), strict=True):
            table[place] = divisor
        yield content[position] & 15, tuple(table)
        position = end


def _frame(content: bytes) -> tuple[int, int, tuple[tuple[int, int, int], ...]]:
    """Give height, width and components."""
    if len(content) < 6 or len(content) < 6 + 3 * content[5]:
        raise TileError(f"the JPEG has no frame that says its size: {_REMEDY}")
    precision, height, width, count = struct.unpack(">BHHB", content[:6])
    if precision != 8:
        raise UnsupportedError(f"the JPEG has {precision} bits a sample; tiles of 8 bits are what can be decoded")
    if count not in _MODES:
        raise TileError(f"the JPEG has {count} components, not 1, 3 or 4: {_REMEDY}")
    return height, width, tuple(struct.iter_unpack("BBB", content[6 : 6 + 3 * count]))


def _model(identifiers: list[int], adobe: int | None, *, jfif: bool) -> str:
    """Tell what the components are, as libjpeg does."""
    if len(identifiers) == 1:
        return "L"
    if len(identifiers) == 4:
        return "YCCK" if adobe == 2 else "CMYK"
    if not jfif and (adobe == 0 or (adobe is None and bytes(identifiers) == b"RGB")):
        return "RGB"
    return "YCbCr"
