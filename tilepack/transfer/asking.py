"""What is asked of an export or an import, as users write it, made into a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from tilepack.aoi_given import AreaLike, Bounds, read_bounds
from tilepack.cache import ItemDescription
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection
from tilepack.transfer.request import PixelOptions, TransferRequest


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
    bounds = read_bounds(scheme, area=options.get("area"), extent=options.get("extent"), bbox=options.get("bbox"))
    return TransferRequest(
        target=target,
        levels=LevelSelection.of(options.get("levels"), options.get("scales")),
        areas=bounds.areas,
        extent=bounds.extent,
        box=bounds.box,
        pixels=options.get("pixels", PixelOptions()),
        description=options.get("description"),
        thumbnail=options.get("thumbnail"),
    )
