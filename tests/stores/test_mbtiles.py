"""MBTiles keep the contract of contract.py, however their tables are made; what they say is read as it is meant."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from caches import Tiles, payload, picture
from contract import StoreContract
from web_caches import FLAT, VIEW, WITHOUT_ROWID, look_in_mbtiles, write_mbtiles

import tilepack
from tilepack.cache import StorageFormat, TileFormat
from tilepack.keys import TileKey

NO_INDEX = (FLAT[0],)
ONE = {TileKey(3, 2, 5): picture(TileKey(3, 2, 5))}


class TestFlat(StoreContract):
    storage_format = StorageFormat.MBTILES
    look = staticmethod(look_in_mbtiles)

    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_mbtiles(folder / "Island Ü.mbtiles", tiles, schema=FLAT)


class TestWithoutAnIndex(TestFlat):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_mbtiles(folder / "island.mbtiles", tiles, schema=NO_INDEX)


class TestView(TestFlat):
    stored_order = False

    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_mbtiles(folder / "island.mbtiles", tiles, schema=VIEW)


class TestWithoutRowid(TestView):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_mbtiles(folder / "island.mbtiles", tiles, schema=WITHOUT_ROWID)


class TestUnderAnotherSuffix(TestFlat):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_mbtiles(folder / "island.sqlite", tiles)


class TestInWalModeWithoutALog(TestFlat):
    """SQLite itself would make sidecars beside it."""

    def make(self, folder: Path, tiles: Tiles) -> Path:
        path = write_mbtiles(folder / "island.mbtiles", tiles)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("pragma journal_mode=wal")
            database.execute("create table other (one)")
        return path

    def test_nothing_is_left_beside_it(self, place):
        with tilepack.open(place) as reader:
            assert reader.read(TileKey(0, 0, 0))
        assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_tiles_that_only_the_log_of_wal_mode_has_are_read(tmp_path):
    path = write_mbtiles(tmp_path / "island.mbtiles", ONE)
    with contextlib.closing(sqlite3.connect(path)) as writer:
        writer.execute("pragma journal_mode=wal")
        with writer:
            writer.execute("insert into tiles values (3, 0, 7, ?)", (b"later",))
        with tilepack.open(path) as reader:
            assert reader.read(TileKey(3, 0, 0)) == b"later"


def test_metadata_says_what_the_cache_says(tmp_path):
    said = {
        "name": "Inseln",
        "format": "jpg",
        "bounds": "-45, 0, 45, 66.51326044311186",
        "minzoom": "3",
        "maxzoom": " 3 ",
        "attribution": "© everybody",
        "description": "Small islands",
        "json": '{"vector_layers": [{"id": "land"}]}',
        "version": "2",
    }
    tiles = {TileKey(3, row, column): payload(TileKey(3, row, column), "jpg") for row in (2, 3) for column in (3, 4)}
    with tilepack.open(write_mbtiles(tmp_path / "map.mbtiles", tiles, metadata=said)) as reader:
        info = reader.info
        report = tilepack.probe(reader)
    assert (info.name, info.tile_format, info.min_level, info.max_level) == ("Inseln", TileFormat.JPEG, 3, 3)
    assert (info.description.title, info.description.attribution) == ("Inseln", "© everybody")
    assert info.description.description == "Small islands"
    assert info.web == {"vector_layers": [{"id": "land"}], "version": "2"}
    box = info.scheme.range_extent(tilepack.TileRange(level=3, row_start=2, row_stop=4, column_start=3, column_stop=5))
    assert info.extent is not None
    assert info.extent.as_tuple() == pytest.approx(box.as_tuple(), abs=1e-6)
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("bounds", "1,2,3", "is west, south, east, north in degrees"),
        ("bounds", "1,2,x,4", "bounds is"),
        ("bounds", "0,80,10,-80", "nowhere on earth"),
        ("bounds", "0,0,inf,10", "bounds is"),
        ("minzoom", "two", "minzoom is"),
        ("maxzoom", "31", "zooms go from 0 to 30"),
        ("json", "{", "no JSON"),
        ("format", "tiff", "which nobody knows"),
    ],
)
def test_metadata_that_cannot_be_true_is_a_warning(tmp_path, name, value, sentence):
    path = write_mbtiles(tmp_path / "map.mbtiles", ONE, metadata={"name": "Map", name: value})
    with tilepack.open(path) as reader:
        assert [sentence in warning for warning in reader.warnings] == [True]
        assert reader.read(TileKey(3, 2, 5)) == ONE[TileKey(3, 2, 5)]


def test_bounds_across_the_antimeridian_hold_both_sides(tmp_path):
    path = write_mbtiles(tmp_path / "map.mbtiles", ONE, metadata={"bounds": "170,-20,-170,20"})
    with tilepack.open(path) as reader:
        extent = reader.info.extent
    assert extent is not None
    assert (extent.xmin, extent.xmax) == pytest.approx((-20037508.342789, 20037508.342789))


def test_file_without_metadata_is_read_with_a_warning(tmp_path):
    path = write_mbtiles(tmp_path / "map.mbtiles", ONE)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("drop table metadata")
    with tilepack.open(path) as reader:
        assert "read without metadata" in reader.warnings[0]
        assert reader.info.name == "map"


@pytest.mark.parametrize(
    ("side", "resolution"), [(256, 156543.033928), (512, 78271.5169639999), (1024, 39135.7584820001)]
)
def test_tile_size_is_that_of_the_tiles(tmp_path, side, resolution):
    tiles = {TileKey(0, 0, 0): picture(TileKey(0, 0, 0), size=(side, side))}
    with tilepack.open(write_mbtiles(tmp_path / "map.mbtiles", tiles)) as reader:
        assert reader.info.scheme.tile_width == side
        assert reader.info.scheme.level(0).resolution == resolution
        whole = reader.info.scheme.tile_extent(TileKey(0, 0, 0))
    assert whole.as_tuple() == pytest.approx((-20037508.342787, -20037508.342787, 20037508.342787, 20037508.342787))


@pytest.mark.parametrize(
    ("kinds", "said", "expected"),
    [
        (("png", "png"), "png", TileFormat.PNG),
        (("jpg", "jpg"), "png", TileFormat.JPEG),
        (("jpg", "png"), "jpg", TileFormat.MIXED),
        (("jpg", "jpg"), "hybrid", TileFormat.MIXED),
        ((), "webp", TileFormat.WEBP),
        ((), "", TileFormat.PNG),
    ],
)
def test_tile_format_is_that_of_the_tiles(tmp_path, kinds, said, expected):
    tiles = {TileKey(5, 0, column): payload(TileKey(5, 0, column), kind) for column, kind in enumerate(kinds)}
    with tilepack.open(write_mbtiles(tmp_path / "map.mbtiles", tiles, metadata={"format": said})) as reader:
        assert reader.info.tile_format is expected


def test_zooms_beyond_those_of_esri_are_halves(tmp_path):
    far = TileKey(28, 2**28 - 1, 0)
    with tilepack.open(write_mbtiles(tmp_path / "map.mbtiles", {far: payload(far)})) as reader:
        levels = reader.info.scheme.levels
        assert reader.read(far) == payload(far)
        assert [bundle.row for bundle in reader.bundles(28)] == [2**28 - 128]
    assert levels[28].resolution == pytest.approx(levels[23].resolution / 32, rel=1e-12)
