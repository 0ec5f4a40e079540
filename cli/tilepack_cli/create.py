"""``tilepack create``: a cache without tiles, for others to be imported into."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import tilepack
from tilepack_cli.areas import read_rectangles
from tilepack_cli.consoles import output, readable, show_table, write_json
from tilepack_cli.descriptions import Attribution, Description, Tags, Title, gather_description
from tilepack_cli.figures import coordinates, measure, spans
from tilepack_cli.options import (
    DryRun,
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
from tilepack_cli.transfers import check_target, name_kind, show_warnings, telling_what_is_left, verb_for

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """\b
Examples:
  tilepack create state --levels 0-12
  tilepack create state.tpkx --scheme Usa.tpkx --bbox=-80,37,-74,41
  tilepack create state --scheme Usa.tpkx --storage-format exploded --dry-run
  tilepack create grid --wkid 2193 --origin=-4020900,19998100 --scales 5e5,2e5
"""

_BY_HAND = "--wkid, --origin and --scales"


@reported
def create_cache(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET", show_default=False, help="What to make: a name in .tpk or .tpkx, else a cache folder."
        ),
    ],
    *,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme",
            metavar="SCHEME",
            show_default=False,
            help="arcgis-online (if not given) or wgs84; or a cache, a package, a conf.xml, a root.json, a tiling "
            "scheme file or the JSON of a map service (file or address), to make the new cache after.",
        ),
    ] = None,
    storage_format: StorageFormatName = None,
    tile_format: TileFormatName = None,
    quality: Quality = None,
    levels: Annotated[
        str | None,
        typer.Option(
            "--levels",
            metavar="LEVELS",
            callback=check_levels,
            help="Levels that the cache may hold, as 0-7,9; all of the scheme if not given.",
        ),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales",
            metavar="SCALES",
            callback=check_scales,
            help="Likewise by their scales, as 500000,250000; with --wkid the scales of a new scheme.",
        ),
    ] = None,
    wkid: Annotated[
        int | None,
        typer.Option("--wkid", min=1, metavar="N", help="Instead of --scheme: a new scheme in this coordinate system."),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option("--origin", metavar="X,Y", help="Upper left corner of its tile 0/0, map units."),
    ] = None,
    tile_size: Annotated[
        int | None, typer.Option("--tile-size", min=1, metavar="PIXELS", help="Sides of its tiles; 256 if not given.")
    ] = None,
    dpi: Annotated[
        float | None, typer.Option("--dpi", min=1, metavar="N", help="Its pixels to the inch; 96 if not given.")
    ] = None,
    extent: Annotated[
        str | None,
        typer.Option(
            "--extent",
            metavar="XMIN,YMIN,XMAX,YMAX",
            help="Extent to declare, map units; the one that the scheme's document declares if not given.",
        ),
    ] = None,
    bbox: Annotated[
        str | None,
        typer.Option("--bbox", metavar="W,S,E,N", help="Likewise, WGS84 degrees; W beyond E crosses the antimeridian."),
    ] = None,
    ready_to_serve: ReadyToServe = False,
    replace: Replace = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="Name of the cache; TARGET's if not given.")
    ] = None,
    title: Title = None,
    tags: Tags = None,
    description: Description = None,
    attribution: Attribution = None,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Create a cache without tiles, for others to be imported into.

    Grid, formats and extent are those of SCHEME, whose name and description stay behind.
    """
    refuse_contradictions(levels, scales)
    asked: tilepack.CreateOptions = {
        "scheme": scheme or "arcgis-online",
        "storage_format": check_target(target, storage_format, ready_to_serve=ready_to_serve),
        "tile_format": tile_format,
        "quality": quality,
        "levels": levels,
        "scales": scales,
        **read_rectangles(extent, bbox),
        "ready_to_serve": ready_to_serve or None,
        "replace": replace,
        "name": name,
        "description": gather_description(title, tags, description, attribution),
    }
    by_hand = _scheme_by_hand(scheme, levels, scales, wkid=wkid, origin=origin, tile_size=tile_size, dpi=dpi)
    if by_hand is not None:
        asked |= {"scheme": by_hand, "scales": None}

    def show(plan: tilepack.CreationPlan) -> None:
        show_warnings(plan.warnings, quiet=quiet)
        if json:
            write_json(plan.as_json())
        elif dry_run:
            _show_plan(plan)

    if dry_run:
        show(tilepack.plan_create(target, **asked))
        return
    plans: list[tilepack.CreationPlan] = []
    with telling_what_is_left(target):
        tilepack.create_cache(target, **asked, planned=plans.append)
    show(plans[0])
    if not (json or quiet):
        _show_made(plans[0])


def _scheme_by_hand(
    scheme: str | None,
    levels: str | None,
    scales: str | None,
    *,
    wkid: int | None,
    origin: str | None,
    tile_size: int | None,
    dpi: float | None,
) -> tilepack.TilingScheme | None:
    """Make the scheme that ``--wkid`` and what belongs to it ask for; None when they are not given."""
    if wkid is None:
        given = {"--origin": origin, "--tile-size": tile_size, "--dpi": dpi}
        for option, value in given.items():
            if value is not None:
                raise typer.BadParameter("belongs to a new scheme; name its --wkid too", param_hint=option)
        return None
    if scheme is not None or levels is not None:
        raise typer.BadParameter("a new scheme has the levels of --scales", param_hint="--wkid / --scheme / --levels")
    if origin is None or scales is None:
        raise typer.BadParameter(f"a new scheme needs {_BY_HAND}", param_hint="--wkid")
    try:
        x, y = (float(part) for part in origin.split(","))
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise typer.BadParameter(f"{origin!r} is not two numbers X,Y", param_hint="--origin")
    denominators = tilepack.LevelSelection.of(scales=scales).scales
    return tilepack.custom_scheme(wkid, (x, y), denominators, tile_size=tile_size or 256, dpi=dpi or 96)


def _show_plan(plan: tilepack.CreationPlan) -> None:
    console = output()
    verb = verb_for(plan.target, replace=plan.replace)
    console.print(readable(f"would {verb} {plan.target}"), soft_wrap=True, style="bold")
    for line in _lines(plan):
        console.print(readable(f"  {line}"), soft_wrap=True)
    console.print()
    show_table(console, _table(plan.info.scheme))


def _show_made(plan: tilepack.CreationPlan) -> None:
    console = output()
    console.print(readable(f"made {plan.target}"), soft_wrap=True, style="bold")
    for line in _lines(plan):
        console.print(readable(f"  {line}"), soft_wrap=True)


def _lines(plan: tilepack.CreationPlan) -> list[str]:
    info, scheme = plan.info, plan.info.scheme
    quality = f" of quality {info.quality}" if info.quality else ""
    extent = None if info.extent is None else ", ".join(coordinates(info.extent.as_tuple()))
    origin = f"{measure(scheme.origin_x)}, {measure(scheme.origin_y)}"
    return [
        f"{name_kind(plan)} for {info.tile_format} tiles{quality}, none yet",
        f"{scheme.tile_width} x {scheme.tile_height} pixels, {scheme.spatial_reference}, origin {origin}",
        f"level{'' if len(scheme.levels) == 1 else 's'} {spans(lod.level for lod in scheme.levels)}",
        f"extent {extent}" if extent else "no extent declared",
    ]


def _table(scheme: tilepack.TilingScheme) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 0, 0, 2), header_style="bold")
    for name in ("level", "scale", "resolution"):
        table.add_column(name, justify="right", no_wrap=True)
    for lod in scheme.levels:
        table.add_row(str(lod.level), measure(lod.scale), measure(lod.resolution))
    return table
