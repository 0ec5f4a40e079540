"""Running the command line, and a small cache to run it on."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

import tilepack
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack_cli.main import app

TILES = [(0, 0, 0), (1, 0, 0), (1, 0, 1), (4, 5, 6), (4, 5, 7), (4, 6, 6), (9, 127, 200), (9, 128, 200)]
"""Level, row, column: 8 tiles in 5 bundles on 4 levels."""


def run(*words: object, width: int = 80):
    """Run a command in this process."""
    return CliRunner().invoke(
        app, [str(word) for word in words], prog_name="tilepack", env={"COLUMNS": str(width), "TERM": "dumb"}
    )


def start(*words: object, **options: object) -> subprocess.Popen[bytes]:
    """Start a command as a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "tilepack_cli", *map(str, words)], env=environment(), **options)


_SLOWLY = """
import signal, sys, time
from tilepack_cli import main, progress

moved = progress.Moving.moved

def moved_slowly(self, tiles, data):
    time.sleep(0.3)
    moved(self, tiles, data)

progress.Moving.moved = moved_slowly
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "tilepack"
main.main()
"""


_HEEDING = """
import signal, sys
from tilepack_cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "tilepack"
main.main()
"""


def start_heeding(*words: object) -> subprocess.Popen[bytes]:
    """Start a command that heeds Ctrl-C, though the tests may run in the background."""
    return subprocess.Popen(
        [sys.executable, "-c", _HEEDING, *map(str, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def start_slowly(*words: object) -> subprocess.Popen[bytes]:
    """Start a command that takes a third of a second for every 64 tiles, and heeds Ctrl-C.

    However quick the machine is or busy, the work is not over when a signal comes; and processes started in the
    background, which shells let ignore Ctrl-C, may run the tests.
    """
    return subprocess.Popen(
        [sys.executable, "-c", _SLOWLY, *map(str, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run_apart(*words: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a process of its own."""
    process = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def run_on_terminal(*words: object) -> bytes:
    """Run a command whose stderr is a terminal, and give what it draws there; POSIX alone has such."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tilepack_cli", *map(str, words)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment(TERM="xterm"), check=True)
    os.write(theirs, b"the end")
    drawn = b""
    while not drawn.endswith(b"the end"):
        drawn += os.read(ours, 65536)
    os.close(theirs)
    os.close(ours)
    return drawn.removesuffix(b"the end")


def environment(**more: str) -> dict[str, str]:
    """Give an environment in which output does not depend on who runs the tests."""
    wanted = {"COLUMNS": "80", "PYTHONUTF8": "1", **more}
    unwanted = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | wanted


def read_tiles(path: Path) -> dict[tuple[int, int, int], bytes | None]:
    """Give every tile of a cache by level, row and column."""
    with tilepack.open(path) as cache:
        return {tuple(tile): cache.read(tile) for tile, _ in tilepack.list_tiles(cache)}


def draw_tile(level: int, row: int, column: int) -> bytes:
    """Draw a tile that is like no other."""
    out = io.BytesIO()
    Image.new("RGB", (256, 256), (20 * level, row % 256, column % 256)).save(out, "PNG")
    return out.getvalue()


def write_exploded(folder: Path, tiles: dict[tuple[int, int, int], bytes]) -> Path:
    """Write an exploded cache file by file."""
    info = tilepack.CacheInfo(
        name=folder.name,
        scheme=arcgis_online_scheme(),
        storage_format=tilepack.StorageFormat.EXPLODED,
        tile_format=tilepack.TileFormat.PNG,
    )
    folder.mkdir(parents=True)
    (folder / "conf.xml").write_bytes(format_conf_xml(info))
    for (level, row, column), data in tiles.items():
        place = folder / "_alllayers" / f"L{level:02d}" / f"R{row:08x}" / f"C{column:08x}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder
