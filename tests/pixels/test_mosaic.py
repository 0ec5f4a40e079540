"""Laws of the mosaic: pixels are copied where they fit, and are means over areas where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tilepack.pixels.mosaic import Axis, Mosaic, snapped

SIDE = 12
"""Pixels of a tile here."""

PICTURES = arrays(np.uint8, (2 * SIDE, 3 * SIDE, 4))


def compose(whole, columns: Axis, rows: Axis, side: int = SIDE):
    """Cut a level into tiles and lay them."""
    mosaic = Mosaic(columns, rows)
    for row in range(0, whole.shape[0], side):
        for column in range(0, whole.shape[1], side):
            mosaic.add(row, column, whole[row : row + side, column : column + side])
    return mosaic.finished()


def mean_of_blocks(whole, factor: int):
    """Average squares by whole numbers, colours by their alpha, rounded half up."""
    height, width = (size // factor for size in whole.shape[:2])
    blocks = whole[: height * factor, : width * factor].reshape(height, factor, width, factor, 4).astype(np.int64)
    alpha = blocks[..., 3].sum(axis=(1, 3))
    colours = (blocks[..., :3] * blocks[..., 3:]).sum(axis=(1, 3))
    mean = np.zeros((height, width, 4), np.int64)
    mean[..., 3] = (2 * alpha + factor**2) // (2 * factor**2)
    seen = mean[..., 3] > 0
    mean[seen, :3] = (2 * colours[seen] + alpha[seen, None]) // (2 * alpha[seen, None])
    return mean


@given(PICTURES, st.integers(0, 20), st.integers(0, 15), st.integers(1, 30), st.integers(1, 30))
def test_pixels_that_fit_are_copied_byte_by_byte(whole, left, upper, width, height):
    found = compose(whole, Axis.between(left, left + width, width), Axis.between(upper, upper + height, height))
    expected = np.zeros((height, width, 4), np.uint8)
    part = whole[upper : upper + height, left : left + width]
    expected[: part.shape[0], : part.shape[1]] = part
    np.testing.assert_array_equal(found, expected)


@given(PICTURES, st.sampled_from([2, 4]))
def test_reducing_by_a_power_of_two_is_the_mean_of_squares(whole, factor):
    columns, rows = Axis.between(0, 36, 36 // factor), Axis.between(0, 24, 24 // factor)
    difference = compose(whole, columns, rows).astype(int) - mean_of_blocks(whole, factor)
    assert np.abs(difference[..., 3]).max() == 0
    assert np.abs(difference).max() <= 1  # a tie of colours, whose divisor is no power of two


@given(PICTURES)
def test_reducing_by_one_and_a_half_covers_pixels_in_part(whole):
    found = compose(whole, Axis.between(0, 36, 24), Axis.between(0, 24, 16)).astype(int)
    expected = mean_of_blocks(whole.repeat(2, axis=0).repeat(2, axis=1), 3)
    assert np.abs(found[..., 3] - expected[..., 3]).max() <= 1
    seen = (found[..., 3] > 0) & (expected[..., 3] > 0)
    assert np.abs(found[seen] - expected[seen]).max(initial=0) <= 1


@given(PICTURES, st.integers(2, 5))
def test_enlarging_repeats_pixels(whole, factor):
    whole[..., 3] = 255
    found = compose(whole, Axis.between(0, 36, 36 * factor), Axis.between(0, 24, 24 * factor))
    np.testing.assert_array_equal(found, whole.repeat(factor, axis=0).repeat(factor, axis=1))


@given(
    arrays(np.uint8, (2 * SIDE, 3 * SIDE)),
    st.tuples(*[st.integers(0, 255)] * 3),
    st.floats(-5, 20),
    st.floats(0.5, 40),
    st.integers(1, 40),
)
def test_a_colour_stays_itself_under_whatever_alpha(alpha, colour, start, length, count):
    whole = np.zeros((*alpha.shape, 4), np.uint8)
    whole[..., :3], whole[..., 3] = colour, alpha
    found = compose(whole, Axis.between(start, start + length, count), Axis.between(0, 24, 7))
    visible = found[..., 3] > 0
    assert (found[visible][:, :3] == colour).all()
    assert not found[~visible].any()


@given(PICTURES, st.floats(-3, 9), st.floats(0.2, 30), st.integers(1, 25))
def test_how_a_level_is_cut_into_tiles_does_not_matter(whole, start, length, count):
    columns, rows = Axis.between(start, start + length, count), Axis.between(1.25, 17.5, 9)
    one, many = (compose(whole, columns, rows, side).astype(int) for side in (100, 5))
    assert np.abs(one[..., 3] - many[..., 3]).max() <= 1
    seen = (one[..., 3] > 0) & (many[..., 3] > 0)
    assert np.abs(one[seen] - many[seen]).max(initial=0) <= 1


@given(st.floats(-1e6, 1e6), st.floats(0.1, 1e5), st.integers(1, 300), st.integers(-300, 300), st.integers(1, 300))
def test_weights_of_a_pixel_never_exceed_a_whole(start, length, count, first, size):
    axis = Axis.between(start, start + length, count)
    low, weights = axis.weights(first, size)
    assert weights.shape[1] == size
    assert 0 <= low <= low + len(weights) <= count
    assert (weights >= 0).all()
    assert (weights.sum(axis=1) <= 1 + 1e-4).all()


def test_parts_of_an_axis_meet_without_gap_or_overlap():
    axis = Axis.between(3.3, 99.9, 1000)
    for at in (1, 333, 999):
        assert axis.part(0, at).stop == axis.part(at, 1000).start


@pytest.mark.parametrize(("pixel", "expected"), [(3 + 1e-9, 3.0), (2**40 - 1e-4, 2.0**40), (3.01, 3.01), (-2.5, -2.5)])
def test_only_rounding_is_snapped_away(pixel, expected):
    assert snapped(pixel) == expected
