"""Counts are what counting tile by tile gives, whatever bounds the report; polygons hold exactly what is expected."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from status_caches import LEVEL, SCHEMES, count_tiles, inside_area, inside_extent, rows_of, write_cache

import tilepack
from tilepack.keys import TileKey

CORE = (120, 137)
"""Rows and columns in which tiles lie and areas are drawn: around the corner of four bundles."""

WINDOW = (112, 145, 112, 145)
"""And those in which tiles are counted."""


def random_tiles(rng, level=LEVEL):
    share = rng.choice([0.0, 0.1, 0.6, 1.0])
    grid = rng.random((CORE[1] - CORE[0],) * 2) < share
    return {TileKey(level, CORE[0] + int(row), CORE[0] + int(column)) for row, column in np.argwhere(grid)}


def random_extent(rng, scheme, level=LEVEL):
    """Edges anywhere, on tile edges, or on pixel centres."""
    resolution = scheme.level(level).resolution
    width, height = scheme.tile_width, scheme.tile_height
    steps = rng.choice([1.0, 0.5, 0.001])
    columns = np.sort(rng.uniform(CORE[0] * width, CORE[1] * width, 2) / steps).round() * steps
    rows = np.sort(rng.uniform(CORE[0] * height, CORE[1] * height, 2) / steps).round() * steps
    if steps == 1.0 and rng.random() < 0.5:
        columns, rows = columns // width * width, rows // height * height
    (left, right), (top, bottom) = columns, rows
    return tilepack.Extent(
        xmin=scheme.origin_x + left * resolution,
        xmax=scheme.origin_x + right * resolution,
        ymin=scheme.origin_y - bottom * resolution,
        ymax=scheme.origin_y - top * resolution,
    )


def random_area(rng, scheme, level=LEVEL):
    """A star with a hole; no vertex lies on a pixel's centre."""
    resolution = scheme.level(level).resolution
    count = int(rng.integers(3, 40))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(0.02, 8.0, count)
    middle = rng.uniform(CORE[0] + 8, CORE[1] - 8, 2)
    ring = middle + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None]
    hole = middle + (ring - middle) * rng.uniform(0.1, 0.5)
    polygon = shapely.Polygon(ring).buffer(0)
    if rng.random() < 0.5:
        polygon = polygon.difference(shapely.Polygon(hole).buffer(0))
    size = np.array([scheme.tile_width, scheme.tile_height]) * resolution
    return shapely.transform(polygon, lambda xy: (scheme.origin_x, scheme.origin_y) + xy * size * (1, -1))


def given_area(polygon, scheme):
    wkid = scheme.spatial_reference.wkid
    return tilepack.Area(source=shapely.to_wkt(polygon, rounding_precision=-1), crs=wkid)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(SCHEMES)))
def test_counts_inside_an_extent_are_those_of_a_count_tile_by_tile(seed, name):
    rng = np.random.default_rng(seed)
    scheme, held = SCHEMES[name], random_tiles(rng)
    declared, named = random_extent(rng, scheme), random_extent(rng, scheme)
    with tempfile.TemporaryDirectory() as folder:
        cache = write_cache(Path(folder) / "cache", scheme, held, extent=declared)
        whole = tilepack.status_of(cache, levels=[LEVEL])
        part = tilepack.status_of(cache, levels=[LEVEL], extent=named.as_tuple())
    counted = count_tiles(held, inside_extent(scheme, declared, LEVEL, WINDOW), LEVEL, WINDOW)
    assert rows_of(whole) == counted
    counted = count_tiles(held, inside_extent(scheme, named, LEVEL, WINDOW), LEVEL, WINDOW)
    assert rows_of(part) == {bundle: count for bundle, count in counted.items() if count[0]}


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(SCHEMES)))
def test_counts_inside_an_area_are_those_of_a_count_tile_by_tile(seed, name):
    rng = np.random.default_rng(seed)
    scheme, held = SCHEMES[name], random_tiles(rng)
    polygon = random_area(rng, scheme)
    with tempfile.TemporaryDirectory() as folder:
        cache = write_cache(Path(folder) / "cache", scheme, held, extent=random_extent(rng, scheme))
        report = tilepack.status_of(cache, levels=[LEVEL], area=given_area(polygon, scheme))
    counted = count_tiles(held, inside_area(scheme, [polygon], LEVEL, WINDOW), LEVEL, WINDOW)
    assert rows_of(report) == {bundle: count for bundle, count in counted.items() if count[0]}
    (level,) = report.levels
    assert level.expected == sum(count[0] for count in counted.values())
    assert level.built == sum(count[1] for count in counted.values())


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(SCHEMES)), st.booleans())
def test_polygons_hold_every_tile_expected_and_what_their_bundle_shares_with_the_declared_extent(seed, name, by_area):
    rng = np.random.default_rng(seed)
    scheme, held = SCHEMES[name], random_tiles(rng)
    declared, named, polygon = random_extent(rng, scheme), random_extent(rng, scheme), random_area(rng, scheme)
    bounds = {"area": given_area(polygon, scheme)} if by_area else {"extent": named.as_tuple()}
    with tempfile.TemporaryDirectory() as folder:
        cache = write_cache(Path(folder) / "cache", scheme, held, extent=declared)
        whole = tilepack.status_of(cache, levels=[LEVEL]).bundles
        part = tilepack.status_of(cache, levels=[LEVEL], **bounds).bundles
    in_declared = inside_extent(scheme, declared, LEVEL, WINDOW)
    in_named = inside_extent(scheme, named, LEVEL, WINDOW)
    in_part = inside_area(scheme, [polygon], LEVEL, WINDOW) if by_area else in_named
    for number in range(len(whole)):
        if whole.expected[number]:
            assert drawn(whole, number) == {tile for tile in tiles_of(whole, number) if in_declared(tile)}
    for number in range(len(part)):
        wanted = {tile for tile in tiles_of(part, number) if in_part(tile) or in_declared(tile)}
        assert box_around(wanted) == tuple(part.boxes[number].tolist())


def tiles_of(rows, number):
    """Give the tiles of a row's bundle that lie in the window."""
    first = rows.bundle(number)
    return {
        TileKey(LEVEL, row, column)
        for row in range(max(first.row, WINDOW[0]), min(first.row + 128, WINDOW[1]))
        for column in range(max(first.column, WINDOW[2]), min(first.column + 128, WINDOW[3]))
    }


def drawn(rows, number):
    """Give the tiles that a row's polygon is drawn around."""
    top, bottom, left, right = rows.boxes[number].tolist()
    return {TileKey(LEVEL, row, column) for row in range(top, bottom) for column in range(left, right)}


def box_around(tiles):
    rows, columns = {tile.row for tile in tiles}, {tile.column for tile in tiles}
    return min(rows), max(rows) + 1, min(columns), max(columns) + 1
