"""The name under which a new target grows until it is whole, held by one writer.

``NAME.partial`` (a folder or a file) grows beside the target; one rename makes it the target. A folder that is to be
replaced changes names with it in one step; where the system knows none (Windows), it steps aside first, to
``NAME.replaced``. ``NAME.partial.lock`` keeps a second writer out and says who holds it; it also marks what a killed
run left as tilepack's own, so that the next run may clear it away, or put it back. Of a folder that is to be replaced
the lock inside is held as well, against those who replace bundles of it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Protocol

from tilepack.disk.durable import exchange, is_there, remove, rename, sync_folder
from tilepack.disk.files import explained
from tilepack.disk.journal import PARTIAL
from tilepack.disk.locking import FOLDER_LOCK, STAGED, WriterLock
from tilepack.errors import CacheExistsError, TransferError


class Refusal(Protocol):
    """Refuses what stands under a target's name."""

    def __call__(self, target: Path, *, replace: bool) -> None:
        """Raise CacheExistsError where something is there and is not to be replaced, or must not be."""


class Staging:
    """The right to make a target."""

    def __init__(
        self, target: Path, *, replace: bool, refuse: Refusal | None = None, keep_suffix: bool = False
    ) -> None:
        """Take the name, and clear away what a killed run left under it.

        Args:
            target: Where the finished thing will be.
            replace: Whether something may be there already.
            refuse: Refuses what is there and may not be replaced; None for what may stand where a cache is to be.
            keep_suffix: Grow under ``STEM.partial.SUFFIX``, for programs that go by a file's suffix.

        Raises:
            CacheExistsError: Something is there already, or stands in the way and is not tilepack's.
            TransferError: Another writer is at work, or the folder cannot be written to.
        """
        whole = Path(os.path.abspath(target))  # noqa: PTH100  resolves no links: they are the user's names
        self.target = target
        self._whole = whole
        self.partial, self._replaced, self._lock_path = _names_beside(whole, keep_suffix=keep_suffix)
        self._replace = replace
        self._refuse = refuse or refuse_existing
        self._refuse(target, replace=replace)
        if not whole.parent.is_dir():
            raise TransferError(f"{whole.parent}: there is no such folder; make it first")
        for left in (self.partial, self._replaced):
            if is_there(left) and not is_there(self._lock_path):
                raise CacheExistsError(f"{left}: is in the way and was not made by tilepack; move it away")
        self._lock = WriterLock(self._lock_path, target)
        self._inner: WriterLock | None = None
        try:
            self._clear()
            self._refuse(target, replace=replace)
            if refuse is None and whole.is_dir():  # a cache: an import may be at work in it
                self._inner = WriterLock(whole / FOLDER_LOCK, target)
        except BaseException:
            self.release()
            raise

    def _clear(self) -> None:
        """Clear away what a killed run left; what it had moved aside and not replaced goes back to its place."""
        remove(self.partial)
        if is_there(self._replaced):
            if is_there(self._whole):
                remove(self._replaced)
            else:
                rename(self._replaced, self._whole)

    def publish(self) -> None:
        """Give the finished thing its name; what had it goes only once the new one stands.

        Raises:
            CacheExistsError: Something has come to stand there meanwhile.
            TransferError: The system refuses the rename.
        """
        self._refuse(self.target, replace=self._replace)
        if self._inner is not None and os.name == "nt":  # which renames no folder that holds an open file
            self._inner.release()
        old = self._rename()
        try:
            sync_folder(self.partial.parent)
        except BaseException:
            if old == self.partial:  # it was exchanged, and is to be there still
                exchange(old, self._whole)
            raise
        if old is not None:
            remove(old)
        self.release()

    def _rename(self) -> Path | None:
        """Let the finished thing take the name; give what the old one is called now, if it is still there."""
        if not (is_there(self._whole) and (self._whole.is_dir() or self.partial.is_dir())):
            rename(self.partial, self._whole)  # a file over a file, in one step
            return None
        if exchange(self.partial, self._whole):
            return self.partial
        rename(self._whole, self._replaced)
        try:
            rename(self.partial, self._whole)
        except BaseException:
            rename(self._replaced, self._whole)
            raise
        return self._replaced

    def discard(self) -> None:
        """Throw the unfinished thing away.

        Raises:
            TransferError: The system refuses.
        """
        try:
            remove(self.partial)
        finally:
            self.release()

    def release(self) -> None:
        """Let go of the name; what could not be cleared away stays marked as tilepack's own."""
        if self._inner is not None:
            self._inner.release()
        self._lock.release(keep=any(os.path.lexists(left) for left in (self.partial, self._replaced)))


def is_left_behind(target: Path, *, keep_suffix: bool = False) -> bool:
    """Tell whether something of tilepack's lies beside a target: of a run at work, or of one that was killed.

    Whoever takes the name as a ``Staging`` clears it away, or puts it back.
    """
    whole = Path(os.path.abspath(target))  # noqa: PTH100  resolves no links: they are the user's names
    if not whole.name:
        return False
    *left, lock = _names_beside(whole, keep_suffix=keep_suffix)
    return is_there(lock) and any(is_there(path) for path in left)


def _names_beside(whole: Path, *, keep_suffix: bool) -> tuple[Path, Path, Path]:
    """Give the names of what grows, of what steps aside, and of the lock."""
    partial = f"{whole.stem}{PARTIAL}{whole.suffix}" if keep_suffix else whole.name + PARTIAL
    return whole.with_name(partial), whole.with_name(whole.name + ".replaced"), whole.with_name(whole.name + STAGED)


_ANY_PART: Final = (
    r"|tilepack\.(journal|lock|state)|Status\.gdb(\.arcgis|\.replaced|\.partial\.lock)?|Status\.partial\.gdb"
    r"|\.DS_Store|Thumbs\.db"
)
_CACHE_PART: Final = re.compile(
    r"conf\.(xml|cdi|properties)|_alllayers|root\.json|iteminfo\.json|thumbnail\.png|tile" + _ANY_PART, re.IGNORECASE
)


_WEB_PART: Final = re.compile(r"[0-9]{1,2}|metadata\.json" + _ANY_PART, re.IGNORECASE)
"""Of folders of web tiles, which that document tells apart from other folders with numbers for names."""

STATUS_FOLDERS: Final = ("Status.gdb", "Status.gdb.arcgis")
"""Geodatabases in a cache's folder that say how far it is built: its own, and ArcGIS' where that had to make room."""

STATUS_LEFT: Final = ("Status.partial.gdb", "Status.gdb.replaced")
"""What a killed run may leave of one."""


def is_cache_part(name: str) -> bool:
    """Tell whether something beside conf.xml or root.json belongs to the cache, by its name; also unfinished ones."""
    return _CACHE_PART.fullmatch(name.removesuffix(PARTIAL)) is not None


def refuse_existing(target: Path, *, replace: bool) -> None:
    """Refuse a target that exists, unless it may be replaced; a folder may only when it holds a cache and no more.

    Raises:
        CacheExistsError: It exists, or holds what is no part of a cache.
    """
    if not is_there(target):
        return
    if not replace:
        raise CacheExistsError(
            f"{target}: exists already; choose another name, replace it by --replace, or import into it"
        )
    if not target.is_dir():
        return
    with explained("list the folder", target):
        names = sorted(path.name for path in target.iterdir())
    part = _WEB_PART if "metadata.json" in names else _CACHE_PART
    foreign = [name for name in names if not part.fullmatch(name.removesuffix(PARTIAL))]
    if foreign:
        raise CacheExistsError(
            f"{target}: holds {foreign[0]}, which is no part of a cache; only caches are replaced, move it away or "
            f"choose another target"
        )
