"""Whatever fails, or is killed, leaves no half of a target, and nobody else writes meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from caches import look_at_tiles, web_mercator, write_exploded, write_files, write_v1, write_v2
from interrupting import assert_stops
from island_targets import EVERY_LAYOUT, OTHER, TILES, damage, names
from layouts import LAYOUTS, convert_to

import tilepack
from tilepack.disk.files import PositionedFile
from tilepack.disk.staging import Staging
from tilepack.stores.compact import CompactReader

# Failing


@EVERY_LAYOUT
def test_damaged_source_leaves_nothing(source, folder, layout):
    damage(source)
    with pytest.raises(tilepack.BundleError, match="7/10/6"):
        convert_to(layout, source, folder)
    assert names(folder) == []


@EVERY_LAYOUT
def test_full_disk_leaves_nothing(tmp_path, folder, layout, monkeypatch):
    write_exploded(tmp_path / "source", web_mercator(), TILES)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(tilepack.TransferError, match="No space left on device"):
        convert_to(layout, tmp_path / "source", folder)
    monkeypatch.undo()
    assert names(folder) == []


@EVERY_LAYOUT
def test_reader_that_fails_leaves_nothing(source, folder, layout, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(CompactReader, "raw", fail)
    monkeypatch.setattr(CompactReader, "tiles", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        convert_to(layout, source, folder)
    assert names(folder) == []


@EVERY_LAYOUT
def test_progress_that_fails_leaves_nothing(source, folder, layout):
    def stop(tiles: int, count: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        convert_to(layout, source, folder, progress=stop)
    assert names(folder) == []


@EVERY_LAYOUT
def test_source_that_shrinks_between_plan_and_work_leaves_nothing(tmp_path, folder, layout, monkeypatch):
    write_v1(tmp_path / "source", web_mercator(), TILES)
    real = PositionedFile.allocate

    def shrink(self: PositionedFile, size: int) -> None:
        with (tmp_path / "source/_alllayers/L06/R0000C0000.bundle").open("r+b") as bundle:
            bundle.truncate(65600)
        real(self, size)

    monkeypatch.setattr(PositionedFile, "allocate", shrink)
    if layout == "exploded":
        with (tmp_path / "source/_alllayers/L06/R0000C0000.bundle").open("r+b") as bundle:
            bundle.truncate(65600)
    with pytest.raises(tilepack.TilepackError):
        convert_to(layout, tmp_path / "source", folder)
    assert names(folder) == []


# One writer at a time


@pytest.mark.parametrize("layout", ["v2", "tpkx"])
def test_second_writer_is_refused_naming_the_first(source, folder, layout):
    first = Staging(folder / LAYOUTS[layout][0], replace=False)
    with pytest.raises(tilepack.TransferError, match=rf"tilepack \(process {os.getpid()} on .+\) is writing it"):
        convert_to(layout, source, folder)
    first.discard()
    assert look_at_tiles(convert_to(layout, source, folder)) == TILES
    assert names(folder) == [LAYOUTS[layout][0]]


@pytest.mark.parametrize("layout", ["v2", "exploded", "tpkx"])
def test_killed_run_leaves_nothing_under_the_name_and_the_next_one_clears_up(source, folder, layout):
    name, storage_format = LAYOUTS[layout]
    script = f"""
        import sys, time, tilepack
        def wait(*_):
            print("ready", flush=True)
            time.sleep(60)
        tilepack.disk.package.PackageContainer.commit = tilepack.disk.container.FolderContainer.commit = wait
        tilepack.convert({str(source)!r}, {str(folder / name)!r}, storage_format={storage_format!r})
    """
    script = "import tilepack.disk.container, tilepack.disk.package\n" + textwrap.dedent(script)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        with pytest.raises(tilepack.TransferError, match=f"process {child.pid} on"):
            convert_to(layout, source, folder)
        child.kill()
    assert names(folder) == [f"{name}.partial", f"{name}.partial.lock"]
    with pytest.raises(tilepack.CacheNotFoundError):
        tilepack.open(folder / name)
    assert look_at_tiles(convert_to(layout, source, folder)) == TILES
    assert names(folder) == [name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
def test_interrupted_run_leaves_nothing(source, folder):
    script = f"""
        import signal, time, tilepack
        def wait(tiles, count):
            print("ready", flush=True)
            time.sleep(0.2)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background, Ctrl-C is ignored
        try:
            tilepack.convert({str(source)!r}, {str(folder / "island.tpkx")!r}, progress=wait, jobs=1)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """
    assert_stops(textwrap.dedent(script))
    assert names(folder) == []


@pytest.mark.parametrize("layout", ["v1", "exploded", "tpk"])
def test_partial_that_somebody_else_made_is_refused_and_kept(source, folder, layout):
    place = folder / f"{LAYOUTS[layout][0]}.partial"
    write_files(place, {"letter.txt": b"dear all"})
    with pytest.raises(tilepack.CacheExistsError, match="was not made by tilepack"):
        convert_to(layout, source, folder)
    assert (place / "letter.txt").read_bytes() == b"dear all"


def test_folder_that_holds_other_things_is_not_replaced(source, folder):
    write_files(folder / "v2", {"letter.txt": b"dear all"})
    with pytest.raises(tilepack.CacheExistsError, match=r"letter\.txt"):
        convert_to("v2", source, folder, replace=True)
    assert (folder / "v2/letter.txt").read_bytes() == b"dear all"


def test_folder_that_stepped_aside_comes_back_when_the_run_was_killed(source, folder):
    write_v2(folder / "v2.replaced", web_mercator(), OTHER)
    (folder / "v2.partial.lock").touch()
    with pytest.raises(tilepack.CacheExistsError):
        convert_to("v2", source, folder)
    assert look_at_tiles(folder / "v2") == OTHER
