"""The store under test, made once for each class of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tilepack
from tilepack.stores.base import TileReader


@pytest.fixture
def tiles(island_tiles):
    """What the store holds."""
    return island_tiles


@pytest.fixture(scope="class")
def place(request, island_tiles, tmp_path_factory) -> Path:
    """Where the store is."""
    return request.cls().make(tmp_path_factory.mktemp("store"), island_tiles)


@pytest.fixture
def store(place) -> Iterator[TileReader]:
    """The open store."""
    with tilepack.open(place) as reader:
        yield reader
