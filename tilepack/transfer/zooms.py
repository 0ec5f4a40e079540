"""From the levels of any cache to zooms of the web, for targets that know nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo, StorageFormat
from tilepack.errors import MetadataError, TilingSchemeError
from tilepack.keys import BundleKey, TileKey, TileRange
from tilepack.metadata.web_mercator import LAST_ZOOM, TILE_SIDES, tiles_of_zoom, web_scheme
from tilepack.scheme import TilingScheme
from tilepack.stores.base import PackageItem, Piece, SupportsOrder, TileWriter, single_tiles
from tilepack.transfer.matching import find_counterparts


def zooms_of(
    scheme: TilingScheme, tiles: Mapping[int, Iterable[TileRange]], storage_format: StorageFormat, *, place: str
) -> dict[int, int]:
    """Give the zoom of each level of a cache, matched by resolution.

    Args:
        scheme: The cache's.
        tiles: Rectangles of the tiles to move, by LevelID.
        storage_format: The target's, for messages.
        place: The source, for messages.

    Raises:
        TilingSchemeError: It is not the web's grid, or a level lies between two zooms, or a tile outside its zoom.
    """
    side = scheme.tile_width
    if not _is_web_mercator(scheme):
        raise TilingSchemeError(
            f"{place}: its spatial reference is {scheme.spatial_reference}; {storage_format} holds web mercator alone "
            f"(WKID 3857), so its tiles would land elsewhere: make a cache or package of ArcGIS' instead"
        )
    if scheme.tile_height != side or side not in TILE_SIDES:
        raise TilingSchemeError(
            f"{place}: its tiles have {side} x {scheme.tile_height} pixels; {storage_format} holds tiles of 256, 512 "
            f"or 1024"
        )
    ranges = {level: list(found) for level, found in tiles.items()}
    zooms, sentences = find_counterparts(scheme, web_scheme(side, LAST_ZOOM), ranges)
    if sentences:
        raise TilingSchemeError(
            f"{place}: has another grid than the zooms of the web, so it cannot become {storage_format}: "
            + "; ".join(sentences)
        )
    refuse_beyond(zooms, ranges, place=place)
    return zooms


def refuse_beyond(zooms: Mapping[int, int], tiles: Mapping[int, Iterable[TileRange]], *, place: str) -> None:
    """Refuse tiles beyond the square that the web's zooms cover.

    Args:
        zooms: The zoom of each level.
        tiles: Rectangles of the tiles to move, by LevelID.
        place: The source, for messages.

    Raises:
        TilingSchemeError: There are such.
    """
    for level, zoom in zooms.items():
        around, whole = TileRange.around(level, [held for held in tiles[level] if held.count]), tiles_of_zoom(zoom)
        if around is not None and (around.row_stop > whole.row_stop or around.column_stop > whole.column_stop):
            raise TilingSchemeError(
                f"{place}: level {level} has tiles to row {around.row_stop - 1} and column {around.column_stop - 1}; "
                f"as zoom {zoom} it ends at {whole.row_stop - 1}: leave out what lies beyond by an --extent"
            )


def _is_web_mercator(scheme: TilingScheme) -> bool:
    if scheme.spatial_reference.is_web_mercator:
        return True
    try:
        return scheme.spatial_reference.is_known and scheme.spatial_reference.agrees_with(
            web_scheme().spatial_reference
        )
    except MetadataError:
        return False


def in_zooms(info: CacheInfo, zooms: Mapping[int, int]) -> CacheInfo:
    """Say the same of a cache whose levels are zooms."""
    found = sorted(zooms.values())
    return replace(
        info,
        scheme=web_scheme(info.scheme.tile_width, max(found, default=0)),
        min_level=found[0] if found else None,
        max_level=found[-1] if found else None,
        visible_scales=None,
    )


class Renumbered:
    """A writer of zooms that is spoken to in a source's LevelIDs."""

    def __init__(self, writer: TileWriter, zooms: Mapping[int, int]) -> None:
        self._writer = writer
        self._zooms = zooms

    def _named(self, bundle: BundleKey) -> BundleKey:
        return BundleKey(self._zooms[bundle.level], bundle.row, bundle.column)

    def reserve(self, bundle: BundleKey, slot_bytes: int | None) -> None:
        """Announce a bundle."""
        self._writer.reserve(self._named(bundle), slot_bytes)

    def cancel(self, bundle: BundleKey) -> None:
        """Take back the announcement of a bundle."""
        self._writer.cancel(self._named(bundle))

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write the tiles of a bundle, in the order given."""
        zoom = self._zooms[bundle.level]
        renamed = ((TileKey(zoom, tile.row, tile.column), data) for tile, data in single_tiles(tiles))
        self._writer.write_bundle(self._named(bundle), renamed, slot_bytes)

    def write_substitute(self, name: str, data: bytes) -> bool:
        """Write a ``missing.*`` or ``blank.*``, if there is a place for it."""
        return self._writer.write_substitute(name, data)

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write the documents, and let the target appear under its name."""
        self._writer.commit(info, item)

    def abort(self) -> None:
        """Throw away what was written."""
        self._writer.abort()


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """How a writer wants a source's tiles to come."""

    rank: Callable[[BundleKey], int]
    """What to sort the source's bundles by."""
    order: Callable[[BundleKey], NDArray[np.int64]]
    """Gives the row-major positions of a bundle's tiles, shape (16384,), in the order in which they are to come."""


def wanted_order(writer: TileWriter, zooms: Mapping[int, int]) -> WantedOrder | None:
    """Give how a writer wants tiles to come; None where it takes them as they are.

    Args:
        writer: The writer, not renumbered.
        zooms: The zoom of each of the source's levels.
    """
    if not isinstance(writer, SupportsOrder):
        return None

    def named(bundle: BundleKey) -> BundleKey:
        return BundleKey(zooms[bundle.level], bundle.row, bundle.column)

    return WantedOrder(lambda bundle: writer.rank(named(bundle)), lambda bundle: writer.order(named(bundle)))
