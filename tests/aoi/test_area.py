from __future__ import annotations

import threading

import numpy as np
import pytest
import shapely
from aoi_samples import WORLD, everything, scheme_of, tile_range, web_mercator
from hypothesis import given, settings
from hypothesis import strategies as st

from tilepack import aoi
from tilepack.aoi import AreaOfInterest
from tilepack.areas.dissolving import dissolve, mend
from tilepack.errors import AreaOfInterestError, MetadataError, TilingSchemeError
from tilepack.extent import Extent
from tilepack.keys import TileKey, TileRange
from tilepack.pixels.mask import EdgeIndex, PixelGrid, in_canonical_order, mask_pixels

PLANE = scheme_of(2056, (2_000_000, 1_400_000), 2.0, levels=3, tile=32)
CORNER = np.array([2_000_000, 1_400_000])


def on_plane(geometry):
    """From pixels of level 0, y upwards from 0, to the plane's metres."""
    return shapely.transform(geometry, lambda xy: CORNER + xy * 2.0)


def read(geometry, scheme=PLANE):
    return AreaOfInterest.read(shapely.to_wkt(geometry, rounding_precision=-1), scheme, crs=2056)


def as_array(*geometries):
    polygons = np.empty(len(geometries), dtype=object)
    polygons[:] = geometries
    return polygons


def edge_set(edges):
    return {tuple(edge) for edge in edges.tolist()}


def plain_edges(geometry):
    rings = [np.asarray(ring.coords) for ring in shapely.get_rings(shapely.get_parts(geometry))]
    return in_canonical_order(np.concatenate([np.concatenate((ring[:-1], ring[1:]), axis=1) for ring in rings]))


def test_mask_of_a_tile_is_the_crop_of_the_mask_of_its_bundle():
    area = read(on_plane(shapely.Point(300, -250).buffer(220.3)))
    whole = everything(area, tile_range(1, (0, 32), (0, 40)))
    edges = EdgeIndex(area._parts[0].edges.T)
    grid = PixelGrid(2_000_000, 1_400_000, 1.0)
    np.testing.assert_array_equal(whole, mask_pixels(edges, grid, row=0, column=0, height=1024, width=1280))
    assert whole.mean() == pytest.approx(np.pi * 440.6**2 / whole.size, rel=0.01)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_features_are_united_whether_they_overlap_adjoin_or_hold_each_other(seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 40, (int(rng.integers(1, 12)), 2))
    size = rng.integers(1, 24, low.shape)
    boxes = [
        shapely.box(x + 0.25, -y - h + 0.25, x + w + 0.25, -y + 0.25) for (x, y), (w, h) in zip(low, size, strict=True)
    ]
    parts = [shapely.MultiPolygon([boxes[0], shapely.box(70, -9, 72, -3)]), *boxes[1:]]
    edges = dissolve(as_array(*parts), "test")
    grid = PixelGrid(0, 0, 1.0)
    mask = mask_pixels(EdgeIndex(edges), grid, row=0, column=0, height=80, width=80)
    each = [mask_pixels(EdgeIndex(plain_edges(part)), grid, row=0, column=0, height=80, width=80) for part in parts]
    np.testing.assert_array_equal(mask, np.any(each, axis=0))
    tree = shapely.union_all(parts)
    assert shapely.linestrings(edges.reshape(-1, 2, 2)).size
    assert sum(np.hypot(*(edges[:, 2:] - edges[:, :2]).T)) == pytest.approx(tree.length)


def test_dissolving_moves_no_vertex_and_keeps_what_adjoins_bit_for_bit():
    rng = np.random.default_rng(8)
    points = shapely.MultiPoint(rng.uniform(2.5e6, 2.6e6, (200, 2)))
    triangles = shapely.get_parts(shapely.delaunay_triangles(points))
    edges = dissolve(triangles, "test")
    assert edge_set(edges) == edge_set(plain_edges(shapely.coverage_union_all(triangles)))
    overlapping = np.append(triangles[:50], shapely.box(2.53e6, 2.53e6, 2.57e6, 2.57e6))
    dissolved = dissolve(overlapping, "test")
    known = {tuple(point) for point in shapely.get_coordinates(overlapping).tolist()}
    met = {tuple(point) for point in dissolved.reshape(-1, 2).tolist()}
    lines = shapely.union_all(shapely.boundary(overlapping))
    assert all(shapely.distance(lines, shapely.Point(point)) < 1e-8 for point in met - known)
    outside = known & {
        point for point in known if shapely.union_all(overlapping).boundary.distance(shapely.Point(point)) == 0
    }
    assert outside <= met


def test_holes_and_islands_in_holes_are_told_apart():
    rings = shapely.box(0, -100, 100, 0).difference(shapely.box(10, -90, 90, -10)).union(shapely.box(40, -60, 60, -40))
    mask = everything(read(on_plane(rings)), tile_range(0, (0, 4), (0, 4)))
    assert mask[5, 50]
    assert not mask[20, 50]
    assert mask[50, 50]
    assert mask.sum() == rings.area


def test_invalid_rings_are_mended_with_a_warning():
    bow_tie = shapely.Polygon([(0, 0), (40, -40), (40, 0), (0, -40)])
    overlapping = shapely.MultiPolygon([shapely.box(50, -30, 70, -10), shapely.box(60, -40, 80, -20)])
    area = read(on_plane(shapely.GeometryCollection([bow_tie])))
    assert len(area.warnings) == 1
    assert "1 of 1 features had invalid rings and was mended (feature 1: Self-intersection" in area.warnings[0]
    assert everything(area, tile_range(2, (0, 8), (0, 8))).sum() == pytest.approx(800 * 16, rel=0.02)
    mended, warnings = mend(as_array(bow_tie, overlapping, shapely.box(0, 0, 1, 1)), "layer")
    assert "2 of 3 features had invalid rings and were mended" in warnings[0]
    assert shapely.is_valid(mended).all()
    assert mended[1].area == 700


def test_polygons_without_a_surface_are_refused():
    with pytest.raises(AreaOfInterestError, match="its polygons cover no surface"):
        AreaOfInterest.read("POLYGON((0 0,5 5,0 0,0 0))", PLANE, crs=2056)
    with pytest.raises(AreaOfInterestError, match="has no edges"):
        AreaOfInterest([np.empty((0, 4))], PLANE)


def test_coordinates_of_the_caches_own_spatial_reference_do_not_change():
    polygon = shapely.Polygon(np.random.default_rng(1).uniform(2.5e6, 2.6e6, (3, 2)))
    assert edge_set(read(polygon)._parts[0].edges.T) == edge_set(plain_edges(polygon))


def test_extent_and_tiles_are_those_of_the_area():
    area = read(on_plane(shapely.box(10, -70, 33, -31)))
    assert area.extent == Extent(xmin=2_000_020, ymin=1_399_860, xmax=2_000_066, ymax=1_399_938)
    assert area.tiles(0) == tile_range(0, (0, 3), (0, 2))
    with pytest.raises(TilingSchemeError, match="level 9"):
        area.tiles(9)
    with pytest.raises(TilingSchemeError, match="level 9"):
        area.mask(TileKey(9, 0, 0))


def test_bundles_are_classified_like_their_tiles():
    scheme = scheme_of(2056, (2_000_000, 1_400_000), 1.0, levels=1, tile=2)
    area = read(shapely.Point(2_000_700, 1_399_400).buffer(390), scheme)
    tiles = TileRange(level=0, row_start=130, row_stop=510, column_start=0, column_stop=700)
    bundles = area.bundle_coverage(tiles)
    assert bundles.shape == (3, 6)
    every = area.coverage(TileRange(level=0, row_start=128, row_stop=512, column_start=0, column_stop=768))
    blocks = every.reshape(3, 128, 6, 128).swapaxes(1, 2)
    for value in (0, 2):
        assert (bundles == value).any()
        assert (blocks[bundles == value] == value).all()


def test_threads_get_the_masks_that_one_would_get(monkeypatch):
    monkeypatch.setattr(aoi, "_REMEMBERED", 10_000)  # rows of tiles are forgotten all the time
    area = read(on_plane(shapely.Point(100, -100).buffer(90)))
    tiles = [TileKey(2, row, column) for row in range(25) for column in range(25)]
    expected = {tile: read(on_plane(shapely.Point(100, -100).buffer(90))).mask(tile) for tile in tiles[::7]}
    wrong = []

    def ask(seed):
        for number in np.random.default_rng(seed).permutation(len(tiles)):
            mask = area.mask(tiles[number])
            if tiles[number] in expected and not np.array_equal(mask, expected[tiles[number]]):
                wrong.append(tiles[number])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert area._held == sum(aoi._size(held) for held in area._recent.values())
    assert len(area._recent) >= 1


def test_united_areas_hold_the_pixels_of_both():
    one, two = (read(on_plane(shapely.Point(x, -60).buffer(50))) for x in (60, 100))
    tiles = tile_range(1, (0, 8), (0, 12))
    both = everything(one.united_with(two), tiles)
    np.testing.assert_array_equal(both, everything(one, tiles) | everything(two, tiles))
    assert one.united_with(two).extent == one.extent.union(two.extent)


def test_area_that_misses_says_how_far_off_it_lies_and_in_which_spatial_reference():
    area = read(on_plane(shapely.box(0, -10, 10, 0)))
    area.require_meeting(Extent(xmin=1_999_000, ymin=1_399_000, xmax=2_000_001, ymax=1_400_000))
    far = Extent(xmin=2_001_020, ymin=1_400_500, xmax=2_003_000, ymax=1_402_000)
    with pytest.raises(AreaOfInterestError) as caught:
        area.require_meeting(far, "the package")
    assert str(caught.value) == (
        "the area of interest misses the package: it lies 500 map units to the south and 1000 map units to the west. "
        "In WKID 2056 it covers 2000000, 1399980, 2000020, 1400000, the package 2001020, 1400500, 2003000, 1402000; "
        "check the spatial reference that the area is said to be in"
    )
    beside = Extent(xmin=2_000_020, ymin=1_399_980, xmax=2_000_030, ymax=1_400_000)
    with pytest.raises(AreaOfInterestError, match="it lies right beside it"):
        area.require_meeting(beside)
    world = AreaOfInterest.read({"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9]]]}, web_mercator())
    with pytest.raises(AreaOfInterestError, match=r"map units to the south\. In WKID 3857"):
        world.require_meeting(Extent(xmin=0, ymin=5e6, xmax=WORLD, ymax=WORLD))


def test_grid_whose_pixels_cannot_be_told_apart_is_refused():
    with pytest.raises(MetadataError, match="cannot be told apart"):
        AreaOfInterest([np.array([[0.0, 0, 1, 1]])], scheme_of(2056, (1e18, 0), 1.0))


def test_spatial_reference_of_the_cache_that_means_nothing_is_refused():
    with pytest.raises(MetadataError, match="cannot be read as a coordinate system"):
        AreaOfInterest.read("POLYGON((0 0,1 0,1 1,0 0))", scheme_of(999999, (0, 0), 1.0), crs=2056)
