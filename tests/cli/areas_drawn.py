"""Areas drawn over tiles of the caches that the commands are tried on, and what a tile that was cut to one shows."""

from __future__ import annotations

import io

import numpy as np
import pyogrio
import shapely
from PIL import Image

CORNER = 20037508.342787


def tile_box(level, row, column, grown=0.0):
    """Give a tile's rectangle in map units."""
    side = 2 * CORNER / 2**level
    west, north = column * side - CORNER, CORNER - row * side
    return shapely.box(west - grown, north - side - grown, west + side + grown, north + grown)


def half_of(tile):
    """Give the western half of a tile, map units."""
    west, south, east, north = tile_box(*tile).bounds
    return shapely.box(west, south, (west + east) / 2, north)


def wkt(shape):
    return f"SRID=3857;{shape.wkt}"


def dtype_of(values):
    return np.int32 if isinstance(values[0], int) else object


def write_layer(path, shapes, *, layer=None, crs="EPSG:3857", driver=None, **columns):
    """Write polygons with columns into a layer of a file, by pyogrio alone."""
    names, data = list(columns), [np.array(values, dtype=dtype_of(values)) for values in columns.values()]
    more = {"layer": layer} if layer else {}
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes)),
        data,
        names,
        geometry_type="Polygon",
        crs=crs,
        driver=driver,
        append=path.exists(),
        **more,
    )


def alpha(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))[..., 3]


def is_cut_to_the_west(data):
    mask = alpha(data) > 0
    return bool(mask[:, :128].all() and not mask[:, 128:].any())


WEST_TILE, EAST_TILE = (4, 5, 6), (4, 5, 7)
FINE = (9, 127, 200)
