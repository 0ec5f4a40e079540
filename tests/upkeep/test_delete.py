"""Deleting leaves exactly the tiles that are not asked for, byte by byte, and nothing half."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import mercantile
import numpy as np
import pyogrio
import pytest
import shapely
from caches import look_at_files, look_at_tiles, tile_box, web_mercator
from export_caches import ragged, wkt
from layouts import LAYOUTS, convert_to
from upkeep_caches import EVERY_FOLDER, EVERY_LAYOUT, EVERY_PACKAGE, copy_of, stamps, stopping

import tilepack
from tilepack.disk.journal import JOURNAL, Journal

SCHEME = web_mercator()


@pytest.fixture(scope="module")
def islands(tmp_path_factory, exploded_island) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("islands")
    return {layout: convert_to(layout, exploded_island, folder / layout_folder(folder, layout)) for layout in LAYOUTS}


def layout_folder(folder: Path, layout: str) -> str:
    (folder / layout).mkdir()
    return layout


@pytest.fixture
def cache(islands, layout, tmp_path) -> Path:
    return copy_of(islands[layout], tmp_path)


def box_of(tile: tilepack.TileKey) -> shapely.Polygon:
    box = tile_box(SCHEME, [tile], tile.level)
    return shapely.box(*box.as_tuple())


def star() -> shapely.Polygon:
    """Draw something that holds tiles of level 9 and 18, and crosses others."""
    keys = [tilepack.TileKey(9, row, column) for row in range(120, 137) for column in range(250, 263)]
    return ragged(tile_box(SCHEME, keys), points=9)


def documents(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if not re.search(r"/[RC][0-9a-fC]{8,}\.", path)}


# Which tiles


@EVERY_LAYOUT
@pytest.mark.parametrize(("asked", "gone"), [("9", {9}), ("0-5", {0, 5}), ("18,0", {0, 18})])
def test_levels_go(cache, island_tiles, asked, gone):
    result = tilepack.delete_tiles(cache, levels=asked, jobs=2)
    left = {tile: data for tile, data in island_tiles.items() if tile.level not in gone}
    assert look_at_tiles(cache) == left
    assert result.deleted == result.plan.tiles == len(island_tiles) - len(left)
    assert result.plan.tile_bytes == sum(len(data) for tile, data in island_tiles.items() if tile not in left)
    assert set(tilepack.verify(cache).counts) <= {"level-declared-empty", "extent-too-large"}


def test_scales_choose_levels(islands, island_tiles, tmp_path):
    cache = copy_of(islands["v2"], tmp_path)
    tilepack.delete_tiles(cache, scales=[SCHEME.level(9).scale])
    assert {tile.level for tile in look_at_tiles(cache)} == {0, 5, 18}


@EVERY_LAYOUT
def test_tiles_wholly_inside_an_area_go_and_crossing_ones_stay_whole(cache, island_tiles):
    area = star()
    result = tilepack.delete_tiles(cache, area=wkt(area), jobs=3)
    inside = {tile for tile in island_tiles if area.contains(box_of(tile))}
    crossing = {tile for tile in island_tiles if area.intersects(box_of(tile))} - inside
    assert len(inside) > 9
    assert len(crossing) > 9
    assert look_at_tiles(cache) == {tile: data for tile, data in island_tiles.items() if tile not in inside}
    assert (result.deleted, result.plan.tiles_crossing) == (len(inside), len(crossing))
    assert result.plan.left == len(island_tiles) - len(inside) - len(crossing)


@EVERY_LAYOUT
def test_tiles_that_an_extent_meets_with_more_than_an_edge_go(cache, island_tiles):
    middle = tile_box(SCHEME, [tilepack.TileKey(9, 127, 255), tilepack.TileKey(9, 129, 257)])
    tilepack.delete_tiles(cache, extent=middle.as_tuple(), levels="9")
    met = {(9, row, column) for row in (127, 128, 129) for column in (255, 256, 257)}
    assert look_at_tiles(cache) == {tile: data for tile, data in island_tiles.items() if tuple(tile) not in met}


def test_a_box_in_degrees_chooses_as_an_extent_does(islands, tmp_path, island_tiles):
    cache = copy_of(islands["v1"], tmp_path)
    west, south, east, north = asked = (-2.0, 68.0, 2.0, 70.0)
    tilepack.delete_tiles(cache, bbox=asked)
    bounds = {tile: mercantile.bounds(tile.column, tile.row, tile.level) for tile in island_tiles}
    met = {
        tile
        for tile, box in bounds.items()
        if box.west < east and west < box.east and box.south < north and south < box.north
    }
    assert 9 < len(met) < len(island_tiles)
    assert look_at_tiles(cache) == {tile: data for tile, data in island_tiles.items() if tile not in met}


@EVERY_LAYOUT
def test_all_goes_and_folders_and_documents_stay(cache):
    before = look_at_files(cache)
    folders = {place.relative_to(cache) for place in cache.rglob("*") if place.is_dir()} if cache.is_dir() else set()
    result = tilepack.delete_tiles(cache, all_tiles=True)
    assert look_at_files(cache) == documents(before)
    assert result.plan.bundles_rewritten == 0
    if folders:
        assert {place.relative_to(cache) for place in cache.rglob("*") if place.is_dir()} == folders
    with tilepack.open(cache) as reader:
        assert reader.levels() == [0, 5, 9, 18]
    assert tilepack.verify(cache).counts == {"cache-empty": 1}
    assert tilepack.delete_tiles(cache, all_tiles=True).deleted == 0


def test_rows_with_a_level_bound_their_level_alone(islands, island_tiles, tmp_path):
    cache = copy_of(islands["tpkx"], tmp_path)
    five = [tile for tile in island_tiles if tile.level == 5 and tile.row < 12]
    nine = [tile for tile in island_tiles if tile.level == 9 and tile.column >= 256]
    shapes = [shapely.box(*tile_box(SCHEME, keys, keys[0].level).as_tuple()).buffer(1) for keys in (five, nine)]
    pyogrio.raw.write(
        tmp_path / "report.gpkg",
        shapely.to_wkb(np.array(shapes)),
        [np.array([5, 9])],
        ["LevelID"],
        driver="GPKG",
        geometry_type="Polygon",
        crs="EPSG:3857",
    )
    for _ in range(2):  # the second time there is nothing left to do, which is no error
        tilepack.delete_tiles(cache, area=tmp_path / "report.gpkg")
        assert look_at_tiles(cache) == {key: data for key, data in island_tiles.items() if key not in {*five, *nine}}
    tilepack.delete_tiles(cache, levels="5,9")
    assert tilepack.delete_tiles(cache, area=tmp_path / "report.gpkg").deleted == 0


# What else


@EVERY_FOLDER
def test_bundles_outside_are_not_touched(cache):
    before = stamps(cache)
    tilepack.delete_tiles(cache, levels="5")
    after = stamps(cache)
    assert after == {path: stamp for path, stamp in before.items() if "/L05/" not in path}


@EVERY_LAYOUT
def test_deleting_twice_is_deleting_once(cache):
    tilepack.delete_tiles(cache, area=wkt(star()))
    once, when = look_at_files(cache), stamps(cache)
    result = tilepack.delete_tiles(cache, area=wkt(star()))
    assert (result.deleted, result.resumed_bundles) == (0, 0)
    assert "there are no tiles to delete; the cache stays as it is" in result.plan.warnings
    assert look_at_files(cache) == once
    assert stamps(cache) == when


@EVERY_LAYOUT
def test_a_dry_run_says_how_much_and_does_nothing(cache):
    when = stamps(cache)
    plan = tilepack.plan_delete(cache, area=wkt(star()))
    assert stamps(cache) == when
    result = tilepack.delete_tiles(cache, area=wkt(star()))
    assert result.plan == plan or result.plan.tasks == plan.tasks
    assert result.deleted == plan.tiles
    figures = plan.as_json()
    assert sum(level["tilesToDelete"] for level in figures["byLevel"]) == figures["tilesToDelete"] == plan.tiles


def test_emptied_levels_that_documents_name_are_told(islands, tmp_path):
    cache = copy_of(islands["tpkx"], tmp_path)
    warnings = tilepack.delete_tiles(cache, levels="18").plan.warnings
    assert warnings == ("level 18 will hold no tiles, and stays declared as maxLOD; tilepack repair adapts that",)
    assert tilepack.verify(cache).counts["level-declared-empty"] == 1
    tilepack.repair(cache)
    assert "level-declared-empty" not in tilepack.verify(cache).counts


def test_a_status_report_is_said_to_be_out_of_date(islands, tmp_path):
    cache = copy_of(islands["v2"], tmp_path)
    (cache / "Status.gdb").mkdir()
    assert any("Status.gdb" in text for text in tilepack.plan_delete(cache, levels="5").warnings)


# Refusals


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({}, tilepack.TransferError, "ask for all"),
        ({"all_tiles": True, "levels": "5"}, tilepack.TransferError, "choose one"),
        ({"levels": "5", "pixels": True}, tilepack.TransferError, "give an area"),
        ({"extent": (0, 0, 1, 1), "pixels": True}, tilepack.TransferError, "give an area"),
        ({"levels": "77"}, tilepack.TilingSchemeError, "level 77"),
        ({"extent": (-2e7, -2e7, -1.9e7, -1.9e7), "levels": "9"}, tilepack.AreaOfInterestError, "does not meet"),
        ({"bbox": (100, -50, 110, -40), "levels": "9"}, tilepack.AreaOfInterestError, "misses"),
        ({"area": "SRID=4326;POLYGON((99 1,98 1,98 2,99 1))", "levels": "9"}, tilepack.AreaOfInterestError, "misses"),
    ],
)
def test_wishes_that_mean_nothing_are_refused(islands, tmp_path, asked, error, words):
    cache = copy_of(islands["v2"], tmp_path)
    when = stamps(cache)
    with pytest.raises(error, match=words):
        tilepack.delete_tiles(cache, **asked)
    assert stamps(cache) == when


def test_another_program_s_lock_is_heeded_unless_forced(islands, tmp_path):
    cache = copy_of(islands["v2"], tmp_path)
    (cache / "_alllayers/L05/R0000C0000.lock").write_bytes(b"")
    with pytest.raises(tilepack.TransferError, match="--force"):
        tilepack.delete_tiles(cache, levels="5")
    assert tilepack.delete_tiles(cache, levels="5", force=True).deleted == 36


# Never half


@EVERY_FOLDER
def test_a_stopped_run_is_taken_up_by_the_same(cache, islands, layout, tmp_path):
    area = wkt(star())
    whole = copy_of(islands[layout], tmp_path / "whole")
    tilepack.delete_tiles(whole, area=area)
    with stopping(2), pytest.raises(tilepack.TransferError, match="gone") as caught:
        tilepack.delete_tiles(cache, area=area, jobs=1)
    assert "run the same again" in caught.value.__notes__[0]
    with pytest.raises(tilepack.TransferError, match="in the middle of a deletion"):
        tilepack.delete_tiles(cache, levels="5")
    result = tilepack.delete_tiles(cache, area=area)
    assert result.plan.warnings == ()
    assert look_at_files(cache) == look_at_files(whole)


def test_a_run_that_was_stopped_behind_its_last_bundle_is_ended_too(islands, tmp_path, monkeypatch):
    cache = copy_of(islands["v2"], tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "end", lambda _: (_ for _ in ()).throw(tilepack.TransferError("gone")))
        with pytest.raises(tilepack.TransferError):
            tilepack.delete_tiles(cache, levels="5")
    assert (cache / JOURNAL).exists()
    tilepack.delete_tiles(cache, levels="5")
    assert not (cache / JOURNAL).exists()


@EVERY_PACKAGE
def test_a_package_that_cannot_be_written_stays_as_it_was(cache, monkeypatch):
    before = cache.read_bytes()
    monkeypatch.setattr(
        "tilepack.disk.package.PackageContainer.commit",
        lambda *_: (_ for _ in ()).throw(tilepack.TransferError("full")),
    )
    with pytest.raises(tilepack.TransferError, match="full"):
        tilepack.delete_tiles(cache, levels="5")
    assert cache.read_bytes() == before
    assert [place.name for place in cache.parent.iterdir()] == [cache.name]


@pytest.mark.parametrize("work", ["delete", "repair"])
def test_a_plan_that_somebody_overtook_is_refused(tmp_path, work):
    """Its bundles, and what documents are to say, are of the cache as it was."""
    from broken_caches import BUNDLE, beheaded
    from hostile_builders import V2_FIRST
    from hostile_case import rewritten

    cache = rewritten("v2", lambda files: files.update({BUNDLE: beheaded(files[BUNDLE], V2_FIRST)}))(tmp_path)
    other = rewritten("v2", lambda _: None)(tmp_path / "other")

    def overtake(_: object) -> None:
        tilepack.import_cache(other, cache, mode="OVERWRITE")

    run = functools.partial(tilepack.delete_tiles, levels="1") if work == "delete" else tilepack.repair
    with pytest.raises(tilepack.TransferError, match="was changed while the work was planned; start again"):
        run(cache, planned=overtake)
