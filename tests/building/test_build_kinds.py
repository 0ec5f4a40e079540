"""What kinds of rasters there are, and what becomes of their pixels; those that mean nothing are refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from rasterio import Affine
from rasterio.enums import ColorInterp
from seeded_rasters import (
    ALPHA,
    BLUE,
    GREEN,
    RED,
    as_pixels,
    halved_by_fractions,
    level_pixels,
    noise,
    on_the_grid,
    write_raster,
)

import tilepack

COLUMN, ROW, LEVEL, SIDE = 40_000, 30_000, 9, 90
PLACE = on_the_grid(COLUMN, ROW, LEVEL)
BOX = (COLUMN, ROW, COLUMN + SIDE, ROW + SIDE)
GREY = ColorInterp.gray


def built(raster, tmp_path, **options):
    """Build one level of a raster, and give the pixels where it lies."""
    target = tmp_path / "t.tpkx"
    tilepack.build(raster, target, levels=[LEVEL], **{"tile_format": "PNG32", "resampling": "nearest"} | options)
    return level_pixels(target, LEVEL, BOX)


@pytest.fixture
def raster(tmp_path):
    """Write a raster whose pixels are those of the level."""

    def write(values, **options):
        return write_raster(tmp_path / "ä raster.tif", values, PLACE, **options)

    return write


def test_grey(raster, tmp_path):
    values = noise(1, SIDE, SIDE)
    assert np.array_equal(built(raster(values), tmp_path), as_pixels(values))


@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("bands", [2, 4])
def test_alpha(raster, tmp_path, bands, resampling):
    values = noise(bands, SIDE, SIDE)
    values[-1][:30] = 0
    values[-1][60:] = 255
    meanings = [GREY, ALPHA] if bands == 2 else [RED, GREEN, BLUE, ALPHA]
    expected = as_pixels(np.concatenate([values[:1].repeat(3, axis=0), values[1:]]) if bands == 2 else values)
    assert np.array_equal(built(raster(values, meanings=meanings), tmp_path, resampling=resampling), expected)


@pytest.mark.parametrize("resampling", ["nearest", "cubic"])
def test_mask(raster, tmp_path, resampling):
    values, mask = noise(3, SIDE, SIDE), np.where(noise(1, SIDE, SIDE)[0] < 90, 0, 255).astype(np.uint8)
    expected = as_pixels(np.concatenate([values, mask[None]]))
    assert np.array_equal(built(raster(values, mask=mask), tmp_path, resampling=resampling), expected)


def test_nodata_is_where_all_bands_have_it(raster, tmp_path):
    values = noise(3, SIDE, SIDE) // 128 * 7  # 0 and 7: most pixels have a band that is 0, an eighth has all
    alpha = np.where((values == 0).all(axis=0), 0, 255).astype(np.uint8)
    assert 0 < np.count_nonzero(alpha == 0) < SIDE * SIDE / 4
    expected = as_pixels(np.concatenate([values, alpha[None]]))
    assert np.array_equal(built(raster(values, nodata=0), tmp_path), expected)


def test_nodata_may_be_said(raster, tmp_path):
    values = noise(1, SIDE, SIDE) // 64
    expected = as_pixels(np.concatenate([values.repeat(3, axis=0), np.where(values == 2, 0, 255).astype(np.uint8)]))
    assert np.array_equal(built(raster(values), tmp_path, nodata=2), expected)


def test_palette_expands(raster, tmp_path):
    values = noise(1, SIDE, SIDE) % 5
    palette = {0: (255, 0, 0, 255), 1: (1, 2, 3, 255), 2: (9, 99, 199, 255), 3: (0, 255, 0, 255), 4: (8, 8, 8, 255)}
    place = raster(values, palette=palette, nodata=4)
    table = np.array([palette[index] if index != 4 else (0, 0, 0, 0) for index in range(5)], np.uint8)
    assert np.array_equal(built(place, tmp_path), table[values[0]])


@pytest.mark.parametrize("resampling", ["bilinear", "average"])
def test_palette_gives_colours_and_not_numbers_to_be_mixed(raster, tmp_path, resampling):
    # Entries 0 and 2 are side by side; entry 1, which lies between the numbers, is a colour that must not come up.
    values = np.zeros((1, SIDE, SIDE), np.uint8)
    values[:, :, 1::2] = 2
    palette = {0: (200, 0, 0, 255), 1: (0, 255, 0, 255), 2: (100, 0, 0, 255)}
    target = tmp_path / "t.tpkx"
    place = write_raster(tmp_path / "p.tif", values, on_the_grid(COLUMN, ROW, LEVEL), palette=palette)
    tilepack.build(place, target, levels=[LEVEL - 1], tile_format="PNG32", resampling=resampling)
    inner = level_pixels(target, LEVEL - 1, tuple(side // 2 for side in BOX))[2:-2, 2:-2]
    assert (inner[..., 1:] == (0, 0, 255)).all()
    assert (abs(inner[..., 0].astype(int) - 150) <= 26).all()


def test_palette_by_default_is_taken_as_it_is(raster, tmp_path):
    values = noise(1, SIDE, SIDE) % 2 * 2
    place = raster(values, palette={0: (200, 0, 0, 255), 2: (100, 0, 0, 255)})
    plan = tilepack.plan_build(place, tmp_path / "t.tpkx")
    assert plan.layers[0].resampling == "NEAREST"
    assert tilepack.plan_build(raster(values), tmp_path / "t.tpkx").layers[0].resampling == "BILINEAR"


def test_bands_may_be_chosen(raster, tmp_path):
    values = noise(5, SIDE, SIDE)
    place = raster(values)
    assert np.array_equal(built(place, tmp_path, bands=(5, 1, 3)), as_pixels(values[[4, 0, 2]]))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_stretch_is_linear_and_rounds_half_up(raster, tmp_path, dtype):
    values = (noise(1, SIDE, SIDE).astype(np.int64) * 5 - (0 if dtype == "uint16" else 300)).astype(dtype)
    low, high = 100.0, 610.0  # 510 wide: every other value lies on a tie
    expected = np.clip(np.floor((values.astype(np.float64) - low) / 2 + 0.5), 0, 255).astype(np.uint8)
    assert np.array_equal(built(raster(values), tmp_path, stretch=(low, high)), as_pixels(expected))


def test_what_is_no_number_is_no_pixel(raster, tmp_path):
    values = noise(1, SIDE, SIDE).astype(np.float32)
    values[0, :40] = np.nan
    made = built(raster(values), tmp_path, stretch=(0, 255))
    assert (made[:40] == 0).all()
    assert np.array_equal(made[40:], as_pixels(np.nan_to_num(values).astype(np.uint8))[40:])


def test_sixteen_bit_alpha_and_nodata(raster, tmp_path):
    values = noise(2, SIDE, SIDE).astype(np.uint16) * 257
    made = built(raster(values, meanings=[GREY, ALPHA]), tmp_path, stretch=(0, 65535))
    expected = as_pixels((np.concatenate([values[:1].repeat(3, axis=0), values[1:]]) // 257).astype(np.uint8))
    assert np.array_equal(made, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("resampling", ["bilinear", "average"])
def test_mixed_pixels_count_by_their_alpha(tmp_path, resampling, dtype):
    # Half a pixel beside the grid: every pixel is the mean of two neighbours.
    values = noise(4, 1, SIDE).repeat(SIDE, axis=1)
    values[3] = np.maximum(values[3], 1)
    left, right = (values[:, 40, side].astype(np.float64) for side in (slice(0, -1), slice(1, None)))
    alpha = left[3] + right[3]
    expected = np.concatenate([(left[:3] * left[3] + right[:3] * right[3]) / alpha, alpha[None] / 2])
    size = PLACE.a
    shifted = Affine(size, 0, PLACE.c + size / 2, 0, -size, PLACE.f)
    scale = 257 if dtype is np.uint16 else 1
    place = write_raster(
        tmp_path / "r.tif", values.astype(dtype) * dtype(scale), shifted, meanings=[RED, GREEN, BLUE, ALPHA]
    )
    stretch = {"stretch": (0, 65535)} if scale > 1 else {}
    made = built(place, tmp_path, resampling=resampling, **stretch)[40, 1:]
    exactly = np.floor(expected.T + 0.5)
    assert np.abs(made - exactly).max() <= 1  # floats, a hair beside a tie; of alpha every other is one
    assert (made[:, :3] != exactly[:, :3]).mean() < 0.02


def test_palette_with_alpha_counts_by_it_too(tmp_path):
    import rasterio

    values = np.zeros((1, SIDE, SIDE), np.uint8)
    values[:, :, 1::2] = 1
    indexed = write_raster(tmp_path / "p.tif", values, PLACE)
    entries = "".join(f'<Entry c1="{red}" c2="0" c3="0" c4="{alpha}"/>' for red, alpha in ((0, 51), (240, 204)))
    with rasterio.open(indexed) as data:
        a, b, c, d, e, f = tuple(data.transform)[:6]
    vrt = tmp_path / "p & q.vrt"  # a GeoTIFF's palette has no alpha, a virtual raster's has
    vrt.write_text(
        f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}"><SRS>EPSG:3857</SRS>'
        f"<GeoTransform>{c!r}, {a!r}, {b!r}, {f!r}, {d!r}, {e!r}</GeoTransform>"
        f'<VRTRasterBand dataType="Byte" band="1"><ColorInterp>Palette</ColorInterp><ColorTable>{entries}</ColorTable>'
        f'<SimpleSource><SourceFilename relativeToVRT="1">p.tif</SourceFilename><SourceBand>1</SourceBand>'
        f"</SimpleSource></VRTRasterBand></VRTDataset>",
        encoding="utf-8",
    )
    assert set(map(tuple, built(vrt, tmp_path)[0].tolist())) == {(0, 0, 0, 51), (240, 0, 0, 204)}
    target = tmp_path / "u.tpkx"
    tilepack.build(vrt, target, levels=[LEVEL - 1], tile_format="PNG32", resampling="average")
    inner = level_pixels(target, LEVEL - 1, tuple(side // 2 for side in BOX))[2:-2, 2:-2]
    assert set(map(tuple, inner.reshape(-1, 4).tolist())) == {(192, 0, 0, 128)}  # 240 x 204 / 255; 127.5


def test_coarser_levels_have_no_dark_rims(raster, tmp_path):
    values = np.full((4, SIDE, SIDE), 200, np.uint8)
    values[3] = np.where(noise(1, SIDE, SIDE)[0] < 128, 0, 255)
    values[:3, values[3] == 0] = 0  # black below what is transparent
    target = tmp_path / "t.tpkx"
    tilepack.build(
        raster(values, meanings=[RED, GREEN, BLUE, ALPHA]), target, tile_format="PNG32", resampling="nearest"
    )
    below = as_pixels(values)
    for level in range(LEVEL - 1, LEVEL - 3, -1):
        below = halved_by_fractions(below[: len(below) // 2 * 2, : len(below) // 2 * 2])
        size = 1 << (LEVEL - level)
        made = level_pixels(target, level, (COLUMN // size, ROW // size, (COLUMN + SIDE) // size, (ROW + SIDE) // size))
        assert np.array_equal(made[: len(below), : len(below)], below)
        assert set(np.unique(made[made[..., 3] > 0][:, :3])) == {200}


# Refusals


@pytest.mark.parametrize(
    ("values", "place", "crs", "wishes", "refusal"),
    [
        (noise(3, 9, 9), None, None, {}, (tilepack.UnsupportedError, "in which coordinate system")),
        (noise(3, 9, 9), PLACE, None, {}, (tilepack.UnsupportedError, "in which coordinate system")),
        (noise(3, 9, 9), None, "EPSG:3857", {}, (tilepack.UnsupportedError, "no georeferencing")),
        (noise(2, 9, 9), PLACE, "EPSG:3857", {}, (tilepack.UnsupportedError, "2 bands .* --bands")),
        (noise(5, 9, 9), PLACE, "EPSG:3857", {"bands": (1, 2, 6)}, (tilepack.UnsupportedError, "1 to 5")),
        (noise(1, 9, 9).astype(np.uint16), PLACE, "EPSG:3857", {}, (tilepack.UnsupportedError, "uint16.*--stretch")),
        (noise(1, 9, 9).astype(np.float32), PLACE, "EPSG:3857", {}, (tilepack.UnsupportedError, "float32.*--stretch")),
        (noise(1, 9, 9), PLACE, "EPSG:3857", {"stretch": (5, 5)}, (tilepack.TransferError, "5 to 5")),
        (noise(1, 9, 9), PLACE, "EPSG:3857", {"resampling": "best"}, (tilepack.TransferError, "nearest, bilinear")),
        (noise(1, 9, 9), PLACE, "EPSG:3857", {"tile_format": "LERC"}, (tilepack.UnsupportedError, "LERC")),
        (noise(1, 9, 9), PLACE, "EPSG:3857", {"levels": "30"}, (tilepack.TilingSchemeError, "level 30")),
        (noise(1, 9, 9), PLACE, "EPSG:3857", {"bbox": (100, 10, 101, 11)}, (tilepack.AreaOfInterestError, "extent")),
    ],
)
def test_what_means_nothing_is_refused_before_anything_is_written(tmp_path, values, place, crs, wishes, refusal):  # noqa: PLR0917
    raster = write_raster(tmp_path / "r.tif", values, place, crs)
    with pytest.raises(refusal[0], match=refusal[1]):
        tilepack.build(raster, tmp_path / "t.tpkx", **wishes)
    assert [path.name for path in tmp_path.iterdir()] == ["r.tif"]


def test_cmyk_is_refused(raster, tmp_path):
    place = raster(noise(4, 9, 9), photometric="CMYK")
    with pytest.raises(tilepack.UnsupportedError, match="CMYK"):
        tilepack.build(place, tmp_path / "t.tpkx")


def test_no_file_and_no_raster(tmp_path):
    with pytest.raises(tilepack.CacheNotFoundError, match="nothing of that name"):
        tilepack.build(tmp_path / "r.tif", tmp_path / "t.tpkx")
    (tmp_path / "r.tif").write_text("no raster", encoding="utf-8")
    with pytest.raises(tilepack.TransferError, match="cannot be read"):
        tilepack.build(tmp_path / "r.tif", tmp_path / "t.tpkx")
    with pytest.raises(tilepack.UnsupportedError, match="no rasters"):
        tilepack.build([], tmp_path / "t.tpkx")


def test_truncated_raster_leaves_nothing(tmp_path):
    place = write_raster(tmp_path / "r.tif", noise(3, 500, 500), Affine(50, 0, 1e6, 0, -50, 6e6))
    place.write_bytes(place.read_bytes()[:300_000])
    with pytest.raises(tilepack.TransferError, match="cannot be read"):
        tilepack.build(place, tmp_path / "t.tpkx")
    assert [path.name for path in tmp_path.iterdir()] == ["r.tif"]


def test_without_the_extra_a_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(tilepack.UnsupportedError, match="install it: pip install rasterio"):
        tilepack.build(tmp_path / "r.tif", tmp_path / "t.tpkx")
