"""What a status costs: counting a thousand bundles, with and without rows, against reading their indexes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from caches import LEVEL, write_cache
from measure import Row
from starting import INDEX_LOOP

from tilepack.keys import TileRange
from tilepack.metadata.standard import arcgis_online_scheme

_STATUS = """
import io, sys, time
from contextlib import redirect_stdout
from tilepack_cli.main import app

def seconds(cache):
    begun = time.perf_counter()
    with redirect_stdout(io.StringIO()):
        app(["status", "show", "--json", *words, cache], standalone_mode=False)
    return time.perf_counter() - begun

many, one, *words = sys.argv[1:]
seconds(one)
start_up = min(seconds(one) for _ in range(3))
print(seconds(many) - start_up)
"""

_ROWS = """
import sys, time
import tilepack

def seconds(cache):
    begun = time.perf_counter()
    tilepack.status_of(cache, extent=tuple(map(float, extent.split(","))))
    return time.perf_counter() - begun

many, one, _, extent = sys.argv[1:]
seconds(one)
start_up = min(seconds(one) for _ in range(3))
print(seconds(many) - start_up)
"""


def status(folder: Path, rounds: int) -> list[Row]:
    """Measure a status of 1,000 bundles, by levels and with a row for each bundle, against reading their indexes.

    Each runs in a process of its own, which times the work itself; the time that the same takes on one bundle is
    taken off. The extent holds all bundles, as a cache's own would.
    """
    many, one = folder / "thousand", folder / "single"
    write_cache(many, bundles=1000, tiles=500, mean=200)
    write_cache(one, bundles=1, tiles=500, mean=200)
    every = TileRange(level=LEVEL, row_start=0, row_stop=4096, column_start=0, column_stop=4096)
    extent = ",".join(map(repr, arcgis_online_scheme().range_extent(every).as_tuple()))
    shown = Row("status show --json, 1,000 bundles, start-up subtracted", "np.fromfile of each index", 2)
    rows = Row("status_of with rows, 1,000 bundles, start-up subtracted", "np.fromfile of each index", 2)

    def told(script: str) -> float:
        words = [sys.executable, "-c", script, many, one, "--extent", extent]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    for _ in range(max(rounds, 15)):
        floor = told(INDEX_LOOP)
        shown.ratios.append(told(_STATUS) / floor)
        rows.ratios.append(told(_ROWS) / floor)
    return [shown, rows]
