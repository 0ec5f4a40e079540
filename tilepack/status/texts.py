"""Writing a status report as GeoJSON or as CSV.

GeoJSON is written in the cache's spatial reference, which its ``crs`` member names (GeoJSON of 2008, which GDAL, QGIS
and tilepack's own areas of interest read): in degrees, as RFC 7946 would have it, the edges of bundles would no longer
be theirs, and the report could not be the area of the next job. In WGS84 it is as RFC 7946 asks, and has no ``crs``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tilepack.disk.files import explained
from tilepack.errors import MetadataError, UnsupportedError
from tilepack.spatial import SpatialReference, to_crs
from tilepack.status.columns import LEVEL_STATUS, TASK_STATUS, Column, bundle_columns, level_columns, rows_of
from tilepack.status.report import StatusReport


def write_geojson(report: StatusReport, path: Path) -> None:
    """Write a report as one collection of features, with the levels in a member ``LevelStatus`` of its own.

    Raises:
        UnsupportedError: The cache's spatial reference has no number by which GeoJSON could name it.
        TransferError: It cannot be written.
    """
    head: dict[str, Any] = {"type": "FeatureCollection", "name": TASK_STATUS}
    head |= _crs_member(report.info.scheme.spatial_reference, report.place)
    head[LEVEL_STATUS] = list(rows_of(level_columns(report.levels)))
    columns = _bundle_columns(report)
    extents = [] if report.bundles is None else report.bundles.extents(report.info.scheme).tolist()
    with explained("write the status", path), path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [')
        before = "\n"
        for values, (xmin, ymin, xmax, ymax) in zip(rows_of(columns), extents, strict=True):
            ring = [[xmin, ymin], [xmax, ymin], [xmax, ymax], [xmin, ymax], [xmin, ymin]]
            feature = {
                "type": "Feature",
                "properties": values,
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
            out.write(before + json.dumps(feature, ensure_ascii=False))
            before = ",\n"
        out.write("\n]}\n")


def write_bundles_csv(report: StatusReport, path: Path) -> None:
    """Write the bundles of a report as a table, the edges of their polygons as xmin, ymin, xmax and ymax.

    Raises:
        TransferError: It cannot be written.
    """
    extents = np.empty((0, 4)) if report.bundles is None else report.bundles.extents(report.info.scheme)
    edges = [Column(name, extents[:, number]) for number, name in enumerate(("xmin", "ymin", "xmax", "ymax"))]
    _write_csv([*_bundle_columns(report), *edges], path)


def write_levels_csv(report: StatusReport, path: Path) -> None:
    """Write the levels of a report as a table.

    Raises:
        TransferError: It cannot be written.
    """
    _write_csv(level_columns(report.levels), path)


def _bundle_columns(report: StatusReport) -> list[Column]:
    if report.bundles is None:
        raise ValueError("a report without rows of bundles cannot be written")
    return bundle_columns(report.bundles, report.info.scheme)


def _write_csv(columns: Sequence[Column], path: Path) -> None:
    with explained("write the status", path), path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([column.name for column in columns])
        writer.writerows(zip(*(column.plain() for column in columns), strict=True))


def _crs_member(reference: SpatialReference, place: str) -> dict[str, Any]:
    """Name a spatial reference in GeoJSON's way; WGS84 is what it has anyway."""
    try:
        authority = to_crs(reference).to_authority(min_confidence=100)
    except MetadataError:
        authority = None
    if authority is None:
        raise UnsupportedError(
            f"{place}: its spatial reference has no number by which GeoJSON could name it; choose gdb or gpkg"
        )
    if authority == ("EPSG", "4326"):
        return {}
    name, code = authority
    return {"crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{name}::{code}"}}}
