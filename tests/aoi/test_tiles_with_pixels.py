"""Tiles with a pixel inside are those whose masks are not empty."""

from __future__ import annotations

import numpy as np
import shapely
from aoi_samples import scheme_of, tile_range
from hypothesis import given, settings
from hypothesis import strategies as st
from pixel_areas import edges_of, random_polygon

from tilepack.aoi import AreaOfInterest
from tilepack.keys import TileKey
from tilepack.pixels.coverage import Coverage


def has_pixel(area, tiles):
    """Ask tile by tile."""
    return np.array(
        [
            [
                area.mask(TileKey(tiles.level, row, column)).any()
                for column in range(tiles.column_start, tiles.column_stop)
            ]
            for row in range(tiles.row_start, tiles.row_stop)
        ]
    )


@settings(max_examples=150)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([4, 7, 16]),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([None, 1, 2, 8, 16]),
)
def test_tiles_with_pixels_are_those_whose_masks_are_not_empty(seed, tile, row, column, snap):
    rng = np.random.default_rng(seed)
    parts = [edges_of(random_polygon(rng, 100)) for _ in range(int(rng.integers(1, 3)))]
    if snap:  # vertices on pixel borders and centres, edges on tile borders
        parts = [
            np.round(edges * snap / 2) * 2 / snap if snap < 8 else np.round(edges / snap) * snap for edges in parts
        ]
    area = AreaOfInterest(parts, scheme_of(2056, (0, 0), 1.0, levels=1, tile=tile))
    tiles = tile_range(0, (row, row + 6), (column, column + 8))
    np.testing.assert_array_equal(area.tiles_with_pixels(tiles), has_pixel(area, tiles))


def test_tile_whose_corner_is_cut_off_between_two_centres_has_none():
    scheme = scheme_of(2056, (0, 0), 1.0, levels=1, tile=16)
    # Crosses the tile right of the border, but passes no centre there.
    area = AreaOfInterest([edges_of(shapely.box(2.2, -40.0, 16.4, -3.0))], scheme)
    tiles = tile_range(0, (0, 4), (0, 3))
    expected = np.array([[True, False, False]] * 3 + [[False] * 3])
    np.testing.assert_array_equal(area.tiles_with_pixels(tiles), expected)
    np.testing.assert_array_equal(has_pixel(area, tiles), expected)


def test_needle_through_a_tile_that_meets_no_centre_is_found_empty_though_it_crosses():
    scheme = scheme_of(2056, (0, 0), 1.0, levels=1, tile=16)
    needle = shapely.Polygon([(0.6, -0.7), (31.4, -30.9), (31.41, -30.88), (0.61, -0.68)])
    area = AreaOfInterest([edges_of(needle)], scheme)
    tiles = tile_range(0, (0, 2), (0, 2))
    assert (area.coverage(tiles) == Coverage.CROSSING).any()
    np.testing.assert_array_equal(area.tiles_with_pixels(tiles), has_pixel(area, tiles))
    assert not area.tiles_with_pixels(tiles).all()
