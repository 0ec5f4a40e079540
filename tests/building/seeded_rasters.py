"""Seeded rasters, and what their pixels have to become."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

import tilepack
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.pixels.codec import decode

ORIGIN = 20037508.342787
RED, GREEN, BLUE, ALPHA = ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha

Array = NDArray[np.generic]


def resolution(level: int) -> float:
    """Give the resolution of a level of ArcGIS Online's scheme."""
    return arcgis_online_scheme().level(level).resolution


def noise(*shape: int, seed: int = 5) -> NDArray[np.uint8]:
    """Give random bytes (bands, height, width)."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(bands: int, height: int, width: int) -> NDArray[np.uint8]:
    """Give gentle waves, which interpolation hardly changes."""
    rows, columns = np.mgrid[0:height, 0:width] / 60
    waves = [np.sin(rows * (1 + 0.3 * band)) + np.cos(columns * (1.2 - 0.2 * band)) for band in range(bands)]
    return np.stack([(wave * 60 + 128).astype(np.uint8) for wave in waves])


def write_raster(
    path: Path,
    values: Array,
    transform: Affine | None,
    crs: str | None = "EPSG:3857",
    *,
    meanings: Sequence[ColorInterp] | None = None,
    mask: NDArray[np.uint8] | None = None,
    palette: dict[int, tuple[int, int, int, int]] | None = None,
    **options: object,
) -> Path:
    """Write a GeoTIFF of values (bands, height, width)."""
    bands, height, width = values.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": bands, "dtype": values.dtype.name}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", **profile, crs=crs, transform=transform, **options) as data,
        ):
            if meanings is not None:  # a GeoTIFF takes them only before its first pixel
                data.colorinterp = meanings
            data.write(values)
            if palette is not None:
                data.write_colormap(1, palette)
            if mask is not None:
                data.write_mask(mask)
    return path


def on_the_grid(column: int, row: int, level: int) -> Affine:
    """Give the place of a raster whose first pixel is one of a level's pixels."""
    size = resolution(level)
    return Affine(size, 0, -ORIGIN + column * size, 0, -size, ORIGIN - row * size)


def as_pixels(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give bands (grey, RGB or RGBA) as pixels (height, width, 4)."""
    bands, height, width = values.shape
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = np.moveaxis(values[:3] if bands >= 3 else values[:1].repeat(3, axis=0), 0, -1)
    if bands == 4:
        pixels[..., 3] = values[3]
        pixels[pixels[..., 3] == 0] = 0
    return pixels


def level_pixels(place: Path, level: int, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Give pixels of a level, stitched from tiles; transparent black where there is no tile.

    Args:
        place: A cache or package.
        level: LevelID.
        box: First column and row, and the columns and rows behind the last, in pixels from the origin.
    """
    left, top, right, bottom = box
    with tilepack.open(place) as cache:
        width, height = cache.info.scheme.tile_width, cache.info.scheme.tile_height
        first_row, first_column = top // height, left // width
        rows, columns = math.ceil(bottom / height) - first_row, math.ceil(right / width) - first_column
        canvas = np.zeros((rows * height, columns * width, 4), np.uint8)
        for row in range(rows):
            for column in range(columns):
                data = cache.read(tilepack.TileKey(level, first_row + row, first_column + column))
                if data is not None:
                    tile = decode(data, width=width, height=height).pixels
                    canvas[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return canvas[top - first_row * height :, left - first_column * width :][: bottom - top, : right - left]


def halved_by_fractions(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average 2 x 2 pixels by fractions: colours weighted by alpha, both rounded half up."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    halved = np.zeros((height, width, 4), np.uint8)
    for row in range(height):
        for column in range(width):
            four = pixels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(4, 4).tolist()
            total = sum(each[3] for each in four)
            alpha = math.floor(Fraction(total, 4) + Fraction(1, 2))
            if alpha:
                colours = [Fraction(sum(each[part] * each[3] for each in four), total) for part in range(3)]
                halved[row, column] = [*(math.floor(colour + Fraction(1, 2)) for colour in colours), alpha]
    return halved


def exactly_halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Do the same in whole numbers, quick enough for levels."""
    whole = pixels.astype(np.int64)
    whole[..., :3] *= whole[..., 3:]
    sums = whole[0::2, 0::2] + whole[0::2, 1::2] + whole[1::2, 0::2] + whole[1::2, 1::2]
    total = sums[..., 3:]
    halved = np.concatenate([(2 * sums[..., :3] + total) // np.maximum(2 * total, 1), (total + 2) // 4], axis=-1)
    halved[halved[..., 3] == 0] = 0
    return halved.astype(np.uint8)
