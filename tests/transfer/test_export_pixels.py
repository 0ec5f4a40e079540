"""Exported pixels are the source's inside the area and transparent outside, whatever the tiles and the target are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caches import look_at_tiles, read_all, write_exploded, write_v1, write_v2
from export_caches import (
    COLOUR_TYPES,
    SCHEMES,
    assert_cut,
    coloured,
    data_of,
    drawn,
    export_to,
    halves,
    jpeg,
    mask_of,
    mercator,
    mixed,
    pixels_of,
    png_of,
    ragged,
    square,
    wkt,
)
from layouts import LAYOUTS
from pyproj import Transformer

import tilepack
from tilepack.cache import TileFormat
from tilepack.formats.sniff import sniff
from tilepack.keys import TileKey
from tilepack.spatial import to_crs

SCHEME = mercator()
BOX = square(SCHEME, 5, 9, 13, 5)
AREA = ragged(BOX)

KINDS = {
    **{f"PNG {kind} {depth}": (TileFormat.PNG, coloured(kind, depth)) for kind, depth in COLOUR_TYPES},
    **{
        f"PNG {kind} {depth} keyed": (TileFormat.PNG, coloured(kind, depth, keyed=True))
        for kind, depth in ((0, 1), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 4), (3, 8))
    },
    "PNG8 full": (TileFormat.PNG8, coloured(3, 8)),
    "PNG8 with clear entries": (TileFormat.PNG8, coloured(3, 8, keyed=True)),
    "PNG8 of 16": (TileFormat.PNG8, coloured(3, 4)),
    "PNG24": (TileFormat.PNG24, coloured(2, 8)),
    "PNG24 keyed": (TileFormat.PNG24, coloured(2, 8, keyed=True)),
    "PNG32": (TileFormat.PNG32, coloured(6, 8)),
    "MIXED": (TileFormat.MIXED, mixed),
    "JPEG": (TileFormat.JPEG, jpeg),
}
FEW = ("PNG 6 8", "PNG8 full", "PNG24", "MIXED", "JPEG")
WRITTEN = {
    TileFormat.PNG8: {3},
    TileFormat.PNG24: {2},
    TileFormat.PNG32: {6},
    TileFormat.MIXED: {2, 6},
    TileFormat.PNG: {2, 3, 6},
}


WRITERS = {"v1": write_v1, "v2": write_v2, "exploded": write_exploded}


def crs_of(scheme):
    return scheme.spatial_reference.wkt or scheme.spatial_reference.wkid


def mask(tile):
    return mask_of(SCHEME, [AREA], tile)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Caches of each kind of tile, made when first asked for."""
    made = {}

    def source(name):
        if name not in made:
            tile_format, draw = KINDS[name]
            tiles = drawn(SCHEME, draw)
            folder = tmp_path_factory.mktemp("source") / "Island"
            write_v2(folder, SCHEME, data_of(tiles), tile_format=tile_format)
            made[name] = folder, tiles
        return made[name]

    return source


CASES = [
    pytest.param(name, layout, id=f"{name} to {layout}")
    for name in KINDS
    for layout in (LAYOUTS if name in FEW else ("v2",))
]


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_pixels_inside_are_the_source_s_and_others_transparent(sources, tmp_path, name, layout):
    source, tiles = sources(name)
    target = export_to(layout, source, tmp_path, area=wkt(AREA))
    assert min(assert_cut(tiles, target, mask).values()) > 0
    tile_format = KINDS[name][0]
    with tilepack.open(target) as reader:
        assert reader.warnings == []
        wanted = TileFormat.MIXED if tile_format is TileFormat.JPEG else tile_format
        assert reader.info.tile_format is wanted
    written = look_at_tiles(target)
    for tile, data in written.items():
        if data != tiles[tile][0]:
            kind = sniff(data)
            assert kind.is_png
            assert kind.colour_type in WRITTEN[wanted] | ({2, 6} if wanted is TileFormat.PNG8 else set())
    if layout != "exploded":
        assert list(written) == [tile for tile in look_at_tiles(source) if tile in written]


@pytest.fixture(scope="module")
def schemes(tmp_path_factory):
    """Caches of each scheme in each format, with an area, and the masks of its tiles."""
    made = {}

    def source(name):
        if name not in made:
            make, level, row, column = SCHEMES[name]
            scheme = make()
            tiles = drawn(scheme, coloured(3, 1, keyed=True), level=level, row=row, column=column, side=4)
            folder = tmp_path_factory.mktemp("schemes")
            for format_name, write in WRITERS.items():
                write(folder / format_name, scheme, data_of(tiles), tile_format=TileFormat.PNG)
            area = ragged(square(scheme, level, row, column, 4))
            masks = {tile: mask_of(scheme, [area], tile) for tile in tiles}
            made[name] = folder, tiles, wkt(area, crs_of(scheme)), masks
        return made[name]

    return source


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("source", WRITERS)
@pytest.mark.parametrize("name", SCHEMES)
def test_any_scheme_is_cut_from_any_source_into_any_layout(schemes, tmp_path, name, source, layout):
    folder, tiles, area, masks = schemes(name)
    target = export_to(layout, folder / source, tmp_path, area=area)
    assert assert_cut(tiles, target, masks.__getitem__)["cut"] > 5
    assert read_all(target) == look_at_tiles(target)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_levels_are_cut_alike(tmp_path, layout):
    tiles = {}
    for level, row, column, side in ((5, 9, 13, 5), (4, 4, 6, 3), (3, 2, 3, 2), (0, 0, 0, 1)):
        tiles |= drawn(SCHEME, mixed, level=level, row=row, column=column, side=side)
    write_v2(tmp_path / "source", SCHEME, data_of(tiles))
    target = export_to(layout, tmp_path / "source", tmp_path / "targets", area=wkt(AREA))
    assert_cut(tiles, target, mask)
    assert {tile.level for tile in look_at_tiles(target)} == {0, 3, 4, 5}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tiles_without_a_visible_pixel_are_left_out_unless_they_are_to_be_kept(tmp_path, layout):
    def veiled(tile, width, height):
        return coloured(3, 1, keyed=True)(tile, width, height) if tile.row % 2 else clear

    clear = coloured(6, 8)(TileKey(0, 0, 0), 64, 64)[1] * np.array([1, 1, 1, 0], np.uint8)
    clear = png_of(clear, 6, 8), clear
    tiles = drawn(SCHEME, veiled)
    write_v2(tmp_path / "source", SCHEME, data_of(tiles), tile_format=TileFormat.PNG32)
    dropped = export_to(layout, tmp_path / "source", tmp_path / "dropped", area=wkt(AREA))
    assert_cut(tiles, dropped, mask)
    options = tilepack.PixelOptions(keep_blank=True)
    kept = export_to(layout, tmp_path / "source", tmp_path / "kept", area=wkt(AREA), pixels=options)
    assert_cut(tiles, kept, mask, kept=True)
    more = set(look_at_tiles(kept)) - set(look_at_tiles(dropped))
    assert {tile for tile in tiles if tile.row % 2 == 0 and mask(tile).any() and not mask(tile).all()} <= more


@pytest.mark.parametrize("layout", LAYOUTS)
def test_jpeg_with_a_background_stays_jpeg(sources, tmp_path, layout):
    source, tiles = sources("JPEG")
    options = tilepack.PixelOptions(background=(255, 0, 255))
    target = export_to(layout, source, tmp_path, area=wkt(AREA), pixels=options)
    with tilepack.open(target) as reader:
        assert reader.info.tile_format is TileFormat.JPEG
    written = look_at_tiles(target)
    assert set(written) == {tile for tile in tiles if mask(tile).any()}
    for tile, data in written.items():
        inside, before = mask(tile), tiles[tile]
        assert sniff(data).name == "JPEG"
        if inside.all():
            assert data == before[0]
            continue
        expected = np.where(inside[..., None], before[1], np.array((255, 0, 255, 255)))
        apart = np.abs(pixels_of(data).astype(int) - expected)
        assert apart.mean() < 25
        outer = ~inside
        outer[1:-1, 1:-1] &= ~(inside[2:, 1:-1] | inside[:-2, 1:-1] | inside[1:-1, 2:] | inside[1:-1, :-2])
        if outer[:16, :16].all():
            assert apart[:16, :16].max() < 12


def test_whole_tiles_keeps_them_uncut_and_the_cache_jpeg(sources, tmp_path):
    source, tiles = sources("JPEG")
    options = tilepack.PixelOptions(whole_tiles=True)
    target = export_to("v2", source, tmp_path, area=wkt(AREA), pixels=options)
    written = look_at_tiles(target)
    assert {tile for tile in tiles if mask(tile).any()} <= set(written)
    assert all(data == tiles[tile][0] for tile, data in written.items())
    with tilepack.open(target) as reader:
        assert reader.info.tile_format is TileFormat.JPEG


def test_jpeg_of_which_nothing_is_cut_stays_jpeg_and_what_is_cut_comes_with_a_warning(sources, tmp_path):
    source, _ = sources("JPEG")
    around = tilepack.plan_export(source, tmp_path / "a", area=wkt(halves(BOX)[0].union(halves(BOX)[1]).envelope))
    assert around.tiles_to_cut == 0
    assert around.info.tile_format is TileFormat.JPEG
    assert around.warnings == ()
    cut = tilepack.plan_export(source, tmp_path / "a", area=wkt(AREA))
    assert cut.info.tile_format is TileFormat.MIXED
    assert any("the new cache is MIXED" in warning for warning in cut.warnings)


# Two areas side by side


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("seed", range(2))
def test_adjoining_areas_have_every_pixel_once(tmp_path, name, seed):
    make, level, row, column = SCHEMES[name]
    scheme = make()
    pieces = halves(square(scheme, level, row, column, 4), seed)
    assert_pieces_make_the_whole(
        tmp_path, scheme, (level, row, column), [wkt(piece, crs_of(scheme)) for piece in pieces]
    )


@pytest.mark.parametrize("name", ["web mercator", "national"])
@pytest.mark.parametrize("seed", range(2))
def test_adjoining_areas_in_degrees_have_every_pixel_once(tmp_path, name, seed):
    make, level, row, column = SCHEMES[name]
    scheme = make()
    box = square(scheme, level, row, column, 4)
    back = Transformer.from_crs(to_crs(scheme.spatial_reference), 4326, always_xy=True)
    west, south, east, north = back.transform_bounds(*box.as_tuple())
    pieces = halves(tilepack.Extent(xmin=west, ymin=south, xmax=east, ymax=north), seed)
    assert_pieces_make_the_whole(tmp_path, scheme, (level, row, column), [wkt(piece, 4326) for piece in pieces])


def assert_pieces_make_the_whole(folder: Path, scheme, corner, areas):
    level, row, column = corner
    tiles = drawn(scheme, coloured(3, 1), level=level, row=row, column=column, side=4)
    write_v2(folder / "source", scheme, data_of(tiles), tile_format=TileFormat.PNG)
    pieces = [
        look_at_tiles(export_to("v2", folder / "source", folder / str(number), area=area))
        for number, area in enumerate(areas)
    ]
    assert all(len(piece) > 3 for piece in pieces)
    for tile, (_, pixels) in tiles.items():
        found = [pixels_of(piece[tile]) for piece in pieces if tile in piece]
        shown = sum((each[..., 3] > 0).astype(int) for each in found)
        assert (shown == 1).all(), f"{tile}: {(shown != 1).sum()} pixels not once"
        for each in found:
            inside = each[..., 3] > 0
            np.testing.assert_array_equal(each[inside], pixels[inside])
