"""How quickly the command line answers: ``--help``, and ``info`` over a thousand bundles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from caches import write_cache
from measure import Row, run, timed

_TYPER = """
import typer
app = typer.Typer()

@app.command()
def one(path: str, deep: bool = False) -> None:
    "Do one thing."

@app.command()
def two(path: str, jobs: int = 1) -> None:
    "Do another thing."

@app.command()
def three(path: str, name: str = "") -> None:
    "Do a third thing."

app()
"""

INDEX_LOOP = """
import sys, time, numpy
from pathlib import Path
paths = sorted(Path(sys.argv[1]).glob("_alllayers/*/*.bundle"))
begun = time.perf_counter()
for path in paths:
    numpy.fromfile(path, "<u8", 16384, offset=64)
print(time.perf_counter() - begun)
"""
"""The floor of whatever looks at indexes alone."""

_INFO = """
import io, sys, time
from contextlib import redirect_stdout
from tilepack_cli.main import app

def seconds(cache):
    begun = time.perf_counter()
    with redirect_stdout(io.StringIO()):
        app(["info", "--json", "--sample", "0", cache], standalone_mode=False)
    return time.perf_counter() - begun

many, one = sys.argv[1:]
seconds(one)
start_up = seconds(one)
print(seconds(many) - start_up)
"""


def help_text(folder: Path, rounds: int) -> list[Row]:
    """Measure ``tilepack --help`` against a three-command Typer app, and against starting Python."""
    script = folder / "typer_app.py"
    script.write_text(_TYPER)
    rows = [
        Row("tilepack --help", "--help of a three-command Typer app", 1.3),
        Row("tilepack --help", "python -c pass", 12),
    ]
    for _ in range(max(rounds, 15)):
        bare = timed(lambda: run(sys.executable, "-c", "pass"))
        typer = timed(lambda: run(sys.executable, script, "--help"))
        ours = timed(lambda: run(sys.executable, "-m", "tilepack_cli", "--help"))
        rows[0].ratios.append(ours / typer)
        rows[1].ratios.append(ours / bare)
    return rows


def info(folder: Path, rounds: int) -> list[Row]:
    """Measure ``info --json`` without sniffing on 1,000 bundles against reading their indexes.

    Each runs in a process of its own, which times the work itself. From ours the time of the same command on a cache of
    one bundle is taken, after a first one that imports everything: what is left are the bundles.
    """
    many, one = folder / "thousand", folder / "single"
    write_cache(many, bundles=1000, tiles=500, mean=200)
    write_cache(one, bundles=1, tiles=500, mean=200)
    row = Row("info --json, 1,000 bundles, start-up subtracted", "np.fromfile of each index", 2)

    def told(script: str) -> float:
        done = subprocess.run([sys.executable, "-c", script, many, one], check=True, capture_output=True, text=True)
        return float(done.stdout)

    for _ in range(max(rounds, 15)):
        row.ratios.append(told(_INFO) / told(INDEX_LOOP))
    return [row]
