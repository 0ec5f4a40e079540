"""What a tile really is, told by its first bytes.

Nothing is decoded, and nothing is read beyond the end, whatever a length says.

=======================  ==========================================================================
first bytes              kind
=======================  ==========================================================================
89 PNG 0D 0A 1A 0A       PNG; IHDR (13 bytes at 16): u32 width, u32 height, bit depth, colour type
FF D8 FF                 JPEG; the first SOFn segment: precision, u16 height, u16 width
RIFF .... WEBP           WebP; VP8 (lossy), VP8L (lossless) or VP8X (extended) at 12
GIF87a, GIF89a           GIF; u16 width, u16 height at 6
CntZImage, Lerc2         LERC 1 and 2: elevation and other rasters, no images
1F 8B                    gzip: a vector tile (PBF)
=======================  ==========================================================================

PNG and JPEG count big-endian, the others little-endian. Sources: ISO/IEC 15948 (PNG), ITU-T T.81 (JPEG),
RFC 9649 (WebP), the GIF89a specification, Esri's LERC headers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_BEHEADED: Final = PNG_SIGNATURE[4:]
"""What is left of the signature when a size prefix was written over its first four bytes."""

_SUFFIXES: Final = {"JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif", "LERC": ".lerc", "PBF": ".pbf"}

_PNG_NAMES: Final = {
    (3, 1): "PNG8",
    (3, 2): "PNG8",
    (3, 4): "PNG8",
    (3, 8): "PNG8",
    (2, 8): "PNG24",
    (6, 8): "PNG32",
}
"""ArcGIS' names by colour type and bit depth; grey and 16-bit kinds have none of their own."""

_MOST_STEPS: Final = 256
"""PNG chunks or JPEG segments looked at. Real tiles need under 20; a hostile one has millions."""

_SOF_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame, whatever the coding process; C4, C8 and CC mean something else (DHT, JPG, DAC)."""


@dataclass(frozen=True, slots=True)
class TileKind:
    """What the first bytes of a tile's data say. Sizes are claims until the data is decoded."""

    name: str
    """PNG8 (palette), PNG24 (RGB), PNG32 (RGBA), PNG (grey or 16 bit), JPEG, WEBP, GIF, LERC or PBF."""
    width: int | None = None
    """Pixels, None where the header does not say or is cut short."""
    height: int | None = None
    """Pixels, likewise."""
    colour_type: int | None = None
    """PNG's own number: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA. None for all else."""
    bit_depth: int | None = None
    """Bits a channel (of a palette: a pixel); of PNG and JPEG only."""
    is_opaque: bool = False
    """Whether it is certain, undecoded, that no pixel is transparent. False means: not known."""

    @property
    def suffix(self) -> str:
        """File name extension with its dot: ``.png``, ``.jpg``."""
        return _SUFFIXES.get(self.name, ".png")

    @property
    def is_png(self) -> bool:
        """Whether it is a PNG of any colour type."""
        return self.name.startswith("PNG")

    @property
    def is_image(self) -> bool:
        """Whether the data holds pixels to decode, cut and blend; LERC and vector tiles do not."""
        return self.name not in {"LERC", "PBF"}


def sniff(data: bytes) -> TileKind | None:
    """Tell what a tile's data is by its first bytes.

    Args:
        data: A tile's data, whole or cut short anywhere; a few hundred bytes are enough for all but JPEGs with
            much metadata.

    Returns:
        The kind, or None where the first bytes are nobody's. Never raises, whatever the bytes.
    """
    for magic, read in _KINDS:
        if data.startswith(magic):
            return read(data)
    return None


def is_beheaded_png(data: bytes) -> bool:
    """Tell whether data is a PNG that lost the first four bytes of its signature to a size prefix.

    Such tiles are in packages in the wild; ``PNG_SIGNATURE[:4] + data`` mends what was lost.
    """
    return data.startswith(_BEHEADED) and data[8:12] == b"IHDR"


def _sniff_png(data: bytes) -> TileKind:
    if len(data) < 33 or data[8:16] != b"\x00\x00\x00\x0dIHDR":
        return TileKind("PNG")
    depth, colour_type = data[24], data[25]
    return TileKind(
        _PNG_NAMES.get((colour_type, depth), "PNG"),
        int.from_bytes(data[16:20], "big"),
        int.from_bytes(data[20:24], "big"),
        colour_type,
        depth,
        colour_type in {0, 2, 3} and _lacks_trns(data),
    )


def _lacks_trns(data: bytes) -> bool:
    """Tell whether a PNG's chunks come to the first IDAT without a tRNS among them."""
    position = 33
    for _ in range(_MOST_STEPS):
        name = data[position + 4 : position + 8]
        if name == b"IDAT":
            return True
        if name == b"tRNS" or len(name) < 4:
            return False
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return False


def _sniff_jpeg(data: bytes) -> TileKind:
    position = 2
    for _ in range(_MOST_STEPS):
        if position + 9 > len(data) or data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte before a marker
            position += 1
        elif marker in _SOF_MARKERS:
            height = int.from_bytes(data[position + 5 : position + 7], "big")
            width = int.from_bytes(data[position + 7 : position + 9], "big")
            # A height of 0 is told later, by a DNL segment behind the first scan.
            return TileKind("JPEG", width or None, height or None, None, data[position + 4], is_opaque=True)
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # TEM, RSTn, SOI: no length follows
            position += 2
        elif marker in {0xD9, 0xDA}:  # the image, or its end, before any frame
            break
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return TileKind("JPEG", is_opaque=True)


def _sniff_webp(data: bytes) -> TileKind | None:
    if data[8:12] != b"WEBP":  # RIFF holds sound and films too
        return None
    chunk = data[12:16]
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        # The two upper bits ask for scaling on display and belong to no size.
        width = int.from_bytes(data[26:28], "little") & 0x3FFF
        height = int.from_bytes(data[28:30], "little") & 0x3FFF
        return TileKind("WEBP", width, height, is_opaque=True)
    if chunk == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return TileKind("WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8X" and len(data) >= 30:
        width = int.from_bytes(data[24:27], "little") + 1
        return TileKind("WEBP", width, int.from_bytes(data[27:30], "little") + 1)
    return TileKind("WEBP")


def _sniff_gif(data: bytes) -> TileKind:
    width, height = _pair(data, 6, 2)
    return TileKind("GIF", width, height)


def _sniff_lerc1(data: bytes) -> TileKind:
    height, width = _pair(data, 18, 4)
    return TileKind("LERC", width, height)


def _sniff_lerc2(data: bytes) -> TileKind:
    # The checksum between version and size came with version 3.
    height, width = _pair(data, 14 if int.from_bytes(data[6:10], "little") >= 3 else 10, 4)
    return TileKind("LERC", width, height)


def _sniff_gzip(_: bytes) -> TileKind:
    return TileKind("PBF")


def _pair(data: bytes, offset: int, length: int) -> tuple[int | None, int | None]:
    """Read two little-endian integers that follow one another."""
    middle, end = offset + length, offset + 2 * length
    if len(data) < end:
        return None, None
    return int.from_bytes(data[offset:middle], "little"), int.from_bytes(data[middle:end], "little")


_KINDS: Final[tuple[tuple[bytes, Callable[[bytes], TileKind | None]], ...]] = (
    (PNG_SIGNATURE, _sniff_png),
    (b"\xff\xd8\xff", _sniff_jpeg),
    (b"\x1f\x8b", _sniff_gzip),
    (b"RIFF", _sniff_webp),
    (b"GIF87a", _sniff_gif),
    (b"GIF89a", _sniff_gif),
    (b"Lerc2 ", _sniff_lerc2),
    (b"CntZImage ", _sniff_lerc1),
)
"""Magic and reader, the usual ones first."""
