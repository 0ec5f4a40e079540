"""Bundles are written word for word as FORMATS says, and read back whoever packed them."""

import struct

import numpy as np
import pytest
from caches import look_in_v1, look_in_v2, payload
from hypothesis import given
from hypothesis import strategies as st
from packed_bundles import SIDE, SLOTS, V1_FIRST, V2_FIRST, pack_v1, pack_v2

from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import HeaderDialect, TileIndex, check_slots, occupied, transpose
from tilepack.keys import BundleKey, TileKey

BUNDLE = BundleKey(9, 0x380, 0x12680)
KEYS = [BUNDLE.tile(position) for position in (0, 1, 127, 128, 5000, 16383)]
TILES = [(tile, payload(tile, size=100 + number)) for number, tile in enumerate(KEYS)]


def index_of(tiles, first) -> TileIndex:
    starts, sizes = np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64)
    at = first
    for tile, data in tiles:
        starts[BUNDLE.position(tile)], sizes[BUNDLE.position(tile)] = at, len(data)
        at += 4 + len(data)
    return TileIndex(starts, sizes)


positions = st.lists(st.integers(0, SLOTS - 1), unique=True, max_size=40)


# V1


def test_v1_sizes_are_those_of_the_format():
    assert (bundle_v1.HEADER_SIZE, bundle_v1.FIRST_SLOT, bundle_v1.BUNDLX_SIZE) == (60, 65596, 81952)


def test_v1_header_is_written_word_for_word():
    head = bundle_v1.format_header(bundle=BUNDLE, tiles=28, largest=8611, file_size=(7 << 32) + 5)
    assert struct.unpack("<15I", head) == (
        *(3, 16384, 8611, 5, 112, 0, 5, 7, 40, 0, 16),
        *(0x380, 0x380 + 127, 0x12680, 0x12680 + 127),
    )


def test_v1_header_is_that_of_a_bundle_packed_by_struct():
    bundle, _ = pack_v1(BUNDLE, TILES)
    largest = max(len(data) for _, data in TILES)
    head = bundle_v1.format_header(bundle=BUNDLE, tiles=len(TILES), largest=largest, file_size=len(bundle))
    assert head == bundle[:60]
    assert bundle_v1.parse_header(bundle[:60], bundle=BUNDLE, file_size=len(bundle), place="b") == len(bundle)


def test_v1_index_is_that_of_a_bundle_packed_by_struct():
    _, bundlx = pack_v1(BUNDLE, TILES)
    index = index_of(TILES, V1_FIRST)
    assert bundle_v1.format_bundlx(index) == bundlx
    np.testing.assert_array_equal(bundle_v1.parse_bundlx(bundlx, place="b"), index.starts)


def test_v1_index_is_column_major():
    tile = TileKey(9, BUNDLE.row + 3, BUNDLE.column + 5)
    bundlx = bundle_v1.format_bundlx(index_of([(tile, b"tile")], V1_FIRST))
    at = 16 + 5 * (5 * SIDE + 3)
    assert int.from_bytes(bundlx[at : at + 5], "little") == V1_FIRST


def test_v1_index_of_an_empty_bundle_points_at_its_placeholders():
    nothing = TileIndex(np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64))
    bundlx = bundle_v1.format_bundlx(nothing)
    assert len(bundlx) == 81952
    assert bundlx[:16] == struct.pack("<4I", 3, 16, 16384, 5)
    assert bundlx[-16:] == struct.pack("<4I", 0, 16, 16, 0)
    offsets = [int.from_bytes(bundlx[16 + 5 * at : 21 + 5 * at], "little") for at in range(SLOTS)]
    assert offsets == [60 + 4 * at for at in range(SLOTS)]


@pytest.mark.parametrize("empties", ["placeholder", "zero", "below"])
def test_v1_empties_are_known_however_they_are_written(empties):
    _, bundlx = pack_v1(BUNDLE, TILES, empties=empties)
    np.testing.assert_array_equal(bundle_v1.parse_bundlx(bundlx, place="b"), index_of(TILES, V1_FIRST).starts)


def test_v1_offsets_take_five_bytes():
    starts = np.zeros(SLOTS, np.int64)
    starts[7] = (1 << 40) - 1
    bundlx = bundle_v1.format_bundlx(TileIndex(starts, None))
    np.testing.assert_array_equal(bundle_v1.parse_bundlx(bundlx, place="b"), starts)


@given(held=positions)
def test_v1_index_comes_back(held):
    starts = np.zeros(SLOTS, np.int64)
    starts[held] = V1_FIRST + 10 * np.arange(len(held))
    bundlx = bundle_v1.format_bundlx(TileIndex(starts, None))
    np.testing.assert_array_equal(bundle_v1.parse_bundlx(bundlx, place="b"), starts)


# V2


def test_v2_sizes_are_those_of_the_format():
    assert (bundle_v2.HEADER_SIZE, bundle_v2.INDEX_SIZE, bundle_v2.FIRST_SLOT) == (64, 131072, 131136)


@pytest.mark.parametrize(
    ("dialect", "largest", "words"),
    [
        (HeaderDialect.PAPER, 500, (3, 16384, 500, 5, 0, 0, 9, 1, 40, 0, 131092, 3, 16, 16384, 5, 131072)),
        (HeaderDialect.PAPER, 1 << 20, (3, 16384, 1 << 20, 5, 0, 0, 9, 1, 40, 0, 131092, 3, 16, 16384, 5, 131072)),
        (HeaderDialect.ARCGIS, 500, (3, 0, 131092, 5, 0, 0, 9, 1, 40, 0, 131092, 3, 0, 16384, 5, 131072)),
        (HeaderDialect.ARCGIS, 1 << 20, (3, 0, 1 << 20, 5, 0, 0, 9, 1, 40, 0, 131092, 3, 0, 16384, 5, 131072)),
    ],
)
def test_v2_header_is_written_word_for_word(dialect, largest, words):
    head = bundle_v2.format_header(largest=largest, file_size=(1 << 32) + 9, dialect=dialect)
    assert struct.unpack("<16I", head) == words


@pytest.mark.parametrize("dialect", list(HeaderDialect))
def test_v2_header_and_index_are_those_of_a_bundle_packed_by_struct(dialect):
    bundle = pack_v2(TILES, dialect=dialect.value)
    largest = max(len(data) for _, data in TILES)
    index = index_of(TILES, V2_FIRST)
    head = bundle_v2.format_header(largest=largest, file_size=len(bundle), dialect=dialect)
    assert head + bundle_v2.format_index(index) == bundle[:V2_FIRST]
    assert bundle_v2.parse_header(bundle[:64], file_size=len(bundle), place="b") == len(bundle)


@pytest.mark.parametrize("empty", [0, 4])
def test_v2_empties_are_known_however_they_are_written(empty):
    found = bundle_v2.parse_index(pack_v2(TILES, empty=empty)[64:V2_FIRST])
    expected = index_of(TILES, V2_FIRST)
    np.testing.assert_array_equal(found.starts, expected.starts)
    np.testing.assert_array_equal(found.sizes, expected.sizes)


def test_v2_empty_entries_are_4():
    nothing = TileIndex(np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64))
    assert set(struct.unpack(f"<{SLOTS}Q", bundle_v2.format_index(nothing))) == {4}


def test_v2_index_is_row_major_and_points_behind_the_length():
    tile = TileKey(9, BUNDLE.row + 3, BUNDLE.column + 5)
    index = bundle_v2.format_index(index_of([(tile, b"tile")], V2_FIRST))
    entry = struct.unpack_from("<Q", index, 8 * (3 * SIDE + 5))[0]
    assert (entry & (1 << 40) - 1, entry >> 40) == (V2_FIRST + 4, 4)


def test_v2_index_without_sizes_is_refused():
    with pytest.raises(ValueError, match="sizes"):
        bundle_v2.format_index(TileIndex(np.zeros(SLOTS, np.int64), None))


@given(held=positions, sizes=st.data())
def test_v2_index_comes_back(held, sizes):
    starts, lengths = np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64)
    for at in held:
        starts[at] = sizes.draw(st.integers(V2_FIRST, (1 << 40) - 5))
        lengths[at] = sizes.draw(st.integers(1, (1 << 24) - 1))
    found = bundle_v2.parse_index(bundle_v2.format_index(TileIndex(starts, lengths)))
    np.testing.assert_array_equal(found.starts, starts)
    np.testing.assert_array_equal(found.sizes, lengths)


# Both


def test_v1_and_v2_headers_are_told_apart():
    assert bundle_v1.is_header(pack_v1(BUNDLE, TILES)[0][:60])
    assert not bundle_v1.is_header(pack_v2(TILES, dialect="paper")[:60])
    assert not bundle_v1.is_header(pack_v2(TILES, dialect="arcgis")[:60])


def test_order_is_that_of_the_file_when_tiles_were_stored_at_random():
    shuffled = [TILES[at] for at in (3, 0, 5, 1, 4, 2)]
    index = bundle_v2.parse_index(pack_v2(shuffled)[64:V2_FIRST])
    assert [BUNDLE.tile(int(at)) for at in index.order()] == [tile for tile, _ in shuffled]


def test_check_slots_takes_dead_space_anywhere():
    bundle = pack_v2(TILES, dead=(9, 0, 1000))
    index = bundle_v2.parse_index(bundle[64:V2_FIRST])
    order = check_slots(index, first=V2_FIRST, file_size=len(bundle), bundle=BUNDLE, place="b")
    assert [BUNDLE.tile(int(at)) for at in order] == KEYS


def test_occupied_is_the_smallest_rectangle():
    present = np.zeros(SLOTS, np.bool_)
    present[[BUNDLE.position(TileKey(9, BUNDLE.row + row, BUNDLE.column + 9)) for row in (4, 77)]] = True
    found = occupied(present, BUNDLE)
    assert (found.row_start - BUNDLE.row, found.row_stop - BUNDLE.row) == (4, 78)
    assert (found.column_start - BUNDLE.column, found.column_stop - BUNDLE.column) == (9, 10)


def test_transpose_is_its_own_inverse():
    numbers = np.arange(SLOTS)
    np.testing.assert_array_equal(transpose(transpose(numbers)), numbers)
    assert transpose(numbers)[1] == SIDE


@given(held=positions)
def test_packing_by_struct_comes_back_by_struct(held):
    """The helpers themselves: what packs the bundles under test must agree with what looks into them."""
    tiles = [(BUNDLE.tile(at), payload(BUNDLE.tile(at), size=9)) for at in held]
    expected = {(tile.row - BUNDLE.row, tile.column - BUNDLE.column): data for tile, data in tiles}
    assert look_in_v1(*pack_v1(BUNDLE, tiles)) == expected
    assert look_in_v2(pack_v2(tiles)) == expected
