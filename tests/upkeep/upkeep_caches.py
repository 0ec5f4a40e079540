"""What tests of deleting, compacting and mending share: copies of caches, and runs that are stopped in the middle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from layouts import LAYOUTS

from tilepack.disk.update import FolderUpdate
from tilepack.errors import TransferError


def copy_of(cache: Path, folder: Path) -> Path:
    """Copy a cache or package into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if cache.is_dir():
        return Path(shutil.copytree(cache, folder / cache.name))
    return Path(shutil.copy(cache, folder / cache.name))


def stamps(cache: Path) -> dict[str, tuple[int, int]]:
    """Give what changes when a file is written anew: its number and its time."""
    found = [place for place in (cache.rglob("*") if cache.is_dir() else [cache]) if place.is_file()]
    return {place.name if place == cache else place.relative_to(cache).as_posix(): _stamp(place) for place in found}


def _stamp(place: Path) -> tuple[int, int]:
    status = place.stat()
    return status.st_ino, status.st_mtime_ns


@contextmanager
def stopping(after: int) -> Iterator[None]:
    """Let the disk fail once so many bundles were named."""
    publish, done = FolderUpdate.publish, 0

    def failing(self, *words, **options):
        nonlocal done
        done += 1
        if done > after:
            raise TransferError("the disk is gone")
        publish(self, *words, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderUpdate, "publish", failing)
        yield


EVERY_LAYOUT = pytest.mark.parametrize("layout", sorted(LAYOUTS))
EVERY_FOLDER = pytest.mark.parametrize("layout", sorted(name for name in LAYOUTS if not name.startswith("tpk")))
EVERY_PACKAGE = pytest.mark.parametrize("layout", ["tpk", "tpkx"])
