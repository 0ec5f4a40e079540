"""What becomes of a tile, and what is worth telling of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What becomes of the tile in the target."""

    MOVED = "moved"
    """It is the source's, byte by byte."""
    COMPOSED = "composed"
    """It was decoded and encoded anew."""
    UNCHANGED = "unchanged"
    """It stays as it is, or missing."""
    DROPPED = "dropped"
    """No visible pixel is left: there shall be no tile."""
    REFUSED = "refused"
    """It would have to lose what only ``allow_lossy`` gives leave to lose; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileNotes:
    """What is worth counting about one tile."""

    decoded: bool = False
    """Whether the source's tile was decoded."""
    transcoded: bool = False
    """Whether the whole tile moved, but not its bytes: the target's format does not admit them."""
    quantised: bool = False
    """Whether colours were given up to fit a palette."""
    widened_to_rgba: bool = False
    """Whether a PNG8 or PNG24 tile had to become RGBA (or, opaque with too many colours, RGB)."""
    sixteen_to_eight: bool = False
    """Whether 16 bits a channel were rounded to 8."""
    jpeg_encoded: bool = False
    """Whether pixels went through JPEG once more."""
    subsampling_replaced: bool = False
    """Whether the JPEG took 4:4:4, as its model's own subsampling cannot be written."""
    cmyk_to_rgb: bool = False
    """Whether the JPEG's model was CMYK; it became YCbCr."""
    profile_dropped: bool = False
    """Whether an ICC profile went with the old bytes."""


@dataclass(frozen=True, slots=True)
class TileResult:
    """What to do with a tile, and its data where there is something to write."""

    outcome: Outcome
    data: bytes | None = None
    """What to write, of MOVED and COMPOSED; None of the others."""
    notes: TileNotes = field(default_factory=TileNotes)
