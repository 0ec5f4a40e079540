"""What a new target says of itself, and what its user should know of it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.aoi_levels import AreasByLevel
from tilepack.cache import DEFAULT_QUALITY, CacheInfo, ItemDescription, StorageFormat, TileFormat
from tilepack.disk.container import creation_time
from tilepack.errors import MetadataError, TilingSchemeError
from tilepack.extent import Extent
from tilepack.keys import BundleKey, TileRange
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.limits import make_extent
from tilepack.metadata.standard import with_literal_levels
from tilepack.pixels.thumbnail import ReadTile, draw_thumbnail
from tilepack.scheme import TilingScheme
from tilepack.spatial import to_degrees
from tilepack.stores.base import BundleSummary, PackageItem, TileReader
from tilepack.stores.extents import Occupied, declared_extent, extent_of_tiles
from tilepack.stores.targets import TargetKind
from tilepack.transfer.plan import BundleTask
from tilepack.transfer.request import TransferRequest
from tilepack.transfer.zooms import in_zooms, zooms_of

NO_TILES: Final = "there are no tiles to move; the target will be an empty cache"
"""What is said of a target without tiles; of a cache that is created so it goes without saying."""

_BUNDLES_FOR_ARCGIS_ONLINE: Final = 40_000
"""Bundles in a declared extent, all levels together, beyond which it is said to refuse a package."""

_ANYWHERE: Final = Extent(xmin=0, ymin=0, xmax=1, ymax=1)
"""What the picture of a cache shows that declares no extent, and so has no tile: nothing."""


class Described:
    """Gathers what the bundles taken tell: where tiles lie, and what the GUID is derived from."""

    def __init__(self) -> None:
        self.levels: dict[int, list[Occupied]] = {}
        """Bundles with the rectangles of the tiles taken, by level."""
        self.lines: list[str] = []
        """What the indexes say, a line each."""

    def add(self, summary: BundleSummary) -> None:
        """Add a bundle of which tiles are taken."""
        self.levels.setdefault(summary.bundle.level, []).append((summary.bundle, summary.occupied))
        self.lines.append(f"{summary.bundle} {summary.tiles} {summary.fingerprint}\n")


def describe_target(
    reader: TileReader,
    kind: TargetKind,
    request: TransferRequest,
    levels: Mapping[int, Sequence[Occupied]],
    *,
    present: Callable[[BundleKey], NDArray[np.bool_]],
    tile_format: TileFormat,
) -> CacheInfo:
    """Say what the target will say of itself.

    Args:
        reader: The source.
        kind: What the target is.
        request: What is asked for.
        levels: Bundles with the rectangles of their tiles, by level.
        present: Tells which tiles of a bundle the target has, shape (16384,).
        tile_format: What its tiles are.

    Raises:
        TilingSchemeError: A tile lies where no map is, or the target cannot hold such a grid.
    """
    scheme = with_literal_levels(reader.info.scheme)
    extent = declared_extent(scheme, levels, present)
    if extent is not None:
        _refuse_far_tiles(reader.place, scheme, levels)
        extent = clipped_to_areas(extent, request.areas, levels)
    info = replace(
        reader.info,
        tile_format=tile_format,
        description=_description(reader.info.description, request.description),
        scheme=scheme,
        extent=extent or reader.info.extent,
    )
    info = settle(info, kind, held=(min(levels, default=None), max(levels, default=None)))
    if request.quality is not None and info.tile_format in (TileFormat.JPEG, TileFormat.MIXED):
        info = replace(info, quality=request.quality)
    if not kind.storage_format.is_web:
        return info
    ranges = {level: [tiles for _, tiles in bundles] for level, bundles in levels.items()}
    return in_zooms(info, zooms_of(scheme, ranges, kind.storage_format, place=reader.place))


def settle(info: CacheInfo, kind: TargetKind, *, held: tuple[int | None, int | None]) -> CacheInfo:
    """Say how a target is stored and which of its levels hold tiles; what of that held for the source alone goes.

    Args:
        info: What the target says of all else.
        kind: What the target is.
        held: First and last level that hold tiles; None where none does.
    """
    scheme = info.scheme
    if kind.storage_format is StorageFormat.COMPACT_V2 and not kind.ready_to_serve:
        scheme = _with_end(scheme, info.extent)
    quality = info.quality
    if info.storage_format.is_web and not kind.storage_format.is_web:  # sources of the web do not say
        quality = DEFAULT_QUALITY if info.tile_format in (TileFormat.JPEG, TileFormat.MIXED) else 0
    return replace(
        info,
        quality=quality,
        visible_scales=info.visible_scales if held == (info.min_level, info.max_level) else None,
        scheme=scheme,
        storage_format=kind.storage_format,
        initial_extent=None,
        min_level=held[0],
        max_level=held[1],
        ready_to_serve=kind.ready_to_serve,
    )


def describe_joined(
    target: TileReader,
    request: TransferRequest,
    levels: Mapping[int, int],
    taken: Mapping[int, Sequence[Occupied]],
    present: Callable[[BundleKey], NDArray[np.bool_]],
) -> CacheInfo:
    """Say what a target that exists will say of itself, once it has taken tiles in.

    Args:
        target: The target, open for reading.
        request: What is asked for.
        levels: LevelID in the target of each level of the source.
        taken: Bundles with the rectangles of their tiles, by the source's level.
        present: Tells which tiles of a bundle of the source are taken in, shape (16384,).

    Raises:
        TilingSchemeError: A tile lies where no map is.
    """
    info = target.info
    here = {there: level for level, there in levels.items()}
    moved = {
        levels[level]: [
            (BundleKey(levels[level], bundle.row, bundle.column), replace(tiles, level=levels[level]))
            for bundle, tiles in bundles
        ]
        for level, bundles in taken.items()
    }
    extent = declared_extent(
        info.scheme, moved, lambda there: present(BundleKey(here[there.level], there.row, there.column))
    )
    if extent is None:
        return replace(info, description=_description(info.description, request.description))
    _refuse_far_tiles(target.place, info.scheme, moved)
    extent = clipped_to_areas(extent, request.areas, taken)
    said = info.extent or extent_of_tiles(target)
    first, last = info.min_level, info.max_level
    if info.storage_format.is_web:  # whose zooms are what there is, whatever it says
        first, last = min(target.levels(), default=None), max(target.levels(), default=None)
    return replace(
        with_extent(info, extent if said is None else said.union(extent)),
        min_level=None if first is None else min(first, *moved),
        max_level=None if last is None else max(last, *moved),
        description=_description(info.description, request.description),
    )


def clipped_to_areas(extent: Extent, areas: AreasByLevel | None, levels: Iterable[int]) -> Extent:
    """Clip an extent to declare to the box of the areas of some levels; as it is where there are none, or apart."""
    if areas is None:
        return extent
    box = reduce(Extent.union, [areas.at(level).extent for level in levels])
    return extent.intersection(box) or extent


def with_extent(info: CacheInfo, extent: Extent) -> CacheInfo:
    """Say of a target that exists that it reaches so far."""
    end = info.scheme.end
    if end is not None:  # what ends where the extent did, as targets of tilepack's do, has to reach as far
        end = max(end[0], extent.xmax), min(end[1], extent.ymin)
    return replace(info, scheme=replace(info.scheme, end=end), extent=extent)


def _with_end(scheme: TilingScheme, extent: Extent | None) -> TilingScheme:
    """Say where the grid ends, where GDAL would guess wrongly.

    Without TileEnd its ESRIC driver takes a grid to lie around 0, 0, and fails on national origins that do not.
    """
    if extent is None or scheme.end is not None:
        return scheme
    pixel = min(lod.resolution for lod in scheme.levels)  # what reprojection rounds stays far below
    around_zero = (
        scheme.origin_x < 0 < scheme.origin_y
        and extent.xmax <= -scheme.origin_x + pixel
        and extent.ymin >= -scheme.origin_y - pixel
    )
    return scheme if around_zero else replace(scheme, end=(extent.xmax, extent.ymin))


def _description(said: ItemDescription, wished: ItemDescription | None) -> ItemDescription:
    """Give the source's description, but for what was asked for instead."""
    if wished is None:
        return said
    return ItemDescription(
        **{item.name: getattr(wished, item.name) or getattr(said, item.name) for item in fields(ItemDescription)}
    )


def _refuse_far_tiles(place: str, scheme: TilingScheme, levels: Mapping[int, Sequence[Occupied]]) -> None:
    """Refuse tiles at coordinates that no document may declare: their names or the scheme are wrong."""
    for bundle, tiles in (held for bundles in levels.values() for held in bundles):
        extent = scheme.range_extent(tiles)
        try:
            make_extent(*extent.as_tuple(), place=place)
        except MetadataError as error:
            raise TilingSchemeError(
                f"{place}: bundle {bundle} lies at {extent}, where no map is; its name or the tiling scheme is "
                f"wrong, move it away or mend the scheme"
            ) from error


def target_warnings(reader: TileReader, kind: TargetKind, info: CacheInfo, tasks: Sequence[BundleTask]) -> list[str]:
    """Say in sentences what its user should know of a target before it is made."""
    found = []
    if not tasks:
        found.append(NO_TILES)
    elif kind.is_package and kind.ready_to_serve and info.min_level == info.max_level:
        found.append(
            f"the package has level {info.min_level} alone; Esri's specification asks for minLOD below maxLOD, most "
            f"readers do not mind"
        )
    found += reference_warnings(kind, info)
    if (kind.is_package or kind.storage_format.is_web) and reader.substitutes:
        where = "there is no place for them" if kind.storage_format.is_web else "a package has no place for them"
        found.append(f"{', '.join(reader.substitutes)} stay behind: {where}")
    if info.extent is not None and kind.is_package and tasks and not kind.storage_format.is_web:
        counted = sum(
            info.scheme.tiles_in(info.extent, level).bundle_count
            for level in sorted({task.bundle.level for task in tasks})
        )
        if counted > _BUNDLES_FOR_ARCGIS_ONLINE:
            found.append(
                f"its extent covers {counted} bundles; ArcGIS Online is said to refuse packages beyond "
                f"{_BUNDLES_FOR_ARCGIS_ONLINE}"
            )
    return found


def reference_warnings(kind: TargetKind, info: CacheInfo) -> list[str]:
    """Say what of a target's spatial reference nobody knows."""
    reference = info.scheme.spatial_reference
    if not reference.is_known:
        return ["no document names a spatial reference; whoever opens the target has to know it"]
    if kind.ready_to_serve and info.extent is not None and to_degrees(info.extent, reference) is None:
        return [f"its spatial reference ({reference}) is none that is known here; its extent in degrees stays out"]
    return []


def description_warnings(
    kind: TargetKind, info: CacheInfo, wished: ItemDescription | None, thumbnail: bytes | None = None
) -> list[str]:
    """Say what people and portals will miss in a target's description.

    Args:
        kind: What the target is.
        info: What it will say.
        wished: What it was asked to say.
        thumbnail: The picture that it was asked to show.
    """
    if kind.storage_format.is_web:
        return ["the thumbnail stays behind: there is no place for it"] if thumbnail is not None else []
    if kind.is_package:
        found = []
        if not info.description.title:
            found.append(f"the package has no title but its name, {info.name}; give it one by --title")
        if not info.description.tags:
            found.append("the package has no tags, and portals refuse packages without; give it some by --tags")
        return found
    if kind.ready_to_serve or (wished in (None, ItemDescription()) and thumbnail is None):
        return []
    lost = "title, tags, description, attribution and thumbnail are not written"
    return [f"{lost}: a folder with conf.xml has no place for them; packages and folders ready to serve have"]


def derive_guid(info: CacheInfo, request: TransferRequest, found: Described) -> str:
    """Derive a package's GUID from its documents, the area and the indexes: the same source and wish give the same.

    What is of the web has none: "".
    """
    if info.storage_format.is_web:
        return ""
    digest = hashlib.sha256(format_conf_xml(info))
    if request.areas is not None:
        digest.update(f"{request.areas.fingerprint} {request.pixels}\n".encode())
    digest.update("".join(found.lines).encode())
    return str(uuid.UUID(bytes=digest.digest()[:16], version=5)).upper()


def package_item(
    info: CacheInfo,
    kind: TargetKind,
    guid: str,
    *,
    read: ReadTile,
    tiles: Sequence[tuple[int, TileRange]],
    thumbnail: bytes | None = None,
) -> PackageItem:
    """Make what packages and folders that are ready to serve say beyond their cache; of other folders, next to nothing.

    Args:
        info: What the target says.
        kind: What it is.
        guid: See ``derive_guid``.
        read: Gives a tile as the target has it, None where there is none.
        tiles: Where its tiles are: LevelIDs with rectangles.
        thumbnail: PNG; None draws one from the tiles.
    """
    if kind.storage_format.is_web or not (kind.is_package or kind.ready_to_serve):
        return PackageItem(guid=guid, created=creation_time(), degrees=None, thumbnail=thumbnail or b"")
    return item_of(info, guid, thumbnail or draw_thumbnail(read, info.scheme, info.extent or _ANYWHERE, tiles))


def item_of(info: CacheInfo, guid: str, thumbnail: bytes = b"") -> PackageItem:
    """Make what a package says beyond its cache.

    Args:
        info: What the cache says.
        guid: See ``derive_guid``.
        thumbnail: PNG.
    """
    degrees = None if info.extent is None else to_degrees(info.extent, info.scheme.spatial_reference)
    return PackageItem(guid=guid, created=creation_time(), degrees=degrees, thumbnail=thumbnail)
