"""``tilepack tile``: one tile's data, as it is stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import tilepack
from tilepack_cli.consoles import remark
from tilepack_cli.figures import count
from tilepack_cli.files import write_file
from tilepack_cli.options import Quiet, Source, Verbose
from tilepack_cli.outcome import reported

EXAMPLES = """\b
Examples:
  tilepack tile Usa.tpkx 0 0 0 -o tile.png
  tilepack tile Usa.tpkx 0 0 0 > tile.png
"""


@reported
def write_tile(
    source: Source,
    level: Annotated[int, typer.Argument(min=0, metavar="LEVEL", show_default=False, help="LevelID.")],
    row: Annotated[int, typer.Argument(min=0, metavar="ROW", show_default=False, help="Row, from 0 at the top.")],
    column: Annotated[
        int, typer.Argument(min=0, metavar="COLUMN", show_default=False, help="Column, from 0 at the left.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of stdout.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace FILE if it exists.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001  ``reported`` reads it
) -> None:
    """Write the data of one tile, byte for byte as stored."""
    if out is None and replace:
        raise typer.BadParameter("there is no FILE to replace; name one with -o FILE", param_hint="--replace")
    if out is None and sys.stdout.isatty():
        raise typer.BadParameter(
            "a tile's data is not for a terminal; name a file with -o FILE, or redirect", param_hint="--output"
        )
    key = tilepack.TileKey(level, row, column)
    with tilepack.open(source) as cache:
        cache.info.scheme.level(level)  # a level that does not exist is said so, with those that do
        data = cache.read(key)
    if data is None:
        raise tilepack.TilepackError(
            f"{source}: has no tile {key} (level/row/column); `tilepack ls --tiles` lists those there are"
        )
    if out is None:
        sys.stdout.buffer.write(data)
        return
    write_file(out, data, source, replace=replace)
    if not quiet:
        remark(f"wrote {out}, {count(len(data))} bytes")
