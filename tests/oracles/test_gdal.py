"""GDAL's ESRIC driver opens what is written here and sees the same pixels in the same place."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from caches import look_at_tiles, picture, web_mercator, write_exploded
from numpy.typing import NDArray
from PIL import Image

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey
from tilepack.metadata.standard import wgs84_scheme
from tilepack.scheme import TilingScheme

rasterio = pytest.importorskip("rasterio")

# The driver has no sidecar files, and rasterio warns of nothing else here that a test could not see for itself.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

FINEST = 3
"""The driver knows LevelIDs 0 to n without gaps alone: the schemes here end where the tiles do."""


def pyramid(kinds: tuple[str, ...]) -> dict[TileKey, bytes]:
    """Give tiles that decode on levels 0 to 3, with holes, PNG and JPEG in turn."""
    tiles = {}
    for level in range(FINEST + 1):
        for row in range(1 << level):
            for column in range(1 << level):
                if (row * 7 + column * 3) % 5 != 4:
                    key = TileKey(level, row, column)
                    tiles[key] = picture(key, kinds[(row + column) % len(kinds)])
    return tiles


def cut(scheme: TilingScheme) -> TilingScheme:
    return replace(scheme, levels=scheme.levels[: FINEST + 1])


def decoded(data: bytes) -> NDArray[np.uint8]:
    """Decode a tile with Pillow; give bands, rows, columns."""
    with Image.open(io.BytesIO(data)) as image:
        return np.moveaxis(np.asarray(image.convert("RGBA")), -1, 0)


def assert_tile_is_seen(seen: NDArray[np.uint8], data: bytes) -> None:
    """Compare a tile's pixels with Pillow's.

    PNG must agree exactly. libjpeg comes in versions that round colours differently at sharp edges: then GDAL's own
    JPEG driver has to give the very same pixels, and Pillow nearly the same.
    """
    expected = decoded(data)
    if seen.shape[0] == 4:
        np.testing.assert_array_equal(seen[3], expected[3])
    if data.startswith(b"\x89PNG"):
        visible = expected[3] > 0
        np.testing.assert_array_equal(seen[:3, visible], expected[:3, visible])
        return
    if not np.array_equal(seen[:3], expected[:3]):
        with rasterio.MemoryFile(data) as file, file.open(driver="JPEG") as image:
            np.testing.assert_array_equal(seen[:3], image.read())
        assert np.abs(seen[:3].astype(int) - expected[:3]).mean() < 1


def compare(place: Path, scheme: TilingScheme, tiles: dict[TileKey, bytes], level: int) -> int:
    """Compare the tiles of a level with what GDAL sees at their places; where there is none it sees nothing.

    Returns:
        Number of tiles compared: those that lie wholly in what GDAL takes for the extent.
    """
    compared = 0
    with rasterio.open(place) as dataset:
        assert dataset.driver == "ESRIC"
        pixels = dataset.read()
        left, upper = dataset.bounds.left, dataset.bounds.top
        resolution = scheme.level(level).resolution
        assert dataset.res == pytest.approx((resolution, resolution))
    for row in range(64):
        for column in range(64):
            extent = scheme.tile_extent(TileKey(level, row, column))
            x, y = (extent.xmin - left) / resolution, (upper - extent.ymax) / resolution
            assert (x, y) == pytest.approx((round(x), round(y)), abs=1e-3)
            window = pixels[:, max(0, round(y)) : round(y) + 256, max(0, round(x)) : round(x) + 256]
            if window.shape[1:] != (256, 256):
                continue
            data = tiles.get(TileKey(level, row, column))
            if data is None:
                assert not window.any()
            else:
                assert_tile_is_seen(window, data)
                compared += 1
    return compared


@pytest.mark.parametrize(("name", "conf"), [("cache", "conf.xml"), ("cache.tpkx", ""), ("ready", "root.json")])
@pytest.mark.parametrize(("kinds", "tile_format"), [(("png",), "PNG32"), (("jpg",), "JPEG"), (("png", "jpg"), "MIXED")])
def test_gdal_sees_every_pixel_of_the_finest_level(tmp_path, name, conf, kinds, tile_format):
    tiles = pyramid(kinds)
    write_exploded(tmp_path / "source", cut(web_mercator()), tiles, tile_format=TileFormat(tile_format))
    tilepack.convert(tmp_path / "source", tmp_path / name, ready_to_serve=name == "ready" or None)
    finest = sum(1 for key in tiles if key.level == FINEST)
    assert compare(tmp_path / name / conf, web_mercator(), tiles, FINEST) == finest


@pytest.mark.parametrize("name", ["cache", "cache.tpkx"])
def test_gdal_places_the_cache_where_it_is(tmp_path, name):
    write_exploded(tmp_path / "source", cut(web_mercator()), pyramid(("png",)))
    tilepack.convert(tmp_path / "source", tmp_path / name)
    with rasterio.open(tmp_path / name / ("" if name.endswith("x") else "conf.xml")) as dataset:
        assert dataset.crs.to_epsg() == 3857
        resolution = web_mercator().level(FINEST).resolution
        assert dataset.res == pytest.approx((resolution, resolution))
        corners = (
            (dataset.bounds.left + 20037508.342787) / resolution,
            (20037508.342787 - dataset.bounds.top) / resolution,
        )
        assert corners == pytest.approx((round(corners[0]), round(corners[1])), abs=1e-4)


@pytest.mark.parametrize("name", ["cache", "cache.tpkx"])
def test_gdal_knows_every_level(tmp_path, name):
    write_exploded(tmp_path / "source", cut(web_mercator()), pyramid(("png",)))
    tilepack.convert(tmp_path / "source", tmp_path / name)
    with rasterio.open(tmp_path / name / ("" if name.endswith("x") else "conf.xml")) as dataset:
        assert dataset.overviews(1) == [2, 4, 8]


def test_gdal_sees_a_cache_in_degrees(tmp_path):
    scheme = cut(wgs84_scheme())
    tiles = {
        TileKey(level, row, column): picture(TileKey(level, row, column))
        for level in range(FINEST + 1)
        for row in range(1 << level)
        for column in range(2 << level)
        if (row + column) % 7
    }
    write_exploded(tmp_path / "source", scheme, tiles)
    tilepack.convert(tmp_path / "source", tmp_path / "cache")
    with rasterio.open(tmp_path / "cache/conf.xml") as dataset:
        assert dataset.crs.to_epsg() == 4326
        assert dataset.bounds[:2] == pytest.approx((-180, -90))
    assert compare(tmp_path / "cache/conf.xml", scheme, tiles, FINEST) == sum(key.level == FINEST for key in tiles)


def test_gdal_sees_the_esri_sample_in_a_package_made_of_it(samples, tmp_path):
    tilepack.convert(samples / "esri_compact_v2_cache", tmp_path / "esri.tpkx")
    tiles = look_at_tiles(samples / "esri_compact_v2_cache")
    assert compare(tmp_path / "esri.tpkx", web_mercator(), tiles, 2) == 16


def test_gdal_sees_a_sample_in_png_pixel_for_pixel(samples, tmp_path):
    """Usa.tpkx: its finest level holds sound tiles of every colour type."""
    tilepack.convert(samples / "Usa.tpkx", tmp_path / "usa.tpkx")
    tiles = look_at_tiles(samples / "Usa.tpkx")
    assert compare(tmp_path / "usa.tpkx", web_mercator(), tiles, 5) > 50


@pytest.mark.parametrize(("name", "conf"), [("cache", "conf.xml"), ("cache.tpkx", ""), ("ready", "root.json")])
@pytest.mark.parametrize(
    "asked",
    [
        ("arcgis-online", 3857, None),
        ("arcgis-online", 3857, (-1e6, 4e6, 1e6, 6e6)),
        ("wgs84", 4326, None),
        ("national", 2193, (1000000, 4700000, 2100000, 6200000)),
    ],
)
def test_gdal_opens_an_empty_cache_and_sees_nothing(tmp_path, name, conf, asked):
    scheme, code, extent = asked
    national = tilepack.custom_scheme(2193, (-4020900, 19998100), [8e6, 4e6, 2e6, 1e6])
    tilepack.create_cache(
        tmp_path / name,
        scheme=national if scheme == "national" else scheme,
        levels="0-3",
        extent=extent,
        ready_to_serve=name == "ready" or None,
    )
    with rasterio.open(tmp_path / name / conf) as dataset:
        assert dataset.driver == "ESRIC"
        assert dataset.crs.to_epsg() == code
        assert not dataset.read(window=((0, 300), (0, 300))).any()
        if extent is not None and code == 2193:  # of the others it takes the whole grid, a package's extent aside
            assert dataset.bounds.right >= extent[2] - 2 * dataset.res[0]
            assert dataset.bounds.bottom <= extent[1] + 2 * dataset.res[1]
