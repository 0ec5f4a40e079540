"""Reading PMTiles: one file, tiles numbered along a Hilbert curve, found through directories of runs."""

from __future__ import annotations

import os
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
from tilepack.formats.hilbert import first_number, tile_numbers
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.metadata.json_documents import parse_json
from tilepack.metadata.web_mercator import LAST_ZOOM
from tilepack.metadata.web_metadata import parse_web_metadata
from tilepack.stores.base import BundleSummary, OpenBundle
from tilepack.stores.documents import OpeningWarning
from tilepack.stores.web.pmtiles_directories import PmtilesDirectories
from tilepack.stores.web.reader import Sizes, WebReader, lay_out
from tilepack.stores.windows import Window

_LARGEST_METADATA: Final = 64 << 20
_SAMPLED: Final = 2
"""Tiles of each zoom whose first bytes are looked at when the file is opened."""
_START: Final = 4096
"""Bytes of a tile that tell what it is."""
_PIECE: Final = 1 << 20
"""Bytes read at once where tiles follow one another."""

_TYPES: Final = {pmtiles.MVT: "pbf", pmtiles.PNG: "png", pmtiles.JPEG: "jpg", pmtiles.WEBP: "webp"}


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
        self._of_alike: dict[int, BundleSummary] = {}
        """Summaries of full windows of tiles of one length each: only their places differ."""
        try:
            head = self._file.read(pmtiles.HEADER_SIZE, 0)
            self._header = pmtiles.parse_header(head, size=self._file.size(), place=self.place)
            self._refuse_compressed()
            self._directories = PmtilesDirectories(self._file, self._header, self.place)
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

    def _find_levels(self) -> list[int]:
        return [
            zoom
            for zoom in range(LAST_ZOOM + 1)
            if next(self._directories.entries(first_number(zoom), first_number(zoom + 1)), None) is not None
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
            part = next(self._directories.entries(first_number(level), first_number(level + 1)))
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
        return list(self._directories.windows(level)) if level in self._levels else []

    def _measure(self, bundle: BundleKey) -> Sizes:
        if bundle.level not in self._levels:
            return np.zeros(TILES_PER_BUNDLE, np.int64)
        alike = self._directories.alike(bundle)
        if alike is not None:
            return np.full(TILES_PER_BUNDLE, alike[1], np.int64)
        at, _, lengths = self._directories.held(bundle)
        return lay_out(bundle, at, lengths, place=self.place, largest=LARGEST_TILE)

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what the directories alone tell; of a window that belongs to one run, without a look at its tiles."""
        alike = self._directories.alike(bundle)
        if alike is None:
            return super().summary(bundle)
        known = self._of_alike.get(alike[1])
        if known is None:
            self._of_alike[alike[1]] = known = super().summary(bundle)
        return known._replace(bundle=bundle, occupied=bundle.tiles())

    def shared_start(self, bundle: BundleKey, size: int) -> bytes | None:
        """Give the first bytes of the data that all tiles of a full window share; None where that is not known.

        Raises:
            BundleError: The file is damaged.
        """
        alike = self._directories.alike(bundle)
        return None if alike is None else self._data(alike[0], min(alike[1], size))

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data as they lie in the file; tiles that share their data along the curve.

        Args:
            bundle: Which window.
            wanted: Only these, shape (16384,), row-major; None for all.

        Raises:
            BundleError: The file is damaged.
        """
        at, offsets, lengths = self._directories.held(bundle)
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
            at, offsets, lengths = (found.tolist() for found in self._directories.held(bundle))
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
        for part in self._directories.entries(number, number + 1):
            return self._data(int(part.offsets[0]), int(part.lengths[0]))
        return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
