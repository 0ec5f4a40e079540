"""What a process does to the disk, step by step, and what may befall it at one of them.

A step that writes is a call that makes, writes, syncs, names or removes a file. A step that reads is one that takes
bytes of a file below some folder. What befalls a process begins at its Nth step, counted from 1:

===============  =====================================================================================================
``kill``         SIGKILL in front of the step
``half``         half of the step's bytes are written, then SIGKILL
``pause``        SIGSTOP in front of the step
``full``         no space is left, for this step alone
``stays full``   for all that follow
``fails``        this step fails with EIO
``stays bad``    all that follow do
``read-only``    nothing in the folder can be changed from here on
``locked``       nothing in it can be looked at from here on
``locked once``  likewise, until two steps later
``unreadable``   this read fails with EIO
``short``        this read gives half of what was asked
``ends``         this read, and all that follow in the same file, find the file's end
``small``        no file may have more bytes than the step's number; GDAL's own writing is met, too
===============  =====================================================================================================
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tilepack.disk import durable

WRITES = (
    "fsync", "ftruncate", "mkdir", "posix_fallocate", "pwrite", "rename", "replace", "rmdir", "unlink", "write",
)  # fmt: skip
_WITH_BYTES = ("pwrite", "write")
_FILLING = ("fsync", "mkdir", "open", "posix_fallocate", "pwrite", "syncfs", "write")
"""Steps that need room on the disk."""

KILLS = ("kill", "half", "pause")
FULL = ("full", "stays full")
BAD = ("fails", "stays bad")
DENIED = ("read-only", "locked", "locked once")
UNREAD = ("unreadable", "short", "ends")
SMALL = "small"
_LASTING = ("stays full", "stays bad")


class Fault(NamedTuple):
    """What befalls a process, and when."""

    kind: str = "kill"
    step: int | None = None
    """None: never; steps are counted alone."""
    root: str = ""
    """Folder whose rights change, or below which reads are counted."""


NOTHING = Fault()


class Steps:
    """Counts the steps of this process that a fault may befall, and lets it happen."""

    def __init__(self, fault: Fault) -> None:
        self.number = 0
        self.with_bytes: list[int] = []
        self._fault = fault
        self._lock = threading.Lock()
        self._ended: set[str] = set()
        if fault.kind == SMALL:
            if fault.step is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (fault.step, fault.step))
        elif fault.kind in UNREAD:
            self._watch_reads()
        else:
            self._watch_writes()

    # Writing

    def _watch_writes(self) -> None:
        for name in WRITES:
            setattr(os, name, self._writing(name, getattr(os, name)))
        making = os.open

        def opened(path: object, flags: int, *args: object, **kwargs: object) -> int:
            if flags & os.O_CREAT:
                self._step("open")
            return making(path, flags, *args, **kwargs)

        os.open = opened
        durable._sync_file_system = self._writing("syncfs", lambda _: True)
        durable._swap = self._writing("swap", durable._swap)

    def _writing(self, name: str, real: Callable) -> Callable:
        def step(*args: object, **kwargs: object) -> object:
            def write_half() -> None:
                if name in _WITH_BYTES:
                    real(args[0], memoryview(args[1])[: len(args[1]) // 2], *args[2:])

            if name != "mkdir" or not os.path.lexists(args[0]):  # else the system's refusal is of no matter
                self._step(name, write_half)
            # What a process wrote is there when it was killed; only a power failure asks for more.
            return None if name == "fsync" else real(*args, **kwargs)

        return step

    def _step(self, name: str, write_half: Callable[[], object] = lambda: None) -> None:
        kind, fatal = self._fault.kind, self._fault.step
        if kind in FULL and name not in _FILLING:
            return
        with self._lock:
            self.number += 1
            if name in _WITH_BYTES:
                self.with_bytes.append(self.number)
            if fatal is None:
                return
            if kind == "locked once" and self.number == fatal + 2:
                change_rights(Path(self._fault.root), "given back")
            if self.number == fatal or (self.number > fatal and kind in _LASTING):
                self._befall(write_half)

    def _befall(self, write_half: Callable[[], object]) -> None:
        kind = self._fault.kind
        if kind == "half":
            write_half()
        if kind in KILLS:
            os.kill(os.getpid(), signal.SIGSTOP if kind == "pause" else signal.SIGKILL)
        elif kind in DENIED:
            change_rights(Path(self._fault.root), kind)
        else:
            number = errno.ENOSPC if kind in FULL else errno.EIO
            raise OSError(number, os.strerror(number))

    # Reading

    def _watch_reads(self) -> None:
        pread, preadv, read = os.pread, os.preadv, os.read
        os.pread = lambda file, size, at: self._given(file, size, lambda most: pread(file, most, at))
        os.read = lambda file, size: self._given(file, size, lambda most: read(file, most))

        def read_into(file: int, buffers: list[memoryview], at: int) -> int:
            (buffer,) = buffers
            return len(self._given(file, len(buffer), lambda most: _Count(preadv(file, [buffer[:most]], at))))

        os.preadv = read_into
        watch = self

        class Watched(io.FileIO):
            """A file as Python's own open gives it."""

            def readinto(self, buffer: memoryview) -> int:
                view = memoryview(buffer).cast("B")
                return len(
                    watch._given(
                        self.fileno(), len(view), lambda most: _Count(io.FileIO.readinto(self, view[:most]) or 0)
                    )
                )

            def readall(self) -> bytes:
                found = b""
                while more := watch._given(self.fileno(), 1 << 20, lambda most: io.FileIO.read(self, most) or b""):
                    found += more
                return found

        opening = io.open

        def opened(file: object, mode: str = "r", *args: object, **kwargs: object) -> object:
            if mode == "rb" and not args and not kwargs.keys() - {"buffering"}:
                return io.BufferedReader(Watched(file, "r"))
            return opening(file, mode, *args, **kwargs)

        io.open = builtins.open = opened

    def _given(self, file: int, size: int, read: Callable[[int], bytes | _Count]) -> bytes | _Count:
        """Read as many bytes as the fault lets through."""
        path = str(Path(f"/proc/self/fd/{file}").readlink())
        if not (path == self._fault.root or path.startswith(f"{self._fault.root}/")):
            return read(size)
        with self._lock:
            self.number += 1
            is_now = self.number == self._fault.step
            if is_now and self._fault.kind == "ends":
                self._ended.add(path)
            has_ended = path in self._ended
        if is_now and self._fault.kind == "unreadable":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if has_ended:
            return read(0)
        return read(max(1, size // 2) if is_now and self._fault.kind == "short" else size)


class _Count(int):
    """Number of bytes that are in a buffer already."""

    def __len__(self) -> int:
        return int(self)


def change_rights(folder: Path, kind: str) -> None:
    """Take its owner's rights in a folder away, or give them back."""
    whole = {"read-only": (0o555, 0o444), "given back": (0o755, 0o644)}.get(kind, (0, 0))
    is_given = kind == "given back"
    if is_given:
        folder.chmod(whole[0])
    for parent, folders, files in os.walk(folder, topdown=is_given):  # what is locked cannot be walked through
        for names, bits in ((files, whole[1]), (folders, whole[0])):
            for name in names:
                Path(parent, name).chmod(bits)
    if not is_given:
        folder.chmod(whole[0])
