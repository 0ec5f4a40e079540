"""What can be told of a vector tile without drawing it: that it unpacks, and that its messages end where it ends.

A vector tile is a protocol buffer, gzipped in packages: fields one after another, each with a key (number and wire
type, a varint) and a value. Layers are field 3, of wire type 2: a length and as many bytes. What is in them is not
looked at. Sources: RFC 1952; the encoding of protocol buffers; the vector tile specification 2.1, section 4.
"""

from __future__ import annotations

import zlib
from typing import Final

_LARGEST: Final = 1 << 26
"""Bytes unpacked at most: what is larger is a bomb, or nobody's to draw."""

_WIRE_SIZES: Final = {1: 8, 5: 4}
"""Bytes of a value, by wire type; 0 is a varint, 2 a length and as many bytes."""

_GZIP: Final = 31
"""Window bits by which zlib takes gzip alone."""


def fault_of(data: bytes) -> str | None:
    """Tell what is wrong with a gzipped vector tile; None where nothing is to be seen.

    Args:
        data: The tile.

    Returns:
        A part of a sentence.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        tile = unpacker.decompress(data, _LARGEST)
    except zlib.error as error:
        return f"does not unpack ({error})"
    if unpacker.unconsumed_tail:
        return f"unpacks to more than {_LARGEST} bytes"
    if not unpacker.eof:
        return "is cut short: the gzip's end is missing"
    return _fault_of_message(tile)


def _fault_of_message(tile: bytes) -> str | None:
    position = 0
    while position < len(tile):
        start = position
        key, position = _varint(tile, position)
        wire = key & 7
        if wire == 0:
            _, position = _varint(tile, position)
        elif wire == 2:
            length, position = _varint(tile, position)
            position += length
        elif wire in _WIRE_SIZES:
            position += _WIRE_SIZES[wire]
        else:
            return f"unpacks to no vector tile: field of wire type {wire} at byte {start}"
        if not key >> 3 or position > len(tile):
            return f"unpacks to no vector tile: the field at byte {start} has no number, or ends beyond the tile"
    return None


def _varint(tile: bytes, position: int) -> tuple[int, int]:
    """Read a varint, and give the position behind it; beyond the tile where it has no end."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(tile):
            break
        byte = tile[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    return value, len(tile) + 1
