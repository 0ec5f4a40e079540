"""One writer at a time: a file that the operating system locks, and that says who holds it.

A lock goes with the process that holds it, however that ends; the file may stay and locks nobody out. Whoever can write
beside the target can take it: no account on any server is asked.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from pathlib import Path
from typing import IO, Final

from tilepack.disk.files import explained
from tilepack.errors import TransferError

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

    def release(self) -> None:
        """Let go, and remove the file; letting go twice does no harm."""
        if self._file.closed:
            return
        if os.name == "nt":  # which removes no open file
            self._file.close()
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        else:  # removed while still held, so that nobody takes it between the two steps
            self.path.unlink(missing_ok=True)
            self._file.close()


def refuse_foreign_locks(folders: list[Path], own: Path) -> None:
    """Refuse to write where another program's lock files lie.

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
            if _FOREIGN.fullmatch(name) and folder / name != own:
                raise TransferError(
                    f"{folder / name}: is the lock of another program that writes this cache; wait until it is done, "
                    f"or take --force if nobody does"
                )


def _hold(path: Path, target: Path) -> IO[str]:
    while True:
        with explained("write in the target's folder", path.parent):
            lock = path.open("a+", encoding="utf-8")
        if not _try_lock(lock):
            lock.seek(0)
            holder = lock.read(200).strip() or "another process"
            lock.close()
            raise TransferError(f"{target}: {holder} is writing it; wait until it is done")
        if os.name == "nt" or _is_same_file(lock, path):
            break
        lock.close()  # its holder removed it after we opened it: take the next one
    lock.truncate(0)
    lock.write(f"tilepack (process {os.getpid()} on {socket.gethostname()})")
    lock.flush()
    return lock


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
