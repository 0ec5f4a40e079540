"""One open bundle, V1 or V2: every claim is checked before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.disk.files import ByteRange
from tilepack.errors import BundleError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LENGTH_PREFIX, Positions, TileIndex, check_slots, lengths_differ, overlapping
from tilepack.keys import BundleKey

_PIECE: Final = 1 << 20
"""Bytes read at once where many tiles are wanted."""
_GAP: Final = 1 << 16
"""Bytes passed over rather than to begin another piece."""
_GUESS: Final = 1 << 16
"""Bytes read at once where a V1 tile's length is not known before its slot is read."""


class CompactBundle:
    """A bundle whose header and index were read. Safe to share among threads once ``check`` was called."""

    def __init__(self, bundle: BundleKey, data: ByteRange, index: TileIndex, *, end: int, fingerprint: int) -> None:
        """Keep what was read; use ``open_v1`` or ``open_v2``.

        Args:
            bundle: Its name.
            data: The ``.bundle``.
            index: Where its tiles are said to lie.
            end: Bytes that its header claims; no slot may end beyond.
            fingerprint: Checksum of its index.
        """
        self.bundle = bundle
        self.data = data
        self.index = index
        self.end = end
        self.fingerprint = fingerprint
        self.is_v1 = index.sizes is None
        self.first_slot = bundle_v1.FIRST_SLOT if self.is_v1 else bundle_v2.FIRST_SLOT
        self._order: Positions | None = None
        self._limits: Positions | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.data.close()

    @classmethod
    def open_v1(cls, bundle: BundleKey, data: ByteRange, bundlx: ByteRange | None, *, may_be_cut: bool = False) -> Self:
        """Read a V1 bundle's header and its index file.

        Args:
            bundle: Its name.
            data: The ``.bundle``.
            bundlx: The ``.bundlx``.
            may_be_cut: Whether the file may be shorter than its header says.

        Raises:
            BundleError: One of them is malformed, or the index file is missing.
        """
        head = data.read(min(bundle_v1.HEADER_SIZE, data.size), 0)
        claim = bundle_v1.read_header(head).file_size if may_be_cut and len(head) == bundle_v1.HEADER_SIZE else 0
        end = bundle_v1.parse_header(head, bundle=bundle, file_size=max(data.size, claim), place=data.place)
        if bundlx is None:
            raise BundleError(
                f"{data.place}: its .bundlx is missing, and without that index a V1 bundle cannot be read; take it "
                f"from a backup"
            )
        bundle_v1.check_bundlx_size(bundlx.size, place=bundlx.place)
        packed = bundlx.read(bundlx.size, 0)
        starts = _without_placeholders(bundle_v1.parse_bundlx(packed, place=bundlx.place), data)
        fingerprint = zlib_ng.crc32(packed, data.size & 0xFFFFFFFF)
        end = min(end, data.size)
        return cls(bundle, data, TileIndex(starts, None), end=end, fingerprint=fingerprint)

    @classmethod
    def open_v2(cls, bundle: BundleKey, data: ByteRange, *, may_be_cut: bool = False) -> Self:
        """Read a V2 bundle's header and index.

        Args:
            bundle: Its name.
            data: The ``.bundle``.
            may_be_cut: Whether the file may be shorter than its header says.

        Raises:
            BundleError: They are malformed.
        """
        start = data.read(min(bundle_v2.FIRST_SLOT, data.size), 0)
        is_whole = len(start) == bundle_v2.FIRST_SLOT
        claim = bundle_v2.read_header(start).file_size if may_be_cut and is_whole else 0
        end = min(bundle_v2.parse_header(start, file_size=max(data.size, claim), place=data.place), data.size)
        packed = start[bundle_v2.HEADER_SIZE :]
        return cls(bundle, data, bundle_v2.parse_index(packed), end=end, fingerprint=zlib_ng.crc32(packed))

    def check(self) -> Self:
        """Check that all slots lie where slots may, and share no byte as far as the index tells.

        Raises:
            BundleError: They do not.
        """
        if self._order is None:
            first = bundle_v1.HEADER_SIZE if self.is_v1 else bundle_v2.FIRST_SLOT
            order = check_slots(self.index, first=first, file_size=self.end, bundle=self.bundle, place=self.data.place)
            limits = np.full(self.index.starts.shape, self.end, np.int64)
            limits[order[:-1]] = self.index.starts[order[1:]]
            self._limits, self._order = limits, order
        return self

    @property
    def order(self) -> Positions:
        """Row-major positions of the tiles, as stored."""
        self.check()
        return self._order if self._order is not None else np.empty(0, np.int64)

    @property
    def is_movable(self) -> bool:
        """Whether all slots lie where slots belong, so that the bundle can be moved whole."""
        starts = self.index.starts[self.index.present]
        return self.end >= self.first_slot and (not starts.size or int(starts.min()) >= self.first_slot)

    def sizes(self) -> NDArray[np.int64]:
        """Give the bytes of each tile's data, shape (16384,), row-major, 0 for none; of V1 the lengths are read.

        Raises:
            BundleError: A length cannot be.
        """
        self.check()
        if self.index.sizes is not None:
            return self.index.sizes
        sizes = np.zeros(self.index.starts.shape, np.int64)
        for position in self.order.tolist():
            start = int(self.index.starts[position])
            sizes[position] = self._length(position, self.data.read(LENGTH_PREFIX, start))
        return sizes

    def read(self, position: int) -> bytes | None:
        """Give the data of the tile at a row-major position, or None when there is none.

        Raises:
            BundleError: Its slot cannot be.
        """
        self.check()
        start = int(self.index.starts[position])
        if not start:
            return None
        if self.index.sizes is None:
            slot = self.data.read(min(self._limit(position) - start, _GUESS), start)
            end = LENGTH_PREFIX + self._length(position, slot[:LENGTH_PREFIX])
            if end > len(slot):
                slot += self.data.read(end - len(slot), start + len(slot))
            return slot[LENGTH_PREFIX:end] or None
        size = int(self.index.sizes[position])
        slot = self.data.read(LENGTH_PREFIX + size, start)
        length = int.from_bytes(slot[:LENGTH_PREFIX], "little")
        if length != size:
            raise lengths_differ(self.bundle, position, size, length, self.data.place)
        return slot[LENGTH_PREFIX:]

    def read_in_order(self, order: Positions) -> Iterator[tuple[int, bytes]]:
        """Yield positions and data of tiles, those without bytes left out; the file is read in pieces.

        Args:
            order: Row-major positions of tiles that there are, as stored.

        Raises:
            BundleError: The slot of one cannot be.
        """
        self.check()
        starts = self.index.starts[order]
        limits = starts if self._limits is None else self._limits[order]
        # Pieces end before a gap, and so where nothing more is wanted.
        last = np.append(starts[1:] - limits[:-1] > _GAP, True)[: order.size].nonzero()[0]
        stops = np.repeat(limits[last], np.diff(last, prepend=-1))
        known = self.index.sizes
        sizes = [-1] * order.size if known is None else known[order].tolist()
        piece, at = b"", 0
        for position, start, stop, size in zip(order.tolist(), starts.tolist(), stops.tolist(), sizes, strict=True):
            if not at <= start <= at + len(piece) - LENGTH_PREFIX:
                piece, at = self.data.read(min(_PIECE, stop - start), start), start
            prefix = piece[start - at : start - at + LENGTH_PREFIX]
            length = int.from_bytes(prefix, "little")
            if known is None:
                self._length(position, prefix)
            elif length != size:
                raise lengths_differ(self.bundle, position, size, length, self.data.place)
            begin = start - at + LENGTH_PREFIX
            if begin + length > len(piece):
                piece, at = self.data.read(max(min(_PIECE, stop - start), LENGTH_PREFIX + length), start), start
                begin = LENGTH_PREFIX
            if length:
                yield position, piece[begin : begin + length]

    def read_start(self, position: int, size: int) -> bytes:
        """Give the first bytes of a tile's data, fewer than asked where there are no more; none where there is no tile.

        What lies behind a shorter tile may come along.

        Raises:
            BundleError: Its slot cannot be.
        """
        self.check()
        start = int(self.index.starts[position])
        if not start:
            return b""
        at = start + LENGTH_PREFIX
        return self.data.read(min(size, self.end - at), at)

    def _limit(self, position: int) -> int:
        """Give where a tile's slot has to end at the latest: at the next slot, or at the end."""
        return self.end if self._limits is None else int(self._limits[position])

    def _length(self, position: int, prefix: bytes) -> int:
        """Read the length in front of a V1 tile, and check that so much data fits."""
        start, limit = int(self.index.starts[position]), self._limit(position)
        length = int.from_bytes(prefix, "little")
        if start + LENGTH_PREFIX + length <= limit:
            return length
        if limit < self.end:
            following = int(self.order[np.searchsorted(self.index.starts[self.order], limit)])
            raise overlapping(self.bundle, position, following, self.data.place)
        raise BundleError(
            f"{self.data.place}: tile {self.bundle.tile(position)} is said to have {length} bytes from byte "
            f"{start + LENGTH_PREFIX} on, but by its header the bundle ends at {limit}; one of them is damaged, take "
            f"the bundle from a backup"
        )


def _without_placeholders(starts: Positions, data: ByteRange) -> Positions:
    """Take out the tiles of V1 that point at a placeholder not their own: zeros there mean empty, too."""
    astray = np.flatnonzero((starts > 0) & (starts <= bundle_v1.FIRST_SLOT - LENGTH_PREFIX))
    if not astray.size or data.size < bundle_v1.FIRST_SLOT:
        return starts
    head = np.frombuffer(data.read(bundle_v1.FIRST_SLOT, 0), np.uint8)
    lengths = head[starts[astray][:, None] + np.arange(LENGTH_PREFIX)].view("<u4")[:, 0]
    kept = starts.copy()
    kept[astray[lengths == 0]] = 0
    return kept
