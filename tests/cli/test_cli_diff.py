"""Laws of ``tilepack diff``."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from command_line import TILES, draw_tile, run, run_on_terminal, write_exploded

import tilepack


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The cache of the other tests, but for a tile that is gone, one that is new and one that is another."""
    tiles = {tile: draw_tile(*tile) for tile in TILES[1:]} | {(5, 1, 2): draw_tile(5, 1, 2)}
    tiles[4, 5, 7] = draw_tile(4, 5, 8)
    return write_exploded(tmp_path_factory.mktemp("other") / "Städte [1] :smile:", tiles)


def test_diff_of_equals_ends_with_0_and_says_so(exploded, tpkx):
    done = run("diff", exploded, tpkx)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:2] == [f"A: {exploded}", f"B: {tpkx}"]
    assert done.stdout.splitlines()[-1] == "the same 8 tiles"
    assert "  storage format: EXPLODED here, COMPACT_V2 there" in done.stdout.splitlines()
    assert done.stderr == ""


def test_diff_ends_with_1_when_anything_differs(tpkx, other):
    done = run("diff", tpkx, other)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "3 of 9 tiles differ"
    assert done.stderr == ""


def test_diff_ends_with_1_when_metadata_alone_differ(exploded, tmp_path):
    shutil.copytree(exploded, tmp_path / "b")
    conf = tmp_path / "b" / "conf.xml"
    conf.write_text(conf.read_text("utf-8").replace(">PNG<", ">PNG32<"), "utf-8")
    done = run("diff", exploded, tmp_path / "b")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "the same 8 tiles, but other metadata"
    assert "  tile format: PNG here, PNG32 there" in done.stdout.splitlines()


def test_diff_ends_with_1_when_grids_are_others(exploded, tmp_path):
    shutil.copytree(exploded, tmp_path / "b")
    conf = tmp_path / "b" / "conf.xml"
    conf.write_text(conf.read_text("utf-8").replace("<TileCols>256<", "<TileCols>512<"), "utf-8")
    done = run("diff", exploded, tmp_path / "b")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "not compared: they lie on different grids"


def rows_of(done, first):
    """Give the words of the table's lines whose first word is in the first column."""
    return {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line and line.split()[0] in first}


def test_diff_shows_a_row_per_level(tpkx, other):
    rows = rows_of(run("diff", tpkx, other), {"0", "1", "4", "5", "9", "all"})
    assert rows == {
        "0": ["1", "-", "-", "-"],
        "1": ["-", "-", "-", "2"],
        "4": ["-", "-", "1", "2"],
        "5": ["-", "1", "-", "-"],
        "9": ["-", "-", "-", "2"],
        "all": ["1", "1", "1", "6"],
    }


def test_diff_shows_pixels_when_asked(tpkx, other):
    done = run("diff", tpkx, other, "--pixels")
    assert rows_of(done, {"4"}) == {"4": ["-", "-", "1", "2", "-", "65,536", "1"]}
    assert "  4/5/7: 65,536 pixels, by up to 1" in done.stdout.splitlines()


def test_diff_verbose_shows_bundles_that_differ(tpkx, other):
    rows = rows_of(run("diff", tpkx, other, "--verbose"), {"L00/R0000C0000", "L01/R0000C0000", "L05/R0000C0000"})
    assert rows == {"L00/R0000C0000": ["1", "-", "-", "-"], "L05/R0000C0000": ["-", "1", "-", "-"]}


def test_diff_names_twenty_tiles_and_counts_the_others(exploded, tmp_path):
    tiles = {tile: draw_tile(*tile) for tile in TILES} | {
        (7, 3, column): draw_tile(7, 3, column) for column in range(25)
    }
    done = run("diff", exploded, write_exploded(tmp_path / "b", tiles))
    assert [f"  7/3/{column}" in done.stdout.splitlines() for column in (0, 19, 20)] == [True, True, False]
    assert "  and 5 more" in done.stdout.splitlines()


def test_diff_json_equals_the_value_of_the_library(tpkx, other):
    done = run("diff", tpkx, other, "--json", "--pixels")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == tilepack.diff(tpkx, other, pixels=True).as_json()


def test_diff_chooses_levels_and_areas(tpkx, other):
    assert run("diff", tpkx, other, "--levels", "1,9").exit_code == 0
    inside = "POLYGON ((-180 80, -100 80, -100 -80, -180 -80, -180 80))"
    done = run("diff", tpkx, other, "--aoi", f"0-9={inside}", "--aoi-crs", "EPSG:4326", "--levels", "1,4")
    assert rows_of(done, {"1", "4"}) == {"1": ["-", "-", "-", "1"], "4": ["-", "-", "-", "-"]}
    assert done.exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--levels", "x"],
        ["--levels", "1", "--scales", "500"],
        ["--aoi-where", "a=1"],
        ["--quiet", "--verbose"],
        ["--no-such-option"],
    ],
)
def test_diff_ends_with_2_when_the_command_line_is_wrong(words, tpkx, other):
    assert run("diff", tpkx, other, *words).exit_code == 2


def test_diff_warns_of_what_is_not_there(tpkx, other):
    done = run("diff", tpkx, other, "--levels", "1,8")
    assert done.stderr == "warning: level 8 holds no tiles\n"
    assert run("diff", tpkx, other, "--levels", "1,8", "--quiet").stderr == ""


def test_diff_of_a_damaged_cache_says_what_is_damaged(exploded, tmp_path):
    tilepack.convert(exploded, tmp_path / "b")
    bundle = tmp_path / "b" / "_alllayers" / "L04" / "R0000C0000.bundle"
    bundle.write_bytes(bundle.read_bytes()[:500])
    done = run("diff", exploded, tmp_path / "b")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "0 of 5 tiles differ, 1 damaged bundle not compared"
    assert "R0000C0000.bundle" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_diff_of_nothing_ends_with_a_sentence(tpkx, tmp_path):
    done = run("diff", tpkx, tmp_path / "none.tpkx")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "there is nothing of that name" in done.stderr


def test_diff_shows_no_progress_when_stderr_is_no_terminal(tpkx, other):
    assert run("diff", tpkx, other).stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("more", "shown"), [([], True), (["--quiet"], False)])
def test_diff_shows_a_bar_on_a_terminal_unless_quiet(tpkx, exploded, more, shown):
    drawn = run_on_terminal("diff", tpkx, exploded, *more)
    assert (b"comparing" in drawn) is shown
    assert bool(drawn) is shown
