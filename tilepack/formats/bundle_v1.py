"""Compact V1: a ``.bundle`` with the tiles and a ``.bundlx`` with their offsets; bytes <-> values.

The .bundle, little endian, header struct ``<4I 3Q 5I``:

======  ======  ===================  =====================================================================
offset  type    value                meaning
======  ======  ===================  =====================================================================
0       u32     3                    version
4       u32     16384                record count, 128 x 128
8       u32                          bytes of the largest tile
12      u32     5                    bytes of an offset in the .bundlx
16      u64     4 x tiles            slack: the placeholders that tiles no longer use
24      u64                          file size
32      u64     40                   user header offset
40      u32     16                   user header size
44      4 u32                        first row, last row, first column, last column
60      u32     0, 16384 times       placeholder of each empty tile
65596                                slots: u32 size, data; without gaps, in the order they were made
======  ======  ===================  =====================================================================

The .bundlx (81,952 bytes): ``<4I`` 3, 16, 16384, 5; then 16384 offsets of 5 bytes, **column-major**; then ``<4I`` 0,
16, 16, 0. An offset points at a slot; that of an empty tile at its placeholder, 60 + 4 i. Other programs also write 0,
or point elsewhere below the first slot.

Source: measured on 33 bundles written by ArcGIS 10.3 to 10.6; MapProxy reads and writes the same.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from tilepack.errors import BundleError
from tilepack.formats.bundle import HeaderFigures, Positions, TileIndex, transpose
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey

HEADER_SIZE: Final = 60
FIRST_SLOT: Final = HEADER_SIZE + 4 * TILES_PER_BUNDLE
"""Where the first tile's slot starts in a .bundle without dead space: 65596."""
BUNDLX_SIZE: Final = 16 + 5 * TILES_PER_BUNDLE + 16

_HEADER: Final = struct.Struct("<4I3Q5I")
_BUNDLX_HEAD: Final = struct.pack("<4I", 3, 16, TILES_PER_BUNDLE, 5)
_BUNDLX_FOOT: Final = struct.pack("<4I", 0, 16, 16, 0)
_PLACEHOLDERS: Final = HEADER_SIZE + 4 * np.arange(TILES_PER_BUNDLE, dtype=np.int64)


def is_header(head: bytes) -> bool:
    """Tell whether the first bytes of a .bundle are a V1 header and not a V2 header (44 bytes decide)."""
    return len(head) >= 44 and struct.unpack_from("<I", head, 40)[0] == 16


def parse_header(head: bytes, *, bundle: BundleKey, file_size: int, place: str) -> int:
    """Check the header of a .bundle against its name and its file.

    Args:
        head: At least the first 60 bytes.
        bundle: The bundle that the file's name means.
        file_size: Bytes in the file.
        place: The file, for messages.

    Returns:
        The file size that the header claims; tiles may not lie beyond it.

    Raises:
        BundleError: It is no V1 header, or claims what cannot be.
    """
    if len(head) < HEADER_SIZE or file_size < HEADER_SIZE:
        raise BundleError(
            f"{place}: the bundle is truncated: {file_size} bytes, a header has {HEADER_SIZE}; take it from a backup"
        )
    version, records, _, width, _, size, offset, length, *rectangle = _HEADER.unpack_from(head)
    if (version, records, width, offset, length) != (3, TILES_PER_BUNDLE, 5, 40, 16):
        raise BundleError(
            f"{place}: no Compact V1 bundle: version {version}, {records} records, offsets of {width} bytes, user "
            f"header of {length} bytes at {offset}; expected 3, {TILES_PER_BUNDLE}, 5, 16 at 40; take it from a backup"
        )
    expected = [bundle.row, bundle.row + PACKET_SIZE - 1, bundle.column, bundle.column + PACKET_SIZE - 1]
    if rectangle != expected:
        raise BundleError(
            f"{place}: the header says rows {rectangle[0]} to {rectangle[1]}, columns {rectangle[2]} to "
            f"{rectangle[3]}, the name says {expected[0]} to {expected[1]}, {expected[2]} to {expected[3]}; "
            f"the file was renamed or damaged, give it back its own name"
        )
    if size > file_size:
        raise BundleError(
            f"{place}: the header says {size} bytes, the file has {file_size}; it is truncated, take it from a backup"
        )
    return int(size)


def format_header(*, bundle: BundleKey, tiles: int, largest: int, file_size: int) -> bytes:
    """Give the header of a .bundle.

    Args:
        bundle: Gives rows and columns.
        tiles: Number of tiles; each leaves 4 bytes of slack.
        largest: Bytes of the largest tile.
        file_size: Bytes of the whole .bundle.
    """
    return _HEADER.pack(
        3,
        TILES_PER_BUNDLE,
        largest,
        5,
        4 * tiles,
        file_size,
        40,
        16,
        bundle.row,
        bundle.row + PACKET_SIZE - 1,
        bundle.column,
        bundle.column + PACKET_SIZE - 1,
    )


def read_header(head: bytes) -> HeaderFigures:
    """Read the figures of a header that readers do not depend on; ``parse_header`` checks the others."""
    _, _, largest, _, slack, size, *_ = _HEADER.unpack_from(head)
    return HeaderFigures(largest, slack, size)


def names_another(head: bytes, bundle: BundleKey) -> bool:
    """Tell whether a header's first row or column is not that of its bundle's name."""
    return struct.unpack_from("<4I", head, 44)[::2] != (bundle.row, bundle.column)


def check_bundlx_size(size: int, *, place: str) -> None:
    """Check the bytes in a .bundlx, before anything is read by it.

    Raises:
        BundleError: They are not 81,952.
    """
    if size != BUNDLX_SIZE:
        raise BundleError(f"{place}: the index has {size} bytes; a .bundlx has {BUNDLX_SIZE}, take it from a backup")


def parse_bundlx(data: bytes, *, place: str) -> Positions:
    """Read the offsets of a .bundlx.

    Returns:
        Start of each tile's slot, shape (16384,), row-major; 0 where the offset is that of an empty tile.

    Raises:
        BundleError: It has another size or other fixed numbers than a .bundlx.
    """
    check_bundlx_size(len(data), place=place)
    if data[:16] != _BUNDLX_HEAD:
        raise BundleError(
            f"{place}: no .bundlx: it begins with {struct.unpack_from('<4I', data)}, not 3, 16, 16384, 5; take "
            f"it from a backup"
        )
    packed = np.frombuffer(data, np.uint8, 5 * TILES_PER_BUNDLE, 16).reshape(TILES_PER_BUNDLE, 5)
    wide = np.zeros((TILES_PER_BUNDLE, 8), np.uint8)
    wide[:, :5] = packed
    offsets = wide.view("<i8").reshape(TILES_PER_BUNDLE)
    return transpose(np.where((offsets == _PLACEHOLDERS) | (offsets < HEADER_SIZE), 0, offsets))


def format_bundlx(index: TileIndex) -> bytes:
    """Give the .bundlx of an index; empty tiles point at their placeholders."""
    starts = transpose(index.starts)
    offsets = np.where(starts == 0, _PLACEHOLDERS, starts).astype("<i8")
    packed = offsets.view(np.uint8).reshape(TILES_PER_BUNDLE, 8)[:, :5]
    return _BUNDLX_HEAD + packed.tobytes() + _BUNDLX_FOOT
