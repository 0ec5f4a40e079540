"""How builds are shown, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tilepack
from tilepack_cli.consoles import output, readable, show_table, write_json
from tilepack_cli.figures import count, counted, duration, measure, size, spans
from tilepack_cli.transfers import name_kind

if TYPE_CHECKING:
    from rich.table import Table


def show_build_plan(
    plan: tilepack.BuildPlan, heading: str, jobs: int | None, *, json: bool, joins: bool = False
) -> None:
    """Show what would be done, level by level, and what it may come to."""
    estimate = plan.estimate(jobs)
    if json:
        write_json(
            plan.as_json() | {"estimate": {"tileBytes": estimate.tile_bytes, "seconds": round(estimate.seconds, 1)}}
        )
        return
    console = output()
    console.print(readable(heading), soft_wrap=True, style="bold")
    console.print(f"  {_kind(plan, joins=joins)}")
    console.print()
    show_table(console, _table(plan))
    console.print()
    time = duration(estimate.seconds) if estimate.seconds >= 1 else "less than a second"
    line = f"estimate: {size(estimate.tile_bytes)} of tiles in {time}; half or double is no surprise"
    console.print(line, soft_wrap=True)


def show_built(result: tilepack.BuildResult, heading: str, *, joins: bool = False) -> None:
    """Show what was built."""
    console = output()
    console.print(readable(heading), soft_wrap=True, style="bold")
    console.print(f"  {_kind(result.plan, joins=joins)}")
    kinds: dict[str, int] = {}
    for level in result.levels:
        for kind, number in level.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + number
    formats = ", ".join(f"{count(number)} {kind}" for kind, number in sorted(kinds.items()))
    console.print(f"  {counted(result.tiles, 'tile')}, {size(result.tile_bytes)}, in {duration(result.seconds)}")
    console.print(f"  {formats}")
    if result.resumed_windows:
        windows = f"{count(result.resumed_windows)} of {counted(result.plan.windows, 'window')}"
        console.print(f"  {windows} drawn by an earlier run")


def _kind(plan: tilepack.BuildPlan, *, joins: bool) -> str:
    """Say what is built; of what joins a cache that exists, not where it waits."""
    quality = f" of quality {plan.info.quality}" if plan.info.quality else ""
    levels = spans(level.level for level in plan.levels)
    container = "" if joins else f"{name_kind(plan)} of "
    return f"{container}{plan.info.tile_format} tiles{quality}, levels {levels}"


def _table(plan: tilepack.BuildPlan) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 0, 0, 2), header_style="bold", footer_style="bold", show_footer=True)
    for name, footer in (("level", "all"), ("scale", ""), ("resolution", ""), ("made of", "")):
        table.add_column(name, footer, justify="right", no_wrap=True)
    table.add_column("tiles at most", count(plan.tiles), justify="right", no_wrap=True)
    for level in plan.levels:
        made_of = "rasters" if level.is_drawn else "level below"
        table.add_row(str(level.level), measure(level.scale), measure(level.resolution), made_of, count(level.tiles))
    return table
