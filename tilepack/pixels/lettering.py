"""Words on pixels, in the one typeface that Pillow brings along: digits and Latin letters, nothing else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tilepack.pixels.blend import Colour, Pixels, merge


@lru_cache(maxsize=8)
def _typeface(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.load_default(size)
    except ImportError:  # a Pillow built without FreeType has one small face in dots
        return ImageFont.load_default()


def measure_text(text: str, size: int) -> float:
    """Give the width of a line of text, pixels."""
    return _typeface(size).getlength(text)


def write_text(
    pixels: Pixels,
    place: tuple[float, float],
    text: str,
    size: int,
    colour: Colour,
    *,
    align: str = "left",
    halo: Colour | None = None,
) -> None:
    """Write a line of text; what lies outside the picture is left out.

    Args:
        pixels: uint8 (height, width, 4), changed in place.
        place: x of the text's left edge, middle or right edge, and y of the middle of its capitals.
        text: Digits and Latin letters.
        size: Of the letters, pixels.
        colour: Red, green and blue.
        align: What of the text stands at x: ``left``, ``middle`` or ``right``.
        halo: Colour of a pixel around the letters, which parts them from whatever lies beneath.
    """
    face = _typeface(size)
    reach = 0 if halo is None else 2
    width = int(face.getlength(text)) + 2 * reach + 2
    height = 2 * size + 2 * reach
    capitals = face.getbbox("H")
    down = reach + size // 2
    left = round(place[0] - (width - 2 * reach) * {"left": 0.0, "middle": 0.5, "right": 1.0}[align]) - reach
    upper = round(place[1] - (capitals[1] + capitals[3]) / 2) - down
    passes = [(colour, 0)] if halo is None else [(halo, reach), (colour, 0)]
    # The part of the text that lies in the picture.
    box = (max(0, -left), max(0, -upper), min(width, pixels.shape[1] - left), min(height, pixels.shape[0] - upper))
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    part = pixels[upper + box[1] : upper + box[3], left + box[0] : left + box[2]]
    under = np.ascontiguousarray(part)
    for paint, stroke in passes:
        letters = Image.new("L", (width, height))
        ImageDraw.Draw(letters).text((reach, down), text, 255, face, stroke_width=stroke)
        over = np.empty_like(under)
        over[..., :3] = paint
        over[..., 3] = np.asarray(letters.crop(box))
        merge(over, under)
    part[...] = under
