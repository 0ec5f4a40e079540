"""Many tiles as one picture: each of its pixels is the mean of what the level shows in the place of that pixel.

Means are taken over areas, exactly: a pixel of the level that a pixel of the picture covers by a third counts for a
third. Colours count by their alpha, so that what is transparent darkens nothing and a colour stays what it is at the
edge of nothing. Where a pixel of the picture is a pixel of the level, bytes are copied, those under alpha 0 too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tilepack.pixels.blend import Pixels

_Weights = npt.NDArray[np.float32]

_ROUNDING: Final = 1e-6
"""Part of a pixel by which floating point may miss a whole one near the origin."""

_STEPS: Final = 8
"""Steps of floating point by which it may far away from there."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the pixels of a picture lie in a level, across or down."""

    start: float
    """Where the picture begins: pixels of the level, counted from the tile origin."""
    stop: float
    """Where it ends, likewise; beyond the start."""
    count: int
    """Pixels of the picture."""

    @classmethod
    def between(cls, start: float, stop: float, count: int) -> Axis:
        """Place pixels; ends that miss a whole pixel by rounding alone are put there."""
        return cls(snapped(start), snapped(stop), count)

    @property
    def step(self) -> float:
        """Pixels of the level for each of the picture's."""
        return (self.stop - self.start) / self.count

    @property
    def is_exact(self) -> bool:
        """Whether each pixel of the picture is one of the level."""
        return self.stop - self.start == self.count and self.start == math.floor(self.start)

    def part(self, first: int, stop: int) -> Axis:
        """Give the axis of some of the picture's pixels."""
        if self.is_exact:
            return Axis(self.start + first, self.start + stop, stop - first)
        return Axis(self.start + first * self.step, self.start + stop * self.step, stop - first)

    def place(self, pixel: float) -> float:
        """Tell where in the picture a place of the level lies: pixels of the picture."""
        return (pixel - self.start) / self.step

    def covered(self, first: int, size: int) -> tuple[int, int]:
        """Give the picture's pixels, first and behind the last, that some pixels of the level lie in; none: equal."""
        low = min(self.count, max(0, math.floor(self.place(first))))
        high = min(self.count, math.ceil(self.place(first + size)))
        return low, max(low, high)

    def weights(self, first: int, size: int) -> tuple[int, _Weights]:
        """Weigh some pixels of the level.

        Args:
            first: Their first, counted from the tile origin.
            size: Their number.

        Returns:
            The first pixel of the picture that they lie in, and float32 (pixels of the picture, size): the part of
            each pixel of the picture that each of them takes.
        """
        low, high = self.covered(first, size)
        edges = (self.start - first) + self.step * np.arange(low, high + 1)
        pixels = np.arange(size)
        shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        return low, np.asarray(np.maximum(shared, 0) / self.step, dtype=np.float32)


def snapped(pixel: float) -> float:
    """Give the whole pixel that a place misses by rounding alone, else the place itself."""
    whole = math.floor(pixel + 0.5)
    return float(whole) if abs(pixel - whole) <= _ROUNDING + _STEPS * math.ulp(pixel) else pixel


class Mosaic:
    """A picture in the making. Tiles come in any order, each once; where none comes it stays transparent."""

    def __init__(self, columns: Axis, rows: Axis) -> None:
        """Begin a picture; it takes 16 bytes for each pixel until it is finished.

        Args:
            columns: Its pixels across.
            rows: Its pixels down.
        """
        self._columns, self._rows = columns, rows
        self._copies = columns.is_exact and rows.is_exact
        self._pixels: Pixels = np.zeros((rows.count, columns.count, 4), np.uint8)
        # Sums by channel: colours times alpha, and alpha.
        sums = (0, 0, 0) if self._copies else (4, rows.count, columns.count)
        self._sums = np.zeros(sums, np.float32)

    def add(self, row: int, column: int, pixels: Pixels) -> None:
        """Lay a tile in its place; what lies outside the picture is left out.

        Args:
            row: Its first row, pixels of the level from the tile origin.
            column: Its first column, likewise.
            pixels: uint8 (height, width, 4), straight alpha.
        """
        height, width = pixels.shape[:2]
        if self._copies:
            self._copy(row, column, pixels)
            return
        upper, down = self._rows.weights(row, height)
        left, across = self._columns.weights(column, width)
        if not (len(down) and len(across)):
            return
        planes = np.empty((4, height, width), np.float32)
        planes[3] = pixels[..., 3]
        np.multiply(np.moveaxis(pixels[..., :3], -1, 0), planes[3], out=planes[:3])
        # The shorter way first: the result is the same, the work is not.
        mean = (down @ planes) @ across.T if len(down) < height else down @ (planes @ across.T)
        self._sums[:, upper : upper + len(down), left : left + len(across)] += mean

    def _copy(self, row: int, column: int, pixels: Pixels) -> None:
        height, width = pixels.shape[:2]
        upper, lower = self._rows.covered(row, height)
        left, right = self._columns.covered(column, width)
        from_row, from_column = int(self._rows.start) + upper - row, int(self._columns.start) + left - column
        self._pixels[upper:lower, left:right] = pixels[
            from_row : from_row + lower - upper, from_column : from_column + right - left
        ]

    def finished(self) -> Pixels:
        """Give the picture, uint8 (height, width, 4), straight alpha; rounded half up."""
        if self._copies:
            return self._pixels
        alpha = self._sums[3]
        visible = alpha >= 0.5
        for channel in range(3):
            colour = np.divide(self._sums[channel], alpha, out=np.zeros_like(alpha), where=visible)
            self._pixels[..., channel] = np.minimum(colour + 0.5, 255)
        self._pixels[..., 3] = np.where(visible, np.minimum(alpha + 0.5, 255), 0)
        return self._pixels
