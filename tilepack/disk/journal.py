"""What an update of a folder has done so far, so that a killed one can be taken up again.

``tilepack.journal`` lies in the folder that is updated, one JSON object a line. The first says which work it is::

    {"tilepack": 1, "work": "the import of Usa.tpkx", "fingerprint": "5c0f..."}

Each other one is written, and on the disk, before the files of one bundle are given their names; they lie complete
beside them then, as ``NAME.partial``::

    {"bundle": "L05/R0000C0000", "files": {"_alllayers/L05/R0000C0000.bundle": [131156, 2915803466]}, "gone": []}

with each file's bytes and CRC-32, and the files that go; where what was brought in may be another one next time, also
with a ``"version"`` that says which it was. Whoever comes next gives the files of these lines their names,
should the writer have been stopped in between (*rolling forward*); all other ``.partial`` files are unfinished. The
documents have a line like a bundle, the last one.

Everything in a journal is a claim: nothing outside the folder is touched, and nothing in it but bundles, tiles and
documents; no document is removed, and a file only takes a name when its bytes are those that the line speaks of.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from zlib_ng import zlib_ng

from tilepack.disk.durable import is_there, remove, rename, sync_folder
from tilepack.disk.files import PositionedFile, explained, reopened
from tilepack.errors import TransferError

JOURNAL: Final = "tilepack.journal"
STATE: Final = "tilepack.state"
"""What a cache remembers of imports that take only what changed: to the journal, a document like others."""
PARTIAL: Final = ".partial"
"""What a complete or growing file is called, behind its name to be, until it is renamed."""

_VERSION: Final = 1
_BEGINNING: Final = b'{"tilepack":'
_LONGEST: Final = 16 << 20
"""Bytes of a line: that of an exploded bundle has 2 MB, more where its folders have long names."""
_MOST_VALUES: Final = 1 << 20
"""Lists, objects and commas of a line: that of an exploded bundle has 70,000."""
_PIECE: Final = 1 << 20
_SHOWN: Final = 400
"""Characters of a journal's own words in a message."""
_TILES: Final = re.compile(
    r"R[0-9a-f]+C[0-9a-f]+\.bundl[ex]|C[0-9a-f]+\.[a-z]{2,5}|[0-9]{1,10}\.(png|jpe?g|webp|pbf|mvt|gif)", re.IGNORECASE
)
"""File names of bundles, tiles and web tiles."""
_DOCUMENTS: Final = re.compile(
    r"conf\.(xml|cdi|properties)|(root|metadata)\.json|iteminfo\.(json|xml)|item\.pkinfo|mapserver\.json|thumbnail\.png"
    r"|tilepack\.state",
    re.IGNORECASE,
)
_FORBIDDEN: Final = "\0\\:" if os.name == "nt" else "\0"
"""What no path of ours has: elsewhere than on Windows, backslash and colon are letters like others."""


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
    version: str = ""
    """Tells apart what may be brought into the bundle."""


class Journal:
    """The journal of a folder, open for writing behind what it holds."""

    def __init__(self, folder: Path, fingerprint: str, work: str, lines: list[JournalLine], end: int) -> None:
        """Keep what was read; use ``open`` or ``begin``."""
        self.path = folder / JOURNAL
        self.work = work
        """What is being done, for people."""
        self.fingerprint = fingerprint
        self.lines = {line.bundle: line for line in lines}
        """The last line of each bundle."""
        self._end = end
        """Bytes of the whole lines; what lies behind was cut short, and never acted upon."""

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Read the journal that a stopped run left; None when there is none.

        Raises:
            TransferError: It cannot be read, or is none of tilepack's.
        """
        path = folder / JOURNAL
        if not is_there(path):
            return None
        with explained("read the journal", path):
            if path.is_symlink() or not path.is_file():
                raise _malformed(path, 1)
            fingerprint = work = ""
            lines: list[JournalLine] = []
            end = 0
            for number, text in _whole_lines(path):
                content = _parsed(path, number, text)
                if number > 1:
                    lines.append(_read_line(path, number, content))
                else:
                    fingerprint, work = _read_head(path, content)
                end += len(text)
        return cls(folder, fingerprint, work, lines, end)

    @classmethod
    def begin(cls, folder: Path, fingerprint: str, work: str) -> Self:
        """Begin a journal.

        Raises:
            TransferError: It cannot be written.
        """
        journal = cls(folder, fingerprint, work, [], 0)
        file = PositionedFile(journal.path, writable=True)
        try:
            with file:
                journal._write(file, {"tilepack": _VERSION, "work": work, "fingerprint": fingerprint})
            sync_folder(folder)
        except BaseException:
            remove(journal.path)
            raise
        return journal

    def add(self, lines: Sequence[JournalLine]) -> None:
        """Write lines, and wait until they are on the disk.

        Raises:
            TransferError: The disk is full, or failed; the journal is as it was.
        """
        with reopened(self.path, "open the journal") as file:
            self._write(file, *map(_content, lines))
        self.lines.update({line.bundle: line for line in lines})

    def _write(self, file: PositionedFile, *contents: dict[str, Any]) -> None:
        text = b"".join(json.dumps(content, separators=(",", ":")).encode() + b"\n" for content in contents)
        try:
            file.truncate(self._end)
            file.write(text, self._end)
            file.sync()
        except BaseException:
            with contextlib.suppress(TransferError):  # else the next line does it, or whoever reads passes it over
                file.truncate(self._end)
            raise
        self._end += len(text)

    def roll_forward(self) -> None:
        """Give the files of all lines their names, and remove those that go, where all of a line's files are whole.

        Raises:
            TransferError: The system refuses.
        """
        folder = self.path.parent
        for line in self.lines.values():
            pending = any(is_there(folder / (path + PARTIAL)) for path in line.files)
            if (pending or any(is_there(folder / path) for path in line.gone)) and _is_whole(folder, line):
                name_files(folder, line)

    def gone(self) -> frozenset[str]:
        """Give the paths of all files that go."""
        return frozenset(path for line in self.lines.values() for path in line.gone)

    def is_done(self, bundle: str, version: str = "") -> bool:
        """Tell whether a bundle is as a line says it became.

        Args:
            bundle: The bundle.
            version: What is to be brought into it; a line that speaks of another one counts for nothing.

        Raises:
            TransferError: Its files cannot be read.
        """
        line = self.lines.get(bundle)
        if line is None or line.version != version:
            return False
        folder = self.path.parent
        if any(is_there(folder / path) for path in line.gone):
            return False
        return all(_digest(folder / path) == digest for path, digest in line.files.items())

    def end(self) -> None:
        """Remove the journal: the work is done, or nothing of it was begun."""
        remove(self.path)
        sync_folder(self.path.parent)


def is_partial(name: str) -> bool:
    """Tell whether a file's name is that of a growing bundle or tile."""
    return name.endswith(PARTIAL) and bool(_TILES.fullmatch(name[: -len(PARTIAL)]))


def name_files(folder: Path, line: JournalLine) -> None:
    """Give the complete files of a bundle their names, where that was not done, and remove those that go."""
    for path in line.files:
        partial = folder / (path + PARTIAL)
        if is_there(partial):
            rename(partial, folder / path)
    for path in line.gone:
        remove(folder / path)


def _is_whole(folder: Path, line: JournalLine) -> bool:
    """Tell whether each file of a line waits for its name, or has it: an unfinished one may lie there as well."""
    for path, digest in line.files.items():
        partial = folder / (path + PARTIAL)
        if _digest(partial if is_there(partial) else folder / path) != digest:
            return False
    return True


def _digest(path: Path) -> Digest | None:
    """Sum up a file; None where there is none."""
    with explained("read", path):
        if path.is_symlink() or not path.is_file():
            return None
        crc = size = 0
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                crc, size = zlib_ng.crc32(piece, crc), size + len(piece)
        return Digest(size, crc)


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, but for a last one that was cut short.

    Where the power failed, pages that did not reach the disk read as zeros.
    """
    number = 0
    with path.open("rb") as file:
        while text := file.readline(_LONGEST):
            number += 1
            if text.endswith(b"\n") and b"\0" not in text:
                yield number, text
                continue
            is_beginning = number > 1 or _BEGINNING.startswith(text[: len(_BEGINNING)].rstrip(b"\0"))
            if len(text) >= _LONGEST or not is_beginning or file.read(1):
                raise _malformed(path, number)


def _parsed(path: Path, number: int, text: bytes) -> dict[str, Any]:
    content = None
    if sum(map(text.count, (b"[", b"{", b","))) <= _MOST_VALUES:
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(text)
    if not isinstance(content, dict):
        raise _malformed(path, number)
    return content


def _read_head(path: Path, content: dict[str, Any]) -> tuple[str, str]:
    """Give fingerprint and work."""
    fingerprint, work = content.get("fingerprint"), content.get("work")
    if content.get("tilepack") != _VERSION or not isinstance(fingerprint, str) or not isinstance(work, str):
        raise _malformed(path, 1)
    return fingerprint, "".join(letter if letter.isprintable() else "?" for letter in work[:_SHOWN])


def _content(line: JournalLine) -> dict[str, Any]:
    content = {"bundle": line.bundle, "files": dict(line.files), "gone": list(line.gone)}
    return content | {"version": line.version} if line.version else content


def _read_line(path: Path, number: int, content: dict[str, Any]) -> JournalLine:
    bundle, files, gone = content.get("bundle"), content.get("files"), content.get("gone")
    version = content.get("version", "")
    if not (
        isinstance(bundle, str) and isinstance(files, dict) and isinstance(gone, list) and isinstance(version, str)
    ):
        raise _malformed(path, number)
    for name in files:
        if not _is_own(path.parent, name, _TILES, _DOCUMENTS):
            raise _malformed(path, number)
    for name in gone:
        if not _is_own(path.parent, name, _TILES):
            raise _malformed(path, number)
    digests = {}
    for name, numbers in files.items():
        if not (isinstance(numbers, list) and len(numbers) == 2 and all(type(n) is int for n in numbers)):
            raise _malformed(path, number)
        digests[name] = Digest(*numbers)
    return JournalLine(bundle, digests, tuple(gone), version)


def _is_own(folder: Path, name: object, *kinds: re.Pattern[str]) -> bool:
    """Tell whether a path means a file of some kinds below a folder, no link leading elsewhere."""
    if not isinstance(name, str) or any(letter in name for letter in _FORBIDDEN):
        return False
    parts = name.split("/")
    if any(part.strip(" .") == "" for part in parts) or not any(kind.fullmatch(parts[-1]) for kind in kinds):
        return False
    try:
        return not leads_out(folder, (folder / name).parent)
    except ValueError:  # half a surrogate pair, which no file name can have
        return False


def leads_out(folder: Path, inner: Path) -> bool:
    """Tell whether a folder below another one lies elsewhere in truth, by a link."""
    return not Path(os.path.realpath(inner)).is_relative_to(os.path.realpath(folder))


def _malformed(path: Path, number: int) -> TransferError:
    return TransferError(
        f"{path}: line {number} is none of a journal of tilepack's; move the file away, and look at the cache with "
        f"tilepack verify"
    )
