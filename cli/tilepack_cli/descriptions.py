"""Options for what people and portals read about a target: ``--title``, ``--tags``, ..., ``--thumbnail``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import tilepack

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
