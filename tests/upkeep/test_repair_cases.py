"""Repairs of real damage, of several faults at once, and of what must not be touched."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from broken_caches import BUNDLE, BUNDLX, beheaded
from caches import look_at_files, look_at_tiles
from hostile_builders import TILES, V1_FIRST, V2_FIRST, Member, files_of, make_zip, members_of, patched, write_cache
from hostile_bundles import u32, u64, v2_entry
from hostile_case import rewritten
from hypothesis import given, settings
from hypothesis import strategies as st
from upkeep_caches import copy_of, stamps, stopping

import tilepack
from tilepack.disk.journal import JOURNAL
from tilepack.inspect.findings import MOST_KEPT
from tilepack.keys import TileKey

SOUND = {TileKey(*key): data for key, data in TILES.items()}
LEVEL8 = "_alllayers/L08/R0080C0080.bundle"


def codes(cache: Path, **options: object) -> dict[str, int]:
    return dict(tilepack.verify(cache, **options).counts)


def readable(cache: Path) -> dict[TileKey, bytes]:
    """Read the tiles of the bundles that a reader takes."""
    found = {}
    with tilepack.open(cache) as reader:
        for bundle in (bundle for level in reader.levels() for bundle in reader.bundles(level)):
            with contextlib.suppress(tilepack.TilepackError):
                found |= dict(reader.tiles(bundle))
    return found


# Usa.tpkx


@pytest.mark.parametrize("anew", [None, "mended.tpkx", "mended.tpk", "mended"])
def test_usa_is_mended_and_its_other_tiles_keep_their_bytes(samples, tmp_path, anew):
    cache = copy_of(samples / "Usa.tpkx", tmp_path)
    cache.chmod(0o644)
    before = look_at_tiles(cache)
    target = None if anew is None else tmp_path / anew
    result = tilepack.repair(cache, target)
    assert result.plan.mended_counts["tile-beheaded-png"] == 2
    assert not result.plan.is_left
    made = target or cache
    after = look_at_tiles(made)
    assert after.keys() == before.keys()
    changed = {tile for tile in before if before[tile] != after[tile]}
    assert changed == {TileKey(0, 0, 0), TileKey(1, 0, 0)}
    for tile in changed:  # as many bytes as index and length say
        assert after[tile] == b"\x89PNG" + before[tile][:-4]
    found = tilepack.verify(made, deep=True)
    assert not found.errors
    assert found.decoded == 144


def test_real_caches_have_nothing_to_mend(samples, tmp_path):
    for name in ("canyonlands.tpk", "states_filled.tpk", "mixed_v2_cache"):
        cache = copy_of(samples / name, tmp_path)
        when = stamps(cache)
        plan = tilepack.repair(cache).plan
        assert not plan.mended_counts
        assert not plan.is_left
        assert stamps(cache) == when


# Bundles


def worn(files: dict[str, bytes]) -> None:
    """Damage one bundle in every way that can be mended."""
    data = beheaded(files[BUNDLE], V2_FIRST)
    second = V2_FIRST + 4 + len(TILES[1, 0, 0])
    data = patched(data, second, u32(3))
    data = patched(data, 8, u32(1)) + bytes(11)
    files[BUNDLE] = patched(data, 16, u64(77))


def test_several_faults_of_a_bundle_are_mended_at_once(tmp_path):
    cache = rewritten("v2", worn)(tmp_path)
    before = stamps(cache)
    plan = tilepack.repair(cache).plan
    assert plan.mended_counts == {"tile-beheaded-png": 1, "tile-length": 1, "header-file-size": 1}
    assert codes(cache, deep=True) == {}
    assert look_at_tiles(cache) == SOUND
    assert {path for path, stamp in stamps(cache).items() if stamp != before[path]} == {BUNDLE}


def unsettled(files: dict[str, bytes]) -> None:
    """Damage one bundle so that one of its tiles is lost, and another is not."""
    worn(files)
    files[BUNDLE] = patched(files[BUNDLE], *v2_entry(0, 1, 900_000, 80))


def test_a_bundle_with_a_tile_that_is_lost_stays_as_it_is_and_a_new_target_has_the_others(tmp_path):
    cache = rewritten("v2", unsettled)(tmp_path)
    before = look_at_files(cache)
    plan = tilepack.repair(cache).plan
    assert (plan.mended_counts, plan.bundles) == ({}, ())
    assert plan.left_counts == {"tile-beheaded-png": 1, "tile-length": 1, "header-file-size": 1, "tile-beyond-end": 1}
    assert look_at_files(cache) == before
    remedies = {finding.code: finding.remedy for finding in plan.left}
    assert "into a new target" in remedies["tile-length"]
    assert "backup" in remedies["tile-beyond-end"]
    made = tilepack.repair(cache, tmp_path / "new").plan
    assert made.left_counts == {"tile-beyond-end": 1}
    assert look_at_tiles(tmp_path / "new") == {tile: data for tile, data in SOUND.items() if tile != (1, 0, 1)}
    assert codes(tmp_path / "new", deep=True) == {}


def test_what_cannot_be_mended_is_left_beside_what_can(tmp_path):
    def rewrite(files: dict[str, bytes]) -> None:
        worn(files)
        files[LEVEL8] = files[LEVEL8][:99]
        files["_alllayers/L08/notes.bundle"] = b"no bundle"
        del files["conf.cdi"]

    cache = rewritten("v2", rewrite)(tmp_path)
    plan = tilepack.repair(cache).plan
    assert plan.left_counts == {"bundle-truncated": 1, "bundle-name": 1}
    assert plan.mended_counts["extent-missing"] == 1
    assert codes(cache) == plan.left_counts
    assert dict(look_at_files(cache))["_alllayers/L08/notes.bundle"] == b"no bundle"


def test_more_faults_than_are_kept_are_all_counted(tmp_path):
    number = MOST_KEPT + 234
    tiles = {(9, row, column): TILES[1, 0, 0] for row in range(128) for column in range(10)}
    keys = list(tiles)[:number]
    packed = bytearray(V2_FIRST)
    packed[:64] = files_of("v2")[BUNDLE][:64]
    for _, row, column in keys:
        data = TILES[1, 0, 0]
        struct.pack_into("<Q", packed, 64 + 8 * (row * 128 + column), len(packed) + 4 | len(data) << 40)
        packed += struct.pack("<I", len(data)) + data[4:] + b"what"
    packed[24:32] = u64(len(packed))
    files = files_of("v2")
    files[LEVEL8.replace("R0080C0080", "R0000C0000")] = bytes(packed)
    cache = write_cache(tmp_path, "v2", files)
    plan = tilepack.repair(cache).plan
    assert plan.mended_counts["tile-beheaded-png"] == number
    assert sum(finding.code == "tile-beheaded-png" for finding in plan.mended) == MOST_KEPT
    assert codes(cache) == {}


@settings(max_examples=40)
@given(
    layout=st.sampled_from(["v1", "v2", "tpk", "tpkx"]),
    patches=st.lists(
        st.tuples(
            st.sampled_from(["header", "index", "slots", "bundlx"]), st.integers(0, 1 << 17), st.binary(max_size=9)
        ),
        min_size=1,
        max_size=4,
    ),
    cut=st.sampled_from([0, 0, 0, 1, 40, 200]),
)
def test_whatever_bytes_are_changed_nothing_gets_worse(tmp_path_factory, layout, patches, cut):
    """What is had of a damaged bundle is what was there, or what the check calls damaged still."""
    folder = tmp_path_factory.mktemp("any")
    files = files_of(layout)
    path = next(path for path in files if path.endswith("L01/R0000C0000.bundle"))
    first = V1_FIRST if path[:-1] + "x" in files else V2_FIRST
    for part, at, new in patches:
        name = path[:-1] + "x" if part == "bundlx" and path[:-1] + "x" in files else path
        begin, end = {"header": (0, 64), "index": (64, 64 + 2100), "slots": (first, len(files[name]))}.get(
            part, (0, 999)
        )
        files[name] = patched(files[name], begin + at % max(1, end - begin), new)[: len(files[name])]
    files[path] = files[path][: len(files[path]) - cut]
    cache = write_cache(folder, layout, files)
    had = readable(cache)
    plan = tilepack.repair(cache).plan
    after, has = codes(cache), readable(cache)
    assert all(number <= plan.left_counts.get(code, 0) for code, number in after.items())
    changed = {tile for tile, data in had.items() if has.get(tile) != data}
    assert len(changed) <= plan.mended_counts.get("tile-beheaded-png", 0)
    assert {tile: data for tile, data in has.items() if tile.level != 1}.items() <= SOUND.items()


# Files that are tiles


def test_files_that_are_tiles_are_mended_one_by_one(tmp_path):
    row = "_alllayers/L01/R00000000"

    def rewrite(files: dict[str, bytes]) -> None:
        files[f"{row}/C00000000.png"] = TILES[1, 0, 0][4:] + b"what"
        files[f"{row}/C00000009.png"] = b""
        files[f"{row}/C00000007.png"] = TILES[1, 0, 0][4:-2]

    cache = rewritten("exploded", rewrite)(tmp_path)
    before = stamps(cache)
    plan = tilepack.repair(cache).plan
    assert plan.mended_counts == {"tile-beheaded-png": 1, "tile-empty": 1}
    assert plan.left_counts == {"tile-beheaded-png": 1}
    after = stamps(cache)
    assert before.keys() - after.keys() == {f"{row}/C00000009.png"}
    assert {path for path in after if after[path] != before[path]} == {f"{row}/C00000000.png"}
    assert look_at_tiles(cache)[TileKey(1, 0, 0)] == TILES[1, 0, 0]


# Documents and packages


def test_no_document_is_written_while_two_contradict_each_other(tmp_path):
    other = b"<EnvelopeN><XMin>0</XMin><YMin>0</YMin><XMax>1</XMax><YMax>1</YMax><SpatialReference><WKID>4326</WKID>"
    cache = rewritten("v2", lambda files: files.update({"conf.cdi": other + b"</SpatialReference></EnvelopeN>"}))(
        tmp_path
    )
    before = look_at_files(cache)
    plan = tilepack.repair(cache).plan
    assert plan.left_counts == {"spatial-reference-differs": 1, "extent-too-small": 1}
    assert "no document is written" in next(f.remedy for f in plan.left if f.code == "extent-too-small")
    assert look_at_files(cache) == before


def test_a_package_with_a_damaged_member_is_not_given_a_new_checksum(tmp_path):
    files = files_of("tpkx")
    path = "tile/L01/R0000C0000.bundle"
    files[path] = beheaded(files[path], V2_FIRST)
    members = members_of(files)
    next(member for member in members if "L08" in member.name).crc = 1
    cache = tmp_path / "source.tpkx"
    cache.write_bytes(make_zip(members))
    before = cache.read_bytes()
    plan = tilepack.repair(cache).plan
    assert plan.left_counts == {"package-member-damaged": 1, "tile-beheaded-png": 1}
    assert plan.mended_counts == {}
    assert cache.read_bytes() == before
    made = tilepack.repair(cache, tmp_path / "new.tpkx").plan
    assert made.left_counts == {"package-member-damaged": 1}
    assert look_at_tiles(tmp_path / "new.tpkx") == SOUND


@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_a_package_keeps_its_names_and_all_else_that_is_in_it(layout, tmp_path):
    """A folder of an odd name stays one, lest what else lies in it make a second level of it."""
    files = {path.replace("/L01/", "/L001/"): data for path, data in files_of(layout).items()}
    odd = next(path for path in files if "/L001/" in path and path.endswith(".bundle"))
    first = V1_FIRST if layout == "tpk" else V2_FIRST
    files |= {odd: beheaded(files[odd], first), f"{odd.rpartition('/')[0]}/notes.txt": b"mine", "esri.lyr": b"x"}
    cache = tmp_path / f"source.{layout}"
    cache.write_bytes(make_zip([*members_of(files), Member("empty/", b"")]))
    plan = tilepack.repair(cache).plan
    assert plan.mended_counts == {"tile-beheaded-png": 1}
    assert plan.left_counts == {"level-name": 1, "file-stray": 1}
    after = look_at_files(cache)
    assert after.keys() == files.keys()
    assert {path for path in files if files[path] != after[path]} <= {odd, odd[:-1] + "x"}
    assert look_at_tiles(cache) == SOUND


def test_a_package_s_documents_agree_after_a_repair(tmp_path):
    cache = write_cache(tmp_path, "tpkx", files_of("tpkx"))
    tilepack.delete_tiles(cache, levels="0")
    assert codes(cache) == {"level-declared-empty": 1}
    plan = tilepack.repair(cache).plan
    assert "root.json" in plan.documents
    assert codes(cache) == {}
    with tilepack.open(cache) as reader:
        assert (reader.info.min_level, reader.info.max_level) == (1, 8)


# Never half


@pytest.mark.parametrize("layout", ["v1", "v2"])
def test_a_stopped_run_is_taken_up(layout, tmp_path):
    def rewrite(files: dict[str, bytes]) -> None:
        first = V1_FIRST if layout == "v1" else V2_FIRST
        for path in [path for path in files if path.endswith(".bundle")]:
            files[path] = beheaded(files[path], first)
        del files["conf.cdi"]

    cache = rewritten(layout, rewrite)(tmp_path)
    with stopping(2), pytest.raises(tilepack.TransferError, match="gone"):
        tilepack.repair(cache, jobs=1)
    with pytest.raises(tilepack.TransferError, match="in the middle of a repair"):
        tilepack.delete_tiles(cache, levels="1")
    result = tilepack.repair(cache)
    assert result.mended_bundles == 2
    assert not (cache / JOURNAL).exists()
    assert look_at_tiles(cache) == SOUND
    assert codes(cache, deep=True) == {}


def test_another_program_s_lock_is_heeded_unless_forced(tmp_path):
    lock = BUNDLE.replace(".bundle", ".lock")
    cache = rewritten("v2", lambda files: (worn(files), files.update({lock: b""}))[0])(tmp_path)
    with pytest.raises(tilepack.TransferError, match="--force"):
        tilepack.repair(cache)
    assert tilepack.repair(cache, force=True).mended_bundles == 1


def test_a_new_target_is_none_that_exists_or_the_source(tmp_path):
    cache = rewritten("v1", lambda files: files.update({BUNDLX: files[BUNDLX]}))(tmp_path)
    with pytest.raises(tilepack.TransferError, match="source itself"):
        tilepack.repair(cache, cache)
    tilepack.repair(cache, tmp_path / "new")
    with pytest.raises(tilepack.CacheExistsError):
        tilepack.repair(cache, tmp_path / "new")
    with tilepack.open(tmp_path / "new") as reader:
        assert reader.info.storage_format is tilepack.StorageFormat.COMPACT
    assert tilepack.repair(cache, tmp_path / "new", replace=True).transfer is not None
    with pytest.raises(tilepack.CacheNotFoundError):
        tilepack.repair(tmp_path / "nothing")


def test_what_is_declared_does_not_reach_to_files_that_go(tmp_path):
    """Else a second repair would declare something else."""

    def rewrite(files: dict[str, bytes]) -> None:
        files["_alllayers/L01/R00000000/C00000001.png"] = b""
        del files["_alllayers/L01/R00000001/C00000001.png"]
        for path in [path for path in files if "/L08/" in path]:
            del files[path]
        del files["conf.cdi"]

    cache = rewritten("exploded", rewrite)(tmp_path)
    tilepack.repair(cache)
    with tilepack.open(cache) as reader:
        assert reader.info.extent == reader.info.scheme.tile_extent(TileKey(1, 0, 0))
