"""``tilepack preview``: what a cache looks like, as a PNG."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import tilepack
from tilepack_cli.areas import AoiCrs, AoiLayer, AoiWhere, read_bounds
from tilepack_cli.consoles import remark, write_json
from tilepack_cli.figures import count, counted, measure
from tilepack_cli.files import check_free, is_named_otherwise, write_file
from tilepack_cli.options import Json, Quiet, Source, Verbose
from tilepack_cli.outcome import reported
from tilepack_cli.transfers import show_warnings

EXAMPLES = """\b
Examples:
  tilepack preview Usa.tpkx -o usa.png
  tilepack preview Usa.tpkx -o part.png --bbox -120,25,10,60 --grid
  tilepack preview Usa.tpkx -o city.png --level 4 --aoi city.gpkg
  tilepack preview Layers -o whole.png --level 4 --native
"""

_STDOUT = Path("-")


@reported
def draw_preview(
    ctx: typer.Context,
    source: Source,
    *,
    out: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PNG", show_default=False, help="Write to this file; - for stdout."),
    ],
    level: Annotated[
        int | None,
        typer.Option("--level", min=0, metavar="LEVEL", help="Draw this level; the best for the width if not given."),
    ] = None,
    extent: Annotated[
        str | None,
        typer.Option("--extent", metavar="XMIN,YMIN,XMAX,YMAX", help="Show this rectangle, map units."),
    ] = None,
    bbox: Annotated[
        str | None, typer.Option("--bbox", metavar="W,S,E,N", help="Show what lies around this, WGS84 degrees.")
    ] = None,
    width: Annotated[
        int | None,
        typer.Option("--width", min=1, max=16384, metavar="PIXELS", help="Width of the picture; 1024 if not given."),
    ] = None,
    native: Annotated[
        bool, typer.Option("--native", help="Draw each pixel of the level as one, instead of --width.")
    ] = False,
    grid: Annotated[bool, typer.Option("--grid", help="Draw the lines of bundles and tiles, with names.")] = False,
    aoi: Annotated[
        list[str] | None,
        typer.Option(
            "--aoi",
            metavar="AREA",
            show_default=False,
            help="Draw the outline of this area: a vector file or a layer in one (x.gdb/layer), WKT or GeoJSON. May be "
            "given several times; it cuts nothing.",
        ),
    ] = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    transparent: Annotated[
        bool, typer.Option("--transparent", help="Leave transparent what is so, instead of a checkerboard.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace PNG if it exists.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Draw a cache, or part of it, as one picture.

    Without --extent and --bbox: all of it. Damaged tiles are hatched and named on stderr.
    """
    to_stdout = out == _STDOUT
    _refuse_contradictions(width, to_stdout=to_stdout, native=native, json=json, replace=replace)
    areas = {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs}
    bounds = read_bounds(ctx, areas, extent, bbox)
    if is_named_otherwise(out):
        raise typer.BadParameter(f"{str(out)!r}: the picture is a PNG; let its name end in .png", param_hint="--output")
    if not to_stdout:
        check_free(out, source, replace=replace)

    from tilepack_cli.progress import Drawing

    with Drawing(quiet=quiet) as drawing:
        picture = tilepack.preview(
            source,
            level=level,
            width=None if native else width or 1024,
            grid=grid,
            **bounds,
            transparent=transparent,
            progress=drawing.more,
        )
    show_warnings(picture.notes, quiet=quiet)
    if to_stdout:
        sys.stdout.buffer.write(picture.png())
        return
    write_file(out, picture.png(), source, replace=replace)
    if json:
        write_json({"path": str(out), **picture.as_json()})
    elif not quiet:
        remark(f"wrote {out}, {_describe(picture)}")


def _refuse_contradictions(
    width: int | None,
    *,
    to_stdout: bool,
    native: bool,
    json: bool,
    replace: bool,
) -> None:
    if native and width is not None:
        raise typer.BadParameter("choose the picture's size by one of them", param_hint="--width / --native")
    if to_stdout and json:
        raise typer.BadParameter("both would go to stdout; name a file with -o PNG", param_hint="--json")
    if to_stdout and replace:
        raise typer.BadParameter("there is no PNG to replace; name one with -o PNG", param_hint="--replace")
    if to_stdout and sys.stdout.isatty():
        raise typer.BadParameter(
            "a picture is not for a terminal; name a file with -o PNG, or redirect", param_hint="--output"
        )


def _describe(picture: tilepack.Preview) -> str:
    """Say what the picture is: size, level, and how the two go together."""
    scale = picture.resolution / picture.level_resolution
    if abs(scale - 1) < 1e-6:
        how = "pixel for pixel"
    else:
        how = f"reduced {measure(scale, 3)} times" if scale > 1 else f"enlarged {measure(1 / scale, 3)} times"
    size = f"{count(picture.width)} x {count(picture.height)} pixels"
    return f"{size}: {counted(picture.tiles, 'tile')} of level {picture.level}, {how}"
