"""Reading compact caches, V1 and V2, out of folders and packages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.cache import StorageFormat
from tilepack.errors import BundleError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import (
    LENGTH_PREFIX,
    Positions,
    TileIndex,
    check_slots,
    occupied,
    overlapping,
)
from tilepack.formats.names import parse_bundle_name
from tilepack.keys import BundleKey, TileKey
from tilepack.stores.base import BundleSummary, RawBundle
from tilepack.stores.documents import Described
from tilepack.stores.files import ByteRange
from tilepack.stores.reader import StoreReader
from tilepack.stores.tree import Tree, below

_KEPT_OPEN: Final = 8
"""Bundles that single reads keep open: tiles asked for one after the other mostly share one."""

_GUESS: Final = 1 << 16
"""Bytes read at once where a V1 tile's length is not known before its slot is read."""


@dataclass(frozen=True, slots=True)
class _OpenBundle:
    """A bundle whose header was checked."""

    bundle: BundleKey
    data: ByteRange
    index: TileIndex
    index_bytes: bytes
    first: int
    """Where the first slot may start at the earliest."""
    end: int
    """Bytes that the header claims; no slot may end beyond."""
    file_bytes: int


@dataclass(frozen=True, slots=True)
class _CheckedBundle:
    """A bundle whose slots were checked, too."""

    opened: _OpenBundle
    order: Positions
    limits: Positions
    """Where each tile's slot has to end at the latest, shape (16384,): the next slot, or the end."""


class CompactReader(StoreReader):
    """A Compact V1 or V2 cache, open for reading. Safe to share among threads."""

    def __init__(self, tree: Tree, described: Described, folders: Mapping[int, str]) -> None:
        """Take over an open tree whose documents were read.

        Args:
            tree: The folder or package.
            described: What its documents say.
            folders: Path in the tree of each level's folder.
        """
        super().__init__(tree, described, folders)
        self._listings: dict[int, dict[BundleKey, tuple[str, str | None]]] = {}
        self._recent: OrderedDict[BundleKey, _CheckedBundle] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def _is_v1(self) -> bool:
        return self.info.storage_format is StorageFormat.COMPACT

    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the bundles of a level, by row, then column.

        Raises:
            BundleError: A bundle's name is none of a bundle of 128 x 128 tiles, or there twice.
        """
        return list(self._listing(level))

    def _listing(self, level: int) -> dict[BundleKey, tuple[str, str | None]]:
        """List a level's folder once: the path of each bundle, and that of its index file (V1)."""
        if level in self._listings:
            return self._listings[level]
        folder = self._folders.get(level)
        names = [] if folder is None else [entry.name for entry in self._tree.entries(folder) if not entry.is_folder]
        indexes = {name[:-1].lower(): name for name in names if name.lower().endswith(".bundlx")}
        found: dict[BundleKey, tuple[str, str | None]] = {}
        for name in names:
            path = below(folder or "", name)
            try:
                corner = parse_bundle_name(name)
            except ValueError as error:
                raise BundleError(f"{self.place}/{path}: {error}; give it its own name or move it away") from error
            if corner is None:
                continue
            bundle = BundleKey(level, *corner)
            if bundle in found:
                raise BundleError(f"{self.place}/{path}: is the same bundle as {found[bundle][0]}; move one away")
            index = indexes.get(name[:-1].lower())
            found[bundle] = path, None if index is None else below(folder or "", index)
        self._listings[level] = dict(sorted(found.items()))
        return self._listings[level]

    def _open(self, bundle: BundleKey) -> _OpenBundle:
        path, index_path = self._listing(bundle.level).get(bundle, (None, None))
        if path is None:
            raise BundleError(f"{self.place}: there is no bundle {bundle}")
        data = self._tree.open(path)
        try:
            if self._is_v1:
                return self._open_v1(bundle, data, index_path)
            return self._open_v2(bundle, data)
        except BaseException:
            data.close()
            raise

    def _open_v1(self, bundle: BundleKey, data: ByteRange, index_path: str | None) -> _OpenBundle:
        head = data.read(min(bundle_v1.HEADER_SIZE, data.size), 0)
        end = bundle_v1.parse_header(head, bundle=bundle, file_size=data.size, place=data.place)
        if index_path is None:
            raise BundleError(
                f"{data.place}: its .bundlx is missing, and without that index a V1 bundle cannot be read; take it from "
                f"a backup"
            )
        with self._tree.open(index_path) as bundlx:
            bundle_v1.check_bundlx_size(bundlx.size, place=bundlx.place)
            index_bytes = bundlx.read(bundlx.size, 0)
            starts = bundle_v1.parse_bundlx(index_bytes, place=bundlx.place)
            size = data.size + bundlx.size
        return _OpenBundle(bundle, data, TileIndex(starts, None), index_bytes, bundle_v1.HEADER_SIZE, end, size)

    @staticmethod
    def _open_v2(bundle: BundleKey, data: ByteRange) -> _OpenBundle:
        start = data.read(min(bundle_v2.FIRST_SLOT, data.size), 0)
        end = bundle_v2.parse_header(start, file_size=data.size, place=data.place)
        index_bytes = start[bundle_v2.HEADER_SIZE :]
        index = bundle_v2.parse_index(index_bytes)
        return _OpenBundle(bundle, data, index, index_bytes, bundle_v2.FIRST_SLOT, end, data.size)

    def _check(self, opened: _OpenBundle) -> _CheckedBundle:
        index, end = opened.index, opened.end
        order = check_slots(index, first=opened.first, file_size=end, bundle=opened.bundle, place=opened.data.place)
        limits = np.full(index.starts.shape, end, np.int64)
        limits[order[:-1]] = index.starts[order[1:]]
        return _CheckedBundle(opened, order, limits)

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what the index alone tells; no tile is read.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        with opened.data as data:
            index = opened.index
            present = index.present
            first = bundle_v1.FIRST_SLOT if self._is_v1 else bundle_v2.FIRST_SLOT
            tile_bytes = None
            tiles = int(np.count_nonzero(present))
            if index.sizes is None:
                largest_end = int(index.starts.max()) + LENGTH_PREFIX
            else:
                tile_bytes = int(index.sizes.sum())
                largest_end = int((index.starts + index.sizes).max()) + LENGTH_PREFIX
            if tiles and largest_end > opened.end:
                self._check(opened)
            summary = BundleSummary(
                bundle=bundle,
                tiles=tiles,
                tile_bytes=tile_bytes,
                file_bytes=opened.file_bytes,
                slot_bytes=max(0, opened.end - first),
                movable=not tiles or int(index.starts[present].min()) >= first,
                occupied=occupied(present, bundle),
                fingerprint=zlib_ng.crc32(opened.index_bytes, data.size & 0xFFFFFFFF),
            )
            if tile_bytes is not None and tile_bytes + LENGTH_PREFIX * tiles > opened.end - first:
                self._check(opened)  # more bytes than there is room for: some overlap, say which
        return summary

    def present(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Tell which tiles there are, shape (16384,), row-major; no tile is read.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        opened.data.close()
        return opened.index.present

    def index(self, bundle: BundleKey) -> NDArray[np.int64]:
        """Give the bytes of each tile's data, shape (16384,), row-major, 0 for none; V1 reads the lengths.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        with opened.data:
            checked = self._check(opened)
            if opened.index.sizes is not None:
                return opened.index.sizes
            sizes = np.zeros(opened.index.starts.shape, np.int64)
            for position in checked.order.tolist():
                sizes[position] = self._v1_size(checked, position)
            return sizes

    @staticmethod
    def _v1_size(checked: _CheckedBundle, position: int, prefix: bytes | None = None) -> int:
        """Give the bytes of a V1 tile's data by the length in front of it, having checked that they fit."""
        opened = checked.opened
        start, limit = int(opened.index.starts[position]), int(checked.limits[position])
        size = int.from_bytes(prefix or opened.data.read(LENGTH_PREFIX, start), "little")
        if start + LENGTH_PREFIX + size > limit:
            if limit < opened.end:
                following = int(checked.order[np.searchsorted(opened.index.starts[checked.order], limit)])
                raise overlapping(opened.bundle, position, following, opened.data.place)
            raise BundleError(
                f"{opened.data.place}: tile {opened.bundle.tile(position)} is said to have {size} bytes from byte "
                f"{start + LENGTH_PREFIX} on, but the file has {limit}; it is truncated, take it from a backup"
            )
        return size

    def _data(self, checked: _CheckedBundle, position: int) -> bytes | None:
        opened = checked.opened
        start = int(opened.index.starts[position])
        if opened.index.sizes is None:
            guess = opened.data.read(min(int(checked.limits[position]) - start, _GUESS), start)
            end = LENGTH_PREFIX + self._v1_size(checked, position, guess[:LENGTH_PREFIX])
            if end > len(guess):
                guess += opened.data.read(end - len(guess), start + len(guess))
            return guess[LENGTH_PREFIX:end] or None
        size = int(opened.index.sizes[position])
        slot = opened.data.read(LENGTH_PREFIX + size, start)
        length = int.from_bytes(slot[:LENGTH_PREFIX], "little")
        if length != size:
            raise lengths_differ(opened.bundle, position, size, length, opened.data.place)
        return slot[LENGTH_PREFIX:]

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data in stored order.

        Args:
            bundle: Which bundle.
            wanted: Only these, shape (16384,), row-major; None for all.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        with opened.data:
            checked = self._check(opened)
            order = checked.order if wanted is None else checked.order[wanted[checked.order]]
            for position in order.tolist():
                data = self._data(checked, position)
                if data is not None:
                    yield bundle.tile(position), data

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile.

        Raises:
            BundleError: Its bundle is malformed.
        """
        bundle = tile.bundle
        if bundle not in self._listing(tile.level):
            return None
        with self._lock:
            checked = self._recent.get(bundle)
            if checked is None:
                checked = self._recent[bundle] = self._check(self._open(bundle))
                if len(self._recent) > _KEPT_OPEN:
                    self._recent.popitem(last=False)[1].opened.data.close()
            self._recent.move_to_end(bundle)
            position = bundle.position(tile)
            if not checked.opened.index.starts[position]:
                return None
            return self._data(checked, position)

    def raw(self, bundle: BundleKey) -> RawBundle | None:
        """Give a bundle for moving it whole; None when a V1 tile lies where placeholders belong.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        try:
            order = self._check(opened).order
        except BaseException:
            opened.data.close()
            raise
        first = bundle_v1.FIRST_SLOT if self._is_v1 else bundle_v2.FIRST_SLOT
        if opened.end < first or (order.size and opened.index.starts[order[0]] < first):
            opened.data.close()
            return None
        return RawBundle(
            bundle=bundle,
            storage_format=self.info.storage_format,
            data=opened.data,
            first_slot=first,
            end=opened.end,
            index=opened.index,
            order=order,
        )

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            for checked in self._recent.values():
                checked.opened.data.close()
            self._recent.clear()
        super().close()


def lengths_differ(bundle: BundleKey, position: int, size: int, length: int, place: str) -> BundleError:
    """Make the error for a V2 tile whose index entry and length contradict each other."""
    return BundleError(
        f"{place}: tile {bundle.tile(position)} has {size} bytes by the index, {length} by the length in front of it; one "
        f"of them is damaged, take the bundle from a backup"
    )
