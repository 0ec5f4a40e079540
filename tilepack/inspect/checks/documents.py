"""Checking documents against one another, and against what the bundles hold."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from tilepack.cache import CacheInfo
from tilepack.extent import Extent
from tilepack.inspect.extents import alike, far_larger, oversteps
from tilepack.inspect.findings import Collector
from tilepack.keys import TileRange
from tilepack.scheme import TilingScheme
from tilepack.spatial import to_degrees
from tilepack.stores.base import TileReader
from tilepack.stores.documents import OpeningWarning
from tilepack.stores.extents import declared_in_degrees, declared_in_map_units
from tilepack.stores.reader import StoreReader

Boxes = Mapping[int, TileRange]
"""The rectangle of the tiles of each level that holds any."""

_OWN_CHECK = "level-not-in-scheme"
"""A rule whose breach counts only where there are tiles: ``check_levels`` looks."""


def check_documents(found: Collector, reader: TileReader | StoreReader) -> None:
    """Check what documents say, whatever tiles there are."""
    for warning in reader.warnings:
        code = warning.code if isinstance(warning, OpeningWarning) else "document-malformed"
        if code != _OWN_CHECK:
            found.add(code, "documents", warning.removeprefix(f"{reader.place}/"))
    scheme = reader.info.scheme
    if not scheme.spatial_reference.is_known:
        found.add("spatial-reference-missing", "documents", "no document names a spatial reference")
    units = declared_in_map_units(reader)
    if not units:
        found.add("extent-missing", "documents", "no document declares an extent")
    slack = min(lod.resolution for lod in scheme.levels)
    for (name, extent), (other, there) in pairwise(units):
        if not (extent.holds(there, slack) and there.holds(extent, slack)):
            found.add("extents-differ", other, f"declares the extent {there}, {name} declares {extent}")
    for name, degrees in declared_in_degrees(reader):
        converted = [to_degrees(extent, scheme.spatial_reference) for _, extent in units]
        if converted and not any(there is None or alike(there, degrees) for there in converted):
            found.add("extents-differ", name, f"declares {degrees}; the extents in map units lie at {converted[0]}")


def check_levels(found: Collector, info: CacheInfo, boxes: Boxes, *, is_all: bool) -> None:
    """Check which levels hold tiles.

    Args:
        found: Takes the findings.
        info: What the documents say.
        boxes: What there is.
        is_all: Whether every level was looked at.
    """
    for level in sorted(boxes):
        if level not in info.scheme.level_ids:
            found.add(_OWN_CHECK, f"level {level}", "holds tiles, and the tiling scheme does not have it")
        elif not _is_declared(info, level):
            found.add(
                "level-undeclared",
                f"level {level}",
                f"holds tiles; by minLOD and maxLOD levels {info.min_level} to {info.max_level} do",
            )
    if not is_all or not boxes:
        return
    for name, said in (("minLOD", info.min_level), ("maxLOD", info.max_level)):
        if said is not None and said not in boxes:
            found.add("level-declared-empty", f"level {said}", f"holds no tiles, and is {name}")


def _is_declared(info: CacheInfo, level: int) -> bool:
    low = level if info.min_level is None else info.min_level
    high = level if info.max_level is None else info.max_level
    return low <= level <= high


def widen(boxes: dict[int, TileRange], tiles: TileRange | None) -> None:
    """Count tiles into the rectangle of their level; none where there are none."""
    if tiles is not None and tiles.count:
        before = [boxes[tiles.level]] if tiles.level in boxes else []
        boxes[tiles.level] = TileRange.around(tiles.level, [*before, tiles]) or tiles


def check_extents(found: Collector, reader: TileReader | StoreReader, boxes: Boxes) -> None:
    """Check the declared extent against the tiles."""
    scheme = reader.info.scheme
    units = declared_in_map_units(reader)
    placed = [lod for lod in scheme.levels if lod.level in boxes]
    if not units or not placed:
        return
    name, extent = units[0]
    outside = [lod.level for lod in placed if oversteps(boxes[lod.level], scheme.tiles_in(extent, lod.level))]
    finest = min(placed, key=lambda lod: lod.resolution).level
    if not extent.meets(scheme.range_extent(boxes[finest])) and finest not in outside:
        outside.append(finest)
    if outside:
        there = f"level {outside[-1]} at {scheme.range_extent(boxes[outside[-1]])}"
        found.add(
            "extent-too-small",
            name,
            f"declares the extent {extent}; tiles of level {', '.join(map(str, outside))} lie outside it, {there}",
        )
    measured = measured_extent(scheme, {lod.level: boxes[lod.level] for lod in placed}, finest)
    declared, filled = scheme.tiles_in(extent, finest), scheme.tiles_in(measured, finest)
    if not outside and far_larger(declared, filled):
        found.add(
            "extent-too-large",
            name,
            f"declares the extent {extent}, {declared.bundle_count} bundles at level {finest}; tiles are at "
            f"{measured}, {filled.bundle_count} bundles",
        )


def measured_extent(scheme: TilingScheme, boxes: Boxes, finest: int) -> Extent:
    """Give an extent that is at least what a new target of the same tiles would declare, by rectangles alone.

    Args:
        scheme: The grid.
        boxes: The rectangle of the tiles of each level that holds any.
        finest: The level whose box it begins with.
    """
    extent = scheme.range_extent(boxes[finest])
    for level in sorted(boxes, key=lambda level: scheme.level(level).resolution):
        met, tiles = scheme.tiles_in(extent, level), boxes[level]
        if TileRange.around(level, [met, tiles]) != met:
            extent = extent.union(scheme.range_extent(tiles))
    return extent
