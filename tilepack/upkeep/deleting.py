"""Deleting tiles: by levels, area or extent, or all of them.

To the machinery of imports it is the transfer of nothing onto the cache under OVERWRITE: what lies inside and has no
counterpart goes. Documents stay as they are, the declared extent too: it says what the cache is meant to cover.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Unpack

from tilepack.keys import BundleKey
from tilepack.pixels.outcome import Outcome
from tilepack.stores.open import open_cache
from tilepack.stores.updating import TileUpdater
from tilepack.transfer.counting import Counter, out_of_reach
from tilepack.transfer.cutting import CutTally
from tilepack.transfer.plan import Action, BundleTask
from tilepack.transfer.replacing import BundleReplacer
from tilepack.transfer.request import UpdateOptions
from tilepack.transfer.rewriting import Site, Target, Told, Work, rewrite, state_of, telling, was_stopped
from tilepack.transfer.splicing import Splicer
from tilepack.upkeep.deletion import DeletionPlan, DeletionResult, DeletionTask
from tilepack.upkeep.deletion_planning import DeleteOptions, Deletions, plan_deletion


def delete_tiles(
    cache: str | Path,
    *,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[DeletionPlan], None] | None = None,
    progress: Told | None = None,
    **options: Unpack[DeleteOptions],
) -> DeletionResult:
    """Delete tiles of a cache or package: by levels, area or extent, or all of them.

    Bundles of which nothing is left go, folders stay, and documents too: the declared extent says what the cache is
    meant to cover. A bundle of a folder is replaced in one step, and the same deletion takes up one that was killed; a
    package is written anew beside, and renamed over.

    Args:
        cache: A cache folder, its conf.xml or root.json, a package, or web tiles.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with how many of how many bundles are done, from any thread.
        **options: See ``DeleteOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; the cache is as it was, or whole bundles further.
    """
    with open_cache(cache) as target:
        state = state_of(target)
        plan = plan_deletion(target, options, looking)
        unfinished = was_stopped(target)
        info = target.info
    if planned is not None:
        planned(plan)
    if not (unfinished or any(task.is_changed for task in plan.tasks)):
        return DeletionResult(plan=plan)
    site = Site(
        place=Path(cache),
        info=info,
        is_package=plan.kind.is_package,
        fingerprint=plan.fingerprint,
        work="a deletion of tiles",
        force=options.get("force", False),
        state=state,
    )
    begun = time.monotonic()
    counter = Counter(None)
    work = _Deleting(plan, counter, progress)
    out_of_reach(lambda: rewrite(site, work.begin, counter, jobs=jobs), counter)
    return replace(work.result(), seconds=time.monotonic() - begun)


def plan_delete(
    cache: str | Path, *, looking: Callable[[int], None] | None = None, **options: Unpack[DeleteOptions]
) -> DeletionPlan:
    """Plan what ``delete_tiles`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    with open_cache(cache) as target:
        return plan_deletion(target, options, looking)


class _Deleting:
    """One plan's work, and what comes to be known by it."""

    def __init__(self, plan: DeletionPlan, counter: Counter, progress: Told | None) -> None:
        self._plan = plan
        self._counter = counter
        self._progress = progress
        self._tally = CutTally()
        self._target: Target
        self._splicer: Splicer
        self._bundles: BundleReplacer

    def begin(self, target: Target) -> Work:
        """Look at the cache as it is now."""
        self._target = target
        return self

    @property
    def replaced(self) -> set[BundleKey]:
        """Bundles that lose tiles."""
        return {task.bundle for task in self._plan.tasks if task.is_changed}

    def start(self, updater: TileUpdater, pixels: Executor) -> list[Callable[[], None]]:
        """Give a step for each bundle that loses tiles."""
        plan, target = self._plan, self._target
        self._splicer = Splicer(target, target, plan.request, self._tally, pixels)
        self._bundles = BundleReplacer(
            target,
            target,
            updater,
            Deletions(target, plan.request, is_pixels=plan.is_pixels),
            self._splicer,
            options=plan.request.update or UpdateOptions(),
            tally=self._tally,
            counter=self._counter,
        )
        steps = [partial(self._bundles.replace, _as_transfer(task)) for task in plan.tasks if task.is_changed]
        return telling(steps, self._progress)

    def keep(self, bundle: BundleKey) -> None:
        """Let a bundle stay."""
        self._bundles.keep(bundle)

    def finish(self) -> dict[str, bytes]:
        """Leave the documents as they are, unless a tile was bad."""
        if self._splicer.has_failed:
            raise self._tally.error(self._target.place)
        return {}

    def result(self) -> DeletionResult:
        """Say what was done."""
        counts, tally = self._bundles.counts(), self._tally
        return DeletionResult(
            plan=self._plan,
            deleted=counts.deleted + tally.outcomes[Outcome.DROPPED],
            cut=counts.blended,
            unchanged_bundles=self._bundles.unchanged,
            resumed_bundles=self._bundles.resumed,
            notes=dict(sorted(tally.notes.items())),
            skipped=dict(sorted(tally.bad.items())),
        )


def _as_transfer(task: DeletionTask) -> BundleTask:
    """Give the task of a transfer that brings nothing."""
    return BundleTask(
        bundle=task.bundle,
        action=Action.BLEND if task.cut else Action.REPACK,
        tiles=0,
        cut=task.cut,
        deleted=task.deleted,
        tile_bytes=0,
    )
