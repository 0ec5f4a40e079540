"""Laws of ``tilepack verify``."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest
from command_line import TILES, run

import tilepack


@pytest.fixture
def broken(exploded, tmp_path) -> Path:
    """A cache with 25 tiles of nothing, one that is no tile, and a file that belongs to no cache."""
    folder = shutil.copytree(exploded, tmp_path / "broken")
    row = next(folder.rglob("R*"))
    for column in range(100, 125):
        (row / f"C{column:08x}.png").write_bytes(b"")
    (row / "C00000099.png").write_bytes(b"what is this")
    (row / "notes\x1b[31m.txt").write_bytes(b"")
    return folder


@pytest.mark.parametrize("cache", ["exploded", "tpk", "tpkx"])
@pytest.mark.parametrize("options", [[], ["--deep"], ["--deep", "-j", 1], ["-q"], ["--levels", "0-4"]])
def test_verify_ends_with_0_when_there_are_no_errors(cache, options, request):
    result = run("verify", request.getfixturevalue(cache), *options)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("0 errors, ")


def test_verify_ends_with_1_when_there_are_errors(broken):
    result = run("verify", broken)
    assert result.exit_code == 1
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "1 error, 26 warnings, 1 note"


def test_verify_ends_with_0_when_there_are_warnings_alone(broken):
    next(broken.rglob("C00000099.png")).unlink()
    assert run("verify", broken).exit_code == 0


def test_verify_says_how_much_it_looked_at(tpkx):
    lines = run("verify", tpkx, "--deep").stdout.splitlines()
    assert any(line.startswith(f"checked 5 bundles, {len(TILES)} tiles, ") for line in lines)
    assert f"decoded {len(TILES)} tiles: 0 blank, {len(TILES)} of one colour" in lines
    assert not any(line.startswith("decoded") for line in run("verify", tpkx).stdout.splitlines())


def test_verify_shows_errors_first_and_a_remedy_for_each_kind(broken):
    lines = run("verify", broken).stdout.splitlines()
    heads = [line for line in lines if line.startswith(("error ", "warning ", "note "))]
    assert heads == [
        "error tile-unknown: 1",
        "warning extent-missing: 1",
        "warning tile-empty: 25",
        "note file-stray: 1",
    ]
    assert sum(line.startswith("  what to do: ") for line in lines) == len(heads)


def test_verify_shows_20_of_a_kind_and_all_when_verbose(broken):
    short, long = (run("verify", broken, *options).stdout for options in ([], ["-v"]))
    assert short.count("has 0 bytes") == 20
    assert "and 5 more; --verbose shows more" in short
    assert long.count("has 0 bytes") == 25
    assert "more" not in long


def test_verify_shows_no_control_characters_when_a_name_holds_them(broken):
    shown = run("verify", broken).stdout
    assert "notes?[31m.txt" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("options", [[], ["--deep"], ["--levels", "0,9"]])
def test_verify_json_equals_the_findings_of_the_library(broken, options):
    result = run("verify", broken, "--json", *options)
    levels = "0,9" if "--levels" in options else None
    assert json.loads(result.stdout) == tilepack.verify(broken, deep="--deep" in options, levels=levels).as_json()
    assert result.exit_code == 1 if levels is None else result.exit_code in (0, 1)


def test_verify_of_a_cache_that_cannot_be_opened_is_a_finding(exploded, tmp_path):
    folder = shutil.copytree(exploded, tmp_path / "broken")
    (folder / "conf.xml").write_bytes(b"<CacheInfo>")
    result = run("verify", folder)
    assert result.exit_code == 1
    assert "error cache-malformed: 1" in result.stdout
    assert "conf.xml: the document is no well-formed XML" in result.stdout
    assert result.stderr == ""


def test_verify_of_nothing_is_an_error_of_the_command(tmp_path):
    result = run("verify", tmp_path / "nothing")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "there is nothing of that name" in result.stderr


@pytest.mark.parametrize("options", [["--levels", "x"], ["-q", "-v"], ["-j", "0"]])
def test_verify_refuses_a_command_line_that_is_wrong(tpkx, options):
    assert run("verify", tpkx, *options).exit_code == 2


def test_verify_names_the_damaged_tile_of_a_package(tpkx, tmp_path):
    damaged = tmp_path / "damaged.tpkx"
    data = bytearray(tpkx.read_bytes())
    at = data.index(b"\x89PNG")  # the thumbnail comes last
    data[at : at + 4] = struct.pack("<I", 7)
    damaged.write_bytes(data)
    result = run("verify", damaged)
    assert result.exit_code == 1
    assert "error tile-unknown: 1\n  tile 0/0/0 in tile/L00/R0000C0000.bundle: begins with 07 00 00 00" in result.stdout
