"""Deleting a whole cache: what a cache consists of goes, and nothing else.

============================  =======================================================================================
beside conf.xml, root.json    documents, thumbnails, tilepack's lock, journal and memory, ``Status.gdb`` with its files
beside the levels             level folders, ``missing.*``, ``blank.*``
in a level                    ``.bundle``, ``.bundlx``; row folders with tiles
anywhere                      ``.DS_Store``, ``Thumbs.db``; of all files also ``NAME.partial``, as killed runs leave
============================  =======================================================================================

One foreign file, and nothing is deleted. A link under one of these names goes; what it leads to stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilepack.disk.durable import is_there, rename
from tilepack.disk.files import explained
from tilepack.disk.journal import PARTIAL
from tilepack.disk.locking import FOLDER_LOCK, WriterLock
from tilepack.disk.staging import STATUS_FOLDERS, STATUS_LEFT, Staging, is_cache_part, is_left_behind
from tilepack.errors import CacheExistsError, UnsupportedError
from tilepack.formats.names import (
    is_hexadecimal_level,
    is_substitute,
    parse_level_folder,
    parse_row_folder,
    parse_tile_file,
)
from tilepack.stores.base import TileReader
from tilepack.stores.open import open_cache, place_of
from tilepack.stores.reader import StoreReader

_JUNK: Final = re.compile(r"\.DS_Store|Thumbs\.db", re.IGNORECASE)
_BUNDLE: Final = re.compile(r"R[0-9a-f]{4,15}C[0-9a-f]{4,15}\.(bundle|bundlx)", re.IGNORECASE)
_GEODATABASE: Final = re.compile(r"[0-9a-z_.]+\.(?!lock|lck)[0-9a-z]+|gdb|timestamps", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedCache:
    """What was deleted."""

    path: Path
    """The folder or package."""
    files: int
    """Number of files."""
    file_bytes: int
    """What they took on the disk."""
    links: tuple[Path, ...] = ()
    """Links that went; what they led to is still there."""


def delete_cache(cache: str | Path) -> DeletedCache:
    """Delete a cache folder, or a file that holds one, with all that belongs to it.

    The folder disappears under another name first, so that no half of a cache is ever there. What a killed run left
    under that name goes as well, uncounted.

    Args:
        cache: A cache folder, its conf.xml or root.json; a package, MBTiles, PMTiles or a ZIP of web tiles.

    Raises:
        CacheNotFoundError: There is no cache.
        CacheExistsError: There is something in the folder that is no part of a cache; nothing is deleted then.
        UnsupportedError: It is a link, or a folder of web tiles, of which nobody knows what else lies there.
        TransferError: Another writer is at work, or the system refuses.
    """
    place = place_of(cache)
    if not is_there(place) and is_left_behind(place):
        Staging(place, replace=True, refuse=_allow).release()
        if not is_there(place):  # it was being deleted
            return DeletedCache(path=place, files=0, file_bytes=0)
    with open_cache(cache) as reader:
        path = reader.home or place
        tiles = _tiles_folder(reader)
    if path.is_symlink():
        raise UnsupportedError(f"{path}: is a link; give the cache where it lies, {os.path.realpath(path)}")
    found = _Inventory(path)
    if path.is_dir():
        found.take_cache(tiles)
    else:
        found.take_file(path)
    staging = Staging(path, replace=True, refuse=_allow)
    lock: WriterLock | None = None
    try:
        if path.is_dir():
            lock = WriterLock(path / FOLDER_LOCK, path)  # nobody writes there
            if os.name == "nt":  # which renames no folder that holds an open file
                lock.release()
        rename(path, staging.partial)
    finally:
        if lock is not None:
            lock.release()
        staging.discard()
    return DeletedCache(path=path, files=found.files, file_bytes=found.file_bytes, links=tuple(found.links))


def _tiles_folder(reader: TileReader) -> str:
    """Give the way to the levels from the folder of conf.xml or root.json, "" for itself: tileBundlesPath may be any.

    Raises:
        UnsupportedError: It is a folder of web tiles.
    """
    if reader.home is None:
        return ""
    if not isinstance(reader, StoreReader):
        raise UnsupportedError(
            f"{reader.place}: is a folder of web tiles, and may hold anything else; remove the folder by hand, or its "
            f"tiles alone by tilepack delete --all"
        )
    above = reader.document.rpartition("/")[0]
    return reader.tiles_folder.removeprefix(f"{above}/") if above else reader.tiles_folder


def _allow(target: Path, *, replace: bool) -> None:
    """Refuse nothing: what may go was looked at before."""


class _Inventory:
    """Everything in a cache's folder, each by its place; refuses what does not belong there."""

    def __init__(self, root: Path) -> None:
        self.files = 0
        self.file_bytes = 0
        self.links: list[Path] = []
        self._root = root

    def take_cache(self, tiles: str) -> None:
        """Look at the folder that holds conf.xml or root.json.

        Args:
            tiles: The folder of the levels in it, ``/``-joined; "" for itself.
        """
        head = tiles.partition("/")[0]
        for entry in self._entries(self._root):
            path = Path(entry.path)
            if entry.name == head and _is_folder(entry):
                self._take_tiles_folder(path, tiles.partition("/")[2])
            elif entry.name in (*STATUS_FOLDERS, *STATUS_LEFT) and _is_folder(entry):
                self._take_files(path, _is_of_geodatabase)
            elif not tiles and _is_folder(entry) and _is_level(entry.name):
                self._take_level(path)
            elif not _is_folder(entry) and is_cache_part(entry.name):
                self.take_file(path)
            else:
                raise _foreign(path)

    def _take_tiles_folder(self, folder: Path, below: str) -> None:
        """Look at the folder of the levels, or one on the way to it."""
        head, _, rest = below.partition("/")
        for entry in self._entries(folder):
            path = Path(entry.path)
            if head and entry.name == head and _is_folder(entry):
                self._take_tiles_folder(path, rest)
            elif not head and _is_folder(entry) and _is_level(entry.name):
                self._take_level(path)
            elif _is_file(entry, is_substitute):
                self.take_file(path)
            else:
                raise _foreign(path)

    def _take_level(self, folder: Path) -> None:
        for entry in self._entries(folder):
            path = Path(entry.path)
            if _is_folder(entry) and parse_row_folder(entry.name) is not None:
                self._take_files(path, _is_tile)
            elif _is_file(entry, _is_of_bundle):
                self.take_file(path)
            else:
                raise _foreign(path)

    def _take_files(self, folder: Path, belongs: Callable[[str], bool]) -> None:
        for entry in self._entries(folder):
            if not _is_file(entry, belongs):
                raise _foreign(Path(entry.path))
            self.take_file(Path(entry.path))

    def take_file(self, path: Path) -> None:
        """Count a file."""
        with explained("look at", path):
            self.files += 1
            self.file_bytes += path.lstat().st_size
        if path.is_symlink():
            self.links.append(path)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """List a folder; a link to one is noted and not followed."""
        if folder.is_symlink():
            self.links.append(folder)
            return []
        with explained("list the folder", folder), os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a folder, or a link to one; a link that leads in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str], belongs: Callable[[str], bool]) -> bool:
    """Tell whether it is a file whose name belongs there, unfinished ones of a killed run too, or a system's litter."""
    return not _is_folder(entry) and (
        belongs(entry.name.removesuffix(PARTIAL)) or _JUNK.fullmatch(entry.name) is not None
    )


def _is_of_bundle(name: str) -> bool:
    return _BUNDLE.fullmatch(name) is not None  # also names that no bundle of 128 x 128 tiles has: readers refuse them


def _is_tile(name: str) -> bool:
    return parse_tile_file(name) is not None


def _is_of_geodatabase(name: str) -> bool:
    return _GEODATABASE.fullmatch(name) is not None


def _is_level(name: str) -> bool:
    return parse_level_folder(name) is not None or is_hexadecimal_level(name)


def _foreign(path: Path) -> CacheExistsError:
    return CacheExistsError(
        f"{path}: is no part of a cache, and only caches are deleted; nothing was deleted, move it away and start again"
    )
