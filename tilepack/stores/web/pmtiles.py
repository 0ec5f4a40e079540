"""Reading PMTiles: one file, tiles numbered along a Hilbert curve, found through directories of runs.

Directories are read when a tile needs them, and the last ones kept, so that memory stays flat.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import StorageFormat
from tilepack.disk.files import PositionedFile
from tilepack.errors import BundleError, MetadataError, UnsupportedError
from tilepack.formats import pmtiles
from tilepack.formats.bundle import LARGEST_TILE
from tilepack.formats.hilbert import (
    bundle_numbers,
    bundle_places,
    bundles_at,
    curve_through,
    first_number,
    tile_numbers,
)
from tilepack.formats.pmtiles import Entries
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.metadata.json_documents import parse_json
from tilepack.metadata.web_mercator import LAST_ZOOM
from tilepack.metadata.web_metadata import parse_web_metadata
from tilepack.stores.base import OpenBundle
from tilepack.stores.documents import OpeningWarning
from tilepack.stores.web.reader import Sizes, WebReader, lay_out
from tilepack.stores.windows import Window

_DEEPEST: Final = 3
"""Leaf directories below one another; one level is usual."""
_KEPT: Final = 64
"""Leaf directories that are remembered."""
_RUN_WINDOWS: Final = 1 << 17
"""Windows of 128 x 128 tiles that may come of runs whatever the file's size: all zooms to the 15th of one ocean."""
_ENTRY_WINDOWS: Final = 64
"""Windows more for each entry of a directory; an entry of a few bytes could claim 65,536."""
_LONGEST_RUN: Final = 1 << 30
"""Equal tiles in a row: the planet at zoom 15."""
_LARGEST_METADATA: Final = 64 << 20
_SAMPLED: Final = 2
"""Tiles of each zoom whose first bytes are looked at when the file is opened."""
_START: Final = 4096
"""Bytes of a tile that tell what it is."""
_PIECE: Final = 1 << 20
"""Bytes read at once where tiles follow one another."""

_TYPES: Final = {pmtiles.MVT: "pbf", pmtiles.PNG: "png", pmtiles.JPEG: "jpg", pmtiles.WEBP: "webp"}

_END: Final = first_number(LAST_ZOOM + 1)


class PmtilesReader(WebReader):
    """A PMTiles file, open for reading."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Args:
            path: The file.

        Raises:
            BundleError: It is no PMTiles, or damaged.
            UnsupportedError: It is of another version, or compressed in a way that is not read.
            TransferError: It cannot be read.
        """
        super().__init__(str(path))
        self._file = PositionedFile(path)
        self._leaves: OrderedDict[tuple[int, int], Entries] = OrderedDict()
        self._lock = threading.Lock()
        self._windows: dict[int, list[BundleKey]] = {}
        self._claimed = 0
        """Windows of the zooms looked at so far that only runs give reason for."""
        try:
            head = self._file.read(pmtiles.HEADER_SIZE, 0)
            self._header = pmtiles.parse_header(head, size=self._file.size(), place=self.place)
            self._refuse_compressed()
            self._root = self._directory("root directory", "root", 0, self._header["root_length"])
            self._check(self._root, 0, _END, "root directory")
            self._levels = self._find_levels()
            said = parse_web_metadata(self._metadata(), place=f"{path}: metadata")
            name = Path(os.path.abspath(path)).stem  # noqa: PTH100  resolves no links: they are the user's names
            self._describe(said, StorageFormat.PMTILES, name, self._starts(), "header")
        except BaseException:
            self.close()
            raise

    def _refuse_compressed(self) -> None:
        """Refuse tiles that are packed in a way that nothing else than PMTiles can say."""
        packed, is_vector = self._header["tile_compression"], self._header["tile_type"] == pmtiles.MVT
        if packed > pmtiles.GZIP or (packed == pmtiles.GZIP and not is_vector):
            raise UnsupportedError(
                f"{self.place}: its tiles are compressed once more, in way {packed} of PMTiles; tilepack reads them as "
                f"they are, vector tiles gzipped too"
            )

    def _directory(self, what: str, section: str, offset: int, length: int) -> Entries:
        """Read a directory of a section."""
        place = f"{self.place}: {what}"
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
                f"{self.place}: {what}: has entries for tiles that it is not for, or beyond zoom {LAST_ZOOM}; take the "
                f"file from a backup"
            )
        if runs.max() > _LONGEST_RUN:
            raise BundleError(f"{self.place}: {what}: has a run of {runs.max():,} equal tiles; nobody has so many")
        tiles = runs > 0
        if tiles.any() and (offsets + lengths)[tiles].max() > self._header["tile_data_length"]:
            raise BundleError(f"{self.place}: {what}: has tiles beyond the end of their section; it is truncated")
        if tiles.any() and lengths[tiles].max() > LARGEST_TILE:
            raise BundleError(f"{self.place}: {what}: has a tile of {lengths.max()} bytes; {LARGEST_TILE} is the most")

    def _leaf(self, offset: int, length: int, start: int, stop: int) -> Entries:
        """Give a leaf directory; the last ones are kept."""
        with self._lock:
            known = self._leaves.get((offset, start))
        if known is not None:
            return known
        what = f"leaf directory at byte {offset}"
        entries = self._directory(what, "leaf_directory", offset, length)
        if not entries.numbers.size:
            raise BundleError(f"{self.place}: {what}: is empty; take the file from a backup")
        self._check(entries, start, stop, what)
        with self._lock:
            self._leaves[offset, start] = entries
            if len(self._leaves) > _KEPT:
                self._leaves.popitem(last=False)
        return entries

    def _entries(self, start: int, stop: int) -> Iterator[Entries]:
        """Yield the entries of tiles with numbers in a range, in order, leaf by leaf."""
        yield from self._entries_in(self._root, _END, start, stop, 0)

    def _entries_in(self, found: Entries, end: int, start: int, stop: int, depth: int) -> Iterator[Entries]:
        numbers, runs, offsets, lengths = found
        if depth > _DEEPEST:
            raise BundleError(f"{self.place}: its leaf directories lead to one another; take the file from a backup")
        ends = np.where(runs > 0, numbers + runs, np.append(numbers[1:], end))
        first, last = int(np.searchsorted(ends, start, "right")), int(np.searchsorted(numbers, stop, "left"))
        pointers = np.flatnonzero(runs[first:last] == 0) + first
        before = first
        for at in pointers.tolist():
            if at > before:
                yield Entries(*(field[before:at] for field in found))
            leaf = self._leaf(int(offsets[at]), int(lengths[at]), int(numbers[at]), int(ends[at]))
            yield from self._entries_in(leaf, int(ends[at]), start, stop, depth + 1)
            before = at + 1
        if last > before:
            yield Entries(*(field[before:last] for field in found))

    def _find_levels(self) -> list[int]:
        return [
            zoom
            for zoom in range(LAST_ZOOM + 1)
            if next(self._entries(first_number(zoom), first_number(zoom + 1)), None) is not None
        ]

    def _metadata(self) -> dict[str, Any]:
        header = self._header
        said: dict[str, Any] = {"format": _TYPES.get(header["tile_type"], "")}
        if header["metadata_length"]:
            data = self._file.read(min(header["metadata_length"], _LARGEST_METADATA), header["metadata_offset"])
            place = f"{self.place}: metadata"
            try:
                packed = header["internal_compression"]
                data = pmtiles.unpack(data, packed, most=_LARGEST_METADATA, place=place)
                said |= parse_json(data, place=place).rest("format")
            except (BundleError, MetadataError) as error:
                self.warnings.append(OpeningWarning("document-malformed", f"{error}; read without metadata"))
        edges = [header[name] / 1e7 for name in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")]
        if any(edges):
            said["bounds"] = edges
        if self._levels:
            said |= {"minzoom": header["min_zoom"], "maxzoom": header["max_zoom"]}
        return said

    def _starts(self) -> Iterator[bytes]:
        for level in self._levels:
            part = next(self._entries(first_number(level), first_number(level + 1)))
            for offset, length in list(zip(part.offsets.tolist(), part.lengths.tolist(), strict=True))[:_SAMPLED]:
                yield self._data(offset, min(length, _START))

    def _data(self, offset: int, length: int) -> bytes:
        data = self._file.read(length, self._header["tile_data_offset"] + offset)
        if len(data) != length:
            raise BundleError(f"{self.place}: ends before its tiles do; it is truncated, take it from a backup")
        return data

    def levels(self) -> list[int]:
        """Give the zooms that hold tiles, ascending."""
        return list(self._levels)

    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the windows that hold any, by row, then column.

        Raises:
            BundleError: A directory is damaged, or claims more than can be.
        """
        if level not in self._levels:
            return []
        if level not in self._windows:
            start, stop = first_number(level), first_number(level + 1)
            places: list[NDArray[np.int64]] = []
            claimed = 0
            for part in self._entries(start, stop):
                firsts = bundle_places(level, np.maximum(part.numbers, start))
                lasts = bundle_places(level, np.minimum(part.numbers + part.runs, stop) - 1)
                counts = lasts - firsts + 1
                claimed += int(counts.sum()) - _ENTRY_WINDOWS * counts.size
                if self._claimed + claimed > _RUN_WINDOWS:
                    raise BundleError(
                        f"{self.place}: says to have more equal tiles of zoom {level} than a file of its size has; "
                        f"take it from a backup"
                    )
                steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
                places.append(np.unique(np.repeat(firsts, counts) + steps))
            self._claimed += max(0, claimed)
            self._windows[level] = bundles_at(level, np.unique(np.concatenate(places)))
        return list(self._windows[level])

    def _held(self, bundle: BundleKey) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Give positions, offsets and lengths of a window's tiles, along the curve."""
        start, stop = bundle_numbers(bundle)
        places: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        offsets: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        lengths: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        for part in self._entries(start, stop):
            firsts = np.maximum(part.numbers, start) - start
            counts = np.minimum(part.numbers + part.runs, stop) - start - firsts
            steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            places.append(np.repeat(firsts, counts) + steps)
            offsets.append(np.repeat(part.offsets, counts))
            lengths.append(np.repeat(part.lengths, counts))
        at = curve_through(bundle)[np.concatenate(places)]
        return at, np.concatenate(offsets), np.concatenate(lengths)

    def _measure(self, bundle: BundleKey) -> Sizes:
        if bundle.level not in self._levels:
            return np.zeros(TILES_PER_BUNDLE, np.int64)
        at, _, lengths = self._held(bundle)
        return lay_out(bundle, at, lengths, place=self.place, largest=LARGEST_TILE)

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data as they lie in the file; tiles that share their data along the curve.

        Args:
            bundle: Which window.
            wanted: Only these, shape (16384,), row-major; None for all.

        Raises:
            BundleError: The file is damaged.
        """
        at, offsets, lengths = self._held(bundle)
        if wanted is not None:
            keep = wanted[at]
            at, offsets, lengths = at[keep], offsets[keep], lengths[keep]
        order = np.argsort(offsets, kind="stable")
        held = zip(at[order].tolist(), offsets[order].tolist(), lengths[order].tolist(), strict=True)
        level, row, column = bundle.level, bundle.row, bundle.column
        piece, start = b"", 0
        for position, offset, length in held:
            end = offset + length
            if offset < start or end > start + len(piece):
                most = min(max(length, _PIECE), self._header["tile_data_length"] - offset)
                piece, start = self._data(offset, most), offset
            tile = TileKey(level, row + position // PACKET_SIZE, column + position % PACKET_SIZE)
            yield tile, piece[offset - start : end - start]

    def reading(self, bundle: BundleKey) -> OpenBundle:
        """Open a window to read its tiles in any order; the directories are looked through once.

        Raises:
            BundleError: One of them is damaged.
        """
        places: dict[int, tuple[int, int]] = {}
        if bundle.level in self._levels:
            at, offsets, lengths = (found.tolist() for found in self._held(bundle))
            places = dict(zip(at, zip(offsets, lengths, strict=True), strict=True))
        return Window(lambda position: self._data(*places[position]) if position in places else None)

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile.

        Raises:
            BundleError: The file is damaged.
        """
        if tile.level not in self._levels or max(tile.row, tile.column) >= 1 << tile.level:
            return None
        column, row = np.array([tile.column]), np.array([tile.row])
        number = int(tile_numbers(tile.level, column, row)[0])
        for part in self._entries(number, number + 1):
            return self._data(int(part.offsets[0]), int(part.lengths[0]))
        return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
