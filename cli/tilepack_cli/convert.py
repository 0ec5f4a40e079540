"""``tilepack convert``: a whole source into a new target."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypedDict

import typer

import tilepack
from tilepack_cli.consoles import output, readable, remark, show_table, warn, write_json
from tilepack_cli.figures import count, counted, duration, size, spans
from tilepack_cli.options import DryRun, Jobs, Json, Levels, Quiet, Scales, Source, Verbose
from tilepack_cli.outcome import reported

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXAMPLES = """\b
Examples:
  tilepack convert Usa.tpkx Usa.tpk
  tilepack convert Usa.tpkx Layers --storage-format exploded
  tilepack convert Layers Layers.tpkx --levels 0-7,9
  tilepack convert Layers Usa.tpk --replace --dry-run
"""

_STORAGE_FORMATS: Final = ("compact", "compact-v2", "exploded")


class _Asked(TypedDict):
    """What is asked for, by the names of the library."""

    storage_format: tilepack.StorageFormat | None
    levels: str | None
    scales: str | None
    replace: bool
    ready_to_serve: bool | None


def _storage_format(text: str | None) -> str | None:
    """Take compact-v2, COMPACT_V2 and the like."""
    if text is None:
        return None
    name = text.strip().lower().replace("_", "-")
    if name not in _STORAGE_FORMATS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_STORAGE_FORMATS)}")
    return name.upper().replace("-", "_")


@reported
def convert_cache(
    source: Source,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET", show_default=False, help="What to make: a name in .tpk or .tpkx, else a cache folder."
        ),
    ],
    *,
    storage_format: Annotated[
        str | None,
        typer.Option(
            "--storage-format",
            metavar="FORMAT",
            callback=_storage_format,
            help="Of a folder: compact, compact-v2 (if not given) or exploded.",
        ),
    ] = None,
    levels: Levels = None,
    scales: Scales = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace TARGET if it exists, once the new one is whole.")
    ] = False,
    ready_to_serve: Annotated[
        bool, typer.Option("--ready-to-serve", help="Describe the folder by root.json instead of conf.xml.")
    ] = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Convert into another storage format; every tile keeps its bytes.

    Whole or not at all: nothing stands under TARGET before everything is in it.
    """
    if levels is not None and scales is not None:
        raise typer.BadParameter("choose levels by one of them", param_hint="--levels / --scales")
    wished = None if storage_format is None else tilepack.StorageFormat(storage_format)
    try:
        tilepack.target_kind(target, wished, ready_to_serve=ready_to_serve)
    except tilepack.TransferError as error:
        raise typer.BadParameter(str(error), param_hint="TARGET") from error
    asked = _Asked(
        storage_format=wished,
        levels=levels,
        scales=scales,
        replace=replace,
        ready_to_serve=ready_to_serve or None,
    )
    if dry_run:
        plan = _plan(source, target, asked, quiet=quiet)
        _show_warnings(plan, quiet=quiet)
        _show_plan(plan, json=json)
        return
    before = _identity(target)
    try:
        result = _convert(source, target, asked, jobs=jobs, quiet=quiet, verbose=verbose)
    except KeyboardInterrupt as stop:
        after = _identity(target)
        if after is None:
            stop.add_note(f"nothing was left at {target}")
        elif after == before:
            stop.add_note(f"{target} is as it was")
        else:
            stop.add_note(f"{target} was finished already, and is whole")
        raise
    _show_result(result, json=json, quiet=quiet)


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Give what tells whether something else has come to stand at a path; None when nothing does."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _plan(source: Path, target: Path, asked: _Asked, *, quiet: bool) -> tilepack.TransferPlan:
    from tilepack_cli.progress import Looking

    with Looking(quiet=quiet) as looking:
        return tilepack.plan_convert(source, target, **asked, looking=looking.so_far)


def _convert(
    source: Path, target: Path, asked: _Asked, *, jobs: int | None, quiet: bool, verbose: bool
) -> tilepack.TransferResult:
    from tilepack_cli.progress import Moving

    with Moving(quiet=quiet) as moving:

        def begin(plan: tilepack.TransferPlan) -> None:
            _show_warnings(plan, quiet=quiet, console=moving.console)
            if verbose:
                what = f"{_bundles(plan)}, {counted(plan.tiles, 'tile')}, {size(plan.tile_bytes)}"
                remark(f"{_kind(plan)}: {what}", moving.console)
            moving.expect(plan.tiles, plan.tile_bytes)

        return tilepack.convert(
            source, target, **asked, jobs=jobs, looking=moving.so_far, planned=begin, progress=moving.moved
        )


def _show_result(result: tilepack.TransferResult, *, json: bool, quiet: bool) -> None:
    if json:
        write_json(result.as_json())
    elif not quiet:
        plan = result.plan
        rate = f", {size(result.tile_bytes / result.seconds)}/s" if result.seconds > 0 else ""
        console = output()
        console.print(readable(f"made {plan.target}"), soft_wrap=True, style="bold")
        console.print(f"  {_kind(plan)}, {_levels(plan)}")
        console.print(f"  {_bundles(plan)}")
        console.print(
            f"  {counted(result.tiles, 'tile')}, {size(result.tile_bytes)} in {duration(result.seconds)}{rate}"
        )


def _show_plan(plan: tilepack.TransferPlan, *, json: bool) -> None:
    if json:
        write_json(plan.as_json())
        return
    console = output()
    verb = "replace" if plan.request.replace and os.path.lexists(plan.target) else "make"
    console.print(readable(f"would {verb} {plan.target}"), soft_wrap=True, style="bold")
    console.print(f"  {_kind(plan)}, {_levels(plan)}")
    console.print()
    show_table(console, _plan_table(plan))


def _show_warnings(plan: tilepack.TransferPlan, *, quiet: bool, console: Console | None = None) -> None:
    if not quiet:
        for warning in plan.warnings:
            warn(warning, console)


def _plan_table(plan: tilepack.TransferPlan) -> Table:
    """Make a row per level, and one for all."""
    from rich.table import Table

    levels = sorted({task.bundle.level for task in plan.tasks})
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="bold", footer_style="bold", show_footer=len(levels) > 1)
    for name in ("level", "bundles to copy", "to repack", "tiles", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for level in levels:
        table.add_row(str(level), *_sums([task for task in plan.tasks if task.bundle.level == level]))
    for column, footer in zip(table.columns, ("all", *_sums(plan.tasks)), strict=True):
        column.footer = footer
    return table


def _sums(tasks: Sequence[tilepack.BundleTask]) -> tuple[str, str, str, str]:
    copied = sum(task.action == "copy" for task in tasks)
    return (
        count(copied),
        count(len(tasks) - copied),
        count(sum(task.tiles for task in tasks)),
        size(sum(task.tile_bytes for task in tasks)),
    )


def _kind(plan: tilepack.TransferPlan) -> str:
    container = "package" if plan.kind.is_package else "folder"
    served = ", ready to serve" if plan.kind.ready_to_serve and not plan.kind.is_package else ""
    return f"{plan.kind.storage_format} {container}{served}"


def _levels(plan: tilepack.TransferPlan) -> str:
    levels = {task.bundle.level for task in plan.tasks}
    return f"level{'' if len(levels) == 1 else 's'} {spans(levels)}" if levels else "no levels"


def _bundles(plan: tilepack.TransferPlan) -> str:
    copied = sum(task.action == "copy" for task in plan.tasks)
    repacked = len(plan.tasks) - copied
    if not copied or not repacked:
        return f"{counted(len(plan.tasks), 'bundle')} {'copied whole' if copied else 'repacked'}"
    return f"{counted(len(plan.tasks), 'bundle')}, {count(copied)} copied whole and {count(repacked)} repacked"
