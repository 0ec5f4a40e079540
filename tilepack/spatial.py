"""Spatial references: how caches name them, when two agree, and the way to degrees.

A cache names its spatial reference by a WKID (Esri's or EPSG's number), a latest WKID, a WKT text, or any of the three.
pyproj reads what a number or text means; it is imported only where that is needed, for it takes its time to start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tilepack.errors import MetadataError
from tilepack.extent import Extent

if TYPE_CHECKING:
    from pyproj import CRS

WEB_MERCATOR_WKIDS: Final = frozenset({3857, 102100, 102113, 3785, 900913})
"""Numbers under which web mercator has gone over the years; all are the same grid."""

_SURE = 70
"""Confidence, in PROJ's percent, from which a text is taken to be the numbered coordinate system most like it: the
names may differ, projection, parameters and datum may not."""

LARGEST_EPSG_WKID: Final = 32767
"""Numbers up to here are EPSG's, larger ones Esri's own (the rule that GDAL's ESRIC driver follows too)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatePrecision:
    """The integer grid on which a geodatabase stores coordinates. tilepack only carries it along."""

    x_origin: float
    """False x, map units."""
    y_origin: float
    """False y, map units."""
    xy_scale: float
    """Steps in one map unit."""
    z_origin: float = -100000.0
    """False z, units of height."""
    z_scale: float = 10000.0
    """Steps in one of them."""
    m_origin: float = -100000.0
    """False m, whatever measures are in."""
    m_scale: float = 10000.0
    """Steps in one of those."""
    xy_tolerance: float = 0.001
    """Map units."""
    z_tolerance: float = 0.001
    """Units of height."""
    m_tolerance: float = 0.001
    """Units of measures."""
    high_precision: bool = True
    """Whether the grid has 53 bits, as all since ArcGIS 9.2, and not 31."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpatialReference:
    """A coordinate system as a cache names it: by number, by text, or both."""

    wkid: int | None = None
    """Esri's or EPSG's number, as first given."""
    latest_wkid: int | None = None
    """The number that superseded it."""
    wkt: str | None = None
    """Esri's well-known text."""
    precision: CoordinatePrecision | None = None
    """The storage grid that the document names, if any."""
    left_longitude: float | None = None
    """Geographic coordinate systems may say where their 360 degrees begin."""

    def __str__(self) -> str:
        numbers = [str(number) for number in (self.latest_wkid, self.wkid) if number is not None]
        if numbers:
            return "WKID " + " / ".join(dict.fromkeys(numbers))
        if self.wkt:
            name = self.wkt.split('"')
            return name[1] if len(name) > 1 else "unnamed WKT"
        return "unknown"

    @property
    def is_known(self) -> bool:
        """Whether there is anything that says which coordinate system this is."""
        return self.wkid is not None or self.latest_wkid is not None or bool(self.wkt)

    @property
    def is_web_mercator(self) -> bool:
        """Whether one of the numbers, or the text where there is none, is web mercator's."""
        numbers = {self.wkid, self.latest_wkid} - {None}
        if numbers:
            return bool(numbers & WEB_MERCATOR_WKIDS)
        return bool(self.wkt) and "Mercator_Auxiliary_Sphere" in str(self.wkt)

    def agrees_with(self, other: SpatialReference) -> bool:
        """Tell whether two spatial references mean the same coordinates.

        By latest WKID, then by WKID, else by projection, parameters and datum; never by text. Storage grids do not
        matter.

        Raises:
            MetadataError: Only a comparison of texts could tell, and one cannot be read.
        """
        mine, theirs = _canonical_numbers(self), _canonical_numbers(other)
        if mine & theirs:
            return True
        if self.wkt and self.wkt == other.wkt:
            return True
        if not (self.is_known and other.is_known):
            return self.is_known == other.is_known
        here, there = to_crs(self), to_crs(other)
        if here.equals(there, ignore_axis_order=True):
            return True
        # Esri's texts have names of their own; what they are the same as, PROJ's tables know.
        named = here.to_authority(min_confidence=_SURE)
        return named is not None and named == there.to_authority(min_confidence=_SURE)


def _canonical_numbers(reference: SpatialReference) -> set[int]:
    if reference.is_web_mercator:
        return {3857}
    return {number for number in (reference.latest_wkid, reference.wkid) if number is not None}


def to_crs(reference: SpatialReference) -> CRS:
    """Give pyproj's view of a spatial reference: the latest WKID first, then the WKID, then the WKT.

    Raises:
        MetadataError: Nothing in it can be read as a coordinate system.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    attempts: list[str] = []
    for number in (reference.latest_wkid, reference.wkid):
        if number is not None:
            known = 3857 if number in WEB_MERCATOR_WKIDS else number
            attempts.append(f"{'EPSG' if known <= LARGEST_EPSG_WKID else 'ESRI'}:{known}")
    if reference.wkt:
        attempts.append(reference.wkt)
    for attempt in attempts:
        try:
            return CRS.from_wkt(attempt) if attempt is reference.wkt else CRS.from_user_input(attempt)
        except CRSError:
            continue
    raise MetadataError(
        f"spatial reference {reference} cannot be read as a coordinate system; give it a WKID or a WKT that is known"
    )


@lru_cache(maxsize=32)
def complete(reference: SpatialReference) -> SpatialReference:
    """Fill in what a document needs and the source did not name: a WKT for a number, a number for a WKT.

    What cannot be found out stays as it is. Searching the catalogue for an unknown WKT takes a fifth of a second, and
    each document of a package asks: answers are kept.
    """
    from pyproj.exceptions import CRSError

    if reference.wkt and reference.wkid is not None:
        return reference
    try:
        crs = to_crs(reference)
    except MetadataError:
        return reference
    wkid, latest, wkt = reference.wkid, reference.latest_wkid, reference.wkt
    if wkid is None:
        wkid = latest
    if wkid is None:
        authority = crs.to_authority(min_confidence=_SURE)
        if authority and authority[1].isdigit():
            wkid = latest = int(authority[1])
    if not wkt:
        try:
            wkt = crs.to_wkt("WKT1_ESRI")
        except CRSError:
            wkt = None
    return SpatialReference(
        wkid=wkid,
        latest_wkid=latest,
        wkt=wkt,
        precision=reference.precision,
        left_longitude=reference.left_longitude,
    )


def is_geographic(reference: SpatialReference) -> bool:
    """Tell whether coordinates are angles (degrees) and not lengths; unknown ones count as lengths."""
    if reference.is_web_mercator:
        return False
    if reference.wkt:
        return reference.wkt.lstrip().upper().startswith(("GEOGCS", "GEOGCRS"))
    try:
        return bool(to_crs(reference).is_geographic)
    except MetadataError:
        return False


def metres_per_unit(reference: SpatialReference) -> float:
    """Give the metres in one map unit; of a degree, those along the equator of its ellipsoid.

    Raises:
        MetadataError: Nothing in it can be read as a coordinate system of lengths or angles.
    """
    crs = to_crs(reference)
    if not crs.axis_info or crs.ellipsoid is None:
        raise MetadataError(f"spatial reference {reference} has no map units; give one for maps")
    factor = float(crs.axis_info[0].unit_conversion_factor)  # to metres, or to radians
    return factor * float(crs.ellipsoid.semi_major_metre) if crs.is_geographic else factor


def to_degrees(extent: Extent, reference: SpatialReference) -> Extent | None:
    """Give the WGS84 longitudes and latitudes that an extent covers, edges densified.

    Returns:
        The extent in degrees within +-180 and +-90, or None where it cannot be expressed.
    """
    import math

    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        crs = to_crs(reference)
        transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        west, south, east, north = transformer.transform_bounds(*extent.as_tuple(), densify_pts=21)
    except (MetadataError, ProjError):
        return None
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        return None
    if west > east:  # across the antimeridian: a plain rectangle can only hold both sides
        west, east = -180.0, 180.0
    if south > north:
        return None
    # Both ends are held on both sides: what lies wholly beyond, by rounding or by nonsense, becomes the edge.
    west, east = (min(180.0, max(-180.0, longitude)) for longitude in (west, east))
    south, north = (min(90.0, max(-90.0, latitude)) for latitude in (south, north))
    return Extent(xmin=west, ymin=south, xmax=east, ymax=north)
