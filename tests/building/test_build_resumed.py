"""A build that was stopped goes on from where it was, and ends in the same bytes; nothing is drawn twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeded_rasters import noise, on_the_grid, write_raster

import tilepack
from tilepack.building import planning
from tilepack.building.drawing import Drawer
from tilepack.building.drawn import Drawn, drawn_beside
from tilepack.disk.files import PositionedFile

COLUMN, ROW, LEVEL = 40_000, 30_000, 9
OPTIONS = {"levels": "5-9", "name": "same"}
WINDOWS = 20


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch):
    monkeypatch.setattr(planning, "WINDOW", 256)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    place = tmp_path_factory.mktemp("ground") / "ground.tif"
    return write_raster(place, noise(3, 900, 1000, seed=1), on_the_grid(COLUMN, ROW, LEVEL))


@pytest.fixture
def drawings(monkeypatch):
    """Count the windows that are drawn."""
    found = []
    draw = Drawer.draw
    monkeypatch.setattr(Drawer, "draw", lambda self, window: [draw(self, window), found.append(window)][0])
    return found


def files_of(target: Path) -> dict[str, bytes]:
    if target.is_file():
        return {"": target.read_bytes()}
    return {str(path.relative_to(target)): path.read_bytes() for path in sorted(target.rglob("*")) if path.is_file()}


def stopped_after(windows: int, raster: Path, target: Path, **options: object) -> str:
    """Stop a build by what Ctrl-C raises; give what it has to say."""

    def stop(done: int, _total: int) -> None:
        if done == windows:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        tilepack.build(raster, target, jobs=1, progress=stop, **OPTIONS, **options)
    return "".join(getattr(caught.value, "__notes__", []))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["t", "t.tpk", "t.tpkx", "t.mbtiles", "t.pmtiles"])
def test_stopped_build_ends_in_the_same_bytes(raster, tmp_path, drawings, name):
    whole, target = tmp_path / "whole" / name, tmp_path / "stopped" / name
    whole.parent.mkdir()
    target.parent.mkdir()
    tilepack.build(raster, whole, **OPTIONS)
    drawings.clear()
    for windows in (3, 11, WINDOWS):
        words = stopped_after(windows, raster, target)
        (kept,) = names_in(target.parent)
        assert kept.endswith(".partial.drawn")
        assert f"kept in {target.parent / kept}: the same command goes on from there; remove the file" in words
    result = tilepack.build(raster, target, **OPTIONS)
    assert result.plan.windows == WINDOWS
    assert result.resumed_windows == WINDOWS
    assert "what it has drawn is taken up" in result.plan.warnings[-1]
    assert len(drawings) <= WINDOWS + 2 * 3  # one thread draws two ahead of what is kept
    assert files_of(target) == files_of(whole)
    assert names_in(target.parent) == {name}


def test_nothing_is_drawn_twice(raster, tmp_path, drawings):
    stopped_after(9, raster, tmp_path / "t.tpkx")
    drawings.clear()
    result = tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS)
    assert len(drawings) + result.resumed_windows == WINDOWS
    assert result.resumed_windows == 9


def test_build_into_a_cache_goes_on_as_well(raster, tmp_path, drawings):
    for name in ("c", "whole"):
        tilepack.create_cache(tmp_path / name, name="c")
    tilepack.build_into(raster, tmp_path / "whole", levels="5-9")
    drawings.clear()

    def stop(done: int, _total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.build_into(raster, tmp_path / "c", levels="5-9", jobs=1, progress=stop)
    assert names_in(tmp_path) == {"c", "whole", ".c.tilepack-build.partial.drawn"}
    drawings.clear()
    assert tilepack.build_into(raster, tmp_path / "c", levels="5-9").built.resumed_windows == 7
    assert len(drawings) == WINDOWS - 7
    assert tilepack.diff(tmp_path / "c", tmp_path / "whole").has_same_tiles
    assert names_in(tmp_path) == {"c", "whole"}


def test_import_that_was_stopped_behind_the_build_draws_nothing_anew(raster, tmp_path, drawings):
    tilepack.create_cache(tmp_path / "c")

    def stop(_tiles: int, _bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.build_into(raster, tmp_path / "c", levels="5-9", jobs=1, joined=stop)
    drawings.clear()
    tilepack.build_into(raster, tmp_path / "c", levels="5-9")
    assert not drawings


@pytest.mark.parametrize(
    "change",
    [
        {"levels": "6-9"},
        {"quality": 40},
        {"tile_format": "PNG32"},
        {"resampling": "nearest"},
        {"background": (1, 2, 3)},
        {"area": "SRID=3857;POLYGON((-8e6 8e6, 0 8e6, 0 1.2e7, -8e6 1.2e7, -8e6 8e6))"},
        {"stretch": (0, 200)},
        {"thumbnail": b""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_wishes_make_it_another_build(raster, tmp_path, drawings, change):
    stopped_after(5, raster, tmp_path / "t.tpkx")
    drawings.clear()
    if "thumbnail" in change:
        change = {"thumbnail": tilepack.read_thumbnail(_picture(tmp_path))}
    result = tilepack.build(raster, tmp_path / "t.tpkx", **(OPTIONS | change))
    assert result.resumed_windows == 0
    assert len(drawings) == result.plan.windows
    assert "is thrown away" in "".join(result.plan.warnings)
    assert not [name for name in names_in(tmp_path) if "partial" in name]


def _picture(folder: Path) -> Path:
    from tilepack.pixels.png import write_png

    (folder / "p.png").write_bytes(write_png(np.full((133, 200, 4), 255, np.uint8)))
    return folder / "p.png"


@pytest.mark.parametrize("what", ["raster", "in a vrt"])
def test_other_pixels_make_it_another_build(tmp_path, drawings, what):
    import rasterio.shutil

    source = raster = write_raster(tmp_path / "r.tif", noise(3, 900, 1000, seed=1), on_the_grid(COLUMN, ROW, LEVEL))
    if what == "in a vrt":
        for number in (1, 2):  # one in the other
            rasterio.shutil.copy(raster, tmp_path / f"{number}.vrt", driver="VRT")
            raster = tmp_path / f"{number}.vrt"
    stopped_after(5, raster, tmp_path / "t.tpkx")
    write_raster(source, noise(3, 900, 1000, seed=2), on_the_grid(COLUMN, ROW, LEVEL))
    drawings.clear()
    tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS)
    assert len(drawings) == WINDOWS


@pytest.mark.parametrize("cut", [1, 40, 3000, 1_000_000])
def test_what_is_not_whole_is_drawn_anew(raster, tmp_path, drawings, cut):
    tilepack.build(raster, tmp_path / "whole.tpkx", **OPTIONS)
    stopped_after(6, raster, tmp_path / "t.tpkx")
    kept = drawn_beside(tmp_path / "t.tpkx")
    with kept.open("r+b") as file:
        file.truncate(max(128, kept.stat().st_size - cut))
    drawings.clear()
    result = tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS)
    assert result.resumed_windows < 6
    assert len(drawings) + result.resumed_windows == WINDOWS
    assert files_of(tmp_path / "t.tpkx") == files_of(tmp_path / "whole.tpkx")


def test_any_changed_byte_is_found(raster, tmp_path):
    tilepack.build(raster, tmp_path / "whole.tpkx", **OPTIONS)
    stopped_after(4, raster, tmp_path / "t.tpkx")
    kept = drawn_beside(tmp_path / "t.tpkx")
    sound = kept.read_bytes()
    for at in np.random.default_rng(3).integers(128, len(sound), 4).tolist():
        changed = bytearray(sound)
        changed[at] ^= 0x55
        kept.write_bytes(changed)
        assert tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS, replace=True).resumed_windows < 4
        assert files_of(tmp_path / "t.tpkx") == files_of(tmp_path / "whole.tpkx")


@pytest.mark.parametrize("words", [b"mine", b""])
def test_what_is_not_tilepacks_is_left_alone(raster, tmp_path, words):
    there = drawn_beside(tmp_path / "t.tpkx")
    there.write_bytes(words)
    with pytest.raises(tilepack.CacheExistsError, match="was not made by tilepack; move it away"):
        tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS)
    assert names_in(tmp_path) == {there.name}
    assert there.read_bytes() == words


@pytest.mark.parametrize("room", [200, 40_000])
def test_full_disk_stops_the_keeping_and_not_the_build(raster, tmp_path, monkeypatch, room):
    tilepack.build(raster, tmp_path / "whole.tpkx", **OPTIONS)
    write = PositionedFile.write

    def write_if_there_is_room(file: PositionedFile, data: bytes, position: int) -> None:
        if file.path.endswith(".partial.drawn") and position + len(data) > room:
            raise tilepack.TransferError("cannot write: No space left on device")
        write(file, data, position)

    monkeypatch.setattr(PositionedFile, "write", write_if_there_is_room)
    tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS)
    assert files_of(tmp_path / "t.tpkx") == files_of(tmp_path / "whole.tpkx")
    assert names_in(tmp_path) == {"t.tpkx", "whole.tpkx"}


def test_raster_that_cannot_be_read_on_leaves_what_was_drawn(raster, tmp_path, monkeypatch):
    draw = Drawer.draw
    seen = []

    def fail(self, window):
        seen.append(window)
        if len(seen) > 10:
            raise tilepack.TransferError("ground.tif: cannot be read")
        return draw(self, window)

    with monkeypatch.context() as patched:
        patched.setattr(Drawer, "draw", fail)
        with pytest.raises(tilepack.TransferError) as caught:
            tilepack.build(raster, tmp_path / "t.tpkx", jobs=1, **OPTIONS)
    assert "what was drawn is kept" in "".join(caught.value.__notes__)
    assert tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS).resumed_windows == 10


def test_few_windows_are_not_kept(raster, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "WINDOW", 512)
    assert stopped_after(2, raster, tmp_path / "t.tpkx") == ""
    assert names_in(tmp_path) == set()


tiles = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.binary(max_size=50)))


@given(tiles, tiles, st.none() | st.integers(0, 255))
def test_drawn_window_comes_back_as_it_was(made, kept, grey):
    top = None if grey is None else np.full((8, 4, 4), grey, np.uint8)
    found = Drawn.from_bytes(Drawn(made, [tile[1:] for tile in kept], top).to_bytes(), 4, 8)
    assert found.tiles == made
    assert found.kept == [tile[1:] for tile in kept]
    assert np.array_equal(found.top, top) if top is not None else found.top is None


@given(st.binary(max_size=200))
def test_other_bytes_are_no_window(data):
    try:
        Drawn.from_bytes(data, 4, 8)
    except ValueError:
        return
    assert data[:12] == bytes(12)  # an empty one


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_killed_build_goes_on(raster, tmp_path):
    words = (
        "import os, sys, tilepack; from tilepack.building import planning; planning.WINDOW = 256\n"
        "tell = lambda done, _: done == 12 and os.kill(os.getpid(), 9)\n"
        f"tilepack.build({str(raster)!r}, {str(tmp_path / 't.tpkx')!r}, progress=tell, **{OPTIONS!r})"
    )
    process = subprocess.run([sys.executable, "-c", words], env=dict(os.environ), check=False)
    assert process.returncode == -signal.SIGKILL
    assert names_in(tmp_path) == {"t.tpkx.partial", "t.tpkx.partial.lock", "t.tpkx.partial.drawn"}
    begun = time.monotonic()
    result = tilepack.build(raster, tmp_path / "t.tpkx", **OPTIONS)
    assert result.resumed_windows == 12
    assert time.monotonic() - begun < 60
    tilepack.build(raster, tmp_path / "whole.tpkx", **OPTIONS)
    assert files_of(tmp_path / "t.tpkx") == files_of(tmp_path / "whole.tpkx")
    assert names_in(tmp_path) == {"t.tpkx", "whole.tpkx"}
