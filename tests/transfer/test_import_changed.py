"""Laws of imports that take only what changed: nothing new means nothing opened, whatever differs is taken, once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import caches
import pytest
from changing import CORNER, KEYS, WRITERS, bundles, later, pictures, ruin, take, taken, write

import tilepack
from tilepack.keys import TileKey
from tilepack.upkeep.removing import delete_cache


@pytest.fixture
def source(tmp_path) -> Path:
    return write(tmp_path / "Quelle [1] ü", pictures())


@pytest.fixture
def target(tmp_path) -> Path:
    return write(tmp_path / "target", pictures(50, [TileKey(5, 10, 6), TileKey(9, 127, 250)]))


@pytest.mark.parametrize("layout", [*WRITERS, "tpkx"])
@pytest.mark.parametrize("below", [*WRITERS, "tpkx"])
def test_second_run_takes_nothing_and_writes_nothing(tmp_path, layout, below):
    source = write(tmp_path / "source", pictures(), layout=layout)
    target = write(tmp_path / "target", pictures(50, KEYS[:1]), layout=below)
    first = take(source, target)
    assert len(first.plan.tasks) == 4
    assert first.plan.bundles_as_before == 0
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    second = take(source, target)
    assert (second.plan.tasks, second.tiles, second.plan.bundles_as_before) == ((), 0, 4)
    assert second.plan.changes.from_outside
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]} == before
    assert caches.read_all(target) == pictures()


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("below", WRITERS)
def test_second_run_opens_no_bundle(tmp_path, layout, below):
    source = write(tmp_path / "source", pictures(), layout=layout)
    target = write(tmp_path / "target", pictures(50, KEYS[:1]), layout=below)
    take(source, target)
    ruin(source)
    ruin(target)
    assert take(source, target).plan.bundles_as_before == 4
    assert tilepack.plan_import(source, target, only_changed=True).tasks == ()


@pytest.mark.parametrize("layout", [*WRITERS, "tpkx"])
@pytest.mark.parametrize("below", [*WRITERS, "tpkx"])
def test_only_bundles_that_differ_are_taken(tmp_path, layout, below):
    source = write(tmp_path / "source", pictures(), layout=layout)
    target = write(tmp_path / "target", pictures(50, KEYS[:1]), layout=below)
    take(source, target)
    new = pictures() | pictures(7, [CORNER])  # as many bytes as before
    if layout == "tpkx":
        write(tmp_path / "source", new, layout=layout)
    else:
        write(tmp_path / "other", new, layout=layout)
        for here, there in zip(bundles(source), bundles(tmp_path / "other"), strict=True):
            if here.read_bytes() != there.read_bytes():
                shutil.copyfile(there, here)
                later(here)
    result = take(source, target)
    assert taken(result) == [CORNER.bundle]
    assert result.plan.bundles_as_before == 3
    assert caches.read_all(target) == new
    assert take(source, target).plan.tasks == ()


@pytest.mark.parametrize("layout", WRITERS)
def test_where_only_times_differ_the_content_decides(tmp_path, target, layout):
    source = write(tmp_path / "source", pictures(), layout=layout)
    take(source, target)
    for path in bundles(source):
        later(path)
    result = take(source, target)
    assert result.plan.tasks == ()
    assert not result.plan.changes.from_outside
    ruin(source)  # the new times are remembered by now
    assert take(source, target).plan.changes.from_outside


def test_package_that_was_only_touched_is_the_same(tmp_path, target):
    source = write(tmp_path / "source", pictures(), layout="tpkx")
    take(source, target)
    later(source)
    assert take(source, target).plan.changes.from_outside


def test_bundle_that_is_new_is_taken_and_one_that_went_changes_nothing(source, target):
    take(source, target)
    new = TileKey(9, 256, 0)
    write(source, pictures(0, [key for key in KEYS if key != CORNER] + [new]))
    assert new.bundle in taken(take(source, target))
    assert caches.read_all(target) == pictures(0, [*KEYS, new])


def test_bundle_that_went_goes_from_a_target_that_follows(source, target):
    options = {"mode": "OVERWRITE", "delete_missing": True}
    take(source, target, **options)
    (source / "_alllayers/L09/R0080C0100.bundle").unlink()
    result = take(source, target, **options)
    assert taken(result) == [CORNER.bundle]
    assert caches.read_all(target) == pictures(0, [key for key in KEYS if key != CORNER])
    assert take(source, target, **options).plan.tasks == ()


def test_gaps_alone_are_filled_of_bundles_that_changed(source, target):
    old = caches.read_all(target)
    assert len(take(source, target, only_missing=True).plan.tasks) == 3, "one bundle has no gap"
    assert caches.read_all(target) == pictures() | old
    ruin(source)
    assert take(source, target, only_missing=True).plan.changes.from_outside
    new = TileKey(9, 256, 0)
    write(source, pictures(7) | {new: caches.payload(new, "jpg")})
    assert taken(take(source, target, only_missing=True)) == [new.bundle], "nothing else has a gap"
    assert caches.read_all(target) == pictures() | old | {new: caches.payload(new, "jpg")}
    assert take(source, target, only_missing=True).plan.changes.from_outside


WEST = "POLYGON ((-170 -80, -1 -80, -1 80, -170 80, -170 -80))"


@pytest.mark.parametrize(
    "changed",
    [
        {"levels": "9"},
        {"scales": "1155581.108577"},
        {"area": tilepack.Area(source=WEST, crs="EPSG:4326")},
        {"extent": (-2e7, -2e7, 2e7, 2e7)},
        {"bbox": (-170, -80, 170, 80)},
        {"mode": "OVERWRITE"},
        {"pixels": tilepack.PixelOptions(skip_errors=True)},
        {"job": "another"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_another_wish_is_another_job(source, target, changed):
    take(source, target)
    assert take(source, target).plan.tasks == ()
    result = take(source, target, **changed)
    assert result.plan.changes.changed is None, "all are taken"
    assert len(result.plan.tasks) == (3 if {"levels", "scales", "area"} & changed.keys() else 4)
    assert take(source, target, **changed).plan.tasks == ()


def test_area_file_that_says_something_else_is_another_job(tmp_path, source, target):
    area = tmp_path / "area.geojson"
    shape = {"type": "Polygon", "coordinates": [[[-170, -80], [170, -80], [170, 80], [-170, 80], [-170, -80]]]}
    area.write_text(json.dumps(shape))
    assert len(take(source, target, area=area).plan.tasks) == 4
    later(area)
    assert take(source, target, area=area).plan.changes.from_outside
    area.write_text(json.dumps(shape).replace("80]", "85]"))
    assert len(take(source, target, area=area).plan.tasks) == 4


def test_pieces_remember_each_for_itself(tmp_path, target):
    pieces = {name: write(tmp_path / name, pictures(at)) for at, name in enumerate(("Ada", "Elmore"))}
    for piece in pieces.values():
        assert len(take(piece, target).plan.tasks) == 4
    assert all(take(piece, target).plan.changes.from_outside for piece in pieces.values())


def test_target_made_anew_takes_everything(tmp_path, source):
    for target in (tmp_path / "new", tmp_path / "new.tpkx"):
        for _ in range(2):
            tilepack.export_cache(source, target, levels="5", replace=True)
            assert len(take(source, target).plan.tasks) == 4


def test_plain_import_neither_asks_nor_tells_the_memory(source, target):
    tilepack.import_cache(source, target)
    assert not (target / "tilepack.state").exists()
    take(source, target)
    before = (target / "tilepack.state").read_bytes()
    assert len(tilepack.import_cache(source, target).plan.tasks) == 4
    assert (target / "tilepack.state").read_bytes() == before


def test_memory_is_a_part_of_the_cache_and_no_tile(source, target, tmp_path):
    take(source, target)
    assert str(tmp_path) not in (target / "tilepack.state").read_text()
    assert not tilepack.verify(target).count(tilepack.Severity.ERROR)
    before = caches.read_all(target)
    tilepack.convert(target, tmp_path / "copy.tpkx")
    assert not any("state" in name for name in caches.look_at_files(tmp_path / "copy.tpkx"))
    tilepack.convert(source, target, replace=True)  # it is no stranger's file, which would be in the way
    assert caches.read_all(target).keys() == before.keys()
    take(source, target)
    delete_cache(target)
    assert not target.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b'{"tilepack": 1}',
        b'{"tilepack": 9, "target": {"storageFormat": null}, "jobs": {}}',
        b'{"tilepack": 1, "target": {"storageFormat": "ZIP"}, "jobs": {}}',
        b'{"tilepack": 1, "target": {"storageFormat": null}, "jobs": {"a": {"job": 1}}}',
        b"[" * 100_000,
        b'{"a": [' + b"[]," * 4_200_000 + b"0]}",
        b"\xff\xfe",
    ],
    ids=lambda text: repr(text[:80]),
)
def test_memory_of_strangers_is_refused_with_the_remedy(source, target, text):
    (target / "tilepack.state").write_bytes(text)
    with pytest.raises(tilepack.TransferError, match=r"tilepack\.state: is no memory of tilepack's; remove it"):
        take(source, target)
    assert caches.read_all(target) == pictures(50, [TileKey(5, 10, 6), TileKey(9, 127, 250)])


def test_huge_memory_is_refused_unread(source, target):
    with (target / "tilepack.state").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(tilepack.TransferError, match="no memory"):
        take(source, target)


def test_changes_need_files_to_look_at(source, target):
    with pytest.raises(tilepack.CacheNotFoundError):
        take(source, target.with_name("nowhere"))


def test_failed_run_leaves_the_old_memory(source, target, monkeypatch):
    take(source, target)
    before = (target / "tilepack.state").read_bytes()
    new = pictures(9)
    write(source, new)

    def fail(*_, **__):
        raise tilepack.TransferError("the disk failed")

    monkeypatch.setattr("tilepack.disk.update.FolderUpdate.publish", fail)
    with pytest.raises(tilepack.TransferError, match="the disk failed"):
        take(source, target)
    monkeypatch.undo()
    assert (target / "tilepack.state").read_bytes() == before
    assert len(take(source, target).plan.tasks) == 4
    assert caches.read_all(target) == new
