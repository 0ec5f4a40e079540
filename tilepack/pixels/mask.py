"""Masks: which pixels of a grid lie inside an area.

The rule is even-odd, by pixel centres, half-open. The centre of pixel row ``R``, column ``C``, both counted from the
tile origin of a level, is ``(origin_x + (C + 0.5) * resolution, origin_y - (R + 0.5) * resolution)``. It is inside when
an odd number of edges pass to its left. A centre exactly on an edge belongs to the side right of and below it, so

* an edge from ``(x0, y0)`` up to ``(x1, y1)`` is met by the rows whose centre has ``y0 < y <= y1``;
* it is met at ``x0 + (y - y0) * (x1 - x0) / (y1 - y0)``, and what is inside changes from the first pixel on whose
  centre is not left of that.

Two areas with a common edge therefore share no pixel and leave none out: the edge's ends are put in one order, lower
end first, and each crossing is computed from map coordinates alone, never from a tile's own corner. It comes out the
same whichever area, tile or window asks. Each of the four operations of a crossing rounds monotonically, so that along
an edge crossings never run backwards; `tilepack.pixels.coverage` relies on that.

Nothing here knows geometry libraries: an area is an array of edges (n, 4): x0, y0, x1, y1 in map units, in no order,
closed rings all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_FARTHEST: Final = float(2**42)
"""Pixels from the origin beyond which rows and columns are not told apart; no cache reaches there."""

_STEP: Final = 512
"""Crossings between two remembered states of a band's rows."""

_CLASS_BITS: Final = 2
"""Edges whose heights differ by less than a factor of 4 are looked up together."""

_CLASSES: Final = 24
"""Classes of heights; the smallest edges share the last one."""


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """The pixels of one level, counted from the tile origin."""

    origin_x: float
    """Left edge of pixel column 0, map units."""
    origin_y: float
    """Upper edge of pixel row 0, map units."""
    resolution: float
    """Map units of one pixel."""

    def row_centres(self, rows: Integers) -> Floats:
        """Give the y of the centres of pixel rows."""
        return np.asarray(self.origin_y - (rows + 0.5) * self.resolution, dtype=np.float64)

    def column_centres(self, columns: Integers) -> Floats:
        """Give the x of the centres of pixel columns."""
        return np.asarray(self.origin_x + (columns + 0.5) * self.resolution, dtype=np.float64)

    def rows_from(self, y: Floats) -> Integers:
        """Give the first pixel row whose centre lies at or below each y."""
        guess = np.clip(np.ceil((self.origin_y - y) / self.resolution - 0.5), -_FARTHEST, _FARTHEST).astype(np.int64)
        # Division rounds: the answer is settled by the very centres that the rule speaks of.
        guess += self.row_centres(guess) > y
        guess -= self.row_centres(guess - 1) <= y
        return guess

    def columns_from(self, x: Floats) -> Integers:
        """Give the first pixel column whose centre lies at or right of each x."""
        guess = np.clip(np.ceil((x - self.origin_x) / self.resolution - 0.5), -_FARTHEST, _FARTHEST).astype(np.int64)
        guess += self.column_centres(guess) < x
        guess -= self.column_centres(guess - 1) >= x
        return guess


def in_canonical_order(edges: Floats) -> Floats:
    """Give edges (n, 4) with the lower end first, of two at one height the left one; -0 becomes 0."""
    edges = edges + 0.0
    swap = (edges[:, 1] > edges[:, 3]) | ((edges[:, 1] == edges[:, 3]) & (edges[:, 0] > edges[:, 2]))
    edges[swap] = edges[swap][:, [2, 3, 0, 1]]
    return edges


def crossing_x(edges: Floats, y: Floats) -> Floats:
    """Give the x at which edges (4, n), in canonical order and not level, pass heights that they reach."""
    x0, y0, x1, y1 = edges
    x: Floats = np.clip(x0 + (y - y0) * (x1 - x0) / (y1 - y0), np.minimum(x0, x1), np.maximum(x0, x1))
    return x


class EdgeIndex:
    """The edges of an area, found by height.

    Edges are sorted by classes of their height and, within a class, by their lower end. Those that reach into a band
    then lie in one run of each class, and long edges cost no more memory than short ones.
    """

    def __init__(self, edges: Floats) -> None:
        """Index edges.

        Args:
            edges: Float64 array (n, 4): x0, y0, x1, y1 in map units, finite, closed rings.
        """
        edges = in_canonical_order(np.asarray(edges, dtype=np.float64).reshape(-1, 4))
        heights = edges[:, 3] - edges[:, 1]
        exponents = np.frexp(heights)[1].astype(np.int64) // _CLASS_BITS
        exponents[heights == 0] = np.iinfo(np.int64).min
        top = int(exponents.max(initial=0))
        classes = np.clip(top - exponents, 0, _CLASSES - 1) if len(edges) else exponents
        classes[heights == 0] = _CLASSES - 1
        order = np.lexsort((edges[:, 1], classes))
        self.edges: Floats = np.ascontiguousarray(edges[order].T)
        """Float64 (4, n), in canonical order."""
        bounds = np.searchsorted(classes[order], np.arange(_CLASSES + 1))
        self._runs = [
            (int(start), int(stop), float(heights[order[start:stop]].max()))
            for start, stop in pairwise(bounds)
            if stop > start
        ]

    def __len__(self) -> int:
        return int(self.edges.shape[1])

    def between(self, low: float, high: float) -> Floats:
        """Give the edges (4, m) that reach into a band of heights, its limits included, in map units."""
        lower = self.edges[1]
        pieces = []
        for start, stop, tallest in self._runs:
            # One more step down than the tallest edge reaches, for subtraction rounds.
            first = start + int(np.searchsorted(lower[start:stop], np.nextafter(low - tallest, -np.inf), "left"))
            last = start + int(np.searchsorted(lower[start:stop], high, "right"))
            if first < last:
                piece = self.edges[:, first:last]
                pieces.append(piece[:, piece[3] >= low])
        return np.concatenate(pieces, axis=1) if pieces else np.empty((4, 0))


class Crossings:
    """Where the edges of an area cross a band of pixel rows: all that its masks need, over the band's whole width."""

    def __init__(self, edges: EdgeIndex, grid: PixelGrid, row: int, height: int) -> None:
        """Cross edges with rows.

        Args:
            edges: The area.
            grid: The level's pixels.
            row: First pixel row of the band.
            height: Number of pixel rows.
        """
        self.row, self.height = row, height
        limits = grid.row_centres(np.array([row + height - 1, row]))
        met = edges.between(float(limits[0]), float(limits[1]))
        top = np.clip(grid.rows_from(met[3]), row, row + height)
        count = np.clip(grid.rows_from(met[1]), row, row + height) - top
        rows = ramps(top, count)
        columns = grid.columns_from(crossing_x(np.repeat(met, count, axis=1), grid.row_centres(rows)))
        order = np.argsort(columns, kind="stable")
        self._columns: Integers = columns[order]
        self._rows: npt.NDArray[np.int32] = (rows[order] - row).astype(np.int32)
        blocks = len(order) // _STEP
        kept = np.arange(blocks * _STEP)
        counts = np.bincount(kept // _STEP * height + self._rows[: kept.size], minlength=blocks * height)
        states = np.zeros((blocks + 1, height), dtype=np.bool_)
        np.logical_xor.accumulate(counts.reshape(blocks, height) & 1 == 1, axis=0, out=states[1:])
        self._states: npt.NDArray[np.bool_] = states

    @property
    def nbytes(self) -> int:
        """Memory held, bytes."""
        return self._columns.nbytes + self._rows.nbytes + self._states.nbytes

    def mask(self, column: int, width: int) -> npt.NDArray[np.bool_]:
        """Give the mask of a window.

        Args:
            column: First pixel column.
            width: Number of pixel columns.

        Returns:
            Bool (height, width), True inside.
        """
        start, rows, columns = self._toggles(column, width)
        if not rows.size and start.size in (0, self.height):
            return np.full((self.height, width), bool(start.size))
        return fill(np.concatenate((start, rows)), np.concatenate((np.zeros_like(start), columns)), self.height, width)

    def windows_with_pixels(self, column: int, width: int, count: int) -> npt.NDArray[np.bool_]:
        """Tell which of a row of windows hold a pixel that is inside; no mask is made.

        Args:
            column: First pixel column of the first window.
            width: Pixel columns of each window.
            count: Number of windows, side by side.

        Returns:
            Bool (count,).
        """
        start, rows, columns = self._toggles(column, width * count)
        rows, columns = np.concatenate((start, rows)), np.concatenate((np.zeros_like(start), columns))
        order = np.lexsort((columns, rows))
        rows, columns = rows[order], columns[order]
        # Along each row toggles open and close by turns; the last to open may find no one to close.
        first = np.searchsorted(rows, rows, "left")
        opens = np.flatnonzero((np.arange(rows.size) - first) & 1 == 0)
        closing = np.minimum(opens + 1, rows.size - 1)
        closed = (opens + 1 < rows.size) & (rows[closing] == rows[opens])
        begin, end = columns[opens], np.where(closed, columns[closing], width * count)
        some = end > begin
        steps = np.bincount(begin[some] // width, minlength=count + 1)
        steps -= np.bincount((end[some] - 1) // width + 1, minlength=count + 1)
        return np.cumsum(steps[:count]) > 0

    def _toggles(self, column: int, width: int) -> tuple[Integers, Integers, Integers]:
        """Give the rows that are inside where a window begins, and the rows and columns in it where that changes."""
        first = int(np.searchsorted(self._columns, column, "right"))
        last = int(np.searchsorted(self._columns, column + width - 1, "right"))
        block = first // _STEP
        before = np.bincount(self._rows[block * _STEP : first], minlength=self.height) & 1 == 1
        start = np.flatnonzero(self._states[block] ^ before)
        return start, self._rows[first:last].astype(np.int64), self._columns[first:last] - column


def mask_pixels(
    edges: EdgeIndex, grid: PixelGrid, *, row: int, column: int, height: int, width: int
) -> npt.NDArray[np.bool_]:
    """Give the mask of one window of a level.

    Args:
        edges: The area.
        grid: The level's pixels.
        row: First pixel row.
        column: First pixel column.
        height: Number of pixel rows.
        width: Number of pixel columns.

    Returns:
        Bool (height, width), True inside.
    """
    return Crossings(edges, grid, row, height).mask(column, width)


def ramps(starts: Integers, counts: Integers) -> Integers:
    """Give ``start, start + 1, ...`` with ``count`` members for each start, one after the other."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(ends[-1] if ends.size else 0)


def fill(rows: Integers, columns: Integers, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Fill from toggles: each changes its row from its column on, those at one place cancel in pairs.

    Args:
        rows: From 0 up to below height.
        columns: From 0 up to below width.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        Bool (height, width).
    """
    words = -(-width // 64)
    bits = np.zeros((words, height), dtype="<u8")
    marks = np.uint64(1) << (columns & 63).astype(np.uint64)
    np.bitwise_xor.at(bits.reshape(-1), (columns >> 6) * height + rows, marks)
    # Within a word every bit becomes the parity of itself and all lower ones ...
    shifted = np.empty_like(bits)
    for shift in (1, 2, 4, 8, 16, 32):
        np.left_shift(bits, np.uint64(shift), out=shifted)
        bits ^= shifted
    # ... whose last bit runs on through the words right of it.
    for word in range(1, words):
        bits[word] ^= np.uint64(0) - (bits[word - 1] >> np.uint64(63))
    in_rows = np.ascontiguousarray(bits.T).view(np.uint8)
    unpacked = np.unpackbits(in_rows, axis=1, count=width, bitorder="little")
    return unpacked.view(np.bool_)
