"""Two that write the same target at once: one is turned away, or both are done as if one had come after the other."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from caches import write_v2
from killing import SCHEME, Doomed, Ending, Tree, new_tiles, tree_of
from steps import Fault
from work import check_one_error
from works import DELETION, WORKS

from tilepack.cache import TileFormat


class Rivalry(NamedTuple):
    """Two commands on one target."""

    recipe: str
    """Work whose target it is."""
    first: tuple[str, ...]
    """Is stopped at some step, and goes on once the second has ended."""
    second: tuple[str, ...]


_IMPORT = ("import", "{source}", "{target}")
_DELETE = ("delete", "{target}", "--aoi", DELETION)
_REPLACE = ("convert", "{source}", "{target}", "--replace")
_REBUILD = ("status", "rebuild", "{target}")
_COMPACT = ("compact", "{target}")
_IN_PLACE = ("convert-in-place", "{target}", "exploded")

RIVALRIES = {
    "import + import, COMPACT": Rivalry("import into COMPACT", _IMPORT, _IMPORT),
    "import + import, EXPLODED": Rivalry("import into EXPLODED", _IMPORT, _IMPORT),
    "import + import, .tpkx": Rivalry("import into .tpkx", _IMPORT, _IMPORT),
    "repair + compact": Rivalry("repair COMPACT_V2", ("repair", "{target}"), ("compact", "{target}")),
    "import + delete": Rivalry("import into COMPACT_V2", _IMPORT, _DELETE),
    "delete + import": Rivalry("import into COMPACT_V2", _DELETE, _IMPORT),
    "compact + import": Rivalry("compact COMPACT", _COMPACT, _IMPORT),
    "import + compact": Rivalry("compact COMPACT", _IMPORT, _COMPACT),
    "import + convert --replace": Rivalry("import into COMPACT_V2", _IMPORT, _REPLACE),
    "convert --replace + import": Rivalry("import into COMPACT_V2", _REPLACE, _IMPORT),
    "convert in place + import": Rivalry("import into COMPACT", _IN_PLACE, _IMPORT),
    "delete the cache + import": Rivalry("import into COMPACT", ("delete-cache", "{target}"), _IMPORT),
    "import + delete the cache": Rivalry("import into COMPACT", _IMPORT, ("delete-cache", "{target}")),
    "status rebuild + rebuild": Rivalry("status rebuild", _REBUILD, _REBUILD),
    "status rebuild + import": Rivalry("status rebuild", _REBUILD, _IMPORT),
}


TURNED_AWAY = ("is writing it; wait until it is done", "start again", "No such file or directory")
"""What the second is told: that another is at work, or, while it is planned, that the target changes."""


@dataclass(slots=True)
class Meeting:
    """Two commands, and what they make of the target one after the other."""

    name: str
    words: tuple[tuple[str, ...], tuple[str, ...]]
    folder: Path
    before: Path
    doomed: tuple[Doomed, Doomed]
    steps: int = 0
    """Of the first."""
    alone: tuple[Tree, Tree] = ({}, {})
    """What each makes by itself."""
    both: tuple[Tree, Tree] = ({}, {})
    """What comes of first and second, and of second and first; where the later one is refused, of the earlier one."""

    def begin(self) -> None:
        """Let the folder be as it was."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.before, self.folder)

    def meet(self, step: int) -> str:
        """Let the second run while the first is stopped; see that it is as if one had come after the other.

        Returns:
            Who was turned away: ``first``, ``second``, ``both`` or ``neither``.
        """
        self.begin()
        stopped = self.doomed[0].run(*self.words[0], fault=Fault("pause", step, str(self.folder)))
        second = self.doomed[1].run(*self.words[1])
        # A run may have some steps less, where several bundles came together; it has ended before then.
        return self._judge(self.doomed[0].go_on() if stopped.code is None else stopped, second)

    def race(self) -> str:
        """Let both begin at once, and see likewise."""
        self.begin()
        for doomed, words in zip(self.doomed, self.words, strict=True):
            doomed.begin(*words)
        first, second = (doomed.end() for doomed in self.doomed)
        return self._judge(first, second)

    def _judge(self, first: Ending, second: Ending) -> str:
        for end in (first, second):
            if end.code:
                check_one_error(end)
        now = {path: data for path, data in tree_of(self.folder).items() if not path.endswith(".lock")}
        if first.code and second.code:
            raise AssertionError(f"both were turned away: {first.said} {second.said}")
        if second.code:
            said = any(words in second.said for words in TURNED_AWAY)
            # Where its cache is gone by then, it is refused whenever it comes.
            assert said or self.both[0] == self.alone[0], second.said
            assert now in (self.alone[0], self.both[0]), "the first one's work is not what it makes alone"
            return "second"
        if first.code:
            assert now in (self.alone[1], self.both[1]), "the second one's work is not what it makes alone"
            return "first"
        assert now in self.both, "neither was turned away, and it is not as if one had come after the other"
        return "neither"


def prepare_meeting(name: str, folder: Path, doomed: tuple[Doomed, Doomed]) -> Meeting:
    """Make source and target, below a folder that is its own, and see what each command makes of it."""
    rivalry = RIVALRIES[name]
    recipe = WORKS[rivalry.recipe]
    before, targets = folder / "before", folder / "targets"
    before.mkdir(parents=True)
    write_v2(folder / "source/Glass", SCHEME, new_tiles(), tile_format=TileFormat.PNG32)
    recipe.write(before / recipe.target)
    names = {"source": folder / "source/Glass", "target": targets / recipe.target}
    words = []
    for command in (rivalry.first, rivalry.second):
        quiet = () if "-" in command[0] else ("-q",)
        words.append((*(word.format(**names) for word in command), *quiet))
    meeting = Meeting(name, (words[0], words[1]), targets, before, doomed)
    for runner, command in zip(doomed, words, strict=True):
        meeting.begin()
        assert runner.run(*command, fault=Fault(step=0)).code == 0
    trees = []
    for order in ((0,), (1,), (0, 1), (1, 0)):
        meeting.begin()
        for number in order:
            end = doomed[number].run(*words[number])
            assert end.code == 0 or len(order) > 1, end.said
            meeting.steps = meeting.steps or end.steps
        trees.append(tree_of(targets))
    meeting.alone, meeting.both = (trees[0], trees[1]), (trees[2], trees[3])
    return meeting
