"""Comparing two tiles: by their bytes, and where those differ by their pixels."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilepack.errors import TileError, UnsupportedError
from tilepack.pixels.blend import Pixels
from tilepack.pixels.codec import decode

Mask = NDArray[np.bool_]


class Verdict(IntEnum):
    """What became of a tile in a comparison."""

    LEFT_OUT = 0
    """Neither cache has it, or it is not asked for."""
    ONLY_A = 1
    ONLY_B = 2
    DIFFERING = 3
    SAME = 4
    """Of the same bytes."""
    RECODED = 5
    """Of other bytes, and yet of the same pixels."""


class TileVerdict(NamedTuple):
    """What came of comparing one tile."""

    position: int
    """Row-major, in its bundle."""
    verdict: Verdict
    pixels: int | None = None
    """Pixels that differ."""
    largest: int | None = None
    """Largest difference of a channel in them."""
    reason: str = ""
    """Why no pixels can be had."""


class PixelComparer:
    """Compares tiles of one size. Threads may share it."""

    def __init__(self, width: int, height: int) -> None:
        """Keep the pixels that every tile must have."""
        self._width = width
        self._height = height

    def compare(self, position: int, a: bytes | None, b: bytes | None, mask: Mask | None) -> TileVerdict:
        """Compare a tile of two caches.

        Args:
            position: Of the tile, in its bundle.
            a: Its data in the first cache, None where there is none.
            b: Likewise in the second.
            mask: What of it counts, bool (height, width); None for all.

        Returns:
            DIFFERING, without figures and with a reason, where no pixels can be had. A tile that only one cache has is
            left out where a mask leaves nothing visible of it.
        """
        if mask is not None and not mask.any():
            return TileVerdict(position, Verdict.LEFT_OUT)
        if a == b:
            return TileVerdict(position, Verdict.SAME)
        pixels_a, reason_a = self._pixels_of(a)
        pixels_b, reason_b = self._pixels_of(b)
        if a is None or b is None:
            alone = Verdict.ONLY_B if a is None else Verdict.ONLY_A
            return TileVerdict(position, Verdict.LEFT_OUT if _is_blank(pixels_a, pixels_b, mask) else alone)
        if pixels_a is None or pixels_b is None:
            reasons = [f"{name}: {reason}" for name, reason in (("A", reason_a), ("B", reason_b)) if reason]
            return TileVerdict(position, Verdict.DIFFERING, reason="; ".join(reasons))
        number, largest = pixel_difference(pixels_a, pixels_b, mask)
        if not number:
            return TileVerdict(position, Verdict.RECODED)
        return TileVerdict(position, Verdict.DIFFERING, number, largest)

    def _pixels_of(self, data: bytes | None) -> tuple[Pixels | None, str]:
        """Give a tile's pixels, or why there are none."""
        if data is None:
            return None, ""
        try:
            return decode(data, width=self._width, height=self._height).pixels, ""
        except (TileError, UnsupportedError) as error:
            return None, str(error)


def _is_blank(a: Pixels | None, b: Pixels | None, mask: Mask | None) -> bool:
    """Tell whether the one tile there is shows nothing; of one that cannot be decoded, nobody knows."""
    pixels = b if a is None else a
    if pixels is None:
        return False
    alpha = pixels[..., 3]
    return not (alpha if mask is None else alpha[mask]).any()


def pixel_difference(a: Pixels, b: Pixels, mask: Mask | None = None) -> tuple[int, int]:
    """Compare pixels.

    Colours count only where they are to be seen in both: what lies under alpha 0 is nothing, whatever its red, green
    and blue. Where one side alone is transparent, the difference is that of the alphas.

    Args:
        a: Uint8 (height, width, 4), straight alpha.
        b: Likewise, of the same size.
        mask: What of them counts, bool (height, width); None for all.

    Returns:
        The number of pixels that differ, and the largest difference of a channel in them, 0 to 255.
    """
    apart = np.maximum(a, b) - np.minimum(a, b)
    apart[(a[..., 3] == 0) | (b[..., 3] == 0), :3] = 0
    largest = apart.max(axis=-1)
    if mask is not None:
        largest[~mask] = 0
    return int(np.count_nonzero(largest)), int(largest.max(initial=0))
