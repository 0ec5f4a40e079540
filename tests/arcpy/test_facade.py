"""What ``tilepack.arcpy`` is to scripts: names, signatures, messages, results, and a sentence for all the rest."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import tilepack
from tilepack import arcpy

INSTANCES = "num_of_caching_service_instances=None"
SIGNATURES = {
    "ExportMapServerCache": "input_service, target_cache_path, export_cache_type='CACHE_DATASET', "
    f"copy_data_from_server='DO_NOT_COPY', storage_format_type='COMPACT', scales=None, {INSTANCES}, "
    "area_of_interest=None, export_extent=None, overwrite='MERGE'",
    "ImportMapServerCache": "input_service, source_cache_type='CACHE_DATASET', source_cache_dataset=None, "
    f"source_tile_package=None, upload_data_to_server='DO_NOT_UPLOAD', scales=None, {INSTANCES}, "
    "area_of_interest=None, import_extent=None, overwrite='MERGE'",
    "ManageMapServerCacheStatus": f"input_service, manage_mode, scales=None, {INSTANCES}, report_folder=None, "
    "area_of_interest=None, report_extent=None",
    "ManageMapServerCacheTiles": f"input_service, scales=None, update_mode='RECREATE_ALL_TILES', {INSTANCES}, "
    "area_of_interest=None, update_extent=None, wait_for_job_completion='WAIT', portal_url=None",
    "ExportTileCache": "in_cache_source, in_target_cache_folder, in_target_cache_name, "
    "export_cache_type='TILE_CACHE', storage_format_type='COMPACT_V2', scales=None, area_of_interest=None",
    "ImportTileCache": "in_cache_target, in_cache_source, scales=None, area_of_interest=None, overwrite='MERGE'",
    "ManageTileCache": "in_cache_location, manage_mode='RECREATE_ALL_TILES', in_cache_name=None, in_datasource=None, "
    "tiling_scheme='ARCGISONLINE_SCHEME', import_tiling_scheme=None, scales=None, area_of_interest=None, "
    "max_cell_size=None, min_cached_scale=None, max_cached_scale=None",
    "DeleteMapServerCache": f"input_service, {INSTANCES}",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_parameters_orders_and_defaults_are_those_documented(name):
    parameters = inspect.signature(getattr(arcpy.server, name)).parameters.values()
    said = ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters)
    assert said == SIGNATURES[name]


@pytest.mark.parametrize("name", arcpy.server.__all__)
def test_tools_are_reached_by_every_way(name):
    found = getattr(arcpy.server, name)
    assert getattr(arcpy.management, name) is found
    assert getattr(arcpy, f"{name}_server") is found
    assert getattr(arcpy, f"{name}_management") is found
    assert getattr(arcpy.gp, name) is found
    assert getattr(arcpy.gp, f"{name}_server") is found
    assert found.__doc__
    assert "Raises:" in found.__doc__


@pytest.mark.parametrize(
    "name", ["da", "mapping", "Describe", "CalculateField_management", "GetCount_server", "ExportMapServerCache"]
)
def test_everything_else_raises_what_the_module_is_for(name):
    with pytest.raises(AttributeError, match=rf"arcpy\.{name} is no part of tilepack\.arcpy, which is for the tools"):
        getattr(arcpy, name)
    assert not hasattr(arcpy, name)


def test_imports_of_everything_else_say_so_too():
    for code in ("from tilepack.arcpy import da", "import tilepack.arcpy.sa", "from tilepack.arcpy.mapping import *"):
        with pytest.raises(ImportError, match=r"is no part of tilepack\.arcpy, which is for the tools"):
            exec(code, {})
    with pytest.raises(AttributeError, match=r"gp\.Buffer_analysis is no part"):
        _ = arcpy.gp.Buffer_analysis


def test_both_ways_to_import_give_one_module():
    code = "import tilepack.arcpy as one; from tilepack import arcpy as other; print(one is other, one.env.workspace)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "True None\n"


def test_import_is_light():
    heavy = ("numpy", "PIL", "lxml", "pyproj", "shapely", "pyogrio", "typer", "rich")
    code = f"import sys, tilepack.arcpy; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == []


# Results and messages


@pytest.fixture
def result(world):
    return arcpy.server.ExportMapServerCache(world.service, str(world.out), "TILE_PACKAGE", scales=[500000, 32000])


def test_result_is_what_scripts_ask_of_it(world, result):
    assert result.status == 4
    assert result.maxSeverity == 1  # 1:32,000 holds no tiles
    assert result.getOutput(0) == result[0] == str(result) == str(world.out / "Rainfall.tpk")
    assert result.outputCount == len(result) == 1
    assert result.inputCount == 4
    assert result.getInput(2) == "TILE_PACKAGE"
    assert isinstance(result.resultID, str)
    assert result.resultID
    assert result.messageCount == len(result.getAllMessages()) == len(result.getMessages().splitlines())
    assert [result.getMessage(number) for number in range(result.messageCount)] == result.getMessages().splitlines()
    assert {result.getSeverity(number) for number in range(result.messageCount)} == {0, 1}
    with pytest.raises(IndexError):
        result.getOutput(1)
    result.cancel()


def test_messages_read_as_a_person_expects(world, result):
    lines = result.getMessages(0).splitlines()
    assert lines[0].startswith("Executing: ExportMapServerCache ")
    assert lines[1].startswith("Start Time: ")
    assert lines[2].startswith(f"Exported 4 tiles of level 1 to {world.out / 'Rainfall.tpk'} in ")
    assert lines[-1].startswith("Succeeded at ")
    assert lines[-1].endswith(" seconds)")
    assert "level 5 holds no tiles" in result.getMessages(1)
    assert result.getMessages(2) == ""
    assert result.getMessages() == arcpy.GetMessages()
    assert result.getMessages("1") == arcpy.GetMessages(1)


def test_messages_of_a_result_stay_when_another_tool_runs(world, result):
    before = result.getMessages()
    arcpy.server.ManageMapServerCacheStatus(world.service, "DELETE_CACHE_STATUS")
    assert result.getMessages() == before
    assert "DELETE_CACHE_STATUS" in arcpy.GetMessages()


def test_own_messages_are_shown_and_kept(world, result, capsys):
    count = arcpy.GetMessageCount()
    arcpy.AddMessage("one")
    arcpy.AddWarning(2)
    arcpy.gp.AddError("three")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("one\n", "2\nthree\n")
    assert arcpy.GetMessages(2) == "three"
    assert arcpy.GetMaxSeverity() == 2
    assert (arcpy.GetMessage(count), arcpy.GetMessage(99)) == ("one", "")
    assert result.maxSeverity == 1


def test_error_ends_in_messages_and_is_one_of_tilepacks(world):
    with pytest.raises(tilepack.TilepackError) as caught:
        arcpy.server.ExportMapServerCache(world.service, str(world.out), "NOTHING")
    assert isinstance(caught.value, arcpy.ExecuteError)
    assert arcpy.GetMessages(2).splitlines() == [caught.value.message, "Failed to execute (ExportMapServerCache)."]
    with pytest.raises(arcpy.ExecuteError, match="severity 9 is unknown"):
        arcpy.GetMessages(9)


@pytest.mark.parametrize("given", [((), {}), (("a", "b", *range(20)), {}), (("a", "b"), {"colour": 1})])
def test_wrong_parameters_are_an_error_that_names_them(given):
    with pytest.raises(arcpy.ExecuteError, match="its parameters are input_service, target_cache_path"):
        arcpy.server.ExportMapServerCache(*given[0], **given[1])


# Settings


def test_settings_of_any_name_are_taken():
    arcpy.env.cellSize = 30
    arcpy.env["mask"] = "x"
    arcpy.gp.workspace = "C:/data"
    arcpy.gp.overwriteOutput = True
    assert (arcpy.env.cellSize, arcpy.env.mask, arcpy.env["workspace"]) == (30, "x", "C:/data")
    assert (arcpy.gp.workspace, arcpy.env.overwriteOutput, arcpy.env.extent) == ("C:/data", True, None)


@pytest.mark.parametrize(("factor", "least"), [("100%", 1), ("50%", 1), ("0", 1), (3, 3), ("", None), (None, None)])
def test_parallel_processing_factor_is_the_number_of_threads(factor, least):
    from tilepack.arcpy.environment import threads

    arcpy.env.parallelProcessingFactor = factor
    assert threads() == least if least in (None, 3) else threads() >= 1


def test_wrong_parallel_processing_factor_is_an_error(world):
    arcpy.env.parallelProcessingFactor = "all"
    with pytest.raises(arcpy.ExecuteError, match="write a number, or a percentage"):
        arcpy.server.ExportMapServerCache(world.service, str(world.out))


def test_existence_is_told_of_files_services_and_layers(world):
    assert arcpy.Exists(str(world.cache))
    assert arcpy.Exists(world.service)
    assert arcpy.Exists("Rainfall.ImageServer")
    assert not arcpy.Exists("Snow.MapServer")
    assert not arcpy.Exists("")
    assert not arcpy.Exists(str(world.root / "nothing.gdb" / "layer"))
