"""What an MBTiles file holds beside tiles is not lost by a change of them."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from caches import picture, read_all
from web_caches import FLAT, VIEW, write_mbtiles

import tilepack
from tilepack.keys import TileKey

TILES = {TileKey(5, row, 3): picture(TileKey(5, row, 3), "png") for row in range(3)}
MORE = {TileKey(5, 9, 9): picture(TileKey(5, 9, 9), "png")}


@pytest.mark.parametrize("schema", [FLAT, VIEW])
@pytest.mark.parametrize("change", ["import", "delete"])
def test_file_with_grids_is_not_changed_and_one_with_empty_tables_of_them_is(tmp_path, schema, change):
    source = write_mbtiles(tmp_path / "source.mbtiles", MORE)
    target = write_mbtiles(tmp_path / "target.mbtiles", TILES, schema=schema)

    def work() -> None:
        if change == "import":
            tilepack.import_cache(source, target)
        else:
            tilepack.delete_tiles(target, levels="5", bbox=(-180, -85, 180, 85))

    with contextlib.closing(sqlite3.connect(target)) as database, database:
        database.execute('create table "the grids" (zoom_level integer, grid blob)')
        database.execute("create table keymap (key_name text)")
        database.execute('insert into "the grids" values (5, ?)', (b"grid",))
    before = target.read_bytes()
    with pytest.raises(tilepack.UnsupportedError, match="holds the grids beside its tiles"):
        work()
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source.mbtiles", "target.mbtiles"]
    with contextlib.closing(sqlite3.connect(target)) as database, database:
        database.execute('delete from "the grids"')
    work()
    assert read_all(target) == (TILES | MORE if change == "import" else {})


@pytest.mark.parametrize("target", ["a.tpkx", "a.mbtiles", "a.pmtiles"])
def test_what_has_no_place_in_a_new_target_is_said(tmp_path, target):
    source = write_mbtiles(tmp_path / "source.mbtiles", TILES)
    with contextlib.closing(sqlite3.connect(source)) as database, database:
        database.execute("create table grids (zoom_level integer, grid blob)")
        database.execute("insert into grids values (5, 'grid')")
        database.execute("create table keymap (key_name text)")
        database.execute("create view broken as select no_such_function(zoom_level) as level from tiles")
    words = "tables beside the tiles stay behind: broken, grids"
    assert words in tilepack.plan_convert(source, tmp_path / target).warnings
    assert words in tilepack.convert(source, tmp_path / target).plan.warnings
    assert read_all(tmp_path / target) == TILES
    plain = write_mbtiles(tmp_path / "plain.mbtiles", TILES)
    assert not [text for text in tilepack.plan_convert(plain, tmp_path / f"b{target}").warnings if "tables" in text]
