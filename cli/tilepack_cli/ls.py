"""``tilepack ls``: what a cache holds, bundle by bundle or tile by tile.

Lines and JSON rows leave as they are found: a cache may hold a hundred million tiles.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer

import tilepack
from tilepack_cli.consoles import write_json_rows
from tilepack_cli.options import Json, Levels, Quiet, Source, Verbose
from tilepack_cli.outcome import reported

EXAMPLES = """\b
Examples:
  tilepack ls Usa.tpkx
  tilepack ls Usa.tpkx --levels 0-3 --tiles
  tilepack ls Layers --tiles --json
"""


@reported
def list_contents(
    source: Source,
    *,
    levels: Levels = None,
    tiles: Annotated[bool, typer.Option("--tiles", help="List the tiles instead of the bundles.")] = False,
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001  ``reported`` reads it
    verbose: Verbose = False,  # noqa: ARG001  likewise
) -> None:
    """List the bundles or the tiles of a cache or package.

    On a terminal numbers are grouped (1,234,567); into a file or pipe they are written plainly.
    """
    with tilepack.open(source) as cache:
        selection = tilepack.LevelSelection.of(levels=levels)
        if tiles:
            found = tilepack.list_tiles(cache, selection)
            if json:
                write_json_rows(_tile_json(tile, size) for tile, size in found)
            else:
                _write_lines(_tile_lines(found))
        else:
            bundles = tilepack.list_bundles(cache, selection)
            if json:
                write_json_rows(_bundle_json(summary) for summary in bundles)
            else:
                _write_lines(_bundle_lines(bundles))


def _write_lines(lines: Iterable[str]) -> None:
    write = sys.stdout.write
    for line in lines:
        write(line + "\n")


def _number_format() -> Callable[[int], str]:
    return "{:,}".format if sys.stdout.isatty() else str


def _tile_lines(found: Iterable[tuple[tilepack.TileKey, int]]) -> Iterator[str]:
    number = _number_format()
    yield f"{'level':>5}  {'row':>9}  {'column':>9}  {'bytes':>12}"
    for tile, size in found:
        yield f"{tile.level:>5}  {tile.row:>9}  {tile.column:>9}  {number(size):>12}"


def _tile_json(tile: tilepack.TileKey, size: int) -> dict[str, int]:
    return {"level": tile.level, "row": tile.row, "column": tile.column, "bytes": size}


def _bundle_lines(bundles: Iterable[tilepack.BundleSummary]) -> Iterator[str]:
    number = _number_format()
    yield f"{'level':>5}  {'bundle':<14}  {'rows':>15}  {'columns':>15}  {'tiles':>6}  {'bytes':>12}"
    for summary in bundles:
        held = summary.occupied
        rows = f"{held.row_start}-{held.row_stop - 1}"
        columns = f"{held.column_start}-{held.column_stop - 1}"
        yield (
            f"{summary.bundle.level:>5}  {_name(summary.bundle):<14}  {rows:>15}  {columns:>15}  "
            f"{number(summary.tiles):>6}  {number(summary.file_bytes):>12}"
        )


def _bundle_json(summary: tilepack.BundleSummary) -> dict[str, object]:
    held = summary.occupied
    return {
        "level": summary.bundle.level,
        "bundle": _name(summary.bundle),
        "rows": [held.row_start, held.row_stop - 1],
        "columns": [held.column_start, held.column_stop - 1],
        "tiles": summary.tiles,
        "tileBytes": summary.tile_bytes,
        "fileBytes": summary.file_bytes,
    }


def _name(bundle: tilepack.BundleKey) -> str:
    return str(bundle).rpartition("/")[2]
