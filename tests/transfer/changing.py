"""Caches that change between one import and the next."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import caches

import tilepack
from tilepack.keys import BundleKey, TileKey

WRITERS = {"V1": caches.write_v1, "V2": caches.write_v2, "exploded": caches.write_exploded}
KEYS = [
    *(TileKey(5, row, column) for row in (10, 11) for column in (6, 7)),
    TileKey(9, 127, 250),
    TileKey(9, 128, 250),
    TileKey(9, 128, 256),
]
"""Four bundles on two levels."""
CORNER = TileKey(9, 128, 256)


def pictures(version: int = 0, keys=KEYS) -> dict[TileKey, bytes]:
    """Give opaque tiles, other ones for every version: JPEG, so that an import moves their bytes."""
    return {key: caches.payload(TileKey(key.level, key.row + version, key.column), "jpg", 300) for key in keys}


def write(folder: Path, tiles, *, layout: str = "V2") -> Path:
    """Write a cache, or write it anew."""
    shutil.rmtree(folder, ignore_errors=True)
    if layout != "tpkx":
        WRITERS[layout](folder, caches.web_mercator(), tiles)
        return folder
    package = folder.with_suffix(".tpkx")
    package.unlink(missing_ok=True)
    caches.write_zip(package, caches.ready_files(caches.web_mercator(), tiles))
    return package


def bundles(cache: Path) -> list[Path]:
    """Name the files that hold tiles, in no order that matters."""
    return [path for path in sorted(cache.rglob("*")) if path.suffix in (".bundle", ".bundlx", ".jpg", ".png")]


def ruin(cache: Path) -> None:
    """Fill all bundles with rubbish, and leave them as they were from outside: whoever opens one stumbles."""
    for path in bundles(cache):
        status = path.stat()
        path.write_bytes(b"?" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def later(path: Path, seconds: float = 5) -> None:
    """Let a file look as if it was changed later than it was."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + int(seconds * 1e9)))


def take(source: Path, target: Path, **options):
    return tilepack.import_cache(source, target, only_changed=True, **options)


def taken(result) -> list[BundleKey]:
    return [task.bundle for task in result.plan.tasks]
