"""A cache that exists, taken to have bundles replaced: what importing, deleting, compacting and mending share.

The target is locked first, and what a stopped run left is taken up; then it is opened anew, for what was planned from
may be out of date by then. Bundles are replaced in parallel, each in one step, documents last. When the work fails, a
folder is as it was or whole bundles further, and a package as it was.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Protocol

from tilepack.cache import CacheInfo
from tilepack.disk.durable import is_there
from tilepack.disk.files import explained
from tilepack.disk.journal import JOURNAL
from tilepack.disk.tree import FolderTree, below
from tilepack.disk.update import FolderUpdate
from tilepack.errors import TransferError, UnsupportedError
from tilepack.keys import BundleKey
from tilepack.stores.base import TileReader
from tilepack.stores.compact import CompactReader
from tilepack.stores.exploded import ExplodedReader
from tilepack.stores.open import open_cache, place_of
from tilepack.stores.repacking import PackageUpdater, open_package_update
from tilepack.stores.updating import TileUpdater, folder_updater, open_folder_update
from tilepack.stores.web.reader import WebReader
from tilepack.stores.web.updating import WebFileUpdater, XyzFolderUpdater, begin_web_file, open_xyz_update
from tilepack.stores.web.xyz import XyzReader
from tilepack.transfer.counting import Counter
from tilepack.transfer.working import work_off

Target = CompactReader | ExplodedReader | WebReader
"""A cache whose bundles can be replaced, open for reading."""

Told = Callable[[float, int], None]
"""Called with how much of how much is done."""

Open = Callable[[Path], TileReader]
"""Opens a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A target as it was planned for."""

    place: Path
    """Path to open it by."""
    info: CacheInfo
    """What it said; grid and storage format have to be the same still."""
    is_package: bool
    fingerprint: str
    """Of the work; a run that was stopped is only taken up by the same."""
    work: str
    """What is done, for people who find the journal: ``the MERGE of Usa.tpkx``."""
    force: bool = False
    """Whether lock files of other programs are passed over."""
    state: object = None
    """What ``state_of`` gave of it before it was planned for, where the plan holds for that alone."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """What is brought into bundles, by name, where that may be another one by the time a stopped run is taken up."""


class Work(Protocol):
    """What is done to the bundles of a target."""

    @property
    def replaced(self) -> Collection[BundleKey]:
        """Bundles that may be replaced: each has a step that keeps, writes or removes it."""

    def start(self, updater: TileUpdater, pixels: Executor) -> Iterable[Callable[[], None]]:
        """Give the steps, which different threads may take in any order.

        Args:
            updater: The target, open to have bundles replaced.
            pixels: Where steps may have tiles decoded.
        """

    def keep(self, bundle: BundleKey) -> None:
        """Let a bundle stay that no step is about."""

    def finish(self) -> Mapping[str, bytes]:
        """Give the documents that say something new, by path; raises where the work must not be ended."""


def rewrite(
    site: Site,
    begin: Callable[[Target], Work],
    counter: Counter,
    *,
    jobs: int | None = None,
    opening: Open = open_cache,
) -> None:
    """Take a target, replace its bundles, and describe it anew.

    Args:
        site: The target.
        begin: Called with the target once it is taken; gives what is to be done.
        counter: Told where to stop.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        opening: Opens the target.

    Raises:
        TransferError: Another writer is at work, another work was stopped here, the target became another cache, or
            it is a file that may not be written, or reading or writing failed.
        TilepackError: Whatever the steps raise.
    """
    if site.is_package:
        _refuse_read_only(place_of(site.place))
    with ExitStack() as opened:
        updater, work = _take(site, begin, opening, opened, lambda: counter.add(0, 0))
        try:
            _work_off(work, updater, counter, jobs or os.cpu_count() or 1)
            updater.settle()
            documents = work.finish()
            counter.add(0, 0)
            updater.commit(documents)
        except BaseException as error:
            updater.abort()
            if updater.is_begun:
                error.add_note(f"{site.place} holds whole bundles, old and new: run the same again to finish")
            raise


def telling(steps: Sequence[Callable[[], None]], progress: Told | None) -> list[Callable[[], None]]:
    """Let steps tell how many of them are done.

    Args:
        steps: The steps.
        progress: Called after each with how many of how many are done; callers take turns.
    """
    if progress is None:
        return list(steps)
    lock, done = Lock(), 0

    def take(step: Callable[[], None]) -> None:
        nonlocal done
        step()
        with lock:
            done += 1
            progress(done, len(steps))

    return [partial(take, step) for step in steps]


def was_stopped(target: TileReader) -> bool:
    """Tell whether a run was stopped in a folder, and waits to be taken up."""
    return is_there(Path(target.place) / JOURNAL)


def state_of(target: TileReader) -> object:
    """Give what is another one once somebody has written a cache: times of its folders and documents, or of its file.

    Returns:
        None where a run was stopped in it: that is taken up first, and changes it.

    Raises:
        TransferError: The system does not tell.
    """
    if not isinstance(target, CompactReader | ExplodedReader) or was_stopped(target):
        return None
    tree = target.tree
    if not isinstance(tree, FolderTree):
        with explained("look at", target.place):
            status = Path(target.place).stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
    folders = sorted(target.folders.values())
    if isinstance(target, ExplodedReader):
        folders += [below(level, row.name) for level in folders for row in tree.entries(level) if row.is_folder]
    stamps = tree.stamps(posixpath.dirname(target.document))
    documents = {name: stamp for name, stamp in stamps.items() if not name.startswith("tilepack.")}
    return {folder: tree.modified(folder) for folder in folders}, documents


def _refuse_changed(site: Site, target: Target) -> None:
    """Refuse a plan that holds for what is no more.

    Raises:
        TransferError: Somebody wrote the target since.
    """
    if site.state is not None and state_of(target) not in (None, site.state):
        raise TransferError(f"{target.place}: was changed while the work was planned; start again")


def _refuse_read_only(file: Path) -> None:
    """Refuse a file that may not be written, though its folder would let another one take its place.

    Raises:
        TransferError: It is such a one.
    """
    # Where the folder may not be written either, the system says in its own words why: the disk may be read-only.
    if is_there(file) and not os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
        raise TransferError(f"{file}: is read-only; let it be written, or choose another target")


def _take(
    site: Site, begin: Callable[[Target], Work], opening: Open, opened: ExitStack, tick: Callable[[], None]
) -> tuple[TileUpdater, Work]:
    if site.is_package and site.info.storage_format.is_web:
        return _take_web_file(site, begin, opening, opened, tick)
    if site.is_package:
        package = open_package_update(site.place)
        try:
            target = reopened(site, opening, opened)
            if not isinstance(target, CompactReader):
                raise UnsupportedError(f"{site.place}: is a package of an exploded cache; unpack it")
            _refuse_changed(site, target)
            work = begin(target)
            return PackageUpdater(package, target, work.replaced), work
        except BaseException:
            package.abort()
            raise
    with opening(site.place) as before:
        if isinstance(before, XyzReader):
            take: Callable[..., FolderUpdate] = partial(open_xyz_update, before)
        elif isinstance(before, CompactReader | ExplodedReader):
            take = partial(open_folder_update, before)
        else:
            raise UnsupportedError(f"{site.place}: is no folder of bundles or tiles")
        folder = take(fingerprint=site.fingerprint, work=site.work, force=site.force, versions=site.versions)
    try:
        target = reopened(site, opening, opened)
        _refuse_changed(site, target)
        work = begin(target)
        if isinstance(target, XyzReader):
            return XyzFolderUpdater(target, folder), work
        if isinstance(target, WebReader):
            raise TransferError(f"{site.place}: became a file while the work was planned; start again")
        return folder_updater(target, folder), work
    except BaseException:
        folder.abort()
        raise


def _take_web_file(
    site: Site, begin: Callable[[Target], Work], opening: Open, opened: ExitStack, tick: Callable[[], None]
) -> tuple[TileUpdater, Work]:
    with opening(site.place) as before:
        if not isinstance(before, WebReader):
            raise TransferError(f"{site.place}: became another cache while the work was planned; start again")
        writer = begin_web_file(before)
    try:
        target = reopened(site, opening, opened)
        if not isinstance(target, WebReader):
            raise TransferError(f"{site.place}: became another cache while the work was planned; start again")
        return WebFileUpdater(writer, target, tick), begin(target)
    except BaseException:
        writer.abort()
        raise


def reopened(site: Site, opening: Open, opened: ExitStack) -> Target:
    """Open a target anew: what is known of it may be out of date, once the lock is held, or bundles were replaced.

    Args:
        site: The target.
        opening: Opens it.
        opened: Closes it.

    Raises:
        UnsupportedError: Its bundles cannot be replaced.
        TransferError: It became another cache.
    """
    target = opened.enter_context(opening(site.place))
    if not isinstance(target, CompactReader | ExplodedReader | WebReader):
        raise UnsupportedError(f"{target.place}: is no cache of bundles or tiles")
    planned, found = site.info, target.info
    same_grid = not found.scheme.differences(planned.scheme) and len(found.scheme.levels) == len(planned.scheme.levels)
    if not same_grid or found.storage_format is not planned.storage_format:
        raise TransferError(f"{target.place}: became another cache while the work was planned; start again")
    return target


def _work_off(work: Work, updater: TileUpdater, counter: Counter, jobs: int) -> None:
    pixels = ThreadPoolExecutor(jobs, "tilepack-pixels")
    try:
        steps = work.start(updater, pixels)
        untouched = updater.untouched if isinstance(updater, PackageUpdater) else ()
        work_off(chain((partial(work.keep, bundle) for bundle in untouched), steps), jobs, counter)
    finally:
        pixels.shutdown(wait=True, cancel_futures=True)
