"""The tiling scheme: where the tiles of each level lie.

``column = floor((x - origin.x) / (tile width * resolution))``, ``row = floor((origin.y - y) / (tile height *
resolution))``. Resolution is authoritative; dpi and scale are advisory (ArcGIS prints them, never positions by them).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tilepack.errors import TilingSchemeError
from tilepack.extent import Extent
from tilepack.keys import BundleKey, TileKey, TileRange
from tilepack.spatial import SpatialReference

SCALE_TOLERANCE = 1e-4
"""Relative difference up to which a scale names a level: Esri's 39.37 inches a metre and 1/0.0254 differ by 2e-6."""

RESOLUTION_TOLERANCE = 1e-9
"""Relative difference up to which two resolutions are the same level: Esri's own ladders drift by 3.1e-10."""

_EDGE = 1e-6
"""Part of a tile by which an extent may overshoot an edge through rounding without meeting the next tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelOfDetail:
    """One level of a scheme."""

    level: int
    """LevelID; counts neither zoom nor anything else than the folder's number."""
    resolution: float
    """Map units of one pixel."""
    scale: float
    """Scale denominator as the document prints it; advisory."""

    def __post_init__(self) -> None:
        if self.level < 0:
            raise ValueError(f"a LevelID starts at 0, not {self.level}")
        if not (math.isfinite(self.resolution) and self.resolution > 0):
            raise ValueError(f"a resolution is a number above 0, not {self.resolution}")
        if not (math.isfinite(self.scale) and self.scale >= 0):
            raise ValueError(f"a scale is a number from 0, not {self.scale}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TilingScheme:
    """The grid of a cache: origin, tile size, levels and spatial reference."""

    origin_x: float
    """Left edge of column 0, map units."""
    origin_y: float
    """Upper edge of row 0, map units."""
    tile_width: int
    """Pixels (TileCols)."""
    tile_height: int
    """Pixels (TileRows)."""
    dpi: float = 96
    """Advisory."""
    precise_dpi: float | None = None
    """As conf.xml of 10.3 and later repeats it."""
    levels: tuple[LevelOfDetail, ...]
    """In ascending LevelID; at least one."""
    spatial_reference: SpatialReference
    """Of the map units."""
    end: tuple[float, float] | None = None
    """Lower right corner of the grid (TileEnd), map units, where a document names one."""

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("a tiling scheme has at least one level")
        numbers = [lod.level for lod in self.levels]
        if numbers != sorted(set(numbers)):
            raise ValueError(f"LevelIDs ascend and are named once, not {numbers}")
        if self.tile_width < 1 or self.tile_height < 1:
            raise ValueError(f"a tile has pixels, not {self.tile_width} x {self.tile_height}")

    @property
    def level_ids(self) -> frozenset[int]:
        """The LevelIDs of all its levels."""
        return frozenset(lod.level for lod in self.levels)

    def level(self, number: int) -> LevelOfDetail:
        """Give the level of a LevelID.

        Raises:
            TilingSchemeError: There is no such level.
        """
        for lod in self.levels:
            if lod.level == number:
                return lod
        numbers = [lod.level for lod in self.levels]
        known = ", ".join(map(str, numbers))
        if len(numbers) > 3 and numbers[-1] - numbers[0] == len(numbers) - 1:
            known = f"{numbers[0]}-{numbers[-1]}"
        raise TilingSchemeError(f"level {number} is not in the tiling scheme; it has {known}")

    def level_at_scale(self, scale: float) -> LevelOfDetail:
        """Give the level nearest to a scale denominator, within 1e-4 relative.

        Raises:
            TilingSchemeError: No level lies that near.
        """
        nearest = min(self.levels, key=lambda lod: abs(lod.scale - scale))
        if abs(nearest.scale - scale) > SCALE_TOLERANCE * scale:
            known = ", ".join(f"{lod.level} (1:{lod.scale:.10g})" for lod in self.levels)
            raise TilingSchemeError(f"scale {scale:.10g} matches no level; there are {known}")
        return nearest

    def tile_extent(self, tile: TileKey) -> Extent:
        """Give the map extent of one tile.

        Raises:
            TilingSchemeError: The tile's level is not in the scheme.
        """
        return self.range_extent(TileRange.of(tile))

    def bundle_extent(self, bundle: BundleKey) -> Extent:
        """Give the map extent of a bundle's 128 x 128 tiles.

        Raises:
            TilingSchemeError: The bundle's level is not in the scheme.
        """
        return self.range_extent(bundle.tiles())

    def range_extent(self, tiles: TileRange) -> Extent:
        """Give the map extent of a rectangle of tiles.

        Raises:
            TilingSchemeError: The level is not in the scheme.
        """
        resolution = self.level(tiles.level).resolution
        width, height = self.tile_width * resolution, self.tile_height * resolution
        return Extent(
            xmin=self.origin_x + tiles.column_start * width,
            ymin=self.origin_y - tiles.row_stop * height,
            xmax=self.origin_x + tiles.column_stop * width,
            ymax=self.origin_y - tiles.row_start * height,
        )

    def tiles_in(self, extent: Extent, level: int) -> TileRange:
        """Give the tiles of a level that share more than an edge with an extent; none lie before row or column 0.

        Raises:
            TilingSchemeError: The level is not in the scheme.
        """
        resolution = self.level(level).resolution
        width, height = self.tile_width * resolution, self.tile_height * resolution
        row_start = math.floor((self.origin_y - extent.ymax) / height + _EDGE)
        row_stop = math.ceil((self.origin_y - extent.ymin) / height - _EDGE)
        column_start = math.floor((extent.xmin - self.origin_x) / width + _EDGE)
        column_stop = math.ceil((extent.xmax - self.origin_x) / width - _EDGE)
        return TileRange(
            level=level,
            row_start=max(0, row_start),
            row_stop=max(0, row_stop),
            column_start=max(0, column_start),
            column_stop=max(0, column_stop),
        )

    def with_levels(self, levels: Iterable[LevelOfDetail]) -> TilingScheme:
        """Give the same grid with other levels."""
        return replace(self, levels=tuple(sorted(levels, key=lambda lod: lod.level)))

    def differences(self, other: TilingScheme) -> list[str]:
        """Say in sentences what keeps two schemes from being the same grid; none are left when they are.

        Levels are compared by resolution, whatever their numbers; levels that only the other has do not matter.
        """
        sentences = []
        if (self.tile_width, self.tile_height) != (other.tile_width, other.tile_height):
            sentences.append(
                f"tiles are {self.tile_width} x {self.tile_height} pixels here, "
                f"{other.tile_width} x {other.tile_height} there"
            )
        if not self.spatial_reference.agrees_with(other.spatial_reference):
            sentences.append(f"the spatial reference is {self.spatial_reference} here, {other.spatial_reference} there")
        finest = min(lod.resolution for lod in self.levels)
        if max(abs(self.origin_x - other.origin_x), abs(self.origin_y - other.origin_y)) > finest:
            sentences.append(
                f"the tile origin is {self.origin_x:.10g}, {self.origin_y:.10g} here, "
                f"{other.origin_x:.10g}, {other.origin_y:.10g} there"
            )
        sentences += [
            f"level {lod.level} (resolution {lod.resolution:.10g}) has no counterpart there"
            for lod in self.levels
            if not any(same_resolution(lod.resolution, there.resolution) for there in other.levels)
        ]
        return sentences


def same_resolution(first: float, second: float, tolerance: float = RESOLUTION_TOLERANCE) -> bool:
    """Tell whether two resolutions differ by no more than a relative tolerance."""
    return abs(first - second) <= tolerance * max(first, second)
