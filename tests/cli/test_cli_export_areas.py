"""Laws of ``tilepack export``: areas, extents, and the options that belong to them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from areas_drawn import (
    EAST_TILE,
    FINE,
    WEST_TILE,
    half_of,
    is_cut_to_the_west,
    tile_box,
    wkt,
    write_layer,
)
from command_line import read_tiles, run
from pyproj import Transformer


def test_each_area_takes_the_options_that_follow_it(tpkx, tmp_path):
    path = tmp_path / "Gebiete.gpkg"
    write_layer(path, [half_of(WEST_TILE), half_of(EAST_TILE)], layer="eins", name=["a", "b"])
    write_layer(path, [half_of(FINE)], layer="zwei", name=["c"])
    words = ["--aoi", f"4={path}", "--aoi-layer", "eins", "--aoi-where", "name = 'a'"]
    words += ["--aoi", f"9={path}", "--aoi-layer", "zwei", "--levels", "4,9"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert result.exit_code == 0, result.stderr
    tiles = read_tiles(tmp_path / "made")
    assert set(tiles) == {WEST_TILE, FINE}
    assert all(map(is_cut_to_the_west, tiles.values()))


def test_areas_may_follow_in_any_order_and_with_equals_signs(tpkx, tmp_path):
    path = tmp_path / "areas.gpkg"
    write_layer(path, [half_of(WEST_TILE)], layer="one", name=["a"])
    write_layer(path, [half_of(FINE)], layer="two", name=["c"])
    words = [f"--aoi=9={path}", "--aoi-layer=two", "-n", f"--aoi=4={path}", "--levels=4,9", "--aoi-layer=one", "--json"]
    plan = json.loads(run("export", *words, tpkx, tmp_path / "made").stdout)
    assert [(level["level"], level["tilesToCut"]) for level in plan["byLevel"]] == [(4, 1), (9, 1)]


def test_an_area_gets_its_own_spatial_reference(tpkx, tmp_path):
    to_degrees = Transformer.from_crs(3857, 4326, always_xy=True).transform
    in_degrees = shapely.transform(half_of(WEST_TILE), lambda xy: np.column_stack(to_degrees(*xy.T)))
    words = ["--aoi", f"9={half_of(FINE).wkt}", "--aoi-crs", "EPSG:3857"]
    words += ["--aoi", in_degrees.wkt, "--aoi-crs", "4326", "--levels", "4,9"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert set(read_tiles(tmp_path / "made")) == {WEST_TILE, FINE}


def test_an_area_without_levels_is_for_all_that_no_other_names(tpkx, tmp_path):
    words = ["--aoi", f"9={wkt(half_of(FINE))}", "--aoi", wkt(half_of(EAST_TILE)), "--levels", "4,9"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert set(read_tiles(tmp_path / "made")) == {EAST_TILE, FINE}


def test_a_level_that_no_area_is_for_fails_with_a_sentence(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made", "--aoi", f"4={wkt(half_of(WEST_TILE))}")
    assert result.exit_code == 1
    assert "has no area of interest" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "layer", "driver"),
    [
        ("Städte & Dörfer.shp", None, "ESRI Shapefile"),
        ("Städte und Dörfer.gpkg", "größer als", "GPKG"),
        ("Städte.gdb", "Gebiete", "OpenFileGDB"),
        ("Städte.geojson", None, "GeoJSON"),
    ],
)
def test_areas_come_from_any_vector_file(tpkx, tmp_path, name, layer, driver):
    folder = tmp_path / "ein Ordner mit Ümläuten"
    folder.mkdir()
    path = folder / name
    write_layer(path, [half_of(WEST_TILE), half_of(EAST_TILE)], layer=layer, driver=driver, id=[1, 2])
    words = ["--aoi", path, *(["--aoi-layer", layer] if layer else []), "--aoi-where", "id = 1", "--levels", "4"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert result.exit_code == 0, result.stderr
    assert set(read_tiles(tmp_path / "made")) == {WEST_TILE}


def test_a_layer_may_stand_behind_the_name_of_a_geodatabase(tpkx, tmp_path):
    path = tmp_path / "Areas.gdb"
    write_layer(path, [half_of(WEST_TILE)], layer="west", driver="OpenFileGDB", id=[1])
    write_layer(path, [half_of(EAST_TILE)], layer="east", driver="OpenFileGDB", id=[1])
    words = ["--aoi", path / "east", "--levels", "4"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert set(read_tiles(tmp_path / "made")) == {EAST_TILE}


def test_an_area_wins_over_an_extent_with_a_warning(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--extent", "0,0,1,1", "--levels", "4"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert "the area counts" in result.stderr
    assert set(read_tiles(tmp_path / "made")) == {WEST_TILE}


def test_extents_with_negative_numbers_are_taken_as_they_are_typed(tpkx, tmp_path):
    west, south, east, north = tile_box(*WEST_TILE, grown=-1000).bounds
    degrees = Transformer.from_crs(3857, 4326, always_xy=True).transform_bounds(west, south, east, north)
    assert west < 0
    for number, words in enumerate(
        (
            ["--extent", f"{west},{south},{east},{north}"],
            [f"--extent={west}, {south}, {east}, {north}"],
            ["--bbox", ",".join(map(str, degrees))],
            [f"--bbox={','.join(map(str, degrees))}"],
        )
    ):
        target = tmp_path / str(number)
        assert run("export", tpkx, target, *words, "--levels", "4").exit_code == 0
        assert read_tiles(target) == {WEST_TILE: read_tiles(tpkx)[WEST_TILE]}
