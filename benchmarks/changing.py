"""What a nightly import costs in which nothing is new: a thousand bundles, against walking through their folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from caches import write_cache
from measure import Row

import tilepack

_WALK = """
import os, sys, time

def walk(folder):
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            found += walk(entry.path) if entry.is_dir() else entry.stat().st_size
    return found

def seconds():
    begun = time.perf_counter()
    walk(sys.argv[1])
    return time.perf_counter() - begun

print(min(seconds() for _ in range(5)))
"""
"""The floor: names, sizes and times of everything in the source."""

_CHANGED = """
import io, sys, time
from contextlib import redirect_stdout
from tilepack_cli.main import app

def seconds(source):
    begun = time.perf_counter()
    with redirect_stdout(io.StringIO()) as told:
        app(["import", source, source + "_below", "--changed"], standalone_mode=False)
    spent = time.perf_counter() - begun
    assert "no bundle was opened" in told.getvalue(), told.getvalue()
    return spent

many, one = sys.argv[1:]
seconds(one)
turns = [(seconds(many), seconds(one)) for _ in range(5)]
print(min(turn[0] for turn in turns) - min(turn[1] for turn in turns))
"""


def unchanged(folder: Path, rounds: int) -> list[Row]:
    """Measure an ``import --changed`` of 1,000 bundles of which none changed against a walk that asks for each size.

    Each runs in a process of its own, which does it five times and tells the shortest: a few milliseconds are left of
    ours when the time that the same takes on one bundle is taken off. The target is as large as the source, and is not
    walked through.
    """
    many, one = folder / "thousand", folder / "single"
    for cache, bundles in ((many, 1000), (one, 1)):
        below = cache.with_name(f"{cache.name}_below")
        write_cache(cache, bundles=bundles, tiles=500, mean=200)
        write_cache(below, bundles=bundles, tiles=500, mean=200)
        tilepack.import_cache(cache, below, only_changed=True)
    row = Row("import --changed, 1,000 bundles, none new, start-up subtracted", "os.scandir with sizes", 3)

    def told(script: str) -> float:
        words = [sys.executable, "-c", script, many, one]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    for _ in range(max(rounds, 15)):
        row.ratios.append(told(_CHANGED) / told(_WALK))
    return [row]
