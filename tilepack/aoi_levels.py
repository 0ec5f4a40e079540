"""Areas for ranges of levels: a country for the coarse ones, a city for the fine ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tilepack.aoi import AreaOfInterest, build_area
from tilepack.areas.reading import CrsLike, ReadArea, read_area
from tilepack.errors import AreaOfInterestError, TilingSchemeError
from tilepack.extent import Extent
from tilepack.keys import TileKey, TileRange
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection
from tilepack.spatial import to_crs

LevelRanges = tuple[tuple[int, int], ...]
"""First and last LevelID of each range, both included."""

RangedArea = tuple[LevelRanges | None, AreaOfInterest]
"""An area with the levels it is for, None for all that no range names."""

_LEVELLED: Final = re.compile(r"(\s*\d[\d\s,-]*)=(.+)", re.DOTALL)

_SCALED: Final = re.compile(r"(\s*1\s*:\s*[\d.][\d.eE+\s,;:]*)=(.+)", re.DOTALL)


class AreasByLevel:
    """One area for each level, out of areas for ranges of levels. Asked like an `AreaOfInterest`."""

    def __init__(self, areas: Sequence[RangedArea], *, names_levels: bool = False) -> None:
        """Gather areas.

        Args:
            areas: Each with the levels it is for, or None for all levels that no range names. Areas for the same level
                are united.
            names_levels: Whether these levels are the ones meant where nobody names any, as those of scales and of a
                LevelID column are.

        Raises:
            AreaOfInterestError: There are none.
        """
        if not areas:
            raise AreaOfInterestError("no area of interest was given")
        self._ranged = [(ranges, area) for ranges, area in areas if ranges is not None]
        self._general = [area for ranges, area in areas if ranges is None]
        self._names_levels = names_levels
        self._known: dict[tuple[int, ...], AreaOfInterest] = {}
        self.warnings: list[str] = list(dict.fromkeys(text for _, area in areas for text in area.warnings))
        """What was noticed while the areas were read: sentences."""

    @classmethod
    def read_by_level(
        cls,
        area: str | Path | Mapping[str, Any],
        scheme: TilingScheme,
        *,
        layer: str | None = None,
        where: str | None = None,
        crs: CrsLike | None = None,
    ) -> AreasByLevel:
        """Read a layer whose LevelID column says which level each row is for, such as a status report's.

        Args:
            area: As `AreaOfInterest.read` takes it, WKT aside.
            scheme: The cache's tiling scheme.
            layer: Layer of a file that has several.
            where: Attribute filter, in SQL.
            crs: Spatial reference of the coordinates, which then counts for more than the file's own.

        Raises:
            AreaOfInterestError: The area cannot be read or reprojected, or has no LevelID in every row.
            MetadataError: The cache's spatial reference means nothing.
        """
        read = read_area(area, layer=layer, where=where, crs=crs, by_level=True)
        return cls(_areas_of_rows(read, scheme, None), names_levels=True)

    def named_levels(self) -> frozenset[int] | None:
        """Give the LevelIDs that the areas' own scales or LevelID columns name; None where an area has neither.

        They are the levels to take where nobody names any.
        """
        if not self._names_levels:
            return None
        return frozenset(first for ranges, _ in self._ranged for first, _ in ranges)

    def at(self, level: int) -> AreaOfInterest:
        """Give the area of a level.

        Raises:
            AreaOfInterestError: None is for this level.
        """
        chosen = tuple(
            number
            for number, (ranges, _) in enumerate(self._ranged)
            if any(first <= level <= last for first, last in ranges)
        )
        areas = [self._ranged[number][1] for number in chosen] or self._general
        if not areas:
            raise AreaOfInterestError(
                f"level {level} has no area of interest; there are areas for {self._named()}. "
                "Leave the level out, or give an area without levels for all others"
            )
        if len(areas) == 1:
            return areas[0]
        # Threads that meet here make equal areas; one of them stays.
        if chosen not in self._known:
            united = areas[0]
            for area in areas[1:]:
                united = united.united_with(area)
            self._known.setdefault(chosen, united)
        return self._known[chosen]

    def require_levels(self, levels: Iterable[int]) -> None:
        """Make sure that each of some levels has an area.

        Raises:
            AreaOfInterestError: One has none.
        """
        for level in levels:
            self.at(level)

    def coverage(self, tiles: TileRange) -> npt.NDArray[np.uint8]:
        """Classify a rectangle of tiles, as `AreaOfInterest.coverage` does.

        Raises:
            AreaOfInterestError: The level has no area.
            TilingSchemeError: The level is not in the scheme.
        """
        return self.at(tiles.level).coverage(tiles)

    def bundle_coverage(self, tiles: TileRange) -> npt.NDArray[np.uint8]:
        """Classify the bundles that a rectangle of tiles meets, as `AreaOfInterest.bundle_coverage` does.

        Raises:
            AreaOfInterestError: The level has no area.
            TilingSchemeError: The level is not in the scheme.
        """
        return self.at(tiles.level).bundle_coverage(tiles)

    def mask(self, tile: TileKey) -> npt.NDArray[np.bool_]:
        """Give the mask of a tile: bool (tile height, tile width), True inside.

        Raises:
            AreaOfInterestError: The level has no area.
            TilingSchemeError: The level is not in the scheme.
        """
        return self.at(tile.level).mask(tile)

    @property
    def extent(self) -> Extent:
        """The smallest rectangle around all of the areas, map units of the cache."""
        first, *others = [area.extent for _, area in self._ranged] + [area.extent for area in self._general]
        for other in others:
            first = first.union(other)
        return first

    @property
    def fingerprint(self) -> str:
        """Text that changes when an area, or what it is for, does."""
        return repr([(ranges, area.fingerprint) for ranges, area in self._ranged]) + repr(
            [area.fingerprint for area in self._general]
        )

    def _named(self) -> str:
        ranges = sorted({each for ranges, _ in self._ranged for each in ranges})
        return "levels " + ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredArea:
    """What one given area comes to: itself, or an area for each level that its rows name."""

    areas: list[RangedArea]
    has_levels: bool
    """Whether its rows have a LevelID."""


def gather_area(
    area: str | Path | Mapping[str, Any],
    scheme: TilingScheme,
    *,
    layer: str | None = None,
    where: str | None = None,
    crs: CrsLike | None = None,
    ranges: LevelRanges | None = None,
) -> GatheredArea:
    """Read one area; if it has a LevelID column, each level's rows become an area of their own.

    Args:
        area: As `AreaOfInterest.read` takes it.
        scheme: The cache's tiling scheme.
        layer: Layer of a file that has several.
        where: Attribute filter, in SQL.
        crs: Spatial reference of the coordinates, which then counts for more than the file's own.
        ranges: Levels that it is for; of rows with a LevelID only those within are taken.

    Raises:
        AreaOfInterestError: The area cannot be read or reprojected, its LevelID column is not filled in every row, or
            no row's level lies in the ranges.
        MetadataError: The cache's spatial reference means nothing.
    """
    read = read_area(area, layer=layer, where=where, crs=crs, by_level=None)
    if read.levels is None:
        whole = build_area(read, scheme, to_crs(scheme.spatial_reference))
        return GatheredArea(areas=[(ranges, whole)], has_levels=False)
    return GatheredArea(areas=_areas_of_rows(read, scheme, ranges), has_levels=True)


def _areas_of_rows(read: ReadArea, scheme: TilingScheme, ranges: LevelRanges | None) -> list[RangedArea]:
    target = to_crs(scheme.spatial_reference)
    levels = read.levels if read.levels is not None else np.empty(0, dtype=np.int64)
    areas: list[RangedArea] = []
    for level in np.unique(levels).tolist():
        if ranges is not None and not any(first <= level <= last for first, last in ranges):
            continue
        rows = ReadArea(
            place=f"{read.place}, level {level}",
            polygons=read.polygons[levels == level],
            crs=read.crs,
            warnings=read.warnings,
        )
        areas.append((((level, level),), build_area(rows, scheme, target)))
    if not areas:
        named = ", ".join(str(level) for level in np.unique(levels).tolist())
        raise AreaOfInterestError(
            f"{read.place}: its LevelID column names levels {named}, none of those written before it; write others, or "
            "leave them out"
        )
    return areas


def split_levels(text: str) -> tuple[LevelRanges | None, str]:
    """Split ``0-8=country.gpkg`` into levels and area; without levels, the first is None.

    >>> split_levels("0-8,10=country.gpkg")
    (((0, 8), (10, 10)), 'country.gpkg')
    >>> split_levels("country.gpkg")
    (None, 'country.gpkg')

    Raises:
        AreaOfInterestError: What stands before the ``=`` means no levels.
    """
    found = _LEVELLED.fullmatch(text)
    if not found or _exists(text):
        return None, text
    try:
        selection = LevelSelection.of(levels=found[1])
    except TilingSchemeError as error:
        raise AreaOfInterestError(f"{text[:200]}: {error}") from None
    ranges = selection.ranges + tuple((number, number) for number in selection.numbers)
    return tuple(sorted(ranges)), found[2]


def split_scales(text: str) -> tuple[tuple[float, ...] | None, str]:
    """Split ``1:500000,1:250000=country.gpkg`` into scale denominators and area; without scales, the first is None.

    >>> split_scales("1:500000,1:250000=country.gpkg")
    ((500000.0, 250000.0), 'country.gpkg')
    >>> split_scales("country.gpkg")
    (None, 'country.gpkg')

    Raises:
        AreaOfInterestError: What stands before the ``=`` means no scales.
    """
    found = _SCALED.fullmatch(text)
    if not found or _exists(text):
        return None, text
    try:
        selection = LevelSelection.of(scales=re.sub(r"1\s*:", "", found[1]))
    except TilingSchemeError as error:
        raise AreaOfInterestError(f"{text[:200]}: {error}") from None
    return selection.scales, found[2]


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False  # no file can have such a name
