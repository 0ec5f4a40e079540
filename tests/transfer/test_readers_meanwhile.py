"""Readers while a writer works: each bundle is the old one or the new one, and nobody is told of an error."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from caches import write_files, write_v1, write_v2, write_zip
from killing import SCHEME, Doomed, photo, read_tiles, square
from layouts import LAYOUTS
from packed_bundles import pack_v1
from reading import read_on, tiles_of
from steps import Fault

import tilepack
from tilepack.disk.tree import FolderTree
from tilepack.keys import BundleKey, TileKey


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is a fork")
@pytest.mark.parametrize("layout", ["v1", "v2", "exploded", "cache.tpkx"])
def test_readers_see_whole_bundles_while_a_writer_replaces_them(tmp_path, layout):
    for source in "ab":
        write_v2(tmp_path / source / "Island", SCHEME, tiles_of(source))
    target = tmp_path / layout
    tilepack.convert(tmp_path / "a/Island", target, storage_format=dict(LAYOUTS.values())[layout])
    whole, stop, wrong = layout != "exploded", threading.Event(), []

    def read(*, keep_open: bool) -> None:
        try:
            read_on(target, stop.is_set, keep_open=keep_open, whole=whole)
        except BaseException as error:  # noqa: BLE001  it is shown by the test
            wrong.append(error)

    with Doomed() as writer:
        writer.run("import", tmp_path / "b/Island", target, "--overwrite", "-q", fault=Fault(step=0))
        readers = [threading.Thread(target=read, kwargs={"keep_open": keep_open}) for keep_open in (False, True)]
        for reader in readers:
            reader.start()
        for name in "ababa":
            end = writer.run("import", tmp_path / name / "Island", target, "--overwrite", "-q", "--jobs", 2)
            assert end.code == 0, end.said
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert read_tiles(target) == tiles_of("a")


# Pairs of V1 in every state in which a writer or its end may leave them

BUNDLE = BundleKey(0, 0, 0)
STEM = "_alllayers/L00/R0000C0000"
SLOTS = square(0, 10, 10)


def pair(name: str) -> tuple[bytes, bytes]:
    """Pack a pair; each of another size, and its tiles in another order."""
    tiles = [(tile, photo(tile, name) + name.encode() * ord(name)) for tile in SLOTS]
    random.Random(name).shuffle(tiles)
    return pack_v1(BUNDLE, tiles)


PAIRS = {name: pair(name) for name in "abc"}


def versions() -> dict[tuple[bytes, ...], str]:
    return {tuple(photo(tile, name) + name.encode() * ord(name) for tile in SLOTS): name for name in "abc"}


def steps(name: str) -> list[Callable[[Path], None]]:
    """Give what a writer does to replace a pair, one step after the other."""
    bundle, index = PAIRS[name]

    def write(suffix: str, data: bytes) -> Callable[[Path], None]:
        return lambda root: (root / f"{STEM}{suffix}.partial").write_bytes(data)

    def named(suffix: str) -> Callable[[Path], None]:
        return lambda root: (root / f"{STEM}{suffix}.partial").replace(root / f"{STEM}{suffix}")

    return [write(".bundle", bundle[:1000]), write(".bundle", bundle), write(".bundlx", index[:1000]),
            write(".bundlx", index), named(".bundle"), named(".bundlx")]  # fmt: skip


def write_pair(root: Path, name: str | None) -> None:
    """Write a cache of one bundle, or one beside which it would be new."""
    tiles = {TileKey(0, 200, 200): photo(TileKey(0, 200, 200), "a")}
    write_v1(root, SCHEME, tiles)
    if name:
        write_files(root, {f"{STEM}.bundle": PAIRS[name][0], f"{STEM}.bundlx": PAIRS[name][1]})


def version_in(cache: tilepack.TileReader) -> str | None:
    """Read the pair; tell whose it is, None where there is none. It must not be of two."""
    data = tuple(cache.read(tile) for tile in SLOTS)
    return None if data == (None,) * len(SLOTS) else versions()[data]


@pytest.mark.parametrize("before", ["a", None], ids=["replaced", "new"])
def test_a_pair_is_the_old_or_the_new_one_after_each_of_its_writers_steps(tmp_path, before):
    write_pair(tmp_path, before)
    found = []
    for step in steps("b"):
        step(tmp_path)
        with tilepack.open(tmp_path) as cache:
            found.append(version_in(cache))
            if found[-1]:
                assert set(dict(cache.tiles(BUNDLE))) == set(SLOTS)
                assert cache.summary(BUNDLE).tiles == len(SLOTS)
    assert found == [before] * 4 + ["b"] * 2


@pytest.mark.parametrize("before", ["a", None], ids=["replaced", "new"])
@pytest.mark.parametrize("opened", range(6))
def test_a_reader_that_listed_a_pair_reads_it_whatever_became_of_it_since(tmp_path, before, opened):
    for read in range(opened, 7):
        root = tmp_path / str(read)
        write_pair(root, before)
        for step in steps("b")[:opened]:
            step(root)
        with tilepack.open(root) as cache:
            cache.bundles(0)
            for step in steps("b")[opened:read]:
                step(root)
            listed = before or (None if opened < 5 else "b")
            assert version_in(cache) == (("b" if read > 4 else before) if listed else None)


def test_no_moment_between_two_of_a_readers_looks_shows_a_pair_of_two_writings(tmp_path, monkeypatch):
    """The writer goes on, by any number of steps, twice while a reader opens a pair; it writes the pair twice."""
    plan = [*steps("b"), *steps("c")]
    noise = random.Random(5)
    calls = 0
    jumps: dict[int, int] = {}
    now = 0
    root = tmp_path

    def go_on(to: int) -> None:
        nonlocal now
        while now < to:
            plan[now](root)
            now += 1

    def between(real: Callable) -> Callable:
        def look(tree: FolderTree, path: str) -> object:
            nonlocal calls
            if "R0000C0000" in path:
                calls += 1
                go_on(jumps.get(calls, 0))
            return real(tree, path)

        return look

    monkeypatch.setattr(FolderTree, "identity", between(FolderTree.identity))
    monkeypatch.setattr(FolderTree, "open", between(FolderTree.open))
    seen = set()
    for number, (start, first, to, second, then) in enumerate(interleavings(noise, len(plan))):
        root = tmp_path / str(number)
        write_pair(root, "a")
        now = calls = 0
        jumps = {}
        go_on(start)
        with tilepack.open(root) as cache:
            cache.bundles(0)
            calls = 0
            jumps = {first: to, second: then}
            found = version_in(cache)
            seen.add(found)
            assert found in "abc"
            assert found >= ("a" if start < 5 else "b")
        shutil.rmtree(root)
    assert seen == set("abc")


def interleavings(noise: random.Random, steps: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield where the writer stands at first, and after which of the reader's looks it goes on, how far."""
    for _ in range(80):
        start, to, then = sorted(noise.randrange(steps + 1) for _ in range(3))
        first, second = sorted(noise.sample(range(1, 10), 2))
        yield start, first, to, second, then


@pytest.mark.parametrize("suffixes", [(".bundle",), (".bundle", ".bundlx")], ids=["bundle", "both"])
@pytest.mark.parametrize("data", [b"", b"stale" * 100], ids=["empty", "rubbish"])
def test_a_stale_partial_that_no_journal_knows_changes_nothing(tmp_path, suffixes, data):
    write_pair(tmp_path, "a")
    for suffix in suffixes:
        (tmp_path / f"{STEM}{suffix}.partial").write_bytes(data)
    with tilepack.open(tmp_path) as cache:
        assert version_in(cache) == "a"


def test_an_index_that_waits_and_is_damaged_is_one_error(tmp_path):
    write_pair(tmp_path, "a")
    (tmp_path / f"{STEM}.bundlx.partial").write_bytes(b"rubbish")
    begun = time.process_time()
    with tilepack.open(tmp_path) as cache, pytest.raises(tilepack.BundleError, match="half renamed and is damaged"):
        cache.present(BUNDLE)
    assert time.process_time() - begun < 1


def test_a_bundle_that_a_writer_removed_has_no_tiles_for_who_had_it_open(tmp_path):
    write_pair(tmp_path, "a")
    with tilepack.open(tmp_path) as cache:
        cache.bundles(0)
        (tmp_path / f"{STEM}.bundle").unlink()
        assert cache.read(SLOTS[0]) is None
        (tmp_path / f"{STEM}.bundlx").unlink()
        assert cache.read(SLOTS[0]) is None


def test_a_tile_that_changes_its_extension_is_one_tile_all_the_while(tmp_path):
    """Both files are there until the old one goes; which that is, the journal says."""
    tile = SLOTS[0]
    source, target = tmp_path / "source/Island", tmp_path / "target/Island"
    write_v2(source, SCHEME, {tile: b"\x89PNG\r\n\x1a\n new"})
    write_v2(target, SCHEME, {tile: photo(tile, "a")})
    tilepack.convert(target, tmp_path / "exploded", storage_format="exploded")
    row = tmp_path / "exploded/_alllayers/L00/R0000000a"
    name = f"{row.relative_to(tmp_path / 'exploded').as_posix()}/C0000000a"
    (row / "C0000000a.png").write_bytes(b"\x89PNG\r\n\x1a\n new")
    with pytest.raises(tilepack.TileError, match="are the same tile"), tilepack.open(tmp_path / "exploded") as cache:
        cache.read(tile)
    for goes, stays in ((".jpg", b"\x89PNG\r\n\x1a\n new"), (".png", photo(tile, "a"))):
        (tmp_path / "exploded/tilepack.journal").write_text(
            '{"tilepack":1,"work":"w","fingerprint":"f"}\n{"bundle":"b","files":{},"gone":["' + name + goes + '"]}\n'
        )
        with tilepack.open(tmp_path / "exploded") as cache:
            assert cache.read(tile) == stays
            assert read_tiles(tmp_path / "exploded") == {tile: stays}


def test_a_package_is_opened_as_one_though_another_takes_its_place_meanwhile(tmp_path, monkeypatch):
    """Its directory and its bytes are read by one handle, of what stood there when it was opened."""
    for name in "ab":
        write_zip(tmp_path / f"{name}.zip", {"conf.xml": b"x", "pad": name.encode() * (1 if name == "a" else 5000)})
    place = tmp_path / "cache.zip"
    shutil.copyfile(tmp_path / "a.zip", place)
    from tilepack.disk import package_tree

    real = package_tree.PackageTree._open_zip

    def replaced_first(tree: package_tree.PackageTree) -> object:
        (tmp_path / "b.zip").replace(place)
        return real(tree)

    monkeypatch.setattr(package_tree.PackageTree, "_open_zip", replaced_first)
    tree = package_tree.PackageTree(place)
    with tree.open("pad") as member:
        assert member.read(member.size, 0) == b"a"
    tree.close()
