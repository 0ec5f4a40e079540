"""A folder that exists, and of which files are replaced: each bundle in one step, all of them or as many as were done.

A file grows as ``NAME.partial`` beside the one it replaces, which stays until the new one is complete and on the disk.
Then the journal is told, and the files of the bundle are renamed; the documents likewise, last. One writer at a time,
by ``tilepack.lock``.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tilepack.disk.durable import is_there, remove, rename, sync_files, sync_folder
from tilepack.disk.files import PositionedFile, explained
from tilepack.disk.groups import GroupWorker
from tilepack.disk.journal import PARTIAL, Digest, Journal, JournalLine, is_partial, leads_out, name_files
from tilepack.disk.locking import FOLDER_LOCK, WriterLock, refuse_foreign_locks
from tilepack.disk.sinks import Sink, write_at_once
from tilepack.errors import TransferError
from tilepack.wording import counted

DOCUMENTS: Final = "documents"
"""What the journal calls the bundle of the documents."""

_INDEX: Final = ".bundlx"


class FolderUpdate:
    """A folder whose files are replaced bundle by bundle. Different bundles may be written by different threads."""

    def __init__(
        self,
        root: Path,
        tiles_folders: Sequence[str],
        documents: Sequence[str],
        *,
        fingerprint: str,
        work: str,
        force: bool,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Take the folder, and take up what a killed run left in it.

        Args:
            root: The folder.
            tiles_folders: Paths below it of the folders that hold bundles, or rows of tiles.
            documents: Paths below it of the documents that may be replaced.
            fingerprint: Of the work; a run that was stopped is only taken up by the same.
            work: What is done, for people who find the journal.
            force: Whether lock files of other programs are passed over.
            versions: What is brought into bundles, by name; a stopped run has done those where it brought in the same.

        Raises:
            TransferError: Another writer is at work, or the folder cannot be written to, or another work was stopped
                in it and is to be finished first, or a folder in it lies elsewhere.
        """
        self.root = root
        self._folders = [root / folder for folder in tiles_folders]
        self._documents = documents
        self._fingerprint = fingerprint
        self._work = work
        self._versions = versions or {}
        self._staged: dict[str, Digest] = {}
        self._touched: set[Path] = set()
        self._made: set[Path] = set()
        self._new: list[Path] = []
        self._mutex = threading.Lock()
        self._syncing, self._naming = self._workers()
        for folder in self._folders:
            self._refuse_link(folder)
        self._lock = WriterLock(root / FOLDER_LOCK, root)
        try:
            if not force:
                above = {folder.parent for folder in self._folders}
                refuse_foreign_locks(sorted({root, *above, *self._folders}), self._lock.path)
            self._journal = self._take_up()
        except BaseException:
            self._lock.release()
            raise

    def _refuse_link(self, folder: Path) -> None:
        if leads_out(self.root, folder):
            raise TransferError(
                f"{folder}: is a link to {os.path.realpath(folder)}, outside the cache; nothing is written there, put "
                f"the folder in its place"
            )

    def _take_up(self) -> Journal | None:
        """Finish what a killed run had begun to rename, and clear away what it had not completed."""
        journal = Journal.open(self.root)
        if journal is None:
            for folder in self._folders:
                _name_waiting_indexes(folder)
            return None
        journal.roll_forward()
        for folder in self._folders:
            _sweep(folder)
        for path in self._documents:
            remove(self.root / (path + PARTIAL))
        if journal.lines and journal.fingerprint != self._fingerprint:
            bundles = len(journal.lines.keys() - {DOCUMENTS})
            raise TransferError(
                f"{self.root}: was left in the middle of {journal.work}, with {counted(bundles, 'bundle')} done; run "
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
        return self._journal is not None and self._journal.is_done(bundle, self._versions.get(bundle, ""))

    def reserve(self, path: str, size: int | None) -> None:
        """Files of a folder need no place beforehand."""

    def cancel(self, path: str) -> None:
        """Files of a folder need no place beforehand."""

    def make_folder(self, path: str) -> None:
        """Make a folder, with those above it; one that is there stays.

        Raises:
            TransferError: It cannot be made, or is a link that leads out of the folder.
        """
        folder = self.root / path
        if folder in self._made:
            return
        self._refuse_link(folder)
        above = (folder, *folder.parents[: len(folder.relative_to(self.root).parts)])
        new = [place for place in above if not is_there(place)]
        with explained("make the folder", folder):
            folder.mkdir(parents=True, exist_ok=True)
        with self._mutex:
            self._new += reversed(new)
            self._made.add(folder)

    def create(self, path: str, size: int | None) -> Sink:
        """Begin a file that will have exactly so many bytes, or as many as are written, beside the one it replaces.

        Raises:
            TransferError: The disk is full, or the file cannot be made.
        """
        self._begin()
        self.make_folder(path.rpartition("/")[0])
        place = self.root / (path + PARTIAL)
        if is_there(place):  # what a run left that got no further than its journal's first line
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
        write_at_once(self.create(path, len(data)), data)

    def publish(self, bundle: str, files: Sequence[str], gone: Sequence[str] = ()) -> None:
        """Hand the complete files of a bundle over to be given their names, in this order; those that go are removed.

        That is done in a while, for several bundles at once, for the disk takes as long for one as for many; ``commit``
        waits for it.

        Args:
            bundle: What the journal is to call it.
            files: Paths below the folder.
            gone: Likewise.

        Raises:
            TransferError: The disk is full, or failed, or someone keeps a file open (Windows): here, or before.
        """
        self._begin()
        for path in gone:
            self._refuse_link((self.root / path).parent)
        with self._mutex:
            digests = {path: self._staged[path] for path in files}
        line = JournalLine(bundle, digests, tuple(gone), self._versions.get(bundle, ""))
        self._syncing.hand_over(line, sum(digest.size for digest in digests.values()))

    def _sync(self, lines: Sequence[JournalLine]) -> None:
        """Wait until the files of some bundles are on the disk, and tell the journal."""
        sync_files([self.root / (path + PARTIAL) for line in lines for path in line.files])
        with self._mutex:
            if self._journal is not None:
                self._journal.add(lines)
            # From here on they are the journal's, and wait for their names whatever happens.
            for path in (path for line in lines for path in line.files):
                del self._staged[path]
            for path in (path for line in lines for path in (*line.files, *line.gone)):
                place = self.root / path
                self._touched.update(place.parents[: len(place.relative_to(self.root).parts)])
        for line in lines:
            self._naming.hand_over(line, 0)

    def _name(self, lines: Sequence[JournalLine]) -> None:
        """Give files their names; while a large old file goes, the next ones are synced."""
        for line in lines:
            name_files(self.root, line)

    def give_up(self, files: Sequence[str]) -> None:
        """Throw complete files away that were not published; an index before its bundle, lest the pair look begun."""
        for path in reversed(files):
            self._staged.pop(path, None)
            remove(self.root / (path + PARTIAL))

    def commit(self, documents: Sequence[str] = ()) -> None:
        """Let the documents that were written take the places of those there are, and end the journal.

        When that is done, every name is on the disk.

        Args:
            documents: Their paths, in the order in which they are named.

        Raises:
            TransferError: The disk failed.
        """
        self.settle()
        if documents:  # when all bundles have their names
            self.publish(DOCUMENTS, documents)
            self.settle()
        for folder in sorted(self._touched, reverse=True):
            sync_folder(folder)
        if self._journal is not None:
            self._journal.end()
        self._leave()

    def abort(self) -> None:
        """Throw away what was not published; the journal stays if a bundle was replaced, for the same work to go on."""
        try:
            for worker in (self._syncing, self._naming):
                with contextlib.suppress(TransferError):  # whoever comes next rolls forward what the journal holds
                    worker.finish()
            self.give_up(list(self._staged))
            if self._journal is not None and not self._journal.lines:
                self._journal.end()
        finally:
            self._leave()

    def _workers(self) -> tuple[GroupWorker[JournalLine], GroupWorker[JournalLine]]:
        return GroupWorker(self._sync, "tilepack-sync"), GroupWorker(self._name, "tilepack-name")

    def settle(self) -> None:
        """Wait until all that was handed over has its name.

        Raises:
            TransferError: The disk failed.
        """
        self._syncing.finish()
        self._naming.finish()
        self._syncing, self._naming = self._workers()

    def _leave(self) -> None:
        """Remove the folders that were made in vain, and let others write."""
        for folder in reversed(self._new):
            with contextlib.suppress(OSError):  # it holds what it was made for
                folder.rmdir()
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
        found += [Path(parent, name) for name in names if is_partial(name)]
    for path in sorted(found, key=lambda path: (not path.name.lower().endswith(_INDEX + PARTIAL), path)):
        remove(path)


def _name_waiting_indexes(folder: Path) -> None:
    """Name the indexes of V1 in a folder whose bundles have their names.

    That is how a killed run may leave a pair, and how tilepack's readers take it. Without a journal it is not in order:
    someone took that away. But the bundle that comes next would lose its index if that were cleared away.
    """
    with explained("list the folder", folder):
        names = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208  names alone
    for name in sorted(name for name in names if name.lower().endswith(_INDEX + PARTIAL) and is_partial(name)):
        index = name[: -len(PARTIAL)]
        bundles = {other for other in names if other.lower() == index[: -len(_INDEX)].lower() + ".bundle"}
        if bundles and not any(bundle + PARTIAL in names for bundle in bundles):
            rename(folder / name, folder / index)
