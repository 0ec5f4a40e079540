"""Mending files that are tiles: empty ones go, PNGs get the start of their signature back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.errors import TilepackError
from tilepack.inspect.checks.tile_files import RowChecks, list_rows
from tilepack.inspect.checks.tiles import TileChecks, place_of
from tilepack.inspect.findings import Collector
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey, TileRange
from tilepack.stores.exploded import ExplodedReader
from tilepack.stores.reader import StoreReader
from tilepack.stores.salvage import restore_png
from tilepack.transfer.rewriting import Told

_MENDED: Final = ("tile-empty", "tile-beheaded-png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How a cache is looked at."""

    anew: bool
    """Whether it is repaired into a new target."""
    deep: bool = False
    """Whether every tile is decoded."""
    jobs: int = 1
    """Threads to decode with."""


@dataclass(slots=True)
class CheckedRows:
    """What was found in the rows of an exploded cache."""

    found: Collector
    """Faults of tiles that may be mended in place."""
    ranges: list[TileRange] = field(default_factory=list)
    """The rectangle of the tiles of each row."""
    windows: list[BundleKey] = field(default_factory=list)
    """Windows of 128 x 128 tiles of which something is mended in place."""
    mended: frozenset[str] = frozenset()
    """Places of the tiles that are."""


class MendedWindow:
    """What becomes of the damaged files of one window."""

    def __init__(self, reader: ExplodedReader, bundle: BundleKey) -> None:
        """Look at the files of a window.

        Raises:
            TileError: A tile is there twice.
            TransferError: A file cannot be read.
        """
        self.tiles: list[tuple[TileKey, bytes]] = []
        """Tiles to write anew."""
        self.gone: NDArray[np.bool_] = np.zeros(TILES_PER_BUNDLE, np.bool_)
        """Files to remove, shape (16384,), row-major."""
        self.places: list[str] = []
        """Where findings say that they lie."""
        sizes, files = reader.index(bundle), reader.files(bundle)
        with reader.reading(bundle) as window:
            for position, path in sorted(files.items()):
                tile = bundle.tile(position)
                if not sizes[position]:
                    self.gone[position] = True
                elif (mended := restore_png(window.read(position) or b"")) is not None:
                    self.tiles.append((tile, mended))
                else:
                    continue
                self.places.append(place_of(tile, path))


def check_rows(found: Collector, reader: StoreReader, how: Looking, progress: Told | None) -> CheckedRows:
    """Check the rows of an exploded cache.

    Args:
        found: Takes whatever is not mended in place.
        reader: The cache.
        how: How to look.
        progress: Called with how many of how many rows are done.
    """
    made = CheckedRows(Collector(reader.place))
    rows = [
        (level, row, folder)
        for level in reader.levels()
        for row, folder in list_rows(found, reader.tree, reader.folders[level])
    ]
    strips: set[tuple[int, int]] = set()
    for number, (level, row, folder) in enumerate(rows, 1):
        here = Collector(reader.place)
        with TileChecks(here, reader.info, deep=how.deep, jobs=how.jobs) as checks:
            tiles = RowChecks(here, reader.tree, level, checks).check(row, folder, lambda _: None)
            checks.finish()
        if tiles is not None:
            made.ranges.append(tiles)
        for finding in here.found:
            (made.found if finding.code in _MENDED else found).add(finding.code, finding.place, finding.message)
            here.counts[finding.code] -= 1
        for code, more in here.counts.items():
            (made.found if code in _MENDED else found).counts[code] += more  # beyond those that are kept
        if any(code in here.counts for code in _MENDED):
            strips.add((level, row // PACKET_SIZE * PACKET_SIZE))
        if progress is not None:
            progress(number, len(rows))
    if how.anew:  # a new target takes no empty ones in
        made.mended = frozenset(finding.place for finding in made.found.found if finding.code == "tile-empty")
    elif isinstance(reader, ExplodedReader):
        _mend(made, reader, sorted(strips))
    return made


def _mend(made: CheckedRows, reader: ExplodedReader, strips: Iterable[tuple[int, int]]) -> None:
    """Tell which windows of some strips are mended; where two files are one tile, none of the level is."""
    places: list[str] = []
    for level, first_row in strips:
        try:
            windows = [bundle for bundle in reader.bundles(level) if bundle.row == first_row]
            mended = {bundle: MendedWindow(reader, bundle).places for bundle in windows}
        except TilepackError:
            continue
        made.windows += [bundle for bundle in windows if mended[bundle]]
        places += [place for bundle in windows for place in mended[bundle]]
    made.mended = frozenset(places)
