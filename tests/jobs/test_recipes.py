"""The recipes for jobs do what they say, and the commands in cron's, systemd's and Windows' words run them."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import caches
import pytest
from command_line import environment, run

import tilepack
from tilepack.keys import TileKey

RECIPES = Path(__file__).parent / "recipes"
AROUND = [TileKey(level, row, column) for level in (8, 10) for row in range(4) for column in range(4)]


def at(level: int, row: int, column: int) -> TileKey:
    """Name a tile by its place beside the middle of the map."""
    return TileKey(level, (1 << level) // 2 + row, (1 << level) // 2 + column)


TILES = {key: caches.picture(key) for key in (at(level, row, column) for level, row, column in AROUND)}
"""16 tiles south-east of 0, 0 on two levels."""


def rectangle(west: float, south: float, east: float, north: float) -> dict:
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def write_areas(path: Path, **areas) -> None:
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": rectangle(*box)} for name, box in areas.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def states(done) -> dict[str, str]:
    return {job["name"]: job["state"] for job in json.loads(done.stdout)["jobs"]}


def command(name: str) -> list[str]:
    """Give the words that a recipe is started by, behind the program's path."""
    text = (RECIPES / name).read_text(encoding="utf-8")
    if name.endswith(".toml"):
        text = text.splitlines()[0].removeprefix("# ")
    elif name.endswith(".service"):
        unit = configparser.ConfigParser()
        unit.optionxform = str
        unit.read_string(text)
        text = unit["Service"]["ExecStart"]
    else:
        text = text.partition(" && ")[2].strip().removesuffix('"')
    program, *words = text.split()
    return [re.split(r"[/\\]", program)[-1], *words]


def run_recipe(name: str):
    program, *words = command(name)
    assert program == "tilepack"
    return run(*words, "--json")


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    for recipe in RECIPES.iterdir():
        shutil.copy(recipe, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_clip_for_mobile(place):
    caches.write_v2(place / "Basemap", caches.web_mercator(), TILES)
    write_areas(place / "county.geojson", county=(0.5, -3, 4, -0.5))
    write_areas(place / "city.geojson", city=(0.4, -0.8, 0.9, -0.4))
    for _ in range(2):
        done = run_recipe("mobile.toml")
        assert done.exit_code == 0, done.output
        assert states(done) == {"mobile": "done", "check": "done"}
    tilepack.export_cache("Basemap", "coarse.tpkx", levels="8", area="county.geojson")
    tilepack.export_cache("Basemap", "fine.tpkx", levels="10", area="city.geojson")
    expected = caches.look_at_tiles(place / "coarse.tpkx") | caches.look_at_tiles(place / "fine.tpkx")
    assert caches.look_at_tiles(place / "County.tpkx") == expected
    assert {key.level for key in expected} == {8, 10}


def test_county_pieces_into_the_state_cache(place):
    empty = {key: caches.picture(TileKey(0, *key[1:])) for key in TILES}
    caches.write_v2(place / "State", caches.web_mercator(), empty)
    ada = {key: caches.picture(TileKey(1, *key[1:])) for key in TILES}
    elmore = {key: caches.picture(TileKey(2, *key[1:])) for key in TILES}
    (place / "inbox").mkdir()
    caches.write_zip(place / "inbox/Ada.tpkx", caches.ready_files(caches.web_mercator(), ada))
    caches.write_v1(place / "inbox/Elmore", caches.web_mercator(), elmore)
    write_areas(place / "counties.geojson", Ada=(0, -9, 2.1, 0), Elmore=(2.1, -9, 9, 0))
    expected = place / "expected"
    shutil.copytree(place / "State", expected)
    for name, source in (("Ada", "inbox/Ada.tpkx"), ("Elmore", "inbox/Elmore")):
        area = tilepack.Area(source="counties.geojson", where=f"name = '{name}'")
        tilepack.import_cache(source, expected, area=area, mode="OVERWRITE")

    done = run_recipe("state.toml")
    assert states(done) == {"ada": "done", "elmore": "done", "status": "done"}
    assert caches.read_all(place / "State") == caches.read_all(expected)
    again = run_recipe("state.toml")
    assert [job["message"] for job in json.loads(again.stdout)["jobs"]][:2] == [
        "nothing has changed since the last run, 2 bundles; no bundle was opened"
    ] * 2

    caches.write_zip(place / "inbox/Ada.tpkx", {"rubbish": b""})
    caches.write_v1(place / "inbox/Elmore", caches.web_mercator(), ada)
    damaged = run_recipe("state.toml")
    assert damaged.exit_code == 1
    assert states(damaged) == {"ada": "failed", "elmore": "done", "status": "stopped"}


SCHEDULED = ["nightly.cron", "tilepack-nightly.service", "nightly.cmd"]


def test_all_schedulers_are_told_the_same_at_the_same_time():
    assert len({tuple(command(name)) for name in SCHEDULED}) == 1
    assert command("nightly.cron")[:3] == command("nightly.toml")
    timer = (RECIPES / "tilepack-nightly.timer").read_text()
    assert "OnCalendar=*-*-* 02:15" in timer
    assert "/ST 02:15 " in (RECIPES / "nightly.cmd").read_text()
    assert (RECIPES / "nightly.cron").read_text().startswith("15 2 * * * ")


def test_readme_shows_the_recipes_as_they_are_run():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert [recipe.name for recipe in RECIPES.iterdir() if recipe.read_text(encoding="utf-8") not in readme] == []


@pytest.mark.parametrize("name", SCHEDULED)
def test_nightly_update(place, name):
    caches.write_v2(place / "staging", caches.web_mercator(), TILES)
    caches.write_v2(place / "served", caches.web_mercator(), dict(list(TILES.items())[:3]))
    program, *words = command(name)
    assert program == "tilepack"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "tilepack_cli", *words],
            capture_output=True,
            env=environment(),
            cwd=place,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert caches.read_all(place / "served") == caches.read_all(place / "download.tpkx")
        assert caches.look_at_tiles(place / "served") == TILES
    assert "update: done: nothing has changed" in (place / "nightly.log").read_text()
