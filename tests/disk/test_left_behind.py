"""What a run leaves that was killed, or that the system refused: known as tilepack's own, and cleared away."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from caches import look_at_files, look_at_tiles, payload, picture, write_exploded, write_v1, write_v2
from killing import SCHEME

import tilepack
from tilepack.disk import durable, staging
from tilepack.disk.files import PositionedFile
from tilepack.disk.journal import Journal
from tilepack.disk.package import PackageContainer
from tilepack.disk.package_tree import PackageTree
from tilepack.keys import TileKey

TILE = TileKey(0, 10, 10)


@pytest.fixture
def source(tmp_path) -> Path:
    write_v2(tmp_path / "source", SCHEME, {TILE: payload(TILE, "jpg")})
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path) -> Path:
    write_v1(tmp_path / "target", SCHEME, {TILE: payload(TILE, "jpg", 50)})
    return tmp_path / "target"


def beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path.name.startswith(target.name + "."))


def leave(target: Path, *names: str) -> None:
    """Leave folders beside a target, and the lock that says whose they are."""
    for name in names:
        target.with_name(name).mkdir()
        (target.with_name(name) / "conf.xml").touch()
    target.with_name(target.name + ".partial.lock").touch()


# Replacing


@pytest.mark.parametrize("knows_exchange", [True, False])
def test_a_folder_is_replaced_in_one_step_where_the_system_knows_it_and_in_two_elsewhere(
    source, target, monkeypatch, knows_exchange
):
    steps = []
    exchange, rename = staging.exchange, staging.rename
    monkeypatch.setattr(
        staging, "exchange", lambda *paths: knows_exchange and not steps.append("e") and exchange(*paths)
    )
    monkeypatch.setattr(staging, "rename", lambda *paths: (steps.append("r"), rename(*paths)))
    tilepack.convert(source, target, replace=True)
    assert steps == (["e"] if knows_exchange and durable.exchange is exchange else ["r", "r"])
    assert look_at_tiles(target) == look_at_tiles(source)
    assert beside(target) == []


def test_a_system_that_knows_no_exchange_says_so(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(durable.ctypes, "CDLL", lambda _: object())
    assert not durable.exchange(tmp_path / "a", tmp_path / "b")
    monkeypatch.undo()
    if durable.exchange(tmp_path / "a", tmp_path / "b"):
        assert (tmp_path / "a").read_text() == "b"
        assert not durable.exchange(tmp_path / "a", tmp_path / "nothing")


def test_a_disk_that_fails_once_the_names_are_changed_leaves_the_old_folder(source, target, monkeypatch):
    before = look_at_files(target)

    def fail(_: Path) -> None:
        raise tilepack.TransferError("the disk is gone")

    monkeypatch.setattr(staging, "exchange", exchange_by_renames)
    monkeypatch.setattr(staging, "sync_folder", fail)
    with pytest.raises(tilepack.TransferError, match="gone"):
        tilepack.convert(source, target, replace=True)
    assert look_at_files(target) == before
    assert beside(target) == []


def exchange_by_renames(one: Path, other: Path) -> bool:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)
    return True


# Clearing away


@pytest.mark.parametrize("left", [("target.partial",), ("target.partial", "target.replaced")])
def test_a_cache_that_was_converted_in_place_has_nothing_beside_it_after_the_next_run(target, left):
    leave(target, *left)
    with pytest.raises(tilepack.CacheExistsError, match="is COMPACT already"):
        tilepack.convert_in_place(target, "COMPACT")
    assert beside(target) == []


def test_a_deletion_that_was_killed_is_finished_by_the_next(target):
    target.rename(target.with_name("target.partial"))
    leave(target)
    assert tilepack.delete_cache(target).path == target
    assert beside(target) == []
    with pytest.raises(tilepack.CacheNotFoundError):
        tilepack.delete_cache(target)


def test_an_old_cache_that_had_stepped_aside_goes_when_it_is_deleted(target):
    target.rename(target.with_name("target.replaced"))
    leave(target)
    assert tilepack.delete_cache(target).files == 4
    assert beside(target) == []


def test_what_cannot_be_cleared_away_stays_marked_as_tilepacks_own(target, monkeypatch):
    def refuse(path: Path) -> None:
        raise tilepack.TransferError(f"{path}: no")

    with monkeypatch.context() as patch:
        patch.setattr(staging, "remove", lambda path: refuse(path) if path.exists() else None)
        with pytest.raises(tilepack.TransferError, match=r"partial: no"):
            tilepack.delete_cache(target)
    assert beside(target) == ["target.partial", "target.partial.lock"]
    tilepack.delete_cache(target)
    assert beside(target) == []


# Status


def test_what_a_killed_status_leaves_in_a_cache_is_in_nobodys_way(source, target):
    (target / "Status.partial.gdb").mkdir()
    (target / "Status.gdb.partial.lock").touch()
    tilepack.import_cache(source, target)
    assert tilepack.delete_status(target) is not None
    assert sorted(path.name for path in target.iterdir()) == ["_alllayers", "conf.cdi", "conf.xml"]
    assert tilepack.delete_status(target) is None
    (target / "Status.partial.gdb").mkdir()
    (target / "Status.gdb.partial.lock").touch()
    tilepack.delete_cache(target)
    assert not target.exists()


def test_a_document_that_was_not_completed_keeps_no_cache_from_being_replaced(source, target):
    (target / "conf.cdi.partial").touch()
    tilepack.convert(source, target, replace=True)
    assert look_at_tiles(target) == look_at_tiles(source)


# What a journal says


def journal(target: Path, *gone: str) -> None:
    lines = [{"tilepack": 1, "work": "w", "fingerprint": "f"}, {"bundle": "b", "files": {}, "gone": gone}]
    (target / "tilepack.journal").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_an_index_that_is_about_to_go_is_no_orphan(tmp_path):
    tiles = {tile: picture(tile) for tile in (TILE, TileKey(0, 200, 200))}
    write_v1(tmp_path / "cache", SCHEME, tiles)
    (tmp_path / "cache/_alllayers/L00/R0080C0080.bundle").unlink()
    assert "bundlx-orphan" in tilepack.verify(tmp_path / "cache").counts
    journal(tmp_path / "cache", "_alllayers/L00/R0080C0080.bundle", "_alllayers/L00/R0080C0080.bundlx")
    assert "bundlx-orphan" not in tilepack.verify(tmp_path / "cache").counts
    (tmp_path / "cache/tilepack.journal").write_text("no journal")
    assert "bundlx-orphan" in tilepack.verify(tmp_path / "cache").counts


@pytest.mark.parametrize("goes", [".jpg", ".png"])
def test_a_file_that_is_about_to_go_is_no_second_tile(tmp_path, goes):
    write_exploded(tmp_path / "cache", SCHEME, {TILE: picture(TILE)})
    row = tmp_path / "cache/_alllayers/L00/R0000000a"
    (row / "C0000000a.jpg").write_bytes(picture(TILE, "jpg"))
    assert "tile-twice" in tilepack.verify(tmp_path / "cache").counts
    journal(tmp_path / "cache", f"_alllayers/L00/R0000000a/C0000000a{goes}")
    assert "tile-twice" not in tilepack.verify(tmp_path / "cache").counts


# What the system does not tell


def test_a_name_that_cannot_be_looked_at_is_not_taken_for_free(tmp_path, monkeypatch):
    assert [durable.is_there(tmp_path / name) for name in (".", "nothing", "n" * 300)] == [True, False, False]

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(tilepack.TransferError, match="cannot look at: Permission denied"):
        durable.is_there(tmp_path)
    with pytest.raises(tilepack.TransferError, match="cannot look at"):
        Journal.open(tmp_path)


# Files that are cut while they are read


def test_a_tile_that_is_cut_while_it_is_read_is_one_error(tmp_path, monkeypatch):
    write_exploded(tmp_path / "cache", SCHEME, {TILE: picture(TILE)})
    with tilepack.open(tmp_path / "cache") as cache:
        monkeypatch.setattr(os, "read", lambda *_: b"")
        with pytest.raises(tilepack.TransferError, match="was cut while"):
            cache.read(TILE)


def test_a_package_that_is_cut_while_it_is_opened_is_one_error(source, tmp_path, monkeypatch):
    tilepack.convert(source, tmp_path / "cache.tpkx")
    monkeypatch.setattr(PositionedFile, "read", lambda *_: b"")
    with pytest.raises(tilepack.BundleError, match="was cut while"):
        PackageTree(tmp_path / "cache.tpkx")


def test_a_member_that_waited_and_does_not_come_back_is_one_error(tmp_path, monkeypatch):
    package = PackageContainer(tmp_path / "cache.zip", replace=False, created=None)
    sink = package.create("waits", None)
    sink.write(np.arange(9, dtype=np.uint8).tobytes(), 0)
    monkeypatch.setattr(PositionedFile, "read", lambda *_: bytes(8))
    with pytest.raises(tilepack.TransferError, match="lost bytes that waited"):
        sink.close(0)
    package.abort()
    assert list(tmp_path.iterdir()) == []
