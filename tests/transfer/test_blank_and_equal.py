"""--drop-blank leaves out what shows nothing, --dedupe stores equal tiles once; nothing else changes."""

from __future__ import annotations

import contextlib
import io
import sqlite3

import pytest
from caches import look_at_tiles, payload, picture, read_all, web_mercator, write_exploded, write_v1, write_v2
from PIL import Image
from web_caches import look_at_header, look_in_mbtiles, write_mbtiles

import tilepack
from tilepack.keys import TileKey
from tilepack.stores.web import remembering


def blank(mode: str = "RGBA", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (256, 256)).save(out, kind, **({"transparency": 0} if mode == "P" else {}))
    return out.getvalue()


SHOWN = {
    TileKey(7, row, column): picture(TileKey(7, row, column), "jpg" if column % 2 else "png")
    for row in range(3)
    for column in range(5)
}
BLANK = {
    TileKey(7, 3, 0): blank(),
    TileKey(7, 3, 1): blank("P"),
    TileKey(7, 3, 2): blank("LA"),
    TileKey(9, 400, 400): blank(),
}
WEBP = {TileKey(7, 4, 0): blank(kind="WEBP")}
TARGETS = ["cache", "cache.tpk", "cache.tpkx", "map.mbtiles", "map.pmtiles", "tiles"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_blank_tiles_are_left_out_and_all_others_stay(tmp_path, write, target):
    write(tmp_path / "source", web_mercator(), SHOWN | BLANK)
    result = tilepack.convert(
        tmp_path / "source", tmp_path / target, storage_format="xyz" if target == "tiles" else None, drop_blank=True
    )
    assert read_all(tmp_path / target) == SHOWN
    assert (result.tiles, result.counts.dropped, result.counts.blended) == (len(SHOWN), len(BLANK), 0)
    with tilepack.open(tmp_path / target) as reader:
        assert reader.levels() == [7]
        assert reader.info.extent is not None
        assert reader.info.extent.width < 1_700_000  # that of level 7 alone


def test_blank_tiles_stay_unless_it_is_asked_for(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), SHOWN | BLANK)
    tilepack.convert(tmp_path / "source", tmp_path / "map.mbtiles")
    assert look_in_mbtiles(tmp_path / "map.mbtiles") == SHOWN | BLANK


def test_blank_webp_is_left_out_as_it_is_and_as_it_becomes(tmp_path):
    source = write_mbtiles(tmp_path / "source.mbtiles", SHOWN | WEBP)
    for target in ("a.mbtiles", "a.tpkx"):
        tilepack.convert(source, tmp_path / target, drop_blank=True)
        assert read_all(tmp_path / target) == SHOWN


def test_cache_of_blank_tiles_becomes_an_empty_one(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), BLANK)
    tilepack.convert(tmp_path / "source", tmp_path / "cache", drop_blank=True)
    assert look_at_tiles(tmp_path / "cache") == {}


def test_damaged_tile_is_one_error_or_skipped(tmp_path):
    damaged = TileKey(7, 5, 5)
    write_v2(tmp_path / "source", web_mercator(), SHOWN | BLANK | {damaged: payload(damaged)})
    with pytest.raises(tilepack.TileError, match="7/5/5"):
        tilepack.convert(tmp_path / "source", tmp_path / "cache", drop_blank=True)
    assert not (tmp_path / "cache").exists()
    options = tilepack.PixelOptions(drop_blank=True, skip_errors=True)
    result = tilepack.export_cache(tmp_path / "source", tmp_path / "cache", pixels=options)
    assert look_at_tiles(tmp_path / "cache") == SHOWN
    assert set(result.skipped) == {damaged}


EQUAL = {TileKey(7, row, column): payload(TileKey(7, 0, column % 3)) for row in range(20) for column in range(20)}


def images(path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        return database.execute("select count(*) from images").fetchone()[0]


def test_equal_tiles_of_mbtiles_are_stored_once_behind_a_view(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), EQUAL | SHOWN)
    tilepack.convert(tmp_path / "source", tmp_path / "map.mbtiles", dedupe=True)
    assert look_in_mbtiles(tmp_path / "map.mbtiles") == EQUAL | SHOWN
    assert read_all(tmp_path / "map.mbtiles") == EQUAL | SHOWN
    assert images(tmp_path / "map.mbtiles") == len({*(EQUAL | SHOWN).values()})


def test_tiles_of_one_checksum_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(remembering.zlib_ng, "crc32", lambda *_: 7)
    write_exploded(tmp_path / "source", web_mercator(), EQUAL)
    for target in ("map.mbtiles", "map.pmtiles"):
        tilepack.convert(tmp_path / "source", tmp_path / target, dedupe=True)
        assert read_all(tmp_path / target) == EQUAL


def test_pmtiles_store_equal_tiles_once_without_being_asked(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), EQUAL)
    tilepack.convert(tmp_path / "source", tmp_path / "map.pmtiles")
    assert look_at_header(tmp_path / "map.pmtiles")[0]["tile_contents_count"] == 3


def test_dedupe_where_nothing_can_be_says_so(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), SHOWN)
    plan = tilepack.plan_convert(tmp_path / "source", tmp_path / "cache.tpkx", dedupe=True)
    assert any("--dedupe changes nothing" in warning for warning in plan.warnings)
    assert tilepack.plan_convert(tmp_path / "source", tmp_path / "map.mbtiles", dedupe=True).warnings == ()
