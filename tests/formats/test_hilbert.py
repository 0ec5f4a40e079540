"""Numbers along the curve are those of the package pmtiles, and bundles are pieces of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.tile import tileid_to_zxy, zxy_to_tileid

from tilepack.formats.hilbert import (
    bundle_numbers,
    bundle_places,
    bundles_at,
    curve_through,
    first_number,
    tile_numbers,
    tiles_at,
)
from tilepack.keys import BundleKey


@st.composite
def tiles(draw: st.DrawFn) -> tuple[int, int, int]:
    zoom = draw(st.integers(0, 30))
    return zoom, draw(st.integers(0, 2**zoom - 1)), draw(st.integers(0, 2**zoom - 1))


@given(tiles())
def test_number_is_that_of_the_package(tile):
    zoom, column, row = tile
    assert tile_numbers(zoom, np.array([column]), np.array([row])).tolist() == [zxy_to_tileid(zoom, column, row)]


@given(tiles())
def test_place_gives_the_tile_back(tile):
    zoom, column, row = tile
    number = zxy_to_tileid(zoom, column, row)
    columns, rows = tiles_at(zoom, np.array([number - first_number(zoom)]))
    assert (zoom, columns[0], rows[0]) == tileid_to_zxy(number) == tile


@given(tiles())
def test_bundle_is_one_piece_of_the_curve(tile):
    zoom, column, row = tile
    bundle = BundleKey(zoom, row & -128, column & -128)
    start, stop = bundle_numbers(bundle)
    side = min(128, 2**zoom)
    assert stop - start == side * side
    line = curve_through(bundle)
    assert sorted(line.tolist()) == list(range(16384))
    for at in {0, 1, side, side * side // 3, side * side - 1} & set(range(side * side)):
        _, x, y = tileid_to_zxy(start + at)
        assert line[at] == (y - bundle.row) * 128 + x - bundle.column
    places = bundle_places(zoom, np.array([zxy_to_tileid(zoom, column, row)]))
    assert bundles_at(zoom, places) == [bundle]


@pytest.mark.parametrize("zoom", range(5))
def test_curve_goes_from_each_tile_to_a_neighbour(zoom):
    columns, rows = tiles_at(zoom, np.arange(4**zoom))
    assert (np.abs(np.diff(columns)) + np.abs(np.diff(rows)) == 1).all()
