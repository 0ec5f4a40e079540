"""Bundles of more than 4 GiB, made of holes: a tile lies at the start, one around byte 2**32, one behind."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from caches import conf_files, describe, look_at_tiles, payload, read_all, web_mercator, write_exploded, write_files
from packed_bundles import SLOTS, V1_FIRST, V2_FIRST

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import BundleKey, TileKey

SCHEME = web_mercator()
BUNDLE = BundleKey(17, 0x10000, 0x10000)
FIRST, AROUND, LAST = (TileKey(17, 0x10000 + row, 0x10000 + column) for row, column in ((0, 1), (5, 7), (127, 127)))
TILES = {key: payload(key, size=200) for key in (FIRST, AROUND, LAST)}
LARGEST = max(map(len, TILES.values()))
LIMIT = 1 << 32
FORMATS = {"v1": StorageFormat.COMPACT, "v2": StorageFormat.COMPACT_V2}


def write_huge(folder: Path, kind: str) -> None:
    """Write a cache of one bundle, its slots spelled out."""
    starts = {FIRST: V1_FIRST if kind == "v1" else V2_FIRST, AROUND: LIMIT - 2, LAST: LIMIT + 1_000_000}
    end = starts[LAST] + 4 + len(TILES[LAST])
    write_files(folder, conf_files(describe(SCHEME, FORMATS[kind]), TILES))
    place = folder / "_alllayers/L17/R10000C10000.bundle"
    place.parent.mkdir(parents=True)
    if kind == "v1":
        corners = (BUNDLE.row, BUNDLE.row + 127, BUNDLE.column, BUNDLE.column + 127)
        head = struct.pack("<4I3Q5I", 3, SLOTS, LARGEST, 5, 4 * len(TILES), end, 40, 16, *corners)
        offsets = [60 + 4 * at for at in range(SLOTS)]
        for tile, start in starts.items():
            offsets[(tile.column - BUNDLE.column) * 128 + tile.row - BUNDLE.row] = start
        index = b"".join(offset.to_bytes(5, "little") for offset in offsets)
        around = struct.pack("<4I", 3, 16, SLOTS, 5), struct.pack("<4I", 0, 16, 16, 0)
        place.with_suffix(".bundlx").write_bytes(index.join(around))
    else:
        head = struct.pack("<4I3Q6I", 3, SLOTS, LARGEST, 5, 0, end, 40, 131092, 3, 16, SLOTS, 5, 131072)
        entries = [4] * SLOTS
        for tile, start in starts.items():
            position = (tile.row - BUNDLE.row) * 128 + tile.column - BUNDLE.column
            entries[position] = start + 4 | len(TILES[tile]) << 40
        head += struct.pack(f"<{SLOTS}Q", *entries)
    with place.open("wb") as file:
        file.write(head)
        for tile, start in starts.items():
            file.seek(start)
            file.write(struct.pack("<I", len(TILES[tile])) + TILES[tile])


@pytest.fixture(scope="module", params=FORMATS)
def huge(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("huge") / "Island"
    write_huge(folder, request.param)
    return folder


@pytest.fixture(params=FORMATS)
def own(request, tmp_path) -> Path:
    """A cache that may be changed."""
    write_huge(tmp_path / "Island", request.param)
    return tmp_path / "Island"


def test_tiles_behind_4_gib_are_read(huge):
    assert read_all(huge) == TILES
    with tilepack.open(huge) as reader:
        assert {key: reader.read(key) for key in TILES} == TILES
        assert reader.index(BUNDLE)[[1, 5 * 128 + 7, 16383]].tolist() == [len(data) for data in TILES.values()]


def test_huge_bundle_is_sound_and_its_dead_space_known(huge):
    assert not tilepack.verify(huge).errors
    with tilepack.open(huge) as reader:
        level = tilepack.probe(reader, deep=True).levels[0]
    first = V1_FIRST if reader.info.storage_format is StorageFormat.COMPACT else V2_FIRST
    between = LIMIT + 1_000_000 - first - sum(4 + len(TILES[tile]) for tile in (FIRST, AROUND))
    assert (level.tiles, level.tile_bytes, level.dead_bytes) == (3, sum(map(len, TILES.values())), between)


def test_tiles_of_a_huge_bundle_become_files(huge, tmp_path):
    tilepack.convert(huge, tmp_path / "files", storage_format="exploded")
    assert look_at_tiles(tmp_path / "files") == TILES
    assert tilepack.diff(huge, tmp_path / "files").has_same_tiles


@pytest.mark.parametrize("target", ["some", "some.tpkx", "some.tpk"])
def test_tile_behind_4_gib_is_exported(huge, tmp_path, target):
    tilepack.export_cache(huge, tmp_path / target, extent=SCHEME.tile_extent(LAST).as_tuple())
    assert look_at_tiles(tmp_path / target) == {LAST: TILES[LAST]}


def test_huge_bundle_is_compacted_where_room_is_for_its_tiles_alone(own, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    result = tilepack.compact(own)
    assert result.gained_bytes > LIMIT
    assert look_at_tiles(own) == TILES


def test_tiles_are_imported_into_a_huge_bundle(own, tmp_path):
    new = TileKey(17, 0x10000 + 9, 0x10000)
    write_exploded(tmp_path / "more", SCHEME, {new: payload(new)})
    tilepack.import_cache(tmp_path / "more", own)
    assert look_at_tiles(own) == TILES | {new: payload(new)}


def test_tile_is_deleted_from_a_huge_bundle(own):
    tilepack.delete_tiles(own, extent=SCHEME.tile_extent(AROUND).as_tuple())
    assert look_at_tiles(own) == {key: data for key, data in TILES.items() if key != AROUND}
