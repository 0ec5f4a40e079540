"""What a cache says of itself after an import: what is new is told wherever it is said, all else stays to the byte."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
from caches import look_at_files, tile_box, write_zip
from export_caches import jpeg, square, wkt
from import_caches import SCHEME, aside, block, encoded, overlay, write_cache
from layouts import LAYOUTS

import tilepack
from tilepack.cache import ItemDescription, TileFormat

PLACES = [*LAYOUTS, "ready"]
THEIRS = block(aside(overlay), 4, range(3, 6), range(6, 8))
OURS = {
    "the same place": block(overlay, 4, range(4, 5), range(6, 7)),
    "beside": block(overlay, 4, range(3, 4), range(9, 11)),
    "a finer level": block(overlay, 5, range(20, 22), range(3, 4)),
    "coarser levels": block(overlay, 2, range(1, 2), range(1, 2)) | block(overlay, 3, range(2, 3), range(3, 4)),
}
SAID = ItemDescription(title="Täler & <Höhen>", tags=("eins", "zwei"), description="Was es ist", attribution="Wir")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for layout in PLACES:
        (folder / layout).mkdir()
    targets = {layout: write_cache(layout, folder / layout, THEIRS) for layout in LAYOUTS}
    targets["ready"] = folder / "ready" / "ready"
    tilepack.convert(targets["v2"], targets["ready"], ready_to_serve=True)
    sources = {}
    for name, tiles in OURS.items():
        (folder / name).mkdir()
        sources[name] = write_cache("v2", folder / name, tiles)
    return sources, targets


def copy_of(path: Path, folder: Path) -> Path:
    return Path((shutil.copytree if path.is_dir() else shutil.copy2)(path, folder / path.name))


def documents(path: Path) -> dict[str, bytes]:
    return {
        name: data
        for name, data in look_at_files(path).items()
        if "/R" not in name and not name.endswith((".bundle", ".bundlx"))
    }


def info_of(path: Path) -> tilepack.CacheInfo:
    with tilepack.open(path) as cache:
        assert cache.warnings == []
        return cache.info


@pytest.mark.parametrize("layout", PLACES)
@pytest.mark.parametrize("name", OURS)
def test_the_extent_becomes_the_union_and_the_levels_all_that_there_are(made, tmp_path, name, layout):
    sources, targets = made
    target = copy_of(targets[layout], tmp_path)
    result = tilepack.import_cache(sources[name], target)
    declared = tile_box(SCHEME, THEIRS).union(tile_box(SCHEME, OURS[name]))
    info = info_of(target)
    assert info.extent.as_tuple() == pytest.approx(declared.as_tuple())
    assert result.info.extent.as_tuple() == info.extent.as_tuple()
    if layout in ("ready", "tpkx"):
        levels = {tile.level for tile in (*THEIRS, *OURS[name])}
        assert (info.min_level, info.max_level) == (min(levels), max(levels))
        root = json.loads(documents(target)["root.json"])
        assert (root["minLOD"], root["maxLOD"]) == (min(levels), max(levels))
        with tilepack.open(target) as cache:
            assert {name for name, _ in cache.declared} >= {"root.json fullExtent", "iteminfo.json (degrees)"}


@pytest.mark.parametrize("layout", PLACES)
def test_documents_that_say_nothing_new_stay_byte_by_byte(made, tmp_path, layout):
    sources, targets = made
    target = copy_of(targets[layout], tmp_path)
    before, stamps = documents(target), {place: place.stat().st_mtime_ns for place in target.rglob("*.*")}
    result = tilepack.import_cache(sources["the same place"], target)
    assert result.counts.repacked
    assert result.unchanged_bundles == 0
    assert documents(target) == before
    for place, stamp in stamps.items():
        if place.is_file() and place.relative_to(target).as_posix() in before:
            assert place.stat().st_mtime_ns == stamp
    tilepack.import_cache(sources["beside"], target)
    after = documents(target)
    extents = {
        "conf.cdi",
        "root.json",
        "iteminfo.json",
        "esriinfo/iteminfo.xml",
        "servicedescriptions/mapserver/mapserver.json",
    }
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name for name in changed if not any(name.endswith(each) for each in extents)} == set()
    assert any(name.endswith(("conf.cdi", "root.json")) for name in changed)


def test_documents_as_others_write_them_stay_so(samples, made, tmp_path):
    """Spaces, order, unknown members: nothing is touched where nothing new is said."""
    with zipfile.ZipFile(samples / "canyonlands.tpk") as package:
        package.extractall(tmp_path / "unpacked")
    tilepack.export_cache(samples / "canyonlands.tpk", tmp_path / "part.tpk", levels="11")
    first = tilepack.import_cache(tmp_path / "part.tpk", tmp_path / "unpacked")
    middle = documents(tmp_path / "unpacked")
    again = tilepack.import_cache(tmp_path / "part.tpk", tmp_path / "unpacked")
    assert documents(tmp_path / "unpacked") == middle
    assert first.counts.unchanged == again.counts.unchanged > 0
    before = look_at_files(samples / "canyonlands.tpk")
    for name in ("v101/Layers/conf.xml", "esriinfo/item.pkinfo", "esriinfo/thumbnail/thumbnail.png", "v101/Layers.lyr"):
        assert middle[name] == before[name]


def test_an_area_bounds_what_is_declared(made, tmp_path):
    sources, targets = made
    target = copy_of(targets["v2"], tmp_path)
    box = square(SCHEME, 4, 3, 9, 1)
    area = box.xmin + 1000, box.ymin + 1000, box.xmax - 1000, box.ymax - 1000
    import shapely

    result = tilepack.import_cache(sources["beside"], target, area=wkt(shapely.box(*area)))
    theirs = tile_box(SCHEME, THEIRS)
    assert result.info.extent.as_tuple() == pytest.approx(
        (theirs.xmin, theirs.ymin, area[2], theirs.ymax)  # it lies beside the upper row
    )


@pytest.mark.parametrize("layout", ["v1", "v2", "exploded"])
def test_a_folder_without_an_extent_gets_that_of_all_its_tiles(made, tmp_path, layout):
    """Of those that there were before too, though some of them went, or became files of another name."""
    sources, _ = made
    (tmp_path / "there").mkdir()
    theirs = block(jpeg, 4, range(3, 6), range(6, 8)) | block(jpeg, 3, range(2, 3), range(1, 2))
    target = write_cache(layout, tmp_path / "there", theirs, TileFormat.MIXED)
    (target / "conf.cdi").unlink()
    wish = {"mode": "OVERWRITE", "delete_missing": True}
    result = tilepack.import_cache(sources["beside"], target, levels="3-4", **wish)
    assert result.counts.deleted == 6
    declared = tile_box(SCHEME, theirs).union(tile_box(SCHEME, theirs, 3)).union(tile_box(SCHEME, OURS["beside"]))
    assert info_of(target).extent.as_tuple() == pytest.approx(declared.as_tuple())


def texts(data: bytes) -> dict[str, str]:
    """Give the texts of an XML document by their tags, in lower case."""
    return {each.tag.rpartition("}")[2].lower(): (each.text or "").strip() for each in ET.fromstring(data).iter()}


def assert_said(path: Path, thumbnail: bytes | None) -> None:
    found = documents(path)
    told = 0
    for name, data in found.items():
        if name.endswith("iteminfo.json"):
            item = json.loads(data)
            assert (item["title"], item["tags"]) == (SAID.title, list(SAID.tags))
            assert (item["description"], item["accessInformation"]) == (SAID.description, SAID.attribution)
            told += 1
        elif name.endswith("root.json"):
            root = json.loads(data)
            assert root["copyrightText"] == SAID.attribution
            assert SAID.description in (root["serviceDescription"], root.get("description"))
            told += 1
        elif name.endswith("iteminfo.xml"):
            item = texts(data)
            assert item["title"] == SAID.title
            assert tuple(tag.strip() for tag in item["tags"].split(",")) == SAID.tags
            assert (item["description"], item["accessinformation"]) == (SAID.description, SAID.attribution)
            told += 1
        elif name.endswith("mapserver.json"):
            contents = json.loads(data)["contents"]
            assert (contents["description"], contents["copyrightText"]) == (SAID.description, SAID.attribution)
            document = contents["documentInfo"]
            assert (document["Title"], document["Keywords"]) == (SAID.title, ", ".join(SAID.tags))
            told += 1
        elif name.endswith("thumbnail.png") and thumbnail is not None:
            assert data == thumbnail
            told += 1
    assert told == (3 if thumbnail is not None else 2)
    assert info_of(path).description.title == SAID.title


@pytest.mark.parametrize("layout", ["tpk", "tpkx", "ready"])
@pytest.mark.parametrize("drawn", [False, True])
def test_what_is_said_reaches_every_document_that_carries_it(made, tmp_path, layout, drawn):
    import numpy as np

    sources, targets = made
    target = copy_of(targets[layout], tmp_path)
    before = documents(target)
    thumbnail = encoded(np.full((133, 200, 4), 200, np.uint8)) if drawn else None
    result = tilepack.import_cache(sources["the same place"], target, description=SAID, thumbnail=thumbnail)
    assert result.plan.warnings == ()
    assert_said(target, thumbnail)
    if not drawn:
        (name,) = (name for name in before if name.endswith("thumbnail.png"))
        assert documents(target)[name] == before[name]
    one = ItemDescription(title="Another")  # what is not said again stays
    tilepack.import_cache(sources["the same place"], target, description=one)
    assert info_of(target).description == ItemDescription(
        title="Another",
        tags=SAID.tags,
        description=SAID.description,
        attribution=SAID.attribution,
        summary=info_of(target).description.summary,
        creator=info_of(target).description.creator,
    )


@pytest.mark.parametrize("layout", ["v1", "v2", "exploded"])
def test_where_nothing_can_be_said_that_is_told(made, tmp_path, layout):
    sources, targets = made
    target = copy_of(targets[layout], tmp_path)
    before = documents(target)
    result = tilepack.import_cache(sources["the same place"], target, description=SAID)
    assert any("title, tags" in warning and "not written" in warning for warning in result.plan.warnings)
    assert documents(target) == before


@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_a_package_without_tags_is_warned_of(made, tmp_path, layout):
    sources, targets = made
    target = copy_of(targets[layout], tmp_path)
    assert [warning for warning in tilepack.plan_import(sources["beside"], target).warnings if "--tags" in warning]
    assert tilepack.plan_import(sources["beside"], target, description=SAID).warnings == ()


def test_what_root_json_says_beyond_is_kept(made, tmp_path):
    sources, targets = made
    files = look_at_files(targets["tpkx"])
    root = json.loads(files["root.json"])
    root |= {"customThing": {"deep": [1, 2.5, "ü"]}, "copyrightText": "others"}
    files["root.json"] = json.dumps(root, indent=3).encode()
    target = tmp_path / "cache.tpkx"
    write_zip(target, files)
    tilepack.import_cache(sources["the same place"], target)
    assert look_at_files(target)["root.json"] == files["root.json"]
    tilepack.import_cache(sources["beside"], target)
    after = json.loads(look_at_files(target)["root.json"])
    assert after["customThing"] == root["customThing"]
    assert after["copyrightText"] == "others"
    assert after["fullExtent"] != root["fullExtent"]
