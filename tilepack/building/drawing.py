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
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from tilepack.building.footprints import Footprint, target_crs
from tilepack.building.rasters import Raster, opened, reading
from tilepack.building.resampling import FOR_VALUES, Resampling
from tilepack.errors import TilingSchemeError, TransferError
from tilepack.keys import TileRange
from tilepack.pixels.blend import Pixels, is_blank, is_opaque, merge
from tilepack.scheme import TilingScheme

if TYPE_CHECKING:
    from rasterio.io import DatasetReader
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
class Layer:
    """A raster in its place, and how its pixels are taken."""

    raster: Raster
    footprint: Footprint
    resampling: Resampling


@dataclass(frozen=True, slots=True)
class _View:
    """A raster on the pixel grid of a level, open for one thread."""

    warped: WarpedVRT
    resources: ExitStack
    column: int
    """Of its first pixel, counted from the origin."""
    row: int
    alpha: int


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
            bands = _bands_of(view.warped, raster, view.alpha)
            values = view.warped.read(bands, window=part)
        made = _colours(values, raster if len(bands) - 1 == len(raster.bands) else None)
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
            source = resources.enter_context(_open_source(layer, resolution))
            a, b, c, d, e, f = tuple(source.transform)[:6]  # an overview's own, where it is one
            reduced = raster.width / source.width, raster.height / source.height
            factors = [side * by / resolution for side, by in zip(layer.footprint.pixel, reduced, strict=True)]
            turned = _affine(a, b, c + raster.turned, d, e, f) if raster.turned else None
            has_alpha = raster.alpha is not None or (source.count == 4 and raster.palette is not None)
            warped = resources.enter_context(
                WarpedVRT(
                    source,
                    src_crs=raster.crs,
                    src_transform=turned,
                    src_nodata=None if source.count == 4 and raster.palette is not None else raster.nodata,
                    crs=self._crs,
                    transform=_affine(resolution, 0.0, corner[0], 0.0, -resolution, corner[1]),
                    width=width,
                    height=height,
                    resampling=Method[layer.resampling.name.lower()],
                    tolerance=_STRAYING,
                    add_alpha=not has_alpha,
                    XSCALE=_scale(factors[0]),
                    YSCALE=_scale(factors[1]),
                    UNIFIED_SRC_NODATA="YES",
                    SAMPLE_GRID="YES",
                    SOURCE_EXTRA="2",
                )
            )
            alpha = (raster.alpha or source.count) if has_alpha else warped.count
            return _View(warped, resources.pop_all(), column, row, alpha)
        raise TransferError(f"{raster.path}: cannot be opened")

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


def _open_source(layer: Layer, resolution: float) -> DatasetReader:
    """Open a raster, or the overview of it that still has all detail of a level."""
    raster = layer.raster
    reduction = resolution / layer.footprint.resolution
    fitting = [number for number, factor in enumerate(raster.reductions) if factor <= reduction / 2]
    options = {"OVERVIEW_LEVEL": fitting[-1]} if fitting and layer.resampling is not Resampling.NEAREST else {}
    if raster.palette is None or layer.resampling in FOR_VALUES:
        return opened(raster.path, **options)
    return opened(_in_colours(raster))


def _in_colours(raster: Raster) -> str:
    """Describe a raster with a palette as one of four bands, for its numbers are not to be mixed."""
    if raster.palette is None:
        raise TypeError("without a palette there is nothing to look up")
    table = raster.palette.copy()
    if raster.nodata is not None and 0 <= raster.nodata <= 255:
        table[int(raster.nodata)] = 0
    a, b, c, d, e, f = raster.transform
    size = f'rasterXSize="{raster.width}" rasterYSize="{raster.height}"'
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{number + 1}"><ColorInterp>{meaning}</ColorInterp><ComplexSource>'
        f'<SourceFilename relativeToVRT="0">{escape(raster.path)}</SourceFilename>'
        f"<SourceBand>{raster.bands[0]}</SourceBand>"
        f"<LUT>{','.join(f'{index}:{value}' for index, value in enumerate(table[:, number].tolist()))}</LUT>"
        f"</ComplexSource></VRTRasterBand>"
        for number, meaning in enumerate(("Red", "Green", "Blue", "Alpha"))
    )
    return (
        f"<VRTDataset {size}><SRS>{escape(raster.crs)}</SRS>"
        f"<GeoTransform>{c!r}, {a!r}, {b!r}, {f!r}, {d!r}, {e!r}</GeoTransform>{bands}</VRTDataset>"
    )


def _bands_of(warped: WarpedVRT, raster: Raster, alpha: int) -> list[int]:
    if raster.palette is not None and warped.count == 4:
        return [1, 2, 3, 4]
    return [*raster.bands, alpha]


def _colours(values: NDArray[np.generic], raster: Raster | None) -> Pixels:
    """Make pixels of bands, the last of which is alpha.

    Args:
        values: (bands, height, width).
        raster: What the bands are; None where they are colours already.
    """
    *colours, alpha = values
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    visible = alpha > 0
    if raster is not None and raster.palette is not None:
        pixels[...] = raster.palette[colours[0]]
        visible &= pixels[..., 3] > 0
    else:
        if raster is not None and raster.stretch is not None:
            colours = [_stretched(band, raster.stretch, visible) for band in colours]
        for channel in range(3):
            pixels[..., channel] = colours[channel % len(colours)]
        pixels[..., 3] = alpha if alpha.dtype == np.uint8 else _as_bytes(alpha)
    if not visible.all():
        pixels *= visible[..., None]
    return pixels


def _stretched(
    band: NDArray[np.generic], stretch: tuple[float, float], visible: NDArray[np.bool_]
) -> NDArray[np.generic]:
    """Put values between 0 and 255, rounded half up; what is no number is not visible."""
    low, high = stretch
    numbers = band.astype(np.float64)
    visible &= ~np.isnan(numbers)
    scaled = np.floor((numbers - low) * (255 / (high - low)) + 0.5)
    made: NDArray[np.uint8] = np.nan_to_num(np.clip(scaled, 0, 255)).astype(np.uint8)
    return made


def _as_bytes(alpha: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give alpha of another type as bytes: of whole numbers its largest is opaque, of floats 255 is."""
    largest = np.iinfo(str(alpha.dtype)).max if alpha.dtype.kind in "iu" else 255
    made: NDArray[np.uint8] = np.floor(alpha.astype(np.float64) * (255 / largest) + 0.5).astype(np.uint8)
    return made
