"""Measure tilepack against its floors and rivals, and write benchmarks/README.md.

Use ``python benchmarks/run.py`` for all, or name some: ``python benchmarks/run.py moving help``. Needs about 18 GB of
disk for seeded caches, which stay in the folder for the next run, and tilepack installed (not editable: its
.pyc files count).
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from building import build_memory, built
from changing import unchanged
from exporting import coverage, export, export_memory
from importing import blended, import_memory, opaque
from measure import Row, show
from moving import exploded, mapproxy, memory, whole_bundles
from reporting import status
from starting import help_text, info
from web import tpkutils, web

CASES: dict[str, Callable[[Path, int], list[Row]]] = {
    "moving": whole_bundles,
    "exploded": exploded,
    "mapproxy": mapproxy,
    "memory": memory,
    "web": web,
    "tpkutils": tpkutils,
    "export": export,
    "coverage": coverage,
    "export-memory": export_memory,
    "import": opaque,
    "blend": blended,
    "import-memory": import_memory,
    "build": built,
    "build-memory": build_memory,
    "changed": unchanged,
    "help": help_text,
    "info": info,
    "status": status,
}

_HEAD = """# Benchmarks

`python benchmarks/run.py` makes its caches from a seed, measures everything below in one run, and writes this page.
Ratios are taken within a round, ours to the floor or the rival's to ours; the figure is their lower quartile (the upper
one where more is better). {date}, {machine}.

| work | compared with | promised | measured | range | rounds | kept |
|---|---|---|---|---|---|---|
"""

_WHY = "Where a bar is missed, what stands in the way:"
_PAGE = Path(__file__).parent / "README.md"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tilepack-benchmarks")
    parser.add_argument("--renew", action="store_true", help="put what was measured into the page there is")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for name in options.cases or CASES:
        found = CASES[name](options.folder, options.rounds)
        show(found)
        rows += found
    if options.renew:
        _renew(rows)
    elif not options.cases:
        machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
        head = _HEAD.format(date=dt.datetime.now(tz=dt.UTC).date(), machine=machine).splitlines()
        _write(head, [row.as_markdown() for row in rows], [row.reason() for row in rows if row.reason()])


def _write(head: list[str], table: list[str], reasons: list[str]) -> None:
    below = ["", _WHY, "", *reasons] if reasons else []
    _PAGE.write_text("\n".join([*head, *table, *below]) + "\n", encoding="utf-8")


def _renew(rows: list[Row]) -> None:
    """Put rows in the place of those of the same work, or behind all others."""
    lines = _PAGE.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| work |"))
    head, rest = lines[: first + 2], lines[first + 2 :]
    table = [line for line in rest if line.startswith("|")]
    reasons = [line for line in rest if line.startswith("- ")]
    for row in rows:
        _put(row.as_markdown(), f"| {row.work} | {row.floor} |", table)
        _put(row.reason(), f"- {row.work}, beside {row.floor}: ", reasons)
    renewed = f"Renewed in part on {dt.datetime.now(tz=dt.UTC).date()}."
    if renewed not in head:
        head[first:first] = [renewed, ""]
    _write(head, table, reasons)


def _put(new: str, start: str, lines: list[str]) -> None:
    """Put a line in the place of the one that starts so, or behind all others; nothing new takes that one away."""
    known = next((number for number, line in enumerate(lines) if line.startswith(start)), len(lines))
    lines[known : known + 1] = [new] if new else []


if __name__ == "__main__":
    main()
