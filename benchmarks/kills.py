"""Kills tilepack by SIGKILL, hundreds of times, and writes KILLS.md: ``python benchmarks/kills.py --kills 100``.

Each work is killed in front of each of its steps, half way through each of its writes, and at random moments while two
threads work; then the run that takes it up is killed as well, every other time. After each kill every tile has to be
the old or the new one, and in the end the whole folder what a run makes of it that nobody disturbed, to the byte.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "transfer", "inspect", "hostile")]

from killing import Doomed, Ending, read_status, read_tiles  # noqa: E402
from work import Work  # noqa: E402
from works import WORKS, prepare  # noqa: E402

PAGE = """# Kills

`python benchmarks/kills.py --kills {kills}{sample}` makes small caches from a seed, kills tilepack at work on them by
SIGKILL, and writes this page. {day}, {system}, Python {python}; {total:,} kills, {wrong} wrong.

Each work is killed in front of {each} of its steps (a call that makes, writes, syncs, names or removes a file), half
way through {each} of its writes, and, {kills} times for each of
{kinds},
at random moments while two threads work; every other time the run that takes it up is killed, too. *Before*, *between*,
*after*: how many kills left the target as it was, with some bundles new, or done. *Wrong*: kills after which the target
did not open, `verify --deep` found an error that was not there before, a tile was neither the old nor the new one, or
the same command did not give the bytes of an undisturbed run, every file of the folder compared (of a Status.gdb, into
which GDAL writes the time, its rows), nothing beside them left. Killed once its journal is gone, or its new name
stands, a work is done, and not run again here: that would be a new one. Only the file of its lock is left then, and
locks nobody out. Syncs are counted and not waited for; they matter when the power fails, and tests/disk/test_order.py
looks at those.

Imports lay half-transparent pictures over others, so that a bundle that is blended twice shows. Of a cache of single
files a tile is replaced in one step, not a bundle. What GDAL writes of a Status.gdb are no steps here; the random kills
meet it, too. While ArcGIS' own Status.gdb makes room, there is none for a moment.

| work | steps | killed before a step | half way through a write | at random | before | between | after | wrong |
|---|---|---|---|---|---|---|---|---|
"""


class Tally:
    """What became of the kills of one work."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.kills: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.wrong: list[str] = []

    def look(self, how: str) -> None:
        """Look at what a kill left."""
        self.kills[how] += 1
        self.work.check_nothing_half()
        read = read_status if self.work.unit == "status" else read_tiles
        now = read(self.work.place) if self.work.place.exists() else {}
        self.states["before" if now == self.work.old else "after" if now == self.work.new else "between"] += 1

    def row(self) -> str:
        """Give a line of the table."""
        kills = " | ".join(str(self.kills[how]) for how in ("step", "half", "random"))
        states = " | ".join(str(self.states[state]) for state in ("before", "between", "after"))
        return f"| {self.work.name} | {self.work.steps} | {kills} | {states} | {len(self.wrong)} |"


def kill_at_steps(tally: Tally, doomed: Doomed, every: int) -> None:
    """Kill a work at each of its steps, or at every so manieth."""
    work = tally.work
    for how, steps in (("step", range(1, work.steps + 1)), ("half", work.writes)):
        for step in steps[(len(work.name) + len(how)) % every :: every]:
            with noted(tally, f"{how} {step}"):
                work.begin()
                if work.run(doomed, "half" if how == "half" else "kill", step).was_killed:
                    tally.look(how)
                work.finish(doomed)


def kill_at_random(tally: Tally, doomed: Doomed, noise: random.Random, seconds: float, *, again: bool) -> bool:
    """Kill a work at a moment between its beginning and its end; tell whether it was alive still."""
    work = tally.work
    delay = noise.uniform(0, seconds)
    was_killed = False
    with noted(tally, f"random {delay:.4f} s"):
        work.begin()
        was_killed = work.run(doomed, after=delay, jobs=2).was_killed
        if was_killed:
            tally.look("random")
        if again and not work.is_over() and work.run(doomed, step=noise.randrange(1, work.steps), jobs=2).was_killed:
            tally.look("random")
        work.finish(doomed, jobs=noise.randrange(1, 4))
    return was_killed


class noted:  # noqa: N801  used as a function, in with statements
    """Takes note of what is found to be wrong."""

    def __init__(self, tally: Tally, how: str) -> None:
        self._tally = tally
        self._how = how

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        self._tally.wrong.append(f"{self._tally.work.name}, {self._how}: {error}"[:500])
        print(self._tally.wrong[-1], flush=True)
        return True


def duration(work: Work, doomed: Doomed) -> float:
    """Measure how long a work takes with two threads, its fork included."""
    work.begin()
    begun = time.monotonic()
    end = work.run(doomed, jobs=2)
    seconds = time.monotonic() - begun
    check_went_well(work, end)
    return seconds


def check_went_well(work: Work, end: Ending) -> None:
    """See that two threads make the same bytes."""
    if end.code:
        raise RuntimeError(f"{work.name}: {end.said}")
    work.check_done()


def campaign(folder: Path, kills: int, every: int, names: list[str]) -> Iterator[Tally]:
    """Kill works; yield what came of it."""
    noise = random.Random(2026)  # noqa: S311  no secret
    with Doomed() as doomed:
        tallies = []
        for number, name in enumerate(names):
            tally = Tally(prepare(name, folder / str(number), doomed))
            tallies.append(tally)
            kill_at_steps(tally, doomed, every)
            print(tally.row(), flush=True)
        for kind in sorted({kind_of(tally.work) for tally in tallies}):
            some = [tally for tally in tallies if kind_of(tally.work) == kind]
            times = {tally.work.name: duration(tally.work, doomed) for tally in some}
            done = 0
            for tally in itertools.cycle(some):
                if done >= kills:
                    break
                done += kill_at_random(tally, doomed, noise, times[tally.work.name], again=bool(done % 2))
        yield from tallies


def kind_of(work: Work) -> str:
    """Tell what is killed so many times at random; to replace bundles of a package is to rewrite it."""
    kind = work.command.partition("-")[0]
    return "package rewriting" if work.unit == "whole" and kind in ("import", "compact", "repair") else kind


def main() -> None:
    """Kill, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="at random moments, of each kind of work")
    parser.add_argument("--every", type=int, default=1, help="kill at every so manieth step alone")
    parser.add_argument("--folder", type=Path, help="where the caches are made; a temporary one if left out")
    parser.add_argument("--only", default="", help="works with these words in their names; no page is written")
    options = parser.parse_args()
    names = [name for name in WORKS if options.only in name]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        tallies = list(campaign(Path(folder), options.kills, options.every, names))
    kinds = sorted({kind_of(tally.work) for tally in tallies})
    wrong = [text for tally in tallies for text in tally.wrong]
    total = sum(sum(tally.kills.values()) for tally in tallies)
    page = PAGE.format(
        kills=options.kills,
        sample=f" --every {options.every}" if options.every > 1 else "",
        each="each" if options.every == 1 else f"one in {options.every}",
        kinds=f"{', '.join(kinds[:-1])} and {kinds[-1]}",
        day=time.strftime("%Y-%m-%d"),
        system=platform.system(),
        python=platform.python_version(),
        total=total,
        wrong=len(wrong),
    )
    rows = "\n".join(tally.row() for tally in tallies)
    if not options.only:
        Path(__file__).with_name("KILLS.md").write_text(f"{page}{rows}\n", encoding="utf-8")
    print(f"{total:,} kills, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
