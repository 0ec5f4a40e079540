"""Converting: a whole source into a new target, no tile's data changed unless a quality is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

from tilepack.cache import StorageFormat
from tilepack.errors import TransferError
from tilepack.selection import LevelSelection
from tilepack.stores.open import open_cache
from tilepack.stores.targets import parse_storage_format
from tilepack.transfer.counting import Progress
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.planning import plan_transfer
from tilepack.transfer.request import PixelOptions, TransferRequest
from tilepack.transfer.result import TransferResult
from tilepack.transfer.run import run_transfer


def convert(
    source: str | Path,
    target: str | Path,
    *,
    storage_format: StorageFormat | str | None = None,
    levels: str | Iterable[int] | None = None,
    scales: str | Iterable[float] | None = None,
    replace: bool = False,
    ready_to_serve: bool | None = None,
    drop_blank: bool = False,
    dedupe: bool = False,
    quality: int | None = None,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[TransferPlan], None] | None = None,
    progress: Progress | None = None,
) -> TransferResult:
    """Convert a cache or package into another storage format; every tile keeps its bytes.

    But for WebP, which caches of ArcGIS' cannot hold: it becomes JPEG, or PNG where anything is transparent; and for
    JPEG where a quality is asked for.

    Args:
        source: A cache folder, its conf.xml or root.json, a .tpk or a .tpkx.
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), ``.vtpk`` (of vector tiles), ``.mbtiles``,
            ``.pmtiles``, else a folder.
        storage_format: For folders: COMPACT, COMPACT_V2 (the default), EXPLODED or XYZ.
        levels: LevelIDs, as ``"0-7,9"`` or numbers; None for all that hold tiles.
        scales: Scale denominators instead of levels.
        replace: The target may exist; it is replaced when the new one is whole.
        ready_to_serve: Describe a folder by root.json instead of conf.xml; None: as the source is.
        drop_blank: Leave out tiles in which nothing is visible.
        dedupe: Store equal tiles of MBTiles once; PMTiles always do.
        quality: Encode JPEG tiles anew at this quality, 1 to 100, those that it makes smaller; None leaves them.
        jobs: Threads; None for as many as there are processors.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with tiles and bytes moved since the last call, from any thread.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the target's name then.
    """
    request = _request(target, storage_format, LevelSelection.of(levels, scales), replace, ready_to_serve)
    request = _with(request, drop_blank=drop_blank, dedupe=dedupe, quality=quality)
    with open_cache(source) as reader:
        plan = plan_transfer(reader, request, looking)
        if planned is not None:
            planned(plan)
        return run_transfer(plan, reader, jobs=jobs, progress=progress)


def plan_convert(
    source: str | Path,
    target: str | Path,
    *,
    storage_format: StorageFormat | str | None = None,
    levels: str | Iterable[int] | None = None,
    scales: str | Iterable[float] | None = None,
    replace: bool = False,
    ready_to_serve: bool | None = None,
    drop_blank: bool = False,
    dedupe: bool = False,
    quality: int | None = None,
    looking: Callable[[int], None] | None = None,
) -> TransferPlan:
    """Plan what ``convert`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    request = _request(target, storage_format, LevelSelection.of(levels, scales), replace, ready_to_serve)
    request = _with(request, drop_blank=drop_blank, dedupe=dedupe, quality=quality)
    with open_cache(source) as reader:
        return plan_transfer(reader, request, looking)


def _with(request: TransferRequest, *, drop_blank: bool, dedupe: bool, quality: int | None) -> TransferRequest:
    if quality is not None and not 1 <= quality <= 100:
        raise TransferError(f"quality {quality} is none; it goes from 1 to 100")
    return dataclasses.replace(request, pixels=PixelOptions(drop_blank=drop_blank), dedupe=dedupe, quality=quality)


def _request(
    target: str | Path,
    storage_format: StorageFormat | str | None,
    levels: LevelSelection,
    replace: bool,  # noqa: FBT001  only the two functions above call it
    ready_to_serve: bool | None,  # noqa: FBT001
) -> TransferRequest:
    return TransferRequest(
        target=Path(target),
        storage_format=None if storage_format is None else parse_storage_format(storage_format),
        levels=levels,
        replace=replace,
        ready_to_serve=ready_to_serve,
    )
