"""Building into a cache that exists: what is built is a cache of its own first, and that is imported by MERGE.

The coarser levels are merged, as built, like the finest one; they are not averaged anew from the target's merged tiles.
So a pixel of the target changes on no level unless the rasters have something to show there, exactly as by `import`: a
cache may have been drawn for each scale by itself, its coarser levels may reach farther than its finer ones, and its
JPEG would lose once more with every tile decoded. The two ways differ along the rasters' edges alone: where a coarse
pixel is covered in part, MERGE lays it, with that part for its alpha, on what the target has there.

A folder that takes tiles in is at any time what it was or whole bundles further, and the same command goes on with a
run that was stopped: what was drawn is kept (see ``drawn``), the same rasters make the same cache, and the import goes
by what that has in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from tilepack.building.drawn import forget_drawn
from tilepack.building.fingerprint import with_word_of_drawn
from tilepack.building.plan import BuildPlan, BuildResult, staged_beside
from tilepack.building.planning import BuildOptions, Rasters, make_plan
from tilepack.building.running import Told, run_build
from tilepack.cache import TileFormat
from tilepack.disk.durable import remove
from tilepack.errors import CacheNotFoundError, TransferError, UnsupportedError
from tilepack.stores.open import open_cache
from tilepack.transfer.counting import Progress
from tilepack.transfer.importing import import_cache
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.request import PixelOptions
from tilepack.transfer.result import TransferResult

_NOT_FOR_EXISTING = ("scheme", "storage_format", "tile_format", "quality", "ready_to_serve", "replace", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedBuild:
    """What was built, and what became of it in the cache that took it in."""

    built: BuildResult
    """The cache that was built beside the target, which is gone by now."""
    joined: TransferResult
    """Its import into the target."""

    def as_json(self) -> dict[str, object]:
        """Give both as JSON's values."""
        return {"built": self.built.as_json(), "joined": self.joined.as_json()}


def build_into(
    rasters: Rasters,
    cache: str | Path,
    *,
    jobs: int | None = None,
    recompress: bool = False,
    force: bool = False,
    planned: Callable[[BuildPlan], None] | None = None,
    progress: Told | None = None,
    joining: Callable[[TransferPlan], None] | None = None,
    joined: Progress | None = None,
    **options: Unpack[BuildOptions],
) -> JoinedBuild:
    """Build rasters onto a cache or package that exists: on its grid, on the levels that it holds, merged into it.

    Only tiles that the rasters have a pixel in are touched, on every level by what was built for it.

    Args:
        rasters: One raster, or several, each laid on those before it.
        cache: The cache; it has to exist. Its scheme, storage and tile format rule.
        jobs: Threads; None for as many as there are processors.
        recompress: In MIXED caches, make tiles JPEG again that were laid on others and are opaque.
        force: Pass over the lock files of other programs in the cache.
        planned: Called with the plan of the build; nothing is written before, and what it raises ends the work.
        progress: Called with the windows that are done, and how many there are.
        joining: Called with the plan of the import; the cache is as it was before.
        joined: Called with tiles and bytes moved since the last call, from any thread.
        **options: See ``BuildOptions``; without what a cache that exists has settled already.

    Raises:
        TilepackError: Whatever it is that cannot be done; the cache is as it was, or whole bundles further.
    """
    plan = plan_build_into(rasters, cache, **options)
    if planned is not None:
        planned(plan)
    try:
        built = run_build(plan, jobs=jobs, progress=progress, keep=True)
    except KeyboardInterrupt:  # may come when it has its name already
        remove(plan.target)
        raise
    try:
        transferred = import_cache(
            plan.target,
            cache,
            jobs=jobs,
            planned=joining,
            progress=joined,
            pixels=PixelOptions(
                background=plan.background if "background" in options else None, recompress=recompress, allow_lossy=True
            ),
            force=force,
        )
    finally:
        remove(plan.target)
    forget_drawn(plan.target)
    return JoinedBuild(built=built, joined=transferred)


def plan_build_into(rasters: Rasters, cache: str | Path, **options: Unpack[BuildOptions]) -> BuildPlan:
    """Plan what ``build_into`` with the same arguments would build; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    place = Path(cache)
    given = [name for name in _NOT_FOR_EXISTING if options.get(name) is not None]
    if given:
        raise TransferError(f"{place}: exists, and its {given[0].replace('_', ' ')} stays; leave it out")
    if not place.exists():
        raise CacheNotFoundError(f"{place}: there is nothing of that name to build into; leave out --into to make it")
    if place.name.lower() in ("conf.xml", "conf.cdi", "root.json") and place.is_file():
        place = place.parent
    with open_cache(place) as reader:
        info = reader.info
        held = [level for level in reader.levels() if level in info.scheme.level_ids and reader.bundles(level)]
    if info.tile_format is TileFormat.PBF:
        raise UnsupportedError(f"{place}: holds vector tiles, and rasters become images; build into a cache of images")
    # JPEG holds no edges: they come as PNG, and are laid on the JPEG that is there. WebP is read, and not written.
    is_mixed = info.tile_format in (TileFormat.JPEG, TileFormat.WEBP)
    tile_format = TileFormat.MIXED if is_mixed else info.tile_format
    asked: BuildOptions = {
        **options,
        "scheme": info.scheme,
        "tile_format": tile_format,
        "quality": info.quality or None if tile_format is TileFormat.MIXED else None,
        "storage_format": "COMPACT_V2",
        "ready_to_serve": False,
        "replace": True,
    }
    plan = make_plan(rasters, staged_beside(place), asked, usual=held)
    return with_word_of_drawn(plan, plan)
