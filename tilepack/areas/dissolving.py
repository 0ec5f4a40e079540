"""Polygons made into one area: an array of edges (n, 4) of which an odd number lies left of every point inside.

Polygons that do not overlap need no geometry at all: a border that two of them share is there twice and goes, what is
left is the area's, bit for bit. Only polygons that do overlap are united, and only with those they touch; that adds
vertices where borders cross and moves none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilepack.areas.wrapping import cancel_pairs
from tilepack.errors import AreaOfInterestError
from tilepack.pixels.mask import Floats

Polygons = npt.NDArray[np.object_]


def mend(polygons: Polygons, place: str) -> tuple[Polygons, list[str]]:
    """Mend invalid polygons: rings that cross themselves or others, parts that overlap, holes outside.

    Args:
        polygons: shapely polygons and multipolygons with finite coordinates.
        place: Where they came from, for messages.

    Returns:
        Valid ones with a surface, and a warning if any had to be mended. Those that were valid are the same objects.

    Raises:
        AreaOfInterestError: Nothing with a surface is left.
    """
    import shapely  # noqa: PLC0415  takes 80 ms

    broken = np.flatnonzero(~shapely.is_valid(polygons))
    warnings = []
    if broken.size:
        reason = str(shapely.is_valid_reason(polygons[broken[0]]))
        polygons = polygons.copy()
        try:
            polygons[broken] = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
        except shapely.errors.ShapelyError as error:
            raise AreaOfInterestError(
                f"{place}: an invalid polygon cannot be mended: {error}; mend it beforehand"
            ) from None
        warnings.append(
            f"{place}: {broken.size} of {polygons.size} features had invalid rings and "
            f"{'were' if broken.size > 1 else 'was'} mended (feature {broken[0] + 1}: {reason})"
        )
    polygons = polygons[shapely.area(polygons) > 0]
    if not polygons.size:
        raise AreaOfInterestError(f"{place}: its polygons cover no surface; check the file")
    return polygons, warnings


def dissolve(polygons: Polygons, place: str) -> Floats:
    """Make polygons one area.

    Args:
        polygons: Valid shapely polygons and multipolygons.
        place: Where they came from, for messages.

    Returns:
        Edges (n, 4) in canonical order.

    Raises:
        AreaOfInterestError: They overlap in a way that cannot be computed.
    """
    import shapely  # noqa: PLC0415  takes 80 ms

    if polygons.size == 1:
        return cancel_pairs(_edges(polygons))
    try:
        overlapping = ~shapely.is_empty(shapely.coverage_invalid_edges(polygons))
        if overlapping.any():
            # Of two polygons one of which lies within the other, only the inner one is reported.
            tree = shapely.STRtree(polygons)
            flagged = np.flatnonzero(overlapping)
            overlapping[tree.query(polygons[flagged], predicate="intersects")[1]] = True
            united = shapely.union_all(polygons[overlapping])
            polygons = np.array([*polygons[~overlapping], united], dtype=object)
    except shapely.errors.ShapelyError as error:
        raise AreaOfInterestError(
            f"{place}: its polygons cannot be united: {error}; dissolve them beforehand"
        ) from None
    return cancel_pairs(_edges(polygons))


def _edges(polygons: Polygons) -> Floats:
    import shapely  # noqa: PLC0415  takes 80 ms

    rings = shapely.get_rings(shapely.get_parts(polygons))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    edges: Floats = np.concatenate((coordinates[:-1], coordinates[1:]), axis=1)
    real: Floats = edges[(ring[:-1] == ring[1:]) & (coordinates[:-1] != coordinates[1:]).any(axis=1)]
    return real
