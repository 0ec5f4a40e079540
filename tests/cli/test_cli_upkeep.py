"""Laws of ``tilepack delete``, ``compact`` and ``repair``: exit codes, figures, JSON, and dry runs that do nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import TILES, run

import tilepack

BUNDLES = 5


@pytest.fixture
def cache(tpkx, tmp_path) -> Path:
    tilepack.convert(tpkx, tmp_path / "Layers")
    return tmp_path / "Layers"


@pytest.fixture
def package(tpkx, tmp_path) -> Path:
    return Path(shutil.copy(tpkx, tmp_path / "Usa.tpkx"))


def held(cache: Path) -> int:
    with tilepack.open(cache) as reader:
        return sum(1 for _ in tilepack.list_tiles(reader))


def wasted(cache: Path, number: int = 1000) -> Path:
    """Put dead space behind every bundle, and say so in its header."""
    for place in cache.rglob("*.bundle"):
        data = bytearray(place.read_bytes() + bytes(number))
        data[24:32] = len(data).to_bytes(8, "little")
        place.write_bytes(bytes(data))
    return cache


def beheaded(cache: Path) -> Path:
    """Write the length of one tile over its start."""
    place = next(cache.rglob("L00/*.bundle"))
    data = place.read_bytes()
    assert data[131140:131144] == b"\x89PNG"
    place.write_bytes(data[:131140] + data[131144:] + bytes(4))
    return cache


# delete


def test_delete_says_what_it_did(cache):
    result = run("delete", cache, "--levels", "4,9")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"took tiles out of {cache}",
        f"  5 tiles deleted in {result.stdout.split(' in ')[1].split(chr(10))[0]}",
        "  3 bundles removed, 0 rewritten",
    ]
    assert held(cache) == 3


def test_delete_shows_what_it_would_do_level_by_level(cache):
    result = run("delete", cache, "--bbox=-180,0,180,85", "--levels", "1,4", "-n", width=100)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()[2:-2]]
    assert rows[0] == ["level", "remove", "rewrite", "bundles", "delete", "tiles", "cut", "edge", "stays", "size"]
    assert [row[:6] for row in rows[1:]] == [
        ["1", "1", "0", "2", "0", "0"],
        ["4", "1", "0", "3", "0", "0"],
        ["all", "2", "0", "5", "0", "0"],
    ]
    assert held(cache) == len(TILES)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--force"],
        ["--all", "--levels", "3"],
        ["--levels", "3", "--scales", "1000"],
        ["--extent", "0,0,1,1", "--bbox", "0,0,1,1"],
        ["--levels", "3", "--pixels"],
        ["--aoi", "x.gpkg", "--keep-blank"],
        ["--aoi", "x.gpkg", "--background", "red"],
        ["--levels", "x"],
        ["--extent", "1,1,0,0"],
    ],
    ids=" ".join,
)
def test_delete_refuses_what_the_command_line_shows_to_be_wrong(cache, options):
    result = run("delete", cache, *options)
    assert result.exit_code == 2
    assert held(cache) == len(TILES)


def test_delete_writes_json(package):
    area = "SRID=4326;POLYGON((-180 1,180 1,180 85,-180 85,-180 1))"
    plan = json.loads(run("delete", package, "--aoi", area, "--json", "-n").stdout)
    done = json.loads(run("delete", package, "--aoi", area, "--json").stdout)
    assert done["tilesDeleted"] == plan["tilesToDelete"] == len(TILES) - held(package) > 0
    assert {each["level"] for each in plan["byLevel"]} <= {0, 1, 4, 9}
    assert plan["tilesCrossing"] > 0


def test_delete_cuts_and_says_so(package):
    area = "SRID=4326;POLYGON((-180 1,180 1,180 85,-180 85,-180 1))"
    result = run("delete", package, "--aoi", area, "--pixels")
    assert result.exit_code == 0, result.stderr
    assert " cut in " in result.stdout


def test_delete_says_more_when_asked_to(cache):
    assert "2 tiles to delete, 0 to cut, 1 bundle" in run("delete", cache, "--levels", "1", "-v").stderr
    assert run("delete", cache, "--all", "-q").stdout == ""
    assert run("delete", cache, "--all").stderr.startswith("warning: there are no tiles to delete")


# compact


def test_compact_says_what_it_gained(cache):
    wasted(cache)
    when = {place: place.stat().st_mtime_ns for place in cache.rglob("*")}
    plan = run("compact", cache, "--dry-run")
    assert plan.exit_code == 0
    assert plan.stdout.splitlines()[-3].split() == ["all", "5", "8", "4.9", "KiB", "5,000"]
    assert {place: place.stat().st_mtime_ns for place in cache.rglob("*")} == when
    result = run("compact", cache)
    assert "gained 4.9 KiB (5,000 bytes) in" in result.stdout
    assert "5 of 5 bundles rewritten" in result.stdout
    assert held(cache) == len(TILES)
    assert run("compact", cache, "-v").stderr == "0 bundles to rewrite\n"


def test_compact_writes_json(cache):
    wasted(cache)
    assert json.loads(run("compact", cache, "-n", "--json").stdout)["deadBytes"] == 5000
    done = json.loads(run("compact", cache, "--json").stdout)
    assert (done["gainedBytes"], done["bundlesRewritten"]) == (5000, BUNDLES)


def test_compact_warns_where_there_is_nothing_of_the_kind(exploded):
    result = run("compact", exploded)
    assert result.exit_code == 0
    assert "files of their own" in result.stderr


# repair


def test_repair_ends_with_0_when_all_is_mended(cache):
    beheaded(wasted(cache))
    plan = run("repair", cache, "-n")
    assert plan.exit_code == 0
    assert "would mend" in plan.stdout
    assert "would rewrite 5 bundles" in plan.stdout
    assert run("verify", cache).exit_code == 1
    result = run("repair", cache)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "6 faults mended; left: 0 errors, 0 warnings, 0 notes"
    assert run("verify", cache, "--deep").exit_code == 0


@pytest.mark.parametrize("dry", [[], ["-n"]])
def test_repair_ends_with_1_when_something_is_left(cache, dry):
    place = next(cache.rglob("L09/*.bundle"))
    place.write_bytes(place.read_bytes()[:500])
    result = run("repair", cache, *dry)
    assert result.exit_code == 1
    assert "error bundle-truncated: 1" in result.stdout
    assert "what to do: " in result.stdout


def test_repair_makes_a_new_target(package, tmp_path):
    result = run("repair", package, tmp_path / "new.tpk")
    assert result.exit_code == 0
    assert f"made {tmp_path / 'new.tpk'}: {len(TILES)} tiles in " in result.stdout
    assert run("repair", package, tmp_path / "new.tpk").exit_code == 1
    assert run("repair", package, tmp_path / "new.tpk", "--replace").exit_code == 0
    assert run("repair", package, "--replace").exit_code == 2
    assert held(tmp_path / "new.tpk") == len(TILES)


def test_repair_writes_json(cache):
    beheaded(cache)
    shown = json.loads(run("repair", cache, "--json", "-n").stdout)
    assert shown["mendedCounts"] == {"tile-beheaded-png": 1}
    assert shown["leftCounts"] == {}
    done = json.loads(run("repair", cache, "--json").stdout)
    assert done["bundlesMended"] == 1
    assert done["mended"][0]["code"] == "tile-beheaded-png"
    assert json.loads(run("repair", cache, "--json").stdout)["mended"] == []


def test_repair_lists_what_only_decoding_finds_when_asked_to(exploded, tmp_path):
    folder = shutil.copytree(exploded, tmp_path / "cache")
    place = next(folder.rglob("*.png"))
    place.write_bytes(place.read_bytes()[:-20])
    assert "tile-truncated" not in run("repair", folder).stdout
    result = run("repair", folder, "--deep")
    assert result.exit_code == 1
    assert "error tile-truncated: 1" in result.stdout


def test_repair_of_what_cannot_be_opened_lists_it(tmp_path):
    (tmp_path / "x.tpkx").write_bytes(b"PK\3\4 no package")
    result = run("repair", tmp_path / "x.tpkx")
    assert result.exit_code == 1
    assert "error package-malformed: 1" in result.stdout
    assert run("repair", tmp_path / "nothing").exit_code == 1
