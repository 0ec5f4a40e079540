"""The directories of a PMTiles file: which tiles it holds, and where, by runs along the curve.

Directories are read when a tile needs them, and the last ones kept, so that memory stays flat. An entry of a few bytes
may stand for a thousand million equal tiles, and rightly so: nothing here goes through them one by one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.disk.files import PositionedFile
from tilepack.errors import BundleError
from tilepack.formats import pmtiles
from tilepack.formats.bundle import LARGEST_TILE
from tilepack.formats.hilbert import bundle_numbers, bundle_places, bundles_at, curve_through, first_number, tiles_at
from tilepack.formats.pmtiles import Entries
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey
from tilepack.metadata.web_mercator import LAST_ZOOM

_DEEPEST: Final = 3
"""Leaf directories below one another; one level is usual."""
_KEPT: Final = 1 << 20
"""Entries of leaf directories that are remembered: 32 MB."""
_RUN_WINDOWS: Final = 1 << 17
"""Windows of 128 x 128 tiles that may come of runs whatever the file's size: all zooms to the 15th of one ocean."""
_ENTRY_WINDOWS: Final = 64
"""Windows more for each entry of a directory; an entry of a few bytes could claim 65,536."""
_LONGEST_RUN: Final = 1 << 30
"""Equal tiles in a row: the planet at zoom 15."""

_WHOLE: Final = 7
"""The first zoom that has as many tiles as a window."""
_END: Final = first_number(LAST_ZOOM + 1)

Numbers = NDArray[np.int64]


class PmtilesDirectories:
    """The directories of an open file. Safe to share among threads."""

    def __init__(self, file: PositionedFile, header: dict[str, Any], place: str) -> None:
        """Read the root directory.

        Args:
            file: The file.
            header: Its header, as ``parse_header`` gives it.
            place: What to call the file in messages.

        Raises:
            BundleError: The root directory is damaged.
        """
        self._file = file
        self._header = header
        self._place = place
        self._leaves: OrderedDict[tuple[int, int], Entries] = OrderedDict()
        self._remembered = 0
        self._lock = threading.Lock()
        self._windows: dict[int, list[BundleKey]] = {}
        self._alike: dict[BundleKey, tuple[int, int]] = {}
        self._by_runs = self._in_all = 0
        """Windows of the zooms looked at so far: those that only runs give reason for, and all."""
        self._root = self._read("root directory", "root", 0, header["root_length"])
        self._check(self._root, 0, _END, "root directory")

    def _read(self, what: str, section: str, offset: int, length: int) -> Entries:
        """Read a directory of a section."""
        place = f"{self._place}: {what}"
        if not 0 <= offset <= self._header[f"{section}_length"] - length:
            raise BundleError(f"{place}: is said to lie outside its section; take the file from a backup")
        data = self._file.read(length, self._header[f"{section}_offset"] + offset)
        return pmtiles.parse_directory(data, self._header["internal_compression"], place=place)

    def _check(self, entries: Entries, start: int, stop: int, what: str) -> None:
        """See that a directory keeps to the tiles it is for, and its tiles to the file."""
        numbers, runs, offsets, lengths = entries
        if not numbers.size:
            return
        if numbers[0] < start or int(numbers[-1]) + max(int(runs[-1]), 1) > stop:
            raise BundleError(
                f"{self._place}: {what}: has entries for tiles that it is not for, or beyond zoom {LAST_ZOOM}; take "
                f"the file from a backup"
            )
        if runs.max() > _LONGEST_RUN:
            raise BundleError(f"{self._place}: {what}: has a run of {runs.max():,} equal tiles; nobody has so many")
        tiles = runs > 0
        if tiles.any() and (offsets + lengths)[tiles].max() > self._header["tile_data_length"]:
            raise BundleError(f"{self._place}: {what}: has tiles beyond the end of their section; it is truncated")
        if tiles.any() and lengths[tiles].max() > LARGEST_TILE:
            raise BundleError(f"{self._place}: {what}: has a tile of {lengths.max()} bytes; {LARGEST_TILE} is the most")

    def _leaf(self, offset: int, length: int, start: int, stop: int) -> Entries:
        """Give a leaf directory; the last ones are kept."""
        with self._lock:
            known = self._leaves.get((offset, start))
        if known is not None:
            return known
        what = f"leaf directory at byte {offset}"
        entries = self._read(what, "leaf_directory", offset, length)
        if not entries.numbers.size:
            raise BundleError(f"{self._place}: {what}: is empty; take the file from a backup")
        self._check(entries, start, stop, what)
        with self._lock:
            if (offset, start) not in self._leaves:
                self._leaves[offset, start] = entries
                self._remembered += entries.numbers.size
            while self._remembered > _KEPT and len(self._leaves) > 1:
                self._remembered -= self._leaves.popitem(last=False)[1].numbers.size
        return entries

    def entries(self, start: int, stop: int) -> Iterator[Entries]:
        """Yield the entries of tiles with numbers in a range, in order, leaf by leaf.

        Raises:
            BundleError: A directory is damaged.
        """
        yield from self._entries_in(self._root, _END, start, stop, 0)

    def _entries_in(self, found: Entries, end: int, start: int, stop: int, depth: int) -> Iterator[Entries]:
        numbers, runs, offsets, lengths = found
        if depth > _DEEPEST:
            raise BundleError(f"{self._place}: its leaf directories lead to one another; take the file from a backup")
        first, last = int(np.searchsorted(numbers, start, "right")), int(np.searchsorted(numbers, stop, "left"))
        if first and (not runs[first - 1] or numbers[first - 1] + runs[first - 1] > start):
            first -= 1  # it began before, and reaches into the range
        before = first
        for at in (np.flatnonzero(runs[first:last] == 0) + first).tolist():
            if at > before:
                yield Entries(*(field[before:at] for field in found))
            behind = int(numbers[at + 1]) if at + 1 < numbers.size else end
            leaf = self._leaf(int(offsets[at]), int(lengths[at]), int(numbers[at]), behind)
            yield from self._entries_in(leaf, behind, start, stop, depth + 1)
            before = at + 1
        if last > before:
            yield Entries(*(field[before:last] for field in found))

    def windows(self, level: int) -> list[BundleKey]:
        """Give the windows of a zoom that hold tiles, by row, then column.

        Raises:
            BundleError: A directory is damaged, or claims more than can be.
        """
        if level not in self._windows:
            start, stop = first_number(level), first_number(level + 1)
            places: list[Numbers] = [np.zeros(0, np.int64)]
            for part in self.entries(start, stop):
                firsts = bundle_places(level, np.maximum(part.numbers, start))
                lasts = bundle_places(level, np.minimum(part.numbers + part.runs, stop) - 1)
                counts = lasts - firsts + 1
                self._admit(int(counts.sum()), counts.size, level)
                places.append(np.unique(np.repeat(firsts, counts) + _steps(counts)))
                self._note_alike(level, part)
            self._windows[level] = bundles_at(level, np.unique(np.concatenate(places)))
        return self._windows[level]

    def _admit(self, windows: int, entries: int, level: int) -> None:
        """Count windows that entries claim, before they are named; refuse more than a file like this one has."""
        self._in_all += windows
        self._by_runs += max(0, windows - _ENTRY_WINDOWS * entries)
        told = self._header["addressed_tiles_count"] or _LONGEST_RUN * 2
        most = min(_RUN_WINDOWS, -(-told // TILES_PER_BUNDLE))
        if self._by_runs > most or self._in_all > _RUN_WINDOWS + self._file.size():
            raise BundleError(
                f"{self._place}: says to have more equal tiles of zoom {level} than its header counts, or than a file "
                f"of its size has; take it from a backup"
            )

    def _note_alike(self, level: int, part: Entries) -> None:
        """Remember windows of which all tiles belong to one run."""
        if level < _WHOLE:
            return
        start, stop = first_number(level), first_number(level + 1)
        firsts = -(-(np.maximum(part.numbers, start) - start) // TILES_PER_BUNDLE)
        counts = np.maximum(0, (np.minimum(part.numbers + part.runs, stop) - start) // TILES_PER_BUNDLE - firsts)
        columns, rows = tiles_at(level - _WHOLE, np.repeat(firsts, counts) + _steps(counts))
        there = zip(np.repeat(part.offsets, counts).tolist(), np.repeat(part.lengths, counts).tolist(), strict=True)
        for row, column, span in zip(rows.tolist(), columns.tolist(), there, strict=True):
            self._alike[BundleKey(level, row * PACKET_SIZE, column * PACKET_SIZE)] = span

    def alike(self, bundle: BundleKey) -> tuple[int, int] | None:
        """Give offset and length of the data that all tiles of a full window share, where ``windows`` found it so."""
        return self._alike.get(bundle)

    def held(self, bundle: BundleKey) -> tuple[Numbers, Numbers, Numbers]:
        """Give positions, offsets and lengths of a window's tiles, along the curve.

        Raises:
            BundleError: A directory is damaged.
        """
        start, stop = bundle_numbers(bundle)
        places: list[Numbers] = [np.zeros(0, np.int64)]
        offsets: list[Numbers] = [np.zeros(0, np.int64)]
        lengths: list[Numbers] = [np.zeros(0, np.int64)]
        for part in self.entries(start, stop):
            firsts = np.maximum(part.numbers, start) - start
            counts = np.minimum(part.numbers + part.runs, stop) - start - firsts
            places.append(np.repeat(firsts, counts) + _steps(counts))
            offsets.append(np.repeat(part.offsets, counts))
            lengths.append(np.repeat(part.lengths, counts))
        at = curve_through(bundle)[np.concatenate(places)]
        return at, np.concatenate(offsets), np.concatenate(lengths)


def _steps(counts: Numbers) -> Numbers:
    """Give 0, 1, 2 ... for each count anew."""
    steps: Numbers = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return steps
