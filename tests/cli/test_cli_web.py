"""Every command takes web tiles, in one file or many, as it takes caches."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from command_line import TILES, draw_tile, run
from PIL import Image
from web_caches import write_mbtiles

import tilepack
from tilepack.keys import TileKey

TARGETS = {"web.mbtiles": [], "web.pmtiles": [], "web.zip": [], "web": ["--storage-format", "xyz"]}


@pytest.fixture(params=TARGETS)
def web(request, tpkx, tmp_path) -> Path:
    result = run("convert", tpkx, tmp_path / request.param, *TARGETS[request.param])
    assert result.exit_code == 0, result.stderr
    return tmp_path / request.param


def tiles_of(cache: Path) -> dict[TileKey, bytes]:
    with tilepack.open(cache) as reader:
        return {
            tile: data
            for level in reader.levels()
            for bundle in reader.bundles(level)
            for tile, data in reader.tiles(bundle)
        }


def said(*words: object) -> object:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_tiles_come_there_and_back(web, tmp_path):
    assert tiles_of(web) == {TileKey(*tile): draw_tile(*tile) for tile in TILES}
    assert run("convert", web, tmp_path / "back.tpkx").exit_code == 0
    assert tiles_of(tmp_path / "back.tpkx") == tiles_of(web)
    assert run("export", web, tmp_path / "part.tpkx", "--levels", "4-9").exit_code == 0
    assert len(tiles_of(tmp_path / "part.tpkx")) == 5


def test_it_is_shown(web, tpkx, tmp_path):
    info = said("info", web)
    assert info["storageFormat"] in ("MBTILES", "PMTILES", "XYZ")
    assert [(row["level"], row["tiles"]) for row in said("levels", web) if row["tiles"]] == [
        (0, 1),
        (1, 2),
        (4, 3),
        (9, 2),
    ]
    assert len(run("ls", web, "--tiles").stdout.splitlines()) == len(TILES) + 1
    assert run("tile", web, 4, 5, 6, "-o", tmp_path / "tile.png").exit_code == 0
    assert (tmp_path / "tile.png").read_bytes() == draw_tile(4, 5, 6)
    assert run("preview", web, "-o", tmp_path / "picture.png", "--level", 4).exit_code == 0
    assert said("verify", web, "--deep")["errors"] == 0
    same = run("diff", web, tpkx)
    assert same.exit_code == 0, same.output
    assert f"the same {len(TILES)} tiles" in same.stdout


def test_its_status_is_told(web, tmp_path):
    shown = said("status", "show", web, "--levels", "4")
    (tmp_path / "reports").mkdir()
    assert run("status", "report", web, "--report-folder", tmp_path / "reports").exit_code == 0
    assert (tmp_path / "reports" / "Status.gdb").is_dir()
    assert shown["levels"][0]["tileCount"] == 3


def test_it_takes_tiles_in_and_gives_them_up(web, tpkx):
    assert run("delete", web, "--levels", "9").exit_code == 0
    assert len(tiles_of(web)) == 6
    result = run("import", tpkx, web)
    assert result.exit_code == 0, result.output
    assert tiles_of(web) == {TileKey(*tile): draw_tile(*tile) for tile in TILES}
    planned = run("delete", web, "--levels", "0", "--dry-run")
    assert planned.exit_code == 0
    assert "tilepack repair" not in planned.output
    assert len(tiles_of(web)) == len(TILES)


def test_what_it_has_none_of_is_said(web):
    compacted = run("compact", web)
    assert compacted.exit_code == 0
    assert "no dead space" in compacted.stderr or "no bundles with dead space" in compacted.stderr
    repaired = run("repair", web)
    assert repaired.exit_code == 1
    assert "import --overwrite puts sound tiles in its place" in repaired.stderr


def test_missing_tile_is_an_error(web):
    result = run("tile", web, 4, 0, 0, "-o", "-")
    assert result.exit_code == 1
    assert "has no tile 4/0/0" in result.stderr


def test_what_becomes_of_tiles_on_the_way_is_counted(tmp_path):
    out = io.BytesIO()
    Image.new("RGBA", (256, 256), (9, 8, 7, 100)).save(out, "WEBP", lossless=True)
    blank = io.BytesIO()
    Image.new("RGBA", (256, 256)).save(blank, "PNG")
    tiles = {TileKey(2, 0, 0): out.getvalue(), TileKey(2, 0, 1): blank.getvalue(), TileKey(2, 1, 1): draw_tile(2, 1, 1)}
    write_mbtiles(tmp_path / "web.mbtiles", tiles)
    result = run("convert", tmp_path / "web.mbtiles", tmp_path / "new.tpkx", "--drop-blank", width=200)
    assert result.exit_code == 0
    assert "2 tiles" in result.stdout
    assert "1 repacked, 1 blended, 1 dropped" in result.stdout
    assert "1 tile put into another tile format" in result.stdout
