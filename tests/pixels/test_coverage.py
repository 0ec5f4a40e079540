from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pixel_areas import edges_of, random_polygon

from tilepack.keys import TileRange
from tilepack.pixels.coverage import Coverage, classify_tiles
from tilepack.pixels.mask import EdgeIndex, PixelGrid, mask_pixels

UNIT = PixelGrid(0.0, 0.0, 1.0)


def tile_range(row_start, row_stop, column_start, column_stop):
    return TileRange(
        level=0, row_start=row_start, row_stop=row_stop, column_start=column_start, column_stop=column_stop
    )


def assert_consistent(edges, tiles, width, height, grid=UNIT):
    """No tile is called INSIDE or OUTSIDE by mistake; gives how many were left to the masks."""
    index = EdgeIndex(edges)
    coverage = classify_tiles(index, grid, tiles, width, height)
    rows, columns = tiles.row_stop - tiles.row_start, tiles.column_stop - tiles.column_start
    assert coverage.shape == (rows, columns)
    assert coverage.dtype == np.uint8
    mask = mask_pixels(
        index,
        grid,
        row=tiles.row_start * height,
        column=tiles.column_start * width,
        height=rows * height,
        width=columns * width,
    )
    blocks = mask.reshape(rows, height, columns, width).swapaxes(1, 2)
    whole, some = blocks.all(axis=(2, 3)), blocks.any(axis=(2, 3))
    assert not (~whole & (coverage == Coverage.INSIDE)).any()
    assert not (some & (coverage == Coverage.OUTSIDE)).any()
    return coverage


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(16, 16), (7, 12), (1, 1), (64, 5)]),
    st.integers(-3, 6),
    st.integers(-3, 6),
    st.sampled_from([None, 1, 2, 8, 16]),
)
def test_coverage_agrees_with_the_masks(seed, tile, row, column, snap):
    width, height = tile
    edges = edges_of(random_polygon(np.random.default_rng(seed), 100))
    if snap:  # vertices on pixel borders and centres, edges on tile borders
        edges = np.round(edges * snap / 2) * 2 / snap if snap < 8 else np.round(edges / snap) * snap
    coverage = assert_consistent(edges, tile_range(row, row + 9, column, column + 9), width, height)
    boxes = shapely.box(*(x.ravel() for x in tile_boxes(row, column, 9, width, height)))
    lines = shapely.linestrings(edges.reshape(-1, 2, 2))
    touched = shapely.intersects(boxes, shapely.union_all(lines)).reshape(9, 9)
    assert not ((coverage == Coverage.CROSSING) & ~touched).any()


def tile_boxes(row, column, count, width, height):
    left, top = np.meshgrid(np.arange(column, column + count) * width, -np.arange(row, row + count) * height)
    return left, top - height, left + width, top


def test_area_of_whole_tiles_crosses_none():
    coverage = assert_consistent(edges_of(shapely.box(16, -64, 48, -16)), tile_range(0, 6, 0, 5), 16, 16)
    expected = np.zeros((6, 5), dtype=np.uint8)
    expected[1:4, 1:3] = Coverage.INSIDE
    np.testing.assert_array_equal(coverage, expected)


def test_tiles_right_and_left_of_what_was_asked_for_change_nothing():
    edges = edges_of(shapely.Point(200.3, -200.7).buffer(150))
    whole = assert_consistent(edges, tile_range(0, 25, 0, 25), 16, 16)
    for row in range(0, 25, 5):
        for column in range(0, 25, 5):
            part = classify_tiles(EdgeIndex(edges), UNIT, tile_range(row, row + 5, column, column + 5), 16, 16)
            np.testing.assert_array_equal(part, whole[row : row + 5, column : column + 5])


def test_sliver_between_two_rows_of_pixels_crosses_tiles_without_filling_any():
    edges = edges_of(shapely.Polygon([(3, -8.6), (90, -8.7), (90, -8.9)]))
    coverage = assert_consistent(edges, tile_range(0, 2, 0, 6), 16, 16)
    assert (coverage[1] == Coverage.OUTSIDE).all()
    assert (coverage != Coverage.INSIDE).all()


@pytest.mark.parametrize("tiles", [tile_range(3, 3, 0, 5), tile_range(2, 1, 0, 5), tile_range(0, 5, 4, 4)])
def test_empty_rectangle_has_no_coverage(tiles):
    assert classify_tiles(EdgeIndex(edges_of(shapely.box(0, -9, 9, 0))), UNIT, tiles, 16, 16).size == 0


def test_level_of_a_million_tiles_is_classified_without_looking_at_pixels():
    angles = np.linspace(0, 2 * np.pi, 10_000, endpoint=False)
    radii = 100_000 * (1 + 0.2 * np.sin(7 * angles))
    ring = np.column_stack((128_000 + radii * np.cos(angles), -128_000 + radii * np.sin(angles)))
    index = EdgeIndex(np.concatenate((ring, np.roll(ring, -1, axis=0)), axis=1))
    coverage = classify_tiles(index, UNIT, tile_range(0, 1000, 0, 1000), 256, 256)
    inside = coverage == Coverage.INSIDE
    area = shapely.Polygon(ring).area / 256**2
    crossing = (coverage == Coverage.CROSSING).sum()
    assert inside.sum() < area < inside.sum() + crossing
    assert crossing < 20_000
