"""``tilepack verify``: whether a cache is sound, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

import tilepack
from tilepack_cli.consoles import output, readable, write_json
from tilepack_cli.figures import count, counted, size
from tilepack_cli.options import Jobs, Json, Levels, Quiet, Source, Verbose
from tilepack_cli.outcome import FAILED, reported

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLES = """\b
Examples:
  tilepack verify Usa.tpkx
  tilepack verify Layers --deep
  tilepack verify Usa.tpkx --levels 0-5 --json
"""

SHOWN: Final = 20
"""Findings of one code that are shown unless more is asked for."""

STYLES: Final = {"error": "bold red", "warning": "bold yellow", "note": "bold"}


@reported
def verify_cache(
    source: Source,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode every tile, and compare members of packages with their checksums.")
    ] = False,
    levels: Levels = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check whether a cache or package is sound.

    Errors keep tiles from being read or shown, warnings make some clients stumble, notes are worth knowing. Exit code 1
    when there are errors. Of each kind 20 are shown; with --verbose all that are kept, up to 1,000.
    """
    from tilepack_cli.progress import Working

    with Working("checking", quiet=quiet) as checking:
        findings = tilepack.verify(source, deep=deep, levels=levels, jobs=jobs, progress=checking.so_far)
    if json:
        write_json(findings.as_json())
    else:
        _show(output(), findings, most=None if verbose else SHOWN)
    if findings.count(tilepack.Severity.ERROR):
        raise typer.Exit(FAILED)


def _show(console: Console, findings: tilepack.Findings, *, most: int | None) -> None:
    console.print(readable(findings.place), style="bold", soft_wrap=True)
    groups: dict[str, list[tilepack.Finding]] = {}
    for finding in findings.found:
        groups.setdefault(finding.code, []).append(finding)
    order = list(tilepack.Severity)
    for code, group in sorted(groups.items(), key=lambda item: (order.index(item[1][0].severity), item[0])):
        show_group(console, code, group, findings.counts[code], most=most)
    console.print()
    for line in _closing(findings):
        console.print(line, soft_wrap=True)


def show_group(
    console: Console,
    code: str,
    group: list[tilepack.Finding],
    number: int,
    *,
    most: int | None,
    with_remedy: bool = True,
) -> None:
    """Show the findings of one code under a heading, and what to do about them.

    Args:
        console: Where to.
        code: The code.
        group: Its findings, as far as they are kept.
        number: How many there are.
        most: How many are shown; None for all that are kept.
        with_remedy: Whether to say what to do.
    """
    from rich.text import Text

    severity = str(group[0].severity)
    console.print()
    console.print(Text.assemble((severity, STYLES[severity]), f" {code}: {count(number)}"), soft_wrap=True)
    shown = group[:most]
    for finding in shown:
        console.print(f"  {readable(finding.place)}: {readable(finding.message)}", soft_wrap=True)
    if number > len(shown):
        hint = "" if most is None or len(group) <= most else "; --verbose shows more"
        console.print(f"  and {count(number - len(shown))} more{hint}", style="dim", soft_wrap=True)
    if with_remedy:
        console.print(f"  what to do: {group[0].remedy}", style="dim", soft_wrap=True)


def _closing(findings: tilepack.Findings) -> list[str]:
    """Say how much was looked at, and how much of what was found."""
    looked = f"{counted(findings.bundles, 'bundle')}, {counted(findings.tiles, 'tile')}, {size(findings.tile_bytes)}"
    lines = [f"checked {looked}"]
    if findings.deep:
        blank, uniform = f"{count(findings.blank)} blank", f"{count(findings.uniform)} of one colour"
        lines.append(f"decoded {counted(findings.decoded, 'tile')}: {blank}, {uniform}")
    numbers = [counted(findings.count(severity), str(severity)) for severity in tilepack.Severity]
    lines.append(", ".join(numbers))
    return lines
