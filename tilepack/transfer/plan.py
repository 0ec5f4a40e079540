"""What a transfer will do, as a value: printed by a dry run, refused from, worked off. The target is not touched."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from tilepack.cache import CacheInfo, StorageFormat
from tilepack.disk.files import explained
from tilepack.disk.staging import refuse_existing
from tilepack.errors import MetadataError, TilingSchemeError, TransferError
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import BundleKey, TileRange
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.limits import make_extent
from tilepack.metadata.standard import with_literal_levels
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection
from tilepack.stores.base import BundleSummary, TileReader
from tilepack.stores.extents import declared_extent
from tilepack.stores.targets import TargetKind, target_kind

_BUNDLES_FOR_ARCGIS_ONLINE = 40_000


class Action(StrEnum):
    """What happens to a bundle."""

    COPY = "copy"
    """Moved whole, order and dead space kept."""
    REPACK = "repack"
    """Its tiles' data moved untouched, one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleTask:
    """One bundle's work."""

    bundle: BundleKey
    action: Action
    tiles: int
    """Number of tiles."""
    slot_bytes: int
    """Bytes of lengths and data together, and of dead space where it is kept."""

    @property
    def tile_bytes(self) -> int:
        """Bytes to move: the tiles' data, dead space included where it is kept."""
        return self.slot_bytes - LENGTH_PREFIX * self.tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """What is asked for."""

    target: Path
    storage_format: StorageFormat | None = None
    """None: what the suffix says, for folders COMPACT_V2."""
    levels: LevelSelection = field(default_factory=LevelSelection)
    replace: bool = False
    """The target may exist; the new one takes its place when it is whole."""
    ready_to_serve: bool | None = None
    """Describe a folder by root.json; None: as the source is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPlan:
    """What will be done."""

    source: str
    target: Path
    kind: TargetKind
    replace: bool
    info: CacheInfo
    """What the target will say of itself."""
    tasks: tuple[BundleTask, ...]
    """By level, row, column."""
    occupied: tuple[TileRange, ...]
    """Rectangle of the tiles of each task's bundle."""
    guid: str
    """Derived from the documents and the indexes: the same source gives the same."""
    warnings: tuple[str, ...]

    @property
    def tiles(self) -> int:
        """Number of tiles to move."""
        return sum(task.tiles for task in self.tasks)

    @property
    def tile_bytes(self) -> int:
        """Bytes to move: the tiles' data, dead space included where it is kept."""
        return sum(task.tile_bytes for task in self.tasks)

    def count(self, action: Action) -> int:
        """Give the number of bundles to which something happens."""
        return sum(task.action is action for task in self.tasks)

    def as_json(self) -> dict[str, object]:
        """Give the plan's figures as JSON's values."""
        return {
            "source": self.source,
            "target": str(self.target),
            "storageFormat": str(self.kind.storage_format),
            "levels": sorted({task.bundle.level for task in self.tasks}),
            "bundles": len(self.tasks),
            "bundlesCopied": self.count(Action.COPY),
            "bundlesRepacked": self.count(Action.REPACK),
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            "warnings": list(self.warnings),
        }


def plan_transfer(
    reader: TileReader, request: TransferRequest, progress: Callable[[int], None] | None = None
) -> TransferPlan:
    """Plan the transfer of a whole source, or of some of its levels, into a new target.

    Args:
        reader: The source.
        request: What is asked for.
        progress: Called with the number of bundles looked at so far.

    Raises:
        CacheExistsError: The target exists and is not to be replaced.
        TransferError: The target lies in the source, its disk is too small, or the wishes contradict one another.
        TilingSchemeError: A level that was named does not exist, or tiles lie on a level that the scheme lacks.
        BundleError: A bundle is malformed.
    """
    refuse_overlap(Path(reader.place), request.target)
    refuse_existing(request.target, replace=request.replace)
    kind = _kind(reader, request)
    bundles = {level: reader.bundles(level) for level in reader.levels()}
    levels, warnings = request.levels.choose(reader.info.scheme, [level for level in bundles if bundles[level]])
    for level in levels:
        if level not in {lod.level for lod in reader.info.scheme.levels}:
            raise TilingSchemeError(
                f"{reader.place}: level {level} holds tiles, but the tiling scheme does not have it; choose the others "
                f"by --levels, or mend the scheme"
            )
    tasks: list[BundleTask] = []
    summaries: list[BundleSummary] = []
    for level in levels:
        for bundle in bundles.get(level, ()):
            summary = reader.summary(bundle)
            if progress is not None:
                progress(len(summaries))
            if summary.tiles:
                summaries.append(summary)
                tasks.append(_task(reader, summary, kind))
    info = _target_info(reader, kind, summaries)
    warnings = [*reader.warnings, *warnings, *_target_warnings(reader, kind, info, tasks)]
    plan = TransferPlan(
        source=reader.place,
        target=request.target,
        kind=kind,
        replace=request.replace,
        info=info,
        tasks=tuple(tasks),
        occupied=tuple(summary.occupied for summary in summaries),
        guid=_guid(info, summaries),
        warnings=tuple(warnings),
    )
    _refuse_small_disk(plan)
    return plan


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
    wished = request.ready_to_serve
    if wished is None:  # a folder that is ready to serve stays one, where the target can be
        folder = not Path(reader.place).is_file() and reader.info.ready_to_serve
        kind = target_kind(request.target, request.storage_format)
        wished = folder and not kind.is_package and kind.storage_format is StorageFormat.COMPACT_V2
    return target_kind(request.target, request.storage_format, ready_to_serve=wished)


def _task(reader: TileReader, summary: BundleSummary, kind: TargetKind) -> BundleTask:
    """Decide what happens to a bundle, and how many bytes it will have."""
    copied = summary.movable and summary.slot_bytes is not None and kind.storage_format is not StorageFormat.EXPLODED
    tiles = summary.tiles
    if copied and summary.slot_bytes is not None:
        slot_bytes = summary.slot_bytes
    elif summary.tile_bytes is not None:
        slot_bytes = summary.tile_bytes + LENGTH_PREFIX * tiles
    else:
        sizes = reader.index(summary.bundle)
        tiles = int((sizes > 0).sum())
        slot_bytes = int(sizes.sum()) + LENGTH_PREFIX * tiles
    action = Action.COPY if copied else Action.REPACK
    return BundleTask(bundle=summary.bundle, action=action, tiles=tiles, slot_bytes=slot_bytes)


def _target_info(reader: TileReader, kind: TargetKind, summaries: Sequence[BundleSummary]) -> CacheInfo:
    scheme = with_literal_levels(reader.info.scheme)
    levels: dict[int, list[tuple[BundleKey, TileRange]]] = {}
    for summary in summaries:
        levels.setdefault(summary.bundle.level, []).append((summary.bundle, summary.occupied))
    extent = declared_extent(scheme, levels, reader.present)
    if extent is not None:
        _refuse_far_tiles(reader.place, scheme, summaries)
    return replace(
        reader.info,
        scheme=scheme,
        storage_format=kind.storage_format,
        extent=extent or reader.info.extent,
        initial_extent=None,
        min_level=min(levels, default=None),
        max_level=max(levels, default=None),
        ready_to_serve=kind.ready_to_serve,
    )


def _refuse_far_tiles(place: str, scheme: TilingScheme, summaries: Sequence[BundleSummary]) -> None:
    """Refuse tiles at coordinates that no document may declare: their names or the scheme are wrong."""
    for summary in summaries:
        extent = scheme.range_extent(summary.occupied)
        try:
            make_extent(*extent.as_tuple(), place=place)
        except MetadataError as error:
            raise TilingSchemeError(
                f"{place}: bundle {summary.bundle} lies at {extent}, where no map is; its name or the tiling scheme is "
                f"wrong, move it away or mend the scheme"
            ) from error


def _target_warnings(reader: TileReader, kind: TargetKind, info: CacheInfo, tasks: Sequence[BundleTask]) -> list[str]:
    found = []
    if not tasks:
        found.append("there are no tiles to move; the target will be an empty cache")
    elif kind.is_package and kind.ready_to_serve and info.min_level == info.max_level:
        found.append(
            f"the package has level {info.min_level} alone; Esri's specification asks for minLOD below maxLOD, most "
            f"readers do not mind"
        )
    if kind.is_package and reader.substitutes:
        found.append(f"{', '.join(reader.substitutes)} stay behind: a package has no place for them")
    if info.extent is not None and kind.is_package and tasks:
        counted = sum(
            info.scheme.tiles_in(info.extent, level).bundle_count
            for level in sorted({task.bundle.level for task in tasks})
        )
        if counted > _BUNDLES_FOR_ARCGIS_ONLINE:
            found.append(
                f"its extent covers {counted} bundles; ArcGIS Online is said to refuse packages beyond "
                f"{_BUNDLES_FOR_ARCGIS_ONLINE}"
            )
    return found


def _guid(info: CacheInfo, summaries: Sequence[BundleSummary]) -> str:
    digest = hashlib.sha256(format_conf_xml(info))
    for summary in summaries:
        digest.update(f"{summary.bundle} {summary.tiles} {summary.fingerprint}\n".encode())
    return str(uuid.UUID(bytes=digest.digest()[:16], version=5)).upper()


def _refuse_small_disk(plan: TransferPlan) -> None:
    folder = plan.target.parent
    with explained("look at the target's folder", folder):
        if not folder.is_dir():
            raise TransferError(f"{folder}: there is no such folder; make it first")
        free = shutil.disk_usage(folder).free
    if plan.tile_bytes > free:
        raise TransferError(
            f"{folder}: has {free:,} bytes free, the target needs {plan.tile_bytes:,}; make room or choose another disk"
        )
