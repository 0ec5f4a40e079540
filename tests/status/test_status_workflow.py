"""The documented way: report, select the bundles that lack tiles, and let them bound the next job.

The area must give exactly the tiles of those bundles, on each level its own, also where a geodatabase rounds
coordinates to its grid, and in every spatial reference.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from caches import look_at_files, look_at_tiles
from command_line import run
from pyogrio import raw
from status_caches import SCHEMES, write_cache

import tilepack
from tilepack.aoi_levels import AreasByLevel
from tilepack.keys import PACKET_SIZE, TileKey, TileRange

LEVELS = {8: (100, 160, 100, 150), 9: (200, 320, 200, 300)}
"""Rows and columns of the tiles expected: one rectangle of map, over four bundles on either level."""


def tiles_of(level):
    top, bottom, left, right = LEVELS[level]
    return {TileKey(level, row, column) for row in range(top, bottom) for column in range(left, right)}


EVERY = tiles_of(8) | tiles_of(9)
COMPLETE = {tilepack.BundleKey(8, 0, 128), tilepack.BundleKey(9, 128, 128), tilepack.BundleKey(9, 256, 256)}
EMPTY = {tilepack.BundleKey(8, 128, 0), tilepack.BundleKey(9, 128, 256)}
MISSING = {tile for tile in EVERY if tile.bundle not in COMPLETE}
"""What the next job is to make: all tiles of the bundles that lack any."""


@pytest.fixture(scope="module", params=SCHEMES)
def job(request, tmp_path_factory):
    """A whole cache, one of which some bundles lack tiles and others are not there, and the latter's report."""
    scheme, folder = SCHEMES[request.param], tmp_path_factory.mktemp("job")
    top, bottom, left, right = LEVELS[9]
    extent = scheme.range_extent(
        TileRange(level=9, row_start=top, row_stop=bottom, column_start=left, column_stop=right)
    )
    part = {tile for tile in EVERY if tile.bundle in COMPLETE or (tile.bundle not in EMPTY and tile.row % 3)}
    full = write_cache(folder / "full", scheme, EVERY, extent=extent, kind="jpg")  # opaque, and no tile of the other
    write_cache(folder / "part", scheme, part, extent=extent)
    (folder / "report").mkdir()
    return scheme, folder, full


def inside(areas, scheme):
    """Give the tiles that lie in the areas; none is cut by their edges."""
    found = set()
    for level, (top, bottom, left, right) in LEVELS.items():
        tiles = TileRange(
            level=level,
            row_start=top - 5,
            row_stop=bottom + PACKET_SIZE,
            column_start=left - 5,
            column_stop=right + PACKET_SIZE,
        )
        cover = areas.coverage(tiles)
        assert set(np.unique(cover).tolist()) == {0, 2}
        found |= {
            TileKey(level, tiles.row_start + int(row), tiles.column_start + int(column))
            for row, column in np.argwhere(cover)
        }
    assert areas.at(8).scheme is scheme
    return found


def test_selected_rows_written_as_a_feature_class_give_the_tiles_of_the_incomplete_bundles(job):
    scheme, folder, full = job
    shown = run("status", "report", folder / "part", "--report-folder", folder / "report", "--force")
    assert shown.exit_code == 0, shown.stderr
    meta, _, geometry, values = raw.read(
        folder / "report/Status.gdb", layer="TaskStatus", where="percentComplete < 100 AND status <> 'DONE'"
    )
    assert len(geometry) == len({tile.bundle for tile in MISSING}) == 5
    raw.write(
        folder / "selected.gdb",
        geometry=geometry,
        field_data=values,
        fields=meta["fields"],
        layer="Incomplete",
        driver="OpenFileGDB",
        geometry_type=meta["geometry_type"],
        crs=meta["crs"],
    )
    areas = AreasByLevel.read_by_level(folder / "selected.gdb", scheme, layer="Incomplete")
    assert inside(areas, scheme) == MISSING
    result = run("export", full, folder / "next", "--aoi", folder / "selected.gdb/Incomplete")
    assert result.exit_code == 0, result.stderr
    assert look_at_tiles(folder / "next") == {
        tile: data for tile, data in look_at_tiles(full).items() if tile in MISSING
    }


@pytest.mark.parametrize(
    ("format_name", "name"), [("gdb", "gdb/TaskStatus"), ("gpkg", "gpkg/TaskStatus"), ("geojson",) * 2]
)
def test_filtered_report_is_the_area_of_an_export_by_itself(job, format_name, name, tmp_path):
    _, folder, full = job
    tilepack.report_status(folder / "part", tmp_path, format=format_name)
    area = tmp_path / f"Status.{name}"
    result = run("export", full, tmp_path / "next", "--aoi", area, "--aoi-where", "percentComplete < 100", "-q")
    assert result.exit_code == 0, result.stderr
    assert set(look_at_tiles(tmp_path / "next")) == MISSING


def test_report_within_an_earlier_report_expects_the_same_bundles(job, tmp_path):
    _, folder, _ = job
    tilepack.report_status(folder / "part", tmp_path)
    area = tilepack.Area(source=tmp_path / "Status.gdb/TaskStatus", where="percentComplete < 100")
    report = tilepack.status_of(folder / "part", area=area)
    assert {report.bundles.bundle(number) for number in range(len(report.bundles))} == {tile.bundle for tile in MISSING}
    assert sum(level.expected for level in report.levels) == len(MISSING)
    assert (report.bundles.percent < 100).all()


def test_an_import_within_the_report_fills_the_incomplete_bundles_and_touches_no_other(job, tmp_path):
    _, folder, full = job
    target = shutil.copytree(folder / "part", tmp_path / "Städte [1]")
    before, files = look_at_tiles(target), look_at_files(target)
    assert run("status", "rebuild", target, "-q").exit_code == 0
    assert run("status", "report", target, "--report-folder", tmp_path, "-q").exit_code == 0
    words = ["--aoi", tmp_path / "Status.gdb/TaskStatus", "--aoi-where", "percentComplete < 100"]
    result = run("import", full, target, *words)
    assert result.exit_code == 0, result.stderr
    assert "warning: Status.gdb in the target will be out of date; rebuild it" in result.stderr
    new = {tile: data for tile, data in look_at_tiles(full).items() if tile in MISSING}
    assert look_at_tiles(target) == before | new
    same = {name for name, data in look_at_files(target).items() if files.get(name) == data}
    kept = {
        name for name in files if any(f"L{key.level:02d}/R{key.row:04x}C{key.column:04x}." in name for key in COMPLETE)
    }
    assert kept <= same
    assert len(kept) == len(COMPLETE)

    # The cache's own status is of before, until it is rebuilt.
    assert shares(target) == shares(tmp_path)
    assert min(shares(target)) < 100
    assert run("status", "rebuild", target, "-q").exit_code == 0
    assert shares(target) == [100] * len({tile.bundle for tile in EVERY})
    again = run("import", full, target, "--aoi", target / "Status.gdb/TaskStatus", *words[2:])
    assert again.exit_code == 1
    assert "'percentComplete < 100' is true of none of its" in again.stderr


def shares(folder):
    """Give percentComplete of each row of a folder's Status.gdb."""
    _, _, _, (values,) = raw.read(folder / "Status.gdb", layer="TaskStatus", columns=["percentComplete"])
    return values.tolist()


def test_an_import_without_status_does_not_speak_of_it(job, tmp_path):
    _, folder, full = job
    target = shutil.copytree(folder / "part", tmp_path / "part")
    result = run("import", full, target, "--levels", "8")
    assert result.exit_code == 0, result.stderr
    assert "Status.gdb" not in result.stderr
