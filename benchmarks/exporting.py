"""Exporting with an area: against the bare codec and the bare copy, coverage against shapely, bytes, memory.

100,489 tiles in nine bundles, and a wavy polygon of 10,000 vertices. The floor decodes and encodes exactly the crossing
tiles by Pillow at its default settings, on as many threads as there are processors, and then copies and syncs exactly
the bytes that move untouched; ours is the whole process, its start and its own syncs included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import shapely
from measure import Row, cleared, run, timed
from pictures import LEVEL, tiles_of, write_pictures
from PIL import Image, features

import tilepack
from tilepack.aoi import AreaOfInterest
from tilepack.cache import TileFormat
from tilepack.keys import TileKey, TileRange
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.pixels.coverage import Coverage

_VERTICES = 10_000
_ROUNDS = 3
"""The codec takes nearly all of the time, and varies little."""
_SCHEME = arcgis_online_scheme()

_EXPORT = """
import re, sys
from pathlib import Path
import tilepack
source, target, area = sys.argv[1:]
tilepack.export_cache(source, target, area=tilepack.Area(source=Path(area), crs=3857))
status = Path("/proc/self/status")
if status.exists():
    print(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1])
"""


def wavy(tiles: TileRange) -> shapely.Polygon:
    """Draw a star with soft arms and 10,000 vertices that fills a square of tiles."""
    box = _SCHEME.range_extent(tiles)
    angle = np.arange(_VERTICES) * (2 * np.pi / _VERTICES)
    random = np.random.default_rng(1)
    radius = 0.34 + 0.13 * np.sin(11 * angle) + random.uniform(-0.0004, 0.0004, _VERTICES)
    middle = (box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2
    return shapely.Polygon(middle + np.column_stack((np.cos(angle), np.sin(angle))) * (radius * box.width)[:, None])


def _export(source: Path, target: Path, area: Path) -> int:
    """Export in a process of its own; give its peak memory in bytes, 0 where that cannot be told."""
    command = [sys.executable, "-c", _EXPORT, source, target, area]
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) * 1024 if done.stdout.strip() else 0


class _Case:
    """A cache, the tiles of it that the polygon crosses, and a file of the bytes of those inside."""

    def __init__(self, folder: Path, tile_format: TileFormat) -> None:
        self.source = folder / f"pictures_{tile_format.value.lower()}"
        write_pictures(self.source, tile_format)
        self.area = folder / "wavy.geojson"
        polygon = wavy(tiles_of())
        self.area.write_text(shapely.to_geojson(polygon))
        self.aoi = AreaOfInterest.read(polygon.wkt, _SCHEME, crs=3857)
        tiles = tiles_of()
        cover = self.aoi.coverage(tiles)
        self.crossing: dict[TileKey, bytes] = {}
        self.inner = folder / f"inner_{tile_format.value.lower()}"
        with tilepack.open(self.source) as reader, self.inner.open("wb") as inner:
            for bundle in reader.bundles(LEVEL):
                for tile, data in reader.tiles(bundle):
                    kind = cover[tile.row - tiles.row_start, tile.column - tiles.column_start]
                    if kind == Coverage.CROSSING:
                        self.crossing[tile] = data
                    elif kind == Coverage.INSIDE:
                        inner.write(data)

    def floor(self, copy: Path) -> float:
        """Measure Pillow on the crossing tiles, and then the copy of those inside."""

        def again(data: bytes) -> int:
            with Image.open(BytesIO(data)) as image:
                out = BytesIO()
                image.convert("RGBA").save(out, "PNG")
                return out.tell()

        def work() -> None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                sum(pool.map(again, self.crossing.values()))
            run("cp", "--reflink=never", self.inner, copy)
            run("sync", "-f", copy)

        cleared(copy)
        return timed(work)


def export(folder: Path, rounds: int) -> list[Row]:
    """Measure the export of a PNG32 and of a JPEG cache: seconds, and bytes of the crossing tiles."""
    rows = []
    for tile_format in (TileFormat.PNG32, TileFormat.JPEG):
        case = _Case(folder, tile_format)
        name = f"{tile_format} -> {'MIXED' if tile_format is TileFormat.JPEG else tile_format}"
        versions = f"Pillow {Image.__version__}, zlib {features.version('zlib')}, compress_level 6"
        row = Row(
            f"export {name}, {len(case.crossing):,} tiles cut, {case.inner.stat().st_size / 1e6:.0f} MB moved",
            f"decode + encode ({versions}), cp + sync",
            0.8,
        )
        target = folder / "exported"
        for _ in range(min(rounds, _ROUNDS)):
            floor = case.floor(folder / "copy")
            target = folder / f"exported_{time.time_ns()}"
            cleared(folder / "copy")
            begun = time.perf_counter()
            _export(case.source, target, case.area)
            row.ratios.append((time.perf_counter() - begun) / floor)
            if len(row.ratios) < min(rounds, _ROUNDS):
                cleared(target)
        rows.append(row)
        rows.append(Row(f"bytes of the tiles cut, {name}", "Pillow's of the same pixels", 1.1, [_bytes(case, target)]))
        cleared(target)
    return rows


def _bytes(case: _Case, target: Path) -> float:
    ours = theirs = 0
    with tilepack.open(target) as reader:
        for tile, before in case.crossing.items():
            data = reader.read(tile)
            if data is None or data == before:
                continue
            out = BytesIO()
            with Image.open(BytesIO(data)) as image:
                image.save(out, "PNG")
            ours, theirs = ours + len(data), theirs + out.tell()
    return ours / theirs


def coverage(folder: Path, rounds: int) -> list[Row]:
    """Measure the coverage of a million tiles against shapely on the boxes of the crossing ones."""
    del folder
    tiles = TileRange(level=LEVEL, row_start=4000, row_stop=5000, column_start=4000, column_stop=5000)
    polygon = wavy(tiles)
    aoi = AreaOfInterest.read(polygon.wkt, _SCHEME, crs=3857)
    found = np.argwhere(aoi.coverage(tiles) == Coverage.CROSSING) + 4000
    boxes = shapely.box(
        *np.array([_SCHEME.tile_extent(TileKey(LEVEL, row, column)).as_tuple() for row, column in found.tolist()]).T
    )
    row = Row(f"coverage of 1,000,000 tiles, {len(boxes):,} crossing", "prepared shapely on the latter + 5 ms", 1)
    for _ in range(max(rounds, 9)):
        fresh = shapely.from_wkb(shapely.to_wkb(polygon))
        shapely.prepare(fresh)
        shapely.intersects(fresh, boxes[:1])  # its index is built at the first question
        floor = timed(lambda fresh=fresh: shapely.intersects(fresh, boxes)) + 0.005
        row.ratios.append(timed(lambda: aoi.coverage(tiles)) / floor)
    return [row]


def export_memory(folder: Path, _: int) -> list[Row]:
    """Measure the peak memory of exporting from a 1 GB bundle, and into a package."""
    big, area = folder / "pictures_big", folder / "wavy_big.geojson"
    write_pictures(big, TileFormat.PNG32, side=128, corner=5120, pad=40_000)
    square = TileRange(level=LEVEL, row_start=5120, row_stop=5248, column_start=5120, column_stop=5248)
    area.write_text(shapely.to_geojson(wavy(square)))
    rows = []
    for name, target in (
        ("a folder", folder / "big_cut"),
        (".tpkx", folder / "big_cut.tpkx"),
        (".tpk", folder / "big_cut.tpk"),
    ):
        cleared(target)
        peak = _export(big, target, area)
        rows.append(Row(f"peak memory, export of one bundle of 1 GB to {name}", "-", 250, [peak / 1e6], unit="MB"))
        cleared(target)
    return rows
