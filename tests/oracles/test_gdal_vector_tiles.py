"""GDAL's drivers find the layers and points of our vector tiles in the MBTiles and PMTiles that packages become."""

from __future__ import annotations

import pytest
from caches import write_zip
from vector_tiles import LAYERS, VECTOR, vtpk_files

import tilepack

pyogrio = pytest.importorskip("pyogrio")
LAST = sum(tile.level == 9 for tile in VECTOR)


@pytest.mark.parametrize(("suffix", "driver"), [(".mbtiles", "MBTiles"), (".pmtiles", "PMTiles")])
def test_layers_and_features_are_found(tmp_path, suffix, driver):
    if driver not in pyogrio.list_drivers():
        pytest.skip(f"this GDAL knows no {driver}")
    write_zip(tmp_path / "a.vtpk", vtpk_files())
    made = tmp_path / f"a{suffix}"
    tilepack.convert(tmp_path / "a.vtpk", made)
    assert {name for name, _ in pyogrio.list_layers(made)} == set(LAYERS)
    for name in LAYERS:
        assert pyogrio.read_info(made, layer=name, force_feature_count=True)["features"] == LAST
