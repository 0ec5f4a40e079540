"""Working off a plan on a target that exists: bundles in parallel, each in one step; a killed run is taken up again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path

from tilepack.disk.journal import STATE
from tilepack.formats.bundle import occupied
from tilepack.keys import BundleKey
from tilepack.stores.base import TileReader
from tilepack.stores.extents import Occupied
from tilepack.stores.open import open_cache
from tilepack.stores.updating import SupportsDescription, TileUpdater, describe_change, layout_of
from tilepack.stores.web.reader import WebReader
from tilepack.transfer.changes import Notes
from tilepack.transfer.choice import Flags
from tilepack.transfer.counting import Counter, Finishing, Progress, out_of_reach
from tilepack.transfer.cutting import CutTally
from tilepack.transfer.describe import describe_joined, item_of
from tilepack.transfer.memory import TargetMemory, format_memory, recall, remember, remember_ahead
from tilepack.transfer.overlap import Overlaps
from tilepack.transfer.plan import BundleTask, TransferPlan
from tilepack.transfer.replacing import BundleReplacer
from tilepack.transfer.request import UpdateOptions
from tilepack.transfer.result import TransferResult
from tilepack.transfer.rewriting import Site, Target, Work, reopened, rewrite
from tilepack.transfer.splicing import Splicer


def run_update(
    plan: TransferPlan,
    reader: TileReader,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    finishing: Finishing | None = None,
) -> TransferResult:
    """Work off a plan on a target that exists.

    When it fails or is killed, a folder is as it was or whole bundles further, and the same plan takes it up again; a
    package is as it was.

    Args:
        plan: What to do, from ``plan_update``.
        reader: The source that was planned for.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        progress: Called as tiles are moved.
        finishing: Called while a file of web tiles is written anew at the end.

    Raises:
        BundleError: A bundle is malformed.
        TileError: Tiles are damaged, or cannot stand in the target; lists them.
        TransferError: Another writer is at work, another work was stopped here, or reading or writing failed.
    """
    begun = time.monotonic()
    counter = Counter(progress, finishing)
    work = _Update(plan, reader, counter)
    out_of_reach(lambda: work.carry_out(jobs), counter)
    tally = work.tally
    counts = work.bundles.counts()
    return TransferResult(
        plan=plan,
        tiles=work.bundles.tiles,
        tile_bytes=counter.bytes,
        info=work.info,
        counts=counts,
        notes=dict(sorted(tally.notes.items())),
        skipped=dict(sorted(tally.bad.items())),
        actions=dict(work.bundles.actions),
        unchanged_bundles=work.bundles.unchanged,
        resumed_bundles=work.bundles.resumed,
        seconds=time.monotonic() - begun,
    )


class _Update:
    """One plan's work, and what comes to be known by it."""

    def __init__(self, plan: TransferPlan, reader: TileReader, counter: Counter) -> None:
        self.info = plan.info
        self.tally = CutTally()
        self._plan = plan
        self._reader = reader
        self._counter = counter
        self._options = plan.request.update or UpdateOptions()
        self._target: Target
        self._overlaps: Overlaps
        self._splicer: Splicer
        self._updater: TileUpdater
        self._notes = None if plan.changes is None else Notes(reader, plan.changes)
        self._remembered: TargetMemory | None = None
        self.bundles: BundleReplacer

    def carry_out(self, jobs: int | None) -> None:
        """Rewrite the target, and let a package remember what it took."""
        rewrite(self.site, self.begin, self._counter, jobs=jobs)
        if self._remembered is not None and self._plan.kind.is_package:
            remember(self._plan.target, self._remembered)

    @cached_property
    def site(self) -> Site:
        """The target, as it was planned for."""
        plan = self._plan
        return Site(
            place=plan.request.target,
            info=plan.info,
            is_package=plan.kind.is_package,
            fingerprint=plan.fingerprint,
            work=f"the {self._options.mode} of {os.path.realpath(plan.source)}",
            force=self._options.force,
            versions=self._versions(),
        )

    def _versions(self) -> dict[str, str]:
        """Tell what is brought into each of the target's bundles, where only what changed is."""
        plan, changes = self._plan, self._plan.changes
        if changes is None:
            return {}
        return {
            str(BundleKey(there, bundle.row, bundle.column)): changes.version(self._reader, bundle)
            for level, there in plan.levels.items()
            for bundle in self._reader.bundles(level)
            if changes.takes(bundle)
        }

    def begin(self, target: Target) -> Work:
        """Compare the source with the target as it is now."""
        self._target = target
        self._overlaps = Overlaps(self._reader, target, self._plan.request)
        self._overlaps.levels = dict(self._plan.levels)
        return self

    @property
    def replaced(self) -> set[BundleKey]:
        """The target's bundles that may be replaced."""
        return {self._overlaps.there(task.bundle) for task in self._plan.tasks}

    def start(self, updater: TileUpdater, pixels: Executor) -> list[Callable[[], None]]:
        """Give a step for each bundle of the source that is taken."""
        self._updater = updater
        self._splicer = Splicer(self._reader, self._target, self._plan.request, self.tally, pixels)
        self.bundles = BundleReplacer(
            self._reader,
            self._target,
            updater,
            self._overlaps,
            self._splicer,
            options=self._options,
            tally=self.tally,
            counter=self._counter,
        )
        return [partial(self._replace, task) for task in self._plan.tasks]

    def _replace(self, task: BundleTask) -> None:
        if self._notes is not None:
            self._notes.read(task.bundle)
        self.bundles.replace(task)

    def keep(self, bundle: BundleKey) -> None:
        """Let a bundle of the target stay."""
        self.bundles.keep(bundle)

    def finish(self) -> dict[str, bytes]:
        """Describe the target, unless a tile was bad."""
        if self._splicer.has_failed:
            raise self.tally.error(
                self._reader.place, "cannot be brought in; do what is said of each, or leave them out by --skip-errors"
            )
        self._counter.add(0, 0)
        return {**self._documents(), **self._memory()}

    def _documents(self) -> dict[str, bytes]:
        """Describe the target by the tiles that there are now, and give the documents that say something new."""
        plan = self._plan
        levels: dict[int, list[Occupied]] = {}
        for task in plan.tasks:
            tiles = occupied(self.bundles.there(task.bundle), task.bundle)
            if tiles.count:
                levels.setdefault(task.bundle.level, []).append((task.bundle, tiles))
        filled = self._filled_before()
        for bundle, held in filled.items():
            levels.setdefault(bundle.level, []).append((bundle, occupied(held, bundle)))

        def there(bundle: BundleKey) -> Flags:
            return filled[bundle] if bundle in filled else self.bundles.there(bundle)

        with ExitStack() as opened:
            # Where no extent is declared, all that is there now is measured: a run that is taken up has no other
            # measure. A package is still the old one, and never taken up.
            target = self._target if plan.kind.is_package else reopened(self.site, open_cache, opened)
            self.info = describe_joined(target, plan.request, plan.levels, levels, there)
            if isinstance(target, WebReader):
                if isinstance(self._updater, SupportsDescription):
                    self._updater.describe(self.info)
                return {}
            # Old and new have one GUID, so that it alone is no change.
            before = target.info, item_of(target.info, plan.guid)
            after = self.info, item_of(self.info, plan.guid, plan.request.thumbnail or b"")
            return describe_change(target.tree, layout_of(target), before, after)

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

    def _filled_before(self) -> dict[BundleKey, Flags]:
        """Give the bundles in which a stopped run left no gap, so that they are no tasks, with the tiles asked for."""
        if not self._options.only_missing:
            return {}
        planned = {task.bundle for task in self._plan.tasks}
        return {
            bundle: self._overlaps.asked_and_there(bundle)
            for level in self._plan.levels
            for bundle in self._overlaps.bundles(level)
            if bundle not in planned and self._updater.is_done(self._overlaps.there(bundle))
        }
