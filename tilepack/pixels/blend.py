"""Pixels over pixels: MERGE, OVERWRITE, cutting and painting, exact to the last bit.

Pixels are uint8 (height, width, 4) with straight alpha, row 0 on top; masks are bool (height, width), True inside; a
mask of None stands for "everywhere". Every kernel works in place on its last pixels argument and tells whether a byte
changed. They share nothing, and numpy releases the interpreter in the long parts: threads may call them at will.

With source alpha As, target alpha Ad and colours Cs, Cd, MERGE gives ::

    a = As + Ad (255 - As) / 255        C = (Cs As + Cd Ad (255 - As) / 255) / a

with the unrounded a, both rounded half up, and leaves the target alone where As = 0. Times 255, with N = 255 a::

    N = 255 As + Ad (255 - As)          C = (255 Cs As + Cd Ad (255 - As)) / N

Why single precision is exact for this: N is a whole number up to 65,025 and the numerator one up to 255 N < 2^24, so
both are floats without error, and the division is the only step that rounds. A quotient below a tie k + 1/2 is below
it by at least 1 / (2 N) > 7.68e-6. Floats under 256 lie at most 2^-16 apart, so only what is nearer than
2^-17 = 7.63e-6 could be rounded onto the tie; ties themselves are floats. Hence floor(quotient + 1/2) is the exact
result rounded half up. Over an opaque target N is 65,025 and the quotient is x / 255, x = Cs As + Cd (255 - As): a
division of 16-bit integers that shifts can do, as they can for a = N / 255.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""uint8 (height, width, 4): red, green, blue and straight alpha."""

Mask = NDArray[np.bool_]
"""bool (height, width): True inside."""

Colour = tuple[int, int, int]
"""An opaque colour: red, green and blue, 0 to 255."""

_Words = NDArray[np.uint32]

_WORD = np.dtype("<u4")
"""One pixel as one number, alpha in the upper byte whatever the machine's byte order."""

_OPAQUE = np.uint32(0xFF000000)
"""The least word whose alpha is 255."""

_VISIBLE = np.uint32(0x01000000)
"""The least word whose alpha is not 0."""

_BLOCK = 4096
"""Pixels blended at a time: what they take in between stays in the processor's nearest caches."""


class BlendMode(StrEnum):
    """What becomes of the pixels a target has, inside the area."""

    MERGE = "MERGE"
    """The source is laid over them."""
    OVERWRITE = "OVERWRITE"
    """The source replaces them, transparent pixels too."""


def merge(source: Pixels, target: Pixels, mask: Mask | None = None) -> bool:
    """Lay a source over a target, inside a mask, by the formulas above.

    Args:
        source: Pixels (height, width, 4), read only.
        target: Pixels of the same shape, changed in place.
        mask: Where to; None for everywhere.

    Returns:
        Whether a byte of the target changed.

    Raises:
        ValueError: Shapes or types do not fit, or the pixels are not contiguous.
    """
    over, under = _pair(source, target, mask)
    visible = over >= _VISIBLE
    if mask is not None:
        visible &= mask
    # Where nothing shines through, in either direction, the source's pixel is the result.
    replace = (over >= _OPAQUE) | (under < _VISIBLE)
    replace &= visible
    soft = np.flatnonzero(visible ^ replace)
    changed = _assign(over, under, replace)
    if soft.size:
        over_flat, under_flat = over.reshape(-1), under.reshape(-1)
        for start in range(0, soft.size, _BLOCK):
            where = soft[start : start + _BLOCK]
            before = under_flat[where]
            after = _blend(over_flat[where], before)
            changed = changed or not np.array_equal(before, after)
            under_flat[where] = after
    return changed


def overwrite(source: Pixels, target: Pixels, mask: Mask | None = None) -> bool:
    """Replace a target's pixels by the source's inside a mask, transparent ones too.

    Args:
        source: Pixels (height, width, 4), read only.
        target: Pixels of the same shape, changed in place.
        mask: Where to; None for everywhere.

    Returns:
        Whether a byte of the target changed.

    Raises:
        ValueError: Shapes or types do not fit, or the pixels are not contiguous.
    """
    over, under = _pair(source, target, mask)
    return _assign(over, under, mask)


def cut(pixels: Pixels, mask: Mask | None = None) -> bool:
    """Make everything outside a mask transparent black (0, 0, 0, 0).

    Args:
        pixels: Pixels (height, width, 4), changed in place.
        mask: What stays; None for all of it.

    Returns:
        Whether a byte changed; one that was transparent under another colour counts too.

    Raises:
        ValueError: Shapes or types do not fit, or the pixels are not contiguous.
    """
    words = _words(pixels, mask)
    if mask is None:
        return False
    return _assign(np.zeros_like(words), words, ~mask)


def paint(colour: Colour, pixels: Pixels, mask: Mask | None = None) -> bool:
    """Lay pixels on an opaque colour, and show nothing but the colour outside a mask.

    Args:
        colour: Red, green and blue of the ground.
        pixels: Pixels (height, width, 4), changed in place; all are opaque afterwards.
        mask: What shows of the pixels; None for all.

    Returns:
        Whether a byte changed.

    Raises:
        ValueError: Shapes or types do not fit, the pixels are not contiguous, or the colour has no such parts.
    """
    words = _words(pixels, mask)
    if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
        raise ValueError(f"a colour has red, green and blue from 0 to 255, not {colour}")
    red, green, blue = colour
    ground = np.full_like(words, red | green << 8 | blue << 16 | 255 << 24)
    merge(pixels, ground.view(np.uint8).reshape(pixels.shape), mask)
    return _assign(ground, words, None)


def is_opaque(pixels: Pixels) -> bool:
    """Tell whether no pixel is transparent in the least.

    Raises:
        ValueError: These are no contiguous pixels.
    """
    return bool(_words(pixels, None).min(initial=0xFFFFFFFF) >= _OPAQUE)


def is_blank(pixels: Pixels, mask: Mask | None = None) -> bool:
    """Tell whether no pixel, or none inside a mask, is visible in the least.

    Raises:
        ValueError: Shapes or types do not fit, or the pixels are not contiguous.
    """
    words = _words(pixels, mask)
    return not bool((words >= _VISIBLE if mask is None else (words >= _VISIBLE) & mask).any())


def _words(pixels: Pixels, mask: Mask | None) -> _Words:
    """View pixels as one number each, (height, width)."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 4 or not pixels.flags.c_contiguous:
        raise ValueError(f"pixels are contiguous uint8 (height, width, 4), not {pixels.dtype} {pixels.shape}")
    if mask is not None and (mask.dtype != np.bool_ or mask.shape != pixels.shape[:2]):
        raise ValueError(f"the mask of {pixels.shape[:2]} pixels is bool, not {mask.dtype} {mask.shape}")
    words: _Words = pixels.view(_WORD)[..., 0]
    return words


def _pair(source: Pixels, target: Pixels, mask: Mask | None) -> tuple[_Words, _Words]:
    if source.shape != target.shape:
        raise ValueError(f"source and target differ in shape: {source.shape} and {target.shape}")
    return _words(source, mask), _words(target, None)


def _assign(over: _Words, under: _Words, where: Mask | None) -> bool:
    """Copy words where told, and tell whether one differed."""
    # By arithmetic, not by choice: a processor that guesses branches wrong takes five times as long.
    difference = over ^ under
    if where is not None:
        difference *= where
    changed = bool(difference.any())
    if changed:
        under ^= difference
    return changed


def _blend(over: _Words, under: _Words) -> _Words:
    """Blend words (n), none of whose source alphas is 0."""
    # Four lanes a pixel, each channel with its weight beside it: every step runs over unbroken memory.
    weight = _lanes((over >> 24) * np.uint32(0x01010101))
    target = _lanes(under)
    if under.min() >= _OPAQUE:
        source = _lanes(over | _OPAQUE)  # so that the alpha lane comes out as 255
        source *= weight
        target *= np.uint16(255) - weight
        source += target
        words: _Words = _divide_by_255(source).astype(np.uint8).view(_WORD)
        return words
    rest = _lanes((under >> 24) * np.uint32(0x01010101)) * (np.uint16(255) - weight)
    weight *= np.uint16(255)
    numerators = _lanes(over).astype(np.float32)
    numerators *= weight
    numerators += target.astype(np.float32) * rest
    weight += rest
    numerators /= weight
    numerators += np.float32(0.5)
    colours = numerators.astype(np.uint8).view(_WORD)  # floor: conversion drops what is behind the point
    colours &= ~_OPAQUE
    colours |= _divide_by_255(weight[::4]).astype(_WORD) << 24
    return colours


def _lanes(words: NDArray[Any]) -> NDArray[np.uint16]:
    """Give the four bytes of each word as 16-bit numbers, (4 n)."""
    return words.view(np.uint8).astype(np.uint16)


def _divide_by_255(numbers: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Divide by 255, rounded half up, right for 0 to 65,025; changes its argument."""
    numbers += np.uint16(128)
    numbers += numbers >> 8
    numbers >>= 8
    return numbers
