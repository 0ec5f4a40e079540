"""SQLite files of strangers, opened to read: no byte of theirs is believed, and no program of theirs runs for long.

What a database may do to its reader: views can be endless, functions make gigabytes, a value be larger than memory, a
page point to itself. So every statement may take only so many steps, and so long, for the file's size, a value only so
many bytes, views may neither recur nor call what makes large values or reaches beyond the database, and whatever SQLite
says is wrong becomes one sentence.

A file is left as it is: SQLite itself would put sidecars beside one in WAL mode that nobody has open.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tilepack.disk.files import explained
from tilepack.errors import BundleError, TransferError

MAGIC: Final = b"SQLite format 3\0"

_LARGEST_VALUE: Final = 32 << 20
"""Bytes of one value: twice the largest tile."""

_STEPS: Final = 10_000
"""Steps of SQLite's machine after which is looked how many there were."""

_LEAST_STEPS: Final = 3_000
"""Times as many that every statement may take: a second at most."""

_LEAST_SECONDS: Final = 10.0
_BYTES_PER_SECOND: Final = 1_000_000
"""What every statement may take, and how slow a disk may be that it reads all of a file from."""

_FUNCTIONS: Final = re.compile(
    r"abs|coalesce|count|floor|ifnull|iif|length|lower|max|min|mod|nullif|power?|round|sum|substr(ing)?|typeof|upper",
    re.IGNORECASE,
)
"""What views may call: nothing that makes more of what it is given."""

_PATIENCE: Final = 10.0
"""Seconds to wait for a writer to let go."""

_WAL_AT: Final = 18
"""Where the header says 2 for files in WAL mode."""


class SqliteFile:
    """An SQLite database to read. Safe to share among threads: each has a connection of its own."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Args:
            path: The file.

        Raises:
            BundleError: It is no SQLite database.
            TransferError: It cannot be read.
        """
        self.place = str(path)
        self._mine = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with explained("open the file", path), path.open("rb") as file:
            head = file.read(100)
            self._size = os.fstat(file.fileno()).st_size
        if not head.startswith(MAGIC):
            why = "which MBTiles are" if head else "for it has no bytes"
            raise BundleError(f"{path}: is no SQLite database, {why}; see that it is the right file")
        if len(head) < 100:
            raise BundleError(f"{path}: ends within its first 100 bytes; take it from a backup")
        # A file in WAL mode without a log is all there is; told so, SQLite makes no sidecars. A log that is there has
        # to be read too, and then its sidecars are there already.
        log = Path(f"{path}-wal")
        is_alone = head[_WAL_AT] == 2 and not (log.exists() and log.stat().st_size)
        self._uri = f"{Path(os.path.abspath(path)).as_uri()}?mode=ro{'&immutable=1' if is_alone else ''}"  # noqa: PTH100

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if found is None:
            found = sqlite3.connect(
                self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_PATIENCE
            )
            with self._lock:
                self._opened.append(found)
            found.text_factory = lambda data: data.decode(errors="replace")
            found.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
            found.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
            for setting in ("trusted_schema=off", "query_only=on", "cell_size_check=on", "cache_size=-8000"):
                found.execute(f"pragma {setting}")
            found.set_authorizer(_allow)
            self._mine.connection = found
        return found

    def rows(self, statement: str, *values: int | str) -> Iterator[Any]:
        """Yield the rows of a statement as tuples, one at a time.

        Raises:
            BundleError: The database is damaged, or asks for endless work.
            TransferError: It cannot be read.
        """
        steps = _Steps(self._size)
        with self._explained():
            connection = self._connection()
            connection.set_progress_handler(steps, _STEPS)
            found = connection.execute(statement, values)
            while True:
                steps.resume()
                row = next(found, None)
                steps.pause()
                if row is None:
                    return
                yield row

    def all(self, statement: str, *values: int | str) -> list[Any]:
        """Give all rows of a statement, likewise."""
        steps = _Steps(self._size)
        with self._explained():
            connection = self._connection()
            connection.set_progress_handler(steps, _STEPS)
            return connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:  # in what SQLite says of a damaged schema
            raise BundleError(f"{self.place}: is damaged or no MBTiles; take it from a backup") from error
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> BundleError | TransferError:
        reason = " ".join(str(error).split())
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_INTERRUPT":
            return BundleError(f"{self.place}: its tables ask for endless work; they are none of MBTiles, look at them")
        if name == "SQLITE_AUTH":
            return BundleError(
                f"{self.place}: its tables are programs ({reason}); those of MBTiles are none, look at them"
            )
        if name == "SQLITE_TOOBIG":
            return BundleError(f"{self.place}: holds a value of more than {_LARGEST_VALUE} bytes; no tile is so large")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")) or name == "":
            return BundleError(f"{self.place}: is damaged or no MBTiles ({reason}); take it from a backup")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY")):
            return TransferError(
                f"{self.place}: another program writes it, or was stopped while it did ({reason}); let it finish"
            )
        return TransferError(f"{self.place}: cannot be read ({reason}); see that it is all there")

    def close(self) -> None:
        """Close every connection; closing twice does no harm."""
        with self._lock:
            opened, self._opened = self._opened, []
        self._mine = threading.local()
        for connection in opened:
            connection.close()


def _allow(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Tell SQLite whether a statement, or a view that it reads, may do something."""
    del first
    if action == sqlite3.SQLITE_RECURSIVE:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and _FUNCTIONS.fullmatch(str(second)) is None:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


class _Steps:
    """Counts the steps of one statement, and calls it off when they are too many, or last too long, for its file."""

    def __init__(self, size: int) -> None:
        # A row takes 20 bytes of a file at least, tens of steps to give, and some hundreds to sort and group.
        self._left = _LEAST_STEPS + 100 * size // _STEPS
        self._end = time.monotonic() + _LEAST_SECONDS + size / _BYTES_PER_SECOND
        self._paused = 0.0

    def pause(self) -> None:
        """Stop the clock, while a row is made use of."""
        self._paused = time.monotonic()

    def resume(self) -> None:
        """Let the clock go on."""
        if self._paused:
            self._end += time.monotonic() - self._paused

    def __call__(self) -> bool:
        self._left -= 1
        return self._left < 0 or time.monotonic() > self._end
