"""Rasters as they are handed to GDAL's warper, so that no pixel lends a colour that it does not show.

Where pixels are mixed, what is half transparent may count but half: a raster with an alpha band, or with a palette, is
warped as a virtual one whose bands are colour times alpha, in floating point, beside the alpha; the mixed colours are
divided by the mixed alpha afterwards. Pixels without any alpha, those of masks and of nodata are left out by GDAL.
Where pixels are taken as they are, the raster's own bands do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

import numpy as np

from tilepack.building.footprints import Footprint
from tilepack.building.rasters import Raster, opened
from tilepack.building.resampling import FOR_VALUES, Resampling

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_ROUNDING: Final = 1e-6
"""By which two resolutions may miss each other."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A raster in its place, and how its pixels are taken."""

    raster: Raster
    """The raster."""
    footprint: Footprint
    """Where it lies in the cache's coordinate system."""
    resampling: Resampling
    """How pixels of a level are made of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open raster, or a virtual one made of it."""

    data: DatasetReader
    """Whoever opened it closes it."""
    bands: tuple[int, ...]
    """Those that are colours, or a palette's numbers, from 1."""
    alpha: int | None
    """The one that is alpha; None where GDAL is to add one, from mask and nodata."""
    nodata: float | None
    """Value of pixels that are none; None where mask and alpha tell."""
    is_weighted: bool = False
    """Whether colours are multiplied by alpha."""
    is_looked_up: bool = False
    """Whether a palette's numbers are colours already."""
    alpha_max: int = 255
    """What opaque is."""


def open_source(layer: Layer, resolution: float) -> Source:
    """Open a raster for drawing a level, or the overview of it that still has all of the level's detail.

    Args:
        layer: The raster.
        resolution: The level's.

    Raises:
        rasterio.errors.RasterioIOError: GDAL does not open it.
    """
    raster = layer.raster
    mixes = layer.resampling not in FOR_VALUES
    if mixes and raster.palette is not None:
        data = opened(_palette_weighted(raster))
        return Source(data=data, bands=(1, 2, 3), alpha=4, nodata=None, is_weighted=True, is_looked_up=True)
    count = len(raster.bands)
    if mixes and raster.alpha is not None and (raster.nodata is None or math.isnan(raster.nodata)):
        return Source(
            data=opened(_weighted(raster)),
            bands=tuple(range(1, count + 1)),
            alpha=count + 1,
            nodata=raster.nodata,
            is_weighted=True,
            alpha_max=_largest(raster.dtype),
        )
    reduction = resolution / layer.footprint.resolution
    spared = (2 if mixes else 1) * (1 - _ROUNDING)  # what is mixed is mixed of twice as many pixels at least
    fitting = [number for number, factor in enumerate(raster.reductions) if factor * spared <= reduction]
    options = {"OVERVIEW_LEVEL": fitting[-1]} if fitting else {}
    return Source(
        data=opened(raster.path, **options),
        bands=raster.bands,
        alpha=raster.alpha,
        nodata=raster.nodata,
        alpha_max=_largest(raster.dtype),
    )


def _largest(dtype: str) -> int:
    return int(np.iinfo(dtype).max) if np.dtype(dtype).kind in "iu" else 255


def _weighted(raster: Raster) -> str:
    """Describe a raster whose bands are multiplied by its alpha."""
    number = "Float32" if raster.dtype == "uint8" else "Float64"
    alpha = _simple(raster, raster.alpha or 0)
    bands = [
        f'<VRTRasterBand dataType="{number}" band="{index}" subClass="VRTDerivedRasterBand">'
        f"<PixelFunctionType>mul</PixelFunctionType><SourceTransferType>{number}</SourceTransferType>"
        f"{_simple(raster, band)}{alpha}</VRTRasterBand>"
        for index, band in enumerate(raster.bands, 1)
    ]
    bands.append(
        f'<VRTRasterBand dataType="{number}" band="{len(bands) + 1}"><ColorInterp>Alpha</ColorInterp>{alpha}'
        f"</VRTRasterBand>"
    )
    return _described(raster, bands)


def _palette_weighted(raster: Raster) -> str:
    """Describe a raster whose palette's colours are multiplied by their alpha."""
    if raster.palette is None:
        raise TypeError("without a palette there is nothing to look up")
    table = raster.palette.astype(np.int64)
    if raster.nodata is not None and 0 <= raster.nodata <= 255:
        table[int(raster.nodata)] = 0
    table[:, :3] *= table[:, 3:]
    bands = [
        f'<VRTRasterBand dataType="Float32" band="{number + 1}">'
        f"{'<ColorInterp>Alpha</ColorInterp>' if number == 3 else ''}<ComplexSource>{_origin(raster, raster.bands[0])}"
        f"<LUT>{','.join(f'{index}:{value}' for index, value in enumerate(table[:, number].tolist()))}</LUT>"
        f"</ComplexSource></VRTRasterBand>"
        for number in range(4)
    ]
    return _described(raster, bands)


def _described(raster: Raster, bands: list[str]) -> str:
    a, b, c, d, e, f = raster.transform
    return (
        f'<VRTDataset rasterXSize="{raster.width}" rasterYSize="{raster.height}"><SRS>{escape(raster.crs)}</SRS>'
        f"<GeoTransform>{c!r}, {a!r}, {b!r}, {f!r}, {d!r}, {e!r}</GeoTransform>{''.join(bands)}</VRTDataset>"
    )


def _simple(raster: Raster, band: int) -> str:
    return f"<SimpleSource>{_origin(raster, band)}</SimpleSource>"


def _origin(raster: Raster, band: int) -> str:
    name = escape(raster.path)
    return f'<SourceFilename relativeToVRT="0">{name}</SourceFilename><SourceBand>{band}</SourceBand>'
