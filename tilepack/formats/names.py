"""Names of level folders, bundles, rows and tiles inside a cache.

=============  ==========================================  ================================
what           name                                        example
=============  ==========================================  ================================
level          ``L`` + two decimal digits or more          ``L00``, ``L11``
bundle         ``R`` + row, ``C`` + column of its first    ``R0180C0080.bundle``,
               tile, at least four hex digits each         ``R0e380C12680.bundle``
exploded row   ``R`` + eight hex digits                    ``R0000029f``
exploded tile  ``C`` + eight hex digits + extension        ``C00000280.jpg``
substitute     ``missing`` or ``blank`` + extension        ``missing.jpg``
=============  ==========================================  ================================

Source: Esri's Compact Cache V2 paper and caches written by ArcGIS. Hex digits are lower case, for ``C`` separates;
names that a file system turned to one case are read where they have only one meaning.
"""

from __future__ import annotations

import re
from typing import Final

from tilepack.keys import LAST_ROW, PACKET_SIZE, BundleKey, TileKey

_LEVEL: Final = re.compile(r"[lL]([0-9]{2,3})")
_HEX_LEVEL: Final = re.compile(r"[lL]([0-9a-f]{2})")
_BUNDLE: Final = re.compile(r"R([0-9a-f]{4,15})C([0-9a-f]{4,15})\.bundle")
_FOLDED_BUNDLE: Final = re.compile(r"r([0-9a-f]{4,15})c([0-9a-f]{4,15})\.bundle")
_ROW: Final = re.compile(r"[rR]([0-9a-fA-F]{1,8})")
_TILE: Final = re.compile(r"[cC]([0-9a-fA-F]{1,8})\.(png|jpg|jpeg|webp|gif|lerc|bmp|pbf)", re.IGNORECASE)
_SUBSTITUTE: Final = re.compile(r"(missing|blank)\.(png|jpg|jpeg)", re.IGNORECASE)


def level_folder(level: int) -> str:
    """Name the folder of a level."""
    return f"L{level:02d}"


def parse_level_folder(name: str, *, hexadecimal: bool = False) -> int | None:
    """Give the level that a folder's name means, or None when it is no level's.

    Args:
        name: Folder name without a path.
        hexadecimal: Read the digits as hex; some exploded caches in the field count ``L09``, ``L0a``.
    """
    found = (_HEX_LEVEL if hexadecimal else _LEVEL).fullmatch(name)
    return int(found[1], 16 if hexadecimal else 10) if found else None


def is_hexadecimal_level(name: str) -> bool:
    """Tell whether a name can only be a level counted in hex digits (``L0a``)."""
    return parse_level_folder(name) is None and parse_level_folder(name, hexadecimal=True) is not None


def bundle_name(bundle: BundleKey) -> str:
    """Name a bundle's file, without extension."""
    return corner_name(bundle.row, bundle.column)


def corner_name(row: int, column: int) -> str:
    """Name the file, without extension, of the bundle whose first tile has this row and column."""
    return f"R{row:04x}C{column:04x}"


def parse_bundle_name(name: str) -> tuple[int, int] | None:
    """Give the first row and column that a ``.bundle`` file's name means, or None when it is no bundle's.

    Raises:
        ValueError: It is a bundle's name, but not one of a bundle of 128 x 128 tiles, or it has two meanings.
    """
    found = _BUNDLE.fullmatch(name)
    if found:
        meanings = [(int(found[1], 16), int(found[2], 16))]
    else:
        meanings = _folded_meanings(name.lower())
        if not meanings:
            return None
    whole = [(row, column) for row, column in meanings if row % PACKET_SIZE == column % PACKET_SIZE == 0]
    if len(whole) > 1:
        raise ValueError(f"its name lost its case and means two bundles that start at multiples of {PACKET_SIZE}")
    if not whole:
        row, column = meanings[0]
        raise ValueError(f"its name means row {row}, column {column}; bundles start at multiples of {PACKET_SIZE}")
    if max(whole[0]) > LAST_ROW:
        raise ValueError(f"its name means row {whole[0][0]}, column {whole[0][1]}; both go up to {LAST_ROW}")
    return whole[0]


def _folded_meanings(name: str) -> list[tuple[int, int]]:
    """Read a name whose case was lost, where ``c`` may separate or be a digit: every way to read it."""
    return [
        (int(name[1:at], 16), int(name[at + 1 : -len(".bundle")], 16))
        for at, letter in enumerate(name)
        if letter == "c" and _FOLDED_BUNDLE.fullmatch(name) and 5 <= at <= len(name) - len(".bundle") - 5
    ]


def row_folder(row: int) -> str:
    """Name the folder of a row in an exploded cache."""
    return f"R{row:08x}"


def parse_row_folder(name: str) -> int | None:
    """Give the row that a folder's name means, or None when it is no row's."""
    found = _ROW.fullmatch(name)
    return int(found[1], 16) if found else None


def tile_file(tile: TileKey, suffix: str) -> str:
    """Name a tile's file in an exploded cache; the suffix begins with a dot."""
    return f"C{tile.column:08x}{suffix}"


def parse_tile_file(name: str) -> int | None:
    """Give the column that a file's name means, or None when it is no tile's."""
    found = _TILE.fullmatch(name)
    return int(found[1], 16) if found else None


def is_substitute(name: str) -> bool:
    """Tell whether a file beside the levels is what servers show for tiles that do not exist."""
    return _SUBSTITUTE.fullmatch(name) is not None
