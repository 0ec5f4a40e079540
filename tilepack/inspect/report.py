"""What a cache says of itself beside what its bundles hold, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilepack.cache import CacheInfo
from tilepack.extent import Extent
from tilepack.keys import TileRange
from tilepack.scheme import LevelOfDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReport:
    """One level, as declared and as measured."""

    level: int
    """LevelID."""
    resolution: float | None
    """Map units of a pixel; None where the scheme lacks the level."""
    scale: float | None
    """Scale denominator as declared."""
    bundles: int
    """Bundles, or windows of 128 x 128 tiles, that hold tiles."""
    tiles: int
    """Number of tiles."""
    tile_bytes: int
    """Bytes of the tiles' data; with dead space where ``dead_bytes`` is None."""
    dead_bytes: int | None
    """Bytes of no tile between tiles; None where only the tiles' own lengths would tell (V1, unless looked at deep)."""
    occupied: TileRange | None
    """Smallest rectangle that holds the tiles."""
    extent: Extent | None
    """The same in map units."""
    tile_formats: Mapping[str, int]
    """Number of tiles by what their bytes say, among those looked at."""

    def as_json(self) -> dict[str, object]:
        """Give the figures as JSON's values."""
        tiles = self.occupied
        return {
            "level": self.level,
            "resolution": self.resolution,
            "scale": self.scale,
            "bundles": self.bundles,
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            "deadBytes": self.dead_bytes,
            "rows": None if tiles is None else [tiles.row_start, tiles.row_stop - 1],
            "columns": None if tiles is None else [tiles.column_start, tiles.column_stop - 1],
            "extent": extent_json(self.extent),
            "tileFormats": dict(self.tile_formats),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheReport:
    """A cache or package, as declared and as measured."""

    place: str
    """The path it was opened by."""
    info: CacheInfo
    """What it says."""
    is_package: bool
    """Whether it is one file, whatever its kind."""
    levels: tuple[LevelReport, ...]
    """Levels that have a folder, ascending."""
    extent: Extent | None
    """Measured: the box that a new target of the same tiles would declare, map units."""
    declared: tuple[tuple[str, Extent], ...]
    """Every extent that a document declares."""
    sampled_tiles: int
    """Number of tiles whose bytes were looked at."""
    warnings: tuple[str, ...]
    """Where what it says and what it holds contradict each other, in sentences."""

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return sum(level.tiles for level in self.levels)

    @property
    def tile_bytes(self) -> int:
        """Bytes of the tiles' data."""
        return sum(level.tile_bytes for level in self.levels)

    @property
    def dead_bytes(self) -> int | None:
        """Bytes of no tile; None where a level's are unknown."""
        known = [level.dead_bytes for level in self.levels if level.dead_bytes is not None]
        return sum(known) if len(known) == len(self.levels) else None

    @property
    def tile_formats(self) -> dict[str, int]:
        """Number of tiles by what their bytes say, among those looked at."""
        total: dict[str, int] = {}
        for level in self.levels:
            for name, count in level.tile_formats.items():
                total[name] = total.get(name, 0) + count
        return total

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        info, scheme = self.info, self.info.scheme
        reference = scheme.spatial_reference
        return {
            "path": self.place,
            "name": info.name,
            "kind": "package" if self.is_package else "folder",
            "storageFormat": str(info.storage_format),
            "readyToServe": info.ready_to_serve,
            "tileFormat": str(info.tile_format),
            "quality": info.quality,
            "tileWidth": scheme.tile_width,
            "tileHeight": scheme.tile_height,
            "dpi": scheme.dpi,
            "origin": [scheme.origin_x, scheme.origin_y],
            "spatialReference": {
                "wkid": reference.wkid,
                "latestWkid": reference.latest_wkid,
                "wkt": reference.wkt,
            },
            "lods": [lod_json(lod) for lod in scheme.levels],
            "minLevel": info.min_level,
            "maxLevel": info.max_level,
            "description": {
                "title": info.description.title,
                "tags": list(info.description.tags),
                "summary": info.description.summary,
                "description": info.description.description,
                "attribution": info.description.attribution,
            },
            "declaredExtents": [{"document": name, **extent.as_json()} for name, extent in self.declared],
            "extent": extent_json(self.extent),
            "levels": [level.as_json() for level in self.levels],
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            "deadBytes": self.dead_bytes,
            "tileFormats": self.tile_formats,
            "sampledTiles": self.sampled_tiles,
            "warnings": list(self.warnings),
        }


def extent_json(extent: Extent | None) -> dict[str, float] | None:
    """Give an extent as JSON's values, None as none."""
    return None if extent is None else extent.as_json()


def lod_json(lod: LevelOfDetail) -> dict[str, float]:
    """Give a level as ArcGIS' JSON does."""
    return {"level": lod.level, "resolution": lod.resolution, "scale": lod.scale}
