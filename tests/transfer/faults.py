"""A system that refuses, once or from some step on; and imports that end as if they had been killed."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import tilepack
from tilepack.disk import durable
from tilepack.disk.journal import Journal, JournalLine
from tilepack.disk.update import FolderUpdate

WRITES = ("fsync", "mkdir", "open", "posix_fallocate", "pwrite", "write", "syncfs")
"""Steps that a full disk may refuse; ``open`` where it makes a file."""


class Refusing:
    """Counts the steps of this process that write, and lets some of them fail."""

    def __init__(self, *, first: int, last: float, number: int = errno.ENOSPC) -> None:
        """Prepare to fail.

        Args:
            first: First step that fails, counted from 1.
            last: Last one; infinity for all that follow.
            number: How.
        """
        self.steps = 0
        self._first, self._last, self._number = first, last, number
        self._lock = threading.Lock()

    def check(self) -> None:
        with self._lock:
            self.steps += 1
            if self._first <= self.steps <= self._last:
                raise OSError(self._number, os.strerror(self._number))

    def wrap(self, real: Callable) -> Callable:
        def step(*args: object, **kwargs: object) -> object:
            self.check()
            return real(*args, **kwargs)

        return step

    def wrap_mkdir(self, real: Callable) -> Callable:
        def step(path: Path, *args: object, **kwargs: object) -> None:
            if not os.path.lexists(path):  # else the system's refusal is of no matter
                self.check()
            real(path, *args, **kwargs)

        return step

    def wrap_open(self, real: Callable) -> Callable:
        def step(path: object, flags: int, *args: object, **kwargs: object) -> object:
            if flags & os.O_CREAT:
                self.check()
            return real(path, flags, *args, **kwargs)

        return step


@contextmanager
def refusing(*, first: int, last: float = float("inf"), number: int = errno.ENOSPC) -> Iterator[Refusing]:
    """Let steps that write fail, from one to another."""
    system = Refusing(first=first, last=last, number=number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tilepack.disk.groups.MOST_TOGETHER", 1)  # else the number of steps is another in every run
        for name in WRITES:
            if name == "syncfs":
                patch.setattr(durable, "_sync_file_system", system.wrap(durable._sync_file_system))
            elif hasattr(os, name):
                wrap = {"open": system.wrap_open, "mkdir": system.wrap_mkdir}.get(name, system.wrap)
                patch.setattr(os, name, wrap(getattr(os, name)))
        yield system


class Killed(BaseException):
    """The process is gone: nothing is cleared up."""


def import_and_die(source: Path, target: Path, *, renames: int, **options: object) -> None:
    """Import into a folder, and end in front of a rename, counted from 0, as a process does that is killed."""
    done = 0
    is_dead = False
    add, publish = Journal.add, FolderUpdate.publish

    def rename(source: Path, target: Path) -> None:
        nonlocal done, is_dead
        if done == renames:
            is_dead = True
            raise Killed
        done += 1
        durable.rename(source, target)

    def add_alive(journal: Journal, lines: Sequence[JournalLine]) -> None:
        if is_dead:  # threads may begin another bundle before the first one's end is noticed
            raise Killed
        add(journal, lines)

    def publish_at_once(update: FolderUpdate, *args: object, **more: object) -> None:
        publish(update, *args, **more)
        update.settle()  # one bundle after the other, in every run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tilepack.disk.journal.rename", rename)
        patch.setattr(Journal, "add", add_alive)
        patch.setattr(FolderUpdate, "publish", publish_at_once)
        patch.setattr(FolderUpdate, "abort", lambda update: update._lock.release())
        with pytest.raises(Killed):
            tilepack.import_cache(source, target, jobs=1, **options)
