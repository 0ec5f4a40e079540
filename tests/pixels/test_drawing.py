"""Laws of drawing: what is drawn lies where it belongs, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tilepack.pixels.drawing import (
    clip_edges,
    draw_lines,
    draw_outline,
    fill_box,
    hatch_box,
    lay_on_checkerboard,
)
from tilepack.pixels.lettering import measure_text, write_text

BLUE = (0, 90, 178)


def canvas(width=60, height=40, colour=(9, 9, 9, 255)):
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[...] = colour
    return pixels


def changed(before, after):
    return (before != after).any(axis=2)


@given(st.integers(1, 40), st.integers(1, 700), st.randoms(use_true_random=False))
def test_checkerboard_shows_where_pixels_do_not(width, height, random):
    pixels = np.frombuffer(random.randbytes(width * height * 4), np.uint8).reshape(height, width, 4).copy()
    pixels[..., 3] = np.where(pixels[..., 3] < 128, 0, 255)
    before = pixels.copy()
    lay_on_checkerboard(pixels)
    opaque = before[..., 3] == 255
    assert (pixels[..., 3] == 255).all()
    np.testing.assert_array_equal(pixels[opaque], before[opaque])
    y, x = np.nonzero(~opaque)
    squares = np.where((x // 8 + y // 8) % 2 == 0, 255, 222)
    np.testing.assert_array_equal(pixels[~opaque][:, :3], squares[:, None].repeat(3, axis=1))


@given(*[st.integers(-20, 80)] * 4)
def test_boxes_change_nothing_outside_themselves(left, upper, right, lower):
    for draw in (fill_box, hatch_box):
        pixels = canvas()
        draw(pixels, (left, upper, right, lower), (255, 0, 0))
        inside = np.zeros((40, 60), np.bool_)
        inside[max(0, upper) : max(0, lower), max(0, left) : max(0, right)] = True
        np.testing.assert_array_equal(changed(canvas(), pixels), inside)


def test_hatches_side_by_side_run_on():
    whole, halves = canvas(), canvas()
    hatch_box(whole, (0, 0, 60, 40), BLUE)
    for box in ((0, 0, 23, 40), (23, 0, 60, 40)):
        hatch_box(halves, box, BLUE)
    np.testing.assert_array_equal(whole, halves)


def test_lines_lie_at_their_pixels():
    pixels = canvas()
    draw_lines(pixels, [-3, 0, 7, 900], [5], (255, 0, 0))
    found = changed(canvas(), pixels)
    expected = np.zeros_like(found)
    expected[:, [0, 7]] = True
    expected[5] = True
    np.testing.assert_array_equal(found, expected)


COORDINATES = st.floats(-50, 50).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(*[COORDINATES] * 4), min_size=1, max_size=8))
def test_clipped_edges_are_what_shapely_gives(edges):
    box = (-10.0, -5.0, 20.0, 15.0)
    clipped = clip_edges(np.array(edges), box)
    length = np.hypot(clipped[:, 2] - clipped[:, 0], clipped[:, 3] - clipped[:, 1]).sum()
    expected = [shapely.LineString([edge[:2], edge[2:]]).intersection(shapely.box(*box)) for edge in edges]
    assert length == pytest.approx(sum(each.length for each in expected), abs=1e-6)
    assert (clipped >= np.array([-10, -5, -10, -5]) - 1e-9).all()
    assert (clipped <= np.array([20, 15, 20, 15]) + 1e-9).all()


def test_outline_lies_along_its_edges_and_nowhere_else():
    ring = shapely.Polygon([(8.5, 500.2), (90.1, 520.7), (60.0, 590.3)])
    corners = np.array(ring.exterior.coords)
    edges = np.concatenate([corners[:-1], corners[1:]], axis=1)
    pixels = canvas(100, 600)  # several bands
    draw_outline(pixels, edges, BLUE)
    y, x = np.mgrid[0:600, 0:100] + 0.5
    distance = shapely.distance(ring.exterior, shapely.points(x, y))
    assert (pixels[distance < 0.1][:, :3] == BLUE).all()
    assert not changed(canvas(100, 600), pixels)[distance > 2 / 2 + 1.5 + 1.5].any()


def test_outline_far_beyond_the_picture_takes_no_time():
    pixels = canvas()
    draw_outline(pixels, np.array([[-1e15, 20.0, 1e15, 20.0]]), BLUE)
    assert (pixels[19:21, :, :3] == BLUE).any()


@pytest.mark.parametrize("align", ["left", "middle", "right"])
def test_text_is_about_its_place(align):
    pixels = canvas(200, 60)
    write_text(pixels, (100, 30), "L05/R0080", 14, (255, 255, 255), align=align, halo=(0, 0, 0))
    rows, columns = np.nonzero(changed(canvas(200, 60), pixels))
    width = measure_text("L05/R0080", 14)
    start = 100 - width * {"left": 0, "middle": 0.5, "right": 1}[align]
    assert columns.min() == pytest.approx(start, abs=4)
    assert columns.max() == pytest.approx(start + width, abs=4)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(30, abs=2.5)


@pytest.mark.parametrize("place", [(-500, 0), (-20, -3), (59, 39), (2000, 2000)])
def test_text_is_clipped(place):
    pixels = canvas()
    write_text(pixels, place, "123456", 12, (255, 255, 255), halo=(0, 0, 0))
    assert pixels.shape == (40, 60, 4)
    assert (pixels[..., 3] == 255).all()
