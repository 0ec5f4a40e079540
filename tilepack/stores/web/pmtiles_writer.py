"""Writing PMTiles: tiles along the curve, each behind the one before, equal ones once; directories last.

The root directory has its place at the start, the rest of the directories and the metadata stand behind the tiles: so
no tile's bytes move twice.
"""

from __future__ import annotations

import gzip
import json
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo
from tilepack.disk.durable import EarlySync
from tilepack.disk.files import PositionedFile
from tilepack.disk.staging import Staging
from tilepack.errors import TileError
from tilepack.extent import Extent
from tilepack.formats import pmtiles
from tilepack.formats.hilbert import bundle_numbers, curve_through
from tilepack.formats.pmtiles import Entries
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey
from tilepack.metadata.web_mercator import to_web_degrees
from tilepack.metadata.web_metadata import web_members
from tilepack.stores.base import PackageItem, Piece, single_tiles
from tilepack.stores.web.kinds import TileKinds
from tilepack.stores.web.remembering import WrittenTiles
from tilepack.stores.writer import UnreservedWriter

_PIECE: Final = 1 << 20
_TYPES: Final = {"pbf": pmtiles.MVT, "png": pmtiles.PNG, "jpg": pmtiles.JPEG, "webp": pmtiles.WEBP}
_IN_HEADER: Final = ("format", "bounds", "center", "minzoom", "maxzoom")


class PmtilesWriter(UnreservedWriter):
    """A new PMTiles file. Its tiles come from one thread at a time, best of all in ``order``."""

    def __init__(self, target: Path, *, replace: bool) -> None:
        """Take the target's name.

        Args:
            target: The file.
            replace: Whether it may exist.

        Raises:
            CacheExistsError: The target exists and is not to be replaced.
            TransferError: Another writer is at work, or the file cannot be made.
        """
        self._staging = Staging(target, replace=replace)
        self.place = str(target)
        self._kinds = TileKinds()
        self._known = WrittenTiles(self._read)
        self._numbers, self._runs, self._offsets, self._lengths = (array("q") for _ in range(4))
        self._tiles = self._contents = 0
        self._waiting = bytearray()
        self._written = 0
        try:
            self._file = PositionedFile(self._staging.partial, writable=True)
            self._early = EarlySync(self._staging.partial)
        except BaseException:
            self._staging.discard()
            raise

    def rank(self, bundle: BundleKey) -> int:
        """Give the number of a bundle's first tile."""
        return bundle_numbers(bundle)[0]

    def order(self, bundle: BundleKey) -> NDArray[np.int64]:
        """Give the row-major positions of a bundle's tiles along the curve."""
        return curve_through(bundle)

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write tiles in the order given.

        Raises:
            TransferError: The disk is full, or failed.
        """
        del slot_bytes
        start = bundle_numbers(bundle)[0]
        places = np.empty(TILES_PER_BUNDLE, np.int64)
        places[curve_through(bundle)] = np.arange(start, start + TILES_PER_BUNDLE)
        numbers = places.tolist()
        row, column = bundle.row, bundle.column
        for tile, data in single_tiles(tiles):
            self._add(numbers[(tile.row - row) * PACKET_SIZE + tile.column - column], data)

    def _add(self, number: int, data: bytes) -> None:
        self._tiles += 1
        offset = self._known.find(data)
        if offset is None:
            self._kinds.add(data)
            self._contents += 1
            offset = self._written + len(self._waiting)
            self._waiting += data
            self._known.add(data, offset)
            if len(self._waiting) >= _PIECE:
                self._flush()
        elif self._offsets and offset == self._offsets[-1] and number == self._numbers[-1] + self._runs[-1]:
            self._runs[-1] += 1
            return
        self._numbers.append(number)
        self._runs.append(1)
        self._offsets.append(offset)
        self._lengths.append(len(data))

    def _flush(self) -> None:
        self._file.write(self._waiting, pmtiles.FIRST_BYTES + self._written)
        self._written += len(self._waiting)
        self._early.wrote(len(self._waiting))
        self._waiting.clear()

    def _read(self, offset: int, length: int) -> bytes:
        """Give a tile that was added."""
        if offset >= self._written:
            start = offset - self._written
            return bytes(self._waiting[start : start + length])
        return self._file.read_back(length, pmtiles.FIRST_BYTES + offset)

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write directories, metadata and header, and let the file appear under its name.

        Raises:
            TileError: A tile came twice.
            TransferError: The disk is full, or failed.
        """
        del item
        self._flush()
        entries, is_clustered = self._entries()
        root, leaves = pmtiles.format_directories(entries)
        kind = self._kinds.usual()
        members = {name: value for name, value in web_members(info, kind).items() if name not in _IN_HEADER}
        metadata = gzip.compress(json.dumps(members, ensure_ascii=False).encode(), mtime=0)
        behind = pmtiles.FIRST_BYTES + self._written
        header = {
            "root_offset": pmtiles.HEADER_SIZE,
            "root_length": len(root),
            "metadata_offset": behind,
            "metadata_length": len(metadata),
            "leaf_directory_offset": behind + len(metadata),
            "leaf_directory_length": len(leaves),
            "tile_data_offset": pmtiles.FIRST_BYTES,
            "tile_data_length": self._written,
            "addressed_tiles_count": self._tiles,
            "tile_entries_count": int(entries.numbers.size),
            "tile_contents_count": self._contents,
            "clustered": is_clustered,
            "internal_compression": pmtiles.GZIP,
            "tile_compression": pmtiles.GZIP if self._kinds.are_gzipped else pmtiles.PLAIN,
            "tile_type": _TYPES.get(kind, 0),
            "min_zoom": info.min_level or 0,
            "max_zoom": info.max_level or 0,
            **_places(info.extent, info.min_level or 0),
        }
        self._file.write(metadata + leaves, behind)
        head = pmtiles.format_header(header) + root
        self._file.write(head + bytes(pmtiles.FIRST_BYTES - len(head)), 0)
        self._early.close()
        self._file.sync()
        self._file.close()
        self._staging.publish()

    def _entries(self) -> tuple[Entries, bool]:
        """Give the entries in order, and tell whether their data lies so, too."""
        fields = (self._numbers, self._runs, self._offsets, self._lengths)
        numbers, runs, offsets, lengths = (np.frombuffer(field, np.int64) for field in fields)
        is_clustered = bool((np.diff(numbers) > 0).all())
        if not is_clustered:
            order = np.argsort(numbers, kind="stable")
            numbers, runs, offsets, lengths = numbers[order], runs[order], offsets[order], lengths[order]
            if (np.diff(numbers) < runs[:-1]).any():
                raise TileError(f"{self.place}: a tile came twice; keep the one that is right")
        return Entries(numbers, runs, offsets, lengths), is_clustered

    def abort(self) -> None:
        """Throw away what was written."""
        self._early.close()
        self._file.close()
        self._staging.discard()


def _places(extent: Extent | None, zoom: int) -> dict[str, int]:
    """Give the header's bounds and centre, in ten-millionths of a degree."""
    if extent is None:
        return dict.fromkeys(("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7"), 0) | {"center_zoom": zoom}
    west, south, east, north = (round(value * 1e7) for value in to_web_degrees(extent).as_tuple())
    return {
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": zoom,
        "center_lon_e7": round((west + east) / 2),
        "center_lat_e7": round((south + north) / 2),
    }
