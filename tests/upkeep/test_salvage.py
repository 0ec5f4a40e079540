"""What is had of a malformed bundle is never another tile's, nor a piece of one."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from caches import picture
from hostile_builders import patched
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packed_bundles import V1_FIRST, V2_FIRST, pack_v1, pack_v2

import tilepack
from tilepack.disk.files import ByteRange, PositionedFile
from tilepack.keys import BundleKey, TileKey
from tilepack.stores.salvage import open_salvaged, restore_png

BUNDLE = BundleKey(9, 0, 0)
KEYS = [TileKey(9, row, column) for row, column in ((0, 0), (0, 1), (3, 2), (127, 127), (5, 0))]
TILES = [(key, picture(key, "jpg" if number % 2 else "png", (16, 16))) for number, key in enumerate(KEYS)]
NOISE = [(key, random.Random(str(key)).randbytes(50)) for key in KEYS]
"""Tiles that do not say where they end."""


def salvaged(folder: Path, data: bytes, index: bytes | None = None) -> tuple[dict[TileKey, bytes], set[TileKey]]:
    """Give the tiles that are had of a bundle, and those that are not."""
    places = [folder / "a.bundle", folder / "a.bundlx"]
    for place, content in zip(places, (data, index or b""), strict=True):
        place.write_bytes(content)
    files = [ByteRange(PositionedFile(place), 0, place.stat().st_size, str(place), owned=True) for place in places]
    with files[0], files[1]:
        opened = open_salvaged(BUNDLE, files[0], None if index is None else files[1], is_v1=index is not None)
        sizes = opened.sizes()
        found = {}
        for position in opened.order.tolist():
            tile = opened.read(position)
            assert tile is not None
            assert len(tile) == sizes[position]
            assert opened.read_start(position, 5) == tile[:5]
            found[BUNDLE.tile(position)] = tile
        return found, {BUNDLE.tile(position) for position in opened.lost}


def entry(data: bytes, key: TileKey, offset: int, size: int) -> bytes:
    """Change an entry of a V2 index."""
    return patched(data, 64 + 8 * (key.row * 128 + key.column), struct.pack("<Q", offset | size << 40))


def offset_of(data: bytes, key: TileKey) -> int:
    return struct.unpack_from("<Q", data, 64 + 8 * (key.row * 128 + key.column))[0] & (1 << 40) - 1


# The witnesses of V2: index, length, end of the image, room


def v2_lengths(tiles: list[tuple[TileKey, bytes]], *, said: int | None, prefix: int | None, dead: int = 0) -> bytes:
    """Pack tiles, and say other lengths of the second one."""
    data = pack_v2(tiles, dead=[0, 0, dead])
    key, tile = tiles[1]
    at = offset_of(data, key)
    if prefix is not None:
        data = patched(data, at - 4, struct.pack("<I", prefix))
    return entry(data, key, at, len(tile) if said is None else said)


@pytest.mark.parametrize("wrong", [1, 7, 60, 5_000, 900_000])
@pytest.mark.parametrize("dead", [0, 9])
@pytest.mark.parametrize("where", ["said", "prefix"])
def test_the_length_counts_at_which_the_image_ends(tmp_path, wrong, dead, where):
    lengths = {"said": None, "prefix": None} | {where: wrong}
    assert salvaged(tmp_path, v2_lengths(TILES, dead=dead, **lengths)) == (dict(TILES), set())


@pytest.mark.parametrize("where", ["said", "prefix"])
def test_the_length_counts_that_fills_the_room(tmp_path, where):
    lengths = {"said": None, "prefix": None} | {where: 17}
    assert salvaged(tmp_path, v2_lengths(NOISE, **lengths)) == (dict(NOISE), set())


@pytest.mark.parametrize("where", ["said", "prefix"])
def test_where_nothing_settles_it_the_tile_is_lost(tmp_path, where):
    """Dead space behind it, and data that does not say where it ends."""
    lengths = {"said": None, "prefix": None} | {where: 17}
    found, lost = salvaged(tmp_path, v2_lengths(NOISE, dead=9, **lengths))
    assert lost == {KEYS[1]}
    assert found == {key: data for key, data in NOISE if key != KEYS[1]}


def test_two_witnesses_against_two_settle_nothing(tmp_path):
    """The index names the image's own end, the length all the room up to the next tile."""
    tile = len(TILES[1][1])
    found, lost = salvaged(tmp_path, v2_lengths(TILES, said=tile, prefix=tile + 9, dead=9))
    assert lost == {KEYS[1]}
    assert len(found) == 4


def test_image_and_room_outvote_lengths_that_differ(tmp_path):
    assert salvaged(tmp_path, v2_lengths(TILES, said=11, prefix=12)) == (dict(TILES), set())


# Other faults


@pytest.mark.parametrize("claim", [0, 131136, 131137, 1 << 50])
def test_the_file_tells_where_it_ends_and_not_its_header(tmp_path, claim):
    data = patched(pack_v2(TILES), 24, struct.pack("<Q", claim))
    assert salvaged(tmp_path, data) == (dict(TILES), set())


@pytest.mark.parametrize("cut", [1, 30, 300])
def test_of_a_bundle_that_is_cut_the_whole_tiles_are_had(tmp_path, cut):
    data = pack_v2(TILES)[:-cut]
    found, lost = salvaged(tmp_path, data)
    kept = {key: tile for key, tile in TILES if offset_of(data, key) + len(tile) <= len(data)}
    assert 0 < len(kept) < len(TILES)
    assert found == kept
    assert lost == set(KEYS) - kept.keys()
    data, index = pack_v1(BUNDLE, TILES)
    assert salvaged(tmp_path, data[:-cut], index) == (kept, set(KEYS) - kept.keys())


def test_of_two_tiles_at_one_place_neither_is_had(tmp_path):
    data = pack_v2(TILES)
    data = entry(data, KEYS[2], offset_of(data, KEYS[0]), len(TILES[0][1]))
    found, lost = salvaged(tmp_path, data)
    assert lost == {KEYS[0], KEYS[2]}
    assert found == {key: tile for key, tile in TILES if key not in lost}


def test_a_tile_that_points_into_another_one_does_it_no_harm(tmp_path):
    data = pack_v2(TILES)
    data = entry(data, KEYS[2], offset_of(data, KEYS[0]) + 30, 20)
    found, lost = salvaged(tmp_path, data)
    assert lost == {KEYS[2]}
    assert found == {key: tile for key, tile in TILES if key != KEYS[2]}


def test_a_v1_length_that_reaches_into_the_next_tile_is_settled_by_the_image(tmp_path):
    data, index = pack_v1(BUNDLE, TILES)
    for wrong in (len(TILES[0][1]) + 5, 1 << 31):
        assert salvaged(tmp_path, patched(data, V1_FIRST, struct.pack("<I", wrong)), index) == (dict(TILES), set())
    noise, index = pack_v1(BUNDLE, NOISE)
    found, lost = salvaged(tmp_path, patched(noise, V1_FIRST, struct.pack("<I", 99)), index)
    assert lost == {KEYS[0]}
    assert len(found) == 4


def test_a_v1_slot_of_no_bytes_is_an_empty_tile(tmp_path):
    data, index = pack_v1(BUNDLE, TILES)
    found, lost = salvaged(tmp_path, patched(data, V1_FIRST, bytes(4)), index)
    assert (found, lost) == (dict(TILES[1:]), set())


@pytest.mark.parametrize("data", [b"", bytes(200_000), pack_v2(TILES)[:99_999]])
def test_without_header_or_index_nothing_is_had(tmp_path, data):
    with pytest.raises(tilepack.BundleError):
        salvaged(tmp_path, data)


# PNGs without their start


def test_a_png_gets_back_what_its_length_was_written_over(tmp_path):
    png = TILES[0][1]
    assert restore_png(png[4:]) == png
    assert restore_png(png[4:] + b"what") == png
    for data in (png, png[4:] + b"five!", png[4:-1], png[5:], b"", png[4:20], TILES[1][1]):
        assert restore_png(data) is None
    data = pack_v2([(KEYS[0], png[4:] + b"what"), (KEYS[1], png[4:]), *TILES[2:]])
    assert salvaged(tmp_path, data) == (dict(TILES) | {KEYS[1]: png}, set())


# Whatever is wrong


@settings(max_examples=60)
@given(
    at=st.integers(0, 4),
    prefix=st.none() | st.integers(0, 2**32 - 1) | st.integers(0, 2000),
    offset=st.none() | st.integers(0, 2**40 - 1) | st.integers(V2_FIRST, V2_FIRST + 4000),
    size=st.none() | st.integers(0, 2**24 - 1) | st.integers(0, 2000),
    claim=st.none() | st.integers(0, 2**63),
)
def test_no_tile_that_is_had_is_another_than_it_was(tmp_path_factory, at, prefix, offset, size, claim):  # noqa: PLR0917
    assume(prefix is None or prefix != size)  # index and length that agree are believed
    data = pack_v2(TILES, dead=[0, 3, 0, 50])
    key, tile = TILES[at]
    begin = offset_of(data, key)
    if prefix is not None:
        data = patched(data, begin - 4, struct.pack("<I", prefix))
    data = entry(data, key, begin if offset is None else offset, len(tile) if size is None else size)
    if claim is not None:
        data = patched(data, 24, struct.pack("<Q", claim))
    found, lost = salvaged(tmp_path_factory.mktemp("any"), data)
    assert found.items() <= dict(TILES).items()
    assert set(KEYS) - found.keys() <= lost | {key}
    if offset in (None, begin):
        assert len(found) >= 4
