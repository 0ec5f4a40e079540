"""Planning a transfer into a target that exists. The target is not touched, and no tile's data is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from tilepack.cache import TileFormat
from tilepack.disk.files import explained
from tilepack.errors import TransferError, UnsupportedError
from tilepack.formats.bundle import LENGTH_PREFIX, occupied
from tilepack.keys import BundleKey, TileRange
from tilepack.pixels.blend import BlendMode
from tilepack.pixels.codec import admits_format
from tilepack.pixels.coverage import Coverage
from tilepack.stores.base import TileReader
from tilepack.stores.documents import STATUS_GDB
from tilepack.stores.targets import TargetKind
from tilepack.transfer.admission import refuse_vector_target, uncuttable
from tilepack.transfer.changes import Changes
from tilepack.transfer.choice import Flags, TileChooser
from tilepack.transfer.describe import Described, derive_guid, describe_joined
from tilepack.transfer.matching import match_levels
from tilepack.transfer.overlap import Overlap, Overlaps
from tilepack.transfer.plan import Action, BundleTask, TransferPlan
from tilepack.transfer.planning import choose_levels, refuse_a_miss, refuse_overlap, require_room
from tilepack.transfer.request import TransferRequest, UpdateOptions
from tilepack.transfer.zooms import refuse_beyond

_WAYS_OUT: Final = (
    "JPEG cannot hold transparent pixels, and the tiles on the area's edge would have some: give a --background "
    "colour, import into a MIXED cache, export to a new one (it becomes MIXED), or take --whole-tiles"
)


def plan_update(
    reader: TileReader,
    target: TileReader,
    request: TransferRequest,
    progress: Callable[[int], None] | None = None,
    *,
    changes: Changes | None = None,
) -> TransferPlan:
    """Plan the transfer of a source, or of the levels and tiles asked for, into a target that exists.

    Args:
        reader: The source.
        target: The target, open for reading.
        request: What is asked for.
        progress: Called with the number of bundles looked at so far.
        changes: Take only bundles that differ from what the last run took; None takes all.

    Raises:
        TransferError: The target lies in the source, its disk is too small, or the wishes contradict one another.
        TilingSchemeError: The grids are not the same, or a level that was named does not exist.
        AreaOfInterestError: The area misses the cache, or a level has none.
        UnsupportedError: The target's tile format cannot take the tiles.
        BundleError: A bundle is malformed.
    """
    refuse_overlap(Path(reader.place), Path(target.place))
    refuse_vector_target(target)
    options = _options(request)
    levels, warnings = choose_levels(reader, request)
    if request.areas is not None:
        request.areas.require_levels(levels)
        warnings += request.areas.warnings
        warnings += uncuttable(reader, request)
    _refuse_formats(reader, target, request)
    overlaps = Overlaps(reader, target, request)
    overlaps.levels = _match(reader, target, levels, request, changes)
    every = (bundle for level in levels for bundle in overlaps.bundles(level))
    bundles = (bundle for bundle in every if changes is None or changes.takes(bundle))
    gathered = _gather(reader, target, overlaps, bundles, options=options, progress=progress)
    tasks, found = gathered.tasks, gathered.found
    expects_tiles = changes is None or changes.changed is None
    if not tasks and gathered.left_out and not gathered.asked.lines and expects_tiles:
        refuse_a_miss(reader, request, levels[-1])
    if any(task.cut for task in tasks):
        _refuse_transparency(target, request)
    info = describe_joined(target, request, overlaps.levels, found.levels, lambda bundle: overlaps.of(bundle).taken)
    lines = "".join((gathered.asked if options.only_missing else found).lines)
    plan = TransferPlan(
        source=reader.place,
        target=Path(target.place),
        kind=kind_of(target),
        request=request,
        source_tile_format=reader.info.tile_format,
        info=info,
        levels=overlaps.levels,
        tasks=tuple(tasks),
        occupied=tuple(gathered.occupied),
        left_out=gathered.left_out,
        guid=derive_guid(info, request, found),
        # Of what is done to which bundle, the journal's lines tell where only changes are taken.
        fingerprint=_fingerprint(reader, request, overlaps.levels, lines) if changes is None else changes.job,
        warnings=(*reader.warnings, *warnings, *_warnings(reader, target, request, tasks, expects_tiles=expects_tiles)),
        changes=changes,
    )
    _refuse_small_disk(plan)
    return plan


@dataclass(slots=True)
class _Gathered:
    """What is to be done, bundle by bundle."""

    tasks: list[BundleTask] = field(default_factory=list)
    """Bundles in which there is something to do."""
    occupied: list[TileRange] = field(default_factory=list)
    """Rectangle of the tiles that each takes."""
    left_out: int = 0
    """Number of the source's tiles that none takes."""
    found: Described = field(default_factory=Described)
    """Where the tiles taken lie."""
    asked: Described = field(default_factory=Described)
    """Where those asked for lie that fill gaps, though a stopped run has filled some: what was asked stays the same."""


def _gather(
    reader: TileReader,
    target: TileReader,
    overlaps: Overlaps,
    bundles: Iterable[BundleKey],
    *,
    options: UpdateOptions,
    progress: Callable[[int], None] | None,
) -> _Gathered:
    """Look at bundles of the source, and tell what is to be done about each."""
    made = _Gathered()
    for looked, bundle in enumerate(bundles, 1):
        if progress is not None:
            progress(looked)
        overlap = overlaps.of(bundle)
        if options.only_missing:
            _add(made.asked, reader, bundle, overlaps.asked(bundle))
        task = _task(reader, target, bundle, overlap, options)
        made.left_out += overlap.held - (task.tiles if task else 0)
        if task is not None:
            made.tasks.append(task)
            made.occupied.append(occupied(overlap.taken, bundle))
            _add(made.found, reader, bundle, overlap.taken)
    return made


def kind_of(target: TileReader) -> TargetKind:
    """Tell what an open cache is."""
    return TargetKind(
        storage_format=target.info.storage_format,
        is_package=Path(target.place).is_file(),
        ready_to_serve=target.info.ready_to_serve,
        is_vector=target.info.tile_format is TileFormat.PBF and not target.info.storage_format.is_web,
    )


def _fingerprint(reader: TileReader, request: TransferRequest, levels: Mapping[int, int], lines: str) -> str:
    """Sum up what is done, but for the target's state, and for what may be different when a stopped run is taken up.

    Whether bad tiles are left out, and what may be lost, decides about tiles that the stopped run did not write.
    """
    pixels = request.pixels
    wish = (
        os.path.realpath(reader.place),
        sorted(levels.items()),
        request.update and (request.update.mode, request.update.delete_missing, request.update.only_missing),
        *request.bounds,
        (pixels.background, pixels.whole_tiles, pixels.keep_blank, pixels.recompress),
        request.description,
        hashlib.sha256(request.thumbnail or b"").hexdigest(),
    )
    return hashlib.sha256(f"{wish!r}\n{lines}".encode()).hexdigest()


def _options(request: TransferRequest) -> UpdateOptions:
    options = request.update or UpdateOptions()
    if options.delete_missing and options.mode is not BlendMode.OVERWRITE:
        raise TransferError("missing tiles are deleted under OVERWRITE alone; MERGE takes nothing away")
    if options.delete_missing and options.only_missing:
        raise TransferError("gaps are filled, or missing tiles deleted; choose one of them")
    return options


def _add(described: Described, reader: TileReader, bundle: BundleKey, tiles: Flags) -> None:
    """Add some tiles of a bundle of the source to what is gathered."""
    count = int(np.count_nonzero(tiles))
    if count:
        described.add(reader.summary(bundle)._replace(tiles=count, occupied=occupied(tiles, bundle)))


def _match(
    reader: TileReader,
    target: TileReader,
    levels: Iterable[int],
    request: TransferRequest,
    changes: Changes | None,
) -> dict[int, int]:
    """Match the levels over the tiles of the source that lie in what was asked for, and are taken."""
    chooser = TileChooser(reader.info, request)

    def asked(bundle: BundleKey) -> TileRange:
        cover = chooser.coverage(bundle, reader.summary(bundle).occupied)
        return occupied(cover != Coverage.OUTSIDE, bundle)

    def taken(level: int) -> list[BundleKey]:
        return [bundle for bundle in reader.bundles(level) if changes is None or changes.takes(bundle)]

    tiles = {level: [asked(bundle) for bundle in taken(level)] for level in levels}
    matched = match_levels(reader.info.scheme, target.info.scheme, tiles, place=target.place)
    if target.info.storage_format.is_web:
        refuse_beyond(matched, tiles, place=reader.place)
    return matched


def _refuse_formats(reader: TileReader, target: TileReader, request: TransferRequest) -> None:
    """Refuse tiles that the target cannot take, as far as the documents tell."""
    source_format, target_format = reader.info.tile_format, target.info.admitted
    if source_format is not target_format and not (source_format.is_image and target_format.is_image):
        raise UnsupportedError(
            f"{target.place}: holds {target_format} tiles, the source {source_format}; images and other data cannot "
            f"stand in one cache, choose another target"
        )
    needs_jpeg = target_format is TileFormat.JPEG and source_format not in (TileFormat.JPEG, TileFormat.MIXED)
    if needs_jpeg and not request.pixels.allow_lossy:
        raise UnsupportedError(
            f"{target.place}: holds JPEG tiles, the source {source_format}; to send them through JPEG, which loses "
            f"detail, take --allow-lossy, or import into a MIXED cache"
        )


def _refuse_transparency(target: TileReader, request: TransferRequest) -> None:
    if target.info.admitted is TileFormat.JPEG and request.pixels.background is None:
        raise UnsupportedError(f"{target.place}: {_WAYS_OUT}")


def _task(
    reader: TileReader, target: TileReader, bundle: BundleKey, overlap: Overlap, options: UpdateOptions
) -> BundleTask | None:
    """Decide what happens to a bundle, as far as the indexes tell; None when there is nothing to do."""
    taken, cut = int(np.count_nonzero(overlap.taken)), int(np.count_nonzero(overlap.cut | overlap.trimmed))
    deleted = int(np.count_nonzero(overlap.deleted))
    if not (taken or cut or deleted):
        return None
    source_format, target_format = reader.info.tile_format, target.info.admitted
    laid = 0
    if not admits_format(target_format, source_format):
        laid = int(np.count_nonzero(overlap.taken & ~overlap.cut))
    elif options.mode is BlendMode.MERGE and source_format is not TileFormat.JPEG and source_format.is_image:
        laid = int(np.count_nonzero(overlap.met & ~overlap.cut))
    summary = reader.summary(bundle) if taken else None
    whole = summary is not None and summary.movable and overlap.takes_place
    if cut or laid:
        action = Action.BLEND
    elif whole and _takes_whole(target):
        action = Action.COPY
    else:
        action = Action.REPACK
    if summary is not None and action is Action.COPY and summary.slot_bytes is not None:
        moved = summary.slot_bytes - LENGTH_PREFIX * taken
    else:
        moved = int(reader.index(bundle)[overlap.taken].sum()) if taken else 0
    return BundleTask(bundle=bundle, action=action, tiles=taken, cut=cut, laid=laid, deleted=deleted, tile_bytes=moved)


def _takes_whole(target: TileReader) -> bool:
    """Tell whether bundles of a target may be replaced by whole ones, whose tiles show only their first four bytes."""
    kind = kind_of(target)
    told = target.info.tile_format in (TileFormat.JPEG, TileFormat.MIXED, TileFormat.PNG, TileFormat.PNG32)
    return told and not kind.is_package and kind.storage_format.is_compact


def _warnings(
    reader: TileReader,
    target: TileReader,
    request: TransferRequest,
    tasks: Iterable[BundleTask],
    *,
    expects_tiles: bool,
) -> list[str]:
    found = [f"{target.place}: {text}" for text in target.warnings]
    is_narrower = reader.info.tile_format is TileFormat.MIXED and target.info.admitted is TileFormat.JPEG
    if is_narrower and not request.pixels.allow_lossy:
        found.append("the target takes JPEG alone: what the source has of PNG is refused without --allow-lossy")
    tasks = list(tasks)
    if not tasks and expects_tiles:
        found.append("there are no tiles to move; the target stays as it is")
    elif tasks and target.home is not None and os.path.lexists(target.home / STATUS_GDB):
        found.append(f"{STATUS_GDB} in the target will be out of date; rebuild it")
    return found


def _refuse_small_disk(plan: TransferPlan) -> None:
    """Refuse a plan for a disk that is too small: a package is written anew, a bundle grows beside the old one."""
    with explained("look at the target", plan.target):
        again = plan.target.stat().st_size if plan.kind.is_package else 0
    spooled = plan.tile_bytes if plan.kind.is_package and plan.kind.storage_format.is_web else 0
    require_room(Path(os.path.realpath(plan.target)), plan.tile_bytes + spooled + again)
