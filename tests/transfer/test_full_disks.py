"""A system that refuses: one clear error, the target as it was or whole bundles further; the same again finishes."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest
from caches import by_bundle, write_exploded, write_v1, write_v2
from faults import refusing
from killing import SCHEME, Tiles, Tree, new_tiles, old_tiles, read_tiles, tree_of, write_target
from layouts import convert_to

import tilepack
from tilepack.disk import durable
from tilepack.disk.journal import JOURNAL

TARGETS = ("v1", "v2", "exploded", "cache.tpkx")


class Site(NamedTuple):
    """A cache to import into, and what becomes of it when nobody disturbs that."""

    source: Path
    master: Path
    folder: Path
    """Where the target is, and nothing else."""
    name: str
    old: Tiles
    new: Tiles
    before: Tree
    after: Tree
    steps: int
    """Steps of an import that a full disk may refuse."""

    @property
    def target(self) -> Path:
        return self.folder / self.name

    def begin(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.master, self.folder)

    def check_refused(self, message: str) -> None:
        """See that an import that failed left whole bundles, and nothing beside them."""
        assert "\n" not in message
        now = tree_of(self.folder)
        assert not [path for path in now if path.endswith((".partial", ".lock"))]
        if now not in (self.before, self.after):  # the last step of all may fail, too
            assert f"{self.name}/{JOURNAL}" in now
        found = read_tiles(self.target)
        for bundle in by_bundle(self.old | self.new):
            window = [tile for tile in self.old | self.new if tile.bundle == bundle]
            states = [[tiles.get(tile) for tile in window] for tiles in (found, self.old, self.new)]
            assert states[0] in states[1:]

    def finish(self) -> None:
        if tree_of(self.folder) != self.after:
            tilepack.import_cache(self.source, self.target, jobs=1)
            assert tree_of(self.folder) == self.after


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("source") / "Glass"
    write_v2(place, SCHEME, new_tiles(), tile_format=tilepack.TileFormat.PNG32)
    return place


@pytest.fixture(scope="module")
def site(source, request, tmp_path_factory) -> Site:
    place = tmp_path_factory.mktemp("full")
    name = request.param
    (place / "master").mkdir()
    write_target(place / "master" / name)
    shutil.copytree(place / "master", place / "targets")
    with refusing(first=0, last=0) as system:
        tilepack.import_cache(source, place / "targets" / name, jobs=1)
    old, new = read_tiles(place / "master" / name), read_tiles(place / "targets" / name)
    before, after = tree_of(place / "master"), tree_of(place / "targets")
    return Site(source, place / "master", place / "targets", name, old, new, before, after, system.steps)


FULL = [("v1", "for good"), ("v1", "once"), ("v2", "once"), ("exploded", "for good"), ("cache.tpkx", "for good")]


@pytest.mark.parametrize(("site", "last"), FULL, indirect=["site"])
def test_disk_that_is_full_at_any_step_loses_nothing(site, last):
    stride = 6 if site.name == "v1" else 11  # each one is right, and takes a minute
    for step in range(1, site.steps + 1, stride):
        site.begin()
        with (
            refusing(first=step, last=step if last == "once" else float("inf")),
            pytest.raises(tilepack.TransferError, match="No space left on device; make room on the disk") as caught,
        ):
            tilepack.import_cache(site.source, site.target, jobs=1)
        site.check_refused(str(caught.value))
        site.finish()


@pytest.mark.parametrize("site", ["v1", "cache.tpkx"], indirect=True)
def test_disk_that_fails_at_any_step_loses_nothing(site):
    for step in range(2, site.steps + 1, 17):
        site.begin()
        with (
            refusing(first=step, number=errno.EIO),
            pytest.raises(tilepack.TransferError, match=os.strerror(errno.EIO)) as caught,
        ):
            tilepack.import_cache(site.source, site.target, jobs=2)
        site.check_refused(str(caught.value))
        site.finish()


@pytest.mark.parametrize("site", ["v1", "cache.tpkx"], indirect=True)
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_target_that_nobody_may_write_to_is_one_error(site, number):
    """Root may write where nobody may, so it is the system's call that refuses; below it is a real disk."""
    site.begin()
    with (
        refusing(first=1, number=number),
        pytest.raises(tilepack.TransferError, match=rf"write in the target's folder: {os.strerror(number)}"),
    ):
        tilepack.import_cache(site.source, site.target)
    assert tree_of(site.folder) == site.before


@pytest.mark.parametrize("site", ["v1", "v2", "exploded"], indirect=True)
def test_rename_or_removal_that_windows_refuses_for_a_while_is_tried_again(site, monkeypatch):
    """Someone has the file open. Only this module is on Windows, for locks would go Windows' way as well."""
    site.begin()
    refused = []
    real, removing = Path.replace, Path.unlink

    def replace(path: Path, target: Path) -> Path:
        if path not in refused:
            refused.append(path)
            raise PermissionError(13, "The process cannot access the file")
        return real(path, target)

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        if path not in refused and path.suffix == ".jpg":
            refused.append(path)
            raise PermissionError(13, "The process cannot access the file")
        removing(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", unlink)
    monkeypatch.setattr(durable, "os", type("Windows", (), {**vars(os), "name": "nt"}))
    monkeypatch.setattr(durable.time, "sleep", lambda _: None)
    tilepack.import_cache(site.source, site.target, jobs=1)
    monkeypatch.undo()
    assert len(refused) >= 6
    assert site.name != "exploded" or any(path.suffix == ".jpg" for path in refused)
    assert tree_of(site.folder) == site.after


@pytest.mark.parametrize("site", ["v1", "v2"], indirect=True)
def test_rename_that_windows_refuses_for_good_leaves_the_work_to_be_finished(site, monkeypatch):
    site.begin()
    waited = []

    def replace(path: Path, target: Path) -> None:
        raise PermissionError(13, "The process cannot access the file")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        patch.setattr(durable, "os", type("Windows", (), {**vars(os), "name": "nt"}))
        patch.setattr(durable, "_RETRY_SECONDS", 0.05)
        patch.setattr(durable.time, "sleep", waited.append)
        with pytest.raises(tilepack.TransferError, match="cannot access the file") as caught:
            tilepack.import_cache(site.source, site.target, jobs=1)
    assert waited
    assert "run the same again to finish" in "".join(caught.value.__notes__)
    assert read_tiles(site.target) == site.old  # the first bundle waits for its name, and all others were not begun
    site.finish()


# Sources that go away


def vanish(path: Path) -> None:
    path.unlink()


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


LOSSES = [(write_v1, vanish), (write_v1, shrink), (write_v2, vanish), (write_v2, shrink), (write_exploded, vanish)]


@pytest.mark.parametrize("site", TARGETS, indirect=True)
@pytest.mark.parametrize(("write", "lose"), LOSSES)
def test_source_that_goes_away_amidst_the_work_loses_nothing(site, tmp_path, write, lose):
    site.begin()
    write(tmp_path / "Glass", SCHEME, new_tiles(), tile_format=tilepack.TileFormat.PNG32)
    files = sorted((tmp_path / "Glass/_alllayers/L02").rglob("*.[bp]*"))
    kept = files[-1].read_bytes()

    def planned(plan: tilepack.TransferPlan) -> None:
        lose(files[-1])

    with pytest.raises(tilepack.TilepackError) as caught:
        tilepack.import_cache(tmp_path / "Glass", site.target, jobs=1, planned=planned)
    assert files[-1].stem.split("C")[0] in str(caught.value) or "start again" in str(caught.value)
    site.check_refused(str(caught.value))
    files[-1].write_bytes(kept)
    tilepack.import_cache(tmp_path / "Glass", site.target)
    assert read_tiles(site.target) == site.new
    assert not [path for path in tree_of(site.folder) if path.endswith((".partial", ".lock", JOURNAL))]


@pytest.mark.parametrize("storage_format", ["exploded", "compact-v2"])
def test_tile_of_an_exploded_source_that_goes_away_is_missed(tmp_path, storage_format):
    write_exploded(tmp_path / "Glass", SCHEME, new_tiles())
    file = next((tmp_path / "Glass/_alllayers/L00").rglob("*.png"))
    with pytest.raises(tilepack.TransferError, match="start again"):
        tilepack.convert(
            tmp_path / "Glass", tmp_path / "new", storage_format=storage_format, planned=lambda _: file.unlink()
        )
    assert not list(tmp_path.glob("new*"))


@pytest.mark.parametrize("site", ["v1", "exploded"], indirect=True)
def test_source_that_cannot_be_read_loses_nothing(site, monkeypatch):
    site.begin()
    reads, read = [], os.pread

    def fail(descriptor: int, size: int, position: int) -> bytes:
        reads.append(position)
        if len(reads) > 60:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, size, position)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", fail)
        with pytest.raises(tilepack.TransferError, match="cannot read: Input/output error") as caught:
            tilepack.import_cache(site.source, site.target, jobs=1)
    site.check_refused(str(caught.value))
    site.finish()


@pytest.mark.parametrize("site", ["v1", "v2", "exploded"], indirect=True)
def test_reads_and_writes_that_come_in_pieces_are_put_together(site, monkeypatch):
    """As network file systems may give and take them."""
    site.begin()
    read, write = os.pread, os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda descriptor, size, at: read(descriptor, min(size, 7001), at))
        patch.setattr(os, "pwrite", lambda descriptor, data, at: write(descriptor, data[:5003], at))
        tilepack.import_cache(site.source, site.target)
    assert tree_of(site.folder) == site.after


# Real disks


def runs_apart() -> bool:
    """Tell whether disks may be mounted here, where nobody else sees them."""
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


ON_A_DISK = """
import shutil, subprocess, sys
from pathlib import Path
import tilepack
shutil.disk_usage = lambda _: type("Usage", (), {"free": 1 << 40})()  # else a package is refused beforehand
source, target, disk = map(Path, sys.argv[1:])
def mount(*options): subprocess.run(["mount", *map(str, options)], check=True)
def refused(words):
    try:
        tilepack.import_cache(source, place)
    except tilepack.TransferError as error:
        assert words in str(error), error
    else:
        raise AssertionError("went well")
    assert not [path for path in disk.rglob("*") if path.suffix in (".partial", ".lock")], list(disk.rglob("*"))
mount("-t", "tmpfs", "-o", f"size={sys.stdin.readline().strip()}k", "none", disk)
place = disk / target.name
subprocess.run(["cp", "-r", target, place], check=True)
mount("-o", "remount,ro", disk)
refused("Read-only file system")
mount("-o", "remount,rw", disk)
refused("No space left on device; make room on the disk")
with tilepack.open(place) as cache:
    print(sum(len(list(cache.tiles(bundle))) for level in cache.levels() for bundle in cache.bundles(level)))
mount("-o", "remount,size=100m", disk)
tilepack.import_cache(source, place)
with tilepack.open(place) as cache:
    print(sum(len(list(cache.tiles(bundle))) for level in cache.levels() for bundle in cache.bundles(level)))
print(*sorted(path.name for path in disk.rglob("*") if path.name.startswith("tilepack") or path.suffix == ".partial"))
"""


@pytest.mark.skipif(not runs_apart(), reason="nobody may mount disks here")
@pytest.mark.parametrize(("name", "kilobytes"), [("v1", 900), ("cache.tpkx", 900)])
def test_import_onto_a_small_disk_and_one_that_is_read_only(tmp_path, source, name, kilobytes):
    write_target(tmp_path / "master" / name)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = textwrap.dedent(ON_A_DISK)
    command = ["unshare", "-m", sys.executable, "-c", script, source, tmp_path / "master" / name, disk]
    done = subprocess.run(command, input=f"{kilobytes}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, after, left = done.stdout.split("\n")[:3]
    assert len(old_tiles()) <= int(before) < int(after) == len({**old_tiles(), **new_tiles()})
    assert left == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_file_that_outgrows_a_limit_of_the_system_is_one_error(tmp_path, source):
    convert_to("tpkx", source, tmp_path)
    before = tree_of(tmp_path)
    script = """
        import resource, sys, tilepack
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            tilepack.import_cache(sys.argv[1], sys.argv[2])
        except tilepack.TransferError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), source, tmp_path / "cache.tpkx"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "File too large; the disk or a limit of the system (ulimit -f)" in done.stdout
    assert tree_of(tmp_path) == before
