"""Caches to be worked on, the process that does it and lets things befall it, and a look at what there is then."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

from caches import ready_files, write_files, write_v1, write_v2
from export_caches import WORLD, scheme_of
from layouts import LAYOUTS
from PIL import Image
from steps import NOTHING, Fault

import tilepack
from tilepack.keys import TileKey
from tilepack.scheme import TilingScheme

SIDE = 64
WEB = ("web.mbtiles", "web.pmtiles", "web.zip", "xyz")
"""Targets of web tiles."""


def side_of(target: str) -> int:
    """Give the pixels of a tile's side: web tiles have 256 at least."""
    return 256 if target in WEB else SIDE


def scheme_for(side: int) -> TilingScheme:
    """Give the grid; level 0 has 256 x 256 tiles, and so four bundles."""
    return scheme_of(3857, (-WORLD, WORLD), 2 * WORLD / side / 256, side)


SCHEME = scheme_for(SIDE)

Tiles = dict[TileKey, bytes]
Tree = dict[str, bytes | None]
"""Every file's bytes by its path, None for folders."""


FORMATS = {**dict(LAYOUTS.values()), **{name: "xyz" if name == "xyz" else None for name in WEB}}

# Pictures


def blocks(key: object, opacities: tuple[int, ...], side: int) -> Image.Image:
    noise = random.Random(str(key))
    image = Image.frombytes("RGBA", (4, 4), noise.randbytes(64))
    image.putalpha(Image.frombytes("L", (4, 4), bytes(noise.choice(opacities) for _ in range(16))))
    return image.resize((side, side), Image.Resampling.NEAREST)


def glass(tile: TileKey, name: str, side: int = SIDE) -> bytes:
    """Draw a PNG that one can partly see through: laid over a tile twice, it gives other pixels than once."""
    out = io.BytesIO()
    blocks((*tile, name), (0, 90, 160, 255), side).save(out, "PNG")
    return out.getvalue()


def photo(tile: TileKey, name: str, side: int = SIDE) -> bytes:
    out = io.BytesIO()
    blocks((*tile, name), (255,), side).convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def square(level: int, row: int, column: int, side: int = 2) -> list[TileKey]:
    return [TileKey(level, row + down, column + right) for down in range(side) for right in range(side)]


def old_tiles(side: int = SIDE) -> Tiles:
    """Give a cache's tiles: to be blended with, to be taken the place of, to stay, and one bundle to be deleted."""
    tiles = {tile: glass(tile, "old", side) for tile in square(0, 10, 10)}
    tiles |= {tile: photo(tile, "old", side) for tile in square(0, 10, 200)}
    tiles |= {tile: photo(tile, "old", side) for tile in square(1, 3, 3)}
    return tiles | {tile: glass(tile, "old", side) for tile in square(1, 300, 300, 1)}


def new_tiles(side: int = SIDE) -> Tiles:
    """Give what is imported: over the first two bundles, into a new one, and into a new level."""
    tiles = {tile: glass(tile, "new", side) for tile in [*square(0, 11, 11), *square(0, 10, 200)]}
    tiles |= {tile: glass(tile, "new", side) for tile in square(0, 200, 10)}
    tiles |= {tile: photo(tile, "new", side) for tile in square(1, 3, 4, 1)}
    return tiles | {tile: glass(tile, "new", side) for tile in square(2, 5, 5)}


# Processes


class Ending(NamedTuple):
    """How a run ended."""

    code: int | None
    """-9 when it was killed; None when it was stopped, and waits to go on."""
    steps: int
    """Number of its steps; 0 when it was killed."""
    writes: list[int]
    """Which of them wrote bytes."""
    said: str

    @property
    def was_killed(self) -> bool:
        return self.code == -9


class Doomed:
    """The process that runs commands which things befall."""

    def __init__(self) -> None:
        command = [sys.executable, Path(__file__).with_name("doomed.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loaded: set[str] = set()
        """Works that it has done once, so that nothing they use is loaded any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(
        self, *words: object, fault: Fault = NOTHING, after: float | None = None, user: int | None = None
    ) -> Ending:
        """Run a command, and let something befall it at a step, or kill it after some seconds.

        Args:
            *words: The command.
            fault: What befalls it; at step 0, it is run to be warm from then on.
            after: Seconds after which it is killed.
            user: Number of the user who runs it.
        """
        self.begin(*words, fault=fault, after=after, user=user)
        return self.end()

    def begin(self, *words: object, fault: Fault = NOTHING, **how: float | None) -> None:
        """Begin a run, and do not wait for it."""
        self._order({"after": None, "user": None, "words": [*map(str, words)], "fault": fault, **how})

    def go_on(self) -> Ending:
        """Let a run that was stopped go on to its end."""
        self._order({"words": None})
        return self.end()

    def end(self) -> Ending:
        """Wait until a run has ended, or was stopped."""
        assert self._process.stdout
        return Ending(**json.loads(self._process.stdout.readline()))

    def _order(self, order: dict[str, object]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()


# What is there


def read_tiles(path: Path) -> Tiles:
    with tilepack.open(path) as cache:
        return {
            tile: data
            for level in cache.levels()
            for bundle in cache.bundles(level)
            for tile, data in cache.tiles(bundle)
        }


def tree_of(folder: Path) -> Tree:
    """Give every file's bytes; of geodatabases, in which GDAL writes the time, what they say."""
    found: Tree = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if name.rpartition("/")[2].endswith(".gdb"):
            found[name] = repr(read_status(path)).encode()
        elif ".gdb/" not in name:
            found[name] = None if path.is_dir() else path.read_bytes()
    return found


def read_status(path: Path) -> dict[str, list[Any]]:
    """Read the rows of the Status.gdb in a folder, or of one itself; of a stranger's or half of one, its files."""
    place = path if path.suffix == ".gdb" else path / "Status.gdb"
    if not place.exists():
        return {}
    from pyogrio import list_layers, raw

    rows = {}
    try:
        for name in list_layers(place)[:, 0]:
            meta, _, shapes, values = raw.read(place, layer=name)
            columns = [column.astype(str).tolist() for column in values]
            rows[str(name)] = [list(meta["fields"]), [] if shapes is None else list(shapes), columns]
    except RuntimeError:
        return {file.name: [file.read_bytes()] for file in sorted(place.iterdir())}
    return rows


def write_target(place: Path) -> None:
    """Write a cache to import into, as others would write it; of packages, as tilepack does."""
    side = side_of(place.name)
    tiles, scheme = old_tiles(side), scheme_for(side)
    if place.name == "v1":
        write_v1(place, scheme, tiles)
    elif place.name == "v2":
        write_v2(place, scheme, tiles)
    elif place.name == "served":
        write_files(place, ready_files(scheme, tiles))
    else:
        plain = place.with_name("plain")
        write_v2(plain, scheme, tiles)
        storage_format = FORMATS[place.name]
        tilepack.convert(plain, place, storage_format=storage_format)
        shutil.rmtree(plain)
