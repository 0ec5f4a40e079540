"""Checking compact bundles: header, index, and the first bytes of every slot.

A reader refuses a bundle at the first thing that is wrong with it. Here every tile whose slot lies where slots may is
looked at, whatever is wrong with its neighbours. Of each only length and first bytes are read; where tiles are small
and lie close together, many by one read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.disk.files import ByteRange
from tilepack.disk.tree import Tree
from tilepack.errors import BundleError, TilepackError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.bundle import LENGTH_PREFIX, Positions, occupied
from tilepack.inspect.checks.names import BundleFiles
from tilepack.inspect.checks.tiles import HEAD, TileChecks, place_of
from tilepack.inspect.findings import Collector
from tilepack.keys import TileRange
from tilepack.stores.compact_bundle import CompactBundle
from tilepack.stores.waiting import waiting_index

_SPAN: Final = 1 << 14
"""Bytes that one read may gather the heads of several tiles from."""

_VERSION: Final = b"\3\0\0\0"
"""What headers of both kinds begin with; the figures of one that begins otherwise mean nothing."""

_OFTEN: Final = 64
"""Tiles decoded between two reports of progress."""

_NOBODYS_LARGEST: Final = 20 + bundle_v2.INDEX_SIZE
"""What ArcGIS writes as a V2 bundle's largest tile while all are smaller."""


def check_bundle(
    found: Collector, tree: Tree, files: BundleFiles, checks: TileChecks, *, is_v1: bool, part: Callable[[float], None]
) -> TileRange | None:
    """Check one bundle.

    Args:
        found: Takes the findings.
        tree: Holds the bundle.
        files: Its files.
        checks: Checks its tiles.
        is_v1: Whether it is to be a V1 bundle.
        part: Called with the part that is done, 0 to 1.

    Returns:
        The rectangle of its tiles; None where it cannot be read at all.
    """
    try:
        data = tree.open(files.path)
    except TilepackError as error:
        found.add_unreadable(files.path, error)
        return None
    with data:
        found.bundles += 1
        try:
            opened = _open_v1(found, tree, files, data) if is_v1 else _open_v2(found, files, data)
            if opened is None:
                return None
            return _BundleCheck(found, files, opened, checks).check(part)
        except TilepackError as error:  # the disk, or a package that ends in the middle
            found.add_unreadable(files.path, error)
            return None


def _open_v1(found: Collector, tree: Tree, files: BundleFiles, data: ByteRange) -> CompactBundle | None:
    head = data.read(min(bundle_v1.HEADER_SIZE, data.size), 0)
    try:
        bundle_v1.parse_header(head, bundle=files.bundle, file_size=data.size, place=data.place)
    except BundleError as error:
        code = "bundle-header"
        is_v1 = head.startswith(_VERSION) and bundle_v1.is_header(head)
        if len(head) < bundle_v1.HEADER_SIZE or (is_v1 and bundle_v1.read_header(head).file_size > data.size):
            code = "bundle-truncated"
        elif is_v1 and bundle_v1.names_another(head, files.bundle):
            code = "bundle-renamed"
        found.add_error(code, files.path, error)
        return None
    pending, waits = waiting_index(tree, files.path, files.bundlx)
    index = files.bundlx if waits is None else pending
    if index is None:
        found.add("bundlx-missing", files.path, "its .bundlx is missing, and only that tells where its tiles lie")
        return None
    try:
        bundlx = tree.open(index)
    except TilepackError as error:
        found.add_unreadable(index, error)
        return None
    with bundlx:
        try:
            return CompactBundle.open_v1(files.bundle, data, bundlx)
        except BundleError as error:
            found.add_error("bundlx-malformed", index, error)
            return None


def _open_v2(found: Collector, files: BundleFiles, data: ByteRange) -> CompactBundle | None:
    try:
        return CompactBundle.open_v2(files.bundle, data)
    except BundleError as error:
        head = data.read(min(bundle_v2.HEADER_SIZE, data.size), 0)
        is_v2 = len(head) == bundle_v2.HEADER_SIZE and head.startswith(_VERSION) and not bundle_v1.is_header(head)
        cut = data.size < bundle_v2.FIRST_SLOT or (is_v2 and bundle_v2.read_header(head).file_size > data.size)
        found.add_error("bundle-truncated" if cut else "bundle-header", files.path, error)
        return None


class _BundleCheck:
    """The check of one bundle whose header and index could be read."""

    def __init__(self, found: Collector, files: BundleFiles, opened: CompactBundle, checks: TileChecks) -> None:
        self._found = found
        self._bundle = files.bundle
        self._path = files.path
        self._opened = opened
        self._data = opened.data
        self._checks = checks
        self._order = opened.index.order()
        """Positions of the tiles, as stored."""
        self._starts = opened.index.starts[self._order]
        self._sizes: Positions | None = None if opened.index.sizes is None else opened.index.sizes[self._order]
        self._sound = np.ones(self._order.shape, np.bool_)
        """Which of them lie where tiles may, and share no byte."""

    def check(self, part: Callable[[float], None]) -> TileRange:
        """Check everything; give the rectangle of the tiles."""
        self._check_places()
        heads = np.zeros((self._order.size, LENGTH_PREFIX + HEAD), np.uint8)
        self._read_heads(heads)
        lengths = heads[:, :LENGTH_PREFIX].copy().view("<u4")[:, 0].astype(np.int64)
        if self._sizes is None:
            self._check_lengths_v1(lengths)
        else:
            self._check_lengths_v2(lengths)
        self._check_figures(lengths if self._sizes is None else self._sizes)
        self._check_tiles(heads, lengths, part)
        return occupied(self._opened.index.present, self._bundle)

    def _name(self, at: int) -> str:
        return str(self._bundle.tile(int(self._order[at])))

    def _add(self, code: str, at: int, message: str) -> None:
        self._sound[at] = False
        self._found.add(code, place_of(self._bundle.tile(int(self._order[at])), self._path), message)

    def _check_places(self) -> None:
        """Check what the index says alone: places in the header, behind the end, and, of V2, overlaps."""
        first = bundle_v1.HEADER_SIZE if self._opened.is_v1 else bundle_v2.FIRST_SLOT
        ends = self._starts + LENGTH_PREFIX
        if self._sizes is not None:
            ends = ends + self._sizes
        for at in np.flatnonzero(self._starts < first).tolist():
            self._add("tile-in-header", at, f"is said to start at byte {self._starts[at]}; the header ends at {first}")
        for at in np.flatnonzero((ends > self._opened.end) & self._sound).tolist():
            self._add(
                "tile-beyond-end",
                at,
                f"is said to lie at bytes {self._starts[at]} to {ends[at]}; by its header the bundle ends at "
                f"{self._opened.end}",
            )
        self._check_overlaps(ends)

    def _check_overlaps(self, ends: Positions) -> None:
        """Check that the tiles that are sound so far share no byte with one in front of them."""
        kept = np.flatnonzero(self._sound)
        reach = np.maximum.accumulate(ends[kept])
        for at in np.flatnonzero(reach[:-1] > self._starts[kept[1:]]).tolist():
            owner = int(np.argmax(ends[kept[: at + 1]]))
            self._add("bundle-overlap", int(kept[at + 1]), f"claims bytes of tile {self._name(int(kept[owner]))}")
            self._sound[kept[owner]] = False

    def _read_heads(self, heads: NDArray[np.uint8]) -> None:
        """Read length and first bytes of every sound tile, zeros behind the end."""
        kept = np.flatnonzero(self._sound)
        if not kept.size:
            return
        starts = self._starts[kept]
        breaks = np.flatnonzero(np.diff(starts // _SPAN)) + 1
        for group in np.split(np.arange(kept.size), breaks):
            begin = int(starts[group[0]])
            size = min(int(starts[group[-1]]) + heads.shape[1], self._data.size) - begin
            span = np.zeros(int(starts[group[-1]]) - begin + heads.shape[1], np.uint8)
            span[:size] = np.frombuffer(self._data.read(size, begin), np.uint8)
            heads[kept[group]] = span[(starts[group] - begin)[:, None] + np.arange(heads.shape[1])]

    def _check_lengths_v2(self, lengths: Positions) -> None:
        if self._sizes is None:
            return
        for at in np.flatnonzero(self._sound & (lengths != self._sizes)).tolist():
            self._add("tile-length", at, f"has {self._sizes[at]} bytes by the index, {lengths[at]} by its length")

    def _check_lengths_v1(self, lengths: Positions) -> None:
        """Check that the data that lengths claim ends before the bundle does, and before the next slot."""
        ends = self._starts + LENGTH_PREFIX + lengths
        for at in np.flatnonzero(self._sound & (ends > self._opened.end)).tolist():
            self._add(
                "tile-beyond-end",
                at,
                f"is said to have {lengths[at]} bytes from byte {self._starts[at] + LENGTH_PREFIX} on; by its header "
                f"the bundle ends at {self._opened.end}",
            )
        self._check_overlaps(ends)

    def _check_figures(self, sizes: Positions) -> None:
        """Check what the header says of all tiles together, and count the bytes that are nobody's."""
        data = self._data
        if self._opened.end < data.size:
            self._found.add(
                "header-file-size", self._path, f"the header says {self._opened.end} bytes, the file has {data.size}"
            )
        if not self._sound.all():
            return  # nothing that could be summed up
        slots = int(sizes.sum()) + LENGTH_PREFIX * sizes.size
        dead = self._opened.end - self._opened.first_slot - slots
        if dead > 0:
            self._found.add("bundle-dead-space", self._path, f"{dead} bytes belong to no tile")
        largest = int(sizes.max()) if sizes.size else 0
        head = data.read(min(bundle_v2.HEADER_SIZE, data.size), 0)
        says = (bundle_v1 if self._opened.is_v1 else bundle_v2).read_header(head)
        fitting = (largest,) if self._opened.is_v1 else (largest, max(largest, _NOBODYS_LARGEST))
        # Tiles that were written anew leave figures behind that were right once, and bytes to tell by.
        if says.largest not in fitting and (says.largest < largest or dead <= 0):
            self._found.add(
                "header-largest-tile", self._path, f"the header says {says.largest} bytes, the largest has {largest}"
            )
        slack = LENGTH_PREFIX * sizes.size if self._opened.is_v1 else 0
        if says.slack != slack and dead <= 0:
            self._found.add("header-slack", self._path, f"the header says {says.slack} bytes, its tiles leave {slack}")

    def _check_tiles(self, heads: NDArray[np.uint8], lengths: Positions, part: Callable[[float], None]) -> None:
        """Check the tiles whose slots are sound, by what they begin with, and decode them when that is wanted."""
        kept = np.flatnonzero(self._sound)
        self._found.tiles += self._order.size - kept.size
        self._found.tile_bytes += int(lengths[kept].sum())
        raw = heads[:, LENGTH_PREFIX:].tobytes()
        for number, at in enumerate(kept.tolist()):
            tile = self._bundle.tile(int(self._order[at]))
            length = int(lengths[at])
            if not length:
                self._found.tiles += 1
                self._found.add("tile-empty", place_of(tile, self._path), "has a slot of no bytes")
                continue
            verdict = self._checks.check_head(tile, self._path, raw[at * HEAD : at * HEAD + min(length, HEAD)])
            if self._checks.deep and verdict.is_decodable:
                data = self._data.read(length, int(self._starts[at]) + LENGTH_PREFIX)
                self._checks.check_pixels(tile, self._path, data)
                if not number % _OFTEN:
                    part(number / kept.size)
