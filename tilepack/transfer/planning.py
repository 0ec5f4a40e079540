"""Planning a transfer into a new target. The target is not touched, and no tile is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tilepack.cache import StorageFormat, TileFormat
from tilepack.disk.files import explained
from tilepack.disk.staging import refuse_existing
from tilepack.errors import AreaOfInterestError, TilingSchemeError, TransferError, UnsupportedError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LENGTH_PREFIX, occupied
from tilepack.stores.base import BundleSummary, TileReader
from tilepack.stores.extents import tile_box
from tilepack.stores.targets import TargetKind, target_kind
from tilepack.transfer.choice import TileChooser
from tilepack.transfer.describe import Described, derive_guid, describe_target, target_warnings
from tilepack.transfer.plan import Action, BundleTask, TransferPlan
from tilepack.transfer.request import TransferRequest

_INDEX_BYTES: Final = {
    StorageFormat.COMPACT: bundle_v1.FIRST_SLOT + bundle_v1.BUNDLX_SIZE,
    StorageFormat.COMPACT_V2: bundle_v2.FIRST_SLOT,
    StorageFormat.EXPLODED: 0,
}
"""Bytes that a bundle takes beside its tiles."""


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
    chooser = TileChooser(reader.info, request)
    tasks: list[BundleTask] = []
    found = Described()
    left_out = looked = 0
    for level in levels:
        for bundle in reader.bundles(level):
            summary = reader.summary(bundle)
            looked += 1
            if progress is not None:
                progress(looked)
            if not summary.tiles:
                continue
            task, taken = _task(reader, summary, kind, chooser)
            if task is not None and task.cut and count_empty:
                task = replace(task, empty=_count_empty(reader, summary, request, chooser))
            left_out += summary.tiles - (task.tiles if task else 0)
            if task is not None:
                tasks.append(task)
                found.add(taken)
    if not tasks and left_out:
        refuse_a_miss(reader, request, levels[-1])
    tile_format = reader.info.tile_format
    if tile_format is TileFormat.JPEG and request.pixels.background is None and any(task.cut for task in tasks):
        tile_format = TileFormat.MIXED
        warnings.append("cut tiles become PNG, for JPEG knows no transparency: the new cache is MIXED")
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
            levels={level: level for level in levels},
            tasks=tuple(tasks),
            occupied=tuple(tiles for bundles in found.levels.values() for _, tiles in bundles),
            left_out=left_out,
            guid=derive_guid(info, request, found),
            warnings=(*reader.warnings, *warnings, *target_warnings(reader, kind, info, tasks)),
        )
    )


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
        if level not in {lod.level for lod in reader.info.scheme.levels}:
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


def uncuttable(reader: TileReader, request: TransferRequest) -> list[str]:
    """Say that tiles move whole that cannot be cut, if there are such.

    Raises:
        UnsupportedError: There are, and ``strict`` forbids it.
    """
    if reader.info.tile_format is not TileFormat.LERC or request.pixels.whole_tiles:
        return []
    if request.pixels.strict:
        raise UnsupportedError(
            f"{reader.place}: holds LERC tiles, which are no images and cannot be cut; take --whole-tiles, or "
            f"leave out --strict"
        )
    return ["LERC tiles are no images: those that the area's edge crosses move whole"]


def refuse_a_miss(reader: TileReader, request: TransferRequest, level: int) -> None:
    """Say how far off the area lies, when no tile is taken.

    Raises:
        AreaOfInterestError: Always.
    """
    extent = next((extent for name, extent in reader.declared if "degrees" not in name), None)
    if extent is None:
        held = [(bundle, reader.summary(bundle).occupied) for bundle in reader.bundles(level)]
        extent = tile_box(reader.info.scheme, held)
    asked = request.box if request.areas is None else request.areas.at(level)
    if asked is not None and extent is not None:
        asked.require_meeting(extent, reader.place)
    what = "area of interest" if request.areas is not None else "extent"
    raise AreaOfInterestError(f"{reader.place}: none of its tiles lies in the {what}; choose another {what} or level")


def _task(
    reader: TileReader, summary: BundleSummary, kind: TargetKind, chooser: TileChooser
) -> tuple[BundleTask | None, BundleSummary]:
    """Decide what happens to a bundle, and how many bytes that moves.

    Returns:
        The task, None when no tile is taken, and the summary of the tiles that are.
    """
    choice = chooser.choose(reader, summary.bundle, summary.occupied)
    movable = summary.movable and kind.storage_format is not StorageFormat.EXPLODED
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
        UnsupportedError: The suffix is that of a format that tilepack does not write.
    """
    if ready_to_serve is None:
        kind = target_kind(target, storage_format)
        ready_to_serve = served and not kind.is_package and kind.storage_format is StorageFormat.COMPACT_V2
    return target_kind(target, storage_format, ready_to_serve=ready_to_serve)


def _with_room(plan: TransferPlan) -> TransferPlan:
    require_room(plan.target, plan.tile_bytes + len(plan.tasks) * _INDEX_BYTES[plan.kind.storage_format])
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
