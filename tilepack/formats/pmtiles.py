"""PMTiles 3: header and directories, bytes <-> values; the package ``pmtiles`` knows their layout.

What is in a stranger's file is checked before it is used: directories are unpacked to a limit, and sorted numbers,
runs that do not overlap and sections inside the file are demanded. Source: the PMTiles 3 specification.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilepack.errors import BundleError, UnsupportedError

MAGIC: Final = b"PMTiles"
HEADER_SIZE: Final = 127
FIRST_BYTES: Final = 16_384
"""Bytes at the start that hold header and root directory."""

MVT, PNG, JPEG, WEBP, AVIF = 1, 2, 3, 4, 5
"""Tile types."""
PLAIN, GZIP = 1, 2
"""Compressions."""

_LARGEST_DIRECTORY: Final = 8 << 20
"""Bytes of a directory, unpacked; writers make them of 100 KiB."""
_LAST_NUMBER: Final = (1 << 62) - 1
_LEAF_ENTRIES: Final = 4096
_ROOT_ENTRIES: Final = 2048
"""Leaves that a root directory points to at most, as a first guess."""

Numbers = NDArray[np.int64]


class Entries(NamedTuple):
    """Entries of a directory, each field an array."""

    numbers: Numbers
    """Number of the first tile; of pointers to a leaf, of its first tile."""
    runs: Numbers
    """Tiles that share the data; 0 points to a leaf directory."""
    offsets: Numbers
    """Start of the data in its section."""
    lengths: Numbers
    """Bytes of it."""


def codec() -> ModuleType:
    """Give the package that knows the layout."""
    from pmtiles import tile  # noqa: PLC0415  few commands need it

    return tile


def parse_header(data: bytes, *, size: int, place: str) -> dict[str, Any]:
    """Read a header.

    Args:
        data: The first 127 bytes of the file.
        size: Bytes of the file.
        place: What to call it in messages.

    Returns:
        Its fields by the package's names, enumerations as their numbers.

    Raises:
        BundleError: It is no PMTiles, or a section lies outside the file.
        UnsupportedError: It is an older version, or compressed in a way that is not read.
    """
    if not data.startswith(MAGIC):
        if data.startswith(b"PM"):
            raise UnsupportedError(f"{place}: is PMTiles of version 1 or 2; bring it to version 3 (pmtiles convert)")
        raise BundleError(f"{place}: does not begin as PMTiles does; see that it is the right file")
    if len(data) < HEADER_SIZE:
        raise BundleError(f"{place}: ends within its header; take it from a backup")
    if data[7] != 3:
        raise UnsupportedError(f"{place}: is PMTiles of version {data[7]}; tilepack reads version 3")
    try:
        header = {name: getattr(value, "value", value) for name, value in codec().deserialize_header(data).items()}
    except ValueError as error:
        raise BundleError(f"{place}: its header is damaged ({error}); take it from a backup") from error
    for section in ("root", "metadata", "leaf_directory", "tile_data"):
        start, length = header[f"{section}_offset"], header[f"{section}_length"]
        if start + length > size:
            raise BundleError(
                f"{place}: its {section.replace('_', ' ')} lies at bytes {start} to {start + length}, and the file has "
                f"{size}; it is truncated, take it from a backup"
            )
    if header["internal_compression"] not in (PLAIN, GZIP):
        raise UnsupportedError(f"{place}: its directories are neither plain nor gzipped; tilepack reads those")
    return header


def unpack(data: bytes, compression: int, *, most: int, place: str) -> bytes:
    """Unpack a directory or metadata, up to a limit.

    Raises:
        BundleError: It is damaged, or larger.
    """
    if compression == PLAIN:
        found, rest = data, b"x" if len(data) > most else b""
    else:
        unpacker = zlib.decompressobj(31)
        try:
            found = unpacker.decompress(data, most)
        except zlib.error as error:
            raise BundleError(f"{place}: does not unpack ({error}); take the file from a backup") from error
        rest = unpacker.unconsumed_tail
        if not unpacker.eof and not rest:
            raise BundleError(f"{place}: is cut short; take the file from a backup")
    if rest:
        raise BundleError(f"{place}: has more than {most} bytes; no such part has")
    return found


def parse_directory(data: bytes, compression: int, *, place: str) -> Entries:
    """Read a directory.

    Raises:
        BundleError: It is damaged, or its entries are not in order.
    """
    raw = unpack(data, compression, most=_LARGEST_DIRECTORY, place=place)
    values = _read_varints(raw, place)
    count = int(values[0]) if values.size else 0
    if values.size != 1 + 4 * count:
        raise BundleError(f"{place}: says to have {count} entries, and has {values.size - 1} numbers and not 4 of each")
    steps, runs, lengths, told = values[1:].reshape(4, count) if count else np.zeros((4, 0), np.int64)
    numbers = np.cumsum(steps)
    # A told offset of 0 means behind the entry before.
    offsets = told - 1
    for at in np.flatnonzero(told == 0).tolist():
        if at == 0:
            raise BundleError(f"{place}: its first entry lies behind one before it; take the file from a backup")
        offsets[at] = offsets[at - 1] + lengths[at - 1]
    entries = Entries(numbers, runs, offsets, lengths)
    _check_order(entries, place)
    return entries


def _check_order(entries: Entries, place: str) -> None:
    numbers, runs, offsets, lengths = entries
    bad = bool(numbers.size) and (
        numbers.max() > _LAST_NUMBER
        or numbers.min() < 0
        or (numbers + runs).max() > _LAST_NUMBER
        or (numbers + runs).min() < 0
        or (np.diff(numbers) < np.maximum(runs[:-1], 1)).any()
    )
    if bad:
        raise BundleError(f"{place}: its entries are not in the order of their tiles; take the file from a backup")
    if numbers.size and (offsets.min() < 0 or lengths.min() < 1 or (offsets + lengths).min() < 0):
        raise BundleError(f"{place}: an entry has no bytes, or none that could be; take the file from a backup")


def _read_varints(raw: bytes, place: str) -> Numbers:
    """Read all numbers of a directory: seven bits a byte, the lowest first, the eighth bit set where more follow."""
    data = np.frombuffer(raw, np.uint8)
    ends = np.flatnonzero(data < 0x80)
    if not ends.size or ends[-1] != data.size - 1:
        raise BundleError(f"{place}: ends within a number; take the file from a backup")
    starts = np.concatenate([[0], ends[:-1] + 1])
    widths = ends - starts + 1
    if widths.max() > 9:  # 63 bits
        raise BundleError(f"{place}: has a number beyond 63 bits; take the file from a backup")
    shifts = 7 * (np.arange(data.size) - np.repeat(starts, widths))
    return np.add.reduceat((data & 0x7F).astype(np.int64) << shifts, starts)


def format_directories(entries: Entries) -> tuple[bytes, bytes]:
    """Give the root directory, with leaf directories where it would not fit into the first 16 KiB.

    Returns:
        The root, and the leaves one behind the other.
    """
    room = FIRST_BYTES - HEADER_SIZE
    count = entries.numbers.size
    if count <= _LEAF_ENTRIES:
        root = _format_directory(entries)
        if len(root) <= room:
            return root, b""
    size = max(_LEAF_ENTRIES, -(-count // _ROOT_ENTRIES))
    while True:
        root, leaves = _format_leaves(entries, size)
        if len(root) <= room:
            return root, leaves
        size *= 2


def _format_leaves(entries: Entries, size: int) -> tuple[bytes, bytes]:
    leaves = bytearray()
    numbers, offsets, lengths = [], [], []
    for start in range(0, entries.numbers.size, size):
        leaf = _format_directory(Entries(*(field[start : start + size] for field in entries)))
        numbers.append(int(entries.numbers[start]))
        offsets.append(len(leaves))
        lengths.append(len(leaf))
        leaves += leaf
    fields = (np.array(field, np.int64) for field in (numbers, [0] * len(numbers), offsets, lengths))
    return _format_directory(Entries(*fields)), bytes(leaves)


def _format_directory(entries: Entries) -> bytes:
    tile = codec()
    rows = zip(
        *(field.tolist() for field in (entries.numbers, entries.offsets, entries.lengths, entries.runs)), strict=True
    )
    made: Sequence[Any] = [tile.Entry(*row) for row in rows]
    data: bytes = tile.serialize_directory(made)
    return data


def format_header(fields: dict[str, Any]) -> bytes:
    """Give a header.

    Args:
        fields: By the package's names; compressions and tile type as their numbers.
    """
    tile = codec()
    named = fields | {
        "internal_compression": tile.Compression(fields["internal_compression"]),
        "tile_compression": tile.Compression(fields["tile_compression"]),
        "tile_type": tile.TileType(fields["tile_type"]),
    }
    data: bytes = tile.serialize_header(named)
    return data
