"""What the stores of web tiles have in common: zooms of web mercator, looked at through windows of 128 x 128 tiles."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.errors import TileError
from tilepack.extent import Extent
from tilepack.formats.sniff import TileKind, sniff
from tilepack.keys import TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.metadata.web_mercator import TILE_SIDES, from_web_degrees, snapped, web_scheme
from tilepack.metadata.web_metadata import WebMetadata
from tilepack.stores.base import BundleSummary, OpenBundle
from tilepack.stores.documents import OpeningWarning
from tilepack.stores.reader import OpenStore
from tilepack.stores.windows import Window, summary_of_sizes

_KEPT: Final = 16
"""Windows whose sizes are remembered: planning asks for the same one several times."""

_ROUNDED: Final = 0.02
"""Metres by which an edge may have been rounded: PMTiles keeps ten-millionths of a degree."""

Sizes = NDArray[np.int64]
"""Bytes of each tile's data in a window, shape (16384,), row-major, 0 for none."""


class WebReader(OpenStore):
    """An open store of web tiles. Safe to share among threads."""

    def __init__(self, place: str) -> None:
        """Begin with nothing said.

        Args:
            place: The path it was opened by.
        """
        self.place = place
        self.home: Path | None = None
        self.info: CacheInfo
        self.warnings: list[str] = []
        self.declared: list[tuple[str, Extent]] = []
        self.substitutes: dict[str, bytes] = {}
        self._sizes: OrderedDict[BundleKey, Sizes] = OrderedDict()
        self._sizes_lock = threading.Lock()

    def _describe(
        self, said: WebMetadata, storage_format: StorageFormat, name: str, starts: Iterable[bytes], document: str
    ) -> None:
        """Say what the store is, by its metadata and the starts of some of its tiles.

        Args:
            said: The metadata.
            storage_format: How tiles are stored.
            name: What to call the cache where the metadata does not.
            starts: First bytes of some tiles, of all zooms.
            document: What holds the metadata, for people.
        """
        tile_format, side = self._tile_kind(said.tile_format, [sniff(data) for data in starts])
        levels = self.levels()
        scheme = web_scheme(side, max(levels, default=0))
        extent = None
        if said.degrees is not None:
            extent = from_web_degrees(said.degrees)
            extent = snapped(extent, scheme, max(levels, default=0), _ROUNDED)
            self.declared.append((f"{document} bounds", extent))
        self.warnings += [OpeningWarning("document-malformed", fault) for fault in said.faults]
        self.info = CacheInfo(
            name=said.name or name,
            scheme=scheme,
            storage_format=storage_format,
            tile_format=tile_format,
            extent=extent,
            min_level=said.min_zoom,
            max_level=said.max_zoom,
            description=said.description,
            web=said.rest,
        )

    def _tile_kind(self, said: TileFormat | None, kinds: Sequence[TileKind | None]) -> tuple[TileFormat, int]:
        """Tell tile format and side by some tiles; what the metadata says counts where they do not tell."""
        names = {"PNG" if kind.is_png else kind.name for kind in kinds if kind is not None}
        if not names:
            found = said or TileFormat.PNG
        elif len(names) > 1 or said is TileFormat.MIXED:
            found = TileFormat.MIXED
        else:
            found = TileFormat.__members__.get(min(names), TileFormat.MIXED)
        if said not in (None, found, TileFormat.MIXED) and found is not TileFormat.MIXED:
            self.warnings.append(
                OpeningWarning("tile-format", f"the metadata says {said}, but tiles looked at are {found}; that counts")
            )
        sides = Counter(kind.width for kind in kinds if kind is not None and kind.width in TILE_SIDES)
        vector = 512 if found is TileFormat.PBF else 256
        return found, (sides.most_common(1)[0][0] or vector) if sides else vector

    @abstractmethod
    def levels(self) -> list[int]:
        """Give the zooms that hold tiles, ascending."""

    @abstractmethod
    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the windows of 128 x 128 tiles that hold any, by row, then column."""

    @abstractmethod
    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data in stored order."""

    @abstractmethod
    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile."""

    @abstractmethod
    def _measure(self, bundle: BundleKey) -> Sizes:
        """Give the bytes of each tile's data, shape (16384,), row-major, 0 for none."""

    def index(self, bundle: BundleKey) -> Sizes:
        """Give the bytes of each tile's data, shape (16384,), row-major, 0 for none; no tile's data is read.

        Raises:
            TileError: A tile is there twice, or larger than a tile can be.
        """
        with self._sizes_lock:
            known = self._sizes.get(bundle)
        if known is None:
            known = self._measure(bundle)
            with self._sizes_lock:
                self._sizes[bundle] = known
                if len(self._sizes) > _KEPT:
                    self._sizes.popitem(last=False)
        return known.copy()

    def newest(self, bundle: BundleKey) -> float | None:  # noqa: ARG002  of one file that holds all it says nothing
        """Give the time, seconds since 1970, at which the newest of a window's files was changed; None of one file."""
        return None

    def present(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Tell which tiles there are, shape (16384,), row-major; no tile is read."""
        return self.index(bundle) > 0

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what the index alone tells; no tile is read."""
        return summary_of_sizes(bundle, self.index(bundle))

    def reading(self, bundle: BundleKey) -> OpenBundle:
        """Open a window to read its tiles in any order."""
        return Window(lambda position: self.read(bundle.tile(position)))


def lay_out(bundle: BundleKey, at: NDArray[np.int64], sizes: NDArray[np.int64], *, place: str, largest: int) -> Sizes:
    """Lay sizes of tiles out over a window.

    Args:
        bundle: The window.
        at: Row-major positions.
        sizes: Bytes of the tiles there.
        place: The store, for messages.
        largest: Bytes that a tile may have.

    Raises:
        TileError: A tile is there twice, or too large.
    """
    found = np.zeros(TILES_PER_BUNDLE, np.int64)
    found[at] = sizes
    if at.size and np.bincount(at, minlength=1).max() > 1:
        twice = bundle.tile(int(np.flatnonzero(np.bincount(at) > 1)[0]))
        raise TileError(f"{place}: tile {twice} is there twice; keep the one that is right")
    if found.max(initial=0) > largest:
        tile = bundle.tile(int(found.argmax()))
        raise TileError(f"{place}: tile {tile} has {found.max()} bytes; a tile has at most {largest}, remove it")
    return found
