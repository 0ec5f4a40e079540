"""Parameters as scripts write them: literals, scales, extents, areas."""

from __future__ import annotations

import json
from types import SimpleNamespace

import arcpy_world
import caches
import pytest
import shapely
from arcpy_world import area_file, middle
from hypothesis import given
from hypothesis import strategies as st

import tilepack
from tilepack import arcpy
from tilepack.arcpy import parameters
from tilepack.arcpy.features import area_of_features
from tilepack.keys import TileKey

# Words and numbers


@pytest.mark.parametrize("written", ["COMPACT_V2", "compact_v2", " Compact V2 ", "compact-v2"])
def test_words_are_read_in_any_case(written):
    assert parameters.literal("x", written, "COMPACT", "COMPACT_V2") == "COMPACT_V2"


@pytest.mark.parametrize(
    ("written", "read"), [(True, "A"), ("true", "A"), ("1", "A"), (False, "B"), ("FALSE", "B"), (0, "B")]
)
def test_booleans_stand_for_words(written, read):
    assert parameters.literal("x", written, "A", "B", default="B", yes="A", no="B") == read


@pytest.mark.parametrize("nothing", [None, "", "#", " # ", "  "])
def test_nothing_stands_for_the_default(nothing):
    assert parameters.literal("x", nothing, "A", "B", default="B") == "B"
    assert parameters.scales(nothing) is None
    assert parameters.area(nothing) is None
    assert parameters.number("x", nothing, 7) == 7


@given(st.lists(st.floats(1, 1e9), min_size=1))
def test_lists_and_joined_texts_are_the_same_scales(scales):
    assert parameters.scales(scales) == scales
    assert parameters.scales([str(scale) for scale in scales]) == scales
    for joint in (";", "; ", ",", " , "):
        assert parameters.scales(joint.join(map(repr, scales))) == scales


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("500000", [500000]),
        (500000, [500000]),
        ("500000 #;250000 city", [500000, 250000]),
        ("'500000';'250000';", [500000, 250000]),
        ("1:500000", [500000]),
        (("500000;250000", 64000), [500000, 250000, 64000]),
        ([], None),
    ],
)
def test_scales_are_read_as_value_tables_write_them(written, read):
    assert parameters.scales(written) == read


@pytest.mark.parametrize("written", ["many", [0], [-5], [float("nan")], ["x", 5], {"a": 1}, [None], object(), "\x1f;5"])
def test_what_is_no_scale_is_an_error(written):
    with pytest.raises(arcpy.ExecuteError, match="cannot be read"):
        parameters.scales(written)


def test_scales_may_come_from_a_generator():
    assert parameters.scales(scale * 1000 for scale in (500, 250)) == [500000, 250000]


@given(st.one_of(st.text(), st.integers(), st.floats(), st.lists(st.text()), st.binary()))
def test_no_parameter_ends_in_anything_but_an_execute_error(value):
    for read in (
        lambda: parameters.scales(value),
        lambda: parameters.number("x", value),
        lambda: parameters.whole("x", value),
        lambda: parameters.pair("x", value),
        lambda: parameters.literal("x", value, "A", "B", yes="A", no="B"),
    ):
        try:
            read()
        except arcpy.ExecuteError as error:
            assert str(error)  # noqa: PT017  whether it is raised at all depends on the value


# Extents


def exported(world, extent):
    arcpy.server.ExportMapServerCache(world.service, str(world.out), scales=[64000], export_extent=extent)
    return caches.read_all(world.out / "Rainfall" / "Layers").keys()


CENTRE = {TileKey(4, row, column) for row in (1, 2, 3) for column in (1, 2, 3)}


def edges(**more):
    box = middle()
    return SimpleNamespace(XMin=box.xmin, YMin=box.ymin, XMax=box.xmax, YMax=box.ymax, **more)


@pytest.mark.parametrize("joint", [" ", ",", ", ", ";"])
@pytest.mark.parametrize("behind", ["", " NaN NaN NaN NaN"])
def test_extent_is_four_numbers(world, joint, behind):
    assert exported(world, joint.join(map(str, middle().as_tuple())) + behind) == CENTRE


@pytest.mark.parametrize(
    "reference",
    [None, SimpleNamespace(factoryCode=3857), SimpleNamespace(factoryCode=0), 102100, "EPSG:3857", {"wkid": 3857}],
)
def test_extent_is_an_object_with_edges(world, reference):
    assert exported(world, edges(spatialReference=reference)) == CENTRE
    assert exported(world, edges()) == CENTRE
    assert exported(world, arcpy.Extent(*middle().as_tuple())) == CENTRE


def test_extent_in_degrees_is_one_in_wgs84(world):
    from pyproj import Transformer

    west, south, east, north = Transformer.from_crs(3857, 4326, always_xy=True).transform_bounds(*middle().as_tuple())
    box = arcpy.Extent(west, south, east, north, SimpleNamespace(factoryCode=4326))
    assert exported(world, box) == CENTRE


def test_extent_with_its_spatial_reference_behind_it(world):
    with tilepack.open(world.cache) as cache:
        wkt = cache.info.scheme.spatial_reference.wkt
    assert exported(world, " ".join(map(str, middle().as_tuple())) + " " + wkt) == CENTRE


@pytest.mark.parametrize("word", ["MAXOF", "MINOF", "maxof", "DEFAULT", "", "#", None])
def test_words_for_everything_bound_nothing(world, word):
    assert exported(world, word) == arcpy_world.tiles(levels=(4,)).keys()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("DISPLAY", "no display"),
        ("Counties", "no layers"),
        ("1 2 3", "xmin ymin xmax ymax"),
        ("1 2 3 4 5", "xmin ymin xmax ymax"),
        (" " * 200_000 + "1" + " " * 200_000 + "x", "xmin ymin xmax ymax"),
        ("4 4 1 1", "has no surface"),
        ("nan 1 2 3", "has no surface"),
        (object(), "an object with XMin"),
        ((1, 2, 3), "an object with XMin"),
        (SimpleNamespace(XMin="a", YMin=1, XMax=2, YMax=3), "something else than numbers"),
        (SimpleNamespace(XMin=0, YMin=0, XMax=9, YMax=9, spatialReference=2056), "write it in the cache's map units"),
    ],
)
def test_what_is_no_extent_is_an_error(world, wrong, sentence):
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        exported(world, wrong)


# Areas


def areas(world):
    """Give one area in every form in which it may come."""
    box = middle()
    ring = [
        [box.xmin, box.ymin],
        [box.xmin, box.ymax],
        [box.xmax, box.ymax],
        [box.xmax, box.ymin],
        [box.xmin, box.ymin],
    ]
    features = {"features": [{"geometry": {"rings": [ring]}}], "spatialReference": {"wkid": 102100, "latestWkid": 3857}}
    geometry = {"rings": [ring], "spatialReference": {"wkid": 3857}}
    geojson = shapely.geometry.mapping(shapely.box(*box.as_tuple()))
    crs = {"type": "name", "properties": {"name": "EPSG:3857"}}
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": geojson}],
        "crs": crs,
    }
    return {
        "shapefile": str(area_file(world.root / "101" / "Metro.shp")),
        "backslashes": str(area_file(world.root / "101" / "Metro.gpkg")).replace("/", "\\"),
        "layer": str(area_file(world.root / "Area.gpkg") / "Area"),
        "feature set": features,
        "feature set as text": json.dumps(features),
        "FeatureSet": SimpleNamespace(JSON=json.dumps(features)),
        "geometry": geometry,
        "GeoJSON": collection,
        "GeoJSON as text": json.dumps(collection),
        "object": SimpleNamespace(__geo_interface__=collection),
        "WKT": f"SRID=3857;{shapely.box(*box.as_tuple()).wkt}",
        "list": [features],
    }


FORMS = [
    "shapefile", "backslashes", "layer", "feature set", "feature set as text", "FeatureSet", "geometry", "GeoJSON",
    "GeoJSON as text", "object", "WKT", "list",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_area_cuts_alike_in_every_form(world, form):
    tilepack.export_cache(world.cache, world.root / "plain", scales=[64000], area=area_file(world.root / "p.gpkg"))
    arcpy.server.ExportMapServerCache(
        world.service, str(world.out), scales=[64000], area_of_interest=areas(world)[form]
    )
    assert caches.read_all(world.out / "Rainfall" / "Layers") == caches.read_all(world.root / "plain")


def test_relative_area_lies_in_the_workspace(world):
    area_file(world.root / "data" / "Metro.gpkg")
    arcpy.env.workspace = str(world.root / "data" / "Metro.gpkg")
    assert parameters.area("Metro") == world.root / "data" / "Metro.gpkg" / "Metro"
    assert arcpy.Exists("Metro")
    assert not arcpy.Exists("Nowhere")
    arcpy.env.workspace = str(world.root / "data")
    assert parameters.area("Metro.gpkg") == world.root / "data" / "Metro.gpkg"


def test_rings_become_polygons_with_holes():
    def square(x, y, side, *, clockwise):
        ring = [[x, y], [x, y + side], [x + side, y + side], [x + side, y], [x, y]]
        return ring if clockwise else ring[::-1]

    rings = [
        square(0, 0, 10, clockwise=True),
        square(2, 2, 6, clockwise=False),
        square(3, 3, 2, clockwise=True),
        square(20, 0, 5, clockwise=True),
        square(21, 1, 1, clockwise=False),
    ]
    area = area_of_features({"rings": rings, "spatialReference": {"wkid": 3857}})
    found = shapely.geometry.shape(area.source["features"][0]["geometry"])
    even_odd = shapely.Polygon()
    for ring in rings:
        even_odd = even_odd.symmetric_difference(shapely.Polygon(ring))
    assert found.equals(even_odd)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"features": [{"geometry": {"rings": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}}]}, "names no spatialReference"),
        (
            {"features": [{"geometry": {"x": 1, "y": 2}}], "spatialReference": {"wkid": 3857}},
            "something else than polygons",
        ),
        ({"features": 5}, "cannot be read"),
        ({"features": [5]}, "cannot be read"),
        ({"rings": "no", "spatialReference": {"wkid": 3857}}, "cannot be read"),
        ({"rings": [[[1]]], "spatialReference": {"wkid": 3857}}, "cannot be read"),
        ("{no json", "cannot be read as GeoJSON"),
        ({"rings": [[[0, 0], [0, 1], [1, 1], [0, 0]]], "spatialReference": {"wkid": "x"}}, "spatial"),
    ],
)
def test_what_is_no_area_is_an_error(world, wrong, sentence):
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        arcpy.server.ExportMapServerCache(world.service, str(world.out), area_of_interest=wrong)
