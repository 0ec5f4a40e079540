"""Laws of ``tilepack import``: what it does, and what it shows."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import run
from flat_caches import AREA, FOUR, LEFT, flat, new_cache, old_cache, photo, pixels, tiles_of, write
from PIL import Image

import tilepack
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.standard import arcgis_online_scheme


@pytest.fixture
def new(tmp_path):
    return new_cache(tmp_path)


@pytest.fixture
def old(tmp_path):
    return old_cache(tmp_path)


# What it does


def test_tiles_are_laid_over_those_there(new, old):
    result = run("import", new, old)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == f"merged into {old}"
    assert lines[1:3] == ["  EXPLODED folder of PNG tiles, level 4", "  1 bundle blended"]
    assert lines[4:6] == ["  2 repacked, 1 blended, 1 unchanged", "  2 tiles decoded"]
    found, brought = tiles_of(old), tiles_of(new)
    assert found[4, 5, 6] == brought[4, 5, 6]
    assert (pixels(found[4, 5, 7]) == (0, 127, 128, 255)).all()
    assert found[4, 6, 6] == found[4, 5, 8] == flat(0, 255, 0)
    assert run("import", new, old, "--merge", "-q").stdout == ""


def test_overwriting_puts_tiles_in_the_place_of_others(new, old):
    result = run("import", new, old, "--overwrite")
    assert result.stdout.startswith(f"overwrote tiles of {old}\n")
    assert tiles_of(old) == tiles_of(new) | {(4, 5, 8): flat(0, 255, 0)}
    again = run("import", new, old, "--overwrite")
    assert "  1 bundle unchanged\n" in again.stdout
    assert "  4 unchanged\n" in again.stdout


def test_missing_tiles_are_taken_away(new, old):
    result = run("import", new, old, "--overwrite", "--delete-missing")
    assert "1 deleted" in result.stdout
    assert tiles_of(old) == tiles_of(new)


@pytest.mark.parametrize("words", [("--levels", "4"), ("--scales", "36978595"), ("--levels", "0-3,4")])
def test_levels_are_chosen(new, old, words):
    assert run("import", new, old, "--overwrite", *words).exit_code in (0, 1)
    if "0-3,4" not in words:
        assert tiles_of(old)[4, 5, 6] == flat(255, 0, 0)


def test_rectangles_choose(new, old, tmp_path):
    other = shutil.copytree(old, tmp_path / "other")
    assert run("import", new, old, "--overwrite", "--extent", LEFT).exit_code == 0
    assert {tile for tile, data in tiles_of(old).items() if data != flat(0, 255, 0)} == {(4, 5, 6), (4, 6, 6)}
    assert run("import", new, other, "--overwrite", "--bbox", "-44,41,-23,65").exit_code == 0
    assert {tile for tile, data in tiles_of(other).items() if data != flat(0, 255, 0)} == {(4, 5, 6)}


@pytest.mark.parametrize("way", ["cut", "whole"])
def test_an_area_cuts(new, old, way):
    words = ["--whole-tiles"] if way == "whole" else []
    result = run("import", new, old, "--overwrite", "--aoi", AREA, *words)
    assert result.exit_code == 0
    red = (pixels(tiles_of(old)[4, 5, 6])[..., 0] == 255).mean()
    assert red == 1 if way == "whole" else 0.1 < red < 0.3


def test_descriptions_reach_a_package(new, old, tmp_path):
    tilepack.convert(old, tmp_path / "old.tpkx")
    Image.new("RGB", (400, 400), (1, 2, 3)).save(tmp_path / "picture.png")
    words = ["--title", "Neu", "--tags", "a, b", "--description", "D", "--attribution", "(c) We"]
    result = run("import", new, tmp_path / "old.tpkx", *words, "--thumbnail", tmp_path / "picture.png")
    assert (result.exit_code, result.stderr) == (0, "")
    with tilepack.open(tmp_path / "old.tpkx") as cache:
        about = cache.info.description
    assert (about.title, about.tags, about.description, about.attribution) == ("Neu", ("a", "b"), "D", "(c) We")


def test_lossy_ways_are_opened_by_options(tmp_path):
    jpeg = write(tmp_path / "jpeg", {FOUR[0]: flat(0, 255, 0, kind="JPEG")}, "JPEG")
    soft = write(tmp_path / "soft", {FOUR[0]: flat(255, 0, 0, 128), FOUR[1]: flat(0, 0, 255, 128)})
    assert "--allow-lossy" in run("import", soft, jpeg).stderr
    refused = run("import", soft, jpeg, "--allow-lossy")
    assert refused.exit_code == 1
    assert "--background" in refused.stderr
    result = run("import", soft, jpeg, "--allow-lossy", "--background", "#ffffff")
    assert result.exit_code == 0
    assert "2 tiles encoded as JPEG once more" in result.stdout
    assert abs(pixels(tiles_of(jpeg)[FOUR[1]])[9, 9].astype(int) - (127, 127, 255, 255)).max() < 6


def test_many_colours_go_into_png8_when_told(tmp_path):
    few = write(tmp_path / "few", {FOUR[0]: flat(0, 255, 0)}, "PNG8")
    many = write(tmp_path / "many", {FOUR[0]: photo(1), FOUR[1]: photo(2)}, "PNG24")
    refused = run("import", many, few)
    assert (refused.exit_code, refused.stderr.count("--allow-lossy")) == (1, 2)
    result = run("import", many, few, "--allow-lossy")
    assert "2 tiles reduced to the colours of a palette" in result.stdout


def test_recompressed_tiles_are_jpeg(tmp_path):
    mixed = write(tmp_path / "mixed", {FOUR[0]: flat(0, 255, 0, kind="JPEG")}, "MIXED")
    soft = write(tmp_path / "soft", {FOUR[0]: flat(255, 0, 0, 128)})
    assert run("import", soft, mixed, "--recompress").exit_code == 0
    assert tiles_of(mixed)[FOUR[0]].startswith(b"\xff\xd8")


def test_blank_tiles_are_kept_when_told(tmp_path, old):
    clear = write(tmp_path / "clear", dict.fromkeys(FOUR, flat(0, 0, 0, 0)))
    run(
        "import",
        clear,
        old,
        "--overwrite",
        "--aoi",
        AREA.replace("POLYGON((", "POLYGON((-2e7 2e7, 2e7 2e7, 2e7 -2e7, -2e7 -2e7, -2e7 2e7), ("),
        "--keep-blank",
    )
    assert set(tiles_of(old)) == {*FOUR, (4, 5, 8)}


def test_locks_of_others_are_passed_over_when_told(new, old):
    (old / "_alllayers" / "L04" / "x.lock").write_bytes(b"")
    refused = run("import", new, old)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert run("import", new, old, "--force").exit_code == 0


def test_bad_tiles_end_it_or_are_skipped(new, old):
    place = new / "_alllayers/L04/R00000005/C00000007.png"
    place.write_bytes(place.read_bytes()[:90])
    failed = run("import", new, old)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"tilepack: {new}: 1 tile cannot be brought in; ")
    assert "--skip-errors" in failed.stderr
    skipped = run("import", new, old, "--skip-errors")
    assert skipped.exit_code == 3
    assert "warning: 4/5/7 was skipped: " in skipped.stderr
    assert ", 1 skipped\n" in skipped.stdout
    assert tiles_of(old)[4, 5, 7] == flat(0, 255, 0)
    shown = run("import", new, old, "--skip-errors", "--json")
    assert shown.exit_code == 3
    assert list(json.loads(shown.stdout)["skipped"]) == ["4/5/7"]


# Dry runs and JSON

PLANNED = {
    "source": str, "target": str, "storageFormat": str, "tileFormat": str, "mode": str, "levels": list,
    "targetLevels": dict, "bundles": int, "bundlesCopied": int, "bundlesRepacked": int, "bundlesBlended": int,
    "tiles": int, "tilesToCut": int, "tilesToDrop": int, "tilesToLay": int, "tilesToDelete": int, "tilesLeftOut": int,
    "tileBytes": int, "byLevel": list, "warnings": list,
}  # fmt: skip
DONE = {
    "tilesCopied": int, "tilesRepacked": int, "tilesBlended": int, "tilesDropped": int, "tilesUnchanged": int,
    "tilesDeleted": int, "tilesSkipped": int, "bundlesUnchanged": int, "bundlesResumed": int, "notes": dict,
    "skipped": dict, "seconds": float,
}  # fmt: skip


def test_json_of_a_plan_and_of_a_result(new, old):
    plan = json.loads(run("import", new, old, "-n", "--json", "--overwrite", "--delete-missing").stdout)
    assert {name: type(value) for name, value in plan.items()} == PLANNED | {"estimate": dict}
    assert set(plan["estimate"]) == {"tileBytes", "seconds"}
    assert (plan["mode"], plan["levels"], plan["targetLevels"]) == ("OVERWRITE", [4], {"4": 4})
    assert (plan["tiles"], plan["tilesToDelete"], plan["bundlesRepacked"]) == (4, 1, 1)
    done = json.loads(run("import", new, old, "--json", "--overwrite", "--delete-missing").stdout)
    assert {name: type(value) for name, value in done.items()} == PLANNED | DONE
    assert (done["tiles"], done["tilesRepacked"], done["tilesDeleted"]) == (4, 4, 1)
    assert (done["bundlesCopied"], done["bundlesRepacked"], done["bundlesBlended"]) == (0, 1, 0)
    again = json.loads(run("import", new, old, "--json", "--overwrite").stdout)
    assert (again["bundlesUnchanged"], again["bundlesRepacked"], again["tilesUnchanged"]) == (1, 0, 4)


def test_a_dry_run_shows_what_would_be_and_does_nothing(new, old):
    before = {place: place.stat().st_mtime_ns for place in (old, *old.rglob("*"))}
    result = run("import", new, old, "--dry-run", "--aoi", AREA)
    assert {place: place.stat().st_mtime_ns for place in (old, *old.rglob("*"))} == before
    lines = result.stdout.splitlines()
    assert lines[0] == f"would merge into {old}"
    assert lines[3].split() == [
        "level",
        "copy",
        "bundles",
        "repack",
        "blend",
        "move",
        "tiles",
        "cut",
        "lay",
        "delete",
        "size",
    ]
    assert lines[4].split()[:8] == ["4", "0", "0", "1", "0", "4", "0", "0"]
    assert "0 tiles left out" in lines
    assert lines[-1].startswith("estimate: ")
    assert max(map(len, lines[1:])) <= 80
    assert "would overwrite tiles of" in run("import", new, old, "-n", "--overwrite").stdout


def test_what_the_target_calls_a_level_is_said_where_it_differs(new, tmp_path):
    scheme = arcgis_online_scheme()
    levels = scheme.with_levels(lod for lod in scheme.levels if lod.level == 4).levels
    text = (new / "conf.xml").read_bytes()
    there = shutil.copytree(new, tmp_path / "there")
    (there / "_alllayers" / "L04").rename(there / "_alllayers" / "L00")
    info = tilepack.CacheInfo(
        name="there",
        scheme=scheme.with_levels([tilepack.LevelOfDetail(level=0, resolution=levels[0].resolution, scale=1.0)]),
        storage_format=tilepack.StorageFormat.EXPLODED,
        tile_format=tilepack.TileFormat.PNG,
    )
    assert format_conf_xml(info) != text
    (there / "conf.xml").write_bytes(format_conf_xml(info))
    assert "level 4 (0 in the target)" in run("import", new, there, "-n").stdout
