"""Moving the slots of a bundle as they are, and learning the tiles' sizes from the bytes that pass.

V1 and V2 keep slots alike, only at other places in the file. The bytes go through one small buffer, in pieces that end
where pages of the *target* end; ``copy_file_range`` and ``sendfile`` lose, because the source's bytes lie 4 bytes off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.disk.sinks import Sink
from tilepack.errors import BundleError
from tilepack.formats.bundle import LENGTH_PREFIX, Positions, TileIndex, lengths_differ, overlapping
from tilepack.keys import BundleKey
from tilepack.stores.base import Piece, RawBundle, SupportsRawRead, TileReader

_PIECE: Final = 1 << 17
"""Bytes moved at once: small enough to stay in the processor's cache between reading and writing."""
_SEEN: Final = LENGTH_PREFIX + 4
"""Bytes of each slot that are looked at as they pass."""
_FEW: Final = 3
"""Slots of a run up to which they are moved one by one, which costs less than beginning a run."""


@dataclass(frozen=True, slots=True)
class CopiedSlots:
    """Slots that were copied, and what came to be known of them."""

    index: TileIndex
    """For the copy, sizes known."""
    crc: int
    """CRC-32 of the copied bytes; 0 where the sink wants none."""
    heads: NDArray[np.uint8]
    """The first four bytes of each tile's data, shape (tiles, 4), as stored; of shorter data whatever follows."""


def copy_slots(raw: RawBundle, sink: Sink, at: int, moved: Callable[[int], None] | None = None) -> CopiedSlots:
    """Copy the slots of a bundle, dead space and order kept.

    Args:
        raw: The bundle.
        sink: Where to.
        at: Position in the sink of the first slot.
        moved: Called with the bytes of each piece once it is written.

    Raises:
        BundleError: A tile's length contradicts the index, the next tile or the end of the file.
        TransferError: Reading or writing failed.
    """
    starts = raw.index.starts[raw.order]
    seen = np.zeros((starts.size, _SEEN), np.uint8)
    buffer = bytearray(_PIECE)
    view, octets = memoryview(buffer), np.frombuffer(buffer, np.uint8)
    reach = np.arange(_SEEN)
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
        whole = int(np.searchsorted(starts, position + count - _SEEN, side="right"))
        if whole > known:
            seen[known:whole] = octets[(starts[known:whole] - position)[:, None] + reach]
        position += count
        if moved is not None:
            moved(count)
        while whole < starts.size and starts[whole] < position:  # this slot's start goes on in the next piece
            start = int(starts[whole])
            head = raw.data.read(min(_SEEN, raw.end - start), start)
            seen[whole, : len(head)] = np.frombuffer(head, np.uint8)
            whole += 1
        known = whole
    lengths = seen[:, :LENGTH_PREFIX].copy().view("<u4")[:, 0].astype(np.int64)
    return CopiedSlots(_checked_index(raw, starts, lengths, shift), crc, seen[:, LENGTH_PREFIX:])


def stored_pieces(
    reader: TileReader,
    bundle: BundleKey,
    wanted: NDArray[np.bool_],
    files: ExitStack,
    *,
    alone: NDArray[np.bool_] | None = None,
    there: BundleKey | None = None,
) -> Iterator[Piece]:
    """Yield what is wanted of a bundle in stored order, in runs where the source has such.

    Args:
        reader: The source.
        bundle: The bundle.
        wanted: Which tiles, shape (16384,).
        files: Closes the bundle's file, once the runs are used.
        alone: Tiles that come with their data and not in runs, shape (16384,).
        there: What the bundle is called where the pieces go; None: the same.

    Raises:
        BundleError: The bundle is malformed.
    """
    if not wanted.any():
        return  # nor need there be such a bundle
    raw = reader.raw(bundle) if isinstance(reader, SupportsRawRead) else None
    name = there or bundle
    if raw is None and name == bundle:
        yield from reader.tiles(bundle, wanted)
        return
    if raw is None:
        yield from ((name.tile(bundle.position(tile)), data) for tile, data in reader.tiles(bundle, wanted))
        return
    files.callback(raw.data.close)
    yield from runs(replace(raw, bundle=name), reader.index(bundle), wanted, alone)


def runs(
    raw: RawBundle, sizes: Positions, wanted: NDArray[np.bool_], alone: NDArray[np.bool_] | None = None
) -> Iterator[Piece]:
    """Split what is wanted of a bundle into runs of slots that follow one another without a gap, in stored order.

    Args:
        raw: The bundle; its file stays open as long as the runs are used.
        sizes: Bytes of each tile's data, shape (16384,).
        wanted: Which tiles, shape (16384,).
        alone: Those that come with their data and not in runs, shape (16384,).

    Raises:
        BundleError: The bundle ends too early.
    """
    order = raw.order[wanted[raw.order] & (sizes[raw.order] > 0)]
    if not order.size:
        return
    starts = raw.index.starts[order]
    ends = starts + LENGTH_PREFIX + sizes[order]
    breaks = ends[:-1] != starts[1:]
    if alone is not None:
        apart = alone[order]
        breaks |= apart[:-1] != apart[1:]
    for part in np.split(order, np.flatnonzero(breaks) + 1):
        first = int(raw.index.starts[part[0]])
        if len(part) > _FEW and not (alone is not None and alone[part[0]]):
            end = int(raw.index.starts[part[-1]] + LENGTH_PREFIX + sizes[part[-1]])
            yield replace(raw, first_slot=first, end=end, order=part)
            continue
        for position in part.tolist():
            slot = raw.data.read(LENGTH_PREFIX + int(sizes[position]), int(raw.index.starts[position]))
            length = int.from_bytes(slot[:LENGTH_PREFIX], "little")
            if length != sizes[position]:
                raise lengths_differ(raw.bundle, position, int(sizes[position]), length, raw.data.place)
            yield raw.bundle.tile(position), slot[LENGTH_PREFIX:]


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
