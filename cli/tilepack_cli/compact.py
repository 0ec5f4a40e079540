"""``tilepack compact``: bundles with dead space are written anew without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tilepack
from tilepack_cli.consoles import output, readable, remark, show_table, write_json
from tilepack_cli.delete import Cache
from tilepack_cli.figures import count, counted, duration, size
from tilepack_cli.options import DryRun, Jobs, Json, Quiet, Verbose
from tilepack_cli.outcome import reported
from tilepack_cli.pixels import Force
from tilepack_cli.transfers import show_warnings, table_by_level, telling_what_is_left

EXAMPLES = """\b
Examples:
  tilepack compact Layers --dry-run
  tilepack compact Usa.tpkx
"""


@reported
def compact_cache(
    cache: Cache,
    *,
    force: Force = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Free a cache or package of dead space.

    Tiles keep their bytes and their order; bundles without dead space stay as they are. A package is written anew
    beside, then takes the old one's place.
    """
    if dry_run:
        plan = _plan(cache, quiet=quiet)
        show_warnings(plan.warnings, quiet=quiet)
        _show_plan(plan, json=json)
        return
    with telling_what_is_left(cache, existing=True):
        result = _compact(cache, force=force, jobs=jobs, quiet=quiet, verbose=verbose)
    _show_result(result, json=json, quiet=quiet)


def _plan(cache: Path, *, quiet: bool) -> tilepack.CompactionPlan:
    from tilepack_cli.progress import Looking

    with Looking(quiet=quiet) as looking:
        return tilepack.plan_compact(cache, looking=looking.so_far)


def _compact(cache: Path, *, force: bool, jobs: int | None, quiet: bool, verbose: bool) -> tilepack.CompactionResult:
    from tilepack_cli.progress import Working

    with Working("compacting", quiet=quiet) as working:

        def begin(plan: tilepack.CompactionPlan) -> None:
            show_warnings(plan.warnings, quiet=quiet, console=working.console)
            if verbose:
                remark(f"{counted(len(plan.tasks), 'bundle')} to rewrite", working.console)

        return tilepack.compact(cache, force=force, jobs=jobs, planned=begin, progress=working.so_far)


def _show_plan(plan: tilepack.CompactionPlan, *, json: bool) -> None:
    if json:
        write_json(plan.as_json())
        return
    console = output()
    console.print(readable(f"would compact {plan.cache}"), soft_wrap=True, style="bold")
    console.print()
    show_table(console, table_by_level(plan.tasks, ("bundles to rewrite", "tiles", "to gain", "bytes"), _sums))
    console.print()
    console.print(f"{counted(plan.bundles - len(plan.tasks), 'bundle')} without dead space")


def _sums(tasks: Sequence[tilepack.CompactionTask]) -> tuple[str, ...]:
    dead = sum(task.dead_bytes for task in tasks)
    return count(len(tasks)), count(sum(task.tiles for task in tasks)), size(dead), count(dead)


def _show_result(result: tilepack.CompactionResult, *, json: bool, quiet: bool) -> None:
    if json:
        write_json(result.as_json())
    elif not quiet:
        plan = result.plan
        console = output()
        console.print(readable(f"compacted {plan.cache}"), soft_wrap=True, style="bold")
        gained = f"{size(result.gained_bytes)} ({count(result.gained_bytes)} bytes)"
        console.print(f"  gained {gained} in {duration(result.seconds)}")
        done = f", {count(result.resumed_bundles)} done by an earlier run" if result.resumed_bundles else ""
        console.print(f"  {count(result.rewritten_bundles)} of {counted(plan.bundles, 'bundle')} rewritten{done}")
