"""Working off a plan on a target that exists: bundles in parallel, each in one step; a killed run is taken up again."""

from __future__ import annotations

import os
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np

from tilepack.cache import CacheInfo
from tilepack.disk.container import creation_time
from tilepack.disk.journal import STATE
from tilepack.errors import TransferError, UnsupportedError
from tilepack.formats.bundle import occupied
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.spatial import to_degrees
from tilepack.stores.base import PackageItem, TileReader
from tilepack.stores.compact import CompactReader
from tilepack.stores.exploded import ExplodedReader
from tilepack.stores.extents import Occupied
from tilepack.stores.open import open_cache
from tilepack.stores.repacking import PackageUpdater, open_package_update
from tilepack.stores.updating import (
    TileUpdater,
    describe_change,
    folder_updater,
    layout_of,
    open_folder_update,
)
from tilepack.transfer.changes import Notes
from tilepack.transfer.counting import Counter, Progress, out_of_reach
from tilepack.transfer.cutting import CutTally
from tilepack.transfer.describe import describe_joined
from tilepack.transfer.memory import TargetMemory, format_memory, recall, remember, remember_ahead
from tilepack.transfer.overlap import Overlaps
from tilepack.transfer.plan import BundleTask, TransferPlan
from tilepack.transfer.replacing import BundleReplacer
from tilepack.transfer.request import UpdateOptions
from tilepack.transfer.result import TransferResult
from tilepack.transfer.splicing import Splicer

_NOTHING: Final = np.zeros(TILES_PER_BUNDLE, np.bool_)


def run_update(
    plan: TransferPlan, reader: TileReader, *, jobs: int | None = None, progress: Progress | None = None
) -> TransferResult:
    """Work off a plan on a target that exists.

    When it fails or is killed, a folder is as it was or whole bundles further, and the same plan takes it up again; a
    package is as it was.

    Args:
        plan: What to do, from ``plan_update``.
        reader: The source that was planned for.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        progress: Called as tiles are moved.

    Raises:
        BundleError: A bundle is malformed.
        TileError: Tiles are damaged, or cannot stand in the target; lists them.
        TransferError: Another writer is at work, another work was stopped here, or reading or writing failed.
    """
    begun = time.monotonic()
    counter = Counter(progress)
    work = _Update(plan, reader, counter, jobs or os.cpu_count() or 1)
    out_of_reach(work.carry_out, counter)
    tally = work.tally
    counts = work.bundles.counts()
    return TransferResult(
        plan=plan,
        tiles=counts.copied + counts.repacked + counts.blended + counts.unchanged,
        tile_bytes=counter.bytes,
        info=work.info,
        counts=counts,
        notes=dict(sorted(tally.notes.items())),
        skipped=dict(sorted(tally.bad.items())),
        unchanged_bundles=work.bundles.unchanged,
        resumed_bundles=work.bundles.resumed,
        seconds=time.monotonic() - begun,
    )


class _Update:
    """One plan's work, and what comes to be known by it."""

    def __init__(self, plan: TransferPlan, reader: TileReader, counter: Counter, jobs: int) -> None:
        self.info = plan.info
        self.tally = CutTally()
        self._plan = plan
        self._reader = reader
        self._counter = counter
        self._jobs = jobs
        self._options = plan.request.update or UpdateOptions()
        self._target: CompactReader | ExplodedReader
        self._overlaps: Overlaps
        self._updater: TileUpdater
        self._splicer: Splicer
        self._notes = None if plan.changes is None else Notes(reader, plan.changes)
        self._remembered: TargetMemory | None = None
        self.bundles: BundleReplacer

    def carry_out(self) -> None:
        """Take the target, replace its bundles, and describe it anew."""
        with ExitStack() as opened:
            self._open(opened)
            try:
                self._replace_all()
                if self._splicer.has_failed:
                    raise self.tally.error(self._reader.place, "cannot be brought in")
                self._counter.add(0, 0)
                self._updater.commit({**self._documents(), **self._memory()})
                if self._remembered is not None and self._plan.kind.is_package:
                    remember(self._plan.target, self._remembered)
            except BaseException as error:
                self._updater.abort()
                if self._updater.is_begun:
                    error.add_note(
                        f"{self._plan.target} holds whole bundles, old and new: run the same again to finish"
                    )
                raise

    def _open(self, opened: ExitStack) -> None:
        plan = self._plan
        place = plan.target
        if plan.kind.is_package:
            package = open_package_update(place)
            try:
                target = self._target = self._reopened(opened)
                if not isinstance(target, CompactReader):
                    raise UnsupportedError(f"{place}: is a package of an exploded cache; unpack it")
                self._overlaps = self._compare()
                replaced = {self._overlaps.there(task.bundle) for task in plan.tasks}
                self._updater = PackageUpdater(package, target, replaced)
            except BaseException:
                package.abort()
                raise
            return
        with open_cache(place) as before:
            if not isinstance(before, CompactReader | ExplodedReader):
                raise UnsupportedError(f"{place}: is no folder of bundles or tiles")
            work = f"the {self._options.mode} of {os.path.realpath(plan.source)}"
            folder = open_folder_update(before, fingerprint=plan.fingerprint, work=work, force=self._options.force)
        try:
            folder.versions = self._versions()
            self._target = self._reopened(opened)
            self._overlaps = self._compare()
            self._updater = folder_updater(self._target, folder)
        except BaseException:
            folder.abort()
            raise

    def _reopened(self, opened: ExitStack) -> CompactReader | ExplodedReader:
        """Open the target anew: what the plan was made from may be out of date by the time the lock is held."""
        target = opened.enter_context(open_cache(self._plan.target))
        if not isinstance(target, CompactReader | ExplodedReader):
            raise UnsupportedError(f"{target.place}: is no cache of bundles or tiles")
        planned, found = self._plan.info, target.info
        same_grid = not found.scheme.differences(planned.scheme) and len(found.scheme.levels) == len(
            planned.scheme.levels
        )
        if not same_grid or found.storage_format is not planned.storage_format:
            raise TransferError(f"{target.place}: became another cache while the work was planned; start again")
        return target

    def _compare(self) -> Overlaps:
        overlaps = Overlaps(self._reader, self._target, self._plan.request)
        overlaps.levels = dict(self._plan.levels)
        return overlaps

    def _replace_all(self) -> None:
        pool = ThreadPoolExecutor(self._jobs, "tilepack")
        pixels = ThreadPoolExecutor(self._jobs, "tilepack-pixels")
        self._splicer = Splicer(self._reader, self._target, self._plan.request, self.tally, pixels)
        self.bundles = BundleReplacer(
            self._reader,
            self._target,
            self._updater,
            self._overlaps,
            self._splicer,
            options=self._options,
            tally=self.tally,
            counter=self._counter,
        )
        futures: list[Future[None]] = []
        try:
            if isinstance(self._updater, PackageUpdater):
                futures += [pool.submit(self.bundles.keep, bundle) for bundle in self._updater.untouched]
            futures += [pool.submit(self._replace, task) for task in self._plan.tasks]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [error for future in done if (error := future.exception())]
            if failed:
                raise failed[0]
        except BaseException:
            self._counter.stopped.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            pixels.shutdown(wait=True, cancel_futures=True)

    def _replace(self, task: BundleTask) -> None:
        if self._notes is not None:
            self._notes.read(task.bundle)
        self.bundles.replace(task)

    def _versions(self) -> dict[str, str]:
        """Tell what is brought into each of the target's bundles, where only what changed is."""
        plan, changes = self._plan, self._plan.changes
        if changes is None:
            return {}
        there = {
            task.bundle: BundleKey(plan.levels[task.bundle.level], task.bundle.row, task.bundle.column)
            for task in plan.tasks
        }
        return {str(name): changes.version(self._reader, bundle) for bundle, name in there.items()}

    def _memory(self) -> dict[str, bytes]:
        """Give what a folder is to remember, as a document; tell a package's memory what is about to take its place."""
        changes = self._plan.changes
        if self._notes is None or changes is None:
            return {}
        place = Path(self._target.place)
        before = recall(place)
        self._remembered = before.with_job(changes.key, self._notes.job(), self._target.info.storage_format)
        if not self._plan.kind.is_package:
            return {STATE: format_memory(self._remembered)}
        remember_ahead(place, before, self._remembered)
        return {}

    def _documents(self) -> dict[str, bytes]:
        """Describe the target by the tiles that there are now, and give the documents that say something new."""
        plan, target = self._plan, self._target

        levels: dict[int, list[Occupied]] = {}
        for task in plan.tasks:
            tiles = occupied(self.bundles.there(task.bundle), task.bundle)
            if tiles.count:
                levels.setdefault(task.bundle.level, []).append((task.bundle, tiles))
        self.info = describe_joined(target, plan.request, plan.levels, levels, self.bundles.there)
        before = target.info, self._item(target.info, b"")
        after = self.info, self._item(self.info, plan.request.thumbnail or b"")
        return describe_change(target.tree, layout_of(target), before, after)

    def _item(self, info: CacheInfo, thumbnail: bytes) -> PackageItem:
        """Make what a package says beyond its cache; old and new have one GUID, so that it alone is no change."""
        degrees = None if info.extent is None else to_degrees(info.extent, info.scheme.spatial_reference)
        return PackageItem(guid=self._plan.guid, created=creation_time(), degrees=degrees, thumbnail=thumbnail)
