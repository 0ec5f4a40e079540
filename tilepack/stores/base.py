"""What a store offers, as protocols: readers and writers of tiles, whatever lies beneath.

A *store* is an open cache or package. All stores speak of bundles, windows of 128 x 128 tiles; those that have none
on disk (exploded) answer for the same windows, so that one loop serves all. What only some can do is a protocol of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo, StorageFormat
from tilepack.disk.files import ByteRange
from tilepack.extent import Extent
from tilepack.formats.bundle import TileIndex
from tilepack.keys import BundleKey, TileKey, TileRange


class BundleSummary(NamedTuple):
    """What can be told of a bundle from its index alone. A tuple, because reports make thousands of them."""

    bundle: BundleKey
    tiles: int
    """Number of tiles."""
    tile_bytes: int | None
    """Bytes of their data; None where only the tiles' own lengths tell (V1)."""
    file_bytes: int
    """Bytes that the bundle takes up: its files, or its tiles' files."""
    slot_bytes: int | None
    """Bytes from the first slot to the end of a compact bundle: lengths, data and dead space; None for other stores."""
    movable: bool
    """Whether ``raw`` can give it: all slots lie where slots belong."""
    occupied: TileRange
    """Smallest rectangle that holds the tiles; empty when there are none."""
    fingerprint: int
    """Number that changes when the index does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBundle:
    """A compact bundle as bytes of a file, for moving it whole."""

    bundle: BundleKey
    storage_format: StorageFormat
    """COMPACT or COMPACT_V2."""
    data: ByteRange
    """The ``.bundle``."""
    first_slot: int
    """Byte of it at which the slots begin."""
    end: int
    """Byte behind the last slot; between the two all bytes belong to slots or are dead."""
    index: TileIndex
    """Where the tiles lie in it."""
    order: NDArray[np.int64]
    """Row-major positions of the tiles, as stored."""

    @property
    def slot_bytes(self) -> int:
        """Bytes from the first slot to the end of the last, dead space included."""
        return self.end - self.first_slot


Piece = RawBundle | tuple[TileKey, bytes]
"""What a bundle is written from: a tile with its data, or the slots of another bundle that lie between two bytes of
it, as a ``RawBundle`` whose ``order`` names just those."""


def single_tiles(pieces: Iterable[Piece]) -> Iterator[tuple[TileKey, bytes]]:
    """Yield pieces that are single tiles, for stores that take no runs of slots.

    Raises:
        TypeError: One is a run.
    """
    for piece in pieces:
        if isinstance(piece, RawBundle):
            raise TypeError(f"tiles are written one by one here, and not {piece.bundle} in runs")
        yield piece


class OpenBundle(Protocol):
    """A bundle whose tiles are read in any order. It closes as a context, before anybody replaces its file."""

    def read(self, position: int) -> bytes | None:
        """Give the data of the tile at a row-major position, or None when there is none."""

    def read_start(self, position: int, size: int) -> bytes:
        """Give the first bytes of a tile's data, as many as asked where there are so many; others may follow."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@runtime_checkable
class TileReader(Protocol):
    """An open source."""

    place: str
    """What to call it in messages: the path it was opened by."""
    home: Path | None
    """Folder that holds conf.xml or root.json, or the zooms of web tiles; None of one file that holds all."""
    info: CacheInfo
    """What it says of itself."""
    warnings: list[str]
    """Contradictions found while opening, a sentence each."""
    declared: list[tuple[str, Extent]]
    """Every extent that a document declares, with the document's name; map units, or degrees where the name says so."""

    substitutes: dict[str, bytes]
    """``missing.*`` and ``blank.*`` beside the levels, by name: what a server shows for tiles that do not exist."""

    def levels(self) -> list[int]:
        """Give the LevelIDs that have a folder, ascending; whether with tiles, ``bundles`` tells."""

    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the bundles of a level, by row, then column; those without tiles may be among them."""

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what the index alone tells; no tile is read."""

    def present(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Tell which tiles there are, shape (16384,), row-major; no tile is read."""

    def index(self, bundle: BundleKey) -> NDArray[np.int64]:
        """Give the bytes of each tile's data, shape (16384,), row-major, 0 for none; no tile's data is read."""

    def newest(self, bundle: BundleKey) -> float | None:
        """Give the time, seconds since 1970, at which the newest file of a bundle was changed; None in packages."""

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data in stored order.

        Args:
            bundle: Which bundle.
            wanted: Only these, shape (16384,), row-major; None for all.
        """

    def reading(self, bundle: BundleKey) -> OpenBundle:
        """Open a bundle to read its tiles in any order."""

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile."""

    def close(self) -> None:
        """Close every file."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@runtime_checkable
class SupportsRawRead(Protocol):
    """A source whose bundles are byte ranges of files."""

    def raw(self, bundle: BundleKey) -> RawBundle | None:
        """Give a bundle for moving it whole; None when its tiles do not all lie where its slots belong.

        The caller closes ``RawBundle.data``.
        """


@runtime_checkable
class SupportsShared(Protocol):
    """A source whose index tells that all tiles of a bundle are the same."""

    def shared_start(self, bundle: BundleKey, size: int) -> bytes | None:
        """Give the first bytes of the data that all tiles of a full bundle share, once ``bundles`` has named it.

        None where tiles may differ, or some are missing.
        """


class TileWriter(Protocol):
    """An open target. Nothing stands under its name until ``commit``."""

    def reserve(self, bundle: BundleKey, slot_bytes: int | None) -> None:
        """Announce a bundle. Packages lay bundles out in the order of these calls, so that bytes depend on no thread.

        Args:
            bundle: The bundle.
            slot_bytes: Bytes of its slots: lengths, data, and dead space where it is kept. None where they will only be
                known when it is written: such bundles follow behind the others.
        """

    def cancel(self, bundle: BundleKey) -> None:
        """Take back the announcement of a bundle of unknown bytes: no tile of it is left."""

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write the tiles of a bundle, in the order given. Different bundles may be written by different threads.

        Args:
            bundle: The bundle.
            tiles: Tiles and their data, each tile once, none empty. Targets of bundles take runs of slots, too.
            slot_bytes: Bytes of lengths and data together, None where they are not known.
        """

    def write_substitute(self, name: str, data: bytes) -> bool:
        """Write a ``missing.*`` or ``blank.*`` beside the levels; False where the target has no place for it."""

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write the documents, and let the target appear under its name."""

    def abort(self) -> None:
        """Throw away what was written."""


@runtime_checkable
class SupportsRawWrite(Protocol):
    """A target that takes bundles whole."""

    def write_raw(self, raw: RawBundle, moved: Callable[[int], None] | None = None) -> NDArray[np.uint8]:
        """Write a bundle with its slots as they are, order and dead space kept.

        Args:
            raw: The bundle.
            moved: Called with the bytes of each piece once it is written.

        Returns:
            The first four bytes of each tile's data, shape (tiles, 4), as stored.
        """


@runtime_checkable
class SupportsOrder(Protocol):
    """A target that lays its tiles out along a line, and wants them to come so, one bundle at a time."""

    def rank(self, bundle: BundleKey) -> int:
        """Give what bundles are to be sorted by."""

    def order(self, bundle: BundleKey) -> NDArray[np.int64]:
        """Give row-major positions of a bundle's tiles, shape (16384,), in the order in which they are to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageItem:
    """What a package says of itself beyond its cache."""

    guid: str
    """Upper case, with hyphens."""
    created: int | None
    """Seconds since 1970, UTC; None where no time is to be told."""
    degrees: Extent | None
    """The cache's extent in WGS84 degrees, where it can be told."""
    thumbnail: bytes
    """PNG, 200 x 133."""


NO_ITEM: Final = PackageItem(guid="", created=None, degrees=None, thumbnail=b"")
"""What is said beyond a cache that is no package, or whose documents are asked for by their names alone."""
