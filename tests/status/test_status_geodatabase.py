"""Other builds of GDAL open what was written, list its fields, and sum to the same counts."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from datetime import datetime

import numpy as np
import pytest
import shapely
from caches import feet
from pyogrio import raw, read_info
from pyproj import CRS
from status_caches import LEVEL, SCHEMES, write_cache

import tilepack
from tilepack.keys import TileKey, TileRange

SOME = [TileKey(LEVEL, row, column) for row in range(120, 137) for column in range(120, 137, 2)]
FIELDS = {
    "LevelID": "Integer",
    "Scale": "Real",
    "Resolution": "Real",
    "BundleName": "String",
    "StartRow": "Real",
    "StartColumn": "Real",
    "expectedTileCount": "Integer",
    "tileCount": "Integer",
    "outsideTileCount": "Integer",
    "percentComplete": "Real",
    "tilesSize": "Real",
    "slack": "Real",
    "newestTime": "DateTime",
    "status": "String",
}
COUNTS = ("expectedTileCount", "tileCount", "outsideTileCount", "tilesSize", "slack")


@pytest.fixture(scope="module", params=[*SCHEMES, "feet"])
def island(request, tmp_path_factory):
    """Half a cache; its extent takes in two bundles that are not there."""
    scheme = feet() if request.param == "feet" else SCHEMES[request.param]
    level = scheme.levels[-2].level
    held = [tile._replace(level=level) for tile in SOME]
    extent = scheme.range_extent(TileRange(level=level, row_start=119, row_stop=137, column_start=121, column_stop=300))
    return write_cache(tmp_path_factory.mktemp("Straße und Weg") / "Insel [1]", scheme, held, extent=extent)


@pytest.fixture(scope="module", params=["gdb", "gpkg"])
def written(request, island, tmp_path_factory):
    return tilepack.report_status(island, tmp_path_factory.mktemp("report"), format=request.param)


def totals(report):
    rows = report.bundles
    return dict(
        zip(
            COUNTS,
            (int(column.sum()) for column in (rows.expected, rows.built, rows.outside, rows.tile_bytes, rows.slack)),
            strict=True,
        )
    )


def test_fionas_gdal_reads_the_same_rows(written):
    fiona = pytest.importorskip("fiona")
    (path,), report = written.paths, written.report
    with fiona.open(path, layer="TaskStatus") as layer:
        assert list(layer.schema["properties"]) == list(FIELDS)
        assert layer.schema["geometry"] == "MultiPolygon"
        assert layer.crs
        rows = [(dict(feature["properties"]), shapely.geometry.shape(feature["geometry"])) for feature in layer]
    wanted = report.as_json()["bundles"]
    extents = report.bundles.extents(report.info.scheme)
    assert len(rows) == len(wanted) == 6
    for (found, shape), expected, extent in zip(rows, wanted, extents, strict=True):
        time = found.pop("newestTime")
        expected_time = expected.pop("newestTime")
        assert found == pytest.approx(expected)
        assert (time is None) == (expected_time is None)
        assert time is None or datetime.fromisoformat(time) == datetime.fromisoformat(expected_time)
        assert shape.bounds == pytest.approx(tuple(extent), rel=1e-9)
        assert shape.area == pytest.approx((extent[2] - extent[0]) * (extent[3] - extent[1]), rel=1e-6)
    assert {name: sum(found[name] for found, _ in rows) for name in COUNTS} == totals(report)
    with fiona.open(path, layer="LevelStatus") as table:
        assert [dict(row["properties"]) for row in table] == [pytest.approx(row) for row in report.as_json()["levels"]]


def ask(*words):
    """Run Debian's ogrinfo or another of the kind."""
    if shutil.which("ogrinfo") is None:
        pytest.skip("there is no ogrinfo here; fiona's GDAL is asked above")
    return subprocess.run(["ogrinfo", *map(str, words)], capture_output=True, text=True, check=True).stdout


def test_ogrinfo_lists_the_fields_and_sums_to_the_same_counts(written):
    (path,), report = written.paths, written.report
    told = ask("-ro", "-so", path, "TaskStatus")
    fields = dict(line.split(" (")[0].split(": ") for line in told.splitlines() if line.split(": ")[0] in FIELDS)
    assert list(fields) == list(FIELDS)
    for name, kind in FIELDS.items():
        assert fields[name] == kind or (path.suffix == ".gpkg" and fields[name] == "Integer64")
    sums = ", ".join(f"SUM({name}) AS s{name}" for name in COUNTS)
    told = ask("-ro", "-q", "-dialect", "OGRSQL", "-sql", f"SELECT {sums} FROM TaskStatus", path)
    found = {
        line.split()[0].removeprefix("s"): float(line.split(" = ")[1]) for line in told.splitlines() if " = " in line
    }
    assert {name: found[name] for name in COUNTS} == totals(report)


def test_spatial_reference_is_the_caches(written):
    (path,), scheme = written.paths, written.report.info.scheme
    crs = CRS.from_user_input(read_info(path, layer="TaskStatus")["crs"])
    reference = scheme.spatial_reference
    if reference.wkid is not None:
        assert crs.to_epsg() == (reference.latest_wkid or reference.wkid)
    else:
        assert crs.equals(CRS.from_wkt(reference.wkt), ignore_axis_order=True)


def test_sizes_beyond_32_bits_come_back_whole(tmp_path):
    from tilepack.status.columns import Column
    from tilepack.status.gdb import GEODATABASE, GEOPACKAGE, _write

    numbers = np.array([2**53, 2**40 + 1, 3_000_000_001], np.int64)
    for name, driver in (("a.gdb", GEODATABASE), ("a.gpkg", GEOPACKAGE)):
        _write(tmp_path / name, driver, "sizes", [Column("tilesSize", numbers)])
        assert raw.read(tmp_path / name, layer="sizes")[3][0].astype(np.int64).tolist() == numbers.tolist()


def test_report_without_rows_is_written_too(tmp_path):
    cache = write_cache(tmp_path / "cache", SCHEMES["degrees"], SOME)
    for format_name in ("gdb", "gpkg", "geojson", "csv"):
        written = tilepack.report_status(cache, tmp_path, format=format_name, extent=(-1e-9, 0, 0, 1e-9))
        assert len(written.report.bundles) == 0
        assert all(path.exists() for path in written.paths)


def test_geojson_is_in_the_caches_spatial_reference_and_says_so(island, tmp_path):
    if "feet" in str(tilepack.status_of(island).info.scheme.spatial_reference.wkt).lower():
        with pytest.raises(tilepack.UnsupportedError, match="no number by which GeoJSON could name it; choose gdb"):
            tilepack.report_status(island, tmp_path, format="geojson")
        assert list(tmp_path.iterdir()) == []
        return
    written = tilepack.report_status(island, tmp_path, format="geojson")
    document = json.loads(written.paths[0].read_text("utf-8"))
    wanted = written.report.as_json()
    assert [feature["properties"] for feature in document["features"]] == wanted["bundles"]
    assert document["LevelStatus"] == wanted["levels"]
    extents = written.report.bundles.extents(written.report.info.scheme).tolist()
    for feature, extent in zip(document["features"], extents, strict=True):
        polygon = shapely.geometry.shape(feature["geometry"])
        assert list(polygon.bounds) == extent
        assert polygon.exterior.is_ccw
    reference = written.report.info.scheme.spatial_reference
    wkid = reference.latest_wkid or reference.wkid
    assert ("crs" in document) == (wkid != 4326)
    assert CRS.from_user_input(read_info(written.paths[0])["crs"]).to_epsg() == wkid


def test_csv_holds_the_rows_and_their_edges(island, tmp_path):
    written = tilepack.report_status(island, tmp_path, format="csv")
    wanted = written.report.as_json()
    for path, rows in zip(written.paths, (wanted["bundles"], wanted["levels"]), strict=True):
        with path.open(encoding="utf-8", newline="") as lines:
            found = list(csv.DictReader(lines))
        assert len(found) == len(rows)
        for row, expected in zip(found, rows, strict=True):
            texts = {name: "" if value is None else str(value) for name, value in expected.items()}
            assert {name: row[name] for name in expected} == texts
    with written.paths[0].open(encoding="utf-8", newline="") as lines:
        edges = [[float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax")] for row in csv.DictReader(lines)]
    assert edges == written.report.bundles.extents(written.report.info.scheme).tolist()
