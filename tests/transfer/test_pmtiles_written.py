"""PMTiles as targets: the package reads every tile as it was; clustered, equal tiles once, leaf directories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from caches import look_at_tiles, payload, read_all, web_mercator, write_v2
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from web_caches import look_at_header, look_at_metadata, look_in_pmtiles, write_mbtiles, write_pmtiles

import tilepack
from tilepack.cache import CacheInfo, StorageFormat
from tilepack.extent import Extent
from tilepack.formats.pmtiles import Entries, format_directories, parse_directory
from tilepack.keys import BundleKey, TileKey
from tilepack.metadata.web_mercator import web_scheme
from tilepack.stores.base import PackageItem
from tilepack.stores.web import remembering
from tilepack.stores.web.pmtiles_writer import PmtilesWriter

VECTOR = {TileKey(5, 3, 4): b"\x1f\x8b\x08\x00 a vector tile"}


@pytest.mark.parametrize("source", ["v1_island", "v2_island", "exploded_island"])
def test_package_reads_every_tile_as_it_was(request, tmp_path, island_tiles, source):
    tilepack.convert(request.getfixturevalue(source), tmp_path / "island.pmtiles")
    assert look_in_pmtiles(tmp_path / "island.pmtiles") == island_tiles
    with (tmp_path / "island.pmtiles").open("rb") as file:
        reader = Reader(MmapSource(file))
        for tile, data in island_tiles.items():
            assert reader.get(tile.level, tile.column, tile.row) == data
        assert reader.get(5, 0, 0) is None


@pytest.mark.parametrize("target", ["island.tpk", "island.tpkx", "island", "exploded", "a.mbtiles", "a.pmtiles"])
def test_tiles_of_pmtiles_keep_their_bytes(tmp_path, island_tiles, target):
    source = write_pmtiles(tmp_path / "source.pmtiles", island_tiles)
    tilepack.convert(source, tmp_path / target, storage_format="exploded" if target == "exploded" else None)
    assert read_all(tmp_path / target) == island_tiles
    if "." not in target or target.endswith(("tpk", "tpkx")):
        assert look_at_tiles(tmp_path / target) == island_tiles


def test_file_is_clustered_and_counts_what_it_holds(tmp_path, v2_island, island_tiles):
    tilepack.convert(v2_island, tmp_path / "island.pmtiles")
    found, _ = look_at_header(tmp_path / "island.pmtiles")
    assert found["clustered"]
    assert found["addressed_tiles_count"] == found["tile_entries_count"] == len(island_tiles)
    assert found["tile_contents_count"] == len(set(island_tiles.values()))
    assert (found["min_zoom"], found["max_zoom"]) == (0, 18)
    assert found["internal_compression"] is Compression.GZIP
    assert found["tile_compression"] is Compression.NONE
    assert found["root_offset"] + found["root_length"] <= 16384
    along = sorted(island_tiles, key=lambda tile: zxy_to_tileid(tile.level, tile.column, tile.row))
    body = (tmp_path / "island.pmtiles").read_bytes()[found["tile_data_offset"] :]
    assert body.startswith(b"".join(island_tiles[tile] for tile in along))


@pytest.mark.parametrize("jobs", [1, 8])
def test_bytes_depend_neither_on_threads_nor_on_the_stored_order(tmp_path, v2_island, exploded_island, jobs):
    tilepack.convert(v2_island, tmp_path / "one.pmtiles", jobs=jobs)
    tilepack.convert(exploded_island, tmp_path / "two.pmtiles", jobs=1)
    assert (tmp_path / "one.pmtiles").read_bytes() == (tmp_path / "two.pmtiles").read_bytes()


def test_equal_tiles_are_stored_once(tmp_path):
    blue, green = payload(TileKey(0, 0, 0)), payload(TileKey(0, 0, 1))
    tiles = {TileKey(9, row, column): blue for row in range(100, 160) for column in range(100, 300)}
    tiles |= {TileKey(9, row, 150): green for row in range(100, 160)}
    write_v2(tmp_path / "cache", web_mercator(), tiles)
    tilepack.convert(tmp_path / "cache", tmp_path / "map.pmtiles")
    found, _ = look_at_header(tmp_path / "map.pmtiles")
    assert found["tile_contents_count"] == 2
    assert found["tile_data_length"] == len(blue) + len(green)
    assert found["tile_entries_count"] < 300
    assert look_in_pmtiles(tmp_path / "map.pmtiles") == tiles


def test_tiles_of_one_checksum_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(remembering.zlib_ng, "crc32", lambda *_: 7)
    tiles = {TileKey(4, 3, column): b"\x89PNG%d" % (column % 5) for column in range(10)}
    write_pmtiles(tmp_path / "source.pmtiles", tiles)
    tilepack.convert(tmp_path / "source.pmtiles", tmp_path / "target.pmtiles")
    assert look_in_pmtiles(tmp_path / "target.pmtiles") == tiles


def test_equal_tiles_far_apart_may_be_stored_again_but_never_wrongly(tmp_path, monkeypatch):
    monkeypatch.setattr(remembering, "_MOST", 3)
    tiles = {TileKey(5, row, column): b"\x89PNG%d" % (column % 7) for row in range(8) for column in range(32)}
    write_v2(tmp_path / "cache", web_mercator(), tiles)
    tilepack.convert(tmp_path / "cache", tmp_path / "map.pmtiles")
    assert look_in_pmtiles(tmp_path / "map.pmtiles") == tiles


def test_many_tiles_get_leaf_directories(tmp_path):
    tiles = {
        TileKey(8, row, column): b"\x89PNG%d,%d" % (row, column) + bytes((row * column) % 60)
        for row in range(64, 192)
        for column in range(60, 190)
    }
    write_v2(tmp_path / "cache", web_mercator(), tiles)
    tilepack.convert(tmp_path / "cache", tmp_path / "map.pmtiles")
    found, _ = look_at_header(tmp_path / "map.pmtiles")
    assert found["leaf_directory_length"] > 0
    assert look_in_pmtiles(tmp_path / "map.pmtiles") == tiles
    assert read_all(tmp_path / "map.pmtiles") == tiles


def test_root_directory_fits_however_many_leaves_there_are():
    count = 300_000
    random = np.random.default_rng(4)
    numbers = np.cumsum(random.integers(1, 1 << 40, count))
    lengths = random.integers(1, 1 << 24, count)
    entries = Entries(numbers, np.ones(count, np.int64), np.cumsum(lengths) - lengths, lengths)
    root, leaves = format_directories(entries)
    assert 127 + len(root) <= 16384
    pointers = parse_directory(root, 2, place="root")
    assert not pointers.runs.any()
    found = [
        parse_directory(leaves[offset : offset + length], 2, place="leaf")
        for offset, length in zip(pointers.offsets.tolist(), pointers.lengths.tolist(), strict=True)
    ]
    for name in Entries._fields:
        assert np.array_equal(np.concatenate([getattr(leaf, name) for leaf in found]), getattr(entries, name))


def test_description_comes_there_and_back(tmp_path, v2_island):
    item = tilepack.ItemDescription(title="Inseln", tags=("a", "b"), description="Many", attribution="© all")
    tilepack.export_cache(v2_island, tmp_path / "there.pmtiles", description=item)
    tilepack.convert(tmp_path / "there.pmtiles", tmp_path / "back.mbtiles")
    with tilepack.open(tmp_path / "there.pmtiles") as there, tilepack.open(tmp_path / "back.mbtiles") as back:
        assert there.info.description == back.info.description
        assert there.info.extent is not None
        assert back.info.extent is not None
        assert there.info.extent.as_tuple() == pytest.approx(back.info.extent.as_tuple(), abs=1e-3)
        assert (back.info.description.title, back.info.description.tags) == ("Inseln", ("a", "b"))


def test_extent_stays_on_the_edges_of_tiles(tmp_path, v2_island):
    tilepack.convert(v2_island, tmp_path / "island.pmtiles")
    with tilepack.open(tmp_path / "island.pmtiles") as reader:
        report = tilepack.probe(reader)
    assert [warning for warning in report.warnings if "extent" in warning] == []
    assert reader.info.extent is not None
    assert report.extent is not None
    assert reader.info.extent.holds(report.extent, 0.02)  # metres: levels drift apart by as much


def test_vector_tiles_go_between_mbtiles_and_pmtiles_as_they_are(tmp_path):
    said = {"name": "Streets", "format": "pbf", "json": '{"vector_layers": [{"id": "land"}]}'}
    source = write_mbtiles(tmp_path / "source.mbtiles", VECTOR, metadata=said)
    tilepack.convert(source, tmp_path / "there.pmtiles")
    assert look_in_pmtiles(tmp_path / "there.pmtiles") == VECTOR
    found, metadata = look_at_header(tmp_path / "there.pmtiles")
    assert (found["tile_type"], found["tile_compression"]) == (TileType.MVT, Compression.GZIP)
    assert metadata["vector_layers"] == [{"id": "land"}]
    tilepack.convert(tmp_path / "there.pmtiles", tmp_path / "back.mbtiles")
    assert read_all(tmp_path / "back.mbtiles") == VECTOR
    assert look_at_metadata(tmp_path / "back.mbtiles")["json"] == said["json"]


def test_empty_cache_becomes_an_empty_file(tmp_path):
    tilepack.create_cache(tmp_path / "cache")
    tilepack.convert(tmp_path / "cache", tmp_path / "map.pmtiles")
    assert read_all(tmp_path / "map.pmtiles") == {}


def test_levels_land_by_resolution_whatever_their_number(tmp_path):
    scheme = web_mercator()
    lods = [replace(lod, level=lod.level - 9) for lod in scheme.levels[9:12]]
    keys = [TileKey(0, 120 + row, 250 + column) for row in range(9) for column in range(9)]
    few = {key: payload(key) for key in keys}
    write_v2(tmp_path / "cache", scheme.with_levels(lods), few)
    tilepack.convert(tmp_path / "cache", tmp_path / "map.pmtiles")
    assert look_in_pmtiles(tmp_path / "map.pmtiles") == {TileKey(9, *tile[1:]): data for tile, data in few.items()}


# The writer by itself


def info() -> CacheInfo:
    with_levels = {"min_level": 5, "max_level": 5, "extent": Extent(xmin=0, ymin=0, xmax=1e6, ymax=1e6)}
    return CacheInfo(
        name="map",
        scheme=web_scheme(),
        storage_format=StorageFormat.PMTILES,
        tile_format=tilepack.TileFormat.PNG,
        **with_levels,
    )


ITEM = PackageItem(guid="", created=None, degrees=None, thumbnail=b"")


def test_tiles_that_come_out_of_order_are_found_all_the_same(tmp_path):
    tiles = [(TileKey(5, row, column), b"\x89PNG%d %d" % (row, column)) for row in range(9) for column in range(9)]
    writer = PmtilesWriter(tmp_path / "map.pmtiles", replace=False)
    writer.write_bundle(BundleKey(5, 0, 0), tiles, None)
    writer.commit(info(), ITEM)
    assert look_in_pmtiles(tmp_path / "map.pmtiles") == dict(tiles)
    assert not look_at_header(tmp_path / "map.pmtiles")[0]["clustered"]


def test_tile_that_comes_twice_is_an_error_and_nothing_is_left(tmp_path):
    writer = PmtilesWriter(tmp_path / "map.pmtiles", replace=False)
    tile = TileKey(5, 1, 1)
    writer.write_bundle(BundleKey(5, 0, 0), [(tile, b"\x89PNG"), (tile, b"\x89PNH")], None)
    with pytest.raises(tilepack.TileError, match="came twice"):
        writer.commit(info(), ITEM)
    writer.abort()
    assert list(tmp_path.iterdir()) == []
