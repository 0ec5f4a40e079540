"""Options for what people and portals read about a target: ``--title``, ``--tags``, ..., ``--thumbnail``."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Annotated, Final

import typer

import tilepack

_SIZE: Final = (200, 133)
"""Width and height that ArcGIS gives thumbnails, pixels."""

Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title of the package.")]

Tags = Annotated[str | None, typer.Option("--tags", metavar="A,B", help="Tags of the package, commas between.")]

Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="Description of the package.")]

Attribution = Annotated[str | None, typer.Option("--attribution", metavar="TEXT", help="Credits, such as (c) Owner.")]

Thumbnail = Annotated[
    Path | None,
    typer.Option(
        "--thumbnail",
        metavar="FILE",
        help="PNG or JPEG, made to fit 200 x 133 pixels; if not given, drawn from tiles, or what TARGET has.",
    ),
]


def gather_description(
    title: str | None, tags: str | None, description: str | None, attribution: str | None
) -> tilepack.ItemDescription | None:
    """Give what was given, None for nothing; what is missing stays as the source has it."""
    if not (title or tags or description or attribution):
        return None
    return tilepack.ItemDescription(
        title=title or "",
        tags=tuple(dict.fromkeys(filter(None, map(str.strip, (tags or "").split(","))))),
        description=description or "",
        attribution=attribution or "",
    )


def read_thumbnail(path: Path | None) -> bytes | None:
    """Read a picture and make it a thumbnail: its aspect kept, centred on white.

    Raises:
        tilepack.TransferError: It cannot be read.
    """
    if path is None:
        return None
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG", "JPEG"]) as image:
                image.draft("RGB", (4 * _SIZE[0], 4 * _SIZE[1]))
                upright = ImageOps.exif_transpose(image).convert("RGBA")
    except OSError as error:
        reason = error.strerror or "is no PNG or JPEG, or is damaged"
        raise tilepack.TransferError(f"{path}: cannot be read as a thumbnail: {reason}") from error
    except Exception as error:  # damaged data raises nearly anything out of Pillow's decoders
        raise tilepack.TransferError(f"{path}: cannot be read as a thumbnail: {error}") from error
    ground = Image.new("RGBA", upright.size, "white")
    ground.alpha_composite(upright)
    out = io.BytesIO()
    ImageOps.pad(ground.convert("RGB"), _SIZE, Image.Resampling.LANCZOS, color="white").save(out, "PNG")
    return out.getvalue()
