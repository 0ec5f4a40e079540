"""What is remembered of each bundle's tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE
from tilepack.transfer.choice import pack, unpack


@given(st.binary(min_size=TILES_PER_BUNDLE // 8, max_size=TILES_PER_BUNDLE // 8))
def test_flags_come_back(bits):
    flags = np.unpackbits(np.frombuffer(bits, np.uint8)).astype(np.bool_)
    back = unpack(pack(flags))
    assert back.dtype == np.bool_
    np.testing.assert_array_equal(back, flags)


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 128), slice(17, 90)])
@pytest.mark.parametrize("columns", [slice(0, 128), slice(3, 99)])
def test_flags_of_a_rectangle_take_a_few_dozen_bytes(rows, columns):
    flags = np.zeros((PACKET_SIZE, PACKET_SIZE), np.bool_)
    flags[rows, columns] = True
    assert len(pack(flags.reshape(TILES_PER_BUNDLE))) < 100


def test_flags_in_any_order_take_little_more_than_a_bit_each():
    flags = np.random.default_rng(1).integers(0, 2, TILES_PER_BUNDLE).astype(np.bool_)
    assert len(pack(flags)) < 1.1 * TILES_PER_BUNDLE / 8
