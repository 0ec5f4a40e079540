"""Laws of ``tilepack preview``."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from command_line import run
from PIL import Image

import tilepack


def pixels_of(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGBA"))


ALL = ["--extent", "-20037508,-20037508,20037508,20037508"]


def test_the_picture_is_the_library_s(tpkx, tmp_path):
    out = tmp_path / "ein Bild.png"
    words = ["--level", "1", "--bbox", "-170,-80,170,80", "--width", "333", "--grid", "--transparent"]
    result = run("preview", tpkx, "-o", out, *words)
    assert (result.exit_code, result.stdout) == (0, "")
    expected = tilepack.preview(tpkx, level=1, bbox=(-170, -80, 170, 80), width=333, grid=True, transparent=True)
    np.testing.assert_array_equal(pixels_of(out.read_bytes()), expected.pixels)


def test_native_draws_pixel_for_pixel(tpkx, tmp_path):
    out = tmp_path / "native.png"
    result = run("preview", tpkx, "-o", out, "--level", "1", "--native", *ALL)
    assert pixels_of(out.read_bytes()).shape == (512, 512, 4)
    assert "512 x 512 pixels: 2 tiles of level 1, pixel for pixel" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize(("width", "words"), [("1024", "enlarged 2 times"), ("256", "reduced 2 times")])
def test_it_is_said_how_large_the_level_is_drawn(tpkx, tmp_path, width, words):
    result = run("preview", tpkx, "-o", tmp_path / "a.png", "--level", "1", "--width", width, *ALL, width=200)
    assert words in result.stderr


def test_dash_writes_the_picture_to_stdout(tpkx):
    result = run("preview", tpkx, "-o", "-", "--width", "64", *ALL)
    assert pixels_of(result.stdout_bytes).shape == (64, 64, 4)
    assert "wrote" not in result.stderr


def test_json_tells_what_the_picture_is(tpkx, tmp_path):
    out = tmp_path / "a.png"
    result = run("preview", tpkx, "-o", out, "--width", "64", "--json", *ALL)
    told = json.loads(result.stdout)
    assert told.pop("path") == str(out)
    expected = tilepack.preview(tpkx, width=64, extent=(-20037508, -20037508, 20037508, 20037508))
    assert told == expected.as_json()


def test_an_outline_is_drawn(tpkx, tmp_path):
    plain, lined = tmp_path / "plain.png", tmp_path / "lined.png"
    area = ["--aoi", "POLYGON ((-100 -50, 100 -50, 0 60, -100 -50))", "--aoi-crs", "EPSG:4326"]
    run("preview", tpkx, "-o", plain, "--width", "200", *ALL)
    assert run("preview", tpkx, "-o", lined, "--width", "200", *ALL, *area).exit_code == 0
    assert (pixels_of(plain.read_bytes()) != pixels_of(lined.read_bytes())).any()


def test_what_is_damaged_is_said_unless_quiet(tpkx, tmp_path, exploded):
    import shutil

    shutil.copytree(exploded, tmp_path / "broken")
    (tmp_path / "broken/_alllayers/L01/R00000000/C00000001.png").write_bytes(b"\x89PNG, or nearly so")
    words = ["--level", "1", "--width", "64", *ALL]
    result = run("preview", tmp_path / "broken", "-o", tmp_path / "a.png", *words)
    assert result.exit_code == 0
    assert "warning: 1 tile is damaged and hatched" in result.stderr
    assert run("preview", tmp_path / "broken", "-o", tmp_path / "b.png", "-q", *words).stderr == ""


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tpkx, tmp_path):
    out = tmp_path / "a.png"
    out.write_bytes(b"mine")
    result = run("preview", tpkx, "-o", out, "--width", "64", *ALL)
    assert result.exit_code == 1
    assert "give --replace" in result.stderr
    assert out.read_bytes() == b"mine"
    assert run("preview", tpkx, "-o", out, "--width", "64", "--replace", *ALL).exit_code == 0
    assert pixels_of(out.read_bytes()).shape == (64, 64, 4)


def test_the_source_is_never_replaced(tpkx):
    before = tpkx.read_bytes()
    result = run("preview", tpkx, "-o", tpkx, "--replace", "--width", "64")
    assert result.exit_code == 1
    assert "is the source itself" in result.stderr
    assert tpkx.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-o", "-", "--json"],
        ["-o", "-", "--replace"],
        ["-o", "a.png", "--width", "10", "--native"],
        ["-o", "a.png", "--width", "0"],
        ["-o", "a.png", "--width", "16385"],
        ["-o", "a.png", "--extent", "0,0,1,1", "--bbox", "0,0,1,1"],
        ["-o", "a.png", "--extent", "0,0,1"],
        ["-o", "a.png", "--aoi-layer", "x"],
        ["-o", "a.png", "-q", "-v"],
    ],
)
def test_a_wrong_command_line_ends_with_2_and_writes_nothing(tpkx, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert run("preview", tpkx, *words).exit_code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--level", "99"], "level 99 is not in the tiling scheme"),
        (["--extent", "1,1,2,2", "--width", "16000"], "the most are 16,384 a side"),
        (["--extent", "9e7,9e7,9.1e7,9.1e7"], "no tile lies in the extent"),
    ],
)
def test_what_cannot_be_drawn_ends_with_1_and_a_sentence(tpkx, tmp_path, words, message):
    result = run("preview", tpkx, "-o", tmp_path / "a.png", *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())
