"""A coarser level is the exact average of the level below, rounded once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st
from seeded_rasters import exactly_halved, halved_by_fractions

from tilepack.building.averaging import halve


@given(np_st.arrays(np.uint8, st.tuples(st.sampled_from([2, 4]), st.sampled_from([2, 6]), st.just(4))))
def test_average_is_exact(pixels):
    assert np.array_equal(halve(pixels), halved_by_fractions(pixels))
    assert np.array_equal(exactly_halved(pixels), halved_by_fractions(pixels))


def test_average_is_exact_where_it_is_nearly_or_just_a_tie():
    # Each sum of four alphas with the colours next to a half: below, on, and above it.
    some_alphas = itertools.combinations_with_replacement((0, 1, 2, 63, 127, 128, 254, 255), 4)
    some_colours = [(0, 0, 0, 1), (254, 255, 255, 254), (127, 128, 128, 127), (0, 1, 255, 3)]
    blocks = [
        [[*(colour,) * 3, alpha] for colour, alpha in zip(colours, alphas, strict=True)]
        for alphas, colours in itertools.product(some_alphas, some_colours)
    ]
    pixels = np.array(blocks, np.uint8).reshape(-1, 2, 2, 4).transpose(1, 0, 2, 3).reshape(2, -1, 4)
    assert np.array_equal(halve(np.ascontiguousarray(pixels)), halved_by_fractions(pixels))


@pytest.mark.parametrize("alpha", [0, 1, 255])
def test_pixels_of_one_colour_keep_it(alpha):
    pixels = np.full((512, 512, 4), (250, 3, 77, alpha), np.uint8)
    assert (halve(pixels) == ((250, 3, 77, alpha) if alpha else (0, 0, 0, 0))).all()


def test_what_is_transparent_lends_no_colour():
    pixels = np.full((2, 2, 4), (200, 100, 50, 255), np.uint8)
    pixels[0, 0] = 0
    assert halve(pixels).tolist() == [[[200, 100, 50, 191]]]  # 765 / 4 = 191.25


def test_parts_do_not_show():
    # More rows than are averaged at a time: opaque ones, blank ones, and mixed ones.
    pixels = np.random.default_rng(3).integers(0, 256, (600, 8, 4), np.uint8)
    pixels[:256, :, 3] = 255
    pixels[256:400] = 0
    whole = np.concatenate([halve(np.ascontiguousarray(pixels[start : start + 2])) for start in range(0, 600, 2)])
    assert np.array_equal(halve(pixels), whole)


def test_odd_sides_are_refused():
    with pytest.raises(ValueError, match="3 x 2"):
        halve(np.zeros((2, 3, 4), np.uint8))
