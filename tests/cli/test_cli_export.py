"""Laws of ``tilepack export``: its use, what happens to pixels, what is shown; areas and descriptions lie beside."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import shapely
from areas_drawn import (
    EAST_TILE,
    FINE,
    WEST_TILE,
    half_of,
    tile_box,
    wkt,
)
from command_line import TILES, draw_tile, read_tiles, run, write_exploded
from PIL import Image

import tilepack

# Usage


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["made", "--aoi-layer", "x", "--aoi", "y.gpkg"], "--aoi-layer"),
        (["made", "--aoi-where", "x = 1"], "--aoi-where"),
        (["made", "--aoi-crs", "4326"], "--aoi-crs"),
        (["made", "--aoi", "y.gpkg", "--aoi-crs", "1", "--aoi-crs", "2"], "--aoi-crs"),
        (["made", "--aoi", "5-3=y.gpkg"], "--aoi"),
        (["made", "--aoi", " "], "--aoi"),
        (["made", "--aoi"], "--aoi"),
        (["made", "--extent", "1,2,3"], "--extent"),
        (["made", "--extent", "1,2,3,4,5"], "--extent"),
        (["made", "--extent", "a,b,c,d"], "--extent"),
        (["made", "--extent", "nan,0,1,1"], "--extent"),
        (["made", "--extent", "0,0,inf,1"], "--extent"),
        (["made", "--extent", "3,2,1,4"], "--extent"),
        (["made", "--bbox", "1,2,3"], "--bbox"),
        (["made", "--bbox", "-200,0,10,10"], "--bbox"),
        (["made", "--bbox", "0,10,10,0"], "--bbox"),
        (["made", "--bbox", "0,0,10,nan"], "--bbox"),
        (["made", "--bbox", "0,0,1,1", "--extent", "0,0,1,1"], "--extent / --bbox"),
        (["made", "--background", "rot"], "--background"),
        (["made", "--background", "1,2"], "--background"),
        (["made", "--background", "1,2,256"], "--background"),
        (["made", "--background", "#11223344"], "--background"),
        (["made", "--background", ""], "--background"),
        (["made", "--levels", "1", "--scales", "5000"], "--levels / --scales"),
        (["made", "--levels", "3-1"], "--levels"),
        (["made", "--storage-format", "zip"], "--storage-format"),
        (["made", "--jobs", "0"], "--jobs"),
        (["made", "-q", "-v"], "--quiet / --verbose"),
        (["made.tpk", "--storage-format", "exploded"], "TARGET"),
        (["made.tpk", "--ready-to-serve"], "TARGET"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_option(tpkx, tmp_path, words, named):
    result = run("export", tpkx, tmp_path / words[0], *words[1:])
    assert result.exit_code == 2
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_export_fails_with_a_sentence_when_there_is_no_source(tmp_path):
    result = run("export", tmp_path / "nichts da", tmp_path / "made")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"tilepack: {tmp_path / 'nichts da'}: ")


def test_an_area_that_is_not_there_fails_with_a_sentence(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made", "--aoi", "nowhere.gpkg")
    assert result.exit_code == 1
    assert result.stderr == "tilepack: nowhere.gpkg: there is no such file, and it is neither WKT nor GeoJSON\n"


# Pixels


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    """A JPEG cache of one level, two tiles."""
    from caches import picture, web_mercator, write_v2

    from tilepack.keys import TileKey

    folder = tmp_path_factory.mktemp("jpeg") / "Fotos"
    tiles = {TileKey(*tile): picture(TileKey(*tile), "jpg") for tile in (WEST_TILE, EAST_TILE)}
    write_v2(folder, web_mercator(), tiles, tile_format=tilepack.TileFormat.JPEG)
    return folder


@pytest.mark.parametrize("colour", ["#ff8000", "255,128,0", "255, 128, 0", "rgb(255,128,0)"])
def test_background_keeps_jpeg_and_paints_the_outside(jpeg, tmp_path, colour):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--background", colour]
    result = run("export", jpeg, tmp_path / "made", *words)
    assert "COMPACT_V2 folder of JPEG tiles" in result.stdout
    assert "1 tile encoded as JPEG once more" in result.stdout
    (data,) = read_tiles(tmp_path / "made").values()
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image)[:, 144:].astype(int) - (255, 128, 0)).max() < 8


def test_background_takes_names(jpeg, tmp_path):
    run("export", jpeg, tmp_path / "made", "--aoi", wkt(half_of(WEST_TILE)), "--background", "Navy")
    (data,) = read_tiles(tmp_path / "made").values()
    with Image.open(io.BytesIO(data)) as image:
        assert np.abs(np.asarray(image)[:, 144:].astype(int) - (0, 0, 128)).max() < 8


def test_a_cut_jpeg_cache_becomes_mixed_and_says_so(jpeg, tmp_path):
    result = run("export", jpeg, tmp_path / "made", "--aoi", wkt(half_of(WEST_TILE)))
    assert "of MIXED tiles" in result.stdout
    assert "the new cache is MIXED" in result.stderr


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (["--background", "red"], "without --aoi nothing is cut, and --background changes nothing"),
        (["--keep-blank", "--strict"], "without --aoi nothing is cut, and --keep-blank, --strict changes nothing"),
        (["--aoi", wkt(half_of(WEST_TILE)), "--background", "red"], "--background is for JPEG; in PNG tiles"),
    ],
)
def test_options_without_effect_are_warned_of(tpkx, tmp_path, words, warning):
    result = run("export", tpkx, tmp_path / "made", "--levels", "4", *words)
    assert result.exit_code == 0
    assert warning in result.stderr
    shown = json.loads(run("export", tpkx, tmp_path / "other", "--levels", "4", "-n", "--json", *words).stdout)
    assert any(warning in each for each in shown["warnings"])


def test_whole_tiles_are_not_cut(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--whole-tiles", "--levels", "4"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert read_tiles(tmp_path / "made") == {WEST_TILE: read_tiles(tpkx)[WEST_TILE]}


def test_blank_tiles_are_dropped_unless_kept(tmp_path):
    image = Image.new("RGBA", (256, 256), (9, 9, 9, 255))
    image.paste((0, 0, 0, 0), (0, 0, 128, 256))
    out = io.BytesIO()
    image.save(out, "PNG")
    source = write_exploded(tmp_path / "source", {WEST_TILE: out.getvalue(), EAST_TILE: draw_tile(*EAST_TILE)})
    area = wkt(half_of(WEST_TILE).union(half_of(EAST_TILE)))
    result = run("export", source, tmp_path / "a", "--aoi", area)
    assert result.stdout.splitlines()[4] == "  1 blended, 1 dropped"
    assert set(read_tiles(tmp_path / "a")) == {EAST_TILE}
    run("export", source, tmp_path / "b", "--aoi", area, "--keep-blank")
    assert set(read_tiles(tmp_path / "b")) == {WEST_TILE, EAST_TILE}


def usa_area():
    """Give an area whose edge crosses the coarse tiles, of which two are damaged."""
    return "SRID=4326;POLYGON((-130 20, -60 20, -90 60, -130 20))"


def test_damaged_tiles_end_in_one_error_that_names_them(samples, tmp_path):
    result = run("export", samples / "Usa.tpkx", tmp_path / "made", "--aoi", usa_area())
    assert result.exit_code == 1
    assert "2 tiles on the area's edge cannot be cut" in result.stderr
    assert all(f"  {tile}: " in result.stderr for tile in ("0/0/0", "1/0/0"))
    assert not list(tmp_path.iterdir())


def test_damaged_tiles_are_skipped_with_exit_code_3(samples, tmp_path):
    result = run("export", samples / "Usa.tpkx", tmp_path / "made", "--aoi", usa_area(), "--skip-errors")
    assert result.exit_code == 3
    assert "2 skipped" in result.stdout
    assert [line.split(":")[1] for line in result.stderr.splitlines() if "skipped" in line] == [
        " 0/0/0 was skipped",
        " 1/0/0 was skipped",
    ]
    assert {(0, 0, 0), (1, 0, 0)}.isdisjoint(read_tiles(tmp_path / "made"))


def test_json_names_the_tiles_that_were_skipped(samples, tmp_path):
    words = ["--aoi", usa_area(), "--skip-errors", "--json", "-q"]
    result = run("export", samples / "Usa.tpkx", tmp_path / "made", *words)
    assert (result.exit_code, result.stderr) == (3, "")
    shown = json.loads(result.stdout)
    assert list(shown["skipped"]) == ["0/0/0", "1/0/0"]
    assert shown["tilesSkipped"] == 2


def test_no_more_than_20_skipped_tiles_are_listed(tmp_path):
    from caches import payload, web_mercator, write_v2

    from tilepack.keys import TileKey

    tiles = {TileKey(9, 100 + number, 100): payload(TileKey(9, 100 + number, 100)) for number in range(25)}
    write_v2(tmp_path / "bad", web_mercator(), tiles)
    side = shapely.union_all([half_of(tuple(tile)) for tile in tiles])
    result = run("export", tmp_path / "bad", tmp_path / "made", "--aoi", wkt(side), "--skip-errors")
    assert result.exit_code == 3
    assert result.stderr.count("was skipped") == 20
    assert "warning: 5 more tiles skipped\n" in result.stderr


# What is shown


def test_result_counts_tiles_by_what_became_of_them(tpkx, tmp_path):
    area = shapely.union_all([half_of(WEST_TILE), tile_box(*EAST_TILE), tile_box(*FINE, grown=1)])
    words = ["--aoi", f"4={wkt(area)}", "--aoi", f"9={wkt(tile_box(*FINE, grown=100))}", "--levels", "4,9"]
    shown = json.loads(run("export", tpkx, tmp_path / "made", *words, "--json").stdout)
    kinds = ("Copied", "Repacked", "Blended", "Dropped", "Unchanged", "Deleted")
    assert shown["tiles"] == len(read_tiles(tmp_path / "made"))
    assert sum(shown[f"tiles{kind}"] for kind in kinds[:3]) == shown["tiles"]
    assert shown["tilesBlended"] >= 1
    assert shown["skipped"] == {}


def test_json_holds_all_that_the_library_tells(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "--json"]
    shown = json.loads(run("export", tpkx, tmp_path / "a", *words).stdout)
    told = tilepack.export_cache(tpkx, tmp_path / "b", area=wkt(half_of(WEST_TILE)), levels="4").as_json()
    for document in (shown, told):
        del document["seconds"], document["target"]
    assert told.items() <= shown.items()


def test_figures_that_are_0_are_not_shown(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made.tpkx", "--levels", "4,9", "--title", "T", "--tags", "a")
    assert result.stderr == ""
    assert result.stdout.splitlines()[4:] == ["  5 copied"]


def test_dry_run_writes_nothing_and_shows_each_level(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "--dry-run"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert result.exit_code == 0
    assert not list(tmp_path.iterdir())
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"would make {tmp_path / 'made'}", "  COMPACT_V2 folder of PNG tiles, level 4"]
    assert lines[4].split()[:6] == ["4", "0", "0", "1", "0", "1"]
    assert lines[6] == "2 tiles left out"
    assert lines[7].startswith("estimate: ")


def test_dry_run_json_tells_the_estimate(tpkx, tmp_path):
    shown = json.loads(run("export", tpkx, tmp_path / "made", "--json", "-n").stdout)
    plan = tilepack.plan_export(tpkx, tmp_path / "made")
    assert shown.pop("estimate") == {"tileBytes": plan.tile_bytes, "seconds": 0.0}
    assert shown == plan.as_json()


def test_estimate_grows_with_tiles_to_cut_and_shrinks_with_jobs(jpeg, tmp_path):
    area = wkt(half_of(WEST_TILE).union(half_of(EAST_TILE)))
    mixed = tilepack.plan_export(jpeg, tmp_path / "made", area=area)
    painted = tilepack.plan_export(
        jpeg, tmp_path / "made", area=area, pixels=tilepack.PixelOptions(background=(0, 0, 0))
    )
    assert painted.estimate().tile_bytes < painted.tile_bytes < mixed.estimate().tile_bytes
    assert mixed.estimate(2).seconds < mixed.estimate(1).seconds


def test_quiet_says_nothing(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made.tpk", "--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_verbose_says_more(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made", "--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "-v")
    assert "COMPACT_V2 folder: 1 bundle blended, 1 tile, " in result.stderr


def test_export_replaces_a_target_only_when_told_to(tpkx, tmp_path):
    target = tmp_path / "made.tpk"
    target.write_bytes(b"mine")
    assert run("export", tpkx, target).exit_code == 1
    assert target.read_bytes() == b"mine"
    assert run("export", tpkx, target, "-n", "--replace").stdout.startswith("would replace ")
    assert run("export", tpkx, target, "--replace").exit_code == 0
    assert set(read_tiles(target)) == set(TILES)
