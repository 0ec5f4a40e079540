"""Reading in every way while somebody writes: no bundle is of two imports, and no tile of neither."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from killing import photo, square

import tilepack
from tilepack.keys import TileKey

TILES = [*square(0, 10, 10), *square(0, 10, 200), *square(1, 3, 3)]
NAMES = {photo(tile, name): name for tile in TILES for name in "ab"}
"""Which import each tile's data is of."""


def tiles_of(name: str) -> dict[TileKey, bytes]:
    return {tile: photo(tile, name) for tile in TILES}


def look(cache: tilepack.TileReader, noise: random.Random, *, whole: bool) -> int:
    """Read in every way, and see that no bundle is of two imports.

    Args:
        cache: What is read.
        noise: Chooses.
        whole: Whether a bundle is replaced in one step; single files are not.

    Returns:
        How many tiles were read.
    """
    count = 0
    for level in (0, 1):
        for bundle in cache.bundles(level):
            found = dict(cache.tiles(bundle))
            assert found.keys() == {tile for tile in TILES if tile.bundle == bundle}
            assert all(NAMES[data] for data in found.values())
            assert not whole or len({NAMES[data] for data in found.values()}) == 1, f"{bundle} is of two imports"
            assert (cache.index(bundle) > 0).sum() == cache.present(bundle).sum() == len(found)
            assert cache.summary(bundle).tiles == len(found)
            count += len(found)
    tile = noise.choice(TILES)
    assert NAMES[cache.read(tile)]
    return count + 1


def read_on(
    target: Path, is_enough: Callable[[], bool], *, keep_open: bool, whole: bool = True, rest: float = 0.002
) -> tuple[int, int]:
    """Read until it is enough.

    Returns:
        How often it was opened, and how many tiles were read.
    """
    noise = random.Random(keep_open)
    opened = count = 0
    while not is_enough():
        with tilepack.open(target) as cache:
            opened += 1
            for _ in range(10 if keep_open else 1):
                count += look(cache, noise, whole=whole)
                time.sleep(rest)  # the writer wants to get on, too
    return opened, count
