"""CreateMapServerCache, DeleteMapServerCache, ConvertMapServerCacheStorageFormat."""

from __future__ import annotations

import arcpy_world
import caches
import pytest
from arcpy_world import everything

import tilepack
from tilepack import arcpy
from tilepack.upkeep import in_place

# Creating


def test_cache_is_created_for_a_service_and_found_by_its_name(world):
    arcpy.server.CreateMapServerCache(
        "GIS Servers/arcgis on MYSERVER (admin)/Basemaps/USA.MapServer",
        str(world.directory),
        "NEW",
        "STANDARD",
        "5",
        "96",
        "256 x 256",
        "",
        "",
        "",
        "JPEG",
        "80",
        "COMPACT",
    )
    with tilepack.open(world.directory / "Basemaps_USA" / "Layers") as made:
        assert [lod.level for lod in made.info.scheme.levels] == [0, 1, 2, 3, 4]
        assert made.info.scheme.levels[0].scale == 591657527.591555
        assert (made.info.tile_format, made.info.quality, made.info.storage_format) == ("JPEG", 80, "COMPACT")
    assert arcpy.Exists("Basemaps/USA.MapServer")
    with pytest.raises(arcpy.ExecuteError, match="exists already"):
        arcpy.server.CreateMapServerCache("Basemaps/USA.MapServer", str(world.directory))


def test_predefined_scheme_and_custom_scales(world):
    result = arcpy.server.CreateMapServerCache(
        "Snow.MapServer",
        None,
        "PREDEFINED",
        predefined_tiling_scheme=str(world.cache / "conf.xml"),
        scales=[500000, 64000],
        storage_format="EXPLODED",
    )
    with tilepack.open(result[0]) as made, tilepack.open(world.cache) as old:
        assert [lod.level for lod in made.info.scheme.levels] == [1, 4]
        assert made.info.scheme.origin_x == old.info.scheme.origin_x
        assert made.info.storage_format == "EXPLODED"
    result = arcpy.server.CreateMapServerCache(
        "Ice.MapServer", "", "NEW", "CUSTOM", 2, 96, "512 x 512", "", "-180 90", "4000000;1000000", "PNG32"
    )
    with tilepack.open(result[0]) as made:
        assert [lod.scale for lod in made.info.scheme.levels] == [4000000, 1000000]
        assert made.info.scheme.spatial_reference.wkid == 4326
        assert made.info.scheme.tile_width == 512


def test_ready_to_serve_cache_is_described_by_json(world):
    result = arcpy.server.CreateMapServerCache("Snow.MapServer", ready_to_serve_format=True, num_of_scales=3)
    with tilepack.open(result[0]) as made:
        assert made.info.ready_to_serve
        assert made.info.storage_format == "COMPACT_V2"


WRONG = {
    "no service": ({"input_service": ""}, "input_service is required"),
    "size": ({"tile_size": "100 x 100"}, "128_X_128"),
    "scales": ({"scales_type": "CUSTOM"}, "no scales are listed"),
    "scheme": ({"tiling_scheme_type": "PREDEFINED"}, "predefined_tiling_scheme is required"),
    "origin": ({"tile_origin": "5 5"}, "tells no spatial reference"),
    "format": ({"cache_tile_format": "TIFF"}, "PNG, PNG8"),
    "quality": ({"cache_tile_format": "JPEG", "tile_compression_quality": 101}, "quality 101"),
    "too many": ({"num_of_scales": 99}, "the standard scheme has 24"),
    "directory": ({"service_cache_directory": "/no/such/folder"}, "make it first"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_creates_nothing(world, case):
    changes, sentence = WRONG[case]
    before = everything(world.root)
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        arcpy.server.CreateMapServerCache(**{"input_service": "Snow.MapServer"} | changes)
    assert everything(world.root) == before


# Deleting


@pytest.mark.parametrize("write", [caches.write_v1, caches.write_v2, caches.write_exploded])
def test_cache_of_a_service_goes_with_its_folders(world, write):
    arcpy_world.rainfall(world.directory / "Snow", write=write)
    tilepack.rebuild_status(world.directory / "Snow" / "Layers")
    (world.directory / "Snow" / "Layers" / "_alllayers" / "missing.png").write_bytes(b"blank")
    (world.directory / "Snow" / "Layers" / "_alllayers" / "L04" / "R0000C0080.bundle.partial").write_bytes(b"half")
    result = arcpy.server.DeleteMapServerCache("Snow.MapServer", 2)
    assert not (world.directory / "Snow").exists()
    assert world.cache.is_dir()
    assert "Deleted" in result.getMessages()
    assert sorted(path.name for path in world.directory.iterdir()) == ["Rainfall"]


def test_served_folders_and_packages_go_too(world):
    served = world.out / "served"
    caches.write_files(served, caches.ready_files(arcpy_world.scheme(), arcpy_world.tiles()))
    package = world.out / "a.tpk"
    tilepack.convert(world.cache, package)
    for path in (served, package):
        arcpy.server.DeleteMapServerCache(str(path))
    assert list(world.out.iterdir()) == []


FOREIGN = [
    "notes.txt",
    "_alllayers/plan.docx",
    "_alllayers/L04/R0000C0000.lock",
    "_alllayers/L04/sub/tile.png",
    "_alllayers/mine/x.png",
    "Status.gdb/inner/a.gdbtable",
    "Status.gdb/a00000001.lock",
    "conf.xml.bak",
]


@pytest.mark.parametrize("name", FOREIGN)
def test_one_foreign_file_and_nothing_is_deleted(world, name):
    place = world.cache / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"mine")
    before = everything(world.root)
    with pytest.raises(arcpy.ExecuteError, match="is no part of a cache"):
        arcpy.server.DeleteMapServerCache(world.service)
    assert everything(world.root) == before


def test_what_lies_beside_the_cache_stays(world):
    (world.cache.parent / "notes.txt").write_text("mine")
    arcpy.server.DeleteMapServerCache(world.service)
    assert [path.name for path in world.cache.parent.iterdir()] == ["notes.txt"]


def test_folder_around_services_names_none_of_them(world):
    cache = arcpy_world.rainfall(world.out / "exported" / "Snow")
    before = everything(world.out)
    for work in (arcpy.server.DeleteMapServerCache, arcpy.server.ConvertMapServerCacheStorageFormat):
        with pytest.raises(arcpy.ExecuteError, match="is neither a cache nor a service's folder"):
            work(str(world.out / "exported"))
    assert everything(world.out) == before
    arcpy.server.DeleteMapServerCache(str(cache.parent))
    assert list((world.out / "exported").iterdir()) == []


def test_links_are_not_followed(world):
    outside = world.root / "elsewhere"
    (world.cache / "_alllayers" / "L04").rename(outside)
    (world.cache / "_alllayers" / "L04").symlink_to(outside, target_is_directory=True)
    kept = everything(outside)
    result = arcpy.server.DeleteMapServerCache(world.service)
    assert not world.cache.parent.exists()
    assert everything(outside) == kept
    assert "was a link and is gone; what it led to is still there" in result.getMessages(1)


def test_cache_that_is_itself_a_link_is_refused(world):
    world.cache.rename(world.root / "real")
    world.cache.symlink_to(world.root / "real", target_is_directory=True)
    before = everything(world.root / "real")
    for work in (arcpy.server.DeleteMapServerCache, arcpy.server.ConvertMapServerCacheStorageFormat):
        with pytest.raises(arcpy.ExecuteError, match="is a link"):
            work(world.service)
    assert everything(world.root / "real") == before


def test_cache_that_is_being_written_is_not_deleted(world):
    from tilepack.disk.locking import WriterLock

    lock = WriterLock(world.cache / "tilepack.lock", world.cache)
    try:
        with pytest.raises(arcpy.ExecuteError, match="is writing it"):
            arcpy.server.DeleteMapServerCache(world.service)
    finally:
        lock.release()
    assert caches.read_all(world.cache) == arcpy_world.tiles()


# Converting in place


@pytest.mark.parametrize(
    ("write", "becomes"),
    [(caches.write_v1, "EXPLODED"), (caches.write_v2, "EXPLODED"), (caches.write_exploded, "COMPACT_V2")],
)
def test_storage_format_becomes_the_opposite_in_place(world, write, becomes):
    cache = arcpy_world.rainfall(world.directory / "Snow", write=write)
    tilepack.rebuild_status(cache)
    (cache / "_alllayers" / "missing.png").write_bytes(b"blank")
    result = arcpy.server.ConvertMapServerCacheStorageFormat("Snow.MapServer", 3)
    with tilepack.open(cache) as reader:
        assert reader.info.storage_format == becomes
        assert reader.warnings == []
    assert caches.read_all(cache) == arcpy_world.tiles()
    assert (cache / "Status.gdb").is_dir()
    assert (cache / "_alllayers" / "missing.png").read_bytes() == b"blank"
    assert [path.name for path in cache.parent.iterdir()] == ["Layers"]
    assert f"to {becomes}: 65 tiles" in result.getMessages()


def test_storage_format_can_be_named(world):
    arcpy.server.ConvertMapServerCacheStorageFormat(world.service, storage_format="COMPACT_V2")
    with tilepack.open(world.cache) as reader:
        assert reader.info.storage_format == "COMPACT_V2"
    before = everything(world.cache)
    with pytest.raises(arcpy.ExecuteError, match="is COMPACT_V2 already"):
        arcpy.server.ConvertMapServerCacheStorageFormat(world.service, storage_format="compact v2")
    assert everything(world.cache) == before


def test_failure_leaves_the_cache_as_it_was(world):
    bundle = world.cache / "_alllayers" / "L04" / "R0000C0000.bundlx"
    data = bundle.read_bytes()
    bundle.write_bytes(data[:1000])
    before = everything(world.directory)
    with pytest.raises(arcpy.ExecuteError):
        arcpy.server.ConvertMapServerCacheStorageFormat(world.service)
    assert everything(world.directory) == before


@pytest.mark.parametrize("renames", [0, 1])
def test_kill_leaves_a_whole_cache_and_the_next_run_starts_anew(world, monkeypatch, renames):
    """Killed before the two renames at the end, or between them."""
    from tilepack.disk import staging

    rename, done = staging.rename, []

    class KilledError(BaseException):
        pass

    def die(self):  # the system lets go of the locks, and nobody clears away
        for lock in filter(None, (self._inner, self._lock)):
            lock._file.close()

    def kill(source, target):
        if target.name in ("Layers", "Layers.replaced") or source.name == "Layers":
            if len(done) == renames:
                raise KilledError
            done.append(target)
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(staging, "rename", kill)
        patch.setattr(staging, "exchange", lambda *_: False)  # as Windows, which knows no such step
        patch.setattr(staging.Staging, "discard", die)
        with pytest.raises(KilledError):
            in_place.convert_in_place(world.cache, "EXPLODED")
    left = world.cache if renames == 0 else world.cache.with_name("Layers.replaced")
    assert caches.read_all(left) == arcpy_world.tiles()

    in_place.convert_in_place(world.cache, "EXPLODED")

    assert caches.read_all(world.cache) == arcpy_world.tiles()
    assert [path.name for path in world.cache.parent.iterdir()] == ["Layers"]


def test_stopped_import_and_foreign_files_are_refused(world):
    (world.cache / "tilepack.journal").write_text("{}")
    with pytest.raises(tilepack.TransferError, match="an import was stopped here"):
        in_place.convert_in_place(world.cache, "EXPLODED")
    (world.cache / "tilepack.journal").unlink()
    (world.cache / "notes.txt").write_text("mine")
    with pytest.raises(tilepack.CacheExistsError, match=r"notes\.txt"):
        in_place.convert_in_place(world.cache, "EXPLODED")
    package = world.out / "a.tpk"
    tilepack.convert(arcpy_world.rainfall(world.root / "b"), package)
    with pytest.raises(tilepack.UnsupportedError, match="is a package"):
        in_place.convert_in_place(package, "EXPLODED")
