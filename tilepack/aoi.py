"""Areas of interest: which pixels of a cache are meant.

An area is read once, brought to the cache's spatial reference and asked tile by tile. It follows the rule of
`tilepack.pixels.mask`: a pixel is inside when its centre is, and areas with a common edge share none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from zlib_ng import zlib_ng

from tilepack.areas.reading import CrsLike, ReadArea, read_area
from tilepack.errors import AreaOfInterestError, MetadataError
from tilepack.extent import Extent
from tilepack.keys import PACKET_SIZE, TileKey, TileRange
from tilepack.pixels.coverage import Coverage, classify_tiles
from tilepack.pixels.mask import Crossings, EdgeIndex, Floats, PixelGrid
from tilepack.scheme import TilingScheme
from tilepack.spatial import SpatialReference, is_geographic, to_crs

if TYPE_CHECKING:
    from pyproj import CRS

_REMEMBERED: Final = 48 * 2**20
"""Bytes of crossings kept: tiles come in storage order, so the rows of a bundle take turns."""


class AreaOfInterest:
    """An area in the spatial reference of a cache, asked by tiles. Threads may share it."""

    def __init__(self, parts: Sequence[Floats | EdgeIndex], scheme: TilingScheme, warnings: Sequence[str] = ()) -> None:
        """Take an area as it is. `AreaOfInterest.read` makes one from a file or a text.

        Args:
            parts: Float64 arrays (n, 4): edges x0, y0, x1, y1 in the scheme's map units, each a set of closed rings
                by the even-odd rule; or such, indexed. The area is their union.
            scheme: The cache's tiling scheme.
            warnings: What was noticed on the way.

        Raises:
            AreaOfInterestError: There is no edge at all.
            MetadataError: The scheme's pixels are too fine to be told apart at its origin.
        """
        self.scheme = scheme
        self.warnings = list(warnings)
        """What was noticed while the area was read: sentences."""
        self._parts = tuple(
            index for part in parts if len(index := part if isinstance(part, EdgeIndex) else EdgeIndex(part))
        )
        if not self._parts:
            raise AreaOfInterestError("the area of interest has no edges; give one with a surface")
        finest = min(lod.resolution for lod in scheme.levels)
        if max(abs(scheme.origin_x), abs(scheme.origin_y)) > finest * 2**45:
            raise MetadataError(
                f"tile origin {scheme.origin_x:.10g}, {scheme.origin_y:.10g} and resolution {finest:.10g}: pixels "
                "so far from 0 cannot be told apart; correct the tiling scheme"
            )
        xs = [part.edges[[0, 2]] for part in self._parts]
        ys = [part.edges[[1, 3]] for part in self._parts]
        self.extent = Extent(
            xmin=min(float(x.min()) for x in xs),
            ymin=min(float(y.min()) for y in ys),
            xmax=max(float(x.max()) for x in xs),
            ymax=max(float(y.max()) for y in ys),
        )
        """The smallest rectangle around it, map units of the cache."""
        self.fingerprint = reduce(lambda crc, part: zlib_ng.crc32(part.edges, crc), self._parts, 0)
        """Number that changes when the area does."""
        self._lock = threading.Lock()
        self._recent: OrderedDict[tuple[int, int], tuple[Crossings, ...]] = OrderedDict()
        self._held = 0

    @classmethod
    def read(
        cls,
        area: str | Path | Mapping[str, Any],
        scheme: TilingScheme,
        *,
        layer: str | None = None,
        where: str | None = None,
        crs: CrsLike | None = None,
    ) -> AreaOfInterest:
        """Read an area and bring it to a cache's spatial reference.

        Its features are dissolved; invalid rings are mended, with a warning. Where the spatial references differ, edges
        are followed so closely that none strays by a quarter of the cache's finest pixel; where they agree, no
        coordinate changes. What lies beyond the world's edge comes in again on the other side.

        Args:
            area: Path of a vector file that GDAL reads, or of a layer in one (``x.gdb/[dataset/]layer``); or WKT; or
                GeoJSON as text or parsed, in WGS84 unless it says otherwise.
            scheme: The cache's tiling scheme.
            layer: Layer of a file that has several.
            where: Attribute filter, in SQL.
            crs: Spatial reference of the coordinates, which then counts for more than the file's own.

        Raises:
            AreaOfInterestError: The area cannot be read, has no polygon or no spatial reference, or cannot be
                reprojected.
            MetadataError: The cache's spatial reference means nothing.
        """
        target = to_crs(scheme.spatial_reference)
        return build_area(read_area(area, layer=layer, where=where, crs=crs), scheme, target)

    @property
    def edges(self) -> Floats:
        """Its edges for drawing it: float64 (n, 4), x0, y0, x1, y1 in map units, in no order."""
        return np.concatenate([part.edges for part in self._parts], axis=1).T

    def coverage(self, tiles: TileRange) -> npt.NDArray[np.uint8]:
        """Classify a rectangle of tiles.

        Args:
            tiles: The tiles, of a level of the scheme.

        Returns:
            Uint8 (rows, columns) of `Coverage`: OUTSIDE 0, CROSSING 1, INSIDE 2. Never wrong; a CROSSING tile may still
            turn out to be all inside or all outside by its mask.

        Raises:
            TilingSchemeError: The level is not in the scheme.
        """
        return self._classify(tiles, 1)

    def bundle_coverage(self, tiles: TileRange) -> npt.NDArray[np.uint8]:
        """Classify the bundles that a rectangle of tiles meets, as wholes, without looking at their tiles.

        Args:
            tiles: The tiles, of a level of the scheme.

        Returns:
            Uint8 (bundle rows, bundle columns) of `Coverage`; the first is the bundle of the range's first tile.

        Raises:
            TilingSchemeError: The level is not in the scheme.
        """
        bundles = TileRange(
            level=tiles.level,
            row_start=tiles.row_start // PACKET_SIZE,
            row_stop=-(-tiles.row_stop // PACKET_SIZE),
            column_start=tiles.column_start // PACKET_SIZE,
            column_stop=-(-tiles.column_stop // PACKET_SIZE),
        )
        return self._classify(bundles, PACKET_SIZE)

    def mask(self, tile: TileKey) -> npt.NDArray[np.bool_]:
        """Give the mask of a tile.

        Returns:
            Bool (tile height, tile width), True inside, row 0 on top.

        Raises:
            TilingSchemeError: The tile's level is not in the scheme.
        """
        width = self.scheme.tile_width
        first, *others = self._crossings(tile.level, tile.row)
        mask = first.mask(tile.column * width, width)
        for other in others:
            mask |= other.mask(tile.column * width, width)
        return mask

    def tiles_with_pixels(self, tiles: TileRange) -> npt.NDArray[np.bool_]:
        """Tell which of a rectangle of tiles have a pixel inside: whose masks are not empty, without making them.

        Args:
            tiles: The tiles, of a level of the scheme.

        Returns:
            Bool (rows, columns).

        Raises:
            TilingSchemeError: The level is not in the scheme.
        """
        cover = self.coverage(tiles)
        found: npt.NDArray[np.bool_] = cover == Coverage.INSIDE
        width = self.scheme.tile_width
        for row in np.flatnonzero((cover == Coverage.CROSSING).any(axis=1)).tolist():
            columns = np.flatnonzero(cover[row] == Coverage.CROSSING)
            first, count = int(columns[0]), int(columns[-1] - columns[0]) + 1
            for part in self._crossings(tiles.level, tiles.row_start + row):
                found[row, first : first + count] |= part.windows_with_pixels(
                    (tiles.column_start + first) * width, width, count
                )
        return found

    def tiles(self, level: int) -> TileRange:
        """Give the tiles of a level that share more than an edge with the area's extent.

        Raises:
            TilingSchemeError: The level is not in the scheme.
        """
        return self.scheme.tiles_in(self.extent, level)

    def united_with(self, other: AreaOfInterest) -> AreaOfInterest:
        """Give an area of all pixels that are in either; both belong to one scheme."""
        warnings = [*self.warnings, *(text for text in other.warnings if text not in self.warnings)]
        return AreaOfInterest(self._parts + other._parts, self.scheme, warnings)

    def require_meeting(self, extent: Extent, what: str = "the cache") -> None:
        """Make sure that the area meets an extent.

        Args:
            extent: Map units of the cache.
            what: What has that extent, for the message.

        Raises:
            AreaOfInterestError: It does not; the message says how far off it lies and in which spatial reference.
        """
        if self.extent.meets(extent):
            return
        reference = self.scheme.spatial_reference
        raise AreaOfInterestError(
            f"the area of interest misses {what}: it lies {_distance(self.extent, extent, reference)}. "
            f"In {reference} it covers {self.extent}, {what} {extent}; "
            "check the spatial reference that the area is said to be in"
        )

    def _classify(self, tiles: TileRange, size: int) -> npt.NDArray[np.uint8]:
        grid = self._grid(tiles.level)
        width, height = self.scheme.tile_width * size, self.scheme.tile_height * size
        first, *others = (classify_tiles(part, grid, tiles, width, height) for part in self._parts)
        for other in others:
            np.maximum(first, other, out=first)
        return first

    def _grid(self, level: int) -> PixelGrid:
        return PixelGrid(self.scheme.origin_x, self.scheme.origin_y, self.scheme.level(level).resolution)

    def _crossings(self, level: int, row: int) -> tuple[Crossings, ...]:
        """Give the crossings of a row of tiles, remembered if it was asked for lately."""
        key = level, row
        with self._lock:
            known = self._recent.get(key)
            if known is not None:
                self._recent.move_to_end(key)
                return known
        grid, height = self._grid(level), self.scheme.tile_height
        # Outside the lock: two threads may do the same work once, none waits for another's row.
        known = tuple(Crossings(part, grid, row * height, height) for part in self._parts)
        with self._lock:
            if key not in self._recent:
                self._recent[key] = known
                self._held += _size(known)
                while self._held > _REMEMBERED and len(self._recent) > 1:
                    self._held -= _size(self._recent.popitem(last=False)[1])
        return known


def build_area(read: ReadArea, scheme: TilingScheme, target: CRS) -> AreaOfInterest:
    """Mend, dissolve and reproject polygons.

    Args:
        read: The polygons.
        scheme: The cache's tiling scheme.
        target: Its spatial reference.

    Raises:
        AreaOfInterestError: They have no surface or cannot be reprojected.
    """
    from tilepack.areas.dissolving import dissolve, mend  # noqa: PLC0415  with what they import, only when needed
    from tilepack.areas.reprojection import reproject  # noqa: PLC0415

    polygons, warnings = mend(read.polygons, read.place)
    parts = reproject(
        dissolve(polygons, read.place),
        read.crs,
        target,
        finest=min(lod.resolution for lod in scheme.levels),
        left=scheme.spatial_reference.left_longitude,
    )
    return AreaOfInterest(parts, scheme, [*read.warnings, *warnings])


def _size(crossings: tuple[Crossings, ...]) -> int:
    return sum(each.nbytes for each in crossings)


def _distance(area: Extent, extent: Extent, reference: SpatialReference) -> str:
    """Say how far one rectangle lies from another, and on which side."""
    unit = "degrees" if is_geographic(reference) else "map units"
    ways = [
        (area.ymin - extent.ymax, "north"),
        (extent.ymin - area.ymax, "south"),
        (area.xmin - extent.xmax, "east"),
        (extent.xmin - area.xmax, "west"),
    ]
    apart = [f"{gap:.6g} {unit} to the {side}" for gap, side in ways if gap > 0]
    return " and ".join(apart) or "right beside it"
