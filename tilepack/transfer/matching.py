"""Finding out whether two caches have the same grid where tiles are to be moved, and which levels are the same.

Levels are the same when their resolutions are, whatever their numbers. The grid is the same when, over the tiles that
are moved, the corner farthest from the origin lands within one pixel in both caches, and tiles have the same pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tilepack.errors import TilingSchemeError
from tilepack.keys import TileRange
from tilepack.scheme import SCALE_TOLERANCE, LevelOfDetail, TilingScheme, same_resolution

_PIXELS: Final = 1.0
"""Pixels by which a corner may land elsewhere."""


def match_levels(
    source: TilingScheme, target: TilingScheme, tiles: Mapping[int, Iterable[TileRange]], *, place: str
) -> dict[int, int]:
    """Map a source's levels to those of a target.

    Args:
        source: The source's scheme.
        target: The target's.
        tiles: Rectangles of the tiles to move, by the source's LevelID.
        place: The target, for the message.

    Returns:
        The target's LevelID for each of the source's.

    Raises:
        TilingSchemeError: The grids are not the same, or the target lacks a level; says what differs.
    """
    levels, sentences = find_counterparts(source, target, tiles)
    if sentences:
        raise TilingSchemeError(
            f"{place}: has another tiling scheme than the source, so tiles cannot be moved into it: "
            + "; ".join(sentences)
        )
    return levels


def find_counterparts(
    source: TilingScheme, target: TilingScheme, tiles: Mapping[int, Iterable[TileRange]]
) -> tuple[dict[int, int], list[str]]:
    """Map a source's levels to those of a target as far as there are any.

    Args:
        source: The source's scheme.
        target: The target's.
        tiles: Rectangles of the tiles to move, by the source's LevelID.

    Returns:
        The target's LevelID for each of the source's, and in sentences what keeps tiles from being moved.
    """
    sentences = []
    if (source.tile_width, source.tile_height) != (target.tile_width, target.tile_height):
        sentences.append(
            f"tiles have {source.tile_width} x {source.tile_height} pixels in the source, "
            f"{target.tile_width} x {target.tile_height} in the target"
        )
    if not source.spatial_reference.agrees_with(target.spatial_reference):
        sentences.append(
            f"the spatial reference is {source.spatial_reference} in the source, {target.spatial_reference} in the "
            f"target"
        )
    levels: dict[int, int] = {}
    if not sentences:
        for level, ranges in tiles.items():
            there = _counterpart(source.level(level), target)
            if there is None:
                known = ", ".join(f"{lod.level} ({lod.resolution:.10g})" for lod in target.levels)
                sentences.append(
                    f"level {level} has a resolution of {source.level(level).resolution:.10g}, and the target no such "
                    f"level; it has {known}"
                )
                continue
            twin = next((other for other, known in levels.items() if known == there.level), None)
            if twin is not None:
                sentences.append(
                    f"levels {twin} and {level} of the source have one resolution, and both would be level "
                    f"{there.level}; choose one of them"
                )
            levels[level] = there.level
            sentences += _shift(source, target, TileRange.around(level, list(ranges)), there)
    return levels, list(dict.fromkeys(sentences))


def _counterpart(lod: LevelOfDetail, target: TilingScheme) -> LevelOfDetail | None:
    nearest = min(target.levels, key=lambda there: abs(there.resolution - lod.resolution))
    return nearest if same_resolution(nearest.resolution, lod.resolution, SCALE_TOLERANCE) else None


def _shift(source: TilingScheme, target: TilingScheme, tiles: TileRange | None, there: LevelOfDetail) -> list[str]:
    """Say by how many pixels the corners of some tiles land elsewhere, if that is too much."""
    if tiles is None:
        return []
    moved = TileRange(
        level=there.level,
        row_start=tiles.row_start,
        row_stop=tiles.row_stop,
        column_start=tiles.column_start,
        column_stop=tiles.column_stop,
    )
    here, elsewhere = source.range_extent(tiles).as_tuple(), target.range_extent(moved).as_tuple()
    pixels = max(abs(a - b) for a, b in zip(here, elsewhere, strict=True)) / there.resolution
    if pixels <= _PIXELS:
        return []
    if (source.origin_x, source.origin_y) != (target.origin_x, target.origin_y):
        why = (
            f"the tile origin is {source.origin_x:.10g}, {source.origin_y:.10g} in the source, "
            f"{target.origin_x:.10g}, {target.origin_y:.10g} in the target"
        )
    else:
        resolution = source.level(tiles.level).resolution
        why = f"the resolution is {resolution:.12g} in the source, {there.resolution:.12g} in the target"
    return [f"at level {tiles.level} tiles would land {pixels:.3g} pixels away ({why})"]
