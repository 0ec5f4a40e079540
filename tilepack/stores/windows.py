"""Windows of 128 x 128 tiles, for stores that have no bundles: tiles read one by one, and what their sizes tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.formats.bundle import occupied
from tilepack.keys import BundleKey
from tilepack.stores.base import BundleSummary


class Window:
    """A window of 128 x 128 tiles that are read one by one."""

    def __init__(self, read: Callable[[int], bytes | None]) -> None:
        """Read by a function.

        Args:
            read: Gives the data of the tile at a row-major position, or None when there is none.
        """
        self._read = read

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    def read(self, position: int) -> bytes | None:
        """Give the data of the tile at a row-major position, or None when there is none."""
        return self._read(position)

    def read_start(self, position: int, size: int) -> bytes:
        """Give the first bytes of a tile's data."""
        return (self.read(position) or b"")[:size]


def summary_of_sizes(bundle: BundleKey, sizes: NDArray[np.int64]) -> BundleSummary:
    """Sum a window up.

    Args:
        bundle: The window.
        sizes: Bytes of each tile's data, shape (16384,), row-major, 0 for none.
    """
    total = int(sizes.sum())
    return BundleSummary(
        bundle=bundle,
        tiles=int(np.count_nonzero(sizes)),
        tile_bytes=total,
        file_bytes=total,
        slot_bytes=None,
        movable=False,
        occupied=occupied(sizes > 0, bundle),
        fingerprint=zlib_ng.crc32(sizes.tobytes()),
    )
