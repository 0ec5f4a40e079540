"""GDAL's MBTiles driver sees in ours what it sees in the tiles, and what it writes converts byte by byte."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from caches import look_at_tiles, picture, web_mercator, write_v2
from PIL import Image
from web_caches import look_in_mbtiles

import tilepack
from tilepack.keys import TileKey

rasterio = pytest.importorskip("rasterio")
if "MBTiles" not in rasterio.Env().__enter__().drivers():
    pytest.skip("this GDAL knows no MBTiles", allow_module_level=True)

SIDE = 20037508.342789244 * 2 / 2**6
TILES = {TileKey(6, row, column): picture(TileKey(6, row, column)) for row in range(20, 24) for column in range(30, 35)}


@pytest.fixture
def ours(tmp_path) -> Path:
    write_v2(tmp_path / "cache", web_mercator(), TILES)
    tilepack.convert(tmp_path / "cache", tmp_path / "ours.mbtiles")
    return tmp_path / "ours.mbtiles"


def test_gdal_sees_every_pixel_in_its_place(ours):
    with rasterio.open(ours) as dataset:
        assert dataset.driver == "MBTiles"
        assert dataset.crs.to_epsg() == 3857
        pixels = dataset.read()
        left, top = dataset.transform.c, dataset.transform.f
        assert dataset.transform.a == pytest.approx(SIDE / 256)
    for tile, data in TILES.items():
        x = round((-20037508.342789244 + tile.column * SIDE - left) / SIDE * 256)
        y = round((top - (20037508.342789244 - tile.row * SIDE)) / SIDE * 256)
        seen = pixels[:, y : y + 256, x : x + 256]
        with Image.open(io.BytesIO(data)) as image:
            expected = np.moveaxis(np.asarray(image.convert("RGBA")), -1, 0)
        np.testing.assert_array_equal(seen[3], expected[3])
        visible = expected[3] > 0
        np.testing.assert_array_equal(seen[:3, visible], expected[:3, visible])


@pytest.mark.parametrize("tile_format", ["PNG", "JPEG", "WEBP"])
def test_what_gdal_writes_converts(tmp_path, ours, tile_format):
    theirs = tmp_path / "theirs.mbtiles"
    pytest.importorskip("rasterio.shutil").copy(ours, theirs, driver="MBTiles", TILE_FORMAT=tile_format)
    tiles = look_in_mbtiles(theirs)
    assert len(tiles) >= 20
    with tilepack.open(theirs) as reader:
        warned = tilepack.probe(reader, deep=True).warnings
        assert [warning for warning in warned if "metadata says PNG" not in warning] == []  # GDAL's, of WebP
        assert str(reader.info.tile_format) == tile_format
    tilepack.convert(theirs, tmp_path / "cache.tpkx")
    found = look_at_tiles(tmp_path / "cache.tpkx")
    if tile_format == "WEBP":
        assert found.keys() == tiles.keys()
        assert {data[:4] for data in found.values()} <= {b"\x89PNG", b"\xff\xd8\xff\xe0"}
    else:
        assert found == tiles
