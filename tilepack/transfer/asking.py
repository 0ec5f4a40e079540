"""What is asked of an export or an import, as users write it, made into a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypedDict

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_levels import AreaLike, read_areas
from tilepack.cache import ItemDescription
from tilepack.errors import AreaOfInterestError
from tilepack.extent import Extent
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection
from tilepack.transfer.request import PixelOptions, TransferRequest

_DEGREES: Final = "EPSG:4326"


Bounds = tuple[float, float, float, float]


class SelectionOptions(TypedDict, total=False):
    """What exports and imports take alike, beside source and target."""

    levels: str | Iterable[int] | None
    """LevelIDs of the source, as ``"0-7,9"`` or numbers; None for all that hold tiles."""
    scales: str | Iterable[float] | None
    """Scale denominators instead of levels."""
    area: AreaLike | Sequence[AreaLike] | None
    """Area of interest, or several for ranges of levels; it cuts, and wins over extents."""
    extent: Bounds | None
    """xmin, ymin, xmax, ymax in map units; takes the tiles that it meets with more than an edge, and cuts nothing."""
    bbox: Bounds | None
    """West, south, east, north in WGS84 degrees, likewise; west beyond east crosses the antimeridian."""
    pixels: PixelOptions
    """What happens at the area's edge."""
    description: ItemDescription | None
    """What the target says instead, where it says something."""
    thumbnail: bytes | None
    """PNG; None draws one from the tiles of a new target, and keeps that of one that exists."""


def make_request(target: Path, scheme: TilingScheme, options: SelectionOptions) -> TransferRequest:
    """Make a request of what exports and imports take alike.

    Args:
        target: The target.
        scheme: The source's.
        options: What is asked for.

    Raises:
        AreaOfInterestError: An area or a rectangle means nothing, or two rectangles were given.
        TilingSchemeError: Levels or scales cannot be read.
    """
    area, extent, bbox = options.get("area"), options.get("extent"), options.get("bbox")
    if extent is not None and bbox is not None:
        raise AreaOfInterestError("extent and bbox were both given; choose by one of them")
    areas = None if area is None else read_areas(area, scheme)
    if areas is not None and (extent or bbox):
        areas.warnings.append("area of interest and extent were both given; the area counts")
    return TransferRequest(
        target=target,
        levels=LevelSelection.of(options.get("levels"), options.get("scales")),
        areas=areas,
        extent=None if extent is None else _extent(extent),
        box=None if bbox is None else _box(bbox, scheme),
        pixels=options.get("pixels", PixelOptions()),
        description=options.get("description"),
        thumbnail=options.get("thumbnail"),
    )


def _extent(bounds: Bounds) -> Extent:
    xmin, ymin, xmax, ymax = bounds
    try:
        return Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    except ValueError as error:
        raise AreaOfInterestError(f"{error}; write an extent as xmin, ymin, xmax, ymax") from error


def _box(bounds: Bounds, scheme: TilingScheme) -> AreaOfInterest:
    """Read a rectangle in degrees; one that crosses the antimeridian goes on beyond 180."""
    west, south, east, north = bounds
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east):
        raise AreaOfInterestError(
            f"{west}, {south}, {east}, {north} is no rectangle in degrees; write it as west, south, east, north"
        )
    east += 360 if east < west else 0
    ring = ", ".join(
        f"{x!r} {y!r}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
    )
    return AreaOfInterest.read(f"POLYGON (({ring}))", scheme, crs=_DEGREES)
