"""Importing into a cache that exists: against the bare copy where bytes move, against the bare codec where they do not.

The target is copied afresh for each round, outside the time; ours is the whole process, its start and all its syncs
included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import Row, cleared, copied, run, timed
from pictures import CORNER, LEVEL, write_pictures

import tilepack
from tilepack.cache import TileFormat
from tilepack.pixels.codec import decode, encode_png
from tilepack.pixels.png import write_png

_ROUNDS = 5
_SIDE = 64
"""Tiles a side of the caches that are blended: 4,096 tiles, whose results the floor keeps at hand as pixels."""

_IMPORT = """
import sys
import tilepack
tilepack.import_cache(sys.argv[1], sys.argv[2])
"""


def _import(source: Path, target: Path) -> float:
    return timed(lambda: run(sys.executable, "-c", _IMPORT, source, target))


def opaque(folder: Path, rounds: int) -> list[Row]:
    """Measure the MERGE of a JPEG cache, all of whose bytes move, over one of the same tiles, and of a shifted one."""
    target = folder / "pictures_jpeg_older"
    write_pictures(target, TileFormat.JPEG, pad=40)
    rows = []
    for name, corner in (("the same tiles", CORNER), ("tiles of which a part is there", CORNER + 40)):
        source = folder / f"pictures_jpeg_{corner}"
        write_pictures(source, TileFormat.JPEG, corner=corner)
        row = Row(f"MERGE of 100,489 JPEG tiles over {name}", "cp + sync of what it becomes", 1.3)
        for _ in range(min(rounds, _ROUNDS)):
            fresh, copy = folder / f"merged_{time.time_ns()}", folder / "copy"
            run("cp", "-r", "--reflink=never", target, fresh)
            cleared(copy)
            seconds = _import(source, fresh)
            cleared()
            row.ratios.append(seconds / timed(copied(fresh, copy)))
            cleared(fresh, copy)
        rows.append(row)
    return rows


def _soft(source: Path, target: Path) -> None:
    """Give each tile of a PNG32 cache a soft alpha and another picture than lies below, so that all have to be laid."""
    if target.exists():
        return
    ramp = np.linspace(1, 254, 256).astype(np.uint8)
    with tilepack.open(source) as reader:
        from tilepack.stores.base import PackageItem
        from tilepack.stores.targets import create_target, target_kind

        writer = create_target(target, target_kind(target), reader.info, replace=False)
        for bundle in reader.bundles(LEVEL):
            found = []
            for tile, data in reader.tiles(bundle):
                pixels = np.ascontiguousarray(np.rot90(decode(data, width=256, height=256).pixels))
                pixels[..., 3] = np.roll(ramp, tile.column)[None, :]
                found.append((tile, write_png(pixels)))
            writer.write_bundle(bundle, found, None)
        writer.commit(reader.info, PackageItem(guid="", created=None, degrees=None, thumbnail=b""))


def blended(folder: Path, rounds: int) -> list[Row]:
    """Measure the MERGE of soft PNG32 tiles over others against decoding both and encoding once, on as many threads."""
    target, source = folder / "pictures_below_64", folder / "pictures_turned_64"
    write_pictures(target, TileFormat.PNG32, side=_SIDE, pad=8)
    write_pictures(folder / "pictures_above_64", TileFormat.PNG32, side=_SIDE)
    _soft(folder / "pictures_above_64", source)
    merged = folder / "merged_once"
    cleared(merged)
    run("cp", "-r", "--reflink=never", target, merged)
    tilepack.import_cache(source, merged)
    works = []
    with tilepack.open(source) as above, tilepack.open(target) as below, tilepack.open(merged) as result:
        for bundle in above.bundles(LEVEL):
            with below.reading(bundle) as under, result.reading(bundle) as made:
                for tile, data in above.tiles(bundle):
                    position = bundle.position(tile)
                    before, after = under.read(position) or b"", made.read(position) or b""
                    if before == after:
                        raise RuntimeError(f"tile {tile} was not blended; the floor encodes all")
                    works.append((data, before, decode(after, width=256, height=256).pixels))
    cleared(merged)
    row = Row(f"MERGE of {len(works):,} soft PNG32 tiles over others", "two decodes + encode, same encoder", 1.2)

    def codec(work: tuple[bytes, bytes, np.ndarray]) -> int:
        above, below, made = work
        size = decode(above, width=256, height=256).pixels.size + decode(below, width=256, height=256).pixels.size
        return size + len(encode_png(made, TileFormat.PNG32).data)

    for _ in range(min(rounds, _ROUNDS)):
        fresh = folder / f"blended_{time.time_ns()}"
        run("cp", "-r", "--reflink=never", target, fresh)
        cleared()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            floor = timed(lambda pool=pool: sum(pool.map(codec, works)))
        row.ratios.append(_import(source, fresh) / floor)
        cleared(fresh)
    return [row]


def import_memory(folder: Path, _: int) -> list[Row]:
    """Measure the peak memory of merging one bundle of 1 GB into another of that size."""
    source, target = folder / "pictures_big", folder / "pictures_big_below"
    write_pictures(source, TileFormat.PNG32, side=128, corner=5120, pad=40_000)
    write_pictures(target, TileFormat.PNG32, side=128, corner=5120, pad=39_000)
    code = _IMPORT + "import re\nprint(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
    done = subprocess.run([sys.executable, "-c", code, source, target], check=True, capture_output=True, text=True)
    return [
        Row(
            "peak memory, MERGE of one bundle of 1 GB", "-", 250, [int(done.stdout.split()[-1]) * 1024 / 1e6], unit="MB"
        )
    ]
