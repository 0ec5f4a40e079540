"""Tiles gathered into bundles: they come along a Z, level by level in turns, and are written bundle by bundle.

Along a Z all tiles of a bundle come one after the other on every level, so that each level has one open bundle at a
time. Its tiles wait in a nameless file beside the target, for a bundle may come to a gigabyte.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.disk.files import explained
from tilepack.formats.bundle import LENGTH_PREFIX, occupied
from tilepack.formats.sniff import sniff
from tilepack.keys import TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.stores.base import TileWriter
from tilepack.stores.extents import Occupied

_IN_MEMORY: Final = 1 << 21
"""Bytes of a bundle that are kept in memory."""


@dataclass(slots=True)
class Gathered:
    """What came to be of one level."""

    tiles: int = 0
    """Number of tiles written."""
    tile_bytes: int = 0
    """Bytes of their data."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Number of tiles by what they are: ``JPEG``, ``PNG32``."""
    bundles: list[Occupied] = field(default_factory=list)
    """Bundles with the rectangles of their tiles."""


class BundleGatherer:
    """Takes tiles, and writes bundles. One thread uses it."""

    def __init__(self, writer: TileWriter, folder: Path) -> None:
        """Write into a target.

        Args:
            writer: The target.
            folder: Where tiles wait.
        """
        self.levels: dict[int, Gathered] = {}
        self.lines: list[str] = []
        """What was written, a line for each bundle, for the target's GUID."""
        self._writer = writer
        self._folder = folder
        self._open: dict[int, _Open] = {}
        self._present: dict[BundleKey, NDArray[np.uint8]] = {}

    def add(self, tile: TileKey, data: bytes) -> None:
        """Take a tile.

        Raises:
            TransferError: The disk is full, or writing failed.
        """
        bundle = tile.bundle
        there = self._open.get(tile.level)
        if there is not None and there.bundle != bundle:
            self._write(there)
            there = None
        if there is None:
            there = self._open[tile.level] = _Open(bundle, self._folder)
        there.add(bundle.position(tile), data)
        level = self.levels.setdefault(tile.level, Gathered())
        level.tiles += 1
        level.tile_bytes += len(data)
        kind = sniff(data)
        name = "other" if kind is None else kind.name
        level.kinds[name] = level.kinds.get(name, 0) + 1

    def finish(self) -> None:
        """Write the bundles that are open still."""
        for level in sorted(self._open, reverse=True):
            self._write(self._open[level])
        self._open.clear()

    def close(self) -> None:
        """Let go of what waits."""
        for there in self._open.values():
            there.close()
        self._open.clear()

    def present(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Tell which tiles of a bundle were written, bool (16384,)."""
        packed = self._present.get(bundle)
        return np.zeros(TILES_PER_BUNDLE, np.bool_) if packed is None else np.unpackbits(packed).astype(np.bool_)

    def _write(self, there: _Open) -> None:
        with explained("write beside the target", self._folder):
            self._writer.reserve(there.bundle, there.slot_bytes)
            self._writer.write_bundle(there.bundle, there.tiles(), there.slot_bytes)
        flags = there.sizes > 0
        self._present[there.bundle] = np.packbits(flags)
        self.levels[there.bundle.level].bundles.append((there.bundle, occupied(flags, there.bundle)))
        self.lines.append(f"{there.bundle} {np.count_nonzero(flags)} {there.crc:08x}\n")
        del self._open[there.bundle.level]
        there.close()


class _Open:
    """One bundle whose tiles come."""

    def __init__(self, bundle: BundleKey, folder: Path) -> None:
        self.bundle = bundle
        self.sizes = np.zeros(TILES_PER_BUNDLE, np.int64)
        self.crc = 0
        """Of the tiles that went through ``tiles``, and of where they lie."""
        self._starts = np.zeros(TILES_PER_BUNDLE, np.int64)
        self._end = 0
        with explained("make a file beside the target", folder):
            self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115  it is closed by ``close``
                _IN_MEMORY, dir=str(folder), prefix=".tilepack-"
            )
        self._folder = folder

    @property
    def slot_bytes(self) -> int:
        return self._end + LENGTH_PREFIX * int(np.count_nonzero(self.sizes))

    def add(self, position: int, data: bytes) -> None:
        with explained("write beside the target", self._folder):
            self._file.write(data)
        self._starts[position], self.sizes[position] = self._end, len(data)
        self._end += len(data)

    def tiles(self) -> Iterator[tuple[TileKey, bytes]]:
        """Yield the tiles, row by row."""
        for position in np.flatnonzero(self.sizes).tolist():
            self._file.seek(int(self._starts[position]))
            data = self._file.read(int(self.sizes[position]))
            self.crc = zlib.crc32(data, zlib.crc32(position.to_bytes(2, "little"), self.crc))
            yield self.bundle.tile(position), data

    def close(self) -> None:
        self._file.close()
