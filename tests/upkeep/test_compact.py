"""Compacting keeps every tile, its bytes and its place in the order, and nothing of the dead space."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from caches import (
    by_bundle,
    conf_files,
    describe,
    island_tiles,
    look_at_files,
    look_at_tiles,
    read_all,
    ready_files,
    tpk_files,
    v1_files,
    v2_files,
    web_mercator,
    write_exploded,
    write_files,
    write_zip,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_bundles import V1_FIRST, pack_v1, pack_v2
from upkeep_caches import EVERY_PACKAGE, copy_of, stamps, stopping

import tilepack
from tilepack.cache import StorageFormat
from tilepack.disk.journal import JOURNAL
from tilepack.keys import BundleKey, TileKey

SCHEME = web_mercator()
TILES = island_tiles()
DEAD = [7, 0, 1, 300_000, 0, 0, 64]
"""Bytes of rubbish in front of the first tiles of each bundle."""
FORMATS = {"v1": StorageFormat.COMPACT, "v2": StorageFormat.COMPACT_V2}
EITHER = pytest.mark.parametrize("kind", FORMATS)


def wasteful(kind: str, dead: list[int] = DEAD) -> dict[str, bytes]:
    """Pack the tiles of all levels but the last, which has no dead space, with dead space."""
    style = {"dead": dead} if kind == "v1" else {"dead": dead, "dialect": "paper"}
    files = (v1_files if kind == "v1" else v2_files)(
        {tile: data for tile, data in TILES.items() if tile.level < 18}, **style
    )
    tidy = {tile: data for tile, data in TILES.items() if tile.level == 18}
    return files | (v1_files(tidy) if kind == "v1" else v2_files(tidy, dialect="paper"))


def written(folder: Path, kind: str, files: dict[str, bytes]) -> Path:
    write_files(folder, conf_files(describe(SCHEME, FORMATS[kind]), TILES))
    write_files(folder / "_alllayers", files)
    return folder


def tidy(kind: str) -> dict[str, bytes]:
    return v1_files(TILES) if kind == "v1" else v2_files(TILES, dialect="paper")


@EITHER
@pytest.mark.parametrize("jobs", [1, 3])
def test_bundles_become_what_they_would_be_without_dead_space(kind, jobs, tmp_path):
    files = wasteful(kind)
    cache = written(tmp_path / "cache", kind, files)
    result = tilepack.compact(cache, jobs=jobs)
    after = {path.removeprefix("_alllayers/"): data for path, data in look_at_files(cache).items() if "bundl" in path}
    assert after == tidy(kind)
    assert list(look_at_tiles(cache).items()) == list(look_at_tiles(written(tmp_path / "b", kind, files)).items())
    assert (
        result.gained_bytes == result.plan.dead_bytes == sum(map(len, files.values())) - sum(map(len, after.values()))
    )
    assert result.rewritten_bundles == len(result.plan.tasks) == result.plan.bundles - 1
    assert tilepack.verify(cache).counts.keys() <= {"extent-too-small"}
    assert not (cache / JOURNAL).exists()


@EITHER
def test_bundles_without_dead_space_and_documents_are_not_touched(kind, tmp_path):
    cache = written(tmp_path / "cache", kind, wasteful(kind))
    before = stamps(cache)
    tilepack.compact(cache)
    after = stamps(cache)
    assert {path for path in before if before[path] != after[path]} == {
        path for path in before if "L18" not in path
    } - {
        "conf.xml",
        "conf.cdi",
    }
    tilepack.compact(cache)
    assert stamps(cache) == after


@EITHER
def test_a_dry_run_says_what_is_to_gain_level_by_level(kind, tmp_path):
    cache = written(tmp_path / "cache", kind, wasteful(kind))
    when = stamps(cache)
    figures = tilepack.plan_compact(cache).as_json()
    assert stamps(cache) == when
    bundles = by_bundle(TILES)
    expected = {
        level: sum(sum(DEAD[: len(held)]) for bundle, held in bundles.items() if bundle.level == level)
        for level in (0, 5, 9)
    }
    assert {each["level"]: each["deadBytes"] for each in figures["byLevel"]} == expected
    assert figures["deadBytes"] == sum(expected.values())


@EVERY_PACKAGE
def test_packages_are_written_anew(layout, tmp_path, monkeypatch):
    tiles = {tile: data for tile, data in TILES.items() if tile.level < 18}
    files = tpk_files(SCHEME, tiles) if layout == "tpk" else ready_files(SCHEME, tiles)
    folder = "v101/Layers/_alllayers" if layout == "tpk" else "tile"
    pack = v1_files if layout == "tpk" else v2_files
    packed = files | {f"{folder}/{path}": data for path, data in pack(tiles, dead=DEAD).items()} | {"esri.lyr": b"x"}
    cache = tmp_path / f"cache.{layout}"
    write_zip(cache, packed)
    size = cache.stat().st_size
    dead = tilepack.plan_compact(cache).dead_bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size - dead - 1))
    with pytest.raises(tilepack.TransferError, match="make room"):
        tilepack.compact(cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size - dead))
    result = tilepack.compact(cache)  # who compacts has little room
    assert look_at_files(cache) == files | {"esri.lyr": b"x"}
    assert result.gained_bytes <= size - cache.stat().st_size + 4096  # entries of folders
    when = stamps(cache)
    assert tilepack.compact(cache).gained_bytes == 0
    assert stamps(cache) == when


def test_esri_s_sample_loses_its_dead_bytes_and_no_tile(samples, tmp_path):
    cache = copy_of(samples / "esri_compact_v2_cache", tmp_path)
    for place in cache.rglob("*"):
        place.chmod(0o755)
    before, when = look_at_tiles(cache), stamps(cache)
    result = tilepack.compact(cache)
    assert [(task.bundle, task.dead_bytes) for task in result.plan.tasks] == [(BundleKey(2, 0, 0), 136_540)]
    assert list(look_at_tiles(cache).items()) == list(before.items())
    after = stamps(cache)
    assert {path for path in when if when[path] != after[path]} == {"_alllayers/L02/R0000C0000.bundle"}
    assert tilepack.verify(cache, deep=True).counts == {}


# Unusual bundles


def test_v1_slots_in_unusual_places_move_to_usual_ones(tmp_path):
    """A tile in the place of placeholders, one of no bytes, and dead space behind all."""
    bundle, keys = BundleKey(5, 0, 0), [TileKey(5, 1, 2), TileKey(5, 3, 4), TileKey(5, 5, 6)]
    data = {key: TILES[TileKey(0, 0, 0)] + bytes([number]) for number, key in enumerate(keys)}
    packed, index = pack_v1(bundle, list(data.items()), dead=[0, 5000, 0])
    packed, index = bytearray(packed), bytearray(index)
    low = struct.pack("<I", 9) + b"\x89PNG12345"
    packed[400 : 400 + len(low)] = low
    for key, offset in ((TileKey(5, 9, 9), 400), (TileKey(5, 8, 8), len(packed))):
        at = 16 + 5 * (key.column * 128 + key.row)
        index[at : at + 5] = offset.to_bytes(5, "little")
    packed += bytes(4)
    packed[24:32] = struct.pack("<Q", len(packed))
    path = "L05/R0000C0000.bundle"
    cache = written(tmp_path / "cache", "v1", {path: bytes(packed), path[:-1] + "x": bytes(index)})
    expected = data | {TileKey(5, 9, 9): low[4:]}
    assert read_all(cache) == expected
    result = tilepack.compact(cache)
    assert read_all(cache) == expected
    offsets = [start for start in _offsets(cache / "_alllayers" / path) if start >= V1_FIRST]
    assert len(offsets) == 4
    assert result.gained_bytes == len(packed) - (cache / "_alllayers" / path).stat().st_size
    assert set(tilepack.verify(cache).counts) <= {"extent-too-small", "tile-unknown"}


def _offsets(bundle: Path) -> list[int]:
    index = bundle.with_suffix(".bundlx").read_bytes()
    return [int.from_bytes(index[at : at + 5], "little") for at in range(16, 16 + 5 * 16384, 5)]


@settings(max_examples=20)
@given(
    kind=st.sampled_from(sorted(FORMATS)),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    dead=st.lists(st.sampled_from([0, 0, 1, 3, 4, 90, 5000]), max_size=12),
    seed=st.randoms(use_true_random=False),
)
def test_any_bundle_keeps_its_tiles_in_their_order(tmp_path_factory, kind, sizes, dead, seed):
    keys = [TileKey(9, seed.randrange(128), seed.randrange(128)) for _ in sizes]
    tiles = list({key: seed.randbytes(size) for key, size in zip(keys, sizes, strict=True)}.items())
    bundle = BundleKey(9, 0, 0)
    if kind == "v1":
        files = dict(zip((".bundle", ".bundlx"), pack_v1(bundle, tiles, dead=dead), strict=True))
    else:
        files = {".bundle": pack_v2(tiles, dead=dead)}
    folder = tmp_path_factory.mktemp("any") / "cache"
    cache = written(folder, kind, {f"L09/R0000C0000{suffix}": data for suffix, data in files.items()})
    result = tilepack.compact(cache)
    assert list(look_at_tiles(cache).items()) == tiles
    assert result.gained_bytes == sum(dead[: len(tiles)])


def test_bytes_behind_what_the_header_says_are_dead_too(tmp_path):
    files = {path: data + bytes(77) for path, data in v2_files(TILES, dialect="paper").items()}
    cache = written(tmp_path / "cache", "v2", files)
    assert tilepack.compact(cache).gained_bytes == 77 * len(files)
    assert look_at_tiles(cache).keys() == TILES.keys()


def test_exploded_caches_have_none(tmp_path):
    write_exploded(tmp_path / "cache", SCHEME, TILES)
    when = stamps(tmp_path / "cache")
    result = tilepack.compact(tmp_path / "cache")
    assert (result.gained_bytes, result.plan.bundles) == (0, 0)
    assert any("no dead space" in warning for warning in result.plan.warnings)
    assert stamps(tmp_path / "cache") == when


# Never half


@EITHER
def test_a_malformed_bundle_is_told_before_anything_is_written(kind, tmp_path):
    files = wasteful(kind)
    path = next(path for path in sorted(files, reverse=True) if "L09" in path and path.endswith(".bundle"))
    files[path] = files[path][:-5]
    cache = written(tmp_path / "cache", kind, files)
    when = stamps(cache)
    with pytest.raises(tilepack.BundleError, match="R0080"):
        tilepack.compact(cache)
    assert stamps(cache) == when


@EITHER
def test_a_stopped_run_is_taken_up(kind, tmp_path):
    cache = written(tmp_path / "cache", kind, wasteful(kind))
    with stopping(2), pytest.raises(tilepack.TransferError, match="gone"):
        tilepack.compact(cache, jobs=1)
    assert look_at_tiles(cache) == TILES
    assert tilepack.compact(cache, jobs=1).rewritten_bundles == 4
    after = {path.removeprefix("_alllayers/"): data for path, data in look_at_files(cache).items() if "bundl" in path}
    assert after == tidy(kind)
    assert not (cache / JOURNAL).exists()


def test_progress_ends_with_all_of_it(tmp_path):
    told = []
    cache = written(tmp_path / "cache", "v2", wasteful("v2"))
    tilepack.compact(cache, jobs=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 6) for number in range(1, 7)]
