"""Laws of the picture of completeness: every bundle is seen, in the colour of its class, at any number of bundles."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tilepack.status import picture
from tilepack.status.picture import (
    BEYOND,
    CLASSES,
    COMPLETE,
    EMPTY,
    CompletenessMap,
    classify,
    completeness_png,
    draw_completeness,
    figures_text,
    legend_of,
    percent_text,
)


def grid(columns, rows, built, expected=16384, size=1000.0, **more):
    """Make a level of bundles side by side, the first row on top."""
    row, column = (numbers.reshape(-1) for numbers in np.mgrid[0:rows, 0:columns])
    left, top = column * size - 7e6, 3e6 - row * size
    count = rows * columns
    return CompletenessMap(
        level=9,
        scale=1155581.1,
        extents=np.stack([left, top - size, left + size, top], axis=1),
        expected=np.broadcast_to(np.asarray(expected), count).astype(np.int64),
        built=np.broadcast_to(np.asarray(built), count).astype(np.int64),
        **more,
    )


EVERY = [0, 1, 4095, 4096, 8191, 8192, 12287, 12288, 16383, 16384]
KINDS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_classes_begin_where_they_say():
    assert classify(np.array(EVERY), np.full(10, 16384)).tolist() == KINDS
    assert classify(np.array([0, 5]), np.array([0, 0])).tolist() == [BEYOND, BEYOND]


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_percentages_never_round_up_to_all_nor_down_to_none(built, expected):
    built = min(built, expected)
    text = percent_text(built, expected)
    assert (text == "100 %") == (built == expected)
    assert (text == "0 %") == (built == 0)


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_every_cell_has_the_colour_of_its_class_in_its_corner(columns, rows, data):
    built = data.draw(st.lists(st.sampled_from(EVERY), min_size=rows * columns, max_size=rows * columns))
    level = grid(columns, rows, built)
    pixels = draw_completeness(level, width=600, framed=False)
    side = min(600 / columns, 960 / rows, 200)
    assert pixels.shape == (round(rows * side), round(columns * side), 4)
    for number, kind in enumerate(level.classes().tolist()):
        row, column = divmod(number, columns)
        corner = pixels[round(row * side) : round(row * side) + 12, round(column * side) : round(column * side) + 12]
        found = {tuple(colour) for colour in corner.reshape(-1, 4)[:, :3].tolist()}
        assert found == ({CLASSES[EMPTY][1], picture.HATCH} if kind == EMPTY else {CLASSES[kind][1]})


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (70, 58), (240, 200), (480, 300)])
def test_cells_have_whole_pixels_at_any_number(columns, rows):
    """Even where cells are two pixels wide, each has pixels of its own colour and nothing in between."""
    built = np.resize([16384, 12288, 4096], columns * rows)
    pixels = draw_completeness(grid(columns, rows, built), framed=False)
    width = min(960, columns * 200)
    assert pixels.shape == (round(rows * width / columns), width, 4)
    if columns > 100:
        for kind in (5, 4, 2):
            share = (pixels[..., :3] == CLASSES[kind][1]).all(axis=2).mean()
            assert share == pytest.approx(1 / 3, abs=0.01)


def test_bundles_smaller_than_a_pixel_are_counted_together():
    built = np.tile([16384, 0, 0, 0], 1500)  # four bundles a pixel, one of them complete
    pixels = draw_completeness(grid(6000, 1, built), width=1500, framed=False)
    assert pixels.shape == (1, 1500, 4)
    assert (pixels[0, :, :3] == CLASSES[2][1]).all(axis=1).all()


def test_a_single_bundle_is_no_wall():
    assert draw_completeness(grid(1, 1, 5), framed=False).shape == (200, 200, 4)


def test_a_hole_between_bundles_is_ground():
    level = grid(3, 1, 16384)
    apart = CompletenessMap(level=1, extents=level.extents[[0, 2]], expected=level.expected[:2], built=level.built[:2])
    pixels = draw_completeness(apart, framed=False)
    assert (pixels[:, pixels.shape[1] // 2, :3] == picture.GROUND).all()


def test_the_area_is_drawn_over_the_cells():
    square = np.array([[0, 0, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 0, 0]], float)
    edges = square * 1500 + (-6.5e6 - 5e5 + 250, 3e6 - 1750) * 2
    plain, lined = (draw_completeness(grid(2, 2, 16384, edges=each), framed=False) for each in (None, edges))
    drawn = (lined[..., :3] == picture.AREA).all(axis=2)
    assert not (plain[..., :3] == picture.AREA).all(axis=2).any()
    y, x = np.nonzero(drawn)
    assert (x.min(), x.max()) == pytest.approx((50, 350), abs=2)
    assert (y.min(), y.max()) == pytest.approx((50, 350), abs=2)


def test_letters_are_kept_apart_from_the_area_s_line():
    level = grid(1, 1, 6000, names=["R0080C0100"])
    lines = np.array([[-7e6, 3e6 - y, -6.999e6, 3e6 - y] for y in range(350, 650, 10)])
    crossed = grid(1, 1, 6000, names=level.names, edges=lines)
    plain, lined = (draw_completeness(each, framed=False)[..., :3] for each in (level, crossed))
    ink = (plain == picture.INK).all(axis=2)
    line = (lined == picture.AREA).all(axis=2)
    assert ink.sum() > 40
    assert line.sum() > 1000
    near = ink.copy()
    for axis, step in itertools.product((0, 1), (1, -1)):
        near |= np.roll(ink, step, axis)
    assert not (near & line).any()


def test_figures_and_legend_count_all():
    level = grid(5, 2, EVERY)
    assert figures_text(level) == "81,917 of 163,840 tiles built, 49.9 %, in 10 bundles"
    assert dict(legend_of(level).values()) == {
        "empty": 1,
        "below 25 %": 2,
        "25 to 49 %": 2,
        "50 to 74 %": 2,
        "75 to 99 %": 2,
        "complete": 1,
    }
    assert BEYOND in legend_of(grid(2, 1, [0, 9], expected=[4, 0]))


@pytest.mark.parametrize("columns", [1, 4, 300])
def test_the_framed_picture_holds_the_map(columns):
    level = grid(columns, 2, 16384, names=[f"R{number:04x}C0000" for number in range(2 * columns)])
    bare = draw_completeness(level, framed=False)
    with Image.open(io.BytesIO(completeness_png(level))) as image:
        framed = np.asarray(image.convert("RGBA"))
    height, width = bare.shape[:2]
    np.testing.assert_array_equal(framed[-24 - height : -24, 24 : 24 + width], bare)
    assert (framed[..., 3] == 255).all()


def test_a_level_without_bundles_has_a_picture():
    none = np.empty(0, np.int64)
    level = CompletenessMap(level=3, extents=np.empty((0, 4)), expected=none, built=none)
    assert completeness_png(level).startswith(b"\x89PNG")
    assert level.percent == 100


def test_complete_is_told_from_empty_without_colours():
    """In grey, the classes of the ramp follow one another from light to dark."""
    grey = [0.2126 * red + 0.7152 * green + 0.0722 * blue for _, (red, green, blue) in CLASSES[EMPTY : COMPLETE + 1]]
    assert grey == sorted(grey, reverse=True)
    assert min(first - second for first, second in itertools.pairwise(grey)) > 20


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="are \\(n, 4\\)"):
        CompletenessMap(level=1, extents=np.empty((2, 4)), expected=np.zeros(3, int), built=np.zeros(3, int))
