"""Repairing: what can be mended without guessing, in place or into a new target; what cannot is listed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from tilepack.cache import StorageFormat
from tilepack.errors import TransferError, UnsupportedError
from tilepack.inspect.findings import Collector
from tilepack.inspect.verify import open_to_check
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.selection import LevelSelection
from tilepack.stores.base import TileReader
from tilepack.stores.compact import CompactReader
from tilepack.stores.exploded import ExplodedReader
from tilepack.stores.open import open_cache
from tilepack.stores.reader import StoreReader
from tilepack.stores.repacking import PackageUpdater
from tilepack.stores.salvaging import SalvagingReader
from tilepack.stores.targets import target_kind
from tilepack.stores.updating import TileUpdater
from tilepack.transfer.counting import Counter, out_of_reach
from tilepack.transfer.joining import kind_of
from tilepack.transfer.planning import plan_transfer, refuse_overlap, require_room
from tilepack.transfer.request import TransferRequest
from tilepack.transfer.result import TransferResult
from tilepack.transfer.rewriting import Site, Target, Told, Work, rewrite, state_of, telling, was_stopped
from tilepack.transfer.run import run_transfer
from tilepack.upkeep.describing import described_anew
from tilepack.upkeep.diagnosing import Diagnosis, diagnose
from tilepack.upkeep.repair_plan import RepairPlan, RepairResult
from tilepack.upkeep.windows import Looking, MendedWindow

_FINGERPRINT: Final = "repair"
"""Whatever a stopped run left undone, another one finds it."""


def repair(
    source: str | Path,
    target: str | Path | None = None,
    *,
    deep: bool = False,
    replace: bool = False,
    force: bool = False,
    jobs: int | None = None,
    looking: Told | None = None,
    planned: Callable[[RepairPlan], None] | None = None,
    progress: Told | None = None,
) -> RepairResult:
    """Mend what can be mended of a cache or package without guessing.

    No sound tile's bytes change. In place, a bundle is written anew only if every tile of it is sound or can be mended;
    other bundles, and documents that say nothing wrong, stay byte by byte. Each bundle is replaced in one step, and
    another run goes on where one was killed; a package is written anew beside, and renamed over. A new target holds
    whatever can be had.

    Args:
        source: A cache folder, its conf.xml or root.json, a .tpk or a .tpkx.
        target: A new cache or package, of the source's storage format if it is a folder; None mends in place.
        deep: Decode every tile too, to list those that are damaged inside; nothing can mend them.
        replace: The target may exist; it is replaced when the new one is whole.
        force: In place, pass over the lock files of other programs.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with how many of how many bundles, or rows of exploded caches, were looked at.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with how many of how many bundles are done, from any thread.

    Returns:
        What was mended, and in its plan what is left.

    Raises:
        TilepackError: Whatever it is that cannot be done; the cache is as it was, or whole bundles further.
    """
    begun = time.monotonic()
    with ExitStack() as opened:
        how = Looking(anew=target is not None, deep=deep, jobs=jobs or os.cpu_count() or 1)
        case = _examine(opened, source, target, how, replace=replace, looking=looking)
        if planned is not None:
            planned(case.plan)
        if case.reader is None:
            return RepairResult(plan=case.plan)
        if case.request is not None:
            made = _make_anew(case, case.reader, case.request, jobs, progress)
            return RepairResult(plan=case.plan, transfer=made, seconds=time.monotonic() - begun)
        if not (case.plan.changes or was_stopped(_as_tiles(case.reader))):
            return RepairResult(plan=case.plan)
        info = case.reader.info
    site = Site(
        place=Path(source),
        info=info,
        is_package=case.plan.kind is not None and case.plan.kind.is_package,
        fingerprint=_FINGERPRINT,
        work="a repair",
        force=force,
        state=case.state,
    )
    counter = Counter(None)
    work = _Mending(case.plan, counter, progress)
    out_of_reach(lambda: rewrite(site, work.begin, counter, jobs=jobs, opening=case.open), counter)
    return RepairResult(
        plan=case.plan,
        mended_bundles=work.mended,
        resumed_bundles=work.resumed,
        seconds=time.monotonic() - begun,
    )


def plan_repair(
    source: str | Path,
    target: str | Path | None = None,
    *,
    deep: bool = False,
    replace: bool = False,
    jobs: int | None = None,
    looking: Told | None = None,
) -> RepairPlan:
    """Plan what ``repair`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    with ExitStack() as opened:
        how = Looking(anew=target is not None, deep=deep, jobs=jobs or os.cpu_count() or 1)
        return _examine(opened, source, target, how, replace=replace, looking=looking).plan


@dataclass(frozen=True, slots=True)
class _Case:
    """A cache that was looked at."""

    plan: RepairPlan
    diagnosis: Diagnosis
    reader: StoreReader | None
    """None where it cannot be opened."""
    request: TransferRequest | None = None
    """What is asked for of a new target; None in place."""
    state: object = None
    """What ``state_of`` gave of the cache before it was looked at."""

    def open(self, place: Path) -> TileReader:
        """Open the cache as it was seen: bundles that are left are none of its own, and are carried along as files."""
        return self.salvaging(open_cache(place))

    def salvaging(self, reader: TileReader) -> TileReader:
        """Read what can be had."""
        if not isinstance(reader, CompactReader):
            return reader
        return SalvagingReader(reader, self.diagnosis.listing, self.diagnosis.bundles)


def _examine(
    opened: ExitStack,
    source: str | Path,
    target: str | Path | None,
    how: Looking,
    *,
    replace: bool,
    looking: Told | None,
) -> _Case:
    place, there = Path(source), None if target is None else Path(target)
    if there is not None:
        refuse_overlap(place, there)
    found = Collector(str(source))
    reader = open_to_check(found, place)
    if reader is None:
        nothing = Diagnosis()
        for finding in found.found:
            nothing.ledger.add(finding, mended=False)
        return _Case(_plan(str(source), there, None, nothing, {}), nothing, None)
    opened.enter_context(reader)
    if not isinstance(reader, StoreReader):
        raise UnsupportedError(
            f"{reader.place}: is no cache of ArcGIS', and has none of what repair mends; verify --deep lists what is "
            f"damaged in it, and import --overwrite puts sound tiles in its place"
        )
    state = state_of(_as_tiles(reader))
    diagnosis = diagnose(found, reader, how, looking)
    if there is not None:
        request = _request(reader, there, diagnosis, replace=replace)
        return _Case(_plan(reader.place, there, reader, diagnosis, {}), diagnosis, reader, request)
    documents = described_anew(reader, diagnosis.described, diagnosis.boxes)
    plan = _plan(reader.place, None, reader, diagnosis, documents)
    if plan.changes:
        _require_room(reader, plan)
    return _Case(plan, diagnosis, reader, state=state)


def _plan(
    source: str, target: Path | None, reader: StoreReader | None, diagnosis: Diagnosis, documents: dict[str, bytes]
) -> RepairPlan:
    ledger = diagnosis.ledger
    return RepairPlan(
        source=source,
        target=target,
        kind=None if reader is None else kind_of(_as_tiles(reader)),
        mended=tuple(ledger.mended),
        mended_counts=dict(ledger.mended_counts),
        left=tuple(ledger.left),
        left_counts=dict(ledger.left_counts),
        bundles=tuple(diagnosis.bundles),
        documents=documents,
        repacks=target is None and "package-member-deflated" in ledger.mended_counts,
    )


def _as_tiles(reader: StoreReader) -> CompactReader | ExplodedReader:
    """Give a store as what it is.

    Raises:
        UnsupportedError: It is something else.
    """
    if isinstance(reader, CompactReader | ExplodedReader):
        return reader
    raise UnsupportedError(f"{reader.place}: is no cache of bundles or tiles")


def _require_room(reader: StoreReader, plan: RepairPlan) -> None:
    place = Path(reader.place)
    if plan.kind is not None and plan.kind.is_package:
        require_room(place, place.stat().st_size)
    elif isinstance(reader, CompactReader):
        paths = [path for bundle in plan.bundles for path in reader.files(bundle)]
        require_room(place, max((reader.tree.size(path) for path in paths), default=0))


def _request(reader: StoreReader, target: Path, diagnosis: Diagnosis, *, replace: bool) -> TransferRequest:
    """Ask for everything that lies on a level of the scheme."""
    held = sorted(reader.info.scheme.level_ids & diagnosis.boxes.keys())
    storage_format: StorageFormat | None = reader.info.storage_format
    if target_kind(target).is_package:
        storage_format = None  # the suffix says it
    return TransferRequest(
        target=target,
        storage_format=storage_format,
        levels=LevelSelection.of(levels=held) if held else LevelSelection(),
        replace=replace,
    )


def _make_anew(
    case: _Case, reader: StoreReader, request: TransferRequest, jobs: int | None, progress: Told | None
) -> TransferResult:
    """Make a new cache of what can be had of the old one."""
    lock, done = Lock(), 0

    def moved(tiles: int, _: int) -> None:
        nonlocal done
        with lock:
            done += tiles
        if progress is not None:
            progress(done, plan.tiles)

    with case.salvaging(_as_tiles(reader)) as salvaging:
        plan = plan_transfer(salvaging, request)
        return run_transfer(plan, salvaging, jobs=jobs, progress=moved)


class _Mending:
    """One plan's work in place, and what comes to be known by it."""

    def __init__(self, plan: RepairPlan, counter: Counter, progress: Told | None) -> None:
        self.mended = self.resumed = 0
        self._plan = plan
        self._counter = counter
        self._progress = progress
        self._lock = Lock()
        self._target: Target
        self._updater: TileUpdater

    def begin(self, target: Target) -> Work:
        """Look at the cache as it is now."""
        self._target = target
        return self

    @property
    def replaced(self) -> set[BundleKey]:
        """Bundles of which something is mended."""
        return set(self._plan.bundles)

    def start(self, updater: TileUpdater, pixels: Executor) -> list[Callable[[], None]]:
        """Give a step for each bundle of which something is mended."""
        del pixels
        self._updater = updater
        if isinstance(updater, PackageUpdater) and self._plan.repacks:
            updater.changed = True
        return telling([partial(self._mend, bundle) for bundle in self._plan.bundles], self._progress)

    def keep(self, bundle: BundleKey) -> None:
        """Let a bundle stay."""
        self._counter.add(0, 0)
        self._updater.keep(bundle)

    def _mend(self, bundle: BundleKey) -> None:
        self._counter.add(0, 0)
        if self._updater.is_done(bundle):
            with self._lock:
                self.resumed += 1
            return
        target = self._target
        if isinstance(target, SalvagingReader):
            with target.salvaged(bundle) as opened:
                if opened.lost:
                    raise TransferError(f"{target.place}: bundle {bundle} changed meanwhile; start again")
            nothing = np.zeros(TILES_PER_BUNDLE, np.bool_)
            self._updater.write(bundle, target.tiles(bundle), nothing, lambda: True)
        elif isinstance(target, ExplodedReader):
            window = MendedWindow(target, bundle)
            self._updater.write(bundle, window.tiles, window.gone, lambda: True)
        with self._lock:
            self.mended += 1

    def finish(self) -> dict[str, bytes]:
        """Give the documents that are put right."""
        return dict(self._plan.documents)
