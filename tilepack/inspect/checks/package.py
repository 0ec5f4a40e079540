"""Checking the ZIP around a package: one member a name, all of them stored, each with the bytes of its checksum."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tilepack.disk.files import PositionedFile, StreamedFile
from tilepack.disk.package_tree import PackageTree
from tilepack.errors import TilepackError
from tilepack.inspect.findings import Collector
from tilepack.metadata.vector_root_json import VECTOR_FOLDER

_JUNK: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_JUNK_FOLDER: Final = "__MACOSX/"

EXPECTED: Final = {
    "conf.xml": ("esriinfo/iteminfo.xml", "servicedescriptions/mapserver/mapserver.json"),
    "root.json": ("iteminfo.json",),
}
"""What ArcGIS' own packages hold beside the document that describes their cache."""

EXPECTED_OF_VECTOR: Final = {"root.json": ("esriinfo/iteminfo.xml", "p12/resources/styles/root.json")}
"""Likewise packages of vector tiles."""


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
    for document, others in _expected(tree).items():
        if tree.find(document):
            for other in others:
                if not _is_there(tree, other):
                    found.add("document-missing", other, "is missing; ArcGIS' own packages hold it")
            break


def _is_there(tree: PackageTree, path: str) -> bool:
    found = tree.find(path.rpartition("/")[2])
    if path.endswith("root.json"):  # of which a package of vector tiles has several
        return any(f"/{member.lower()}".endswith(f"/{path}") for member in found)
    return bool(found)


def _expected(tree: PackageTree) -> Mapping[str, tuple[str, ...]]:
    vector = any(path.lower().endswith(f"{VECTOR_FOLDER}/root.json") for path in tree.find("root.json"))
    return EXPECTED_OF_VECTOR if vector else EXPECTED


def _check_bytes(found: Collector, tree: PackageTree, path: str, expected: int) -> None:
    """Compare a member with its checksum; compressed ones are compared as they are unpacked."""
    with tree.open(path) as member:
        crc = member.crc()
    if crc != expected:
        found.add("package-member-damaged", path, f"its checksum is {expected:08x}, that of its bytes {crc:08x}")
