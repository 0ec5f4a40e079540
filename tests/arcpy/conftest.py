"""What tests of the ArcGIS tools share: a world with one service, and an environment that nobody else has set."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import arcpy_world
import pytest

from tilepack import arcpy


@dataclass(frozen=True)
class World:
    """A cache directory with a service, and a folder for targets."""

    root: Path
    cache: Path
    """The service's cache: <directory>/Rainfall/Layers."""
    service: str = arcpy_world.CONNECTION + "Rainfall.MapServer"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def directory(self) -> Path:
        return self.root / "arcgiscache"


@pytest.fixture(autouse=True)
def fresh_environment(monkeypatch):
    """Let no settings, variables or modules outlive a test."""
    for name in ("TILEPACK_CACHE_DIR", "TILEPACK_SERVICES"):
        monkeypatch.delenv(name, raising=False)
    arcpy.env.__dict__.clear()
    modules, arguments, path, finders = dict(sys.modules), sys.argv, list(sys.path), list(sys.meta_path)
    yield
    arcpy.env.__dict__.clear()
    for name in ("arcpy", "arcpy.server", "arcpy.management", "__main__"):
        sys.modules.pop(name, None)
        if name in modules:
            sys.modules[name] = modules[name]
    sys.argv, sys.path[:], sys.meta_path[:] = arguments, path, finders


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    cache = arcpy_world.rainfall(tmp_path / "arcgiscache" / "Rainfall")
    monkeypatch.setenv("TILEPACK_CACHE_DIR", str(tmp_path / "arcgiscache"))
    (tmp_path / "out").mkdir()
    return World(root=tmp_path, cache=cache)
