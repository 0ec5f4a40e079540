"""Laws of ``tilepack info`` and ``tilepack levels``."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import TILES, run

import tilepack


def test_info_json_equals_the_report_of_the_library(tpkx):
    with tilepack.open(tpkx) as cache:
        assert json.loads(run("info", tpkx, "--json").stdout) == tilepack.probe(cache).as_json()


def test_info_json_deep_equals_the_deep_report_of_the_library(tpk):
    with tilepack.open(tpk) as cache:
        assert json.loads(run("info", tpk, "--json", "--deep").stdout) == tilepack.probe(cache, deep=True).as_json()


def test_info_json_leaves_names_readable_when_stdout_is_unicode(tpkx):
    assert "Städte [1].tpkx" in run("info", tpkx, "--json").stdout


def test_info_shows_path_and_name_unbroken_and_unchanged_when_they_look_like_markup(exploded):
    lines = run("info", exploded).stdout.splitlines()
    assert lines[0] == str(exploded)
    assert any(line.startswith("name") and line.endswith("Städte [1] :smile:") for line in lines)


@pytest.mark.parametrize("fact", ["EXPLODED", "PNG", "256 x 256 pixels, 96 dpi", "WKID 3857", "0-1,4,9 hold tiles"])
def test_info_shows_what_the_cache_is(exploded, fact):
    assert fact in run("info", exploded).stdout


def test_info_shows_declared_extents_beside_the_measured_one(tpk):
    rows = [line.split()[0] for line in run("info", tpk).stdout.splitlines() if line]
    assert rows.index("extent") < rows.index("conf.cdi") < rows.index("measured")


def test_info_shows_each_level_that_holds_tiles_and_their_sum(tpkx):
    lines = run("info", tpkx).stdout.splitlines()
    table = lines[next(at for at, line in enumerate(lines) if line.startswith("level ")) + 1 :]
    assert [line.split()[0] for line in table[:5]] == ["0", "1", "4", "9", "all"]
    assert table[4].split()[2] == str(len(TILES))


def test_info_shows_dead_space_as_unknown_with_a_hint_when_it_is_v1(tpk):
    shown = run("info", tpk).stdout
    assert "?" in shown
    assert "--deep measures" in shown


def test_info_deep_knows_the_dead_space_when_it_is_v1(tpk):
    assert "?" not in run("info", tpk, "--deep").stdout


def test_info_sample_0_shows_no_formats(tpkx):
    assert json.loads(run("info", tpkx, "--sample", 0, "--json").stdout)["sampledTiles"] == 0


def test_info_shows_each_warning_on_a_line_of_its_own(exploded, tmp_path):
    odd = shutil.copytree(exploded, tmp_path / "odd")
    next(odd.rglob("C*.png")).write_bytes(b"no picture at all")
    with tilepack.open(odd) as cache:
        expected = [f"warning: {text}" for text in tilepack.probe(cache).warnings]
    shown = run("info", odd).stdout.splitlines()
    assert expected
    assert [line for line in shown if line.startswith("warning: ")] == expected


@pytest.mark.parametrize("command", ["info", "levels"])
def test_tables_fit_80_columns_without_trailing_blanks_when_piped(tpk, command):
    lines = run(command, tpk).stdout.splitlines()[2:]  # below the path, which is left whole
    tabular = [line for line in lines if not line.startswith(("?", "warning", "formats"))]
    assert max(map(len, tabular)) <= 80
    assert not [line for line in lines if line != line.rstrip()]


@pytest.mark.parametrize("command", ["info", "levels", "ls"])
def test_output_has_no_colour_when_piped(tpk, command):
    assert "\x1b" not in run(command, tpk).stdout


def test_info_shows_no_control_characters_when_a_name_holds_them(tpkx, tmp_path):
    folder = tmp_path / "plain"
    tilepack.convert(tpkx, folder, ready_to_serve=True)
    root = folder / "root.json"
    document = json.loads(root.read_text("utf-8"))
    document["name"] = document["mapName"] = "red\x1b[31m\x07"
    document["documentInfo"] = {"Title": "red\x1b[31m\x07"}
    root.write_text(json.dumps(document), "utf-8")
    assert "\x1b" not in run("info", folder).stdout


def test_levels_json_equals_the_levels_of_the_library(tpkx):
    expected = [level.as_json() for level in tilepack.levels_of(tpkx)]
    assert json.loads(run("levels", tpkx, "--json").stdout) == expected


def test_levels_shows_every_level_of_the_scheme(tpkx):
    rows = run("levels", tpkx).stdout.splitlines()
    assert [int(row.split()[0]) for row in rows[1:]] == [level.level for level in tilepack.levels_of(tpkx)]


def test_levels_shows_scales_that_scales_takes(tpkx):
    scale = run("levels", tpkx).stdout.splitlines()[5].split()[1]
    plan = json.loads(run("convert", tpkx, tpkx.with_name("no.tpk"), "--scales", scale, "-n", "--json").stdout)
    assert plan["levels"] == [4]


def test_levels_reads_the_description_of_a_map_service(tmp_path):
    lods = [{"level": 3, "resolution": 2.5, "scale": 9448.82}, {"level": 5, "resolution": 1.25, "scale": 4724.41}]
    tiling = {
        "rows": 256,
        "cols": 256,
        "dpi": 96,
        "format": "PNG",
        "origin": {"x": 0, "y": 0},
        "spatialReference": {"wkid": 25832},
        "lods": lods,
    }
    service = tmp_path / "service.json"
    service.write_text(json.dumps({"mapName": "Layers", "tileInfo": tiling}), "utf-8")
    shown = json.loads(run("levels", service, "--json").stdout)
    assert [(level["level"], level["resolution"], level["tiles"]) for level in shown] == [(3, 2.5, 0), (5, 1.25, 0)]
