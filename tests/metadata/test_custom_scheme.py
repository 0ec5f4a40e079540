import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.errors import TilingSchemeError
from tilepack.metadata.custom_scheme import custom_scheme
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme
from tilepack.spatial import SpatialReference

ORIGIN = (-4020900, 19998100)


def test_scales_of_arcgis_online_give_arcgis_online_number_for_number():
    standard = arcgis_online_scheme()
    scales = [lod.scale for lod in standard.levels]
    made = custom_scheme(3857, (standard.origin_x, standard.origin_y), scales)
    assert made.levels == standard.levels
    assert made.differences(standard) == []


def test_scales_of_wgs84_give_wgs84_number_for_number():
    standard = wgs84_scheme()
    made = custom_scheme(4326, (-180, 90), [lod.scale for lod in standard.levels])
    assert made.levels == standard.levels
    assert made.differences(standard) == []


@pytest.mark.parametrize(
    ("wkid", "dpi", "scale", "resolution"),
    [
        (2193, 96, 8_000_000, 2116.670900008467),  # metres: a New Zealand cache of ArcGIS 10
        (2263, 96, 500_000, 434.0277777777778),  # US survey feet: a New York cache of ArcGIS 9.3
        (27700, 128, 48_000, 9.525019050038101),  # 128 dpi: a British council's
        (28992, 96, 192_000, 50.80010160020321),
    ],
)
def test_resolution_is_the_one_that_arcgis_wrote(wkid, dpi, scale, resolution):
    (lod,) = custom_scheme(wkid, ORIGIN, [scale], dpi=dpi).levels
    assert (lod.level, lod.scale) == (0, scale)
    assert math.isclose(lod.resolution, resolution, rel_tol=1e-15)


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=30, unique=True))
def test_levels_count_from_the_coarsest_and_their_scales_are_found_again(scales):
    scheme = custom_scheme(2193, ORIGIN, scales)
    assert [lod.scale for lod in scheme.levels] == sorted(scales, reverse=True)
    assert [lod.level for lod in scheme.levels] == list(range(len(scales)))
    assert [scheme.level_at_scale(lod.scale).scale for lod in scheme.levels] == [lod.scale for lod in scheme.levels]


def test_scheme_is_as_it_was_asked_for():
    scheme = custom_scheme(2193, ORIGIN, [5e5], tile_size=(512, 384), dpi=120)
    assert (scheme.origin_x, scheme.origin_y) == ORIGIN
    assert (scheme.tile_width, scheme.tile_height, scheme.dpi) == (512, 384, 120)
    assert scheme.spatial_reference == SpatialReference(wkid=2193, latest_wkid=2193)


def test_esris_own_numbers_stand_alone():
    assert custom_scheme(102718, ORIGIN, [5e5]).spatial_reference == SpatialReference(wkid=102718)


@pytest.mark.parametrize(
    ("wkid", "changes", "complaint"),
    [
        (99999, {}, "spatial reference WKID 99999 cannot be read"),
        (2193, {"scales": []}, "the tiling scheme has no levels"),
        (2193, {"scales": [5e5, 5e5]}, "a scale is given twice"),
        (2193, {"scales": [math.nan]}, "are finite numbers"),
        (2193, {"scales": [0]}, "Resolution of level 0 is 0"),
        (2193, {"scales": range(1, 400)}, "the tiling scheme has 399 levels"),
        (2193, {"origin": (0, math.inf)}, "are finite numbers"),
        (2193, {"origin": (0, 1e300)}, "coordinates stay within"),
        (2193, {"tile_size": 0}, "tiles are 0 x 0 pixels"),
        (2193, {"tile_size": 10**9}, "tiles are 1000000000 x 1000000000 pixels"),
        (2193, {"dpi": 0}, "dpi above 0"),
    ],
)
def test_impossible_scheme_is_refused_in_a_sentence(wkid, changes, complaint):
    arguments = {"origin": ORIGIN, "scales": [5e5]} | changes
    with pytest.raises(TilingSchemeError, match=complaint):
        custom_scheme(wkid, **arguments)
