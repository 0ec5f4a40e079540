"""An empty cache says what a converted one would, and takes in the tiles of what it was made after."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import build
import pytest
from caches import (
    FEET_WKT,
    feet,
    look_at_files,
    payload,
    web_mercator,
    write_exploded,
    write_files,
    write_v2,
    write_zip,
)

import tilepack
from tilepack.cache import ItemDescription, StorageFormat, TileFormat
from tilepack.keys import TileKey
from tilepack.metadata.conf_xml import format_conf_xml, parse_conf_xml
from tilepack.metadata.mapserver_json import format_mapserver_json
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme
from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme

FIXTURES = Path(build.__file__).parent
NAMES = [name for name, *_ in build.PRODUCTS]
TILES = {TileKey(5, 10, 6): payload(TileKey(5, 10, 6))}

TARGETS = (
    ("new", {}),
    ("new", {"storage_format": "COMPACT"}),
    ("new", {"storage_format": "EXPLODED"}),
    ("new", {"ready_to_serve": True}),
    ("new.tpk", {}),
    ("new.tpkx", {}),
)
EVERY_FIXTURE = pytest.mark.parametrize("name", NAMES)
EVERY_TARGET = pytest.mark.parametrize(
    ("target", "kind"),
    TARGETS,
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)


def emptied(cache: Path, folder: Path) -> Path:
    """Copy a cache or package without its tiles."""
    files = {
        name: data
        for name, data in look_at_files(cache).items()
        if not name.endswith((".bundle", ".bundlx")) and "_alllayers/" not in name
    }
    empty = folder / cache.name
    if cache.is_file():
        inner = next((name[: -len("conf.xml")] for name in files if name.endswith("conf.xml")), "")
        write_zip(empty, files, folders=[f"{inner}_alllayers/" if inner else "tile/"])
    else:
        write_files(empty, files)
        (empty / "_alllayers").mkdir()
    return empty


@EVERY_TARGET
@EVERY_FIXTURE
def test_empty_cache_equals_the_conversion_of_its_model_without_tiles(tmp_path, name, target, kind):
    (tmp_path / "made").mkdir()
    (tmp_path / "converted").mkdir()
    with tilepack.open(FIXTURES / name) as model:
        info = model.info
    tilepack.convert(emptied(FIXTURES / name, tmp_path), tmp_path / "converted" / target, **kind)
    tilepack.create_cache(
        tmp_path / "made" / target, scheme=FIXTURES / name, name=info.name, description=info.description, **kind
    )
    made, converted = (look_at_files(tmp_path / folder / target) for folder in ("made", "converted"))
    assert made.keys() == converted.keys()
    for path, data in converted.items():
        if path == "root.json":  # documentInfo, which .tpk bring along, describes their map and stays behind
            expected = json.loads(data)
            expected.pop("documentInfo", None)
            assert json.loads(made[path]) == expected
        else:
            assert made[path] == data, path


@EVERY_TARGET
@EVERY_FIXTURE
def test_empty_cache_has_the_grid_of_its_model(tmp_path, name, target, kind):
    tilepack.create_cache(tmp_path / target, scheme=FIXTURES / name, **kind)
    with tilepack.open(FIXTURES / name) as model, tilepack.open(tmp_path / target) as made:
        assert model.info.scheme.differences(made.info.scheme) == []
        assert made.info.scheme.differences(model.info.scheme) == []
        assert (made.info.tile_format, made.info.quality) == (model.info.tile_format, model.info.quality)
        assert made.info.extent == model.info.extent
        assert made.warnings == []


@EVERY_TARGET
def test_create_returns_what_the_new_cache_says(tmp_path, target, kind):
    said = tilepack.create_cache(tmp_path / target, extent=(0, 0, 5e6, 4e6), **kind)
    with tilepack.open(tmp_path / target) as made:
        read = made.info
    assert read.scheme.levels == said.scheme.levels == arcgis_online_scheme().levels
    for part in ("name", "storage_format", "tile_format", "quality", "extent", "ready_to_serve"):
        if part != "ready_to_serve" or not target.endswith("x"):
            assert getattr(read, part) == getattr(said, part), part


@EVERY_TARGET
def test_empty_cache_is_nothing_but_sound(tmp_path, target, kind):
    tilepack.create_cache(tmp_path / target, **kind)
    with tilepack.open(tmp_path / target) as made:
        report = tilepack.probe(made, deep=True)
    assert (report.tiles, report.warnings) == (0, ("there is no tile in it",))
    assert [place.name for place in tmp_path.iterdir()] == [target]


def test_sample_s_scheme_is_taken_number_for_number(samples, tmp_path):
    tilepack.create_cache(tmp_path / "like", scheme=samples / "Usa.tpkx")
    with tilepack.open(samples / "Usa.tpkx") as usa, tilepack.open(tmp_path / "like") as made:
        assert made.info.scheme.levels == usa.info.scheme.levels == arcgis_online_scheme().levels
        assert made.info.extent == usa.info.extent


def test_package_carries_a_picture_though_there_is_nothing_to_be_seen(tmp_path):
    tilepack.create_cache(tmp_path / "new.tpkx")
    with zipfile.ZipFile(tmp_path / "new.tpkx") as members:
        assert members.read("thumbnail.png").startswith(b"\x89PNG\r\n")
        assert "tile/" in members.namelist()


@pytest.mark.parametrize(
    ("chosen", "levels"),
    [
        ({"levels": "0-12"}, list(range(13))),
        ({"levels": [3, 9]}, [3, 9]),
        ({"levels": "20-99"}, [20, 21, 22, 23]),
        ({"scales": "591658710.9,1128.5"}, [0, 19]),  # 39.37 inches to the metre or 1/0.0254: within 1e-4
    ],
)
def test_levels_limit_what_the_cache_knows(tmp_path, chosen, levels):
    tilepack.create_cache(tmp_path / "new.tpkx", **chosen)
    with tilepack.open(tmp_path / "new.tpkx") as made:
        assert [lod.level for lod in made.info.scheme.levels] == levels
        assert made.info.scheme.differences(arcgis_online_scheme()) == []
        assert (made.info.min_level, made.info.max_level) == (levels[0], levels[-1])


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"levels": "24"}, "arcgis-online: level 24 is not in the tiling scheme"),
        ({"levels": "24-30"}, "arcgis-online: no level lies in 24-30"),
        ({"scales": "5000"}, "arcgis-online: scale 5000 matches no level"),
        ({"levels": "1", "scales": "5000"}, "levels and scales were both given"),
        ({"quality": 101}, "quality 101 is none; it goes from 0 to 100"),
        ({"quality": 75, "tile_format": "png8"}, "PNG8 tiles have no quality"),
        ({"tile_format": "GIF"}, "tile format 'GIF' is unknown; there are PNG, PNG8"),
        ({"storage_format": "squashed"}, "storage format 'squashed' is unknown"),
        ({"storage_format": "EXPLODED", "ready_to_serve": True}, "ready to serve holds COMPACT_V2"),
        ({"extent": (3e7, 0, 2e7, 1)}, "an extent's minima lie below its maxima"),
        ({"extent": (-3e7, 3e7, -2.5e7, 4e7)}, "holds no place for a tile; tiles lie right of and below the origin"),
        ({"extent": (0, 0, 1e200, 1)}, "coordinates stay within 1e.15"),
        ({"bbox": (0, 5, 10, 5)}, "is no rectangle in degrees"),
        ({"bbox": (0, 0, 1, 1), "extent": (0, 0, 1, 1)}, "extent and bbox were both given"),
        ({"scheme": "no-such"}, "no-such: is neither a scheme's name nor a file; the schemes are arcgis-online, wgs84"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_left(tmp_path, chosen, sentence):
    with pytest.raises(tilepack.TilepackError, match=sentence):
        tilepack.create_cache(tmp_path / "new", **chosen)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "tile_format", "quality"),
    [
        ({}, TileFormat.JPEG, 60),
        ({"quality": 80}, TileFormat.JPEG, 80),
        ({"tile_format": "jpeg"}, TileFormat.JPEG, 60),
        ({"tile_format": "MIXED"}, TileFormat.MIXED, 75),
        ({"tile_format": TileFormat.MIXED, "quality": 0}, TileFormat.MIXED, 0),
        ({"tile_format": "png32"}, TileFormat.PNG32, 0),
    ],
)
def test_formats_are_the_model_s_unless_others_are_asked_for(tmp_path, given, tile_format, quality):
    (tmp_path / "scheme.xml").write_bytes(format_tiling_scheme(wgs84_scheme(), tile_format=TileFormat.JPEG, quality=60))
    info = tilepack.create_cache(tmp_path / "new", scheme=tmp_path / "scheme.xml", **given)
    read = parse_conf_xml((tmp_path / "new/conf.xml").read_bytes(), place="p", name="new")
    assert (info.tile_format, info.quality) == (read.tile_format, read.quality) == (tile_format, quality)


def test_lerc_keeps_its_tolerance_and_other_formats_lose_it(tmp_path):
    (tmp_path / "s.xml").write_bytes(
        format_tiling_scheme(wgs84_scheme(), tile_format=TileFormat.LERC, quality=0, lerc_error=0.5)
    )
    assert tilepack.create_cache(tmp_path / "a", scheme=tmp_path / "s.xml").lerc_error == 0.5
    assert tilepack.create_cache(tmp_path / "b", scheme=tmp_path / "s.xml", tile_format="PNG").lerc_error is None


def test_bbox_becomes_the_extent_in_map_units(tmp_path):
    info = tilepack.create_cache(tmp_path / "new.tpkx", bbox=(-90, 0, 90, 66.51326044311186))
    assert info.extent.as_tuple() == pytest.approx((-10018754.17, 0, 10018754.17, 10018754.17), abs=0.01)
    with zipfile.ZipFile(tmp_path / "new.tpkx") as members:
        extent = json.loads(members.read("iteminfo.json"))["extent"]
    edges = [extent[edge] for edge in ("xmin", "ymin", "xmax", "ymax")]
    assert edges == pytest.approx([-90, 0, 90, 66.51326044311186], abs=1e-6)


def test_extent_around_the_world_ends_where_the_grid_does(tmp_path):
    tilepack.create_cache(tmp_path / "new", bbox=(170, -20, -170, 10))
    assert b"TileEnd" not in (tmp_path / "new/conf.xml").read_bytes()


def test_no_extent_leaves_conf_cdi_out(tmp_path):
    tilepack.create_cache(tmp_path / "new")
    assert sorted(look_at_files(tmp_path / "new")) == ["conf.properties", "conf.xml"]
    assert (tmp_path / "new/_alllayers").is_dir()


def test_grid_by_wkt_alone_in_feet_is_taken(tmp_path):
    info = tilepack.create_cache(tmp_path / "new", scheme=feet(), extent=(700000, 100000, 900000, 440000))
    assert info.scheme.spatial_reference.wkt == FEET_WKT
    with tilepack.open(tmp_path / "new") as made:
        assert made.info.scheme.differences(feet()) == []
        assert made.info.scheme.end == (900000, 100000)


def test_name_and_description_are_those_asked_for_and_never_the_model_s(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), TILES)
    about = ItemDescription(title="Old", tags=("old",), description="of old", attribution="(c) old")
    tilepack.export_cache(tmp_path / "source", tmp_path / "old.tpk", description=about)
    tilepack.create_cache(tmp_path / "new.tpk", scheme=tmp_path / "old.tpk")
    tilepack.create_cache(
        tmp_path / "told.tpkx", scheme=tmp_path / "old.tpk", name="Nova", description=ItemDescription(title="New")
    )
    with tilepack.open(tmp_path / "new.tpk") as new, tilepack.open(tmp_path / "told.tpkx") as told:
        assert (new.info.name, new.info.description) == ("new", ItemDescription(title="new"))
        assert (told.info.name, told.info.description.title, told.info.description.tags) == ("Nova", "New", ())
    assert not any(b"Old" in data or b"of old" in data for data in look_at_files(tmp_path / "new.tpk").values())


def test_substitutes_are_carried_into_folders_and_missed_in_packages(tmp_path):
    write_exploded(tmp_path / "source", web_mercator(), TILES)
    (tmp_path / "source/_alllayers/missing.png").write_bytes(b"\x89PNG sign")
    tilepack.create_cache(tmp_path / "new", scheme=tmp_path / "source")
    assert (tmp_path / "new/_alllayers/missing.png").read_bytes() == b"\x89PNG sign"
    warnings = tilepack.plan_create(tmp_path / "new.tpkx", scheme=tmp_path / "source").warnings
    assert "missing.png stay behind: a package has no place for them" in warnings


def test_existing_target_is_refused_before_the_scheme_is_read(tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(tilepack.CacheExistsError, match=r"exists already.*--replace"):
        tilepack.create_cache(tmp_path / "new", scheme="http://127.0.0.1:1/no/server")


def test_existing_cache_is_replaced_when_that_is_asked_for(tmp_path):
    write_v2(tmp_path / "new", web_mercator(), TILES)
    tilepack.create_cache(tmp_path / "new", scheme="wgs84", replace=True)
    with tilepack.open(tmp_path / "new") as made:
        assert made.levels() == []
        assert made.info.scheme.differences(wgs84_scheme()) == []


@pytest.mark.parametrize(
    ("scheme", "target", "sentence"),
    [
        ("model", "model", "is the source itself"),
        ("model", "model/new", "lies inside the source"),
        ("model/conf.xml", "model", "the source lies inside it"),
    ],
)
def test_model_is_never_overwritten(tmp_path, scheme, target, sentence):
    write_v2(tmp_path / "model", web_mercator(), TILES)
    before = look_at_files(tmp_path / "model")
    with pytest.raises(tilepack.TransferError, match=sentence):
        tilepack.create_cache(tmp_path / target, scheme=tmp_path / scheme, replace=True)
    assert look_at_files(tmp_path / "model") == before


def test_failed_creation_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise tilepack.TransferError("the disk is full")

    monkeypatch.setattr("tilepack.stores.writer.StoreWriter.commit", fail)
    with pytest.raises(tilepack.TransferError, match="the disk is full"):
        tilepack.create_cache(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_plan_writes_nothing_and_is_what_is_made(tmp_path):
    plan = tilepack.plan_create(tmp_path / "new", levels="0-3")
    assert list(tmp_path.iterdir()) == []
    seen = []
    assert tilepack.create_cache(tmp_path / "new", levels="0-3", planned=seen.append) == plan.info
    assert seen == [plan]


def test_what_planned_raises_ends_the_work(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tilepack.create_cache(tmp_path / "new", planned=lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["Grüße & Söhne", "Grüße & Söhne.tpk"])
def test_names_with_blanks_and_umlauts_are_names(tmp_path, target):
    assert tilepack.create_cache(tmp_path / target, levels="0").name == "Grüße & Söhne"
    with tilepack.open(tmp_path / target) as made:
        assert made.info.name == "Grüße & Söhne"


def test_service_s_json_gives_grid_formats_and_extent(tmp_path):
    with tilepack.open(FIXTURES / "degrees_exploded") as model:
        info = replace(model.info, service={"layers": [{"id": 7}], "supportedExtensions": "many"})
    (tmp_path / "service.json").write_bytes(format_mapserver_json(info, degrees=None))
    made = tilepack.create_cache(tmp_path / "new", scheme=tmp_path / "service.json", ready_to_serve=True)
    assert info.scheme.differences(made.scheme) == []
    assert (made.tile_format, made.quality, made.extent) == (info.tile_format, info.quality, info.extent)
    assert json.loads((tmp_path / "new/root.json").read_bytes())["layers"] == []


def test_conf_xml_alone_is_enough_and_the_cdi_beside_it_gives_the_extent(tmp_path):
    shutil.copy(FIXTURES / "relief_v2/conf.xml", tmp_path / "conf.xml")
    assert tilepack.create_cache(tmp_path / "a", scheme=tmp_path / "conf.xml").extent is None
    shutil.copy(FIXTURES / "relief_v2/conf.cdi", tmp_path / "conf.cdi")
    with tilepack.open(FIXTURES / "relief_v2") as model:
        assert tilepack.create_cache(tmp_path / "b", scheme=tmp_path / "conf.xml").extent == model.info.extent


def test_storage_format_is_the_target_s_and_not_the_model_s(tmp_path):
    with tilepack.open(FIXTURES / "relief_exploded") as model:
        (tmp_path / "scheme.xml").write_bytes(format_conf_xml(model.info))
    for scheme in (FIXTURES / "relief_exploded", tmp_path / "scheme.xml"):
        info = tilepack.plan_create(tmp_path / "new", scheme=scheme).info
        assert info.storage_format is StorageFormat.COMPACT_V2
