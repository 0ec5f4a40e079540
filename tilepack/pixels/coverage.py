"""Coverage: which tiles of a level lie outside an area, inside it, or on its edges; no pixel is looked at.

An edge changes what is inside at whole pixels: along each pixel row from the first column on whose centre is not left
of it (see `tilepack.pixels.mask`). Seen so, an edge is a chain of pixel corners. Between two pixel rows it runs along
their border from one column to the next, and at its ends along the border at which its vertex lies, where the next edge
takes over. A tile that no chain enters, its own border apart, has pixels of one kind only: the one that its first pixel
has. Crossings never run backwards along an edge, so that each edge needs at most two of them in a row of tiles.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tilepack.keys import TileRange
from tilepack.pixels.mask import EdgeIndex, Floats, Integers, PixelGrid, crossing_x, fill, ramps


class Coverage(IntEnum):
    """How a tile lies to an area. Of several areas united, a tile has the largest of its values."""

    OUTSIDE = 0
    """No pixel centre is inside."""
    CROSSING = 1
    """An edge passes through: only the mask can tell."""
    INSIDE = 2
    """Every pixel centre is inside."""


def classify_tiles(
    edges: EdgeIndex, grid: PixelGrid, tiles: TileRange, tile_width: int, tile_height: int
) -> npt.NDArray[np.uint8]:
    """Classify a rectangle of tiles.

    Args:
        edges: The area.
        grid: The level's pixels.
        tiles: The tiles; the memory taken is a few bytes for each.
        tile_width: Pixels.
        tile_height: Pixels.

    Returns:
        Uint8 (rows, columns) of `Coverage`, never wrong; CROSSING only where an edge passes through.
    """
    shape = max(0, tiles.row_stop - tiles.row_start), max(0, tiles.column_stop - tiles.column_start)
    if not tiles.count:
        return np.zeros(shape, dtype=np.uint8)
    row_start, row_stop = tiles.row_start * tile_height, tiles.row_stop * tile_height
    limits = grid.row_centres(np.array([row_stop - 1, row_start]))
    met = edges.between(float(limits[0]), float(limits[1]))
    # Edges right of the tiles change nothing in them.
    right_edge = float(grid.column_centres(np.array([tiles.column_stop * tile_width]))[0])
    met = met[:, np.minimum(met[0], met[2]) <= right_edge]

    # Pixel rows that an edge crosses: from top up to below bottom. Its vertices lie on the borders above these two.
    top, bottom = grid.rows_from(met[3]), grid.rows_from(met[1])
    first = np.maximum(top // tile_height, tiles.row_start)
    last = np.minimum(-(-bottom // tile_height), tiles.row_stop)
    # A level edge within a row of tiles crosses no pixel row, and still separates those above from those below it.
    count = np.maximum(last - first, 0)
    tile_rows = ramps(first, count)
    edge = np.repeat(np.arange(count.size), count)
    starts_within = top[edge] > tile_rows * tile_height
    ends_within = bottom[edge] < (tile_rows + 1) * tile_height

    from_column = _chain_columns(met, edge, grid, starts_within, tile_rows * tile_height, upper=True)
    to_column = _chain_columns(met, edge, grid, ends_within, (tile_rows + 1) * tile_height - 1, upper=False)

    tile_rows -= tiles.row_start
    passing = ~starts_within
    turned = np.maximum(-(-from_column[passing] // tile_width) - tiles.column_start, 0)
    here = turned < shape[1]
    inside = fill(tile_rows[passing][here], turned[here], *shape)
    coverage = inside.view(np.uint8)
    coverage <<= 1
    leftmost = np.maximum(np.minimum(from_column, to_column) // tile_width - tiles.column_start, 0)
    beyond = np.minimum(-(-np.maximum(from_column, to_column) // tile_width) - tiles.column_start, shape[1])
    count = np.maximum(beyond - leftmost, 0)
    coverage[np.repeat(tile_rows, count), ramps(leftmost, count)] = Coverage.CROSSING
    return coverage


def _chain_columns(
    met: Floats, edge: Integers, grid: PixelGrid, at_vertex: npt.NDArray[np.bool_], rows: Integers, *, upper: bool
) -> Integers:
    """Give where each edge enters (or leaves) its row of tiles: at its upper (lower) end, or crossing a pixel row."""
    columns = np.empty(edge.size, dtype=np.int64)
    columns[at_vertex] = grid.columns_from(met[2 if upper else 0][edge[at_vertex]])
    across = ~at_vertex
    columns[across] = grid.columns_from(crossing_x(met[:, edge[across]], grid.row_centres(rows[across])))
    return columns
