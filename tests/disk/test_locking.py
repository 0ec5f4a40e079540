"""One writer at a time: the second is told who the first is, and nobody is locked out by a file alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from caches import look_at_files, payload, write_exploded, write_v1, write_v2
from killing import SCHEME

import tilepack
from tilepack.disk.locking import WriterLock
from tilepack.keys import TileKey

TILE = TileKey(0, 10, 10)
HOLD = """
import sys
from pathlib import Path
from tilepack.disk.locking import WriterLock
lock = WriterLock(Path(sys.argv[1]), Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""

needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows lets few people make links")


@pytest.fixture
def source(tmp_path) -> Path:
    write_v2(tmp_path / "source", SCHEME, {TILE: payload(TILE, "jpg")})
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path) -> Path:
    write_v2(tmp_path / "target", SCHEME, {TILE: payload(TILE, "jpg", 50)})
    return tmp_path / "target"


@pytest.fixture
def holder(target) -> Iterator[subprocess.Popen]:
    """Another process that holds the target's lock."""
    command = [sys.executable, "-c", HOLD, target / "tilepack.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_writer_is_told_who_holds_the_folder(source, target, holder):
    before = look_at_files(target)
    with pytest.raises(tilepack.TransferError) as caught:
        tilepack.import_cache(source, target)
    assert f"{target}: tilepack (process {holder.pid} on {socket.gethostname()}) is writing it" in str(caught.value)
    assert look_at_files(target) == before


def test_lock_of_a_process_that_was_killed_locks_nobody_out(source, target, holder):
    holder.kill()
    holder.wait()
    assert (target / "tilepack.lock").exists()
    tilepack.import_cache(source, target)
    assert not (target / "tilepack.lock").exists()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\0 rubbish", b"\x1b[2J" + b"x" * 100_000])
def test_whatever_stands_in_a_lock_that_is_left_is_of_no_matter(source, target, data):
    (target / "tilepack.lock").write_bytes(data)
    tilepack.import_cache(source, target)
    assert not (target / "tilepack.lock").exists()


def test_holder_that_says_nothing_sensible_is_another_process(source, target):
    lock = WriterLock(target / "tilepack.lock", target)
    (target / "tilepack.lock").write_bytes(b"\xff\x1b\n\0")
    with pytest.raises(tilepack.TransferError) as caught:
        tilepack.import_cache(source, target)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    lock.release()


@pytest.mark.parametrize("name", ["convert", "export_cache"])
@pytest.mark.parametrize("target_name", ["target", "target.tpkx"])
def test_folder_that_an_import_works_on_is_not_replaced(source, target, holder, name, target_name):
    """By its own lock; one that is made beside it is made all the same."""
    before = look_at_files(target)
    replace = getattr(tilepack, name)
    if target_name == "target":
        with pytest.raises(tilepack.TransferError, match=f"process {holder.pid} on"):
            replace(source, target, replace=True)
        assert look_at_files(target) == before
    else:
        replace(source, target.with_name(target_name), replace=True)
    assert not list(target.parent.glob("*.partial*"))


def test_folder_that_is_being_replaced_takes_no_import(source, target):
    """And once it is replaced, the new one does."""
    refused = []

    def progress(tiles: int, count: int) -> None:
        try:
            tilepack.import_cache(source, target)
        except tilepack.TransferError as error:
            refused.append(str(error))

    tilepack.convert(source, target, replace=True, progress=progress)
    assert refused
    assert all(f"process {os.getpid()} on" in message for message in refused)
    assert not list(target.parent.rglob("*.lock"))
    tilepack.import_cache(source, target)


def test_lock_of_the_next_writer_stays_when_the_folder_below_was_replaced(tmp_path):
    first = WriterLock(tmp_path / "lock", tmp_path)
    (tmp_path / "lock").rename(tmp_path / "elsewhere")
    second = WriterLock(tmp_path / "lock", tmp_path)
    first.release()
    assert (tmp_path / "lock").exists()
    second.release()
    assert not (tmp_path / "lock").exists()


# What is no lock


@needs_links
def test_link_in_the_place_of_a_lock_is_not_written_through(source, target, tmp_path):
    (tmp_path / "letter").write_bytes(b"dear all")
    (target / "tilepack.lock").symlink_to(tmp_path / "letter")
    with pytest.raises(tilepack.TransferError, match=r"tilepack\.lock: is no plain file.*remove it"):
        tilepack.import_cache(source, target)
    assert (tmp_path / "letter").read_bytes() == b"dear all"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_in_the_place_of_a_lock_is_not_waited_for(source, target):
    os.mkfifo(target / "tilepack.lock")
    with pytest.raises(tilepack.TransferError, match=r"tilepack\.lock: is no plain file.*remove it"):
        tilepack.import_cache(source, target)


def test_folder_in_the_place_of_a_lock_is_an_error(source, target):
    (target / "tilepack.lock").mkdir()
    with pytest.raises(tilepack.TransferError, match="cannot write in the target's folder"):
        tilepack.import_cache(source, target)


# Other programs


@pytest.mark.parametrize("name", ["Server.lock", "x.LCK", "_alllayers/a.lock", "_alllayers/L00/R0000C0000.bundle.lck"])
@pytest.mark.parametrize("write", [write_v1, write_exploded])
def test_locks_of_other_programs_are_respected_unless_forced(tmp_path, source, write, name):
    target = tmp_path / "other"
    write(target, SCHEME, {TILE: payload(TILE, "jpg", 50)})
    (target / name).touch()
    before = look_at_files(target)
    with pytest.raises(tilepack.TransferError, match=rf"{Path(name).name}: is the lock of another program.*--force"):
        tilepack.import_cache(source, target)
    assert look_at_files(target) == before
    tilepack.import_cache(source, target, force=True)
    assert (target / name).exists()


def test_locks_inside_a_status_database_are_its_own(source, target):
    (target / "Status.gdb").mkdir()
    (target / "Status.gdb/_gdb.SERVER.1.2.sr.lock").touch()
    tilepack.import_cache(source, target)
    assert (target / "Status.gdb/_gdb.SERVER.1.2.sr.lock").exists()


# Links to packages


@needs_links
def test_package_that_is_a_link_is_rewritten_where_it_leads(tmp_path, source, target):
    (tmp_path / "store").mkdir()
    tilepack.convert(target, tmp_path / "store/real.tpkx")
    (tmp_path / "link.tpkx").symlink_to("store/real.tpkx")
    tilepack.import_cache(source, tmp_path / "link.tpkx", mode="OVERWRITE")
    assert (tmp_path / "link.tpkx").is_symlink()
    with tilepack.open(tmp_path / "store/real.tpkx") as cache:
        assert cache.read(TILE) == payload(TILE, "jpg")
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["real.tpkx"]
