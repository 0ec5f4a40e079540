"""Gives tilepack a million inputs that nobody would write, and writes FUZZ.md: ``python benchmarks/fuzz.py``.

Atheris (``pip install tilepack[fuzz]``, Linux and macOS) changes sound inputs byte by byte and keeps what reaches code
that was not reached before; tests/fuzz holds the table of targets and the rules. What breaks a rule is written below
the folder of ``--finds``, once for each place in the code, and the rest of the inputs follow. Each target runs in a
process of its own::

    python benchmarks/fuzz.py --runs 1000000               # all targets, as many inputs in all
    python benchmarks/fuzz.py --target journal --runs 50000
    python benchmarks/fuzz.py --target package --minutes 5
    python benchmarks/fuzz.py --target package --again finds/package-1a2b3c   # one input, no atheris needed
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import itertools
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("", "cli", "fixtures", "tests", "tests/fuzz", "tests/hostile", "tests/metadata", "tests/transfer")
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]

PAGE = """# Fuzzing

`python benchmarks/fuzz.py --runs {runs}` gives every parser, and all that is done with a small cache, inputs that
nobody would write, guided by what they reach (atheris {atheris}), and writes this page. {day}, {system}, {cores} cores,
Python {python}. All in all {inputs:,} inputs in {minutes:.0f} minutes, other work going on beside.

The seeds are sound documents, bundles, packages and tiles: made in code, the fixtures', and{samples} those of real
caches. An input is held to these rules (tests/fuzz/fuzz_watch.py): it is taken, or ends in one sentence of a
`TilepackError`; within 2 s of processor time; within 500 MB of address space more than before; no file is opened for
writing, named, linked or removed outside its own folder, none read in a neighbour's, no connection or process begun, no
file left open; and what its target promises beyond that: what was read can be written and read again, tiles share no
bytes, verify finds what cannot be read, a converted cache has the same tiles. *Edges* is how much of tilepack's code
the inputs of a target reached, in atheris' own count; *kept* how many inputs reached something new. *Found* counts
places in the code where a rule was broken in this run; what earlier runs found is mended, and in
tests/fuzz/test_fuzz_finds.py.

| target | inputs | seconds | inputs/s | edges | kept | found |
|---|---|---|---|---|---|---|
"""
RENEWED = 100
"""Inputs after which the limit of memory is counted from what the process has by then: atheris 3.0 keeps the result of
each comparison of arrays, 16 kB for a bundle's index, and that is nothing of the inputs'."""

_DONE = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: \d+ corp: (\d+)/")


@dataclass(slots=True)
class Tally:
    """What came of the inputs of one target."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    edges: int = 0
    kept: int = 0
    finds: list[str] = field(default_factory=list)

    def row(self) -> str:
        """Give a line of the table."""
        speed = self.inputs / self.seconds if self.seconds else 0
        figures = f"{self.inputs:,} | {self.seconds:,.0f} | {speed:,.0f} | {self.edges:,} | {self.kept:,}"
        return f"| {self.name} | {figures} | {len(self.finds)} |"


# In the process of one target


def place_of(error: BaseException) -> str:
    """Name the kind of an error, and the last place in tilepack's code, or else in the target's, that it came by."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}tilepack{os.sep}" in frame.filename] or frames
    return f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name}"


class Finds:
    """Files of inputs that broke a rule: one for each place."""

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder
        self._target = re.sub(r"\W+", "-", target)
        self._places: set[str] = set()

    def add(self, data: bytes, error: BaseException) -> None:
        """Keep an input, unless another one was found in the same place."""
        place = place_of(error)
        if type(error).__name__ == "Breach":
            place += f": {str(error).split(':')[0]}"
        if place in self._places:
            return
        self._places.add(place)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._target}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        path.write_bytes(data)
        said = "".join(traceback.format_exception(error))
        path.with_suffix(".txt").write_text(f"{place}\n{said}", encoding="utf-8", errors="backslashreplace")
        print(f"FOUND {path.name}: {place}: {error}".encode("ascii", "backslashreplace").decode()[:400], flush=True)


def instrumented(*, is_asked: bool) -> object:
    """Count which parts of tilepack are reached, of what is imported inside."""
    if not is_asked:
        return nullcontext()
    import atheris

    return atheris.instrument_imports(include=["tilepack"], enable_loader_override=False)


def child(options: argparse.Namespace, scratch: Path) -> None:
    """Fuzz one target in this process, which ends with it."""
    with instrumented(is_asked=options.again is None):
        from fuzz_target import World
        from fuzz_targets import BY_NAME
        from fuzz_watch import limit_memory, run_watched
        from hostile_mutations import mutate
    os.fsync = lambda _: None  # nothing here has to survive a power failure
    sys.modules["tilepack.disk.durable"]._sync_file_system = lambda _: True  # noqa: SLF001
    warnings.simplefilter("error")
    target = BY_NAME[options.target]
    world = World(scratch)
    tempfile.tempdir = str(world.own)
    if options.again is not None:
        run_watched(target, options.again.read_bytes(), world)
        return
    import atheris

    corpus = target.corpus()
    for seed in corpus:  # what is imported late is imported now
        run_watched(target, seed, world)
    donors = [*target.words, *filter(None, corpus)]
    finds = Finds(options.finds, target.name)

    count = itertools.count()

    def take(data: bytes) -> None:
        if next(count) % RENEWED == 0:
            gc.collect()
            limit_memory()
        try:
            run_watched(target, data, world)
        except Exception as error:  # noqa: BLE001  each is a find
            finds.add(data, error)

    def change(data: bytes, longest: int, seed: int) -> bytes:
        choose = random.Random(seed)  # noqa: S311  no secret
        if choose.random() < 0.5:
            return atheris.Mutate(data, longest)
        return mutate(data, choose, donors)[:longest]

    folder = scratch / "corpus"
    folder.mkdir()
    for number, seed in enumerate(corpus):
        (folder / f"{number:04}").write_bytes(seed)
    flags = [f"-runs={options.runs}", f"-max_len={target.longest}", f"-seed={options.seed}", "-timeout=30"]
    flags += ["-rss_limit_mb=0", "-malloc_limit_mb=0", "-print_final_stats=0", "-len_control=0", "-reload=0"]
    flags += [f"-max_total_time={int(options.minutes * 60)}"] if options.minutes else []
    flags += [f"-artifact_prefix={options.finds}/{re.sub(r'[^a-z0-9]+', '-', target.name.lower())}-"]
    atheris.Setup([sys.argv[0], *flags, str(folder)], take, custom_mutator=change)
    atheris.Fuzz()


# In the process that starts the others


def fuzz(name: str, runs: int, options: argparse.Namespace, say: Callable[[str], None]) -> Tally:
    """Fuzz one target in a process of its own."""
    words = [sys.executable, __file__, "--child", "--target", name, "--runs", str(runs), "--seed", str(options.seed)]
    words += ["--finds", str(options.finds.absolute())] + (
        ["--minutes", str(options.minutes)] if options.minutes else []
    )
    tally, begun = Tally(name), time.monotonic()
    # Each thread of a process reserves address space of its own otherwise, and there is a limit to it here.
    settings = os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        settings["TMPDIR"] = folder
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=settings
        ) as process:
            last: list[str] = []
            for line in process.stdout or ():
                last = [*last[-30:], line]
                if found := _DONE.match(line):
                    tally.inputs, tally.edges, tally.kept = (int(number) for number in found.groups())
                elif line.startswith("FOUND"):
                    tally.finds.append(line.strip())
                    say(line.strip())
    tally.seconds = time.monotonic() - begun
    if process.returncode:  # a hang, or a crash of a library
        tally.finds.append(f"the process ended with {process.returncode}")
        say(f"{name}: {tally.finds[-1]}\n{''.join(last)}")
    return tally


def shares(names: Iterable[str], runs: int) -> dict[str, int]:
    """Split a number of inputs among targets."""
    from fuzz_targets import BY_NAME

    chosen = [BY_NAME[name] for name in names]
    whole = sum(target.share for target in chosen)
    return {target.name: max(1, -(-runs * target.share // whole)) for target in chosen}


def write_page(tallies: list[Tally], runs: int) -> None:
    """Write FUZZ.md."""
    from importlib.metadata import version

    from fuzz_target import SAMPLES

    page = PAGE.format(
        runs=runs,
        atheris=version("atheris"),
        day=time.strftime("%Y-%m-%d"),
        system=platform.system(),
        cores=os.cpu_count(),
        python=platform.python_version(),
        inputs=sum(tally.inputs for tally in tallies),
        minutes=sum(tally.seconds for tally in tallies) / 60,
        samples="" if SAMPLES else " not",
    )
    rows = "\n".join(tally.row() for tally in tallies)
    place = Path(__file__).with_name("FUZZ.md")
    before = place.read_text("utf-8") if place.exists() else ""
    kept = "".join(before.partition("\n## ")[1:])  # what people wrote below
    place.write_text(f"{page}{rows}\n{kept}", encoding="utf-8")


def main() -> None:
    """Fuzz, and write the page where all targets were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs in all")
    parser.add_argument("--target", action="append", help="only this one; may be repeated")
    parser.add_argument("--minutes", type=float, help="for each target at most")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--finds", type=Path, default=Path("finds"), help="folder for inputs that break a rule")
    parser.add_argument("--folder", type=Path, help="where the inputs' folders are made; best one in memory")
    parser.add_argument("--again", type=Path, help="give one input to the one target that is named, and nothing else")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child or options.again:
        [options.target] = options.target
        options.finds.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            child(options, Path(scratch).resolve())
        return
    from fuzz_targets import TARGETS

    names = options.target or [target.name for target in TARGETS]
    tallies = []
    for name, runs in shares(names, options.runs).items():
        tallies.append(fuzz(name, runs, options, lambda text: print(text, flush=True)))
        print(tallies[-1].row(), flush=True)
    if not options.target and not options.minutes:
        write_page(tallies, options.runs)
    found = sum(len(tally.finds) for tally in tallies)
    print(f"{sum(tally.inputs for tally in tallies):,} inputs, {found} found")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
