"""What of two caches is compared, and what their documents say: selections, grids, metadata, damage."""

from __future__ import annotations

import json
from dataclasses import replace

import hostile_bundles
import hostile_folders
import pytest
from caches import (
    conf_files,
    describe,
    look_at_tiles,
    payload,
    ready_files,
    v2_files,
    web_mercator,
    write_exploded,
    write_files,
    write_v1,
    write_v2,
)
from hostile_builders import files_of, write_cache
from layouts import convert_to

import tilepack
from tilepack.cache import StorageFormat, TileFormat
from tilepack.extent import Extent
from tilepack.inspect.metadata_difference import compare_metadata
from tilepack.keys import TileKey
from tilepack.spatial import SpatialReference

INFO = describe(web_mercator(), StorageFormat.COMPACT_V2, levels=(3, 9), extent=Extent(xmin=0, ymin=0, xmax=9, ymax=9))


def written(folder, tiles, scheme=None, write=write_v2, **options):
    write(folder, scheme or web_mercator(), tiles, **options)
    return folder


def square(level, side, start=100):
    keys = [TileKey(level, start + row, start + column) for row in range(side) for column in range(side)]
    return {key: payload(key, size=40) for key in keys}


# What is compared


@pytest.fixture
def pair(tmp_path):
    """Two caches: the second lacks level 9, has level 10 instead, and other bytes in one tile of level 8."""
    a = square(8, 2) | square(9, 3)
    b = square(8, 2) | square(10, 4) | {TileKey(8, 101, 101): b"other"}
    return written(tmp_path / "a", a), written(tmp_path / "b", b, write=write_exploded)


def levels_of(found):
    return {level.level_a: level.counts for level in found.levels}


def test_levels_that_either_holds_are_compared(pair):
    assert levels_of(tilepack.diff(*pair)) == {
        8: tilepack.DifferenceCounts(same=3, differing=1),
        9: tilepack.DifferenceCounts(only_a=9),
        10: tilepack.DifferenceCounts(only_b=16),
    }


@pytest.mark.parametrize(
    ("asked", "levels"),
    [
        ({"levels": "8"}, {8}),
        ({"levels": [9, 10]}, {9, 10}),
        ({"levels": "9-20"}, {9, 10}),
        ({"scales": "2311162.217155,1155581.108577"}, {8, 9}),
    ],
)
def test_levels_are_chosen(pair, asked, levels):
    assert set(levels_of(tilepack.diff(*pair, **asked))) == levels


def test_level_without_tiles_is_a_warning(pair):
    found = tilepack.diff(*pair, levels="8,5")
    assert found.warnings == ("level 5 holds no tiles",)


def test_level_that_does_not_exist_is_an_error(pair):
    with pytest.raises(tilepack.TilingSchemeError, match=r"a: level 99 is not in the tiling scheme"):
        tilepack.diff(*pair, levels="99")


def test_only_tiles_in_an_area_are_compared(pair):
    box = web_mercator().tile_extent(TileKey(8, 101, 101))
    area = {"type": "Polygon", "coordinates": [ring(box)], "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}
    assert levels_of(tilepack.diff(*pair, area=area, levels="8")) == {8: tilepack.DifferenceCounts(differing=1)}


def ring(box):
    xs, ys = (box.xmin + 1, box.xmax - 1), (box.ymin + 1, box.ymax - 1)
    return [[xs[0], ys[0]], [xs[1], ys[0]], [xs[1], ys[1]], [xs[0], ys[1]], [xs[0], ys[0]]]


def test_area_that_holds_nothing_is_an_error(pair):
    with pytest.raises(tilepack.AreaOfInterestError, match=r"misses .*a: it lies .* to the"):
        tilepack.diff(*pair, area=tilepack.Area(source="POLYGON ((0 0, 1 0, 1 1, 0 0))", crs=4326))


def test_area_is_needed_for_every_level(pair):
    area = tilepack.Area(source="8=POLYGON ((0 0, 1 0, 1 1, 0 0))", crs=4326)
    with pytest.raises(tilepack.AreaOfInterestError, match="level 9 has no area"):
        tilepack.diff(*pair, area=area)


def test_level_that_only_the_second_scheme_has_comes_last(tmp_path):
    scheme = web_mercator()
    a = written(tmp_path / "a", square(8, 2), scheme.with_levels(scheme.levels[:9]))
    b = written(tmp_path / "b", square(8, 2) | square(9, 2), scheme)
    found = tilepack.diff(a, b)
    assert [(level.level_a, level.level_b) for level in found.levels] == [(8, 8), (None, 9)]
    assert found.counts == tilepack.DifferenceCounts(same=4, only_b=4)
    assert all(tile.level == 9 for tile in found.only_b)
    box = scheme.tile_extent(TileKey(9, 100, 100))
    area = {"type": "Polygon", "coordinates": [ring(box)], "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}
    assert tilepack.diff(a, b, area=area).only_b == (TileKey(9, 100, 100),)


def test_tiles_on_a_level_of_no_scheme_are_compared_by_its_number(tmp_path):
    scheme = web_mercator().with_levels(web_mercator().levels[:9])
    conf = conf_files(describe(scheme, StorageFormat.COMPACT_V2), square(8, 1))
    for name, tiles in (("a", square(8, 1) | square(12, 2)), ("b", square(8, 1) | square(12, 1))):
        write_files(tmp_path / name, conf)
        write_files(tmp_path / name / "_alllayers", v2_files(tiles))
    found = tilepack.diff(tmp_path / "a", tmp_path / "b")
    assert levels_of(found)[12] == tilepack.DifferenceCounts(only_a=3, same=1)
    assert found.levels[1].resolution is None


def test_a_thousand_tiles_of_each_kind_are_named_and_all_are_counted(tmp_path):
    same = dict.fromkeys(square(11, 33, 0), b"same")
    a = dict.fromkeys(square(10, 34, 110), b"a") | dict.fromkeys(square(12, 33), b"a1") | same
    b = dict.fromkeys(square(11, 34, 600), b"b") | dict.fromkeys(square(12, 33), b"b1") | same
    found = tilepack.diff(written(tmp_path / "a", a), written(tmp_path / "b", b, write=write_v1))
    assert found.counts == tilepack.DifferenceCounts(only_a=1156, only_b=1156, differing=1089, same=1089)
    assert len(found.only_a) == len(found.only_b) == len(found.differing) == 1000
    assert list(found.only_a) == sorted(found.only_a, key=lambda tile: (tile.bundle, tile))
    assert set(found.only_a) < set(a)
    assert len(json.dumps(found.as_json())) < 300_000


def test_progress_ends_with_all_bundles(pair):
    told = []
    tilepack.diff(*pair, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_dead_space_and_order_make_no_difference(tmp_path):
    tiles = square(8, 5)
    a = written(tmp_path / "a", tiles, dead=[3, 0, 700])
    for number, other in enumerate(({}, {"dead": [0, 3, 700]}, {"dialect": "paper", "empty": 0})):
        b = written(tmp_path / str(number), dict(sorted(tiles.items(), reverse=number == 0)), **other)
        assert tilepack.diff(a, b).is_same
    assert tilepack.diff(a, written(tmp_path / "v1", tiles, write=write_v1, dead=[3, 0, 700])).is_same


# What the documents say


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"origin_x": -20037508.5 - 1}, "the tile origin is"),
        ({"tile_width": 512, "tile_height": 512}, "tiles are 256 x 256 pixels here, 512 x 512 there"),
        ({"spatial_reference": SpatialReference(wkid=2193)}, "the spatial reference is"),
    ],
)
def test_caches_on_other_grids_are_not_compared(change, sentence, tmp_path):
    here = written(tmp_path / "a", square(8, 2))
    there = written(tmp_path / "b", square(8, 2), replace(web_mercator(), **change))
    found = tilepack.diff(here, there, pixels=True)
    assert not found.is_comparable
    assert not found.is_same
    assert not found.has_same_tiles
    assert sentence in " ".join(found.metadata)
    assert found.levels == found.bundles == ()


def test_caches_without_a_common_resolution_are_not_compared(tmp_path):
    scheme = web_mercator()
    other = scheme.with_levels(replace(lod, resolution=lod.resolution * 1.1) for lod in scheme.levels)
    found = tilepack.diff(written(tmp_path / "a", square(8, 2)), written(tmp_path / "b", square(8, 2), other))
    assert found.metadata == ("no level has the same resolution here and there",)
    assert not found.is_comparable


DIFFERENCES = [
    ({"tile_format": TileFormat.JPEG}, "tile format: MIXED here, JPEG there"),
    ({"quality": 60}, "JPEG quality: 75 here, 60 there"),
    ({"scheme": web_mercator().with_levels(web_mercator().levels[:-2])}, "no counterpart there"),
]
NOTES = [
    ({"storage_format": StorageFormat.COMPACT}, "storage format: COMPACT_V2 here, COMPACT there"),
    ({"quality": 0}, "JPEG quality: 75 here, nothing there"),
    ({"antialiasing": True}, "antialiasing: nothing here, on there"),
    ({"ready_to_serve": True}, "described by: conf.xml here, root.json there"),
    ({"name": "Land"}, "name: Island here, Land there"),
    ({"scheme": replace(web_mercator(), dpi=72)}, "dpi: 96 here, 72 there"),
    ({"extent": Extent(xmin=0, ymin=0, xmax=9, ymax=10)}, "declared extent: 0, 0, 9, 9 here, 0, 0, 9, 10 there"),
    ({"extent": None}, "declared extent: 0, 0, 9, 9 here, nothing there"),
    ({"max_level": None}, "levels said to hold tiles: 3-9 here, 3-? there"),
    ({"visible_scales": (9e6, 1e3)}, "scales to show it at: nothing here, 9000000, 1000 there"),
    ({"description": tilepack.ItemDescription(tags=("a", "b"))}, "tags: nothing here, a, b there"),
    ({"band_count": 1, "quality": 0}, "JPEG quality: 75 here, nothing there"),
]


@pytest.mark.parametrize(("change", "sentence"), DIFFERENCES)
def test_what_both_say_differently_is_a_difference(change, sentence):
    differences, _ = compare_metadata(INFO, replace(INFO, **change), whole=True)
    assert len(differences) == 1
    assert sentence in differences[0]


@pytest.mark.parametrize(("change", "sentence"), NOTES)
def test_what_one_layout_cannot_say_is_a_note(change, sentence):
    differences, notes = compare_metadata(INFO, replace(INFO, **change), whole=True)
    assert differences == []
    assert notes == [sentence]


def test_title_is_none_when_it_is_the_name():
    """Packages without a title are given their name."""
    titled = [replace(INFO, name=name, description=tilepack.ItemDescription(title=name)) for name in "ab"]
    assert compare_metadata(*titled, whole=True) == ([], ["name: a here, b there"])


def test_titles_that_differ_are_a_difference_and_long_ones_are_cut():
    a, b = (replace(INFO, description=tilepack.ItemDescription(title=letter * 500)) for letter in "ab")
    [sentence], _ = compare_metadata(a, b, whole=True)
    assert sentence == f"title: {'a' * 80} ... here, {'b' * 80} ... there"


def test_what_speaks_of_the_whole_is_a_note_when_levels_are_chosen():
    other = replace(INFO, visible_scales=(9e6, 1e3), scheme=web_mercator().with_levels(web_mercator().levels[:-2]))
    differences, notes = compare_metadata(replace(INFO, visible_scales=(9e6, 1e2)), other, whole=False)
    assert differences == []
    assert len(notes) == 2


def test_metadata_alone_make_caches_differ(tmp_path):
    tiles = square(8, 2)
    here = written(tmp_path / "a", tiles)
    there = written(tmp_path / "b", tiles, tile_format=TileFormat.PNG)
    found = tilepack.diff(here, there)
    assert found.has_same_tiles
    assert not found.is_same


def test_substitutes_are_notes(tmp_path):
    tiles = square(8, 2)
    here, there = written(tmp_path / "a", tiles), written(tmp_path / "b", tiles)
    (here / "_alllayers" / "missing.jpg").write_bytes(b"1")
    assert "missing.jpg lies beside the levels here alone" in tilepack.diff(here, there).notes
    (there / "_alllayers" / "missing.jpg").write_bytes(b"2")
    assert "missing.jpg is another file here than there" in tilepack.diff(here, there).notes
    assert tilepack.diff(here, there).is_same


# Damage


def test_damaged_bundle_is_a_finding_and_the_others_are_compared(tmp_path):
    tiles = square(8, 2) | square(9, 60)
    here, there = written(tmp_path / "a", tiles), written(tmp_path / "b", tiles)
    bundle = there / "_alllayers" / "L08" / "R0000C0000.bundle"
    bundle.write_bytes(bundle.read_bytes()[:1000])
    for pair, pixels in (((here, there), False), ((there, here), True)):
        found = tilepack.diff(*pair, pixels=pixels)
        assert len(found.damage) == 1
        assert "R0000C0000.bundle" in found.damage[0]
        assert not found.has_same_tiles
        assert found.counts == tilepack.DifferenceCounts(same=3600)


def test_damaged_tile_is_a_finding(tmp_path):
    tiles = square(8, 2)
    here, there = written(tmp_path / "a", tiles), written(tmp_path / "b", tiles)
    bundle = there / "_alllayers" / "L08" / "R0000C0000.bundle"
    data = bytearray(bundle.read_bytes())
    data[64 + 8 * 16384] ^= 1  # the length in front of the first tile
    bundle.write_bytes(data)
    assert "by the length in front of it" in tilepack.diff(here, there).damage[0]


CASES = [*hostile_bundles.CASES, *hostile_folders.CASES]


@pytest.mark.parametrize("case", CASES, ids=[case.name.encode("unicode_escape").decode() for case in CASES])
def test_hostile_cache_is_refused_or_differs(case, tmp_path):
    (tmp_path / "hostile").mkdir()
    (tmp_path / "sound").mkdir()
    hostile = case.make(tmp_path / "hostile")
    sound = write_cache(tmp_path / "sound", "v2", files_of("v2"))
    for pair in ((hostile, sound), (sound, hostile)):
        try:
            found = tilepack.diff(*pair, pixels=True)
        except tilepack.TilepackError:
            continue
        assert not found.is_same
        assert found.damage or found.only_a or found.only_b or found.metadata


def test_package_beside_folder_of_other_levels(tmp_path):
    tiles = square(8, 2) | square(9, 2)
    source = written(tmp_path / "a", tiles)
    package = convert_to("tpkx", source, tmp_path, levels="8")
    assert tilepack.diff(source, package, levels="8").is_same
    assert tilepack.diff(source, package).counts == tilepack.DifferenceCounts(same=4, only_a=4)
    assert set(look_at_tiles(package)) == set(square(8, 2))


def test_ready_to_serve_folder_is_the_same(tmp_path):
    tiles = square(8, 2) | square(9, 2)
    write_files(tmp_path / "ready", ready_files(web_mercator(), tiles))
    found = tilepack.diff(written(tmp_path / "a", tiles), tmp_path / "ready")
    assert found.is_same
    assert "described by: conf.xml here, root.json there" in found.notes
