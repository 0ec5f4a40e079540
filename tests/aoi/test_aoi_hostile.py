from __future__ import annotations

import json
import os
import random

import numpy as np
import pytest
import shapely
from aoi_samples import degrees, web_mercator
from hypothesis import given, settings
from hypothesis import strategies as st
from pyogrio import raw

from tilepack.aoi import AreaOfInterest
from tilepack.errors import AreaOfInterestError, TilepackError
from tilepack.keys import TileKey, TileRange

SCHEME = web_mercator(levels=3)
WORDS = st.text('POLYGON(), .-+0123456789eEnaif\n\x00{}[]":;=MULTIXZ', max_size=60)


def survives(area, **options):
    """Either an area that answers, or an error of ours."""
    try:
        read = AreaOfInterest.read(area, SCHEME, **options)
    except TilepackError:
        return None
    read.coverage(TileRange(level=1, row_start=0, row_stop=2, column_start=0, column_stop=2))
    read.mask(TileKey(1, 0, 1))
    return read


@settings(max_examples=200)
@given(WORDS, st.sampled_from(["", "POLYGON((", "{", '{"type": "Polygon", "coordinates": ', "SRID=4326;POLYGON(("]))
def test_text_that_means_nothing_is_refused(text, start):
    survives(start + text, crs=4326)


coordinates = st.sampled_from([0, 1, -1, 90, 180, 360, 1e3, 2e7, 1e12, 1e13, 1e30, 1e308, -1e308, 5e-324, 0.1])


@settings(max_examples=200)
@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=6),
    st.sampled_from([4326, 3857, 2056, 32633, 3413, 4807]),
)
def test_extreme_coordinates_are_refused_or_clipped(ring, crs):
    survives({"type": "Polygon", "coordinates": [[list(point) for point in ring]]}, crs=crs)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_coordinates_that_are_no_numbers_are_refused(value):
    with pytest.raises(AreaOfInterestError):
        AreaOfInterest.read(f"POLYGON((0 0, {value} 1, 1 1, 0 0))", SCHEME, crs=4326)
    number = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(value, value)
    with pytest.raises(AreaOfInterestError):
        AreaOfInterest.read(f'{{"type":"Polygon","coordinates":[[[0,0],[{number},1],[1,1],[0,0]]]}}', SCHEME)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no/such/file.gpkg",
        "x" * 5000,
        "a\x00b",
        "POLYGON EMPTY",
        "POLYGON((0 0, 1 1))",
        "POLYGON((0 0, 1 1, 2 2, 0 0))",
        "MULTIPOLYGON EMPTY",
        "GEOMETRYCOLLECTION EMPTY",
        "POINT(1 1)",
        "LINESTRING(0 0, 1 1)",
        "CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))",
        "TIN(((0 0,1 0,1 1,0 0)))",
        "{}",
        "{",
        "[]",
        '{"type": "Nothing"}',
        '{"type": ["Polygon"]}',
        '{"type": "Catalog", "stac_version": "1.0.0", "id": "x", "links": []}',
        '{"type": "Polygon"}',
        '{"type": "Polygon", "coordinates": []}',
        '{"type": "Polygon", "coordinates": [[]]}',
        '{"type": "Polygon", "coordinates": [["a"]]}',
        '{"type": "FeatureCollection", "features": []}',
        '{"type": "Point", "coordinates": [1, 2]}',
        '{"type":' * 3000,
        '{"a":' + "[" * 100_000,
    ],
)
def test_what_is_no_area_is_refused_with_a_sentence(text):
    with pytest.raises(AreaOfInterestError) as caught:
        AreaOfInterest.read(text, SCHEME, crs=4326)
    assert len(str(caught.value)) < 1000


def test_dictionary_that_is_no_json_is_refused():
    with pytest.raises(AreaOfInterestError, match="no GeoJSON"):
        AreaOfInterest.read({"type": "Polygon", "coordinates": {1, 2}}, SCHEME)


@pytest.mark.parametrize(
    "name", ["a.gpkg", "a.shp", "a.geojson", "a.gdb", "a.kml", "a.zip", "a.fgb", "a.csv", "a.txt", "a"]
)
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x00" * 4096, b"SQLite format 3\x00" + b"\xff" * 5000, b"PK\x03\x04"]
)
def test_files_of_garbage_are_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AreaOfInterestError):
        AreaOfInterest.read(path, SCHEME, crs=4326)


def test_folder_that_is_no_geodatabase_is_refused(tmp_path):
    (tmp_path / "a.gdb").mkdir()
    for path in (tmp_path, tmp_path / "a.gdb", tmp_path / "a.gdb" / "layer"):
        with pytest.raises(AreaOfInterestError):
            AreaOfInterest.read(path, SCHEME)


@pytest.mark.parametrize(("name", "driver"), [("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.shp", "ESRI Shapefile")])
def test_damaged_files_are_refused_or_read(tmp_path, name, driver):
    path = tmp_path / name
    raw.write(
        path,
        geometry=np.array([shapely.to_wkb(shapely.Point(5, 5).buffer(3))], dtype=object),
        field_data=[],
        fields=[],
        geometry_type="Polygon",
        crs="EPSG:4326",
        driver=driver,
    )
    sound = path.read_bytes()
    chooser = random.Random(4)
    for _ in range(25):
        damaged = bytearray(sound)
        for _ in range(chooser.randint(1, 30)):
            damaged[chooser.randrange(len(damaged))] = chooser.randrange(256)
        path.write_bytes(damaged[: chooser.choice([len(damaged), len(damaged) // 2])])
        survives(path)


def test_polygons_that_overlap_by_the_hundreds_are_united():
    rng = np.random.default_rng(0)
    rings = rng.uniform(-80, 80, (150, 3, 2))
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}
        for ring in rings.tolist()
    ]
    area = AreaOfInterest.read(json.dumps({"type": "FeatureCollection", "features": features}), degrees())
    assert area.warnings == []
    assert area.extent.width > 140


def test_text_that_is_no_area_is_repeated_on_one_line():
    with pytest.raises(AreaOfInterestError, match=r"^'POLYGIN \(\(0 0,\\n1 1\)\)': there is no such file"):
        AreaOfInterest.read("POLYGIN ((0 0,\n1 1))", SCHEME)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a", "a.gdb/a00000001.gdbtable", "a.gdb/layer"])
def test_pipe_is_refused_and_not_waited_for(tmp_path, name):
    (tmp_path / "a.gdb").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(AreaOfInterestError, match=r"pipe or a device; write the area into a plain file"):
        AreaOfInterest.read(tmp_path / name.removesuffix("/a00000001.gdbtable"), SCHEME)
