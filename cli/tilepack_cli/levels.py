"""``tilepack levels``: the levels of anything that has a tiling scheme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

import tilepack
from tilepack_cli.consoles import output, show_table, write_json
from tilepack_cli.figures import count, measure, size
from tilepack_cli.options import Json, Quiet, Verbose
from tilepack_cli.outcome import reported

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """\b
Examples:
  tilepack levels Usa.tpkx
  tilepack levels Layers --json
  tilepack levels https://example.com/arcgis/rest/services/Roads/MapServer
"""


@reported
def show_levels(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            show_default=False,
            help="Cache folder, package or web tiles, as info takes them; or the JSON of a map service, as a file or "
            "an address.",
        ),
    ],
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001  ``reported`` reads it
    verbose: Verbose = False,  # noqa: ARG001  likewise
) -> None:
    """Show the levels of a tiling scheme and what they hold."""
    found = tilepack.levels_of(source)
    if json:
        write_json([level.as_json() for level in found])
    else:
        show_table(output(), _table(found))


def _table(found: Sequence[tilepack.LevelReport]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("level", "scale", "resolution", "tiles", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for level in found:
        table.add_row(
            str(level.level),
            measure(level.scale),
            measure(level.resolution),
            count(level.tiles) if level.tiles else "-",
            size(level.tile_bytes) if level.tiles else "-",
            style=None if level.tiles else "dim",
        )
    return table
