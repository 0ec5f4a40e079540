"""Tiles as pixels and back: decoded by what the bytes are, encoded by what the cache's tile format asks for."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import WebPImagePlugin, features

from tilepack.cache import TileFormat
from tilepack.errors import TileError, UnsupportedError
from tilepack.formats.sniff import TileKind, is_beheaded_png, sniff
from tilepack.pixels.blend import Pixels, is_opaque
from tilepack.pixels.jpeg import JpegEncoding, read_jpeg
from tilepack.pixels.palette import find_palette, find_unused_colour, quantise
from tilepack.pixels.png import read_png, write_png

_MOST_PIXELS: Final = 1 << 22
"""2048 x 2048: ArcGIS makes tiles of 1024 x 1024 at most. Bombs are larger, and each thread may have one in hand."""

_REMEDY: Final = "take it from an undamaged copy of the cache, or leave it out"

_PNGS: Final = frozenset({TileFormat.PNG, TileFormat.PNG8, TileFormat.PNG24, TileFormat.PNG32})

_ADMITTED: Final = {
    TileFormat.JPEG: {TileFormat.JPEG},
    TileFormat.LERC: {TileFormat.LERC},
    TileFormat.PNG: _PNGS,
    TileFormat.PNG32: _PNGS,
    TileFormat.PNG8: {TileFormat.PNG8},
    TileFormat.PNG24: {TileFormat.PNG24},
    TileFormat.MIXED: {TileFormat.MIXED, TileFormat.JPEG, *_PNGS},
    TileFormat.WEBP: {TileFormat.WEBP, TileFormat.MIXED, TileFormat.JPEG, *_PNGS},
    TileFormat.PBF: {TileFormat.PBF},
}

_COLOUR_TYPES: Final = {TileFormat.PNG8: 3, TileFormat.PNG24: 2}

# The C library of Linux gives freed memory back to the system above a threshold that follows the largest block freed
# so far. Arrays of one tile sit just above it, and each would be paged in anew: half of the time of laying one small
# tile on another. A block that nobody touches, made and freed once, lifts the threshold; elsewhere it does nothing.
np.empty(1 << 23, np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A tile's pixels, and what the tile was that held them."""

    pixels: Pixels
    """uint8 (height, width, 4), straight alpha; nobody else's, so free to be changed."""
    kind: TileKind
    """What its first bytes said."""
    palette: NDArray[np.uint8] | None = None
    """uint8 (entries, 4), RGBA; None where it had none."""
    indices: NDArray[np.uint8] | None = None
    """uint8 (height, width): the palette's entry that each pixel is; None likewise."""
    key: tuple[int, int, int] | None = None
    """The one transparent colour of an RGB PNG of 8 bits that has one."""
    is_sixteen_bit: bool = False
    """Whether 16 bits a channel were rounded to 8."""
    jpeg: JpegEncoding | None = None
    """How to write another like it; of JPEG only."""
    has_profile: bool = False
    """Whether it carried an ICC profile, which is lost with the bytes."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A tile's data, and what had to be done to the pixels."""

    data: bytes
    quantised: bool = False
    """Whether colours were given up to fit a palette."""
    widened_to_rgba: bool = False
    """Whether the tile became RGBA, as its format could not hold its transparency."""


def identify(data: bytes) -> TileKind:
    """Tell what a tile is by its first bytes.

    Raises:
        TileError: They are nobody's.
    """
    kind = sniff(data)
    if kind is not None:
        return kind
    if is_beheaded_png(data):
        raise TileError("the first four bytes of the PNG are overwritten by its length; take the tile from a backup")
    if not data:
        raise TileError(f"the tile has no bytes: {_REMEDY}")
    raise TileError(f"the tile starts with {data[:8].hex(' ')}, which is neither PNG, JPEG nor WebP: {_REMEDY}")


def admits(tile_format: TileFormat, kind: TileKind) -> bool:
    """Tell whether tiles of a kind may stand in a cache of a tile format as they are, byte by byte."""
    match tile_format:
        case TileFormat.JPEG | TileFormat.LERC | TileFormat.PBF:
            return kind.name == tile_format.value
        case TileFormat.WEBP:  # of the web alone, where every tile may be what it likes
            return kind.is_png or kind.name in ("JPEG", "WEBP")
        case TileFormat.MIXED:
            return kind.is_png or kind.name == "JPEG"
        case TileFormat.PNG | TileFormat.PNG32:
            return kind.is_png
        case _:
            return kind.is_png and kind.colour_type == _COLOUR_TYPES[tile_format]


def admits_format(tile_format: TileFormat, other: TileFormat) -> bool:
    """Tell whether tiles of a cache of another tile format may stand in one as they are, by what documents say."""
    return other in _ADMITTED[tile_format]


def decode(data: bytes, *, width: int, height: int) -> Decoded:
    """Decode a PNG, JPEG or WebP tile, by what its bytes say it is.

    Nothing process-wide is touched: any number of threads may decode at once.

    Args:
        data: The tile.
        width: Pixels it must have.
        height: Likewise.

    Raises:
        TileError: It is malformed, cut short or of another size.
        UnsupportedError: It is no image, of a kind that is not decoded, or larger than 2048 x 2048 pixels.
    """
    if width < 1 or height < 1 or width * height > _MOST_PIXELS:
        raise UnsupportedError(f"tiles of {width} x {height} pixels are not decoded: 2048 x 2048 is the most")
    kind = identify(data)
    if kind.is_png:
        png = read_png(data, width=width, height=height)
        return Decoded(
            pixels=png.pixels,
            kind=kind,
            palette=png.palette,
            indices=png.indices,
            key=png.key,
            is_sixteen_bit=png.is_sixteen_bit,
            has_profile=png.has_profile,
        )
    if kind.name == "JPEG":
        jpeg = read_jpeg(data, width=width, height=height)
        return Decoded(pixels=jpeg.pixels, kind=kind, jpeg=jpeg.encoding, has_profile=jpeg.has_profile)
    if kind.name == "WEBP":
        return _read_webp(data, kind, width, height)
    raise UnsupportedError(f"a tile is {kind.name}, whose pixels are not decoded: such tiles move whole, or not at all")


def encode_png(
    pixels: Pixels, tile_format: TileFormat, *, key: tuple[int, int, int] | None = None, may_quantise: bool = False
) -> Encoded:
    """Encode pixels as the PNG that a tile format asks for, without a loss wherever it can hold them.

    PNG takes a palette for up to 256 colours, else RGB where all is opaque, else RGBA; MIXED and WEBP the latter
    two; PNG32 RGBA. PNG24 is RGB, with a colour that is not in use for the transparent pixels (what colour was under
    their alpha is lost); pixels transparent in part make it RGBA. PNG8 is a palette; more than 256 colours are
    quantised, or make it RGB or RGBA.

    Args:
        pixels: Contiguous uint8 (height, width, 4).
        tile_format: Any but JPEG, LERC and PBF.
        key: For PNG24, the transparent colour to take if it is free.
        may_quantise: For PNG8, whether to lose colours rather than to leave the palette.

    Raises:
        ValueError: The tile format is no PNG.
    """
    if tile_format not in {*_PNGS, TileFormat.MIXED, TileFormat.WEBP}:
        raise ValueError(f"{tile_format} tiles are no PNG")
    if tile_format is TileFormat.PNG32:
        return Encoded(write_png(pixels))
    if tile_format in {TileFormat.PNG, TileFormat.PNG8}:
        indexed = find_palette(pixels)
        quantised = indexed is None and may_quantise and tile_format is TileFormat.PNG8
        if quantised:
            indexed = quantise(pixels)
        if indexed is not None:
            return Encoded(write_png(indexed.indices, palette=indexed.palette), quantised=quantised)
    widened = tile_format is TileFormat.PNG8
    if is_opaque(pixels):
        return Encoded(write_png(pixels[..., :3]), widened_to_rgba=widened)
    if tile_format is TileFormat.PNG24:
        data = _write_keyed(pixels, key)
        if data is not None:
            return Encoded(data)
        widened = True
    return Encoded(write_png(pixels), widened_to_rgba=widened)


def _write_keyed(pixels: Pixels, wish: tuple[int, int, int] | None) -> bytes | None:
    """Write RGB with a transparent colour; None where a pixel is transparent in part, or no colour is free."""
    visible = pixels[..., 3] == 255
    if (pixels[..., 3][~visible] != 0).any():
        return None
    key = find_unused_colour(pixels, visible, wish)
    if key is None:
        return None
    colours = np.where(visible[..., None], pixels[..., :3], np.array(key, np.uint8))
    return write_png(colours, key=key)


def _read_webp(data: bytes, kind: TileKind, width: int, height: int) -> Decoded:
    if not features.check("webp"):
        raise UnsupportedError("a tile is WebP, which this build of Pillow does not decode: install one that does")
    if (kind.width, kind.height) != (width, height):
        raise TileError(
            f"the WebP has {kind.width} x {kind.height} pixels; tiles of this cache have {width} x {height}: {_REMEDY}"
        )
    # Not by Image.open, whose opinion on large images is a warning.
    try:
        with WebPImagePlugin.WebPImageFile(BytesIO(data)) as image:
            if image.n_frames != 1 or image.size != (width, height):
                raise TileError(f"the WebP is a film or not of the size it says: {_REMEDY}")
            has_profile = "icc_profile" in image.info
            content = image.convert("RGBA").tobytes()
    except (SyntaxError, ValueError, OSError, EOFError) as error:
        if isinstance(error, TileError):
            raise
        raise TileError(f"the WebP is cut short or damaged: {_REMEDY}") from error
    pixels = np.array(np.frombuffer(content, np.uint8).reshape(height, width, 4))
    return Decoded(pixels=pixels, kind=kind, has_profile=has_profile)
