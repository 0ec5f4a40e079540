"""``tilepack info``: what a cache says of itself, beside what its bundles hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

import tilepack
from tilepack_cli.consoles import output, readable, show_table, write_json
from tilepack_cli.figures import coordinates, count, counted, measure, size, spans
from tilepack_cli.options import Json, Quiet, Source, Verbose
from tilepack_cli.outcome import reported

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """\b
Examples:
  tilepack info Usa.tpkx
  tilepack info Layers --deep
  tilepack info Usa.tpkx --json
"""

_SAMPLE: Final = 16

_STORED: Final = {
    "COMPACT": "COMPACT (V1)",
    "COMPACT_V2": "COMPACT_V2",
    "EXPLODED": "EXPLODED, a file per tile",
    "MBTILES": "MBTiles",
    "PMTILES": "PMTiles",
    "XYZ": "XYZ, a file per tile",
}


@reported
def show_info(
    source: Source,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Look at every tile, and measure the dead space of V1 bundles.")
    ] = False,
    sample: Annotated[
        int, typer.Option("--sample", min=0, metavar="N", help="Look at N tiles of each bundle; 0 reads no tile.")
    ] = _SAMPLE,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Show what a cache or package is and holds.

    What its documents declare stands beside what its bundles hold; contradictions come last, as warnings.
    """
    from tilepack_cli.progress import Looking

    with tilepack.open(source) as cache, Looking(quiet=quiet) as looking:
        report = tilepack.probe(cache, deep=deep, sample=sample, progress=looking.more)
    if json:
        write_json(report.as_json())
    else:
        _show(report)


def _show(report: tilepack.CacheReport) -> None:
    console = output()
    console.print(readable(report.place), style="bold", soft_wrap=True)
    console.print()
    show_table(console, _properties(report))
    if report.declared or report.extent:
        console.print()
        show_table(console, _extents(report))
    if report.tiles:
        console.print()
        show_table(console, _levels(report))
    for lines, style in ((_remarks(report), "dim"), ([f"warning: {text}" for text in report.warnings], "yellow")):
        if lines:
            console.print()
        for line in lines:
            console.print(readable(line), style=style, soft_wrap=True)


def _properties(report: tilepack.CacheReport) -> Table:
    from rich.table import Table

    info, scheme = report.info, report.info.scheme
    container = "folder" if not report.is_package else "file" if info.storage_format.is_web else "package"
    served = ", ready to serve" if info.ready_to_serve and not report.is_package else ""
    quality = f", quality {info.quality}" if info.quality else ""
    held = [level.level for level in report.levels if level.tiles]
    rows = [
        ("name", info.name),
        ("title", info.description.title if info.description.title != info.name else ""),
        ("storage", f"{_STORED[info.storage_format]}, {container}{served}"),
        ("tile format", f"{info.tile_format}{quality}"),
        ("tile size", f"{scheme.tile_width} x {scheme.tile_height} pixels, {measure(scheme.dpi)} dpi"),
        ("spatial reference", str(scheme.spatial_reference)),
        ("origin", f"{measure(scheme.origin_x)}, {measure(scheme.origin_y)}"),
        ("levels", f"{spans(held) or 'none'} hold tiles, of {spans(lod.level for lod in scheme.levels)}"),
    ]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        if value:
            grid.add_row(label, readable(value))
    return grid


def _extents(report: tilepack.CacheReport) -> Table:
    """Make a row per document that declares an extent, and one for what was measured."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("extent", overflow="fold")
    for edge in ("xmin", "ymin", "xmax", "ymax"):
        table.add_column(edge, justify="right", no_wrap=True)
    for name, extent in report.declared:
        table.add_row(readable(name), *coordinates(extent.as_tuple()))
    if report.extent:
        table.add_row("measured", *coordinates(report.extent.as_tuple()), style="bold")
    return table


def _levels(report: tilepack.CacheReport) -> Table:
    """Make a row per level that holds tiles, and one for all."""
    from rich.table import Table

    held = [level for level in report.levels if level.tiles]
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
        footer_style="bold",
        show_footer=len(held) > 1,
    )
    footers = (
        "all",
        "",
        "",
        count(sum(level.bundles for level in held)),
        count(report.tiles),
        size(report.tile_bytes),
        _dead(report.dead_bytes),
    )
    names = ("level", "scale", "resolution", "bundles", "tiles", "size", "dead")
    for name, footer in zip(names, footers, strict=True):
        table.add_column(name, footer, justify="right", no_wrap=True)
    table.add_column("formats", min_width=8)
    for level in held:
        table.add_row(
            str(level.level),
            measure(level.scale, digits=9),
            measure(level.resolution, digits=8),
            count(level.bundles),
            count(level.tiles),
            size(level.tile_bytes),
            _dead(level.dead_bytes),
            ", ".join(_by_number(level.tile_formats)),
        )
    return table


def _remarks(report: tilepack.CacheReport) -> list[str]:
    """Say how far the figures can be relied on."""
    remarks = []
    if report.tiles and report.dead_bytes is None:
        remarks.append("?: V1 bundles do not tell their dead space, the size includes it; --deep measures both")
    if report.sampled_tiles:
        formats = report.tile_formats
        found = ", ".join(f"{count(formats[name])} {name}" for name in _by_number(formats))
        if report.sampled_tiles < report.tiles:
            looked = counted(report.sampled_tiles, "tile")
            remarks.append(f"formats of the {looked} looked at: {found}; --deep looks at all")
        elif len(formats) > 1:
            remarks.append(f"formats of all tiles: {found}")
    return remarks


def _by_number(formats: Mapping[str, int]) -> list[str]:
    return sorted(formats, key=lambda name: (-formats[name], name))


def _dead(number: int | None) -> str:
    if number is None:
        return "?"
    return size(number) if number else "-"
