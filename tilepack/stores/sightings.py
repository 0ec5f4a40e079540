"""What bundles look like from outside: names, sizes, times. None is opened to tell whether it is still the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from zlib_ng import zlib_ng

from tilepack.disk.tree import Stamp, below
from tilepack.errors import BundleError, CacheNotFoundError, UnsupportedError
from tilepack.formats.names import bundle_name, corner_name, parse_bundle_name, parse_row_folder, parse_tile_file
from tilepack.keys import PACKET_SIZE, BundleKey
from tilepack.stores.base import TileReader
from tilepack.stores.compact import CompactReader
from tilepack.stores.exploded import ExplodedReader

Sightings = Mapping[str, Stamp]
"""What was seen of a level: each file of a bundle by its name, or each window of 128 x 128 exploded tiles by that of
its bundle."""

_BUNDLE: Final = ".bundle"
_INDEX: Final = ".bundlx"
_LARGEST_MARK: Final = (1 << 63) - 1
_SPREAD: Final = 0x9E3779B1
"""Spreads checksums over more bits before they are summed up, so that two changes seldom cancel out."""


def sight(reader: TileReader, level: int) -> dict[str, Stamp]:
    """Look at the bundles of a level from outside.

    Raises:
        UnsupportedError: The source has no files to look at.
        TransferError: A folder cannot be listed.
    """
    if not isinstance(reader, CompactReader | ExplodedReader):
        raise UnsupportedError(
            f"{reader.place}: is {reader.info.storage_format}; what changed is told by the files of bundles, and it "
            f"has none: leave --changed out, or keep the source as a cache of ArcGIS'"
        )
    folder = reader.folders.get(level)
    if folder is None:
        return {}
    try:
        if isinstance(reader, ExplodedReader):
            return _sight_windows(reader, folder)
        return {
            name: stamp
            for name, stamp in reader.tree.stamps(folder).items()
            if name.endswith((_BUNDLE, _INDEX)) or name.lower().endswith((_BUNDLE, _INDEX))
        }
    except CacheNotFoundError:  # it went after the source was opened
        return {}


def _sight_windows(reader: ExplodedReader, folder: str) -> dict[str, Stamp]:
    """Look at the tiles of an exploded level, by windows; the order in which they are listed is of no matter."""
    found: dict[tuple[int, int], Stamp] = {}
    for entry in reader.tree.entries(folder):
        row = parse_row_folder(entry.name) if entry.is_folder else None
        if row is None:
            continue
        for name, stamp in reader.tree.stamps(below(folder, entry.name)).items():
            column = parse_tile_file(name)
            if column is None:
                continue
            corner = row & -PACKET_SIZE, column & -PACKET_SIZE
            before = found.get(corner, Stamp(0, 0))
            mark = zlib_ng.crc32(f"{row} {name} {stamp.size} {stamp.mark}".encode()) * _SPREAD
            found[corner] = Stamp(before.size + stamp.size, (before.mark + mark) & _LARGEST_MARK)
    return {corner_name(*corner): stamp for corner, stamp in sorted(found.items())}


def bundle_seen(level: int, name: str) -> BundleKey | None:
    """Tell which bundle a name among the sightings is of; None for what is no bundle's.

    Raises:
        BundleError: It is a bundle's name, but not one of a bundle of 128 x 128 tiles.
    """
    stem = name.rpartition(".")[0] or name
    try:
        corner = parse_bundle_name(stem + _BUNDLE)
    except ValueError as error:
        raise BundleError(f"level {level}, {name}: {error}; give it its own name or move it away") from error
    return None if corner is None else BundleKey(level, *corner)


def count_bundles(seen: Sightings) -> int:
    """Count the bundles among the sightings of a level."""
    return sum(not name.lower().endswith(_INDEX) for name in seen)


def names_of(reader: TileReader, bundle: BundleKey) -> list[str]:
    """Give the names under which a bundle is sighted."""
    if isinstance(reader, CompactReader):
        return [path.rpartition("/")[2] for path in reader.files(bundle)]
    return [bundle_name(bundle)]


def content_of(reader: TileReader, level: int, name: str) -> int | None:
    """Sum up what a name among the sightings stands for: the CRC-32 of all its bytes; None where it is no more.

    Raises:
        TransferError: It cannot be read.
        BundleError: It is no plain file, or a member is damaged.
    """
    if isinstance(reader, ExplodedReader):
        return _content_of_window(reader, level, name)
    folder = reader.folders.get(level) if isinstance(reader, CompactReader) else None
    if not isinstance(reader, CompactReader) or folder is None:
        return None
    if reader.tree.identity(below(folder, name)) is None:
        return None
    with reader.tree.open(below(folder, name)) as file:
        return file.crc()


def _content_of_window(reader: ExplodedReader, level: int, name: str) -> int | None:
    bundle = bundle_seen(level, name)
    if bundle is None or bundle not in reader.bundles(level):
        return None
    crc = 0
    for tile, data in reader.tiles(bundle):
        crc = zlib_ng.crc32(data, zlib_ng.crc32(str(tile).encode(), crc))
    return crc
