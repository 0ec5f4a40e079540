"""Stitching: the tiles of a level as one picture, in memory that depends on the picture alone.

The picture is made in bands of rows. Tiles that reach over the border of two bands are decoded for both; a tile that
cannot be shown is hatched and counted, and nothing else stops for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tilepack.errors import BundleError, TileError, UnsupportedError
from tilepack.keys import PACKET_SIZE, BundleKey, TileKey, TileRange
from tilepack.pixels.blend import Colour, Pixels
from tilepack.pixels.codec import decode
from tilepack.pixels.drawing import Box, hatch_box
from tilepack.pixels.mosaic import Axis, Mosaic
from tilepack.stores.base import TileReader

_BAND_PIXELS: Final = 1 << 22
"""Pixels of a band: its sums take 64 MiB."""

_HATCH: Final[Colour] = (213, 94, 0)

_NAMED: Final = 5
"""Tiles named one by one."""


@dataclass(slots=True)
class Stitched:
    """The picture, and what became of the tiles."""

    pixels: Pixels
    """uint8 (height, width, 4), straight alpha."""
    tiles: int = 0
    """Tiles shown."""
    damaged: int = 0
    """Tiles that cannot be shown, which are hatched; of a bundle that cannot be read, all its places are."""
    reasons: list[str] = field(default_factory=list)
    """Why, for the first of them and for every bundle."""
    unsupported: str = ""
    """What is said of a tile that is sound and no image, such as LERC, where there is one."""


def stitch(
    reader: TileReader, level: int, columns: Axis, rows: Axis, progress: Callable[[int], None] | None = None
) -> Stitched:
    """Stitch tiles of a level.

    Args:
        reader: The cache.
        level: LevelID.
        columns: The picture's pixels across, in pixels of the level.
        rows: Likewise down.
        progress: Called with the number of tiles laid since the last call.

    Raises:
        TransferError: A file cannot be read.
    """
    made = Stitched(np.zeros((rows.count, columns.count, 4), np.uint8))
    work = _Work(reader, level, columns, rows, made, progress)
    step = max(1, _BAND_PIXELS // columns.count)
    for start in range(0, rows.count, step):
        work.make_band(start, min(rows.count, start + step))
    return made


@dataclass(slots=True)
class _Work:
    """One picture's work, band by band."""

    reader: TileReader
    level: int
    columns: Axis
    rows: Axis
    made: Stitched
    progress: Callable[[int], None] | None
    unread: set[BundleKey] = field(default_factory=set)

    def make_band(self, start: int, stop: int) -> None:
        """Make some rows of the picture."""
        scheme = self.reader.info.scheme
        width, height = scheme.tile_width, scheme.tile_height
        part = self.rows.part(start, stop)
        mosaic = Mosaic(self.columns, part)
        met = _tiles_met(self.level, self.columns, part, width, height)
        hatched: list[Box] = []
        for row, tiles in self._rows_of_tiles(met, hatched):
            # A row that reaches into the next band is counted there.
            counts = stop == self.rows.count or (row + 1) * height <= part.stop
            laid = 0
            for column in tiles:
                tile = TileKey(self.level, row, column)
                pixels = self._decode(tile, counts=counts)
                if pixels is None:
                    hatched.append(self.box(TileRange.of(tile)))
                else:
                    mosaic.add(row * height, column * width, pixels)
                    laid += 1
            if counts:
                self.made.tiles += laid
            if self.progress is not None:
                self.progress(laid)
        self.made.pixels[start:stop] = mosaic.finished()
        for left, upper, right, lower in hatched:
            hatch_box(self.made.pixels[:stop], (left, max(start, upper), right, lower), _HATCH)

    def _rows_of_tiles(self, met: TileRange, hatched: list[Box]) -> Iterator[tuple[int, list[int]]]:
        """Yield the rows of tiles that there are among some, each with its columns."""
        strips: dict[int, list[BundleKey]] = {}
        for bundle in self.reader.bundles(self.level):
            if bundle.tiles().intersection(met):
                strips.setdefault(bundle.row, []).append(bundle)
        for first_row, bundles in sorted(strips.items()):
            # A bit for each tile: a strip may be as long as the world is wide.
            present: dict[int, npt.NDArray[np.uint8]] = {}
            for bundle in bundles:
                found = self._present(bundle)
                if found is None:
                    hatched.append(self.box(bundle.tiles().intersection(met)))
                else:
                    present[bundle.column] = np.packbits(found.reshape(PACKET_SIZE, PACKET_SIZE), axis=1)
            for row in range(max(first_row, met.row_start), min(first_row + PACKET_SIZE, met.row_stop)):
                columns = [
                    first + column
                    for first, bits in present.items()
                    for column in np.flatnonzero(np.unpackbits(bits[row - first_row])).tolist()
                    if met.column_start <= first + column < met.column_stop
                ]
                if columns:
                    yield row, columns

    def _present(self, bundle: BundleKey) -> npt.NDArray[np.bool_] | None:
        try:
            return self.reader.present(bundle)
        except (BundleError, TileError) as error:
            if bundle not in self.unread:
                self.unread.add(bundle)
                self.made.reasons.append(f"bundle {bundle} cannot be read: {error}")
            return None

    def _decode(self, tile: TileKey, *, counts: bool) -> Pixels | None:
        scheme = self.reader.info.scheme
        try:
            data = self.reader.read(tile)
            return decode(data or b"", width=scheme.tile_width, height=scheme.tile_height).pixels
        except (BundleError, TileError, UnsupportedError) as error:
            if counts:
                self.made.damaged += 1
                if self.made.damaged <= _NAMED:
                    self.made.reasons.append(f"tile {tile} cannot be shown: {error}")
            if isinstance(error, UnsupportedError):
                self.made.unsupported = f"tile {tile}: {error}"
            return None

    def box(self, tiles: TileRange | None) -> Box:
        """Give the pixels of the picture that some tiles take; at least one each way, if they lie in it."""
        if tiles is None:
            return 0, 0, 0, 0
        scheme = self.reader.info.scheme
        left, right = self.columns.covered(
            tiles.column_start * scheme.tile_width, (tiles.column_stop - tiles.column_start) * scheme.tile_width
        )
        upper, lower = self.rows.covered(
            tiles.row_start * scheme.tile_height, (tiles.row_stop - tiles.row_start) * scheme.tile_height
        )
        return left, upper, right, lower


def _tiles_met(level: int, columns: Axis, rows: Axis, width: int, height: int) -> TileRange:
    """Give the tiles that a picture shows something of."""
    return TileRange(
        level=level,
        row_start=max(0, math.floor(rows.start / height)),
        row_stop=max(0, math.ceil(rows.stop / height)),
        column_start=max(0, math.floor(columns.start / width)),
        column_stop=max(0, math.ceil(columns.stop / width)),
    )
