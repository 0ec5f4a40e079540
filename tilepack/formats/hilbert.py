"""Numbers of tiles along the Hilbert curve of each zoom, as PMTiles counts them, for whole arrays at once.

A tile's number is that of the first of its zoom, ``(4^zoom - 1) / 3``, and its place on the curve through the zoom's
2^zoom x 2^zoom tiles. Squares of 128 x 128 tiles that start at multiples of 128 are stretches of 16,384 numbers without
a gap: a bundle is one piece of the curve. Source: the PMTiles 3 specification, section 4.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey

Numbers = NDArray[np.int64]

_BUNDLE_ZOOM: Final = 7
"""Zoom that has as many tiles as a bundle."""
_BUNDLE_BITS: Final = 14


def first_number(zoom: int) -> int:
    """Give the number of the first tile of a zoom."""
    return ((1 << 2 * zoom) - 1) // 3


def tile_numbers(zoom: int, columns: Numbers, rows: Numbers) -> Numbers:
    """Give the numbers of tiles of one zoom.

    Args:
        zoom: 0 to 30.
        columns: From the left.
        rows: From the top.
    """
    x, y = columns.astype(np.int64), rows.astype(np.int64)
    found = np.full(x.shape, first_number(zoom), np.int64)
    for bit in range(zoom - 1, -1, -1):
        side = 1 << bit
        right, down = x & side, y & side
        found += (3 * right ^ down) << bit
        # Quarters are entered turned: the curve goes on where it left the one before.
        flips, turns = (down == 0) & (right != 0), down == 0
        x, y = np.where(flips, side - 1 - x, x), np.where(flips, side - 1 - y, y)
        x, y = np.where(turns, y, x), np.where(turns, x, y)
    return found


def tiles_at(zoom: int, places: Numbers) -> tuple[Numbers, Numbers]:
    """Give columns and rows of places on the curve of a zoom, counted from 0."""
    x, y = np.zeros(places.shape, np.int64), np.zeros(places.shape, np.int64)
    left = places.astype(np.int64)
    for bit in range(zoom):
        side = 1 << bit
        right = left >> 1 & 1
        down = (left ^ right) & 1
        flips, turns = (down == 0) & (right != 0), down == 0
        x, y = np.where(flips, side - 1 - x, x), np.where(flips, side - 1 - y, y)
        x, y = np.where(turns, y, x), np.where(turns, x, y)
        x, y = x + right * side, y + down * side
        left >>= 2
    return x, y


def bundle_numbers(bundle: BundleKey) -> tuple[int, int]:
    """Give the first number of a bundle's tiles, and the one behind the last."""
    zoom = bundle.level
    if zoom < _BUNDLE_ZOOM:
        return first_number(zoom), first_number(zoom + 1)
    place = _way_to(bundle)[0]
    start = first_number(zoom) + (place << _BUNDLE_BITS)
    return start, start + TILES_PER_BUNDLE


def _way_to(bundle: BundleKey) -> tuple[int, bool, bool]:
    """Give a bundle's place along the curve, and how the curve goes through it; for one, arrays are slow."""
    x, y = bundle.column // PACKET_SIZE, bundle.row // PACKET_SIZE
    place, swapped, turned = 0, False, False
    for bit in range(bundle.level - _BUNDLE_ZOOM - 1, -1, -1):
        side = 1 << bit
        right, down = x & side, y & side
        place += (3 * right ^ down) << bit
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
                turned = not turned
            x, y = y, x
            swapped = not swapped
    return place, swapped, turned


def bundles_at(zoom: int, places: Numbers) -> list[BundleKey]:
    """Name the bundles of a zoom by their places along the curve, sorted by row, then column."""
    if zoom < _BUNDLE_ZOOM:
        return [BundleKey(zoom, 0, 0)] if places.size else []
    columns, rows = tiles_at(zoom - _BUNDLE_ZOOM, places)
    pairs = sorted(zip(rows.tolist(), columns.tolist(), strict=True))
    return [BundleKey(zoom, row * PACKET_SIZE, column * PACKET_SIZE) for row, column in pairs]


def bundle_places(zoom: int, numbers: Numbers) -> Numbers:
    """Give the places along the curve of the bundles that tiles of a zoom lie in."""
    return (numbers - first_number(zoom)) >> _BUNDLE_BITS


def curve_through(bundle: BundleKey) -> Numbers:
    """Give the row-major positions of a bundle's tiles along the curve.

    Returns:
        Shape (16384,), not to be written to; of zooms that have fewer tiles, what they lack comes last.
    """
    if bundle.level < _BUNDLE_ZOOM:
        return _curve(bundle.level, swapped=False, turned=False)
    _, swapped, turned = _way_to(bundle)
    return _curve(_BUNDLE_ZOOM, swapped=swapped, turned=turned)


@cache
def _curve(zoom: int, *, swapped: bool, turned: bool) -> Numbers:
    """Give the row-major positions of a whole zoom's tiles along its curve, mirrored or turned."""
    count = 1 << 2 * zoom
    columns, rows = tiles_at(zoom, np.arange(count))
    if swapped:
        columns, rows = rows, columns
    held = rows * PACKET_SIZE + columns
    if turned:
        held = count - 1 - held
    found: Numbers = np.concatenate([held, np.setdiff1d(np.arange(TILES_PER_BUNDLE), held)])
    found.flags.writeable = False
    return found
