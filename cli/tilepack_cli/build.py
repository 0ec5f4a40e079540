"""``tilepack build``: a pyramid of tiles from rasters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

import tilepack
from tilepack_cli.areas import Aoi, AoiCrs, AoiLayer, AoiWhere, Bbox, ExtentText, gather_areas, read_bbox, read_extent
from tilepack_cli.build_results import show_build_plan, show_built
from tilepack_cli.consoles import output, write_json
from tilepack_cli.descriptions import (
    Attribution,
    Description,
    Tags,
    Thumbnail,
    Title,
    gather_description,
)
from tilepack_cli.figures import count
from tilepack_cli.options import (
    DryRun,
    Jobs,
    Json,
    Quality,
    Quiet,
    ReadyToServe,
    Replace,
    StorageFormatName,
    TileFormatName,
    Verbose,
    check_levels,
    check_scales,
    refuse_contradictions,
)
from tilepack_cli.outcome import reported
from tilepack_cli.pixels import Force, Recompress, WholeTiles, read_colour
from tilepack_cli.transfers import check_target, show_warnings, telling_what_is_left, verb_for

EXAMPLES = """\b
Examples:
  tilepack build ortho.tif ortho.tpkx --title Ortho --tags imagery
  tilepack build north.tif south.tif city --aoi city.gpkg --levels 0-9
  tilepack build dem.tif relief.tpkx --stretch 0,2400 --resampling cubic
  tilepack build map.tif map.tpkx --scheme Usa.tpkx --dry-run
  tilepack build new.tif --into imagery.tpkx
"""

_METHODS: Final = tuple(str(each).lower().replace("_", "-") for each in tilepack.Resampling)


def _method(text: str | None) -> str | None:
    if text is not None and text.strip().lower().replace("_", "-") not in _METHODS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_METHODS)}")
    return text


@reported
def build_cache(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RASTER... TARGET",
            show_default=False,
            help="GeoTIFF, COG, VRT or whatever GDAL reads, each laid on those before it; and last what to make: a "
            "name in .tpk, .tpkx, .mbtiles, .pmtiles or .zip (web tiles), else a cache folder.",
        ),
    ],
    *,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="CACHE",
            show_default=False,
            help="Instead of TARGET: merge what is built into this cache or package, on the levels that it holds.",
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme",
            metavar="SCHEME",
            show_default=False,
            help="arcgis-online (if not given) or wgs84; or a cache, a package, a scheme file or the JSON of a map "
            "service, as create takes it.",
        ),
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            "--levels",
            metavar="LEVELS",
            callback=check_levels,
            help="Levels to build, as 0-18; all up to the one nearest to the finest raster's pixels if not given.",
        ),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales", metavar="SCALES", callback=check_scales, help="Likewise by their scales, as 500000,250000."
        ),
    ] = None,
    resampling: Annotated[
        str | None,
        typer.Option(
            "--resampling",
            metavar="METHOD",
            callback=_method,
            help=f"Of the finest level: {', '.join(_METHODS)}; bilinear, or nearest for palettes, if not given.",
        ),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option("--bands", metavar="R,G,B", help="Bands that are red, green and blue, or the one that is grey."),
    ] = None,
    nodata: Annotated[
        float | None, typer.Option("--nodata", metavar="VALUE", help="Value of pixels that are none.")
    ] = None,
    stretch: Annotated[
        str | None,
        typer.Option(
            "--stretch", metavar="MIN,MAX", help="Values that become 0 and 255, of rasters that hold no bytes."
        ),
    ] = None,
    storage_format: StorageFormatName = None,
    tile_format: TileFormatName = None,
    quality: Quality = None,
    background: Annotated[
        str | None,
        typer.Option("--background", metavar="COLOUR", help="What shows through in JPEG; white if not given."),
    ] = None,
    aoi: Aoi = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    extent: ExtentText = None,
    bbox: Bbox = None,
    whole_tiles: WholeTiles = False,
    recompress: Recompress = False,
    force: Force = False,
    ready_to_serve: ReadyToServe = False,
    replace: Replace = False,
    title: Title = None,
    tags: Tags = None,
    description: Description = None,
    attribution: Attribution = None,
    thumbnail: Thumbnail = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Build a pyramid of tiles from rasters.

    The finest level is drawn from the rasters, coarser ones are averaged from the level below. Only tiles with data
    are written: JPEG where opaque, PNG elsewhere, unless --tile-format says otherwise. Whole or not at all: nothing
    stands under TARGET before everything is in it.
    """
    refuse_contradictions(levels, scales)
    if extent is not None and bbox is not None:
        raise typer.BadParameter("choose a rectangle by one of them", param_hint="--extent / --bbox")
    areas = gather_areas(ctx, {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs})
    asked: tilepack.BuildOptions = {
        "levels": levels,
        "scales": scales,
        "resampling": resampling,
        "bands": _read_bands(bands),
        "nodata": nodata,
        "stretch": _read_stretch(stretch),
        "area": areas or None,
        "extent": read_extent(extent),
        "bbox": read_bbox(bbox),
        "whole_tiles": whole_tiles,
        "description": gather_description(title, tags, description, attribution),
        "thumbnail": None if thumbnail is None else tilepack.read_thumbnail(thumbnail),
    }
    colour = read_colour(background)
    if colour is not None:
        asked["background"] = colour
    new = {
        "--scheme": scheme,
        "--storage-format": storage_format,
        "--tile-format": tile_format,
        "--quality": quality,
        "--replace": replace or None,
        "--ready-to-serve": ready_to_serve or None,
    }
    if "" in names:
        raise typer.BadParameter("one of them is empty; name files", param_hint="RASTER... TARGET")
    if into is not None:
        _refuse(new, "is for a new TARGET; the cache that exists has settled it")
        _join(
            names, into, asked, recompress=recompress, force=force, dry_run=dry_run, jobs=jobs, json=json, quiet=quiet
        )
        return
    _refuse({"--recompress": recompress or None, "--force": force or None}, "belongs to --into")
    if len(names) < 2:
        raise typer.BadParameter("needs a RASTER and a TARGET, or --into CACHE", param_hint="RASTER... TARGET")
    target = Path(names[-1])
    asked |= {
        "scheme": scheme or "arcgis-online",
        "storage_format": check_target(target, storage_format, ready_to_serve=ready_to_serve),
        "tile_format": tile_format,
        "quality": quality,
        "ready_to_serve": ready_to_serve or None,
        "replace": replace,
    }
    if dry_run:
        plan = tilepack.plan_build(names[:-1], target, **asked)
        show_warnings(plan.warnings, quiet=quiet)
        show_build_plan(plan, f"would {verb_for(target, replace=replace)} {target}", jobs, json=json)
        return
    from tilepack_cli.progress import Working

    with telling_what_is_left(target), Working("building", quiet=quiet) as working:

        def begin(plan: tilepack.BuildPlan) -> None:
            show_warnings(plan.warnings, quiet=quiet, console=working.console)

        result = tilepack.build(names[:-1], target, **asked, jobs=jobs, planned=begin, progress=working.so_far)
    if json:
        write_json(result.as_json())
    elif not quiet:
        show_built(result, f"made {target}")


def _join(
    names: list[str],
    cache: Path,
    asked: tilepack.BuildOptions,
    *,
    recompress: bool,
    force: bool,
    dry_run: bool,
    jobs: int | None,
    json: bool,
    quiet: bool,
) -> None:
    """Build into a cache that exists."""
    if dry_run:
        plan = tilepack.plan_build_into(names, cache, **asked)
        show_warnings(plan.warnings, quiet=quiet)
        show_build_plan(plan, f"would merge into {cache}", jobs, json=json, joins=True)
        return
    from tilepack_cli.progress import Working

    with telling_what_is_left(cache, existing=True), Working("building", quiet=quiet) as working:
        result = tilepack.build_into(
            names,
            cache,
            **asked,
            recompress=recompress,
            force=force,
            jobs=jobs,
            planned=lambda plan: show_warnings(plan.warnings, quiet=quiet, console=working.console),
            joining=lambda plan: show_warnings(plan.warnings, quiet=quiet, console=working.console),
            progress=working.so_far,
        )
    if json:
        write_json(result.as_json())
    elif not quiet:
        counts = result.joined.counts
        show_built(result.built, f"merged into {cache}", joins=True)
        output().print(
            f"  {count(counts.blended)} laid on tiles that were there, {count(counts.repacked)} new or whole"
        )


def _refuse(given: Mapping[str, object], reason: str) -> None:
    for option, value in given.items():
        if value is not None:
            raise typer.BadParameter(reason, param_hint=option)


def _read_bands(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        bands = [int(part) for part in text.split(",")]
    except ValueError:
        bands = []
    if len(bands) not in (1, 3) or min(bands) < 1:
        raise typer.BadParameter(f"{text!r} is not one band or three, as 3 or 1,2,3", param_hint="--bands")
    return bands


def _read_stretch(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise typer.BadParameter(f"{text!r} is not a smaller and a larger number, MIN,MAX", param_hint="--stretch")
    return low, high
