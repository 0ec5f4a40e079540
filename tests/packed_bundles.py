"""Bundles of Compact V1 and V2, packed by ``struct`` alone: the layouts are spelled out a second time."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tilepack.keys import BundleKey, TileKey

SIDE = 128
SLOTS = SIDE * SIDE
V1_FIRST = 60 + 4 * SLOTS
V2_FIRST = 64 + 8 * SLOTS


def pack_v1(
    bundle: BundleKey, tiles: Sequence[tuple[TileKey, bytes]], *, empties: str = "placeholder", dead: Sequence[int] = ()
) -> tuple[bytes, bytes]:
    """Pack a Compact V1 bundle.

    Args:
        bundle: Its corner.
        tiles: In the order in which they shall be stored.
        empties: Where empty slots of the index point: ``placeholder`` (60 + 4 i), ``zero``, ``below`` (16), or
            ``first``, the placeholder of the first tile (60).
        dead: Bytes of rubbish in front of each of the first tiles.

    Returns:
        The .bundle and the .bundlx.
    """
    offsets = (
        [60 + 4 * at for at in range(SLOTS)]
        if empties == "placeholder"
        else [{"zero": 0, "below": 16, "first": 60}[empties]] * SLOTS
    )
    body = bytearray()
    for number, (tile, data) in enumerate(tiles):
        body += b"\xee" * (dead[number] if number < len(dead) else 0)
        offsets[(tile.column - bundle.column) * SIDE + tile.row - bundle.row] = V1_FIRST + len(body)
        body += struct.pack("<I", len(data)) + data
    largest = max((len(data) for _, data in tiles), default=0)
    corners = (bundle.row, bundle.row + SIDE - 1, bundle.column, bundle.column + SIDE - 1)
    head = struct.pack("<4I3Q5I", 3, SLOTS, largest, 5, 4 * len(tiles), V1_FIRST + len(body), 40, 16, *corners)
    index = b"".join(offset.to_bytes(5, "little") for offset in offsets)
    footed = struct.pack("<4I", 3, 16, SLOTS, 5) + index + struct.pack("<4I", 0, 16, 16, 0)
    return head + bytes(4 * SLOTS) + bytes(body), footed


def pack_v2(
    tiles: Sequence[tuple[TileKey, bytes]], *, dialect: str = "arcgis", empty: int = 4, dead: Sequence[int] = ()
) -> bytes:
    """Pack a Compact V2 bundle.

    Args:
        tiles: In the order in which they shall be stored; all of one bundle.
        dialect: Header as ArcGIS fills it in (``arcgis``), or Esri's paper (``paper``).
        empty: Offset in empty entries: 4 or 0.
        dead: Bytes of rubbish in front of each of the first tiles.
    """
    entries = [empty] * SLOTS
    body = bytearray()
    for number, (tile, data) in enumerate(tiles):
        body += b"\xee" * (dead[number] if number < len(dead) else 0)
        at = tile.row % SIDE * SIDE + tile.column % SIDE
        entries[at] = V2_FIRST + len(body) + 4 | len(data) << 40
        body += struct.pack("<I", len(data)) + data
    largest = max((len(data) for _, data in tiles), default=0)
    paper = dialect == "paper"
    head = struct.pack(
        "<4I3Q6I",
        3,
        SLOTS if paper else 0,
        largest if paper else max(largest, 131092),
        5,
        0,
        V2_FIRST + len(body),
        40,
        131092,
        3,
        16 if paper else 0,
        SLOTS,
        5,
        131072,
    )
    return head + struct.pack(f"<{SLOTS}Q", *entries) + bytes(body)
