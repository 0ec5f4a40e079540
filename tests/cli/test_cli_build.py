"""``tilepack build`` on the command line."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from command_line import run, start_heeding

import tilepack
from tilepack_cli.build import _METHODS


@pytest.fixture(scope="module")
def raster(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("Höhen [1]") / "r ä.tif"
    values = np.random.default_rng(1).integers(0, 256, (3, 400, 500), np.uint8)
    profile = {"driver": "GTiff", "width": 500, "height": 400, "count": 3, "dtype": "uint8"}
    with rasterio.open(
        place, "w", crs="EPSG:3857", transform=rasterio.Affine(300, 0, 1e6, 0, -300, 6e6), **profile
    ) as d:
        d.write(values)
    return place


def test_makes_a_package_and_says_so(raster, tmp_path):
    target = tmp_path / "t.tpkx"
    result = run("build", raster, target, "--title", "T", "--tags", "a,b", "--levels", "7-9")
    assert result.exit_code == 0, result.stderr
    assert f"made {target}".replace("\n", "") in result.stdout.replace("\n", "")
    assert "levels 7-9" in result.stdout
    assert "warning" not in result.stderr
    with tilepack.open(target) as cache:
        assert cache.info.description.title == "T"


def test_dry_run_counts_and_writes_nothing(raster, tmp_path):
    result = run("build", raster, tmp_path / "t.tpkx", "-n")
    assert result.exit_code == 0
    assert "would make" in result.stdout
    assert "tiles at most" in result.stdout
    assert "estimate" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_json_is_the_plan_and_the_result(raster, tmp_path):
    planned = json.loads(run("build", raster, tmp_path / "t", "--json", "-n", "-q").stdout)
    made = json.loads(run("build", raster, tmp_path / "t", "--json", "-q").stdout)
    assert planned["levels"] == made["levels"]
    assert planned["estimate"]["tileBytes"] > 0
    assert made["tiles"] == sum(level["tiles"] for level in made["built"]) <= planned["tilesAtMost"]


def test_options_reach_the_pixels(raster, tmp_path):
    words = ["--bands", "2", "--resampling", "nearest", "--tile-format", "png8", "--levels", "9"]
    area = "SRID=3857;POLYGON((1010000 5990000, 1050000 5990000, 1050000 5950000, 1010000 5990000))"
    assert run("build", raster, tmp_path / "t", *words, "--aoi", area, "-q").exit_code == 0
    with tilepack.open(tmp_path / "t") as cache:
        assert cache.info.tile_format == "PNG8"
        assert cache.info.extent.xmin >= 1_010_000
    stretched = run("build", raster, tmp_path / "u", "--stretch", "0,100", "--background", "red", "-q", "--levels", "9")
    assert stretched.exit_code == 0


def test_into_merges(raster, tmp_path):
    target = tmp_path / "t.tpkx"
    assert run("build", raster, target, "-q", "--levels", "8-9").exit_code == 0
    planned = run("build", raster, "--into", target, "-n")
    assert "would merge into" in planned.stdout
    result = run("build", raster, "--into", target, "--recompress")
    assert result.exit_code == 0, result.stderr
    assert "merged into" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["t.tpkx"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["r.tif"], "needs a RASTER and a TARGET"),
        (["r.tif", "t", "--bands", "1,2"], "--bands"),
        (["r.tif", "t", "--stretch", "9,1"], "--stretch"),
        (["r.tif", "t", "--resampling", "best"], "lanczos"),
        (["r.tif", "t", "--levels", "1", "--scales", "5"], "--levels"),
        (["r.tif", "t.tpk", "--storage-format", "compact-v2"], "TARGET"),
        (["r.tif", "--into", "c", "--quality", "5"], "--quality"),
        (["r.tif", "t", "--force"], "--into"),
        (["r.tif", "t", "--bbox", "1,2,3,4", "--extent", "1,2,3,4"], "--bbox"),
    ],
)
def test_wrong_use_is_said(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("build", *words)
    assert result.exit_code == 2
    assert says in result.stderr


def test_raster_without_a_place_is_one_sentence(tmp_path):
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        data = rasterio.open(tmp_path / "r.tif", "w", driver="GTiff", width=9, height=9, count=1, dtype="uint8")
    data.close()
    result = run("build", tmp_path / "r.tif", tmp_path / "t.tpkx")
    assert result.exit_code == 1
    assert "coordinate system" in result.stderr
    assert "Traceback" not in result.stderr


def test_methods_are_those_of_the_library():
    assert [each.upper().replace("-", "_") for each in _METHODS] == [str(each) for each in tilepack.Resampling]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_nothing(tmp_path):
    values = np.random.default_rng(1).integers(0, 256, (3, 4000, 4000), np.uint8)
    profile = {"driver": "GTiff", "width": 4000, "height": 4000, "count": 3, "dtype": "uint8"}
    place = rasterio.Affine(30, 0, 1e6, 0, -30, 6e6)
    with rasterio.open(tmp_path / "r.tif", "w", crs="EPSG:3857", transform=place, **profile) as data:
        data.write(values)
    process = start_heeding("build", tmp_path / "r.tif", tmp_path / "t.tpkx")
    until = time.monotonic() + 20
    while not (tmp_path / "t.tpkx.partial").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said.decode()
    assert "nothing was left" in said.decode()
    assert [path.name for path in tmp_path.iterdir()] == ["r.tif"]


def test_stopped_build_says_where_it_goes_on(raster, tmp_path, monkeypatch):
    from tilepack.building import drawn, running

    monkeypatch.setattr(drawn, "_FEWEST", 1)
    hand_over = running._Climb.finish

    def stop(self):
        hand_over(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(running._Climb, "finish", stop)
        result = run("build", raster, tmp_path / "t.tpkx")
    assert result.exit_code == 130
    assert "nothing was left at" in result.stderr
    assert (
        "t.tpkx.partial.drawn: the same command goes on from there; remove the file to throw it away" in result.stderr
    )
    assert [path.name for path in tmp_path.iterdir()] == ["t.tpkx.partial.drawn"]
    planned = run("build", raster, tmp_path / "t.tpkx", "--dry-run")
    assert "an earlier run was stopped; what it has drawn is taken up" in " ".join(planned.stderr.split())
    again = run("build", raster, tmp_path / "t.tpkx")
    assert again.exit_code == 0
    assert "drawn by an earlier run" in again.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["t.tpkx"]
