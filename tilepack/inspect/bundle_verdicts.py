"""Comparing the tiles of two caches bundle by bundle.

Indexes come first: which tiles there are, and how long they are, settles most of what differs. Tiles of one length are
read. Where both caches hold a bundle's slots in the same order, the two files are compared as they lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilepack.aoi_levels import AreasByLevel
from tilepack.errors import BundleError, TileError, TransferError
from tilepack.inspect.difference import LISTED, BundleDifference, DifferenceCounts, TileDifference
from tilepack.inspect.tile_verdicts import Mask, PixelComparer, TileVerdict, Verdict
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.pixels.coverage import Coverage
from tilepack.stores.base import RawBundle, SupportsRawRead, TileReader

Sizes = NDArray[np.int64]
Positions = NDArray[np.int64]

_PIECE: Final = 1 << 18
"""Bytes of two files read and compared at once."""

_CHUNK_BYTES: Final = 1 << 24
"""Bytes of tiles that a thread holds, give or take a tile."""

_CHUNK_TILES: Final = 4096
_CHUNK_DECODED: Final = 128
"""Tiles that a thread takes at a time: fewer where they may have to be decoded, so that all threads have work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePair:
    """A window of 128 x 128 tiles in both caches."""

    a: BundleKey | None
    """In the first; None where it has no such level."""
    b: BundleKey | None
    """In the second; likewise."""
    in_a: bool
    """Whether the first lists a bundle there."""
    in_b: bool
    """Whether the second does."""

    @property
    def name(self) -> BundleKey:
        """What to call it: as the first cache does, if it has the level."""
        name = self.a or self.b
        if name is None:
            raise ValueError("a window lies in one of the caches")
        return name

    @property
    def listed_a(self) -> BundleKey | None:
        """The bundle of the first cache, None where it lists none."""
        return self.a if self.in_a else None

    @property
    def listed_b(self) -> BundleKey | None:
        """The bundle of the second cache, likewise."""
        return self.b if self.in_b else None


class BundleFindings(NamedTuple):
    """What came of comparing a window."""

    difference: BundleDifference
    left_out: int
    """Tiles that either cache has, and that do not lie in the area."""
    only_a: list[TileKey]
    """The first of them; likewise the others."""
    only_b: list[TileKey]
    differing: list[TileDifference]


class BundleComparer:
    """Compares windows of two caches. Threads may share it."""

    def __init__(
        self,
        a: TileReader,
        b: TileReader,
        *,
        pixels: PixelComparer | None,
        areas: tuple[AreasByLevel, AreasByLevel] | None,
        chunks: Executor,
    ) -> None:
        """Keep what all windows share.

        Args:
            a: The first cache.
            b: The second.
            pixels: Compares tiles of other bytes; None to leave it at the bytes.
            areas: What to compare, by the levels of the first cache and by those of the second; None for all.
            chunks: Where tiles are read and compared; not the threads that call ``compare``, which wait for them.
        """
        self._a = a
        self._b = b
        self._pixels = pixels
        self._areas = areas
        self._chunks = chunks

    def compare(self, pair: BundlePair) -> BundleFindings:
        """Compare a window; a damaged bundle is a finding.

        Raises:
            TransferError: Reading failed, or a file changed meanwhile.
        """
        try:
            return self._compare(pair)
        except (BundleError, TileError) as error:
            damaged = BundleDifference(bundle=pair.name, counts=DifferenceCounts(), damage=str(error))
            return BundleFindings(damaged, 0, [], [], [])

    def _compare(self, pair: BundlePair) -> BundleFindings:
        sizes_a, sizes_b = _sizes(self._a, pair.listed_a), _sizes(self._b, pair.listed_b)
        cover = self._coverage(pair)
        inside, crossing = cover != Coverage.OUTSIDE, cover == Coverage.CROSSING
        in_a, in_b = inside & (sizes_a > 0), inside & (sizes_b > 0)
        both = in_a & in_b
        verdicts = np.full(TILES_PER_BUNDLE, Verdict.LEFT_OUT, np.uint8)
        verdicts[in_a & ~in_b] = Verdict.ONLY_A
        verdicts[in_b & ~in_a] = Verdict.ONLY_B
        verdicts[both] = np.where(sizes_a[both] == sizes_b[both], Verdict.SAME, Verdict.DIFFERING)
        to_read = verdicts == Verdict.SAME
        if self._pixels is not None:
            to_read = both | (crossing & (in_a | in_b))
        found: dict[int, TileVerdict] = {}
        whole = np.array_equal(sizes_a, sizes_b) and bool((cover[sizes_a > 0] == Coverage.INSIDE).all())
        if to_read.any() and not (whole and self._has_same_slots(pair)):
            found = self._read(pair, to_read, sizes_a + sizes_b, crossing)
            for position, each in found.items():
                verdicts[position] = each.verdict
        held = int(np.count_nonzero((sizes_a > 0) | (sizes_b > 0)))
        return BundleFindings(
            BundleDifference(bundle=pair.name, counts=_count(verdicts, found)),
            held - int(np.count_nonzero(verdicts)),
            _keys(pair.a, verdicts, Verdict.ONLY_A),
            _keys(pair.b, verdicts, Verdict.ONLY_B),
            [
                _difference(tile, at, sizes_a, sizes_b, found.get(at))
                for tile, at in _named(pair.a, verdicts, Verdict.DIFFERING)
            ],
        )

    def _coverage(self, pair: BundlePair) -> NDArray[np.uint8]:
        """Classify the tiles of a window, shape (16384,); without an area all are inside."""
        if self._areas is None:
            return np.full(TILES_PER_BUNDLE, Coverage.INSIDE, np.uint8)
        areas = self._areas[0 if pair.a is not None else 1]
        return areas.coverage(pair.name.tiles()).reshape(TILES_PER_BUNDLE)

    def _mask(self, pair: BundlePair, position: int) -> Mask | None:
        if self._areas is None:
            return None
        return self._areas[0 if pair.a is not None else 1].mask(pair.name.tile(position))

    def _has_same_slots(self, pair: BundlePair) -> bool:
        """Tell whether both bundles lie in their files byte by byte alike; False where only the tiles can tell."""
        here, there = self._a, self._b
        if pair.listed_a is None or pair.listed_b is None:
            return False
        if not (isinstance(here, SupportsRawRead) and isinstance(there, SupportsRawRead)):
            return False
        a = here.raw(pair.listed_a)
        if a is None:
            return False
        with a.data:
            b = there.raw(pair.listed_b)
            if b is None:
                return False
            with b.data:
                return _are_same_slots(a, b)

    def _read(self, pair: BundlePair, to_read: Mask, sizes: Sizes, crossing: Mask) -> dict[int, TileVerdict]:
        """Read tiles and give what that tells of them, by position."""
        tiles = _CHUNK_TILES if self._pixels is None else _CHUNK_DECODED

        def compare(chunk: Positions) -> list[TileVerdict]:
            return list(self._verdicts(pair, chunk, crossing))

        chunks = _chunks(np.flatnonzero(to_read), sizes, tiles)
        return {each.position: each for found in self._chunks.map(compare, chunks) for each in found}

    def _verdicts(self, pair: BundlePair, chunk: Positions, crossing: Mask) -> Iterator[TileVerdict]:
        wanted = np.zeros(TILES_PER_BUNDLE, np.bool_)
        wanted[chunk] = True
        there = dict(_tiles(self._b, pair.listed_b, wanted))
        seen = 0
        for position, data in _tiles(self._a, pair.listed_a, wanted):
            seen += 1
            yield self._verdict(pair, position, data, there.pop(position, None), crossing)
        for position, data in there.items():
            seen += 1
            yield self._verdict(pair, position, None, data, crossing)
        if seen != chunk.size:
            raise TransferError(f"{pair.name}: changed while it was compared; leave the caches alone and start again")

    def _verdict(
        self, pair: BundlePair, position: int, a: bytes | None, b: bytes | None, crossing: Mask
    ) -> TileVerdict:
        if self._pixels is None:
            return TileVerdict(position, Verdict.SAME if a == b else Verdict.DIFFERING)
        mask = self._mask(pair, position) if crossing[position] else None
        return self._pixels.compare(position, a, b, mask)


def _sizes(reader: TileReader, bundle: BundleKey | None) -> Sizes:
    return np.zeros(TILES_PER_BUNDLE, np.int64) if bundle is None else reader.index(bundle)


def _tiles(reader: TileReader, bundle: BundleKey | None, wanted: Mask) -> Iterator[tuple[int, bytes]]:
    if bundle is not None:
        for tile, data in reader.tiles(bundle, wanted):
            yield (tile.row - bundle.row) * PACKET_SIZE + tile.column - bundle.column, data


def _are_same_slots(a: RawBundle, b: RawBundle) -> bool:
    if a.slot_bytes != b.slot_bytes or not np.array_equal(a.order, b.order):
        return False
    if not np.array_equal(a.index.starts[a.order] - a.first_slot, b.index.starts[b.order] - b.first_slot):
        return False
    for position in range(0, a.slot_bytes, _PIECE):
        count = min(_PIECE, a.slot_bytes - position)
        if a.data.read(count, a.first_slot + position) != b.data.read(count, b.first_slot + position):
            return False
    return True


def _chunks(positions: Positions, sizes: Sizes, tiles: int) -> list[Positions]:
    """Part tiles into groups of so many, and of not much more bytes than a thread may hold."""
    groups = np.cumsum(sizes[positions]) // _CHUNK_BYTES
    starts = np.flatnonzero(np.diff(groups)) + 1
    return [part[first : first + tiles] for part in np.split(positions, starts) for first in range(0, part.size, tiles)]


def _count(verdicts: NDArray[np.uint8], found: dict[int, TileVerdict]) -> DifferenceCounts:
    numbers = np.bincount(verdicts, minlength=len(Verdict)).tolist()
    return DifferenceCounts(
        only_a=numbers[Verdict.ONLY_A],
        only_b=numbers[Verdict.ONLY_B],
        differing=numbers[Verdict.DIFFERING],
        same=numbers[Verdict.SAME] + numbers[Verdict.RECODED],
        recoded=numbers[Verdict.RECODED],
        undecodable=sum(bool(each.reason) for each in found.values()),
        pixels=sum(each.pixels or 0 for each in found.values()),
        largest=max((each.largest for each in found.values() if each.largest), default=None),
    )


def _named(bundle: BundleKey | None, verdicts: NDArray[np.uint8], verdict: Verdict) -> list[tuple[TileKey, int]]:
    """Name the first tiles of which a verdict was found, with their positions."""
    if bundle is None:
        return []
    return [(bundle.tile(at), at) for at in np.flatnonzero(verdicts == verdict)[:LISTED].tolist()]


def _keys(bundle: BundleKey | None, verdicts: NDArray[np.uint8], verdict: Verdict) -> list[TileKey]:
    return [tile for tile, _ in _named(bundle, verdicts, verdict)]


def _difference(tile: TileKey, at: int, sizes_a: Sizes, sizes_b: Sizes, found: TileVerdict | None) -> TileDifference:
    return TileDifference(
        tile=tile,
        bytes_a=int(sizes_a[at]),
        bytes_b=int(sizes_b[at]),
        pixels=None if found is None else found.pixels,
        largest=None if found is None else found.largest,
        reason="" if found is None else found.reason,
    )
