"""What a report warns of: documents and tiles that contradict one another."""

from __future__ import annotations

import json
from dataclasses import replace

import caches
import packed_bundles
from caches import (
    describe,
    payload,
    read_all,
    ready_files,
    tile_box,
    tpk_files,
    v2_files,
    web_mercator,
    write_files,
    write_v1,
    write_v2,
    write_zip,
)
from few_tiles import FEW, warnings_of
from packed_bundles import SLOTS

import tilepack
from tilepack.cache import StorageFormat
from tilepack.extent import Extent
from tilepack.keys import BundleKey, TileKey
from tilepack.metadata.conf_cdi import format_conf_cdi
from tilepack.metadata.mapserver_json import format_mapserver_json


def test_probe_warns_when_no_document_declares_an_extent(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    (tmp_path / "conf.cdi").unlink()
    assert "no document declares an extent" in warnings_of(tmp_path)


def test_probe_warns_when_the_tiles_lie_elsewhere(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    info = replace(describe(web_mercator(), StorageFormat.COMPACT_V2), extent=Extent(xmin=0, ymin=0, xmax=9, ymax=9))
    (tmp_path / "conf.cdi").write_bytes(format_conf_cdi(info))
    assert "conf.cdi declares the extent 0, 0, 9, 9, but the tiles of level 5 lie at" in warnings_of(tmp_path)


def test_probe_warns_when_two_documents_declare_other_extents(tmp_path):
    box = tile_box(web_mercator(), FEW)
    info = replace(describe(web_mercator(), StorageFormat.COMPACT), extent=replace(box, xmax=box.xmax + 1e6))
    service = {"servicedescriptions/mapserver/mapserver.json": format_mapserver_json(info, degrees=None)}
    write_zip(tmp_path / "island.tpk", tpk_files(web_mercator(), FEW) | service)
    assert "conf.cdi declares the extent" in warnings_of(tmp_path / "island.tpk")
    assert "mapserver.json declares" in warnings_of(tmp_path / "island.tpk")


def test_probe_warns_when_other_levels_hold_tiles_than_said(tmp_path):
    files = ready_files(web_mercator(), FEW)
    root = json.loads(files["root.json"]) | {"minLOD": 3, "maxLOD": 6}
    write_files(tmp_path, files | {"root.json": json.dumps(root).encode()})
    assert "levels 3 to 6 are said to hold tiles, but 5 to 5 do" in warnings_of(tmp_path)


def test_probe_warns_when_tiles_are_of_another_format_or_size_than_said(tmp_path):
    tiles = {tile: caches.picture(tile, "jpg", (128, 256)) for tile in FEW}
    write_v2(tmp_path, web_mercator(), tiles, tile_format=tilepack.TileFormat.PNG32)
    found = warnings_of(tmp_path)
    assert "the tile format is said to be PNG32, but 6 of the 6 tiles looked at are JPEG" in found
    assert "tiles are said to have 256 x 256 pixels, but 6 of the 6 tiles looked at are 128 x 256" in found


def test_probe_warns_of_a_level_that_the_scheme_lacks(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    write_files(tmp_path / "_alllayers", v2_files({TileKey(77, 0, 0): b"lost"}))
    assert "level 77, which the tiling scheme does not have" in warnings_of(tmp_path)


def test_probe_finds_nothing_amiss_in_a_sound_cache(tmp_path):
    write_v2(tmp_path, web_mercator(), {tile: caches.picture(tile) for tile in FEW})
    assert warnings_of(tmp_path) == ""


def test_probe_measures_dead_space_exactly_when_it_looks_deep(tmp_path):
    for write, name in ((write_v1, "v1"), (write_v2, "v2")):
        write(tmp_path / name, web_mercator(), FEW, dead=(100, 0, 23))
        with tilepack.open(tmp_path / name) as reader:
            assert tilepack.probe(reader, deep=True).dead_bytes == 123


def test_probe_looks_at_no_more_tiles_than_asked(tmp_path):
    tiles = {TileKey(9, row, column): payload(TileKey(9, row, column)) for row in range(8) for column in range(8)}
    write_v2(tmp_path, web_mercator(), tiles)
    with tilepack.open(tmp_path) as reader:
        assert tilepack.probe(reader).sampled_tiles == 16
        assert tilepack.probe(reader, deep=True).sampled_tiles == 64
        assert tilepack.probe(reader, sample=0).sampled_tiles == 0


def test_empty_bundle_counts_as_no_tiles(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    empty = BundleKey(6, 0, 0)
    write_files(tmp_path / "_alllayers", {f"L06/{str(empty).split('/')[1]}.bundle": packed_bundles.pack_v2([])})
    with tilepack.open(tmp_path) as reader:
        assert reader.summary(empty).tiles == 0
        assert reader.index(empty).tolist() == [0] * SLOTS
        assert list(reader.tiles(empty)) == []
        assert reader.raw(empty) is not None
    assert read_all(tmp_path) == FEW
