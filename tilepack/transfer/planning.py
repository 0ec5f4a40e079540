"""Planning a transfer into a new target. The target is not touched, and no tile is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tilepack.cache import StorageFormat
from tilepack.disk.files import explained
from tilepack.disk.staging import refuse_existing
from tilepack.errors import AreaOfInterestError, TilingSchemeError, TransferError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LENGTH_PREFIX, occupied
from tilepack.stores.base import BundleSummary, TileReader
from tilepack.stores.extents import declared_in_map_units, tile_box
from tilepack.stores.targets import TargetKind, target_kind
from tilepack.transfer.admission import (
    is_looked_at,
    left_out_tables,
    new_tile_format,
    refuse_formats,
    uncuttable,
    useless_wishes,
    vector_warnings,
)
from tilepack.transfer.choice import TileChooser
from tilepack.transfer.describe import Described, derive_guid, describe_target, target_warnings
from tilepack.transfer.plan import Action, BundleTask, TransferPlan
from tilepack.transfer.request import TransferRequest
from tilepack.transfer.zooms import zooms_of

_INDEX_BYTES: Final = {
    StorageFormat.COMPACT: bundle_v1.FIRST_SLOT + bundle_v1.BUNDLX_SIZE,
    StorageFormat.COMPACT_V2: bundle_v2.FIRST_SLOT,
}
"""Bytes that a bundle takes beside its tiles, where that is worth counting."""


def plan_transfer(
    reader: TileReader,
    request: TransferRequest,
    progress: Callable[[int], None] | None = None,
    *,
    count_empty: bool = False,
) -> TransferPlan:
    """Plan the transfer of a source, or of the levels and tiles asked for, into a new target.

    Args:
        reader: The source.
        request: What is asked for.
        progress: Called with the number of bundles looked at so far.
        count_empty: Whether to tell how many of the tiles to cut have no pixel centre inside.

    Raises:
        CacheExistsError: The target exists and is not to be replaced.
        TransferError: The target lies in the source, its disk is too small, or the wishes contradict one another.
        TilingSchemeError: A level that was named does not exist, or tiles lie on a level that the scheme lacks.
        AreaOfInterestError: The area misses the cache, or a level has none.
        UnsupportedError: The tiles cannot be cut, and ``strict`` forbids moving them whole.
        BundleError: A bundle is malformed.
    """
    refuse_overlap(Path(reader.place), request.target)
    refuse_existing(request.target, replace=request.replace)
    kind = _kind(reader, request)
    levels, warnings = choose_levels(reader, request)
    if request.areas is not None:
        request.areas.require_levels(levels)
        warnings += request.areas.warnings
        warnings += uncuttable(reader, request)
    refuse_formats(reader, kind)
    looked_at = request.pixels.drop_blank or request.quality is not None or is_looked_at(reader, kind)
    warnings += useless_wishes(reader, request, kind)
    warnings += vector_warnings(reader, kind)
    warnings += left_out_tables(reader)
    chooser = TileChooser(reader.info, request)
    tasks: list[BundleTask] = []
    found = Described()
    left_out = 0
    for summary in _summaries(reader, levels, progress):
        task, taken = _task(reader, summary, chooser, whole=kind.storage_format.is_compact and not looked_at)
        left_out += summary.tiles - (task.tiles if task else 0)
        if task is None:
            continue
        empty = _count_empty(reader, summary, request, chooser) if task.cut and count_empty else 0
        tasks.append(replace(task, looked_at=looked_at, empty=empty))
        found.add(taken)
    if not tasks and left_out:
        refuse_a_miss(reader, request, levels[-1])
    cuts = any(task.cut for task in tasks)
    tile_format, changes = new_tile_format(reader, kind, cuts=cuts, background=request.pixels.background is not None)
    warnings += changes
    info = describe_target(
        reader, kind, request, found.levels, present=chooser.present(reader), tile_format=tile_format
    )
    return _with_room(
        TransferPlan(
            source=reader.place,
            target=request.target,
            kind=kind,
            request=request,
            source_tile_format=reader.info.tile_format,
            info=info,
            levels=_levels_there(reader, kind, found, levels),
            tasks=tuple(tasks),
            occupied=tuple(tiles for bundles in found.levels.values() for _, tiles in bundles),
            left_out=left_out,
            guid=derive_guid(info, request, found),
            warnings=(*reader.warnings, *warnings, *target_warnings(reader, kind, info, tasks)),
        )
    )


def _summaries(
    reader: TileReader, levels: Iterable[int], progress: Callable[[int], None] | None
) -> Iterator[BundleSummary]:
    """Yield the bundles of some levels that hold tiles, telling how many were looked at."""
    looked = 0
    for level in levels:
        for bundle in reader.bundles(level):
            summary = reader.summary(bundle)
            looked += 1
            if progress is not None:
                progress(looked)
            if summary.tiles:
                yield summary


def _levels_there(reader: TileReader, kind: TargetKind, found: Described, levels: Iterable[int]) -> dict[int, int]:
    """Give the LevelID in the target of each level: its own, or its zoom where the target knows nothing else."""
    if not kind.storage_format.is_web:
        return {level: level for level in levels}
    ranges = {level: [tiles for _, tiles in bundles] for level, bundles in found.levels.items()}
    return zooms_of(reader.info.scheme, ranges, kind.storage_format, place=reader.place)


def choose_levels(reader: TileReader, request: TransferRequest) -> tuple[list[int], list[str]]:
    """Choose the levels of a source, and refuse those that hold tiles but lie on no grid.

    Returns:
        The LevelIDs, ascending, and what their chooser should know, in sentences.

    Raises:
        TilingSchemeError: A level that was named does not exist, or tiles lie on a level that the scheme lacks.
    """
    held = _held(reader, request)
    try:
        levels, warnings = request.levels.choose(reader.info.scheme, held)
    except TilingSchemeError as error:
        raise TilingSchemeError(f"{reader.place}: {error}") from error
    for level in levels:
        if level not in reader.info.scheme.level_ids:
            raise TilingSchemeError(
                f"{reader.place}: level {level} holds tiles, but the tiling scheme does not have it; choose the others "
                f"by --levels, or mend the scheme"
            )
    return levels, warnings


def _held(reader: TileReader, request: TransferRequest) -> list[int]:
    """Give the levels that hold tiles; if an area names levels of its own and the request none, only those."""
    held = [level for level in reader.levels() if reader.bundles(level)]
    named = None if request.areas is None else request.areas.named_levels()
    if named is None or not request.levels.takes_all:
        return held
    both = [level for level in held if level in named]
    if not both:
        raise AreaOfInterestError(
            f"{reader.place}: the area is for levels {_listed(named)}, of which none holds tiles; "
            f"levels {_listed(held) or 'none'} do"
        )
    return both


def _listed(levels: Iterable[int]) -> str:
    return ", ".join(str(level) for level in sorted(levels))


def refuse_a_miss(reader: TileReader, request: TransferRequest, level: int) -> None:
    """Say how far off the area lies, when no tile is taken.

    Raises:
        AreaOfInterestError: Always.
    """
    extent = next((extent for _, extent in declared_in_map_units(reader)), None)
    if extent is None:
        held = [(bundle, reader.summary(bundle).occupied) for bundle in reader.bundles(level)]
        extent = tile_box(reader.info.scheme, held)
    asked = request.box if request.areas is None else request.areas.at(level)
    if asked is not None and extent is not None:
        asked.require_meeting(extent, reader.place)
    what = "area of interest" if request.areas is not None else "extent"
    raise AreaOfInterestError(f"{reader.place}: none of its tiles lies in the {what}; choose another {what} or level")


def _task(
    reader: TileReader, summary: BundleSummary, chooser: TileChooser, *, whole: bool
) -> tuple[BundleTask | None, BundleSummary]:
    """Decide what happens to a bundle, and how many bytes that moves.

    Args:
        reader: The source.
        summary: The bundle.
        chooser: Chooses its tiles.
        whole: Whether the target takes bundles whole.

    Returns:
        The task, None when no tile is taken, and the summary of the tiles that are.
    """
    choice = chooser.choose(reader, summary.bundle, summary.occupied)
    movable = summary.movable and whole
    if choice is None and movable and summary.slot_bytes is not None:
        count = summary.tiles
        moved = summary.slot_bytes - LENGTH_PREFIX * count
        return BundleTask(bundle=summary.bundle, action=Action.COPY, tiles=count, tile_bytes=moved), summary
    if choice is None and summary.tile_bytes is not None:
        task = BundleTask(
            bundle=summary.bundle, action=Action.REPACK, tiles=summary.tiles, tile_bytes=summary.tile_bytes
        )
        return task, summary
    sizes = reader.index(summary.bundle)
    wanted = sizes > 0 if choice is None else choice.wanted & (sizes > 0)
    count, cut = int(np.count_nonzero(wanted)), 0 if choice is None else int(np.count_nonzero(choice.cut & wanted))
    if not count:
        return None, summary
    task = BundleTask(
        bundle=summary.bundle,
        action=Action.BLEND if cut else Action.REPACK,
        tiles=count,
        cut=cut,
        tile_bytes=int(sizes[wanted].sum()),
    )
    return task, summary._replace(tiles=count, occupied=occupied(wanted, summary.bundle))


def _count_empty(reader: TileReader, summary: BundleSummary, request: TransferRequest, chooser: TileChooser) -> int:
    """Count the tiles to cut of which no pixel centre lies inside."""
    choice = chooser.choose(reader, summary.bundle, summary.occupied)
    if choice is None or request.areas is None or request.pixels.keep_blank:
        return 0
    areas, bundle = request.areas, summary.bundle
    return sum(not areas.mask(bundle.tile(position)).any() for position in np.flatnonzero(choice.cut).tolist())


def refuse_overlap(source: Path, target: Path) -> None:
    """Refuse a target that is the source, lies in it, or around it; links are resolved.

    Raises:
        TransferError: It does.
    """
    here, there = Path(os.path.realpath(source)), Path(os.path.realpath(target))
    if here == there:
        raise TransferError(f"{target}: is the source itself; choose another target")
    if here in there.parents:
        raise TransferError(f"{target}: lies inside the source; choose a target elsewhere")
    if there in here.parents:
        raise TransferError(f"{target}: the source lies inside it; choose another target")


def _kind(reader: TileReader, request: TransferRequest) -> TargetKind:
    served = reader.info.ready_to_serve and not Path(reader.place).is_file()
    return inherit_kind(request.target, request.storage_format, ready_to_serve=request.ready_to_serve, served=served)


def inherit_kind(
    target: Path, storage_format: StorageFormat | None, *, ready_to_serve: bool | None, served: bool
) -> TargetKind:
    """Tell what a target is to be, where a folder that is ready to serve stays one if the target can be.

    Args:
        target: Its path.
        storage_format: Asked for; None takes the suffix's.
        ready_to_serve: Asked for; None: as the source is.
        served: Whether the source is a folder that is ready to serve.

    Raises:
        TransferError: The wishes contradict one another.
    """
    if ready_to_serve is None:
        kind = target_kind(target, storage_format)
        ready_to_serve = served and not kind.is_package and kind.storage_format is StorageFormat.COMPACT_V2
    return target_kind(target, storage_format, ready_to_serve=ready_to_serve)


def _with_room(plan: TransferPlan) -> TransferPlan:
    require_room(plan.target, plan.tile_bytes + len(plan.tasks) * _INDEX_BYTES.get(plan.kind.storage_format, 0))
    return plan


def require_room(target: Path, needed: int) -> None:
    """Refuse a target for a disk that is too small, or without a folder to stand in.

    Raises:
        TransferError: It is.
    """
    folder = target.parent
    with explained("look at the target's folder", folder):
        if not folder.is_dir():
            raise TransferError(f"{folder}: there is no such folder; make it first")
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise TransferError(
            f"{folder}: has {free:,} bytes free, the target needs {needed:,}; make room or choose another disk"
        )
