"""How fast whole caches move between storage formats, and in how much memory.

163,840 tiles in 10 bundles, 2 GB, all different. The floor is ``cp -r --reflink=never A B && sync -f B`` of what is
read, for exploded caches of the exploded tree; ours is the whole process with its own syncs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from io import BytesIO
from itertools import product
from pathlib import Path

from caches import write_cache
from measure import Row, cleared, copied, peak_memory, run, timed

BUNDLES = 10
_SMALL_BUNDLES = 2
TILEPACK = [sys.executable, "-m", "tilepack_cli"]


def convert(source: Path, target: Path, storage_format: str | None = None) -> list[str | Path]:
    """Give the command that converts a cache."""
    chosen = ["--storage-format", storage_format] if storage_format else []
    return [*TILEPACK, "convert", "-q", source, target, *chosen]


def whole_bundles(folder: Path, rounds: int) -> list[Row]:
    """Measure V1 -> V2, V2 -> V1 and V2 -> .tpkx against copying the source."""
    v2, v1 = folder / "v2", folder / "v1"
    write_cache(v2, bundles=BUNDLES)
    if not v1.exists():
        run(*convert(v2, v1, "compact"))
    rows = [
        Row("V1 -> V2 folder", "cp -r of the source, synced", 1.3),
        Row("V2 -> V1 folder", "cp -r of the source, synced", 1.3),
        Row("V2 folder -> .tpkx", "cp -r of the source, synced", 1.3),
    ]
    cases = [(v1, folder / "to_v2", None), (v2, folder / "to_v1", "compact"), (v2, folder / "to.tpkx", None)]
    for _ in range(rounds):
        for row, (source, target, storage_format) in zip(rows, cases, strict=True):
            copy = folder / "copy"
            cleared(copy, target)
            floor = timed(copied(source, copy))
            cleared(copy)
            command = convert(source, target, storage_format)
            row.ratios.append(timed(lambda command=command: run(*command)) / floor)
            cleared(target)
    return rows


def exploded(folder: Path, rounds: int) -> list[Row]:
    """Measure exploded -> V2 and V2 -> exploded against copying the exploded tree.

    Every round has folders of its own: ext4 makes files slowly near many that were just removed.
    """
    v2 = folder / "v2_small"
    write_cache(v2, bundles=_SMALL_BUNDLES)
    rows = [
        Row("exploded -> V2 folder", "cp -r of the exploded tree, synced", 0.8),
        Row("V2 folder -> exploded", "cp -r of the exploded tree, synced", 1.2),
    ]
    for _ in range(rounds):
        home = folder / f"exploded_{time.time_ns()}"
        home.mkdir()
        tree, copy, back = home / "tree", home / "copy", home / "back"
        cleared()
        out = timed(lambda tree=tree: run(*convert(v2, tree, "exploded")))
        cleared()
        floor = timed(copied(tree, copy))
        cleared()
        rows[0].ratios.append(timed(lambda tree=tree, back=back: run(*convert(tree, back))) / floor)
        rows[1].ratios.append(out / floor)
    for left in folder.glob("exploded_*"):
        cleared(left)
    return rows


def mapproxy(folder: Path, rounds: int) -> list[Row]:
    """Measure how many times faster a tile moves than by reading and storing it through MapProxy's compact cache."""
    from mapproxy.cache.compact import CompactCacheV1, CompactCacheV2
    from mapproxy.cache.tile import Tile
    from mapproxy.image import ImageResult

    v2, v1 = folder / "v2_small", folder / "v1_small"
    tiles = write_cache(v2, bundles=_SMALL_BUNDLES)
    if not v1.exists():
        run(*convert(v2, v1, "compact"))
    target = folder / "mapproxy"

    def through_mapproxy() -> None:
        level = int(next((v2 / "_alllayers").iterdir()).name[1:])
        source = CompactCacheV1(str(v1 / "_alllayers"))
        sink = CompactCacheV2(str(target))
        for row, column in product(range(128), range(128 * _SMALL_BUNDLES)):
            tile = Tile((column, row, level))
            if not source.load_tile(tile) or tile.image_result is None:
                raise RuntimeError("MapProxy does not find the tile")
            data = tile.image_result.image.read()
            sink.store_tile(Tile((column, row, level), ImageResult(BytesIO(data))))

    row = Row(f"a tile of V1 -> V2 ({tiles:,} tiles)", "MapProxy load_tile + store_tile", 5, at_least=True)
    for _ in range(min(rounds, 3)):
        cleared(target, folder / "small_v2")
        rival = timed(through_mapproxy)
        cleared(folder / "small_v2")
        row.ratios.append(rival / timed(lambda: run(*convert(v1, folder / "small_v2"))))
    return [row]


def memory(folder: Path, _: int) -> list[Row]:
    """Measure the peak memory of converting one bundle of 1 GB, each way."""
    big = folder / "v2_big"
    write_cache(big, bundles=1, mean=64_000)
    rows = []
    v1, tree = folder / "big_v1", folder / "big_tree"
    cases: Iterator[tuple[str, Path, Path, str | None]] = iter(
        [
            ("V2 -> V1", big, v1, "compact"),
            ("V1 -> .tpkx", v1, folder / "big.tpkx", None),
            ("V2 -> exploded", big, tree, "exploded"),
            ("exploded -> V2", tree, folder / "big_back", None),
        ]
    )
    for name, source, target, storage_format in cases:
        cleared(target)
        peak = peak_memory(*convert(source, target, storage_format)[len(TILEPACK) :])
        rows.append(Row(f"peak memory, one bundle of 1 GB, {name}", "-", 100, [peak / 1e6], unit="MB"))
    cleared(v1, tree, folder / "big.tpkx", folder / "big_back")
    return rows
