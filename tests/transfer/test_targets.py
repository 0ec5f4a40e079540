"""Targets appear whole, replace what they are told to alone, and take along what belongs to them."""

from __future__ import annotations

import pytest
from caches import look_at_files, look_at_tiles, web_mercator, write_exploded, write_files, write_v1, write_v2
from island_targets import EVERY_LAYOUT, OTHER, TILES, damage, names
from layouts import LAYOUTS, convert_to

import tilepack
from tilepack.disk.files import PositionedFile
from tilepack.disk.staging import Staging

# What is refused


@EVERY_LAYOUT
def test_existing_target_is_refused_and_left_as_it_is(source, folder, layout):
    place = convert_to(layout, source, folder)
    before = look_at_files(place)
    with pytest.raises(tilepack.CacheExistsError, match=r"exists already.*--replace"):
        convert_to(layout, source, folder)
    assert look_at_files(place) == before
    assert names(folder) == [place.name]


def test_existing_empty_folder_is_refused(source, folder):
    (folder / "v2").mkdir()
    with pytest.raises(tilepack.CacheExistsError):
        convert_to("v2", source, folder)


@pytest.mark.parametrize("inside", ["", "conf.xml"])
def test_target_that_is_the_source_is_refused(source, inside):
    with pytest.raises(tilepack.TransferError, match="is the source itself"):
        tilepack.convert(source / inside, source, replace=True)
    assert look_at_tiles(source) == TILES


def test_target_inside_the_source_is_refused(source):
    with pytest.raises(tilepack.TransferError, match="inside the source"):
        tilepack.convert(source, source / "inner")
    assert "inner" not in names(source)


def test_target_around_the_source_is_refused(source):
    with pytest.raises(tilepack.TransferError, match="source lies inside it"):
        tilepack.convert(source, source.parent, replace=True)
    assert look_at_tiles(source) == TILES


def test_target_that_is_the_source_by_a_link_is_refused(source, folder):
    try:
        (folder / "link").symlink_to(source, target_is_directory=True)
    except OSError:
        pytest.skip("this system lets nobody make links")
    with pytest.raises(tilepack.TransferError, match="inside the source"):
        tilepack.convert(source, folder / "link" / "inner")
    with pytest.raises(tilepack.TransferError, match="is the source itself"):
        tilepack.convert(source, folder / "link", replace=True)
    assert look_at_tiles(source) == TILES


@pytest.mark.parametrize(
    ("name", "storage_format"),
    [("a.tpk", "compact-v2"), ("a.tpk", "exploded"), ("a.tpkx", "compact"), ("a.TPKX", "EXPLODED")],
)
def test_suffix_that_contradicts_the_storage_format_is_refused(source, folder, name, storage_format):
    with pytest.raises(tilepack.TransferError, match="leave the storage format out"):
        tilepack.convert(source, folder / name, storage_format=storage_format)
    assert names(folder) == []


def test_images_go_into_no_vector_tile_package(source, folder):
    with pytest.raises(tilepack.UnsupportedError, match="vector tiles alone"):
        tilepack.convert(source, folder / "island.vtpk")
    assert names(folder) == []


def test_unknown_storage_format_is_refused(source, folder):
    with pytest.raises(tilepack.TransferError, match="compact, compact-v2, exploded"):
        tilepack.convert(source, folder / "island", storage_format="compact-v3")


@pytest.mark.parametrize(("name", "storage_format"), [("a", "compact"), ("a", "exploded"), ("a.tpk", None)])
def test_only_v2_can_be_ready_to_serve(source, folder, name, storage_format):
    with pytest.raises(tilepack.TransferError, match="ready to serve"):
        tilepack.convert(source, folder / name, storage_format=storage_format, ready_to_serve=True)


@EVERY_LAYOUT
def test_target_in_a_folder_that_is_not_there_is_refused(source, folder, layout):
    with pytest.raises(tilepack.TransferError, match="no such folder"):
        convert_to(layout, source, folder / "nowhere")


@EVERY_LAYOUT
def test_disk_that_is_too_small_is_refused_beforehand(source, folder, layout, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(tilepack.TransferError, match="100 bytes free"):
        convert_to(layout, source, folder)
    assert names(folder) == []


def test_storage_format_is_read_however_it_is_spelled(source, folder):
    for number, spelling in enumerate(("compact-v2", "COMPACT_V2", "Compact_v2", tilepack.StorageFormat.COMPACT_V2)):
        plan = tilepack.plan_convert(source, folder / str(number), storage_format=spelling)
        assert plan.kind.storage_format is tilepack.StorageFormat.COMPACT_V2


# Replacing


@EVERY_LAYOUT
def test_replace_puts_the_new_cache_in_place_of_the_old(tmp_path, source, folder, layout):
    write_v2(tmp_path / "other", web_mercator(), OTHER)
    place = convert_to(layout, tmp_path / "other", folder)
    assert look_at_tiles(place) == OTHER
    convert_to(layout, source, folder, replace=True)
    assert look_at_tiles(place) == TILES
    assert names(folder) == [place.name]


@EVERY_LAYOUT
def test_replace_of_nothing_makes_a_new_cache(source, folder, layout):
    assert look_at_tiles(convert_to(layout, source, folder, replace=True)) == TILES


@EVERY_LAYOUT
def test_replace_that_fails_leaves_the_old_cache(tmp_path, source, folder, layout):
    write_v2(tmp_path / "other", web_mercator(), OTHER)
    place = convert_to(layout, tmp_path / "other", folder)
    before = look_at_files(place)
    damage(source)
    with pytest.raises(tilepack.BundleError):
        convert_to(layout, source, folder, replace=True)
    assert look_at_files(place) == before
    assert names(folder) == [place.name]


def test_replace_puts_a_package_in_place_of_a_folder(source, folder):
    write_v2(folder / "cache.tpkx", web_mercator(), OTHER)
    assert look_at_tiles(convert_to("tpkx", source, folder, replace=True)) == TILES
    assert names(folder) == ["cache.tpkx"]


# What goes along


@pytest.mark.parametrize("layout", ["v1", "v2", "exploded"])
def test_pictures_for_missing_tiles_are_carried_into_folders(source, folder, layout):
    pictures = {"missing.jpg": b"\xff\xd8 gone", "Blank.png": b"\x89PNG blank"}
    write_files(source / "_alllayers", pictures)
    place = convert_to(layout, source, folder)
    assert {name: (place / "_alllayers" / name).read_bytes() for name in pictures} == pictures
    assert look_at_tiles(place) == TILES


@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_pictures_for_missing_tiles_stay_behind_with_a_warning(source, folder, layout):
    write_files(source / "_alllayers", {"missing.png": b"\x89PNG gone"})
    plan = tilepack.plan_convert(source, folder / LAYOUTS[layout][0])
    assert any("missing.png stay" in warning for warning in plan.warnings)
    assert not any("missing" in name for name in look_at_files(convert_to(layout, source, folder)))


# Plans, progress, results


@EVERY_LAYOUT
def test_plan_touches_nothing(source, folder, layout):
    name, storage_format = LAYOUTS[layout]
    plan = tilepack.plan_convert(source, folder / name, storage_format=storage_format)
    assert (plan.tiles, len(plan.tasks)) == (3, 3)
    assert names(folder) == []


@EVERY_LAYOUT
@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_progress_adds_up_to_the_tiles_and_their_bytes(tmp_path, folder, layout, write):
    write(tmp_path / "source", web_mercator(), TILES)
    name, storage_format = LAYOUTS[layout]
    moved = [0, 0]

    def progress(tiles: int, count: int) -> None:
        moved[0] += tiles
        moved[1] += count

    result = tilepack.convert(
        tmp_path / "source", folder / name, storage_format=storage_format, progress=progress, jobs=1
    )
    size = sum(map(len, TILES.values()))
    assert moved == [3, size] == [result.tiles, result.tile_bytes]
    assert (result.plan.tiles, result.plan.tile_bytes) == (3, size)


def test_everything_is_on_the_disk_before_the_target_has_its_name(source, folder, monkeypatch):
    steps: list[str] = []
    monkeypatch.setattr("tilepack.disk.container.sync_tree", lambda _: steps.append("folder synced"))
    monkeypatch.setattr(PositionedFile, "sync", lambda _: steps.append("package synced"))
    real = Staging.publish

    def publish(self: Staging) -> None:
        steps.append("renamed")
        real(self)

    monkeypatch.setattr(Staging, "publish", publish)
    for layout in ("v2", "tpkx"):
        convert_to(layout, source, folder)
    assert steps == ["folder synced", "renamed", "package synced", "renamed"]
