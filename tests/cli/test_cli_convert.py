"""Laws of ``tilepack convert``."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from command_line import TILES, draw_tile, read_tiles, run, run_on_terminal, start_slowly, write_exploded

import tilepack


@pytest.mark.parametrize(
    ("name", "more", "made"),
    [
        ("Müller & Söhne.tpk", [], "COMPACT package"),
        ("Müller & Söhne.tpkx", [], "COMPACT_V2 package"),
        ("ein Ordner", [], "COMPACT_V2 folder"),
        ("ein Ordner", ["--storage-format", "compact"], "COMPACT folder"),
        ("ein Ordner", ["--storage-format", "compact-v2"], "COMPACT_V2 folder"),
        ("ein Ordner", ["--storage-format", "COMPACT_V2"], "COMPACT_V2 folder"),
        ("ein Ordner", ["--storage-format", "exploded"], "EXPLODED folder"),
        ("ein Ordner", ["--ready-to-serve"], "COMPACT_V2 folder, ready to serve"),
    ],
)
def test_convert_makes_the_storage_format_with_every_tile_unchanged(tpkx, tmp_path, name, more, made):
    target = tmp_path / name
    result = run("convert", tpkx, target, *more)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [f"made {target}", f"  {made}, levels 0-1,4,9"]
    assert read_tiles(target) == {tile: draw_tile(*tile) for tile in TILES}


def test_convert_leaves_nothing_but_the_target(tpkx, tmp_path):
    run("convert", tpkx, tmp_path / "made.tpk")
    assert [place.name for place in tmp_path.iterdir()] == ["made.tpk"]


@pytest.mark.parametrize("choice", [["--levels", "0-3,9"], ["--scales", "591657527.591555,295828763.8,1155581.108577"]])
def test_convert_takes_only_the_levels_chosen(tpkx, tmp_path, choice):
    assert run("convert", tpkx, tmp_path / "made", *choice).exit_code == 0
    assert {tile[0] for tile in read_tiles(tmp_path / "made")} == {0, 1, 9}


def test_convert_says_how_many_tiles_and_bytes_it_moved(exploded, tmp_path):
    result = run("convert", exploded, tmp_path / "made")
    assert "5 bundles repacked" in result.stdout
    assert "8 tiles, " in result.stdout
    assert "/s" in result.stdout


def test_convert_json_equals_the_result_of_the_library(tpk, tmp_path):
    shown = json.loads(run("convert", tpk, tmp_path / "a", "--json").stdout)
    expected = tilepack.convert(tpk, tmp_path / "b").as_json()
    for document in (shown, expected):
        del document["seconds"], document["target"]
    assert shown == expected


def test_convert_dry_run_json_equals_the_plan_of_the_library(tpk, tmp_path):
    target = tmp_path / "made.tpkx"
    shown = json.loads(run("convert", tpk, target, "--dry-run", "--json").stdout)
    assert shown == tilepack.plan_convert(tpk, target).as_json()


def test_convert_dry_run_writes_nothing(tpk, tmp_path):
    assert run("convert", tpk, tmp_path / "made.tpkx", "-n").exit_code == 0
    assert not list(tmp_path.iterdir())


def test_convert_dry_run_shows_each_level_and_their_sum(tpk, tmp_path):
    lines = run("convert", tpk, tmp_path / "made.tpkx", "-n").stdout.splitlines()
    assert lines[0] == f"would make {tmp_path / 'made.tpkx'}"
    assert [line.split()[:4] for line in lines[4:]] == [
        ["0", "1", "0", "1"],
        ["1", "1", "0", "2"],
        ["4", "1", "0", "3"],
        ["9", "2", "0", "2"],
        ["all", "5", "0", "8"],
    ]


def test_convert_dry_run_says_that_it_would_replace_a_target_that_exists(tpk, tmp_path):
    (tmp_path / "made").mkdir()
    assert run("convert", tpk, tmp_path / "made", "-n", "--replace").stdout.startswith("would replace ")


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_convert_refuses_a_target_that_exists(tpk, tmp_path, more):
    target = tmp_path / "made.tpkx"
    target.write_bytes(b"mine")
    result = run("convert", tpk, target, *more)
    assert (result.exit_code, target.read_bytes()) == (1, b"mine")
    assert result.stderr.startswith(f"tilepack: {target}: exists already")


def test_convert_replaces_a_target_when_told_to(tpk, tmp_path):
    target = tmp_path / "made.tpkx"
    target.write_bytes(b"mine")
    assert run("convert", tpk, target, "--replace").exit_code == 0
    assert len(read_tiles(target)) == len(TILES)


def test_convert_quiet_says_nothing(tpk, tmp_path):
    result = run("convert", tpk, tmp_path / "made.tpkx", "--levels", "7,9", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_convert_writes_warnings_to_stderr(tpk, tmp_path):
    result = run("convert", tpk, tmp_path / "made", "--levels", "7,9")
    assert result.stderr == "warning: level 7 holds no tiles\n"


def test_convert_verbose_says_more(tpk, tmp_path):
    assert "5 bundles copied whole, 8 tiles" in run("convert", tpk, tmp_path / "made", "-v").stderr


def test_convert_writes_the_same_bytes_whatever_the_jobs(exploded, tmp_path):
    for jobs in (1, 3):
        run("convert", exploded, tmp_path / f"{jobs}.tpkx", "--jobs", jobs, "--levels", "9")
    with tilepack.open(tmp_path / "1.tpkx") as one, tilepack.open(tmp_path / "3.tpkx") as three:
        for tile, _ in tilepack.list_tiles(one):
            assert one.read(tile) == three.read(tile)


@pytest.mark.parametrize(
    "words",
    [
        ["made", "--levels", "1", "--scales", "5000"],
        ["made", "--levels", "3-1"],
        ["made", "--levels", "one"],
        ["made", "--scales", "-5"],
        ["made", "--storage-format", "zip"],
        ["made", "--jobs", "0"],
        ["made", "-q", "-v"],
        ["made.tpk", "--storage-format", "exploded"],
        ["made.tpkx", "--storage-format", "compact"],
        ["made.tpk", "--ready-to-serve"],
        ["made", "--storage-format", "exploded", "--ready-to-serve"],
    ],
)
def test_convert_refuses_what_contradicts_itself_as_usage(tpk, tmp_path, words):
    result = run("convert", tpk, tmp_path / words[0], *words[1:])
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_convert_shows_no_progress_when_stderr_is_no_terminal(tpk, tmp_path):
    assert run("convert", tpk, tmp_path / "made").stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("more", "shown"), [([], True), (["--quiet"], False)])
def test_convert_shows_a_bar_on_a_terminal_unless_quiet(tpk, tmp_path, more, shown):
    drawn = run_on_terminal("convert", tpk, tmp_path / "made", *more)
    assert (b"100%" in drawn) is shown
    assert bool(drawn) is shown


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """3,600 tiles, all different: work for a quarter of a minute when it is done slowly."""
    tiles = {(12, row, column): b"\x89PNG %d %d" % (row, column) for row in range(60) for column in range(60)}
    return write_exploded(tmp_path_factory.mktemp("large") / "large", tiles)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", ["made.tpkx", "made"])
def test_convert_leaves_nothing_when_it_is_stopped(large, tmp_path, number, code, name):
    target = tmp_path / name
    process = start_slowly("convert", large, target, "-q")
    while not (tmp_path / f"{name}.partial").exists() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == code
    assert complaints.decode() == f"tilepack: stopped; nothing was left at {target}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_convert_leaves_the_old_target_when_it_is_stopped_while_replacing(large, tmp_path):
    target = tmp_path / "made.tpkx"
    target.write_bytes(b"mine")
    process = start_slowly("convert", large, target, "--replace", "-q")
    while not (tmp_path / "made.tpkx.partial").exists() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaints.decode() == f"tilepack: stopped; {target} is as it was\n"
    assert [(place.name, place.read_bytes()) for place in tmp_path.iterdir()] == [("made.tpkx", b"mine")]
