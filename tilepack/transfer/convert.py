"""Converting: a whole source into a new target, no tile's data changed unless a quality is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypedDict, Unpack

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


class ConvertOptions(TypedDict, total=False):
    """What ``convert`` and ``plan_convert`` take beside source and target."""

    storage_format: StorageFormat | str | None
    """For folders: COMPACT, COMPACT_V2 (the default), EXPLODED or XYZ."""
    levels: str | Iterable[int] | None
    """LevelIDs, as ``"0-7,9"`` or numbers; None for all that hold tiles."""
    scales: str | Iterable[float] | None
    """Scale denominators instead of levels."""
    replace: bool
    """The target may exist; it is replaced when the new one is whole."""
    ready_to_serve: bool | None
    """Describe a folder by root.json instead of conf.xml; None: as the source is."""
    drop_blank: bool
    """Leave out tiles in which nothing is visible."""
    dedupe: bool
    """Store equal tiles of MBTiles once; PMTiles always do."""
    quality: int | None
    """Encode JPEG tiles anew at this quality, 1 to 100, those that it makes smaller; None leaves them."""


def convert(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[TransferPlan], None] | None = None,
    progress: Progress | None = None,
    **options: Unpack[ConvertOptions],
) -> TransferResult:
    """Convert a cache or package into another storage format; every tile keeps its bytes.

    But for WebP, which caches of ArcGIS' cannot hold: it becomes JPEG, or PNG where anything is transparent; and for
    JPEG where a quality is asked for.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), ``.vtpk`` (of vector tiles), ``.mbtiles``,
            ``.pmtiles``, ``.zip`` (web tiles), else a folder.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with tiles and bytes moved since the last call, from any thread.
        **options: See ``ConvertOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the target's name then.
    """
    request = _request(Path(target), options)
    with open_cache(source) as reader:
        plan = plan_transfer(reader, request, looking)
        if planned is not None:
            planned(plan)
        return run_transfer(plan, reader, jobs=jobs, progress=progress)


def plan_convert(
    source: str | Path,
    target: str | Path,
    *,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[ConvertOptions],
) -> TransferPlan:
    """Plan what ``convert`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    request = _request(Path(target), options)
    with open_cache(source) as reader:
        return plan_transfer(reader, request, looking)


def _request(target: Path, options: ConvertOptions) -> TransferRequest:
    storage_format, quality = options.get("storage_format"), options.get("quality")
    if quality is not None and not 1 <= quality <= 100:
        raise TransferError(f"quality {quality} is none; it goes from 1 to 100")
    return TransferRequest(
        target=target,
        storage_format=None if storage_format is None else parse_storage_format(storage_format),
        levels=LevelSelection.of(options.get("levels"), options.get("scales")),
        replace=options.get("replace", False),
        dedupe=options.get("dedupe", False),
        quality=quality,
        ready_to_serve=options.get("ready_to_serve"),
        pixels=PixelOptions(drop_blank=options.get("drop_blank", False)),
    )
