"""A folder that exists, and of which files are replaced: each bundle in one step, all of them or as many as were done.

A file grows as ``NAME.partial`` beside the one it replaces, which stays until the new one is complete and on the disk.
Then the journal is told, and the files of the bundle are renamed. One writer at a time, by ``tilepack.lock``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from zlib_ng import zlib_ng

from tilepack.disk.durable import remove, rename, sync_files, sync_folder
from tilepack.disk.files import PositionedFile, Sink, explained
from tilepack.disk.journal import PARTIAL, Digest, Journal, JournalLine, name_files
from tilepack.disk.locking import WriterLock, refuse_foreign_locks
from tilepack.errors import TransferError

LOCK: Final = "tilepack.lock"


class FolderUpdate:
    """A folder whose files are replaced bundle by bundle. Different bundles may be written by different threads."""

    def __init__(self, root: Path, tiles_folders: Sequence[str], *, fingerprint: str, work: str, force: bool) -> None:
        """Take the folder, and take up what a killed run left in it.

        Args:
            root: The folder.
            tiles_folders: Paths below it of the folders that hold bundles, or rows of tiles.
            fingerprint: Of the work; a run that was stopped is only taken up by the same.
            work: What is done, for people who find the journal.
            force: Whether lock files of other programs are passed over.

        Raises:
            TransferError: Another writer is at work, or the folder cannot be written to, or another work was stopped
                in it and is to be finished first.
        """
        self.root = root
        self._folders = [root / folder for folder in tiles_folders]
        self._fingerprint = fingerprint
        self._work = work
        self.versions: Mapping[str, str] = {}
        """What is brought into a bundle, by its name: a stopped run has only done it where it brought in the same."""
        self._staged: dict[str, Digest] = {}
        self._touched: set[Path] = set()
        self._made: set[Path] = set()
        self._mutex = threading.Lock()
        self._lock = WriterLock(root / LOCK, root)
        try:
            if not force:
                above = {folder.parent for folder in self._folders}
                refuse_foreign_locks(sorted({root, *above, *self._folders}), self._lock.path)
            self._journal = self._take_up()
        except BaseException:
            self._lock.release()
            raise

    def _take_up(self) -> Journal | None:
        """Finish what a killed run had begun to rename, and clear away what it had not completed."""
        journal = Journal.open(self.root)
        if journal is None:
            return None
        journal.roll_forward()
        for folder in self._folders:
            _sweep(folder)
        if journal.lines and journal.fingerprint != self._fingerprint:
            raise TransferError(
                f"{self.root}: was left in the middle of {journal.work}, with {len(journal.lines)} bundles done; run "
                f"the same again to finish it, or remove {journal.path.name} to leave it at that"
            )
        if not journal.lines:
            journal.end()
            return None
        return journal

    @property
    def is_begun(self) -> bool:
        """Whether a bundle was replaced, by this run or by the one that it takes up."""
        return self._journal is not None and bool(self._journal.lines)

    def is_done(self, bundle: str) -> bool:
        """Tell whether the run that is taken up has replaced a bundle, and nobody has since.

        Raises:
            TransferError: Its files cannot be read.
        """
        return self._journal is not None and self._journal.is_done(self._named(bundle))

    def _named(self, bundle: str) -> str:
        return f"{bundle} {self.versions[bundle]}" if bundle in self.versions else bundle

    def reserve(self, path: str, size: int | None) -> None:
        """Files of a folder need no place beforehand."""

    def cancel(self, path: str) -> None:
        """Files of a folder need no place beforehand."""

    def make_folder(self, path: str) -> None:
        """Make a folder, with those above it; one that is there stays.

        Raises:
            TransferError: It cannot be made.
        """
        folder = self.root / path
        if folder not in self._made:
            with explained("make the folder", folder):
                folder.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)

    def create(self, path: str, size: int | None) -> Sink:
        """Begin a file that will have exactly so many bytes, or as many as are written, beside the one it replaces.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        self._begin()
        self.make_folder(path.rpartition("/")[0])
        place = self.root / (path + PARTIAL)
        if os.path.lexists(place):  # what a run left that got no further than its journal's first line
            remove(place)
        file = PositionedFile(place, writable=True)
        try:
            file.allocate(size or 0)
        except BaseException:
            file.close()
            remove(place)
            raise
        return _PartialSink(self, path, file)

    def _begin(self) -> None:
        with self._mutex:
            if self._journal is None:
                self._journal = Journal.begin(self.root, self._fingerprint, self._work)

    def stage(self, path: str, digest: Digest) -> None:
        """Take note of a file that is complete."""
        with self._mutex:
            self._staged[path] = digest

    def write_document(self, path: str, data: bytes) -> None:
        """Write a small file beside the one it replaces, as part of a bundle.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        sink = self.create(path, len(data))
        try:
            sink.write(data, 0)
            sink.close(zlib_ng.crc32(data))
        except BaseException:
            sink.abandon()
            raise

    def publish(self, bundle: str, files: Sequence[str], gone: Sequence[str] = ()) -> None:
        """Give the complete files of a bundle their names, in this order, and remove those that go.

        Raises:
            TransferError: The disk is full, or failed, or someone keeps a file open (Windows).
        """
        self._begin()
        sync_files([self.root / (path + PARTIAL) for path in files])
        with self._mutex:
            line = JournalLine(self._named(bundle), {path: self._staged.pop(path) for path in files}, tuple(gone))
            if self._journal is not None:
                self._journal.add(line)
            self._touched.update((self.root / path).parent for path in (*files, *gone))
        name_files(self.root, line)

    def give_up(self, files: Sequence[str]) -> None:
        """Throw complete files away that were not published; an index before its bundle, lest the pair look begun."""
        for path in reversed(files):
            self._staged.pop(path, None)
            remove(self.root / (path + PARTIAL))

    def replace_document(self, path: str, data: bytes) -> None:
        """Write a small file, and let it take the place of the one there is in one step.

        Raises:
            TransferError: The disk is full, or failed.
        """
        place = self.root / path
        partial = place.with_name(place.name + PARTIAL)
        with explained("write", partial), partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        rename(partial, place)
        self._touched.add(place.parent)

    def commit(self, documents: Sequence[str] = ()) -> None:
        """Wait until every name is on the disk, and end the journal.

        Args:
            documents: Of no matter in a folder.

        Raises:
            TransferError: The disk failed.
        """
        del documents
        for folder in sorted(self._touched):
            sync_folder(folder)
        if self._journal is not None:
            self._journal.end()
        self._lock.release()

    def abort(self) -> None:
        """Throw away what is not complete; the journal stays if a bundle was replaced, for the same work to go on."""
        try:
            self.give_up(list(self._staged))
            if self._journal is not None and not self._journal.lines:
                self._journal.end()
        finally:
            self._lock.release()


class _PartialSink:
    """A file that grows beside the one it replaces."""

    alignment = 0
    needs_crc = True

    def __init__(self, update: FolderUpdate, path: str, file: PositionedFile) -> None:
        self.place = file.path
        self._update = update
        self._path = path
        self._file = file

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        self._file.write(data, position)

    def close(self, crc: int = 0) -> None:
        size = self._file.size()
        self._file.close()
        self._update.stage(self._path, Digest(size, crc))

    def abandon(self) -> None:
        self._file.close()
        remove(Path(self.place))


def _sweep(folder: Path) -> None:
    """Remove files that were not completed, below a folder; an index before its bundle, so that no pair looks begun."""
    found = []
    for parent, _, names in os.walk(folder):
        found += [Path(parent, name) for name in names if name.endswith(PARTIAL)]
    for path in sorted(found, key=lambda path: (not path.name.lower().endswith(".bundlx" + PARTIAL), path)):
        remove(path)
