"""Pixels into tiles, as the tile format of a new cache asks for."""

from __future__ import annotations

from dataclasses import dataclass

from tilepack.cache import TileFormat
from tilepack.errors import UnsupportedError
from tilepack.pixels.blend import Colour, Pixels, is_blank, is_opaque, paint
from tilepack.pixels.codec import encode_png
from tilepack.pixels.jpeg import write_jpeg


@dataclass(frozen=True, slots=True, kw_only=True)
class TileEncoder:
    """Encodes tiles of one cache. MIXED makes JPEG where a tile is opaque, and RGBA PNG where it is not."""

    tile_format: TileFormat
    quality: int
    """Of JPEG, 1 to 100; 0 for 75."""
    background: Colour
    """What shows through in JPEG caches."""

    def __post_init__(self) -> None:
        if self.tile_format is TileFormat.LERC:
            raise UnsupportedError("LERC tiles hold values and no colours; choose MIXED, JPEG or a PNG")

    def encode(self, pixels: Pixels) -> bytes | None:
        """Encode a tile.

        Args:
            pixels: Contiguous uint8 (height, width, 4), which may be changed.

        Returns:
            The tile, or None where no pixel of it is visible.
        """
        if is_blank(pixels):
            return None
        if self.tile_format is TileFormat.JPEG:
            paint(self.background, pixels)
            return write_jpeg(pixels, quality=self.quality)
        if self.tile_format is not TileFormat.MIXED:
            return encode_png(pixels, self.tile_format, may_quantise=True).data
        if is_opaque(pixels):
            return write_jpeg(pixels, quality=self.quality)
        return encode_png(pixels, TileFormat.PNG32).data
