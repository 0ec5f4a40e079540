"""What a new target is filled through: the protocol, and a folder; packages are next door."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from tilepack.disk.durable import sync_tree
from tilepack.disk.files import PositionedFile, explained
from tilepack.disk.sinks import Sink, write_at_once
from tilepack.disk.staging import Staging
from tilepack.errors import TransferError

_EPOCH_DIGITS: Final = 11
"""Digits of a time: up to the year 5138, and still what a system can turn into a date."""


class Container(Protocol):
    """A new folder or package. Nothing stands under its name before ``commit``."""

    def reserve(self, path: str, size: int | None) -> None:
        """Announce a file with its bytes, None where they are not known yet; packages are laid out in this order."""

    def cancel(self, path: str) -> None:
        """Take back the announcement of a file whose bytes were not known: there will be none."""

    def make_folder(self, path: str) -> None:
        """Make a folder, with those above it, though it may stay empty; one that is there stays."""

    def create(self, path: str, size: int | None) -> Sink:
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

    def reserve(self, path: str, size: int | None) -> None:
        """Files of a folder need no place beforehand."""

    def cancel(self, path: str) -> None:
        """Files of a folder need no place beforehand."""

    def make_folder(self, path: str) -> None:
        """Make a folder, with those above it; one that is there stays.

        Raises:
            TransferError: It cannot be made.
        """
        self._folder(self.root / path)

    def create(self, path: str, size: int | None) -> Sink:
        """Begin a file that will have exactly so many bytes, or as many as are written.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        place = self.root / path
        self._folder(place.parent)
        file = PositionedFile(place, writable=True)
        try:
            file.allocate(size or 0)
        except BaseException:
            file.close()
            raise
        return _FileSink(file)

    def write_document(self, path: str, data: bytes) -> None:
        """Write a small file at once.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        write_at_once(self.create(path, len(data)), data)

    def commit(self, documents: Sequence[str]) -> None:
        """Sync everything once, then rename the folder."""
        del documents
        sync_tree(self.root)
        self._staging.publish()

    def abort(self) -> None:
        """Throw all of it away."""
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
