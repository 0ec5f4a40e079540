"""One writer at a time: a file that the operating system locks, and that says who holds it.

A lock goes with the process that holds it, however that ends; the file may stay and locks nobody out. Whoever can write
beside the target can take it: no account on any server is asked. What lies there already is a stranger's: it is neither
followed, if it is a link, nor waited for, if it is a pipe.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from pathlib import Path
from typing import IO, Final

from tilepack.disk.files import explained
from tilepack.errors import TransferError

FOLDER_LOCK: Final = "tilepack.lock"
"""Held in a cache folder by whoever replaces bundles of it, or the whole folder."""

STAGED: Final = ".partial.lock"
"""Held behind the name of what is made, or made anew, as a whole."""

_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_SHOWN: Final = 200
"""Characters of the holder's own words in a message."""
_LOCK_BYTE: Final = 1 << 20
"""Windows locks a byte, and nobody else can read a locked one: far behind the text."""

_FOREIGN: Final = re.compile(r".+\.(lock|lck)", re.IGNORECASE)
"""What ArcGIS leaves beside bundles that it is writing."""


class WriterLock:
    """The right to write, held until it is released."""

    def __init__(self, path: Path, target: Path) -> None:
        """Take a lock file, or say who has it.

        Args:
            path: The lock file; it is made where there is none.
            target: What is to be written, for the message.

        Raises:
            TransferError: Another writer is at work, or the file cannot be made.
        """
        self.path = path
        self._file = _hold(path, target)
        try:
            with explained("write the lock", path):
                self._file.seek(0)
                self._file.truncate(0)
                self._file.write(f"tilepack (process {os.getpid()} on {socket.gethostname()})")
                self._file.flush()
        except BaseException:
            self.release()
            raise

    def release(self, *, keep: bool = False) -> None:
        """Let go, and remove the file; letting go twice does no harm.

        Args:
            keep: Let the file lie, as a mark for whoever comes next.
        """
        if self._file.closed:
            return
        if keep:
            with contextlib.suppress(OSError):
                self._file.close()
        elif os.name == "nt":  # which removes no open file
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        else:  # removed while still held, so that nobody takes it between the two steps
            with contextlib.suppress(OSError):
                if _is_same_file(self._file, self.path):  # and not the next one's, where the folder was replaced
                    self.path.unlink()
            with contextlib.suppress(OSError):  # closing tries again what could not be written
                self._file.close()


def refuse_foreign_locks(folders: list[Path], own: Path) -> None:
    """Refuse to write where another program's lock files lie. tilepack's own guard other names, like a Status.gdb's.

    Args:
        folders: Where to look, not below; what does not exist is passed over.
        own: tilepack's own lock file.

    Raises:
        TransferError: There is one.
    """
    for folder in folders:
        with explained("list the folder", folder):
            names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for name in names:
            if _FOREIGN.fullmatch(name) and folder / name != own and not name.endswith(STAGED):
                raise TransferError(
                    f"{folder / name}: is the lock of another program that writes this cache; wait until it is done, "
                    f"or take --force if nobody does"
                )


def _hold(path: Path, target: Path) -> IO[str]:
    while True:
        lock = _open(path)
        if not _try_lock(lock):
            with lock:
                lock.seek(0)
                holder = "".join(letter for letter in lock.read(_SHOWN) if letter.isprintable()).strip()
            raise TransferError(f"{target}: {holder or 'another process'} is writing it; wait until it is done")
        if os.name == "nt" or _is_same_file(lock, path):
            return lock
        lock.close()  # its holder removed it after we opened it: take the next one


def _open(path: Path) -> IO[str]:
    """Open a lock file, or make it."""
    with explained("write in the target's folder", path.parent):
        descriptor = -1 if path.is_symlink() else os.open(path, _FLAGS, 0o666)
    if descriptor < 0 or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        if descriptor >= 0:
            os.close(descriptor)
        raise TransferError(f"{path}: is no plain file, and none of tilepack's; remove it")
    return open(descriptor, "r+", encoding="utf-8", errors="replace")  # noqa: PTH123  of a descriptor


def _is_same_file(lock: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _try_lock(lock: IO[str]) -> bool:
    """Lock an open file without waiting; False when someone else has it."""
    try:
        if os.name == "nt":
            import msvcrt  # noqa: PLC0415  only Windows has it

            lock.seek(_LOCK_BYTE)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl  # noqa: PLC0415  Windows has it not

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
