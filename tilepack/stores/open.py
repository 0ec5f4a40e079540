"""Opening a source by its path, whatever it is."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tilepack.cache import StorageFormat
from tilepack.disk import sqlite
from tilepack.disk.files import explained
from tilepack.disk.package_tree import PackageTree
from tilepack.disk.tree import FolderTree, Tree, below
from tilepack.errors import CacheNotFoundError, UnsupportedError
from tilepack.formats import bundle_v1, pmtiles
from tilepack.formats.names import parse_row_folder
from tilepack.formats.xyz_names import TileOrder, parse_pattern
from tilepack.metadata.vector_root_json import VECTOR_FOLDER
from tilepack.stores.base import TileReader
from tilepack.stores.compact import CompactReader
from tilepack.stores.documents import CONF_XML, ROOT_JSON, Described, OpeningWarning, read_documents
from tilepack.stores.exploded import ExplodedReader
from tilepack.stores.levels import ALL_LAYERS, find_level_folders
from tilepack.stores.web.mbtiles import MbtilesReader
from tilepack.stores.web.pmtiles import PmtilesReader
from tilepack.stores.web.xyz import XyzReader, find_tiles

_DEPTH: Final = 2
"""Folders below a given one in which a cache is looked for: ``service/Layers``, an unpacked package's ``v101/NAME``."""

_PACKAGES: Final = (".tpk", ".tpkx", ".vtpk", ".zip")
_ZIP: Final = (b"PK\3\4", b"PK\5\6")


Remembered = Callable[[str], StorageFormat | None]
"""Tells of a place how its tiles were stored when somebody last looked; None where nobody knows."""


def open_cache(path: str | Path) -> TileReader:
    """Open a cache or package to read.

    Args:
        path: A package, MBTiles or PMTiles; a cache folder, its parent, or its conf.xml or root.json; a folder or ZIP
            of web tiles, whose order may be said as in ``tiles/{z}/{x}/{-y}``.

    Raises:
        CacheNotFoundError: There is no cache.
        MetadataError: A document is malformed.
        BundleError: A package is malformed.
        UnsupportedError: It is a cache of a kind that tilepack does not read.
        TransferError: The system refuses to read it.
    """
    return open_remembered(path, lambda _: None)


def open_remembered(path: str | Path, remembered: Remembered) -> TileReader:
    """Open a cache or package as ``open_cache`` does, and no bundle to see how tiles are stored where that is known.

    Args:
        path: Whatever ``open_cache`` takes.
        remembered: Asked once it is known which folder or package it is.

    Raises:
        TilepackError: As ``open_cache``.
    """
    pattern, place = parse_pattern(str(path)), place_of(path)
    with explained("look at", place):
        if not place.exists():
            raise CacheNotFoundError(f"{place}: there is nothing of that name; check the path")
    if pattern is not None:
        return _open_tiles(FolderTree(place) if place.is_dir() else PackageTree(place), pattern[1])
    if place.is_dir():
        folder = place.parent if place.name.lower() == ALL_LAYERS else place
        return _open_folder(folder, remembered)
    if not place.is_file():  # opening a named pipe would wait for its writer
        raise CacheNotFoundError(f"{place}: is no plain file; give a cache folder, its conf.xml, a .tpk or a .tpkx")
    if place.name.lower() in (CONF_XML, ROOT_JSON, "conf.cdi"):
        return _open_folder(place.parent, remembered)
    if place.suffix.lower() in (".bundle", ".bundlx"):
        raise CacheNotFoundError(f"{place}: is one bundle of a cache; give the folder that holds conf.xml or root.json")
    head = _head(place)
    if place.suffix.lower() == ".mbtiles" or head.startswith(sqlite.MAGIC):
        return MbtilesReader(place)
    if place.suffix.lower() == ".pmtiles" or head.startswith(pmtiles.MAGIC):
        return PmtilesReader(place)
    if place.suffix.lower() not in _PACKAGES and not head.startswith(_ZIP):
        raise CacheNotFoundError(
            f"{place}: is no cache; give a cache folder, its conf.xml, a .tpk, .tpkx, .vtpk, .mbtiles or .pmtiles"
        )
    return _open_package(place, remembered)


def place_of(path: str | Path) -> Path:
    """Give the file or folder that a path leads to: without the ``{z}/{x}/{y}`` that may follow."""
    pattern = parse_pattern(str(path))
    return Path(path if pattern is None else pattern[0])


def is_zip(place: Path) -> bool:
    """Tell whether a file is taken for a package: by its name, or by its first bytes."""
    named = place.suffix.lower()
    if named in (".xml", ".json", ".cdi"):
        return False
    return named in _PACKAGES or _head(place).startswith(_ZIP)


def _head(place: Path) -> bytes:
    with FolderTree(place.parent).open(place.name) as start:
        return start.read(min(16, start.size), 0)


def _open_folder(folder: Path, remembered: Remembered) -> TileReader:
    tree = FolderTree(folder)
    found = _find_documents(tree, "", _DEPTH)
    if not found:
        if find_tiles(tree) is not None:
            return _open_tiles(tree, None)
        raise CacheNotFoundError(
            f"{folder}: holds neither conf.xml nor root.json, nor do the folders in it; give the cache's own folder"
        )
    shallow = [document for document in found if document.count("/") == found[0].count("/")]
    document = _only(tree, shallow)
    inner = FolderTree(folder / posixpath.dirname(document))
    root = _in_full(inner.root)
    if root.parent.name.lower().startswith("v1") and (root.parent.parent / "esriinfo").is_dir():
        package = FolderTree(root.parent.parent)  # an unpacked .tpk: its descriptions lie further up
        return _open_described(package, f"{root.parent.name}/{root.name}/{posixpath.basename(document)}", remembered)
    if root.name.lower() == VECTOR_FOLDER and (root.parent / "esriinfo").is_dir():  # likewise, an unpacked .vtpk
        return _open_described(FolderTree(root.parent), f"{root.name}/{posixpath.basename(document)}", remembered)
    return _open_described(inner, posixpath.basename(document), remembered)


def _find_documents(tree: FolderTree, folder: str, depth: int) -> list[str]:
    """Find conf.xml or root.json in a folder, or else in the folders below; nearest first."""
    entries = tree.entries(folder)
    here = {entry.name.lower(): entry.name for entry in entries if not entry.is_folder}
    for name in (CONF_XML, ROOT_JSON):
        if name in here:
            return [below(folder, here[name])]
    if not depth:
        return []
    inner = [entry.name for entry in entries if entry.is_folder and entry.name.lower() != ALL_LAYERS]
    found = [document for name in inner for document in _find_documents(tree, below(folder, name), depth - 1)]
    return sorted(found, key=lambda document: document.count("/"))


def _open_package(path: Path, remembered: Remembered) -> TileReader:
    tree = PackageTree(path)
    try:
        found = tree.find(ROOT_JSON)
        confs = tree.find(CONF_XML)
        documents = confs or found
        if not documents and find_tiles(tree) is not None:
            return _open_tiles(tree, None)
        if not documents:
            raise CacheNotFoundError(f"{path}: holds neither conf.xml nor root.json; give a tile package")
        shallow = [document for document in documents if document.count("/") == documents[0].count("/")]
        return _open_described(tree, _only(tree, shallow), remembered)
    except BaseException:
        tree.close()
        raise


def _open_tiles(tree: Tree, order: TileOrder | None) -> TileReader:
    """Open a folder or ZIP of web tiles."""
    try:
        folder = find_tiles(tree)
        if folder is None:
            raise CacheNotFoundError(f"{tree.place}: holds no folders of zooms with tiles below; check the path")
        name = _name_of(tree)
        if folder and isinstance(tree, FolderTree):  # the cache's own folder is the one that holds the zooms
            tree, folder = FolderTree(tree.root / folder), ""
        return XyzReader(tree, folder, name, order)
    except BaseException:
        tree.close()
        raise


def _only(tree: Tree, documents: list[str]) -> str:
    if len(documents) > 1:
        do = "give one of them" if isinstance(tree, FolderTree) else "unpack it and give one of them"
        raise CacheNotFoundError(f"{tree.place}: holds several caches; {do}: {', '.join(documents)}")
    return documents[0]


def _open_described(tree: Tree, document: str, remembered: Remembered) -> TileReader:
    """Read the documents, see how the tiles are really stored, and make the reader for that."""
    folder = posixpath.dirname(document)
    name = posixpath.basename(folder)
    if name.lower() in ("", VECTOR_FOLDER):
        name = _name_of(tree)
    name = name.encode(errors="replace").decode()  # POSIX takes any bytes for a name, documents only text
    described = read_documents(tree, document, name)
    folders = find_level_folders(tree, described.tiles_folder)
    stored = remembered(tree.place) or _stored_as(tree, folders)
    _trust(described, stored)
    for level in sorted(set(folders) - described.info.scheme.level_ids):
        described.warnings.append(
            OpeningWarning(
                "level-not-in-scheme", f"there is a folder for level {level}, which the tiling scheme does not have"
            )
        )
    if described.info.storage_format is not StorageFormat.EXPLODED:
        return CompactReader(tree, described, folders)
    if not isinstance(tree, FolderTree):
        raise UnsupportedError(f"{tree.place}: is a package of an exploded cache; unpack it and give the folder")
    return ExplodedReader(tree, described, folders)


def _name_of(tree: Tree) -> str:
    """Give a folder's name, or a package's without suffix, however its path was written: ``.`` has a name too."""
    place = _in_full(Path(tree.place))
    name = place.name if isinstance(tree, FolderTree) else place.stem  # a folder's points are no suffix: Roads 9.3
    return name or "Layers"


def _in_full(path: Path) -> Path:
    """Give a path with all folders above it, for ``.`` has none; links keep the names that people gave them."""
    return Path(os.path.abspath(path))  # noqa: PTH100  which follows links


def _trust(described: Described, stored: StorageFormat | None) -> None:
    """Believe the files rather than the document that describes them."""
    said = described.info.storage_format
    if stored is not None and stored is not said:
        described.warnings.append(
            OpeningWarning(
                "storage-format-wrong", f"the documents say {said}, but the tiles are stored as {stored}; that counts"
            )
        )
        described.info = replace(described.info, storage_format=stored)


def _stored_as(tree: Tree, folders: dict[int, str]) -> StorageFormat | None:
    """Tell from the first level that holds anything how tiles are stored; None when there are none."""
    for level in sorted(folders):
        entries = tree.entries(folders[level])
        for entry in entries:
            if entry.is_folder and parse_row_folder(entry.name) is not None:
                return StorageFormat.EXPLODED
            if not entry.is_folder and entry.name.lower().endswith(".bundle"):
                with tree.open(below(folders[level], entry.name)) as bundle:
                    head = bundle.read(min(bundle_v1.HEADER_SIZE, bundle.size), 0)
                if len(head) < bundle_v1.HEADER_SIZE:
                    break  # too short for either: the reader says so
                return StorageFormat.COMPACT if bundle_v1.is_header(head) else StorageFormat.COMPACT_V2
    return None
