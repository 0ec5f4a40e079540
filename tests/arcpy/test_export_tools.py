"""ExportMapServerCache and ExportTileCache: where targets go, what is in them, and what is refused."""

from __future__ import annotations

import json

import arcpy_world
import caches
import pytest
from arcpy_world import SCALES, area_file, everything, middle

import tilepack
from tilepack import arcpy
from tilepack.keys import TileKey

LAYOUTS = [
    ("CACHE_DATASET", "COMPACT", "Rainfall/Layers", "COMPACT"),
    ("CACHE_DATASET", "COMPACT_V2", "Rainfall/Layers", "COMPACT_V2"),
    ("CACHE_DATASET", "EXPLODED", "Rainfall/Layers", "EXPLODED"),
    ("TILE_PACKAGE", "COMPACT", "Rainfall.tpk", "COMPACT"),
    ("TILE_PACKAGE", "COMPACT_V2", "Rainfall.tpkx", "COMPACT_V2"),
    ("tile package", "compact v2", "Rainfall.tpkx", "COMPACT_V2"),
    ("", "#", "Rainfall/Layers", "COMPACT"),
    (None, None, "Rainfall/Layers", "COMPACT"),
]


@pytest.mark.parametrize("copies", ["COPY_DATA", "DO_NOT_COPY"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_targets_lie_where_they_are_said_to(world, layout, copies):
    kind, storage_format, place, stored = layout
    result = arcpy.server.ExportMapServerCache(world.service, str(world.out), kind, copies, storage_format, SCALES)

    assert result.getOutput(0) == str(world.out / place)
    assert caches.read_all(world.out / place) == arcpy_world.tiles()
    with tilepack.open(world.out / place) as made:
        assert made.info.storage_format == stored
    assert sorted(path.name for path in world.out.iterdir()) == [place.split("/")[0]]


@pytest.mark.parametrize("layout", LAYOUTS[:5], ids=str)
def test_what_went_through_a_staging_folder_is_the_same_to_the_byte(world, layout):
    kind, storage_format, place, _ = layout
    for copies in ("COPY_DATA", "DO_NOT_COPY"):
        arcpy.server.ExportMapServerCache(world.service, str(world.out / copies), kind, copies, storage_format)
    made = [caches.look_at_files(world.out / copies / place) for copies in ("COPY_DATA", "DO_NOT_COPY")]
    assert made[0] == made[1]


def test_all_parameters_by_position(world):
    area = area_file(world.root / "Metro.shp")
    result = arcpy.ExportMapServerCache_server(
        world.service, str(world.out), "CACHE_DATASET", "DO_NOT_COPY", "COMPACT", [64000], "2", str(area), "", "MERGE"
    )
    tilepack.export_cache(world.cache, world.root / "plain", scales=[64000], area=area, storage_format="compact")
    assert caches.look_at_files(world.root / "plain") == caches.look_at_files(world.out / "Rainfall" / "Layers")
    assert result.maxSeverity == 0


def test_all_parameters_by_name(world):
    arcpy.management.ExportMapServerCache(
        input_service=world.service,
        target_cache_path=str(world.out),
        export_cache_type="TILE_PACKAGE",
        copy_data_from_server=True,
        storage_format_type="COMPACT_V2",
        scales="500000;250000",
        num_of_caching_service_instances=-1,
        area_of_interest=None,
        export_extent="MAXOF",
        overwrite=False,
    )
    assert caches.read_all(world.out / "Rainfall.tpkx") == arcpy_world.tiles(levels=(1, 2))


def test_without_scales_all_levels_that_hold_tiles_go(world):
    arcpy.server.ExportMapServerCache(world.service, str(world.out))
    assert caches.read_all(world.out / "Rainfall" / "Layers") == arcpy_world.tiles()


def test_extent_chooses_tiles_and_area_wins_over_it(world):
    box = middle()
    text = " ".join(map(str, box.as_tuple()))
    arcpy.server.ExportMapServerCache(world.service, str(world.out), scales=[64000], export_extent=text)
    there = caches.read_all(world.out / "Rainfall" / "Layers")
    assert there == {
        key: data for key, data in arcpy_world.tiles(levels=(4,)).items() if min(key[1:]) >= 1 and max(key[1:]) <= 3
    }

    small = area_file(world.root / "small.gpkg", arcpy_world.scheme().tile_extent(TileKey(4, 2, 2)))
    target = str(world.root / "both")
    result = arcpy.server.ExportMapServerCache(
        world.service, target, scales=[64000], area_of_interest=str(small), export_extent=text
    )
    assert caches.read_all(world.root / "both" / "Rainfall" / "Layers").keys() == {TileKey(4, 2, 2)}
    assert "the area counts" in result.getMessages(1)


@pytest.mark.parametrize("copies", ["COPY_DATA", "DO_NOT_COPY"])
@pytest.mark.parametrize("mode", ["MERGE", "OVERWRITE"])
def test_target_that_exists_takes_the_tiles_in(world, copies, mode):
    area = area_file(world.root / "Metro.shp")
    older = arcpy_world.tiles(kind="jpg", levels=(3, 4))
    for place in (world.out / "Rainfall" / "Layers", world.root / "plain"):
        caches.write_v1(place, arcpy_world.scheme(), older)
    tilepack.export_cache(world.cache, world.root / "plain", scales=[64000], area=area, into_existing=mode)

    arcpy.server.ExportMapServerCache(
        world.service, str(world.out), "CACHE_DATASET", copies, "COMPACT", [64000], "", str(area), "", mode
    )

    assert caches.read_all(world.out / "Rainfall" / "Layers") == caches.read_all(world.root / "plain")


def test_target_folder_is_made_where_its_parent_exists(world):
    arcpy.server.ExportMapServerCache(world.service, str(world.out / "usa"), "TILE_PACKAGE")
    assert (world.out / "usa" / "Rainfall.tpk").is_file()
    with pytest.raises(arcpy.ExecuteError, match="make it first"):
        arcpy.server.ExportMapServerCache(world.service, str(world.out / "a" / "b"), "TILE_PACKAGE")
    assert not (world.out / "a").exists()


def test_relative_target_lies_in_the_workspace(world):
    arcpy.env.workspace = str(world.root)
    result = arcpy.server.ExportMapServerCache(world.service, "out\\deep", "TILE_PACKAGE")
    assert result.getOutput(0) == str(world.out / "deep" / "Rainfall.tpk")


def test_package_is_called_by_the_service(world):
    arcpy.server.ExportMapServerCache(world.service, str(world.out), "TILE_PACKAGE")
    with tilepack.open(world.out / "Rainfall.tpk") as package:
        assert package.info.description.title == "Rainfall"


def test_copy_data_goes_through_the_scratch_folder_and_leaves_nothing_there(world):
    scratch = world.root / "scratch"
    scratch.mkdir()
    arcpy.env.scratchFolder = str(scratch)
    result = arcpy.server.ExportMapServerCache(world.service, str(world.out), "TILE_PACKAGE", "COPY_DATA")
    assert f"was built in {scratch}" in result.getMessages()
    assert list(scratch.iterdir()) == []


def test_copy_data_moves_from_another_disk(world, monkeypatch):
    rename = type(world.out).rename

    def refuse(self, target):
        if "tilepack-" in str(self):
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(type(world.out), "rename", refuse)
    for kind, place in (("TILE_PACKAGE", "Rainfall.tpk"), ("CACHE_DATASET", "Rainfall/Layers")):
        arcpy.server.ExportMapServerCache(world.service, str(world.out), kind, "COPY_DATA")
        assert caches.read_all(world.out / place) == arcpy_world.tiles()


def test_scales_of_a_service_description_and_an_area_for_each(world):
    """Scales come out of a map service's JSON, each range gets its area, and one call exports them all."""
    lods = [
        {"level": lod.level, "resolution": lod.resolution, "scale": lod.scale} for lod in arcpy_world.scheme().levels
    ]
    scheme = {"rows": 64, "cols": 64, "dpi": 96, "origin": {"x": -14000000, "y": 6000000}, "lods": lods}
    reference = {"wkid": 102100, "latestWkid": 3857}
    service = {"tileInfo": scheme | {"spatialReference": reference, "format": "PNG"}, "spatialReference": reference}
    (world.root / "MapServer.json").write_text(json.dumps(service))
    scales = [level.scale for level in tilepack.levels_of(world.root / "MapServer.json")][1:5]
    assert scales == SCALES

    small = area_file(world.root / "small.gpkg", arcpy_world.scheme().tile_extent(TileKey(4, 2, 2)))
    wide = area_file(world.root / "wide.gpkg", arcpy_world.scheme().tile_extent(TileKey(1, 0, 0)))
    arcpy.gp.ExportMapServerCache(
        world.service,
        str(world.out),
        "TILE_PACKAGE",
        "",
        "",
        scales,
        1,
        [(scales[:3], str(wide)), (scales[3:], str(small))],
    )
    there = caches.read_all(world.out / "Rainfall.tpk").keys()
    assert [key for key in there if key.level == 4] == [TileKey(4, 2, 2)]
    assert [key for key in there if key.level == 1] == [TileKey(1, 0, 0)]

    (world.root / "MapServer.json").write_text(json.dumps({"mapName": "x", "spatialReference": reference}))
    with pytest.raises(tilepack.MetadataError, match="cache"):
        tilepack.levels_of(world.root / "MapServer.json")


WRONG = {
    "literal": (
        {"export_cache_type": "FOLDER"},
        "export_cache_type is 'FOLDER'; it takes CACHE_DATASET or TILE_PACKAGE",
    ),
    "copy": ({"copy_data_from_server": "MAYBE"}, "copy_data_from_server is 'MAYBE'"),
    "format": ({"storage_format_type": "COMPACT_V3"}, "COMPACT, COMPACT_V2 or EXPLODED"),
    "exploded package": ({"export_cache_type": "TILE_PACKAGE", "storage_format_type": "EXPLODED"}, "packages are"),
    "mode": ({"overwrite": "REPLACE"}, "overwrite is 'REPLACE'; it takes MERGE or OVERWRITE"),
    "scale": ({"scales": [123456]}, "scale 123456 matches no level; there are 0 \\(1:1000000\\), 1 \\(1:500000\\)"),
    "no scale": ({"scales": "many"}, "scale 'many' cannot be read"),
    "instances": ({"num_of_caching_service_instances": "two"}, "num_of_caching_service_instances is 'two'"),
    "area": ({"area_of_interest": "nowhere.shp"}, "nowhere.shp: there is no such file"),
    "extent": ({"export_extent": "1 2 3"}, "write it as xmin ymin xmax ymax"),
    "display": ({"export_extent": "DISPLAY"}, "there is no display here"),
    "layer": ({"export_extent": "Counties"}, "there are no layers here"),
    "far extent": ({"export_extent": "0 0 1 1"}, "none of its tiles lies in the extent"),
    "service": ({"input_service": "Snow.MapServer"}, "Snow.MapServer: no cache of that service"),
    "no service": ({"input_service": ""}, "input_service is required"),
    "no target": ({"target_cache_path": "#"}, "target_cache_path is required"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("copies", ["COPY_DATA", "DO_NOT_COPY"])
def test_wrong_input_is_an_error_and_writes_nothing(world, case, copies):
    changes, sentence = WRONG[case]
    before = everything(world.root)
    given = {
        "input_service": world.service,
        "target_cache_path": str(world.out / "new"),
        "copy_data_from_server": copies,
    }

    with pytest.raises(arcpy.ExecuteError, match=sentence) as caught:
        arcpy.server.ExportMapServerCache(**given | changes)

    assert caught.value.message == str(caught.value)
    assert everything(world.root) == before
    assert str(caught.value) in arcpy.GetMessages(2)
    assert arcpy.GetMaxSeverity() == 2


def test_existing_target_of_another_format_is_an_error(world):
    arcpy.server.ExportMapServerCache(world.service, str(world.out), storage_format_type="EXPLODED")
    before = everything(world.out)
    with pytest.raises(arcpy.ExecuteError, match="exists and holds EXPLODED"):
        arcpy.server.ExportMapServerCache(world.service, str(world.out), storage_format_type="COMPACT")
    assert everything(world.out) == before


TWINS = [
    ("TILE_CACHE", "COMPACT", "Rain/Layers", "COMPACT"),
    ("TILE_CACHE", None, "Rain/Layers", "COMPACT_V2"),
    ("TILE_PACKAGE", None, "Rain.tpk", "COMPACT"),
    ("TILE_PACKAGE_TPKX", None, "Rain.tpkx", "COMPACT_V2"),
]


@pytest.mark.parametrize(("kind", "storage_format", "place", "stored"), TWINS)
def test_tile_cache_is_exported_under_its_name(world, kind, storage_format, place, stored):
    result = arcpy.management.ExportTileCache(
        str(world.cache), str(world.out), "Rain", kind, storage_format, SCALES[:2], None
    )
    assert result[0] == str(world.out / place)
    assert caches.read_all(world.out / place) == arcpy_world.tiles(levels=(1, 2))
    with tilepack.open(world.out / place) as made:
        assert made.info.storage_format == stored


def test_tile_cache_replaces_only_where_outputs_may_be_overwritten(world):
    arcpy.management.ExportTileCache(str(world.cache), str(world.out), "Rain", "TILE_PACKAGE")
    with pytest.raises(arcpy.ExecuteError, match="exists already") as caught:
        arcpy.management.ExportTileCache(str(world.cache), str(world.out), "Rain", "TILE_PACKAGE", scales=[64000])
    (note,) = caught.value.__notes__  # --replace is nothing that a script could write
    assert "is an option of the command tilepack" in note
    assert note in arcpy.GetMessages(2)
    arcpy.env.overwriteOutput = True
    arcpy.management.ExportTileCache(str(world.cache), str(world.out), "Rain.tpk", "TILE_PACKAGE", scales=[64000])
    assert caches.read_all(world.out / "Rain.tpk") == arcpy_world.tiles(levels=(4,))
