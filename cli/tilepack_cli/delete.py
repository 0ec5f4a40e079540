"""``tilepack delete``: tiles go, by levels, area or extent, or all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

import tilepack
from tilepack_cli.areas import AoiCrs, AoiLayer, AoiWhere, read_bounds
from tilepack_cli.consoles import output, readable, remark, show_table, write_json
from tilepack_cli.figures import count, counted, duration, size
from tilepack_cli.options import (
    DryRun,
    Jobs,
    Json,
    Quiet,
    Verbose,
    check_levels,
    check_scales,
    refuse_contradictions,
)
from tilepack_cli.outcome import SKIPPED, reported
from tilepack_cli.pixels import Force, KeepBlank, read_colour
from tilepack_cli.transfers import show_warnings, table_by_level, telling_what_is_left

EXAMPLES = """\b
Examples:
  tilepack delete Layers --levels 12-15 --dry-run
  tilepack delete Layers --aoi city.gpkg
  tilepack delete Usa.tpkx --aoi city.gpkg --pixels
  tilepack delete Layers --all
"""

_LISTED: Final = 20
"""Skipped tiles named one by one."""

Cache = Annotated[
    Path,
    typer.Argument(
        metavar="CACHE",
        show_default=False,
        help="Cache folder, its conf.xml or root.json; .tpk, .tpkx, .mbtiles, .pmtiles; folder or .zip of web tiles.",
    ),
]


@reported
def delete_tiles(
    ctx: typer.Context,
    cache: Cache,
    *,
    levels: Annotated[
        str | None,
        typer.Option("--levels", metavar="LEVELS", callback=check_levels, help="Tiles of these levels, as 0-7,9."),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales", metavar="SCALES", callback=check_scales, help="Tiles of these scales, as 500000,250000."
        ),
    ] = None,
    aoi: Annotated[
        list[str] | None,
        typer.Option(
            "--aoi",
            metavar="AREA",
            show_default=False,
            help="Tiles wholly inside this area: a vector file or a layer in one (x.gdb/layer), WKT or GeoJSON. With "
            "levels in front, as 0-8=x.gpkg, for those; without, for all others; rows with a LevelID are for that "
            "level alone. May be given several times.",
        ),
    ] = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    extent: Annotated[
        str | None,
        typer.Option("--extent", metavar="XMIN,YMIN,XMAX,YMAX", help="Tiles that meet this rectangle, map units."),
    ] = None,
    bbox: Annotated[
        str | None,
        typer.Option("--bbox", metavar="W,S,E,N", help="Likewise, WGS84 degrees; W beyond E crosses the antimeridian."),
    ] = None,
    all_tiles: Annotated[bool, typer.Option("--all", help="Every tile.")] = False,
    pixels: Annotated[
        bool,
        typer.Option("--pixels", help="Cut the inside of the area away from tiles on its edge, which else stay whole."),
    ] = False,
    background: Annotated[
        str | None,
        typer.Option(
            "--background", metavar="COLOUR", help="Paint what is cut away from JPEG: #rrggbb, r,g,b or a name."
        ),
    ] = None,
    keep_blank: KeepBlank = False,
    skip_errors: Annotated[
        bool,
        typer.Option("--skip-errors", help="Leave damaged tiles on the edge whole; ends with exit code 3 then."),
    ] = False,
    force: Force = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Delete tiles of a cache or package.

    Name levels, an area or an extent, or all; levels bound the others. Nothing is asked: --dry-run says beforehand how
    much it is. Emptied bundles go; folders and documents stay, the declared extent too.
    """
    refuse_contradictions(levels, scales)
    selected = [each for each in (levels, scales, aoi, extent, bbox) if each]
    if all_tiles and selected:
        raise typer.BadParameter("stands alone; leave it out, or the levels, area or extent", param_hint="--all")
    if not (all_tiles or selected):
        raise typer.BadParameter("say which tiles, or --all", param_hint="--levels / --aoi / --extent / --bbox")
    if pixels and not aoi:
        raise typer.BadParameter("belongs to --aoi; an extent takes tiles whole", param_hint="--pixels")
    if not pixels and (background is not None or keep_blank or skip_errors):
        raise typer.BadParameter(
            "belong to --pixels; without it no tile is cut", param_hint="--background / --keep-blank / --skip-errors"
        )
    areas = {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs}
    asked: tilepack.DeleteOptions = {
        "levels": levels,
        "scales": scales,
        **read_bounds(ctx, areas, extent, bbox),
        "all_tiles": all_tiles,
        "pixels": pixels,
        "background": read_colour(background),
        "keep_blank": keep_blank,
        "skip_errors": skip_errors,
        "force": force,
    }
    if dry_run:
        plan = _plan(cache, asked, quiet=quiet)
        show_warnings(plan.warnings, quiet=quiet)
        _show_plan(plan, json=json)
        return
    with telling_what_is_left(cache, existing=True):
        result = _delete(cache, asked, jobs=jobs, quiet=quiet, verbose=verbose)
    _show_result(result, json=json, quiet=quiet)
    if result.skipped:
        sys.stdout.flush()
        raise typer.Exit(SKIPPED)


def _plan(cache: Path, asked: tilepack.DeleteOptions, *, quiet: bool) -> tilepack.DeletionPlan:
    from tilepack_cli.progress import Looking

    with Looking(quiet=quiet) as looking:
        return tilepack.plan_delete(cache, **asked, looking=looking.so_far)


def _delete(
    cache: Path, asked: tilepack.DeleteOptions, *, jobs: int | None, quiet: bool, verbose: bool
) -> tilepack.DeletionResult:
    from tilepack_cli.progress import Working

    with Working("deleting", quiet=quiet) as working:

        def begin(plan: tilepack.DeletionPlan) -> None:
            show_warnings(plan.warnings, quiet=quiet, console=working.console)
            if verbose:
                what = f"{counted(plan.tiles, 'tile')} to delete, {count(plan.tiles_to_cut)} to cut"
                remark(f"{what}, {counted(len(plan.tasks), 'bundle')}", working.console)

        return tilepack.delete_tiles(cache, **asked, jobs=jobs, planned=begin, progress=working.so_far)


def _show_plan(plan: tilepack.DeletionPlan, *, json: bool) -> None:
    if json:
        write_json(plan.as_json())
        return
    console = output()
    console.print(readable(f"would take tiles out of {plan.cache}"), soft_wrap=True, style="bold")
    console.print()
    columns = ("remove", "rewrite bundles", "delete tiles", "cut", "edge stays", "size")
    show_table(console, table_by_level(plan.tasks, columns, _sums))
    console.print()
    console.print(f"{counted(plan.left + plan.tiles_crossing, 'tile')} of these levels stay")


def _sums(tasks: Sequence[tilepack.DeletionTask]) -> tuple[str, ...]:
    return (
        count(sum(task.is_removed for task in tasks)),
        count(sum(task.is_changed and not task.is_removed for task in tasks)),
        count(sum(task.deleted for task in tasks)),
        count(sum(task.cut for task in tasks)),
        count(sum(task.crossing for task in tasks)),
        size(sum(task.tile_bytes for task in tasks)),
    )


def _show_result(result: tilepack.DeletionResult, *, json: bool, quiet: bool) -> None:
    plan = result.plan
    if json:
        write_json(result.as_json())
    elif not quiet:
        console = output()
        console.print(readable(f"took tiles out of {plan.cache}"), soft_wrap=True, style="bold")
        cut = f", {counted(result.cut, 'tile')} cut" if plan.is_pixels else ""
        console.print(f"  {counted(result.deleted, 'tile')} deleted{cut} in {duration(result.seconds)}")
        bundles = f"{counted(plan.bundles_removed, 'bundle')} removed, {count(plan.bundles_rewritten)} rewritten"
        done = f", {count(result.resumed_bundles)} done by an earlier run" if result.resumed_bundles else ""
        console.print(f"  {bundles}{done}")
        if plan.tiles_crossing:
            console.print(f"  {counted(plan.tiles_crossing, 'tile')} on the area's edge stay whole")
    lines = [f"{tile} stays whole: {reason}" for tile, reason in result.skipped.items()]
    more = [f"{counted(len(lines) - _LISTED, 'more tile')} stay whole"] if len(lines) > _LISTED else []
    show_warnings([*lines[:_LISTED], *more], quiet=quiet)
