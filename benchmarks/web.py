"""How fast caches become web tiles and back, against the plainest programs that do the same.

163,840 tiles in 10 bundles, 2 GB, all different. Floors and rivals are whole processes that read the same tiles through
tilepack, so that only the writing differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from caches import write_cache
from measure import Row, cleared, copied, run, timed
from moving import BUNDLES, convert

_READ = """
import sqlite3, sys, os
import tilepack
def tiles(path):
    with tilepack.open(path) as cache:
        for level in cache.levels():
            for bundle in cache.bundles(level):
                yield from cache.tiles(bundle)
"""

_EXECUTEMANY = (
    _READ  # noqa: S608  texts of this module
    + """
database = sqlite3.connect(sys.argv[2])
database.execute("create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
database.execute("create unique index tile_index on tiles (zoom_level, tile_column, tile_row)")
with database:
    database.executemany(
        "insert into tiles values (?, ?, ?, ?)",
        ((t.level, t.column, (1 << t.level) - 1 - t.row, data) for t, data in tiles(sys.argv[1])),
    )
database.close()
"""
)

_SELECT = """
import sqlite3, sys, os
with open(sys.argv[2], "wb") as out:
    for (data,) in sqlite3.connect(sys.argv[1]).execute("select tile_data from tiles"):
        out.write(data)
    out.flush()
    os.fsync(out.fileno())
"""

_PMTILES = (
    _READ
    + """
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
with open(sys.argv[2], "wb") as out:
    writer = Writer(out)
    for t, data in tiles(sys.argv[1]):
        writer.write_tile(zxy_to_tileid(t.level, t.column, t.row), data)
    writer.finalize({"tile_type": TileType.JPEG, "tile_compression": Compression.NONE}, {})
    out.flush()
    os.fsync(out.fileno())
"""
)

_TPKUTILS = """
import sys
from tpkutils import TPK
tpk = TPK(sys.argv[1])
tpk.to_mbtiles(sys.argv[2])
tpk.close()
"""


def _script(text: str, source: Path, target: Path) -> float:
    return timed(lambda: run(sys.executable, "-c", text, source, target))


def web(folder: Path, rounds: int) -> list[Row]:
    """Measure V2 to MBTiles and PMTiles, and MBTiles to V2."""
    v2, mbtiles = folder / "v2", folder / "web.mbtiles"
    write_cache(v2, bundles=BUNDLES)
    if not mbtiles.exists():
        run(*convert(v2, mbtiles))
    rows = [
        Row("V2 folder -> MBTiles", "sqlite3 executemany, one transaction", 0.6),
        Row("MBTiles -> V2 folder", "bare SELECT, written once, synced", 1.5),
        Row("V2 folder -> PMTiles", "the pmtiles package's writer", 0.5),
    ]
    cases = [
        (v2, folder / "made.mbtiles", _EXECUTEMANY, folder / "rival.mbtiles"),
        (mbtiles, folder / "made_v2", _SELECT, folder / "rival.bin"),
        (v2, folder / "made.pmtiles", _PMTILES, folder / "rival.pmtiles"),
    ]
    for _ in range(rounds):
        for row, (source, target, script, other) in zip(rows, cases, strict=True):
            cleared(target, other)
            floor = _script(script, source, other)
            cleared(other)
            command = convert(source, target)
            row.ratios.append(timed(lambda command=command: run(*command)) / floor)
            cleared(target)
    return rows


def tpkutils(folder: Path, rounds: int) -> list[Row]:
    """Measure how many times faster a .tpk becomes MBTiles than by tpkutils."""
    tpk = folder / "v2.tpk"
    tiles = write_cache(folder / "v2", bundles=BUNDLES)
    if not tpk.exists():
        run(*convert(folder / "v2", tpk))
    row = Row(f".tpk -> MBTiles ({tiles:,} tiles)", "tpkutils", 5, at_least=True)
    copy = Row("cp of the .tpk, synced", "tpkutils", 5, at_least=True)
    for _ in range(min(rounds, 3)):
        made, other = folder / "made.mbtiles", folder / "rival.mbtiles"
        cleared(made, other)
        rival = _script(_TPKUTILS, tpk, other)
        cleared(other)
        row.ratios.append(rival / timed(lambda: run(*convert(tpk, folder / "made.mbtiles"))))
        cleared(made)
        copy.ratios.append(rival / timed(copied(tpk, other)))
    cleared(other)
    row.why = (
        f"it leaves {copy.figure / row.bar:.2f} times what copying the .tpk's bytes by cp, synced, takes (upper "
        f"quartile of the same rounds); Python's start, and SQLite's own work on so many rows, are more than that."
    )
    return [row]
