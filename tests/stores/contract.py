"""What every store promises, whatever lies beneath; each store's tests subclass this.

The tiles are known beforehand, and the stores under test were packed without tilepack's writers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from caches import Tiles, by_bundle, look_at_tiles
from packed_bundles import SLOTS

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import BundleKey, TileKey
from tilepack.stores.base import TileReader


class StoreContract:
    """Laws of a reader. Subclasses make the cache, and say what it is."""

    storage_format: StorageFormat
    """What the store shall be known as."""

    documents = frozenset({"conf.xml", "root.json"})
    """What the folder holds of which the store says that it is its home: one of these."""

    stored_order = True
    """Whether tiles have an order of their own; those of an exploded cache have none and come row by row."""

    look = staticmethod(look_at_tiles)
    """Reads the tiles without tilepack."""

    def make(self, folder: Path, tiles: Tiles) -> Path:
        """Pack the tiles of a web mercator cache; give the path to open."""
        raise NotImplementedError

    def names(self, bundle: BundleKey, tiles: Sequence[TileKey]) -> list[str]:
        """Give patterns of the files, below the place, of a bundle that holds some tiles."""
        folder = f"L{bundle.level:02d}"
        if self.storage_format is StorageFormat.EXPLODED:
            return [f"{folder}/R{tile.row:08x}/C{tile.column:08x}.*" for tile in tiles]
        return [f"{folder}/R{bundle.row:04x}C{bundle.column:04x}.bund*"]

    @staticmethod
    def bundles(store: TileReader) -> list[BundleKey]:
        return [bundle for level in store.levels() for bundle in store.bundles(level)]

    def test_store_is_a_reader(self, store):
        assert isinstance(store, TileReader)

    def test_bytes_reached_without_the_store_are_the_tiles(self, place, tiles):
        assert self.look(place) == tiles

    def test_tiles_gives_every_tile_with_its_data(self, store, tiles):
        assert {tile: data for bundle in self.bundles(store) for tile, data in store.tiles(bundle)} == tiles

    def test_tiles_gives_each_tile_once(self, store, tiles):
        assert sum(1 for bundle in self.bundles(store) for _ in store.tiles(bundle)) == len(tiles)

    def test_tiles_come_in_stored_order(self, store, tiles):
        for bundle, held in by_bundle(tiles).items():
            stored = [tile for tile, _ in held]
            expected = stored if self.stored_order else sorted(stored)
            assert [tile for tile, _ in store.tiles(bundle)] == expected

    def test_tiles_keeps_to_the_wanted_ones(self, store, tiles):
        for bundle, held in by_bundle(tiles).items():
            chosen = {tile for tile, _ in held[::3]}
            wanted = np.zeros(SLOTS, np.bool_)
            wanted[[bundle.position(tile) for tile in chosen]] = True
            assert {tile for tile, _ in store.tiles(bundle, wanted)} == chosen

    def test_tiles_gives_nothing_when_none_is_wanted(self, store):
        nothing = np.zeros(SLOTS, np.bool_)
        assert [tile for bundle in self.bundles(store) for tile in store.tiles(bundle, nothing)] == []

    def test_read_gives_every_tile_data(self, store, tiles):
        assert {tile: store.read(tile) for tile in tiles} == tiles

    @pytest.mark.parametrize(
        "absent",
        [TileKey(5, 0, 0), TileKey(5, 10, 5), TileKey(5, 2000, 2000), TileKey(7, 1, 1), TileKey(99, 0, 0)],
        ids=["row", "column", "bundle", "level", "no such level"],
    )
    def test_read_gives_none_for_a_tile_that_is_not_there(self, store, absent):
        assert store.read(absent) is None

    def test_levels_are_those_that_hold_tiles(self, store, tiles):
        assert store.levels() == sorted({tile.level for tile in tiles})

    def test_bundles_are_sorted_and_complete(self, store, tiles):
        assert self.bundles(store) == sorted(by_bundle(tiles))

    def test_bundles_are_none_on_a_level_that_is_not_there(self, store):
        assert list(store.bundles(99)) == []

    def test_index_gives_the_bytes_of_each_tile(self, store, tiles):
        for bundle, held in by_bundle(tiles).items():
            expected = np.zeros(SLOTS, np.int64)
            for tile, data in held:
                expected[bundle.position(tile)] = len(data)
            np.testing.assert_array_equal(store.index(bundle), expected)

    def test_present_agrees_with_the_index(self, store):
        for bundle in self.bundles(store):
            np.testing.assert_array_equal(store.present(bundle), store.index(bundle) > 0)

    def test_summary_counts_the_tiles(self, store, tiles):
        counted = {bundle: store.summary(bundle).tiles for bundle in self.bundles(store)}
        assert counted == {bundle: len(held) for bundle, held in by_bundle(tiles).items()}

    def test_summary_knows_the_bytes_of_the_tiles_or_says_that_it_does_not(self, store, tiles):
        for bundle, held in by_bundle(tiles).items():
            known = store.summary(bundle).tile_bytes
            assert known == sum(len(data) for _, data in held) or (
                known is None and self.storage_format is StorageFormat.COMPACT
            )

    def test_summary_gives_the_smallest_rectangle_around_the_tiles(self, store, tiles):
        for bundle, held in by_bundle(tiles).items():
            found = store.summary(bundle).occupied
            rows, columns = {tile.row for tile, _ in held}, {tile.column for tile, _ in held}
            assert (found.row_start, found.row_stop) == (min(rows), max(rows) + 1)
            assert (found.column_start, found.column_stop) == (min(columns), max(columns) + 1)

    def test_fingerprint_is_the_same_when_the_store_is_opened_again(self, store, place):
        with tilepack.open(place) as again:
            for bundle in self.bundles(store):
                assert store.summary(bundle) == again.summary(bundle)

    def test_storage_format_is_known(self, store):
        assert store.info.storage_format is self.storage_format

    def test_home_is_the_folder_of_its_document(self, store, place):
        if place.is_file():
            assert store.home is None
        else:
            assert self.documents & {path.name for path in store.home.iterdir()}

    def test_newest_is_the_time_of_the_newest_file_and_none_in_a_package(self, store, place, tiles):
        for number, (bundle, held) in enumerate(by_bundle(tiles).items()):
            if place.is_file():
                assert store.newest(bundle) is None
                continue
            files = [path for name in self.names(bundle, [tile for tile, _ in held]) for path in place.rglob(name)]
            newest = max(path.stat().st_mtime for path in files)
            assert store.newest(bundle) == newest
            os.utime(files[-1], (newest + 10 + number, newest + 10 + number))
            store.index(bundle)
            assert store.newest(bundle) == newest + 10 + number

    def test_raw_bytes_hold_the_tiles_where_the_index_says(self, store, tiles):
        if not self.storage_format.is_compact:
            assert not hasattr(store, "raw")
            return
        for bundle, held in by_bundle(tiles).items():
            raw = store.raw(bundle)
            assert raw is not None
            with raw.data as data:
                assert [bundle.tile(int(at)) for at in raw.order] == [tile for tile, _ in held]
                for tile, expected in held:
                    start = int(raw.index.starts[bundle.position(tile)])
                    assert data.read(4 + len(expected), start) == len(expected).to_bytes(4, "little") + expected

    def test_eight_threads_read_the_same_as_one(self, store, tiles):
        keys = sorted(tiles)

        def read(start: int) -> dict[TileKey, bytes | None]:
            return {tile: store.read(tile) for tile in keys[start:] + keys[:start]}

        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(read, range(0, len(keys), max(1, len(keys) // 8))):
                assert found == tiles

    def test_eight_threads_walk_the_same_tiles_as_one(self, store, tiles):
        def walk(_: int) -> dict[TileKey, bytes]:
            return {tile: data for bundle in self.bundles(store) for tile, data in store.tiles(bundle)}

        with ThreadPoolExecutor(8) as pool:
            assert all(found == tiles for found in pool.map(walk, range(8)))

    def test_closing_twice_does_no_harm(self, place):
        reader = tilepack.open(place)
        reader.read(TileKey(0, 0, 0))
        reader.close()
        reader.close()

    def test_closing_leaves_no_file_open(self, place):
        reader = tilepack.open(place)
        for bundle in self.bundles(reader):
            reader.read(bundle.tile(0))
            reader.summary(bundle)
        reader.close()
        descriptors = Path("/proc/self/fd")
        if descriptors.is_dir():
            opened = [link.readlink() for link in descriptors.iterdir() if link.is_symlink()]
            assert [path for path in opened if path.is_relative_to(place)] == []
        else:
            renamed = place.with_name(f"{place.name}.moved")  # Windows renames nothing that is open
            place.rename(renamed)
            renamed.rename(place)
