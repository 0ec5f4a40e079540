"""Bundles are read in pieces; wherever those end, tiles are what they are."""

from __future__ import annotations

import random

import numpy as np
import pytest
from caches import web_mercator, write_v1, write_v2

import tilepack
from tilepack.keys import BundleKey, TileKey
from tilepack.stores import compact_bundle

NOISE = random.Random(8)
TILES = {
    TileKey(7, row, column): NOISE.randbytes(NOISE.choice((1, 3, 60, 63, 64, 65, 200, 900)))
    for row in NOISE.sample(range(128), 12)
    for column in NOISE.sample(range(128), 9)
}
BUNDLE = BundleKey(7, 0, 0)
WRITERS = {"v1": write_v1, "v2": write_v2}


def flags(tiles) -> np.ndarray:
    found = np.zeros(16384, bool)
    found[[BUNDLE.position(tile) for tile in tiles]] = True
    return found


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize(("piece", "gap"), [(4, 0), (64, 0), (64, 100), (1000, 10), (1 << 20, 1 << 16)])
def test_tiles_are_the_same_in_pieces_of_any_size(tmp_path, monkeypatch, layout, piece, gap):
    monkeypatch.setattr(compact_bundle, "_PIECE", piece)
    monkeypatch.setattr(compact_bundle, "_GAP", gap)
    tiles = list(TILES.items())
    NOISE.shuffle(tiles)
    WRITERS[layout](tmp_path / "cache", web_mercator(), dict(tiles))
    with tilepack.open(tmp_path / "cache") as reader:
        assert list(reader.tiles(BUNDLE)) == tiles
        for number in (0, 1, 2, 30, len(tiles) - 1):
            some = dict(NOISE.sample(tiles, number))
            assert list(reader.tiles(BUNDLE, flags(some))) == [held for held in tiles if held[0] in some]


@pytest.mark.parametrize("layout", WRITERS)
def test_few_tiles_far_apart_are_read_alone(tmp_path, monkeypatch, layout):
    tiles = {TileKey(7, 0, column): NOISE.randbytes(200_000) for column in range(20)}
    WRITERS[layout](tmp_path / "cache", web_mercator(), tiles)
    read = []
    real = compact_bundle.ByteRange.read

    def counted(self, size, position):
        read.append(size)
        return real(self, size, position)

    monkeypatch.setattr(compact_bundle.ByteRange, "read", counted)
    with tilepack.open(tmp_path / "cache") as reader:
        wanted = [TileKey(7, 0, 3), TileKey(7, 0, 17)]
        before = sum(read)
        assert dict(reader.tiles(BUNDLE, flags(wanted))) == {tile: tiles[tile] for tile in wanted}
    assert sum(read) - before < 2 * 200_004 + 200_000  # the index, and nothing of the tiles between
