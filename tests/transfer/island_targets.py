"""A small island, every layout it may be given, and a damage that is found only as a tile is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from caches import payload
from layouts import LAYOUTS

from tilepack.keys import TileKey

TILES = {TileKey(level, 10, 6): payload(TileKey(level, 10, 6)) for level in (5, 6, 7)}
OTHER = {TileKey(5, 10, 7): b"\x89PNG another"}

EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def damage(cache: Path) -> None:
    """Let the length in front of a tile contradict the index, which is found only as the tile is read."""
    with (cache / "_alllayers/L07/R0000C0000.bundle").open("r+b") as bundle:
        bundle.seek(131136)
        bundle.write(b"\xff\xff")
