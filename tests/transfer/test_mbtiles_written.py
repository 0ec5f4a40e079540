"""MBTiles as targets and sources: every tile keeps its bytes, levels become zooms, and what cannot be is refused."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from caches import (
    describe,
    feet,
    look_at_tiles,
    payload,
    picture,
    read_all,
    web_mercator,
    write_exploded,
    write_v1,
    write_v2,
)
from PIL import Image
from web_caches import VIEW, look_at_metadata, look_in_mbtiles, write_mbtiles

import tilepack
from tilepack.cache import StorageFormat, TileFormat
from tilepack.keys import TileKey
from tilepack.metadata.standard import wgs84_scheme

FEW = {TileKey(9, 120 + row, 250 + column): payload(TileKey(9, row, column)) for row in range(3) for column in range(9)}


def webp(tile: TileKey, *, opaque: bool) -> bytes:
    out = BytesIO()
    image = Image.open(BytesIO(picture(tile)))
    (image.convert("RGB") if opaque else image).save(out, "WEBP", lossless=not opaque)
    return out.getvalue()


@pytest.mark.parametrize("source", ["v1_island", "v2_island", "exploded_island"])
def test_tiles_of_every_store_keep_their_bytes(request, tmp_path, island_tiles, source):
    tilepack.convert(request.getfixturevalue(source), tmp_path / "island.mbtiles")
    assert look_in_mbtiles(tmp_path / "island.mbtiles") == island_tiles


@pytest.mark.parametrize("target", ["island.tpk", "island.tpkx", "island", "exploded", "again.mbtiles"])
@pytest.mark.parametrize("schema", ["flat", "view"])
def test_tiles_of_mbtiles_keep_their_bytes(tmp_path, island_tiles, target, schema):
    source = write_mbtiles(tmp_path / "source.mbtiles", island_tiles, **({"schema": VIEW} if schema == "view" else {}))
    made = tmp_path / target
    tilepack.convert(source, made, storage_format="exploded" if target == "exploded" else None)
    assert read_all(made) == island_tiles
    if made.suffix != ".mbtiles":
        assert look_at_tiles(made) == island_tiles


def test_stored_order_is_kept_there_and_back(tmp_path, v2_island):
    tilepack.convert(v2_island, tmp_path / "island.mbtiles")
    tilepack.convert(tmp_path / "island.mbtiles", tmp_path / "back")
    for bundle in v2_island.rglob("*.bundle"):
        there = tmp_path / "back" / bundle.relative_to(v2_island)
        assert there.read_bytes()[64:] == bundle.read_bytes()[64:]


@pytest.mark.parametrize("jobs", [1, 8])
def test_bytes_do_not_depend_on_threads(tmp_path, v2_island, jobs):
    tilepack.convert(v2_island, tmp_path / "one.mbtiles", jobs=1)
    tilepack.convert(v2_island, tmp_path / "more.mbtiles", jobs=jobs)
    assert (tmp_path / "one.mbtiles").read_bytes() == (tmp_path / "more.mbtiles").read_bytes()


def test_database_is_sound_and_says_what_the_cache_says(tmp_path, samples):
    tilepack.convert(samples / "Usa.tpkx", tmp_path / "usa.mbtiles")
    with contextlib.closing(sqlite3.connect(tmp_path / "usa.mbtiles")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("pragma application_id").fetchall() == [(0x4D504258,)]
        assert database.execute("pragma page_size").fetchall() == [(65536,)]
    said = look_at_metadata(tmp_path / "usa.mbtiles")
    assert (said["name"], said["format"], said["minzoom"], said["maxzoom"]) == ("Usa", "png", "0", "5")
    with tilepack.open(samples / "Usa.tpkx") as reader:
        finest = [tile for tile in look_at_tiles(samples / "Usa.tpkx") if tile.level == 5]
        rows, columns = [tile.row for tile in finest], [tile.column for tile in finest]
        north = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * min(rows) / 32))))
        assert reader.info.name == "Usa"
    west, _, east, top = (float(part) for part in said["bounds"].split(","))
    assert (west, east) == pytest.approx((min(columns) / 32 * 360 - 180, (max(columns) + 1) / 32 * 360 - 180))
    assert top == pytest.approx(north)


def test_description_comes_there_and_back(tmp_path, v2_island):
    item = tilepack.ItemDescription(title="Inseln", tags=("a", "b"), description="Many", attribution="© all")
    tilepack.export_cache(v2_island, tmp_path / "there.mbtiles", description=item)
    tilepack.convert(tmp_path / "there.mbtiles", tmp_path / "back.tpkx")
    with tilepack.open(tmp_path / "back.tpkx") as reader:
        found = reader.info.description
    assert (found.title, found.tags, found.description, found.attribution) == ("Inseln", ("a", "b"), "Many", "© all")


def test_what_tilepack_does_not_know_comes_through(tmp_path):
    said = {"name": "Map", "json": '{"tilestats": {"count": 3}}', "generator": "somebody", "type": "baselayer"}
    source = write_mbtiles(tmp_path / "source.mbtiles", FEW, metadata=said)
    tilepack.convert(source, tmp_path / "target.mbtiles")
    found = look_at_metadata(tmp_path / "target.mbtiles")
    assert {name: found[name] for name in said} == said


# Levels


def test_levels_land_by_resolution_whatever_their_number(tmp_path):
    scheme = web_mercator()
    renumbered = replace(scheme, levels=tuple(replace(lod, level=lod.level - 9) for lod in scheme.levels[9:12]))
    tiles = {TileKey(tile.level - 9, tile.row, tile.column): data for tile, data in FEW.items()}
    write_v1(tmp_path / "cache", renumbered, tiles)
    result = tilepack.convert(tmp_path / "cache", tmp_path / "map.mbtiles")
    assert look_in_mbtiles(tmp_path / "map.mbtiles") == FEW
    assert result.plan.levels == {0: 9}
    assert look_at_metadata(tmp_path / "map.mbtiles")["minzoom"] == "9"
    with tilepack.open(tmp_path / "map.mbtiles") as reader, tilepack.open(tmp_path / "cache") as source:
        assert reader.info.extent is not None
        assert source.info.extent is not None
        assert reader.info.extent.as_tuple() == pytest.approx(source.info.extent.as_tuple(), abs=1e-5)


def test_tiles_of_512_pixels_are_those_of_the_zoom_before(tmp_path):
    scheme = web_mercator()
    large = replace(scheme, tile_width=512, tile_height=512, levels=scheme.levels[5:8])
    tile = TileKey(5, 3, 4)
    write_v2(tmp_path / "cache", large, {tile: picture(tile, size=(512, 512))})
    tilepack.convert(tmp_path / "cache", tmp_path / "map.mbtiles")
    assert list(look_in_mbtiles(tmp_path / "map.mbtiles")) == [TileKey(4, 3, 4)]
    with tilepack.open(tmp_path / "map.mbtiles") as reader, tilepack.open(tmp_path / "cache") as source:
        there, here = reader.info.scheme, source.info.scheme
        assert there.tile_width == 512
        assert there.tile_extent(TileKey(4, 3, 4)).as_tuple() == here.tile_extent(tile).as_tuple()


@pytest.mark.parametrize(
    ("scheme", "tile", "sentence"),
    [
        (wgs84_scheme(), TileKey(5, 3, 4), "web mercator alone"),
        (feet(), TileKey(4, 3, 4), "web mercator alone"),
        (replace(web_mercator(), tile_width=300), TileKey(5, 3, 4), "300 x 256 pixels"),
        (replace(web_mercator(), origin_x=-20000000.0), TileKey(5, 3, 4), "the tile origin is"),
        (
            replace(web_mercator(), levels=(replace(web_mercator().levels[5], resolution=5000.0),)),
            TileKey(5, 3, 4),
            "no such level",
        ),
        (web_mercator(), TileKey(5, 3, 32), "as zoom 5 it ends at 31"),
    ],
    ids=["degrees", "feet", "oblong", "origin", "between zooms", "beyond the zoom"],
)
def test_another_grid_is_refused_with_a_sentence(tmp_path, scheme, tile, sentence):
    write_v2(tmp_path / "cache", scheme, {tile: payload(tile)})
    with pytest.raises(tilepack.TilingSchemeError, match=sentence):
        tilepack.convert(tmp_path / "cache", tmp_path / "map.mbtiles")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


# Formats


def test_webp_becomes_jpeg_or_png_in_caches_and_is_counted(tmp_path):
    tiles = {TileKey(5, 3, column): webp(TileKey(5, 3, column), opaque=column % 2 == 0) for column in range(6)}
    source = write_mbtiles(tmp_path / "source.mbtiles", tiles, metadata={"format": "webp"})
    result = tilepack.convert(source, tmp_path / "cache.tpkx")
    assert any("WebP" in warning for warning in result.plan.warnings)
    assert (result.counts.blended, result.notes["transcoded"], result.notes["jpeg_encoded"]) == (6, 6, 3)
    assert result.info.tile_format is TileFormat.MIXED
    for tile, data in look_at_tiles(tmp_path / "cache.tpkx").items():
        made, was = Image.open(BytesIO(data)), Image.open(BytesIO(tiles[tile]))
        assert made.format == ("JPEG" if tile.column % 2 == 0 else "PNG")
        if made.format == "PNG":
            visible = np.array(was.convert("RGBA"))[..., 3] > 0
            assert np.array_equal(np.array(made.convert("RGBA"))[visible], np.array(was.convert("RGBA"))[visible])
        else:
            apart = np.abs(np.array(made, np.int16) - np.array(was.convert("RGB"), np.int16))
            assert apart.mean() < 4


def test_one_webp_among_many_others_is_found(tmp_path):
    tiles = {TileKey(7, row, column): payload(TileKey(7, row, column)) for row in range(20) for column in range(20)}
    odd = TileKey(7, 11, 11)
    source = write_mbtiles(tmp_path / "source.mbtiles", tiles | {odd: webp(odd, opaque=True)})
    result = tilepack.convert(source, tmp_path / "cache")
    found = look_at_tiles(tmp_path / "cache")
    assert found.pop(odd).startswith(b"\xff\xd8")
    assert found == {tile: data for tile, data in tiles.items() if tile != odd}
    assert result.info.tile_format is TileFormat.MIXED


def test_webp_stays_webp_in_mbtiles(tmp_path):
    tiles = {TileKey(5, 3, 4): webp(TileKey(5, 3, 4), opaque=False)}
    tilepack.convert(write_mbtiles(tmp_path / "a.mbtiles", tiles), tmp_path / "b.mbtiles")
    assert look_in_mbtiles(tmp_path / "b.mbtiles") == tiles
    assert look_at_metadata(tmp_path / "b.mbtiles")["format"] == "webp"


def test_broken_webp_is_an_error_that_names_the_tile(tmp_path):
    tile = TileKey(5, 3, 4)
    source = write_mbtiles(tmp_path / "source.mbtiles", {tile: webp(tile, opaque=True)[:300]})
    with pytest.raises(tilepack.TileError, match="5/3/4"):
        tilepack.convert(source, tmp_path / "cache.tpkx")
    assert not (tmp_path / "cache.tpkx").exists()


def test_vector_tiles_move_into_no_cache_of_images(tmp_path):
    tiles = {TileKey(5, 3, 4): b"\x1f\x8b\x08\x00 a vector tile"}
    source = write_mbtiles(tmp_path / "source.mbtiles", tiles, metadata={"format": "pbf"})
    tilepack.convert(source, tmp_path / "target.mbtiles")
    assert look_in_mbtiles(tmp_path / "target.mbtiles") == tiles
    assert look_at_metadata(tmp_path / "target.mbtiles")["format"] == "pbf"
    with pytest.raises(tilepack.UnsupportedError, match="vector tiles"):
        tilepack.convert(source, tmp_path / "cache.tpkx")


def test_elevation_is_refused(tmp_path):
    tile = TileKey(5, 3, 4)
    write_v2(tmp_path / "cache", web_mercator(), {tile: b"Lerc2 " + bytes(90)}, tile_format=TileFormat.LERC)
    with pytest.raises(tilepack.UnsupportedError, match="LERC"):
        tilepack.convert(tmp_path / "cache", tmp_path / "map.mbtiles")


# The other commands


def test_area_cuts_on_the_way_into_mbtiles(tmp_path):
    tiles = {TileKey(5, row, column): picture(TileKey(5, row, column)) for row in range(8) for column in range(8)}
    write_exploded(tmp_path / "cache", web_mercator(), tiles)
    side = web_mercator().tile_extent(TileKey(5, 0, 0)).width
    left, top = -20037508.342787, 20037508.342787
    box = (left + 1.5 * side, top - 4.5 * side, left + 5.25 * side, top - 2.5 * side)
    west, south, east, north = box
    wkt = f"POLYGON(({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"
    area = tilepack.Area(source=wkt, crs="EPSG:3857")
    for target in ("map.mbtiles", "map.tpkx"):
        tilepack.export_cache(tmp_path / "cache", tmp_path / target, area=area)
    cut = look_in_mbtiles(tmp_path / "map.mbtiles")
    assert cut == look_at_tiles(tmp_path / "map.tpkx")
    assert {(tile.row, tile.column) for tile in cut} == {(row, column) for row in (2, 3, 4) for column in range(1, 6)}


def test_mbtiles_merge_into_a_cache(tmp_path):
    tiles = {TileKey(5, 3, column): picture(TileKey(5, 3, column)) for column in range(4)}
    write_v2(tmp_path / "cache", web_mercator(), {TileKey(5, 3, 9): picture(TileKey(5, 3, 9))})
    tilepack.import_cache(write_mbtiles(tmp_path / "more.mbtiles", tiles), tmp_path / "cache")
    assert look_at_tiles(tmp_path / "cache") == {**tiles, TileKey(5, 3, 9): picture(TileKey(5, 3, 9))}


def test_a_target_that_exists_is_kept_or_replaced_whole(tmp_path, v2_island, island_tiles):
    target = write_mbtiles(tmp_path / "map.mbtiles", FEW)
    with pytest.raises(tilepack.CacheExistsError):
        tilepack.convert(v2_island, target)
    assert look_in_mbtiles(target) == FEW
    tilepack.convert(v2_island, target, replace=True)
    assert look_in_mbtiles(target) == island_tiles


def test_work_that_is_called_off_leaves_nothing(tmp_path, v2_island):
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.convert(v2_island, tmp_path / "map.mbtiles", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_empty_cache_becomes_an_empty_file(tmp_path):
    tilepack.create_cache(tmp_path / "cache")
    tilepack.convert(tmp_path / "cache", tmp_path / "map.mbtiles")
    assert look_in_mbtiles(tmp_path / "map.mbtiles") == {}
    assert read_all(tmp_path / "map.mbtiles") == {}


def test_suffix_and_storage_format_must_agree(tmp_path, v2_island):
    with pytest.raises(tilepack.TransferError, match=r"a \.mbtiles holds MBTILES, not COMPACT"):
        tilepack.convert(v2_island, tmp_path / "map.mbtiles", storage_format="compact")
    with pytest.raises(tilepack.TransferError, match=r"give it a name in \.mbtiles"):
        tilepack.convert(v2_island, tmp_path / "map", storage_format="mbtiles")
    with pytest.raises(tilepack.UnsupportedError, match="of no use"):
        tilepack.create_cache(tmp_path / "map.mbtiles")


def test_documents_of_arcgis_cannot_name_formats_of_the_web():
    info = describe(web_mercator(), StorageFormat.COMPACT_V2)
    assert info.web == {}
    assert {str(name) for name in TileFormat if not name.is_arcgis} == {"WEBP", "PBF"}
