"""An area whose rows carry a LevelID bounds each level by its own rows, and names the levels where nobody does."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from caches import look_at_tiles, payload, write_v2
from export_caches import export_to, mercator, square
from pyogrio import raw

import tilepack
from tilepack.keys import TileKey

SCHEME = mercator()
KEYS = [TileKey(level, row, column) for level in (3, 4, 5) for row in range(2, 6) for column in range(2, 6)]
ROWS = {3: (2, 2, 2), 5: (3, 4, 1)}
"""First row and column and side of the square that each level is bounded by."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_v2(folder, SCHEME, {key: payload(key) for key in KEYS})
    return folder


def write_rows(path, levels, boxes, name="LevelID"):
    raw.write(
        path,
        geometry=np.array([shapely.to_wkb(shapely.box(*box.as_tuple())) for box in boxes], dtype=object),
        field_data=[np.array(levels)],
        fields=[name],
        geometry_type="Polygon",
        crs="EPSG:3857",
        driver="GPKG",
    )
    return path


@pytest.fixture
def area(tmp_path):
    boxes = [square(SCHEME, level, *where) for level, where in ROWS.items()]
    return write_rows(tmp_path / "report.gpkg", list(ROWS), boxes)


def wanted(levels):
    return {
        TileKey(level, row + down, column + right)
        for level, (row, column, side) in ROWS.items()
        if level in levels
        for down in range(side)
        for right in range(side)
    }


def test_levels_are_those_of_the_rows_and_each_is_bounded_by_its_own(source, area, tmp_path):
    found = look_at_tiles(export_to("v2", source, tmp_path / "out", area=area))
    assert set(found) == wanted({3, 5})
    assert all(data == payload(key) for key, data in found.items())


def test_range_before_the_area_takes_its_rows_alone(source, area, tmp_path):
    target = export_to("v2", source, tmp_path / "out", area=f"4-9={area}")
    assert set(look_at_tiles(target)) == wanted({5})
    with pytest.raises(tilepack.AreaOfInterestError, match="names levels 3, 5, none of those written before it"):
        export_to("v2", source, tmp_path / "more", area=f"0-2={area}")


def test_level_that_is_named_and_has_no_row_is_an_error(source, area, tmp_path):
    with pytest.raises(tilepack.AreaOfInterestError, match="level 4 has no area of interest; there are areas for"):
        export_to("v2", source, tmp_path / "out", area=area, levels="3-5")
    target = export_to("v2", source, tmp_path / "out", area=area, levels="5")
    assert set(look_at_tiles(target)) == wanted({5})


def test_area_beside_it_without_levels_is_for_all_others(source, area, tmp_path):
    whole = write_rows(tmp_path / "whole.gpkg", [1], [square(SCHEME, 4, 3, 3, 2)], name="id")
    found = look_at_tiles(export_to("v2", source, tmp_path / "out", area=[area, whole]))
    assert set(found) == wanted({3, 5}) | {TileKey(4, row, column) for row in (3, 4) for column in (3, 4)}


def test_levels_that_hold_no_tiles_are_left_out_and_none_but_those_is_an_error(source, area, tmp_path):
    beyond = write_rows(tmp_path / "beyond.gpkg", [0, 5], [square(SCHEME, 0, 0, 0, 1), square(SCHEME, 5, 2, 2, 1)])
    assert set(look_at_tiles(export_to("v2", source, tmp_path / "out", area=beyond))) == {TileKey(5, 2, 2)}
    with pytest.raises(
        tilepack.AreaOfInterestError, match="is for levels 0, of which none holds tiles; levels 3, 4, 5"
    ):
        export_to("v2", source, tmp_path / "more", area=f"0={beyond}")


def test_level_column_that_is_not_filled_in_every_row_is_an_error(source, tmp_path):
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]}}
    rows = [{**feature, "properties": {"levelid": level}} for level in (3, None)]
    text = json.dumps({"type": "FeatureCollection", "features": rows})
    with pytest.raises(tilepack.AreaOfInterestError, match="fill it in every row, or take the column out"):
        export_to("v2", source, tmp_path / "out", area=text)
