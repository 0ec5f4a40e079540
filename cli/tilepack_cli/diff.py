"""``tilepack diff``: what differs between two caches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import tilepack
from tilepack_cli.areas import Aoi, AoiCrs, AoiLayer, AoiWhere, gather_areas
from tilepack_cli.consoles import output, readable, show_table, warn, write_json
from tilepack_cli.figures import count, counted
from tilepack_cli.options import Jobs, Json, Levels, Quiet, Scales, Verbose, refuse_contradictions
from tilepack_cli.outcome import FAILED, reported

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXAMPLES = """\b
Examples:
  tilepack diff Usa.tpkx Usa.tpk
  tilepack diff Usa.tpkx Layers --levels 0-5 --pixels
  tilepack diff Usa.tpkx Usa.tpk --aoi 0-3=country.gpkg --aoi city.gpkg --json
"""

_LISTED: Final = 20
"""Tiles of each kind named one by one."""


@reported
def show_difference(
    ctx: typer.Context,
    a: Annotated[
        Path, typer.Argument(metavar="A", show_default=False, help="Cache folder, its conf.xml or root.json; package.")
    ],
    b: Annotated[Path, typer.Argument(metavar="B", show_default=False, help="What to compare it with.")],
    *,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Compare tiles of other bytes by what they show; tell how far they differ.")
    ] = False,
    levels: Levels = None,
    scales: Scales = None,
    aoi: Aoi = None,
    aoi_layer: AoiLayer = None,
    aoi_where: AoiWhere = None,
    aoi_crs: AoiCrs = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare two caches, tile by tile and by what their documents say.

    Storage formats may differ, and the numbers of levels: those of one resolution are compared. Nothing is cut: --aoi
    chooses the tiles to compare, and with --pixels of those on its edge the pixels inside. Exit code 1 when anything
    differs.
    """
    from tilepack_cli.progress import Working

    refuse_contradictions(levels, scales)
    areas = gather_areas(ctx, {"aoi": aoi, "aoi_layer": aoi_layer, "aoi_where": aoi_where, "aoi_crs": aoi_crs})
    with Working("comparing", quiet=quiet) as comparing:
        found = tilepack.diff(
            a,
            b,
            pixels=pixels,
            levels=levels,
            scales=scales,
            area=areas or None,
            jobs=jobs,
            progress=comparing.so_far,
        )
    if not quiet:
        for warning in found.warnings:
            warn(warning)
    if json:
        write_json(found.as_json())
    else:
        _show(found, verbose=verbose)
    if not found.is_same:
        sys.stdout.flush()
        raise typer.Exit(FAILED)


def _show(found: tilepack.CacheDifference, *, verbose: bool) -> None:
    console = output()
    for name, place in (("A", found.a), ("B", found.b)):
        console.print(readable(f"{name}: {place}"), style="bold", soft_wrap=True)
    if found.levels:
        console.print()
        show_table(console, _by_level(found))
    if verbose and found.bundles:
        console.print()
        show_table(console, _by_bundle(found.bundles, pixels=found.pixels_compared))
    counts = found.counts
    _list(console, "only in A", found.only_a, counts.only_a)
    _list(console, "only in B", found.only_b, counts.only_b)
    _list(console, "differing", [_named(tile) for tile in found.differing], counts.differing)
    _list(console, "not compared", found.damage, len(found.damage))
    _list(console, "metadata: A is here, B there", found.metadata, len(found.metadata), listed=None)
    _list(console, "notes: they make no difference", found.notes, len(found.notes), listed=None, style="dim")
    console.print()
    console.print(_verdict(found), style="bold", soft_wrap=True)


def _columns(*, pixels: bool) -> tuple[str, ...]:
    return ("only in A", "only in B", "differing", "same", *(("recoded", "pixels", "largest") if pixels else ()))


def _figures(counts: tilepack.DifferenceCounts, *, pixels: bool) -> tuple[str, ...]:
    numbers = (counts.only_a, counts.only_b, counts.differing, counts.same)
    figures = tuple(count(number) if number else "-" for number in numbers)
    if not pixels:
        return figures
    more = (counts.recoded, counts.pixels, counts.largest or 0)
    return (*figures, *(count(number) if number else "-" for number in more))


def _by_level(found: tilepack.CacheDifference) -> Table:
    """Make a row per level, and one for all."""
    from rich.table import Table

    pixels = found.pixels_compared
    many = len(found.levels) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_footer=many)
    for name, footer in zip(
        ("level", *_columns(pixels=pixels)), ("all", *_figures(found.counts, pixels=pixels)), strict=True
    ):
        table.add_column(name, footer, justify="right", no_wrap=True, footer_style="bold")
    for level in found.levels:
        table.add_row(_level_name(level.level_a, level.level_b), *_figures(level.counts, pixels=pixels))
    return table


def _level_name(a: int | None, b: int | None) -> str:
    """Name a level: ``5``, ``5/4`` where B counts differently, ``5/-`` where B has none."""
    return str(a) if a == b else "/".join("-" if level is None else str(level) for level in (a, b))


def _by_bundle(bundles: Sequence[tilepack.BundleDifference], *, pixels: bool) -> Table:
    """Make a row per bundle in which something differs."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("bundle", no_wrap=True)
    for name in _columns(pixels=pixels):
        table.add_column(name, justify="right", no_wrap=True)
    for bundle in bundles:
        table.add_row(str(bundle.bundle), *_figures(bundle.counts, pixels=pixels))
    return table


def _named(tile: tilepack.TileDifference) -> str:
    """Name a tile that differs, and say how."""
    if tile.reason:
        return f"{tile.tile}: {tile.reason}"
    if tile.pixels is not None and tile.largest is not None:
        return f"{tile.tile}: {counted(tile.pixels, 'pixel')}, by up to {tile.largest}"
    if tile.bytes_a != tile.bytes_b:
        return f"{tile.tile}: {count(tile.bytes_a)} bytes in A, {count(tile.bytes_b)} in B"
    return f"{tile.tile}: {counted(tile.bytes_a, 'byte')} in both, not the same"


def _list(
    console: Console,
    title: str,
    items: Iterable[object],
    number: int,
    *,
    listed: int | None = _LISTED,
    style: str | None = None,
) -> None:
    """Name the first of some things, and say how many more there are."""
    lines = [str(item) for item in items][:listed]
    if not lines:
        return
    console.print()
    console.print(title, style=style or "bold")
    for line in lines:
        console.print(readable(f"  {line}"), style=style, soft_wrap=True)
    if number > len(lines):
        console.print(f"  and {count(number - len(lines))} more", style=style)


def _verdict(found: tilepack.CacheDifference) -> str:
    """Say in a line how it ended."""
    if not found.is_comparable:
        return "not compared: they lie on different grids"
    counts = found.counts
    if found.has_same_tiles:
        tiles = f"the same {counted(counts.tiles, 'tile')}"
        return f"{tiles}, but other metadata" if found.metadata else tiles
    apart = counts.only_a + counts.only_b + counts.differing
    damaged = f", {counted(len(found.damage), 'damaged bundle')} not compared" if found.damage else ""
    return f"{count(apart)} of {counted(counts.tiles, 'tile')} differ{damaged}"
