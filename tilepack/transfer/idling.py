"""Imports that have nothing to do: found out without a bundle being opened, in the source or in the target."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tilepack.cache import StorageFormat
from tilepack.disk.journal import JOURNAL
from tilepack.stores.base import TileReader
from tilepack.stores.open import open_remembered
from tilepack.stores.sightings import count_bundles
from tilepack.transfer.changes import Changes, is_as_before, job_of, look
from tilepack.transfer.describe import Described, derive_guid
from tilepack.transfer.joining import kind_of
from tilepack.transfer.memory import TargetMemory, job_key, recall
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.request import TransferRequest
from tilepack.transfer.result import TileCounts, TransferResult


def plan_if_unchanged(
    source: str | Path, target: Path, name: str | None, ask: Callable[[TileReader], TransferRequest]
) -> TransferPlan | None:
    """Plan to do nothing, if a source looks as the last run of the same job took it.

    Args:
        source: The source.
        target: The target.
        name: Of the job, where several take from one source.
        ask: Gives what is asked for of the open source.

    Returns:
        The plan; None where there may be something to do, a run that was stopped to be taken up among that.

    Raises:
        TilepackError: Source, target or an area cannot be read.
    """
    memory = TargetMemory()

    def stored_in_target(place: str) -> StorageFormat | None:
        nonlocal memory
        memory = recall(Path(place))
        return memory.storage_format

    def stored_in_source(place: str) -> StorageFormat | None:
        known = memory.jobs.get(job_key(place, name))
        return None if known is None else known.storage_format

    with open_remembered(target, stored_in_target) as there:
        if not memory.jobs or os.path.lexists(Path(there.place) / JOURNAL):
            return None
        with open_remembered(source, stored_in_source) as reader:
            key = job_key(reader.place, name)
            then = memory.jobs.get(key)
            if then is None:
                return None
            request = ask(reader)
            now = look(reader, request)
            job = job_of(reader, there, request)
            if then.job != job or not is_as_before(now, then):
                return None
            return _plan_nothing(
                reader,
                there,
                request,
                Changes(
                    key=key,
                    job=job,
                    now=now,
                    known={},
                    changed=frozenset(),
                    as_before=sum(map(count_bundles, now.values())),
                    from_outside=True,
                ),
            )


def _plan_nothing(reader: TileReader, target: TileReader, request: TransferRequest, changes: Changes) -> TransferPlan:
    return TransferPlan(
        source=reader.place,
        target=Path(target.place),
        kind=kind_of(target),
        request=request,
        source_tile_format=reader.info.tile_format,
        info=target.info,
        levels={},
        tasks=(),
        occupied=(),
        left_out=0,
        guid=derive_guid(target.info, request, Described()),
        warnings=tuple(reader.warnings),
        fingerprint=changes.job,
        changes=changes,
    )


def nothing_done(plan: TransferPlan) -> TransferResult:
    """Tell of a plan to do nothing what was done."""
    return TransferResult(
        plan=plan, tiles=0, tile_bytes=0, info=plan.info, counts=TileCounts(), notes={}, skipped={}, seconds=0.0
    )
