"""Killed at any moment, nothing is ever half, and the same command finishes the work to the byte.

These are a few kills of each kind; ``benchmarks/kills.py`` does it at every step of every work.
"""

from __future__ import annotations

import itertools
import os
import random
import zlib

import pytest
from killing import Doomed, read_tiles, tree_of
from work import Work
from works import prepare

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that are killed are forks")

KILLS = {
    "import into COMPACT": 5,
    "import into COMPACT_V2": 3,
    "import into EXPLODED": 5,
    "import into COMPACT, OVERWRITE": 3,
    "import of descriptions and a level": 2,
    "import into .tpkx, OVERWRITE": 2,
    "export to COMPACT": 2,
    "export to EXPLODED": 2,
    "export to .tpkx": 2,
    "convert over EXPLODED": 3,
    "convert COMPACT in place": 3,
    "delete from COMPACT": 4,
    "delete pixels from EXPLODED": 3,
    "delete a cache folder": 2,
    "compact COMPACT": 2,
    "compact .tpkx": 2,
    "repair EXPLODED": 3,
    "status rebuild": 3,
    "status rebuild beside ArcGIS'": 5,
    "status delete": 2,
    "import into web.mbtiles": 3,
    "import into web.pmtiles": 3,
    "import into web.zip": 3,
    "import into xyz": 6,
    "export to web.mbtiles": 2,
    "export to web.pmtiles": 2,
    "export to web.zip": 2,
    "export to xyz": 2,
}


@pytest.fixture(scope="module")
def doomed():
    with Doomed() as process:
        yield process


@pytest.fixture(scope="module")
def work(doomed, request, tmp_path_factory) -> Work:
    return prepare(request.param, tmp_path_factory.mktemp("killed"), doomed)


def steps_to_die_at(work: Work) -> list[int]:
    """Choose some steps, in every part of the work one."""
    number = min(KILLS[work.name], work.steps)
    noise = random.Random(zlib.crc32(work.name.encode()))
    parts = [work.steps * part // number for part in range(number + 1)]
    return [noise.randrange(first, last) + 1 for first, last in itertools.pairwise(parts)]


@pytest.mark.parametrize("work", KILLS, indirect=True)
def test_killed_work_leaves_nothing_half_and_the_same_again_finishes_it(work, doomed):
    for number, step in enumerate(steps_to_die_at(work)):
        work.begin()
        assert work.run(doomed, "half" if number % 2 else "kill", step).was_killed
        work.check_nothing_half()
        work.finish(doomed, jobs=1 + number % 3)


@pytest.mark.parametrize("work", ["import into COMPACT", "import into EXPLODED"], indirect=True)
def test_work_that_is_killed_again_and_again_gets_done(work, doomed):
    noise = random.Random(11)
    work.begin()
    while not work.is_over():
        end = work.run(doomed, step=noise.randrange(1, work.steps), jobs=2)
        assert end.was_killed or not end.code, end.said
        work.check_nothing_half()
        if not end.was_killed:
            break
    assert {path: data for path, data in tree_of(work.folder).items() if not path.endswith(".lock")} == work.tree


@pytest.mark.parametrize("work", ["import into COMPACT_V2", "import into .tpkx, OVERWRITE"], indirect=True)
def test_work_killed_at_any_moment_leaves_nothing_half(work, doomed):
    for number in range(3):
        work.begin()
        work.run(doomed, after=0.01 + 0.02 * number, jobs=2)
        work.check_nothing_half()
        work.finish(doomed)


@pytest.mark.parametrize("work", ["import into COMPACT_V2"], indirect=True)
def test_tiles_of_these_works_show_when_they_are_blended_twice(work, doomed):
    work.begin()
    work.finish(doomed)
    assert work.run(doomed).code == 0
    again = read_tiles(work.place)
    assert again.keys() == work.new.keys()
    assert sum(again[tile] != work.new[tile] for tile in again) >= 4
