"""Rows and columns around 0xFFFF, where the names of bundles grow from four digits to five, in every layout."""

from __future__ import annotations

import pytest
from caches import look_at_files, look_at_tiles, picture, web_mercator, write_exploded
from layouts import LAYOUTS, convert_to

import tilepack
from tilepack.keys import BundleKey, TileKey

EDGES = (0xFF80, 0xFFFF, 0x10000, 0x1007F)
SCHEME = web_mercator()
TILES = {TileKey(17, row, column): picture(TileKey(17, row, column)) for row in EDGES for column in EDGES}
CORNERS = ("Rff80Cff80", "Rff80C10000", "R10000Cff80", "R10000C10000")
EAST = {key: data for key, data in TILES.items() if key.column >= 0x10000}
EVERY_LAYOUT = pytest.mark.parametrize("layout", sorted(LAYOUTS))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_exploded(folder, SCHEME, TILES)
    return folder


@pytest.fixture
def cache(layout, source, tmp_path):
    return convert_to(layout, source, tmp_path)


def extent_of(tiles):
    extents = [SCHEME.tile_extent(key) for key in tiles]
    box = extents[0]
    for extent in extents[1:]:
        box = box.union(extent)
    return box.as_tuple()


@EVERY_LAYOUT
def test_names_have_as_many_digits_as_it_takes(cache, layout):
    names = {name.rsplit("/")[-1] for name in look_at_files(cache)}
    if layout == "exploded":
        assert {f"C{column:08x}.png" for column in EDGES} <= names
    else:
        assert {f"{corner}.bundle" for corner in CORNERS} == {name for name in names if name.endswith(".bundle")}
    assert look_at_tiles(cache) == TILES


@EVERY_LAYOUT
def test_all_that_only_looks_finds_every_bundle(cache, source):
    with tilepack.open(cache) as reader:
        assert reader.bundles(17) == [BundleKey(17, row, column) for row in EDGES[::2] for column in EDGES[::2]]
        assert tilepack.probe(reader).levels[0].tiles == len(TILES)
    assert not tilepack.verify(cache, deep=True).found
    status = tilepack.status_of(cache)
    assert (status.levels[0].built, status.bundles.names()) == (len(TILES), list(CORNERS))
    assert tilepack.diff(source, cache).has_same_tiles


@EVERY_LAYOUT
def test_tiles_are_deleted_and_imported_again(cache, source):
    tilepack.delete_tiles(cache, extent=extent_of(EAST))
    assert look_at_tiles(cache) == {key: data for key, data in TILES.items() if key not in EAST}
    tilepack.import_cache(source, cache, extent=extent_of(EAST))
    assert look_at_tiles(cache) == TILES


@EVERY_LAYOUT
def test_tiles_are_exported_by_an_area(cache, tmp_path):
    xmin, ymin, xmax, ymax = extent_of(EAST)
    ring = f"{xmin} {ymin}, {xmax} {ymin}, {xmax} {ymax}, {xmin} {ymax}, {xmin} {ymin}"
    area = tilepack.Area(source=f"POLYGON (({ring}))", crs="EPSG:3857")
    tilepack.export_cache(cache, tmp_path / "east", area=area)
    assert look_at_tiles(tmp_path / "east") == EAST
