"""Building a cache or package from rasters: the whole way, from their names to the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from tilepack.building.plan import BuildPlan, BuildResult
from tilepack.building.planning import BuildOptions, Rasters, make_plan
from tilepack.building.running import Told, run_build


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
    colours weighted by alpha. Only tiles with a visible pixel are written.

    Args:
        rasters: One raster, or several, each laid on those before it: whatever GDAL reads.
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), else a cache folder.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with the windows that are done, and how many there are.
        **options: See ``BuildOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the target's name then.
    """
    plan = make_plan(rasters, target, options)
    if planned is not None:
        planned(plan)
    return run_build(plan, jobs=jobs, progress=progress)


def plan_build(rasters: Rasters, target: str | Path, **options: Unpack[BuildOptions]) -> BuildPlan:
    """Plan what ``build`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    return make_plan(rasters, target, options)
