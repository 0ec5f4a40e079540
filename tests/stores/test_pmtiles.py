"""PMTiles keep the contract of contract.py, however their directories are made."""

from __future__ import annotations

from pathlib import Path

import pytest
from caches import Tiles, payload, picture
from contract import StoreContract
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from web_caches import look_in_pmtiles, pack_leaves, write_pmtiles

import tilepack
from tilepack.cache import StorageFormat, TileFormat
from tilepack.keys import TileKey

ONE = {TileKey(3, 2, 5): picture(TileKey(3, 2, 5))}


class TestPmtiles(StoreContract):
    storage_format = StorageFormat.PMTILES
    look = staticmethod(look_in_pmtiles)

    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_pmtiles(folder / "Island Ü.pmtiles", tiles)

    def test_tiles_come_in_stored_order(self, store):
        for bundle in self.bundles(store):
            numbers = [zxy_to_tileid(tile.level, tile.column, tile.row) for tile, _ in store.tiles(bundle)]
            assert numbers == sorted(numbers)


class TestLeaves(TestPmtiles):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        (folder / "island.pmtiles").write_bytes(pack_leaves(tiles))
        return folder / "island.pmtiles"


class TestLeavesBelowLeaves(TestPmtiles):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        (folder / "island.pmtiles").write_bytes(pack_leaves(tiles, deep=True))
        return folder / "island.pmtiles"


class TestUnderAnotherSuffix(TestPmtiles):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        return write_pmtiles(folder / "island.map", tiles)


def test_runs_give_each_tile_its_data(tmp_path):
    blue, green = payload(TileKey(0, 0, 0)), payload(TileKey(0, 0, 1))
    tiles = {TileKey(9, row, column): blue for row in range(100, 200) for column in range(100, 300)}
    tiles |= {TileKey(9, 150, 150): green, TileKey(9, 199, 299): green}
    path = write_pmtiles(tmp_path / "map.pmtiles", tiles)
    assert path.stat().st_size < 20_000
    with tilepack.open(path) as reader:
        found = {tile: data for bundle in reader.bundles(9) for tile, data in reader.tiles(bundle)}
        assert found == tiles
        assert sum(reader.summary(bundle).tiles for bundle in reader.bundles(9)) == len(tiles)
        assert reader.read(TileKey(9, 150, 150)) == green
        assert reader.read(TileKey(9, 200, 100)) is None


def test_header_and_metadata_say_what_the_cache_says(tmp_path):
    said = {"name": "Inseln", "attribution": "© everybody", "vector_layers": [{"id": "land"}]}
    tiles = {TileKey(3, 2, 3): b"\x1f\x8b\x08 one", TileKey(4, 2, 3): b"\x1f\x8b\x08 two"}
    path = write_pmtiles(
        tmp_path / "map.pmtiles",
        tiles,
        metadata=said,
        tile_type=TileType.MVT,
        tile_compression=Compression.GZIP,
        min_lon_e7=-450000000,
        min_lat_e7=0,
        max_lon_e7=0,
        max_lat_e7=665132604,
    )
    with tilepack.open(path) as reader:
        info = reader.info
    assert (info.name, info.tile_format, info.min_level, info.max_level) == ("Inseln", TileFormat.PBF, 3, 4)
    assert info.description.attribution == "© everybody"
    assert info.web == {"vector_layers": [{"id": "land"}]}
    assert info.scheme.tile_width == 512
    assert info.extent is not None
    whole = info.scheme.range_extent(
        tilepack.TileRange(level=3, row_start=2, row_stop=4, column_start=3, column_stop=4)
    )
    assert info.extent.as_tuple() == pytest.approx(whole.as_tuple(), abs=1e-6)  # on the tiles' edges, not beside them


@pytest.mark.parametrize(("said", "kind"), [(TileType.WEBP, "png"), (TileType.UNKNOWN, "jpg")])
def test_tile_format_is_that_of_the_tiles(tmp_path, said, kind):
    tiles = {TileKey(3, 2, 3): payload(TileKey(3, 2, 3), kind)}
    with tilepack.open(write_pmtiles(tmp_path / "map.pmtiles", tiles, tile_type=said)) as reader:
        assert str(reader.info.tile_format) == {"png": "PNG", "jpg": "JPEG"}[kind]
