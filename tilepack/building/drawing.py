"""Drawing: rasters warped onto the very pixel grid of a level, laid on one another, window by window.

GDAL warps, on a virtual raster whose pixels are the level's: same centres, no shift by half a pixel. Three things make
the result independent of the windows it is asked for in, so that there are no seams: the factor between the two
resolutions is fixed for each raster (GDAL would measure it anew in each window, and widen its kernels by it), the
virtual rasters are cut into blocks whose corners are the grid's and not the window's, and in each the way back into
the raster is followed to a hundredth of a pixel. A pixel shows what the raster has where its centre falls; pixels of
the raster that are masked lend no colour to others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.building.footprints import Footprint, target_crs
from tilepack.building.rasters import Raster, reading
from tilepack.building.sources import Layer, Source, open_source
from tilepack.errors import TilingSchemeError, TransferError
from tilepack.keys import TileRange
from tilepack.pixels.blend import Pixels, is_blank, is_opaque, merge
from tilepack.scheme import TilingScheme

if TYPE_CHECKING:
    from rasterio.vrt import WarpedVRT

_STRAYING: Final = 0.01
"""Pixels of the raster by which a pixel may be taken from beside its place."""
_OPEN: Final = 24
"""Rasters that a thread keeps open."""
_BLOCK: Final = 4096
"""Pixels of the level to whose multiples the corners of a virtual raster are moved: GDAL's blocks are parts of it."""
_LONGEST: Final = (1 << 31) - 1
"""Pixels along a side that GDAL counts."""


@dataclass(frozen=True, slots=True)
class _View:
    """A raster on the pixel grid of a level, open for one thread."""

    warped: WarpedVRT
    resources: ExitStack
    column: int
    """Of its first pixel, counted from the origin."""
    row: int
    source: Source
    bands: list[int]
    """Those to read: colours, or a palette's numbers, and alpha."""


class Drawer:
    """Draws windows of levels; threads may share it."""

    def __init__(self, layers: Sequence[Layer], scheme: TilingScheme) -> None:
        """Take rasters, the first to be laid down first.

        Args:
            layers: The rasters.
            scheme: The grid.
        """
        self._layers = layers
        self._scheme = scheme
        self._crs = target_crs(scheme.spatial_reference)
        self._local = threading.local()
        self._views: list[OrderedDict[tuple[int, int], _View]] = []

    def draw(self, window: TileRange) -> Pixels | None:
        """Draw a rectangle of tiles.

        Args:
            window: The tiles.

        Returns:
            uint8 (height, width, 4), transparent black where there is nothing; None when nothing is there at all.

        Raises:
            TransferError: A raster cannot be read.
        """
        extent = self._scheme.range_extent(window)
        shown: list[Pixels] = []
        for number in reversed(range(len(self._layers))):  # from above, until nothing below shows through
            rects = self._layers[number].footprint.rects
            xmin, ymin, xmax, ymax = rects.T
            meets = (xmin < extent.xmax) & (xmax > extent.xmin) & (ymin < extent.ymax) & (ymax > extent.ymin)
            if not meets.any():
                continue
            pixels = self._read(number, window)
            if pixels is None:
                continue
            shown.append(pixels)
            if is_opaque(pixels):
                break
        if not shown:
            return None
        ground = shown.pop()
        while shown:
            merge(shown.pop(), ground)
        return ground

    def close(self) -> None:
        """Close every raster; no thread may be drawing."""
        for views in self._views:
            for view in views.values():
                with suppress(Exception):  # nothing was written: what GDAL has to say of closing helps nobody
                    view.resources.close()
            views.clear()

    def _read(self, number: int, window: TileRange) -> Pixels | None:
        from rasterio.windows import Window

        layer, scheme = self._layers[number], self._scheme
        raster = layer.raster
        with reading(raster.path):
            view = self._view(number, window.level)
            height = (window.row_stop - window.row_start) * scheme.tile_height
            width = (window.column_stop - window.column_start) * scheme.tile_width
            row = window.row_start * scheme.tile_height - view.row
            column = window.column_start * scheme.tile_width - view.column
            top, left = max(0, row), max(0, column)
            bottom, right = min(view.warped.height, row + height), min(view.warped.width, column + width)
            if top >= bottom or left >= right:
                return None
            part = Window(left, top, right - left, bottom - top)
            values = view.warped.read(view.bands, window=part)
        made = _colours(values, view.source, raster)
        if is_blank(made):
            return None
        if made.shape[:2] == (height, width):
            return made
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[top - row : bottom - row, left - column : right - column] = made
        return pixels

    def _view(self, number: int, level: int) -> _View:
        views: OrderedDict[tuple[int, int], _View] | None = getattr(self._local, "views", None)
        if views is None:
            views = self._local.views = OrderedDict()
            self._views.append(views)
        key = number, level
        if key not in views:
            while len(views) >= _OPEN:
                views.popitem(last=False)[1].resources.close()
            views[key] = self._open(self._layers[number], level)
        views.move_to_end(key)
        return views[key]

    def _open(self, layer: Layer, level: int) -> _View:
        from rasterio.enums import Resampling as Method
        from rasterio.vrt import WarpedVRT

        raster, scheme = layer.raster, self._scheme
        resolution = scheme.level(level).resolution
        column, row, width, height = self._place(layer.footprint, resolution)
        if max(width, height) > _LONGEST:
            raise TilingSchemeError(
                f"{raster.path}: would have {width} x {height} pixels on level {level}; choose coarser levels"
            )
        corner = scheme.origin_x + column * resolution, scheme.origin_y - row * resolution
        with ExitStack() as resources:
            source = open_source(layer, resolution)
            data = resources.enter_context(source.data)
            a, b, c, d, e, f = tuple(data.transform)[:6]  # an overview's own, where it is one
            reduced = raster.width / data.width, raster.height / data.height
            factors = [side * by / resolution for side, by in zip(layer.footprint.pixel, reduced, strict=True)]
            turned = _affine(a, b, c + raster.turned, d, e, f) if raster.turned else None
            warped = resources.enter_context(
                WarpedVRT(
                    data,
                    src_crs=raster.crs,
                    src_transform=turned,
                    src_nodata=source.nodata,
                    crs=self._crs,
                    transform=_affine(resolution, 0.0, corner[0], 0.0, -resolution, corner[1]),
                    width=width,
                    height=height,
                    resampling=Method[layer.resampling.name.lower()],
                    tolerance=_STRAYING,
                    add_alpha=source.alpha is None,
                    XSCALE=_scale(factors[0]),
                    YSCALE=_scale(factors[1]),
                    UNIFIED_SRC_NODATA="YES",
                    SAMPLE_GRID="YES",
                    SOURCE_EXTRA="2",
                    SRC_ALPHA_MAX=str(source.alpha_max),
                    DST_ALPHA_MAX=str(source.alpha_max),
                )
            )
            bands = [*source.bands, source.alpha or warped.count]
            return _View(warped, resources.pop_all(), column, row, source, bands)
        raise TransferError(f"{raster.path}: cannot be opened")  # a context may swallow errors, for all mypy knows

    def _place(self, footprint: Footprint, resolution: float) -> tuple[int, int, int, int]:
        """Give column, row, width and height of what holds a raster, in pixels of a level."""
        rects, scheme = footprint.rects, self._scheme
        left = int(np.floor((rects[:, 0].min() - scheme.origin_x) / resolution / _BLOCK)) * _BLOCK
        top = int(np.floor((scheme.origin_y - rects[:, 3].max()) / resolution / _BLOCK)) * _BLOCK
        right = int(np.ceil((rects[:, 2].max() - scheme.origin_x) / resolution / _BLOCK)) * _BLOCK
        bottom = int(np.ceil((scheme.origin_y - rects[:, 1].min()) / resolution / _BLOCK)) * _BLOCK
        return left, top, right - left, bottom - top


def _affine(*numbers: float) -> object:
    from rasterio import Affine

    return Affine(*numbers)


def _scale(factor: float) -> str:
    """Write a factor for GDAL: pixels of the level along one of the raster's. What is nearly one takes a quick way."""
    return repr(factor if factor < 0.95 else 1.0)


def _colours(values: NDArray[np.generic], source: Source, raster: Raster) -> Pixels:
    """Make pixels of bands (bands, height, width), the last of which is alpha."""
    *colours, alpha = values
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    visible = alpha > 0
    if source.is_weighted:
        colours = [_divided(band, alpha) for band in colours]
    if raster.palette is not None and not source.is_looked_up:
        pixels[...] = raster.palette[colours[0]]
        visible &= pixels[..., 3] > 0
    else:
        if raster.stretch is not None:
            colours = [_stretched(band, raster.stretch, visible) for band in colours]
        for channel in range(3):
            band = colours[channel % len(colours)]
            pixels[..., channel] = band if band.dtype == np.uint8 else _rounded(band)
        pixels[..., 3] = alpha if alpha.dtype == np.uint8 else _rounded(alpha * (255 / source.alpha_max))
        visible &= pixels[..., 3] > 0
    if not visible.all():
        pixels *= visible[..., None]
    return pixels


def _divided(band: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Give colours without the alpha that they were multiplied by."""
    divided: NDArray[Any] = np.divide(band, alpha, out=np.zeros_like(band), where=alpha > 0)
    return divided


def _rounded(band: NDArray[Any]) -> NDArray[np.uint8]:
    """Round half up, to bytes; what is no number becomes 0."""
    bounded: NDArray[np.uint8] = np.nan_to_num(np.clip(np.floor(band + 0.5), 0, 255)).astype(np.uint8)
    return bounded


def _stretched(band: NDArray[Any], stretch: tuple[float, float], visible: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Put values between 0 and 255, rounded half up; what is no number is not visible."""
    low, high = stretch
    numbers = band.astype(np.float64)
    visible &= ~np.isnan(numbers)
    return _rounded((numbers - low) * (255 / (high - low)))
