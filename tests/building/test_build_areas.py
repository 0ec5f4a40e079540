"""Areas, extents and tile formats: what is asked for of the rasters, and how it is stored."""

from __future__ import annotations

import numpy as np
import pytest
from seeded_rasters import as_pixels, exactly_halved, level_pixels, noise, on_the_grid, resolution, smooth, write_raster

import tilepack
from tilepack.pixels.codec import identify

COLUMN, ROW, LEVEL, SIDE = 40_000, 30_000, 9, 700
BOX = (COLUMN, ROW, COLUMN + SIDE, ROW + SIDE)
STAR = [(100, 90), (640, 200), (300, 330), (610, 650), (250, 420), (60, 610), (180, 300)]
"""Corners of an area, in pixels of the raster."""


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    return write_raster(
        tmp_path_factory.mktemp("raster") / "r.tif", noise(3, SIDE, SIDE), on_the_grid(COLUMN, ROW, LEVEL)
    )


def star(*, shift: float = 0.25) -> str:
    size = resolution(LEVEL)
    corners = [
        (-20037508.342787 + (COLUMN + x + shift) * size, 20037508.342787 - (ROW + y + shift) * size) for x, y in STAR
    ]
    return f"SRID=3857;POLYGON(({', '.join(f'{x!r} {y!r}' for x, y in [*corners, corners[0]])}))"


def test_area_cuts_as_an_export_of_the_whole_does(raster, tmp_path):
    options = {"tile_format": "PNG32", "resampling": "nearest", "levels": [LEVEL], "name": "same"}
    tilepack.build(raster, tmp_path / "cut.tpkx", area=star(), **options)
    tilepack.build(raster, tmp_path / "whole.tpkx", **options)
    tilepack.export_cache(tmp_path / "whole.tpkx", tmp_path / "export.tpkx", area=star())
    made = level_pixels(tmp_path / "cut.tpkx", LEVEL, BOX)
    assert np.array_equal(made, level_pixels(tmp_path / "export.tpkx", LEVEL, BOX))
    assert tilepack.diff(tmp_path / "cut.tpkx", tmp_path / "export.tpkx", pixels=True).has_same_tiles
    assert 0.2 < (made[..., 3] > 0).mean() < 0.8


def test_coarser_levels_average_what_is_inside_and_are_cut_themselves(raster, tmp_path):
    tilepack.build(raster, tmp_path / "t.tpkx", tile_format="PNG32", resampling="nearest", area=star())
    below = level_pixels(tmp_path / "t.tpkx", LEVEL, BOX)
    made = level_pixels(tmp_path / "t.tpkx", LEVEL - 1, tuple(side // 2 for side in BOX))
    averaged = exactly_halved(below)
    with tilepack.open(tmp_path / "t.tpkx") as cache:
        from tilepack.aoi import AreaOfInterest

        area = AreaOfInterest.read(star(), cache.info.scheme)
        tiles = area.tiles(LEVEL - 1)
        rows, columns = range(tiles.row_start, tiles.row_stop), range(tiles.column_start, tiles.column_stop)
        mask = np.block([[area.mask(tilepack.TileKey(LEVEL - 1, row, column)) for column in columns] for row in rows])
    top, left = ROW // 2 - tiles.row_start * 256, COLUMN // 2 - tiles.column_start * 256
    height, width = made.shape[:2]
    inside = np.zeros((height, width), np.bool_)
    part = mask[max(0, top) : top + height, max(0, left) : left + width]
    inside[max(0, -top) :, max(0, -left) :][: part.shape[0], : part.shape[1]] = part
    averaged[~inside] = 0
    assert np.array_equal(made, averaged)


def test_levels_with_areas_of_their_own_are_drawn_by_themselves(raster, tmp_path):
    small = star().replace("POLYGON", "POLYGON")
    box = (COLUMN // 256 * 256 + 256, ROW // 256 * 256 + 256)
    size = resolution(LEVEL)
    corners = [
        (-20037508.342787 + (box[0] + x) * size, 20037508.342787 - (box[1] + y) * size)
        for x, y in ((0, 0), (256, 0), (256, 256), (0, 256), (0, 0))
    ]
    tile = f"SRID=3857;POLYGON(({', '.join(f'{x!r} {y!r}' for x, y in corners)}))"
    options = {"tile_format": "PNG32", "resampling": "nearest", "levels": "7-9"}
    result = tilepack.build(raster, tmp_path / "t.tpkx", area=[f"9={tile}", tilepack.Area(source=small)], **options)
    assert [level.is_drawn for level in result.plan.levels] == [False, True, True]
    assert {level.level: level.tiles for level in result.levels}[9] == 1
    cut = level_pixels(tmp_path / "t.tpkx", 8, tuple(side // 2 for side in BOX))
    assert (cut[..., 3] > 0).mean() > 0.2  # the larger area, though level 9 has one tile


def test_extent_chooses_tiles_and_cuts_nothing(raster, tmp_path):
    size = resolution(LEVEL)
    x, y = -20037508.342787 + (COLUMN + 300) * size, 20037508.342787 - (ROW + 300) * size
    extent = (x, y - size, x + size, y)
    result = tilepack.build(raster, tmp_path / "t.tpkx", extent=extent, levels=[LEVEL], tile_format="PNG32")
    assert result.tiles == 1
    with tilepack.open(tmp_path / "t.tpkx") as cache:
        (tile,) = [tile for bundle in cache.bundles(LEVEL) for tile, _ in cache.tiles(bundle)]
    made = level_pixels(
        tmp_path / "t.tpkx", LEVEL, (tile.column * 256, tile.row * 256, tile.column * 256 + 256, tile.row * 256 + 256)
    )
    assert (made[..., 3] == 255).all()


def test_area_beside_the_raster_is_refused(raster, tmp_path):
    with pytest.raises(tilepack.AreaOfInterestError, match="area of interest"):
        tilepack.build(raster, tmp_path / "t.tpkx", area="SRID=4326;POLYGON((100 0, 101 0, 101 1, 100 0))")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("tile_format", "opaque", "edge"),
    [
        (None, "JPEG", "PNG32"),
        ("JPEG", "JPEG", "JPEG"),
        ("PNG32", "PNG32", "PNG32"),
        ("PNG24", "PNG24", "PNG24"),
        ("PNG8", "PNG8", "PNG8"),
        ("PNG", "PNG24", "PNG32"),
    ],
)
def test_tile_format_decides_tile_by_tile(tmp_path, tile_format, opaque, edge):
    raster = write_raster(tmp_path / "r.tif", smooth(3, 500, 500), on_the_grid(COLUMN, ROW, LEVEL))
    result = tilepack.build(
        raster, tmp_path / "t.tpkx", tile_format=tile_format, levels=[LEVEL], background=(255, 0, 0)
    )
    first = (ROW // 256, COLUMN // 256)
    with tilepack.open(tmp_path / "t.tpkx") as cache:
        assert cache.info.tile_format == (tile_format or "MIXED")
        assert identify(cache.read(tilepack.TileKey(LEVEL, first[0] + 1, first[1] + 1))).name == opaque
        assert identify(cache.read(tilepack.TileKey(LEVEL, *first))).name == edge
    corner = level_pixels(tmp_path / "t.tpkx", LEVEL, (first[1] * 256, first[0] * 256, first[1] * 256 + 9, ROW))
    assert (corner[:9] == ((254, 0, 0, 255) if tile_format == "JPEG" else (0, 0, 0, 0))).all() or tile_format == "PNG24"
    assert not tilepack.verify(tmp_path / "t.tpkx", deep=True).errors
    assert result.info.quality == (75 if tile_format in (None, "JPEG") else 0)


def test_quality_is_heeded(tmp_path):
    values = smooth(3, SIDE, SIDE) + noise(3, SIDE, SIDE) // 16
    raster = write_raster(tmp_path / "r.tif", values, on_the_grid(COLUMN, ROW, LEVEL))
    sizes = []
    for quality in (30, 90):
        target = tmp_path / f"{quality}.tpkx"
        sizes.append(tilepack.build(raster, target, tile_format="JPEG", quality=quality, levels=[LEVEL]).tile_bytes)
    assert sizes[0] < 0.7 * sizes[1]
    made = level_pixels(tmp_path / "90.tpkx", LEVEL, BOX)[256:512, 256:512, :3].astype(int)
    assert np.abs(made - as_pixels(values)[256:512, 256:512, :3]).mean() < 8


@pytest.mark.parametrize(
    ("name", "storage_format"), [("t.tpk", None), ("t", "COMPACT"), ("t", "COMPACT_V2"), ("t", "EXPLODED")]
)
def test_every_kind_of_target_holds_the_same_tiles(raster, tmp_path, name, storage_format):
    options = {"levels": "6-9", "resampling": "nearest"}
    tilepack.build(raster, tmp_path / "first.tpkx", **options)
    tilepack.build(raster, tmp_path / name, storage_format=storage_format, **options)
    assert tilepack.diff(tmp_path / "first.tpkx", tmp_path / name).has_same_tiles
    assert not tilepack.verify(tmp_path / name, deep=True).errors


def test_existing_target_is_refused_or_replaced(raster, tmp_path):
    target = tmp_path / "t.tpkx"
    tilepack.build(raster, target, levels=[5])
    with pytest.raises(tilepack.CacheExistsError):
        tilepack.build(raster, target, levels=[6])
    tilepack.build(raster, target, levels=[6], replace=True)
    with tilepack.open(target) as cache:
        assert [level for level in cache.levels() if cache.bundles(level)] == [6]


def test_blank_raster_leaves_nothing(tmp_path):
    raster = write_raster(
        tmp_path / "r.tif", np.zeros((3, 90, 90), np.uint8), on_the_grid(COLUMN, ROW, LEVEL), nodata=0
    )
    with pytest.raises(tilepack.AreaOfInterestError, match="no visible pixel"):
        tilepack.build(raster, tmp_path / "t.tpkx")
    assert [path.name for path in tmp_path.iterdir()] == ["r.tif"]


def test_what_ends_the_work_leaves_nothing(raster, tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.build(raster, tmp_path / "t.tpkx", progress=stop)
    assert list(tmp_path.iterdir()) == []
