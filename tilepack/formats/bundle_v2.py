"""Compact V2: one ``.bundle`` with header, index and tiles; bytes <-> values.

Little endian, header struct ``<4I 3Q 6I``:

======  ======  ==================  ==================  ======================================================
offset  type    Esri's paper        ArcGIS writes       meaning
======  ======  ==================  ==================  ======================================================
0       u32     3                   3                   version
4       u32     16384               0                   record count
8       u32     largest tile        at least 131092     bytes of the largest tile
12      u32     5                   5                   bytes of an offset
16      u64     0                   0                   slack
24      u64     file size           file size
32      u64     40                  40                  user header offset
40      u32     131092              131092              user header size, 20 + 131072
44      4 u32   3, 16, 16384, 5     3, 0, 16384, 5      the V1 index header, moved in
60      u32     131072              131072              bytes of the index
64      u64                                             16384 entries, **row-major**: offset | size << 40
131136                                                  slots: u32 size, data
======  ======  ==================  ==================  ======================================================

An entry's offset points at the data, behind the length. Size 0 means empty; the offset is then 4 (ArcGIS) or 0 (the
paper's sample). Source: Esri's Compact Cache V2 paper and sample, and measured on packages written by ArcGIS.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import numpy as np
from zlib_ng import zlib_ng

from tilepack.errors import BundleError
from tilepack.formats.bundle import LENGTH_PREFIX, HeaderDialect, HeaderFigures, TileIndex
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE

HEADER_SIZE: Final = 64
INDEX_SIZE: Final = 8 * TILES_PER_BUNDLE
FIRST_SLOT: Final = HEADER_SIZE + INDEX_SIZE
"""Where the first tile's slot starts in a bundle without dead space: 131136."""

_HEADER: Final = struct.Struct("<4I3Q6I")
_USER_HEADER_SIZE: Final = 20 + INDEX_SIZE
_SIZE_SHIFT: Final = np.uint64(40)
_OFFSET_MASK: Final = np.uint64((1 << 40) - 1)
_SMALLEST_ENTRY: Final = np.uint64(1 << 40)
_EMPTY: Final = np.uint64(4)
_RECORD_COUNTS: Final = (0, TILES_PER_BUNDLE)


def parse_header(head: bytes | memoryview, *, file_size: int, place: str) -> int:
    """Check the header of a bundle against its file.

    Args:
        head: At least the first 64 bytes.
        file_size: Bytes in the file.
        place: The file, for messages.

    Returns:
        The file size that the header claims; tiles may not lie beyond it.

    Raises:
        BundleError: It is no V2 header, or claims what cannot be.
    """
    if len(head) < HEADER_SIZE or file_size < FIRST_SLOT:
        raise BundleError(
            f"{place}: the bundle is truncated: {file_size} bytes, header and index alone have {FIRST_SLOT}; take it "
            f"from a backup"
        )
    version, records, _, width, _, size, offset, length, *_, index_size = _HEADER.unpack_from(head)
    if (version, width, offset, length, index_size) != (3, 5, 40, _USER_HEADER_SIZE, INDEX_SIZE):
        raise BundleError(
            f"{place}: no Compact V2 bundle: version {version}, offsets of {width} bytes, user header of {length} "
            f"bytes at {offset}, index of {index_size} bytes; expected 3, 5, {_USER_HEADER_SIZE} at 40, {INDEX_SIZE}; "
            f"take it from a backup"
        )
    if records not in _RECORD_COUNTS:
        raise BundleError(
            f"{place}: the header says {records} records; a bundle of 128 x 128 tiles says {TILES_PER_BUNDLE} or 0; "
            f"take it from a backup"
        )
    if size > file_size:
        raise BundleError(
            f"{place}: the header says {size} bytes, the file has {file_size}; it is truncated, take it from a backup"
        )
    return int(size)


def read_header(head: bytes) -> HeaderFigures:
    """Read the figures of a header that readers do not depend on; ``parse_header`` checks the others."""
    _, _, largest, _, slack, size, *_ = _HEADER.unpack_from(head)
    return HeaderFigures(largest, slack, size)


def format_header(*, largest: int, file_size: int, dialect: HeaderDialect) -> bytes:
    """Give the header of a bundle.

    Args:
        largest: Bytes of the largest tile.
        file_size: Bytes of the whole bundle.
        dialect: Whose way to fill it in.
    """
    paper = dialect is HeaderDialect.PAPER
    return _HEADER.pack(
        3,
        TILES_PER_BUNDLE if paper else 0,
        largest if paper else max(largest, _USER_HEADER_SIZE),
        5,
        0,
        file_size,
        40,
        _USER_HEADER_SIZE,
        3,
        16 if paper else 0,
        TILES_PER_BUNDLE,
        5,
        INDEX_SIZE,
    )


def parse_index(data: bytes) -> TileIndex:
    """Read the 131,072 bytes of an index."""
    entries = np.frombuffer(data, "<u8", TILES_PER_BUNDLE)
    sizes = (entries >> _SIZE_SHIFT).astype(np.int64)
    starts = (entries & _OFFSET_MASK).astype(np.int64)
    starts -= LENGTH_PREFIX
    # A tile said to lie below byte 5 is a damaged entry, not an empty one: keep it apart from 0, which means empty.
    np.maximum(starts, 1, out=starts)
    starts *= sizes != 0
    return TileIndex(starts, sizes)


class IndexScan(NamedTuple):
    """What an index tells in passing. Much less work than ``parse_index``: reports look at thousands."""

    tiles: int
    tile_bytes: int
    last_end: int
    """Where the slot that reaches furthest ends; 0 when there are no tiles."""
    rows: tuple[int, int]
    """First and last row of the tiles in the bundle, 0 to 127."""
    columns: tuple[int, int]
    checksum: int
    """CRC-32 of the entries of the tiles."""


def scan_index(data: bytes | memoryview) -> IndexScan:
    """Sum up the 131,072 bytes of an index."""
    entries = np.frombuffer(data, "<u8", TILES_PER_BUNDLE)
    (held,) = (entries >= _SMALLEST_ENTRY).nonzero()  # a size above 0 in the bits from 40 on
    if not held.size:
        return IndexScan(0, 0, 0, (0, -1), (0, -1), 0)
    there = entries[held]
    sizes = there >> _SIZE_SHIFT
    ends = (there & _OFFSET_MASK) + sizes
    columns = held & (PACKET_SIZE - 1)
    return IndexScan(
        held.size,
        int(np.add.reduce(sizes)),
        int(np.maximum.reduce(ends)),
        (int(held[0]) // PACKET_SIZE, int(held[-1]) // PACKET_SIZE),
        (int(np.minimum.reduce(columns)), int(np.maximum.reduce(columns))),
        zlib_ng.crc32(there, held.size),
    )


def format_index(index: TileIndex) -> bytes:
    """Give the 131,072 bytes of an index with known sizes; empty entries are 4, as ArcGIS writes them.

    Raises:
        ValueError: The sizes are unknown.
    """
    if index.sizes is None:
        raise ValueError("a V2 index holds sizes; gather them first")
    starts = index.starts.astype(np.uint64)
    sizes = index.sizes.astype(np.uint64)
    entries = np.where(index.present, (starts + np.uint64(LENGTH_PREFIX)) | (sizes << _SIZE_SHIFT), _EMPTY)
    return entries.astype("<u8").tobytes()
