"""``tilepack import``: part of a source into a cache or package that exists, cut at pixel resolution to an area."""

from __future__ import annotations

from functools import partial
from pathlib import Path
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
from tilepack_cli.options import DryRun, Jobs, Json, Levels, Quiet, Scales, Source, Verbose, refuse_contradictions
from tilepack_cli.outcome import reported
from tilepack_cli.pixels import (
    AllowLossy,
    Background,
    DeleteMissing,
    Force,
    KeepBlank,
    Recompress,
    SkipErrors,
    Strict,
    WholeTiles,
    read_colour,
)

EXAMPLES = """\b
Examples:
  tilepack import update.tpkx Layers
  tilepack import update.tpkx Layers.tpkx --aoi city.gpkg --overwrite
  tilepack import update Layers --levels 12-15 --dry-run
  tilepack import full.tpkx Layers --only-missing
  tilepack import update.tpkx Layers --changed
"""

Existing = Annotated[
    Path,
    typer.Argument(
        metavar="TARGET",
        show_default=False,
        help="Cache folder, package or web tiles that are there; takes the tiles in.",
    ),
]


@reported
def import_cache(
    ctx: typer.Context,
    source: Source,
    target: Existing,
    *,
    levels: Levels = None,
    scales: Scales = None,
    aoi: Aoi = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    extent: ExtentText = None,
    bbox: Bbox = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Lay the tiles over those of TARGET; done if not told.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put the tiles in the place of those of TARGET, transparent pixels too.")
    ] = False,
    delete_missing: DeleteMissing = False,
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Fill gaps: bring in tiles that TARGET has not, and touch no other.")
    ] = False,
    changed: Annotated[
        bool,
        typer.Option(
            "--changed",
            help="Take only bundles that differ, by size, time, then content, from what the last such import took; "
            "TARGET remembers that. SOURCE is a cache or package of ArcGIS then.",
        ),
    ] = False,
    background: Background = None,
    whole_tiles: WholeTiles = False,
    keep_blank: KeepBlank = False,
    allow_lossy: AllowLossy = False,
    recompress: Recompress = False,
    skip_errors: SkipErrors = False,
    strict: Strict = False,
    force: Force = False,
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
    """Import levels and tiles into a cache or package that exists.

    Both need the same grid; levels are matched by resolution, storage formats may differ. Bundle by bundle: each is the
    old one until the new one is whole, and the same command goes on where a stopped one ended. A package is written
    anew beside, then takes the old one's place.

    With --changed, a second import of a source in which nothing is new opens no bundle. Another area, other levels or
    options make it another job, and all bundles are taken. A bundle that differs is imported again over what an earlier
    import left: under --merge, half transparent tiles of it come to lie on themselves, and what it lost stays; take
    --overwrite --delete-missing where TARGET is to follow SOURCE. What others do to TARGET meanwhile is not noticed.
    """
    refuse_contradictions(levels, scales)
    if merge and overwrite:
        raise typer.BadParameter("they contradict each other; choose one", param_hint="--merge / --overwrite")
    if delete_missing and not overwrite:
        raise typer.BadParameter("belongs to --overwrite", param_hint="--delete-missing")
    if only_missing and (overwrite or delete_missing):
        raise typer.BadParameter("touches no tile that is there; choose one", param_hint="--only-missing / --overwrite")
    areas = {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs}
    asked: tilepack.ImportOptions = {
        "mode": "OVERWRITE" if overwrite else "MERGE",
        "delete_missing": delete_missing,
        "only_missing": only_missing,
        "only_changed": changed,
        "job": None,  # the command line has no name for what it does
        "force": force,
        "levels": levels,
        "scales": scales,
        **read_bounds(ctx, areas, extent, bbox),
        "pixels": tilepack.PixelOptions(
            background=read_colour(background),
            whole_tiles=whole_tiles,
            keep_blank=keep_blank,
            skip_errors=skip_errors,
            strict=strict,
            allow_lossy=allow_lossy,
            recompress=recompress,
        ),
        "description": gather_description(title, tags, description, attribution),
        "thumbnail": None if thumbnail is None else tilepack.read_thumbnail(thumbnail),
    }
    if dry_run:
        plan_only(partial(tilepack.plan_import, source, target, **asked), jobs, json=json, quiet=quiet)
        return
    work = partial(tilepack.import_cache, source, target, **asked, jobs=jobs)
    carry_out(work, target, joins=True, json=json, quiet=quiet, verbose=verbose)
