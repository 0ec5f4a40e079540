"""Looking at a cache: what it says, what its bundles hold, and where the two contradict each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo, TileFormat
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.formats.sniff import TileKind, sniff
from tilepack.inspect.extents import alike, oversteps
from tilepack.inspect.report import CacheReport, LevelReport
from tilepack.keys import BundleKey, TileKey, TileRange
from tilepack.scheme import TilingScheme
from tilepack.spatial import to_degrees
from tilepack.stores.base import BundleSummary, SupportsShared, TileReader
from tilepack.stores.extents import declared_extent, declared_in_degrees, declared_in_map_units

SAMPLE: Final = 16
"""Tiles of each bundle whose bytes are looked at by default."""

_NAMED: Final = 5
"""Tiles named one by one in a warning."""

_START: Final = 1 << 16
"""Bytes that tell what a tile is, whatever comes before its picture."""

_FITTING: Final[dict[TileFormat, frozenset[str]]] = {
    TileFormat.PNG: frozenset({"PNG", "PNG8", "PNG24", "PNG32"}),
    TileFormat.PNG8: frozenset({"PNG8"}),
    TileFormat.PNG24: frozenset({"PNG24"}),
    TileFormat.PNG32: frozenset({"PNG32"}),
    TileFormat.JPEG: frozenset({"JPEG"}),
    TileFormat.MIXED: frozenset({"JPEG", "PNG", "PNG8", "PNG24", "PNG32"}),
    TileFormat.LERC: frozenset({"LERC"}),
    TileFormat.WEBP: frozenset({"WEBP"}),
    TileFormat.PBF: frozenset({"PBF"}),
}


@dataclass(slots=True)
class _Seen:
    """Tiles with something in common."""

    count: int = 0
    first: list[TileKey] = field(default_factory=list)

    def add(self, tile: TileKey, times: int) -> None:
        self.count += times
        if len(self.first) < _NAMED:
            self.first.append(tile)


@dataclass(slots=True)
class _Sample:
    """What the bytes of the tiles looked at said."""

    tiles: int = 0
    unknown: _Seen = field(default_factory=_Seen)
    unfitting: defaultdict[str, _Seen] = field(default_factory=lambda: defaultdict(_Seen))
    sizes: defaultdict[tuple[int, int], _Seen] = field(default_factory=lambda: defaultdict(_Seen))

    def add(self, tile: TileKey, kind: TileKind | None, times: int, info: CacheInfo) -> None:
        self.tiles += times
        if kind is None:
            self.unknown.add(tile, times)
            return
        if kind.name not in _FITTING[info.tile_format]:
            self.unfitting[kind.name].add(tile, times)
        size = (kind.width or 0, kind.height or 0)
        if kind.is_image and kind.width and size != (info.scheme.tile_width, info.scheme.tile_height):
            self.sizes[size].add(tile, times)


def probe(
    reader: TileReader,
    *,
    deep: bool = False,
    sample: int = SAMPLE,
    progress: Callable[[int], None] | None = None,
) -> CacheReport:
    """Look at a cache.

    Args:
        reader: The cache.
        deep: Look at the bytes of every tile, and measure the dead space of V1 bundles exactly.
        sample: Tiles of each bundle to look at otherwise; 0 reads no tile at all.
        progress: Called with the number of bundles looked at since the last call.

    Raises:
        BundleError: A bundle is malformed.
        TransferError: A file cannot be read.
    """
    looked = _Sample()
    levels: list[LevelReport] = []
    held: dict[int, list[tuple[BundleKey, TileRange]]] = {}
    for level in reader.levels():
        summaries = []
        formats: Counter[str] = Counter()
        for bundle in reader.bundles(level):
            summary = reader.summary(bundle)
            if progress is not None:
                progress(1)
            if not summary.tiles:
                continue
            summaries.append(_measured(reader, summary) if deep else summary)
            for tile, kind, times in _kinds(reader, summary, deep=deep, sample=sample):
                formats[kind.name if kind else "unknown"] += times
                looked.add(tile, kind, times, reader.info)
        levels.append(_level_report(reader.info.scheme, level, summaries, formats))
        if levels[-1].resolution is not None:
            held[level] = [(summary.bundle, summary.occupied) for summary in summaries]
    extent = declared_extent(reader.info.scheme, held, reader.present)
    return CacheReport(
        place=reader.place,
        info=reader.info,
        is_package=Path(reader.place).is_file(),
        levels=tuple(levels),
        extent=extent,
        declared=tuple(reader.declared),
        sampled_tiles=looked.tiles,
        warnings=(*reader.warnings, *_contradictions(reader, levels, looked)),
    )


def _measured(reader: TileReader, summary: BundleSummary) -> BundleSummary:
    """Learn the sizes of V1 tiles, which only their slots tell."""
    if summary.tile_bytes is not None:
        return summary
    sizes = reader.index(summary.bundle)
    return summary._replace(tiles=int(np.count_nonzero(sizes)), tile_bytes=int(sizes.sum()))


def _kinds(
    reader: TileReader, summary: BundleSummary, *, deep: bool, sample: int
) -> Iterator[tuple[TileKey, TileKind | None, int]]:
    """Yield tiles, what their first bytes say, and for how many tiles that holds."""
    if not deep and not sample:
        return
    same = reader.shared_start(summary.bundle, _START) if isinstance(reader, SupportsShared) else None
    if same is not None:
        yield summary.bundle.tile(0), sniff(same), summary.tiles if deep else min(sample, summary.tiles)
        return
    wanted: NDArray[np.bool_] | None = None
    if not deep and summary.tiles > sample:
        present = reader.present(summary.bundle)
        held = np.flatnonzero(present)
        wanted = np.zeros_like(present)
        wanted[held[np.linspace(0, held.size - 1, sample).astype(int)]] = True
    for tile, data in reader.tiles(summary.bundle, wanted):
        yield tile, sniff(data), 1


def _level_report(
    scheme: TilingScheme, level: int, summaries: Sequence[BundleSummary], formats: Counter[str]
) -> LevelReport:
    lod = next((lod for lod in scheme.levels if lod.level == level), None)
    occupied = TileRange.around(level, [summary.occupied for summary in summaries])
    tiles = sum(summary.tiles for summary in summaries)
    dead: int | None = 0
    tile_bytes = 0
    for summary in summaries:
        in_slots = None if summary.slot_bytes is None else summary.slot_bytes - LENGTH_PREFIX * summary.tiles
        if summary.tile_bytes is not None:
            tile_bytes += summary.tile_bytes
            if dead is not None and in_slots is not None:
                dead += in_slots - summary.tile_bytes
        else:
            tile_bytes += in_slots or 0
            dead = None
    return LevelReport(
        level=level,
        resolution=lod.resolution if lod else None,
        scale=lod.scale if lod else None,
        bundles=len(summaries),
        tiles=tiles,
        tile_bytes=tile_bytes,
        dead_bytes=dead,
        occupied=occupied,
        extent=scheme.range_extent(occupied) if lod and occupied else None,
        tile_formats=dict(formats),
    )


def _contradictions(reader: TileReader, levels: Sequence[LevelReport], looked: _Sample) -> Iterator[str]:
    info = reader.info
    held = [level for level in levels if level.tiles]
    yield from _level_contradictions(info, held)
    yield from _extent_contradictions(reader, held)
    if looked.unknown.count:
        yield f"{_count(looked.unknown.count, looked.tiles)} of no known format: {_named(looked.unknown)}"
    for name, seen in sorted(looked.unfitting.items()):
        said = f"the tile format is said to be {info.tile_format}"
        yield f"{said}, but {_count(seen.count, looked.tiles)} {name}: {_named(seen)}"
    sizes = sorted(looked.sizes.items(), key=lambda item: (-item[1].count, item[0]))
    others = _Seen()
    for _, seen in sizes[_NAMED:]:
        others.count += seen.count
        others.first = (others.first + seen.first)[:_NAMED]
    if others.count:
        yield f"{_count(others.count, looked.tiles)} of {len(sizes) - _NAMED} more sizes: {_named(others)}"
    for (width, height), seen in sizes[:_NAMED]:
        yield (
            f"tiles are said to have {info.scheme.tile_width} x {info.scheme.tile_height} pixels, but "
            f"{_count(seen.count, looked.tiles)} {width} x {height}: {_named(seen)}"
        )


def _level_contradictions(info: CacheInfo, held: Sequence[LevelReport]) -> Iterator[str]:
    if not info.scheme.spatial_reference.is_known:
        yield "no document names a spatial reference"
    if not held:
        yield "there is no tile in it"
        return
    first, last = held[0].level, held[-1].level
    low = first if info.min_level is None else info.min_level
    high = last if info.max_level is None else info.max_level
    if (low, high) != (first, last):
        yield f"levels {low} to {high} are said to hold tiles, but {first} to {last} do"


def _extent_contradictions(reader: TileReader, held: Sequence[LevelReport]) -> Iterator[str]:
    scheme = reader.info.scheme
    placed = [level for level in held if level.resolution is not None]
    if not placed:
        return
    finest = min(placed, key=lambda level: level.resolution or 0)
    slack = finest.resolution or 0
    units = declared_in_map_units(reader)
    if not units:
        yield "no document declares an extent"
    for (name, extent), (other, there) in pairwise(units):
        if not (extent.holds(there, slack) and there.holds(extent, slack)):
            yield f"{name} declares the extent {extent}, {other} declares {there}"
    if units and finest.extent is not None and finest.occupied is not None:
        name, extent = units[0]
        if not extent.meets(finest.extent):
            yield f"{name} declares the extent {extent}, but the tiles of level {finest.level} lie at {finest.extent}"
        elif oversteps(finest.occupied, scheme.tiles_in(extent, finest.level)):
            yield (
                f"{name} declares the extent {extent}, but the tiles of level {finest.level} reach over it, to "
                f"{finest.extent}"
            )
    for name, degrees in declared_in_degrees(reader):
        converted = [to_degrees(extent, scheme.spatial_reference) for _, extent in units]
        if converted and not any(there is None or alike(there, degrees) for there in converted):
            yield f"{name} declares {degrees}, but the extents in map units lie at {converted[0]} degrees"


def _count(tiles: int, looked: int) -> str:
    return f"{tiles} of the {looked} tiles looked at {'is' if tiles == 1 else 'are'}"


def _named(seen: _Seen) -> str:
    named = seen.first[:_NAMED]
    more = f" and {seen.count - len(named)} more" if seen.count > len(named) else ""
    return ", ".join(str(tile) for tile in named) + more
