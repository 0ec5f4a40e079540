"""Timing commands against one another: alternating rounds, ratios, lower quartiles.

Single times mean little on a machine that others use too. Each round runs the floor and all that is compared with it,
one after the other; the ratio of a round is taken within it, and the lower quartile of the ratios is judged.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Row:
    """One line of the table."""

    work: str
    """What was done."""
    floor: str
    """What it is compared with."""
    bar: float
    """The ratio that was promised."""
    ratios: list[float] = field(default_factory=list)
    """One a round."""
    at_least: bool = False
    """Whether the bar is a least and not a most."""
    unit: str = "x"

    @property
    def figure(self) -> float:
        """Lower quartile of the ratios, or the upper one where more is better."""
        if len(self.ratios) == 1:
            return self.ratios[0]
        quartiles = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return quartiles[2] if self.at_least else quartiles[0]

    @property
    def holds(self) -> bool:
        """Whether the bar is kept."""
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar

    def as_markdown(self) -> str:
        """Give the line for benchmarks/README.md."""
        sign = "at least" if self.at_least else "at most"
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        kept = "yes" if self.holds else "**no**"
        rounds = len(self.ratios)
        return (
            f"| {self.work} | {self.floor} | {sign} {self.bar:g} {self.unit} | {self.figure:.2f} {self.unit} | "
            f"{spread} | {rounds} | {kept} |"
        )


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def run(*command: str | Path, folder: Path | None = None) -> None:
    """Run a command quietly; it must succeed."""
    subprocess.run([str(part) for part in command], check=True, cwd=folder, stdout=subprocess.DEVNULL)


_WITH_PEAK = """
import atexit, re, sys
from pathlib import Path
peak = lambda: print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
atexit.register(peak)
from tilepack_cli.main import main
main()
"""


def peak_memory(*arguments: str | Path) -> int:
    """Run tilepack with some arguments, and give the most memory that it had, in bytes (Linux).

    The process reads its own high-water mark: what ``wait4`` tells of a child begins with its parent's.
    """
    command = [sys.executable, "-c", _WITH_PEAK, *(str(part) for part in arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return int(done.stderr.split()[-1]) * 1024


def copied(source: Path, target: Path) -> Callable[[], None]:
    """Give the floor of moving a cache: copying it as it is, and waiting for the disk."""

    def work() -> None:
        run("cp", "-r", "--reflink=never", source, target)
        run("sync", "-f", target)

    return work


def cleared(*targets: Path) -> None:
    """Remove what an earlier round left, and let the disk come to rest."""
    for target in targets:
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
    if hasattr(os, "sync"):
        os.sync()


def show(rows: Sequence[Row]) -> None:
    """Print what was measured."""
    for row in rows:
        print(
            f"{row.work:52} {row.figure:7.2f} {row.unit}  (bar {row.bar:g})  {'ok' if row.holds else 'MISSED'}",
            flush=True,
        )
