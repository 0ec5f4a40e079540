"""Lets disks, rights, rivals and readers trouble tilepack, and writes FAULTS.md: ``python benchmarks/faults.py``.

Each work that changes a target meets a full disk, a disk that fails, a source or target that cannot be read or ends too
early, and rights that are taken away, at its steps one after the other; two writers meet at each step of the first; ten
readers read for a minute what a writer replaces. What is wrong is printed, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "transfer", "inspect", "hostile")]

from caches import write_v2  # noqa: E402
from killing import SCHEME, Doomed, tree_of  # noqa: E402
from layouts import LAYOUTS  # noqa: E402
from reading import read_on, tiles_of  # noqa: E402
from rivals import RIVALRIES, prepare_meeting  # noqa: E402
from steps import BAD, DENIED, FULL, SMALL, UNREAD, Fault  # noqa: E402
from work import Work  # noqa: E402
from works import WORKS, prepare  # noqa: E402

import tilepack  # noqa: E402

NOBODY = 65534
READERS = 10

PAGE = """# Faults

`python benchmarks/faults.py --most {options.most} --full {options.full}` makes small caches from a seed, lets
things befall tilepack at work on them, and writes this page.
{day}, {system}, Python {python}; {runs:,} runs, {wrong} wrong.

Of each cell the first number is how often that befell a run, the second in how many of them it was refused, which is to
end with exit code 1 and one clear error. *Wrong*: no such error, or a target that does not open; in which `verify
--deep` finds an error that was not there before; with a tile, or where bundles are replaced in one step a bundle, that
is neither the old nor the new one; something left beside it, where that could be cleared away; or the same command, run
again without trouble, does not give the bytes of an undisturbed run. A run that was not refused must have given them.

## Writing

*Full*: no space is left, for one step (which makes, writes or syncs a file) or from there on; at {full}.
*Fails*: a step (which makes, writes, syncs, names or removes a file) gives EIO, or all from there on do; at {most}.
*Small*: no file may have more than so many bytes, in steps of {small} from 1 KiB on;
GDAL's own writing meets that, too.

| work | full once | full for good | fails once | fails for good | small | wrong |
|---|---|---|---|---|---|---|
{writing}

## Reading

At {most}; of each of source and target. *Fails*: a read gives EIO. *Short*: it gives half of what was asked,
as network file systems may; nothing is refused for that. *Ends*: it and all that follow in that file find its end, as
of a file that was cut meanwhile. A target that is made anew is read by nobody, rasters and databases by libraries of
their own, unseen here. A repair that cannot look at a bundle lists that, ends with 1, and leaves it as it is, or out of
a new target; a tile that cannot be read any more when all are written is left out of a package's thumbnail, and that
is said.

| work | source fails | source short | source ends | target fails | target short | target ends | wrong |
|---|---|---|---|---|---|---|---|
{reading}

## Rights

At {most}, as a user who is not root. *Read-only*: nothing in the target's folder can be changed from there on.
*Locked*: nothing in it can be looked at, for good or until two steps later. They are given back before the next run.

| work | read-only | locked | locked for a while | wrong |
|---|---|---|---|---|
{rights}

## Two writers

The first is stopped in front of each of its steps while the second runs to its end, then goes on; and {races} times
both begin at once. Turned away is who ends with exit code 1; the error names the process that holds the target. Else
both have to be done as if one had come after the other.

| writers | meetings | second turned away | first turned away | neither | wrong |
|---|---|---|---|---|---|
{rivals}

## A writer and ten readers

For {seconds} seconds one process imports two sources in turn, under OVERWRITE, while ten others read every bundle in
every way; half of them open the cache anew each time. Of a cache of single files a tile is whole, else a bundle.

| target | imports | caches opened | tiles read | wrong |
|---|---|---|---|---|
{readers}
"""


class Row(NamedTuple):
    """What became of one kind of trouble."""

    cells: Sequence[object]
    runs: int
    wrong: list[str]

    def __str__(self) -> str:
        return f"| {' | '.join(map(str, self.cells))} | {len(self.wrong)} |"


class Trouble:
    """Everything that befalls one work."""

    def __init__(self, work: Work, doomed: Doomed, most: int, full: int) -> None:
        self.work = work
        self._doomed = doomed
        self._most = most
        self._full = full
        self._runs: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._wrong: list[str] = []

    def row(self, cells: Sequence[Callable[[], str]]) -> Row:
        """Fill the cells of a row."""
        self._runs.clear()
        self._wrong = []
        texts = [cell() for cell in cells]
        row = Row([self.work.name, *texts], self._runs.total(), self._wrong)
        print(row, flush=True)
        return row

    def at_steps(self, kind: str, root: Path | None = None, user: int | None = None) -> str:
        """Let something happen at steps."""
        fault = Fault(kind, None, str(root or self.work.folder))
        self.work.begin(user)
        end = self.work.run(self._doomed, kind, root=fault.root, user=user)
        if end.code:
            raise RuntimeError(f"{self.work.name}: does not run for user {user}: {end.said}")
        return self._each(kind, some(end.steps, self._full if kind in FULL else self._most), fault, user)

    def on_small_disk(self) -> str:
        """Let no file have more than so many bytes."""
        files = [data for data in tree_of(self.work.folder).values() if data is not None]
        largest = max([*(len(data) for data in files), 70_000 if self.work.unit == "status" else 0])
        sizes = range(1024, largest, max(1, (largest - 1024) // self._most))
        return self._each(SMALL, sizes, Fault(SMALL), None)

    def _each(self, kind: str, steps: Sequence[int], fault: Fault, user: int | None) -> str:
        runs = refused = 0
        for step in steps:
            runs += 1
            try:
                refused += not self.work.suffer(self._doomed, fault._replace(step=step), user)
            except Exception as error:  # noqa: BLE001  it is counted, and shown
                self._wrong.append(note(f"{self.work.name}, {kind} {step}", error))
        self._runs[kind] += runs
        return f"{runs} / {refused}" if runs else ""


def note(what: str, error: BaseException) -> str:
    """Show what is wrong."""
    text = f"{what}: {error or repr(error)}"[:600]
    print(text, flush=True)
    return text


def some(steps: int, most: int) -> Sequence[int]:
    """Choose some of the steps from 1 on, evenly."""
    return range(1, steps + 1, max(1, -(-steps // most)))


def trouble_works(folder: Path, names: Sequence[str], most: int, full: int) -> Iterator[tuple[str, Row]]:
    """Trouble every work; yield tables' names and their rows."""
    with Doomed() as doomed:
        for number, name in enumerate(names):
            place = folder / str(number)
            work = prepare(name, place, doomed)
            trouble = Trouble(work, doomed, most, full)
            yield "writing", trouble.row([*_bound(trouble, (*FULL, *BAD)), trouble.on_small_disk])
            source = _bound(trouble, UNREAD, work.source) if _reads(work) else [str] * 3
            target = _bound(trouble, UNREAD, work.folder) if work.old else [str] * 3
            yield "reading", trouble.row([*source, *target])
            if os.getuid() == 0:
                yield "rights", trouble.row(_bound(trouble, DENIED, work.folder, NOBODY))


def _reads(work: Work) -> bool:
    return any("{source}" in word for word in work.words)


def _bound(
    trouble: Trouble, kinds: Sequence[str], root: Path | None = None, user: int | None = None
) -> list[Callable[[], str]]:
    return [lambda kind=kind: trouble.at_steps(kind, root, user) for kind in kinds]


def trouble_writers(folder: Path, names: Sequence[str], most: int, races: int) -> Iterator[Row]:
    """Let writers meet."""
    with Doomed() as one, Doomed() as other:
        for number, name in enumerate(names):
            meeting = prepare_meeting(name, folder / f"rivals{number}", (one, other))
            turned: Counter[str] = Counter()
            wrong: list[str] = []
            steps = some(meeting.steps, 4 * most)
            for step in (*steps, *[None] * races):
                try:
                    turned[meeting.race() if step is None else meeting.meet(step)] += 1
                except Exception as error:  # noqa: BLE001  it is counted, and shown
                    wrong.append(note(f"{name}, step {step}", error))
            met = len(steps) + races
            row = Row([name, met, *(turned[who] for who in ("second", "first", "neither"))], met, wrong)
            print(row, flush=True)
            yield row


def read_for(target: Path, until: float, number: int) -> tuple[int, int]:
    """Read in a process of its own."""
    return read_on(
        target,
        lambda: time.time() > until,
        keep_open=number % 2 > 0,
        whole=target.name != "exploded",
        rest=0.005 * number,
    )


def trouble_readers(folder: Path, seconds: float) -> Iterator[Row]:
    """Let many read what one writes."""
    for source in "ab":
        write_v2(folder / source / "Island", SCHEME, tiles_of(source))
    for layout in ("v1", "v2", "exploded", "cache.tpkx"):
        target = folder / "read" / layout
        target.parent.mkdir(exist_ok=True)
        tilepack.convert(folder / "a/Island", target, storage_format=dict(LAYOUTS.values())[layout])
        until = time.time() + seconds
        wrong: list[str] = []
        imports = opened = tiles = 0
        with ProcessPoolExecutor(READERS) as pool:
            readers: list[Future[tuple[int, int]]] = [
                pool.submit(read_for, target, until, number) for number in range(READERS)
            ]
            while time.time() < until:
                imports += 1
                tilepack.import_cache(folder / "ba"[imports % 2] / "Island", target, mode="OVERWRITE")
            for reader in readers:
                try:
                    found = reader.result()
                except Exception as error:  # noqa: BLE001  it is counted, and shown
                    wrong.append(note(layout, error))
                else:
                    opened, tiles = opened + found[0], tiles + found[1]
        row = Row([layout, f"{imports:,}", f"{opened:,}", f"{tiles:,}"], imports, wrong)
        print(row, flush=True)
        yield row


def _said(most: int) -> str:
    return "every step" if most >= 1000 else f"up to {most} steps of each work"


def main() -> None:
    """Trouble everything, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1000, help="steps of a run at which a thing happens")
    parser.add_argument("--full", type=int, default=1000, help="steps of a run at which the disk is full")
    parser.add_argument("--races", type=int, default=20, help="times that two writers begin at once")
    parser.add_argument("--seconds", type=float, default=60, help="how long each layout is read")
    parser.add_argument("--folder", type=Path, help="where the caches are made; a temporary one if left out")
    parser.add_argument("--only", default="", help="works with these words in their names; no page is written")
    options = parser.parse_args()
    tables: dict[str, list[Row]] = {
        name: []
        for name in ("writing", "reading", "rights", "rivals", "readers")
        if name != "rights" or not os.getuid()
    }
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # for a user who is not root
        chosen = [name for name in WORKS if options.only in name]
        for table, row in trouble_works(folder, chosen, options.most, options.full):
            tables[table].append(row)
        chosen = [name for name in RIVALRIES if options.only in name]
        tables["rivals"] += trouble_writers(folder, chosen, options.most, options.races)
        if options.seconds:
            tables["readers"] += trouble_readers(folder, options.seconds)
    rows = [row for table in tables.values() for row in table]
    wrong = [text for row in rows for text in row.wrong]
    runs = sum(row.runs for row in rows)
    page = PAGE.format(
        **{name: "\n".join(map(str, table)) for name, table in tables.items()},
        most=_said(options.most),
        full=_said(options.full),
        small=f"a {options.most}th of the largest file",
        options=options,
        races=options.races,
        seconds=f"{options.seconds:g}",
        runs=runs,
        wrong=len(wrong),
        day=time.strftime("%Y-%m-%d"),
        system=platform.system(),
        python=platform.python_version(),
    )
    if not options.only:
        Path(__file__).with_name("FAULTS.md").write_text(page, encoding="utf-8")
    print(f"{runs:,} runs, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
