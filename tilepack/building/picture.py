"""The tiles that the picture of a new package is drawn from: few, of a coarse rung, kept while it is built."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tilepack.building.plan import BuildPlan
from tilepack.extent import Extent
from tilepack.keys import TileKey, TileRange
from tilepack.pixels.blend import Pixels, is_blank
from tilepack.pixels.png import write_png
from tilepack.pixels.thumbnail import draw_thumbnail
from tilepack.scheme import LevelOfDetail

_MOST: Final = 64
"""Tiles that are kept: more a picture is not drawn from."""


class PictureTiles:
    """Keeps the tiles of one rung of the coarsest pyramid, whether a level stands on it or not."""

    def __init__(self, plan: BuildPlan) -> None:
        self.pyramid = plan.pyramids[-1]
        """Whose tiles they are."""
        base, scheme = self.pyramid.base, plan.info.scheme
        rects = np.concatenate([layer.footprint.rects for layer in plan.layers])
        width = float(rects[:, 2].max() - rects[:, 0].min()) / (scheme.tile_width * base.resolution)
        height = float(rects[:, 3].max() - rects[:, 1].min()) / (scheme.tile_height * base.resolution)
        rung = self.pyramid.top
        if scheme.tile_width % 2 == 0 == scheme.tile_height % 2:
            rung = 0
            while math.ceil(width / 2**rung + 1) * math.ceil(height / 2**rung + 1) > _MOST:
                rung += 1
        self.rung = rung
        """On which rung they stand."""
        self._scheme = scheme.with_levels([LevelOfDetail(level=0, resolution=base.resolution * 2**rung, scale=0)])
        self._kept: dict[TileKey, bytes] = {}

    @staticmethod
    def encode(pixels: Pixels) -> bytes | None:
        """Give a tile as it is kept; None for nothing."""
        return None if is_blank(pixels) else write_png(pixels)

    def add(self, row: int, column: int, data: bytes) -> None:
        """Keep a tile."""
        if len(self._kept) < _MOST:
            self._kept[TileKey(0, row, column)] = data

    def draw(self, extent: Extent) -> bytes:
        """Draw the picture of an extent, as a PNG."""
        ranges = [(0, TileRange.of(tile)) for tile in self._kept]
        return draw_thumbnail(self._kept.get, self._scheme, extent, ranges)


def picture_of(plan: BuildPlan) -> PictureTiles | None:
    """Give what keeps the tiles of a target's picture, where it is to have one that was not given."""
    has_picture = plan.kind.is_package or plan.kind.ready_to_serve
    return PictureTiles(plan) if has_picture and plan.request.thumbnail is None else None
