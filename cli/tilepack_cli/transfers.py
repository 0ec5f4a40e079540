"""What commands that make a new target share: how a plan is shown, and what a stopped one has left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import typer

import tilepack
from tilepack_cli.consoles import remark, warn
from tilepack_cli.figures import count, counted, size, spans

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tilepack_cli.progress import Moving


class _OfBundle(Protocol):
    """What is planned for one bundle."""

    @property
    def bundle(self) -> tilepack.BundleKey: ...


_Task = TypeVar("_Task", bound=_OfBundle)


def check_target(target: Path, storage_format: str | None, *, ready_to_serve: bool) -> tilepack.StorageFormat | None:
    """Give the storage format that is wished, if it is one for such a target.

    Raises:
        typer.BadParameter: The wishes contradict one another.
    """
    wished = None if storage_format is None else tilepack.StorageFormat(storage_format)
    try:
        tilepack.target_kind(target, wished, ready_to_serve=ready_to_serve)
    except (tilepack.TransferError, tilepack.UnsupportedError) as error:
        raise typer.BadParameter(str(error), param_hint="TARGET") from error
    return wished


@contextlib.contextmanager
def telling_what_is_left(target: Path, *, existing: bool = False) -> Iterator[None]:
    """Let a stop say what stands at the target.

    Args:
        target: The target.
        existing: Whether it takes tiles in, bundle by bundle.
    """
    before = _identity(target)
    try:
        yield
    except KeyboardInterrupt as stop:
        after = _identity(target)
        if after is None:
            stop.add_note(f"nothing was left at {target}")
        elif existing:
            stop.add_note(f"{target} is as it was, or whole bundles further; the same command goes on from there")
        elif after == before:
            stop.add_note(f"{target} is as it was")
        else:
            stop.add_note(f"{target} was finished already, and is whole")
        raise


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Give what tells whether something else has come to stand at a path; None when nothing does."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def announcing(moving: Moving, *, quiet: bool, verbose: bool) -> Callable[[tilepack.TransferPlan], None]:
    """Give what is to be called with the plan before the work begins: it warns, and gives the bar its whole."""

    def begin(plan: tilepack.TransferPlan) -> None:
        show_warnings(plan.warnings, quiet=quiet, console=moving.console)
        if verbose:
            what = f"{name_bundles(plan)}, {counted(plan.tiles, 'tile')}, {size(plan.tile_bytes)}"
            remark(f"{name_kind(plan)}: {what}", moving.console)
        moving.expect(plan.tiles, plan.tile_bytes)

    return begin


def show_warnings(warnings: Sequence[str], *, quiet: bool, console: Console | None = None) -> None:
    """Say what should be looked at, unless nobody wants to hear it."""
    if not quiet:
        for warning in warnings:
            warn(warning, console)


def table_by_level(
    tasks: Sequence[_Task], columns: Sequence[str], sums: Callable[[Sequence[_Task]], Sequence[str]]
) -> Table:
    """Make a row per level, and one for all.

    Args:
        tasks: What is planned, bundle by bundle.
        columns: Names of the columns beside the level's.
        sums: Gives the figures of some tasks, one for each column.
    """
    from rich.table import Table

    levels = sorted({task.bundle.level for task in tasks})
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="bold", footer_style="bold", show_footer=len(levels) > 1)
    for name in ("level", *columns):
        table.add_column(name, justify="right", no_wrap=True)
    for level in levels:
        table.add_row(str(level), *sums([task for task in tasks if task.bundle.level == level]))
    for column, footer in zip(table.columns, ("all", *sums(tasks)), strict=True):
        column.footer = footer
    return table


def name_verb(plan: tilepack.TransferPlan, *, past: bool = False) -> str:
    """Say what would be done, or was, with the target."""
    if plan.request.update is not None and plan.request.update.only_missing:
        return "filled gaps in" if past else "fill gaps in"
    if plan.request.update is not None:
        if plan.request.update.mode == "MERGE":
            return "merged into" if past else "merge into"
        return "overwrote tiles of" if past else "overwrite tiles of"
    if past:
        return "made"
    return verb_for(plan.target, replace=plan.request.replace)


def verb_for(target: Path, *, replace: bool) -> str:
    """Say what would be done with a target."""
    return "replace" if replace and os.path.lexists(target) else "make"


def name_kind(plan: tilepack.TransferPlan | tilepack.CreationPlan | tilepack.BuildPlan) -> str:
    """Say what the target is: ``COMPACT_V2 folder, ready to serve``."""
    container = "folder" if not plan.kind.is_package else "file" if plan.kind.storage_format.is_web else "package"
    served = ", ready to serve" if plan.kind.ready_to_serve and not plan.kind.is_package else ""
    return f"{plan.kind.storage_format} {container}{served}"


def name_levels(plan: tilepack.TransferPlan) -> str:
    """Name the levels that hold what is moved, and what the target calls them where that is something else."""
    levels = {task.bundle.level for task in plan.tasks}
    if not levels:
        return "no levels"
    there = {plan.levels[level] for level in levels}
    renamed = f" ({spans(there)} in the target)" if there != levels else ""
    return f"level{'' if len(levels) == 1 else 's'} {spans(levels)}{renamed}"


def name_bundles(plan: tilepack.TransferPlan, result: tilepack.TransferResult | None = None) -> str:
    """Say what happens to how many bundles, for each way that there is.

    Args:
        plan: What is planned.
        result: What was done.
    """
    ways = {"copy": "copied whole", "repack": "repacked", "blend": "blended"}
    actions = [task.action for task in plan.tasks]
    if result is not None and result.actions is not None:
        actions = [action for action, number in result.actions.items() for _ in range(number)]
    numbers = {way: sum(each == action for each in actions) for action, way in ways.items()}
    if result is not None:
        numbers |= {"unchanged": result.unchanged_bundles, "done by an earlier run": result.resumed_bundles}
    happening = [(number, way) for way, number in numbers.items() if number] or [(0, "repacked")]
    bundles = counted(len(plan.tasks), "bundle")
    if len(happening) == 1:
        return f"{bundles} {happening[0][1]}"
    *others, last = [f"{count(number)} {way}" for number, way in happening]
    return f"{bundles}, {', '.join(others)} and {last}"
