"""Moving the slots of a bundle as they are, and learning the tiles' sizes from the bytes that pass.

V1 and V2 keep slots alike, only at other places in the file. The bytes go through one small buffer, in pieces that end
where pages of the *target* end; ``copy_file_range`` and ``sendfile`` lose, because the source's bytes lie 4 bytes off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from zlib_ng import zlib_ng

from tilepack.disk.files import Sink
from tilepack.errors import BundleError
from tilepack.formats.bundle import LENGTH_PREFIX, Positions, TileIndex, lengths_differ, overlapping
from tilepack.stores.base import RawBundle

_PIECE: Final = 1 << 17
"""Bytes moved at once: small enough to stay in the processor's cache between reading and writing."""


def copy_slots(
    raw: RawBundle, sink: Sink, at: int, moved: Callable[[int], None] | None = None
) -> tuple[TileIndex, int]:
    """Copy the slots of a bundle, dead space and order kept.

    Args:
        raw: The bundle.
        sink: Where to.
        at: Position in the sink of the first slot.
        moved: Called with the bytes of each piece once it is written.

    Returns:
        The index for the sink, sizes known, and the CRC-32 of the copied bytes (0 where the sink wants none).

    Raises:
        BundleError: A tile's length contradicts the index, the next tile or the end of the file.
        TransferError: Reading or writing failed.
    """
    starts = raw.index.starts[raw.order]
    lengths = np.zeros(starts.shape, np.int64)
    buffer = bytearray(_PIECE)
    view, octets = memoryview(buffer), np.frombuffer(buffer, np.uint8)
    reach = np.arange(LENGTH_PREFIX)
    shift = at - raw.first_slot
    position, known, crc = raw.first_slot, 0, 0
    while position < raw.end:
        room = _PIECE - (sink.alignment + position + shift) % _PIECE
        count = min(room, raw.end - position)
        piece = view[:count]
        raw.data.read_into(piece, position)
        sink.write(piece, position + shift)
        if sink.needs_crc:
            crc = zlib_ng.crc32(piece, crc)
        whole = int(np.searchsorted(starts, position + count - LENGTH_PREFIX, side="right"))
        if whole > known:
            places = (starts[known:whole] - position)[:, None] + reach
            lengths[known:whole] = octets[places].view("<u4")[:, 0]
        position += count
        if moved is not None:
            moved(count)
        if whole < starts.size and starts[whole] < position:  # this length goes on in the next piece
            lengths[whole] = int.from_bytes(raw.data.read(LENGTH_PREFIX, int(starts[whole])), "little")
            whole += 1
        known = whole
    return _checked_index(raw, starts, lengths, shift), crc


def _checked_index(raw: RawBundle, starts: Positions, lengths: Positions, shift: int) -> TileIndex:
    """Check the lengths that came past against all else that is known, and make the index of the copy."""
    place = raw.data.place
    if raw.index.sizes is not None:
        wrong = np.flatnonzero(lengths != raw.index.sizes[raw.order])
        if wrong.size:
            tile = int(raw.order[wrong[0]])
            raise lengths_differ(raw.bundle, tile, int(raw.index.sizes[tile]), int(lengths[wrong[0]]), place)
    ends = starts + LENGTH_PREFIX + lengths
    late = np.flatnonzero(ends[:-1] > starts[1:])
    if late.size:
        raise overlapping(raw.bundle, int(raw.order[late[0]]), int(raw.order[late[0] + 1]), place)
    if ends.size and ends[-1] > raw.end:
        raise BundleError(
            f"{place}: tile {raw.bundle.tile(int(raw.order[-1]))} is said to end at byte {ends[-1]}, but by its "
            f"header the bundle ends at {raw.end}; one of them is damaged, take the bundle from a backup"
        )
    held = lengths > 0  # a V1 slot of no bytes is an empty tile by another name
    sizes = np.zeros(raw.index.starts.shape, np.int64)
    moved = np.zeros(raw.index.starts.shape, np.int64)
    sizes[raw.order] = lengths
    moved[raw.order[held]] = starts[held] + shift
    return TileIndex(moved, sizes)
