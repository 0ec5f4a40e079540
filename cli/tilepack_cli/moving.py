"""How conversions, exports and imports are carried out: looked at only, or done under a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import typer

import tilepack
from tilepack_cli.outcome import SKIPPED
from tilepack_cli.pixels import name_useless
from tilepack_cli.results import show_plan, show_result
from tilepack_cli.transfers import announcing, show_warnings, telling_what_is_left


def plan_only(make_plan: Callable[..., tilepack.TransferPlan], jobs: int | None, *, json: bool, quiet: bool) -> None:
    """Show what would be done.

    Args:
        make_plan: Makes the plan; takes ``looking``.
        jobs: Threads that it would be done with.
        json: Write JSON.
        quiet: Say nothing else.
    """
    plan = look_ahead(make_plan, quiet=quiet)
    show_warnings([*plan.warnings, *name_useless(plan)], quiet=quiet)
    show_plan(plan, jobs, json=json)


def look_ahead(make_plan: Callable[..., tilepack.TransferPlan], *, quiet: bool) -> tilepack.TransferPlan:
    """Make a plan, and tell meanwhile how many bundles were looked at.

    Args:
        make_plan: Makes it; takes ``looking``.
        quiet: Tell nothing.
    """
    from tilepack_cli.progress import Looking

    with Looking(quiet=quiet) as looking:
        return make_plan(looking=looking.so_far)


def carry_out(
    work: Callable[..., tilepack.TransferResult],
    target: Path,
    *,
    joins: bool,
    json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Do it, and show what was done.

    Args:
        work: Does it; takes ``looking``, ``planned`` and ``progress``, what joins also ``finishing``.
        target: The target.
        joins: Whether it exists and takes tiles in.
        json: Write JSON.
        quiet: Say nothing else.
        verbose: Say more.

    Raises:
        typer.Exit: Tiles were skipped.
    """
    result = move(work, target, joins=joins, quiet=quiet, verbose=verbose)
    show_result(result, json=json, quiet=quiet)
    if result.skipped:
        sys.stdout.flush()
        raise typer.Exit(SKIPPED)


def move(
    work: Callable[..., tilepack.TransferResult],
    target: Path,
    *,
    joins: bool = False,
    quiet: bool,
    verbose: bool,
) -> tilepack.TransferResult:
    """Do it, under a progress bar.

    Args:
        work: Does it; takes ``looking``, ``planned`` and ``progress``, what joins also ``finishing``.
        target: The target.
        joins: Whether it exists and takes tiles in.
        quiet: Say nothing.
        verbose: Say more.
    """
    from tilepack_cli.progress import Moving

    with telling_what_is_left(target, existing=joins), Moving(quiet=quiet) as moving:
        announce = announcing(moving, quiet=quiet, verbose=verbose)

        def begin(plan: tilepack.TransferPlan) -> None:
            announce(plan)
            show_warnings(name_useless(plan), quiet=quiet, console=moving.console)

        more = {"finishing": partial(moving.writing, target.name)} if joins else {}
        return work(looking=moving.so_far, planned=begin, progress=moving.moved, **more)
