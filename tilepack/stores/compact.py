"""Reading compact caches, V1 and V2, out of folders and packages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import StorageFormat
from tilepack.disk.tree import Tree, below
from tilepack.errors import BundleError, TransferError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LENGTH_PREFIX, occupied
from tilepack.formats.names import parse_bundle_name
from tilepack.keys import PACKET_SIZE, BundleKey, TileKey, TileRange
from tilepack.stores.base import BundleSummary, OpenBundle, RawBundle
from tilepack.stores.compact_bundle import CompactBundle
from tilepack.stores.documents import Described
from tilepack.stores.reader import StoreReader
from tilepack.stores.waiting import index_beside, waiting_index

_KEPT_OPEN: Final = 8
"""Bundles that single reads keep open: tiles asked for one after the other mostly share one."""
_TRIALS: Final = 100
"""Times that a V1 bundle is opened whose two files are being exchanged meanwhile."""


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
        self._recent: OrderedDict[BundleKey, CompactBundle] = OrderedDict()
        self._lock = threading.Lock()
        self._local = threading.local()

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
        folder = self.folders.get(level)
        entries = [] if folder is None else self.tree.entries(folder)
        indexes: dict[str, str] = {}
        for name in (entry.name for entry in entries if not entry.is_folder and entry.name.lower().endswith(".bundlx")):
            other = indexes.setdefault(name[:-1].lower(), name)
            if other != name:
                path = below(folder or "", name)
                raise BundleError(f"{self.place}/{path}: is the index of the same bundle as {other}; move one away")
        found: dict[BundleKey, tuple[str, str | None]] = {}
        for name, is_folder in entries:
            path = below(folder or "", name)
            try:
                corner = parse_bundle_name(name)
            except ValueError as error:
                raise BundleError(f"{self.place}/{path}: {error}; give it its own name or move it away") from error
            if corner is None:
                continue
            if is_folder:
                raise BundleError(
                    f"{self.place}/{path}: is a folder, and named as a bundle; put the bundle's file back"
                )
            bundle = BundleKey(level, *corner)
            if bundle in found:
                raise BundleError(f"{self.place}/{path}: is the same bundle as {found[bundle][0]}; move one away")
            index = indexes.get(name[:-1].lower())
            found[bundle] = path, None if index is None else below(folder or "", index)
        in_order = sorted(found, key=lambda bundle: (bundle.row, bundle.column))
        self._listings[level] = {bundle: found[bundle] for bundle in in_order}
        return self._listings[level]

    def _found(self, bundle: BundleKey) -> tuple[str, str | None]:
        found = self._listing(bundle.level).get(bundle)
        if found is None:
            raise BundleError(f"{self.place}: there is no bundle {bundle}")
        return found

    def files(self, bundle: BundleKey) -> list[str]:
        """Give the paths of a bundle's files, that of its index last; none where there is no such bundle.

        Raises:
            BundleError: A bundle of the level is there twice, or has a wrong name.
        """
        found = self._listing(bundle.level).get(bundle)
        return [] if found is None else [path for path in found if path is not None]

    def _open(self, bundle: BundleKey) -> CompactBundle:
        if self._is_v1:
            return self._open_v1(bundle)
        data = self.tree.open(self._found(bundle)[0])
        try:
            return CompactBundle.open_v2(bundle, data)
        except BaseException:
            data.close()
            raise

    def _open_v1(self, bundle: BundleKey) -> CompactBundle:
        """Open a pair of files that belong together, though a writer may be exchanging them."""
        path, listed = self._found(bundle)
        index = listed or index_beside(path)  # of a new pair it may have come since the listing
        identity = self.tree.identity
        for _ in range(_TRIALS):
            stood = identity(path)
            pending, waits = waiting_index(self.tree, path, listed)
            try:
                opened = self._open_pair(bundle, path, index if waits is None else pending)
            except (BundleError, TransferError):
                if waits is None and identity(path) == stood:
                    raise
                continue
            if identity(path) == stood and (waits is None or identity(pending) == waits):
                return opened
            opened.data.close()
        raise BundleError(
            f"{self.place}/{path}: is being rewritten, or was left half renamed and is damaged; wait until its writer "
            f"is done, or take the bundle from a backup"
        )

    def _open_pair(self, bundle: BundleKey, path: str, index: str) -> CompactBundle:
        data = self.tree.open(path)
        try:
            if self.tree.identity(index) is None:
                return CompactBundle.open_v1(bundle, data, None)
            with self.tree.open(index) as bundlx:
                return CompactBundle.open_v1(bundle, data, bundlx)
        except BaseException:
            data.close()
            raise

    def reading(self, bundle: BundleKey) -> OpenBundle:
        """Open a bundle to read its tiles in any order; it closes as a context.

        Raises:
            BundleError: The bundle is malformed.
        """
        return self._open(bundle)

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what the index alone tells; no tile is read.

        Raises:
            BundleError: The bundle is malformed.
        """
        return self._summary_v1(bundle) if self._is_v1 else self._summary_v2(bundle)

    def _summary_v1(self, bundle: BundleKey) -> BundleSummary:
        opened = self._open(bundle)
        with opened.data as data:
            starts, present = opened.index.starts, opened.index.present
            if int(starts.max()) + LENGTH_PREFIX > opened.end:
                opened.check()
            return BundleSummary(
                bundle=bundle,
                tiles=int(np.count_nonzero(present)),
                tile_bytes=None,
                file_bytes=data.size + bundle_v1.BUNDLX_SIZE,
                slot_bytes=max(0, opened.end - opened.first_slot),
                movable=opened.is_movable,
                occupied=occupied(present, bundle),
                fingerprint=opened.fingerprint,
            )

    def _summary_v2(self, bundle: BundleKey) -> BundleSummary:
        """Sum up a V2 bundle in one read; each thread has a buffer of its own for that."""
        buffer: memoryview | None = getattr(self._local, "buffer", None)
        if buffer is None:
            buffer = self._local.buffer = memoryview(bytearray(bundle_v2.FIRST_SLOT))
        path = self._found(bundle)[0]
        size = self.tree.read_start(path, buffer)
        end = bundle_v2.parse_header(buffer, file_size=size, place=f"{self.place}/{path}")
        scan = bundle_v2.scan_index(buffer[bundle_v2.HEADER_SIZE :])
        slot_bytes = end - bundle_v2.FIRST_SLOT
        if scan.last_end > end or scan.tile_bytes + LENGTH_PREFIX * scan.tiles > slot_bytes:
            opened = self._open(bundle)
            with opened.data:
                opened.check()  # a tile lies beyond the end, or there are more than there is room for: say which
        return BundleSummary(
            bundle=bundle,
            tiles=scan.tiles,
            tile_bytes=scan.tile_bytes,
            file_bytes=size,
            slot_bytes=slot_bytes,
            movable=True,
            occupied=TileRange(
                level=bundle.level,
                row_start=bundle.row + scan.rows[0],
                row_stop=bundle.row + scan.rows[1] + 1,
                column_start=bundle.column + scan.columns[0],
                column_stop=bundle.column + scan.columns[1] + 1,
            ),
            fingerprint=scan.checksum,
        )

    def present(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Tell which tiles there are, shape (16384,), row-major; no tile is read.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        opened.data.close()
        return opened.index.present

    def index(self, bundle: BundleKey) -> NDArray[np.int64]:
        """Give the bytes of each tile's data, shape (16384,), row-major, 0 for none; of V1 the lengths are read.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        with opened.data:
            return opened.sizes()

    def newest(self, bundle: BundleKey) -> float | None:
        """Give the time, seconds since 1970, at which the newest file of a bundle was changed; None in packages.

        Raises:
            BundleError: There is no such bundle.
            TransferError: A file vanished.
        """
        path, index = self._found(bundle)
        time = self.tree.modified(path)
        other = None if index is None else self.tree.modified(index)
        return time if time is None or other is None else max(time, other)

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
            order = opened.order if wanted is None else opened.order[wanted[opened.order]]
            level, row, column = bundle.level, bundle.row, bundle.column
            for position, data in opened.read_in_order(order):
                yield TileKey(level, row + position // PACKET_SIZE, column + position % PACKET_SIZE), data

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile, as of a bundle that a writer has removed since.

        Raises:
            BundleError: Its bundle is malformed.
        """
        bundle = tile.bundle
        if bundle not in self._listing(tile.level):
            return None
        with self._lock:
            opened = self._recent.get(bundle)
            if opened is None:
                try:
                    opened = self._open(bundle)
                except TransferError:
                    if self.tree.identity(self._found(bundle)[0]) is None:
                        return None
                    raise
                self._recent[bundle] = opened
                if len(self._recent) > _KEPT_OPEN:
                    self._recent.popitem(last=False)[1].data.close()
            self._recent.move_to_end(bundle)
            return opened.read(bundle.position(tile))

    def raw(self, bundle: BundleKey) -> RawBundle | None:
        """Give a bundle for moving it whole; None when a V1 tile lies where placeholders belong.

        Raises:
            BundleError: The bundle is malformed.
        """
        opened = self._open(bundle)
        try:
            order = opened.order
        except BaseException:
            opened.data.close()
            raise
        if not opened.is_movable:
            opened.data.close()
            return None
        return RawBundle(
            bundle=bundle,
            storage_format=self.info.storage_format,
            data=opened.data,
            first_slot=opened.first_slot,
            end=opened.end,
            index=opened.index,
            order=order,
        )

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            for opened in self._recent.values():
                opened.data.close()
            self._recent.clear()
        super().close()
