"""Vast caches from a seed whose tiles are tiny: thousands of bundles, bundles and packages beyond 4 GiB made of holes.

All lie around row and column 0x10000 of level 17, where the names of bundles grow to five digits: R0ff80C0ff80 and
R10000C10000 stand side by side. The tiles decode, each to one colour.
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.formats.names import bundle_name
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey, TileRange
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.stores.base import PackageItem, TileWriter
from tilepack.stores.targets import create_target, target_kind

LEVEL: Final = 17
MIDDLE: Final = 0x10000
"""Row and column around which all lies; the first with five digits."""

_COLOURS: Final = 64
_FIRST_SLOT: Final = 131136
_CORNERS: Final = 48


def colour_tile(number: int) -> bytes:
    """Give a tile of one colour, a hundred bytes."""
    red, green, blue = 4 * number % 256, 16 * number % 256, 64 * number % 256
    pixels = zlib.compress(bytes(256 * (1 + 256 // 8)), 9)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">2I5B", 256, 256, 1, 3, 0, 0, 0)
    palette = bytes((red, green, blue))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), chunk(b"PLTE", palette), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    )


TILES: Final = [colour_tile(number) for number in range(_COLOURS)]


def describe(side: int) -> CacheInfo:
    """Say of a cache of ``side`` x ``side`` bundles what its documents need."""
    whole = arcgis_online_scheme()
    scheme = whole.with_levels(lod for lod in whole.levels if lod.level <= LEVEL)  # GDAL shows the finest
    return CacheInfo(
        name="vast",
        scheme=scheme,
        storage_format=StorageFormat.COMPACT_V2,
        tile_format=TileFormat.PNG,
        extent=scheme.range_extent(square(side)),
        min_level=LEVEL,
        max_level=LEVEL,
    )


def square(side: int) -> TileRange:
    """Give the rectangle of the tiles of ``side`` x ``side`` bundles; one bundle begins at the middle."""
    first = MIDDLE - side // 2 * PACKET_SIZE
    last = first + side * PACKET_SIZE
    return TileRange(level=LEVEL, row_start=first, row_stop=last, column_start=first, column_stop=last)


def area(side: int) -> str:
    """Give an area that grows with a cache: nearly a circle, within which two thirds of the tiles lie, as WKT."""
    box = describe(side).extent
    if box is None:
        raise TypeError("the caches here declare an extent")
    radius = 0.46 * (box.xmax - box.xmin)
    turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False) + 0.01
    x, y = (box.xmin + box.xmax) / 2 + radius * np.cos(turns), (box.ymin + box.ymax) / 2 + radius * np.sin(turns)
    corners = [f"{east!r} {north!r}" for east, north in zip(x.tolist(), y.tolist(), strict=True)]
    return f"POLYGON (({', '.join([*corners, corners[0]])}))"


def write_level(target: Path, *, side: int, tiles: int, block: bool = False, seed: int = 1) -> None:
    """Write a compact-v2 folder of ``side`` x ``side`` bundles.

    Args:
        target: Its path.
        side: Bundles along each side.
        tiles: Tiles in each bundle.
        block: Let them lie together in eight rows, so that few folders hold them when each is a file; scattered at
            random otherwise.
        seed: Of what is random.
    """
    info = describe(side)
    with _writing(target, info) as writer:
        for number, bundle in enumerate(square(side).bundles()):
            random = np.random.default_rng([seed, number])
            if block:
                at = ((60 + np.arange(8))[:, None] * PACKET_SIZE + 60 + np.arange(tiles // 8)).ravel()
            else:
                at = np.sort(random.choice(TILES_PER_BUNDLE, tiles, replace=False))
            colours = random.integers(0, _COLOURS, tiles)
            writer.write_bundle(bundle, _tiles(bundle, at, colours), None)


def _tiles(bundle: BundleKey, positions: np.ndarray, colours: np.ndarray) -> Iterator[tuple[TileKey, bytes]]:
    for position, colour in zip(positions.tolist(), colours.tolist(), strict=True):
        yield bundle.tile(position), TILES[colour]


class _writing:  # noqa: N801  used as a function, in with statements
    """A new compact-v2 folder, committed at the end."""

    def __init__(self, target: Path, info: CacheInfo) -> None:
        self._info = info
        self._writer: TileWriter = create_target(target, target_kind(target), info, replace=False)

    def __enter__(self) -> TileWriter:
        return self._writer

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._writer.commit(self._info, PackageItem(guid="", created=None, degrees=None, thumbnail=b""))
        else:
            self._writer.abort()


def write_holes(target: Path, bundles: Mapping[BundleKey, Mapping[int, bytes]], *, side: int, size: int = 0) -> None:
    """Write a compact-v2 folder whose bundles are mostly holes, by nothing of tilepack but the documents.

    Args:
        target: Its path.
        bundles: Each tile's data by row-major position, in stored order.
        side: Bundles along each side of the extent that it declares.
        size: Bytes to which tiles are filled up with zeros, which no decoder looks at.
    """
    with _writing(target, describe(side)):
        pass
    folder = target / "_alllayers" / f"L{LEVEL:02d}"
    folder.mkdir(parents=True)
    for bundle, tiles in bundles.items():
        with (folder / f"{bundle_name(bundle)}.bundle").open("wb") as file:
            at, largest = _FIRST_SLOT, 0
            index = {}
            for position, data in tiles.items():
                length = max(size, len(data))
                index[position] = at + 4 | length << 40
                file.seek(at)
                file.write(struct.pack("<I", length) + data)
                at, largest = at + 4 + length, max(largest, length)
            file.truncate(at)
            for position, entry in index.items():
                file.seek(64 + 8 * position)
                file.write(struct.pack("<Q", entry))
            file.seek(0)
            file.write(struct.pack("<4I3Q6I", 3, 16384, largest, 5, 0, at, 40, 131092, 3, 16, 16384, 5, 131072))


def write_huge(target: Path, *, size: int) -> None:
    """Write a compact-v2 folder of one full bundle whose tiles have so many bytes each; of disk it takes 70 MB."""
    tiles = {at: TILES[at % _COLOURS] for at in range(TILES_PER_BUNDLE)}
    write_holes(target, {BundleKey(LEVEL, MIDDLE, MIDDLE): tiles}, side=1, size=size)


def write_many(target: Path, count: int) -> None:
    """Write a compact-v2 folder of so many bundles of one tile each; of disk they take 12 KB each."""
    side = int(np.ceil(np.sqrt(count)))
    keys = list(square(side).bundles())[:count]
    bundles = {key: {at % TILES_PER_BUNDLE: TILES[at % _COLOURS]} for at, key in enumerate(keys)}
    write_holes(target, bundles, side=side)


def write_dead(source: Path, target: Path) -> None:
    """Copy a compact-v2 folder, and forget the first tile of each bundle: its bytes stay behind as dead space."""
    shutil.copytree(source, target)
    for place in target.glob("_alllayers/*/*.bundle"):
        index = np.memmap(place, "<u8", "r+", 64, (TILES_PER_BUNDLE,))
        index[np.flatnonzero(index >> 40)[0]] = 4
        index.flush()


def write_sick(source: Path, target: Path) -> None:
    """Copy a compact-v2 folder, and let each header say that the bundle ends too early."""
    shutil.copytree(source, target)
    for place in target.glob("_alllayers/*/*.bundle"):
        with place.open("r+b") as file:
            file.seek(24)
            file.write(struct.pack("<Q", _FIRST_SLOT))


def linked(source: Path, target: Path) -> None:
    """Copy a cache whose files are the same ones: whoever replaces a file of it leaves the other's alone."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=lambda here, there: Path(there).hardlink_to(here))
    else:
        target.hardlink_to(source)
