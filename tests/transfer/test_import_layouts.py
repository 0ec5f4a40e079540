"""Any layout into any other: the same tiles, the same bytes whatever the threads, and folders as people have them."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest
from caches import look_at_files, look_at_tiles, read_all, write_v1, write_zip
from export_caches import data_of, mask_of, mercator, ragged, square, wkt
from import_caches import SCHEME, aside, assert_same_pixels, block, both, decoded, emptied, joined, overlay, write_cache
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey

AREA = ragged(square(SCHEME, 5, 9, 13, 4), 3)
OURS = block(overlay, 5, range(9, 12), range(13, 16)) | block(overlay, 3, range(2, 4), range(3, 5))
THEIRS = block(aside(both), 5, range(10, 13), range(14, 17)) | block(aside(both), 4, range(5, 6), range(6, 8))
LEVELS = "3-5"


def in_area(tile):
    return mask_of(SCHEME, [AREA], tile)


WANTED = joined(
    {tile: pixels for tile, (_, pixels) in OURS.items()},
    {tile: pixels for tile, (_, pixels) in THEIRS.items()},
    in_area,
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    for layout in LAYOUTS:
        (folder / f"in {layout}").mkdir()
    return {layout: write_cache(layout, folder / f"in {layout}", OURS) for layout in LAYOUTS}


@pytest.fixture(scope="module")
def targets(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("targets")
    for layout in LAYOUTS:
        (folder / f"in {layout}").mkdir()
    return {layout: write_cache(layout, folder / f"in {layout}", THEIRS, TileFormat.MIXED) for layout in LAYOUTS}


def names_in(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


def copy_of(path: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return Path((shutil.copytree if path.is_dir() else shutil.copy2)(path, folder / path.name))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("source", LAYOUTS)
def test_every_layout_goes_into_every_other(sources, targets, tmp_path, source, layout):
    several, one = (copy_of(targets[layout], tmp_path / name) for name in ("several", "one"))
    result = tilepack.import_cache(sources[source], several, area=wkt(AREA), jobs=8)
    assert_same_pixels(decoded(look_at_tiles(several)), WANTED)
    assert read_all(several) == look_at_tiles(several)
    tilepack.import_cache(sources[source], one, area=wkt(AREA), jobs=1)
    assert look_at_files(one) == look_at_files(several)
    if one.is_file():
        assert one.read_bytes() == several.read_bytes()
    with tilepack.open(several) as cache:
        assert cache.warnings == []
        assert cache.info.extent == result.info.extent
        assert cache.info.storage_format is result.plan.kind.storage_format
    assert names_in(several.parent) == [several.name]
    assert not [name for name in look_at_files(several) if "tilepack" in name or name.endswith(".partial")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tiles_of_an_exploded_target_take_the_extension_of_their_bytes(sources, tmp_path, targets, layout):
    target = copy_of(targets["exploded"], tmp_path)
    tilepack.import_cache(sources[layout], target, mode="OVERWRITE")
    for name, data in look_at_files(target).items():
        if "/R" in name:
            assert name.endswith(".jpg" if data.startswith(b"\xff\xd8") else ".png")
    both_there = [key for key in OURS if key in THEIRS]
    assert {name for name in look_at_files(targets["exploded"]) if name.endswith(".jpg")} - set(look_at_files(target))
    assert all(read_all(target)[key] == OURS[key][0] for key in both_there)


def renamed(folder: Path, change) -> None:
    """Rename every file and folder below a folder, deepest first."""
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            Path(parent, name).rename(Path(parent, change(name)))


@pytest.mark.parametrize("layout", ["v1", "v2", "exploded", "ready"])
@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_names_keep_their_case(sources, targets, tmp_path, layout, change):
    if layout == "ready":
        target = tmp_path / "ready"
        tilepack.convert(targets["v2"], target, ready_to_serve=True)
    else:
        target = copy_of(targets[layout], tmp_path)
    renamed(target, change)
    before = set(look_at_files(target))
    tilepack.import_cache(sources["v2"], target, area=wkt(AREA))
    assert_same_pixels(decoded(read_all(target)), WANTED)
    after = set(look_at_files(target))
    lower = [name.lower() for name in after]
    assert len(lower) == len(set(lower))
    assert {name for name in before if not name.lower().endswith((".jpg", ".png"))} <= after
    if layout != "exploded":  # whose tiles on the edge were JPEG and are PNG
        assert before <= after


def test_levels_counted_in_hex_digits_stay_so(tmp_path):
    scheme = tilepack_scheme_of_twenty()
    keys = [TileKey(level, 1, 2) for level in (3, 9, 10, 11)]
    theirs = {key: overlay(key._replace(row=5, column=0), 64, 64) for key in keys}
    (tmp_path / "there").mkdir()
    target = write_cache("exploded", tmp_path / "there", theirs, scheme=scheme)
    levels = target / "_alllayers"
    for level in (9, 10, 11):
        (levels / f"L{level:02d}").rename(levels / f"L{level:02x}")
    ours = {TileKey(level, 1, 3): overlay(TileKey(level, 5, 0), 64, 64) for level in (9, 10, 16)}
    (tmp_path / "here").mkdir()
    source = write_cache("v2", tmp_path / "here", ours, scheme=scheme)
    tilepack.import_cache(source, target)
    assert sorted(place.name for place in levels.iterdir()) == ["L03", "L09", "L0a", "L0b", "L10"]
    assert read_all(target) == data_of(theirs | ours)


def tilepack_scheme_of_twenty():
    from dataclasses import replace

    first = mercator().levels[0]
    return mercator().with_levels(
        replace(first, level=level, resolution=first.resolution / 2**level, scale=first.scale / 2**level)
        for level in range(20)
    )


def test_a_ready_to_serve_folder_may_have_its_bundles_elsewhere(sources, targets, tmp_path):
    target = tmp_path / "ready"
    tilepack.convert(targets["v2"], target, ready_to_serve=True)
    (target / "tile").rename(target / "Kacheln")
    root = target / "root.json"
    text = root.read_text()
    assert '"./tile"' in text
    root.write_text(text.replace('"./tile"', '"./Kacheln"'))
    tilepack.import_cache(sources["v2"], target, area=wkt(AREA))
    assert names_in(target) == ["Kacheln", "iteminfo.json", "root.json", "thumbnail.png"]
    assert '"./Kacheln"' in root.read_text()
    assert_same_pixels(decoded(read_all(target)), WANTED)


@pytest.mark.parametrize("way", ["conf.xml", "parent", "grandparent", "levels"])
def test_a_target_may_be_named_as_a_source_may(sources, targets, tmp_path, way):
    target = copy_of(targets["v2"], tmp_path / "service")
    named = {
        "conf.xml": target / "conf.xml",
        "parent": target.parent,
        "grandparent": tmp_path,
        "levels": target / "_alllayers",
    }[way]
    result = tilepack.import_cache(sources["tpkx"], named, area=wkt(AREA))
    assert result.plan.target == target
    assert_same_pixels(decoded(look_at_tiles(target)), WANTED)
    assert names_in(tmp_path) == ["service"]
    assert names_in(tmp_path / "service") == ["v2"]


@pytest.mark.parametrize("maps", [1, 2])
def test_an_unpacked_tpk_is_imported_into_with_its_descriptions(sources, targets, tmp_path, maps):
    with zipfile.ZipFile(targets["tpk"]) as package:
        package.extractall(tmp_path / "unpacked")
    target = tmp_path / "unpacked"
    (root,) = (target / "v101").iterdir()
    if maps == 2:
        shutil.copytree(root, root.with_name("Other"))
    before = look_at_files(target)
    said = tilepack.ItemDescription(title="New", tags=("one", "two"))
    result = tilepack.import_cache(sources["v1"], root / "conf.xml", area=wkt(AREA), description=said)
    assert result.plan.warnings == ()
    after = look_at_files(target)
    assert set(before) <= set(after)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed >= {"esriinfo/iteminfo.xml", "servicedescriptions/mapserver/mapserver.json"}
    assert not any("Other" in name for name in changed)
    assert b"New" in after["esriinfo/iteminfo.xml"]
    with tilepack.open(root / "conf.xml") as cache:
        assert cache.info.description.title == "New"
    assert_same_pixels(decoded(read_all(root / "conf.xml")), WANTED)


def test_a_package_behind_a_link_is_rewritten_where_it_lies(sources, targets, tmp_path):
    target = copy_of(targets["tpkx"], tmp_path / "real")
    link = tmp_path / "link.tpkx"
    link.symlink_to(target)
    tilepack.import_cache(sources["v2"], link, area=wkt(AREA))
    assert link.is_symlink()
    assert_same_pixels(decoded(look_at_tiles(target)), WANTED)
    assert names_in(tmp_path / "real") == [target.name]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_foreign_members_of_a_package_survive(sources, tmp_path, targets, compression):
    files = look_at_files(targets["tpk"]) | {
        "v101/Layers.lyr": os.urandom(70_001),
        "v101/Layers/notes/read me.txt": "Grüße\r\n".encode(),
        "empty.bin": b"",
        ".DS_Store": b"junk",
    }
    write_zip(tmp_path / "by hand.tpk", files, compression=compression)
    tilepack.import_cache(sources["v2"], tmp_path / "by hand.tpk", area=wkt(AREA))
    after = look_at_files(tmp_path / "by hand.tpk")
    assert {name for name in files if not name.startswith(("v101/", "esriinfo", "servicedesc"))} <= set(after)
    for name in ("v101/Layers.lyr", "v101/Layers/notes/read me.txt", "empty.bin", ".DS_Store"):
        assert after[name] == files[name]
    assert_same_pixels(decoded(look_at_tiles(tmp_path / "by hand.tpk")), WANTED)


def test_bundles_with_dead_space_and_other_index_styles_are_taken_and_taken_into(tmp_path):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    write_v1(tmp_path / "source/v1", SCHEME, data_of(OURS), dead=[9, 0, 500], empties="zero")
    write_v1(tmp_path / "target/v1", SCHEME, data_of(THEIRS), dead=[0, 77], empties="below")
    tilepack.import_cache(tmp_path / "source/v1", tmp_path / "target/v1", area=wkt(AREA))
    assert_same_pixels(decoded(read_all(tmp_path / "target/v1")), WANTED)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cache_without_a_single_tile_takes_tiles_in(sources, tmp_path, layout):
    """Such are made by deleting every tile: the levels' folders stay."""
    target = emptied(sources["v2"], layout, tmp_path / "there")
    assert read_all(target) == {}
    tilepack.import_cache(sources["exploded"], target)
    assert read_all(target) == data_of(OURS)
