"""What is drawn over a preview: the lines of bundles and tiles, and the outline of an area."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from tilepack.aoi import AreaOfInterest
from tilepack.extent import Extent
from tilepack.keys import PACKET_SIZE, BundleKey, TileKey
from tilepack.pixels.blend import Colour, Pixels
from tilepack.pixels.drawing import WHITE, clip_edges, draw_lines, draw_outline
from tilepack.pixels.lettering import write_text
from tilepack.pixels.mosaic import Axis
from tilepack.scheme import TilingScheme

# Colours that people tell apart who see no red or no green: Okabe and Ito's orange and blue, on black and white.
_TILE: Final[Colour] = (0, 0, 0)
_BUNDLE: Final[Colour] = (230, 120, 0)
_LETTERS: Final[Colour] = (150, 70, 0)
_AREA: Final[Colour] = (0, 90, 178)

_NARROW: Final = 8
"""Pixels between lines below which they would hide the picture."""

_TILE_NAME: Final = (76, 36)
"""Least width and height of a tile that is named."""

_BUNDLE_NAME: Final = (96, 36)
"""Likewise of a bundle."""

_SIZE: Final = 12
"""Of letters, pixels."""


def draw_grid(pixels: Pixels, scheme: TilingScheme, columns: Axis, rows: Axis) -> list[str]:
    """Draw the lines of tiles and bundles.

    Args:
        pixels: The picture.
        scheme: The cache's grid.
        columns: The picture's pixels across, in pixels of a level.
        rows: Likewise down.

    Returns:
        Sentences on what was left out.
    """
    across, down = _cells(scheme, columns, rows)
    drawn = min(across.size, down.size) >= _NARROW
    if drawn:
        draw_lines(pixels, across.lines(), down.lines(), WHITE, thickness=3, strength=0.35)
        draw_lines(pixels, across.lines(), down.lines(), _TILE, strength=0.6)
    across, down = _cells(scheme, columns, rows, PACKET_SIZE)
    if min(across.size, down.size) < _NARROW:
        return ["lines of tiles and bundles are left out: they would lie too close together"]
    draw_lines(pixels, across.lines(), down.lines(), WHITE, thickness=5, strength=0.8)
    draw_lines(pixels, across.lines(), down.lines(), _BUNDLE, thickness=3)
    return [] if drawn else ["lines of tiles are left out: they would lie too close together"]


def name_cells(pixels: Pixels, scheme: TilingScheme, level: int, columns: Axis, rows: Axis) -> None:
    """Write the names of tiles (level/row/column) and bundles into them, where there is room.

    Args:
        pixels: The picture.
        scheme: The cache's grid.
        level: LevelID.
        columns: The picture's pixels across, in pixels of the level.
        rows: Likewise down.
    """
    across, down = _cells(scheme, columns, rows)
    for row, _, lower in down.visible(_TILE_NAME[1]):
        for column, left, _ in across.visible(_TILE_NAME[0]):
            place = left + _SIZE / 2, lower - _SIZE
            write_text(pixels, place, str(TileKey(level, row, column)), _SIZE, _TILE, halo=WHITE)
    across, down = _cells(scheme, columns, rows, PACKET_SIZE)
    for row, upper, _ in down.visible(_BUNDLE_NAME[1]):
        for column, left, _ in across.visible(_BUNDLE_NAME[0]):
            name = str(BundleKey(level, row * PACKET_SIZE, column * PACKET_SIZE))
            write_text(pixels, (left + _SIZE / 2, upper + _SIZE), name, _SIZE, _LETTERS, halo=WHITE)


def _cells(scheme: TilingScheme, columns: Axis, rows: Axis, tiles: int = 1) -> tuple[_Cells, _Cells]:
    """Cut both axes into cells of so many tiles a side."""
    return _Cells(columns, scheme.tile_width * tiles), _Cells(rows, scheme.tile_height * tiles)


class _Cells:
    """Tiles or bundles along one side of a picture."""

    def __init__(self, axis: Axis, pixels: int) -> None:
        """Cut an axis.

        Args:
            axis: The picture's pixels.
            pixels: Pixels of the level from one line to the next.
        """
        self._axis, self._pixels = axis, pixels
        self.size = pixels / axis.step
        """Pixels of the picture from one line to the next."""
        self._first = max(0, math.floor(axis.start / pixels))
        self._last = math.ceil(axis.stop / pixels)

    def _line(self, number: int) -> int:
        return math.floor(self._axis.place(number * self._pixels) + 0.5)

    def lines(self) -> list[int]:
        """Give the pixels at which cells begin and end."""
        return [self._line(number) for number in range(self._first, self._last + 1)]

    def visible(self, least: int) -> Iterator[tuple[int, int, int]]:
        """Yield number, first pixel and stop of the cells of which so much is seen."""
        for number in range(self._first, self._last):
            start, stop = max(0, self._line(number)), min(self._axis.count, self._line(number + 1))
            if stop - start >= least:
                yield number, start, stop


def draw_area(pixels: Pixels, extent: Extent, area: AreaOfInterest) -> list[str]:
    """Draw the outline of an area.

    Args:
        pixels: The picture.
        extent: What it shows, map units.
        area: The area, in the same spatial reference.

    Returns:
        Sentences on what is not seen.
    """
    height, width = pixels.shape[:2]
    across, down = width / extent.width, height / extent.height
    edges = (area.edges - (extent.xmin, extent.ymax, extent.xmin, extent.ymax)) * (across, -down, across, -down)
    if not len(clip_edges(edges, (0, 0, width, height))):
        where = "have no part in the picture" if area.extent.meets(extent) else "lie outside the picture"
        return [f"the edges of the area of interest {where}"]
    draw_outline(pixels, edges, _AREA)
    return []
