"""Which tiles of a bundle to take, and which of those to cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.cache import CacheInfo
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileRange
from tilepack.pixels.coverage import Coverage
from tilepack.stores.base import TileReader
from tilepack.transfer.request import TransferRequest

Flags = NDArray[np.bool_]


def pack(flags: Flags) -> bytes:
    """Put flags of a bundle's tiles, shape (16384,), into few bytes: those of thousands are kept."""
    return zlib_ng.compress(np.packbits(flags).tobytes(), 1)


def unpack(packed: bytes) -> Flags:
    """Give the flags that were packed."""
    return np.unpackbits(np.frombuffer(zlib_ng.decompress(packed), np.uint8)).astype(np.bool_)


@dataclass(frozen=True, slots=True)
class TileChoice:
    """Tiles of one bundle by row-major position, shape (16384,)."""

    wanted: Flags
    """Tiles to take."""
    cut: Flags
    """Those of them that an area's edge crosses."""


class TileChooser:
    """Chooses tiles by area and extent. Asked again it gives the same, so that a plan need not remember each tile."""

    def __init__(self, info: CacheInfo, request: TransferRequest) -> None:
        """Choose from a source what a request asks for.

        Args:
            info: What the source says.
            request: What is asked for; its areas are in the source's spatial reference.
        """
        self._scheme = info.scheme
        self._areas = request.areas
        # An area wins over an extent.
        self._extent = request.extent if request.areas is None else None
        self._box = request.box if request.areas is None else None
        self._cuts = not request.pixels.whole_tiles and info.tile_format.is_image

    @property
    def takes_all(self) -> bool:
        """Whether neither area nor extent was given."""
        return self._areas is None and self._extent is None and self._box is None

    def bounds(self, level: int) -> TileRange | None:
        """Give a rectangle beyond which no tile of a level is taken; None where there is no bound."""
        area = self._box if self._areas is None else self._areas.at(level)
        extent = self._extent if area is None else area.extent
        return None if extent is None else self._scheme.tiles_in(extent, level)

    def choose(
        self, reader: TileReader, bundle: BundleKey, tiles: TileRange, present: Flags | None = None
    ) -> TileChoice | None:
        """Choose among the tiles of a bundle.

        Args:
            reader: The source.
            bundle: The bundle.
            tiles: Smallest rectangle that holds its tiles.
            present: Which tiles it has, shape (16384,), where that is known; else the reader is asked.

        Returns:
            The choice, or None when all are taken as they are.
        """
        if self.takes_all or not tiles.count:
            return None
        flat = self.coverage(bundle, tiles)
        if np.count_nonzero(flat == Coverage.INSIDE) == tiles.count:
            return None
        present = reader.present(bundle) if present is None else present
        wanted = present & (flat != Coverage.OUTSIDE)
        cut = wanted & (flat == Coverage.CROSSING)
        if not cut.any() and np.array_equal(wanted, present):
            return None
        return TileChoice(wanted, cut)

    def coverage(self, bundle: BundleKey, tiles: TileRange) -> NDArray[np.uint8]:
        """Classify tiles of a bundle, whether they exist or not; those that are taken whole count as inside.

        Args:
            bundle: The bundle.
            tiles: A rectangle in it.

        Returns:
            uint8 (16384,) of ``Coverage``, row-major; what is not in the rectangle is outside.
        """
        inside = np.zeros((PACKET_SIZE, PACKET_SIZE), np.uint8)
        rows = slice(tiles.row_start - bundle.row, tiles.row_stop - bundle.row)
        columns = slice(tiles.column_start - bundle.column, tiles.column_stop - bundle.column)
        inside[rows, columns] = Coverage.INSIDE if self.takes_all else self._coverage(tiles)
        return inside.reshape(TILES_PER_BUNDLE)

    def _coverage(self, tiles: TileRange) -> NDArray[np.uint8]:
        """Classify a rectangle of tiles; tiles that are taken whole count as inside."""
        if self._areas is not None:
            cover = self._areas.coverage(tiles)
            return cover if self._cuts else _whole(cover)
        if self._box is not None:
            return _whole(self._box.coverage(tiles))
        cover = np.zeros((tiles.row_stop - tiles.row_start, tiles.column_stop - tiles.column_start), np.uint8)
        if self._extent is not None:
            met = self._scheme.tiles_in(self._extent, tiles.level)
            rows = slice(max(0, met.row_start - tiles.row_start), max(0, met.row_stop - tiles.row_start))
            columns = slice(max(0, met.column_start - tiles.column_start), max(0, met.column_stop - tiles.column_start))
            cover[rows, columns] = Coverage.INSIDE
        return cover

    def present(self, reader: TileReader) -> Callable[[BundleKey], Flags]:
        """Give a function that tells which tiles of a bundle are taken, shape (16384,)."""

        def taken(bundle: BundleKey) -> Flags:
            choice = self.choose(reader, bundle, bundle.tiles())
            return reader.present(bundle) if choice is None else choice.wanted

        return taken


def _whole(cover: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(cover == Coverage.OUTSIDE, cover, np.uint8(Coverage.INSIDE))
