"""Blending is exact arithmetic, inside the mask and nowhere else."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tilepack.pixels.blend import cut, is_blank, is_opaque, merge, overwrite, paint

SIDE = 7

PIXELS = arrays.arrays(np.uint8, (SIDE, SIDE, 4), elements=st.sampled_from([0, 1, 2, 127, 128, 254, 255]))
MASKS = arrays.arrays(np.bool_, (SIDE, SIDE))
LAWS = settings(max_examples=60, deadline=None)


def noise(seed, height=64, width=64):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)


def hard(pixels):
    """Pixels whose alphas are 0 or 255 alone."""
    result = pixels.copy()
    result[..., 3] = np.where(pixels[..., 3] < 128, 0, 255)
    return result


def by_definition(source, target):
    """Blend two pixels by rational numbers, as the definition has it."""
    source_alpha, target_alpha = int(source[3]), int(target[3])
    if source_alpha == 0:
        return tuple(int(part) for part in target)
    rest = Fraction(target_alpha * (255 - source_alpha), 255)
    alpha = source_alpha + rest
    colours = [(int(s) * source_alpha + int(t) * rest) / alpha for s, t in zip(source[:3], target[:3], strict=True)]
    return tuple(int(part + Fraction(1, 2)) for part in (*colours, alpha))


def by_integers(source, target):
    """Blend arrays of pixels by whole numbers: slower than the kernels, and plain to check."""
    source, target = source.astype(np.int64), target.astype(np.int64)
    over, rest = 255 * source[..., 3], target[..., 3] * (255 - source[..., 3])
    whole = np.maximum(1, over + rest)
    result = np.empty_like(target)
    for channel in range(3):
        numerator = source[..., channel] * over + target[..., channel] * rest
        result[..., channel] = (2 * numerator + whole) // (2 * whole)
    result[..., 3] = (2 * whole + 255) // 510
    return np.where(source[..., 3:] == 0, target, result).astype(np.uint8)


def all_alphas(seed):
    """Pixels of random colours in which every pair of alphas comes once."""
    source, target = noise(seed, 256, 256), noise(seed + 1, 256, 256)
    source[..., 3], target[..., 3] = np.mgrid[:256, :256]
    return source, target


@pytest.mark.parametrize("seed", range(5))
def test_merge_is_exact_for_every_pair_of_alphas(seed):
    source, target = all_alphas(seed)
    expected = by_integers(source, target)
    assert merge(source, target)
    assert np.array_equal(target, expected)


@pytest.mark.parametrize("colours", [(0, 255), (255, 0), (1, 0), (254, 255), (127, 128)])
def test_merge_is_exact_at_the_ends_of_the_colours(colours):
    source, target = all_alphas(0)
    source[..., :3], target[..., :3] = colours
    expected = by_integers(source, target)
    merge(source, target)
    assert np.array_equal(target, expected)


def test_merge_agrees_with_rational_numbers_for_every_pair_of_alphas():
    source, target = all_alphas(11)
    before = target.copy()
    merge(source, target)
    source, before, target = (part.reshape(-1, 4).tolist() for part in (source, before, target))
    assert all(by_definition(*pair) == tuple(got) for *pair, got in zip(source, before, target, strict=True))


def test_merge_rounds_a_tie_up():
    """Alphas 102 over 170 weigh the same, so that an odd sum of colours halves to a tie."""
    source = np.array([[[10, 3, 255, 102]]], np.uint8)
    target = np.array([[[11, 4, 254, 170]]], np.uint8)
    merge(source, target)
    assert target.tolist() == [[[11, 4, 255, 204]]]


def test_merge_over_opaque_is_exact_for_every_alpha():
    source, target = all_alphas(3)
    target[..., 3] = 255
    expected = by_integers(source, target)
    merge(source, target)
    assert np.array_equal(target, expected)


@given(PIXELS, PIXELS, MASKS)
@LAWS
def test_merge_leaves_alone_what_is_outside_or_transparent_in_the_source(source, target, mask):
    before = target.copy()
    changed = merge(source, target, mask)
    untouched = ~mask | (source[..., 3] == 0)
    assert np.array_equal(target[untouched], before[untouched])
    assert changed == (not np.array_equal(target, before))


@given(PIXELS, PIXELS)
@LAWS
def test_merge_takes_what_is_opaque_in_the_source_and_what_lies_over_nothing(source, target):
    taken = (source[..., 3] == 255) | ((target[..., 3] == 0) & (source[..., 3] > 0))
    merge(source, target)
    assert np.array_equal(target[taken], source[taken])


@given(PIXELS, PIXELS, MASKS)
@LAWS
def test_merge_twice_is_once_for_hard_alphas(source, target, mask):
    source = hard(source)
    merge(source, target, mask)
    once = target.copy()
    assert not merge(source, target, mask)
    assert np.array_equal(target, once)


@given(PIXELS, PIXELS, st.sampled_from([merge, overwrite]))
@LAWS
def test_no_mask_is_a_mask_of_everything(source, target, kernel):
    everywhere = target.copy()
    assert kernel(source, everywhere, np.ones((SIDE, SIDE), np.bool_)) == kernel(source, target)
    assert np.array_equal(everywhere, target)


@given(PIXELS, PIXELS, MASKS, st.sampled_from([merge, overwrite]))
@LAWS
def test_order_of_disjoint_masks_does_not_matter(source, target, mask, kernel):
    other = target.copy()
    kernel(source, target, mask)
    kernel(source, target, ~mask)
    kernel(source, other, ~mask)
    kernel(source, other, mask)
    assert np.array_equal(target, other)


@given(PIXELS, PIXELS, MASKS)
@LAWS
def test_overwrite_puts_every_pixel_inside(source, target, mask):
    before = target.copy()
    changed = overwrite(source, target, mask)
    assert np.array_equal(target, np.where(mask[..., None], source, before))
    assert changed == (not np.array_equal(target, before))
    assert not overwrite(source, target, mask)


@given(PIXELS, MASKS)
@LAWS
def test_cut_leaves_transparent_black_outside(pixels, mask):
    before = pixels.copy()
    changed = cut(pixels, mask)
    assert np.array_equal(pixels, np.where(mask[..., None], before, 0))
    assert changed == (not np.array_equal(pixels, before))


@given(PIXELS, MASKS, st.tuples(*[st.integers(0, 255)] * 3))
@LAWS
def test_paint_shows_the_colour_outside_and_through(pixels, mask, colour):
    before = pixels.copy()
    changed = paint(colour, pixels, mask)
    ground = np.broadcast_to(np.array((*colour, 255), np.uint8), pixels.shape).copy()
    merge(before, ground, mask)
    assert np.array_equal(pixels, ground)
    assert changed == (not np.array_equal(pixels, before))
    assert is_opaque(pixels)


def test_the_source_is_never_changed():
    source, target = noise(1), noise(2)
    before = source.copy()
    merge(source, target)
    overwrite(source, target)
    assert np.array_equal(source, before)


def test_blank_is_what_shows_nothing():
    pixels = noise(4)
    pixels[..., 3] = 0
    assert is_blank(pixels)
    pixels[3, 5, 3] = 1
    assert not is_blank(pixels)
    mask = np.ones((64, 64), np.bool_)
    mask[3, 5] = False
    assert is_blank(pixels, mask)


@pytest.mark.parametrize(
    ("source", "target", "mask"),
    [
        (noise(1), noise(2, 63), None),
        (noise(1), noise(2), np.ones((63, 64), np.bool_)),
        (noise(1), noise(2), np.ones((64, 64), np.uint8)),
        (noise(1)[..., :3], noise(2)[..., :3], None),
        (noise(1).astype(np.int16), noise(2).astype(np.int16), None),
        (noise(1)[:, ::2], noise(2)[:, ::2], None),
    ],
)
def test_what_does_not_fit_is_refused(source, target, mask):
    with pytest.raises(ValueError, match=r"differ|contiguous|mask"):
        merge(source, target, mask)


def test_colours_have_parts_of_one_byte():
    with pytest.raises(ValueError, match="0 to 255"):
        paint((0, 0, 256), noise(1))
