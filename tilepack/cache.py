"""What a cache says of itself, whichever documents say it. Nothing here is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tilepack.extent import Extent
from tilepack.scheme import TilingScheme


class StorageFormat(StrEnum):
    """How tiles are laid out on disk: ArcGIS' own ways under the names of its tools, then those of the web."""

    COMPACT = "COMPACT"
    """V1: .bundle and .bundlx, 128 x 128 tiles a pair."""
    COMPACT_V2 = "COMPACT_V2"
    """V2: one .bundle with its index inside, 128 x 128 tiles."""
    EXPLODED = "EXPLODED"
    """One file a tile."""
    MBTILES = "MBTILES"
    """An SQLite database, a row a tile."""
    PMTILES = "PMTILES"
    """One file, tiles along a Hilbert curve."""
    XYZ = "XYZ"
    """One file a tile, named by zoom, column and row in whatever order."""

    @property
    def is_compact(self) -> bool:
        """Whether tiles lie in bundles that move whole."""
        return self in (StorageFormat.COMPACT, StorageFormat.COMPACT_V2)

    @property
    def is_web(self) -> bool:
        """Whether levels are zooms of web mercator, and no document of ArcGIS' describes them."""
        return self in (StorageFormat.MBTILES, StorageFormat.PMTILES, StorageFormat.XYZ)


class TileFormat(StrEnum):
    """Tile formats by ArcGIS' names. What a tile really is, its bytes say."""

    PNG = "PNG"
    """Per tile the smallest kind of PNG that loses nothing."""
    PNG8 = "PNG8"
    """Palette."""
    PNG24 = "PNG24"
    """RGB, at most one colour transparent."""
    PNG32 = "PNG32"
    """RGBA."""
    JPEG = "JPEG"
    MIXED = "MIXED"
    """PNG where anything is transparent, JPEG elsewhere; decided tile by tile."""
    LERC = "LERC"
    """Elevation and other rasters; no image."""
    WEBP = "WEBP"
    """Of the web alone, where tiles of other formats may stand among them; ArcGIS' clients read none."""
    PBF = "PBF"
    """Vector tiles, most often gzipped; no image."""

    @property
    def is_image(self) -> bool:
        """Whether tiles have pixels to decode, cut and blend."""
        return self not in (TileFormat.LERC, TileFormat.PBF)

    @property
    def is_arcgis(self) -> bool:
        """Whether a document of ArcGIS' image caches can name it."""
        return self not in (TileFormat.WEBP, TileFormat.PBF)


DEFAULT_TILE_FORMAT: Final = TileFormat.MIXED
"""Of a new cache where nobody says otherwise; so do ArcGIS' tools that make tiling schemes."""

DEFAULT_QUALITY: Final = 75
"""JPEG quality of a new cache where nobody says otherwise; likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDescription:
    """What people and portals read about a cache. Packages carry it; portals refuse those without title and tags."""

    title: str = ""
    tags: tuple[str, ...] = ()
    summary: str = ""
    """One line (snippet)."""
    description: str = ""
    attribution: str = ""
    """Credits (access information, copyright text)."""
    license: str = ""
    creator: str = ""


@dataclass(frozen=True, slots=True)
class UnknownElement:
    """An element of conf.xml that tilepack has no use for and gives back unchanged."""

    parent: str
    """Path below CacheInfo of the element it was found in, "" for CacheInfo itself: ``TileCacheInfo/LODInfos``."""
    xml: str
    """The element as text."""


_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """What a cache says: its grid, its formats, its extents, its description."""

    name: str
    """Map or service name; of a folder its own name where no document gives one."""
    scheme: TilingScheme
    storage_format: StorageFormat
    tile_format: TileFormat
    quality: int = 0
    """JPEG quality 0 to 100; 0 for formats without one."""
    antialiasing: bool = False
    band_count: int | None = None
    lerc_error: float | None = None
    """Largest tolerated error of LERC, value units."""
    extent: Extent | None = None
    """Declared extent (conf.cdi, fullExtent), map units of the scheme."""
    initial_extent: Extent | None = None
    min_level: int | None = None
    """First level said to hold tiles (minLOD)."""
    max_level: int | None = None
    """Last level said to hold tiles (maxLOD)."""
    visible_scales: tuple[float, float] | None = None
    """Scale denominators between which the map is to be shown (minScale, maxScale), which may reach beyond its levels;
    None for those of its levels."""
    description: ItemDescription = field(default_factory=ItemDescription)
    content_type: str = "Map"
    """CacheTileContentType of conf.properties."""
    schema_version: str | None = None
    """Version in conf.xml's namespace, such as ``10.3``."""
    ready_to_serve: bool = False
    """Described by root.json and not by conf.xml."""
    service: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """Members of root.json or mapserver.json that tilepack has no use for, given back unchanged."""
    unknown_elements: tuple[UnknownElement, ...] = ()
    """Likewise of conf.xml."""
    web: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """Likewise of the metadata of MBTiles, PMTiles and folders of web tiles."""

    @property
    def admitted(self) -> TileFormat:
        """Tile format by which tiles are admitted: of the web each may be any image, which WEBP stands for."""
        is_free = self.storage_format.is_web and self.tile_format.is_image
        return TileFormat.WEBP if is_free else self.tile_format
