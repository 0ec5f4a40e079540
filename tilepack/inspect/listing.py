"""Listing what a cache holds: bundles, or tiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tilepack.keys import TileKey
from tilepack.selection import LevelSelection
from tilepack.stores.base import BundleSummary, TileReader


def list_bundles(reader: TileReader, levels: LevelSelection | None = None) -> Iterator[BundleSummary]:
    """Yield the bundles that hold tiles, by level, row and column.

    Args:
        reader: The cache.
        levels: Which levels; None for all.

    Raises:
        TilingSchemeError: A level that was named does not exist.
        BundleError: A bundle is malformed.
    """
    chosen, _ = (levels or LevelSelection()).choose(reader.info.scheme, reader.levels())
    for level in chosen:
        for bundle in reader.bundles(level):
            summary = reader.summary(bundle)
            if summary.tiles:
                yield summary


def list_tiles(reader: TileReader, levels: LevelSelection | None = None) -> Iterator[tuple[TileKey, int]]:
    """Yield tiles with the bytes of their data, by level and bundle, in each by row and column.

    Args:
        reader: The cache.
        levels: Which levels; None for all.

    Raises:
        TilingSchemeError: A level that was named does not exist.
        BundleError: A bundle is malformed.
    """
    for summary in list_bundles(reader, levels):
        sizes = reader.index(summary.bundle)
        for position in np.flatnonzero(sizes).tolist():
            yield summary.bundle.tile(position), int(sizes[position])
