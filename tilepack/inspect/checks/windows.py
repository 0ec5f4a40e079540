"""Checking web tiles: through windows of 128 x 128, for there are no bundles, names or folders of ArcGIS' to check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from tilepack.errors import BundleError, TileError
from tilepack.formats.bundle import occupied
from tilepack.inspect.checks.tiles import HEAD, TileChecks
from tilepack.inspect.findings import Collector
from tilepack.keys import BundleKey, TileRange
from tilepack.stores.base import TileReader
from tilepack.stores.web.mbtiles import MbtilesReader

_FAULTS: Final = 20
"""Of a database, told one by one."""
_TOLD: Final = 256
"""Tiles after which progress is told."""


def check_store(found: Collector, reader: TileReader) -> None:
    """Check what holds the tiles as a whole: databases, by SQLite's own check."""
    if isinstance(reader, MbtilesReader):
        for fault in reader.faults(_FAULTS):
            found.add("store-damaged", "database", " ".join(fault.split()))


def list_windows(found: Collector, reader: TileReader, level: int) -> Sequence[BundleKey]:
    """List the windows of a zoom; what keeps them from being listed is a finding."""
    try:
        return reader.bundles(level)
    except (BundleError, TileError) as error:
        found.add_error("store-damaged", f"level {level}", error)
        return []


def check_window(
    found: Collector, reader: TileReader, window: BundleKey, checks: TileChecks, part: Callable[[float], None]
) -> TileRange | None:
    """Check the tiles of one window.

    Args:
        found: Takes the findings.
        reader: The store.
        window: The window.
        checks: Checks the tiles.
        part: Called with the part that is done, 0 to 1.

    Returns:
        The rectangle of its tiles; None where there are none.
    """
    found.bundles += 1
    place = f"window {window}"
    try:
        sizes = reader.index(window)
        found.tile_bytes += int(sizes.sum())
        tiles = int(np.count_nonzero(sizes))
        for number, (tile, data) in enumerate(reader.tiles(window)):
            if checks.check_head(tile, place, data[:HEAD]).is_decodable:
                checks.check_pixels(tile, place, data)
            if not number % _TOLD:
                part(number / tiles)
    except (BundleError, TileError) as error:
        found.add_error("store-damaged", place, error)
        return None
    return occupied(sizes > 0, window) if tiles else None
