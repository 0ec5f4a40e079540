r"""ZIP records for packages whose members are all stored; values -> bytes.

A package is written by position, many members at a time, which no library does: each member is a local header, its
name and its bytes; at the end come the central directory and its end record. ArcGIS refuses compressed members.

* Local header ``<4s 5H 3I 2H``: ``PK\3\4``, version needed, flags, method 0, time, date, CRC-32, size, size, name
  length, extra length.
* Central entry ``<4s 6H 3I 5H 2I``: ``PK\1\2``, version made by, version needed, flags, method, time, date, CRC-32,
  size, size, name length, extra length, comment length, disk, internal and external attributes, local header's offset.
* Sizes and offsets from 0xFFFFFFFF on stand in a Zip64 extra field (tag 1), and the field itself says 0xFFFFFFFF.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LIMIT: Final = 0xFFFFFFFF
_ENTRY_LIMIT: Final = 0xFFFF
_UTF8: Final = 0x800
_PLAIN_VERSION: Final = 10
_FOLDER_VERSION: Final = 20
_ZIP64_VERSION: Final = 45
_DOS_FILE: Final = 0x20
_DOS_FOLDER: Final = 0x10
_FIRST_YEAR: Final = 1980
_LAST_YEAR: Final = 2107


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a package."""

    name: str
    """Path with ``/``; a folder's ends with one."""
    offset: int
    """Where its local header starts."""
    size: int
    """Bytes."""
    crc: int
    """CRC-32 of its bytes."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory entry."""
        return self.name.endswith("/")


def dos_time(epoch: int | None) -> tuple[int, int]:
    """Give a ZIP's (time, date) of a moment.

    Args:
        epoch: Seconds since 1970, UTC; None gives the first moment that a ZIP knows, 1980-01-01 00:00:00.
    """
    moment = time.gmtime(epoch if epoch is not None else 0)
    if moment.tm_year < _FIRST_YEAR:
        return 0, 1 << 5 | 1
    year = min(moment.tm_year, _LAST_YEAR)
    clock = moment.tm_hour << 11 | moment.tm_min << 5 | min(moment.tm_sec, 59) // 2
    return clock, (year - _FIRST_YEAR) << 9 | moment.tm_mon << 5 | moment.tm_mday


def local_header_size(name: str, size: int) -> int:
    """Give the bytes in front of a member's own, name included."""
    return 30 + len(_encoded(name)[0]) + (20 if size >= _LIMIT else 0)


def format_local_header(member: Member, moment: tuple[int, int]) -> bytes:
    """Give the local header of a member with its name.

    Args:
        member: The member.
        moment: ZIP's time and date.
    """
    name, flags = _encoded(member.name)
    big = member.size >= _LIMIT
    extra = struct.pack("<2H2Q", 1, 16, member.size, member.size) if big else b""
    size = _LIMIT if big else member.size
    return (
        struct.pack(
            "<4s5H3I2H",
            b"PK\3\4",
            _version(member),
            flags,
            0,
            *moment,
            member.crc,
            size,
            size,
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def format_directory(members: Iterable[Member], offset: int, moment: tuple[int, int]) -> bytearray:
    """Give the central directory with its end record.

    Args:
        members: In the order in which readers shall see them.
        offset: Where the directory starts in the package.
        moment: ZIP's time and date, for all of them.
    """
    directory = bytearray()  # there may be millions, and joined they would all be there twice
    count = 0
    for member in members:
        directory += _format_entry(member, moment)
        count += 1
    size = len(directory)
    if count >= _ENTRY_LIMIT or offset >= _LIMIT or size >= _LIMIT:
        directory += struct.pack(
            "<4sQ2H2I4Q", b"PK\6\6", 44, _ZIP64_VERSION, _ZIP64_VERSION, 0, 0, count, count, size, offset
        )
        directory += struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    short = min(count, _ENTRY_LIMIT)
    directory += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, short, short, min(size, _LIMIT), min(offset, _LIMIT), 0)
    return directory


def _format_entry(member: Member, moment: tuple[int, int]) -> bytes:
    name, flags = _encoded(member.name)
    long_values = b""
    size, offset = member.size, member.offset
    if size >= _LIMIT:
        long_values += struct.pack("<2Q", size, size)
        size = _LIMIT
    if offset >= _LIMIT:
        long_values += struct.pack("<Q", offset)
        offset = _LIMIT
    extra = struct.pack("<2H", 1, len(long_values)) + long_values if long_values else b""
    return (
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\1\2",
            _FOLDER_VERSION,
            _version(member),
            flags,
            0,
            *moment,
            member.crc,
            size,
            size,
            len(name),
            len(extra),
            0,
            0,
            0,
            _DOS_FOLDER if member.is_folder else _DOS_FILE,
            offset,
        )
        + name
        + extra
    )


def _version(member: Member) -> int:
    if member.size >= _LIMIT or member.offset >= _LIMIT:
        return _ZIP64_VERSION
    return _FOLDER_VERSION if member.is_folder else _PLAIN_VERSION


def _encoded(name: str) -> tuple[bytes, int]:
    """Give a name's bytes and its flags: UTF-8 is only said where it is needed."""
    return name.encode(), 0 if name.isascii() else _UTF8
