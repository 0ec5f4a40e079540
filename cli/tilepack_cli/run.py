"""``tilepack run``: the jobs of a file, in order, by hand or by any scheduler."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import tilepack
from tilepack_cli.consoles import output, readable, remark, show_table, write_json
from tilepack_cli.figures import counted, duration
from tilepack_cli.options import DryRun, Jobs, Json, Quiet, Verbose
from tilepack_cli.outcome import FAILED, SKIPPED, reported

EXAMPLES = """\b
Examples:
  tilepack run jobs.toml
  tilepack run jobs.toml --only cut --dry-run
  tilepack run jobs.toml --quiet --log nightly.log
"""


@reported
def run_jobs(
    path: Annotated[Path, typer.Argument(metavar="JOBS.toml", show_default=False, help="The file of jobs.")],
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME",
            show_default=False,
            help="Run this job and no other; what it needs counts as done. May be given several times, also with "
            "commas between names.",
        ),
    ] = None,
    dry_run: DryRun = False,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", show_default=False, help="Append lines on what is done to this file."),
    ] = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run the jobs of a file, each behind those that it needs.

    The whole file is checked first: all that is wrong is listed with its lines, and nothing is done. A job that fails
    stops only those that need it. One run at a time; the next run takes up one that was stopped. Exit code 1 when a job
    failed, 3 when all are done but for tiles that were skipped.

    \b
    [variables]                          # ${NAME}: from here, or the environment
    data = "caches"                      # paths are relative to the file
    [[job]]
    name = "nightly"
    do = "import"      # export, import, convert, status, delete, verify
    source = "${data}/County"
    target = "${data}/State"
    changed = true     # options as on the command line
    [[job.areas]]
    source = "county.gpkg"
    scales = [500000, 250000]            # or levels = "0-8"
    [[job]]
    name = "report"
    do = "status"
    needs = ["nightly"]
    source = "${data}/State"
    """  # noqa: D301  the backslash is to be a backspace
    names = None if only is None else [name.strip() for text in only for name in text.split(",") if name.strip()]

    def begin(name: str, do: str) -> None:
        if not quiet:
            remark(f"{name}: {do}")

    def tell(outcome: tilepack.JobOutcome) -> None:
        if not quiet and outcome.state in (tilepack.JobState.FAILED, tilepack.JobState.STOPPED):
            remark(f"{outcome.name}: {outcome.state}: {outcome.message}")

    report = tilepack.run_jobs(path, only=names, dry_run=dry_run, log=log, jobs=jobs, begun=begin, told=tell)
    if json:
        write_json(report.as_json())
    elif not quiet or report.has_failed:
        _show(report, verbose=verbose)
    sys.stdout.flush()
    if report.has_failed:
        raise typer.Exit(FAILED)
    if report.skipped:
        raise typer.Exit(SKIPPED)


def _show(report: tilepack.JobsReport, *, verbose: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("job", "", "", "time"):
        table.add_column(name, no_wrap=True)
    table.add_column("")
    for job in report.jobs:
        message = job.message if verbose else job.message.splitlines()[0]
        time = duration(job.seconds) if job.state in (tilepack.JobState.DONE, tilepack.JobState.FAILED) else ""
        table.add_row(job.name, job.do, str(job.state), time, Text(readable(message), overflow="fold"))
    console = output()
    show_table(console, table)
    numbers = [f"{report.count(state)} {state}" for state in tilepack.JobState if report.count(state)]
    console.print(f"{counted(len(report.jobs), 'job')}: {', '.join(numbers)}; {duration(report.seconds)}")
