"""Rasters as they are given: opened, looked at, and refused where their pixels or their place mean nothing here.

=========================  ==========================================================================================
bands                      colours
=========================  ==========================================================================================
1 with a palette           the palette's, with its alpha
1, or 1 and alpha          grey
3, or 3 and alpha          red, green, blue
others                     refused, unless ``bands`` names one or three
=========================  ==========================================================================================

Alpha bands, masks and nodata make pixels transparent; nodata does where all colour bands have it. Bytes are taken as
they are. Other numbers (16 bits, floats) are refused unless ``stretch`` says which value is to be 0 and which 255, as
gdal2tiles refuses them: a guess from each raster's own values would give neighbours different colours.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.errors import CacheNotFoundError, TilepackError, TransferError, UnsupportedError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_SETTINGS: Final = {
    "GDAL_CACHEMAX": 128 << 20,  # bytes; its own choice is a twentieth of the machine
    "GDAL_VRT_WARP_USE_DATASET_RASTERIO": "NO",  # in blocks that do not depend on what is asked for at a time
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterWish:
    """How rasters are to be taken."""

    bands: tuple[int, ...] | None = None
    """The bands that are grey, or red, green and blue, from 1; None for what the raster says."""
    nodata: float | None = None
    """Value of pixels that are none, where the raster's own does not count."""
    stretch: tuple[float, float] | None = None
    """Values that become 0 and 255; what lies between follows in proportion, rounded half up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """One raster, and how its bands become colours."""

    path: str
    width: int
    """Pixels."""
    height: int
    """Likewise."""
    crs: str
    """Its coordinate system, as WKT."""
    transform: tuple[float, float, float, float, float, float]
    """From column and row to its map units: a, b, c, d, e, f of x = a column + b row + c, y = d column + e row + f."""
    dtype: str
    """What the bands hold: ``uint8``, ``float32``."""
    bands: tuple[int, ...]
    """One (grey, or a palette's index) or three (red, green, blue), from 1."""
    alpha: int | None
    """The band that is alpha."""
    nodata: float | None
    """Value that the bands have where there is no pixel."""
    palette: NDArray[np.uint8] | None
    """uint8 (256, 4) RGBA; None where the band holds values."""
    stretch: tuple[float, float] | None
    """Values that become 0 and 255; None where they are bytes."""
    reductions: tuple[int, ...]
    """By how much each of its overviews is smaller."""
    turned: int = 0
    """Degrees of longitude by which it is moved, to show on the other side of the world, too."""


def require_rasterio() -> None:
    """Make sure that rasterio is there.

    Raises:
        UnsupportedError: It is not.
    """
    try:
        import rasterio  # noqa: F401
    except ImportError as error:
        raise UnsupportedError(
            "building from rasters needs rasterio, which is not there; install it: pip install rasterio"
        ) from error


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Read rasters in GDAL's name: with settings of our own, and errors in one sentence. For each thread anew.

    Raises:
        TransferError: It cannot be read.
    """
    import rasterio
    from rasterio.errors import CRSError, RasterioError

    try:
        with rasterio.Env(**_SETTINGS):
            yield
    except TilepackError:
        raise
    except (RasterioError, CRSError, rasterio._err.CPLE_BaseError) as error:  # noqa: SLF001  no public name for GDAL's own
        raise TransferError(f"{place}: cannot be read: {_reason(error)}") from error


def look_at(path: str | os.PathLike[str], wish: RasterWish) -> Raster:
    """Open a raster, and tell how it is to be taken.

    Args:
        path: Whatever GDAL opens.
        wish: What is asked for.

    Raises:
        CacheNotFoundError: There is nothing of that name.
        UnsupportedError: It has no place on Earth, or bands that mean no colours.
        TransferError: It cannot be read.
    """
    place = os.fspath(path)
    if not place.startswith(("/vsi", "<")) and ":" not in place[2:] and not os.path.exists(place):  # noqa: PTH110
        raise CacheNotFoundError(f"{place}: there is nothing of that name; check the path")
    with reading(place), opened(place) as data:
        _require_place(data, place)
        bands, alpha = _bands(data, wish, place)
        palette = _palette(data, bands, wish)
        nodata = data.nodatavals[bands[0] - 1] if wish.nodata is None else wish.nodata
        if nodata is None and data.dtypes[bands[0] - 1].startswith("float"):
            nodata = math.nan
        _require_bytes(data, bands, wish, place)
        return Raster(
            path=place,
            width=data.width,
            height=data.height,
            crs=data.crs.to_wkt(),
            transform=tuple(data.transform)[:6],
            dtype=data.dtypes[bands[0] - 1],
            bands=bands,
            alpha=alpha,
            nodata=nodata,
            palette=palette,
            stretch=wish.stretch,
            reductions=tuple(data.overviews(bands[0])),
        )


def opened(place: str, **options: int) -> DatasetReader:
    """Open a raster for one thread; warnings about its place are made errors elsewhere.

    Raises:
        rasterio.errors.RasterioIOError: GDAL does not open it.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(place, sharing=False, **options)


def _reason(error: Exception) -> str:
    text = " ".join(str(error.__cause__ or error).split())
    return text or type(error).__name__


def _require_place(data: DatasetReader, place: str) -> None:
    if data.count == 0:
        raise UnsupportedError(f"{place}: holds no bands; name one of its rasters: {', '.join(data.subdatasets[:3])}")
    if data.crs is None or not data.crs:
        lies = "has control points alone" if data.gcps[0] else "says nowhere in which coordinate system it lies"
        raise UnsupportedError(f"{place}: {lies}; give it one by gdal_translate -a_srs, or gdalwarp")
    if data.transform.is_identity or data.transform.is_degenerate:
        raise UnsupportedError(
            f"{place}: does not say where it lies (no georeferencing); give it corners by gdal_translate -a_ullr, or a "
            f"world file"
        )


def _bands(data: DatasetReader, wish: RasterWish, place: str) -> tuple[tuple[int, ...], int | None]:
    """Tell which bands are colours, and which is alpha."""
    from rasterio.enums import ColorInterp

    meanings = data.colorinterp
    alphas = [number for number, meaning in zip(data.indexes, meanings, strict=True) if meaning == ColorInterp.alpha]
    alpha = alphas[0] if alphas else None
    if wish.bands is not None:
        unknown = [band for band in wish.bands if band not in data.indexes]
        if unknown or len(wish.bands) not in (1, 3):
            raise UnsupportedError(
                f"{place}: bands {', '.join(map(str, wish.bands))} were asked for; name one or three of 1 to "
                f"{data.count}"
            )
        return wish.bands, alpha
    inks = {ColorInterp.cyan, ColorInterp.magenta, ColorInterp.yellow, ColorInterp.black}
    source = data.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE", "")
    if inks & set(meanings) or source in ("CMYK", "YCCK"):  # which GDAL turns into RGB without their profile
        raise UnsupportedError(f"{place}: is CMYK; make it RGB first, for its inks need a colour profile")
    colours = tuple(number for number in data.indexes if number != alpha)
    if len(colours) not in (1, 3):
        raise UnsupportedError(
            f"{place}: has {len(colours)} bands beside alpha; say which are red, green and blue by --bands 1,2,3, or "
            f"which one is grey"
        )
    by_meaning = {meaning: number for number, meaning in zip(data.indexes, meanings, strict=True)}
    named = [by_meaning.get(part) for part in (ColorInterp.red, ColorInterp.green, ColorInterp.blue)]
    if len(colours) == 3 and all(number is not None for number in named):
        return tuple(number for number in named if number is not None), alpha
    return colours, alpha


def _palette(data: DatasetReader, bands: tuple[int, ...], wish: RasterWish) -> NDArray[np.uint8] | None:
    from rasterio.enums import ColorInterp

    if wish.stretch is not None or len(bands) != 1 or data.dtypes[bands[0] - 1] != "uint8":
        return None
    if data.colorinterp[bands[0] - 1] != ColorInterp.palette:
        return None
    table = np.zeros((256, 4), np.uint8)
    for index, colour in data.colormap(bands[0]).items():
        table[index] = colour
    return table


def _require_bytes(data: DatasetReader, bands: Sequence[int], wish: RasterWish, place: str) -> None:
    kinds = {data.dtypes[band - 1] for band in bands}
    if any(kind.startswith("complex") for kind in kinds):
        raise UnsupportedError(f"{place}: holds complex numbers, which are no colours")
    if wish.stretch is None and kinds != {"uint8"}:
        raise UnsupportedError(
            f"{place}: holds {' and '.join(sorted(kinds))}, and tiles hold bytes; say which values are to be 0 and 255 "
            f"by --stretch MIN,MAX"
        )
