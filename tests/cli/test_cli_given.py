"""Laws of what is written on the command line: what it stands for, and what is said when it stands for nothing."""

from __future__ import annotations

import json

import pytest
from command_line import run

AREA = {
    "type": "Polygon",
    "coordinates": [[[-170, -80], [170, -80], [170, 80], [-170, 80], [-170, -80]]],
}


@pytest.mark.parametrize("levels", ["0-8=", "1:591657528="])
def test_home_folder_is_found_behind_levels_where_shells_leave_it(tpkx, tmp_path, monkeypatch, levels):
    (tmp_path / "area.geojson").write_text(json.dumps(AREA))
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    result = run("export", tpkx, tmp_path / "cut.tpkx", "--levels", "0", "--aoi", f"{levels}~/area.geojson")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("area", ["0-8=", "0-8= ", " "])
def test_area_of_levels_alone_is_refused(tpkx, tmp_path, area):
    result = run("export", tpkx, tmp_path / "cut.tpkx", "--aoi", area)
    assert result.exit_code == 2
    assert "is empty; name a file, or give WKT or GeoJSON" in result.stderr.replace("\n", " ")


def test_decimal_commas_are_answered_with_how_to_write_them(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "cut.tpkx", "--extent", "1,5;2,5;3,5;4,5", width=200)
    assert result.exit_code == 2
    assert "is not four numbers XMIN,YMIN,XMAX,YMAX; write decimals with a point" in result.stderr


@pytest.mark.parametrize("name", ["WEBP", "PBF", "GIF"])
def test_tile_formats_named_are_those_that_can_be_made(tmp_path, name):
    result = run("create", tmp_path / "made", "--tile-format", name, width=200)
    assert result.exit_code == 2
    assert f"{name!r} is not one of PNG, PNG8, PNG24, PNG32, JPEG, MIXED, LERC" in result.stderr
    assert "LERC;" in run("create", "--help", width=200).stdout.replace("\n", " ")


def test_help_names_the_targets_that_a_command_takes():
    created = run("create", "--help").stdout.partition("Options:")[0]
    assert "TARGET" in created
    assert ".mbtiles" not in created
    assert ".mbtiles" in run("delete", "--help").stdout.partition("Options:")[0]


@pytest.mark.parametrize("name", ["a.tpk", "a.tpkx", "a.vtpk", "a.zip", "a.mbtiles"])
def test_empty_file_is_said_to_have_no_bytes(tmp_path, name):
    (tmp_path / name).touch()
    result = run("info", tmp_path / name)
    assert result.exit_code == 1
    assert "no bytes" in result.stderr
