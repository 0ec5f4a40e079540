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
from typing import NamedTuple


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
    why: str = ""
    """What stands in the way of a bar that is missed, a sentence with what was measured of it."""

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

    def reason(self) -> str:
        """Give the line for what stands below the table, where there is something to say of a bar that is missed."""
        return "" if self.holds or not self.why else f"- {self.work}, beside {self.floor}: {self.why}"

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


_TELLING = """
import atexit, re, resource, sys
from pathlib import Path

def tell():
    spent = resource.getrusage(resource.RUSAGE_SELF)
    peak = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]
    print(spent.ru_utime, spent.ru_stime, peak, file=sys.stderr)

atexit.register(tell)
from tilepack_cli.main import main
main()
"""


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    """By the clock."""
    own: float
    """Seconds of processors."""
    system: float
    """Seconds of processors that the system worked for it."""
    peak: int
    """The most memory that it had, bytes."""

    @property
    def busy(self) -> float:
        """Seconds of processors, all together."""
        return self.own + self.system


def cost(*arguments: str | Path, codes: Sequence[int] = (0,)) -> Cost:
    """Run tilepack with some arguments, and give what that took (Linux).

    The process reads its own high-water mark: what ``wait4`` tells of a child begins with its parent's.

    Args:
        arguments: Command and options.
        codes: With which it may end.
    """
    command = [sys.executable, "-c", _TELLING, *(str(part) for part in arguments)]
    begun = time.perf_counter()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode not in codes:
        raise RuntimeError(f"tilepack {' '.join(map(str, arguments))}: {done.stderr[-2000:]}")
    own, system, peak = done.stderr.split()[-3:]
    return Cost(seconds, float(own), float(system), int(peak) * 1024)


def peak_memory(*arguments: str | Path) -> int:
    """Run tilepack with some arguments, and give the most memory that it had, in bytes (Linux)."""
    return cost(*arguments).peak


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
