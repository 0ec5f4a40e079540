"""What a new target is filled through: a folder, or a package."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from zlib_ng import zlib_ng

from tilepack.disk.durable import sync_tree
from tilepack.disk.files import PositionedFile, Sink, explained
from tilepack.disk.staging import Staging
from tilepack.errors import TransferError
from tilepack.formats.stored_zip import (
    Member,
    dos_time,
    format_directory,
    format_local_header,
    local_header_size,
)

_EPOCH_DIGITS: Final = 11
"""Digits of a time: up to the year 5138, and still what a system can turn into a date."""


class Container(Protocol):
    """A new folder or package. Nothing stands under its name before ``commit``."""

    def reserve(self, path: str, size: int) -> None:
        """Announce a file with its bytes; packages are laid out in the order of these calls."""

    def make_folder(self, path: str) -> None:
        """Make a folder, with those above it, though it may stay empty; one that is there stays."""

    def create(self, path: str, size: int) -> Sink:
        """Begin a file that will have exactly so many bytes. Different files may be written by different threads."""

    def write_document(self, path: str, data: bytes) -> None:
        """Write a small file at once."""

    def commit(self, documents: Sequence[str]) -> None:
        """Let the container appear under its name.

        Args:
            documents: Files that come first in a package's directory, in this order.
        """

    def abort(self) -> None:
        """Throw all of it away."""


class _FileSink:
    """A file of a folder, being written."""

    alignment = 0
    needs_crc = False

    def __init__(self, file: PositionedFile) -> None:
        self.place = file.path
        self._file = file

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        self._file.write(data, position)

    def close(self, crc: int = 0) -> None:
        del crc
        self._file.close()

    abandon = close


class FolderContainer:
    """A new folder."""

    def __init__(self, target: Path, *, replace: bool) -> None:
        """Take the target's name.

        Raises:
            CacheExistsError: The target exists and is not to be replaced.
            TransferError: Another writer is at work, or the folder cannot be made.
        """
        self._staging = Staging(target, replace=replace)
        self.root = self._staging.partial
        self._made: set[Path] = set()
        try:
            self._folder(self.root)
        except BaseException:
            self._staging.discard()
            raise

    def _folder(self, folder: Path) -> None:
        if folder not in self._made:
            with explained("make the folder", folder):
                folder.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)

    def reserve(self, path: str, size: int) -> None:
        """Files of a folder need no place beforehand."""

    def make_folder(self, path: str) -> None:
        """Make a folder, with those above it; one that is there stays.

        Raises:
            TransferError: It cannot be made.
        """
        self._folder(self.root / path)

    def create(self, path: str, size: int) -> Sink:
        """Begin a file that will have exactly so many bytes.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        place = self.root / path
        self._folder(place.parent)
        file = PositionedFile(place, writable=True)
        try:
            file.allocate(size)
        except BaseException:
            file.close()
            raise
        return _FileSink(file)

    def write_document(self, path: str, data: bytes) -> None:
        """Write a small file at once.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        sink = self.create(path, len(data))
        try:
            sink.write(data, 0)
        finally:
            sink.close()

    def commit(self, documents: Sequence[str]) -> None:
        """Sync everything once, then rename the folder."""
        del documents
        sync_tree(self.root)
        self._staging.publish()

    def abort(self) -> None:
        """Throw all of it away."""
        self._staging.discard()


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


class PackageContainer:
    """A new package: a ZIP whose members are all stored, each at a place known beforehand."""

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
        self._finished: dict[str, Member] = {}
        self._lock = threading.Lock()
        try:
            self.file = PositionedFile(self._staging.partial, writable=True)
        except BaseException:
            self._staging.discard()
            raise

    def reserve(self, path: str, size: int) -> None:
        """Give a member its place behind those before; folders above it get their entries first."""
        if "/" in path:
            self.make_folder(path.rpartition("/")[0])
        self._reserved[path] = self._place(path, size)

    def make_folder(self, path: str) -> None:
        """Give a folder its entry, behind those of the folders above it; one that is there stays."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth]) + "/"
            if folder not in self._finished:
                self._finished[folder] = self._place(folder, 0)

    def _place(self, name: str, size: int) -> Member:
        member = Member(name, self._end, size, 0)
        self._end += local_header_size(name, size) + size
        return member

    def create(self, path: str, size: int) -> Sink:
        """Begin a member that will have exactly so many bytes.

        Raises:
            TransferError: It was announced with another size, or the disk is full.
        """
        with self._lock:
            if path not in self._reserved:
                self.reserve(path, size)
            member = self._reserved[path]
            if self._end > self._allocated:
                self.file.allocate(self._end)
                self._allocated = self._end
        if member.size != size:
            raise TransferError(
                f"{self.place}/{path}: has {size} bytes, and had {member.size} when the work was planned; the source "
                f"changed meanwhile, start again"
            )
        return _MemberSink(self, path, member.offset + local_header_size(path, size), size)

    def finish(self, path: str, crc: int) -> None:
        """Write the local header of a member whose bytes are complete."""
        with self._lock:
            reserved = self._reserved.pop(path)
            member = Member(path, reserved.offset, reserved.size, crc)
            self._finished[path] = member
        self.file.write(format_local_header(member, self._moment), member.offset)

    def write_document(self, path: str, data: bytes) -> None:
        """Write a small member at once.

        Raises:
            TransferError: The disk is full.
        """
        sink = self.create(path, len(data))
        sink.write(data, 0)
        sink.close(zlib_ng.crc32(data))

    def commit(self, documents: Sequence[str]) -> None:
        """Write the directory, sync, and rename the package.

        Raises:
            TransferError: A member that was announced never came, or the disk failed.
        """
        if self._reserved:
            raise TransferError(f"{self.place}/{next(iter(self._reserved))}: was announced and never written")
        for member in self._finished.values():
            if member.is_folder:
                self.file.write(format_local_header(member, self._moment), member.offset)
        first = [self._finished[path] for path in documents]
        shown = set(documents)
        rest = sorted((m for m in self._finished.values() if m.name not in shown), key=lambda m: m.offset)
        directory = format_directory(first + rest, self._end, self._moment)
        self.file.write(directory, self._end)
        self.file.truncate(self._end + len(directory))
        self.file.sync()
        self.file.close()
        self._staging.publish()

    def abort(self) -> None:
        """Throw all of it away."""
        self.file.close()
        self._staging.discard()


def creation_time() -> int | None:
    """Give the time to write into documents: SOURCE_DATE_EPOCH, or None, so that the same input gives the same bytes.

    Raises:
        TransferError: SOURCE_DATE_EPOCH is set to no whole number of seconds.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _EPOCH_DIGITS):
        raise TransferError(f"SOURCE_DATE_EPOCH is {text!r}; it counts whole seconds since 1970")
    return int(text)
