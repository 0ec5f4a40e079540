"""Extents as ArcGIS' tools take them, made into what the library takes: a rectangle in map units, or in degrees.

===========================  ======================================================================================
given                        what it means
===========================  ======================================================================================
``xmin ymin xmax ymax``      map units of the cache; a spatial reference may follow, as ArcGIS Pro writes it
an object with XMin, ...     likewise; with a spatialReference, in that one: the cache's, or WGS84 degrees
``MAXOF``                    all there is: no bound
``MINOF``                    what all caches of the call have in common
DISPLAY, a layer's name      an error: there is neither display nor map
===========================  ======================================================================================
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from tilepack.arcpy.messages import ExecuteError
from tilepack.arcpy.parameters import is_given

if TYPE_CHECKING:
    from tilepack.spatial import SpatialReference

Bounds = tuple[float, float, float, float]

_EDGES = ("XMin", "YMin", "XMax", "YMax")
_WGS84 = 4326


@dataclass(frozen=True, slots=True)
class Extent:
    """A rectangle, by ArcGIS' name for its edges: map units, or those of its spatial reference."""

    XMin: float
    YMin: float
    XMax: float
    YMax: float
    spatialReference: object = None


class GivenExtent(TypedDict, total=False):
    """What the library is asked for: at most one of the two."""

    extent: Bounds
    bbox: Bounds


def extent_options(name: str, value: object, source: Path, common: Path | None = None) -> GivenExtent:
    """Read an extent.

    Args:
        name: The parameter, for the message.
        value: What was given.
        source: The cache whose map units are meant.
        common: Another cache of the call, for MINOF.

    Raises:
        ExecuteError: It is no extent, or in a spatial reference that is not the cache's.
        TilepackError: A cache cannot be read.
    """
    if not is_given(value):
        return {}
    if not isinstance(value, str):
        return _of_object(name, value, source)
    text = value.strip()
    word = text.upper()
    if word in ("MAXOF", "DEFAULT"):
        return {}
    if word == "MINOF":
        return _declared(common)
    if word == "DISPLAY":
        raise ExecuteError(f"{name} is DISPLAY, and there is no display here; write it as xmin ymin xmax ymax")
    numbers, rest = _leading_numbers(text)
    if len(numbers) < 4 or any(number.lower() != "nan" for number in numbers[4:]):
        raise ExecuteError(
            f"{name} is {text[:100]!r}; write it as xmin ymin xmax ymax, or MAXOF or MINOF: there are no layers here"
        )
    return _placed(name, _bounds(name, numbers[:4]), rest, source)


def _leading_numbers(text: str) -> tuple[list[str], str]:
    """Part the numbers that a text begins with, NaN for z and m among them, from what stands behind them."""
    numbers: list[str] = []
    for found in re.finditer(r"[^\s,;]+", text):
        try:
            float(found[0])
        except ValueError:
            return numbers, text[found.start() :]
        numbers.append(found[0])
    return numbers, ""


def _of_object(name: str, value: object, source: Path) -> GivenExtent:
    edges = [getattr(value, edge, getattr(value, edge.lower(), None)) for edge in _EDGES]
    if isinstance(value, list | tuple) and len(value) == 4:
        edges = list(value)
    if any(edge is None for edge in edges):
        raise ExecuteError(
            f"{name} is {value!r}; it takes xmin ymin xmax ymax, or an object with XMin, YMin, XMax, YMax"
        )
    return _placed(name, _bounds(name, edges), getattr(value, "spatialReference", None), source)


def _bounds(name: str, numbers: list[Any]) -> Bounds:
    try:
        xmin, ymin, xmax, ymax = bounds = tuple(float(number) for number in numbers)
    except (TypeError, ValueError):
        raise ExecuteError(f"{name} holds something else than numbers; write it as xmin ymin xmax ymax") from None
    if not (all(map(math.isfinite, bounds)) and xmin < xmax and ymin < ymax):
        raise ExecuteError(f"{name} {' '.join(map(str, numbers))} has no surface; write it as xmin ymin xmax ymax")
    return xmin, ymin, xmax, ymax


def _placed(name: str, bounds: Bounds, reference: object, source: Path) -> GivenExtent:
    """Say in which coordinates a rectangle is."""
    said = _reference(reference)
    if said is None:
        return {"extent": bounds}
    from tilepack.stores.open import open_cache

    with open_cache(source) as reader:
        there = reader.info.scheme.spatial_reference
    if said.agrees_with(there):
        return {"extent": bounds}
    if _WGS84 in (said.wkid, said.latest_wkid) or "GCS_WGS_1984" in (said.wkt or "")[:30]:
        return {"bbox": bounds}
    raise ExecuteError(f"{name} is in {said}, the cache in {there}; write it in the cache's map units, or in degrees")


def _reference(given: object) -> SpatialReference | None:
    """Read what an extent says of its spatial reference: arcpy's object, a WKID, WKT, or nothing."""
    from tilepack.spatial import SpatialReference

    number = next((getattr(given, each) for each in ("factoryCode", "wkid") if getattr(given, each, 0)), given)
    text = str(number).strip() if isinstance(number, int | str) else ""
    if isinstance(given, dict):
        text = str(given.get("latestWkid") or given.get("wkid") or given.get("wkt") or "")
    text = text.upper().removeprefix("EPSG:") if text[:5].upper() == "EPSG:" else text
    if not text or text == "0":
        return None
    return SpatialReference(wkid=int(text)) if text.isdecimal() and len(text) < 10 else SpatialReference(wkt=text)


def _declared(common: Path | None) -> GivenExtent:
    """Give the extent that another cache declares, where it says one."""
    if common is None:
        return {}
    from tilepack.stores.open import open_cache

    with open_cache(common) as reader:
        extent = reader.info.extent
    return {} if extent is None else {"extent": extent.as_tuple()}
