"""``tilepack status``: what it shows, writes, refuses, and with which exit code."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import TILES, run
from pyogrio import raw

import tilepack


@pytest.fixture
def cache(exploded, tmp_path):
    return shutil.copytree(exploded, tmp_path / exploded.name)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Bericht [1]").mkdir()
    return tmp_path / "Bericht [1]"


def test_show_gives_a_line_for_each_level_and_one_for_all(tpkx):
    result = run("status", "show", tpkx)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["level", "scale", "expected", "built", "percent", "outside", "bundles", "size"]
    assert [line.split()[0] for line in lines[1:]] == ["0", "1", "4", "9", "all"]
    total = lines[-1].split()
    assert int(total[2]) + sum(int(line.split()[5].replace("-", "0")) for line in lines[1:-1]) == len(TILES)


@pytest.mark.parametrize("kind", ["exploded", "tpkx", "tpk"])
def test_json_gives_what_the_library_counts(kind, request):
    source = request.getfixturevalue(kind)
    report = tilepack.status_of(source)
    shown = json.loads(run("status", "show", source, "--json", "--bundles").stdout)
    assert shown == report.as_json()
    assert [level["levelID"] for level in shown["levels"]] == [0, 1, 4, 9]
    assert sum(level["tileCount"] + level["outsideTileCount"] for level in shown["levels"]) == len(TILES)
    without = json.loads(run("status", "show", source, "--json").stdout)
    assert "bundles" not in without
    assert without["levels"] == shown["levels"]


def test_bundles_have_a_line_each(tpkx):
    text = run("status", "show", tpkx, "--bundles").stdout
    lines = text.partition("\n\n")[2].splitlines()
    rows = tilepack.status_of(tpkx).bundles
    assert [line.split()[:4] for line in lines[1:]] == [
        [str(rows.level[number]), name, str(rows.expected[number]), str(rows.built[number])]
        for number, name in enumerate(rows.names())
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["--levels", "4-9"],
        ["--scales", "295828763.795777"],
        ["--extent", "-10000000,0,0,10000000"],
        ["--bbox", "-100,0,-60,60"],
        ["--aoi", "SRID=4326;POLYGON((-100 10, -60 10, -60 60, -100 10))"],
        ["--aoi", "4=SRID=4326;POLYGON((-100 10, -60 10, -60 60, -100 10))", "--levels", "4"],
    ],
)
def test_levels_areas_and_rectangles_bound_it_as_in_the_library(tpkx, words):
    given = dict(zip((word.removeprefix("--") for word in words[::2]), words[1::2], strict=True))
    for name in ("extent", "bbox"):
        if name in given:
            given[name] = tuple(map(float, given[name].split(",")))
    if "aoi" in given:
        given["area"] = given.pop("aoi")
    shown = json.loads(run("status", "show", tpkx, "--json", "--bundles", *words).stdout)
    assert shown == tilepack.status_of(tpkx, **given).as_json()
    assert shown["levels"]


def test_what_lacks_one_tile_of_many_is_not_shown_as_complete():
    from tilepack_cli.status_tables import percent

    assert percent(100.0) == "100.0"
    assert percent(100.0 * 999_999 / 1_000_000) == "99.9"
    assert percent(0.0) == "0.0"


def test_report_says_what_it_wrote_and_refuses_to_write_over_it(cache, folder):
    result = run("status", "report", cache, "--report-folder", folder)
    assert result.exit_code == 0
    rows = tilepack.status_of(cache).bundles
    assert f"wrote {folder / 'Status.gdb'}" in result.stdout
    assert f"{len(rows)} bundles on 4 levels, {(rows.percent < 100).sum()} incomplete" in result.stdout
    assert len(raw.read(folder / "Status.gdb", layer="TaskStatus")[2]) == len(rows)
    again = run("status", "report", cache, "--report-folder", folder)
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    forced = run("status", "report", cache, "--report-folder", folder, "--force", "--json", "--levels", "4")
    told = json.loads(forced.stdout)
    assert told["written"] == [str(folder / "Status.gdb")]
    assert [level["levelID"] for level in told["levels"]] == [4]
    assert run("status", "report", cache, "--report-folder", folder, "--force", "-q").stdout == ""


def test_report_into_the_cache_is_refused(cache):
    result = run("status", "report", cache, "--report-folder", cache / "_alllayers")
    assert result.exit_code == 1
    assert "is the cache's own folder" in result.stderr


def test_rebuild_and_delete_keep_the_caches_own(cache, tpkx):
    before = sorted(cache.rglob("*"))
    assert run("status", "rebuild", cache).exit_code == 0
    assert run("status", "rebuild", cache / "conf.xml", "-q").exit_code == 0
    assert (cache / "Status.gdb").is_dir()
    gone = run("status", "delete", cache, "--json")
    assert json.loads(gone.stdout) == {"deleted": str(cache / "Status.gdb"), "kept": None}
    assert sorted(cache.rglob("*")) == before
    none = run("status", "delete", cache)
    assert none.exit_code == 0
    assert "there is no Status.gdb" in none.stdout
    for word in ("rebuild", "delete"):
        refused = run("status", word, tpkx)
        assert refused.exit_code == 1
        assert "is one file" in refused.stderr


def test_arcgis_own_needs_force_and_is_named(cache):
    (cache / "Status.gdb").mkdir()
    (cache / "Status.gdb/gdb").write_bytes(b"theirs")
    assert run("status", "rebuild", cache).exit_code == 1
    result = run("status", "rebuild", cache, "--force")
    assert result.exit_code == 0
    assert f"what ArcGIS had there is now {cache / 'Status.gdb.arcgis'}" in result.stdout
    assert (cache / "Status.gdb.arcgis/gdb").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    "words",
    [
        ["show"],
        ["report", "x"],
        ["report", "x", "--report-folder", ".", "--format", "shp"],
        ["show", "x", "--levels", "3", "--scales", "1000"],
        ["show", "x", "--extent", "1,2,3"],
        ["show", "x", "--extent", "0,0,1,1", "--bbox", "0,0,1,1"],
        ["show", "x", "--aoi-crs", "4326"],
        ["rebuild", "x", "--levels", "3"],
        ["vanish", "x"],
    ],
)
def test_wrong_use_is_exit_code_2(words):
    assert run("status", *words).exit_code == 2


def test_too_many_rows_are_refused_with_their_number_and_the_way_out(tpkx):
    words = ("status", "show", tpkx, "--levels", "17", "--extent", "-20000000,-20000000,20000000,20000000")
    assert run(*words).exit_code == 0
    result = run(*words, "--bundles")
    assert result.exit_code == 1
    assert "rows, one for each bundle; choose fewer levels or a smaller area, or say that all are wanted (--all)" in (
        result.stderr
    )
