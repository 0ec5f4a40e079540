"""Planning which tiles of a cache to delete, and which to cut."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypedDict

import numpy as np

from tilepack.aoi_given import AreaLike, Bounds
from tilepack.cache import TileFormat
from tilepack.errors import AreaOfInterestError, TransferError, UnsupportedError
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.pixels.blend import BlendMode
from tilepack.pixels.coverage import Coverage
from tilepack.selection import LevelSelection
from tilepack.stores.base import TileReader
from tilepack.stores.documents import STATUS_GDB
from tilepack.stores.extents import declared_in_map_units
from tilepack.transfer.admission import refuse_vector_target
from tilepack.transfer.asking import make_request
from tilepack.transfer.choice import TileChooser
from tilepack.transfer.joining import kind_of
from tilepack.transfer.overlap import Overlap, Overlaps
from tilepack.transfer.planning import choose_levels, require_room
from tilepack.transfer.request import Colour, PixelOptions, TransferRequest, UpdateOptions
from tilepack.upkeep.deletion import DeletionPlan, DeletionTask

_WAYS_OUT: Final = (
    "JPEG cannot hold transparent pixels, and the tiles on the area's edge would have some: give a --background "
    "colour, or leave those tiles whole (without --pixels)"
)


class DeleteOptions(TypedDict, total=False):
    """What ``delete_tiles`` and ``plan_delete`` take beside the cache."""

    levels: str | Iterable[int] | None
    """LevelIDs, as ``"0-7,9"`` or numbers; None for all, or those that the area's LevelID column names."""
    scales: str | Iterable[float] | None
    """Scale denominators instead of levels."""
    area: AreaLike | Sequence[AreaLike] | None
    """Area of interest, or several for ranges of levels: tiles wholly inside go. It wins over extents."""
    extent: Bounds | None
    """xmin, ymin, xmax, ymax in map units: the tiles that it meets with more than an edge go."""
    bbox: Bounds | None
    """West, south, east, north in WGS84 degrees, likewise; west beyond east crosses the antimeridian."""
    all_tiles: bool
    """Every tile goes; needed where nothing else says which."""
    pixels: bool
    """Cut the inside of the area away from tiles on its edge, which else stay whole."""
    background: Colour | None
    """In JPEG caches, paint what is cut away so."""
    keep_blank: bool
    """Keep cut tiles in which nothing is to be seen any more."""
    skip_errors: bool
    """Leave tiles whole that cannot be cut, and go on."""
    force: bool
    """Pass over the lock files of other programs in the cache."""


class Deletions(Overlaps):
    """Tells what of each bundle is to go: what an import of nothing means for the cache."""

    def __init__(self, target: TileReader, request: TransferRequest, *, is_pixels: bool) -> None:
        """Choose from a cache what a request asks for.

        Args:
            target: The cache.
            request: What is asked for; its areas are in the cache's spatial reference.
            is_pixels: Whether the inside of the area is cut away from tiles on its edge.
        """
        super().__init__(target, target, request)
        self.levels = {level: level for level in target.levels()}
        self._cache = target
        self._areas = request.areas
        self._chosen = TileChooser(target.info, request)
        self._cuts = is_pixels and target.info.tile_format.is_image

    def of(self, bundle: BundleKey) -> Overlap:
        """Tell which tiles of a bundle go, and which are cut.

        Raises:
            BundleError: The bundle is malformed.
        """
        return self.with_edge(bundle)[0]

    def with_edge(self, bundle: BundleKey) -> tuple[Overlap, int]:
        """Tell likewise, and on how many tiles that stay whole the area's edge lies.

        Raises:
            BundleError: The bundle is malformed.
        """
        nothing = np.zeros(TILES_PER_BUNDLE, np.bool_)
        present = self._cache.present(bundle)
        if self._areas is None:
            cover = self._chosen.coverage(bundle, bundle.tiles())
        else:
            cover = self._areas.coverage(bundle.tiles()).reshape(TILES_PER_BUNDLE)
        crossing = present & (cover == Coverage.CROSSING)
        cut = crossing if self._cuts else nothing
        overlap = Overlap(bundle, 0, nothing, nothing, present, present & (cover == Coverage.INSIDE), cut)
        return overlap, int(np.count_nonzero(crossing & ~cut))


def plan_deletion(target: TileReader, options: DeleteOptions, looking: Callable[[int], None] | None) -> DeletionPlan:
    """Plan a deletion. The cache is not touched, and no tile's data is read.

    Args:
        target: The cache.
        options: What is asked for.
        looking: Called with the number of bundles looked at so far.

    Raises:
        TransferError: Nothing is asked for, the wishes contradict one another, or the disk is too small.
        TilingSchemeError: A level that was named does not exist.
        AreaOfInterestError: The area misses the cache, or a level has none.
        UnsupportedError: Tiles would have to be cut that cannot hold transparent pixels.
        BundleError: A bundle is malformed.
    """
    refuse_vector_target(target)
    request, is_pixels = _request(target, options)
    levels, warnings = choose_levels(target, request)
    if request.areas is not None:
        request.areas.require_levels(levels)
        warnings += request.areas.warnings
    deletions = Deletions(target, request, is_pixels=is_pixels)
    tasks: list[DeletionTask] = []
    left = looked = largest = 0
    for level in levels:
        for bundle in target.bundles(level):
            looked += 1
            if looking is not None:
                looking(looked)
            task = _task(target, deletions, bundle)
            left += task.outside
            if task.deleted + task.cut + task.crossing:
                tasks.append(task)
            if task.is_changed and not task.is_removed:
                largest = max(largest, target.summary(bundle).file_bytes)
    if not tasks:
        _refuse_a_miss(target, request, levels)
    if any(task.cut for task in tasks) and target.info.admitted is TileFormat.JPEG and not options.get("background"):
        raise UnsupportedError(f"{target.place}: {_WAYS_OUT}")
    kind = kind_of(target)
    place = Path(target.place)
    if any(task.is_changed for task in tasks):
        require_room(place, place.stat().st_size if kind.is_package else largest)
    return DeletionPlan(
        cache=target.place,
        kind=kind,
        request=request,
        is_pixels=is_pixels,
        tasks=tuple(tasks),
        left=left,
        warnings=(*target.warnings, *warnings, *_warnings(target, tasks, is_pixels=is_pixels)),
        fingerprint=_fingerprint(request, is_pixels=is_pixels),
    )


def _request(target: TileReader, options: DeleteOptions) -> tuple[TransferRequest, bool]:
    """Read what is asked for.

    Raises:
        TransferError: Nothing is, or the wishes contradict one another.
        AreaOfInterestError: An area or a rectangle means nothing.
    """
    named = [name for name in ("levels", "scales", "area", "extent", "bbox") if options.get(name) is not None]
    if options.get("all_tiles", False) and named:
        raise TransferError(f"all tiles and {named[0]} were both asked for; choose one of them")
    if not (options.get("all_tiles", False) or named):
        raise TransferError("nothing says which tiles to delete; name levels, an area or an extent, or ask for all")
    is_pixels = options.get("pixels", False)
    if is_pixels and options.get("area") is None:
        raise TransferError("only an area cuts tiles, an extent takes them whole; give an area, or leave pixels out")
    request = make_request(
        Path(target.place),
        target.info.scheme,
        {
            "levels": options.get("levels"),
            "scales": options.get("scales"),
            "area": options.get("area"),
            "extent": options.get("extent"),
            "bbox": options.get("bbox"),
            "pixels": PixelOptions(
                background=options.get("background"),
                keep_blank=options.get("keep_blank", False),
                skip_errors=options.get("skip_errors", False),
            ),
        },
    )
    update = UpdateOptions(mode=BlendMode.OVERWRITE, delete_missing=True, force=options.get("force", False))
    return replace(request, update=update, levels=_levels(target, request)), is_pixels


def _levels(target: TileReader, request: TransferRequest) -> LevelSelection:
    """Give the levels asked for: where nobody names any, those of the area's LevelID column, emptied ones too."""
    named = None if request.areas is None else request.areas.named_levels()
    known = sorted((named or frozenset()) & target.info.scheme.level_ids)
    return LevelSelection.of(levels=known) if known and request.levels.takes_all else request.levels


def _task(target: TileReader, deletions: Deletions, bundle: BundleKey) -> DeletionTask:
    overlap, crossing = deletions.with_edge(bundle)
    deleted, cut = int(np.count_nonzero(overlap.deleted)), int(np.count_nonzero(overlap.trimmed))
    return DeletionTask(
        bundle=bundle,
        deleted=deleted,
        cut=cut,
        crossing=crossing,
        outside=int(np.count_nonzero(overlap.present)) - deleted - cut - crossing,
        tile_bytes=int(target.index(bundle)[overlap.deleted].sum()) if deleted else 0,
    )


def _refuse_a_miss(target: TileReader, request: TransferRequest, levels: Sequence[int]) -> None:
    """Refuse an area that lies nowhere near the cache: it is in another spatial reference, or another cache's.

    Where the cache could have tiles and has none, everything is deleted already.

    Raises:
        AreaOfInterestError: It does.
    """
    declared = next((extent for _, extent in declared_in_map_units(target)), None)
    if declared is None:
        return
    asked = request.box if request.areas is None else request.areas.at(levels[-1]) if levels else None
    if asked is not None:
        asked.require_meeting(declared, target.place)
    elif request.extent is not None and not request.extent.meets(declared):
        raise AreaOfInterestError(
            f"{target.place}: covers {declared}, which the extent {request.extent} does not meet; choose another extent"
        )


def _fingerprint(request: TransferRequest, *, is_pixels: bool) -> str:
    """Sum up what is done, but for the cache's state, and for what may be different when a stopped run is taken up."""
    asked = request.levels
    wish = (
        "delete",
        (asked.numbers, asked.ranges, asked.scales),
        *request.bounds,
        is_pixels and (request.pixels.background, request.pixels.keep_blank),
    )
    return hashlib.sha256(repr(wish).encode()).hexdigest()


def _warnings(target: TileReader, tasks: Sequence[DeletionTask], *, is_pixels: bool) -> list[str]:
    found = []
    if is_pixels and not target.info.tile_format.is_image:
        found.append(f"{target.info.tile_format} tiles are no images: those that the area's edge crosses stay whole")
    if not any(task.is_changed for task in tasks):
        found.append("there are no tiles to delete; the cache stays as it is")
        return found
    removed = {task.bundle: task.is_removed for task in tasks}
    held = [level for level in target.levels() if target.bundles(level)]
    emptied = {level for level in held if all(removed.get(bundle, False) for bundle in target.bundles(level))}
    is_web = target.info.storage_format.is_web
    remedy = "" if is_web else "; tilepack repair adapts that"
    names = ("minzoom", "maxzoom") if is_web else ("minLOD", "maxLOD")
    for name, level in zip(names, (target.info.min_level, target.info.max_level), strict=True):
        if level in emptied and len(emptied) < len(held):
            found.append(f"level {level} will hold no tiles, and stays declared as {name}{remedy}")
    if target.home is not None and (target.home / STATUS_GDB).exists():
        found.append(f"{STATUS_GDB} in the cache will be out of date; rebuild it")
    return found
