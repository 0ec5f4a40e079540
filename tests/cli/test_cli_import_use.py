"""Wrong use of ``tilepack import``, and ``tilepack export`` into what exists."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import run
from flat_caches import new_cache, old_cache, tiles_of

import tilepack


@pytest.fixture
def new(tmp_path):
    return new_cache(tmp_path)


@pytest.fixture
def old(tmp_path):
    return old_cache(tmp_path)


# Wrong use


@pytest.mark.parametrize(
    "words",
    [
        ["--merge", "--overwrite"],
        ["--delete-missing"],
        ["--merge", "--delete-missing"],
        ["--levels", "4", "--scales", "1"],
        ["--levels", "x"],
        ["--extent", "1,2,3,4", "--bbox", "1,2,3,4"],
        ["--extent", "3,2,1,4"],
        ["--bbox", "1,2,300,4"],
        ["--background", "dirt"],
        ["--background", "1,2,300"],
        ["--aoi-layer", "x"],
        ["--aoi", ""],
        ["--jobs", "0"],
        ["-q", "-v"],
        ["--storage-format", "compact"],
        ["--replace"],
    ],
    ids=" ".join,
)
def test_what_contradicts_itself_is_wrong_use(new, old, words):
    before = tiles_of(old)
    result = run("import", new, old, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words[-1 if words[-1].startswith("-") else -2] in result.stderr
    assert tiles_of(old) == before


def test_what_cannot_be_fails_with_one_sentence(new, old, tmp_path):
    (tmp_path / "empty").mkdir()
    for words, said in (
        (("import", new, tmp_path / "none"), "nothing of that name to import into"),
        (("import", tmp_path / "none", old), "nothing of that name; check the path"),
        (("import", new, tmp_path / "empty"), "holds neither conf.xml nor root.json"),
        (("import", new, new), "is the source itself"),
        (("import", new, old, "--levels", "99"), "level 99 is not in the tiling scheme"),
        (("import", new, old, "--aoi", "SRID=4326;POLYGON((100 0,101 0,101 1,100 0))"), "lies"),
        (("import", new, old, "--aoi", "none.gpkg"), "there is no such file"),
        (("import", new, old, "--thumbnail", "none.png"), "none.png: cannot be read as a thumbnail"),
    ):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("tilepack: ")
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_options_that_change_nothing_are_named(new, old):
    words = ["--whole-tiles", "--background", "red", "--allow-lossy", "--recompress", "--title", "T"]
    warned = run("import", new, old, "-n", *words).stderr.splitlines()
    assert len(warned) == 5
    for word in ("--whole-tiles", "--background", "--allow-lossy", "--recompress", "title, tags"):
        assert sum(word in line for line in warned) == 1
    assert run("import", new, old, "-n", "-q", *words).stderr == ""
    assert len(json.loads(run("import", new, old, "-n", "-q", "--json", *words).stdout)["warnings"]) == 5


# Export into what exists


def test_export_takes_tiles_into_what_exists_only_when_told(new, old, tmp_path):
    refused = run("export", new, old)
    assert (refused.exit_code, "exists already" in refused.stderr) == (1, True)
    one, other = (shutil.copytree(old, tmp_path / name) for name in ("one", "other"))
    assert run("export", new, one, "--merge").stdout.startswith(f"merged into {one}\n")
    assert run("import", new, other).exit_code == 0
    assert tiles_of(one) == tiles_of(other)
    assert run("export", new, one, "--overwrite", "--delete-missing").stdout.startswith(f"overwrote tiles of {one}\n")
    assert tiles_of(one) == tiles_of(new)
    assert run("export", new, one, "--replace").stdout.startswith(f"made {one}\n")
    with tilepack.open(one) as cache:
        assert cache.info.storage_format is tilepack.StorageFormat.COMPACT_V2


@pytest.mark.parametrize("way", ["--merge", "--overwrite", "--replace"])
def test_export_makes_what_is_missing(new, tmp_path, way):
    result = run("export", new, tmp_path / "made.tpk", way, "--title", "T", "--tags", "t")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"made {tmp_path / 'made.tpk'}\n")
    assert tiles_of(tmp_path / "made.tpk") == tiles_of(new)


def test_what_a_target_is_stays(new, old):
    for words, code in (
        (["--storage-format", "compact"], 1),
        (["--ready-to-serve"], 1),
        (["--storage-format", "exploded"], 0),
        (["--replace"], 2),
        (["--overwrite"], 2),
    ):
        result = run("export", new, old, "--merge", *words)
        assert result.exit_code == code
        assert code == 0 or words[0] in result.stderr or "storage format" in result.stderr
