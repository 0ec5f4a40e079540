"""Laws of ``tilepack create``."""

from __future__ import annotations

import json

import pytest
from command_line import TILES, run

import tilepack
from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme


@pytest.mark.parametrize(
    ("name", "more", "made"),
    [
        ("Müller & Söhne.tpk", [], "COMPACT package"),
        ("Müller & Söhne.tpkx", [], "COMPACT_V2 package"),
        ("ein Ordner", [], "COMPACT_V2 folder"),
        ("ein Ordner", ["--storage-format", "compact"], "COMPACT folder"),
        ("ein Ordner", ["--storage-format", "exploded"], "EXPLODED folder"),
        ("ein Ordner", ["--ready-to-serve"], "COMPACT_V2 folder, ready to serve"),
    ],
)
def test_create_makes_an_empty_cache_of_the_kind_asked_for(tmp_path, name, more, made):
    result = run("create", tmp_path / name, *more)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"made {tmp_path / name}",
        f"  {made} for MIXED tiles of quality 75, none yet",
        "  256 x 256 pixels, WKID 3857 / 102100, origin -20037508.34, 20037508.34",
        "  levels 0-23",
        "  no extent declared",
    ]
    with tilepack.open(tmp_path / name) as cache:
        assert tilepack.probe(cache).tiles == 0
    assert [place.name for place in tmp_path.iterdir()] == [name]


def test_create_warns_of_an_empty_package_alone(tmp_path):
    assert "the target will be an empty cache" in run("create", tmp_path / "a.tpkx").stderr
    assert run("create", tmp_path / "b").stderr == ""
    assert run("create", tmp_path / "c.tpkx", "-q").stderr == ""


def test_create_after_a_cache_has_its_levels_and_none_of_its_tiles(tpkx, tmp_path):
    assert run("create", tmp_path / "like", "--scheme", tpkx).exit_code == 0
    model, made = tilepack.levels_of(tpkx), tilepack.levels_of(tmp_path / "like")
    assert [(level.level, level.scale, level.resolution) for level in made] == [
        (level.level, level.scale, level.resolution) for level in model
    ]
    assert sum(level.tiles for level in model) == len(TILES)
    assert sum(level.tiles for level in made) == 0


def test_create_dry_run_shows_the_levels_and_writes_nothing(tmp_path):
    result = run("create", tmp_path / "new", "--scheme", "wgs84", "--levels", "3-4", "--extent=-10,0,10,20.5", "-n")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"would make {tmp_path / 'new'}",
        "  COMPACT_V2 folder for MIXED tiles of quality 75, none yet",
        "  256 x 256 pixels, WKID 4326, origin -180, 90",
        "  levels 3-4",
        "  extent -10, 0, 10, 20.5",
        "",
        "  level        scale    resolution",
        "      3  36978595.47   0.087890625",
        "      4  18489297.74  0.0439453125",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [["--dry-run"], []])
def test_create_json_equals_the_plan_of_the_library(tpkx, tmp_path, how):
    expected = tilepack.plan_create(tmp_path / "new.tpk", scheme=tpkx, quality=60, tile_format="JPEG").as_json()
    shown = run(
        "create", tmp_path / "new.tpk", "--scheme", tpkx, "--tile-format", "jpeg", "--quality", 60, "--json", *how
    )
    assert json.loads(shown.stdout) == expected
    assert (tmp_path / "new.tpk").exists() is not bool(how)


def test_create_takes_the_grid_of_a_scheme_file(tmp_path):
    grid = tilepack.custom_scheme(2193, (-4020900, 19998100), [5e5, 1e5], tile_size=512)
    (tmp_path / "grid.xml").write_bytes(format_tiling_scheme(grid, tile_format=tilepack.TileFormat.PNG8, quality=0))
    assert run("create", tmp_path / "new", "--scheme", tmp_path / "grid.xml", "--scales", "100000").exit_code == 0
    with tilepack.open(tmp_path / "new") as cache:
        assert cache.info.scheme.differences(grid) == []
        assert [lod.level for lod in cache.info.scheme.levels] == [1]
        assert cache.info.tile_format == "PNG8"


def test_create_makes_a_scheme_by_hand(tmp_path):
    words = ["--wkid", 2193, "--origin=-4020900,19998100", "--scales", "500000,100000", "--tile-size", 512]
    assert run("create", tmp_path / "new", *words, "--dpi", 120).exit_code == 0
    expected = tilepack.custom_scheme(2193, (-4020900, 19998100), [5e5, 1e5], tile_size=512, dpi=120)
    with tilepack.open(tmp_path / "new") as cache:
        assert cache.info.scheme.differences(expected) == []
        assert (cache.info.scheme.dpi, cache.info.scheme.tile_height) == (120, 512)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--levels", "0", "--scales", "5000"], "choose levels by one of them"),
        (["--extent", "0,0,1,1", "--bbox", "0,0,1,1"], "choose a rectangle by one of them"),
        (["--levels", "x"], "cannot be read"),
        (["--tile-format", "gif"], "'gif' is not one of PNG, PNG8"),
        (["--quality", "101"], "101 is not in the range"),
        (["--storage-format", "squashed"], "is not one of compact"),
        (["--wkid", "2193"], "a new scheme needs --wkid, --origin and --scales"),
        (["--wkid", "2193", "--origin", "0,0"], "a new scheme needs --wkid, --origin and --scales"),
        (["--wkid", "2193", "--origin", "zero", "--scales", "5000"], "'zero' is not two numbers X,Y"),
        (["--wkid", "2193", "--origin", "nan,0", "--scales", "5000"], "'nan,0' is not two numbers X,Y"),
        (["--wkid", "2193", "--scheme", "wgs84"], "a new scheme has the levels of --scales"),
        (["--origin", "0,0"], "name its --wkid too"),
        (["--tile-size", "512"], "name its --wkid too"),
        (["--dpi", "120"], "name its --wkid too"),
    ],
)
def test_create_refuses_a_wrong_command_line_with_exit_code_2(tmp_path, words, complaint):
    result = run("create", tmp_path / "new", *words, width=200)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--scheme", "arcgis_online"], "arcgis_online: is neither a scheme's name nor a file; the schemes are arcgis"),
        (["--levels", "24"], "arcgis-online: level 24 is not in the tiling scheme"),
        (["--wkid", "99999", "--origin", "0,0", "--scales", "5000"], "spatial reference WKID 99999 cannot be read"),
        (["--scheme", "http://127.0.0.1:1/x"], "http://127.0.0.1:1/x: the server does not answer"),
    ],
)
def test_create_fails_with_a_sentence_and_leaves_nothing(tmp_path, words, complaint):
    result = run("create", tmp_path / "new", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"tilepack: {complaint}")
    assert list(tmp_path.iterdir()) == []


def test_create_replaces_only_when_told(exploded, tmp_path):
    tilepack.convert(exploded, tmp_path / "old")
    refused = run("create", tmp_path / "old")
    assert refused.exit_code == 1
    assert "--replace" in refused.stderr
    assert run("create", tmp_path / "old", "--replace", "-n").stdout.startswith("would replace")
    assert run("create", tmp_path / "old", "--replace").exit_code == 0
    with tilepack.open(tmp_path / "old") as cache:
        assert tilepack.probe(cache).tiles == 0


def test_create_tells_where_a_description_is_lost(tmp_path):
    said = run("create", tmp_path / "new", "--title", "State", "--name", "State").stderr
    assert "a folder with conf.xml has no place for them" in said
    assert "its name is not written" in said
    assert run("create", tmp_path / "new.tpkx", "--title", "State", "--tags", "a,b", "--name", "S").exit_code == 0
    with tilepack.open(tmp_path / "new.tpkx") as cache:
        about = cache.info.description
    assert (cache.info.name, about.title, about.tags) == ("S", "State", ("a", "b"))
