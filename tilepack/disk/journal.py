"""What an update of a folder has done so far, so that a killed one can be taken up again.

``tilepack.journal`` lies in the folder that is updated, one JSON object a line. The first says which work it is::

    {"tilepack": 1, "work": "the import of Usa.tpkx", "fingerprint": "5c0f..."}

Each other one is written, and on the disk, before the files of one bundle are given their names; they lie complete
beside them then, as ``NAME.partial``::

    {"bundle": "L05/R0000C0000", "files": {"_alllayers/L05/R0000C0000.bundle": [131156, 2915803466]}, "gone": []}

with each file's bytes and CRC-32, and the files that go. Whoever comes next gives the files of these lines their names,
should the writer have been stopped in between (*rolling forward*); all other ``.partial`` files are unfinished.

Everything in a journal is a claim: nothing outside the folder is touched, and nothing in it but bundles and tiles.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from zlib_ng import zlib_ng

from tilepack.disk.durable import remove, rename, sync_folder
from tilepack.disk.files import explained
from tilepack.errors import TransferError

JOURNAL: Final = "tilepack.journal"
STATE: Final = "tilepack.state"
"""What a cache's folder remembers of the imports that only take what changed: a document like others to the journal."""
PARTIAL: Final = ".partial"
"""What a complete or growing file is called, behind its name to be, until it is renamed."""

_VERSION: Final = 1
_LARGEST: Final = 1 << 30
"""Bytes of a journal: a line of an exploded bundle has up to 2 MB."""
_PIECE: Final = 1 << 20
_SHOWN: Final = 400
"""Characters of a journal's own words in a message."""
_OWN: Final = re.compile(r"R[0-9a-f]+C[0-9a-f]+\.bundl[ex]|C[0-9a-f]{8,}\.[a-z]{2,5}", re.IGNORECASE)
"""File names of bundles and tiles."""


class Digest(NamedTuple):
    """What a file has to be, to be the one that was written."""

    size: int
    """Bytes."""
    crc: int
    """CRC-32 of all of them."""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """What is done to the files of one bundle."""

    bundle: str
    files: Mapping[str, Digest]
    """By path below the folder, in the order in which they are named."""
    gone: tuple[str, ...]
    """Paths of the files that are removed after that."""


class Journal:
    """The journal of a folder, open for writing behind what it holds."""

    def __init__(self, folder: Path, fingerprint: str, work: str, lines: list[JournalLine]) -> None:
        """Keep what was read; use ``open`` or ``begin``."""
        self.path = folder / JOURNAL
        self.work = work
        """What is being done, for people."""
        self.fingerprint = fingerprint
        self.lines = {line.bundle: line for line in lines}
        """The last line of each bundle."""

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Read the journal that a stopped run left; None when there is none.

        Raises:
            TransferError: It cannot be read, or is none of tilepack's.
        """
        path = folder / JOURNAL
        if not os.path.lexists(path):
            return None
        with explained("read the journal", path):
            if not path.is_file() or path.stat().st_size > _LARGEST:
                raise _malformed(path, 1)
            # A line that was cut short was never acted upon.
            *texts, _ = path.read_bytes().split(b"\n")
        if not texts:
            return cls(folder, "", "", [])
        head = _parsed(path, 1, texts[0])
        fingerprint, work = head.get("fingerprint"), head.get("work")
        if head.get("tilepack") != _VERSION or not isinstance(fingerprint, str) or not isinstance(work, str):
            raise _malformed(path, 1)
        lines = [_read_line(path, number, _parsed(path, number, text)) for number, text in enumerate(texts[1:], 2)]
        return cls(folder, fingerprint, work[:_SHOWN], lines)

    @classmethod
    def begin(cls, folder: Path, fingerprint: str, work: str) -> Self:
        """Begin a journal.

        Raises:
            TransferError: It cannot be written.
        """
        journal = cls(folder, fingerprint, work, [])
        journal._append({"tilepack": _VERSION, "work": work, "fingerprint": fingerprint}, "xb")
        sync_folder(folder)
        return journal

    def add(self, line: JournalLine) -> None:
        """Write a line, and wait until it is on the disk.

        Raises:
            TransferError: The disk is full, or failed.
        """
        self._append({"bundle": line.bundle, "files": dict(line.files), "gone": list(line.gone)}, "ab")
        self.lines[line.bundle] = line

    def _append(self, content: dict[str, Any], mode: str) -> None:
        text = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        with explained("write the journal", self.path), self.path.open(mode) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def roll_forward(self) -> None:
        """Give the files of all lines their names, and remove those that go.

        Raises:
            TransferError: The system refuses.
        """
        for line in self.lines.values():
            name_files(self.path.parent, line)

    def is_done(self, bundle: str) -> bool:
        """Tell whether a bundle is as a line says it became.

        Raises:
            TransferError: Its files cannot be read.
        """
        line = self.lines.get(bundle)
        if line is None:
            return False
        folder = self.path.parent
        if any(os.path.lexists(folder / path) for path in line.gone):
            return False
        return all(_digest(folder / path) == digest for path, digest in line.files.items())

    def end(self) -> None:
        """Remove the journal: the work is done, or nothing of it was begun."""
        remove(self.path)
        sync_folder(self.path.parent)


def name_files(folder: Path, line: JournalLine) -> None:
    """Give the complete files of a bundle their names, where that was not done, and remove those that go."""
    for path in line.files:
        partial = folder / (path + PARTIAL)
        if os.path.lexists(partial):
            rename(partial, folder / path)
    for path in line.gone:
        remove(folder / path)


def _digest(path: Path) -> Digest | None:
    """Sum up a file; None where there is none."""
    with explained("read", path):
        if not path.is_file():
            return None
        crc = size = 0
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                crc, size = zlib_ng.crc32(piece, crc), size + len(piece)
        return Digest(size, crc)


def _parsed(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise _malformed(path, number)
    return content


def _read_line(path: Path, number: int, content: dict[str, Any]) -> JournalLine:
    bundle, files, gone = content.get("bundle"), content.get("files"), content.get("gone")
    if not (isinstance(bundle, str) and isinstance(files, dict) and isinstance(gone, list)):
        raise _malformed(path, number)
    for name in (*files, *gone):
        if not _is_own(path.parent, name):
            raise _malformed(path, number)
    digests = {}
    for name, numbers in files.items():
        if not (isinstance(numbers, list) and len(numbers) == 2 and all(type(n) is int for n in numbers)):
            raise _malformed(path, number)
        digests[name] = Digest(*numbers)
    return JournalLine(bundle, digests, tuple(gone))


def _is_own(folder: Path, name: object) -> bool:
    """Tell whether a path means a bundle or a tile below a folder, no link leading elsewhere."""
    if not isinstance(name, str) or "\0" in name or "\\" in name or ":" in name:
        return False
    parts = name.split("/")
    if any(part.strip(" .") == "" for part in parts) or not _OWN.fullmatch(parts[-1]):
        return False
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())


def _malformed(path: Path, number: int) -> TransferError:
    return TransferError(
        f"{path}: line {number} is none of a journal of tilepack's; move the file away, and look at the cache with "
        f"tilepack verify"
    )
