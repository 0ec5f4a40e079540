"""A small cache in three layouts, under a name with blanks, an umlaut and brackets."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import TILES, draw_tile, write_exploded

import tilepack


@pytest.fixture(scope="session")
def exploded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("Straßen und [Wege]") / "Städte [1] :smile:"
    return write_exploded(folder, {tile: draw_tile(*tile) for tile in TILES})


@pytest.fixture(scope="session")
def tpkx(exploded: Path) -> Path:
    target = exploded.with_name("Städte [1].tpkx")
    tilepack.convert(exploded, target)
    return target


@pytest.fixture(scope="session")
def tpk(exploded: Path) -> Path:
    target = exploded.with_name("Städte [1].tpk")
    tilepack.convert(exploded, target)
    return target
