"""Bytes of files by position: reading and writing that threads can share, on every system.

``pread`` and ``pwrite`` need no common file position; where the system lacks them (Windows) a lock guards one.
"""

from __future__ import annotations

import errno
import io
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from zlib_ng import zlib_ng

from tilepack.errors import BundleError, TilepackError, TransferError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BINARY = getattr(os, "O_BINARY", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
"""Opening a named pipe that came to stand where a file was must not wait for its writer."""
_POSITIONED = hasattr(os, "pread") and hasattr(os, "pwrite")
_PIECE: Final = 1 << 20
"""Bytes read at once where all are wanted."""


@contextmanager
def explained(doing: str, place: str | Path) -> Iterator[None]:
    """Turn an operating system's error into one sentence that names what was being done, where.

    Raises:
        TransferError: An OSError came up inside.
    """
    try:
        yield
    except TilepackError:  # CacheNotFoundError is an OSError too, and has its sentence already
        raise
    except OSError as error:
        raise TransferError(f"{place}: cannot {doing}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    """Give the system's own words, and what to do where that is plain."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return f"{reason}; make room on the disk, and start again"
    if error.errno == errno.EFBIG:
        return f"{reason}; the disk or a limit of the system (ulimit -f) takes no file so large, write elsewhere"
    return reason


class PositionedFile:
    """An open file, read and written at positions; safe to share among threads."""

    def __init__(self, path: str | Path, *, writable: bool = False, descriptor: int | None = None) -> None:
        """Open a file to read, or make a new one to write.

        Args:
            path: The file; a writable one must not exist yet.
            writable: Make it, for writing and reading back.
            descriptor: Take over this descriptor instead of opening anything.

        Raises:
            TransferError: It cannot be opened or made.
        """
        self.path = str(path)
        self._lock = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL if writable else os.O_RDONLY | _NO_WAITING
        if descriptor is None:
            with explained("make the file" if writable else "open the file", self.path):
                descriptor = os.open(self.path, flags | _BINARY, 0o666)
        self.descriptor = descriptor
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def size(self) -> int:
        """Give the file's size in bytes."""
        with explained("ask for the size", self.path):
            return os.fstat(self.descriptor).st_size

    def read_into(self, buffer: memoryview, position: int) -> int:
        """Fill a buffer from a position on.

        Returns:
            Bytes read; fewer than asked only at the end of the file.
        """
        done = 0
        with explained("read", self.path):
            while done < len(buffer):
                part = buffer[done:]
                if hasattr(os, "preadv"):
                    count = os.preadv(self.descriptor, [part], position + done)
                else:
                    data = self._read_here(len(part), position + done)
                    count = len(data)
                    part[:count] = data
                if not count:
                    break
                done += count
        return done

    def read(self, size: int, position: int) -> bytes:
        """Give the bytes from a position on, fewer than asked only at the end of the file."""
        with explained("read", self.path):
            data = self._read_here(size, position)
            while len(data) < size:  # a network file system may answer in pieces
                more = self._read_here(size - len(data), position + len(data))
                if not more:
                    break
                data += more
            return data

    def read_back(self, size: int, position: int) -> bytes:
        """Give exactly the bytes that were written at a position of a file of one's own.

        Raises:
            TransferError: The disk failed, or has lost some.
        """
        data = self.read(size, position)
        if len(data) != size:
            raise TransferError(f"{self.path}: the disk lost bytes that waited in a file beside it; start again")
        return data

    def _read_here(self, size: int, position: int) -> bytes:
        if _POSITIONED:
            return os.pread(self.descriptor, size, position)
        with self._lock:
            os.lseek(self.descriptor, position, os.SEEK_SET)
            return os.read(self.descriptor, size)

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        """Write all the bytes at a position.

        Raises:
            TransferError: The disk is full, or failed.
        """
        view = memoryview(data)
        done = 0
        with explained("write", self.path):
            while done < len(view):
                if _POSITIONED:
                    done += os.pwrite(self.descriptor, view[done:], position + done)
                else:
                    with self._lock:
                        os.lseek(self.descriptor, position + done, os.SEEK_SET)
                        done += os.write(self.descriptor, view[done:])

    def allocate(self, size: int) -> None:
        """Ask for the disk space beforehand where the file system can give it: one extent, and a full disk known early.

        Raises:
            TransferError: The disk has not that much space.
        """
        if size <= 0 or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self.descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise TransferError(f"{self.path}: cannot set aside {size} bytes: {_reason(error)}") from error

    def truncate(self, size: int) -> None:
        """Cut or grow the file to a size in bytes."""
        with explained("set the size", self.path):
            os.ftruncate(self.descriptor, size)

    def sync(self) -> None:
        """Wait until the bytes are on the disk."""
        with explained("sync", self.path):
            os.fsync(self.descriptor)

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        if not self._closed:
            self._closed = True
            with explained("close", self.path):
                os.close(self.descriptor)


def write_whole(descriptor: int, data: bytes) -> None:
    """Write bytes into an open file; the system may take them in parts.

    Raises:
        OSError: The disk is full, or failed.
    """
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, data[done:])


class StreamedFile(io.RawIOBase):
    """An open file as the standard library wants one: with a position, its own. It does not close the file."""

    def __init__(self, file: PositionedFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read anywhere."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the position on, as far as the file goes."""
        count = self._file.read_into(memoryview(buffer).cast("B"), self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, counted from the start, the position, or the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file.size()}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = base + offset
        return self._position


def reopened(path: Path, doing: str) -> PositionedFile:
    """Open a file of one's own again, to read and to write; none that a link leads to, where systems know them.

    Args:
        path: The file.
        doing: What to say of it where that fails: ``open the journal``.

    Raises:
        TransferError: It cannot be opened.
    """
    with explained(doing, path):
        return PositionedFile(path, descriptor=os.open(path, os.O_RDWR | _BINARY | getattr(os, "O_NOFOLLOW", 0)))


def nameless_file(folder: Path, place: str) -> PositionedFile:
    """Make a file in a folder that goes when it is closed.

    Args:
        folder: Where there is room for it: beside the target, or where the system wants such files.
        place: What to call it in messages.

    Raises:
        TransferError: It cannot be made.
    """
    with (
        explained("make a file", folder),
        tempfile.TemporaryFile(dir=folder, prefix=".tilepack-") as spool,
    ):
        return PositionedFile(place, descriptor=os.dup(spool.fileno()))


class ByteRange:
    """Part of an open file to read from: a whole file, or one stored member of a package."""

    def __init__(self, file: PositionedFile, start: int, size: int, place: str, *, owned: bool) -> None:
        """Name a part of a file.

        Args:
            file: The open file.
            start: First byte of the part.
            size: Bytes in the part.
            place: What to call it in messages.
            owned: Close the file with the range.
        """
        self.file = file
        self.start = start
        self.size = size
        self.place = place
        self._owned = owned

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int, position: int) -> bytes:
        """Give exactly so many bytes from a position in the range.

        Raises:
            BundleError: The range ends before.
        """
        data = self.file.read(size, self.start + position) if 0 <= position <= self.size - size else b""
        if len(data) != size:
            raise BundleError(
                f"{self.place}: ends before byte {position + size}; it is truncated, take it from a backup"
            )
        return data

    def read_into(self, buffer: memoryview, position: int) -> None:
        """Fill a buffer from a position in the range.

        Raises:
            BundleError: The range ends before.
        """
        inside = 0 <= position <= self.size - len(buffer)
        if not inside or self.file.read_into(buffer, self.start + position) != len(buffer):
            raise BundleError(
                f"{self.place}: ends before byte {position + len(buffer)}; it is truncated, take it from a backup"
            )

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield all of its bytes, a mebibyte at a time, each piece with its position.

        Raises:
            BundleError: The range ends before it should.
        """
        for position in range(0, self.size, _PIECE):
            yield position, self.read(min(_PIECE, self.size - position), position)

    def crc(self) -> int:
        """Give the CRC-32 of all of its bytes.

        Raises:
            BundleError: The range ends before it should.
        """
        crc = 0
        for _, piece in self.pieces():
            crc = zlib_ng.crc32(piece, crc)
        return crc

    def close(self) -> None:
        """Close the file if it was opened for this range alone."""
        if self._owned:
            self.file.close()
