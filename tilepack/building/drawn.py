"""What was drawn of a build, kept beside the target, so that a build that was stopped need not draw it again.

Windows are drawn and encoded by themselves, and come in one order; everything above them follows from what they gave.
So ``NAME.partial.drawn`` holds just that, window by window: a first line that tells which build it is of, then a record
for each window, in their order::

    {"tilepack": 1, "drawn": "5c0f..."}
    CRC-32, bytes, pyramid, row, column; tiles; tiles for the picture; the window's one tile on its own rung

The target itself is begun anew, and is the same to the byte. A record that is not whole ends the file; another build's
file is thrown away. The build that is of rasters that may change unseen (those that are no files) keeps nothing.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np
from zlib_ng import zlib_ng

from tilepack.disk.durable import is_there, remove
from tilepack.disk.files import PositionedFile, explained, reopened
from tilepack.errors import CacheExistsError, TransferError
from tilepack.pixels.blend import Pixels

_SUFFIX: Final = ".partial.drawn"
_BEGINNING: Final = b'{"tilepack": 1, "drawn": "'
_LINE: Final = 128
"""Bytes of the first line, filled up with blanks."""
_RECORD: Final = struct.Struct("<IIIqq")
"""CRC-32 of what follows the first two numbers, its bytes; pyramid, row and column of the window among windows."""
_COUNTS: Final = struct.Struct("<III")
"""Tiles, tiles for the picture, bytes of the packed pixels."""
_TILE: Final = struct.Struct("<IqqI")
"""Rung, row, column, bytes."""
_FEWEST: Final = 16
"""Windows from which on it is worth while: they take seconds."""


@dataclass(slots=True)
class Drawn:
    """What came of a window."""

    tiles: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    """Rung, row, column and data."""
    kept: list[tuple[int, int, bytes]] = field(default_factory=list)
    """Row, column and data of those that the target's picture is drawn from."""
    top: Pixels | None = None
    """The one tile that it is on its own rung, where there are rungs above."""

    def to_bytes(self) -> bytes:
        """Give it as it is kept."""
        top = b"" if self.top is None else zlib_ng.compress(np.ascontiguousarray(self.top), 1)
        parts = [_COUNTS.pack(len(self.tiles), len(self.kept), len(top))]
        parts += [_TILE.pack(rung, row, column, len(data)) for rung, row, column, data in self.tiles]
        parts += [_TILE.pack(0, row, column, len(data)) for row, column, data in self.kept]
        parts += [data for *_, data in self.tiles]
        parts += [data for *_, data in self.kept]
        return b"".join([*parts, top])

    @classmethod
    def from_bytes(cls, data: bytes, width: int, height: int) -> Self:
        """Read what was kept.

        Args:
            data: What ``to_bytes`` gave.
            width: Of a tile, pixels.
            height: Likewise.

        Raises:
            ValueError: It is something else.
        """
        try:
            tiles, kept, packed = _COUNTS.unpack_from(data)
            end = _COUNTS.size + (tiles + kept) * _TILE.size
            named = list(_TILE.iter_unpack(data[_COUNTS.size : end]))
        except struct.error as error:
            raise ValueError(str(error)) from error
        found = []
        for rung, row, column, size in named:
            found.append((rung, row, column, data[end : end + size]))
            end += size
        if len(found) != tiles + kept or end + packed != len(data):
            raise ValueError("it has other bytes than it says")
        top = None
        if packed:
            unpacker = zlib.decompressobj()
            try:
                raw = unpacker.decompress(data[end:], width * height * 4)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            if len(raw) != width * height * 4 or unpacker.unconsumed_tail:
                raise ValueError("its pixels are not as many as a tile has")
            top = np.frombuffer(raw, np.uint8).reshape(height, width, 4)
        return cls(found[:tiles], [tile[1:] for tile in found[tiles:]], top)


def drawn_beside(target: Path) -> Path:
    """Name the file that keeps what was drawn for a target."""
    whole = Path(os.path.abspath(target))  # noqa: PTH100  resolves no links: they are the user's names
    return whole.with_name(whole.name + _SUFFIX)


def forget_drawn(target: Path) -> None:
    """Throw away what was drawn for a target.

    Raises:
        TransferError: The system refuses.
    """
    remove(drawn_beside(target))


def word_of_drawn(target: Path, fingerprint: str) -> str:
    """Say in a sentence what will become of what an earlier run has drawn; there is something.

    Args:
        target: What is to be built.
        fingerprint: Of the build.

    Raises:
        TransferError: It cannot be read.
    """
    path = drawn_beside(target)
    if fingerprint and _first_line(path) == _head(fingerprint):
        return f"{path}: an earlier run was stopped; what it has drawn is taken up"
    return f"{path}: a stopped run of another build, or of rasters that have changed; what it has drawn is thrown away"


class DrawnLog:
    """The file, open. One thread uses it, which holds the target."""

    def __init__(self, target: Path, fingerprint: str, windows: int) -> None:
        """Take up what an earlier run of the same build has drawn, and throw away what another has.

        Args:
            target: What is being built.
            fingerprint: Of the build; empty where nothing can tell whether it is the same.
            windows: How many there are.

        Raises:
            CacheExistsError: What stands there is none of tilepack's.
            TransferError: It cannot be read, or not be removed.
        """
        self.path = drawn_beside(target)
        self.count = 0
        """Windows that it holds."""
        self._file: PositionedFile | None = None
        self._end = _LINE
        self._has_more = False
        is_known = _first_line(self.path) if is_there(self.path) else b""
        if is_known and not is_known.startswith(_BEGINNING):
            raise CacheExistsError(f"{self.path}: is in the way and was not made by tilepack; move it away")
        if not fingerprint or windows < _FEWEST:
            remove(self.path)
            return
        if is_known == _head(fingerprint):
            self._file = reopened(self.path, "open what was drawn")
            self._has_more = True
            return
        remove(self.path)
        self._file = PositionedFile(self.path, writable=True)
        self._file.write(_head(fingerprint), 0)

    def take(self, pyramid: int, row: int, column: int, *, width: int, height: int) -> Drawn | None:
        """Give what was drawn of a window, if it is the next that is there, and whole; before any is added.

        Args:
            pyramid: Number of its pyramid.
            row: Of the window among windows.
            column: Likewise.
            width: Of a tile, pixels.
            height: Likewise.
        """
        if self._file is None or not self._has_more:
            return None
        found = self._next(self._file, (pyramid, row, column), width, height)
        if found is None:  # what follows comes behind those that were whole
            self._has_more = False
            self._file.truncate(self._end)
        return found

    def _next(self, file: PositionedFile, window: tuple[int, int, int], width: int, height: int) -> Drawn | None:
        head = file.read(_RECORD.size, self._end)
        if len(head) < _RECORD.size:
            return None
        crc, size, *place = _RECORD.unpack(head)
        if tuple(place) != window or size > file.size() - self._end - _RECORD.size:
            return None
        data = file.read(size, self._end + _RECORD.size)
        if zlib_ng.crc32(data, zlib_ng.crc32(head[8:])) != crc:
            return None
        try:
            drawn = Drawn.from_bytes(data, width, height)
        except ValueError:
            return None
        self._end += _RECORD.size + size
        self.count += 1
        return drawn

    def add(self, pyramid: int, row: int, column: int, drawn: Drawn) -> None:
        """Keep a window. Where there is no room for it, nothing is kept any more: the target needs the room."""
        if self._file is None:
            return
        data = drawn.to_bytes()
        place = struct.pack("<Iqq", pyramid, row, column)
        crc = zlib_ng.crc32(data, zlib_ng.crc32(place))
        try:
            self._file.write(struct.pack("<II", crc, len(data)) + place, self._end)
            self._file.write(data, self._end + _RECORD.size)
        except TransferError:
            self.discard()
            return
        self._end += _RECORD.size + len(data)
        self.count += 1

    def close(self) -> str:
        """Close the file, and say in a sentence where it is; one without windows goes."""
        if self._file is not None:
            self._file.close()
        if self._file is None or not self.count:
            self.discard()
            return ""
        return (
            f"what was drawn is kept in {self.path}: the same command goes on from there; remove the file to throw it "
            f"away"
        )

    def finish(self, *, keep: bool) -> None:
        """Let go of the file once the target stands; it goes unless it is to be kept.

        Raises:
            TransferError: The system refuses.
        """
        if keep:
            self.close()
        else:
            self.discard()

    def discard(self) -> None:
        """Throw the file away.

        Raises:
            TransferError: The system refuses.
        """
        if self._file is not None:
            self._file.close()
            self._file, self.count = None, 0
            remove(self.path)


def _head(fingerprint: str) -> bytes:
    line = json.dumps({"tilepack": 1, "drawn": fingerprint}).encode()
    return line.ljust(_LINE - 1) + b"\n"


def _first_line(path: Path) -> bytes:
    """Give what a file begins with; something that is no file begins with nothing of ours."""
    with explained("read what was drawn", path):
        if path.is_symlink() or not path.is_file():
            return b"?"
        with path.open("rb") as file:
            return file.read(_LINE) or b"?"
