"""``tilepack export``: part of a source into a new target, cut at pixel resolution to an area of interest."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

import tilepack
from tilepack_cli.areas import Aoi, AoiCrs, AoiLayer, AoiWhere, Bbox, ExtentText, read_bounds
from tilepack_cli.descriptions import (
    Attribution,
    Description,
    Tags,
    Thumbnail,
    Title,
    gather_description,
)
from tilepack_cli.moving import carry_out, plan_only
from tilepack_cli.options import (
    DryRun,
    Jobs,
    Json,
    Levels,
    Quiet,
    ReadyToServe,
    Replace,
    Scales,
    Source,
    StorageFormatName,
    Target,
    Verbose,
    refuse_contradictions,
)
from tilepack_cli.outcome import reported
from tilepack_cli.pixels import (
    AllowLossy,
    Background,
    Dedupe,
    DeleteMissing,
    DropBlank,
    Force,
    KeepBlank,
    Recompress,
    SkipErrors,
    Strict,
    WholeTiles,
    read_colour,
)
from tilepack_cli.transfers import check_target

EXAMPLES = """\b
Examples:
  tilepack export Usa.tpkx city.tpkx --aoi city.gpkg --title City --tags map
  tilepack export Usa.tpkx part --aoi 0-3=country.geojson --aoi city.gpkg
  tilepack export Usa.tpkx p.tpk --aoi city.gpkg --aoi-where "pop>1000" -n
  tilepack export Usa.tpkx part --bbox -130,-10,10,50 --levels 0-4
  tilepack export new.tpkx city.tpkx --merge
"""


@reported
def export_cache(
    ctx: typer.Context,
    source: Source,
    target: Target,
    *,
    storage_format: StorageFormatName = None,
    levels: Levels = None,
    scales: Scales = None,
    aoi: Aoi = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    extent: ExtentText = None,
    bbox: Bbox = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Lay the tiles over those of TARGET if it exists, as import does.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put the tiles in the place of those of TARGET if it exists.")
    ] = False,
    delete_missing: DeleteMissing = False,
    background: Background = None,
    whole_tiles: WholeTiles = False,
    keep_blank: KeepBlank = False,
    drop_blank: DropBlank = False,
    dedupe: Dedupe = False,
    allow_lossy: AllowLossy = False,
    recompress: Recompress = False,
    skip_errors: SkipErrors = False,
    strict: Strict = False,
    force: Force = False,
    replace: Replace = False,
    ready_to_serve: ReadyToServe = False,
    title: Title = None,
    tags: Tags = None,
    description: Description = None,
    attribution: Attribution = None,
    thumbnail: Thumbnail = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Export levels and tiles, cut at pixel resolution to an area.

    Only --aoi cuts, and wins over --extent and --bbox. Tiles wholly inside keep their bytes. Whole or not at all:
    nothing stands under TARGET before everything is in it. A TARGET that exists is refused, unless by --replace, or by
    --merge or --overwrite, which take tiles into it as import does.
    """
    given = {"--merge": merge, "--overwrite": overwrite, "--replace": replace}
    if sum(given.values()) > 1:
        named = " / ".join(name for name, is_given in given.items() if is_given)
        raise typer.BadParameter("they contradict each other; choose one", param_hint=named)
    if delete_missing and not overwrite:
        raise typer.BadParameter("belongs to --overwrite", param_hint="--delete-missing")
    refuse_contradictions(levels, scales)
    joins = (merge or overwrite) and target.exists()
    areas = {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs}
    pixels = tilepack.PixelOptions(
        background=read_colour(background),
        whole_tiles=whole_tiles,
        keep_blank=keep_blank,
        drop_blank=drop_blank,
        skip_errors=skip_errors,
        strict=strict,
        allow_lossy=allow_lossy,
        recompress=recompress,
    )
    asked: tilepack.ExportOptions = {
        "storage_format": storage_format
        if joins
        else check_target(target, storage_format, ready_to_serve=ready_to_serve),
        "levels": levels,
        "scales": scales,
        **read_bounds(ctx, areas, extent, bbox),
        "into_existing": "MERGE" if merge else "OVERWRITE" if overwrite else None,
        "delete_missing": delete_missing,
        "force": force,
        "replace": replace,
        "dedupe": dedupe,
        "ready_to_serve": ready_to_serve or None,
        "pixels": pixels,
        "description": gather_description(title, tags, description, attribution),
        "thumbnail": None if thumbnail is None else tilepack.read_thumbnail(thumbnail),
    }
    if dry_run:
        plan_only(partial(tilepack.plan_export, source, target, **asked), jobs, json=json, quiet=quiet)
        return
    work = partial(tilepack.export_cache, source, target, **asked, jobs=jobs)
    carry_out(work, target, joins=joins, json=json, quiet=quiet, verbose=verbose)
