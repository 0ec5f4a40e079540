"""ImportMapServerCache and ImportTileCache: what comes in from where, and what is refused."""

from __future__ import annotations

import arcpy_world
import caches
import pytest
from arcpy_world import SCALES, area_file, everything, middle

import tilepack
from tilepack import arcpy


@pytest.fixture
def source(world):
    """A dataset as an export leaves it: <target>/<service>/Layers."""
    return arcpy_world.rainfall(world.root / "exported" / "Snow", kind="jpg", write=caches.write_v2)


@pytest.mark.parametrize("nested", ["Snow/Layers", "Snow", "", "Snow/Layers/_alllayers", "Snow/Layers/conf.xml"])
def test_dataset_is_found_from_any_of_its_folders(world, source, nested):
    result = arcpy.ImportMapServerCache_server(
        world.service, "CACHE_DATASET", str(world.root / "exported" / nested), "", "DO_NOT_UPLOAD", SCALES[3:], "2"
    )
    assert caches.read_all(world.cache) == arcpy_world.tiles(levels=(1, 2, 3)) | arcpy_world.tiles(
        kind="jpg", levels=(4,)
    )
    assert result.getOutput(0) == world.service


@pytest.mark.parametrize("suffix", [".tpk", ".tpkx"])
def test_packages_come_in(world, source, suffix):
    package = world.root / f"Snow{suffix}"
    tilepack.convert(source, package)
    result = arcpy.server.ImportMapServerCache(world.service, "TILE_PACKAGE", "", str(package), "UPLOAD_DATA")
    assert caches.read_all(world.cache) == arcpy_world.tiles(kind="jpg")
    assert "upload_data_to_server UPLOAD_DATA changes nothing here" in result.getMessages(0)


@pytest.mark.parametrize("mode", ["MERGE", "OVERWRITE", "merge", True, False, "", None])
def test_area_stands_before_the_extent_as_the_calls_have_it(world, source, mode):
    area = area_file(world.root / "101" / "Portland" / "Metro.shp")
    tilepack.convert(world.cache, world.root / "plain", storage_format="compact")
    wanted = "OVERWRITE" if mode in ("OVERWRITE", True) else "MERGE"
    tilepack.import_cache(source, world.root / "plain", scales=SCALES, area=area, mode=wanted)

    arcpy.server.ImportMapServerCache(
        world.service, "CACHE_DATASET", str(source), "", "", SCALES, "2", str(area), "", mode
    )

    assert caches.read_all(world.cache) == caches.read_all(world.root / "plain")


def test_extent_chooses_whole_tiles(world, source):
    extent = " ".join(map(str, middle().as_tuple()))
    arcpy.server.ImportMapServerCache(
        world.service, source_cache_dataset=str(source), scales=[64000], import_extent=extent, overwrite="OVERWRITE"
    )
    new, old = arcpy_world.tiles(kind="jpg"), arcpy_world.tiles()
    assert caches.read_all(world.cache) == {
        key: new[key] if key.level == 4 and min(key[1:]) >= 1 and max(key[1:]) <= 3 else data
        for key, data in old.items()
    }


def test_minof_is_what_both_have_in_common(world, source):
    small = arcpy_world.tiles(levels=(4,))
    corner = {key: data for key, data in small.items() if key.row < 2 and key.column < 2}
    caches.write_v1(world.root / "corner", arcpy_world.scheme(), corner)
    arcpy.server.ImportMapServerCache(
        str(world.root / "corner"), "CACHE_DATASET", str(source), scales=[64000], import_extent="MINOF"
    )
    assert caches.read_all(world.root / "corner").keys() == corner.keys()
    arcpy.server.ImportMapServerCache(
        str(world.root / "corner"), "CACHE_DATASET", str(source), scales=[64000], import_extent="MAXOF"
    )
    assert caches.read_all(world.root / "corner").keys() == small.keys()


def test_messages_tell_what_was_done(world, source):
    result = arcpy.server.ImportMapServerCache(world.service, source_cache_dataset=str(source), scales="64000")
    assert f"Imported 36 tiles of level 4 to {world.cache} in" in result.getMessages()
    assert "Of these tiles: 36 moved untouched" in result.getMessages()


def test_other_grid_is_an_error_with_the_librarys_sentence_and_writes_nothing(world, v2_island):
    before = everything(world.root)
    with pytest.raises(tilepack.TilingSchemeError) as plain:
        tilepack.import_cache(v2_island, world.cache)
    with pytest.raises(arcpy.ExecuteError) as caught:
        arcpy.server.ImportMapServerCache(world.service, "CACHE_DATASET", str(v2_island))
    assert caught.value.message == str(plain.value)
    assert isinstance(caught.value.__cause__, tilepack.TilingSchemeError)
    assert everything(world.root) == before


WRONG = {
    "type": ({"source_cache_type": "PACKAGE"}, "CACHE_DATASET or TILE_PACKAGE"),
    "no dataset": ({"source_cache_dataset": ""}, "source_cache_dataset is required"),
    "no package": ({"source_cache_type": "TILE_PACKAGE"}, "source_tile_package is required"),
    "nowhere": ({"source_cache_dataset": "C:\\nowhere\\Layers"}, "there is nothing of that name"),
    "upload": ({"upload_data_to_server": "PERHAPS"}, "UPLOAD_DATA or DO_NOT_UPLOAD"),
    "scale": ({"scales": [1]}, "scale 1 matches no level"),
    "extent": ({"import_extent": "DISPLAY"}, "there is no display here"),
    "mode": ({"overwrite": 7}, "MERGE or OVERWRITE"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_an_error_and_writes_nothing(world, source, case):
    changes, sentence = WRONG[case]
    before = everything(world.root)
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        arcpy.server.ImportMapServerCache(
            **{"input_service": world.service, "source_cache_dataset": str(source)} | changes
        )
    assert everything(world.root) == before


def test_tile_cache_comes_in(world, source):
    result = arcpy.management.ImportTileCache(str(world.cache), str(source), [64000], None, "OVERWRITE")
    assert caches.read_all(world.cache) == arcpy_world.tiles(levels=(1, 2, 3)) | arcpy_world.tiles(
        kind="jpg", levels=(4,)
    )
    assert result.getOutput(0) == str(world.cache)
