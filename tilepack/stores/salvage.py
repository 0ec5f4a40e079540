"""Getting at the tiles of a malformed bundle, as far as that takes no guessing.

What decides is how many witnesses agree. The length of a tile has up to four: the index (V2 alone), the length in front
of the data, the image's own end, and the room up to the next tile or the end of the file. A length counts that two of
them name, when no other is named by two. Where index (V2) and length agree no other is heard; a V1 tile's length alone
is enough as well, as long as it contradicts neither the next tile nor the header.

A PNG whose signature lost its first four bytes to its length gets them back, when it then ends where its length says:
counted from the signature on, as in Esri's Usa.tpkx, where four bytes of rubbish follow, or from behind what was lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tilepack.disk.files import ByteRange
from tilepack.disk.tree import Tree
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LARGEST_TILE, LENGTH_PREFIX, Positions, TileIndex
from tilepack.formats.ending import end_of_image
from tilepack.formats.sniff import PNG_SIGNATURE, is_beheaded_png
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.stores.compact_bundle import CompactBundle

_HEAD: Final = 12
"""Bytes of a tile's data that tell whether its signature is damaged."""
_LOST: Final = PNG_SIGNATURE[:4]
"""What a length takes that is written over a PNG's first bytes."""
_ENOUGH: Final = 2
"""Witnesses that settle a length."""


class SalvagedBundle(CompactBundle):
    """The tiles of a bundle that can be had. Safe to share among threads."""

    def __init__(
        self, opened: CompactBundle, index: TileIndex, beheaded: NDArray[np.bool_], lost: dict[int, str]
    ) -> None:
        """Keep what was found; use ``salvage``.

        Args:
            opened: The bundle.
            index: Its tiles that can be had, with the bytes of each once it is mended.
            beheaded: Those that get back the start of their signature, shape (16384,).
            lost: Why the others cannot be had, by row-major position.
        """
        super().__init__(opened.bundle, opened.data, index, end=opened.data.size, fingerprint=opened.fingerprint)
        self.is_v1 = opened.is_v1
        self.first_slot = opened.first_slot
        self.beheaded = beheaded
        self.lost = lost

    def check(self) -> Self:
        """Everything was checked; a mended tile may have more bytes than are stored of it."""
        if self._order is None:
            self._order = self.index.order()
        return self

    @property
    def is_movable(self) -> bool:
        """No: what is mended moves tile by tile."""
        return False

    def sizes(self) -> NDArray[np.int64]:
        """Give the bytes of each tile's data once it is mended, shape (16384,), row-major, 0 for none."""
        return np.zeros(TILES_PER_BUNDLE, np.int64) if self.index.sizes is None else self.index.sizes

    def read(self, position: int) -> bytes | None:
        """Give the mended data of the tile at a row-major position, or None when there is none to be had."""
        start, size = int(self.index.starts[position]), int(self.sizes()[position])
        if not start:
            return None
        if self.beheaded[position]:
            return _LOST + self.data.read(size - len(_LOST), start + LENGTH_PREFIX)
        return self.data.read(size, start + LENGTH_PREFIX)

    def read_in_order(self, order: Positions) -> Iterator[tuple[int, bytes]]:
        """Yield positions and mended data of tiles, those without bytes left out; each is read for itself."""
        for position in order.tolist():
            data = self.read(position)
            if data:
                yield position, data

    def read_start(self, position: int, size: int) -> bytes:
        """Give the first bytes of a tile's mended data."""
        return (self.read(position) or b"")[:size]


def restore_png(data: bytes) -> bytes | None:
    """Give a PNG the start of its signature back, where a length was written over it.

    Args:
        data: The tile's data.

    Returns:
        The whole PNG; None where the data is none that lost its start so, or does not end where it should.
    """
    if not is_beheaded_png(data):
        return None
    end = end_of_image(_LOST + data)
    if end is None or end not in (len(data), len(data) + len(_LOST)) or end > LARGEST_TILE:
        return None
    return (_LOST + data)[:end]


def find_salvaged(tree: Tree, bundle: BundleKey, path: str, bundlx: str | None, *, is_v1: bool) -> SalvagedBundle:
    """Open a bundle in a tree for what can be had of it; it closes as a context.

    Args:
        tree: The folder or package.
        bundle: The bundle's name.
        path: Path in the tree of the ``.bundle``.
        bundlx: Path of the ``.bundlx`` of V1; None where there is none.
        is_v1: Whether it is a V1 bundle.

    Raises:
        BundleError: Header or index are none, so that nobody knows where its tiles lie.
        TransferError: A file cannot be read.
    """
    data = tree.open(path)
    try:
        if not is_v1 or bundlx is None:
            return open_salvaged(bundle, data, None, is_v1=is_v1)
        with tree.open(bundlx) as index:
            return open_salvaged(bundle, data, index, is_v1=True)
    except BaseException:
        data.close()
        raise


def open_salvaged(bundle: BundleKey, data: ByteRange, bundlx: ByteRange | None, *, is_v1: bool) -> SalvagedBundle:
    """Open a bundle for what can be had of it.

    Args:
        bundle: Its name.
        data: The ``.bundle``; the caller closes it.
        bundlx: The ``.bundlx`` of V1.
        is_v1: Whether it is a V1 bundle.

    Raises:
        BundleError: Header or index are none, so that nobody knows where its tiles lie.
    """
    if is_v1:
        opened = CompactBundle.open_v1(bundle, data, bundlx, may_be_cut=True)
    else:
        opened = CompactBundle.open_v2(bundle, data, may_be_cut=True)
    return salvage(opened)


def salvage(opened: CompactBundle) -> SalvagedBundle:
    """Tell which tiles of a bundle can be had without guessing.

    Args:
        opened: The bundle, header and index read, nothing of it checked.

    Raises:
        BundleError: Its file changes meanwhile.
    """
    return _Salvage(opened).carry_out()


class _Salvage:
    """The search through one bundle."""

    def __init__(self, opened: CompactBundle) -> None:
        self._opened = opened
        self._data = opened.data
        self._order = opened.index.order()
        """Positions of the tiles, as stored; what follows goes by it."""
        self._starts = opened.index.starts[self._order]
        sizes = opened.index.sizes
        self._said: Positions | None = None if sizes is None else sizes[self._order]
        """Bytes by the index."""
        self._lengths = np.zeros(self._order.shape, np.int64)
        """Bytes by the length in front."""
        self._lost: dict[int, str] = {}

    def carry_out(self) -> SalvagedBundle:
        """Hear the witnesses of every tile."""
        inside = self._read_lengths()
        agreed = inside & self._agree()
        limits = self._limits(inside if self._said is None else agreed)
        sizes = np.where(agreed, self._lengths, 0)
        for at in np.flatnonzero(inside & ~agreed).tolist():
            sizes[at] = self._settle(at, int(limits[at]))
        self._drop_shared(sizes, agreed)
        return self._made(sizes)

    def _lose(self, at: int, reason: str) -> None:
        self._lost.setdefault(int(self._order[at]), reason)

    def _read_lengths(self) -> NDArray[np.bool_]:
        """Read the length in front of each tile; tell which lie where one can."""
        first = bundle_v1.HEADER_SIZE if self._opened.is_v1 else bundle_v2.FIRST_SLOT
        inside = (self._starts >= first) & (self._starts + LENGTH_PREFIX <= self._data.size)
        for at in range(self._order.size):
            start = int(self._starts[at])
            if inside[at]:
                self._lengths[at] = int.from_bytes(self._data.read(LENGTH_PREFIX, start), "little")
            else:
                where = "in the header" if start < first else "behind the end"
                self._lose(at, f"is said to start at byte {start}, {where}")
        return inside

    def _agree(self) -> NDArray[np.bool_]:
        """Tell which lengths need no other witness, and fit the file."""
        ends = self._starts + LENGTH_PREFIX + self._lengths
        if self._said is not None:
            alike: NDArray[np.bool_] = (self._lengths == self._said) & (ends <= self._data.size)
            return alike
        following = np.append(self._starts[1:], self._opened.end)
        before = np.append(0, self._starts[:-1])
        fitting: NDArray[np.bool_] = (ends <= np.minimum(following, self._opened.end)) & (self._starts > before)
        return fitting

    def _limits(self, trusted: NDArray[np.bool_]) -> Positions:
        """Give where each tile has to end at the latest: where the next one that is trusted starts, or at the end."""
        marks = np.append(np.unique(self._starts[trusted]), self._data.size)
        limits: Positions = marks[np.minimum(np.searchsorted(marks, self._starts, side="right"), marks.size - 1)]
        return limits

    def _settle(self, at: int, limit: int) -> int:
        """Give a tile's bytes by its witnesses; 0 where they do not settle it."""
        begin = int(self._starts[at]) + LENGTH_PREFIX
        room = limit - begin
        data = self._data.read(max(0, min(room, LARGEST_TILE)), begin)
        end = end_of_image(_LOST + data if is_beheaded_png(data[:_HEAD]) else data)
        heard = [int(self._lengths[at]), end, room]
        if self._said is not None:
            heard.append(int(self._said[at]))
        votes = Counter(length for length in heard if length)
        settled = [length for length, number in votes.items() if number >= _ENOUGH]
        if len(settled) == 1 and 0 < settled[0] <= room:
            return settled[0]
        by_index = "" if self._said is None else f"{self._said[at]} bytes by the index, "
        self._lose(at, f"has {by_index}{self._lengths[at]} by its length, and nothing settles which")
        return 0

    def _drop_shared(self, sizes: Positions, agreed: NDArray[np.bool_]) -> None:
        """Lose tiles that share bytes: both, unless only one of them needed no other witness."""
        reach, owner, losers = 0, 0, set()
        for at in np.flatnonzero(sizes).tolist():
            if self._starts[at] < reach:
                pair = {at, owner}
                losers |= {one for one in pair if not agreed[one]} or pair
            end = int(self._starts[at] + LENGTH_PREFIX + sizes[at])
            if end > reach:
                reach, owner = end, at
        for at in losers:
            sizes[at] = 0
            self._lose(at, "claims bytes of another tile")

    def _made(self, sizes: Positions) -> SalvagedBundle:
        starts, stored = np.zeros(TILES_PER_BUNDLE, np.int64), np.zeros(TILES_PER_BUNDLE, np.int64)
        beheaded = np.zeros(TILES_PER_BUNDLE, np.bool_)
        for at in np.flatnonzero(sizes).tolist():
            position, start, size = int(self._order[at]), int(self._starts[at]), int(sizes[at])
            starts[position], stored[position] = start, size
            if not is_beheaded_png(self._data.read(min(size, _HEAD), start + LENGTH_PREFIX)):
                continue
            mended = restore_png(self._data.read(size, start + LENGTH_PREFIX))
            if mended is not None:
                stored[position], beheaded[position] = len(mended), True
        return SalvagedBundle(self._opened, TileIndex(starts, stored), beheaded, self._lost)
