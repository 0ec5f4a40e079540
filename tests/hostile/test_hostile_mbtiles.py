"""Whatever calls itself MBTiles is read, or refused in one sentence, soon and in little memory."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from caches import payload, read_thoroughly
from refusing import assert_refused
from web_caches import FLAT, write_mbtiles

import tilepack
from tilepack.keys import TileKey

TILES = {TileKey(3, row, column): payload(TileKey(3, row, column), size=900) for row in range(8) for column in range(8)}
COLUMNS = "zoom_level, tile_column, tile_row, tile_data"
LOOSE = ("create table tiles (zoom_level, tile_column, tile_row, tile_data)",)
ENDLESS = "with recursive n (i) as (select 0 union all select i + 1 from n)"
SECONDS = 20.0


def sound(path: Path) -> Path:
    return write_mbtiles(path, TILES)


def after(*statements: str, schema: tuple[str, ...] = FLAT) -> Callable[[Path], Path]:
    """Make a sound file, and run something on it."""

    def make(path: Path) -> Path:
        write_mbtiles(path, TILES, schema=schema)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            for statement in statements:
                database.execute(statement)
        return path

    return make


def view(select: str) -> Callable[[Path], Path]:
    return after("drop table tiles", f"create view tiles as {select}")


def changed(change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(change(sound(path).read_bytes()))
        return path

    return make


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (changed(lambda _: b""), "is no SQLite database"),
    "text": (changed(lambda _: b"Not found"), "is no SQLite database"),
    "magic alone": (changed(lambda data: data[:16]), "ends within its first 100 bytes"),
    "header alone": (changed(lambda data: data[:100]), "damaged or no MBTiles"),
    "half": (changed(lambda data: data[: len(data) // 2]), "damaged or no MBTiles"),
    "rubbish behind the first page": (
        changed(lambda data: data[:4096] + b"\xa5" * (len(data) - 4096)),
        "damaged or no",
    ),
    "pages that point to the first": (
        changed(lambda data: data[:4096] + (b"\x05" + bytes(7) + b"\0\0\0\1" + bytes(4084)) * (len(data) // 4096)),
        "damaged or no MBTiles",
    ),
    "another database": (after("drop table tiles"), "without a table tiles; it is no MBTiles"),
    "tiles without data": (
        after("drop table tiles", "create table tiles (zoom_level, tile_column, tile_row)"),
        "without a table tiles with tile_data",
    ),
    "zoom below 0": (after("update tiles set zoom_level = -1 where rowid = 3"), "the zoom_level -1"),
    "zoom of 31": (after("update tiles set zoom_level = 31 where rowid = 3"), "the zoom_level 31"),
    "zoom in words": (after("update tiles set zoom_level = 'three' where rowid = 3"), "the zoom_level 'three'"),
    "half a zoom": (after("update tiles set zoom_level = 2.5 where rowid = 3", schema=LOOSE), "the zoom_level 2.5"),
    "row beyond the zoom": (after("update tiles set tile_row = 8 where rowid = 3"), "go from 0 to 7"),
    "column below 0": (after("update tiles set tile_column = -1 where rowid = 3"), "go from 0 to 7"),
    "huge column": (after(f"update tiles set tile_column = {2**62} where rowid = 3"), "go from 0 to 7"),
    "column in words": (after("update tiles set tile_column = 'x' where rowid = 3"), "the row or column 'x'"),
    "column of bytes": (after("update tiles set tile_column = x'00' where rowid = 3"), "the row or column b"),
    "half a row": (after("update tiles set tile_row = 2.5 where rowid = 3", schema=LOOSE), "no whole number"),
    "no row": (after("update tiles set tile_row = null", schema=LOOSE), "the row or column None"),
    "tile in words": (after("update tiles set tile_data = 'text' where rowid = 3"), "is str and no blob"),
    "tile that is a number": (
        after("update tiles set tile_data = 12345 where rowid = 3", schema=LOOSE),
        "is int and no",
    ),
    "tile twice": (after(f"insert into tiles select {COLUMNS} from tiles limit 1", schema=LOOSE), "is there twice"),
    "tile too large": (after("update tiles set tile_data = zeroblob(17000000) where rowid = 3"), "has 17000000 bytes"),
    "huge tile": (after("update tiles set tile_data = zeroblob(90000000) where rowid = 3"), "has 90000000 bytes"),
    "endless view": (
        view(f"{ENDLESS} select 3 as zoom_level, i % 8 as tile_column, i / 8 as tile_row, x'89' as tile_data from n"),
        "its tables are programs",
    ),
    "endless view of zooms": (
        view(f"{ENDLESS} select i as zoom_level, 0 as tile_column, 0 as tile_row, x'89' as tile_data from n"),
        "its tables are programs",
    ),
    "view that makes gigabytes": (
        view("select 3 as zoom_level, 0 as tile_column, 0 as tile_row, zeroblob(2000000000) as tile_data"),
        "function: zeroblob",
    ),
    "view that multiplies its rows": (
        after(
            "alter table tiles rename to others",
            f"create view tiles as select max(a.zoom_level, b.zoom_level) as zoom_level, c.tile_column, d.tile_row, "
            f"a.tile_data from {', '.join(f'others {name}' for name in 'abcdefgh')}",
        ),
        "endless work",
    ),
    "view that puts tiles together": (
        after(
            "alter table tiles rename to others",
            "update others set tile_data = zeroblob(9000000) where rowid = 3",
            "create view tiles as select a.zoom_level, a.tile_column, a.tile_row, a.tile_data || a.tile_data || "
            "a.tile_data || a.tile_data as tile_data from others a",
        ),
        "more than 33554432 bytes",
    ),
    "words of the schema that are no text": (
        changed(lambda data: data.replace(b"CREATE UNIQUE INDEX tile_index", b"CREATE UNIQUE INDEX til\xff_index")),
        "damaged or no MBTiles",
    ),
    "view of itself": (view(f"select {COLUMNS} from tiles"), "damaged or no MBTiles"),
    "view that loads code": (
        view("select 3 as zoom_level, 0 as tile_column, 0 as tile_row, load_extension('x') as tile_data"),
        "damaged or no MBTiles",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hostile_file_is_refused_in_one_sentence(tmp_path, name):
    make, words = CASES[name]
    source = make(tmp_path / "map.mbtiles")
    assert_refused(source, words, read_thoroughly, seconds=SECONDS, mebibytes=200)


@pytest.mark.parametrize("name", CASES)
def test_verify_finds_what_is_wrong(tmp_path, name):
    findings = tilepack.verify(CASES[name][0](tmp_path / "map.mbtiles"))
    assert findings.errors


def test_verify_finds_nothing_in_a_sound_file(tmp_path):
    findings = tilepack.verify(sound(tmp_path / "map.mbtiles"))
    assert [finding.code for finding in findings.found] == ["extent-missing"]
    assert (findings.tiles, findings.bundles) == (64, 1)
    assert findings.tile_bytes == sum(map(len, TILES.values()))


def test_deep_verification_finds_an_index_without_a_tile(tmp_path):
    source = sound(tmp_path / "map.mbtiles")
    with contextlib.closing(sqlite3.connect(source)) as database, database:
        entry = database.execute("select * from sqlite_master where name = 'tile_index'").fetchone()
        database.execute("pragma writable_schema = on")
        database.execute("delete from sqlite_master where name = 'tile_index'")
    with contextlib.closing(sqlite3.connect(source)) as database, database:
        database.execute("insert into tiles values (3, 7, 7, x'89504e47')")
        database.execute("pragma writable_schema = on")
        database.execute("insert into sqlite_master values (?, ?, ?, ?, ?)", entry)
    assert "store-damaged" not in tilepack.verify(source).counts
    findings = tilepack.verify(source, deep=True)
    assert "tile_index" in next(finding.message for finding in findings.errors if finding.code == "store-damaged")


def test_triggers_of_a_view_never_run(tmp_path):
    source = after(
        "alter table tiles rename to others",
        f"create view tiles as select {COLUMNS} from others",
        "create trigger t instead of insert on tiles begin delete from others; end",
    )(tmp_path / "map.mbtiles")
    before = source.read_bytes()
    read_thoroughly(source)
    assert source.read_bytes() == before


def test_metadata_that_is_a_program_is_a_warning(tmp_path):
    source = after(
        "drop table metadata",
        f"create view metadata as {ENDLESS} select i as name, zeroblob(1000000) as value from n",
    )(tmp_path / "map.mbtiles")
    with tilepack.open(source) as reader:
        assert "read without metadata" in reader.warnings[0]
        assert sum(len(list(reader.tiles(bundle))) for bundle in reader.bundles(3)) == 64


def test_metadata_without_end_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tilepack.stores.web.mbtiles._MOST_TEXT", 500)
    source = after("insert into metadata select 'n' || rowid, 'ten chars.' from tiles")(tmp_path / "map.mbtiles")
    with pytest.raises(tilepack.TilepackError, match="metadata has more than 500 characters"):
        read_thoroughly(source)


def test_file_that_another_program_is_writing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tilepack.disk.sqlite._PATIENCE", 0.1)
    source = sound(tmp_path / "map.mbtiles")
    with contextlib.closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        with pytest.raises(tilepack.TransferError, match="another program writes it"):
            read_thoroughly(source)
