"""Measure how time and memory grow with a cache, and write SCALE.md: ``python benchmarks/scale.py --folder DIR``.

A level of 4,096 bundles and 10,035,200 tiles is compared with its sixteenth and its quarter, each command in a process
of its own; then bundles and packages beyond 4 GiB are worked on. Needs Linux, rasterio, 15 GB of disk and half an hour.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Protocol

from beyond import Done, huge_bundle, many_bundles
from measure import Cost, cost
from vast import area, linked, write_dead, write_level, write_sick

PAGE: Final = """# Scale

`python benchmarks/scale.py` makes its caches from a seed, measures everything below in one run, and writes this page;
`python benchmarks/scale.py exploded` renews one part of it. {machine}.

All caches lie on level 17 around row and column 65,536, where bundles' names grow to five digits (`R10000C10000`).
*Seconds* are by the clock, on a machine that others used too, and start-up counts among them. *Growth* is of
processor seconds, the system's among them, from one size to the next, four times as large; what the same command takes
on a single bundle is taken off before. Of commands with an area it may be less than 4: its edge, along which tiles are
cut, only doubles. *Memory* is the most that the process ever had. Areas take up to 48 MB to remember where their edges
run, plans and listings about a kilobyte for each bundle.
"""
SIDES: Final = (16, 32, 64)
TILES: Final = 2450
FILE_SIDES: Final = (8, 16, 32)
FILES: Final = 96

Words = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Case:
    """One command."""

    name: str
    words: Callable[[Path, int], Words]
    """Gives the command, for a folder and the cache's bundles along each side."""
    prepare: Callable[[Path], None] | None = None
    """Makes in the folder what the command changes."""
    gone: str = ""
    """What to remove when it is done."""
    codes: tuple[int, ...] = (0,)


def clipped(side: int) -> list[str]:
    """Give the options that name an area."""
    return ["--aoi", area(side), "--aoi-crs", "EPSG:3857"]


LEVEL_CASES: Final = (
    Case("info", lambda home, _: ["info", "--json", home / "v2"]),
    Case("status show", lambda home, _: ["status", "show", "--json", home / "v2"]),
    Case("status show --aoi", lambda home, side: ["status", "show", "--json", *clipped(side), home / "v2"]),
    Case(
        "status report (gdb)",
        lambda home, _: ["status", "report", "-q", "--report-folder", home / "report", home / "v2"],
        lambda home: (home / "report").mkdir(),
        "report",
    ),
    Case("verify, V2", lambda home, _: ["verify", "--json", home / "v2"]),
    Case("V2 -> V1", lambda home, _: ["convert", "-q", home / "v2", home / "v1", "--storage-format", "compact"]),
    Case("info, V1", lambda home, _: ["info", "--json", home / "v1"]),
    Case("verify, V1", lambda home, _: ["verify", "--json", home / "v1"]),
    Case("diff V2, V1", lambda home, _: ["diff", "--json", home / "v2", home / "v1"]),
    Case("V1 -> V2", lambda home, _: ["convert", "-q", home / "v1", home / "back"], None, "back"),
    Case(
        "export --aoi, V1 -> .tpkx", lambda home, side: ["export", "-q", home / "v1", home / "c.tpkx", *clipped(side)]
    ),
    Case(
        "import, V1 into .tpkx",
        lambda home, _: ["import", "-q", home / "v1", home / "into.tpkx"],
        lambda home: linked(home / "c.tpkx", home / "into.tpkx"),
        "into.tpkx",
    ),
    Case("export --aoi, V1 -> V1", lambda home, side: _export(home, "v1", "c1", side, "compact"), None, "v1"),
    Case("import, V2 into V1", lambda home, _: ["import", "-q", home / "v2", home / "c1"], None, "c1"),
    Case("V2 -> .tpkx", lambda home, _: ["convert", "-q", home / "v2", home / "all.tpkx"]),
    Case("info, .tpkx", lambda home, _: ["info", "--json", home / "all.tpkx"]),
    Case("verify, .tpkx", lambda home, _: ["verify", "--json", home / "all.tpkx"]),
    Case("diff V2, part of it in .tpkx", lambda home, _: ["diff", "--json", home / "v2", home / "c.tpkx"], codes=(1,)),
    Case(".tpkx -> .tpk", lambda home, _: ["convert", "-q", home / "all.tpkx", home / "all.tpk"], None, "all.tpk"),
    Case(
        "delete --aoi, .tpkx",
        lambda home, side: ["delete", "-q", home / "less.tpkx", *clipped(side)],
        lambda home: linked(home / "all.tpkx", home / "less.tpkx"),
        "less.tpkx",
    ),
    Case("export --aoi, V2 -> V2", lambda home, side: _export(home, "v2", "c2", side, "compact-v2")),
    Case("import, V2 into V2", lambda home, _: ["import", "-q", home / "v2", home / "c2"], None, "c2"),
    Case(
        "delete --aoi, V2",
        lambda home, side: ["delete", "-q", home / "less", *clipped(side)],
        lambda home: linked(home / "v2", home / "less"),
        "less",
    ),
    Case(
        "compact, V2",
        lambda home, _: ["compact", "-q", home / "dead"],
        lambda home: write_dead(home / "v2", home / "dead"),
        "dead",
    ),
    Case(
        "repair, V2, all headers wrong",
        lambda home, _: ["repair", "-q", home / "sick"],
        lambda home: write_sick(home / "v2", home / "sick"),
        "sick",
    ),
)
EXPLODED_CASES: Final = (
    Case("V2 -> exploded", lambda home, _: ["convert", "-q", home / "v2", home / "e", "--storage-format", "exploded"]),
    Case("info", lambda home, _: ["info", "--json", home / "e"]),
    Case("status show --aoi", lambda home, side: ["status", "show", "--json", *clipped(side), home / "e"]),
    Case("verify", lambda home, _: ["verify", "--json", home / "e"]),
    Case("diff exploded, V2", lambda home, _: ["diff", "--json", home / "e", home / "v2"]),
    Case("exploded -> V2", lambda home, _: ["convert", "-q", home / "e", home / "back"], None, "back"),
    Case("export --aoi", lambda home, side: _export(home, "e", "c", side, "exploded")),
    Case("import", lambda home, _: ["import", "-q", home / "v2", home / "c"], None, "c"),
    Case("delete --aoi", lambda home, side: ["delete", "-q", home / "e", *clipped(side)]),
    Case("repair", lambda home, _: ["repair", "-q", home / "e"], None, "e", (0, 1)),
)


def _export(home: Path, source: str, target: str, side: int, storage_format: str) -> Words:
    return ["export", "-q", home / source, home / target, "--storage-format", storage_format, *clipped(side)]


def level(folder: Path, *, small: bool) -> Iterator[str]:
    """Measure a level of bundles, and yield its part of the page."""
    sides = (2, 4, 8) if small else SIDES
    yield f"{TILES:,} tiles a bundle, scattered; {_listed(sides)} bundles."
    yield ""
    yield from _measured(folder, LEVEL_CASES, sides, Growth(), tiles=TILES)


def exploded(folder: Path, *, small: bool) -> Iterator[str]:
    """Measure a level of files, likewise."""
    sides = (2, 4, 8) if small else FILE_SIDES
    yield f"Exploded: {FILES} tiles in eight rows of each window of 128 x 128; {_listed(sides)} windows. *Own growth*"
    yield "leaves the system's seconds out, which makes and removes the files, on ext4 at no even pace."
    yield ""
    yield from _measured(folder, EXPLODED_CASES, sides, Growth(shows_own=True), tiles=FILES, block=True)


def beyond(folder: Path, *, small: bool) -> Iterator[str]:
    """Work on what lies beyond 4 GiB, likewise; there is no small way."""
    if small:
        return
    yield ""
    yield "| work | seconds | processor seconds | memory, MB | seen |"
    yield "|---|---|---|---|---|"
    found: list[Callable[[Path], Iterator[Done]]] = [huge_bundle, many_bundles]
    for each in found:
        for done in each(folder):
            yield done.as_markdown()


class Section(Protocol):
    """Measures one part of the page."""

    def __call__(self, folder: Path, *, small: bool) -> Iterator[str]:
        """Yield its lines."""


SECTIONS: Final[dict[str, tuple[str, Section]]] = {
    "level": ("A level of bundles", level),
    "exploded": ("A level of files", exploded),
    "beyond": ("Beyond 4 GiB", beyond),
}


@dataclass(frozen=True, slots=True)
class Growth:
    """Makes the lines of a table."""

    shows_own: bool = False

    def head(self, sides: Sequence[int]) -> list[str]:
        """Give the table's first lines."""
        sizes = " / ".join(f"{side * side:,}" for side in sides)
        own = ["own growth"] if self.shows_own else []
        columns = ["command", f"seconds: {sizes}", *own, "growth", "linear", f"memory, MB: {sizes}"]
        return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]

    def line(self, name: str, start: Cost, costs: Sequence[Cost]) -> str:
        """Give the line of a command.

        Args:
            name: What to call it.
            start: What it takes on one bundle.
            costs: What it takes on more and more.
        """
        seconds = " / ".join(f"{each.seconds:.1f}" for each in costs)
        peaks = " / ".join(f"{each.peak / 1e6:.0f}" for each in costs)
        own = [_growth([each.own - start.own for each in costs])] if self.shows_own else []
        growth = _growth([each.busy - start.busy for each in costs])
        return f"| {' | '.join([name, seconds, *own, growth, '4, 4', peaks])} |"


def _growth(seconds: Sequence[float]) -> str:
    return ", ".join(f"{max(more, 0.01) / max(less, 0.01):.1f}" for less, more in pairwise(seconds))


def _measured(
    folder: Path, cases: Sequence[Case], sides: Sequence[int], table: Growth, **style: int | bool
) -> Iterator[str]:
    """Run each command on caches of all sizes, one after the other, and yield the table's lines."""
    homes = {side: folder / f"{side}" for side in (1, *sides)}
    for side, home in homes.items():
        if home.exists():
            shutil.rmtree(home)
        home.mkdir(parents=True)
        write_level(home / "v2", side=side, **style)  # type: ignore[arg-type]
    yield from table.head(sides)
    for case in cases:
        start, *costs = [_run(case, home, side) for side, home in homes.items()]
        yield table.line(case.name, start, costs)
    for home in homes.values():
        shutil.rmtree(home)


def _run(case: Case, home: Path, side: int) -> Cost:
    if case.prepare is not None:
        case.prepare(home)
    if hasattr(os, "sync"):
        os.sync()  # what was written before shall not be waited for here
    found = cost(*case.words(home, side), codes=case.codes)
    if case.gone:
        gone = home / case.gone
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    return found


def _listed(sides: Sequence[int]) -> str:
    *others, last = [f"{side * side:,}" for side in sides]
    return f"{', '.join(others)} and {last}"


def _parts(page: Path) -> dict[str, str]:
    """Read the parts of the page that is there, by their titles."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return dict(part.split("\n", 1) for part in text.split("\n## ")[1:])


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tilepack-scale")
    parser.add_argument("--small", action="store_true", help="a hundredth of the bundles, for trying; no page")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    page = Path(__file__).with_name("SCALE.md")
    parts = _parts(page)
    for name in options.sections or SECTIONS:
        title, section = SECTIONS[name]
        lines = [f"Measured on {dt.datetime.now(tz=dt.UTC).date()}."]
        for line in section(options.folder, small=options.small):
            print(line, flush=True)
            lines.append(line)
        parts[title] = "\n" + "\n".join(lines) + "\n"
    if options.small:
        return
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    body = "".join(f"\n## {title}\n{parts[title]}" for title, _ in SECTIONS.values() if title in parts)
    page.write_text(PAGE.format(machine=machine) + body, encoding="utf-8")


if __name__ == "__main__":
    main()
