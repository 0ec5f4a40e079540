"""Every command on a vector tile package: it works, or says in one sentence why not."""

from __future__ import annotations

import shutil

import pytest
from caches import write_files, write_zip
from command_line import run
from vector_tiles import VECTOR, vtpk_files
from web_caches import write_mbtiles

NOT_CHANGED = "tilepack does not change which tiles those hold"
NO_IMAGES = "holds vector tiles, and caches of ArcGIS' hold images"
AREA = "SRID=4326;POLYGON((46 51, 46 60, 60 60, 46 51))"

WORKING = [
    ("info PACKAGE", "PBF"),
    ("info PACKAGE --deep", "PBF"),
    ("levels PACKAGE", "78271.51696"),
    ("ls PACKAGE", "R0080C0100"),
    ("ls PACKAGE --tiles", "300"),
    ("tile PACKAGE 5 10 20 -o FOLDER/t.pbf", "wrote"),
    ("convert PACKAGE FOLDER/a.mbtiles", "30 tiles"),
    ("convert PACKAGE FOLDER/a.pmtiles --levels 5", "12 tiles"),
    ("convert PACKAGE FOLDER/a --storage-format xyz", "30 tiles"),
    ("convert PACKAGE FOLDER/a.zip", "30 tiles"),
    (f"export PACKAGE FOLDER/a.mbtiles --aoi '{AREA}'", "PBF tiles"),
    ("export PACKAGE FOLDER/a.pmtiles --bbox -20,-20,60,70", "24 tiles"),
    ("import PACKAGE FOLDER/there.mbtiles", "30 unchanged"),
    ("import PACKAGE FOLDER/there.mbtiles --overwrite --changed", "30 unchanged"),
    ("convert FOLDER/there.mbtiles FOLDER/new.vtpk", "30 tiles"),
    ("status show PACKAGE", "263,173"),
    ("status report PACKAGE --report-folder FOLDER", "wrote"),
    ("verify PACKAGE", "0 errors"),
    ("verify PACKAGE --deep", "decoded 30 tiles"),
    ("repair PACKAGE", "0 faults mended"),
    ("compact PACKAGE", "0 of 5 bundles rewritten"),
    ("create FOLDER/c --scheme PACKAGE", "512 x 512 pixels"),
]

REFUSED = [
    ("preview PACKAGE -o FOLDER/p.png", "holds PBF tiles, which are no images; nothing can be drawn"),
    ("convert PACKAGE FOLDER/b.vtpk", "is a vector tile package already"),
    ("convert PACKAGE FOLDER/b.tpkx", NO_IMAGES),
    ("convert PACKAGE FOLDER/b", NO_IMAGES),
    ("import FOLDER/there.mbtiles PACKAGE", NOT_CHANGED),
    ("export FOLDER/there.mbtiles PACKAGE --merge", NOT_CHANGED),
    ("delete PACKAGE --levels 5", NOT_CHANGED),
    ("delete PACKAGE --all", NOT_CHANGED),
    ("repair PACKAGE FOLDER/b.vtpk", "is a vector tile package already"),
    ("create FOLDER/b.vtpk --scheme arcgis-online", "a .vtpk is made of vector tiles that there are"),
    ("build FOLDER/there.mbtiles FOLDER/b.vtpk", "a .vtpk is made of vector tiles that there are"),
    ("build FOLDER/there.mbtiles --into PACKAGE", "holds vector tiles, and rasters become images"),
    ("build PACKAGE FOLDER/b.tpkx", "cannot be read"),
]

IN_FOLDERS = [
    ("status rebuild PACKAGE", "wrote"),
    ("status delete PACKAGE", ""),
]


@pytest.fixture(params=["file", "unpacked"])
def package(request, tmp_path):
    write_mbtiles(tmp_path / "there.mbtiles", VECTOR, metadata={"name": "there", "format": "pbf"})
    if request.param == "file":
        write_zip(tmp_path / "Inseln.vtpk", vtpk_files())
        return tmp_path / "Inseln.vtpk"
    write_files(tmp_path / "Inseln", vtpk_files())
    return tmp_path / "Inseln"


def run_line(line: str, package):
    words = line.replace("'", "").split(" ") if "--aoi" not in line else _with_area(line)
    return run(*(word.replace("PACKAGE", str(package)).replace("FOLDER", str(package.parent)) for word in words))


def _with_area(line: str) -> list[str]:
    before, area, after = line.split("'")
    return [*before.split(), area, *after.split()]


def contents(package) -> dict[str, bytes]:
    if package.is_file():
        return {"": package.read_bytes()}
    return {str(path): path.read_bytes() for path in package.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("line", "says"), WORKING, ids=[line for line, _ in WORKING])
def test_command_works(package, line, says):
    before = contents(package)
    result = run_line(line, package)
    assert result.exit_code == 0, result.output
    assert says in result.output
    assert contents(package) == before


@pytest.mark.parametrize(("line", "says"), REFUSED, ids=[line for line, _ in REFUSED])
def test_command_says_why_not(package, line, says):
    before = contents(package)
    result = run_line(line, package)
    assert result.exit_code == 1, result.output
    assert says in " ".join(result.stderr.split())
    assert result.stderr.startswith("tilepack: ")
    assert "Traceback" not in result.stderr
    assert "fault of tilepack" not in result.stderr
    assert contents(package) == before
    assert not [path for path in package.parent.iterdir() if path.name.startswith(("b", ".", "p.png"))]


@pytest.mark.parametrize(("line", "says"), IN_FOLDERS, ids=[line for line, _ in IN_FOLDERS])
def test_status_is_kept_in_folders_alone(package, line, says):
    result = run_line("status rebuild PACKAGE", package) if "delete" in line else None
    result = run_line(line, package)
    if package.is_file():
        assert result.exit_code == 1
        assert "is one file, and no Status.gdb is kept in those" in result.stderr
    else:
        assert result.exit_code == 0, result.output
        assert says in result.output


def test_difference_is_told(package):
    shutil.copy(package, package.parent / "same.vtpk") if package.is_file() else shutil.copytree(
        package, package.parent / "same.vtpk"
    )
    assert run_line("diff PACKAGE FOLDER/same.vtpk", package).exit_code == 0
    told = run_line("diff PACKAGE FOLDER/there.mbtiles --pixels", package)
    assert told.exit_code == 1
    assert "the same 30 tiles, but other metadata" in told.stdout
