"""A picture that someone gives, made the small one that packages carry."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from tilepack.errors import TransferError

_SIZE: Final = (200, 133)
"""Width and height that ArcGIS gives thumbnails, pixels."""


def read_thumbnail(path: str | Path) -> bytes:
    """Read a picture and make it a thumbnail: its aspect kept, centred on white, 200 x 133 pixels.

    Args:
        path: A PNG or JPEG file.

    Returns:
        A PNG.

    Raises:
        TransferError: It cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG", "JPEG"]) as image:
                image.draft("RGB", (4 * _SIZE[0], 4 * _SIZE[1]))
                upright = ImageOps.exif_transpose(image).convert("RGBA")
    except OSError as error:
        reason = error.strerror or "is no PNG or JPEG, or is damaged"
        raise TransferError(f"{path}: cannot be read as a thumbnail: {reason}") from error
    except Exception as error:  # damaged data raises nearly anything out of Pillow's decoders
        raise TransferError(f"{path}: cannot be read as a thumbnail: {error}") from error
    ground = Image.new("RGBA", upright.size, "white")
    ground.alpha_composite(upright)
    out = BytesIO()
    ImageOps.pad(ground.convert("RGB"), _SIZE, Image.Resampling.LANCZOS, color="white").save(out, "PNG")
    return out.getvalue()
