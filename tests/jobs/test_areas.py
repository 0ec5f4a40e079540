"""Areas in a file of jobs: for the levels and scales that are named with them, in whatever form."""

from __future__ import annotations

import json
from pathlib import Path

import caches
import pytest

import tilepack
from tilepack.jobs.keys import read_path
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

FORMS = {
    "levels": ('"east.geojson"\nlevels = "3,5"', f'"{NORTH}"\nlevels = [4]'),
    "scales": (f'"east.geojson"\nscales = [{SCALES[3]}, {SCALES[5]}]', f'"{NORTH}"\nscales = "{SCALES[4]}"'),
    "levels in front": ('"3,5=east.geojson"', f'"4={NORTH}"'),
    "scales in front": (f'"1:{SCALES[3]},{SCALES[5]}=east.geojson"', f'"1:{SCALES[4]}={NORTH}"'),
    "all others": ('"3,5=east.geojson"', f'"{NORTH}"'),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "Island"
    caches.write_v2(folder, caches.web_mercator(), {key: caches.picture(key) for key in KEYS})
    return folder


@pytest.fixture(scope="module")
def wanted(source, tmp_path_factory) -> dict[TileKey, bytes]:
    target = tmp_path_factory.mktemp("wanted") / "by_level"
    area = [f"3,5={EAST}", tilepack.Area(source=f"4={NORTH}", crs="EPSG:4326")]
    tilepack.export_cache(source, target, area=area)
    found = caches.look_at_tiles(target)
    assert {key.level for key in found} == {3, 4, 5}
    return found


def write(folder: Path, source: Path, east: str, north: str) -> Path:
    (folder / "east.geojson").write_text(EAST)
    jobs = folder / "jobs.toml"
    jobs.write_text(
        f'[[job]]\nname = "cut"\ndo = "export"\nsource = "{source.as_posix()}"\ntarget = "x"\n'
        f'[[job.areas]]\nsource = {east}\n[[job.areas]]\nsource = {north}\ncrs = "EPSG:4326"\n'
    )
    return jobs


@pytest.mark.parametrize("form", FORMS)
def test_area_is_for_the_levels_or_scales_named_with_it(source, wanted, tmp_path, form):
    report = tilepack.run_jobs(write(tmp_path, source, *FORMS[form]))
    assert not report.has_failed, report.jobs
    assert caches.look_at_tiles(tmp_path / "x") == wanted


def test_file_with_a_name_like_levels_is_a_file(source, tmp_path):
    (tmp_path / "3=east.geojson").write_text(EAST)
    report = tilepack.run_jobs(write(tmp_path, source, '"3=east.geojson"', f'"4={NORTH}"'))
    assert not report.has_failed, report.jobs
    assert {key.level for key in caches.look_at_tiles(tmp_path / "x")} == {3, 4, 5}


def test_scale_that_matches_no_level_fails_the_job_with_the_librarys_sentence(source, tmp_path):
    report = tilepack.run_jobs(write(tmp_path, source, '"east.geojson"\nscales = [5000]', f'"{NORTH}"'))
    with pytest.raises(tilepack.TilingSchemeError) as raised:
        tilepack.export_cache(source, tmp_path / "y", area=tilepack.Area(source=EAST, scales=[5000]))
    assert report.jobs[0].message == str(raised.value)
    assert not (tmp_path / "x").exists()


def test_home_folder_is_found_and_where_nobody_knows_one_nothing_breaks(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    assert read_path("~/maps", tmp_path) == tmp_path / "home" / "maps"
    users = pytest.importorskip("pwd")

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(users, "getpwuid", unknown)
    assert read_path("~/maps", tmp_path) == tmp_path / "~" / "maps"
