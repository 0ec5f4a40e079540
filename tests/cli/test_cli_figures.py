"""Laws of how numbers are shown."""

from __future__ import annotations

import pytest

import tilepack
from tilepack_cli.figures import coordinates, count, counted, duration, measure, size, spans


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2000 * 1024**5, "2,000.0 PiB"),
    ],
)
def test_sizes_are_shown_in_binary_units(number, shown):
    assert size(number) == shown


def test_counts_are_grouped():
    assert count(1234567) == "1,234,567"


@pytest.mark.parametrize(("number", "shown"), [(0, "0 tiles"), (1, "1 tile"), (1000, "1,000 tiles")])
def test_nouns_follow_their_number(number, shown):
    assert counted(number, "tile") == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0.0 s"), (59.0, "59.0 s"), (61, "1:01 min"), (3723, "1:02:03")])
def test_times_are_shown_as_clocks_do(seconds, shown):
    assert duration(seconds) == shown


def test_scales_are_not_grouped_so_that_they_can_be_copied():
    assert measure(591657527.591555) == "591657527.6"


def test_coordinates_next_to_nothing_are_shown_as_0():
    assert coordinates([-1e7, 3e-9, 2e7, 0.5]) == ["-10000000", "0", "20000000", "0.5"]


@pytest.mark.parametrize("levels", [[], [3], [0, 1, 2], [0, 1, 2, 5, 7, 8]])
def test_levels_are_shown_as_the_option_takes_them(levels):
    shown = spans(levels)
    selection = tilepack.LevelSelection.of(levels=shown) if levels else tilepack.LevelSelection()
    named = {level for first, last in selection.ranges for level in range(first, last + 1)} | set(selection.numbers)
    assert sorted(named) == levels
