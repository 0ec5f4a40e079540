"""How exports and imports are shown, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import tilepack
from tilepack_cli.consoles import output, readable, show_table, write_json
from tilepack_cli.figures import count, counted, duration, size
from tilepack_cli.pixels import name_useless
from tilepack_cli.transfers import name_bundles, name_kind, name_levels, name_verb, show_warnings, table_by_level

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
    "not_in_thumbnail": "missing in the thumbnail, for they cannot be read: see what verify says of the source",
}


def show_plan(plan: tilepack.TransferPlan, jobs: int | None, *, json: bool) -> None:
    """Show what would be done, level by level, and what it may come to."""
    estimate = plan.estimate(jobs)
    if json:
        document = _with_useless(plan.as_json(), plan)
        write_json(document | {"estimate": {"tileBytes": estimate.tile_bytes, "seconds": round(estimate.seconds, 1)}})
        return
    console = output()
    if _is_nothing(plan):
        _show_nothing(plan, "would leave")
        return
    console.print(readable(f"would {name_verb(plan)} {plan.target}"), soft_wrap=True, style="bold")
    console.print(f"  {_kind(plan)}")
    console.print()
    if plan.request.update is None:
        columns: tuple[str, ...] = ("bundles to copy", "to repack", "to blend", "tiles whole", "to cut", "size")
    else:
        columns = ("copy bundles", "repack", "blend", "move tiles", "cut", "lay", "delete", "size")
    show_table(console, table_by_level(plan.tasks, columns, _sums_of_update if plan.request.update else _sums))
    console.print()
    console.print(f"{counted(plan.left_out, 'tile')} left out")
    if plan.changes is not None:
        console.print(plan.tell_changes(), soft_wrap=True)
    if plan.tiles_empty:
        console.print(f"{counted(plan.tiles_empty, 'tile')} to drop: no pixel of them lies inside")
    time = duration(estimate.seconds) if estimate.seconds >= 1 else "less than a second"
    line = f"estimate: {size(estimate.tile_bytes)} of tiles in {time}; half or double is no surprise"
    console.print(line, soft_wrap=True)


def show_result(result: tilepack.TransferResult, *, json: bool, quiet: bool) -> None:
    """Show what was done."""
    plan = result.plan
    if json:
        write_json(_with_useless(result.as_json(), plan))
    elif not quiet and _is_nothing(plan):
        _show_nothing(plan, "left")
    elif not quiet:
        console = output()
        console.print(readable(f"{name_verb(plan, past=True)} {plan.target}"), soft_wrap=True, style="bold")
        console.print(f"  {_kind(plan)}")
        if plan.changes is not None:
            console.print(f"  {plan.tell_changes()}", soft_wrap=True)
        console.print(f"  {name_bundles(plan, result)}")
        console.print(f"  {counted(result.tiles, 'tile')} in {duration(result.seconds)}")
        show_counts(result)
    lines = [f"{tile} was skipped: {reason}" for tile, reason in result.skipped.items()]
    more = [f"{counted(len(lines) - _LISTED, 'more tile')} skipped"] if len(lines) > _LISTED else []
    show_warnings([*lines[:_LISTED], *more], quiet=quiet)


def show_counts(result: tilepack.TransferResult) -> None:
    """Show what became of how many tiles."""
    console = output()
    figures = {**asdict(result.counts), "skipped": len(result.skipped)}
    said = ", ".join(f"{count(number)} {what}" for what, number in figures.items() if number)
    if said:
        console.print(f"  {said}")
    for name, number in result.notes.items():
        if number:
            console.print(f"  {counted(number, 'tile')} {_NOTES.get(name, name)}", soft_wrap=True)


def _is_nothing(plan: tilepack.TransferPlan) -> bool:
    """Tell whether there is nothing to do because nothing has changed that is asked for."""
    return plan.changes is not None and plan.changes.changed is not None and not plan.tasks


def _show_nothing(plan: tilepack.TransferPlan, verb: str) -> None:
    console = output()
    console.print(readable(f"{verb} {plan.target} as it is"), soft_wrap=True, style="bold")
    console.print(f"  {plan.tell_changes()}", soft_wrap=True)


def _with_useless(document: dict[str, Any], plan: tilepack.TransferPlan) -> dict[str, Any]:
    return document | {"warnings": [*plan.warnings, *name_useless(plan)]}


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


def _sums_of_update(tasks: Sequence[tilepack.BundleTask]) -> tuple[str, ...]:
    actions = [sum(task.action == action for task in tasks) for action in ("copy", "repack", "blend")]
    cut, laid = sum(task.cut for task in tasks), sum(task.laid for task in tasks)
    return (
        *map(count, actions),
        count(max(0, sum(task.tiles for task in tasks) - cut - laid)),
        count(cut),
        count(laid),
        count(sum(task.deleted for task in tasks)),
        size(sum(task.tile_bytes for task in tasks)),
    )
