"""The inside of a package (.tpk, .tpkx, a hand-made ZIP) as a tree.

The ZIP directory is read by the standard library. Stored members are read in place, by position; deflated ones, which
ArcGIS refuses but people make, are unpacked to a temporary file as they are opened.
"""

from __future__ import annotations

import posixpath
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Final

from tilepack.disk.files import ByteRange, PositionedFile, StreamedFile, explained, nameless_file
from tilepack.disk.tree import LARGEST_DOCUMENT, Entry, Stamp, below, read_start, too_large
from tilepack.errors import BundleError, CacheNotFoundError, UnsupportedError

_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
_DEFLATE_LIMIT: Final = 1032
"""Deflate makes at most 1032 bytes of one; a member that claims more is lying."""
_JUNK: Final = ("__MACOSX/",)
_CHUNK: Final = 1 << 20
_SHOWN: Final = 200
"""Characters of the standard library's own words in a message."""
_ENCRYPTED: Final = 0x1 | 0x40
_PATCH: Final = 0x20
_UTF8: Final = 0x800
_END_RECORD: Final = struct.Struct("<4s4H2IH")
_FREELY: Final = 64 << 20
"""Bytes to which a deflated member may grow whatever its packed size: 16,384 equal blank tiles pack very well."""
_GROWTH: Final = 100
"""How many times its packed size a larger member may have."""


class PackageTree:
    """The members of a ZIP file."""

    def __init__(self, path: Path) -> None:
        """Open a package and read its directory.

        Raises:
            BundleError: It is no ZIP file, is damaged, or its members' names leave it.
            TransferError: It cannot be read.
        """
        self.place = str(path)
        self._file = PositionedFile(path)
        try:
            self._size = self._file.size()
            self._zip = self._open_zip()
            self._members: dict[str, zipfile.ZipInfo] = {}
            self._folders: dict[str, dict[str, bool]] = {"": {}}
            self._check_count()
            for member in self._zip.infolist():
                self._add(member)
            self._check_places()
        except BaseException:
            self._file.close()
            raise

    def _open_zip(self) -> zipfile.ZipFile:
        try:
            with explained("read", self.place):
                return zipfile.ZipFile(StreamedFile(self._file))
        except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError, NotImplementedError) as error:
            reason = str(error)[:_SHOWN] or type(error).__name__ if self._size else "it has no bytes"
            raise BundleError(
                f"{self.place}: is no readable package (ZIP): {reason}; it may be truncated, take it from a backup"
            ) from error

    def _check_count(self) -> None:
        """See that no member is lost: the end record counts them, and the standard library does not look."""
        tail = self._file.read(_END_RECORD.size, self._size - _END_RECORD.size)
        if len(tail) < _END_RECORD.size:
            raise BundleError(f"{self.place}: was cut while it was being read; start again, or take it from a backup")
        signature, *_, count, _, _, comment = _END_RECORD.unpack(tail)
        found = len(self._zip.infolist())
        # With a comment or in Zip64 the count stands elsewhere; old packers count modulo 65,536.
        if signature == b"PK\5\6" and not comment and count not in (0xFFFF, found & 0xFFFF):
            raise BundleError(
                f"{self.place}: its directory says {count} members and lists {found}; it is damaged, take it from "
                f"a backup"
            )

    def _check_places(self) -> None:
        """See that members lie in the package and share no bytes; a small package could swell to any size otherwise."""
        last, end = "", 0
        for member in sorted(self._zip.infolist(), key=lambda member: member.header_offset):
            if not 0 <= member.header_offset <= self._size:
                raise _misplaced(f"{self.place}/{member.filename}")
            if member.header_offset < end:
                raise BundleError(
                    f"{self.place}: members {last} and {member.filename} share bytes; the package is damaged or made "
                    f"to deceive, take it from a backup"
                )
            # The local header repeats the name; fields that it may have beyond are not counted.
            last, end = member.filename, member.header_offset + _LOCAL_HEADER.size + member.compress_size
        if end > self._size:
            raise BundleError(
                f"{self.place}/{last}: is said to end at byte {end}, the package has {self._size}; it is truncated or "
                f"damaged, take it from a backup"
            )

    def _add(self, member: zipfile.ZipInfo) -> None:
        name = member.orig_filename.replace("\\", "/")
        if "\0" in name or name.startswith("/") or ":" in name.split("/")[0] or ".." in name.split("/"):
            raise BundleError(
                f"{self.place}: member {member.orig_filename!r} points outside the package; do not trust it, get the "
                f"package from its maker again"
            )
        if name.startswith(_JUNK):
            return
        parts = [part for part in name.split("/") if part not in ("", ".")]
        is_folder = name.endswith("/") or not parts
        folder = ""
        for depth, part in enumerate(parts):
            inner = depth < len(parts) - 1 or is_folder
            if self._folders[folder].get(part, inner) != inner:
                raise BundleError(
                    f"{self.place}: {below(folder, part)} is a file and a folder at once; it is "
                    f"damaged, take it from a backup"
                )
            if not inner and part in self._folders[folder]:
                raise BundleError(
                    f"{self.place}: there are two members {below(folder, part)}; pack it anew with one of them"
                )
            self._folders[folder][part] = inner
            folder = below(folder, part)
            if inner:
                self._folders.setdefault(folder, {})
        if not is_folder:
            self._members[folder] = member

    def entries(self, folder: str) -> list[Entry]:
        """List a folder, sorted by name.

        Raises:
            CacheNotFoundError: There is no such folder.
        """
        found = self._folders.get(folder)
        if found is None:
            raise CacheNotFoundError(f"{self.place}: there is no folder {folder} in it")
        return sorted(Entry(name, is_folder) for name, is_folder in found.items())

    def leads_back(self, path: str) -> bool:
        """Tell whether a folder is a link to one above it: never in a package, whose links are not followed."""
        del path
        return False

    def _member(self, path: str) -> zipfile.ZipInfo:
        member = self._members.get(path)
        if member is None:
            raise CacheNotFoundError(f"{self.place}: there is no {path} in it")
        place = f"{self.place}/{path}"
        if member.flag_bits & _ENCRYPTED:
            raise UnsupportedError(f"{place}: is encrypted; tile packages are not, pack it anew")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & _PATCH:
            kind = "as a patch" if member.flag_bits & _PATCH else f"by method {member.compress_type}"
            raise UnsupportedError(f"{place}: is compressed {kind}; pack it anew without compression")
        return member

    def members(self) -> dict[str, int]:
        """Give the path of every file, in the directory's order, with the CRC-32 that the directory claims for it."""
        return {path: member.CRC for path, member in self._members.items()}

    def is_stored(self, path: str) -> bool:
        """Tell whether a member lies in the package uncompressed, as ArcGIS wants it."""
        return self._member(path).compress_type == zipfile.ZIP_STORED

    def modified(self, path: str) -> float | None:
        """Know no times: members carry local ones, by whatever clock packed them, and many packers write none."""
        del path
        return None

    def size(self, path: str) -> int:
        """Give a file's bytes, as its directory entry claims them."""
        return self._member(path).file_size

    def identity(self, path: str) -> object:
        """Tell whether there is a member; an open package stays what it is."""
        return path if path in self._members else None

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Tell of each file in a folder, by name, what changes with it, as the package's directory claims.

        Raises:
            CacheNotFoundError: There is no such folder.
        """
        files = [entry.name for entry in self.entries(folder) if not entry.is_folder]
        members = [self._members[below(folder, name)] for name in files]
        return {name: Stamp(member.file_size, member.CRC) for name, member in zip(files, members, strict=True)}

    def read_document(self, path: str) -> bytes:
        """Give a whole file of at most 16 MiB.

        Raises:
            MetadataError: It is larger.
            BundleError: The member is damaged.
        """
        size = self.size(path)
        if size > LARGEST_DOCUMENT:
            raise too_large(f"{self.place}/{path}", size)
        with self.open(path) as document:
            return document.read(document.size, 0)

    def open(self, path: str) -> ByteRange:
        """Open a file to read at positions.

        Raises:
            BundleError: The member is damaged.
        """
        member = self._member(path)
        place = f"{self.place}/{path}"
        if member.compress_type == zipfile.ZIP_DEFLATED:
            return self._unpacked(member, place)
        if member.file_size != member.compress_size:
            raise BundleError(
                f"{place}: is stored, but its sizes differ ({member.file_size} and {member.compress_size} bytes); the "
                f"package is damaged, take it from a backup"
            )
        return ByteRange(self._file, self._data_start(member, place), member.file_size, place, owned=False)

    def read_start(self, path: str, buffer: memoryview) -> int:
        """Fill a buffer from a file's start, as far as the file goes.

        Returns:
            The file's bytes.
        """
        return read_start(self, path, buffer)

    def _data_start(self, member: zipfile.ZipInfo, place: str) -> int:
        name = member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8 else "cp437", "replace")
        head = self._file.read(_LOCAL_HEADER.size + len(name), member.header_offset)
        if len(head) >= _LOCAL_HEADER.size:
            signature, *_, name_size, extra_size = _LOCAL_HEADER.unpack_from(head)
            start = int(member.header_offset + _LOCAL_HEADER.size + name_size + extra_size)
            named = name_size == len(name) and head[_LOCAL_HEADER.size :] == name
            if signature == b"PK\x03\x04" and named and start + member.compress_size <= self._size:
                return start
        raise _misplaced(place)

    def _unpacked(self, member: zipfile.ZipInfo, place: str) -> ByteRange:
        if member.file_size > _DEFLATE_LIMIT * member.compress_size + 64:
            raise BundleError(
                f"{place}: claims to grow from {member.compress_size} to {member.file_size} bytes, more than deflate "
                f"can; do not trust it, get the package from its maker again"
            )
        if member.file_size > max(_FREELY, _GROWTH * member.compress_size):
            raise BundleError(
                f"{place}: would grow from {member.compress_size} to {member.file_size} bytes, which tiles never do; "
                f"do not trust it, get the package from its maker again"
            )
        # Looked at first: of a name that lies about its length the standard library would print all.
        self._data_start(member, place)
        with explained("find a folder for files that go again", place):
            folder = tempfile.gettempdir()
        file = nameless_file(Path(folder), f"{folder}, unpacking {place}")
        try:
            done = 0
            with explained("read", place), self._zip.open(member) as packed:
                while chunk := packed.read(_CHUNK):
                    file.write(chunk, done)
                    done += len(chunk)
            if done != member.file_size:
                raise zipfile.BadZipFile(f"it ends after {done} of {member.file_size} bytes")
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError) as error:
            file.close()
            raise BundleError(
                f"{place}: cannot be unpacked: {str(error)[:_SHOWN]}; the package is damaged, take it from a backup"
            ) from error
        except BaseException:
            file.close()
            raise
        return ByteRange(file, 0, done, place, owned=True)

    def find(self, name: str) -> list[str]:
        """Find members by their last name, in any case; shallow ones first."""
        found = [path for path in self._members if posixpath.basename(path).lower() == name.lower()]
        return sorted(found, key=lambda path: (path.count("/"), path))

    def close(self) -> None:
        """Close the package."""
        self._zip.close()
        self._file.close()


def _misplaced(place: str) -> BundleError:
    return BundleError(f"{place}: the package has no such member where it says; it is damaged, take it from a backup")
