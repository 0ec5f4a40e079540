"""Exporting: the levels and tiles asked for into a new target, cut at pixel resolution to an area of interest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Unpack, cast

from tilepack.cache import StorageFormat
from tilepack.errors import CacheExistsError, TransferError
from tilepack.pixels.blend import BlendMode
from tilepack.stores.base import TileReader
from tilepack.stores.open import open_cache, place_of
from tilepack.stores.targets import parse_storage_format
from tilepack.transfer.asking import SelectionOptions, make_request
from tilepack.transfer.counting import Finishing, Progress
from tilepack.transfer.describe import description_warnings
from tilepack.transfer.importing import ImportOptions, import_cache, plan_import
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.planning import plan_transfer
from tilepack.transfer.result import TransferResult
from tilepack.transfer.run import run_transfer


class ExportOptions(SelectionOptions, total=False):
    """What ``export_cache`` and ``plan_export`` take beside source and target."""

    storage_format: StorageFormat | str | None
    """For folders: COMPACT, COMPACT_V2 (the default), EXPLODED or XYZ."""
    into_existing: BlendMode | str | None
    """The target may exist, and takes the tiles in as ``import_cache`` does: MERGE or OVERWRITE. Its own storage and
    tile format rule then."""
    delete_missing: bool
    """Under OVERWRITE, tiles that the source has not are transparent ones, and so go from the target."""
    force: bool
    """Pass over the lock files of other programs in a target that exists."""
    replace: bool
    """The target may exist; it is replaced when the new one is whole."""
    dedupe: bool
    """Store equal tiles of MBTiles once; PMTiles always do."""
    ready_to_serve: bool | None
    """Describe a folder by root.json instead of conf.xml; None: as the source is."""


def export_cache(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[TransferPlan], None] | None = None,
    progress: Progress | None = None,
    finishing: Finishing | None = None,
    **options: Unpack[ExportOptions],
) -> TransferResult:
    """Export part of a cache or package into a new one, cut at pixel resolution to an area of interest.

    A pixel is inside when its centre is, by the even-odd rule. Tiles wholly inside move as bytes, tiles wholly outside
    are left out, and only those that the area's edge crosses are decoded.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), ``.mbtiles``, ``.pmtiles``, ``.zip`` (web
            tiles), else a folder.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with tiles and bytes moved since the last call, from any thread.
        finishing: Called with what is done and how much there is, while a file of web tiles is written anew at the end.
        **options: See ``ExportOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the name of a new target then.
    """
    joined = _for_existing(Path(target), options)
    if joined is not None:
        return import_cache(
            source,
            target,
            jobs=jobs,
            looking=looking,
            planned=planned,
            progress=progress,
            finishing=finishing,
            **joined,
        )
    with open_cache(source) as reader:
        plan = _plan(reader, Path(target), options, looking)
        if planned is not None:
            planned(plan)
        return run_transfer(plan, reader, jobs=jobs, progress=progress)


def plan_export(
    source: str | Path,
    target: str | Path,
    *,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[ExportOptions],
) -> TransferPlan:
    """Plan what ``export_cache`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    joined = _for_existing(Path(target), options)
    if joined is not None:
        return plan_import(source, target, looking=looking, **joined)
    with open_cache(source) as reader:
        return _plan(reader, Path(target), options, looking, count_empty=True)


def _for_existing(target: Path, options: ExportOptions) -> ImportOptions | None:
    """Give the options for a target that exists and is to take the tiles in; None when a new one is to be made."""
    mode = options.get("into_existing")
    if mode is not None and options.get("replace"):
        raise TransferError(f"{target}: is to be replaced, and to take tiles in; choose one of them")
    if mode is None or not place_of(target).exists():
        return None
    wished, ready = options.get("storage_format"), options.get("ready_to_serve")
    if wished is not None or ready is not None:
        with open_cache(target) as there:
            info = there.info
        if wished is not None and info.storage_format is not parse_storage_format(wished):
            raise CacheExistsError(
                f"{target}: exists and holds {info.storage_format}, which stays; leave the storage format out, or "
                f"choose another target"
            )
        if ready is not None and info.ready_to_serve is not ready:
            document = "root.json" if info.ready_to_serve else "conf.xml"
            raise CacheExistsError(
                f"{target}: exists and is described by {document}, which stays; leave --ready-to-serve out, or choose "
                f"another target"
            )
    shared = {name: value for name, value in options.items() if name in ImportOptions.__annotations__}
    return cast("ImportOptions", shared | {"mode": mode})


def _plan(
    reader: TileReader,
    target: Path,
    options: ExportOptions,
    looking: Callable[[int], None] | None,
    *,
    count_empty: bool = False,
) -> TransferPlan:
    storage_format = options.get("storage_format")
    request = replace(
        make_request(target, reader.info.scheme, options),
        storage_format=None if storage_format is None else parse_storage_format(storage_format),
        replace=options.get("replace", False),
        dedupe=options.get("dedupe", False),
        ready_to_serve=options.get("ready_to_serve"),
    )
    plan = plan_transfer(reader, request, looking, count_empty=count_empty)
    missed = description_warnings(plan.kind, plan.info, request.description, request.thumbnail)
    return replace(plan, warnings=(*plan.warnings, *missed))
