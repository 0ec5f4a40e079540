"""Planning a build: rasters opened and placed, levels chosen, tiles counted. Nothing is drawn or written."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypedDict

import numpy as np

from tilepack.aoi_given import AreaLike, Bounds
from tilepack.building.footprints import find_footprint, turns
from tilepack.building.plan import BuildPlan, LevelPlan, staged_beside
from tilepack.building.pyramids import Pyramid, Reach, group_levels
from tilepack.building.rasters import RasterWish, look_at, require_rasterio
from tilepack.building.resampling import Resampling, parse_resampling
from tilepack.building.sources import Layer
from tilepack.cache import ItemDescription, StorageFormat, TileFormat
from tilepack.disk.staging import refuse_existing
from tilepack.errors import AreaOfInterestError, TilingSchemeError, TransferError, UnsupportedError
from tilepack.extent import Extent
from tilepack.pixels.blend import Colour
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.stores.targets import parse_storage_format, target_kind
from tilepack.transfer.asking import make_request
from tilepack.transfer.choice import TileChooser
from tilepack.transfer.creating import CreateOptions, CreationPlan, plan_create
from tilepack.transfer.describe import NO_TILES
from tilepack.transfer.planning import refuse_overlap
from tilepack.transfer.request import PixelOptions, TransferRequest
from tilepack.transfer.zooms import zooms_of

WINDOW: Final = 2048
"""Pixels each way that are drawn at a time, about."""

_WHITE: Final = (255, 255, 255)
_MAGNIFIED: Final = 2.0
"""Pixels of the finest level along one of the rasters' beyond which their user is told."""
_MOST_TILES: Final = 1 << 33
"""Of a level: the planet at zoom 16, twice. They are counted before they are drawn, and would take days."""


class BuildOptions(TypedDict, total=False):
    """What ``build`` and ``plan_build`` take beside rasters and target."""

    scheme: str | Path | TilingScheme
    """``arcgis-online`` (the default) or ``wgs84``; or a cache, document or scheme, as ``create_cache`` takes it."""
    storage_format: StorageFormat | str | None
    """For folders: COMPACT, COMPACT_V2 (the default), EXPLODED or XYZ."""
    tile_format: TileFormat | str | None
    """None: what the scheme's document says, else MIXED: JPEG where a tile is opaque, PNG32 elsewhere."""
    quality: int | None
    """JPEG quality 0 to 100 of JPEG and MIXED; None: the scheme's document's, else 75."""
    levels: str | Sequence[int] | None
    """LevelIDs, as ``"0-12"`` or numbers; None for all of the scheme up to the one nearest to the finest raster."""
    scales: str | Sequence[float] | None
    """Scale denominators instead of levels."""
    resampling: Resampling | str | None
    """How pixels are made of a raster's; None: BILINEAR, of rasters with a palette NEAREST."""
    bands: Sequence[int] | None
    """The band that is grey, or those that are red, green and blue, from 1; None for what each raster says."""
    nodata: float | None
    """Value of pixels that are none, instead of what each raster says."""
    stretch: tuple[float, float] | None
    """Values that become 0 and 255, of rasters that hold no bytes."""
    area: AreaLike | Sequence[AreaLike] | None
    """Area of interest, or several for ranges of levels; cuts at pixel resolution, and wins over extents."""
    extent: Bounds | None
    """xmin, ymin, xmax, ymax in map units; draws the tiles that it meets with more than an edge, and cuts nothing."""
    bbox: Bounds | None
    """West, south, east, north in WGS84 degrees, likewise; west beyond east crosses the antimeridian."""
    whole_tiles: bool
    """Keep the tiles that the area's edge crosses uncut."""
    background: Colour
    """What shows through in a JPEG cache, which holds nothing transparent; white if not given."""
    ready_to_serve: bool | None
    """Describe a folder by root.json instead of conf.xml; None: as the scheme's folder is."""
    replace: bool
    """The target may exist; it is replaced when the new one is whole."""
    name: str | None
    """Name of the cache; None: the target's."""
    description: ItemDescription | None
    """What people and portals read about it."""
    thumbnail: bytes | None
    """PNG; None draws one."""


Rasters = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""One raster, or several, each laid on those before it."""


def make_plan(rasters: Rasters, target: str | Path, options: BuildOptions, *, usual: Sequence[int] = ()) -> BuildPlan:
    """Plan a build. Nothing is written.

    Args:
        rasters: One raster, or several, each laid on those before it.
        target: What to make.
        options: What is asked for.
        usual: The levels to build where none are named; none for all up to the one nearest to the finest raster.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    require_rasterio()
    named = [rasters] if isinstance(rasters, str | os.PathLike) else list(rasters)
    if not named:
        raise UnsupportedError("there are no rasters to build from; name some")
    for raster in named:
        if os.path.exists(raster):  # noqa: PTH110  what GDAL opens need not be a file
            refuse_overlap(Path(raster), Path(target))
    created = _plan_target(Path(target), options)
    info, scheme = created.info, created.info.scheme
    layers = _layers(named, scheme, options)
    request = make_request(
        Path(target),
        scheme,
        {
            "levels": options.get("levels"),
            "scales": options.get("scales"),
            "area": options.get("area"),
            "extent": options.get("extent"),
            "bbox": options.get("bbox"),
            "pixels": PixelOptions(whole_tiles=options.get("whole_tiles", False)),
            "description": options.get("description"),
            "thumbnail": options.get("thumbnail"),
        },
    )
    request = replace(request, replace=options.get("replace", False))
    if info.tile_format is TileFormat.LERC:
        raise UnsupportedError("LERC tiles hold values and no colours; choose MIXED, JPEG or a PNG by --tile-format")
    chosen, warnings = _choose(scheme, layers, request, created, usual)
    if request.areas is not None:
        request.areas.require_levels(chosen)
        warnings += request.areas.warnings
    pyramids = group_levels(scheme, chosen, request.areas)
    chooser = TileChooser(info, request)
    rects = np.concatenate([layer.footprint.rects for layer in layers])
    reaches = {level: Reach(scheme, level, rects, chooser) for level in chosen}
    for level, reach in reaches.items():
        if reach.most > _MOST_TILES:
            raise TilingSchemeError(
                f"level {level}: the rasters would come to {reach.most:,} tiles there, and {_MOST_TILES:,} are the "
                f"most; choose coarser levels, or an area of interest"
            )
    levels = tuple(_level_plan(scheme.level(level), reaches[level], pyramids) for level in chosen)
    drawn = [level for level in levels if level.is_drawn]
    if not any(level.tiles for level in drawn):
        _refuse_a_miss(layers, request)
    side = window_side(scheme)
    windows = sum(1 for level in drawn for _ in reaches[level.level].windows(side))
    return BuildPlan(
        layers=tuple(layers),
        target=Path(target),
        kind=created.kind,
        request=request,
        info=info,
        levels=levels,
        pyramids=tuple(pyramids),
        windows=windows,
        background=options.get("background", _WHITE),
        warnings=(*(text for text in created.warnings if text != NO_TILES), *warnings),
    )


def window_side(scheme: TilingScheme) -> int:
    """Tell how many tiles each way are drawn at a time: a power of two."""
    fitting = max(1, WINDOW // max(scheme.tile_width, scheme.tile_height))
    return 1 << min(7, fitting.bit_length() - 1)


def _plan_target(target: Path, options: BuildOptions) -> CreationPlan:
    """Plan the empty target; one of web tiles as the cache that it will be made of."""
    wished, created = options.get("storage_format"), _created(options)
    kind = target_kind(
        target,
        None if wished is None else parse_storage_format(wished),
        ready_to_serve=bool(options.get("ready_to_serve")),
    )
    if not kind.storage_format.is_web:
        return plan_create(target, **created)
    refuse_existing(target, replace=created["replace"])
    created |= {"storage_format": StorageFormat.COMPACT_V2, "ready_to_serve": False, "replace": True}
    plan = plan_create(staged_beside(target), **created)
    levels = {lod.level: () for lod in plan.info.scheme.levels}
    zooms_of(plan.info.scheme, levels, kind.storage_format, place=plan.template.place)
    info = replace(plan.info, name=options.get("name") or target.stem)
    return replace(plan, target=target, kind=kind, info=info)


def _created(options: BuildOptions) -> CreateOptions:
    taken: CreateOptions = {
        "scheme": options.get("scheme", "arcgis-online"),
        "storage_format": options.get("storage_format"),
        "tile_format": options.get("tile_format"),
        "quality": options.get("quality"),
        "ready_to_serve": options.get("ready_to_serve"),
        "replace": options.get("replace", False),
        "name": options.get("name"),
        "description": options.get("description"),
    }
    return taken


def _layers(named: Sequence[str | os.PathLike[str]], scheme: TilingScheme, options: BuildOptions) -> list[Layer]:
    stretch, bands = options.get("stretch"), options.get("bands")
    if stretch is not None and not (all(map(math.isfinite, stretch)) and stretch[0] < stretch[1]):
        raise TransferError(
            f"values are stretched from a smaller to a larger one, not from {stretch[0]} to {stretch[1]}"
        )
    wish = RasterWish(bands=None if bands is None else tuple(bands), nodata=options.get("nodata"), stretch=stretch)
    wished = options.get("resampling")
    method = None if wished is None else parse_resampling(wished)
    found: list[Layer] = []
    for path in named:
        raster = look_at(path, wish)
        usual = Resampling.BILINEAR if raster.palette is None else Resampling.NEAREST
        footprint = find_footprint(raster, scheme.spatial_reference)
        found += [Layer(turned, footprint, method or usual) for turned in turns(raster)]
    return found


def _choose(
    scheme: TilingScheme,
    layers: Sequence[Layer],
    request: TransferRequest,
    created: CreationPlan,
    usual: Sequence[int],
) -> tuple[list[int], list[str]]:
    """Choose the levels: those asked for, else all up to the one nearest to the finest raster's pixels."""
    finest = min(layer.footprint.resolution for layer in layers)
    nearest = min(scheme.levels, key=lambda lod: (round(abs(math.log2(lod.resolution / finest)), 9), lod.resolution))
    known = [lod.level for lod in scheme.levels]
    usual = usual or [lod.level for lod in scheme.levels if lod.resolution >= nearest.resolution]
    named = None if request.areas is None else request.areas.named_levels()
    if named is not None and request.levels.takes_all:
        usual = [level for level in known if level in named]
        if not usual:
            raise AreaOfInterestError(f"the area is for levels {sorted(named)}, which the scheme does not have")
    try:
        chosen, _ = request.levels.choose(scheme, usual if request.levels.takes_all else known)
    except TilingSchemeError as error:
        raise TilingSchemeError(f"{created.template.place}: {error}") from error
    warnings = []
    least = min(scheme.level(level).resolution for level in chosen)
    if finest > _MAGNIFIED * least:
        warnings.append(
            f"the finest level has pixels of {least:.6g}, the rasters of {finest:.6g}: they are drawn "
            f"{finest / least:.3g} times as large as they are; level {nearest.level} suits them"
        )
    return chosen, warnings


def _level_plan(lod: LevelOfDetail, reach: Reach, pyramids: Sequence[Pyramid]) -> LevelPlan:
    return LevelPlan(
        level=lod.level,
        resolution=lod.resolution,
        scale=lod.scale,
        is_drawn=any(pyramid.base is lod or pyramid.base == lod for pyramid in pyramids),
        tiles=reach.count(),
    )


def _refuse_a_miss(layers: Sequence[Layer], request: TransferRequest) -> None:
    """Say that nothing of the rasters lies where it was asked for.

    Raises:
        AreaOfInterestError: Areas or extents miss them.
        TilingSchemeError: They lie beside the scheme.
    """
    rects = np.concatenate([layer.footprint.rects for layer in layers])
    place = "the rasters" if len(layers) > 1 else layers[0].raster.path
    if len(rects) and (request.areas is not None or request.extent is not None or request.box is not None):
        (xmin, ymin), (xmax, ymax) = rects[:, :2].min(axis=0).tolist(), rects[:, 2:].max(axis=0).tolist()
        extent = Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
        asked = request.areas or request.box
        what = "area of interest" if request.areas is not None else "extent"
        raise AreaOfInterestError(
            f"{place}: nothing of it lies in the {what}; it covers {extent}, the {what} "
            f"{asked.extent if asked is not None else request.extent}"
        )
    raise TilingSchemeError(f"{place}: lies above or left of the scheme's origin, where no tiles are; choose another")
