"""Telling one build from another, so that what was drawn for one is never taken for the other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tilepack._version import __version__
from tilepack.building.drawn import drawn_beside, word_of_drawn
from tilepack.building.picture import picture_of
from tilepack.building.plan import BuildPlan
from tilepack.building.planning import window_side
from tilepack.building.rasters import opened, reading
from tilepack.building.sources import Layer
from tilepack.disk.durable import is_there
from tilepack.errors import TransferError


def fingerprint_of(plan: BuildPlan) -> str:
    """Sum up what a drawing depends on: the rasters' files as they are now, the grid, the options, the programs.

    Args:
        plan: The build.

    Returns:
        Hexadecimal digits; none at all where a raster is no file, and may change unseen.
    """
    import PIL
    from rasterio import __gdal_version__

    files = _states(layer.raster.files for layer in plan.layers)
    if files is None:
        return ""
    picture = picture_of(plan)
    request = plan.request
    wish = (
        (__version__, __gdal_version__, PIL.__version__),
        files,
        [list(_facts(layer)) for layer in plan.layers],
        plan.info.scheme,
        plan.info.tile_format,
        plan.info.quality,
        plan.background,
        [(pyramid.base, sorted(pyramid.levels.items())) for pyramid in plan.pyramids],
        *request.bounds,
        request.pixels.whole_tiles,
        window_side(plan.info.scheme),
        picture and picture.rung,
    )
    return hashlib.sha256(repr(wish).encode(errors="surrogateescape")).hexdigest()


def _facts(layer: Layer) -> Iterator[object]:
    """Give what is known of a raster, its place and its colours; arrays by their bytes."""
    raster, footprint = layer.raster, layer.footprint
    yield from (raster.crs, raster.transform, raster.dtype, raster.bands, raster.alpha, raster.nodata, raster.stretch)
    yield from (raster.width, raster.height, raster.reductions, raster.turned, layer.resampling, footprint.pixel)
    yield footprint.rects.tobytes()
    yield None if raster.palette is None else raster.palette.tobytes()


def _states(rasters: Iterable[Sequence[str]]) -> list[tuple[str, int, int]] | None:
    """Give path, bytes and time of each file that rasters are made of, those that a VRT in a VRT names, too."""
    found: dict[str, tuple[str, int, int]] = {}
    waiting = list(rasters)
    while waiting:
        files = waiting.pop()
        if not files:
            return None
        for file in files:
            path = os.path.realpath(file)
            if path in found:
                continue
            try:
                there = os.stat(path)  # noqa: PTH116  GDAL's names are texts
            except (OSError, ValueError):
                return None
            found[path] = path, there.st_size, there.st_mtime_ns
            if path.lower().endswith(".vrt"):
                waiting.append(_named_by(path))
    return sorted(found.values())


def _named_by(raster: str) -> list[str]:
    """Give the files that a raster is made of; none where it cannot be told."""
    try:
        with reading(raster), opened(raster) as data:
            return list(data.files)
    except TransferError:
        return []


def with_word_of_drawn(plan: BuildPlan, staged: BuildPlan) -> BuildPlan:
    """Give a plan with a warning that says what will become of what an earlier run has drawn.

    Args:
        plan: The plan.
        staged: That of what is built first; the same where nothing is.
    """
    if not is_there(drawn_beside(staged.target)):
        return plan
    return replace(plan, warnings=(*plan.warnings, word_of_drawn(staged.target, fingerprint_of(staged))))
