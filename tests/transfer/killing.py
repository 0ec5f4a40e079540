"""Works that are killed, and what has to be true afterwards: nothing is ever half, and the same again finishes it."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from caches import by_bundle, ready_files, write_files, write_v1, write_v2
from export_caches import WORLD, scheme_of
from layouts import LAYOUTS
from PIL import Image

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

    code: int
    """-9 when it was killed."""
    steps: int
    """Number of its steps; 0 when it was killed."""
    writes: list[int]
    """Which of them wrote bytes."""
    said: str

    @property
    def was_killed(self) -> bool:
        return self.code == -9


class Doomed:
    """The process that runs commands which are killed."""

    def __init__(self) -> None:
        command = [sys.executable, Path(__file__).with_name("doomed.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loaded: set[str] = set()
        """Commands that it has run once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(
        self, *words: object, step: int | None = None, half: bool = False, after: float | None = None, jobs: int = 1
    ) -> Ending:
        """Run a command, and kill it in front of a step or after some seconds."""
        order = {
            "words": [*map(str, words), "-q", "--jobs", str(jobs)],
            "step": step,
            "half": half,
            "after": after,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ending(**json.loads(self._process.stdout.readline()))


# Works


@dataclass(frozen=True, slots=True)
class Work:
    """A command, what its target was before it and has to be after it."""

    name: str
    words: tuple[str, ...]
    target: str
    folder: Path
    """Where runs take place: the target is beside nothing else."""
    before: Path
    """The folder as it was, to be copied."""
    source: Path
    old: Tiles
    new: Tiles
    tree: Tree
    """All of the folder after a run that nobody disturbed."""
    steps: int
    """Number of steps of such a run."""
    writes: tuple[int, ...]
    """Which of them write bytes."""

    @property
    def place(self) -> Path:
        return self.folder / self.target

    def begin(self) -> None:
        """Let the folder be as it was."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.before, self.folder)

    def run(self, doomed: Doomed, **how: object) -> Ending:
        return doomed.run(self.words[0], self.source, self.place, *self.words[1:], **how)

    def check_nothing_half(self) -> None:
        """See that the target opens, and that every bundle is the old or the new one."""
        if not self.place.exists():
            assert not self.old, "the target is gone"
            return
        # A tile that was JPEG and becomes PNG is there twice for a moment; readers go by the journal.
        excused = {"tile-twice"} if "exploded" in self.target else set()
        errors = [finding for finding in tilepack.verify(self.place, deep=True).errors if finding.code not in excused]
        assert not errors, errors[0]
        found = read_tiles(self.place)
        assert found.keys() <= self.old.keys() | self.new.keys()
        if not self.old:
            assert found == self.new
        elif self.place.is_file():
            assert found in (self.old, self.new)
        for bundle in by_bundle(self.old | self.new):
            window = {tile for tile in self.old | self.new if tile.bundle == bundle}
            now, old, new = ({tile: tiles.get(tile) for tile in window} for tiles in (found, self.old, self.new))
            if self.target in ("exploded", "xyz"):  # bundles are no files there
                assert all(now[tile] in (old[tile], new[tile]) for tile in window), bundle
            else:
                assert now in (old, new), bundle

    def is_over(self) -> bool:
        """Tell whether all is done but for the lock's end: the journal is gone, and the same again is a new run."""
        tree = tree_of(self.folder)
        return {path: data for path, data in tree.items() if not path.endswith(".lock")} == self.tree

    def finish(self, doomed: Doomed, **how: object) -> None:
        """See that the same again gives what a run gives that nobody disturbed, to the byte."""
        if self.is_over():
            return
        end = self.run(doomed, **how)
        assert end.code == 0, end.said
        assert tree_of(self.folder) == self.tree


def read_tiles(path: Path) -> Tiles:
    with tilepack.open(path) as cache:
        return {
            tile: data
            for level in cache.levels()
            for bundle in cache.bundles(level)
            for tile, data in cache.tiles(bundle)
        }


def tree_of(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")
    }


WORKS: Mapping[str, tuple[str, ...]] = {
    "import into COMPACT": ("import", "v1"),
    "import into COMPACT, OVERWRITE": ("import", "v1", "--overwrite", "--delete-missing"),
    "import into COMPACT_V2": ("import", "v2"),
    "import into COMPACT_V2, OVERWRITE": ("import", "v2", "--overwrite", "--delete-missing"),
    "import into EXPLODED": ("import", "exploded"),
    "import into EXPLODED, OVERWRITE": ("import", "exploded", "--overwrite", "--delete-missing"),
    "import into a folder ready to serve": ("import", "served", "--title", "Glass", "--tags", "a,b"),
    "import of descriptions and a level": ("import", "served", "--levels", "1", "--title", "Glass", "--tags", "a,b"),
    "import into .tpk": ("import", "cache.tpk", "--title", "Glass"),
    "import into .tpkx": ("import", "cache.tpkx"),
    "import into .tpkx, OVERWRITE": ("import", "cache.tpkx", "--overwrite", "--delete-missing"),
    "export to COMPACT": ("export", "v1"),
    "export to COMPACT_V2": ("export", "v2"),
    "export to EXPLODED": ("export", "exploded"),
    "export to .tpk": ("export", "cache.tpk"),
    "export to .tpkx": ("export", "cache.tpkx"),
    **{f"import into {name}": ("import", name) for name in WEB},
    **{f"export to {name}": ("export", name) for name in WEB},
}
"""Command, target, and options, by what is done."""

AREA = "SRID=3857;POLYGON((-195e5 195e5, 19e6 19e6, 4e6 4e6, -19e6 -19e6, -195e5 195e5))"


def prepare(name: str, folder: Path, doomed: Doomed) -> Work:
    """Make source and target of a work, below a folder that is its own, and run it once to see what has to be."""
    command, target, *options = WORKS[name]
    source, before, place = folder / "source/Glass", folder / "before", folder / "targets"
    side = side_of(target)
    write_v2(source, scheme_for(side), new_tiles(side), tile_format=tilepack.TileFormat.PNG32)
    before.mkdir()
    if command == "import":
        write_target(before / target)
    else:
        storage_format = FORMATS[target]
        options += ["--storage-format", storage_format] if storage_format else []
        options += ["--aoi", AREA]
    old = read_tiles(before / target) if command == "import" else {}
    work = Work(name, (command, *options), target, place, before, source, old, {}, {}, 0, ())
    if command not in doomed.loaded:
        work.begin()
        assert work.run(doomed, step=0).code == 0
        doomed.loaded.add(command)
    work.begin()
    end = work.run(doomed)
    assert end.code == 0, end.said
    assert end.steps
    new, tree = read_tiles(work.place), tree_of(place)
    return Work(name, work.words, target, place, before, source, old, new, tree, end.steps, tuple(end.writes))


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
