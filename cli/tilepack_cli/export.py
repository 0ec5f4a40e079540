"""``tilepack export``: part of a source into a new target, cut at pixel resolution to an area of interest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import tilepack
from tilepack_cli.areas import Aoi, AoiCrs, AoiLayer, AoiWhere, Bbox, ExtentText, gather_areas, read_bbox, read_extent
from tilepack_cli.consoles import output, readable, show_table, write_json
from tilepack_cli.descriptions import (
    Attribution,
    Description,
    Tags,
    Thumbnail,
    Title,
    gather_description,
    read_thumbnail,
)
from tilepack_cli.figures import count, counted, duration, size
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
from tilepack_cli.outcome import SKIPPED, reported
from tilepack_cli.transfers import (
    announcing,
    check_target,
    name_bundles,
    name_kind,
    name_levels,
    name_verb,
    show_warnings,
    table_by_level,
    telling_what_is_left,
)

EXAMPLES = """\b
Examples:
  tilepack export Usa.tpkx city.tpkx --aoi city.gpkg --title City --tags map
  tilepack export Usa.tpkx part --aoi 0-3=country.geojson --aoi city.gpkg
  tilepack export Usa.tpkx p.tpk --aoi city.gpkg --aoi-where "pop>1000" -n
  tilepack export Usa.tpkx part --bbox -130,-10,10,50 --levels 0-4
"""

_LISTED: Final = 20
"""Skipped tiles named one by one."""

_NOTES: Final = {
    "decoded": "decoded",
    "transcoded": "put into another tile format",
    "quantised": "reduced to the colours of a palette",
    "widened_to_rgba": "widened: their palette or colours had no room for transparency",
    "sixteen_to_eight": "reduced from 16 to 8 bits a channel",
    "jpeg_encoded": "encoded as JPEG once more",
    "subsampling_replaced": "given JPEG's 4:4:4, for their own subsampling cannot be written",
    "cmyk_to_rgb": "turned from CMYK into RGB",
    "profile_dropped": "written without their colour profile",
}


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
    background: Annotated[
        str | None,
        typer.Option(
            "--background",
            metavar="COLOUR",
            help="Keep JPEG, and paint the outside: #rrggbb, r,g,b or a name. If not given it is transparent, and JPEG "
            "becomes MIXED.",
        ),
    ] = None,
    whole_tiles: Annotated[
        bool, typer.Option("--whole-tiles", help="Keep the tiles on the area's edge uncut.")
    ] = False,
    keep_blank: Annotated[
        bool, typer.Option("--keep-blank", help="Write cut tiles of which nothing visible is left.")
    ] = False,
    skip_errors: Annotated[
        bool, typer.Option("--skip-errors", help="Leave out damaged tiles on the edge; ends with exit code 3 then.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse tiles that cannot be cut (LERC), which else move whole.")
    ] = False,
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
    nothing stands under TARGET before everything is in it.
    """
    refuse_contradictions(levels, scales)
    if extent is not None and bbox is not None:
        raise typer.BadParameter("choose a rectangle by one of them", param_hint="--extent / --bbox")
    areas = gather_areas(ctx, {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs})
    pixels = tilepack.PixelOptions(
        background=_read_colour(background),
        whole_tiles=whole_tiles,
        keep_blank=keep_blank,
        skip_errors=skip_errors,
        strict=strict,
    )
    asked: tilepack.ExportOptions = {
        "storage_format": check_target(target, storage_format, ready_to_serve=ready_to_serve),
        "levels": levels,
        "scales": scales,
        "area": areas or None,
        "extent": read_extent(extent),
        "bbox": read_bbox(bbox),
        "replace": replace,
        "ready_to_serve": ready_to_serve or None,
        "pixels": pixels,
        "description": gather_description(title, tags, description, attribution),
        "thumbnail": read_thumbnail(thumbnail),
    }
    if dry_run:
        plan = _plan(source, target, asked, quiet=quiet)
        show_warnings([*plan.warnings, *_useless(plan)], quiet=quiet)
        _show_plan(plan, jobs, json=json)
        return
    with telling_what_is_left(target):
        result = _export(source, target, asked, jobs=jobs, quiet=quiet, verbose=verbose)
    _show_result(result, json=json, quiet=quiet)
    if result.skipped:
        _show_skipped(result, quiet=quiet)
        sys.stdout.flush()
        raise typer.Exit(SKIPPED)


def _read_colour(text: str | None) -> tuple[int, int, int] | None:
    """Read ``#rrggbb``, ``r,g,b`` or a colour's name."""
    if text is None:
        return None
    from PIL import ImageColor

    try:
        colour = (
            tuple(map(int, text.split(","))) if "," in text and "(" not in text else ImageColor.getrgb(text.strip())
        )
    except ValueError:
        colour = ()
    if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
        raise typer.BadParameter(f"{text!r} is no colour; write #rrggbb, r,g,b or a name", param_hint="--background")
    return colour[0], colour[1], colour[2]


def _useless(plan: tilepack.TransferPlan) -> list[str]:
    """Name the options that change nothing, because there is no edge or the tiles are others."""
    request, pixels = plan.request, plan.request.pixels
    given = {
        "--background": pixels.background is not None,
        "--whole-tiles": pixels.whole_tiles,
        "--keep-blank": pixels.keep_blank,
        "--skip-errors": pixels.skip_errors,
        "--strict": pixels.strict,
    }
    named = [name for name, is_given in given.items() if is_given]
    if request.areas is None:
        return [f"without --aoi nothing is cut, and {', '.join(named)} changes nothing"] if named else []
    if pixels.background is not None and plan.info.tile_format is not tilepack.TileFormat.JPEG:
        return [f"--background is for JPEG; in {plan.info.tile_format} tiles the outside is transparent"]
    return []


def _plan(source: Path, target: Path, asked: tilepack.ExportOptions, *, quiet: bool) -> tilepack.TransferPlan:
    from tilepack_cli.progress import Looking

    with Looking(quiet=quiet) as looking:
        return tilepack.plan_export(source, target, **asked, looking=looking.so_far)


def _export(
    source: Path, target: Path, asked: tilepack.ExportOptions, *, jobs: int | None, quiet: bool, verbose: bool
) -> tilepack.TransferResult:
    from tilepack_cli.progress import Moving

    with Moving(quiet=quiet) as moving:
        announce = announcing(moving, quiet=quiet, verbose=verbose)

        def begin(plan: tilepack.TransferPlan) -> None:
            announce(plan)
            show_warnings(_useless(plan), quiet=quiet, console=moving.console)

        return tilepack.export_cache(
            source, target, **asked, jobs=jobs, looking=moving.so_far, planned=begin, progress=moving.moved
        )


def _show_plan(plan: tilepack.TransferPlan, jobs: int | None, *, json: bool) -> None:
    estimate = plan.estimate(jobs)
    if json:
        document = _with_useless(plan.as_json(), plan)
        write_json(document | {"estimate": {"tileBytes": estimate.tile_bytes, "seconds": round(estimate.seconds, 1)}})
        return
    console = output()
    console.print(readable(f"would {name_verb(plan)} {plan.target}"), soft_wrap=True, style="bold")
    console.print(f"  {_kind(plan)}")
    console.print()
    columns = ("bundles to copy", "to repack", "to blend", "tiles whole", "to cut", "size")
    show_table(console, table_by_level(plan, columns, _sums))
    console.print()
    console.print(f"{counted(plan.left_out, 'tile')} left out")
    time = duration(estimate.seconds) if estimate.seconds >= 1 else "less than a second"
    console.print(f"estimate: {size(estimate.tile_bytes)} of tiles in {time}; half or double is no surprise")


def _show_result(result: tilepack.TransferResult, *, json: bool, quiet: bool) -> None:
    figures = _figures(result)
    if json:
        counts = {f"tiles{what.title()}": number for what, number in figures.items()}
        write_json(_with_useless(result.as_json(), result.plan) | counts)
    elif not quiet:
        plan = result.plan
        console = output()
        console.print(readable(f"made {plan.target}"), soft_wrap=True, style="bold")
        console.print(f"  {_kind(plan)}")
        console.print(f"  {name_bundles(plan)}")
        console.print(f"  {counted(result.tiles, 'tile')} in {duration(result.seconds)}")
        console.print(f"  {', '.join(f'{count(number)} {what}' for what, number in figures.items() if number)}")
        for name, number in result.notes.items():
            if number:
                console.print(f"  {counted(number, 'tile')} {_NOTES.get(name, name)}", soft_wrap=True)


def _show_skipped(result: tilepack.TransferResult, *, quiet: bool) -> None:
    lines = [f"{tile} was skipped: {reason}" for tile, reason in result.skipped.items()]
    more = [f"{counted(len(lines) - _LISTED, 'more tile')} skipped"] if len(lines) > _LISTED else []
    show_warnings([*lines[:_LISTED], *more], quiet=quiet)


def _figures(result: tilepack.TransferResult) -> dict[str, int]:
    """Count tiles by what became of them."""
    copied = sum(task.tiles for task in result.plan.tasks if task.action == "copy")
    composed = result.cut.get("composed", 0)
    return {
        "copied": copied,
        "repacked": result.tiles - copied - composed,
        "composed": composed,
        "dropped": result.cut.get("dropped", 0),
        "skipped": len(result.skipped),
    }


def _with_useless(document: dict[str, Any], plan: tilepack.TransferPlan) -> dict[str, Any]:
    return document | {"warnings": [*plan.warnings, *_useless(plan)]}


def _kind(plan: tilepack.TransferPlan) -> str:
    return f"{name_kind(plan)} of {plan.info.tile_format} tiles, {name_levels(plan)}"


def _sums(tasks: Sequence[tilepack.BundleTask]) -> tuple[str, ...]:
    actions = [sum(task.action == action for task in tasks) for action in ("copy", "repack", "blend")]
    cut = sum(task.cut for task in tasks)
    return (
        *map(count, actions),
        count(sum(task.tiles for task in tasks) - cut),
        count(cut),
        size(sum(task.tile_bytes for task in tasks)),
    )
