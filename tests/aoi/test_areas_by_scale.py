"""Areas for scales: the same as areas for the levels of these, in the library, on the command line, in a file."""

from __future__ import annotations

import json

import caches
import pytest
from command_line import run

import tilepack
from tilepack.keys import TileKey

KEYS = [
    TileKey(level, row, column)
    for level in (3, 4, 5)
    for row in range((1 << level) // 2 - 2, (1 << level) // 2 + 2)
    for column in range(1 << level)
]
EAST = json.dumps({"type": "Polygon", "coordinates": [[[1, -80], [179, -80], [179, 80], [1, 80], [1, -80]]]})
NORTH = "POLYGON ((-179 1, 179 1, 179 80, -179 80, -179 1))"
SCALES = {3: 73957190.948944, 4: 36978595.474472, 5: 18489297.737236}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "Island"
    caches.write_v2(folder, caches.web_mercator(), {key: caches.picture(key) for key in KEYS})
    return folder


@pytest.fixture(scope="module")
def wanted(source, tmp_path_factory):
    target = tmp_path_factory.mktemp("wanted") / "by_level"
    areas = [tilepack.Area(source="3,5=" + EAST), tilepack.Area(source=NORTH, levels=[4], crs="EPSG:4326")]
    tilepack.export_cache(source, target, area=areas)
    found = caches.look_at_tiles(target)
    assert {key.level for key in found} == {3, 4, 5}
    return found


def test_in_the_library(source, wanted, tmp_path):
    areas = [
        tilepack.Area(source=EAST, scales=[SCALES[3], SCALES[5]]),
        tilepack.Area(source=NORTH, scales=str(SCALES[4]), crs="EPSG:4326"),
    ]
    tilepack.export_cache(source, tmp_path / "x", area=areas)
    assert caches.look_at_tiles(tmp_path / "x") == wanted


def test_on_the_command_line(source, wanted, tmp_path):
    words = ["--aoi", EAST, "--aoi-scales", f"{SCALES[3]},{SCALES[5]}", "--aoi", NORTH, "--aoi-crs", "EPSG:4326"]
    done = run("export", source, tmp_path / "x", *words, "--aoi-scales", SCALES[4])
    assert done.exit_code == 0, done.stderr
    assert caches.look_at_tiles(tmp_path / "x") == wanted


def test_in_a_file_of_jobs(source, wanted, tmp_path):
    (tmp_path / "east.geojson").write_text(EAST)
    (tmp_path / "jobs.toml").write_text(
        f"""
[[job]]
name = "cut"
do = "export"
source = "{source.as_posix()}"
target = "x"
[[job.areas]]
source = "east.geojson"
scales = [{SCALES[3]}, {SCALES[5]}]
[[job.areas]]
source = "{NORTH}"
crs = "EPSG:4326"
scales = "{SCALES[4]}"
"""
    )
    report = tilepack.run_jobs(tmp_path / "jobs.toml")
    assert not report.has_failed, report.jobs
    assert caches.look_at_tiles(tmp_path / "x") == wanted


@pytest.mark.parametrize(
    ("area", "words"),
    [
        (tilepack.Area(source=EAST, scales=[5000]), "matches no level; there are"),
        (tilepack.Area(source=EAST, scales="x"), "cannot be read"),
        (tilepack.Area(source=EAST, scales=[1], levels="3"), "given in two ways"),
        (tilepack.Area(source="3=" + EAST, levels="3"), "given in two ways"),
        (tilepack.Area(source=EAST, levels="7-3"), "run backwards"),
    ],
)
def test_scales_that_mean_no_level_are_refused(source, tmp_path, area, words):
    with pytest.raises(tilepack.TilepackError, match=words):
        tilepack.export_cache(source, tmp_path / "x", area=area)
    assert not (tmp_path / "x").exists()


def test_scales_belong_to_the_area_before_them(source, tmp_path):
    assert run("export", source, tmp_path / "x", "--aoi-scales", "5", "--aoi", EAST).exit_code == 2
    assert run("export", source, tmp_path / "x", "--aoi", EAST, "--aoi-scales", "x").exit_code == 2
