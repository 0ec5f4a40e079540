"""Laws of ``tilepack ls`` and ``tilepack tile``."""

from __future__ import annotations

import json
import os
import sys

import pytest
from command_line import TILES, draw_tile, environment, run, run_apart, start

import tilepack


def test_ls_lists_every_bundle_with_its_tiles(tpkx):
    rows = [line.split() for line in run("ls", tpkx).stdout.splitlines()]
    assert rows[0] == ["level", "bundle", "rows", "columns", "tiles", "bytes"]
    assert [(row[0], row[1], row[4]) for row in rows[1:]] == [
        ("0", "R0000C0000", "1"),
        ("1", "R0000C0000", "2"),
        ("4", "R0000C0000", "3"),
        ("9", "R0000C0080", "1"),
        ("9", "R0080C0080", "1"),
    ]


def test_ls_json_equals_the_bundles_of_the_library(tpkx):
    with tilepack.open(tpkx) as cache:
        expected = [(s.bundle.level, s.tiles, s.tile_bytes, s.file_bytes) for s in tilepack.list_bundles(cache)]
    shown = json.loads(run("ls", tpkx, "--json").stdout)
    assert [(row["level"], row["tiles"], row["tileBytes"], row["fileBytes"]) for row in shown] == expected


def test_ls_tiles_lists_every_tile_with_its_size(exploded):
    rows = [line.split() for line in run("ls", exploded, "--tiles").stdout.splitlines()]
    assert rows[0] == ["level", "row", "column", "bytes"]
    assert [tuple(map(int, row)) for row in rows[1:]] == [(*tile, len(draw_tile(*tile))) for tile in TILES]


def test_ls_tiles_json_equals_the_tiles_of_the_library(tpk):
    with tilepack.open(tpk) as cache:
        expected = [(*tile, size) for tile, size in tilepack.list_tiles(cache)]
    shown = json.loads(run("ls", tpk, "--tiles", "--json").stdout)
    assert [(row["level"], row["row"], row["column"], row["bytes"]) for row in shown] == expected


def test_ls_takes_only_the_levels_named(tpkx):
    shown = json.loads(run("ls", tpkx, "--levels", "0-3,9", "--json").stdout)
    assert [row["level"] for row in shown] == [0, 1, 9, 9]


@pytest.mark.parametrize("more", [[], ["--tiles"]])
def test_ls_json_is_an_empty_array_when_the_levels_hold_nothing(tpkx, more):
    assert json.loads(run("ls", tpkx, "--levels", "7", "--json", *more).stdout) == []


def test_ls_fails_with_the_levels_there_are_when_one_does_not_exist(tpkx):
    result = run("ls", tpkx, "--levels", "99")
    assert result.exit_code == 1
    assert "level 99 is not in the tiling scheme" in result.stderr
    assert not result.stdout


@pytest.mark.skipif(os.name == "nt", reason="closes a pipe the POSIX way")
@pytest.mark.parametrize("how", [["--tiles"], ["--tiles", "--json"]])
def test_ls_ends_quietly_when_nobody_reads_on(tmp_path, how):
    from command_line import write_exploded

    folder = write_exploded(tmp_path / "many", {(14, row, column): b"x" for row in range(25) for column in range(128)})
    reading, writing = os.pipe()
    process = start("ls", folder, *how, stdout=writing, stderr=-1)
    os.close(writing)
    os.read(reading, 100)
    os.close(reading)
    _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_ls_fails_with_a_sentence_when_the_output_is_full(tpkx):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        process = start("ls", tpkx, stdout=full, stderr=-1)
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaints.startswith(b"tilepack: the output cannot be written")
    assert complaints.count(b"\n") == 1


def test_tile_writes_the_very_bytes_to_stdout(tpk):
    assert run("tile", tpk, 4, 5, 7).stdout_bytes == draw_tile(4, 5, 7)


def test_tile_writes_the_very_bytes_to_a_file(tpk, tmp_path):
    out = tmp_path / "ein Stück.png"
    result = run("tile", tpk, 4, 5, 7, "-o", out)
    assert out.read_bytes() == draw_tile(4, 5, 7)
    assert result.stdout == ""


def test_tile_says_what_it_wrote_unless_quiet(tpk, tmp_path):
    assert "ein Stück.png" in run("tile", tpk, 4, 5, 7, "-o", tmp_path / "ein Stück.png").stderr
    assert run("tile", tpk, 4, 5, 7, "-q", "-o", tmp_path / "other.png").stderr == ""


def test_tile_fails_with_a_sentence_when_there_is_no_such_tile(tpk):
    result = run("tile", tpk, 4, 0, 0)
    assert result.exit_code == 1
    assert "has no tile 4/0/0" in result.stderr


def test_tile_writes_no_file_when_there_is_no_such_tile(tpk, tmp_path):
    run("tile", tpk, 4, 0, 0, "-o", tmp_path / "tile.png")
    assert not list(tmp_path.iterdir())


def test_tile_fails_with_the_levels_there_are_when_the_level_does_not_exist(tpk):
    result = run("tile", tpk, 99, 0, 0)
    assert result.exit_code == 1
    assert "level 99 is not in the tiling scheme; it has 0-23" in result.stderr


def test_tile_refuses_a_file_that_exists(tpk, tmp_path):
    out = tmp_path / "tile.png"
    out.write_bytes(b"mine")
    result = run("tile", tpk, 0, 0, 0, "-o", out)
    assert (result.exit_code, out.read_bytes()) == (1, b"mine")
    assert "exists already" in result.stderr


def test_tile_replaces_a_file_when_told_to(tpk, tmp_path):
    out = tmp_path / "tile.png"
    out.write_bytes(b"mine")
    assert run("tile", tpk, 0, 0, 0, "-o", out, "--replace").exit_code == 0
    assert out.read_bytes() == draw_tile(0, 0, 0)


def test_tile_never_replaces_the_source(tpk):
    before = tpk.read_bytes()
    assert run("tile", tpk, 0, 0, 0, "-o", tpk, "--replace").exit_code == 1
    assert tpk.read_bytes() == before


def test_tile_writes_bytes_untouched_through_a_real_pipe(tpk):
    assert run_apart("tile", tpk, 9, 128, 200).stdout == draw_tile(9, 128, 200)


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_tile_refuses_to_write_on_a_terminal(tpk):
    import pty
    import subprocess

    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "tilepack_cli", "tile", str(tpk), "0", "0", "0"]
    result = subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, env=environment(), check=False)
    os.close(theirs)
    os.close(ours)
    assert result.returncode == 2
    assert b"-o FILE" in result.stderr
