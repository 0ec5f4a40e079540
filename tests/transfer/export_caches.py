"""Caches whose pixels are known before they are encoded, areas to cut them by, and what a cut must give.

Tiles are put together by hand and by Pillow, masks come from rasterio: nothing in here asks tilepack about pixels.
"""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import shapely
from affine import Affine
from caches import feet, look_at_tiles
from layouts import LAYOUTS
from PIL import Image
from rasterio.features import rasterize

import tilepack
from tilepack.keys import TileKey, TileRange
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference

WORLD = 20037508.342787
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
COLOUR_TYPES = [(kind, depth) for kind, depths in DEPTHS.items() for depth in depths]

Drawn = tuple[bytes, np.ndarray]
"""A tile's data, and its pixels: uint8 (height, width, 4)."""


# Schemes


def scheme_of(wkid: int, corner: tuple[float, float], resolution: float, tile: int = 64) -> TilingScheme:
    """Give six levels that halve."""
    lods = tuple(
        LevelOfDetail(level=level, resolution=resolution / 2**level, scale=5e8 / 2**level) for level in range(6)
    )
    return TilingScheme(
        origin_x=corner[0],
        origin_y=corner[1],
        tile_width=tile,
        tile_height=tile,
        levels=lods,
        spatial_reference=SpatialReference(wkid=wkid),
    )


def mercator() -> TilingScheme:
    """Give web mercator in tiles of 64 pixels."""
    return scheme_of(3857, (-WORLD, WORLD), 2 * WORLD / 64)


def degrees() -> TilingScheme:
    """Give WGS84 degrees in tiles of 64 pixels."""
    return scheme_of(4326, (-180, 90), 180 / 64)


SCHEMES: dict[str, tuple[Callable[[], TilingScheme], int, int, int]] = {
    "web mercator": (mercator, 5, 9, 13),
    "degrees": (degrees, 5, 9, 40),
    "national": (feet, 7, 126, 126),
}
"""With a level and the first row and column of a square of tiles on it; the national one spans four bundles."""


# Tiles


def png_of(
    numbers: np.ndarray, colour_type: int, depth: int, *, palette: bytes = b"", transparent: bytes | None = None
) -> bytes:
    """Put a PNG together by hand from numbers (height, width, channels)."""
    flat = numbers.reshape(len(numbers), -1)
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in flat]
    else:
        bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        rows = [np.packbits(row.reshape(-1)).tobytes() for row in bits]
    head = struct.pack(">IIBBBBB", numbers.shape[1], numbers.shape[0], depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"PLTE", palette), (b"tRNS", transparent or b"")]
    chunks += [(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
        if data or name == b"IEND"
    )


def coloured(colour_type: int, depth: int, keyed: bool = False) -> Callable[[TileKey, int, int], Drawn]:
    """Give a drawer of PNGs of one kind; keyed ones have a transparent colour, or a table of alphas."""

    def draw(tile: TileKey, width: int, height: int) -> Drawn:
        noise = np.random.default_rng([*tile, colour_type, depth])
        most = (1 << depth) - 1
        numbers = noise.integers(0, most + 1, (height, width, CHANNELS[colour_type]))
        numbers[:9, :9] = numbers[0, 0]  # so that a transparent colour has more pixels than one
        if colour_type == 3:
            palette = noise.integers(0, 256, (most + 1, 4)).astype(np.uint8)
            palette[:, 3] = np.where(np.arange(most + 1) % 3 == 1, 0, 255) if keyed else 255
            alphas = palette[:, 3].tobytes() if keyed else None
            data = png_of(numbers, 3, depth, palette=palette[:, :3].tobytes(), transparent=alphas)
            return data, palette[numbers[..., 0]]
        scaled = np.floor(numbers * 255 / most + 0.5).astype(np.uint8)
        pixels = np.full((height, width, 4), 255, np.uint8)
        pixels[..., :3] = scaled[..., :3] if colour_type in (2, 6) else scaled[..., :1]
        if colour_type in (4, 6):
            pixels[..., 3] = scaled[..., -1]
        transparent = None
        if keyed:
            pixels[(numbers == numbers[0, 0]).all(axis=-1), 3] = 0
            transparent = numbers[0, 0].astype(">u2").tobytes()
        return png_of(numbers, colour_type, depth, transparent=transparent), pixels

    return draw


def jpeg(tile: TileKey, width: int, height: int) -> Drawn:
    """Draw a JPEG; its pixels are what Pillow reads."""
    blocks = Image.frombytes("RGB", (5, 4), random.Random(str(tile)).randbytes(60))
    out = io.BytesIO()
    blocks.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=80, subsampling=tile.row % 3)
    return out.getvalue(), pixels_of(out.getvalue())


def mixed(tile: TileKey, width: int, height: int) -> Drawn:
    """Draw a JPEG or a PNG, by turns."""
    draw = (jpeg, coloured(6, 8), coloured(2, 8))[(tile.row + 2 * tile.column) % 3]
    return draw(tile, width, height)


def pixels_of(data: bytes) -> np.ndarray:
    """Decode by Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def drawn(
    scheme: TilingScheme,
    draw: Callable[[TileKey, int, int], Drawn],
    *,
    level: int = 5,
    row: int = 9,
    column: int = 13,
    side: int = 5,
) -> dict[TileKey, Drawn]:
    """Draw a square of tiles, in no particular order."""
    keys = [TileKey(level, row + down, column + right) for down in range(side) for right in range(side)]
    random.Random(side).shuffle(keys)
    return {key: draw(key, scheme.tile_width, scheme.tile_height) for key in keys}


def data_of(tiles: Mapping[TileKey, Drawn]) -> dict[TileKey, bytes]:
    """Leave the pixels out."""
    return {key: data for key, (data, _) in tiles.items()}


# Areas


def square(scheme: TilingScheme, level: int, row: int, column: int, side: int) -> tilepack.Extent:
    """Give the extent of a square of tiles."""
    return scheme.range_extent(
        TileRange(level=level, row_start=row, row_stop=row + side, column_start=column, column_stop=column + side)
    )


def ragged(box: tilepack.Extent, seed: int = 1, *, points: int = 17, reach: float = 0.6) -> shapely.Polygon:
    """Draw a star with a hole, a bit larger than a box in places; no vertex lies on a pixel's centre."""
    noise = np.random.default_rng(seed)
    angle = np.sort(noise.uniform(0, 2 * np.pi, points))
    radius = noise.uniform(0.35, reach, points)
    middle = np.array(((box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2))
    ring = middle + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None] * (box.width, box.height)
    hole = middle + (ring - middle) * noise.uniform(0.1, 0.2, (points, 1))
    return shapely.Polygon(ring).difference(shapely.Polygon(hole))


def halves(box: tilepack.Extent, seed: int = 1) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Part a box, grown a little, by a ragged line from top to bottom."""
    noise = np.random.default_rng(seed)
    west, east = box.xmin - box.width / 7, box.xmax + box.width / 7
    south, north = box.ymin - box.height / 7, box.ymax + box.height / 7
    line = [
        (box.xmin + box.width * x, north + (south - north) * y)
        for x, y in zip(noise.uniform(0.1, 0.9, 31), np.linspace(0, 1, 31), strict=True)
    ]
    return (
        shapely.Polygon([(west, north), *line, (west, south)]),
        shapely.Polygon([(east, north), *line, (east, south)]),
    )


def mask_of(scheme: TilingScheme, polygons: list[shapely.Geometry], tile: TileKey) -> np.ndarray:
    """Mask a tile by GDAL."""
    box = scheme.tile_extent(tile)
    resolution = scheme.level(tile.level).resolution
    transform = Affine(resolution, 0, box.xmin, 0, -resolution, box.ymax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio's own use of affine
        return rasterize(polygons, out_shape=(scheme.tile_height, scheme.tile_width), transform=transform).astype(bool)


# Exporting, and what must come of it


def export_to(layout: str, source: Path, folder: Path, **options: object) -> Path:
    """Export a cache into a layout, below a folder; give the target."""
    name, storage_format = LAYOUTS[layout]
    folder.mkdir(exist_ok=True)
    tilepack.export_cache(source, folder / name, storage_format=storage_format, **options)
    return folder / name


def wkt(polygon: shapely.Geometry, crs: object = 3857) -> tilepack.Area:
    """Give an area by every digit of its coordinates."""
    return tilepack.Area(source=shapely.to_wkt(polygon, rounding_precision=-1), crs=crs)


def assert_cut(
    before: Mapping[TileKey, Drawn], target: Path, mask: Callable[[TileKey], np.ndarray], *, kept: bool = False
) -> dict[str, int]:
    """Compare a target with its source under masks; give numbers of tiles that were whole, cut and gone."""
    after = look_at_tiles(target)
    found = {"whole": 0, "cut": 0, "gone": 0}
    assert set(after) <= set(before)
    for tile, (data, pixels) in before.items():
        inside = mask(tile)
        if inside.all():
            assert after[tile] == data, f"{tile}: not the bytes that it was"
            found["whole"] += 1
            continue
        visible = inside & (pixels[..., 3] > 0)
        if tile not in after:
            assert not visible.any(), f"{tile}: lost"
            found["gone"] += 1
            continue
        assert kept or visible.any(), f"{tile}: shows nothing"
        now = pixels_of(after[tile])
        np.testing.assert_array_equal(now[..., 3] > 0, visible, err_msg=str(tile))
        np.testing.assert_array_equal(now[visible], pixels[visible], err_msg=str(tile))
        found["cut"] += 1
    return found
