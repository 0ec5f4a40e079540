"""Works that are killed, and what has to be true afterwards: nothing is ever half, and the same again finishes it."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from caches import by_bundle, ready_files, write_files, write_v1, write_v2
from export_caches import WORLD, scheme_of
from layouts import LAYOUTS
from PIL import Image
from steps import DENIED, FULL, NOTHING, SMALL, UNREAD, Fault, change_rights

import tilepack
from tilepack.disk.journal import PARTIAL
from tilepack.keys import TileKey

SIDE = 64
SCHEME = scheme_of(3857, (-WORLD, WORLD), 2 * WORLD / SIDE / 256, SIDE)
"""Level 0 has 256 x 256 tiles, and so four bundles."""

Tiles = dict[TileKey, bytes]
Tree = dict[str, bytes | None]
"""Every file's bytes by its path, None for folders."""


# Pictures


def blocks(key: object, opacities: tuple[int, ...]) -> Image.Image:
    noise = random.Random(str(key))
    image = Image.frombytes("RGBA", (4, 4), noise.randbytes(64))
    image.putalpha(Image.frombytes("L", (4, 4), bytes(noise.choice(opacities) for _ in range(16))))
    return image.resize((SIDE, SIDE), Image.Resampling.NEAREST)


def glass(tile: TileKey, name: str) -> bytes:
    """Draw a PNG that one can partly see through: laid over a tile twice, it gives other pixels than once."""
    out = io.BytesIO()
    blocks((*tile, name), (0, 90, 160, 255)).save(out, "PNG")
    return out.getvalue()


def photo(tile: TileKey, name: str) -> bytes:
    out = io.BytesIO()
    blocks((*tile, name), (255,)).convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def square(level: int, row: int, column: int, side: int = 2) -> list[TileKey]:
    return [TileKey(level, row + down, column + right) for down in range(side) for right in range(side)]


def old_tiles() -> Tiles:
    """Give a cache's tiles: to be blended with, to be taken the place of, to stay, and one bundle to be deleted."""
    tiles = {tile: glass(tile, "old") for tile in square(0, 10, 10)}
    tiles |= {tile: photo(tile, "old") for tile in square(0, 10, 200)}
    tiles |= {tile: photo(tile, "old") for tile in square(1, 3, 3)}
    return tiles | {tile: glass(tile, "old") for tile in square(1, 300, 300, 1)}


def new_tiles() -> Tiles:
    """Give what is imported: over the first two bundles, into a new one, and into a new level."""
    tiles = {tile: glass(tile, "new") for tile in [*square(0, 11, 11), *square(0, 10, 200)]}
    tiles |= {tile: glass(tile, "new") for tile in square(0, 200, 10)}
    tiles |= {tile: photo(tile, "new") for tile in square(1, 3, 4, 1)}
    return tiles | {tile: glass(tile, "new") for tile in square(2, 5, 5)}


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


# Works

_WITH_JOBS = ("import", "export", "convert", "delete", "compact", "repair")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A command, what its target was before it and has to be after it."""

    name: str
    words: tuple[str, ...]
    """With ``{source}`` and ``{target}`` where those stand."""
    target: str
    unit: str
    """What is replaced in one step: ``bundle``, ``tile``, ``whole``, ``status``."""
    folder: Path
    """Where runs take place: the target is beside nothing else."""
    before: Path
    """The folder as it was, to be copied."""
    source: Path
    excused: frozenset[str] = frozenset()
    """What verify may find, and found before or after an undisturbed run."""
    old: Tiles = field(default_factory=dict)
    new: Tiles = field(default_factory=dict)
    tree: Tree = field(default_factory=dict)
    """All of the folder after a run that nobody disturbed."""
    steps: int = 0
    """Number of steps of such a run."""
    writes: tuple[int, ...] = ()
    """Which of them write bytes."""

    @property
    def place(self) -> Path:
        return self.folder / self.target

    @property
    def command(self) -> str:
        return self.words[0]

    def begin(self, owner: int | None = None) -> None:
        """Let the folder be as it was."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.before, self.folder)
        if owner is not None:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, owner, owner)

    def run(self, doomed: Doomed, kind: str = "kill", step: int | None = None, *, jobs: int = 1, **how: Any) -> Ending:
        """Run it, and let something befall it at a step; None lets it count them alone."""
        words = [word.format(source=self.source, target=self.place) for word in self.words]
        if self.command in _WITH_JOBS:
            words += ["--jobs", str(jobs)]
        if not self.command.count("-"):
            words += ["-q"]
        return doomed.run(*words, fault=Fault(kind, step, str(how.pop("root", self.folder))), **how)

    def check_nothing_half(self) -> None:
        """See that the target opens, and that every bundle is the old or the new one."""
        if self.unit == "status":
            now = read_status(self.place)
            assert now in (self.old, self.new) or (not now and is_kept(self.place)), "half of a status, or none"
            return
        if not self.place.exists():
            assert not self.old or self.target not in self.tree, "the target is gone"
            return
        errors = verdicts(self.place) - self.excused
        assert not errors, min(errors)
        found = read_tiles(self.place)
        assert found.keys() <= self.old.keys() | self.new.keys()
        if self.unit == "whole":
            assert found in (self.old, self.new), "half of the target"
        for bundle in by_bundle(self.old | self.new):
            window = {tile for tile in self.old | self.new if tile.bundle == bundle}
            now, old, new = ({tile: tiles.get(tile) for tile in window} for tiles in (found, self.old, self.new))
            if self.unit == "tile":
                assert all(now[tile] in (old[tile], new[tile]) for tile in window), bundle
            else:
                assert now in (old, new), bundle

    def is_over(self) -> bool:
        """Tell whether all is done but for the lock's end: the journal is gone, and the same again is a new run."""
        tree = tree_of(self.folder)
        return {path: data for path, data in tree.items() if not path.endswith(".lock")} == self.tree

    def has_all_tiles(self) -> bool:
        """Tell whether every tile is the new one, whatever else is other than it has to be."""
        return self.unit == "whole" and read_tiles(self.place) == self.new and not verdicts(self.place) - self.excused

    def finish(self, doomed: Doomed, **how: Any) -> None:
        """See that the same again gives what a run gives that nobody disturbed, to the byte."""
        if self.is_over():
            return
        end = self.run(doomed, **how)
        assert end.code == 0 or " already; choose another storage format" in end.said, end.said
        self.check_done()

    def suffer(self, doomed: Doomed, fault: Fault, user: int | None = None) -> bool:
        """Let something befall a run that it is told of, and see that it ends well, or in one clear error.

        Returns:
            Whether it ended well in spite of it.
        """
        self.begin(user)
        end = self.run(doomed, fault.kind, fault.step, root=fault.root or self.folder, user=user)
        if fault.kind in DENIED:
            change_rights(self.folder, "given back")
        if end.code == 0:
            # A tile that cannot be had is left out of a thumbnail.
            assert self.is_over() or (fault.kind == "ends" and self.has_all_tiles()), "said to be done, and is not"
            return True
        assert fault.kind != "short", end.said
        if self.command == "repair" and end.code == 1 and not end.said:
            self._check_salvaged()
            return False
        check_one_error(end)
        if fault.kind in (*FULL, *UNREAD, SMALL):  # else it could not clear away
            left = [path for path in tree_of(self.folder) if PARTIAL in path or path.endswith(".lock")]
            assert not left, f"left {left}"
        self.check_nothing_half()
        self.finish(doomed, user=user)
        return False

    def _check_salvaged(self) -> None:
        """See that a repair that could not look at all, and said so on stdout, lost nothing that was there."""
        found = read_tiles(self.place) if self.place.exists() else {}
        assert all(data in (self.old.get(tile), self.new[tile]) for tile, data in found.items())
        assert not self.old or found.keys() == self.new.keys(), "tiles are gone"

    def check_done(self) -> None:
        """See that all is as a run leaves it that nobody disturbed, and nothing beside it."""
        now = tree_of(self.folder)
        other = sorted(path for path in now.keys() | self.tree.keys() if now.get(path) != self.tree.get(path))
        assert not other, f"{other[0]} is not what it has to be"


def check_one_error(end: Ending) -> None:
    """See that a run failed by a clear error, which the last words on stderr are."""
    assert end.code == 1, (end.code, end.said)
    assert "Traceback" not in end.said, end.said
    assert "fault of tilepack" not in end.said, end.said
    assert sum(line.startswith("tilepack: ") for line in end.said.splitlines()) == 1, end.said


def read_tiles(path: Path) -> Tiles:
    with tilepack.open(path) as cache:
        return {
            tile: data
            for level in cache.levels()
            for bundle in cache.bundles(level)
            for tile, data in cache.tiles(bundle)
        }


def verdicts(path: Path) -> frozenset[str]:
    """Give what is wrong with a cache, each as code and place."""
    return frozenset(f"{finding.code} {finding.place}" for finding in tilepack.verify(path, deep=True, jobs=1).errors)


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
    """Read the rows of the Status.gdb in a folder, or of one itself; of a stranger's, its files."""
    place = path if path.suffix == ".gdb" else path / "Status.gdb"
    if not place.exists():
        return {}
    from pyogrio import list_layers, raw

    try:
        layers = [str(name) for name, _ in list_layers(place)]
    except RuntimeError:
        return {file.name: [file.read_bytes()] for file in sorted(place.iterdir())}
    rows = {}
    for name in layers:
        meta, _, shapes, values = raw.read(place, layer=name)
        columns = [column.astype(str).tolist() for column in values]
        rows[name] = [list(meta["fields"]), [] if shapes is None else list(shapes), columns]
    return rows


def is_kept(folder: Path) -> bool:
    """Tell whether ArcGIS' own status stepped aside, and its place is empty for a moment."""
    return (folder / "Status.gdb.arcgis").is_dir()


def write_target(place: Path) -> None:
    """Write a cache to import into, as others would write it; of packages, as tilepack does."""
    tiles = old_tiles()
    if place.name == "v1":
        write_v1(place, SCHEME, tiles)
    elif place.name == "v2":
        write_v2(place, SCHEME, tiles)
    elif place.name == "served":
        write_files(place, ready_files(SCHEME, tiles))
    else:
        plain = place.with_name("plain")
        write_v2(plain, SCHEME, tiles)
        storage_format = dict(LAYOUTS.values())[place.name]
        tilepack.convert(plain, place, storage_format=storage_format)
        shutil.rmtree(plain)
