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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilepack.disk.durable import is_there, rename
from tilepack.disk.files import explained
from tilepack.disk.journal import PARTIAL
from tilepack.disk.locking import FOLDER_LOCK, WriterLock
from tilepack.disk.staging import STATUS_FOLDERS, STATUS_LEFT, Staging, is_cache_part, is_left_behind
from tilepack.errors import CacheExistsError, UnsupportedError
from tilepack.formats.names import is_hexadecimal_level, parse_level_folder, parse_row_folder
from tilepack.stores.open import open_cache

_JUNK: Final = re.compile(r"\.DS_Store|Thumbs\.db", re.IGNORECASE)
_SUBSTITUTE: Final = re.compile(r"(missing|blank)\.(png|jpg|jpeg)", re.IGNORECASE)
_BUNDLE: Final = re.compile(r"R[0-9a-f]{4,15}C[0-9a-f]{4,15}\.(bundle|bundlx)", re.IGNORECASE)
_TILE: Final = re.compile(r"C[0-9a-f]{1,8}\.(png|jpg|jpeg|webp|gif|lerc|bmp|pbf)", re.IGNORECASE)
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
    """Delete a cache folder or package, with all that belongs to it.

    The folder disappears under another name first, so that no half of a cache is ever there. What a killed run left
    under that name goes as well, uncounted.

    Args:
        cache: A cache folder, its conf.xml or root.json, a .tpk or a .tpkx.

    Raises:
        CacheNotFoundError: There is no cache.
        CacheExistsError: There is something in the folder that is no part of a cache; nothing is deleted then.
        UnsupportedError: It is a link.
        TransferError: Another writer is at work, or the system refuses.
    """
    place = Path(cache)
    if not is_there(place) and is_left_behind(place):
        Staging(place, replace=True, refuse=_allow).release()
        if not is_there(place):  # it was being deleted
            return DeletedCache(path=place, files=0, file_bytes=0)
    with open_cache(cache) as reader:
        path = reader.home or Path(cache)
        # The folder of the levels has to be known by its way from conf.xml or root.json: tileBundlesPath may be any.
        inner = getattr(reader, "tiles_folder", "") if reader.home is not None else ""
        document = getattr(reader, "document", "")
    if path.is_symlink():
        raise UnsupportedError(f"{path}: is a link; give the cache where it lies, {os.path.realpath(path)}")
    above = document.rpartition("/")[0]
    tiles = inner[len(above) + 1 :] if above and inner.startswith(f"{above}/") else inner
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
            if entry.name == head and self._is_folder(entry):
                self._take_tiles_folder(path, tiles.partition("/")[2])
            elif entry.name in (*STATUS_FOLDERS, *STATUS_LEFT) and self._is_folder(entry):
                self._take_files(path, _GEODATABASE)
            elif not tiles and self._is_folder(entry) and _is_level(entry.name):
                self._take_level(path)
            elif is_cache_part(entry.name) and not self._is_folder(entry):
                self.take_file(path)
            else:
                raise _foreign(path)

    def _take_tiles_folder(self, folder: Path, below: str) -> None:
        """Look at the folder of the levels, or one on the way to it."""
        head, _, rest = below.partition("/")
        for entry in self._entries(folder):
            path = Path(entry.path)
            if head and entry.name == head and self._is_folder(entry):
                self._take_tiles_folder(path, rest)
            elif not head and self._is_folder(entry) and _is_level(entry.name):
                self._take_level(path)
            elif not self._is_folder(entry) and (
                _SUBSTITUTE.fullmatch(_whole(entry.name)) or _JUNK.fullmatch(entry.name)
            ):
                self.take_file(path)
            else:
                raise _foreign(path)

    def _take_level(self, folder: Path) -> None:
        for entry in self._entries(folder):
            path = Path(entry.path)
            if self._is_folder(entry) and parse_row_folder(entry.name) is not None:
                self._take_files(path, _TILE)
            elif not self._is_folder(entry) and (_BUNDLE.fullmatch(_whole(entry.name)) or _JUNK.fullmatch(entry.name)):
                self.take_file(path)
            else:
                raise _foreign(path)

    def _take_files(self, folder: Path, names: re.Pattern[str]) -> None:
        for entry in self._entries(folder):
            if self._is_folder(entry) or not (names.fullmatch(_whole(entry.name)) or _JUNK.fullmatch(entry.name)):
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

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir()
        except OSError:
            return False


def _whole(name: str) -> str:
    """Give a file's name without what it bears while tilepack writes it: a killed run leaves such files."""
    return name.removesuffix(PARTIAL)


def _is_level(name: str) -> bool:
    return parse_level_folder(name) is not None or is_hexadecimal_level(name)


def _foreign(path: Path) -> CacheExistsError:
    return CacheExistsError(
        f"{path}: is no part of a cache, and only caches are deleted; nothing was, move it away and start again"
    )
