"""Areas of interest and rectangles as people give them, and how they become a cache's own.

All operations that choose by area take the same: one area, or several for ranges of levels; or a rectangle in map
units, or one in degrees. An area wins over a rectangle. An area whose rows carry a LevelID, such as a status report's,
bounds each level by its own rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_levels import AreasByLevel, LevelRanges, RangedArea, gather_area, split_levels, split_scales
from tilepack.areas.reading import CrsLike
from tilepack.errors import AreaOfInterestError
from tilepack.extent import Extent
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection

_DEGREES: Final = "EPSG:4326"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area of interest as it is given, before it is read."""

    source: str | Path | Mapping[str, Any]
    """Path of a vector file, or of a layer in one (``x.gdb/layer``); WKT; or GeoJSON, as text or parsed. A text may
    begin with the LevelIDs it is for, ``0-8,10=country.gpkg``, or with scales, ``1:500000,1:250000=country.gpkg``. An
    area without is for all that no other names; but one whose rows have a LevelID column bounds each level by its
    own rows."""
    layer: str | None = None
    """Layer of a file that has several."""
    where: str | None = None
    """Attribute filter, in SQL."""
    crs: CrsLike | None = None
    """Spatial reference of the coordinates; needed where the source names none."""
    scales: Sequence[float] | None = None
    """Scale denominators of the levels that it is for, instead of what the source may begin with."""

    def split(self) -> tuple[LevelRanges | None, str | Path | Mapping[str, Any]]:
        """Part the levels that the area is for from what it is; None for all others, and where scales name them.

        Raises:
            AreaOfInterestError: What stands before the ``=`` means no levels or scales.
        """
        if self.scales is not None or not isinstance(self.source, str):
            return None, self.source
        scales, source = split_scales(self.source)
        return split_levels(source) if scales is None else (None, source)

    def named_scales(self) -> tuple[float, ...] | None:
        """Give the scales of the levels that the area is for; None where no scale names them.

        Raises:
            AreaOfInterestError: What stands before the ``=`` means no scales.
        """
        if self.scales is not None:
            return tuple(self.scales)
        return split_scales(self.source)[0] if isinstance(self.source, str) else None


_Plain = str | Path | Mapping[str, Any] | Area

AreaLike = _Plain | tuple[float | Sequence[float], _Plain]
"""An area; or scale denominators, and the area for the levels that have them."""

Bounds = tuple[float, float, float, float]
"""xmin, ymin, xmax, ymax in map units; or west, south, east, north in degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBounds:
    """What bounds an operation, in a cache's spatial reference; at most one of the three is to be heeded."""

    areas: AreasByLevel | None
    """Areas of interest; they win over the others."""
    extent: Extent | None
    """A rectangle in map units."""
    box: AreaOfInterest | None
    """A rectangle in degrees, brought to map units."""


def read_bounds(
    scheme: TilingScheme,
    *,
    area: AreaLike | Sequence[AreaLike] | None = None,
    extent: Bounds | None = None,
    bbox: Bounds | None = None,
) -> GivenBounds:
    """Read what an operation is bounded by into a cache's spatial reference.

    Args:
        scheme: The cache's.
        area: An area of interest, or several for ranges of levels.
        extent: xmin, ymin, xmax, ymax in map units.
        bbox: West, south, east, north in WGS84 degrees; west beyond east crosses the antimeridian.

    Raises:
        AreaOfInterestError: One cannot be read or reprojected, or both rectangles are given.
        MetadataError: The cache's spatial reference means nothing.
    """
    if extent is not None and bbox is not None:
        raise AreaOfInterestError("extent and bbox were both given; choose by one of them")
    areas = None if area is None else read_areas(area, scheme)
    if areas is not None and (extent or bbox):
        areas.warnings.append("area of interest and extent were both given; the area counts")
    return GivenBounds(
        areas=areas,
        extent=None if extent is None else read_extent(extent),
        box=None if bbox is None else read_box(bbox, scheme),
    )


def read_areas(area: AreaLike | Sequence[AreaLike], scheme: TilingScheme) -> AreasByLevel:
    """Read one area of interest, or several for ranges of levels, into a cache's spatial reference.

    Raises:
        AreaOfInterestError: An area cannot be read or reprojected, or its LevelID column is not filled in every row.
        TilingSchemeError: A scale that an area is for matches no level, or is none.
    """
    read: list[RangedArea] = []
    own = True
    for asked in list_areas(area):
        ranges, source = asked.split()
        scales = asked.named_scales()
        if scales is not None:
            levels = sorted({scheme.level_at_scale(scale).level for scale in scales})
            ranges = tuple((level, level) for level in levels)
        gathered = gather_area(source, scheme, layer=asked.layer, where=asked.where, crs=asked.crs, ranges=ranges)
        own &= gathered.has_levels or scales is not None
        read += gathered.areas
    return AreasByLevel(read, names_levels=own)


def list_areas(area: AreaLike | Sequence[AreaLike]) -> list[Area]:
    """Give the areas, one or several, in the one form that says everything.

    Raises:
        TilingSchemeError: A scale that an area is for is none.
    """
    if isinstance(area, str | Path | Mapping | Area) or _is_scaled(area):
        return [_as_area(area)]
    return [_as_area(each) for each in area]


def _is_scaled(given: object) -> TypeGuard[tuple[float | Sequence[float], _Plain]]:
    """Tell whether something is scales with the area for them, rather than areas one after another."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        return False
    scales = given[0] if isinstance(given[0], tuple | list) else [given[0]]
    return bool(scales) and all(isinstance(scale, int | float) for scale in scales)


def _as_area(given: Any) -> Area:
    if not _is_scaled(given):
        return given if isinstance(given, Area) else Area(source=given)
    scales, what = given
    named = LevelSelection.of(scales=[scales] if isinstance(scales, int | float) else scales).scales
    return replace(what, scales=named) if isinstance(what, Area) else Area(source=what, scales=named)


def read_extent(bounds: Bounds) -> Extent:
    """Read a rectangle in map units.

    Raises:
        AreaOfInterestError: The numbers are none of a rectangle.
    """
    xmin, ymin, xmax, ymax = bounds
    try:
        return Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    except ValueError as error:
        raise AreaOfInterestError(f"{error}; write an extent as xmin, ymin, xmax, ymax") from error


def read_box(bounds: Bounds, scheme: TilingScheme) -> AreaOfInterest:
    """Read a rectangle in degrees; one that crosses the antimeridian goes on beyond 180.

    Raises:
        AreaOfInterestError: The numbers are none of a rectangle, or it cannot be reprojected.
    """
    require_box(bounds)
    west, south, east, north = bounds
    east += 360 if east < west else 0
    ring = ", ".join(
        f"{x!r} {y!r}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
    )
    return AreaOfInterest.read(f"POLYGON (({ring}))", scheme, crs=_DEGREES)


def require_box(bounds: Bounds) -> None:
    """Require a rectangle in degrees.

    Raises:
        AreaOfInterestError: The numbers are none of one.
    """
    west, south, east, north = bounds
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east):
        raise AreaOfInterestError(
            f"{west}, {south}, {east}, {north} is no rectangle in degrees; write it as west, south, east, north"
        )
