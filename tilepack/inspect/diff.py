"""Comparing two caches: which tiles only one has, which differ, and what their documents say differently."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from tilepack.aoi_given import AreaLike, read_areas
from tilepack.aoi_levels import AreasByLevel
from tilepack.errors import AreaOfInterestError, TilingSchemeError
from tilepack.inspect.bundle_verdicts import BundleComparer, BundleFindings, BundlePair
from tilepack.inspect.difference import (
    LISTED,
    BundleDifference,
    CacheDifference,
    DifferenceCounts,
    LevelDifference,
    TileDifference,
)
from tilepack.inspect.metadata_difference import compare_metadata, find_level, grid_differences
from tilepack.inspect.tile_verdicts import PixelComparer
from tilepack.keys import BundleKey, TileKey
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.selection import LevelSelection
from tilepack.stores.base import TileReader
from tilepack.stores.extents import declared_in_map_units
from tilepack.stores.open import open_cache

_AHEAD: Final = 4
"""Bundles that wait for each thread: so many that none idles, so few that memory stays flat."""


class _Levels(NamedTuple):
    """A level of one resolution in both caches."""

    a: int | None
    b: int | None
    lod: LevelOfDetail | None


def diff(
    a: str | Path,
    b: str | Path,
    *,
    pixels: bool = False,
    levels: str | Iterable[int] | None = None,
    scales: str | Iterable[float] | None = None,
    area: AreaLike | Sequence[AreaLike] | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CacheDifference:
    """Compare two caches or packages: tile by tile, and by what their documents say.

    Levels are matched by resolution, their numbers may differ. Tiles are compared by their bytes; how they are stored
    does not matter, so that a cache and what it was converted into are the same. What counts as a difference of the
    documents, and what is a mere note, `tilepack.inspect.metadata_difference` says. Where the two lie on different
    grids no tile is compared, and the result says why.

    A damaged bundle is a finding of the result, and its tiles are not compared; the others are.

    Args:
        a: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        b: Another.
        pixels: Decode tiles whose bytes differ, and compare what they show, transparency included; colours under alpha
            0 show nothing. Tiles of the same pixels are the same. One that cannot be decoded differs, with the reason,
            unless its bytes are the same. LERC tiles are compared by bytes all the same.
        levels: LevelIDs of the first cache, as ``"0-7,9"`` or numbers; None for all that hold tiles in either.
        scales: Scale denominators instead of levels.
        area: Compare the tiles in an area of interest, or in several for ranges of levels. Tiles on its edge are
            compared whole; with ``pixels``, only their pixels inside, and one that shows nothing inside is left out: a
            source and its export by the same area are the same.
        jobs: Threads; None for as many as there are processors.
        progress: Called with the number of bundles compared, and that of all.

    Raises:
        CacheNotFoundError: There is no cache.
        MetadataError: A document is malformed.
        TilingSchemeError: A level that was named does not exist, or levels and scales were both given.
        AreaOfInterestError: The area cannot be read, or no tile lies in it.
        BundleError: A package, or the name of a bundle, is malformed.
        TransferError: Reading failed.
    """
    selection = LevelSelection.of(levels, scales)
    with open_cache(a) as here, open_cache(b) as there:
        return _Comparison(here, there, pixels=pixels).carry_out(selection, area, jobs, progress)


@dataclass(slots=True)
class _Tally:
    """What was found so far."""

    levels: dict[_Levels, DifferenceCounts] = field(default_factory=dict)
    bundles: list[BundleDifference] = field(default_factory=list)
    only_a: list[TileKey] = field(default_factory=list)
    only_b: list[TileKey] = field(default_factory=list)
    differing: list[TileDifference] = field(default_factory=list)
    left_out: int = 0

    def add(self, levels: _Levels, found: BundleFindings) -> None:
        difference = found.difference
        self.levels[levels] += difference.counts
        self.left_out += found.left_out
        if difference.damage or not difference.counts.is_same:
            self.bundles.append(difference)
        self.only_a += found.only_a[: LISTED - len(self.only_a)]
        self.only_b += found.only_b[: LISTED - len(self.only_b)]
        self.differing += found.differing[: LISTED - len(self.differing)]


class _Comparison:
    """Two open caches, being compared."""

    def __init__(self, a: TileReader, b: TileReader, *, pixels: bool) -> None:
        self._a = a
        self._b = b
        self._warnings: list[str] = []
        self._pixels: PixelComparer | None = None
        no_images = [info.tile_format for info in (a.info, b.info) if not info.tile_format.is_image]
        if pixels and no_images:
            self._warnings.append(f"{no_images[0]} tiles are no images: they are compared by their bytes")
        elif pixels:
            self._pixels = PixelComparer(a.info.scheme.tile_width, a.info.scheme.tile_height)

    def carry_out(
        self,
        selection: LevelSelection,
        area: AreaLike | Sequence[AreaLike] | None,
        jobs: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> CacheDifference:
        a, b = self._a, self._b
        whole = area is None and selection == LevelSelection()
        grid = grid_differences(a.info.scheme, b.info.scheme)
        differences, notes = compare_metadata(a.info, b.info, whole=whole)
        notes += _substitute_notes(a, b)
        if grid:
            return CacheDifference(
                a=a.place,
                b=b.place,
                pixels_compared=False,
                metadata=(*grid, *differences),
                notes=tuple(notes),
                is_comparable=False,
            )
        matched = self._match_levels(selection)
        areas = None if area is None else self._read_areas(area, matched)
        tally = _Tally(levels=dict.fromkeys(matched, DifferenceCounts()))
        self._compare_all(tally, areas, jobs or os.cpu_count() or 1, progress)
        if areas is not None and tally.left_out and not any(counts.tiles for counts in tally.levels.values()):
            self._refuse_a_miss(areas[0], matched)
        return CacheDifference(
            a=a.place,
            b=b.place,
            pixels_compared=self._pixels is not None,
            metadata=tuple(differences),
            notes=tuple(notes),
            warnings=tuple(self._warnings),
            levels=tuple(_level_difference(levels, counts) for levels, counts in tally.levels.items()),
            bundles=tuple(tally.bundles),
            only_a=tuple(tally.only_a),
            only_b=tuple(tally.only_b),
            differing=tuple(tally.differing),
        )

    def _match_levels(self, selection: LevelSelection) -> list[_Levels]:
        """Choose the levels by the first cache's numbers, and find for each its counterpart in the second."""
        here, there = self._a.info.scheme, self._b.info.scheme
        held_a, held_b = ([level for level in cache.levels() if cache.bundles(level)] for cache in (self._a, self._b))
        in_a = {level: _counterpart(there, level, here) for level in held_b}
        held = sorted({*held_a, *(level for level in in_a.values() if level is not None)})
        try:
            chosen, warnings = selection.choose(here, held)
        except TilingSchemeError as error:
            raise TilingSchemeError(f"{self._a.place}: {error}") from error
        self._warnings += warnings
        matched = [_Levels(level, _counterpart(here, level, there), _lod(here, level)) for level in chosen]
        if selection == LevelSelection():
            matched += [_Levels(None, level, _lod(there, level)) for level, other in in_a.items() if other is None]
        return matched

    def _read_areas(
        self, area: AreaLike | Sequence[AreaLike], matched: Sequence[_Levels]
    ) -> tuple[AreasByLevel, AreasByLevel]:
        """Read areas by the levels of the first cache, and where only the second has a level by its own."""
        areas = read_areas(area, self._a.info.scheme)
        areas.require_levels(levels.a for levels in matched if levels.a is not None)
        self._warnings += areas.warnings
        alone = [levels.b for levels in matched if levels.a is None and levels.b is not None]
        if not alone:
            return areas, areas
        others = read_areas(area, self._b.info.scheme)
        others.require_levels(alone)
        return areas, others

    def _compare_all(
        self,
        tally: _Tally,
        areas: tuple[AreasByLevel, AreasByLevel] | None,
        jobs: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        pairs = [(levels, pair) for levels in tally.levels for pair in self._bundle_pairs(levels)]
        bundles, chunks = ThreadPoolExecutor(jobs, "tilepack"), ThreadPoolExecutor(jobs, "tilepack-tiles")
        comparer = BundleComparer(self._a, self._b, pixels=self._pixels, areas=areas, chunks=chunks)
        try:
            for done, (levels, found) in enumerate(_in_order(bundles, comparer.compare, pairs, _AHEAD * jobs), 1):
                tally.add(levels, found)
                if progress is not None:
                    progress(done, len(pairs))
        finally:
            chunks.shutdown(wait=True, cancel_futures=True)  # first, for the others wait for these
            bundles.shutdown(wait=True, cancel_futures=True)

    def _bundle_pairs(self, levels: _Levels) -> Iterator[BundlePair]:
        """Give the windows of a level that either cache lists, by row, then column."""
        in_a = set() if levels.a is None else {(key.row, key.column) for key in self._a.bundles(levels.a)}
        in_b = set() if levels.b is None else {(key.row, key.column) for key in self._b.bundles(levels.b)}
        for corner in sorted(in_a | in_b):
            yield BundlePair(
                a=None if levels.a is None else BundleKey(levels.a, *corner),
                b=None if levels.b is None else BundleKey(levels.b, *corner),
                in_a=corner in in_a,
                in_b=corner in in_b,
            )

    def _refuse_a_miss(self, areas: AreasByLevel, matched: Iterable[_Levels]) -> None:
        """Say how far off the area lies: a comparison of nothing must not end as one of equals."""
        level = next((levels.a for levels in matched if levels.a is not None), None)
        for reader in (self._a, self._b):
            extent = next((extent for _, extent in declared_in_map_units(reader)), None)
            if extent is not None and level is not None:
                areas.at(level).require_meeting(extent, reader.place)
        raise AreaOfInterestError(
            f"{self._a.place}: nothing of it lies in the area of interest, nor of {self._b.place}; choose another area "
            f"or level"
        )


def _in_order(
    pool: ThreadPoolExecutor,
    compare: Callable[[BundlePair], BundleFindings],
    pairs: Iterable[tuple[_Levels, BundlePair]],
    ahead: int,
) -> Iterator[tuple[_Levels, BundleFindings]]:
    """Compare windows in threads, not more than so many ahead of the one whose findings are given next."""
    waiting: deque[tuple[_Levels, Future[BundleFindings]]] = deque()
    for levels, pair in pairs:
        waiting.append((levels, pool.submit(compare, pair)))
        if len(waiting) > ahead:
            yield _finished(*waiting.popleft())
    while waiting:
        yield _finished(*waiting.popleft())


def _finished(levels: _Levels, future: Future[BundleFindings]) -> tuple[_Levels, BundleFindings]:
    while not future.done():
        wait([future], timeout=1)  # in turns of a second: Windows hears Ctrl-C only between waits
    return levels, future.result()


def _lod(scheme: TilingScheme, level: int) -> LevelOfDetail | None:
    return next((lod for lod in scheme.levels if lod.level == level), None)


def _counterpart(scheme: TilingScheme, level: int, other: TilingScheme) -> int | None:
    """Give the number that another scheme has for a level.

    Tiles may lie on levels that no scheme has: those are the same where their numbers are.
    """
    lod = _lod(scheme, level)
    if lod is None:
        return level if _lod(other, level) is None else None
    found = find_level(other, lod.resolution, level)
    return None if found is None else found.level


def _level_difference(levels: _Levels, counts: DifferenceCounts) -> LevelDifference:
    return LevelDifference(
        level_a=levels.a,
        level_b=levels.b,
        resolution=levels.lod.resolution if levels.lod else None,
        scale=levels.lod.scale if levels.lod else None,
        counts=counts,
    )


def _substitute_notes(a: TileReader, b: TileReader) -> Iterator[str]:
    """Say where what a server shows for missing tiles differs."""
    for name in sorted({*a.substitutes, *b.substitutes}):
        here, there = a.substitutes.get(name), b.substitutes.get(name)
        if here is None or there is None:
            yield f"{name} lies beside the levels {'there' if here is None else 'here'} alone"
        elif here != there:
            yield f"{name} is another file here than there"
