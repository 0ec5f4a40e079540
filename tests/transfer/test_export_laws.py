"""Any polygon, any tiles: what is exported is what is masked, and an area and its complement are the whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from any_polygon import SCHEME, TILES, any_polygon
from caches import write_v2
from export_caches import assert_cut, data_of, export_to, mask_of, wkt
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_v2(folder, SCHEME, data_of(TILES), tile_format=TileFormat.PNG)
    return folder


@settings(max_examples=40)
@given(area=any_polygon, layout=st.sampled_from(sorted(LAYOUTS)), jobs=st.sampled_from([1, 4]))
def test_what_is_exported_is_what_is_masked(source, area, layout, jobs):
    with tempfile.TemporaryDirectory() as folder:
        try:
            target = export_to(layout, source, Path(folder), area=wkt(area), jobs=jobs)
        except tilepack.AreaOfInterestError:
            assert not any(mask_of(SCHEME, [area], tile).any() for tile in TILES)
            return
        assert_cut(TILES, target, lambda tile: mask_of(SCHEME, [area], tile))
