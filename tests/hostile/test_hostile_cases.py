"""Whatever a cache holds, it is read, or refused in one sentence; and nothing is left of what was refused."""

import os
import signal
import time
import tracemalloc
from pathlib import Path
from typing import NoReturn

import hostile_bundles
import hostile_documents
import hostile_folders
import hostile_packages
import pytest
from caches import read_thoroughly
from hostile_builders import LAYOUTS, TILES, files_of, v2_bundle, write_cache
from hostile_case import Case, changed

import tilepack
from tilepack.errors import TilepackError, TilingSchemeError, TransferError

READ_CASES = [
    *hostile_bundles.CASES,
    *hostile_documents.CASES,
    *hostile_folders.CASES,
    *hostile_packages.CASES,
]
CASES = [*READ_CASES, *hostile_documents.CONVERT_CASES]
TARGETS = {"target.tpk": None, "target.tpkx": None, "target": "compact", "target-exploded": "exploded"}
SECONDS = 2.0
"""Of processor time: what else the machine does counts not."""
MEMORY = 200 << 20
SWELLING = [
    case for case in READ_CASES if any(word in case.name for word in ("swell", "claimed", "17-mib", "many", "bomb"))
]


def titles(cases: list[Case]) -> list[str]:
    found = [case.name.encode("unicode_escape").decode() for case in cases]
    assert len(set(found)) == len(found), "two cases of one name"
    return found


def tiles_of(path: Path) -> dict:
    with tilepack.open(path) as reader:
        return {
            tuple(tile): data
            for level in reader.levels()
            for bundle in reader.bundles(level)
            for tile, data in reader.tiles(bundle)
        }


def names_below(folder: Path) -> set[str]:
    return {f"{parent}/{name}" for parent, *lists in os.walk(folder) for names in lists for name in names}


def check_error(case: Case, caught: pytest.ExceptionInfo[TilepackError], begun: float) -> None:
    assert time.process_time() - begun < SECONDS
    message = str(caught.value)
    assert [word for word in case.words if word not in message] == [], message
    assert "\n" not in message
    assert len(message) < 900


@pytest.fixture(autouse=True)
def _alarm():
    """End what waits for ever, such as opening a named pipe, where the system has a clock for that."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def wake(number: int, frame: object) -> NoReturn:
        raise AssertionError("still at work after a minute")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("case", READ_CASES, ids=titles(READ_CASES))
def test_hostile_cache_is_refused_when_it_is_read(case, tmp_path):
    source = case.make(tmp_path)
    begun = time.process_time()
    with pytest.raises(case.error) as caught:
        read_thoroughly(source)
    check_error(case, caught, begun)


@pytest.mark.parametrize("case", CASES, ids=titles(CASES))
def test_hostile_cache_leaves_nothing_when_it_is_converted(case, tmp_path):
    folder, targets = tmp_path / "hostile", tmp_path / "targets"
    folder.mkdir()
    targets.mkdir()
    source = case.make(folder)
    before = names_below(tmp_path)
    for name, storage_format in TARGETS.items():
        begun = time.process_time()
        with pytest.raises(case.error) as caught:
            tilepack.convert(source, targets / name, storage_format=storage_format)
        check_error(case, caught, begun)
        assert names_below(tmp_path) == before


@pytest.mark.parametrize("case", SWELLING, ids=titles(SWELLING))
def test_hostile_cache_takes_little_memory_when_it_swells(case, tmp_path):
    source = case.make(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(case.error):
            read_thoroughly(source)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sound_cache_is_read_and_converted(layout, tmp_path):
    (tmp_path / "sound").mkdir()
    source = write_cache(tmp_path / "sound", layout, files_of(layout))
    read_thoroughly(source)
    assert tiles_of(source) == TILES
    for name, storage_format in TARGETS.items():
        tilepack.convert(source, tmp_path / name, storage_format=storage_format)
        read_thoroughly(tmp_path / name)
        assert tiles_of(tmp_path / name) == TILES
    assert {path.name for path in tmp_path.iterdir()} == {"sound", *TARGETS}


@pytest.mark.parametrize(
    ("layout", "path", "data"),
    hostile_documents.sound_oddities().values(),
    ids=hostile_documents.sound_oddities(),
)
def test_odd_document_is_read_when_it_is_sound(layout, path, data, tmp_path):
    source = changed(layout, path, lambda _: data)(tmp_path)
    assert tiles_of(source) == TILES


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "\u00b2", "9" * 30, "9" * 5000, "1e9", " 5", "0x10", "\u0661"])
def test_convert_refuses_when_source_date_epoch_is_nonsense(value, tmp_path, monkeypatch):
    (tmp_path / "sound").mkdir()
    source = write_cache(tmp_path / "sound", "v2", files_of("v2"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    for name in ("a.tpk", "a.tpkx"):
        with pytest.raises(TransferError, match=r"SOURCE_DATE_EPOCH .* whole seconds since 1970"):
            tilepack.convert(source, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"sound"}


@pytest.mark.skipif(os.name != "posix", reason="only POSIX names files by any bytes")
@pytest.mark.parametrize("name", [b"caf\xe9", b"a\x01b", b"a\nb", "\ufffe".encode()])
def test_convert_names_the_cache_when_its_folder_is_no_text(name, tmp_path):
    source = tmp_path / os.fsdecode(name)
    try:
        source.mkdir()
    except OSError:
        pytest.skip("this file system takes text alone")
    write_cache(source, "v2", files_of("v2"))
    (source / "source").rename(source / os.fsdecode(name))
    for target in ("a.tpk", "a.tpkx"):
        tilepack.convert(source / os.fsdecode(name), tmp_path / target)
        assert tiles_of(tmp_path / target) == TILES


def test_open_refuses_when_the_path_is_too_long(tmp_path):
    with pytest.raises(TilepackError, match=r"x: cannot look at: .*long|x: there is nothing of that name"):
        tilepack.open(tmp_path / ("x" * 300))


@pytest.mark.parametrize("name", ["x" * 300, "x" * 250])
def test_convert_refuses_when_the_name_of_the_target_is_too_long(name, tmp_path):
    (tmp_path / "sound").mkdir()
    source = write_cache(tmp_path / "sound", "v2", files_of("v2"))
    with pytest.raises(TilepackError, match="cannot"):
        tilepack.convert(source, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"sound"}


def far_away(layout: str, folder: Path, level: int) -> Path:
    """Name the bundle of one tile so that it lies at the last row that can be named."""
    files = files_of(layout)
    top = "tile" if layout in ("ready", "tpkx") else "_alllayers"
    tile = {(level, (1 << 32) - 1, 0): b"x" * 100}
    files[f"{top}/L{level:02d}/Rffffff80C0000.bundle"] = v2_bundle((level, (1 << 32) - 128, 0), tile)
    return write_cache(folder, layout, files)


@pytest.mark.parametrize("layout", ["v2", "ready", "tpkx"])
def test_convert_ends_soon_when_a_bundle_lies_far_away(layout, tmp_path):
    (tmp_path / "far").mkdir()
    source = far_away(layout, tmp_path / "far", 8)
    for name, storage_format in TARGETS.items():
        begun = time.process_time()
        tilepack.convert(source, tmp_path / name, storage_format=storage_format)
        assert time.process_time() - begun < SECONDS
        assert tiles_of(tmp_path / name) == tiles_of(source)
    assert any("bundles; ArcGIS Online" in line for line in tilepack.plan_convert(source, tmp_path / "a.tpkx").warnings)


def test_convert_refuses_when_a_bundle_lies_beyond_all_maps(tmp_path):
    (tmp_path / "far").mkdir()
    source = far_away("v2", tmp_path / "far", 0)
    for name, storage_format in TARGETS.items():
        with pytest.raises(
            TilingSchemeError, match=r"bundle L00/Rffffff80C0000 lies at .*move it away or mend the scheme"
        ):
            tilepack.convert(source, tmp_path / name, storage_format=storage_format)
    assert {path.name for path in tmp_path.iterdir()} == {"far"}
