"""tpkutils reads the .tpk written here."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from caches import picture, read_all, tile_box, web_mercator, write_exploded

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey
from tilepack.spatial import to_degrees

tpkutils = pytest.importorskip("tpkutils")

TILES = {
    TileKey(level, row, column): picture(TileKey(level, row, column))
    for level in (5, 7)
    for row in range(10, 14)
    for column in range(6, 9)
}


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tpk")
    write_exploded(folder / "Island", web_mercator(), TILES, tile_format=TileFormat.PNG32)
    tilepack.convert(folder / "Island", folder / "island.tpk")
    return folder / "island.tpk"


def read_by_tpkutils(package: Path) -> dict[TileKey, bytes]:
    with tpkutils.TPK(str(package)) as opened:
        return {TileKey(tile.z, tile.y, tile.x): tile.data for tile in opened.read_tiles()}


def test_tpkutils_reads_every_tile(package):
    assert read_by_tpkutils(package) == TILES


def test_tpkutils_reads_what_the_package_says_of_itself(package):
    with tpkutils.TPK(str(package)) as opened:
        assert (opened.name, opened.format, opened.tile_size, opened.root_name) == ("Island", "PNG32", 256, "Island")
        assert opened.zoom_levels == list(range(24))
        boxes = [tile_box(web_mercator(), TILES, level) for level in (5, 7)]  # which lie apart
        degrees = to_degrees(boxes[0].union(boxes[1]), web_mercator().spatial_reference)
        assert opened.bounds == pytest.approx(degrees.as_tuple())


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # pymbtiles leaves its schema file open
def test_tpkutils_makes_mbtiles_of_it(package, tmp_path):
    with tpkutils.TPK(str(package)) as opened:
        opened.to_mbtiles(str(tmp_path / "island.mbtiles"))
    database = sqlite3.connect(tmp_path / "island.mbtiles")
    try:
        rows = database.execute("select zoom_level, tile_column, tile_row, tile_data from tiles").fetchall()
    finally:
        database.close()
    assert {TileKey(level, (1 << level) - 1 - row, column): data for level, column, row, data in rows} == TILES


def test_tpkutils_makes_files_of_it(package, tmp_path):
    with tpkutils.TPK(str(package)) as opened:
        opened.to_disk(str(tmp_path / "island"))
    found = {
        TileKey(int(place.parts[-3]), int(place.stem), int(place.parts[-2])): place.read_bytes()
        for place in (tmp_path / "island").rglob("*.png")
    }
    assert found == TILES


@pytest.mark.parametrize("name", ["canyonlands.tpk", "states_filled.tpk"])
def test_tpkutils_reads_the_samples_after_a_round_trip(samples, tmp_path, name):
    tilepack.convert(samples / name, tmp_path / "between")
    tilepack.convert(tmp_path / "between", tmp_path / "back.tpk")
    assert read_by_tpkutils(tmp_path / "back.tpk") == read_by_tpkutils(samples / name) != {}


@pytest.mark.parametrize("name", ["Usa.tpkx", "esri_compact_v2_cache"])
def test_tpkutils_reads_packages_made_of_v2_samples(samples, tmp_path, name):
    tilepack.convert(samples / name, tmp_path / "made.tpk")
    assert read_by_tpkutils(tmp_path / "made.tpk") == read_all(samples / name)
