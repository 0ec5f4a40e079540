"""Importing: the levels and tiles asked for into a cache or package that exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from tilepack.errors import CacheNotFoundError, TransferError
from tilepack.pixels.blend import BlendMode
from tilepack.stores.base import TileReader
from tilepack.stores.open import open_cache, place_of
from tilepack.stores.reader import StoreReader
from tilepack.stores.updating import layout_of
from tilepack.transfer.asking import SelectionOptions, make_request
from tilepack.transfer.changes import find_changes
from tilepack.transfer.counting import Finishing, Progress
from tilepack.transfer.describe import description_warnings
from tilepack.transfer.idling import nothing_done, plan_if_unchanged
from tilepack.transfer.joining import plan_update
from tilepack.transfer.memory import recall
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.request import TransferRequest, UpdateOptions
from tilepack.transfer.result import TransferResult
from tilepack.transfer.update import run_update


class ImportOptions(SelectionOptions, total=False):
    """What ``import_cache`` and ``plan_import`` take beside source and target."""

    mode: BlendMode | str
    """MERGE (the default) lays the source over the target; OVERWRITE puts it in its place, transparent pixels too."""
    delete_missing: bool
    """Under OVERWRITE, tiles that the source has not are transparent ones, and so go from the target."""
    only_missing: bool
    """Take only tiles that the target has not: gaps are filled, and no tile that is there is touched."""
    only_changed: bool
    """Take only bundles that differ, by size, time, then content, from what the last such run of the same job took; the
    target remembers that (tilepack.state). A bundle that differs is imported again, whatever stood there before."""
    job: str | None
    """Name that tells jobs apart which take only changes from one source into one target: other levels, say."""
    force: bool
    """Pass over the lock files of other programs in the target."""


def import_cache(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[TransferPlan], None] | None = None,
    progress: Progress | None = None,
    finishing: Finishing | None = None,
    **options: Unpack[ImportOptions],
) -> TransferResult:
    """Import part of a cache or package into another one, cut at pixel resolution to an area of interest.

    Both have the same grid; levels are matched by resolution, and storage formats may differ. The target's own storage
    and tile format rule. A bundle of a folder is replaced in one step (of COMPACT, in two that tilepack's readers see
    through), and the same import takes up one that was killed; what is one file is written anew beside, and renamed
    over.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        target: Likewise; it has to exist.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with tiles and bytes moved since the last call, from any thread.
        finishing: Called with what is done and how much there is, while a file of web tiles is written anew at the end.
        **options: See ``ImportOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; the target is as it was, or whole bundles further.
    """
    idle = _plan_if_unchanged(source, Path(target), options)
    if idle is not None:
        if planned is not None:
            planned(idle)
        return nothing_done(idle)
    with open_cache(source) as reader:
        plan = _plan(reader, Path(target), options, looking)
        if planned is not None:
            planned(plan)
        return run_update(plan, reader, jobs=jobs, progress=progress, finishing=finishing)


def plan_import(
    source: str | Path,
    target: str | Path,
    *,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[ImportOptions],
) -> TransferPlan:
    """Plan what ``import_cache`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    idle = _plan_if_unchanged(source, Path(target), options)
    if idle is not None:
        return idle
    with open_cache(source) as reader:
        return _plan(reader, Path(target), options, looking)


def _plan(
    reader: TileReader, target: Path, options: ImportOptions, looking: Callable[[int], None] | None
) -> TransferPlan:
    if not place_of(target).exists():
        raise CacheNotFoundError(f"{target}: there is nothing of that name to import into; make it by an export")
    request = _request(reader, target, options)
    with open_cache(target) as there:
        changes = None
        if options.get("only_changed"):
            changes = find_changes(reader, there, request, recall(Path(there.place)), options.get("job"))
        plan = plan_update(reader, there, request, looking, changes=changes)
        if not plan.kind.is_package and isinstance(there, StoreReader) and layout_of(there).has_item:
            return plan  # an unpacked .tpk, for instance
    missed = description_warnings(plan.kind, plan.info, request.description, request.thumbnail)
    return replace(plan, warnings=(*plan.warnings, *missed))


def _plan_if_unchanged(source: str | Path, target: Path, options: ImportOptions) -> TransferPlan | None:
    if not options.get("only_changed") or not target.exists():
        return None
    return plan_if_unchanged(source, target, options.get("job"), lambda reader: _request(reader, target, options))


def _request(reader: TileReader, target: Path, options: ImportOptions) -> TransferRequest:
    return replace(
        make_request(target, reader.info.scheme, options),
        update=UpdateOptions(
            mode=parse_mode(options.get("mode", BlendMode.MERGE)),
            delete_missing=options.get("delete_missing", False),
            only_missing=options.get("only_missing", False),
            force=options.get("force", False),
        ),
    )


def parse_mode(text: BlendMode | str) -> BlendMode:
    """Read MERGE or OVERWRITE, in any case.

    Raises:
        TransferError: It is neither.
    """
    try:
        return BlendMode(str(text).strip().upper())
    except ValueError:
        raise TransferError(f"{text!r} is no way to import; there are MERGE and OVERWRITE") from None
