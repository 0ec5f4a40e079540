"""Imports that take only what changed, killed at their every step: tiles are laid once, and nothing new is missed."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import caches
import pytest
from changing import KEYS, later, pictures, take, write
from PIL import Image

import tilepack
from tilepack.keys import TileKey

ROOT = Path(__file__).parents[2]

SOFT = [TileKey(9, 127, 250), TileKey(9, 128, 250), TileKey(9, 128, 256)]

DOOMED = """
import json, os, sys
sys.path[:0] = {path!r}
import tilepack
from tilepack.disk import journal, update
from tilepack.transfer import update as running

def die(*_, **__):
    os._exit(9)

def die_after(count, function):
    def wrapped(*args, **kwargs):
        nonlocal count
        count -= 1
        result = function(*args, **kwargs)
        if count == 0:
            os._exit(9)
        return result
    return wrapped

where = sys.argv[3]
if where == "one":
    update.name_files = die_after(1, update.name_files)
elif where == "all":
    update.FolderUpdate.commit = die
elif where == "memory":
    journal.Journal.end = die
elif where == "renamed":
    running.remember = die
elif where == "ahead":
    from tilepack.disk import staging
    staging.Staging.publish = die
tilepack.import_cache(sys.argv[1], sys.argv[2], only_changed=True, jobs=1, **json.loads(sys.argv[4]))
"""


def soften(version: int = 0) -> dict[TileKey, bytes]:
    """Give half transparent tiles: to lay them twice is to see it."""
    found = {}
    for number, key in enumerate(SOFT):
        out = io.BytesIO()
        Image.new("RGBA", (256, 256), (200, 40 * number, 90 * version, 100)).save(out, "PNG")
        found[key] = out.getvalue()
    return found


def ground() -> dict[TileKey, bytes]:
    return {key: caches.picture(key, "png") for key in SOFT}


def kill(source: Path, target: Path, where: str, **options: object) -> None:
    code = DOOMED.format(path=[str(ROOT)])
    words = [sys.executable, "-c", code, source, target, where, json.dumps(options)]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 9, done.stderr.decode()


@pytest.mark.parametrize(
    ("layout", "where"),
    [("V2", "one"), ("V1", "one"), ("V2", "all"), ("V2", "memory"), ("tpkx", "ahead"), ("tpkx", "renamed")],
)
def test_killed_run_is_taken_up_and_soft_tiles_are_laid_once(tmp_path, layout, where):
    source = write(tmp_path / "source", soften())
    once = write(tmp_path / "once", ground(), layout=layout)
    tilepack.import_cache(source, once)
    target = write(tmp_path / "target", ground(), layout=layout)
    kill(source, target, where)
    take(source, target)
    assert caches.read_all(target) == caches.read_all(once)
    assert not (tmp_path / "target" / "tilepack.journal").exists()
    assert take(source, target).plan.changes.from_outside


@pytest.mark.parametrize("where", ["one", "all", "memory"])
def test_gaps_that_a_killed_run_filled_are_described_by_the_next(tmp_path, where):
    source = write(tmp_path / "source", pictures())
    once, target = (write(tmp_path / name, pictures(50, KEYS[:1])) for name in ("once", "target"))
    take(source, once, only_missing=True)
    kill(source, target, where, only_missing=True)
    take(source, target, only_missing=True)
    found, expected = caches.look_at_files(target), caches.look_at_files(once)
    assert found.keys() == expected.keys()
    assert {name: data for name, data in found.items() if name != "tilepack.state"} == {
        name: data for name, data in expected.items() if name != "tilepack.state"
    }
    assert take(source, target, only_missing=True).plan.changes.from_outside


def test_what_changes_after_the_kill_is_taken_in_the_place_of_what_was_done(tmp_path):
    source, target = write(tmp_path / "source", pictures()), write(tmp_path / "target", pictures(50, KEYS[:1]))
    kill(source, target, "one")
    bundle = source / "_alllayers/L05/R0000C0000.bundle"
    shutil.copyfile(write(tmp_path / "newer", pictures(3)) / "_alllayers/L05/R0000C0000.bundle", bundle)
    later(bundle)
    old, new = ({key: made[key] for key in KEYS if key.level == 5} for made in (pictures(), pictures(3)))
    assert caches.read_all(target).items() >= old.items(), "the first bundle was done"
    take(source, target)
    assert caches.read_all(target) == pictures() | new
