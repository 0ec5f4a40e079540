"""Areas as people hand them over: vector files, WKT, GeoJSON. What comes out is polygons and where they are drawn.

GDAL reads the files, through pyogrio. Nothing is mended or joined here.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tilepack.areas import layers
from tilepack.errors import AreaOfInterestError, MetadataError
from tilepack.spatial import SpatialReference, to_crs

if TYPE_CHECKING:
    from pyproj import CRS

CrsLike = SpatialReference | str | int
"""A spatial reference, a WKID, or a text such as ``EPSG:2056`` or WKT."""

_WKT: Final = re.compile(
    r"\s*(?:SRID\s*=\s*(\d{1,9})\s*;\s*)?"
    r"((?:MULTI)?(?:POINT|LINESTRING|POLYGON|CURVE|SURFACE)|GEOMETRYCOLLECTION|CURVEPOLYGON|COMPOUNDCURVE|CIRCULARSTRING"
    r"|LINEARRING|TRIANGLE|TIN|POLYHEDRALSURFACE)\s*(?:Z|M|ZM)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)

_GEOJSON_TYPES: Final = (
    "FeatureCollection",
    "Feature",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadArea:
    """Polygons of one layer or text."""

    place: str
    """Where they came from, for messages."""
    polygons: npt.NDArray[np.object_]
    """shapely polygons and multipolygons, one for each row that has any; valid or not, every coordinate finite."""
    crs: CRS
    levels: npt.NDArray[np.int64] | None = None
    """Their LevelID each, where that was asked for."""
    warnings: list[str] = field(default_factory=list)


def read_area(
    area: str | Path | Mapping[str, Any],
    *,
    layer: str | None = None,
    where: str | None = None,
    crs: CrsLike | None = None,
    by_level: bool | None = False,
) -> ReadArea:
    """Read an area.

    Args:
        area: Path of a vector file, or of a layer in one (``x.gdb/[dataset/]layer``); or WKT (``SRID=n;`` may precede
            it); or GeoJSON, as text or parsed.
        layer: Layer of a file that has several.
        where: Attribute filter, in SQL.
        crs: Spatial reference, which then counts for more than the file's own.
        by_level: Read the LevelID column too; None: if there is one.

    Raises:
        AreaOfInterestError: It cannot be read, holds no polygon or anything else than polygons, or has no spatial
            reference.
    """
    override = None if crs is None else read_crs(crs)
    if isinstance(area, Mapping):
        try:
            text = json.dumps(dict(area))
        except (TypeError, ValueError, RecursionError) as error:
            raise AreaOfInterestError(f"the area is no GeoJSON: {error}") from None
        return _read_geojson(text, where, override, by_level=by_level)
    if isinstance(area, str):
        if area.lstrip().startswith("{"):
            return _read_geojson(area, where, override, by_level=by_level)
        if match := _WKT.match(area):
            if layer or where or by_level:
                raise AreaOfInterestError(
                    "an area given as WKT has no layers, attributes or levels; leave those options out"
                )
            if override is None and match[1]:
                override = read_crs(int(match[1]))
            return _read_wkt(area[match.start(2) :], override)
    path, inner = _find_file(area)
    return _read_gdal(path, str(area), layer or inner, where, override, by_level=by_level)


def read_crs(crs: CrsLike) -> CRS:
    """Read a spatial reference as people name it.

    Raises:
        AreaOfInterestError: It names none.
    """
    from pyproj import CRS  # noqa: PLC0415  takes 100 ms
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    try:
        if isinstance(crs, SpatialReference):
            return to_crs(crs)
        text = str(crs).strip()
        if text.isdecimal() and len(text) < 10:
            return to_crs(SpatialReference(wkid=int(text)))
        return CRS.from_user_input(text)
    except (MetadataError, CRSError, ValueError):
        raise AreaOfInterestError(
            f"{str(crs)[:200]!r} names no known spatial reference; write it as EPSG:2056, 102100 or WKT"
        ) from None


def _read_wkt(text: str, crs: CRS | None) -> ReadArea:
    import shapely  # noqa: PLC0415  takes 80 ms

    notes: list[str] = []
    try:
        geometries = _parsed(shapely.from_wkt, np.array([text], dtype=object), "the WKT text", notes)
    except (shapely.errors.ShapelyError, NotImplementedError, ValueError) as error:
        raise AreaOfInterestError(f"the area cannot be read as WKT: {error}") from None
    return _checked("the WKT text", geometries, crs, notes)


def _parsed(
    parse: Callable[..., Any], data: npt.NDArray[np.object_], place: str, notes: list[str]
) -> npt.NDArray[np.object_]:
    """Parse WKT or WKB; rings that are not closed are, with a note."""
    import shapely  # noqa: PLC0415  takes 80 ms

    # Numbers too large for a float are refused later, where there is a sentence for them.
    with np.errstate(all="ignore"):
        try:
            return np.asarray(parse(data), dtype=object)
        except shapely.errors.GEOSException:
            fixed = np.asarray(parse(data, on_invalid="fix"), dtype=object)
            if (shapely.is_missing(fixed) & (data != None)).any():  # noqa: E711  element by element
                raise
    notes.append(f"{place}: rings that were not closed have been closed")
    return fixed


def _read_geojson(text: str, where: str | None, crs: CRS | None, *, by_level: bool | None) -> ReadArea:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AreaOfInterestError(f"the area cannot be read as GeoJSON: {error}") from None
    # GDAL knows other kinds of JSON too, some of which name files and addresses to go to.
    if not isinstance(document, dict) or document.get("type") not in _GEOJSON_TYPES:
        raise AreaOfInterestError(
            "the area cannot be read as GeoJSON: it has no type, or one that GeoJSON does not have"
        )
    return _read_gdal(text.encode(errors="replace"), "the GeoJSON text", None, where, crs, by_level=by_level)


def is_area_text(area: str) -> bool:
    """Tell whether a text is an area itself, WKT or GeoJSON, and no path of one."""
    return area.lstrip().startswith("{") or bool(_WKT.match(area))


def area_file(area: str) -> Path:
    """Give the file that an area lies in: ``x.gdb`` of ``x.gdb/layer``.

    Raises:
        AreaOfInterestError: There is no such file.
    """
    return Path(_find_file(area)[0])


def _find_file(area: str | Path) -> tuple[str, str | None]:
    """Give the path that exists, and the layer that the rest of a path names."""
    text = str(area)
    if text.startswith("/vsi"):
        return text, None
    path = Path(text)
    try:
        found = path if path.exists() else None
        for parent in path.parents[:2]:
            if found is None and parent.suffix.lower() in (".gdb", ".gpkg", ".sqlite") and parent.exists():
                found = parent
        is_ready = found is None or waits_for_nobody(found)
    except (OSError, ValueError):
        found, is_ready = None, True
    if not is_ready:
        raise AreaOfInterestError(f"{text}: is or holds a pipe or a device; write the area into a plain file")
    if found is not None:
        # A feature dataset between the two groups layers; their names are unique without it.
        return str(found), None if found == path else path.name
    said = text[:200] if text[:200].isprintable() else ascii(text[:200])
    raise AreaOfInterestError(f"{said}: there is no such file, and it is neither WKT nor GeoJSON")


def waits_for_nobody(path: Path) -> bool:
    """Tell whether a file, or the folder of a geodatabase, can be opened at once: GDAL waits for a pipe's writer.

    Raises:
        OSError: The folder cannot be listed.
    """
    places = path.iterdir() if path.is_dir() else (path,)
    return all(place.is_file() or place.is_dir() for place in places)


def _read_gdal(
    source: str | bytes,
    place: str,
    layer: str | int | None,
    where: str | None,
    crs: CRS | None,
    *,
    by_level: bool | None,
) -> ReadArea:
    import shapely  # noqa: PLC0415  takes 80 ms
    from pyogrio import raw, read_info  # type: ignore[import-untyped]  # noqa: PLC0415  loads GDAL

    notes: list[str] = []
    fields: list[str] = []
    rows = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if layer is None:
                layer = layers.only_layer(source, place) if isinstance(source, str) else 0
            columns: list[str] = []
            levelled = False
            if by_level is not False or where:
                known = read_info(source, layer=layer)
                fields, rows = [str(name) for name in known["fields"]], int(known["features"])
            if by_level is not False:
                columns = [name for name in fields if name.lower() == layers.LEVEL_COLUMN][:1]
                levelled = bool(columns)
                if by_level and not columns:
                    raise AreaOfInterestError(
                        f"{place}: there is no LevelID column; the columns are {layers.named(fields)}"
                    )
            if where:  # of columns that are not read, GDAL's filter sees nothing but nulls
                columns += [name for name in fields if name.lower() in where.lower() and name not in columns]
            meta, _, data, values = raw.read(source, layer=layer, where=where, columns=columns, force_2d=True)
            geometries = _parsed(shapely.from_wkb, np.asarray(data, dtype=object).reshape(-1), place, notes)
        # pyogrio's own errors are RuntimeErrors, a wrong where clause a ValueError; shapely's come from broken WKB.
        except (RuntimeError, ValueError, NotImplementedError, OSError, shapely.errors.ShapelyError) as error:
            if isinstance(error, AreaOfInterestError):
                raise
            raise layers.explained_failure(error, source, place, layer=layer, where=where, columns=fields) from None
    if where and not len(data):
        among = f"its {rows} rows" if rows >= 0 else "its rows"  # some formats do not tell their number beforehand
        raise AreaOfInterestError(
            f"{place}: the attribute filter {where!r} is true of none of {among}; mend it, or leave it out; the "
            f"columns are {layers.named(fields)}"
        )
    notes += [f"{place}: {str(warning.message)[:300]}" for warning in caught]
    if crs is None and meta["crs"]:
        crs = read_crs(str(meta["crs"]))
    levels = layers.level_ids(values[list(meta["fields"]).index(columns[0])], place) if levelled else None
    return _checked(place, geometries, crs, notes, levels)


def _checked(
    place: str,
    geometries: npt.NDArray[np.object_],
    crs: CRS | None,
    notes: list[str],
    levels: npt.NDArray[np.int64] | None = None,
) -> ReadArea:
    """Refuse what is no area; empty rows are left out."""
    import shapely  # noqa: PLC0415  takes 80 ms

    filled = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    geometries, levels = geometries[filled], levels[filled] if levels is not None else None
    if not geometries.size:
        raise AreaOfInterestError(f"{place}: there is no polygon in it; give one that holds the area")
    parts, rows = shapely.get_parts(geometries, return_index=True)
    while np.isin(shapely.get_type_id(parts), (4, 5, 6, 7)).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        rows = rows[inner]
    wrong = np.flatnonzero(shapely.get_type_id(parts) != shapely.GeometryType.POLYGON)
    if wrong.size:
        kind = parts[wrong[0]].geom_type
        raise AreaOfInterestError(
            f"{place}: feature {rows[wrong[0]] + 1} holds a {kind}; an area of interest is made of polygons only"
        )
    coordinates = shapely.get_coordinates(parts)
    if not (np.abs(coordinates) <= 1e12).all():
        worst = coordinates[~(np.abs(coordinates) <= 1e12).all(axis=1)][0]
        raise AreaOfInterestError(
            f"{place}: there is a vertex at {worst[0]:.10g}, {worst[1]:.10g}; coordinates are numbers up to 1e12"
        )
    if crs is None:
        raise AreaOfInterestError(
            f"{place}: it names no spatial reference; say which one its coordinates are in, as EPSG:2056 (--aoi-crs)"
        )
    kept, first = np.unique(rows, return_index=True)
    polygons = np.empty(len(kept), dtype=object)
    for row, group in enumerate(np.split(parts, first[1:])):
        polygons[row] = group[0] if len(group) == 1 else shapely.MultiPolygon(list(group))
    return ReadArea(
        place=place,
        polygons=polygons,
        crs=crs,
        levels=levels[kept] if levels is not None else None,
        warnings=notes,
    )
