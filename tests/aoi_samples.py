"""Grids to ask areas of interest on, and an oracle: every pixel centre taken back to where the area was drawn."""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import CRS, Transformer

from tilepack.keys import TileKey, TileRange
from tilepack.pixels.coverage import Coverage
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference, to_crs

WORLD = 20037508.342787


def scheme_of(wkid, origin, resolution, *, levels=2, tile=64, left=None):
    """Levels that halve from a resolution on."""
    lods = tuple(
        LevelOfDetail(level=level, resolution=resolution / 2**level, scale=1e6 / 2**level) for level in range(levels)
    )
    return TilingScheme(
        origin_x=origin[0],
        origin_y=origin[1],
        tile_width=tile,
        tile_height=tile,
        levels=lods,
        spatial_reference=SpatialReference(wkid=wkid, left_longitude=left),
    )


def web_mercator(levels=6, tile=64):
    """The whole world in one tile at level 0."""
    return scheme_of(3857, (-WORLD, WORLD), 2 * WORLD / tile, levels=levels, tile=tile)


def degrees(levels=6, tile=64, left=None):
    """The whole world in two tiles at level 0."""
    return scheme_of(4326, (-180, 90), 180 / tile, levels=levels, tile=tile, left=left)


def everything(area, tiles):
    """The mask of a rectangle of tiles; checks the coverage on the way."""
    coverage = area.coverage(tiles)
    rows = []
    for row in range(tiles.row_start, tiles.row_stop):
        masks = [
            area.mask(TileKey(tiles.level, row, column)) for column in range(tiles.column_start, tiles.column_stop)
        ]
        for mask, kind in zip(masks, coverage[row - tiles.row_start], strict=True):
            assert kind == Coverage.CROSSING or mask.all() == mask.any() == (kind == Coverage.INSIDE)
        rows.append(np.concatenate(masks, axis=1))
    return np.concatenate(rows)


def tile_range(level, rows, columns):
    return TileRange(level=level, row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])


def centres(scheme, tiles):
    """X and y of all pixel centres of a rectangle of tiles."""
    resolution = scheme.level(tiles.level).resolution
    columns = np.arange(tiles.column_start * scheme.tile_width, tiles.column_stop * scheme.tile_width)
    rows = np.arange(tiles.row_start * scheme.tile_height, tiles.row_stop * scheme.tile_height)
    return np.meshgrid(scheme.origin_x + (columns + 0.5) * resolution, scheme.origin_y - (rows + 0.5) * resolution)


def assert_mask_is_right(area, polygon, crs, tiles, turns=(0,)):
    """Compare with pixel centres taken to the polygon's own coordinates.

    Those within a quarter pixel of its border may go either way. Turns are what x may be off by, around the world.
    """
    scheme = area.scheme
    mask = everything(area, tiles)
    x, y = centres(scheme, tiles)
    here = to_crs(scheme.spatial_reference)
    back = Transformer.from_crs(here, CRS.from_user_input(crs), always_xy=True)
    shapely.prepare(polygon)
    quarter = 0.25 * scheme.level(tiles.level).resolution
    answers = []
    for dx, dy in ((0, 0), (quarter, 0), (-quarter, 0), (0, quarter), (0, -quarter)):
        px, py = back.transform(x + dx, y + dy)
        px, py = (np.where(np.isfinite(value), value, 1e15) for value in (px, py))
        answers.append(np.any([shapely.contains_xy(polygon, px + turn, py) for turn in turns], axis=0))
    settled = np.all(answers, axis=0) | ~np.any(answers, axis=0)
    assert settled.mean() > 0.5
    assert not (mask != answers[0])[settled].any(), f"{(mask != answers[0])[settled].sum()} pixels differ"
    return mask
