"""How pixels of a level are made of a raster's."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tilepack.errors import TransferError


class Resampling(StrEnum):
    """How pixels of the finest level are made of a raster's; GDAL's ways, by its names."""

    NEAREST = "NEAREST"
    """The pixel in which the centre lies, of the raster or of an overview that is no coarser than the level."""
    BILINEAR = "BILINEAR"
    CUBIC = "CUBIC"
    CUBIC_SPLINE = "CUBIC_SPLINE"
    LANCZOS = "LANCZOS"
    AVERAGE = "AVERAGE"
    """Of all that the pixel covers."""
    MODE = "MODE"
    """What most of it shows."""


FOR_VALUES: Final = frozenset({Resampling.NEAREST, Resampling.MODE})
"""Those that make no new values, and so may take a palette's numbers."""


def parse_resampling(text: Resampling | str) -> Resampling:
    """Read the name of a way to resample, in any case: ``nearest``, ``cubic-spline``.

    Raises:
        TransferError: There is none of that name.
    """
    try:
        return Resampling(str(text).strip().upper().replace("-", "_"))
    except ValueError:
        known = ", ".join(str(each).lower().replace("_", "-") for each in Resampling)
        raise TransferError(f"resampling {text!r} is unknown; there are {known}") from None
