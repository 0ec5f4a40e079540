"""Names of web tiles that are files: zoom, column and row in some order, rows from the top or from the bottom.

=======  ==================  ==============================================
order    pattern             who writes so
=======  ==================  ==============================================
xyz      ``{z}/{x}/{y}``     nearly everybody; rows count from the top
tms      ``{z}/{x}/{-y}``    TMS servers, gdal2tiles: from the bottom
zyx      ``{z}/{y}/{x}``     ArcGIS' REST addresses; from the top
=======  ==================  ==============================================
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_FILE: Final = re.compile(r"([0-9]{1,10})\.(png|jpg|jpeg|webp|pbf|mvt|gif)", re.IGNORECASE)
_PATTERN: Final = re.compile(r"^(.*?)[/\\]?\{z\}[/\\]\{(-?[xy])\}[/\\]\{(-?[xy])\}(\.\w+)?$")


class TileOrder(StrEnum):
    """What the folders below a zoom count, and what the files in them."""

    XYZ = "xyz"
    """Columns, then rows from the top."""
    TMS = "tms"
    """Columns, then rows from the bottom."""
    ZYX = "zyx"
    """Rows from the top, then columns."""


def parse_pattern(text: str) -> tuple[str, TileOrder] | None:
    """Part a path such as ``tiles/{z}/{x}/{-y}.png`` into its folder and the order of what follows.

    Returns:
        None where there is no pattern in it that is known.
    """
    found = _PATTERN.match(text)
    if found is None:
        return None
    order = {("x", "y"): TileOrder.XYZ, ("x", "-y"): TileOrder.TMS, ("y", "x"): TileOrder.ZYX}.get((found[2], found[3]))
    return None if order is None else (found[1] or ".", order)


def from_path_numbers(order: TileOrder, zoom: int, outer: int, inner: int) -> tuple[int, int]:
    """Give row and column, rows from the top, of the tile with a folder's number and a file's."""
    if order is TileOrder.ZYX:
        return outer, inner
    return inner if order is TileOrder.XYZ else (1 << zoom) - 1 - inner, outer


def to_path_numbers(order: TileOrder, zoom: int, row: int, column: int) -> tuple[int, int]:
    """Give the numbers of a tile's folder and of its file."""
    if order is TileOrder.ZYX:
        return row, column
    return column, row if order is TileOrder.XYZ else (1 << zoom) - 1 - row


def parse_number(name: str) -> int | None:
    """Give the zoom, column or row that a folder's name means, or None when it means none."""
    return int(name) if _NUMBER.fullmatch(name) else None


def parse_tile_name(name: str) -> int | None:
    """Give the row or column that a tile's file name means, or None when it is no tile's."""
    found = _FILE.fullmatch(name)
    return int(found[1]) if found else None
