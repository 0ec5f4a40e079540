"""ManageMapServerCacheTiles and ManageTileCache: tiles from a source, or deleted."""

from __future__ import annotations

import arcpy_world
import caches
import pytest
from arcpy_world import SCALES, area_file, everything

import tilepack
from tilepack import arcpy
from tilepack.keys import TileKey


@pytest.fixture
def source(world, monkeypatch):
    """Other tiles of the service, named with it in a services file; the cache itself has a gap."""
    tiles = arcpy_world.tiles()
    del tiles[TileKey(4, 2, 2)]
    (world.cache / "_alllayers" / "L04" / "R0000C0000.bundle").unlink()
    (world.cache / "_alllayers" / "L04" / "R0000C0000.bundlx").unlink()
    caches.write_files(world.cache / "_alllayers", caches.v1_files({k: v for k, v in tiles.items() if k.level == 4}))
    folder = arcpy_world.rainfall(world.root / "nightly", kind="jpg", write=caches.write_exploded)
    listed = world.root / "services.toml"
    listed.write_text('[Rainfall]\ncache = "arcgiscache/Rainfall/Layers"\nsource = "nightly"\n')
    monkeypatch.setenv("TILEPACK_SERVICES", str(listed))
    return folder


def test_all_tiles_come_from_the_source(world, source):
    result = arcpy.server.ManageMapServerCacheTiles(world.service, SCALES, "RECREATE_ALL_TILES", 3, "", "", "WAIT")
    assert caches.read_all(world.cache) == arcpy_world.tiles(kind="jpg")
    assert "Recreated 65 tiles of levels 1-4" in result.getMessages()
    assert result.getOutput(0) == world.service


def test_source_is_known_by_the_path_of_the_cache_too(world, source):
    arcpy.server.ManageMapServerCacheTiles(str(world.cache), SCALES, "RECREATE_ALL_TILES")
    assert caches.read_all(world.cache) == arcpy_world.tiles(kind="jpg")


def test_empty_tiles_alone_are_filled(world, source):
    arcpy.server.ManageMapServerCacheTiles(world.service, [64000], "RECREATE_EMPTY_TILES")
    new = arcpy_world.tiles(kind="jpg")
    gap = TileKey(4, 2, 2)
    assert caches.read_all(world.cache) == arcpy_world.tiles() | {gap: new[gap]}


def test_area_chooses_tiles_and_cuts_none(world, source):
    area = area_file(world.root / "Metro.shp")
    arcpy.server.ManageMapServerCacheTiles(world.service, [64000], "RECREATE_ALL_TILES", None, str(area))
    new, now = arcpy_world.tiles(kind="jpg"), caches.read_all(world.cache)
    changed = {key for key in now if now[key] == new[key]}
    assert changed == {TileKey(4, row, column) for row in (1, 2, 3) for column in (1, 2, 3)}


def test_without_a_source_the_remedy_is_named(world):
    with pytest.raises(arcpy.ExecuteError, match="TILEPACK_SERVICES"):
        arcpy.server.ManageMapServerCacheTiles(world.service, SCALES, "RECREATE_ALL_TILES")


def test_what_means_nothing_is_noted(world, source):
    result = arcpy.server.ManageMapServerCacheTiles(
        world.service, [64000], "RECREATE_EMPTY_TILES", "2", "", "", "DO_NOT_WAIT", "https://portal"
    )
    for name in (
        "num_of_caching_service_instances 2",
        "wait_for_job_completion DO_NOT_WAIT",
        "portal_url https://portal",
    ):
        assert f"{name} changes nothing here" in result.getMessages(0)


def test_tiles_are_deleted(world, source):
    arcpy.server.ManageMapServerCacheTiles(world.service, [64000], "DELETE_TILES")
    assert caches.read_all(world.cache) == arcpy_world.tiles(levels=(1, 2, 3))


def test_tiles_wholly_inside_an_area_are_deleted(world, source):
    area = area_file(world.root / "Metro.shp", arcpy_world.scheme().tile_extent(TileKey(4, 1, 1)))
    arcpy.server.ManageMapServerCacheTiles(world.service, [64000], "DELETE_TILES", None, str(area))
    assert TileKey(4, 1, 1) not in caches.read_all(world.cache)
    assert TileKey(4, 1, 2) in caches.read_all(world.cache)


def test_tile_cache_loses_its_tiles_and_keeps_its_documents(world):
    arcpy.management.ManageTileCache(str(world.cache.parent), "DELETE_TILES", "Layers")
    assert caches.read_all(world.cache) == {}
    assert (world.cache / "conf.xml").is_file()


def test_tile_cache_is_filled_from_its_datasource(world, source):
    arcpy.management.ManageTileCache(
        str(world.cache.parent), "RECREATE_EMPTY_TILES", "Layers", str(source), "", "", "64000"
    )
    assert caches.read_all(world.cache).keys() == arcpy_world.tiles().keys()


def test_new_tile_cache_has_an_imported_scheme(world, source):
    arcpy.GenerateTileCacheTilingScheme_management(
        "", str(world.root / "grid.xml"), "PREDEFINED", "", str(world.cache / "conf.xml")
    )
    result = arcpy.management.ManageTileCache(
        str(world.out), "RECREATE_ALL_TILES", "New", str(source), "IMPORT_SCHEME", str(world.root / "grid.xml")
    )
    assert result[0] == str(world.out / "New" / "Layers")
    assert caches.read_all(world.out / "New" / "Layers") == arcpy_world.tiles(kind="jpg")


def test_new_tile_cache_of_another_grid_leaves_nothing(world, source):
    before = everything(world.out)
    with pytest.raises(arcpy.ExecuteError):
        arcpy.management.ManageTileCache(str(world.out), "RECREATE_ALL_TILES", "New", str(source))
    assert everything(world.out) == before


@pytest.mark.parametrize(
    ("limits", "scales", "levels"),
    [((250000, 125000), None, (2, 3)), ((None, 250000), None, (1, 2)), ((125000, None), [500000, 64000], (4,))],
)
def test_scales_beyond_the_limits_are_passed_over(world, source, limits, scales, levels):
    coarsest, finest = limits
    caches.write_v2(world.out / "New", arcpy_world.scheme(), {TileKey(0, 0, 0): caches.picture(TileKey(0, 0, 0))})
    arcpy.management.ManageTileCache(
        in_cache_location=str(world.out / "New"),
        manage_mode="RECREATE_ALL_TILES",
        in_datasource=str(source),
        scales=scales,
        min_cached_scale=coarsest,
        max_cached_scale=finest,
    )
    assert {key.level for key in caches.read_all(world.out / "New")} == {0, *levels}


WRONG = {
    "mode": ({"manage_mode": "DRAW"}, "RECREATE_ALL_TILES, RECREATE_EMPTY_TILES or DELETE_TILES"),
    "scheme": ({"tiling_scheme": "MARS"}, "ARCGISONLINE_SCHEME, WGS84_V2_SCHEME"),
    "elevation": ({"tiling_scheme": "WGS84_V2_ELEVATION_SCHEME"}, "no cache of elevations"),
    "no scheme": ({"tiling_scheme": "IMPORT_SCHEME"}, "import_tiling_scheme is required"),
    "no source": ({"in_datasource": ""}, "in_datasource is required"),
    "limits": ({"min_cached_scale": 10}, "no scale lies between"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_an_error_and_writes_nothing(world, source, case):
    changes, sentence = WRONG[case]
    before = everything(world.root)
    given = {"in_cache_location": str(world.out / "New"), "in_datasource": str(source)}
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        arcpy.management.ManageTileCache(**given | changes)
    assert everything(world.root) == before


def test_exported_cache_can_be_the_source(world, source):
    tilepack.export_cache(source, world.root / "new.tpkx")
    arcpy.management.ManageTileCache(str(world.cache), "RECREATE_ALL_TILES", None, str(world.root / "new.tpkx"))
    assert caches.read_all(world.cache) == arcpy_world.tiles(kind="jpg")
