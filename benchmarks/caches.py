"""Large caches from a seed: tiles of random bytes behind a JPEG's first ones, no two alike.

The bytes are no pictures: nothing measured here decodes any. Sizes spread around the mean as those of real tiles do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.keys import TILES_PER_BUNDLE, BundleKey, TileKey, TileRange
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.stores.base import PackageItem
from tilepack.stores.targets import create_target, target_kind

LEVEL = 12
_HEAD = bytes.fromhex("ffd8ffe000104a464946")


def write_cache(target: Path, *, bundles: int, tiles: int = TILES_PER_BUNDLE, mean: int = 12_800, seed: int = 1) -> int:
    """Write a compact-v2 folder; one that is there already is left as it is.

    Args:
        target: Its path.
        bundles: Number of bundles.
        tiles: Tiles in each, the first ones row by row.
        mean: Mean bytes of a tile.
        seed: Of the random bytes.

    Returns:
        Number of tiles.
    """
    if not target.exists():
        scheme = arcgis_online_scheme()
        info = CacheInfo(
            name="benchmark",
            scheme=scheme,
            storage_format=StorageFormat.COMPACT_V2,
            tile_format=TileFormat.JPEG,
            quality=75,
            extent=scheme.range_extent(
                TileRange(level=LEVEL, row_start=0, row_stop=128, column_start=0, column_stop=128)
            ),
            min_level=LEVEL,
            max_level=LEVEL,
        )
        writer = create_target(target, target_kind(target), info, replace=False)
        for number in range(bundles):
            random = np.random.default_rng([seed, number])
            sizes = random.integers(mean // 2, mean * 3 // 2, tiles)
            bundle = BundleKey(LEVEL, 128 * (number // 32), 128 * (number % 32))
            writer.write_bundle(bundle, _tiles(bundle, sizes, random), int(sizes.sum()) + 4 * tiles)
        writer.commit(info, PackageItem(guid="", created=None, degrees=None, thumbnail=b""))
    return bundles * tiles


def _tiles(bundle: BundleKey, sizes: np.ndarray, random: np.random.Generator) -> Iterator[tuple[TileKey, bytes]]:
    for position, size in enumerate(sizes.tolist()):
        yield bundle.tile(position), _HEAD + random.bytes(size - len(_HEAD))
