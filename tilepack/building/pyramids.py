"""Which levels are drawn from the rasters, and which are averaged from the level below.

Levels of one area whose resolutions are powers of two of one another make a pyramid: its finest level is drawn, the
others are averaged. On the way up every doubling is a *rung*, whether a level of the scheme stands on it or not; a rung
without one is averaged like any other and not written. Of the ArcGIS Online scheme that is one pyramid; of a national
scheme (1:500,000, 1:250,000, 1:100,000) several.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilepack.aoi_levels import AreasByLevel
from tilepack.formats.bundle import occupied
from tilepack.keys import PACKET_SIZE, BundleKey, TileRange
from tilepack.scheme import LevelOfDetail, TilingScheme, same_resolution
from tilepack.transfer.choice import TileChooser

Rects = NDArray[np.float64]
"""float64 (n, 4): xmin, ymin, xmax, ymax in map units."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Levels that are made of one another."""

    base: LevelOfDetail
    """The finest, which is drawn."""
    levels: Mapping[int, int]
    """LevelIDs by rung; the base stands on rung 0."""

    @property
    def top(self) -> int:
        """The highest rung that is a level."""
        return max(self.levels)


def group_levels(scheme: TilingScheme, levels: Iterable[int], areas: AreasByLevel | None = None) -> list[Pyramid]:
    """Group levels into pyramids, finest first. Tiles with an odd side are not halved: each level is its own then.

    Args:
        scheme: The scheme.
        levels: LevelIDs.
        areas: Areas of interest; levels with different areas are not made of one another.

    Raises:
        TilingSchemeError: A level is not in the scheme.
        AreaOfInterestError: A level has no area.
    """
    chosen = sorted((scheme.level(level) for level in levels), key=lambda lod: lod.resolution)
    halves = scheme.tile_width % 2 == 0 == scheme.tile_height % 2
    found: list[tuple[LevelOfDetail, object, dict[int, int]]] = []
    for lod in chosen:
        area = None if areas is None else areas.at(lod.level)
        for base, for_area, rungs in found:
            rung = _rung(base.resolution, lod.resolution)
            if halves and area is for_area and rung is not None and rung not in rungs:
                rungs[rung] = lod.level
                break
        else:
            found.append((lod, area, {0: lod.level}))
    return [Pyramid(base, rungs) for base, _, rungs in found]


def _rung(fine: float, coarse: float) -> int | None:
    """Tell how many doublings lead from one resolution to another; None where doubling does not."""
    rung = round(math.log2(coarse / fine))
    return rung if same_resolution(fine * 2**rung, coarse) else None


class Window(NamedTuple):
    """A square of tiles that is drawn at a time."""

    tiles: TileRange
    asked: NDArray[np.bool_]
    """Which of them may have a pixel, bool (rows, columns); the others stay blank."""


class Reach:
    """Which tiles of a level the rasters may have a pixel in, as far as they are asked for."""

    def __init__(self, scheme: TilingScheme, level: int, rects: Rects, chooser: TileChooser) -> None:
        """Take rectangles to tiles.

        Args:
            scheme: The scheme.
            level: LevelID.
            rects: Rectangles that together hold the rasters.
            chooser: Knows areas and extents.
        """
        self._chooser = chooser
        self._level = level
        resolution = scheme.level(level).resolution
        width, height = scheme.tile_width * resolution, scheme.tile_height * resolution
        rows = (scheme.origin_y - rects[:, [3, 1]]) / height
        columns = (rects[:, [0, 2]] - scheme.origin_x) / width
        bounds = np.column_stack([rows, columns])
        edge = np.array([1e-6, -1e-6, 1e-6, -1e-6])  # an extent overshoots an edge by rounding and meets no next tile
        bounds += edge
        bounds[:, [0, 2]] = np.floor(bounds[:, [0, 2]])
        bounds[:, [1, 3]] = np.ceil(bounds[:, [1, 3]])
        whole = np.clip(bounds, 0, 2**40).astype(np.int64)
        asked = chooser.bounds(level)
        if asked is not None:
            whole[:, :2] = np.clip(whole[:, :2], asked.row_start, asked.row_stop)
            whole[:, 2:] = np.clip(whole[:, 2:], asked.column_start, asked.column_stop)
        whole = np.unique(whole, axis=0)
        self._ranges: NDArray[np.int64] = whole[(whole[:, 0] < whole[:, 1]) & (whole[:, 2] < whole[:, 3])]

    @property
    def most(self) -> int:
        """More tiles there cannot be; where rectangles overlap, fewer. Nothing is counted one by one."""
        top, bottom, left, right = self._ranges.T
        return int(((bottom - top).astype(float) * (right - left)).sum())

    @cached_property
    def bundles(self) -> list[BundleKey]:
        """The bundles that may hold such tiles, along a Z: parents' bundles come one after the other, too."""
        size = PACKET_SIZE
        found = {
            (row, column)
            for top, bottom, left, right in self._ranges.tolist()
            for row in range(top // size, (bottom - 1) // size + 1)
            for column in range(left // size, (right - 1) // size + 1)
        }
        order = sorted(found, key=lambda place: _along_z(*place))
        return [BundleKey(self._level, row * size, column * size) for row, column in order]

    def tiles(self, bundle: BundleKey) -> NDArray[np.bool_]:
        """Give the tiles of a bundle, bool (128, 128)."""
        mask = np.zeros((PACKET_SIZE, PACKET_SIZE), np.bool_)
        local = self._ranges - np.array([bundle.row, bundle.row, bundle.column, bundle.column])
        near = (local[:, 0] < PACKET_SIZE) & (local[:, 1] > 0) & (local[:, 2] < PACKET_SIZE) & (local[:, 3] > 0)
        local = np.clip(local[near], 0, PACKET_SIZE)
        for top, bottom, left, right in np.unique(local, axis=0).tolist():
            mask[top:bottom, left:right] = True
        if not self._chooser.takes_all and mask.any():
            cover = self._chooser.coverage(bundle, occupied(mask.reshape(-1), bundle))
            mask &= cover.reshape(mask.shape) > 0
        return mask

    def windows(self, side: int) -> Iterator[Window]:
        """Yield squares of tiles along a Z, each of which may hold such tiles.

        Args:
            side: Tiles of a square each way, a power of two up to 128.
        """
        count = PACKET_SIZE // side
        order = sorted(((row, column) for row in range(count) for column in range(count)), key=lambda at: _along_z(*at))
        for bundle in self.bundles:
            squares = self.tiles(bundle).reshape(count, side, count, side)
            for row, column in order:
                asked = squares[row, :, column]
                if asked.any():
                    tiles = TileRange(
                        level=self._level,
                        row_start=bundle.row + row * side,
                        row_stop=bundle.row + (row + 1) * side,
                        column_start=bundle.column + column * side,
                        column_stop=bundle.column + (column + 1) * side,
                    )
                    yield Window(tiles, asked)

    def count(self) -> int:
        """Count the tiles."""
        return sum(int(np.count_nonzero(self.tiles(bundle))) for bundle in self.bundles)


def _along_z(row: int, column: int) -> int:
    """Interleave the bits of a row and a column (Morton): the four parts of any square come one after the other."""
    return int(f"{row:b}", 4) * 2 + int(f"{column:b}", 4)
