"""Listing what a cache holds: bundles, or tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tilepack.keys import TileKey
from tilepack.selection import LevelSelection
from tilepack.stores.base import BundleSummary, TileReader


def list_bundles(reader: TileReader, levels: LevelSelection | None = None) -> Iterator[BundleSummary]:
    """Give the bundles that hold tiles, by level, row and column, each looked at as it comes.

    Args:
        reader: The cache.
        levels: Which levels; None for all.

    Raises:
        TilingSchemeError: A level that was named does not exist; said before any bundle comes.
        BundleError: A bundle is malformed.
    """
    chosen, _ = (levels or LevelSelection()).choose(reader.info.scheme, reader.levels())
    return _bundles_of(reader, chosen)


def _bundles_of(reader: TileReader, levels: Iterable[int]) -> Iterator[BundleSummary]:
    for level in levels:
        for bundle in reader.bundles(level):
            summary = reader.summary(bundle)
            if summary.tiles:
                yield summary


def list_tiles(reader: TileReader, levels: LevelSelection | None = None) -> Iterator[tuple[TileKey, int]]:
    """Give tiles with the bytes of their data, by level and bundle, in each by row and column.

    Args:
        reader: The cache.
        levels: Which levels; None for all.

    Raises:
        TilingSchemeError: A level that was named does not exist; said before any tile comes.
        BundleError: A bundle is malformed.
    """
    return _tiles_of(reader, list_bundles(reader, levels))


def _tiles_of(reader: TileReader, bundles: Iterable[BundleSummary]) -> Iterator[tuple[TileKey, int]]:
    for summary in bundles:
        sizes = reader.index(summary.bundle)
        for position in np.flatnonzero(sizes).tolist():
            yield summary.bundle.tile(position), int(sizes[position])
