"""Laws of previews: the picture is the mosaic of the tiles, at whatever size, and damage stops nothing."""

from __future__ import annotations

import contextlib
import io
import math
import random
import shutil
import tracemalloc

import numpy as np
import pytest
from caches import describe, feet, payload, picture, v2_files, web_mercator, write_exploded, write_files, write_v2
from packed_bundles import SLOTS
from PIL import Image

import tilepack
from tilepack.cache import StorageFormat, TileFormat
from tilepack.inspect import stitching
from tilepack.keys import TileKey, TileRange
from tilepack.metadata.conf_xml import format_conf_xml

HATCH = (213, 94, 0)

TILES = {
    key: picture(key, ("png", "jpg")[(key.row + key.column) % 2])
    for key in [
        TileKey(3, 6, 6),
        *(
            TileKey(9, row, column)
            for row in range(126, 130)
            for column in range(254, 258)
            if (row, column) != (127, 255)
        ),
    ]
}
"""One coarse tile, and 15 of 16 fine ones around the corner of four bundles."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview") / "Größe 1"
    write_v2(folder, web_mercator(), TILES)
    return folder


def box(level, rows, columns, scheme=None):
    tiles = TileRange(level=level, row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])
    return (scheme or web_mercator()).range_extent(tiles).as_tuple()


def mosaic(tiles, level, rows, columns, size=(256, 256)):
    """Decode tiles with Pillow and put them side by side."""
    width, height = size
    whole = np.zeros(((rows[1] - rows[0]) * height, (columns[1] - columns[0]) * width, 4), np.uint8)
    for row in range(*rows):
        for column in range(*columns):
            data = tiles.get(TileKey(level, row, column))
            if data is not None:
                with Image.open(io.BytesIO(data)) as image:
                    upper, left = (row - rows[0]) * height, (column - columns[0]) * width
                    whole[upper : upper + height, left : left + width] = image.convert("RGBA")
    return whole


ROWS, COLUMNS = (126, 130), (254, 258)


def test_at_its_own_resolution_it_is_the_mosaic_of_the_tiles(cache):
    found = tilepack.preview(cache, level=9, width=None, transparent=True)
    np.testing.assert_array_equal(found.pixels, mosaic(TILES, 9, ROWS, COLUMNS))
    assert (found.level, found.tiles, found.damaged, found.notes) == (9, 15, 0, ())
    assert found.extent.as_tuple() == pytest.approx(box(9, ROWS, COLUMNS))


def test_as_wide_as_the_level_it_is_the_same(cache):
    found = tilepack.preview(cache, width=1024, extent=box(9, ROWS, COLUMNS), transparent=True)
    np.testing.assert_array_equal(found.pixels, mosaic(TILES, 9, ROWS, COLUMNS))


@pytest.mark.parametrize("name", ["p.tpk", "p.tpkx", "folder"])
def test_every_layout_gives_the_same_picture(cache, tmp_path, name):
    tilepack.convert(
        cache, tmp_path / name, storage_format=tilepack.StorageFormat.EXPLODED if name == "folder" else None
    )
    expected, found = (
        tilepack.preview(place, width=300, extent=box(9, ROWS, COLUMNS)) for place in (cache, tmp_path / name)
    )
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_half_as_wide_each_pixel_is_the_mean_of_four(cache):
    whole = mosaic(TILES, 9, ROWS, COLUMNS).astype(float)
    found = tilepack.preview(cache, level=9, width=512, transparent=True).pixels.astype(float)
    squares = whole.reshape(512, 2, 512, 2, 4)
    alpha = squares[..., 3].sum(axis=(1, 3))
    colour = (squares[..., :3] * squares[..., 3:]).sum(axis=(1, 3)) / np.maximum(alpha, 1)[..., None]
    assert np.abs(found[..., 3] - alpha / 4).max() <= 0.5
    assert np.abs(found[..., :3] - colour)[alpha >= 2].max() <= 0.5 + 1e-3


def test_oblong_tiles_of_a_national_grid(tmp_path):
    tiles = {
        TileKey(7, row, column): picture(TileKey(7, row, column), size=(512, 384))
        for row in (3, 4)
        for column in (5, 6)
    }
    write_exploded(tmp_path / "feet", feet(), tiles)
    found = tilepack.preview(tmp_path / "feet", width=None, transparent=True)
    np.testing.assert_array_equal(found.pixels, mosaic(tiles, 7, (3, 5), (5, 7), (512, 384)))


def test_bands_change_nothing(cache, monkeypatch):
    expected = tilepack.preview(cache, width=700, grid=True)
    monkeypatch.setattr(stitching, "_BAND_PIXELS", 700 * 13)
    found = tilepack.preview(cache, width=700, grid=True)
    assert np.abs(found.pixels.astype(int) - expected.pixels).max() <= 1
    assert found.tiles == expected.tiles


def test_every_tile_is_told_of_once_it_is_laid(cache):
    told = []
    tilepack.preview(cache, level=9, progress=told.append)
    assert sum(told) == 15


# Which level, which extent


@pytest.mark.parametrize(
    ("width", "extent", "level"),
    [
        (1024, None, 9),
        (16, None, 9),  # the coarse tile lies elsewhere
        (256, box(3, (6, 7), (6, 7)), 3),
        (255, box(3, (6, 7), (6, 7)), 3),
        (257, box(3, (6, 7), (6, 7)), 3),  # nothing finer lies there
        (None, box(3, (6, 7), (6, 7)), 3),
    ],
)
def test_the_coarsest_level_fine_enough_is_drawn_of_those_that_hold_tiles_there(cache, width, extent, level):
    assert tilepack.preview(cache, width=width, extent=extent).level == level


@pytest.mark.parametrize(("width", "level"), [(64, 3), (256, 3), (257, 4), (512, 4), (513, 5), (2048, 5)])
def test_the_level_follows_the_width(tmp_path, width, level):
    tiles = {TileKey(3 + by, 2 << by, 3 << by): picture(TileKey(3 + by, 2, 3)) for by in range(3)}
    write_exploded(tmp_path / "pyramid", web_mercator(), tiles)
    assert tilepack.preview(tmp_path / "pyramid", width=width, extent=box(3, (2, 3), (3, 4))).level == level


def write_with_extent(folder, extent):
    info = describe(web_mercator(), StorageFormat.COMPACT_V2, extent=extent)
    write_files(folder / "_alllayers", v2_files(TILES))
    write_files(folder, {"conf.xml": format_conf_xml(info)})
    if extent is not None:
        from tilepack.metadata.conf_cdi import format_conf_cdi

        write_files(folder, {"conf.cdi": format_conf_cdi(info)})
    return folder


@pytest.mark.parametrize("declared", [None, tilepack.Extent(xmin=1, ymin=-2000, xmax=3000, ymax=-1)])
def test_without_a_declared_extent_that_holds_tiles_it_is_measured(tmp_path, declared):
    folder = write_with_extent(tmp_path / "cache", declared)
    found = tilepack.preview(folder, width=50)
    with tilepack.open(folder) as reader:
        assert found.extent == tilepack.probe(reader, sample=0).extent
    assert bool(found.notes) == (declared is not None)


def test_a_box_in_degrees_is_shown_whole(cache):
    south, north = (6378137 * math.log(math.tan(math.pi / 4 + math.radians(y) / 2)) for y in (65, 67))
    found = tilepack.preview(cache, bbox=(-2, 65, 1, 67), width=300)
    assert found.extent.as_tuple() == pytest.approx((-222638.98, south, 111319.49, north), abs=1)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"extent": (0, 0, 1, 0)}, tilepack.AreaOfInterestError, "no surface"),
        ({"extent": (5, 0, 1, 9)}, tilepack.AreaOfInterestError, "xmin, ymin"),
        ({"extent": (1e7, 1e7, 1.1e7, 1.1e7)}, tilepack.AreaOfInterestError, "no tile lies in the extent"),
        ({"extent": (-1, -1, 1, 1), "bbox": (-1, -1, 1, 1)}, tilepack.AreaOfInterestError, "both given"),
        ({"bbox": (-1, 1, 1, -1)}, tilepack.AreaOfInterestError, "no rectangle in degrees"),
        ({"level": 99}, tilepack.TilingSchemeError, "level 99 is not in"),
        ({"width": 0}, tilepack.AreaOfInterestError, "cannot be made"),
        ({"width": 16385}, tilepack.AreaOfInterestError, "the most are"),
        ({"width": 16000}, tilepack.AreaOfInterestError, "the most are"),
        ({"width": 1024, "extent": (-10, -1e7, 10, 1e7)}, tilepack.AreaOfInterestError, "the most are"),
        ({"width": None, "level": 9, "extent": (-2e7, -2e7, 2e7, 2e7)}, tilepack.AreaOfInterestError, "the most are"),
        ({"area": "no such.gpkg"}, tilepack.AreaOfInterestError, "no such"),
        (
            {"area": tilepack.Area(source="4=POLYGON ((0 0, 1 0, 1 1, 0 0))", crs=4326)},
            tilepack.AreaOfInterestError,
            "level 9 has no area",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(cache, asked, error, words):
    with pytest.raises(error, match=words):
        tilepack.preview(cache, **asked)


@pytest.mark.parametrize("extent", [(-1e300, -1e300, 1e300, 1e300), (-1e18, -1e18, 1e18, 1e18), (0, -1e-9, 1e-9, 0)])
def test_extents_without_measure_end_in_a_picture_or_a_sentence(cache, extent):
    with contextlib.suppress(tilepack.TilepackError):
        assert tilepack.preview(cache, extent=extent, width=32).pixels.shape == (32, 32, 4)


def test_an_empty_cache_is_refused(tmp_path):
    write_files(tmp_path / "empty", {"conf.xml": format_conf_xml(describe(web_mercator(), StorageFormat.COMPACT_V2))})
    (tmp_path / "empty/_alllayers").mkdir()
    with pytest.raises(tilepack.TilepackError, match="holds no tile"):
        tilepack.preview(tmp_path / "empty")


def test_a_level_that_holds_nothing_there_is_said(cache):
    for asked in ({"level": 5}, {"level": 3, "extent": box(9, ROWS, COLUMNS)}):
        found = tilepack.preview(cache, width=40, transparent=True, **asked)
        assert not found.pixels.any()
        assert found.notes[-1] == f"level {asked['level']} holds no tile there"


def test_memory_depends_on_the_picture_alone(tmp_path):
    """A level of 128 x 512 tiles, 131,072 pixels wide, on a picture of 64 pixels."""
    data = picture(TileKey(0, 0, 0))
    tiles = {TileKey(12, 1024 + number % 128, 1024 + number * 37 % 512): data for number in range(160)}
    write_v2(tmp_path / "wide", web_mercator(), tiles)
    tilepack.preview(tmp_path / "wide", width=64, level=12)
    tracemalloc.start()
    found = tilepack.preview(tmp_path / "wide", width=64, level=12)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.tiles == len(tiles)
    assert most < 12e6


# Damage


def test_a_damaged_tile_is_hatched_and_told_and_nothing_else_changes(tmp_path):
    bad = TileKey(9, 128, 254)
    write_v2(tmp_path / "sound", web_mercator(), TILES)
    write_v2(tmp_path / "broken", web_mercator(), TILES | {bad: payload(bad)})
    sound, broken = (tilepack.preview(tmp_path / name, level=9, width=None) for name in ("sound", "broken"))
    changed = np.zeros((1024, 1024), np.bool_)
    changed[512:768, :256] = True
    np.testing.assert_array_equal((broken.pixels != sound.pixels).any(axis=2) & ~changed, False)
    assert {tuple(colour) for colour in broken.pixels[changed][:, :3].tolist()} == {HATCH, (255, 255, 255)}
    assert (broken.tiles, broken.damaged) == (14, 1)
    assert broken.notes[0] == "1 tile is damaged and hatched"
    assert "tile 9/128/254 cannot be shown" in broken.notes[1]


def test_only_the_first_damaged_tiles_are_named(tmp_path):
    write_v2(tmp_path / "broken", web_mercator(), {key: payload(key) for key in TILES})
    found = tilepack.preview(tmp_path / "broken", width=200)
    assert (found.tiles, found.damaged) == (0, 15)
    assert len(found.notes) == 1 + 5


def test_a_damaged_bundle_is_hatched_whole(tmp_path):
    write_v2(tmp_path / "cache", web_mercator(), TILES)
    bundle = tmp_path / "cache/_alllayers/L09/R0080C0080.bundle"
    bundle.write_bytes(bundle.read_bytes()[:100])
    found = tilepack.preview(tmp_path / "cache", level=9, width=None)
    assert {tuple(colour) for colour in found.pixels[512:, :512, :3].reshape(-1, 3).tolist()} == {HATCH, (255,) * 3}
    assert found.tiles == 11
    assert any("bundle L09/R0080C0080 cannot be read" in note for note in found.notes)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_bytes_a_bundle_holds_there_is_a_picture_or_a_sentence(tmp_path, cache, seed):
    noise = random.Random(seed)
    shutil.copytree(cache, tmp_path / "cache")
    bundle = tmp_path / "cache/_alllayers/L09/R0000C0080.bundle"
    data = bytearray(bundle.read_bytes())
    for _ in range(40):
        at = noise.choice([noise.randrange(len(data)), noise.randrange(64), 64 + 8 * noise.randrange(SLOTS)])
        data[at] = noise.randrange(256)
    bundle.write_bytes(data[: noise.randrange(len(data))] if seed % 3 == 0 else data)
    try:
        assert tilepack.preview(tmp_path / "cache", width=64).pixels.shape == (64, 64, 4)
    except tilepack.TilepackError as error:
        assert str(error)  # noqa: PT017


def test_lerc_is_refused(tmp_path):
    write_v2(tmp_path / "lerc", web_mercator(), {TileKey(0, 0, 0): b"Lerc2 " + bytes(90)}, tile_format=TileFormat.LERC)
    with pytest.raises(tilepack.UnsupportedError, match="LERC"):
        tilepack.preview(tmp_path / "lerc")


def test_vector_tiles_are_refused(tmp_path):
    write_v2(tmp_path / "pbf", web_mercator(), {TileKey(0, 0, 0): b"\x1f\x8b" + bytes(90)})
    with pytest.raises(tilepack.UnsupportedError, match="tile 0/0/0: a tile is PBF"):
        tilepack.preview(tmp_path / "pbf")


# The value


def test_png_holds_the_pixels(cache):
    for transparent in (False, True):
        found = tilepack.preview(cache, width=100, transparent=transparent)
        with Image.open(io.BytesIO(found.png())) as image:
            np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), found.pixels)
        assert found._repr_png_() == found.png()


def test_json_tells_what_it_is(cache):
    found = tilepack.preview(cache, width=100)
    told = found.as_json()
    assert (told["width"], told["height"], told["level"], told["tiles"]) == (100, 100, 9, 15)
    assert told["extent"] == found.extent.as_json()
    assert told["resolution"] == pytest.approx(found.extent.width / 100)
