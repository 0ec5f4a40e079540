"""Works that things befall, and what has to be true then: nothing is ever half, and the same again finishes it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caches import by_bundle
from killing import Doomed, Ending, Tiles, Tree, read_status, read_tiles, tree_of
from steps import DENIED, FULL, SMALL, UNREAD, Fault, change_rights

import tilepack
from tilepack.disk.journal import PARTIAL

_WITH_JOBS = ("import", "export", "convert", "delete", "compact", "repair", "build")


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


def verdicts(path: Path) -> frozenset[str]:
    """Give what is wrong with a cache, each as code and place."""
    return frozenset(f"{finding.code} {finding.place}" for finding in tilepack.verify(path, deep=True, jobs=1).errors)


def is_kept(folder: Path) -> bool:
    """Tell whether ArcGIS' own status stepped aside, and its place is empty for a moment."""
    return (folder / "Status.gdb.arcgis").is_dir()
