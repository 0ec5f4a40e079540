"""Caches over several bundles, half built, and what is built of them counted tile by tile."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import shapely
from affine import Affine
from caches import conf_files, describe, exploded_files, payload, v1_files, v2_files, write_files
from rasterio.features import rasterize

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import BundleKey, TileKey
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference

WORLD = 20037508.342787

Window = tuple[int, int, int, int]
"""First row, row behind the last, first column, column behind the last."""

Counts = dict[BundleKey, tuple[int, int, int]]
"""Expected, built and outside tiles by bundle."""


def scheme_of(
    wkid: int, corner: tuple[float, float], resolution: float, *, tile: tuple[int, int] = (16, 16)
) -> TilingScheme:
    """Give ten levels that halve."""
    return TilingScheme(
        origin_x=corner[0],
        origin_y=corner[1],
        tile_width=tile[0],
        tile_height=tile[1],
        levels=tuple(
            LevelOfDetail(level=level, resolution=resolution / 2**level, scale=5e8 / 2**level) for level in range(10)
        ),
        spatial_reference=SpatialReference(wkid=wkid),
    )


SCHEMES = {
    "web mercator": scheme_of(3857, (-WORLD, WORLD), 2 * WORLD / 16),
    "degrees": scheme_of(4326, (-180.0, 90.0), 180 / 16),
    "national": scheme_of(2193, (-4020900.0, 19998100.0), 100_000.0, tile=(20, 12)),
}
"""The national one has tiles that are no squares."""

LEVEL = 8
"""On which the schemes have more than one bundle each way."""


def write_cache(
    folder: Path,
    scheme: TilingScheme,
    tiles: Iterable[TileKey],
    *,
    storage: StorageFormat = StorageFormat.COMPACT_V2,
    extent: tilepack.Extent | None = None,
    kind: str = "png",
    **style: object,
) -> Path:
    """Write a cache of random tiles; it declares the extent, or the box of its finest level's tiles."""
    held = {key: payload(key, kind, size=20 + key.row % 7) for key in tiles}
    info = describe(scheme, storage, extent=extent)
    makers = {
        StorageFormat.COMPACT: v1_files,
        StorageFormat.COMPACT_V2: v2_files,
        StorageFormat.EXPLODED: exploded_files,
    }
    write_files(folder, conf_files(info, held))
    (folder / "_alllayers").mkdir(exist_ok=True)
    write_files(folder / "_alllayers", makers[storage](held, **style))
    return folder


def inside_extent(
    scheme: TilingScheme, extent: tilepack.Extent, level: int, window: Window
) -> Callable[[TileKey], bool]:
    """Look at every pixel centre of a window; give a function that tells whether a tile has one inside."""
    resolution = scheme.level(level).resolution
    rows = {
        row // scheme.tile_height
        for row in range(window[0] * scheme.tile_height, window[1] * scheme.tile_height)
        if extent.ymin < scheme.origin_y - (row + 0.5) * resolution <= extent.ymax
    }
    columns = {
        column // scheme.tile_width
        for column in range(window[2] * scheme.tile_width, window[3] * scheme.tile_width)
        if extent.xmin <= scheme.origin_x + (column + 0.5) * resolution < extent.xmax
    }
    return lambda tile: tile.row in rows and tile.column in columns


def inside_area(
    scheme: TilingScheme, polygons: list[shapely.Geometry], level: int, window: Window
) -> Callable[[TileKey], bool]:
    """Mask a window of tiles by GDAL; give a function that tells whether a tile has a pixel inside."""
    top, bottom, left, right = window
    box = scheme.range_extent(
        tilepack.TileRange(level=level, row_start=top, row_stop=bottom, column_start=left, column_stop=right)
    )
    resolution = scheme.level(level).resolution
    shape = (bottom - top) * scheme.tile_height, (right - left) * scheme.tile_width
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio's own use of affine
        mask = rasterize(polygons, out_shape=shape, transform=Affine(resolution, 0, box.xmin, 0, -resolution, box.ymax))
    blocks = mask.reshape(bottom - top, scheme.tile_height, right - left, scheme.tile_width).any(axis=(1, 3))

    def inside(tile: TileKey) -> bool:
        return bool(blocks[tile.row - top, tile.column - left])

    return inside


def count_tiles(held: set[TileKey], inside: Callable[[TileKey], bool], level: int, window: Window) -> Counts:
    """Count a level tile by tile, all that are expected or there lying in the window."""
    counts: dict[BundleKey, list[int]] = {}
    for row in range(window[0], window[1]):
        for column in range(window[2], window[3]):
            tile = TileKey(level, row, column)
            expected, there = inside(tile), tile in held
            if expected or there:
                count = counts.setdefault(BundleKey(level, row // 128 * 128, column // 128 * 128), [0, 0, 0])
                count[0] += expected
                count[1] += expected and there
                count[2] += there and not expected
    return {bundle: (count[0], count[1], count[2]) for bundle, count in counts.items()}


def rows_of(report: tilepack.StatusReport) -> Counts:
    """Give a report's counts."""
    rows = report.bundles
    assert rows is not None
    return {
        rows.bundle(number): (int(rows.expected[number]), int(rows.built[number]), int(rows.outside[number]))
        for number in range(len(rows))
    }
