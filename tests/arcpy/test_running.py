"""Scripts run with ``arcpy`` resolved to tilepack's: as modules of scripts do, with reports, errors and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys

import arcpy_world
import caches
import pytest
from arcpy_world import SCALES, area_file

from tilepack.arcpy.running import run_script

NIGHTLY = """
import arcpy
from arcpy import env
import os, sys, time, traceback

env.workspace = sys.argv[1]
report = open(os.path.join(sys.argv[1], "report.txt"), "w")
try:
    begun = time.perf_counter()
    {call}
    while result.status < 4:
        time.sleep(0.2)
    report.write("completed " + str(result.getMessages()))
    print("output", result.getOutput(0), "after", time.perf_counter() >= begun)
except Exception as e:
    trace = sys.exc_info()[2]
    report.write("Failed at line %i: " % trace.tb_lineno)
    report.write(e.message)
report.close()
"""

SERVICE = 'r"' + arcpy_world.CONNECTION.rstrip("\\") + '" + "\\\\" + "Rainfall.MapServer"'
EXPORT = (
    'result = arcpy.server.ExportMapServerCache({service}, "{out}", "{kind}", "{copies}", "COMPACT", '
    '[500000,250000,125000,64000], "2", "{area}", "", "MERGE")'
)
IMPORT = (
    'result = arcpy.ImportMapServerCache_server({service}, "{kind}", r"{dataset}", r"{package}", "{upload}", '
    '[500000,250000,125000,64000], "2", "{area}", "", "{mode}")'
)
STATUS = 'result = arcpy.ManageMapServerCacheStatus_server({service}, "{mode}", "", "2", "{folder}", "{area}", "")'
GP = (
    'result = arcpy.gp.ExportMapServerCache(r"{folder}\\Temp_Pub_Connection\\Rainfall.MapServer", r"{folder}\\out", '
    '"TILE_PACKAGE", "COPY_DATA", "COMPACT", "{{0}};{{1}}".format(500000.0, 250000.0), 1, "{area}", "", "MERGE")'
)


@pytest.fixture
def run(world, capsys):
    """Run a script whose one call is given; gives its report and what it printed."""

    def run(call: str, **words: object) -> tuple[str, str]:
        script = world.root / "nightly.py"
        script.write_text(NIGHTLY.format(call=call.format(service=SERVICE, **words)), "utf-8")
        assert run_script([str(script), str(world.root)]) == 0
        return (world.root / "report.txt").read_text("utf-8"), capsys.readouterr().out

    return run


def test_export_of_an_area_as_a_dataset(world, run):
    area = area_file(world.root / "101" / "Metro.shp")
    out = world.root / "temp"
    report, shown = run(EXPORT, out=out.as_posix(), kind="CACHE_DATASET", copies="DO_NOT_COPY", area=area.as_posix())
    assert report.startswith("completed Executing: ExportMapServerCache")
    assert f"output {out / 'Rainfall' / 'Layers'} after True" in shown
    assert {key.level for key in caches.read_all(out / "Rainfall")} == {1, 2, 3, 4}


def test_export_as_a_package_by_copy(world, run):
    out = world.root / "usa"
    report, _ = run(EXPORT, out=out.as_posix(), kind="TILE_PACKAGE", copies="COPY_DATA", area="")
    assert "Exported 65 tiles of levels 1-4" in report
    assert caches.read_all(out / "Rainfall.tpk") == arcpy_world.tiles()


def test_import_of_a_dataset(world, run):
    source = arcpy_world.rainfall(world.root / "destination_folder", kind="jpg")
    report, shown = run(
        IMPORT, kind="CACHE_DATASET", dataset=source, package="", upload="DO_NOT_UPLOAD", area="", mode="OVERWRITE"
    )
    assert "Imported 65 tiles of levels 1-4" in report
    assert "Rainfall.MapServer after True" in shown
    assert caches.read_all(world.cache) == arcpy_world.tiles(kind="jpg")


def test_import_of_a_package_within_an_area(world, run):
    import tilepack

    source = arcpy_world.rainfall(world.root / "destination_folder", kind="jpg")
    tilepack.convert(source, world.root / "Rainfall.tpk")
    area = area_file(world.root / "101" / "Portland_Metro.shp").as_posix()
    package = str(world.root / "Rainfall.tpk").replace("/", "\\")
    report, _ = run(
        IMPORT, kind="TILE_PACKAGE", dataset="", package=package, upload="UPLOAD_DATA", area=area, mode="MERGE"
    )
    assert "Imported" in report
    assert "cut or blended" in report


def test_status_is_reported_and_deleted(world, run):
    area = area_file(world.root / "Metro.shp").as_posix()
    folder = world.root / "status"
    report, _ = run(STATUS, mode="REPORT_BUNDLE_STATUS", folder=folder.as_posix(), area=area)
    assert "Reported the status of 4 bundles on 4 levels" in report
    assert (folder / "Status.gdb").is_dir()
    report, _ = run(STATUS, mode="DELETE_CACHE_STATUS", folder="", area="")
    assert "there was no Status.gdb to delete" in report


def test_geoprocessor_with_joined_scales_and_a_connection_by_any_name(world, run):
    area = area_file(world.root / "Metro.shp").as_posix()
    report, _ = run(GP, folder=str(world.root).replace("/", "\\"), area=area)
    assert report.startswith("completed")
    assert {key.level for key in caches.read_all(world.out / "Rainfall.tpk")} <= {1, 2}


def test_failure_is_written_into_the_report(world, run):
    report, _ = run(STATUS, mode="REPORT_BUNDLE_STATUS", folder="", area="")
    assert report == "Failed at line 10: report_folder is required, and was left out"


def test_script_runs_as_main_with_its_arguments_and_neighbours(world, capsys):
    (world.root / "neighbour.py").write_text("name = 'a neighbour'\n")
    script = world.root / "script.py"
    script.write_text(
        "import sys, arcpy, arcpy.management, neighbour\n"
        "from arcpy.server import ExportMapServerCache\n"
        "def late(): return sys.argv[1:], neighbour.name\n"
        "class Thing: pass\n"
        "if __name__ == '__main__':\n"
        "    print(late(), arcpy.GetParameterAsText(1), repr(arcpy.GetParameterAsText(2)), arcpy.GetArgumentCount())\n"
        "    print(Thing.__module__, sys.modules['__main__'].Thing is Thing, __file__.endswith('script.py'))\n"
    )
    assert run_script([str(script), "a", "b c"]) == 0
    assert capsys.readouterr().out == "(['a', 'b c'], 'a neighbour') b c '' 2\n__main__ True True\n"


ENDS = {
    "exit": ("import sys; sys.exit(7)", 7, ""),
    "exit without": ("raise SystemExit", 0, ""),
    "exit with text": ("raise SystemExit('enough')", 1, "enough\n"),
    "error": ("def f(): 1/0\nf()", 1, "ZeroDivisionError: division by zero"),
    "tool": (
        "import arcpy\narcpy.server.DeleteMapServerCache('Snow.MapServer')",
        1,
        "ExecuteError: Snow.MapServer: no cache",
    ),
    "not offered": ("import arcpy.da", 1, "arcpy.da is no part of tilepack.arcpy"),
    "from": ("from arcpy.sa import *", 1, "arcpy.sa is no part of tilepack.arcpy"),
    "syntax": ("print 'old'", 1, "SyntaxError"),
    "stop": ("raise KeyboardInterrupt", 130, "KeyboardInterrupt"),
}


@pytest.mark.parametrize("case", ENDS)
def test_exit_code_and_error_are_those_of_the_script(world, capsys, case):
    text, code, said = ENDS[case]
    script = world.root / "script.py"
    script.write_text(text)
    assert run_script([str(script)]) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert "running.py" not in shown


def test_command_line(world):
    script = world.root / "Überblick 1.py"
    script.write_text(
        "import arcpy, sys\n"
        f"result = arcpy.server.ExportMapServerCache('Rainfall.MapServer', sys.argv[1], scales={SCALES[:1]})\n"
        "arcpy.AddMessage(result.getMessages())\n",
        "utf-8",
    )

    def command(*words):
        environment = {**os.environ, "PYTHONUTF8": "1"}
        return subprocess.run(
            [sys.executable, "-m", "tilepack.arcpy", *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    done = command(str(script), str(world.out))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Exported 4 tiles of level 1" in done.stdout
    assert command().returncode == 2
    assert "usage: python -m tilepack.arcpy" in command("--help").stdout
    assert "cannot be read" in command(str(world.root / "none.py")).stderr
