"""Laws of what is drawn over a preview: lines at the borders of tiles and bundles, the outline of an area."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from caches import picture, web_mercator, write_v2

import tilepack
from tilepack.keys import TileKey, TileRange

BUNDLE, AREA = (230, 120, 0), (0, 90, 178)

ROWS, COLUMNS = (126, 130), (254, 258)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlays") / "cache"
    tiles = {
        key: picture(key) for key in (TileKey(9, row, column) for row in range(*ROWS) for column in range(*COLUMNS))
    }
    write_v2(folder, web_mercator(), tiles)
    return folder


def is_colour(pixels, colour):
    return (pixels[..., :3] == colour).all(axis=-1)


def rectangle(rows, columns):
    whole = TileRange(level=9, row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])
    return web_mercator().range_extent(whole)


def test_lines_lie_at_the_borders_of_tiles_and_bundles(cache):
    plain = tilepack.preview(cache, width=None).pixels
    lined = tilepack.preview(cache, width=None, grid=True).pixels
    # Apart from lines, only names differ, which keep to the corners of tiles.
    changed = (plain != lined).any(axis=2)
    quiet = changed.reshape(4, 256, 4, 256).any(axis=(0, 2))[30:-30, 30:-30]
    assert not quiet[:, 100:].any()
    assert changed[100, [256, 768]].all()
    assert changed[[256, 768], 130].all()
    assert is_colour(lined[100], BUNDLE).nonzero()[0].tolist() == [511, 512, 513]
    assert is_colour(lined[:, 130], BUNDLE).nonzero()[0].tolist() == [511, 512, 513]


@pytest.mark.parametrize(("width", "notes"), [(64, 0), (24, 1)])
def test_lines_too_close_together_are_left_out_and_that_is_said(cache, width, notes):
    found = tilepack.preview(cache, width=width, grid=True)
    assert len(found.notes) == notes
    found = tilepack.preview(cache, width=16, grid=True, extent=(-2e7, -2e7, 2e7, 2e7), level=9)
    assert found.notes == ("lines of tiles and bundles are left out: they would lie too close together",)


def test_outline_follows_the_area(cache):
    extent = rectangle(ROWS, COLUMNS)
    ring = shapely.Polygon(
        [
            (extent.xmin + x * extent.width, extent.ymax - y * extent.height)
            for x, y in ((0.2, 0.2), (0.9, 0.4), (0.5, 1.4))
        ]
    )
    area = tilepack.Area(source=ring.wkt, crs=3857)
    found = tilepack.preview(cache, width=400, area=area)
    assert found.notes == ()
    drawn = is_colour(found.pixels, AREA)
    y, x = np.nonzero(drawn)
    centres = shapely.points(extent.xmin + (x + 0.5) * found.resolution, extent.ymax - (y + 0.5) * found.resolution)
    assert shapely.distance(ring.exterior, centres).max() < 1.5 * found.resolution
    inside = ring.exterior.intersection(shapely.box(*extent.as_tuple())).length / found.resolution
    assert inside * 0.5 < drawn.sum() < inside * 2.5


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        (shapely.box(1.5e7, 0, 1.6e7, 1e6), "lie outside the picture"),
        (shapely.box(-1.9e7, -1.9e7, 1.9e7, 1.9e7), "have no part in the picture"),
    ],
)
def test_an_outline_that_is_not_seen_is_told(cache, ring, words):
    area = tilepack.Area(source=ring.wkt, crs=3857)
    plain, found = tilepack.preview(cache, width=50), tilepack.preview(cache, width=50, area=area)
    np.testing.assert_array_equal(found.pixels, plain.pixels)
    assert found.notes == (f"the edges of the area of interest {words}",)


def test_the_area_of_the_level_is_drawn(cache):
    near, far = rectangle((127, 128), (255, 256)), rectangle((129, 130), (257, 258))
    areas = [
        tilepack.Area(source=f"{level}={shapely.box(*extent.as_tuple()).wkt}", crs=3857)
        for level, extent in ((9, near), (4, far))
    ]
    drawn = is_colour(tilepack.preview(cache, width=400, area=areas).pixels, AREA)
    assert drawn[:210, :210].any()
    assert not drawn[210:, 210:].any()


def test_nothing_is_cut_by_an_area(cache):
    area = tilepack.Area(source=shapely.box(*rectangle((127, 128), (255, 256)).as_tuple()).wkt, crs=3857)
    plain, found = tilepack.preview(cache, width=400), tilepack.preview(cache, width=400, area=area)
    np.testing.assert_array_equal(found.pixels[:90], plain.pixels[:90])
    np.testing.assert_array_equal(found.pixels[210:], plain.pixels[210:])
