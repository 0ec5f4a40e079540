"""What stands in the bundles written: byte for byte what packing by struct gives, in the order of the source."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from caches import (
    Tiles,
    look_at_files,
    look_at_tiles,
    payload,
    ready_files,
    web_mercator,
    write_exploded,
    write_files,
    write_v1,
    write_v2,
)
from layouts import convert_to
from packed_bundles import V1_FIRST, V2_FIRST, pack_v1, pack_v2

import tilepack
from tilepack.keys import BundleKey, TileKey
from tilepack.transfer.plan import Action

BUNDLE = BundleKey(9, 128, 256)
KEYS = [TileKey(9, row, column) for row in range(140, 152) for column in range(300, 313)]


def tiles_in_order(order: str) -> dict[TileKey, bytes]:
    keys = {
        "row-major": sorted(KEYS),
        "column-major": sorted(KEYS, key=lambda key: (key.column, key.row)),
        "by supertile": sorted(KEYS, key=lambda key: (key.row // 4, key.column // 4, key.row, key.column)),
        "random": random.Random(5).sample(KEYS, len(KEYS)),
    }[order]
    return {key: payload(key, size=10 + key.row * key.column % 900) for key in keys}


ORDERS = ("row-major", "column-major", "by supertile", "random")


def bundles_of(place: Path) -> dict[str, bytes]:
    return {path.split("/")[-1]: data for path, data in look_at_files(place).items() if ".bundl" in path}


def packed_v1(tiles: Tiles, **style: object) -> dict[str, bytes]:
    bundle, bundlx = pack_v1(BUNDLE, list(tiles.items()), **style)
    return {"R0080C0100.bundle": bundle, "R0080C0100.bundlx": bundlx}


def packed_v2(tiles: Tiles, **style: object) -> dict[str, bytes]:
    return {"R0080C0100.bundle": pack_v2(list(tiles.items()), **style)}


def packed_for(target: str, tiles: Tiles) -> dict[str, bytes]:
    if target in ("v1", "tpk"):
        return packed_v1(tiles)
    return packed_v2(tiles, dialect="paper" if target == "v2" else "arcgis")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("source", ["v1", "v2"])
@pytest.mark.parametrize("target", ["v1", "v2", "tpk", "tpkx"])
def test_bundle_is_what_struct_packs_in_the_order_of_the_source(tmp_path, order, source, target):
    tiles = tiles_in_order(order)
    {"v1": write_v1, "v2": write_v2}[source](tmp_path / "source", web_mercator(), tiles)
    assert bundles_of(convert_to(target, tmp_path / "source", tmp_path)) == packed_for(target, tiles)


@pytest.mark.parametrize("target", ["v1", "v2", "tpk", "tpkx"])
def test_bundle_from_exploded_is_row_major_without_gaps(tmp_path, target):
    write_exploded(tmp_path / "source", web_mercator(), tiles_in_order("random"))
    tiles = tiles_in_order("row-major")
    assert bundles_of(convert_to(target, tmp_path / "source", tmp_path)) == packed_for(target, tiles)


def test_ready_to_serve_folder_has_headers_as_arcgis_writes_them(tmp_path):
    tiles = tiles_in_order("random")
    write_v2(tmp_path / "source", web_mercator(), tiles, dialect="paper")
    tilepack.convert(tmp_path / "source", tmp_path / "target", ready_to_serve=True)
    assert bundles_of(tmp_path / "target") == packed_v2(tiles, dialect="arcgis")


def test_ready_to_serve_folder_stays_one(tmp_path):
    write_files(tmp_path / "source", ready_files(web_mercator(), tiles_in_order("random")))
    tilepack.convert(tmp_path / "source", tmp_path / "target")
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == [
        "iteminfo.json",
        "root.json",
        "thumbnail.png",
        "tile",
    ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", ["v2", "tpkx"])
def test_v1_comes_back_byte_for_byte_by_way_of_v2(tmp_path, order, middle):
    write_v1(tmp_path / "source", web_mercator(), tiles_in_order(order))
    between = convert_to(middle, tmp_path / "source", tmp_path)
    assert bundles_of(convert_to("v1", between, tmp_path)) == bundles_of(tmp_path / "source")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", ["v1", "tpk"])
def test_v2_comes_back_byte_for_byte_by_way_of_v1(tmp_path, order, middle):
    write_v2(tmp_path / "source", web_mercator(), tiles_in_order(order), dialect="paper")
    between = convert_to(middle, tmp_path / "source", tmp_path)
    assert bundles_of(convert_to("v2", between, tmp_path)) == bundles_of(tmp_path / "source")


@pytest.mark.parametrize("empties", ["zero", "below"])
def test_v1_empties_are_written_as_placeholders_whatever_they_were(tmp_path, empties):
    tiles = tiles_in_order("column-major")
    write_v1(tmp_path / "source", web_mercator(), tiles, empties=empties)
    assert bundles_of(convert_to("v1", tmp_path / "source", tmp_path)) == packed_v1(tiles)


@pytest.mark.parametrize("empty", [0, 4])
def test_v2_empties_are_written_as_4_whatever_they_were(tmp_path, empty):
    tiles = tiles_in_order("column-major")
    write_v2(tmp_path / "source", web_mercator(), tiles, empty=empty)
    assert bundles_of(convert_to("v2", tmp_path / "source", tmp_path)) == packed_v2(tiles, dialect="paper", empty=4)


@pytest.mark.parametrize(("write", "target", "pack"), [(write_v1, "v2", packed_v2), (write_v2, "v1", packed_v1)])
def test_dead_space_is_kept_when_a_bundle_is_copied(tmp_path, write, target, pack):
    tiles, dead = tiles_in_order("random"), (3, 0, 70000, 1)
    style = {"dialect": "paper"} if target == "v2" else {}
    write(tmp_path / "source", web_mercator(), tiles, dead=dead)
    assert bundles_of(convert_to(target, tmp_path / "source", tmp_path)) == pack(tiles, dead=dead, **style)


def test_dead_space_goes_by_way_of_an_exploded_cache(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), tiles_in_order("random"), dead=(3, 0, 70000))
    between = convert_to("exploded", tmp_path / "source", tmp_path)
    assert bundles_of(convert_to("v1", between, tmp_path)) == packed_v1(tiles_in_order("row-major"))


def test_v1_bundle_with_tiles_among_the_placeholders_is_packed_anew(tmp_path):
    """Such a file has no placeholders: its first tile lies right behind the header."""
    first, second = TileKey(9, 130, 260), TileKey(9, 131, 260)
    write_v1(tmp_path / "source", web_mercator(), {first: b"first tile", second: b"second"})
    level = tmp_path / "source/_alllayers/L09"
    body = struct.pack("<I", 10) + b"first tile" + struct.pack("<I", 6) + b"second"
    head = bytearray((level / "R0080C0100.bundle").read_bytes()[:60])
    head[24:32] = struct.pack("<Q", 60 + len(body))
    (level / "R0080C0100.bundle").write_bytes(bytes(head) + body)
    with (level / "R0080C0100.bundlx").open("r+b") as index:
        for tile, offset in ((first, 60), (second, 74)):
            index.seek(16 + 5 * ((tile.column - 256) * 128 + tile.row - 128))
            index.write(offset.to_bytes(5, "little"))
    tiles = {first: b"first tile", second: b"second"}
    for target, expected in (("v1", packed_v1(tiles)), ("v2", packed_v2(tiles, dialect="paper"))):
        assert tilepack.plan_convert(tmp_path / "source", tmp_path / "new").count(Action.REPACK) == 1
        assert bundles_of(convert_to(target, tmp_path / "source", tmp_path)) == expected


@pytest.mark.parametrize("target", ["v1", "v2", "exploded"])
def test_v1_slot_of_no_bytes_is_no_tile(tmp_path, target):
    held, hollow = TileKey(9, 130, 260), TileKey(9, 131, 260)
    write_v1(tmp_path / "source", web_mercator(), {hollow: b"", held: b"tile"})
    with tilepack.open(tmp_path / "source") as reader:
        assert reader.read(hollow) is None
        assert dict(reader.tiles(BUNDLE)) == {held: b"tile"}
    assert look_at_tiles(convert_to(target, tmp_path / "source", tmp_path)) == {held: b"tile"}


@pytest.mark.parametrize(("target", "first"), [("v1", V1_FIRST), ("v2", V2_FIRST)])
def test_header_names_the_largest_tile_and_the_size_of_the_file(tmp_path, target, first):
    tiles = {TileKey(9, 130, 260): bytes(77), TileKey(9, 131, 260): bytes(200_000), TileKey(9, 132, 260): bytes(5)}
    write_exploded(tmp_path / "source", web_mercator(), tiles)
    bundle = bundles_of(convert_to(target, tmp_path / "source", tmp_path))["R0080C0100.bundle"]
    assert struct.unpack_from("<I", bundle, 8) == (200_000,)
    assert struct.unpack_from("<Q", bundle, 16) == (12 if target == "v1" else 0,)
    assert struct.unpack_from("<Q", bundle, 24) == (len(bundle),) == (first + 3 * 4 + 77 + 200_000 + 5,)


def test_tiles_of_exploded_caches_have_the_extension_of_their_bytes(tmp_path):
    tiles = {TileKey(9, 130, 260): b"\xff\xd8\xff JPEG", TileKey(9, 130, 261): b"\x89PNG\r\n\x1a\n"}
    write_v2(tmp_path / "source", web_mercator(), tiles, tile_format=tilepack.TileFormat.PNG32)
    target = convert_to("exploded", tmp_path / "source", tmp_path)
    found = sorted(path.relative_to(target).as_posix() for path in target.rglob("C*") if path.is_file())
    assert found == ["_alllayers/L09/R00000082/C00000104.jpg", "_alllayers/L09/R00000082/C00000105.png"]


@pytest.mark.parametrize(("tile_format", "suffix"), [("JPEG", ".jpg"), ("LERC", ".lerc"), ("PNG8", ".png")])
def test_tiles_that_tell_nothing_have_the_extension_of_the_tile_format(tmp_path, tile_format, suffix):
    tiles = {TileKey(9, 130, 260): b"what is this"}
    write_v2(tmp_path / "source", web_mercator(), tiles, tile_format=tilepack.TileFormat(tile_format))
    target = convert_to("exploded", tmp_path / "source", tmp_path)
    assert (target / f"_alllayers/L09/R00000082/C00000104{suffix}").read_bytes() == b"what is this"


def test_tile_larger_than_an_index_can_say_is_refused(tmp_path):
    write_exploded(tmp_path / "source", web_mercator(), {TileKey(9, 130, 260): bytes(1 << 24)})
    with pytest.raises(tilepack.TileError, match="16777216 bytes"):
        convert_to("v2", tmp_path / "source", tmp_path)


def test_largest_tile_that_an_index_can_say_is_kept(tmp_path):
    tiles = {TileKey(9, 130, 260): bytes((1 << 24) - 1)}
    write_exploded(tmp_path / "source", web_mercator(), tiles)
    assert look_at_tiles(convert_to("v2", tmp_path / "source", tmp_path)) == tiles


def test_window_of_many_tiles_is_written_whole_when_threads_share_it(tmp_path):
    tiles = {BUNDLE.tile(at): b"tile %d" % at for at in range(0, 16384, 5)}
    write_v2(tmp_path / "source", web_mercator(), tiles)
    target = convert_to("exploded", tmp_path / "source", tmp_path, jobs=4)
    assert look_at_tiles(target) == tiles
