"""``tilepack repair``: what can be mended without guessing is mended, and what cannot is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import tilepack
from tilepack_cli.consoles import output, readable, write_json
from tilepack_cli.figures import counted, duration
from tilepack_cli.options import DryRun, Jobs, Json, Quiet, Replace, Source, Verbose
from tilepack_cli.outcome import FAILED, reported
from tilepack_cli.pixels import Force
from tilepack_cli.transfers import telling_what_is_left
from tilepack_cli.verify import SHOWN, show_group

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLES = """\b
Examples:
  tilepack repair Usa.tpkx --dry-run
  tilepack repair Usa.tpkx
  tilepack repair Layers mended
"""


@reported
def repair_cache(
    source: Source,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="[TARGET]", show_default=False, help="What to make; if not given, SOURCE is mended in place."
        ),
    ] = None,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every tile, to list those damaged inside too.")] = False,
    replace: Replace = False,
    force: Force = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Mend a cache or package without guessing, and list what is left.

    No sound tile changes. In place, bundles with a tile that nothing can be done for stay as they are; a new TARGET
    holds whatever can be had. Exit code 1 when an error or a warning is left. Of each kind 20 are shown, with --verbose
    all that are kept.
    """
    if replace and target is None:
        raise typer.BadParameter("belongs to a TARGET", param_hint="--replace")
    most = None if verbose else SHOWN
    if dry_run:
        plan = _plan(source, target, deep=deep, replace=replace, jobs=jobs, quiet=quiet)
        if json:
            write_json(plan.as_json())
        else:
            _show(output(), plan, _say_plan(plan), "would mend", most)
    else:
        with telling_what_is_left(source if target is None else target, existing=target is None):
            result = _repair(source, target, deep=deep, replace=replace, force=force, jobs=jobs, quiet=quiet)
        plan = result.plan
        if json:
            write_json(result.as_json())
        elif not quiet:
            _show(output(), plan, _say_result(result), "mended", most)
    if plan.is_left:
        raise typer.Exit(FAILED)


def _plan(
    source: Path, target: Path | None, *, deep: bool, replace: bool, jobs: int | None, quiet: bool
) -> tilepack.RepairPlan:
    from tilepack_cli.progress import Working

    with Working("looking", quiet=quiet) as working:
        return tilepack.plan_repair(source, target, deep=deep, replace=replace, jobs=jobs, looking=working.so_far)


def _repair(
    source: Path, target: Path | None, *, deep: bool, replace: bool, force: bool, jobs: int | None, quiet: bool
) -> tilepack.RepairResult:
    from tilepack_cli.progress import Working

    with Working("mending", quiet=quiet) as working:
        return tilepack.repair(
            source,
            target,
            deep=deep,
            replace=replace,
            force=force,
            jobs=jobs,
            looking=working.so_far,
            progress=working.so_far,
        )


def _show(console: Console, plan: tilepack.RepairPlan, closing: Sequence[str], verb: str, most: int | None) -> None:
    console.print(readable(plan.source), style="bold", soft_wrap=True)
    if plan.mended_counts:
        console.print()
        console.print(verb, style="bold")
    _show_groups(console, plan.mended, plan.mended_counts, most, with_remedy=False)
    if plan.left_counts:
        console.print()
        console.print("left", style="bold")
    _show_groups(console, plan.left, plan.left_counts, most, with_remedy=True)
    console.print()
    for line in closing:
        console.print(readable(line), soft_wrap=True)


def _show_groups(
    console: Console,
    findings: Sequence[tilepack.Finding],
    counts: Mapping[str, int],
    most: int | None,
    *,
    with_remedy: bool,
) -> None:
    """Show findings by code and remedy, the gravest first."""
    order = list(tilepack.Severity)
    groups: dict[tuple[int, str, str], list[tilepack.Finding]] = {}
    for finding in findings:
        remedy = finding.remedy if with_remedy else ""
        groups.setdefault((order.index(finding.severity), finding.code, remedy), []).append(finding)
    for key in sorted(groups):
        _, code, remedy = key
        alone = sum(other == code for _, other, _ in groups) == 1
        number = counts[code] if alone else len(groups[key])
        show_group(console, code, groups[key], number, most=most, with_remedy=with_remedy)


def _say_plan(plan: tilepack.RepairPlan) -> list[str]:
    where = f"make {plan.target}" if plan.target is not None else _name_work(plan, "rewrite")
    return [f"would {where}", _sum_up(plan, "to mend")] if plan.kind is not None else [_sum_up(plan, "to mend")]


def _say_result(result: tilepack.RepairResult) -> list[str]:
    plan = result.plan
    lines = []
    if result.transfer is not None:
        lines.append(f"made {plan.target}: {counted(result.transfer.tiles, 'tile')} in {duration(result.seconds)}")
    elif plan.changes:
        lines.append(f"{_name_work(plan, 'rewrote')} in {duration(result.seconds)}")
    return [*lines, _sum_up(plan, "mended")]


def _name_work(plan: tilepack.RepairPlan, verb: str) -> str:
    what = [counted(len(plan.bundles), "bundle")] if plan.bundles else []
    if plan.documents:
        what.append(", ".join(sorted(plan.documents)))
    if plan.repacks:
        what.append("the package around them")
    return f"{verb} {' and '.join(what) or 'nothing'}"


def _sum_up(plan: tilepack.RepairPlan, verb: str) -> str:
    severities = {finding.code: finding.severity for finding in plan.left}
    numbers = [
        counted(sum(number for code, number in plan.left_counts.items() if severities.get(code) == severity), severity)
        for severity in tilepack.Severity
    ]
    return f"{counted(sum(plan.mended_counts.values()), 'fault')} {verb}; left: {', '.join(numbers)}"
