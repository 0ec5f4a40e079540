"""Building from rasters: against gdal2tiles with two processes, on the same raster, levels and resampling; memory.

The rasters are seeded hills with grain, RGB, tiled and not compressed. Both sides make PNG of every tile: gdal2tiles
knows no JPEG. Ours is one process with two threads that makes a package, synced; theirs makes loose files, not synced.
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
from measure import Row, cleared, peak_memory, run, timed

from tilepack.metadata.standard import arcgis_online_scheme

_ROUNDS = 3
"""Either takes long, and varies little."""
_SIDE = 4096
_LARGE = 8192
_LEVEL = 15
_BLOCK = 256


def hills(place: Path, side: int, crs: str) -> Path:
    """Write a raster once, a row of blocks at a time.

    Args:
        place: The file; it stays for the next run.
        side: Pixels each way.
        crs: Web mercator, where its pixels are those of a level; or UTM, where they are about as large.
    """
    import rasterio

    if place.exists():
        return place
    scheme = arcgis_online_scheme()
    size = scheme.level(_LEVEL).resolution
    if crs == "EPSG:3857":
        transform = rasterio.Affine(
            size, 0, scheme.origin_x + 4_500_000 * size, 0, -size, scheme.origin_y - 2_900_000 * size
        )
    else:
        transform = rasterio.Affine(0.7 * size, 0, 480_000, 0, -0.7 * size, 5_300_000)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "tiled": True}
    random = np.random.default_rng(7)
    columns = np.arange(side) / 500
    partial_place = place.with_suffix(".part.tif")
    with rasterio.open(
        partial_place, "w", crs=crs, transform=transform, blockxsize=_BLOCK, blockysize=_BLOCK, **profile
    ) as data:
        for top in range(0, side, _BLOCK):
            rows = np.arange(top, top + _BLOCK)[:, None] / 400
            height = np.sin(rows) * np.cos(columns) + 0.3 * np.sin(3.1 * columns + rows) + 1.4
            grain = random.integers(0, 12, (3, _BLOCK, side), dtype=np.uint8)
            shades = np.stack([height * 70, height * 80 + 5, 190 - height * 60])
            data.write(shades.astype(np.uint8) + grain, window=rasterio.windows.Window(0, top, side, _BLOCK))
    partial_place.replace(place)
    return place


def built(folder: Path, rounds: int) -> list[Row]:
    """Build the same pyramids by both."""
    program = shutil.which("gdal2tiles.py")
    if program is None:
        print("gdal2tiles.py is not on this machine: nothing to compare builds with", file=sys.stderr)
        return []
    rows = []
    for crs, name, resampling in (("EPSG:3857", "on the grid", "average"), ("EPSG:32633", "in UTM", "bilinear")):
        raster = hills(folder / f"hills_{crs[5:]}_{_SIDE}.tif", _SIDE, crs)
        row = Row(
            f"build of {_SIDE:,} x {_SIDE:,} pixels {name}, levels 10-{_LEVEL}, {resampling}, PNG32",
            "gdal2tiles.py --processes=2",
            1.0,
        )
        for _ in range(min(rounds, _ROUNDS)):
            target, tiles = folder / "built.tpkx", folder / "built_tiles"
            cleared(target, tiles)
            rival = timed(partial(_theirs, program, raster, tiles, resampling))
            own = timed(partial(_ours, raster, target, resampling))
            row.ratios.append(own / rival)
            cleared(target, tiles)
        rows.append(row)
    return rows


def build_memory(folder: Path, rounds: int) -> list[Row]:
    """Build a raster and one four times as large, and compare the most memory that each took."""
    del rounds
    peaks = []
    for side in (_LARGE, 2 * _LARGE):
        raster = hills(folder / f"hills_3857_{side}.tif", side, "EPSG:3857")
        target = folder / "built.tpkx"
        cleared(target)
        peaks.append(peak_memory("build", raster, target, "-q", "-j", "2"))
        cleared(target)
    more = Row("peak memory, build of four times as many pixels", f"of {_LARGE:,} x {_LARGE:,}", 1.15)
    more.ratios.append(peaks[1] / peaks[0])
    most = Row(f"peak memory, build of {2 * _LARGE:,} x {2 * _LARGE:,} pixels, two threads", "-", 500, unit="MB")
    most.ratios.append(peaks[1] / 1e6)
    return [more, most]


def _ours(raster: Path, target: Path, resampling: str) -> None:
    words = ["--levels", f"10-{_LEVEL}", "--resampling", resampling, "--tile-format", "PNG32", "-j", "2", "-q"]
    run(sys.executable, "-m", "tilepack_cli", "build", raster, target, *words)


def _theirs(program: str, raster: Path, folder: Path, resampling: str) -> None:
    # It belongs to the system's Python, not to the one that this runs in.
    before = dict(os.environ)
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        os.environ.pop(name, None)
    own = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join(part for part in before["PATH"].split(os.pathsep) if part != own)
    try:
        words = ["--processes=2", "--xyz", "-x", "-w", "none", "-q", "-r", resampling, "-z", f"10-{_LEVEL}"]
        run(program, *words, raster, folder)
    finally:
        os.environ.clear()
        os.environ.update(before)
