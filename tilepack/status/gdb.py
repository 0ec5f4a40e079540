"""Writing a status report as a file geodatabase or a GeoPackage, by GDAL's OpenFileGDB and GPKG drivers.

Both hold the polygons ``TaskStatus``, in the cache's spatial reference, the table ``LevelStatus``, and a small table
``TilepackStatus``, which says whose schema that is: by it our own geodatabases are told from ArcGIS'.

In a geodatabase whole numbers of 64 bits are written as doubles, exact up to 2**53: fields of 64 bits are read by
ArcGIS Pro from 3.2 on only, and by few other programs. Its times have whole seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tilepack._version import __version__
from tilepack.areas.reading import waits_for_nobody
from tilepack.disk.files import explained
from tilepack.errors import MetadataError, TransferError
from tilepack.spatial import SpatialReference, to_crs
from tilepack.status.columns import (
    LEVEL_STATUS,
    SCHEMA_VERSION,
    TASK_STATUS,
    Column,
    bundle_columns,
    level_columns,
)
from tilepack.status.report import StatusReport

MARKER: Final = "TilepackStatus"
"""Table that says that a geodatabase is tilepack's own."""

GEODATABASE: Final = "OpenFileGDB"
GEOPACKAGE: Final = "GPKG"

_UTC: Final = 100
"""GDAL's number for times in UTC."""

_Shapes = tuple[NDArray[np.object_], str | None]
"""Polygons as well-known binary, and their spatial reference."""

_POLYGON: Final = np.dtype(
    [("order", "u1"), ("kind", "<u4"), ("rings", "<u4"), ("points", "<u4"), ("xy", "<f8", (5, 2))]
)
"""A rectangle as well-known binary: little endian, a polygon of one ring of five points."""


def write_geodatabase(report: StatusReport, path: Path, driver: str) -> None:
    """Write a report into a new geodatabase.

    Args:
        report: The report, with rows of bundles.
        path: What to make; its suffix is what GDAL expects of the driver.
        driver: ``OpenFileGDB`` or ``GPKG``.

    Raises:
        TransferError: It cannot be written; what was written of it is left behind.
    """
    scheme = report.info.scheme
    rows = report.bundles
    if rows is None:
        raise ValueError("a report without rows of bundles cannot be written")
    marker = [
        Column("Application", np.array(["tilepack"], dtype=object)),
        Column("ApplicationVersion", np.array([__version__], dtype=object)),
        Column("SchemaVersion", np.array([SCHEMA_VERSION], np.int32)),
        Column("CacheName", np.array([report.info.name], dtype=object)),
    ]
    shapes = _polygons(rows.extents(scheme)), _crs_text(scheme.spatial_reference)
    _write(path, driver, TASK_STATUS, bundle_columns(rows, scheme), shapes=shapes)
    _write(path, driver, LEVEL_STATUS, level_columns(report.levels))
    _write(path, driver, MARKER, marker)
    _check(path, {TASK_STATUS: len(rows), LEVEL_STATUS: len(report.levels), MARKER: 1})


def is_ours(path: Path) -> bool:
    """Tell whether a geodatabase was written by tilepack; what cannot be read was not."""
    from pyogrio import list_layers  # type: ignore[import-untyped]  # noqa: PLC0415  loads GDAL

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL's remarks on strangers' files are no matter here
        try:
            return waits_for_nobody(path) and any(str(name) == MARKER for name, _ in list_layers(path))
        except (RuntimeError, ValueError, OSError):  # pyogrio's own errors are RuntimeErrors
            return False


def _polygons(extents: NDArray[np.float64]) -> NDArray[np.object_]:
    """Give rectangles (n, 4) as well-known binary."""
    xmin, ymin, xmax, ymax = extents.T
    records = np.zeros(len(extents), _POLYGON)
    records["order"], records["kind"], records["rings"], records["points"] = 1, 3, 1, 5
    records["xy"][:, :, 0] = np.stack((xmin, xmin, xmax, xmax, xmin), axis=1)
    records["xy"][:, :, 1] = np.stack((ymin, ymax, ymax, ymin, ymin), axis=1)
    data, size = records.tobytes(), _POLYGON.itemsize
    polygons = np.empty(len(extents), dtype=object)
    polygons[:] = [data[start : start + size] for start in range(0, len(data), size)]
    return polygons


def _crs_text(reference: SpatialReference) -> str | None:
    """Give a spatial reference for GDAL; None for one that nobody can read."""
    try:
        crs = to_crs(reference)
    except MetadataError:
        return None
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.to_wkt())


def _write(path: Path, driver: str, layer: str, columns: Sequence[Column], *, shapes: _Shapes | None = None) -> None:
    """Add a layer to a geodatabase, which the first one makes; one without shapes is a table."""
    from pyogrio import raw  # noqa: PLC0415  loads GDAL

    with warnings.catch_warnings(), explained("write the status", path):
        warnings.simplefilter("ignore")  # that a layer has no spatial reference is known, and said in the report
        try:
            raw.write(
                path,
                geometry=None if shapes is None else shapes[0],
                field_data=[_values(column, driver) for column in columns],
                fields=[column.name for column in columns],
                field_mask=[column.missing for column in columns],
                layer=layer,
                driver=driver,
                geometry_type=None if shapes is None else "MultiPolygon",
                promote_to_multi=None if shapes is None else True,
                crs=None if shapes is None else shapes[1],
                gdal_tz_offsets={
                    column.name: np.full(column.values.size, _UTC)
                    for column in columns
                    if column.values.dtype.kind == "M"
                },
            )
        except (RuntimeError, ValueError) as error:  # pyogrio's own errors are RuntimeErrors
            raise TransferError(
                f"{path}: cannot write {layer}: {error}; see that there is room on the disk, or choose another format"
            ) from error


def _values(column: Column, driver: str) -> NDArray[Any]:
    """Give a column's values as a driver takes them."""
    values = column.values
    if values.dtype.kind == "M":
        return values.astype("datetime64[ms]")
    if values.dtype == object:
        return np.array([str(value) for value in values], dtype=object)
    return values.astype(np.float64) if values.dtype == np.int64 and driver == GEODATABASE else values


def _check(path: Path, counts: dict[str, int]) -> None:
    """Read back how many rows there are: on a full disk GDAL does not always complain.

    Raises:
        TransferError: There are others than were written.
    """
    from pyogrio import read_info  # noqa: PLC0415  loads GDAL

    for layer, count in counts.items():
        try:
            found = int(read_info(path, layer=layer, force_feature_count=True)["features"])
        except (RuntimeError, ValueError) as error:
            raise TransferError(f"{path}: {layer} cannot be read back: {error}; make room on the disk") from error
        if found != count:
            raise TransferError(f"{path}: {layer} holds {found:,} of {count:,} rows; make room on the disk")
