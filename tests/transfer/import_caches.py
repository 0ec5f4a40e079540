"""What an import must give, pixel by pixel, worked out in whole numbers; and caches to try it on.

Tiles are decoded by Pillow, masks come from GDAL: nothing in here asks tilepack about pixels.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from caches import look_at_tiles, write_v2
from export_caches import Drawn, coloured, jpeg, mercator, pixels_of
from layouts import LAYOUTS, convert_to
from PIL import Image

from tilepack.cache import TileFormat
from tilepack.keys import TileKey
from tilepack.scheme import TilingScheme

Draw = Callable[[TileKey, int, int], Drawn]
Pixels = Mapping[TileKey, np.ndarray]

SCHEME = mercator()


# Tiles


def aside(draw: Draw) -> Draw:
    """Draw other tiles of the same kind."""
    return lambda tile, width, height: draw(tile._replace(level=tile.level + 10), width, height)


def overlay(tile: TileKey, width: int, height: int) -> Drawn:
    """Draw an RGBA tile: by turns soft, hard, opaque, invisible, and invisible but for a corner."""
    noise = np.random.default_rng([*tile, 77])
    pixels = noise.integers(0, 256, (height, width, 4)).astype(np.uint8)
    kind = (tile.row + 3 * tile.column) % 5
    if kind:
        pixels[..., 3] = (noise.choice((0, 255), (height, width)), 255, 0, 0)[kind - 1]
    if kind == 4:
        pixels[:9, :9, 3] = 200
    return encoded(pixels), pixels


def stamp(tile: TileKey, width: int, height: int) -> Drawn:
    """Draw an RGBA tile of flat colours, hard-edged, part of it invisible: 16 colours at most."""
    noise = np.random.default_rng([*tile, 5])
    pixels = noise.integers(0, 256, (4, 4, 4)).astype(np.uint8)
    pixels[..., 3] = noise.choice((0, 255, 255), (4, 4))
    pixels = np.ascontiguousarray(pixels.repeat(height // 4, axis=0).repeat(width // 4, axis=1))
    return encoded(pixels), pixels


def encoded(pixels: np.ndarray, **options: object) -> bytes:
    """Encode by Pillow."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


def both(tile: TileKey, width: int, height: int) -> Drawn:
    """Draw what a MIXED cache holds: JPEG where all is opaque, else RGBA."""
    return (jpeg if (tile.row + tile.column) % 2 else overlay)(tile, width, height)


SOURCES: dict[str, tuple[TileFormat, Draw]] = {
    "JPEG": (TileFormat.JPEG, jpeg),
    "MIXED": (TileFormat.MIXED, both),
    "RGBA": (TileFormat.PNG32, overlay),
    "RGB": (TileFormat.PNG24, coloured(2, 8)),
    "RGB with a key": (TileFormat.PNG24, coloured(2, 8, keyed=True)),
    "palette": (TileFormat.PNG8, coloured(3, 4, keyed=True)),
    "full palette": (TileFormat.PNG8, coloured(3, 8, keyed=True)),
    "grey": (TileFormat.PNG, coloured(0, 8)),
    "grey with alpha": (TileFormat.PNG, coloured(4, 8)),
    "16 bit": (TileFormat.PNG, coloured(6, 16)),
    "stamps": (TileFormat.PNG, stamp),
}
"""What tiles of a source may be, and the tile format that its conf.xml names."""

TARGETS: dict[TileFormat, Draw] = {
    TileFormat.PNG: aside(overlay),
    TileFormat.PNG32: aside(overlay),
    TileFormat.MIXED: aside(both),
    TileFormat.PNG24: aside(coloured(2, 8, keyed=True)),
    TileFormat.PNG8: aside(coloured(3, 4, keyed=True)),
    TileFormat.JPEG: aside(jpeg),
}
"""What the tiles of a target are drawn as."""


def block(draw: Draw, level: int, rows: range, columns: range, scheme: TilingScheme = SCHEME) -> dict[TileKey, Drawn]:
    """Draw a rectangle of tiles."""
    keys = [TileKey(level, row, column) for row in rows for column in columns]
    return {key: draw(key, scheme.tile_width, scheme.tile_height) for key in keys}


def write_cache(
    layout: str,
    folder: Path,
    tiles: Mapping[TileKey, Drawn],
    tile_format: TileFormat = TileFormat.PNG32,
    scheme: TilingScheme = SCHEME,
) -> Path:
    """Write a cache in a layout, below a folder; give its path."""
    plain = folder / f"{layout}-drawn"
    write_v2(plain, scheme, {tile: data for tile, (data, _) in tiles.items()}, tile_format=tile_format)
    return plain.rename(folder / LAYOUTS[layout][0]) if layout == "v2" else convert_to(layout, plain, folder)


def emptied(source: Path, layout: str, folder: Path) -> Path:
    """Copy a cache into a layout, below a folder, without a single tile; give its path."""
    folder.mkdir()
    plain = convert_to("exploded", source, folder)
    for level in (plain / "_alllayers").iterdir():
        shutil.rmtree(level)
    return plain if layout == "exploded" else convert_to(layout, plain, folder)


# Pixels


def laid(over: np.ndarray, under: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Merge: the source laid over the target inside a mask, in whole numbers, rounded half up."""
    cs, cd = over[..., :3].astype(np.int64), under[..., :3].astype(np.int64)
    a_s, a_d = over[..., 3:].astype(np.int64), under[..., 3:].astype(np.int64)
    parts = 255 * a_s + a_d * (255 - a_s)
    whole = np.maximum(parts, 1)
    colour = (2 * (255 * cs * a_s + cd * a_d * (255 - a_s)) + whole) // (2 * whole)
    alpha = (2 * parts + 255) // 510
    result = np.concatenate((colour, alpha), axis=-1).astype(np.uint8)
    result = np.where(a_s == 255, over, result)
    return np.where(mask[..., None] & (a_s > 0), result, under)


def put(over: np.ndarray, under: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Overwrite: the source's pixels inside a mask, the target's outside."""
    return np.where(mask[..., None], over, under)


def joined(
    source: Pixels,
    target: Pixels,
    mask: Callable[[TileKey], np.ndarray],
    mode: str = "MERGE",
    *,
    delete_missing: bool = False,
) -> dict[TileKey, np.ndarray]:
    """Give the pixels of every tile that there is after an import, blank ones included."""
    found = {}
    for tile in {*source, *target}:
        inside, here, there = mask(tile), source.get(tile), target.get(tile)
        clear = np.zeros((*inside.shape, 4), np.uint8)
        if here is None:
            shows = delete_missing and there[inside, 3].any()  # a tile that shows nothing there stays as it is
            found[tile] = put(clear, there, inside) if shows else there
        elif there is None:
            found[tile] = put(here, clear, inside)
        else:
            found[tile] = (laid if mode == "MERGE" else put)(here, there, inside)
    return found


def decoded(tiles: Mapping[TileKey, bytes]) -> dict[TileKey, np.ndarray]:
    """Decode every tile by Pillow."""
    return {tile: pixels_of(data) for tile, data in tiles.items()}


def known(*caches: Mapping[TileKey, Drawn]) -> dict[bytes, np.ndarray]:
    """Give the pixels of tiles by their data: Pillow cuts off 16 bits where it should round them."""
    return {data: pixels for tiles in caches for data, pixels in tiles.values()}


def pixels_in(path: Path) -> dict[TileKey, np.ndarray]:
    """Decode every tile of a cache by Pillow."""
    return decoded(look_at_tiles(path))


def assert_same_pixels(after: Pixels, wanted: Pixels, *, hidden: bool = True) -> None:
    """Compare tiles; one that there is not is transparent.

    Args:
        after: What is.
        wanted: What must be.
        hidden: Whether the colours under alpha 0 count.
    """
    for tile in sorted({*after, *wanted}):
        blank = np.zeros_like(after.get(tile, wanted.get(tile)))
        now, then = after.get(tile, blank), wanted.get(tile, blank)
        np.testing.assert_array_equal(now[..., 3], then[..., 3], err_msg=str(tile))
        counts = np.full(now.shape[:2], hidden and tile in after) | (then[..., 3] > 0)
        np.testing.assert_array_equal(now[counts], then[counts], err_msg=str(tile))
