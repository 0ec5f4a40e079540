"""Tables of ``tilepack status``."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import tilepack
from tilepack_cli.consoles import output, show_table
from tilepack_cli.figures import count, measure, size

if TYPE_CHECKING:
    from rich.table import Table


def show_levels(report: tilepack.StatusReport) -> None:
    """Print a row for each level, and one for all."""
    levels = report.levels
    table = _table()
    expected, built = sum(level.expected for level in levels), sum(level.built for level in levels)
    footers = (
        "all",
        "",
        count(expected),
        count(built),
        percent(100.0 * built / expected if expected else 100.0),
        _none(sum(level.outside for level in levels)),
        f"{count(sum(level.bundles for level in levels))}/{count(sum(level.expected_bundles for level in levels))}",
        size(sum(level.tile_bytes for level in levels)),
    )
    names = ("level", "scale", "expected", "built", "percent", "outside", "bundles", "size")
    for name, footer in zip(names, footers, strict=True):
        table.add_column(name, footer, justify="right", no_wrap=True)
    table.show_footer = len(levels) > 1
    for level in levels:
        table.add_row(
            str(level.level),
            measure(level.scale, digits=9),
            count(level.expected),
            count(level.built),
            percent(level.percent),
            _none(level.outside),
            f"{count(level.bundles)}/{count(level.expected_bundles)}",
            size(level.tile_bytes),
        )
    show_table(output(), table)


def write_bundles(rows: tilepack.BundleRows) -> None:
    """Write a line for each bundle, there or missing; plain text, for there may be millions."""
    number = "{:,}".format if sys.stdout.isatty() else str
    write = sys.stdout.write
    write(
        f"{'level':>5}  {'bundle':<14}  {'expected':>8}  {'built':>6}  {'percent':>7}  {'outside':>7}  {'bytes':>13}  "
        f"{'slack':>11}  newest (UTC)\n"
    )
    columns = (
        rows.level.tolist(),
        rows.names(),
        rows.expected.tolist(),
        rows.built.tolist(),
        rows.percent.tolist(),
        rows.outside.tolist(),
        rows.tile_bytes.tolist(),
        rows.slack.tolist(),
        rows.newest.astype(str).tolist(),
    )
    for level, name, expected, built, done, outside, tile_bytes, slack, newest in zip(*columns, strict=True):
        write(
            f"{level:>5}  {name:<14}  {number(expected):>8}  {number(built):>6}  {percent(done):>7}  "
            f"{number(outside):>7}  {number(tile_bytes):>13}  {'?' if slack < 0 else number(slack):>11}  "
            f"{'-' if newest == 'NaT' else newest.replace('T', ' ')}\n"
        )


def percent(number: float) -> str:
    """Give a percentage with one decimal, cut and not rounded: what lacks a tile of a million is not 100."""
    return f"{math.floor(number * 10) / 10:.1f}"


def _none(number: int) -> str:
    return count(number) if number else "-"


def _table() -> Table:
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", footer_style="bold")
