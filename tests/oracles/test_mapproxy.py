"""MapProxy's compact caches read what is written here, and are read here."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from caches import conf_files, describe, island_tiles, payload, read_all, web_mercator, write_exploded, write_files

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import TileKey

pytest.importorskip("mapproxy")

from mapproxy.cache.compact import CompactCacheV1, CompactCacheV2
from mapproxy.cache.tile import Tile
from mapproxy.image import ImageResult

# MapProxy leaves the files of its locks for the collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

CACHES = {"COMPACT": CompactCacheV1, "COMPACT_V2": CompactCacheV2}

EITHER = pytest.mark.parametrize("storage_format", CACHES)


def read_by_mapproxy(storage_format: str, folder: Path, key: TileKey) -> bytes | None:
    tile = Tile((key.column, key.row, key.level))
    if not CACHES[storage_format](str(folder)).load_tile(tile):
        return None
    return tile.image_result.image.read()


def write_by_mapproxy(storage_format: str, folder: Path, tiles: dict[TileKey, bytes]) -> None:
    """Store tiles one by one, as MapProxy does when it seeds."""
    cache = CACHES[storage_format](str(folder / "_alllayers"))
    for key, data in tiles.items():
        assert cache.store_tile(Tile((key.column, key.row, key.level), ImageResult(io.BytesIO(data))))
    write_files(folder, conf_files(describe(web_mercator(), StorageFormat(storage_format)), tiles))


@EITHER
def test_mapproxy_reads_every_tile_written_here(tmp_path, island_tiles, exploded_island, storage_format):
    tilepack.convert(exploded_island, tmp_path / "cache", storage_format=storage_format)
    for key, data in island_tiles.items():
        assert read_by_mapproxy(storage_format, tmp_path / "cache/_alllayers", key) == data


@EITHER
def test_mapproxy_misses_the_tiles_that_are_not_there(tmp_path, exploded_island, storage_format):
    tilepack.convert(exploded_island, tmp_path / "cache", storage_format=storage_format)
    for key in (TileKey(5, 0, 0), TileKey(5, 16, 6), TileKey(6, 0, 0)):
        assert read_by_mapproxy(storage_format, tmp_path / "cache/_alllayers", key) is None


@EITHER
def test_mapproxy_counts_no_gap_in_bundles_written_here(tmp_path, exploded_island, storage_format):
    """It would offer to pack them anew."""
    tilepack.convert(exploded_island, tmp_path / "cache", storage_format=storage_format)
    bundle_class = CACHES[storage_format].bundle_class
    for place in (tmp_path / "cache/_alllayers").rglob("*.bundle"):
        used, actual = bundle_class(str(place.with_suffix("")), offset=(0, 0)).size()
        assert used == actual


@EITHER
def test_mapproxy_goes_on_writing_into_bundles_written_here(tmp_path, island_tiles, exploded_island, storage_format):
    tilepack.convert(exploded_island, tmp_path / "cache", storage_format=storage_format)
    more = {TileKey(5, 100, 100): payload(TileKey(5, 100, 100)), TileKey(5, 10, 6): b"\x89PNG instead"}
    write_by_mapproxy(storage_format, tmp_path / "cache", more)
    assert read_all(tmp_path / "cache") == island_tiles | more


@EITHER
def test_tiles_written_by_mapproxy_are_read(tmp_path, storage_format):
    tiles = island_tiles()
    write_by_mapproxy(storage_format, tmp_path, tiles)
    assert read_all(tmp_path) == tiles


@EITHER
def test_tiles_overwritten_by_mapproxy_are_the_last_ones(tmp_path, storage_format):
    first = {TileKey(5, row, 7): payload(TileKey(5, row, 7), size=300) for row in range(9)}
    second = {TileKey(5, row, 7): payload(TileKey(5, row, 7), size=400) for row in range(3, 6)}
    write_by_mapproxy(storage_format, tmp_path, first)
    write_by_mapproxy(storage_format, tmp_path, second)
    assert read_all(tmp_path) == first | second


@EITHER
@pytest.mark.parametrize("target", ["compact", "compact-v2", "exploded"])
def test_tiles_removed_by_mapproxy_are_gone(tmp_path, storage_format, target):
    tiles = {TileKey(5, row, 7): payload(TileKey(5, row, 7), size=300) for row in range(9)}
    write_by_mapproxy(storage_format, tmp_path / "cache", tiles)
    for key in (TileKey(5, 0, 7), TileKey(5, 4, 7)):
        assert CACHES[storage_format](str(tmp_path / "cache/_alllayers")).remove_tile(Tile((key.column, key.row, 5)))
        del tiles[key]
    assert read_all(tmp_path / "cache") == tiles
    tilepack.convert(tmp_path / "cache", tmp_path / "target", storage_format=target)
    assert read_all(tmp_path / "target") == tiles


@EITHER
def test_order_in_which_mapproxy_stored_tiles_is_kept(tmp_path, storage_format):
    tiles = island_tiles()
    write_by_mapproxy(storage_format, tmp_path / "cache", tiles)
    tilepack.convert(tmp_path / "cache", tmp_path / "target.tpkx")
    assert list(read_all(tmp_path / "target.tpkx")) == list(read_all(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["canyonlands.tpk", "states_filled.tpk", "Usa.tpkx", "mixed_v2_cache"])
@EITHER
def test_mapproxy_reads_the_samples_once_they_are_folders(samples, tmp_path, name, storage_format):
    tilepack.convert(samples / name, tmp_path / "cache", storage_format=storage_format)
    for key, data in read_all(samples / name).items():
        assert read_by_mapproxy(storage_format, tmp_path / "cache/_alllayers", key) == data


@EITHER
def test_mapproxy_reads_five_digit_names_written_here(tmp_path, storage_format):
    key = TileKey(18, 0xE380 + 3, 0x12680 + 4)
    write_exploded(tmp_path / "source", web_mercator(), {key: b"\x89PNG far east"})
    tilepack.convert(tmp_path / "source", tmp_path / "cache", storage_format=storage_format)
    assert read_by_mapproxy(storage_format, tmp_path / "cache/_alllayers", key) == b"\x89PNG far east"
