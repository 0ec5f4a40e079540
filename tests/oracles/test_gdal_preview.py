"""GDAL's ESRIC driver reads the same region and sees the same pixels as a preview at the level's own resolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from caches import picture, web_mercator, write_exploded

import tilepack
from tilepack.keys import TileKey
from tilepack.metadata.standard import wgs84_scheme

rasterio = pytest.importorskip("rasterio")

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

FINEST = 3
"""The driver knows LevelIDs 0 to n without gaps alone."""


def assert_gdal_sees_the_same(place, preview):
    """Read the preview's extent from the finest level; compare where something is seen."""
    with rasterio.open(place) as dataset:
        assert dataset.driver == "ESRIC"
        whole = np.moveaxis(dataset.read(), 0, -1)
        left = (preview.extent.xmin - dataset.bounds.left) / dataset.res[0]
        upper = (dataset.bounds.top - preview.extent.ymax) / dataset.res[1]
    assert (left, upper) == pytest.approx((round(left), round(upper)), abs=1e-3)
    left, upper = round(left), round(upper)
    seen = whole[max(0, upper) : upper + preview.height, max(0, left) : left + preview.width]
    drawn = preview.pixels[max(0, -upper) :, max(0, -left) :][: seen.shape[0], : seen.shape[1]]
    assert drawn.size > preview.pixels.size / 2
    np.testing.assert_array_equal(seen[..., 3], drawn[..., 3])
    opaque = seen[..., 3] == 255
    assert opaque.any()
    np.testing.assert_array_equal(seen[opaque], drawn[opaque])


@pytest.mark.parametrize("name", ["cache", "cache.tpkx"])
@pytest.mark.parametrize("make_scheme", [web_mercator, wgs84_scheme])
def test_a_region_across_tiles_and_holes(tmp_path, name, make_scheme):
    scheme = replace(make_scheme(), levels=make_scheme().levels[: FINEST + 1])
    wide = 2 if make_scheme is wgs84_scheme else 1
    tiles = {
        key: picture(key)
        for level in range(FINEST + 1)
        for row in range(1 << level)
        for column in range(wide << level)
        if (row * 7 + column * 3) % 5 != 4
        for key in [TileKey(level, row, column)]
    }
    write_exploded(tmp_path / "source", scheme, tiles)
    tilepack.convert(tmp_path / "source", tmp_path / name)
    unit = scheme.level(FINEST).resolution * 256
    left, upper = scheme.origin_x + 1.3 * unit, scheme.origin_y - 2.6 * unit
    found = tilepack.preview(
        tmp_path / name, extent=(left, upper - 3.7 * unit, left + 4.1 * unit, upper), width=None, transparent=True
    )
    assert found.level == FINEST
    assert found.tiles > 12
    assert_gdal_sees_the_same(tmp_path / name / ("" if name.endswith("x") else "conf.xml"), found)


def test_a_sample_of_png_pixel_for_pixel(samples, tmp_path):
    tilepack.convert(samples / "Usa.tpkx", tmp_path / "usa.tpkx")
    found = tilepack.preview(samples / "Usa.tpkx", bbox=(-125, 25, -70, 50), width=None, transparent=True)
    assert (found.level, found.notes) == (5, ())
    assert_gdal_sees_the_same(tmp_path / "usa.tpkx", found)
