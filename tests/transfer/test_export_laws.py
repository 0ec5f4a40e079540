"""Any polygon, any tiles: what is exported is what is masked, and an area and its complement are the whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import shapely
from caches import write_v2
from export_caches import assert_cut, coloured, data_of, drawn, export_to, mask_of, mercator, square, wkt
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat

SCHEME = mercator()
BOX = square(SCHEME, 5, 9, 13, 3)
TILES = drawn(SCHEME, coloured(3, 4, keyed=True), side=3) | drawn(
    SCHEME, coloured(6, 8), level=4, row=4, column=6, side=2
)

# Eighths of a pixel, a little off, so that no vertex lies on a centre.
place = st.integers(-200, 200 + 3 * 64 * 8).map(lambda number: (number + 0.37) / (3 * 64 * 8))
points = st.lists(st.tuples(place, place), min_size=3, max_size=12, unique=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_v2(folder, SCHEME, data_of(TILES), tile_format=TileFormat.PNG)
    return folder


@settings(max_examples=40)
@given(corners=points, layout=st.sampled_from(sorted(LAYOUTS)), jobs=st.sampled_from([1, 4]))
def test_what_is_exported_is_what_is_masked(source, corners, layout, jobs):
    origin, size = np.array((BOX.xmin, BOX.ymin)), np.array((BOX.width, BOX.height))
    area = shapely.make_valid(shapely.Polygon(origin + np.array(corners) * size).normalize())
    area = shapely.MultiPolygon([part for part in shapely.get_parts(area) if part.geom_type == "Polygon"])
    assume(area.area > 0)
    with tempfile.TemporaryDirectory() as folder:
        try:
            target = export_to(layout, source, Path(folder), area=wkt(area), jobs=jobs)
        except tilepack.AreaOfInterestError:
            assert not any(mask_of(SCHEME, [area], tile).any() for tile in TILES)
            return
        assert_cut(TILES, target, lambda tile: mask_of(SCHEME, [area], tile))
