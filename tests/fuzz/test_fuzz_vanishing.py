"""Files that shrink, vanish or become something else while they are read: an error in a sentence, or none, and no hang.

Someone cleans up, a share goes away, another program writes: whatever was true of a file when it was opened or asked
for its size need not be when it is read.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import caches
import fuzz_caches
import hostile_builders as small
import pytest
from fuzz_target import World
from fuzz_watch import watched

import tilepack

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not tell what is open")


def cut(path: str) -> None:
    os.truncate(path, Path(path).stat().st_size // 2)


def empty(path: str) -> None:
    os.truncate(path, 0)


def remove(path: str) -> None:
    Path(path).unlink()


def become_folder(path: str) -> None:
    Path(path).unlink()
    Path(path).mkdir()


def become_pipe(path: str) -> None:
    Path(path).unlink()
    os.mkfifo(path)


def become_zeros(path: str) -> None:
    Path(path).write_bytes(bytes(Path(path).stat().st_size))


WAYS = (cut, empty, remove, become_folder, become_pipe, become_zeros)
MOMENTS = range(1, 13)


class Spoiler:
    """Does something to a file below a folder, behind the n-th time that one there is opened or asked for its size."""

    def __init__(self, folder: Path, way, moment: int) -> None:
        self._folder = f"{folder}{os.sep}"
        self._way = way
        self._left = moment
        self.has_spoiled = False

    @contextmanager
    def at_work(self, monkeypatch) -> Iterator[None]:
        """Look at whatever is opened and asked for."""
        open_file, ask = os.open, os.fstat

        def opened(*words, **options):
            descriptor = open_file(*words, **options)
            self.look(descriptor)
            return descriptor

        def asked(descriptor):
            status = ask(descriptor)
            self.look(descriptor)
            return status

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", opened)
            patch.setattr(os, "fstat", asked)
            yield

    def look(self, descriptor: int) -> None:
        if self._left <= 0:
            return
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if path.startswith(self._folder) and Path(path).is_file():
            self._left -= 1
            if not self._left:
                self.has_spoiled = True
                self._way(path)


def convert(source: Path, target: Path) -> None:
    tilepack.convert(source, target.with_suffix(".tpkx"), jobs=1)


def mend(source: Path, target: Path) -> None:
    tilepack.repair(source, target.with_suffix(source.suffix), jobs=1)


def verify(source: Path, target: Path) -> None:
    tilepack.verify(source, deep=True, jobs=1)


def read(source: Path, target: Path) -> None:
    caches.read_thoroughly(source)


@pytest.mark.parametrize("work", [read, verify, convert, mend, fuzz_caches.compact, fuzz_caches.import_from])
@pytest.mark.parametrize("layout", ["v1", "v2", "exploded", "tpk", "tpkx"])
def test_file_that_changes_under_way_breaks_no_rule(layout, work, tmp_path, monkeypatch):
    world = World(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(world.own))
    spoiled = 0
    for moment in MOMENTS:
        way = WAYS[(moment + len(layout) + len(work.__name__)) % len(WAYS)]
        folder = world.fresh()
        (folder / "cache").mkdir()
        source = small.write_cache(folder / "cache", layout, small.files_of(layout))
        spoiler = Spoiler(folder / "cache", way, moment)
        with spoiler.at_work(monkeypatch), watched(world):
            work(source, folder / "target")
        spoiled += spoiler.has_spoiled
    assert spoiled
