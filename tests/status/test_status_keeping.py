"""What is replaced, what is refused, and what is left when something goes wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyogrio import list_layers, raw
from status_caches import LEVEL, SCHEMES, write_cache

import tilepack
from tilepack.keys import TileKey
from tilepack.status import keeping
from tilepack.status.gdb import is_ours

SCHEME = SCHEMES["web mercator"]
NAMES = {
    "gdb": ["Status.gdb"],
    "gpkg": ["Status.gpkg"],
    "geojson": ["Status.geojson"],
    "csv": ["LevelStatus.csv", "TaskStatus.csv"],
}


@pytest.fixture
def cache(tmp_path) -> Path:
    return write_cache(tmp_path / "Städte [1]", SCHEME, [TileKey(LEVEL, 120, 125), TileKey(LEVEL, 130, 125)])


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "Bericht über alles"
    made.mkdir()
    return made


def write_arcgis(folder: Path) -> dict[str, bytes]:
    """Write a Status.gdb that has TaskStatus and nothing that says it is tilepack's; give its files."""
    raw.write(
        folder / "Status.gdb",
        geometry=np.array([shapely.to_wkb(shapely.box(0, 0, 1, 1))], dtype=object),
        field_data=[np.array([7], np.int32)],
        fields=["LevelID"],
        layer="TaskStatus",
        driver="OpenFileGDB",
        geometry_type="Polygon",
        crs="EPSG:3857",
    )
    return files_of(folder / "Status.gdb")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows_in(path: Path) -> int:
    return len(raw.read(path, layer="TaskStatus")[2])


# Reports


@pytest.mark.parametrize("format_name", NAMES)
def test_report_is_written_once_and_replaced_by_force_only(cache, folder, format_name):
    written = tilepack.report_status(cache, folder, format=format_name)
    assert names_in(folder) == NAMES[format_name] == sorted(path.name for path in written.paths)
    before = {name: (folder / name).stat().st_mtime_ns for name in NAMES[format_name]}
    with pytest.raises(tilepack.CacheExistsError, match=r"exists already.*\(--force\)"):
        tilepack.report_status(cache, folder, format=format_name)
    assert {name: (folder / name).stat().st_mtime_ns for name in NAMES[format_name]} == before
    again = tilepack.report_status(cache, folder, format=format_name, force=True, levels="3")
    assert names_in(folder) == NAMES[format_name]
    assert [level.level for level in again.report.levels] == [3]


def test_report_is_of_what_was_asked_for(cache, folder):
    tilepack.report_status(cache, folder, levels=[LEVEL])
    assert [name for name, _ in list_layers(folder / "Status.gdb").tolist()] == [
        "TaskStatus",
        "LevelStatus",
        "TilepackStatus",
    ]
    assert rows_in(folder / "Status.gdb") == 2


@pytest.mark.parametrize("inner", ["", "_alllayers", f"_alllayers/L{LEVEL:02d}", "new"])
def test_report_never_lands_in_the_caches_folder(cache, inner):
    folder = cache / inner
    folder.mkdir(exist_ok=True)
    before = sorted(cache.rglob("*"))
    with pytest.raises(tilepack.TransferError, match="is the cache's own folder, or lies in it"):
        tilepack.report_status(cache, folder)
    assert sorted(cache.rglob("*")) == before


def test_report_does_not_land_there_through_a_link_either(cache, tmp_path):
    link = tmp_path / "link"
    try:
        link.symlink_to(cache, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(tilepack.TransferError, match="is the cache's own folder"):
        tilepack.report_status(cache, link)
    with pytest.raises(tilepack.TransferError, match="is the cache's own folder"):
        tilepack.report_status(link / "conf.xml", cache)


def test_report_beside_the_cache_is_fine(cache):
    assert tilepack.report_status(cache.parent, cache.parent).paths == (cache.parent / "Status.gdb",)


def test_report_folder_is_there_before(cache, tmp_path):
    with pytest.raises(tilepack.TransferError, match="there is no such folder; make it first"):
        tilepack.report_status(cache, tmp_path / "none")
    with pytest.raises(tilepack.UnsupportedError, match="format 'shp' is unknown; there are gdb, gpkg, geojson, csv"):
        tilepack.report_status(cache, tmp_path, format="shp")


def test_report_takes_the_place_of_arcgis_own_by_force_and_keeps_it(cache, folder):
    theirs = write_arcgis(folder)
    with pytest.raises(tilepack.CacheExistsError):
        tilepack.report_status(cache, folder)
    written = tilepack.report_status(cache, folder, force=True)
    assert written.kept == folder / "Status.gdb.arcgis"
    assert files_of(written.kept) == theirs
    assert is_ours(folder / "Status.gdb")


# The cache's own


def test_rebuild_makes_a_status_of_the_whole_cache_in_its_folder_and_replaces_its_own(cache):
    before = names_in(cache)
    written = tilepack.rebuild_status(cache)
    assert names_in(cache) == sorted([*before, "Status.gdb"])
    assert rows_in(cache / "Status.gdb") == 2
    assert written.paths == (cache / "Status.gdb",)
    assert written.kept is None
    shutil.rmtree(cache / f"_alllayers/L{LEVEL:02d}")
    tilepack.rebuild_status(cache / "conf.xml")
    assert rows_in(cache / "Status.gdb") == 0
    assert tilepack.status_of(cache).levels == ()


def test_rebuild_finds_the_folder_of_the_documents(tmp_path):
    write_cache(tmp_path / "service/Layers", SCHEME, [TileKey(LEVEL, 1, 1)])
    written = tilepack.rebuild_status(tmp_path / "service")
    assert written.paths == (tmp_path / "service/Layers/Status.gdb",)


def test_arcgis_own_is_touched_by_force_only_and_kept(cache):
    theirs = write_arcgis(cache)
    for work in (tilepack.rebuild_status, tilepack.delete_status):
        with pytest.raises(tilepack.CacheExistsError, match=r"was not written by tilepack.*\(--force\)"):
            work(cache)
    assert files_of(cache / "Status.gdb") == theirs
    written = tilepack.rebuild_status(cache, force=True)
    assert files_of(cache / "Status.gdb.arcgis") == theirs
    assert written.kept == cache / "Status.gdb.arcgis"
    assert is_ours(cache / "Status.gdb")
    tilepack.rebuild_status(cache)
    assert files_of(cache / "Status.gdb.arcgis") == theirs
    shutil.rmtree(cache / "Status.gdb")
    write_arcgis(cache)
    for work in (tilepack.rebuild_status, tilepack.delete_status):
        with pytest.raises(tilepack.CacheExistsError, match=r"Status\.gdb\.arcgis: is there from an earlier time"):
            work(cache, force=True)


def test_delete_removes_our_own_and_nothing_else(cache):
    before = sorted(cache.rglob("*"))
    assert tilepack.delete_status(cache) is None
    tilepack.rebuild_status(cache)
    deleted = tilepack.delete_status(cache)
    assert (deleted.path, deleted.kept) == (cache / "Status.gdb", None)
    assert sorted(cache.rglob("*")) == before
    theirs = write_arcgis(cache)
    deleted = tilepack.delete_status(cache, force=True)
    assert files_of(deleted.kept) == theirs
    assert not (cache / "Status.gdb").exists()


HAS_PIPES = hasattr(os, "mkfifo")


@pytest.mark.parametrize("made", ["folder", "file", "link", *(["pipe", "folder of a pipe"] if HAS_PIPES else [])])
def test_what_is_no_geodatabase_at_all_is_not_ours(cache, made, tmp_path):
    place = cache / "Status.gdb"
    if made == "folder":
        (place / "gdb").mkdir(parents=True)
    elif made == "file":
        place.write_bytes(b"\0" * 5000)
    elif made == "pipe":  # which GDAL would wait for
        os.mkfifo(place)
    elif made == "folder of a pipe":
        place.mkdir()
        os.mkfifo(place / "a00000001.gdbtable")
    else:
        place.symlink_to(tmp_path / "nowhere")
    for work in (tilepack.rebuild_status, tilepack.delete_status):
        with pytest.raises(tilepack.CacheExistsError, match="was not written by tilepack"):
            work(cache)
    assert os.path.lexists(place)
    tilepack.rebuild_status(cache, force=True)
    assert is_ours(place)
    assert os.path.lexists(cache / "Status.gdb.arcgis")


def test_geodatabase_that_is_open_elsewhere_is_let_be(cache):
    tilepack.rebuild_status(cache)
    (cache / "Status.gdb/_gdb.PC7.1234.5678.sr.lock").touch()
    for work in (tilepack.rebuild_status, tilepack.delete_status):
        with pytest.raises(tilepack.CacheExistsError, match=r"is open in another program.*sr\.lock"):
            work(cache)
    tilepack.rebuild_status(cache, force=True)
    assert not list(cache.glob("Status.gdb/*.lock"))


def test_packages_keep_no_status(cache, tmp_path):
    tilepack.convert(cache, tmp_path / "a.tpkx")
    for work in (tilepack.rebuild_status, tilepack.delete_status):
        with pytest.raises(tilepack.UnsupportedError, match=r"is one file, and no Status\.gdb is kept in those"):
            work(tmp_path / "a.tpkx")
    assert tilepack.report_status(tmp_path / "a.tpkx", tmp_path).report.levels[0].built == 2


# Failures


@pytest.mark.parametrize("broken", ["_polygons", "_check", "_write"])
def test_rebuild_that_fails_leaves_the_old_one(cache, monkeypatch, broken):
    tilepack.rebuild_status(cache)
    before, entries = files_of(cache / "Status.gdb"), names_in(cache)

    def fail(*_: object, **__: object) -> None:
        raise tilepack.TransferError("the disk is full")

    monkeypatch.setattr(f"tilepack.status.gdb.{broken}", fail)
    with pytest.raises(tilepack.TransferError, match="the disk is full"):
        tilepack.rebuild_status(cache)
    assert files_of(cache / "Status.gdb") == before
    assert names_in(cache) == entries


def test_rebuild_that_fails_at_the_very_end_puts_arcgis_own_back(cache, monkeypatch):
    theirs = write_arcgis(cache)
    before = names_in(cache)

    def fail(_: object) -> None:
        raise tilepack.TransferError("no more")

    monkeypatch.setattr(keeping.Staging, "publish", fail)
    with pytest.raises(tilepack.TransferError, match="no more"):
        tilepack.rebuild_status(cache, force=True)
    assert files_of(cache / "Status.gdb") == theirs
    assert names_in(cache) == before


def test_damaged_cache_leaves_the_old_one(cache):
    tilepack.rebuild_status(cache)
    before = files_of(cache / "Status.gdb")
    bundle = next(cache.rglob("*.bundle"))
    bundle.write_bytes(bundle.read_bytes()[:1000])
    with pytest.raises(tilepack.BundleError):
        tilepack.rebuild_status(cache)
    assert files_of(cache / "Status.gdb") == before


def test_gdal_that_complains_becomes_a_sentence(cache, folder, monkeypatch):
    from pyogrio import raw as pyogrio_raw

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CPLE_FileIO: no")

    monkeypatch.setattr(pyogrio_raw, "write", fail)
    with pytest.raises(tilepack.TransferError, match=r"Status.partial.gdb: cannot write TaskStatus: CPLE_FileIO: no"):
        tilepack.report_status(cache, folder)
    assert names_in(folder) == []


def test_what_a_killed_run_left_is_cleared_away(cache, folder):
    tilepack.report_status(cache, folder)
    (folder / "Status.gdb").rename(folder / "Status.gdb.replaced")
    (folder / "Status.partial.gdb").mkdir()
    (folder / "Status.gdb.partial.lock").touch()
    tilepack.report_status(cache, folder, force=True)
    assert names_in(folder) == ["Status.gdb"]
