"""Writing compact caches, V1 and V2, into folders and packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.cache import StorageFormat
from tilepack.disk.container import Container
from tilepack.disk.sinks import Sink
from tilepack.errors import TileError, TransferError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LARGEST_TILE, LENGTH_PREFIX, Positions, TileIndex
from tilepack.formats.names import bundle_name, level_folder
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.stores.base import Piece, RawBundle
from tilepack.stores.copying import copy_slots
from tilepack.stores.layouts import Layout
from tilepack.stores.writer import StoreWriter

_PIECE: Final = 1 << 18
"""Bytes gathered before they are written."""


@dataclass(frozen=True, slots=True)
class _Slots:
    """Slots that were written, and what has to be said of them."""

    index: TileIndex
    size: int
    """Bytes of the slots, dead space included."""
    crc: int


class CompactWriter(StoreWriter):
    """A new Compact V1 or V2 cache."""

    def __init__(self, container: Container, storage_format: StorageFormat, layout: Layout) -> None:
        """Fill a container.

        Args:
            container: A new folder or package.
            storage_format: COMPACT or COMPACT_V2.
            layout: Where things lie in it, and which documents there are.
        """
        super().__init__(container, layout)
        self._is_v1 = storage_format is StorageFormat.COMPACT
        self._first = bundle_v1.FIRST_SLOT if self._is_v1 else bundle_v2.FIRST_SLOT

    def _path(self, bundle: BundleKey, suffix: str = ".bundle") -> str:
        return f"{self._layout.tiles_folder}/{level_folder(bundle.level)}/{bundle_name(bundle)}{suffix}"

    def reserve(self, bundle: BundleKey, slot_bytes: int | None) -> None:
        """Announce a bundle; packages lay bundles out in the order of these calls.

        Args:
            bundle: The bundle.
            slot_bytes: Bytes of its slots: lengths, data, and dead space where it is kept; None where not known yet.
        """
        unknown = slot_bytes is None
        self._container.reserve(self._path(bundle), None if slot_bytes is None else self._first + slot_bytes)
        if self._is_v1:
            self._container.reserve(self._path(bundle, ".bundlx"), None if unknown else bundle_v1.BUNDLX_SIZE)

    def cancel(self, bundle: BundleKey) -> None:
        """Take back the announcement of a bundle of unknown bytes: no tile of it is left."""
        self._container.cancel(self._path(bundle))
        if self._is_v1:
            self._container.cancel(self._path(bundle, ".bundlx"))

    def write_raw(self, raw: RawBundle, moved: Callable[[int], None] | None = None) -> NDArray[np.uint8]:
        """Write a bundle with its slots as they are, order and dead space kept.

        Args:
            raw: The bundle.
            moved: Called with the bytes of each piece once it is written.

        Returns:
            The first four bytes of each tile's data, shape (tiles, 4), as stored.

        Raises:
            BundleError: The source's bundle contradicts itself.
            TransferError: Reading or writing failed.
        """
        sink = self._container.create(self._path(raw.bundle), self._first + raw.slot_bytes)
        try:
            copied = copy_slots(raw, sink, self._first, moved)
            self._finish(raw.bundle, sink, _Slots(copied.index, raw.slot_bytes, copied.crc))
        except BaseException:
            sink.abandon()
            raise
        return copied.heads

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write the tiles of a bundle, in the order given, without gaps.

        Args:
            bundle: The bundle.
            tiles: Tiles and their data, each tile once, none empty; or runs of slots of another bundle, whatever its
                level, without gaps.
            slot_bytes: Bytes of lengths and data together, None where they are not known.

        Raises:
            TileError: A tile is larger than an index can say.
            TransferError: Reading or writing failed, or the bytes are not as many as announced.
        """
        size = None if slot_bytes is None else self._first + slot_bytes
        sink = self._container.create(self._path(bundle), size)
        try:
            slots = self._write_slots(bundle, tiles, sink)
            if slot_bytes not in (None, slots.size):
                raise TransferError(
                    f"{sink.place}: {slots.size} bytes of tiles came, {slot_bytes} were planned; the source changed "
                    f"meanwhile, start again"
                )
            self._finish(bundle, sink, slots)
        except BaseException:
            sink.abandon()
            raise

    def _write_slots(self, bundle: BundleKey, tiles: Iterable[Piece], sink: Sink) -> _Slots:
        starts = np.zeros(TILES_PER_BUNDLE, np.int64)
        sizes = np.zeros(TILES_PER_BUNDLE, np.int64)
        gathered = bytearray()
        end, written, crc = self._first, self._first, 0
        for piece in tiles:
            if isinstance(piece, RawBundle):
                crc = self._flush(gathered, sink, written, crc)
                run = copy_slots(piece, sink, end)
                starts[piece.order] = run.index.starts[piece.order]
                sizes[piece.order] = _known(run.index.sizes)[piece.order]
                if sink.needs_crc:
                    crc = zlib_ng.crc32_combine(crc, run.crc, piece.slot_bytes)
                end += piece.slot_bytes
                written = end
                continue
            tile, data = piece
            if len(data) > LARGEST_TILE:
                raise TileError(
                    f"{sink.place}: tile {tile} has {len(data)} bytes; a compact cache holds at most {LARGEST_TILE} a "
                    f"tile"
                )
            position = bundle.position(tile)
            starts[position], sizes[position] = end, len(data)
            gathered += len(data).to_bytes(LENGTH_PREFIX, "little")
            gathered += data
            end += LENGTH_PREFIX + len(data)
            if len(gathered) >= _PIECE:
                crc = self._flush(gathered, sink, written, crc)
                written = end
        crc = self._flush(gathered, sink, written, crc)
        return _Slots(TileIndex(starts, sizes), end - self._first, crc)

    @staticmethod
    def _flush(gathered: bytearray, sink: Sink, position: int, crc: int) -> int:
        sink.write(gathered, position)
        if sink.needs_crc:
            crc = zlib_ng.crc32(gathered, crc)
        gathered.clear()
        return crc

    def _finish(self, bundle: BundleKey, sink: Sink, slots: _Slots) -> None:
        """Write what comes first in the file and is known last, then the index of V1."""
        sizes = slots.index.sizes
        largest = 0 if sizes is None else int(sizes.max())
        size = self._first + slots.size
        if self._is_v1:
            tiles = int(np.count_nonzero(slots.index.starts))
            head = bundle_v1.format_header(bundle=bundle, tiles=tiles, largest=largest, file_size=size)
            head += bytes(bundle_v1.FIRST_SLOT - len(head))
        else:
            head = bundle_v2.format_header(largest=largest, file_size=size, dialect=self._layout.dialect)
            head += bundle_v2.format_index(slots.index)
        sink.write(head, 0)
        sink.close(zlib_ng.crc32_combine(zlib_ng.crc32(head), slots.crc, slots.size) if sink.needs_crc else 0)
        if self._is_v1:
            self._container.write_document(self._path(bundle, ".bundlx"), bundle_v1.format_bundlx(slots.index))


def _known(sizes: Positions | None) -> Positions:
    """Give the sizes that copying has learnt."""
    if sizes is None:
        raise TypeError("copied slots have sizes")
    return sizes
