"""``tilepack status``: what is built of a cache and what is missing, shown, reported, kept in its folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import tilepack
from tilepack_cli.areas import Aoi, AoiCrs, AoiLayer, AoiWhere, Bbox, ExtentText, read_bounds
from tilepack_cli.consoles import output, readable, remark, write_json
from tilepack_cli.figures import count, counted
from tilepack_cli.options import Json, Levels, Quiet, Scales, Source, Verbose, refuse_contradictions
from tilepack_cli.outcome import reported
from tilepack_cli.status_tables import show_levels, write_bundles
from tilepack_cli.transfers import show_warnings

_HELP: Final = """Show or report how far a cache is built; keep its Status.gdb.

Expected is every tile with a pixel centre inside the area, else inside the
extent that is named, else in the one that the cache declares.
"""

EXAMPLES = """\b
Examples:
  tilepack status show Usa.tpkx
  tilepack status report Layers --report-folder . --levels 0-7
  tilepack status rebuild Layers
  tilepack status delete Layers
"""

SHOW_EXAMPLES = """\b
Examples:
  tilepack status show Usa.tpkx
  tilepack status show Usa.tpkx --levels 0-4 --bundles
  tilepack status show Layers --aoi city.gpkg --json
  tilepack status show Layers --html status.html --png status.png
"""

REPORT_EXAMPLES = """\b
Examples:
  tilepack status report Usa.tpkx --report-folder .
  tilepack status report Layers --report-folder . --aoi city.gpkg --levels 0-7
  tilepack status report Layers --report-folder . --format csv --force
"""

REBUILD_EXAMPLES = """\b
Examples:
  tilepack status rebuild Layers
  tilepack status rebuild Layers/conf.xml --force
"""

DELETE_EXAMPLES = """\b
Examples:
  tilepack status delete Layers
"""

_FORMATS: Final = ("gdb", "gpkg", "geojson", "csv")


def _check_format(text: str) -> str:
    if text.lower() not in _FORMATS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_FORMATS)}")
    return text.lower()


def _check_suffix(*suffixes: str) -> Callable[[Path | None], Path | None]:
    """Give what refuses names of other files, so that no option's value is taken for one."""

    def check(path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in suffixes:
            raise typer.BadParameter(f"'{path}' does not end in {' or '.join(suffixes)}")
        return path

    return check


Cache = Annotated[
    Path, typer.Argument(metavar="CACHE", show_default=False, help="Cache folder, its conf.xml or root.json.")
]

All = Annotated[bool, typer.Option("--all", help="Make more than 100,000 rows if it takes so many.")]

Deep = Annotated[
    bool, typer.Option("--deep", help="Read the tiles' lengths in V1 bundles: exact sizes, and their dead space.")
]


@reported
def show_status(
    ctx: typer.Context,
    source: Source,
    *,
    levels: Levels = None,
    scales: Scales = None,
    aoi: Aoi = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    extent: ExtentText = None,
    bbox: Bbox = None,
    bundles: Annotated[bool, typer.Option("--bundles", help="Show each bundle too, there or missing.")] = False,
    png: Annotated[
        Path | None,
        typer.Option(
            "--png",
            metavar="NAME.png",
            show_default=False,
            callback=_check_suffix(".png"),
            help="Draw a map of each level's bundles: NAME.png if it is one level, else NAME-L05.png and so on.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            show_default=False,
            callback=_check_suffix(".html", ".htm"),
            help="Write it as a page with maps and tables, in one file that needs no network.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace pictures and pages that are there.")] = False,
    every: All = False,
    deep: Deep = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Show how far a cache or package is built, level by level.

    Counts come from the indexes; no tile is read.
    """
    from tilepack_cli.progress import Looking

    refuse_contradictions(levels, scales)
    if force and png is None and html is None:
        raise typer.BadParameter("there is nothing to replace; belongs to --png and --html", param_hint="--force")
    areas = {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs}
    options: tilepack.StatusOptions = {
        **read_bounds(ctx, areas, extent, bbox),
        "levels": levels,
        "scales": scales,
        "all_rows": every,
        "deep": deep,
    }
    written: tuple[Path, ...] = ()
    with Looking(quiet=quiet) as looking:
        if png is None and html is None:
            report = tilepack.status_of(source, bundles=bundles, looking=looking.so_far, **options)
        else:
            drawn = tilepack.draw_status(source, png=png, html=html, force=force, looking=looking.so_far, **options)
            report, written = drawn.report, drawn.paths
    if json:
        rows = report.as_json()
        if not bundles:
            rows.pop("bundles", None)
        write_json({"written": list(map(str, written)), **rows} if written else rows)
        return
    show_warnings(report.warnings, quiet=quiet)
    show_levels(report)
    if bundles and report.bundles is not None:
        sys.stdout.write("\n")
        write_bundles(report.bundles)
    if not quiet:
        sys.stdout.flush()
        for path in written:
            remark(f"wrote {path}")


@reported
def write_report(
    ctx: typer.Context,
    source: Source,
    *,
    report_folder: Annotated[
        Path,
        typer.Option(
            "--report-folder", metavar="DIR", show_default=False, help="Folder to write into; not the cache's own."
        ),
    ],
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            callback=_check_format,
            help="gdb (Status.gdb), gpkg, geojson, or csv (two files).",
        ),
    ] = "gdb",
    levels: Levels = None,
    scales: Scales = None,
    aoi: Aoi = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    extent: ExtentText = None,
    bbox: Bbox = None,
    every: All = False,
    deep: Deep = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a report that is there; ArcGIS' own is kept beside.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Write how far a cache is built into a geodatabase or table.

    A polygon for each bundle and level (TaskStatus), there or missing, and a row for each level (LevelStatus). The
    polygons can be the next job's area, each for its own level: --aoi Status.gdb/TaskStatus --aoi-where
    "percentComplete < 100".
    """
    from tilepack_cli.progress import Looking

    refuse_contradictions(levels, scales)
    areas = {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs}
    options: tilepack.StatusOptions = {
        **read_bounds(ctx, areas, extent, bbox),
        "levels": levels,
        "scales": scales,
        "all_rows": every,
        "deep": deep,
    }
    with Looking(quiet=quiet) as looking:
        written = tilepack.report_status(
            source, report_folder, format=format_name, force=force, looking=looking.so_far, **options
        )
    _show_written(written, json=json, quiet=quiet)


@reported
def rebuild_status(
    cache: Cache,
    *,
    every: All = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where ArcGIS' own stands, which is kept as Status.gdb.arcgis.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Make the Status.gdb in a cache's own folder anew.

    It is of the whole cache. One that tilepack wrote is replaced; if that fails, it stays as it was.
    """
    from tilepack_cli.progress import Looking

    with Looking(quiet=quiet) as looking:
        written = tilepack.rebuild_status(cache, force=force, all_rows=every, looking=looking.so_far)
    _show_written(written, json=json, quiet=quiet)


@reported
def delete_status(
    cache: Cache,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="ArcGIS' own too, which is kept as Status.gdb.arcgis.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Remove the Status.gdb from a cache's own folder.

    Nothing else of the cache is touched.
    """
    deleted = tilepack.delete_status(cache, force=force)
    if json:
        write_json(
            {
                "deleted": None if deleted is None else str(deleted.path),
                "kept": None if deleted is None or deleted.kept is None else str(deleted.kept),
            }
        )
    elif not quiet:
        if deleted is None:
            text = f"{cache}: there is no Status.gdb"
        else:
            text = f"removed {deleted.path}" if deleted.kept is None else f"{deleted.path} is now {deleted.kept}"
        output().print(readable(text), soft_wrap=True)


def _show_written(written: tilepack.WrittenStatus, *, json: bool, quiet: bool) -> None:
    report = written.report
    if json:
        paths = [str(path) for path in written.paths]
        rows: dict[str, Any] = report.as_json()
        bundles = rows.pop("bundles", [])
        kept = None if written.kept is None else str(written.kept)
        write_json({"written": paths, "kept": kept, **rows, "bundleRows": len(bundles)})
        return
    show_warnings(report.warnings, quiet=quiet)
    if quiet:
        return
    console = output()
    for path in written.paths:
        console.print(readable(f"wrote {path}"), soft_wrap=True, style="bold")
    if written.kept is not None:
        console.print(readable(f"  what ArcGIS had there is now {written.kept}"), soft_wrap=True)
    rows_made = 0 if report.bundles is None else len(report.bundles)
    missing = _incomplete(report)
    console.print(f"  {counted(rows_made, 'bundle')} on {counted(len(report.levels), 'level')}, {missing} incomplete")
    show_levels(report)


def _incomplete(report: tilepack.StatusReport) -> str:
    rows = report.bundles
    return count(0 if rows is None else sum(status != tilepack.BuildStatus.DONE for status in rows.status.tolist()))


def add_group(app: typer.Typer, command: Any) -> None:
    """Add ``status`` with its commands to the program.

    Args:
        app: The program.
        command: Class of its commands.
    """
    group = typer.Typer(help=_HELP, epilog=EXAMPLES, rich_markup_mode=None, no_args_is_help=True)
    made: Sequence[tuple[str, Any, str]] = (
        ("show", show_status, SHOW_EXAMPLES),
        ("report", write_report, REPORT_EXAMPLES),
        ("rebuild", rebuild_status, REBUILD_EXAMPLES),
        ("delete", delete_status, DELETE_EXAMPLES),
    )
    for name, function, examples in made:
        group.command(name, cls=command, epilog=examples)(function)
    app.add_typer(group, name="status")
