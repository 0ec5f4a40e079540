"""Filling gaps: tiles that a target has not come in, and nothing that is there is touched."""

from __future__ import annotations

from pathlib import Path

import caches
import pytest
from command_line import run

import tilepack
from tilepack.keys import TileKey

WRITE = {"COMPACT": caches.write_v1, "COMPACT_V2": caches.write_v2, "EXPLODED": caches.write_exploded}


def split(tiles: dict[TileKey, bytes]) -> tuple[dict[TileKey, bytes], dict[TileKey, bytes]]:
    """Give half of the tiles with other bytes than they have, and the other half as it is."""
    keys = sorted(tiles)
    return {key: tiles[key] + b"older" for key in keys[::2]}, {key: tiles[key] for key in keys[1::2]}


@pytest.fixture
def full(v2_island) -> Path:
    return v2_island


@pytest.mark.parametrize("kind", sorted(WRITE))
@pytest.mark.parametrize("mode", ["MERGE", "OVERWRITE"])
def test_gaps_are_filled_and_tiles_that_are_there_stay(full, island_tiles, tmp_path, kind, mode):
    there, gaps = split(island_tiles)
    WRITE[kind](tmp_path / "target", caches.web_mercator(), there)

    result = tilepack.import_cache(full, tmp_path / "target", only_missing=True, mode=mode)

    assert caches.look_at_tiles(tmp_path / "target") == there | gaps
    assert result.tiles == len(gaps)
    assert result.counts.blended == 0


@pytest.mark.parametrize("suffix", [".tpk", ".tpkx"])
def test_gaps_of_packages_are_filled(full, island_tiles, tmp_path, suffix):
    target = tmp_path / f"target{suffix}"
    tilepack.convert(full, target, levels="5,9")

    tilepack.import_cache(full, target, only_missing=True)

    assert caches.look_at_tiles(target) == island_tiles


@pytest.mark.parametrize("kind", sorted(WRITE))
def test_second_run_writes_nothing(full, island_tiles, tmp_path, kind):
    target = tmp_path / "target"
    WRITE[kind](target, caches.web_mercator(), split(island_tiles)[0])
    tilepack.import_cache(full, target, only_missing=True)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()}

    again = tilepack.import_cache(full, target, only_missing=True)

    assert again.tiles == 0
    assert "the target stays as it is" in again.plan.warnings[-1]
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()} == before


def test_area_bounds_the_gaps_that_are_filled(full, island_tiles, tmp_path):
    there, gaps = split(island_tiles)
    caches.write_v2(tmp_path / "target", caches.web_mercator(), there)
    scheme = caches.web_mercator()
    wanted = sorted(key for key in gaps if key.level == 9)[:3]
    extents = [scheme.tile_extent(key) for key in wanted]
    box = extents[0].union(extents[1]).union(extents[2])

    tilepack.import_cache(full, tmp_path / "target", only_missing=True, levels=[9], extent=box.as_tuple())

    added = caches.look_at_tiles(tmp_path / "target").keys() - there.keys()
    inside = {key for key in gaps if key.level == 9 and scheme.tile_extent(key).meets(box)}
    assert added == inside


def test_area_that_misses_the_source_is_an_error(full, island_tiles, tmp_path):
    caches.write_v2(tmp_path / "target", caches.web_mercator(), split(island_tiles)[0])
    with pytest.raises(tilepack.AreaOfInterestError):
        tilepack.import_cache(full, tmp_path / "target", only_missing=True, levels=[9], extent=(0, -9e6, 1e6, -8e6))


def test_filling_gaps_and_deleting_contradict_each_other(full, tmp_path, v1_island):
    with pytest.raises(tilepack.TransferError, match="choose one"):
        tilepack.plan_import(full, v1_island, mode="OVERWRITE", only_missing=True, delete_missing=True)


def test_stopped_run_is_taken_up_though_some_gaps_are_filled_already(full, island_tiles, tmp_path):
    target = tmp_path / "target"
    start = {key: data for key, data in split(island_tiles)[0].items() if key.level == 5}
    caches.write_v2(target, caches.web_mercator(), start)
    finest = max(island_tiles).level
    left = sum(key.level != finest for key in island_tiles.keys() - start.keys())

    def stop(tiles: int, size: int) -> None:
        nonlocal left
        left -= tiles
        if left <= 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.import_cache(full, target, only_missing=True, jobs=1, progress=stop)
    assert len(start) < len(caches.look_at_tiles(target)) < len(island_tiles)

    with pytest.raises(tilepack.TransferError, match="stopped"):
        tilepack.import_cache(full, target, only_missing=True, levels=[9])
    tilepack.import_cache(full, target, only_missing=True)

    assert caches.look_at_tiles(target) == island_tiles | start
    with tilepack.open(target) as resumed, tilepack.open(full) as source:
        assert resumed.info.extent.holds(caches.tile_box(source.info.scheme, island_tiles, 9), 1e-6)
    assert not (target / "tilepack.journal").exists()


def test_command_line_fills_gaps(full, island_tiles, tmp_path):
    there, gaps = split(island_tiles)
    caches.write_v2(tmp_path / "target", caches.web_mercator(), there)
    done = run("import", full, tmp_path / "target", "--only-missing", "--dry-run")
    assert "would fill gaps in" in done.output
    assert caches.look_at_tiles(tmp_path / "target") == there
    done = run("import", full, tmp_path / "target", "--only-missing")
    assert done.exit_code == 0
    assert "filled gaps in" in done.output
    assert caches.look_at_tiles(tmp_path / "target") == there | gaps


@pytest.mark.parametrize("option", [["--overwrite"], ["--overwrite", "--delete-missing"]])
def test_command_line_refuses_what_touches_tiles(full, v1_island, option):
    done = run("import", full, v1_island, "--only-missing", *option)
    assert done.exit_code == 2
    assert "touches no tile that is there" in " ".join(done.output.split())
