"""Renaming, removing and syncing, so that what stands under a name is whole even after the power fails."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import stat
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tilepack.disk.files import explained

_RETRY_SECONDS: Final = 10.0
"""How long a rename or removal is tried again that Windows refuses because someone has the file open."""
_NOTHING_THERE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_HERE: Final = -100
_SWAP: Final = 2
"""AT_FDCWD of Linux; and RENAME_EXCHANGE, which macOS calls RENAME_SWAP and counts alike."""
_SYNCED_AT_ONCE: Final = 64 << 20
"""Bytes of a growing file after which they are sent to the disk."""
_FEW: Final = 8
"""Files that are synced one by one, rather than the whole file system with what others write to it."""


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder, over a file that is there; on Windows, wait for readers to let go.

    A file gets the rights of the one whose place it takes: who shares a cache with a group still does afterwards.

    Raises:
        TransferError: The system refuses.
    """
    with explained(f"rename {source.name}", target):
        _take_rights(source, target)
        _until_let_go(lambda: source.replace(target))


def _take_rights(source: Path, target: Path) -> None:
    """Give a file the mode of a plain file that it is to replace, where the system has one and lets it be given."""
    if os.name == "nt":  # which knows read-only alone, and replaces no such file
        return
    with contextlib.suppress(OSError):
        mode = target.lstat().st_mode
        if stat.S_ISREG(mode) and stat.S_ISREG(source.lstat().st_mode):
            source.chmod(stat.S_IMODE(mode))


def is_there(path: Path) -> bool:
    """Tell whether something stands under a name, be it a link that leads nowhere.

    Raises:
        TransferError: The system does not tell, which is no no: what waits for its name would be passed over.
    """
    with explained("look at", path):
        try:
            path.lstat()
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return False
            raise
        return True


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders take each other's names in one step, so that something stands under both at any moment.

    Returns:
        Whether that was done; Windows, old systems and some disks know no such step.
    """
    with explained(f"rename {one.name}", other):
        return _swap(one, other)


def _swap(one: Path, other: Path) -> bool:
    """Call Linux' renameat2 or macOS' renamex_np, which Python has no name for; False where that does not go."""
    if os.name == "nt":
        return False
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(library, "renameat2"):
        return bool(library.renameat2(_HERE, names[0], _HERE, names[1], _SWAP) == 0)
    if hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*names, _SWAP) == 0)
    return False


def _until_let_go(work: Callable[[], object]) -> None:
    """Do something to a file; on Windows, wait for readers to let go of it."""
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            work()
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; links are removed, not followed. Nothing there is fine.

    On Windows, readers of a file are waited for.

    Raises:
        TransferError: The system refuses.
    """
    with explained("remove", path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            _until_let_go(lambda: path.unlink(missing_ok=True))


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on the disk; systems that cannot sync a folder (Windows) need not.

    Raises:
        TransferError: The disk failed.
    """
    if os.name == "nt":
        return
    with explained("sync the folder", folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Wait until all files below a folder are on the disk: one call for the file system where there is one.

    Raises:
        TransferError: The disk failed.
    """
    with explained("sync", folder):
        if _sync_file_system(folder):
            return
        for parent, _, names in os.walk(folder):
            for name in names:
                _sync_file(Path(parent, name))
            sync_folder(Path(parent))


class EarlySync:
    """Lets a file that grows reach the disk while it grows, so that little is left to wait for at its end."""

    def __init__(self, path: Path) -> None:
        """Watch a file that is there.

        Raises:
            TransferError: It cannot be opened.
        """
        self._pool = ThreadPoolExecutor(1, "tilepack-sync")
        self._running: Future[None] | None = None
        self._due = 0
        with explained("open the file", path):
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def wrote(self, count: int) -> None:
        """Count bytes; every now and then they are sent on their way."""
        self._due += count
        if self._due >= _SYNCED_AT_ONCE and (self._running is None or self._running.done()):
            self._due = 0
            self._running = self._pool.submit(self._sync)

    def _sync(self) -> None:
        # Systems without fdatasync (Windows, macOS) write at the end; so does a disk that fails, and that one says it.
        with contextlib.suppress(OSError, AttributeError):
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Let go of the file; closing twice does no harm."""
        self._pool.shutdown(wait=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def sync_files(paths: Sequence[Path]) -> None:
    """Wait until some files of one file system are on the disk, under their names where there are several.

    One file whose name was lost is a file that was never written; of several, the others would be left alone.

    Raises:
        TransferError: The disk failed.
    """
    if not paths:
        return
    with explained("sync", paths[0].parent):
        if len(paths) > _FEW and _sync_file_system(paths[0].parent):
            return
        for path in paths:
            _sync_file(path)
        for folder in sorted({path.parent for path in paths}) if len(paths) > 1 else ():
            sync_folder(folder)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(folder: Path) -> bool:
    """Call Linux' syncfs, which Python has no name for; False elsewhere."""
    if not hasattr(os, "posix_fallocate"):  # Windows and macOS, whose C library has no syncfs
        return False
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
    return True
