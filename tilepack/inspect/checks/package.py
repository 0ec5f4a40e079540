"""Checking the ZIP around a package: one member a name, all of them stored, each with the bytes of its checksum."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

from zlib_ng import zlib_ng

from tilepack.disk.files import PositionedFile, StreamedFile
from tilepack.disk.package_tree import PackageTree
from tilepack.errors import TilepackError
from tilepack.inspect.findings import Collector

_JUNK: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_JUNK_FOLDER: Final = "__MACOSX/"
_CHUNK: Final = 1 << 20

EXPECTED: Final = {
    "conf.xml": ("esriinfo/iteminfo.xml", "servicedescriptions/mapserver/mapserver.json"),
    "root.json": ("iteminfo.json",),
}
"""What ArcGIS' own packages hold beside the document that describes their cache."""


def check_names(found: Collector, path: Path) -> None:
    """Check the names in a package's directory, also of one that cannot be opened otherwise."""
    try:
        with PositionedFile(path) as file, zipfile.ZipFile(StreamedFile(file)) as package:
            names = [member.orig_filename.replace("\\", "/") for member in package.infolist()]
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError, NotImplementedError, OSError):
        return  # opening it says what is wrong
    seen: set[str] = set()
    for name in names:
        if name in seen and not name.endswith("/"):
            found.add("package-member-twice", name, "there are two members of this name")
        seen.add(name)
        if name.startswith(_JUNK_FOLDER) or name.rpartition("/")[2].lower() in _JUNK:
            found.add("package-junk", name, "is left behind by the program that packed it")


def check_members(found: Collector, tree: PackageTree, *, deep: bool) -> None:
    """Check how the members of a package lie in it, and which documents are missing.

    Args:
        found: Takes the findings.
        tree: The package.
        deep: Compare every member with its checksum.
    """
    for path, crc in tree.members().items():
        try:
            if not tree.is_stored(path):
                found.add("package-member-deflated", path, "is compressed; readers of ArcGIS refuse such packages")
            if deep:
                _check_bytes(found, tree, path, crc)
        except TilepackError as error:
            if not path.lower().endswith((".bundle", ".bundlx")):  # whose own check meets the same
                found.add_unreadable(path, error)
    for document, others in EXPECTED.items():
        if tree.find(document):
            for other in others:
                if not tree.find(other.rpartition("/")[2]):
                    found.add("document-missing", other, "is missing; ArcGIS' own packages hold it")
            break


def _check_bytes(found: Collector, tree: PackageTree, path: str, expected: int) -> None:
    """Compare a member with its checksum; compressed ones are compared as they are unpacked."""
    with tree.open(path) as member:
        crc = 0
        for position in range(0, member.size, _CHUNK):
            crc = zlib_ng.crc32(member.read(min(_CHUNK, member.size - position), position), crc)
    if crc != expected:
        found.add("package-member-damaged", path, f"its checksum is {expected:08x}, that of its bytes {crc:08x}")
