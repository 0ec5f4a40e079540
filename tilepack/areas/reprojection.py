"""Areas from one spatial reference to another, edge by edge.

An area is an array of edges (n, 4), as in `tilepack.pixels.mask`. Whether a point is inside depends on the edges alone
and not on how they are strung into rings; so nothing here needs rings, and whatever is done to an edge depends on that
edge and the two spatial references only, with its ends in one fixed order. Areas that share an edge therefore share all
that becomes of it.

The way leads over longitude and latitude. There, coordinates beyond the window of the target's projection are moved to
the nearest point of the window's frame. That clips: what lies strictly within the window is inside exactly if it was
before. Edges are halved until no quarter point of a piece strays from it by more than the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tilepack.areas.projection import Way, is_same, world_width
from tilepack.areas.wrapping import wrap
from tilepack.errors import AreaOfInterestError
from tilepack.pixels.mask import Floats, in_canonical_order

if TYPE_CHECKING:
    from pyproj import CRS

_STRAYING: Final = 0.02
"""Part of the finest pixel by which edges may stray. A quarter would do for each edge alone, but where edges of several
areas meet at acute angles, chords that stray could cross each other, and pixels be lost or taken twice."""

_DEEPEST: Final = 44
"""Halvings after which a piece that still jumps crosses a seam of the projection."""

_MOST_EDGES: Final = 20_000_000
"""Edges of an area in the target, which take 32 bytes each, and several times as much while they are made."""

_BATCH: Final = 50_000
"""Edges that are halved at once."""

_LONG: Final = 36
"""Lines longer than this part of the circle are halved however straight they look at five points."""

_SURVEYED: Final = 8
"""Halvings during which that is so."""


def reproject(edges: Floats, source: CRS, target: CRS, *, finest: float, left: float | None = None) -> list[Floats]:
    """Bring an area into another spatial reference.

    Args:
        edges: Float64 (n, 4), coordinates of the source.
        source: The spatial reference that the area is in.
        target: The one it is wanted in.
        finest: Smallest pixel that will be asked for, units of the target; edges stray by a fiftieth of it at most.
        left: Where the target's 360 degrees begin, if that is known.

    Returns:
        Float64 arrays (m, 4); their union is the area. One, unless it overlaps itself around the world. Where both
        spatial references are the same, no coordinate is changed, unless it lies beyond the world's edge.

    Raises:
        AreaOfInterestError: Coordinates lie nowhere on earth, or there is no way between the two.
    """
    if is_same(source, target):
        width = world_width(target)
        if width is None:
            return [edges]
        return wrap(edges, -width / 2 if left is None else left, width)
    way = Way.between(source, target, left)
    width = world_width(source)
    parts = [edges] if width is None else wrap(edges, way.source_centre - width / 2, width)
    tolerance = max(_STRAYING * finest, 1e-12 * way.magnitude)
    return [_follow(in_canonical_order(part), way, tolerance) for part in parts]


def _follow(edges: Floats, way: Way, tolerance: float) -> Floats:
    """Bring edges to the target, halved as needed, and closed along the projection's seam where they cross it."""
    # A part at a time: what is kept while lines are halved takes several times the memory of the lines.
    batches = [edges[start : start + _BATCH] for start in range(0, len(edges), _BATCH)]
    halved = [_halve(batch[:, :2], batch[:, 2:], way.angles, way, tolerance) for batch in batches]
    found, jumps = (np.concatenate(each) for each in zip(*halved, strict=True))
    if not jumps.size:
        return found
    start, end = way.angles(jumps[:, :2]), way.angles(jumps[:, 2:])
    around = np.abs(start[:, 0] - end[:, 0]) > way.half
    pieces = [found, np.concatenate((way.project(start[~around]), way.project(end[~around])), axis=1)]
    start, end = start[around], end[around]
    heights = (start[:, 1] + end[:, 1]) / 2
    eastern = start[:, :1] > end[:, :1]
    # Each such piece is ended on its side of the frame.
    for sign, points in ((1, np.where(eastern, start, end)), (-1, np.where(eastern, end, start))):
        at_frame = np.column_stack((np.full(heights.size, way.centre + sign * way.half), heights))
        pieces.append(np.concatenate((way.project(points), way.project(at_frame)), axis=1))
    # On both sides, the frame is followed between every other pair of crossings, and to the pole if one is left over.
    legs = np.sort(np.append(heights, [way.pole] * (heights.size % 2)))
    frame = [np.empty((0, 4))]
    for sign in (1, -1):
        at = np.full(legs.size // 2, way.centre + sign * way.half)
        frame.append(np.column_stack((at, legs[::2], at, legs[1::2])))
    if heights.size % 2:
        frame.append(np.array([[way.centre - way.half, way.pole, way.centre + way.half, way.pole]]))
    border = np.concatenate(frame)
    pieces.append(_halve(border[:, :2], border[:, 2:], lambda angles: angles, way, tolerance)[0])
    return np.concatenate(pieces)


def _halve(
    start: Floats, end: Floats, angles: Callable[[Floats], Floats], way: Way, tolerance: float
) -> tuple[Floats, Floats]:
    """Bring straight lines to the target as pieces that stray no more than the tolerance.

    Returns:
        The pieces, and those, in the source's coordinates, that still jump when they can be halved no more.
    """
    done: list[Floats] = []
    total = 0
    start_angles, end_angles = angles(start), angles(end)
    start_xy, end_xy = way.project(start_angles), way.project(end_angles)
    for depth in range(_DEEPEST):
        middle = (start + end) / 2
        middle_angles = angles(middle)
        middle_xy = way.project(middle_angles)
        quarters = [way.project(angles((one + middle) / 2)) for one in (start, end)]
        bent = _strays(start_xy, end_xy, (quarters[0], middle_xy, quarters[1]), tolerance)
        if depth < _SURVEYED:
            bent |= np.abs(start_angles - end_angles).max(axis=1) > way.circle / _LONG
        straight = ~bent
        done.append(np.concatenate((start_xy[straight], end_xy[straight]), axis=1))
        total += int(straight.sum()) + 2 * int(bent.sum())
        if total > _MOST_EDGES:
            raise AreaOfInterestError(
                f"the area would need more than {_MOST_EDGES:,} vertices in the cache's spatial reference; simplify it"
            )
        if not bent.any():
            return np.concatenate(done), np.empty((0, 4))
        start, end = np.concatenate((start[bent], middle[bent])), np.concatenate((middle[bent], end[bent]))
        start_xy, end_xy = (
            np.concatenate((start_xy[bent], middle_xy[bent])),
            np.concatenate((middle_xy[bent], end_xy[bent])),
        )
        start_angles, end_angles = (
            np.concatenate((start_angles[bent], middle_angles[bent])),
            np.concatenate((middle_angles[bent], end_angles[bent])),
        )
    jumping = np.hypot(*(start_xy - end_xy).T) > tolerance
    done.append(np.concatenate((start_xy[~jumping], end_xy[~jumping]), axis=1))
    return np.concatenate(done), np.concatenate((start[jumping], end[jumping]), axis=1)


def _strays(start: Floats, end: Floats, between: tuple[Floats, ...], tolerance: float) -> npt.NDArray[np.bool_]:
    """Tell of which lines a point between strays too far, or lies so unevenly that the line may jump."""
    along = end - start
    squared = (along**2).sum(axis=1)
    safe = np.where(squared > 0, squared, 1.0)
    strays = np.zeros(len(start), dtype=np.bool_)
    parts = [np.zeros(len(start))]
    for points in between:
        offset = points - start
        part = np.where(squared > 0, (offset * along).sum(axis=1) / safe, 0.0)
        aside = offset - part[:, None] * along
        strays |= (aside**2).sum(axis=1) > tolerance**2
        parts.append(part)
    gaps = np.diff(np.stack([*parts, np.ones(len(start))]), axis=0)
    uneven = (gaps > 0.75).any(axis=0) | (gaps < -0.05).any(axis=0)
    strays |= uneven & (squared > (4 * tolerance) ** 2)
    return strays
