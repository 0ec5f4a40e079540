"""What the laws of targets share: a source, and a folder for what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from caches import web_mercator, write_v2
from island_targets import TILES


@pytest.fixture
def source(tmp_path) -> Path:
    write_v2(tmp_path / "source/Island", web_mercator(), TILES)
    return tmp_path / "source/Island"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where targets go; nothing else is in it."""
    (tmp_path / "targets").mkdir()
    return tmp_path / "targets"
