"""Building a cache or package from rasters: the whole way, from their names to the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from tilepack.building.drawn import forget_drawn
from tilepack.building.fingerprint import with_word_of_drawn
from tilepack.building.plan import BuildPlan, BuildResult, staged_beside
from tilepack.building.planning import BuildOptions, Rasters, make_plan
from tilepack.building.running import Told, run_build
from tilepack.disk.durable import remove
from tilepack.stores.targets import target_kind
from tilepack.transfer.convert import convert


def build(
    rasters: Rasters,
    target: str | Path,
    *,
    jobs: int | None = None,
    planned: Callable[[BuildPlan], None] | None = None,
    progress: Told | None = None,
    **options: Unpack[BuildOptions],
) -> BuildResult:
    """Build a pyramid of tiles from rasters.

    The finest level is drawn from the rasters, the others are averaged from the level below, 2 x 2 pixels to one, their
    colours weighted by alpha. Only tiles with a visible pixel are written. A build that is stopped keeps what it has
    drawn beside the target, and the same build of the same rasters goes on from there.

    Args:
        rasters: One raster, or several, each laid on those before it: whatever GDAL reads.
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), ``.mbtiles``, ``.pmtiles``, ``.zip`` (web
            tiles), else a cache folder.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with the windows that are done, and how many there are.
        **options: See ``BuildOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the target's name then.
    """
    plan = plan_build(rasters, target, **options)
    if planned is not None:
        planned(plan)
    if plan.kind.storage_format.is_web:
        return _build_for_the_web(plan, jobs, progress)
    return run_build(plan, jobs=jobs, progress=progress)


def _build_for_the_web(plan: BuildPlan, jobs: int | None, progress: Told | None) -> BuildResult:
    """Build a package, and convert it: pyramids give tiles in another order than MBTiles and PMTiles have them."""
    begun = time.monotonic()
    staged = _staged(plan)
    storage_format, may_replace = plan.kind.storage_format, plan.request.replace
    try:
        built = run_build(staged, jobs=jobs, progress=progress, keep=True)
        made = convert(staged.target, plan.target, storage_format=storage_format, replace=may_replace, jobs=jobs)
    finally:
        remove(staged.target)
    forget_drawn(staged.target)
    return replace(built, plan=plan, info=made.info, seconds=time.monotonic() - begun)


def _staged(plan: BuildPlan) -> BuildPlan:
    """Give the plan of the package that web tiles are made of; of other targets it is the plan itself."""
    if not plan.kind.storage_format.is_web:
        return plan
    package = Path(f"{staged_beside(plan.target)}.tpkx")  # which says its name itself
    request = replace(plan.request, target=package, replace=True)
    return replace(plan, target=package, kind=target_kind(package), request=request)


def plan_build(rasters: Rasters, target: str | Path, **options: Unpack[BuildOptions]) -> BuildPlan:
    """Plan what ``build`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    plan = make_plan(rasters, target, options)
    return with_word_of_drawn(plan, _staged(plan))
