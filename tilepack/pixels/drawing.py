"""Drawing on pixels: a checkerboard under them, hatched rectangles, lines, outlines.

Everything works in place on uint8 (height, width, 4) with straight alpha, row 0 on top, and is clipped to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tilepack.pixels.blend import Colour, Mask, Pixels, merge
from tilepack.pixels.mask import Floats

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge, pixels; the latter two exclusive."""

WHITE: Final[Colour] = (255, 255, 255)

_BAND: Final = 256
"""Rows drawn at a time: what they take in between stays small however large the picture is."""

_SQUARE: Final = 8
"""Side of the checkerboard's squares, pixels."""

_GREY: Final[Colour] = (222, 222, 222)

_STRIPE: Final = 12
"""Pixels from one stripe of a hatch to the next; the stripe is a third as wide."""

_FINE: Final = 4
"""Parts of a pixel in which outlines are drawn, so that they are smooth."""

_ROUNDED: Final = 20_000
"""Edges up to which corners are rounded; beyond, edges are so short that nobody sees it."""


def lay_on_checkerboard(pixels: Pixels) -> None:
    """Lay pixels on white and grey squares, which shine through where they are transparent."""
    across = np.arange(pixels.shape[1]) // _SQUARE
    for start in range(0, len(pixels), _BAND):
        band = pixels[start : start + _BAND]
        down = np.arange(start, start + len(band)) // _SQUARE
        ground = np.full_like(band, 255)
        ground[(down[:, None] + across) % 2 == 1, :3] = _GREY
        merge(band, ground)
        band[...] = ground


def fill_box(pixels: Pixels, box: Box, colour: Colour, strength: float = 1.0) -> None:
    """Lay a colour over a rectangle.

    Args:
        pixels: The picture.
        box: Where to.
        colour: Red, green and blue.
        strength: From 0, which changes nothing, to 1.
    """
    left, upper, right, lower = box
    part = pixels[max(0, upper) : max(0, lower), max(0, left) : max(0, right)]
    if part.size:
        under = np.ascontiguousarray(part)
        over = np.empty_like(under)
        over[...] = (*colour, round(255 * strength))
        merge(over, under)
        part[...] = under


def hatch_box(pixels: Pixels, box: Box, colour: Colour, ground: Colour = WHITE) -> None:
    """Fill a rectangle with stripes, which run on from one rectangle into the next.

    Args:
        pixels: The picture.
        box: Where to.
        colour: Of the stripes; rectangles too small for them have it alone.
        ground: Between them.
    """
    left, upper, right, lower = max(0, box[0]), max(0, box[1]), max(0, box[2]), max(0, box[3])
    part = pixels[upper:lower, left:right]
    if part.shape[0] < _STRIPE or part.shape[1] < _STRIPE:
        part[...] = (*colour, 255)
        return
    part[...] = (*ground, 255)
    part[_striped(left, upper, part.shape)] = (*colour, 255)


def hatch_mask(pixels: Pixels, where: Mask, colour: Colour) -> None:
    """Draw stripes over pixels of any shape; what lies between them stays as it is.

    Args:
        pixels: The picture.
        where: Bool (height, width), True where to.
        colour: Of the stripes.
    """
    pixels[where & _striped(0, 0, pixels.shape)] = (*colour, 255)


def _striped(left: int, upper: int, shape: tuple[int, ...]) -> Mask:
    """Tell which pixels of a rectangle lie in a stripe; stripes run on from one rectangle into the next."""
    slant = np.arange(left, left + shape[1]) + np.arange(upper, upper + shape[0])[:, None]
    striped: Mask = slant % _STRIPE < _STRIPE // 3
    return striped


def draw_lines(
    pixels: Pixels,
    columns: Iterable[int],
    rows: Iterable[int],
    colour: Colour,
    *,
    thickness: int = 1,
    strength: float = 1.0,
) -> None:
    """Draw lines right across: down at some columns, across at some rows; each begins a half of its width before.

    Args:
        pixels: The picture.
        columns: Where lines go down; may lie outside.
        rows: Where lines go across; likewise.
        colour: Red, green and blue.
        thickness: Pixels.
        strength: From 0, which changes nothing, to 1.
    """
    height, width = pixels.shape[:2]
    before = thickness // 2
    for column in columns:
        fill_box(pixels, (column - before, 0, column - before + thickness, height), colour, strength)
    for row in rows:
        fill_box(pixels, (0, row - before, width, row - before + thickness), colour, strength)


def draw_outline(
    pixels: Pixels,
    edges: Floats,
    colour: Colour,
    *,
    thickness: float = 2.0,
    casing: float = 1.5,
    strength: float = 0.85,
) -> None:
    """Draw the edges of an area, smooth, with a white casing that parts them from whatever lies beneath.

    Args:
        pixels: The picture.
        edges: Float64 (n, 4): x0, y0, x1, y1 in pixels of the picture from its upper left corner; may lie outside.
        colour: Red, green and blue.
        thickness: Pixels.
        casing: Pixels of white on either side.
        strength: Of the casing, from 0 to 1.
    """
    height, width = pixels.shape[:2]
    margin = thickness + casing + 1
    for start in range(0, height, _BAND):
        rows = min(_BAND, height - start)
        met = clip_edges(edges, (-margin, start - margin, width + margin, start + rows + margin))
        if not len(met):
            continue
        met = np.unique(np.rint((met - (0, start, 0, start)) * _FINE - 0.5), axis=0)  # from corners to centres
        band = pixels[start : start + rows]
        for paint, reach, part in ((WHITE, thickness + 2 * casing, strength), (colour, thickness, 1.0)):
            over = np.empty_like(band)
            over[..., :3] = paint
            over[..., 3] = np.rint(_strokes(met, (width, rows), reach) * part)
            merge(over, band)


def _strokes(edges: Floats, size: tuple[int, int], thickness: float) -> npt.NDArray[np.uint8]:
    """Draw edges, in parts of a pixel, and tell how much of each pixel they cover: uint8 (rows, columns)."""
    canvas = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
    draw = ImageDraw.Draw(canvas)
    stroke = max(1, round(thickness * _FINE))
    for edge in edges.tolist():
        draw.line(edge, 255, stroke)
    if len(edges) <= _ROUNDED:
        reach = (stroke - 1) / 2
        for x, y in np.unique(edges.reshape(-1, 2), axis=0).tolist():
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), 255)
    return np.asarray(canvas.reduce(_FINE))


def clip_edges(edges: Floats, box: tuple[float, float, float, float]) -> Floats:
    """Give the parts of edges that lie in a rectangle.

    Args:
        edges: Float64 (n, 4): x0, y0, x1, y1.
        box: Least x and y, largest x and y.

    Returns:
        Float64 (m, 4) of those that meet it, in their order.
    """
    x0, y0, x1, y1 = edges.T
    # The parameter along each edge, 0 at its first end and 1 at its last, where it comes in and where it goes out.
    enters, leaves = np.zeros(len(edges)), np.ones(len(edges))
    meets = np.ones(len(edges), np.bool_)
    for start, stop, low, high in ((x0, x1, box[0], box[2]), (y0, y1, box[1], box[3])):
        run = stop - start
        level = run == 0
        meets &= ~level | ((start >= low) & (start <= high))
        run = np.where(level, 1.0, run)
        first, last = (low - start) / run, (high - start) / run
        enters = np.maximum(enters, np.where(level, 0.0, np.minimum(first, last)))
        leaves = np.minimum(leaves, np.where(level, 1.0, np.maximum(first, last)))
    meets &= enters <= leaves
    x0, y0, x1, y1, enters, leaves = (each[meets] for each in (x0, y0, x1, y1, enters, leaves))
    clipped = (
        x0 + enters * (x1 - x0),
        y0 + enters * (y1 - y0),
        x0 + leaves * (x1 - x0),
        y0 + leaves * (y1 - y0),
    )
    return np.stack(clipped, axis=1)
