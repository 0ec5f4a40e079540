"""What has to be on the disk before what, so that a power failure at any moment leaves nothing half.

Every call that syncs, names or removes is recorded; what was not synced may be lost, what was is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from caches import ready_files, write_files, write_v2
from killing import SCHEME, new_tiles, old_tiles, write_target

import tilepack
from tilepack.disk import durable

Calls = list[tuple[str, str]]
"""What was called, and for which path below the target; a rename's is the new name."""


@pytest.fixture
def source(tmp_path) -> Path:
    write_v2(tmp_path / "source/Glass", SCHEME, new_tiles(), tile_format=tilepack.TileFormat.PNG32)
    return tmp_path / "source/Glass"


def recorded(monkeypatch: pytest.MonkeyPatch, target: Path, work: Callable[[], object]) -> Calls:
    """Record a work's calls; files are told apart by their descriptors."""
    calls: Calls = []
    rename, unlink, write = os.replace, os.unlink, os.pwrite

    def note(what: str, path: str | Path) -> None:
        place = Path(path)
        if place == target or place.is_relative_to(target):
            calls.append((what, place.relative_to(target).as_posix()))

    def path_of(descriptor: int) -> str:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", lambda descriptor: note("sync", path_of(descriptor)))
    monkeypatch.setattr(os, "replace", lambda a, b, **_: (rename(a, b), note("name", b)))
    monkeypatch.setattr(os, "unlink", lambda path, **_: (unlink(path), note("remove", path)))
    monkeypatch.setattr(os, "pwrite", lambda fd, *what: (note("write", path_of(fd)), write(fd, *what))[1])

    def sync_all(folder: Path) -> bool:
        for path in sorted(target.rglob("*")):
            note("sync", path)
        return True

    monkeypatch.setattr(durable, "_sync_file_system", sync_all)
    work()
    monkeypatch.undo()
    return calls


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells files apart as Linux shows them")


def import_into(name: str, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Calls, Path]:
    target = folder / name
    if name == "served":
        write_files(target, ready_files(SCHEME, old_tiles()))
    else:
        write_target(target)
    before = target if target.is_dir() else target.parent
    calls = recorded(monkeypatch, before, lambda: tilepack.import_cache(source, target, jobs=1, mode="OVERWRITE"))
    return calls, target


def lines_before(calls: Calls, at: int) -> int:
    """Give where the journal was last synced before a call, and see that it was written before that."""
    synced = max(number for number, call in enumerate(calls[:at]) if call == ("sync", "tilepack.journal"))
    assert ("write", "tilepack.journal") in calls[:synced]
    return synced


@pytest.mark.parametrize("name", ["v1", "v2", "exploded", "served"])
def test_bytes_are_on_the_disk_before_the_journal_speaks_of_them_and_that_before_they_are_named(
    source, tmp_path, monkeypatch, name
):
    calls, _ = import_into(name, source, tmp_path, monkeypatch)
    names = [(number, path) for number, (what, path) in enumerate(calls) if what == "name"]
    assert len(names) >= 6
    for number, path in names:
        journal = lines_before(calls, number)
        partial = f"{path}.partial"
        written = max(at for at, call in enumerate(calls) if call == ("write", partial))
        synced = max(at for at, call in enumerate(calls[:journal]) if call == ("sync", partial))
        assert written < synced < journal < number


def test_a_pairs_names_are_on_the_disk_before_the_journal_speaks_of_them(source, tmp_path, monkeypatch):
    calls, _ = import_into("v1", source, tmp_path, monkeypatch)
    for number, (what, path) in enumerate(calls):
        if what == "name" and path.endswith(".bundle"):
            index = path.replace(".bundle", ".bundlx")
            made = max(at for at, call in enumerate(calls[:number]) if call == ("write", f"{index}.partial"))
            assert ("sync", path.rpartition("/")[0]) in calls[made : lines_before(calls, number)]
            following = next(call for call in calls[number + 1 :] if call[0] == "name")
            assert following == ("name", index)  # the bundle first: readers see through that


@pytest.mark.parametrize("name", ["v1", "v2", "exploded", "served"])
def test_documents_come_after_the_last_bundle_and_the_journal_goes_when_all_names_are_on_the_disk(
    source, tmp_path, monkeypatch, name
):
    calls, target = import_into(name, source, tmp_path, monkeypatch)
    named = [path for what, path in calls if what == "name"]
    documents = [path for path in named if Path(path).suffix in (".xml", ".cdi", ".json", ".properties")]
    assert documents
    assert named[-len(documents) :] == documents
    last = max(number for number, (what, _) in enumerate(calls) if what in ("name", "write"))
    ends = calls.index(("remove", "tilepack.journal"))
    assert calls[ends + 1 :] == [("sync", "."), ("remove", "tilepack.lock")]
    folders = {Path(path).parent.as_posix() for path in named}
    folders |= {parent.as_posix() for folder in folders for parent in Path(folder).parents}
    assert {("sync", folder) for folder in folders} <= set(calls[last:ends])
    assert not (target / "tilepack.journal").exists()


@pytest.mark.parametrize("name", ["cache.tpk", "cache.tpkx"])
def test_a_package_is_on_the_disk_before_it_takes_the_old_ones_name(source, tmp_path, monkeypatch, name):
    (tmp_path / "targets").mkdir()
    calls, _ = import_into(name, source, tmp_path / "targets", monkeypatch)
    (named,) = [number for number, (what, _) in enumerate(calls) if what == "name"]
    written = max(number for number, call in enumerate(calls) if call == ("write", f"{name}.partial"))
    assert ("sync", f"{name}.partial") in calls[written:named]
    assert calls[named:] == [("name", name), ("sync", "."), ("remove", f"{name}.partial.lock")]
