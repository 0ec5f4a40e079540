from __future__ import annotations

import json
import warnings

import numpy as np
import pyogrio
import pytest
import shapely
from aoi_samples import degrees, everything, tile_range, web_mercator
from pyogrio import raw
from pyproj import Transformer

from tilepack.aoi import AreaOfInterest
from tilepack.areas.reading import read_area, read_crs
from tilepack.errors import AreaOfInterestError
from tilepack.extent import Extent
from tilepack.spatial import SpatialReference

SCHEME = web_mercator(levels=5)
TILES = tile_range(3, (0, 8), (0, 8))
RING = [[0, 0], [40, 5], [35, 40], [0, 0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
DONUT = shapely.box(-60, -40, 60, 50).difference(shapely.box(-20, -10, 30, 30))


def write(path, geometries, *, crs="EPSG:4326", layer=None, fields=None, driver=None, append=False, **options):
    fields = fields or {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # drivers that find fault with what the test writes on purpose
        raw.write(
            path,
            geometry=np.array([None if each is None else shapely.to_wkb(each) for each in geometries], dtype=object),
            field_data=[np.asarray(values) for values in fields.values()],
            fields=list(fields),
            geometry_type="Unknown" if driver == "GPKG" else "MultiPolygon" if driver == "OpenFileGDB" else "Polygon",
            crs=crs,
            layer=layer,
            driver=driver,
            append=append,
            **options,
        )
    return path


def mask(area, **options):
    return everything(AreaOfInterest.read(area, SCHEME, **options), TILES)


@pytest.fixture(scope="module")
def donut():
    return everything(AreaOfInterest.read(DONUT.wkt, SCHEME, crs=4326), TILES)


def test_shapefile_with_holes_keeps_them(tmp_path, donut):
    path = write(tmp_path / "donut.shp", [DONUT], driver="ESRI Shapefile")
    np.testing.assert_array_equal(mask(path), donut)
    assert not donut[256 - 20, 256 + 10]


def test_shapefile_in_a_zip_is_read(tmp_path, donut):
    import zipfile

    write(tmp_path / "donut.shp", [DONUT], driver="ESRI Shapefile")
    with zipfile.ZipFile(tmp_path / "donut.zip", "w") as archive:
        for part in tmp_path.glob("donut.???"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    np.testing.assert_array_equal(mask(str(tmp_path / "donut.zip")), donut)


@pytest.mark.parametrize("inner", ["/areas", "/dataset/areas", ""])
def test_layer_of_a_file_geodatabase_is_named_by_its_path(tmp_path, donut, inner):
    path = tmp_path / "some.gdb"
    write(path, [shapely.MultiPolygon([DONUT])], layer="areas", driver="OpenFileGDB")
    if inner:
        write(
            path,
            [shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])],
            layer="other",
            driver="OpenFileGDB",
            append=True,
        )
    np.testing.assert_array_equal(mask(f"{path}{inner}"), donut)


def test_layer_and_attribute_filter_choose_features_of_a_geopackage(tmp_path, donut):
    path = tmp_path / "areas.gpkg"
    write(path, [shapely.box(0, 0, 1, 1)], layer="other", driver="GPKG")
    names = {"name": ["donut", "far"], "size": [7, 3]}
    write(path, [DONUT, shapely.box(100, 0, 110, 9)], layer="areas", fields=names, driver="GPKG", append=True)
    np.testing.assert_array_equal(mask(path, layer="areas", where="name = 'donut' AND size > 5"), donut)
    np.testing.assert_array_equal(mask(f"{path}/areas", where="size = 7"), donut)
    both = mask(path, layer="areas")
    assert (both & ~donut).any()
    with pytest.raises(AreaOfInterestError, match="2 layers with geometries: other, areas; name one"):
        mask(path)
    with pytest.raises(AreaOfInterestError, match=r"'size = 1000' is true of none of its 2 rows; .* are name, size"):
        mask(path, layer="areas", where="size = 1000")
    with pytest.raises(AreaOfInterestError, match=r"'nothing = such AND' cannot be read; .* columns are name, size"):
        mask(path, layer="areas", where="nothing = such AND")
    with pytest.raises(AreaOfInterestError, match="no layer 'missing'; those with geometries are other, areas"):
        mask(path, layer="missing")


def test_spatial_reference_given_counts_for_more_than_the_files(tmp_path, donut):
    path = write(tmp_path / "wrong.gpkg", [DONUT], crs="EPSG:2056", driver="GPKG")
    np.testing.assert_array_equal(mask(path, crs="EPSG:4326"), donut)
    np.testing.assert_array_equal(mask(path, crs=SpatialReference(wkid=4326)), donut)


def test_file_without_spatial_reference_needs_one(tmp_path, donut):
    path = write(tmp_path / "none.shp", [DONUT], crs=None, driver="ESRI Shapefile")
    with pytest.raises(AreaOfInterestError, match=r"none\.shp: it names no spatial reference; say which one"):
        mask(path)
    np.testing.assert_array_equal(mask(path, crs=4326), donut)


@pytest.mark.parametrize(
    "document",
    [
        POLYGON,
        {"type": "Feature", "properties": {}, "geometry": POLYGON},
        {"type": "MultiPolygon", "coordinates": [[RING]]},
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {"a": 1}, "geometry": None},
                {"type": "Feature", "properties": {"a": 2}, "geometry": POLYGON},
            ],
        },
        {"type": "GeometryCollection", "geometries": [POLYGON]},
        {"type": "Polygon", "coordinates": [[[x, y, 7] for x, y in RING]]},
    ],
)
def test_geojson_is_wgs84_in_any_of_its_forms_parsed_or_as_text(document):
    expected = mask(shapely.Polygon(RING).wkt, crs=4326)
    np.testing.assert_array_equal(mask(document), expected)
    np.testing.assert_array_equal(mask("\n " + json.dumps(document)), expected)


def test_geojson_that_names_a_crs_is_in_that_one():
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    area = AreaOfInterest.read(
        {"type": "Polygon", "coordinates": [[[0, 0], [9e6, 0], [9e6, 5e6], [0, 0]]], "crs": crs}, SCHEME
    )
    assert area.extent == Extent(xmin=0, ymin=0, xmax=9e6, ymax=5e6)


def test_rings_that_are_not_closed_are_closed_with_a_warning():
    closed = mask(POLYGON)
    for text, options in (
        ({"type": "Polygon", "coordinates": [RING[:-1]]}, {}),
        ("POLYGON((0 0, 40 5, 35 40))", {"crs": 4326}),
    ):
        area = AreaOfInterest.read(text, SCHEME, **options)
        assert "rings that were not closed have been closed" in area.warnings[0]
        np.testing.assert_array_equal(everything(area, TILES), closed)


def test_geojson_file_and_text_are_the_same(tmp_path):
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(POLYGON))
    np.testing.assert_array_equal(mask(path), mask(POLYGON))


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON((0 0, 40 5, 35 40, 0 0))",
        "  multipolygon (((0 0, 40 5, 35 40, 0 0)))",
        "POLYGON Z ((0 0 1, 40 5 1, 35 40 1, 0 0 1))",
        "GEOMETRYCOLLECTION (POLYGON((0 0, 40 5, 35 40, 0 0)))",
    ],
)
def test_wkt_needs_a_spatial_reference_and_is_read_in_it(text):
    np.testing.assert_array_equal(mask(text, crs="EPSG:4326"), mask(POLYGON))
    np.testing.assert_array_equal(mask(f"SRID=4326;{text.strip()}"), mask(POLYGON))
    with pytest.raises(AreaOfInterestError, match="the WKT text: it names no spatial reference"):
        mask(text)


def test_spatial_reference_of_the_file_is_followed(tmp_path):
    forward = Transformer.from_crs(4326, 2056, always_xy=True)
    swiss = shapely.transform(shapely.box(7, 46, 9, 47), lambda xy: np.column_stack(forward.transform(*xy.T)))
    area = AreaOfInterest.read(write(tmp_path / "swiss.gpkg", [swiss], crs="EPSG:2056", driver="GPKG"), degrees())
    assert area.extent.as_tuple() == pytest.approx((7, 46, 9, 47), abs=0.05)


def test_curves_are_followed(tmp_path):
    (tmp_path / "curve.csv").write_text('WKT\n"CURVEPOLYGON(CIRCULARSTRING(-20 0,0 20,20 0,0 -20,-20 0))"\n')
    area = AreaOfInterest.read(tmp_path / "curve.csv", degrees(), crs=4326)
    assert everything(area, tile_range(3, (0, 8), (0, 16))).sum() == pytest.approx(
        np.pi * 400 / (180 / 512) ** 2, rel=0.01
    )


@pytest.mark.parametrize("geometry", [shapely.Point(1, 2), shapely.LineString([(0, 0), (5, 5)])])
def test_what_is_no_polygon_is_refused_by_its_name(tmp_path, geometry):
    path = write(tmp_path / "mixed.gpkg", [shapely.box(0, 0, 9, 9), None, geometry], driver="GPKG")
    with pytest.raises(
        AreaOfInterestError, match=f"feature {2 if geometry.geom_type else 0} holds a {geometry.geom_type}"
    ):
        mask(path)


def test_every_way_to_name_a_spatial_reference_is_understood():
    for name in (3857, "3857", "EPSG:3857", 102100, "ESRI:102100", SpatialReference(wkid=102100, latest_wkid=3857)):
        assert read_crs(name).to_authority()[1] in ("3857", "102100")
    for name in ("nonsense", 123456789, "", "EPSG:", SpatialReference()):
        with pytest.raises(AreaOfInterestError, match="names no known spatial reference"):
            read_crs(name)


def test_level_column_is_read_whatever_its_case(tmp_path):
    path = write(
        tmp_path / "levels.gpkg",
        [shapely.box(0, 0, 9, 9), shapely.box(1, 1, 2, 2)],
        fields={"levelId": [3, 5]},
        driver="GPKG",
    )
    read = read_area(path, by_level=True)
    assert read.levels is not None
    assert read.levels.tolist() == [3, 5]
    assert pyogrio.read_info(path)["features"] == 2
