"""Targets: bundles. 131,136 bytes are index, most of it empty: an input is the rest, some entries of it included.

=========  ======================================================================================================
V2         the header (64 bytes), eight index entries (64), and what lies behind the index
V1         the header (60), eight offsets of the .bundlx (40), its head and foot (32), and what lies behind the
           placeholders; or, of the target for .bundlx alone, any bytes
=========  ======================================================================================================
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import caches
import hostile_builders as small
import numpy as np
import packed_bundles
from fuzz_target import Refusals, Target, World

from tilepack.disk.tree import FolderTree
from tilepack.errors import BundleError
from tilepack.formats import bundle_v1, bundle_v2
from tilepack.formats.names import (
    is_hexadecimal_level,
    parse_bundle_name,
    parse_level_folder,
    parse_row_folder,
    parse_tile_file,
)
from tilepack.keys import BundleKey, TileKey
from tilepack.stores.compact_bundle import CompactBundle
from tilepack.stores.salvage import open_salvaged

CORNER = BundleKey(1, 0, 0)
SLOTS = (0, 1, 127, 128, 129, 8192, 16382, 16383)
"""Row-major positions whose entries an input holds; all others are empty."""
_HEADER = 64
_V1_HEADER = 60


def v2_bundle(data: bytes) -> bytes:
    """Make the bundle that an input stands for; less than 128 bytes are one that is cut short."""
    header, packed, body = data[:_HEADER], data[_HEADER : _HEADER + 64], data[_HEADER + 64 :]
    if len(packed) < 64:
        return header + packed
    entries = np.full(packed_bundles.SLOTS, 4, "<u8")
    entries[list(SLOTS)] = np.frombuffer(packed, "<u8")
    return header + entries.tobytes() + body


def v2_essence(bundle: bytes) -> bytes:
    """Give the input that stands for a bundle."""
    packed = b"".join(bundle[_HEADER + 8 * slot : _HEADER + 8 * slot + 8] for slot in SLOTS)
    return bundle[:_HEADER] + packed + bundle[packed_bundles.V2_FIRST :]


def v1_bundle(data: bytes) -> tuple[bytes, bytes]:
    """Make the pair that an input stands for."""
    header, packed = data[:_V1_HEADER], data[_V1_HEADER : _V1_HEADER + 40]
    ends, body = data[_V1_HEADER + 40 : _V1_HEADER + 72], data[_V1_HEADER + 72 :]
    if len(ends) < 32:
        return header, packed + ends
    offsets = bytearray(b"".join((60 + 4 * at).to_bytes(5, "little") for at in range(packed_bundles.SLOTS)))
    for number, slot in enumerate(SLOTS):
        at = 5 * (slot % 128 * 128 + slot // 128)
        offsets[at : at + 5] = packed[5 * number : 5 * number + 5]
    return header + bytes(4 * packed_bundles.SLOTS) + body, ends[:16] + bytes(offsets) + ends[16:]


def v1_essence(bundle: bytes, bundlx: bytes) -> bytes:
    """Give the input that stands for a pair."""
    places = [16 + 5 * (slot % 128 * 128 + slot // 128) for slot in SLOTS]
    packed = b"".join(bundlx[at : at + 5] for at in places)
    return bundle[:_V1_HEADER] + packed + bundlx[:16] + bundlx[-16:] + bundle[packed_bundles.V1_FIRST :]


def read_v2(data: bytes, world: World) -> None:
    place = world.fresh() / "R0000C0000.bundle"
    place.write_bytes(v2_bundle(data))
    if len(data) >= _HEADER + 64:
        bundle_v2.parse_index(place.read_bytes()[_HEADER : packed_bundles.V2_FIRST])
    _look_at_all(place, None)


def read_v1(data: bytes, world: World) -> None:
    folder = world.fresh()
    place, index = folder / "R0000C0000.bundle", folder / "R0000C0000.bundlx"
    bundle, bundlx = v1_bundle(data)
    place.write_bytes(bundle)
    index.write_bytes(bundlx)
    _look_at_all(place, index)


def read_bundlx(data: bytes, world: World) -> None:
    """Read an index alone: its head and foot are the input's, and its offsets, over and over."""
    middle = data[32:] or b"\0"
    whole = (
        data[:16] + (middle * (5 * packed_bundles.SLOTS // len(middle) + 1))[: 5 * packed_bundles.SLOTS] + data[16:32]
    )
    for one in (data, whole):
        try:
            starts = bundle_v1.parse_bundlx(one, place="a.bundlx")
        except BundleError:
            continue
        assert starts.shape == (packed_bundles.SLOTS,)
        assert starts.min() >= 0


def _look_at_all(place: Path, index: Path | None) -> None:
    """Read a bundle in every way: strictly, as one that may be cut short, and for what can be had of it."""
    ways = {"strictly": _read_tiles, "cut": _read_tiles, "salvaged": _read_salvaged}
    refusals = Refusals()
    read = []
    for how, look in ways.items():
        with refusals.noted(), ExitStack() as stack:
            look(_open(place, index, how, stack))
            read.append(how)
    assert "cut" in read or "strictly" not in read, "what may be cut short is refused, and what may not is read"
    refusals.raise_first()


def _open(place: Path, index: Path | None, how: str, stack: ExitStack) -> CompactBundle:
    tree = FolderTree(place.parent)
    data = stack.enter_context(tree.open(place.name))
    bundlx = None if index is None else stack.enter_context(tree.open(index.name))
    if how == "salvaged":
        return open_salvaged(CORNER, data, bundlx, is_v1=index is not None)
    if index is None:
        return CompactBundle.open_v2(CORNER, data, may_be_cut=how == "cut")
    return CompactBundle.open_v1(CORNER, data, bundlx, may_be_cut=how == "cut")


def _read_tiles(opened: CompactBundle) -> None:
    sizes = opened.sizes()
    assert sizes.shape == (packed_bundles.SLOTS,)
    assert opened.is_movable in (True, False)
    total = 0
    for position in SLOTS:
        data = opened.read(position)
        assert len(data or b"") == sizes[position]
        assert opened.read_start(position, 8)[: sizes[position]] == (data or b"")[:8]
        total += len(data or b"")
    assert total + 4 * np.count_nonzero(sizes) <= opened.data.size, "tiles share bytes"


def _read_salvaged(opened: CompactBundle) -> None:
    """See that whatever is given out lies in the file, and no byte twice."""
    sizes, begun = opened.sizes(), opened.index.starts
    held = np.flatnonzero(begun)
    for position in held.tolist():
        assert len(opened.read(position) or b"") == sizes[position]
    assert int(sizes[held].sum()) <= opened.data.size, "tiles share bytes"


def read_names(data: bytes, world: World) -> None:
    """Read names of levels, bundles, rows and tiles, as they stand in folders and packages."""
    for name in data.decode("utf-8", "surrogateescape").split("\n"):
        for level in (parse_level_folder(name), parse_level_folder(name, hexadecimal=True)):
            assert level is None or 0 <= level < 1000
        is_hexadecimal_level(name)
        for number in (parse_row_folder(name), parse_tile_file(name)):
            assert number is None or 0 <= number < 1 << 32
        try:
            corner = parse_bundle_name(name)
        except ValueError:
            continue
        assert corner is None or (corner[0] % 128 == corner[1] % 128 == 0 and max(corner) < 1 << 32)


# Seeds


def _tiles() -> dict[TileKey, bytes]:
    corners = [divmod(slot, 128) for slot in SLOTS[:7]]
    return {TileKey(1, row, column): small.png(row + column, alpha=bool(column % 2)) for row, column in corners}


def _orders() -> Iterator[Sequence[tuple[TileKey, bytes]]]:
    tiles = list(_tiles().items())
    yield tiles
    yield tiles[::-1][:3]
    yield [(tiles[0][0], caches.payload(tiles[0][0], "jpg", 40)), tiles[1]]
    yield []


def v2_seeds() -> Iterator[bytes]:
    for tiles in _orders():
        for dialect, empty in (("arcgis", 4), ("paper", 0)):
            yield v2_essence(packed_bundles.pack_v2(tiles, dialect=dialect, empty=empty, dead=(0, 5)))
    whole = v2_essence(packed_bundles.pack_v2(next(_orders())))
    yield whole[:-40]
    yield whole.replace(b"\x89PNG\r\n", struct.pack("<I", 78) + b"\r\n")


def v1_seeds() -> Iterator[bytes]:
    for tiles in _orders():
        for empties in ("placeholder", "zero", "below", "first"):
            yield v1_essence(*packed_bundles.pack_v1(CORNER, tiles, empties=empties, dead=(0, 5)))
    yield v1_essence(*packed_bundles.pack_v1(CORNER, next(_orders())))[:-40]


def bundlx_seeds() -> Iterator[bytes]:
    index = packed_bundles.pack_v1(CORNER, next(_orders()))[1]
    yield index[:16] + index[-16:] + index[16:56]
    yield index[:16] + index[-16:] + bytes(5)
    yield index[:16] + index[-16:] + (65596).to_bytes(5, "little")


def name_seeds() -> Iterator[bytes]:
    yield b"L00\nL0a\nR0000C0000.bundle\nR0e380C12680.bundle\nR0000029f\nC00000280.jpg"
    yield b"r0180c0080.BUNDLE\nr00c0c00c0.bundle\nl11\nR1\nc1.PNG\nL999"


NUMBERS = tuple(number.to_bytes(8, "little") for number in (131140, 131136, 65596, (1 << 40) - 1, 1 << 40, 1 << 63))
NUMBERS += tuple(number.to_bytes(4, "little") for number in (0, 1, 3, 4, 5, 16, 16384, 131072, 131092, (1 << 31) - 1))
NUMBERS += (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"IEND\xaeB`\x82",
    b"\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff" * 5,
    b"\xff" * 8,
)

TARGETS = (
    Target(name="bundle V2", run=read_v2, seeds=v2_seeds, words=NUMBERS, share=70, longest=2048),
    Target(name="bundle V1", run=read_v1, seeds=v1_seeds, words=NUMBERS, share=50, longest=2048),
    Target(name="bundlx", run=read_bundlx, seeds=bundlx_seeds, words=NUMBERS, share=10, longest=512),
    Target(
        name="names",
        run=read_names,
        seeds=name_seeds,
        words=(b"R0000", b"C0000", b".bundle", b"L", b"\n", b"ffffffff", "\u0661".encode(), "\u0130".encode(), b"\xff"),
        share=60,
        longest=256,
    ),
)
