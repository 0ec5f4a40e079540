"""Compacting: bundles with dead space are written anew without it.

Tiles that ArcGIS makes again leave their old bytes behind: nothing points there any more. Here the slots that are still
in use move together, in the order in which they are stored, and without a look at what they hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

import numpy as np

from tilepack.cache import StorageFormat
from tilepack.errors import TransferError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.stores.base import Piece, TileReader
from tilepack.stores.compact import CompactReader
from tilepack.stores.copying import runs
from tilepack.stores.open import open_cache
from tilepack.stores.targets import TargetKind
from tilepack.stores.updating import TileUpdater
from tilepack.transfer.counting import Counter, out_of_reach
from tilepack.transfer.joining import kind_of
from tilepack.transfer.planning import require_room
from tilepack.transfer.rewriting import Site, Target, Told, Work, rewrite, telling, was_stopped

_FINGERPRINT: Final = "compact"
"""Whatever a stopped run left undone, another one finds it."""


class CompactionTask(NamedTuple):
    """A bundle with dead space."""

    bundle: BundleKey
    tiles: int
    """Number of tiles."""
    dead_bytes: int
    """Bytes of its file that belong to no tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPlan:
    """What there is to gain."""

    cache: str
    kind: TargetKind
    tasks: tuple[CompactionTask, ...]
    """Bundles to write anew, by level, row, column."""
    bundles: int
    """Number of bundles looked at."""
    warnings: tuple[str, ...]

    @property
    def dead_bytes(self) -> int:
        """Bytes to gain."""
        return sum(task.dead_bytes for task in self.tasks)

    def as_json(self) -> dict[str, object]:
        """Give the plan's figures as JSON's values."""
        levels = sorted({task.bundle.level for task in self.tasks})
        return {
            "cache": self.cache,
            "storageFormat": str(self.kind.storage_format),
            "bundles": self.bundles,
            **_figures(self.tasks),
            "byLevel": [
                {"level": level, **_figures([task for task in self.tasks if task.bundle.level == level])}
                for level in levels
            ],
            "warnings": list(self.warnings),
        }


def _figures(tasks: Sequence[CompactionTask]) -> dict[str, int]:
    return {
        "bundlesToRewrite": len(tasks),
        "tiles": sum(task.tiles for task in tasks),
        "deadBytes": sum(task.dead_bytes for task in tasks),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionResult:
    """What was gained."""

    plan: CompactionPlan
    gained_bytes: int = 0
    """Bytes of dead space that are gone."""
    rewritten_bundles: int = 0
    """Bundles written anew."""
    resumed_bundles: int = 0
    """Bundles that a run which was stopped had done; they are not among the counts."""
    seconds: float = 0.0
    """From the lock to the last rename; 0 where nothing was to do."""

    def as_json(self) -> dict[str, object]:
        """Give the result's figures as JSON's values."""
        return {
            **self.plan.as_json(),
            "gainedBytes": self.gained_bytes,
            "bundlesRewritten": self.rewritten_bundles,
            "bundlesResumed": self.resumed_bundles,
            "seconds": round(self.seconds, 3),
        }


def compact(
    cache: str | Path,
    *,
    force: bool = False,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[CompactionPlan], None] | None = None,
    progress: Told | None = None,
) -> CompactionResult:
    """Free a cache or package of dead space, in place.

    Tiles keep their bytes and their order; bundles without dead space are left as they are. A bundle of a folder is
    replaced in one step, and another run goes on where one was killed; a package is written anew beside, and renamed
    over.

    Args:
        cache: A cache folder, its conf.xml or root.json, a .tpk or a .tpkx.
        force: Pass over the lock files of other programs in the cache.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with how many of how many bundles are done, from any thread.

    Raises:
        TilepackError: Whatever it is that cannot be done; the cache is as it was, or whole bundles further.
    """
    with open_cache(cache) as target:
        plan = _plan(target, looking)
        unfinished = was_stopped(target)
        site = Site(
            place=Path(cache),
            info=target.info,
            is_package=plan.kind.is_package,
            fingerprint=_FINGERPRINT,
            work="a compaction",
            force=force,
        )
    if planned is not None:
        planned(plan)
    if not (unfinished or plan.tasks):
        return CompactionResult(plan=plan)
    begun = time.monotonic()
    counter = Counter(None)
    work = _Compacting(plan, counter, progress)
    out_of_reach(lambda: rewrite(site, work.begin, counter, jobs=jobs), counter)
    return CompactionResult(
        plan=plan,
        gained_bytes=work.gained,
        rewritten_bundles=work.rewritten,
        resumed_bundles=work.resumed,
        seconds=time.monotonic() - begun,
    )


def plan_compact(cache: str | Path, *, looking: Callable[[int], None] | None = None) -> CompactionPlan:
    """Plan what ``compact`` would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    with open_cache(cache) as target:
        return _plan(target, looking)


def _plan(target: TileReader, looking: Callable[[int], None] | None) -> CompactionPlan:
    tasks: list[CompactionTask] = []
    looked = largest = dead = 0
    warnings = list(target.warnings)
    if isinstance(target, CompactReader):
        for level in target.levels():
            for bundle in target.bundles(level):
                looked += 1
                if looking is not None:
                    looking(looked)
                task = _task(target, bundle)
                if task is not None:
                    tasks.append(task)
                    largest = max(largest, target.summary(bundle).file_bytes - task.dead_bytes)
                    dead += task.dead_bytes
    elif Path(target.place).is_file():
        warnings.append(f"{target.info.storage_format} has no bundles with dead space; a conversion writes it anew")
    else:
        warnings.append("its tiles are files of their own, which have no dead space")
    kind = kind_of(target)
    place = Path(target.place)
    if tasks:
        require_room(place, place.stat().st_size - dead if kind.is_package else largest)
    return CompactionPlan(cache=target.place, kind=kind, tasks=tuple(tasks), bundles=looked, warnings=tuple(warnings))


def _task(target: CompactReader, bundle: BundleKey) -> CompactionTask | None:
    """Say how many bytes of a bundle's file belong to no tile; None when there are none.

    Behind a V2 index, and of V1 behind the placeholders, there is room for nothing else than slots.
    """
    summary = target.summary(bundle)
    first, index_bytes = bundle_v2.FIRST_SLOT, 0
    if target.info.storage_format is StorageFormat.COMPACT:
        first, index_bytes = bundle_v1.FIRST_SLOT, bundle_v1.BUNDLX_SIZE
    room = summary.file_bytes - index_bytes - first
    if summary.tile_bytes is not None and room <= summary.tile_bytes + LENGTH_PREFIX * summary.tiles:
        return None
    sizes = target.index(bundle)
    tiles = int(np.count_nonzero(sizes))
    dead = room - int(sizes.sum()) - LENGTH_PREFIX * tiles
    return CompactionTask(bundle, tiles, dead) if dead > 0 else None


class _Compacting:
    """One plan's work, and what comes to be known by it."""

    def __init__(self, plan: CompactionPlan, counter: Counter, progress: Told | None) -> None:
        self.gained = self.rewritten = self.resumed = 0
        self._plan = plan
        self._counter = counter
        self._progress = progress
        self._lock = Lock()
        self._target: CompactReader
        self._updater: TileUpdater

    def begin(self, target: Target) -> Work:
        """Look at the cache as it is now."""
        if isinstance(target, CompactReader):
            self._target = target
        elif self._plan.tasks:
            raise TransferError(f"{target.place}: became another cache while the work was planned; start again")
        return self

    @property
    def replaced(self) -> set[BundleKey]:
        """Bundles with dead space."""
        return {task.bundle for task in self._plan.tasks}

    def start(self, updater: TileUpdater, pixels: Executor) -> list[Callable[[], None]]:
        """Give a step for each bundle with dead space."""
        del pixels
        self._updater = updater
        return telling([partial(self._rewrite, task.bundle) for task in self._plan.tasks], self._progress)

    def keep(self, bundle: BundleKey) -> None:
        """Let a bundle stay."""
        self._counter.add(0, 0)
        self._updater.keep(bundle)

    def _rewrite(self, bundle: BundleKey) -> None:
        self._counter.add(0, 0)
        if self._updater.is_done(bundle):
            with self._lock:
                self.resumed += 1
            return
        task = _task(self._target, bundle)
        if task is None:
            self._updater.keep(bundle)
            return
        with ExitStack() as files:

            def agreed() -> bool:
                files.close()  # Windows renames nothing over an open file
                return True

            nothing = np.zeros(TILES_PER_BUNDLE, np.bool_)
            self._updater.write(bundle, self._slots(bundle, files), nothing, agreed)
        with self._lock:
            self.gained += task.dead_bytes
            self.rewritten += 1

    def _slots(self, bundle: BundleKey, files: ExitStack) -> Iterator[Piece]:
        """Yield the slots in use as stored, in runs; tile by tile where they lie in unusual places (V1)."""
        raw = self._target.raw(bundle)
        if raw is None:
            yield from self._target.tiles(bundle)
            return
        files.callback(raw.data.close)
        sizes = self._target.index(bundle)
        yield from runs(raw, sizes, sizes > 0)

    def finish(self) -> dict[str, bytes]:
        """Leave the documents as they are."""
        return {}
