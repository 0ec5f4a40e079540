from __future__ import annotations

import numpy as np
import pytest
import shapely
from aoi_samples import degrees, everything, tile_range
from pyogrio import raw

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_levels import AreasByLevel, split_levels
from tilepack.errors import AreaOfInterestError
from tilepack.keys import TileKey

SCHEME = degrees(levels=6)


def box(*bounds):
    return AreaOfInterest.read(shapely.box(*bounds).wkt, SCHEME, crs=4326)


COUNTRY, CITY, REST = box(-10, -10, 50, 40), box(5, 5, 12, 11), box(-90, -80, -30, 0)


def test_each_level_has_the_area_of_its_range():
    areas = AreasByLevel([(((0, 2),), COUNTRY), (((3, 5),), CITY)])
    assert areas.at(1) is COUNTRY
    assert areas.at(4) is CITY
    assert areas.extent == COUNTRY.extent
    tiles = tile_range(3, (0, 8), (0, 16))
    np.testing.assert_array_equal(areas.coverage(tiles), CITY.coverage(tiles))
    np.testing.assert_array_equal(areas.bundle_coverage(tiles), CITY.bundle_coverage(tiles))
    tile = TileKey(2, 1, 4)
    np.testing.assert_array_equal(areas.mask(tile), COUNTRY.mask(tile))


def test_areas_of_overlapping_ranges_are_united():
    areas = AreasByLevel([(((0, 3),), CITY), (((2, 5),), REST)])
    tiles = tile_range(3, (0, 8), (0, 16))
    np.testing.assert_array_equal(everything(areas.at(3), tiles), everything(CITY, tiles) | everything(REST, tiles))
    assert areas.at(3) is areas.at(2)
    assert areas.at(5) is REST


def test_level_outside_every_range_is_an_error_unless_one_area_has_no_range():
    areas = AreasByLevel([(((0, 2), (4, 4)), COUNTRY)])
    areas.require_levels([0, 1, 2, 4])
    with pytest.raises(
        AreaOfInterestError, match=r"level 3 has no area of interest; there are areas for levels 0-2, 4\."
    ):
        areas.require_levels(range(5))
    areas = AreasByLevel([(((0, 2),), COUNTRY), (None, REST)])
    assert areas.at(3) is REST
    assert areas.at(2) is COUNTRY
    with pytest.raises(AreaOfInterestError, match="no area of interest was given"):
        AreasByLevel([])


def test_level_column_gives_each_level_its_own_rows(tmp_path):
    path = tmp_path / "status.gpkg"
    boxes = [shapely.box(0, 0, 40, 40), shapely.box(-50, 0, -20, 30), shapely.box(0, 0, 3, 3)]
    fields = {"LevelID": np.array([2, 2, 4]), "done": np.array([1, 0, 1])}
    raw.write(
        path,
        geometry=np.array([shapely.to_wkb(each) for each in boxes], dtype=object),
        field_data=list(fields.values()),
        fields=list(fields),
        geometry_type="Polygon",
        crs="EPSG:4326",
        driver="GPKG",
    )
    areas = AreasByLevel.read_by_level(path, SCHEME)
    assert areas.at(2).extent == box(-50, 0, 40, 40).extent
    assert areas.at(4).extent == box(0, 0, 3, 3).extent
    with pytest.raises(AreaOfInterestError, match="level 3 has no area of interest; there are areas for levels 2, 4"):
        areas.at(3)
    done = AreasByLevel.read_by_level(path, SCHEME, where="done = 1")
    assert done.at(2).extent == box(0, 0, 40, 40).extent


@pytest.mark.parametrize("value", [-1, 2.5, None, "two"])
def test_level_column_holds_whole_numbers(value):
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9]]]}}
    rows = [{**feature, "properties": {"LevelID": number}} for number in (value, 1)]
    with pytest.raises(AreaOfInterestError, match="LevelID holds something else than whole numbers"):
        AreasByLevel.read_by_level({"type": "FeatureCollection", "features": rows}, SCHEME)


def test_layer_without_level_column_says_which_columns_there_are():
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9]]]}}
    with pytest.raises(AreaOfInterestError, match="there is no LevelID column; the columns are name, size"):
        AreasByLevel.read_by_level({**feature, "properties": {"name": "a", "size": 1}}, SCHEME)
    with pytest.raises(AreaOfInterestError, match="WKT has no layers, attributes or levels"):
        AreasByLevel.read_by_level("POLYGON((0 0,1 0,1 1,0 0))", SCHEME, crs=4326)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("country.gpkg", (None, "country.gpkg")),
        ("0-8=country.gpkg", (((0, 8),), "country.gpkg")),
        ("3=a=b.shp", (((3, 3),), "a=b.shp")),
        ("0-2, 9=x.gdb/areas", (((0, 2), (9, 9)), "x.gdb/areas")),
        ("1=" + "x" * 5000, (((1, 1),), "x" * 5000)),
        ("data=2.gpkg", (None, "data=2.gpkg")),
        ('{"a": "1=2"}', (None, '{"a": "1=2"}')),
    ],
)
def test_levels_are_split_from_the_area_they_are_for(text, expected):
    assert split_levels(text) == expected


def test_levels_that_run_backwards_are_refused():
    with pytest.raises(AreaOfInterestError, match=r"8-0=country\.gpkg: levels 8-0 run backwards"):
        split_levels("8-0=country.gpkg")


def test_file_whose_name_looks_like_levels_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1=2.geojson").touch()
    assert split_levels("1=2.geojson") == (None, "1=2.geojson")
