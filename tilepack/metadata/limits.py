"""What a document may claim about a grid, whichever document it is.

===================  ================================================================================
tile sides           1 to 8,192 pixels
levels               1 to 256, each LevelID once, LevelIDs 0 to 999
resolution           1e-15 to 1e15 map units a pixel, so that no row or column overflows a double
scale                0 (not given) or more
coordinates          within +-1e15 map units
quality              0 to 100
packet size          128 in compact formats; without meaning in the exploded one
===================  ================================================================================

The limits are tilepack's own; every real cache stays far inside. Also here: Esri's literals for storage and tile
formats, which conf.xml and the JSON documents share.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.errors import MetadataError, UnsupportedError
from tilepack.extent import Extent
from tilepack.keys import PACKET_SIZE
from tilepack.metadata.documents import shown
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference

MAX_TILE_SIDE: Final = 8192
MAX_LEVELS: Final = 256
MAX_LEVEL_ID: Final = 999
_FARTHEST = 1e15
_FINEST = 1e-15

STORAGE_LITERALS: Final = {
    StorageFormat.COMPACT: "esriMapCacheStorageModeCompact",
    StorageFormat.COMPACT_V2: "esriMapCacheStorageModeCompactV2",
    StorageFormat.EXPLODED: "esriMapCacheStorageModeExploded",
}
"""Storage formats as conf.xml and root.json spell them."""

_STORAGE_SPELLINGS = {
    "compact": StorageFormat.COMPACT,
    "compactv1": StorageFormat.COMPACT,
    "compactv2": StorageFormat.COMPACT_V2,
    "exploded": StorageFormat.EXPLODED,
}
_TILE_SPELLINGS = {str(known): known for known in TileFormat if known.is_arcgis} | {
    "JPG": TileFormat.JPEG,
    "LERC2D": TileFormat.LERC,
}
_KNOWN = tuple(str(known) for known in TileFormat if known.is_arcgis)


def read_storage_format(text: str, *, place: str) -> StorageFormat:
    """Read a storage format in any spelling: Esri's literal, ``compactV2``, ``COMPACT_V2``.

    Raises:
        UnsupportedError: It is none that tilepack knows.
    """
    spelling = text.strip().lower().removeprefix("esrimapcachestoragemode").replace("_", "")
    if spelling not in _STORAGE_SPELLINGS:
        raise UnsupportedError(
            f"{place}: the storage format is {shown(text)}; tilepack knows {', '.join(STORAGE_LITERALS.values())}"
        )
    return _STORAGE_SPELLINGS[spelling]


def read_tile_format(text: str, *, place: str) -> TileFormat:
    """Read a tile format in any case; ``jpg`` is JPEG.

    Raises:
        UnsupportedError: It is none that tilepack knows.
    """
    known = _TILE_SPELLINGS.get(text.strip().upper())
    if known is None:
        raise UnsupportedError(f"{place}: the tile format is {shown(text)}; tilepack knows {', '.join(_KNOWN)}")
    return known


def check_packet_size(size: int, storage_format: StorageFormat, *, place: str) -> None:
    """See that a compact cache has bundles of 128 x 128 tiles.

    Raises:
        MetadataError: It has others.
    """
    if storage_format is not StorageFormat.EXPLODED and size != PACKET_SIZE:
        raise MetadataError(f"{place}: PacketSize is {size}; compact caches have {PACKET_SIZE}")


def check_quality(quality: int, *, place: str) -> int:
    """Give a JPEG quality back when it is one.

    Raises:
        MetadataError: It lies outside 0 to 100.
    """
    if not 0 <= quality <= 100:
        raise MetadataError(f"{place}: CompressionQuality is {shown(quality)}; it goes from 0 to 100")
    return quality


def make_level(*, level: int, resolution: float, scale: float, place: str) -> LevelOfDetail:
    """Make a level out of what a document claims.

    Raises:
        MetadataError: A number lies outside its limits.
    """
    if not 0 <= level <= MAX_LEVEL_ID:
        raise MetadataError(f"{place}: LevelID is {shown(level)}; it goes from 0 to {MAX_LEVEL_ID}")
    if not _FINEST <= resolution <= _FARTHEST:
        raise MetadataError(
            f"{place}: Resolution of level {level} is {resolution:.17g}; "
            f"it is a number above 0, from {_FINEST:g} to {_FARTHEST:g}"
        )
    if not 0 <= scale < math.inf:
        raise MetadataError(f"{place}: Scale of level {level} is {scale:.17g}; it cannot lie below 0")
    return LevelOfDetail(level=level, resolution=resolution, scale=scale)


def make_scheme(
    *,
    origin: tuple[float, float],
    tile_size: tuple[int, int],
    dpi: float,
    levels: Sequence[LevelOfDetail],
    spatial_reference: SpatialReference,
    place: str,
    precise_dpi: float | None = None,
    end: tuple[float, float] | None = None,
) -> TilingScheme:
    """Make a tiling scheme out of what a document claims.

    Args:
        origin: Upper left corner of tile 0/0, map units.
        tile_size: Width and height, pixels.
        dpi: Advisory.
        levels: In any order.
        spatial_reference: Of the origin and the resolutions.
        place: The document's path, for messages.
        precise_dpi: As conf.xml repeats the dpi.
        end: Lower right corner of the grid, map units.

    Raises:
        MetadataError: A number lies outside its limits, there are no or too many levels, or one twice.
    """
    check_level_count(len(levels), place=place)
    numbers = sorted(lod.level for lod in levels)
    for first, second in itertools.pairwise(numbers):
        if first == second:
            raise MetadataError(f"{place}: LevelID {first} occurs twice; each level has its own")
    width, height = tile_size
    if not (1 <= width <= MAX_TILE_SIDE and 1 <= height <= MAX_TILE_SIDE):
        raise MetadataError(
            f"{place}: tiles are {shown(width)} x {shown(height)} pixels; sides go from 1 to {MAX_TILE_SIDE}"
        )
    if dpi <= 0:
        raise MetadataError(f"{place}: DPI is {dpi:.17g}; it is a number above 0")
    for corner, label in ((origin, "tile origin"), (end, "TileEnd")):
        if corner is not None and max(abs(corner[0]), abs(corner[1])) > _FARTHEST:
            raise MetadataError(
                f"{place}: the {label} is {corner[0]:g}, {corner[1]:g}; coordinates stay within {_FARTHEST:g}"
            )
    return TilingScheme(
        origin_x=origin[0],
        origin_y=origin[1],
        tile_width=width,
        tile_height=height,
        dpi=dpi,
        precise_dpi=precise_dpi,
        levels=tuple(sorted(levels, key=lambda lod: lod.level)),
        spatial_reference=spatial_reference,
        end=end,
    )


def check_level_count(count: int, *, place: str) -> None:
    """See that a document names at least one level and not absurdly many.

    Raises:
        MetadataError: It does not.
    """
    if not count:
        raise MetadataError(f"{place}: the tiling scheme has no levels; it needs at least one")
    if count > MAX_LEVELS:
        raise MetadataError(f"{place}: the tiling scheme has {count:,} levels; {MAX_LEVELS} are the most")


def make_extent(xmin: float, ymin: float, xmax: float, ymax: float, *, place: str, label: str = "extent") -> Extent:
    """Make an extent out of what a document claims, map units.

    Raises:
        MetadataError: Minima lie above maxima, or numbers outside their limits.
    """
    numbers = (xmin, ymin, xmax, ymax)
    if any(abs(number) > _FARTHEST for number in numbers):
        listed = ", ".join(f"{number:g}" for number in numbers)
        raise MetadataError(f"{place}: {label} is {listed}; coordinates stay within {_FARTHEST:g}")
    if xmin > xmax or ymin > ymax:
        listed = ", ".join(f"{number:.10g}" for number in numbers)
        raise MetadataError(f"{place}: {label} is {listed}; its minima must lie below its maxima")
    return Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)


def held_levels(info: CacheInfo) -> tuple[LevelOfDetail, LevelOfDetail]:
    """Give the first and last level said to hold tiles, of the whole scheme where nothing is said."""
    levels = info.scheme.levels
    first = next((lod for lod in levels if info.min_level is None or lod.level >= info.min_level), levels[-1])
    last = next((lod for lod in reversed(levels) if info.max_level is None or lod.level <= info.max_level), levels[0])
    return first, last
