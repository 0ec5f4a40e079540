"""A new package being filled: a ZIP whose members are all stored, written by position from many threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tilepack.disk.files import PositionedFile, nameless_file
from tilepack.disk.member_table import MemberTable
from tilepack.disk.sinks import Sink, write_at_once
from tilepack.disk.staging import Staging
from tilepack.errors import TransferError
from tilepack.formats.stored_zip import (
    Member,
    dos_time,
    format_directory,
    format_local_header,
    local_header_size,
)

_PIECE: Final = 1 << 20
"""Bytes moved at once from a spool into the package."""


_STEP: Final = 1 << 20
"""Bytes by which the disk is asked for space: once for each of many small members it would take most of the time."""


class _MemberSink:
    """A member of a package, being written at its place."""

    needs_crc = True

    def __init__(self, package: PackageContainer, path: str, start: int, size: int) -> None:
        self.place = f"{package.place}/{path}"
        self.alignment = start
        self._package = package
        self._path = path
        self._size = size

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        if position + len(data) > self._size:
            raise TransferError(f"{self.place}: outgrows its {self._size} bytes; the source changed while it was read")
        self._package.file.write(data, self.alignment + position)

    def close(self, crc: int = 0) -> None:
        self._package.finish(self._path, crc)

    def abandon(self) -> None:
        """Nothing to close: the package is thrown away as a whole."""


class _SpooledSink:
    """A member whose size is known last: it waits in a nameless file for its place in the package."""

    alignment = 0
    needs_crc = True

    def __init__(self, package: PackageContainer, path: str, spool: PositionedFile) -> None:
        self.place = f"{package.place}/{path}"
        self._package = package
        self._path = path
        self._spool = spool

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        self._spool.write(data, position)

    def close(self, crc: int = 0) -> None:
        self._package.settle(self._path, _Spooled(self._spool, 0, self._spool.size(), crc))

    def abandon(self) -> None:
        self._spool.close()


class _Spooled(NamedTuple):
    """A member that waits for its place."""

    file: PositionedFile
    start: int
    """Its first byte in the file."""
    size: int
    crc: int

    def move(self, target: PositionedFile, at: int) -> None:
        """Copy its bytes to a position of another file.

        Raises:
            TransferError: Reading or writing failed, or not all that was written is there.
        """
        for done in range(0, self.size, _PIECE):
            piece = self.file.read_back(min(_PIECE, self.size - done), self.start + done)
            target.write(piece, at + done)


class PackageContainer:
    """A new package: a ZIP whose members are all stored.

    Members of known size have their places beforehand, and are written there by any thread. The others follow behind,
    in the order in which they were announced.
    """

    def __init__(self, target: Path, *, replace: bool, created: int | None) -> None:
        """Take the target's name.

        Args:
            target: The package.
            replace: Whether it may exist.
            created: Time of all members, seconds since 1970, UTC; None for the first that a ZIP knows.

        Raises:
            CacheExistsError: The target exists and is not to be replaced.
            TransferError: Another writer is at work, or the file cannot be made.
        """
        self._staging = Staging(target, replace=replace)
        self.place = str(target)
        self._moment = dos_time(created)
        self._end = 0
        self._allocated = 0
        self._reserved: dict[str, Member] = {}
        self._finished = MemberTable()
        self._folders: set[str] = set()
        # A plain dict walks over all that were taken from its front, each time that it is asked for the first.
        self._later: OrderedDict[str, _Spooled | None] = OrderedDict()
        self._aside: PositionedFile | None = None
        self._aside_end = 0
        self._lock = threading.Lock()
        try:
            self.file = PositionedFile(self._staging.partial, writable=True)
        except BaseException:
            self._staging.discard()
            raise

    def reserve(self, path: str, size: int | None) -> None:
        """Give a member its place behind those before; folders above it get their entries first.

        Args:
            path: The member.
            size: Its bytes; None where they are not known yet: it gets its place behind all whose bytes are.
        """
        if size is None:
            self._later[path] = None
            return
        if "/" in path:
            self.make_folder(path.rpartition("/")[0])
        self._reserved[path] = self._place(path, size)

    def cancel(self, path: str) -> None:
        """Take back the announcement of a member whose bytes were not known."""
        with self._lock:
            self._later.pop(path, None)
            self._place_waiting()

    def settle(self, path: str, spooled: _Spooled) -> None:
        """Take over a member whose bytes are complete, and give their places to all that no other has to precede."""
        with self._lock:
            self._later[path] = spooled
            self._place_waiting()
            if self._later.get(path) is spooled:
                self._later[path] = self._set_aside(spooled)

    def _set_aside(self, spooled: _Spooled) -> _Spooled:
        """Let a member wait in one file with all that wait: files of their own would use up the descriptors."""
        if self._aside is None:
            self._aside = self._nameless("members that wait")
        start = self._aside_end
        with spooled.file:
            spooled.move(self._aside, start)
        self._aside_end += spooled.size
        return spooled._replace(file=self._aside, start=start)

    def _place_waiting(self) -> None:
        while self._later:
            path, spooled = next(iter(self._later.items()))
            if spooled is None:
                return
            del self._later[path]
            self.reserve(path, spooled.size)
            member = self._reserved.pop(path)
            placed = Member(path, member.offset, member.size, spooled.crc)
            self._finished.add(placed)
            at = member.offset + local_header_size(path, member.size)
            spooled.move(self.file, at)
            if spooled.file is not self._aside:
                spooled.file.close()
            self.file.write(format_local_header(placed, self._moment), member.offset)

    def make_folder(self, path: str) -> None:
        """Give a folder its entry, behind those of the folders above it; one that is there stays."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth]) + "/"
            if folder not in self._folders:
                self._folders.add(folder)
                self._finished.add(self._place(folder, 0))

    def _place(self, name: str, size: int) -> Member:
        member = Member(name, self._end, size, 0)
        self._end += local_header_size(name, size) + size
        return member

    def create(self, path: str, size: int | None) -> Sink:
        """Begin a member that will have exactly so many bytes; one that was announced without waits for its place.

        Raises:
            TransferError: It was announced with another size, or the disk is full.
        """
        if size is None or path in self._later:
            return _SpooledSink(self, path, self._nameless(path))
        with self._lock:
            if path not in self._reserved:
                self.reserve(path, size)
            member = self._reserved[path]
            if self._end > self._allocated:
                self._allocated = -(-self._end // _STEP) * _STEP
                self.file.allocate(self._allocated)
        if member.size != size:
            raise TransferError(
                f"{self.place}/{path}: has {size} bytes, and had {member.size} when the work was planned; the source "
                f"changed meanwhile, start again"
            )
        return _MemberSink(self, path, member.offset + local_header_size(path, size), size)

    def _nameless(self, path: str) -> PositionedFile:
        """Make a file beside the target that goes when it is closed."""
        return nameless_file(self._staging.partial.parent, f"{self.place}/{path}")

    def finish(self, path: str, crc: int) -> None:
        """Write the local header of a member whose bytes are complete."""
        with self._lock:
            reserved = self._reserved.pop(path)
            member = Member(path, reserved.offset, reserved.size, crc)
            self._finished.add(member)
        self.file.write(format_local_header(member, self._moment), member.offset)

    def write_document(self, path: str, data: bytes) -> None:
        """Write a small member at once.

        Raises:
            TransferError: The disk is full.
        """
        write_at_once(self.create(path, len(data)), data)

    def commit(self, documents: Sequence[str]) -> None:
        """Write the directory, sync, and rename the package.

        Raises:
            TransferError: A member that was announced never came, or the disk failed.
        """
        for missing in (*self._reserved, *self._later):
            raise TransferError(f"{self.place}/{missing}: was announced and never written")
        for member in self._finished.folders():
            self.file.write(format_local_header(member, self._moment), member.offset)
        directory = format_directory(self._finished.in_order(documents), self._end, self._moment)
        self.file.write(directory, self._end)
        self.file.truncate(self._end + len(directory))
        self.file.sync()
        self._close()
        self._staging.publish()

    def abort(self) -> None:
        """Throw all of it away."""
        for spooled in self._later.values():
            if spooled is not None:
                spooled.file.close()
        self._close()
        self._staging.discard()

    def _close(self) -> None:
        if self._aside is not None:
            self._aside.close()
        self.file.close()
