"""A tree of named files to read from: a folder, or the inside of a package."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple, Protocol

from tilepack.disk.files import ByteRange, PositionedFile, explained
from tilepack.errors import BundleError, CacheNotFoundError, MetadataError, TransferError

LARGEST_DOCUMENT = 16 << 20
"""Bytes up to which a document (conf.xml, root.json, ...) is read: 16 MiB."""

_PLAIN = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""O_NONBLOCK: opening a named pipe that someone put in a cache must not wait for its writer."""


class Entry(NamedTuple):
    """One thing in a folder."""

    name: str
    is_folder: bool


class Stamp(NamedTuple):
    """What tells, from outside, whether a file is still the same."""

    size: int
    """Bytes."""
    mark: int
    """When it was last changed, nanoseconds since 1970; in packages its CRC-32, as their directory claims it."""


class Tree(Protocol):
    """Files under names joined by ``/``, relative to the tree's root; ``""`` is the root."""

    place: str
    """What to call the tree in messages."""

    def entries(self, folder: str) -> list[Entry]:
        """List a folder, sorted by name.

        Raises:
            CacheNotFoundError: There is no such folder.
        """

    def leads_back(self, path: str) -> bool:
        """Tell whether a folder is a link to itself or to one above it."""

    def size(self, path: str) -> int:
        """Give a file's bytes."""

    def identity(self, path: str) -> object:
        """Give something that changes when another file comes to stand at a path; None while there is none."""

    def modified(self, path: str) -> float | None:
        """Give the time, seconds since 1970, at which a file was last changed; None where that is not known."""

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Tell of each file in a folder, by name, what changes with it; none is opened.

        Raises:
            CacheNotFoundError: There is no such folder.
        """

    def read_document(self, path: str) -> bytes:
        """Give a whole file of at most 16 MiB.

        Raises:
            MetadataError: It is larger.
        """

    def open(self, path: str) -> ByteRange:
        """Open a file to read at positions; the caller closes it."""

    def read_start(self, path: str, buffer: memoryview) -> int:
        """Fill a buffer from a file's start, as far as the file goes.

        Returns:
            The file's bytes.
        """

    def close(self) -> None:
        """Close what is open."""


def below(folder: str, name: str) -> str:
    """Join a folder of a tree and a name in it."""
    return f"{folder}/{name}" if folder else name


def find_entry(tree: Tree, folder: str, name: str, *, is_folder: bool = False) -> str | None:
    """Find a name in a folder in any case; the exact one first.

    Returns:
        The path in the tree, or None.
    """
    matches = [
        entry.name
        for entry in tree.entries(folder)
        if entry.name.lower() == name.lower() and entry.is_folder == is_folder
    ]
    if not matches:
        return None
    return below(folder, name if name in matches else matches[0])


class FolderTree:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = str(root)

    def _path(self, path: str) -> Path:
        return self.root / path if path else self.root

    def entries(self, folder: str) -> list[Entry]:
        """List a folder, sorted by name.

        Raises:
            CacheNotFoundError: There is no such folder.
            TransferError: It cannot be listed.
        """
        place = self._path(folder)
        with explained("list the folder", place):
            try:
                with os.scandir(place) as found:
                    return sorted(Entry(entry.name, _is_folder(entry)) for entry in found)
            except (FileNotFoundError, NotADirectoryError):
                raise CacheNotFoundError(f"{place}: there is no such folder; check the path") from None

    def leads_back(self, path: str) -> bool:
        """Tell whether a folder is a link to itself or to one above it, so that whoever goes down never arrives."""
        place = self._path(path)
        if not place.is_symlink():
            return False
        there = os.path.realpath(place)
        return Path(os.path.realpath(place.parent)).is_relative_to(there)

    def size(self, path: str) -> int:
        """Give a file's bytes."""
        place = self._path(path)
        with explained("ask for the size", place):
            return place.stat().st_size

    def identity(self, path: str) -> object:
        """Give something that changes when another file comes to stand at a path; None while there is none."""
        try:
            status = self._path(path).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def modified(self, path: str) -> float | None:
        """Give the time, seconds since 1970, at which a file was last changed.

        Raises:
            TransferError: It cannot be told.
        """
        try:
            return os.stat(f"{self.place}/{path}").st_mtime  # noqa: PTH116  reports ask for thousands
        except OSError:
            with explained("ask for the time", self._path(path)):
                raise

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Tell of each file in a folder, by name, what changes with it; none is opened.

        Raises:
            CacheNotFoundError: There is no such folder.
            TransferError: It cannot be listed.
        """
        place = self._path(folder)
        found: dict[str, Stamp] = {}
        with explained("list the folder", place):
            try:
                with os.scandir(place) as entries:
                    for entry in entries:
                        try:
                            status = entry.stat()
                        except FileNotFoundError:  # it went meanwhile, or is a link to nowhere
                            continue
                        if not stat.S_ISDIR(status.st_mode):
                            found[entry.name] = Stamp(status.st_size, status.st_mtime_ns)
            except (FileNotFoundError, NotADirectoryError):
                raise CacheNotFoundError(f"{place}: there is no such folder; check the path") from None
        return found

    def read_document(self, path: str) -> bytes:
        """Give a whole file of at most 16 MiB.

        Raises:
            MetadataError: It is larger.
        """
        with self.open(path) as document:
            if document.size > LARGEST_DOCUMENT:
                raise too_large(document.place, document.size)
            return document.read(document.size, 0)

    def open(self, path: str) -> ByteRange:
        """Open a file to read at positions.

        Raises:
            BundleError: It is no plain file.
            TransferError: It cannot be opened.
        """
        place = self._path(path)
        with explained("open the file", place):
            descriptor = os.open(place, os.O_RDONLY | _PLAIN)
            status = os.fstat(descriptor)
        file = PositionedFile(place, descriptor=descriptor)
        if not stat.S_ISREG(status.st_mode):
            file.close()
            raise BundleError(f"{place}: is no plain file; remove it or put the file back")
        return ByteRange(file, 0, status.st_size, str(place), owned=True)

    def read_start(self, path: str, buffer: memoryview) -> int:
        """Fill a buffer from a file's start, as far as the file goes: the quick way when nothing else is wanted.

        Returns:
            The file's bytes.

        Raises:
            BundleError: It is no plain file.
            TransferError: It cannot be read.
        """
        if not hasattr(os, "preadv"):
            return read_start(self, path, buffer)
        try:
            descriptor = os.open(f"{self.place}/{path}", os.O_RDONLY | _PLAIN)
            try:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode):
                    count = os.preadv(descriptor, [buffer], 0)
                    if count == min(len(buffer), status.st_size):
                        return status.st_size
            finally:
                os.close(descriptor)
        except OSError:
            pass  # the long way says what is wrong
        return read_start(self, path, buffer)

    def close(self) -> None:
        """Nothing is kept open."""


def read_start(tree: Tree, path: str, buffer: memoryview) -> int:
    """Fill a buffer from a file's start, as far as the file goes.

    Returns:
        The file's bytes.
    """
    with tree.open(path) as file:
        file.read_into(buffer[: min(len(buffer), file.size)], 0)
        return file.size


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        raise TransferError(
            f"{entry.path}: cannot follow the link: {error.strerror}; remove it or let it lead somewhere"
        ) from error


def too_large(place: str, size: int) -> MetadataError:
    """Make the error for a document beyond any sensible size."""
    return MetadataError(
        f"{place}: has {size} bytes; documents of a cache have at most {LARGEST_DOCUMENT}, put "
        f"the right one in its place"
    )
