"""A cache of a few PNG tiles, and any polygon about it, for laws that hold for all of them."""

from __future__ import annotations

import numpy as np
import shapely
from export_caches import coloured, drawn, mercator, square
from hypothesis import strategies as st

SCHEME = mercator()
BOX = square(SCHEME, 5, 9, 13, 3)
TILES = drawn(SCHEME, coloured(3, 4, keyed=True), side=3) | drawn(
    SCHEME, coloured(6, 8), level=4, row=4, column=6, side=2
)

# Eighths of a pixel, a little off, so that no vertex lies on a centre.
_place = st.integers(-200, 200 + 3 * 64 * 8).map(lambda number: (number + 0.37) / (3 * 64 * 8))
_corners = st.lists(st.tuples(_place, _place), min_size=3, max_size=12, unique=True)


def _mended(corners: list[tuple[float, float]]) -> shapely.MultiPolygon:
    """Give what is inside a ring whose corners are parts of the box's sides."""
    origin, size = np.array((BOX.xmin, BOX.ymin)), np.array((BOX.width, BOX.height))
    area = shapely.make_valid(shapely.Polygon(origin + np.array(corners) * size).normalize())
    return shapely.MultiPolygon([part for part in shapely.get_parts(area) if part.geom_type == "Polygon"])


any_polygon = _corners.map(_mended).filter(lambda area: area.area > 0)
