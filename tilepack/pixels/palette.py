"""Colours of a tile: few enough for a palette, the one that nobody uses, the one that stands for the outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tilepack.pixels.blend import Mask, Pixels

_MOST_ENTRIES: Final = 256

_SAMPLE: Final = 4096
"""Pixels looked at first: photographs show here already that they have too many colours."""

_MULTIPLIERS: Final = (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1, 0xD3A2646D, 0xFD7046C5, 0xB55A4F09)
"""Odd, with bits well mixed: each scatters 256 colours over 65,536 places, one time in two without a collision."""

_WORD: Final = np.dtype("<u4")


@dataclass(frozen=True, slots=True)
class Indexed:
    """A tile as a palette and the entry that each pixel is."""

    palette: NDArray[np.uint8]
    """uint8 (1 to 256, 4): red, green, blue, alpha."""
    indices: NDArray[np.uint8]
    """uint8 (height, width)."""


def find_palette(pixels: Pixels) -> Indexed | None:
    """Write pixels as a palette without losing anything, colours under alpha 0 included.

    The same pixels always give the same palette: transparent entries first, so that the table of alphas is short.

    Args:
        pixels: Contiguous uint8 (height, width, 4).

    Returns:
        None where there are more than 256 different ones.
    """
    words = pixels.view(_WORD)[..., 0]
    flat = words.reshape(-1)
    # Equal neighbours, of which maps are full, need not be sorted.
    first = np.empty(flat.size, np.bool_)
    first[:1] = True
    np.not_equal(flat[1:], flat[:-1], out=first[1:])
    runs = flat[first]
    if runs.size > _SAMPLE and np.unique(runs[:: runs.size // _SAMPLE]).size > _MOST_ENTRIES:
        return None
    colours = np.unique(runs)
    if colours.size > _MOST_ENTRIES:
        return None
    return Indexed(colours.view(np.uint8).reshape(-1, 4), _look_up(colours, words))


def quantise(pixels: Pixels) -> Indexed:
    """Write pixels as a palette of at most 256 entries, with a loss where there are more colours.

    What is invisible stays so, what is opaque stays so. Nothing is dithered: equal pixels stay equal, and
    neighbouring tiles get no seams from it.

    Args:
        pixels: Contiguous uint8 (height, width, 4).
    """
    exact = find_palette(pixels)
    if exact is not None:
        return exact
    height, width = pixels.shape[:2]
    alpha = pixels[..., 3]
    visible = alpha != 0
    shown = np.ascontiguousarray(pixels[visible])  # (n, 4): what nobody sees takes no entry
    has_outside = len(shown) < height * width
    entries = _MOST_ENTRIES - has_outside
    line = Image.frombuffer("RGBA", (len(shown), 1), shown, "raw", "RGBA", 0, 1)
    if len(shown) and shown[:, 3].min() == 255:
        reduced = line.convert("RGB").quantize(entries, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    else:
        reduced = line.quantize(entries, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    mode = "RGBA" if reduced.palette is not None and reduced.palette.mode == "RGBA" else "RGB"
    colours = np.frombuffer(bytes(reduced.getpalette(mode) or b""), np.uint8).reshape(-1, len(mode))
    palette = np.full((len(colours) + has_outside, 4), 255, np.uint8)
    palette[has_outside:, : len(mode)] = colours
    indices = np.zeros((height, width), np.uint8)
    indices[visible] = np.frombuffer(reduced.tobytes(), np.uint8) + np.uint8(has_outside)
    if has_outside:
        palette[0] = 0
    return Indexed(palette, indices)


def cut_indexed(tile: Indexed, mask: Mask) -> Indexed | None:
    """Make everything outside a mask transparent; entries and the pixels' indices inside stay what they are.

    The outside becomes a transparent entry if there is one, else a new one at the end of the palette, else the
    first that no pixel inside has.

    Args:
        tile: Palette and indices.
        mask: bool (height, width), True inside.

    Returns:
        None where all 256 entries are in use.
    """
    palette = tile.palette
    clear = np.flatnonzero(palette[:, 3] == 0)
    if clear.size:
        outside = int(clear[0])
    elif len(palette) < _MOST_ENTRIES:
        outside = len(palette)
        palette = np.concatenate((palette, np.zeros((1, 4), np.uint8)))
    else:
        unused = np.flatnonzero(np.bincount(tile.indices[mask], minlength=_MOST_ENTRIES) == 0)
        if not unused.size:
            return None
        outside = int(unused[0])
        palette = palette.copy()
        palette[outside] = 0
    return Indexed(palette, np.where(mask, tile.indices, np.uint8(outside)))


def find_unused_colour(
    pixels: Pixels, visible: Mask, wish: tuple[int, int, int] | None = None
) -> tuple[int, int, int] | None:
    """Find a colour that no visible pixel has, to stand for the transparent ones.

    Args:
        pixels: Contiguous uint8 (height, width, 4).
        visible: bool (height, width).
        wish: Taken if it is free; else the first free one is, counted with red as the lowest byte.

    Returns:
        None where all 16,777,216 are in use.
    """
    shown = pixels.view(_WORD)[..., 0][visible] & np.uint32(0xFFFFFF)
    if wish is not None and not (shown == wish[0] | wish[1] << 8 | wish[2] << 16).any():
        return wish
    # Of n + 1 colours, n pixels leave one.
    used = np.zeros(shown.size + 1, np.bool_)
    used[shown[shown <= shown.size]] = True
    colour = int(used.argmin())
    return (colour & 255, colour >> 8 & 255, colour >> 16) if colour <= 0xFFFFFF else None


def _look_up(colours: NDArray[np.uint32], words: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Give the place of each word among sorted colours, all of which are there."""
    for multiplier in _MULTIPLIERS:
        places = (colours * np.uint32(multiplier)) >> 16
        if np.unique(places).size == colours.size:
            table = np.zeros(1 << 16, np.uint8)
            table[places] = np.arange(colours.size)
            return np.take(table, (words * np.uint32(multiplier)) >> 16)
    return np.searchsorted(colours, words).astype(np.uint8)
