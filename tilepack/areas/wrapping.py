"""Areas around the world: what lies beyond its edge comes in again on the other side.

An area is an array of edges (n, 4), as in `tilepack.pixels.mask`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np

from tilepack.errors import AreaOfInterestError
from tilepack.pixels.mask import Floats, in_canonical_order

_MOST_TURNS: Final = 8
"""Times around the world beyond which coordinates are taken for a mistake."""

_SLACK: Final = 1e-9
"""Part of the world's width by which rounded coordinates may pass its edge without counting as beyond it."""


def wrap(edges: Floats, left: float, width: float) -> list[Floats]:
    """Bring what lies beyond the world's edge back in on the other side, cut at the edge.

    Args:
        edges: Float64 (n, 4).
        left: The world's left edge, units of the coordinates.
        width: Its width.

    Returns:
        Float64 arrays whose union is the area; several only if it overlaps itself. Untouched if nothing lies beyond.

    Raises:
        AreaOfInterestError: The area reaches around the world many times.
    """
    xs = edges[:, [0, 2]]
    low, high = float(xs.min()), float(xs.max())
    if low >= left - _SLACK * width and high <= left + width * (1 + _SLACK):
        return [edges]
    first, last = math.floor((low - left) / width), math.ceil((high - left) / width)
    if max(abs(first), abs(last)) > _MOST_TURNS:
        raise AreaOfInterestError(
            f"the area reaches from x = {low:.10g} to {high:.10g}, many times around the world; "
            "check the spatial reference it is said to be in"
        )
    edges = in_canonical_order(edges)
    seams: dict[int, list[Floats]] = {}
    for turn in range(first + 1, last):
        x = left + turn * width
        edges, heights = _split(edges, x)
        # Where the chain passes from side to side, each side is closed along the seam, between every other pair.
        seam = np.column_stack(
            (np.full(heights.size // 2, x), heights[::2], np.full(heights.size // 2, x), heights[1::2])
        )
        seams.setdefault(turn - 1, []).append(seam)
        seams.setdefault(turn, []).append(seam)
    turns = np.floor(((edges[:, 0] + edges[:, 2]) / 2 - left) / width)
    parts = []
    for turn in range(first, last):
        part = np.concatenate([edges[turns == turn], *seams.get(turn, [])])
        part[:, [0, 2]] -= turn * width
        if part.size:
            parts.append(part)
    parts.sort(key=lambda part: float(part[:, [0, 2]].min()))
    bounds = [(float(part[:, [0, 2]].min()), float(part[:, [0, 2]].max())) for part in parts]
    if all(here[1] <= there[0] for here, there in pairwise(bounds)):
        return [cancel_pairs(np.concatenate(parts))]
    return parts


def _split(edges: Floats, x: float) -> tuple[Floats, Floats]:
    """Cut edges at a vertical line; gives them and, ascending, the heights at which they pass it."""
    x0, y0, x1, y1 = edges.T
    passing = (x0 >= x) != (x1 >= x)
    x0, y0, x1, y1 = edges[passing].T
    y = np.clip(y0 + (x - x0) * (y1 - y0) / (x1 - x0), y0, y1)
    y = np.where(x0 == x, y0, np.where(x1 == x, y1, y))
    at = np.full(y.size, x)
    pieces = np.concatenate((np.column_stack((x0, y0, at, y)), np.column_stack((at, y, x1, y1))))
    pieces = pieces[(pieces[:, 0] != pieces[:, 2]) | (pieces[:, 1] != pieces[:, 3])]
    return np.concatenate((edges[~passing], pieces)), np.sort(y)


def cancel_pairs(edges: Floats) -> Floats:
    """Drop edges that are there twice: what lies on both sides of them is the same. Gives them in canonical order."""
    edges = in_canonical_order(edges)
    order = np.lexsort(edges.T)
    ordered = edges[order]
    fresh = np.ones(len(edges), dtype=np.bool_)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(fresh)
    odd = np.diff(np.append(starts, len(edges))) % 2 == 1
    kept: Floats = edges[np.sort(order[starts[odd]])]
    return kept
