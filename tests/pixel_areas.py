"""Random polygons of awkward kinds, and the plain way to mask them."""

from __future__ import annotations

import numpy as np
import shapely

from tilepack.pixels.mask import EdgeIndex, PixelGrid


def edges_of(geometry):
    """Edges (n, 4) of a polygon or multipolygon."""
    rings = [np.asarray(ring.coords) for ring in shapely.get_rings(shapely.get_parts(geometry))]
    return np.concatenate([np.concatenate((ring[:-1], ring[1:]), axis=1) for ring in rings])


def random_polygon(rng, size):
    """A star, comb, sliver or donut within size x size units; y grows upwards from -size to 0."""
    kind = rng.integers(4)
    centre = np.array([size / 2, -size / 2]) + rng.uniform(-size / 8, size / 8, 2)
    if kind == 0:
        count = int(rng.integers(3, 80))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radii = rng.uniform(0.02, 0.6, count) * size
        return shapely.Polygon(centre + np.column_stack((np.cos(angles), np.sin(angles))) * radii[:, None])
    if kind == 1:
        teeth = int(rng.integers(2, 60))
        xs = np.sort(rng.uniform(0, size, 2 * teeth))
        ys = np.where(np.arange(2 * teeth) % 2, rng.uniform(-size, -size / 2, 2 * teeth), rng.uniform(-size / 3, 0))
        return shapely.Polygon([(xs[0], -size - 3.3), *zip(xs, ys, strict=True), (xs[-1], -size - 2.7)])
    if kind == 2:
        start, end = rng.uniform(-0.2 * size, 1.2 * size, 2), rng.uniform(-0.2 * size, 1.2 * size, 2)
        aside = rng.uniform(0.01, 3.0, 2)
        return shapely.Polygon([start - (0, size), end - (0, size), end - (0, size) + aside])
    outer = shapely.Point(centre).buffer(rng.uniform(0.2, 0.5) * size, quad_segs=int(rng.integers(2, 20)))
    holes = [
        shapely.affinity.rotate(
            shapely.box(*(x := centre + rng.uniform(-0.2, 0.2, 2) * size), *(x + rng.uniform(1, 20, 2))), 30
        )
        for _ in range(int(rng.integers(1, 6)))
    ]
    return outer.difference(shapely.union_all(holes))


def plain_mask(edges, grid: PixelGrid, row, column, shape):
    """Pixel by pixel and edge by edge, as the rule is written."""
    height, width = shape
    x = grid.column_centres(column + np.arange(width))
    mask = np.zeros((height, width), dtype=bool)
    for number, y in enumerate(grid.row_centres(row + np.arange(height))):
        for x0, y0, x1, y1 in EdgeIndex(edges).edges.T:
            if y0 < y <= y1:
                mask[number] ^= x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x
    return mask
