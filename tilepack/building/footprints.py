"""Where a raster lies in a cache's coordinate system: its pixel size there, and rectangles that hold all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.building.pyramids import Rects
from tilepack.building.rasters import Raster, reading
from tilepack.errors import TilingSchemeError
from tilepack.metadata.web_mercator import HALF_WORLD
from tilepack.spatial import LARGEST_EPSG_WKID, SpatialReference, is_geographic, to_crs

_PATCHES: Final = 16
"""Parts of a raster each way, each in a rectangle of its own: so a raster that lies askew covers little beside it."""
_STEPS: Final = 4
"""Points along a part's side, for sides are bent."""
_MARGIN: Final = 0.03
"""By which a part's rectangle grows where it is bent, for between the points a side may bulge; what it gains is looked
at in vain."""

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Where a raster lies."""

    rects: Rects
    """Rectangles that together hold it, map units of the cache."""
    pixel: tuple[float, float]
    """Width and height of a pixel there, in the middle of those measured, map units of the cache."""

    @property
    def resolution(self) -> float:
        """Side of the square that is as large as a pixel."""
        return math.sqrt(self.pixel[0] * self.pixel[1])


def target_crs(reference: SpatialReference) -> str:
    """Name a cache's coordinate system for GDAL.

    Raises:
        MetadataError: Nothing in it can be read as a coordinate system.
    """
    if reference.is_web_mercator:
        return "EPSG:3857"
    crs = to_crs(reference)
    for number in (reference.latest_wkid, reference.wkid):
        if number is not None and number <= LARGEST_EPSG_WKID:
            return f"EPSG:{number}"
    return str(crs.to_wkt())


def find_footprint(raster: Raster, reference: SpatialReference) -> Footprint:
    """Tell where a raster lies in a cache's coordinate system.

    Raises:
        TilingSchemeError: Nowhere: its coordinates mean nothing there.
        MetadataError: The cache's coordinate system means nothing.
    """
    count = _PATCHES * _STEPS
    columns = np.linspace(0, raster.width, count + 1)
    rows = np.linspace(0, raster.height, count + 1)
    grid_columns, grid_rows = np.meshgrid(columns, rows)
    a, b, c, d, e, f = raster.transform
    xs, ys = a * grid_columns + b * grid_rows + c, d * grid_columns + e * grid_rows + f
    half = _half_of_the_world(reference)
    there = target_crs(reference)
    with reading(raster.path):
        points = _transformed(xs, ys, raster.crs, there)
    pixel = _pixel(points, raster.width / count, raster.height / count, half)
    if pixel is None:
        raise TilingSchemeError(
            f"{raster.path}: lies nowhere in {reference}; choose a scheme in another coordinate system, or check the "
            f"raster's"
        )
    bent = not _same_crs(raster.crs, there)
    return Footprint(rects=_rectangles(points, pixel if bent else None, half), pixel=pixel)


def _same_crs(source: str, target: str) -> bool:
    from rasterio.crs import CRS

    return bool(CRS.from_wkt(source) == CRS.from_string(target))


def turns(raster: Raster) -> list[Raster]:
    """Give a raster as often as it shows in longitudes from -180 to 180: one from 0 to 360 does twice, as it turns."""
    from rasterio.crs import CRS

    a, b, c = raster.transform[:3]
    xs = [c, c + a * raster.width, c + b * raster.height, c + a * raster.width + b * raster.height]
    west, east = min(xs), max(xs)
    if not CRS.from_wkt(raster.crs).is_geographic or not (-720 <= west < east <= 720):
        return [raster]
    pixel = (east - west) / max(raster.width, 1)
    first, last = math.ceil((-180 - east + pixel) / 360), math.floor((180 - west - pixel) / 360)
    shown = [replace(raster, turned=360 * turn) for turn in range(first, last + 1)]
    return shown or [raster]


def _half_of_the_world(reference: SpatialReference) -> tuple[float, float] | None:
    """Give half the width and height of a coordinate system whose sides meet; None where they do not."""
    if reference.is_web_mercator:
        return HALF_WORLD, HALF_WORLD
    return (180.0, 90.0) if is_geographic(reference) else None


def _transformed(xs: Points, ys: Points, source: str, target: str) -> Points:
    """Give points (rows, columns, 2) in another coordinate system; NaN where they have no place in it."""
    from rasterio.warp import transform

    if _same_crs(source, target):
        return np.stack([xs, ys], axis=-1)
    new_xs, new_ys = transform(source, target, xs.ravel().tolist(), ys.ravel().tolist())
    points = np.stack([np.array(new_xs), np.array(new_ys)], axis=-1).reshape(*xs.shape, 2)
    points[~np.isfinite(points).all(axis=-1)] = np.nan
    return points


def _pixel(points: Points, columns: float, rows: float, half: tuple[float, float] | None) -> tuple[float, float] | None:
    """Measure a pixel: the median over the raster, of the sides of a rectangle as large and as oblong as it is."""
    right = points[:-1, 1:] - points[:-1, :-1]
    down = points[1:, :-1] - points[:-1, :-1]
    if half is not None:  # a step across the world's edge is none
        right[np.abs(right[..., 0]) > half[0]] = np.nan
        down[np.abs(down[..., 0]) > half[0]] = np.nan
    width = np.hypot(*np.moveaxis(right, -1, 0)) / columns
    height = np.hypot(*np.moveaxis(down, -1, 0)) / rows
    if not np.isfinite(width * height).any():
        return None
    measured = float(np.nanmedian(width)), float(np.nanmedian(height))
    return measured if min(measured) > 0 else None


def _rectangles(points: Points, pixel: tuple[float, float] | None, half: tuple[float, float] | None) -> Rects:
    found: list[tuple[float, float, float, float]] = []
    for row in range(0, points.shape[0] - 1, _STEPS):
        for column in range(0, points.shape[1] - 1, _STEPS):
            patch = points[row : row + _STEPS + 1, column : column + _STEPS + 1].reshape(-1, 2)
            finite = patch[np.isfinite(patch).all(axis=1)]
            if finite.size:
                found += _around(finite, pixel, half, whole=len(finite) == len(patch))
    return np.array(found, np.float64).reshape(-1, 4)


def _around(
    points: Points, pixel: tuple[float, float] | None, half: tuple[float, float] | None, *, whole: bool
) -> list[tuple[float, float, float, float]]:
    """Give one rectangle around points; two where they lie on both sides of the world's edge."""
    if half is None:
        return [_grown(points[:, 0], points[:, 1], pixel)]
    width = 2 * half[0]
    xs, ys = (points[:, 0] + half[0]) % width, points[:, 1]
    beyond = (xs + half[0]) % width  # counted from the other side, so that the edge lies in the middle
    if np.ptp(beyond) < np.ptp(xs):
        xs = beyond + half[0]
    xmin, ymin, xmax, ymax = _grown(xs - half[0], ys, pixel)
    if not whole:  # near a pole of the projection: it goes on to the end of the world
        ymin, ymax = (-half[1] if ymin < 0 else ymin), (half[1] if ymax > 0 else ymax)
    ymin, ymax = max(ymin, -half[1]), min(ymax, half[1])
    if ymin >= ymax:
        return []
    if xmax - xmin >= width:
        return [(-half[0], ymin, half[0], ymax)]
    parts = [(xmin, xmax), (xmin - width, xmax - width), (xmin + width, xmax + width)]
    return [
        (max(left, -half[0]), ymin, min(right, half[0]), ymax)
        for left, right in parts
        if left < half[0] and right > -half[0]
    ]


def _grown(xs: Points, ys: Points, pixel: tuple[float, float] | None) -> tuple[float, float, float, float]:
    """Give the rectangle around points; with a pixel's size, grown by what may bulge."""
    more_x = 0.0 if pixel is None else _MARGIN * float(np.ptp(xs)) + 2 * max(pixel)
    more_y = 0.0 if pixel is None else _MARGIN * float(np.ptp(ys)) + 2 * max(pixel)
    return (
        float(xs.min() - more_x),
        float(ys.min() - more_y),
        float(xs.max() + more_x),
        float(ys.max() + more_y),
    )
