"""Large caches of tiles that decode, from a seed: maps, shaded hills and grain, no two tiles with the same bytes.

A few hundred pictures are drawn and encoded by Pillow at its default settings; each tile is one of them, with a remark
of its own put between its head and its pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.keys import BundleKey, TileKey, TileRange
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.stores.base import PackageItem
from tilepack.stores.targets import create_target, target_kind

LEVEL = 14
SIDE = 317
"""Tiles a side: 100,489 of them, in nine bundles."""
CORNER = 5056
"""First row and column; 5056 + 317 spans three bundles."""
_BASES = 400
_HEAD_OF_PNG = 33
_HEAD_OF_JPEG = 2


def tiles_of(side: int = SIDE) -> TileRange:
    """Give the square of tiles that a cache holds."""
    return TileRange(
        level=LEVEL, row_start=CORNER, row_stop=CORNER + side, column_start=CORNER, column_stop=CORNER + side
    )


def write_pictures(
    target: Path, tile_format: TileFormat, *, side: int = SIDE, corner: int = CORNER, pad: int = 0
) -> None:
    """Write a compact-v2 folder of PNG32 or JPEG tiles; one that is there already is left as it is.

    Args:
        target: Its path.
        tile_format: PNG32 or JPEG.
        side: Tiles a side.
        corner: First row and column.
        pad: Bytes of rubbish in each tile's remark.
    """
    if target.exists():
        return
    scheme = arcgis_online_scheme()
    square = TileRange(
        level=LEVEL, row_start=corner, row_stop=corner + side, column_start=corner, column_stop=corner + side
    )
    info = CacheInfo(
        name="benchmark",
        scheme=scheme,
        storage_format=StorageFormat.COMPACT_V2,
        tile_format=tile_format,
        quality=75 if tile_format is TileFormat.JPEG else 0,
        extent=scheme.range_extent(square),
        min_level=LEVEL,
        max_level=LEVEL,
    )
    bases = [_encoded(_draw(seed), tile_format) for seed in range(_BASES)]
    writer = create_target(target, target_kind(target), info, replace=False)
    for row in range(corner & -128, corner + side, 128):
        for column in range(corner & -128, corner + side, 128):
            bundle = BundleKey(LEVEL, row, column)
            writer.write_bundle(bundle, _tiles(bundle, square, bases, tile_format, pad), None)
    writer.commit(info, PackageItem(guid="", created=None, degrees=None, thumbnail=b""))


def _tiles(
    bundle: BundleKey, square: TileRange, bases: list[bytes], tile_format: TileFormat, pad: int
) -> Iterator[tuple[TileKey, bytes]]:
    rows = range(max(bundle.row, square.row_start), min(bundle.row + 128, square.row_stop))
    columns = range(max(bundle.column, square.column_start), min(bundle.column + 128, square.column_stop))
    for row in rows:
        for column in columns:
            random = np.random.default_rng([row, column])
            base = bases[int(random.integers(len(bases)))]
            remark = random.bytes(16 + pad)
            if tile_format is TileFormat.JPEG:
                at = _HEAD_OF_JPEG
                extra = b"".join(
                    b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part
                    for part in (remark[start : start + 60_000] for start in range(0, len(remark), 60_000))
                )
            else:
                at = _HEAD_OF_PNG
                named = b"reMk" + remark
                extra = len(remark).to_bytes(4, "big") + named + zlib.crc32(named).to_bytes(4, "big")
            yield TileKey(bundle.level, row, column), base[:at] + extra + base[at:]


def _draw(seed: int) -> np.ndarray:
    """Draw a picture: one in three a map with lines, one shaded hills, one hills with some grain."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:256, 0:256] / 256
    hills = sum(
        np.sin(2 * np.pi * (fx * x + fy * y) + phase) / (1 + abs(fx) + abs(fy))
        for fx, fy, phase in random.uniform((-6, -6, 0), (6, 6, 7), (12, 3))
    )
    hills = (hills - hills.min()) / np.ptp(hills)
    pixels = np.full((256, 256, 4), 255, np.uint8)
    if seed % 3 == 0:
        colours = random.integers(120, 256, (14, 3))
        classes = (hills * 13.99).astype(int)
        pixels[..., :3] = colours[classes]
        edges = (np.diff(classes, axis=0, append=classes[-1:]) != 0) | (
            np.diff(classes, axis=1, append=classes[:, -1:]) != 0
        )
        pixels[edges, :3] = 60
        pixels[classes == classes[0, 0], 3] = 0 if seed % 2 else 255
    else:
        grain = random.normal(0, 3 if seed % 3 == 2 else 0.4, (256, 256))
        shade = np.gradient(hills, axis=0) * 2500 + grain
        pixels[..., :3] = np.clip(
            np.stack((150 + 60 * hills, 170 + 20 * hills, 120 + 40 * hills), -1) + shade[..., None], 0, 255
        )
    return pixels


def _encoded(pixels: np.ndarray, tile_format: TileFormat) -> bytes:
    out = BytesIO()
    image = Image.fromarray(pixels)
    if tile_format is TileFormat.JPEG:
        image.convert("RGB").save(out, "JPEG")
    else:
        image.save(out, "PNG")
    return out.getvalue()
