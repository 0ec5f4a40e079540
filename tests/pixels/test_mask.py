from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pixel_areas import edges_of, plain_mask, random_polygon

from tilepack.pixels.mask import Crossings, EdgeIndex, PixelGrid, fill, in_canonical_order, mask_pixels

UNIT = PixelGrid(0.0, 0.0, 1.0)
seeds = st.integers(0, 2**32 - 1)


def mask_of(geometry, row=0, column=0, *, height=64, width=64, grid=UNIT):
    return mask_pixels(EdgeIndex(edges_of(geometry)), grid, row=row, column=column, height=height, width=width)


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rasterio's own use of affine
@pytest.mark.parametrize("part", range(10))
def test_mask_equals_rasterio_on_a_hundred_random_polygons(part):
    features = pytest.importorskip("rasterio.features")
    from rasterio.transform import from_origin

    rng = np.random.default_rng(part)
    differing = inside = 0
    for _ in range(100):
        resolution = float(rng.choice([1.0, 0.37, 38.21851414258813]))
        grid = PixelGrid(float(rng.uniform(-2e7, 2e7)), float(rng.uniform(-2e7, 2e7)), resolution)
        row, column = (int(n) for n in rng.integers(0, 3000, 2))
        corner = grid.origin_x + column * resolution, grid.origin_y - row * resolution
        polygon = shapely.affinity.affine_transform(random_polygon(rng, 256), (resolution, 0, 0, resolution, *corner))
        ours = mask_of(polygon, row, column, height=256, width=256, grid=grid)
        theirs = features.rasterize([(polygon, 1)], (256, 256), transform=from_origin(*corner, resolution, resolution))
        differing += int((ours != (theirs == 1)).sum())
        inside += int(ours.sum())
    assert differing == 0
    assert inside > 100_000


@settings(max_examples=150, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.25, 0.5]))
def test_polygons_that_adjoin_partition_the_pixels_even_with_vertices_on_centres(seed, shift):
    rng = np.random.default_rng(seed)
    corners = shapely.MultiPoint(rng.integers(-4, 44, (int(rng.integers(4, 60)), 2)) * 0.5 + shift - (0, 20))
    triangles = shapely.get_parts(shapely.delaunay_triangles(corners))
    masks = [mask_of(triangle, -4, -4, height=32, width=32) for triangle in triangles]
    assert max((int(np.sum(masks, axis=0).max()) if masks else 0), 0) <= 1
    if masks:
        # Merged along common edges only, so that no vertex is computed anew.
        whole = shapely.coverage_union_all(triangles)
        np.testing.assert_array_equal(np.any(masks, axis=0), mask_of(whole, -4, -4, height=32, width=32))


def test_centre_on_an_edge_belongs_to_the_side_right_of_and_below_it():
    square = mask_of(shapely.box(1.5, -5.5, 4.5, -1.5), height=8, width=8)
    expected = np.zeros((8, 8), dtype=bool)
    expected[1:5, 1:4] = True  # rows 1 and column 1 lie on the upper and left edge, row 5 and column 4 on the others
    np.testing.assert_array_equal(square, expected)
    slope = mask_of(shapely.Polygon([(0.5, -0.5), (7.5, -7.5), (0.5, -7.5)]), height=8, width=8)
    other = mask_of(shapely.Polygon([(0.5, -0.5), (7.5, -7.5), (7.5, -0.5)]), height=8, width=8)
    assert not slope.diagonal()[:7].any()
    assert other.diagonal()[:7].all()


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([1.0, 0.1, 0.7]), st.booleans())
def test_mask_equals_the_rule_taken_word_by_word(seed, resolution, on_centres):
    rng = np.random.default_rng(seed)
    grid = PixelGrid(float(rng.uniform(-100, 100)), float(rng.uniform(-100, 100)), resolution)
    edges = edges_of(random_polygon(rng, 20)) * resolution + np.tile((grid.origin_x, grid.origin_y), 2)
    if on_centres:
        edges[:, 0::2] = grid.column_centres(grid.columns_from(edges[:, 0::2]))
        edges[:, 1::2] = grid.row_centres(grid.rows_from(edges[:, 1::2]))
    mask = mask_pixels(EdgeIndex(edges), grid, row=-2, column=-3, height=25, width=27)
    np.testing.assert_array_equal(mask, plain_mask(edges, grid, -2, -3, (25, 27)))


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 130), st.integers(1, 130))
def test_mask_of_a_window_is_the_crop_of_a_larger_mask(seed, row, column, height, width):
    rng = np.random.default_rng(seed)
    grid = PixelGrid(-20037508.342787, 20037508.342787, 0.29858214164761665)
    row, column = row + 70_000_000, column + 71_000_000
    edges = edges_of(random_polygon(rng, 600)) * grid.resolution
    edges += np.tile((grid.origin_x + 71_000_000 * grid.resolution, grid.origin_y - 70_000_000 * grid.resolution), 2)
    index = EdgeIndex(edges)
    part = mask_pixels(index, grid, row=row, column=column, height=height, width=width)
    whole = mask_pixels(index, grid, row=row - 17, column=column - 91, height=height + 40, width=width + 171)
    np.testing.assert_array_equal(part, whole[17 : 17 + height, 91 : 91 + width])


def test_mask_does_not_depend_on_direction_or_order_of_edges():
    rng = np.random.default_rng(5)
    edges = edges_of(random_polygon(rng, 64))
    turned = rng.permutation(edges[:, [2, 3, 0, 1]])
    for height in (1, 64):
        np.testing.assert_array_equal(
            mask_pixels(EdgeIndex(edges), UNIT, row=0, column=0, height=height, width=64),
            mask_pixels(EdgeIndex(turned), UNIT, row=0, column=0, height=height, width=64),
        )


def test_rows_and_columns_start_with_the_first_centre_at_or_below_and_right():
    grid = PixelGrid(-400.0, 400.0, 0.1)
    rows = np.arange(-5, 9000)
    np.testing.assert_array_equal(grid.rows_from(grid.row_centres(rows)), rows)
    np.testing.assert_array_equal(grid.rows_from(np.nextafter(grid.row_centres(rows), -np.inf)), rows + 1)
    np.testing.assert_array_equal(grid.columns_from(grid.column_centres(rows)), rows)
    np.testing.assert_array_equal(grid.columns_from(np.nextafter(grid.column_centres(rows), np.inf)), rows + 1)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 80))
def test_index_gives_the_edges_that_reach_into_a_band_and_no_others(seed, count):
    rng = np.random.default_rng(seed)
    edges = rng.uniform(-1, 1, (count, 4)) * 10.0 ** rng.integers(-6, 4, (count, 1))
    edges[: count // 4, 3] = edges[: count // 4, 1]
    low, high = sorted(rng.uniform(-2, 2, 2).tolist())
    index = EdgeIndex(edges)
    ordered = in_canonical_order(edges)
    expected = ordered[(ordered[:, 1] <= high) & (ordered[:, 3] >= low)]
    found = index.between(low, high).T
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, expected.tolist()))
    assert len(index) == count


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 40), st.integers(1, 300), st.integers(0, 200))
def test_fill_is_the_parity_of_toggles_to_the_left(seed, height, width, count):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, height, count), rng.integers(0, width, count)
    toggles = np.zeros((height, width), dtype=int)
    np.add.at(toggles, (rows, columns), 1)
    np.testing.assert_array_equal(fill(rows, columns, height, width), np.cumsum(toggles, axis=1) % 2 == 1)


def test_crossings_far_to_the_left_count_however_many_there_are():
    teeth = shapely.box(np.arange(0, 3000, 2) + 0.25, -256.0, np.arange(1, 3001, 2) + 0.25, 0.0)
    edges = np.concatenate([edges_of(tooth) for tooth in [*teeth, shapely.box(4000.25, -200.25, 4100, 0)]])
    crossings = Crossings(EdgeIndex(edges), UNIT, 0, 256)
    assert crossings.nbytes > 0
    assert not crossings.mask(3500, 256).any()
    assert crossings.mask(4000, 20)[:200].all()
    assert not crossings.mask(4000, 20)[200:].any()
    np.testing.assert_array_equal(crossings.mask(2500, 256)[0, :4], [True, False, True, False])


def test_area_without_edges_masks_nothing():
    assert not mask_pixels(EdgeIndex(np.empty((0, 4))), UNIT, row=0, column=0, height=3, width=5).any()
