"""Half the pixels each way: what a coarser level is made of.

A pixel of the coarser level is the average of the 2 x 2 pixels that it covers, their colours weighted by their alpha,
so that what is transparent lends no colour (no dark rims). With alphas A and colours C of the four, ::

    a = (A1 + A2 + A3 + A4) / 4        c = (C1 A1 + C2 A2 + C3 A3 + C4 A4) / (A1 + A2 + A3 + A4)

both from whole numbers and rounded half up once; a pixel whose alpha comes to 0 is transparent black.

Why single precision is exact for this: the numerator is a whole number up to 255 x 1,020 < 2^24 and so is the
denominator S; the division is the only step that rounds. A quotient below a tie k + 1/2 is below it by at least
1 / (2 S) > 4.9e-4, and floats under 256 lie at most 2^-16 apart: none is rounded onto the tie, nor onto the whole
number above once 1/2 is added. Hence floor(quotient + 1/2) is the exact result.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tilepack.pixels.blend import Pixels, is_blank, is_opaque

_ROWS: Final = 128
"""Rows of the result made at a time: what they take in between stays small, and a part that is opaque is quick."""


def halve(pixels: Pixels) -> Pixels:
    """Average 2 x 2 pixels each.

    Args:
        pixels: Contiguous uint8 (2 height, 2 width, 4), straight alpha.

    Returns:
        uint8 (height, width, 4).

    Raises:
        ValueError: A side is odd, or these are no contiguous pixels.
    """
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"pixels are halved in pairs, not {width} x {height}")
    halved = np.empty((height // 2, width // 2, 4), np.uint8)
    for start in range(0, height // 2, _ROWS):
        part = pixels[2 * start : 2 * (start + _ROWS)]
        _average(part, halved[start : start + _ROWS])
    return halved


def _average(pixels: Pixels, halved: Pixels) -> None:
    if is_opaque(pixels):
        rows = np.add(pixels[0::2], pixels[1::2], dtype=np.uint16)
        sums = rows[:, 0::2] + rows[:, 1::2]
        sums += np.uint16(2)
        sums >>= 2
        halved[...] = sums
        return
    if is_blank(pixels):
        halved[...] = 0
        return
    weighted = pixels.astype(np.float32)
    weighted[..., :3] *= weighted[..., 3:]
    lines = weighted[0::2] + weighted[1::2]
    means = lines[:, 0::2] + lines[:, 1::2]
    means[..., :3] /= np.maximum(means[..., 3:], np.float32(1))  # nothing divided by nothing is nothing
    means[..., 3] *= np.float32(0.25)
    means += np.float32(0.5)
    halved[...] = means.astype(np.uint8)  # floor: conversion drops what is behind the point
    halved[halved[..., 3] == 0] = 0
