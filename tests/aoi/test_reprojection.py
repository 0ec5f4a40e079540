from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from aoi_samples import (
    WORLD,
    assert_mask_is_right,
    degrees,
    everything,
    scheme_of,
    tile_range,
    web_mercator,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from tilepack.aoi import AreaOfInterest
from tilepack.areas.projection import is_same
from tilepack.areas.reprojection import reproject
from tilepack.areas.wrapping import wrap
from tilepack.errors import AreaOfInterestError
from tilepack.extent import Extent
from tilepack.keys import TileKey
from tilepack.pixels.mask import in_canonical_order

MERCATOR, DEGREES = web_mercator(levels=4), degrees(levels=4)
SWISS = scheme_of(2056, (2420000, 1350000), 1000)
UTM = scheme_of(32633, (-5e6, 1e7), 40000)
POLAR = scheme_of(3413, (-1e7, 1e7), 100000)
PACIFIC = scheme_of(3832, (-WORLD, WORLD), 2 * WORLD / 64, levels=4)
PARIS = scheme_of(27572, (0, 2.8e6), 4000)
WHOLE, WHOLE_DEGREES = tile_range(3, (0, 8), (0, 8)), tile_range(3, (0, 8), (0, 16))
SWISS_TILES, UTM_TILES = tile_range(1, (0, 9), (0, 12)), tile_range(1, (1, 8), (2, 6))
POLAR_TILES, PARIS_TILES = tile_range(1, (0, 6), (0, 6)), tile_range(1, (0, 10), (0, 10))
GLOBE, OCEAN = shapely.box(-180, -90, 180, 90), shapely.Polygon([(170, -25), (190, -30), (200, 10), (175, 20)])
ICE = shapely.Point(0, 0).buffer(3e6).difference(shapely.box(-4e5, 5e5, 1e6, 2e6))
AROUND, AROUND_METRES = (-360, 0, 360), (0, 2 * WORLD)

CASES = {
    "across the antimeridian": (MERCATOR, WHOLE, OCEAN, 4326, AROUND),
    "across the antimeridian in metres": (MERCATOR, WHOLE, shapely.box(19e6, -3e6, 22e6, 4e6), 3857, AROUND_METRES),
    "across the antimeridian in degrees": (DEGREES, WHOLE_DEGREES, OCEAN, 4326, AROUND),
    "across the antimeridian to degrees": (
        DEGREES,
        WHOLE_DEGREES,
        shapely.box(19e6, -3e6, 22e6, 4e6),
        3857,
        AROUND_METRES,
    ),
    "across the antimeridian with another datum": (MERCATOR, WHOLE, shapely.box(170, -25, 190, 10), 4322, AROUND),
    "wholly beyond 180 degrees": (DEGREES, WHOLE_DEGREES, shapely.box(200, -30, 300, 20), 4326, AROUND),
    "a national grid across the antimeridian": (
        web_mercator(levels=6),
        tile_range(5, (16, 19), (0, 32)),
        shapely.box(1.6e6, 3.7e6, 2.2e6, 4.2e6),
        3460,
        (0,),
    ),
    "the world": (MERCATOR, WHOLE, GLOBE, 4326, (0,)),
    "the world with another datum": (MERCATOR, WHOLE, GLOBE, 4267, (0,)),
    "the world in rounded metres": (
        DEGREES,
        tile_range(3, (1, 7), (0, 16)),
        shapely.box(-20037508.3428, -WORLD, 20037508.3428, WORLD),
        3857,
        (0,),
    ),
    "more than the world": (MERCATOR, WHOLE, shapely.box(-200, -90, 200, 85), 4326, AROUND),
    "from 0 to 360": (MERCATOR, WHOLE, shapely.box(0, -60, 360, 60), 4326, AROUND),
    "around the south pole": (MERCATOR, WHOLE, ICE, 3031, (0,)),
    "around the south pole in degrees": (DEGREES, WHOLE_DEGREES, ICE, 3031, (0,)),
    "around the north pole, off it": (MERCATOR, WHOLE, shapely.Point(1e6, 1e6).buffer(2e6), 3413, (0,)),
    "near the north pole": (MERCATOR, WHOLE, shapely.Point(2e6, 2e6).buffer(2e6), 3413, (0,)),
    "degrees to a national grid": (
        SWISS,
        SWISS_TILES,
        shapely.Polygon([(5.9, 45.8), (10.5, 45.9), (10.4, 47.8), (6, 47.5)]).difference(shapely.box(7, 46, 8, 47)),
        4326,
        (0,),
    ),
    "the world on a national grid": (SWISS, SWISS_TILES, GLOBE, 4326, (0,)),
    "the world in metres on a national grid": (
        SWISS,
        SWISS_TILES,
        shapely.box(-WORLD, -WORLD, WORLD, WORLD),
        3857,
        (0,),
    ),
    "the world on a transverse mercator": (UTM, UTM_TILES, GLOBE, 4326, (0,)),
    "far from a central meridian": (UTM, UTM_TILES, shapely.box(-60, -60, 80, 89), 4326, (0,)),
    "metres to a transverse mercator": (UTM, UTM_TILES, shapely.box(-1e6, -1e7, 4e6, 1.5e7), 3857, (0,)),
    "a cap on a polar map": (POLAR, POLAR_TILES, shapely.box(-180, 60, 180, 90), 4326, (0,)),
    "a cap with another datum on a polar map": (POLAR, POLAR_TILES, shapely.box(-180, 60, 180, 90), 4267, (0,)),
    "a sector on a polar map": (POLAR, POLAR_TILES, shapely.box(150, 50, 220, 80), 4326, AROUND),
    "metres on a polar map": (POLAR, POLAR_TILES, shapely.box(-WORLD, 5e6, WORLD, 1.5e7), 3857, (0,)),
    "a map centred on the antimeridian": (PACIFIC, WHOLE, shapely.box(160, -30, 200, 20), 4326, AROUND),
    "the world on a map centred elsewhere": (PACIFIC, WHOLE, GLOBE, 4326, AROUND),
    "grads from Paris": (MERCATOR, WHOLE, shapely.box(-5, 45, 190, 90), 4807, (-400, 0, 400)),
    "degrees to grads from Paris": (PARIS, PARIS_TILES, shapely.box(-5, 42, 8, 51), 4326, (0,)),
    "the world on an equal-area map": (scheme_of(3035, (2e6, 6e6), 20000), POLAR_TILES, GLOBE, 4326, (0,)),
    "the world on a conic map": (scheme_of(3978, (-3e6, 4e6), 20000), POLAR_TILES, GLOBE, 4326, (0,)),
    "a world map with curved edges": (
        scheme_of(54030, (-17e6, 8.6e6), 80000),
        tile_range(1, (0, 6), (0, 12)),
        shapely.box(100, -60, 260, 80),
        4326,
        AROUND,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_mask_after_reprojection_is_right_within_a_quarter_pixel(name):
    scheme, tiles, polygon, crs, turns = CASES[name]
    area = AreaOfInterest.read(polygon.wkt, scheme, crs=crs)
    assert area.warnings == []
    assert assert_mask_is_right(area, polygon, crs, tiles, turns).any()


def test_edges_stray_by_less_than_a_quarter_of_the_finest_pixel_whatever_level_is_asked():
    scheme = scheme_of(2056, (2420000, 1350000), 500, levels=10)
    corners = np.array([(6.1, 46.2), (9.8, 46.1), (10.2, 47.6), (6.4, 47.7), (6.1, 46.2)])
    area = AreaOfInterest.read(shapely.Polygon(corners).wkt, scheme, crs=4326)
    forward = Transformer.from_crs(4326, 2056, always_xy=True)
    along = np.linspace(0, 1, 5001)[:, None]
    true = np.concatenate([start + along * (end - start) for start, end in pairwise(corners)])
    points = shapely.points(np.column_stack(forward.transform(*true.T)))
    lines = shapely.union_all(shapely.linestrings(area._parts[0].edges.T.reshape(-1, 2, 2)))
    strayed = shapely.distance(points, lines).max()
    assert strayed < 0.25 * 500 / 2**9
    assert len(area._parts[0]) < 2000


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_areas_with_common_edges_partition_the_pixels_after_reprojection(seed):
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.uniform((5.5, 45.5), (11, 48), (int(rng.integers(4, 25)), 2)))
    triangles = shapely.get_parts(shapely.delaunay_triangles(points))
    # In a corner sharper than edges are followed closely, chords may cross.
    assume((2 * np.sqrt(shapely.area(triangles)) > 0.05 * shapely.length(triangles)).all())
    whole = shapely.coverage_union_all(triangles)
    tiles = tile_range(0, (0, 5), (0, 6))
    masks = [everything(AreaOfInterest.read(each.wkt, SWISS, crs=4326), tiles) for each in triangles]
    assert np.sum(masks, axis=0).max() <= 1
    united = everything(AreaOfInterest.read(whole.wkt, SWISS, crs="EPSG:4326"), tiles)
    np.testing.assert_array_equal(np.any(masks, axis=0), united)


def test_neighbours_on_both_sides_of_the_antimeridian_partition_the_pixels():
    border = [(178, -40), (181.3, -11.7), (179.2, 5.1), (183, 30)]
    west = shapely.Polygon([*border, (150, 30), (150, -40)])
    east = shapely.Polygon([*border, (220, 30), (220, -40)])
    for scheme, tiles in ((MERCATOR, WHOLE), (DEGREES, WHOLE_DEGREES), (PACIFIC, WHOLE)):
        masks = [everything(AreaOfInterest.read(each.wkt, scheme, crs=4326), tiles) for each in (west, east)]
        both = everything(AreaOfInterest.read(shapely.box(150, -40, 220, 30).wkt, scheme, crs=4326), tiles)
        assert not (masks[0] & masks[1]).any()
        np.testing.assert_array_equal(masks[0] | masks[1], both)


@pytest.mark.parametrize("crs", [3857, 102100, 102113, 3785, 900913, "EPSG:3857"])
def test_web_mercator_is_one_under_all_its_numbers_and_not_a_bit_of_it_changes(crs):
    ring = np.random.default_rng(3).uniform(-2e7, 2e7, (3, 2))
    area = AreaOfInterest.read(shapely.Polygon(ring).wkt.replace("POLYGON", "polygon"), MERCATOR, crs=crs)
    ring = np.asarray(shapely.from_wkt(shapely.Polygon(ring).wkt).exterior.coords)
    expected = in_canonical_order(np.concatenate((ring[:-1], ring[1:]), axis=1))
    assert sorted(map(tuple, area._parts[0].edges.T.tolist())) == sorted(map(tuple, expected.tolist()))


def test_same_spatial_reference_is_seen_through_names_and_texts():
    esri = CRS.from_user_input("EPSG:2193").to_wkt("WKT1_ESRI")
    assert is_same(CRS.from_user_input(esri), CRS.from_user_input(2193))
    assert is_same(CRS.from_user_input("OGC:CRS84"), CRS.from_user_input(4326))
    assert not is_same(CRS.from_user_input(3395), CRS.from_user_input(3857))


def test_geographic_cache_that_starts_at_greenwich_keeps_what_lies_within_its_360_degrees():
    area = AreaOfInterest.read(OCEAN.wkt, degrees(left=0.0), crs=4326)
    assert area.extent == Extent(xmin=170, ymin=-30, xmax=200, ymax=20)


def test_longitudes_beyond_180_come_in_on_the_other_side_cut_exactly_there():
    edges = np.array([[170.0, 0, 190, 20], [190, 20, 170, 20], [170, 20, 170, 0]])
    (part,) = wrap(edges, -180, 360)
    assert {tuple(edge) for edge in part.tolist()} == {
        (170, 0, 180, 10),
        (-180, 10, -170, 20),
        (170, 20, 180, 20),
        (-180, 20, -170, 20),
        (170, 0, 170, 20),
        (180, 10, 180, 20),
        (-180, 10, -180, 20),
    }
    assert wrap(part, -180, 360)[0] is part


def test_area_that_overlaps_itself_around_the_world_is_united_not_cancelled():
    area = AreaOfInterest.read(shapely.box(-10, -10, 360, 10).wkt, DEGREES, crs=4326)
    mask = everything(area, WHOLE_DEGREES)
    assert mask[256 - 20 : 256 + 20].all()
    assert area.coverage(tile_range(3, (3, 5), (0, 16))).max() == 1


@pytest.mark.parametrize(
    ("polygon", "crs", "scheme", "said"),
    [
        (shapely.box(1e9, 0, 2e9, 1e9), 4326, MERCATOR, "many times around the world"),
        (shapely.box(1e10, 1e10, 2e10, 2e10), 32633, MERCATOR, "nowhere on earth"),
    ],
)
def test_coordinates_of_another_spatial_reference_are_refused(polygon, crs, scheme, said):
    with pytest.raises(AreaOfInterestError, match=said):
        AreaOfInterest.read(polygon.wkt, scheme, crs=crs)


def test_local_coordinates_have_no_way_to_the_earth():
    local = 'LOCAL_CS["site",UNIT["metre",1]]'
    with pytest.raises(AreaOfInterestError, match="no way from"):
        AreaOfInterest.read("POLYGON((0 0,1 0,1 1,0 0))", MERCATOR, crs=local)


def test_what_becomes_of_an_edge_does_not_depend_on_its_direction():
    edge = np.array([[6.1, 46.2, 9.8, 47.1]])
    both = [
        reproject(each, CRS.from_user_input(4326), CRS.from_user_input(2056), finest=1.0)[0]
        for each in (edge, edge[:, [2, 3, 0, 1]])
    ]
    np.testing.assert_array_equal(*both)
    assert len(both[0]) > 10


def test_mask_at_great_depth_follows_the_edge_of_its_level():
    scheme = web_mercator(levels=20, tile=256)
    area = AreaOfInterest.read("POLYGON((7 46.5,9 46.6,8.9 47.9,7 46.5))", scheme, crs=4326)
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(8.0, 46.55)
    size = 256 * scheme.level(19).resolution
    tile = TileKey(19, int((WORLD - y) / size), int((x + WORLD) / size))
    mask = area.mask(tile)
    assert mask.any()
    assert not mask.all()
    extent = scheme.tile_extent(tile)
    share = shapely.box(*extent.as_tuple()).intersection(
        shapely.Polygon(
            np.column_stack(
                Transformer.from_crs(4326, 3857, always_xy=True).transform(
                    np.append(np.linspace(7, 9, 100_001), 8.9), np.append(np.linspace(46.5, 46.6, 100_001), 47.9)
                )
            )
        )
    )
    assert mask.mean() == pytest.approx(share.area / size**2, abs=0.005)
