"""Esri's own JSON for features, as FeatureSets and REST services give it, made into GeoJSON for the library.

::

    {"features": [{"geometry": {"rings": [[[x, y], ...], ...]}, "attributes": {...}}, ...],
     "spatialReference": {"wkid": 102100, "latestWkid": 3857}}

Rings that run clockwise are outer ones, all others are holes; the spatial reference stands beside the features or in
each geometry. A geometry by itself is taken too. Source: the ArcGIS REST reference, geometry objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilepack.errors import AreaOfInterestError

if TYPE_CHECKING:
    from tilepack.aoi_given import Area

Ring = Sequence[Sequence[float]]


def is_feature_set(document: Mapping[str, Any]) -> bool:
    """Tell whether a JSON document is Esri's, rather than GeoJSON, which always has a type."""
    return "type" not in document and bool({"features", "rings", "curveRings", "geometry"} & document.keys())


def area_of_features(document: Mapping[str, Any]) -> Area:
    """Make an area of interest of a feature set, a feature or a geometry.

    Raises:
        AreaOfInterestError: It holds something else than polygons, says no spatial reference, or is malformed.
    """
    from tilepack.aoi_given import Area
    from tilepack.spatial import SpatialReference

    try:
        features = document.get("features", [document])
        found = [_feature(feature) for feature in features]
        said = [document.get("spatialReference"), *(_geometry(each).get("spatialReference") for each in features)]
    except AreaOfInterestError:  # is a ValueError too
        raise
    except (AttributeError, TypeError, ValueError, KeyError, IndexError):
        raise AreaOfInterestError("the feature set cannot be read: it is not what ArcGIS writes") from None
    reference = next((each for each in said if each), None)
    if not isinstance(reference, Mapping) or not reference.keys() & {"wkid", "latestWkid", "wkt"}:
        raise AreaOfInterestError("the feature set names no spatialReference; write one with a wkid into it")
    numbers = [reference.get(name) for name in ("wkid", "latestWkid")]
    wkid, latest = (number if isinstance(number, int) else None for number in numbers)
    crs = SpatialReference(wkid=wkid, latest_wkid=latest, wkt=str(reference.get("wkt") or ""))
    return Area(source={"type": "FeatureCollection", "features": found}, crs=crs)


def _geometry(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    geometry: Mapping[str, Any] = feature.get("geometry") or feature
    return geometry


def _feature(feature: Mapping[str, Any]) -> dict[str, Any]:
    geometry = _geometry(feature)
    if "rings" not in geometry:
        raise AreaOfInterestError("the feature set holds something else than polygons of straight edges; give rings")
    rings = [[[float(x), float(y)] for x, y, *_ in ring] for ring in geometry["rings"]]
    outer = [ring for ring in rings if _signed_area(ring) <= 0]
    holes = [ring for ring in rings if _signed_area(ring) > 0]
    if not outer:  # all run the other way round
        outer, holes = holes, []
    polygons = [[ring] for ring in outer]
    for hole in holes:
        around = [polygon for polygon in polygons if _holds(polygon[0], hole[0])]
        smallest = min(around, key=lambda polygon: abs(_signed_area(polygon[0])), default=None)
        if smallest is None:
            polygons.append([hole])  # a hole in nothing is an outer ring that runs the wrong way
        else:
            smallest.append(hole)
    return {
        "type": "Feature",
        "properties": dict(feature.get("attributes") or {}),
        "geometry": {"type": "MultiPolygon", "coordinates": polygons},
    }


def _signed_area(ring: Ring) -> float:
    """Give twice a ring's area, below 0 where it runs clockwise (y grows upwards)."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))


def _holds(ring: Ring, point: Sequence[float]) -> bool:
    """Tell whether a point lies in a ring, by the edges that a ray from it to the right crosses."""
    x, y = point[0], point[1]
    inside = False
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]):
            inside = not inside
    return inside
