"""What all tests share: the samples, where there are any, and a few seeded caches."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import caches
import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "fixtures"))  # relief.py and build.py are scripts, not a package

# The same examples in every run, and none fails because the machine is busy.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk():
    """Let nothing wait until bytes are on the disk: tests survive no power failure, and busy disks take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        patch.setattr("tilepack.disk.durable._sync_file_system", lambda _: True)
        yield


@pytest.fixture
def little_memory():
    """Give a test 2 GB more memory than it has: what allocates by a claimed size fails, and the machine lives."""
    try:
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + (2 << 30), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real caches written by ArcGIS; they are no part of the repository."""
    folder = Path(os.environ.get("TILEPACK_SAMPLES") or ROOT.parent / "shared" / "samples")
    if not folder.is_dir():
        pytest.skip(f"no samples at {folder}; set TILEPACK_SAMPLES to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def island_tiles() -> dict[caches.TileKey, bytes]:
    """Unique tiles, PNG and JPEG mixed, on four levels and in several bundles, in no particular order."""
    return caches.island_tiles()


@pytest.fixture(scope="session")
def exploded_island(tmp_path_factory, island_tiles) -> Path:
    """The island as an exploded cache, written file by file."""
    folder = tmp_path_factory.mktemp("exploded") / "Island"
    caches.write_exploded(folder, caches.web_mercator(), island_tiles)
    return folder


@pytest.fixture(scope="session")
def v1_island(tmp_path_factory, island_tiles) -> Path:
    """The island as a Compact V1 cache, packed by struct."""
    folder = tmp_path_factory.mktemp("v1") / "Island"
    caches.write_v1(folder, caches.web_mercator(), island_tiles)
    return folder


@pytest.fixture(scope="session")
def v2_island(tmp_path_factory, island_tiles) -> Path:
    """The island as a Compact V2 cache, packed by struct."""
    folder = tmp_path_factory.mktemp("v2") / "Island"
    caches.write_v2(folder, caches.web_mercator(), island_tiles)
    return folder
