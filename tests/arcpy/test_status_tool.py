"""ManageMapServerCacheStatus: reports, and the cache's own Status.gdb."""

from __future__ import annotations

import caches
import pyogrio
import pytest
from arcpy_world import area_file, everything

import tilepack
from tilepack import arcpy
from tilepack.keys import TileKey

SERVICES = ["Rainfall.MapServer", "Rainfall.MapService", "Rainfall.ImageServer"]


@pytest.mark.parametrize("name", SERVICES)
def test_report_is_that_of_the_library(world, name):
    area = area_file(world.root / "Metro.shp")
    result = arcpy.ManageMapServerCacheStatus_server(
        f"GIS Servers/arcgis on MYSERVER (admin)/{name}",
        "REPORT_BUNDLE_STATUS",
        [125000, 64000],
        "2",
        str(world.out / "report"),
        str(area),
        "",
    )
    report = tilepack.status_of(world.cache, scales=[125000, 64000], area=area)
    rows = pyogrio.read_info(world.out / "report" / "Status.gdb", layer="TaskStatus")["features"]
    assert rows == len(report.bundles)
    assert result.getOutput(0) == f"GIS Servers/arcgis on MYSERVER (admin)/{name}"
    for level in report.levels:
        assert f"1:{level.scale:,.10g}: {level.built:,} of {level.expected:,} tiles built" in result.getMessages()


def test_missing_tiles_show_in_the_messages(world):
    tiles = {
        key: data for key, data in caches.read_all(world.cache).items() if key.level == 4 and key != TileKey(4, 0, 1)
    }
    caches.write_v2(world.root / "gap", tilepack.open(world.cache).info.scheme, tiles)
    result = arcpy.server.ManageMapServerCacheStatus(
        str(world.root / "gap"), "report bundle status", None, None, str(world.out)
    )
    assert "Level 4, 1:64,000: 35 of 36 tiles built, 97.22 %" in result.getMessages()


def test_own_status_is_rebuilt_and_deleted(world):
    arcpy.server.ManageMapServerCacheStatus(world.service, "REBUILD_CACHE_STATUS")
    assert (world.cache / "Status.gdb").is_dir()
    arcpy.server.ManageMapServerCacheStatus(world.service, "REBUILD_CACHE_STATUS")
    result = arcpy.server.ManageMapServerCacheStatus(world.service, "DELETE_CACHE_STATUS", "", "2", "", "", "")
    assert not (world.cache / "Status.gdb").exists()
    assert f"Deleted {world.cache / 'Status.gdb'}" in result.getMessages()
    result = arcpy.server.ManageMapServerCacheStatus(world.service, "DELETE_CACHE_STATUS")
    assert "there was no Status.gdb" in result.getMessages()
    assert result.status == 4


def test_status_of_arcgis_steps_aside_only_where_outputs_may_be_overwritten(world):
    (world.cache / "Status.gdb").mkdir()
    (world.cache / "Status.gdb" / "gdb").write_bytes(b"not ours")
    for mode in ("REBUILD_CACHE_STATUS", "DELETE_CACHE_STATUS"):
        with pytest.raises(arcpy.ExecuteError, match="was not written by tilepack"):
            arcpy.server.ManageMapServerCacheStatus(world.service, mode)
    arcpy.env.overwriteOutput = True
    result = arcpy.server.ManageMapServerCacheStatus(world.service, "REBUILD_CACHE_STATUS")
    assert "is called Status.gdb.arcgis now" in result.getMessages()
    assert (world.cache / "Status.gdb.arcgis" / "gdb").read_bytes() == b"not ours"


def test_report_replaces_another_only_where_outputs_may_be_overwritten(world):
    ask = (world.service, "REPORT_BUNDLE_STATUS", [64000], None, str(world.out))
    arcpy.server.ManageMapServerCacheStatus(*ask)
    with pytest.raises(arcpy.ExecuteError, match="exists already"):
        arcpy.server.ManageMapServerCacheStatus(*ask)
    arcpy.env.overwriteOutput = True
    arcpy.server.ManageMapServerCacheStatus(*ask)


WRONG = {
    "mode": ({"manage_mode": "SHOW"}, "DELETE_CACHE_STATUS, REBUILD_CACHE_STATUS or REPORT_BUNDLE_STATUS"),
    "no mode": ({"manage_mode": ""}, "manage_mode is required"),
    "no folder": ({"report_folder": ""}, "report_folder is required"),
    "inside": ({"report_folder": "{cache}"}, "is the cache's own folder"),
    "scale": ({"scales": [5]}, "scale 5 matches no level"),
    "extent": ({"report_extent": "DISPLAY"}, "no display here"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_an_error_and_writes_nothing(world, case):
    changes, sentence = WRONG[case]
    given = {
        "input_service": world.service,
        "manage_mode": "REPORT_BUNDLE_STATUS",
        "report_folder": str(world.out / "new"),
    }
    given |= {
        name: value.format(cache=world.cache) if isinstance(value, str) else value for name, value in changes.items()
    }
    before = everything(world.root)
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        arcpy.server.ManageMapServerCacheStatus(**given)
    assert everything(world.root) == before
