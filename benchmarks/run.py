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
        table = "\n".join(row.as_markdown() for row in rows)
        page = _HEAD.format(date=dt.datetime.now(tz=dt.UTC).date(), machine=machine) + table + "\n"
        (Path(__file__).parent / "README.md").write_text(page, encoding="utf-8")


def _renew(rows: list[Row]) -> None:
    """Put rows in the place of those of the same work, or behind all others."""
    page = Path(__file__).parent / "README.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    date = dt.datetime.now(tz=dt.UTC).date()
    for row in rows:
        new = row.as_markdown()
        known = [number for number, line in enumerate(lines) if line.startswith(f"| {row.work} | {row.floor} |")]
        if known:
            lines[known[0]] = new
        else:
            lines.append(new)
    renewed = f"Renewed in part on {date}."
    if renewed not in lines:
        table = next(number for number, line in enumerate(lines) if line.startswith("| work |"))
        lines[table:table] = [renewed, ""]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
