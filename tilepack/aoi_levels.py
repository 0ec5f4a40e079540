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

_LEVELLED: Final = re.compile(r"(\s*\d[\d\s,-]*)=(.+)", re.DOTALL)


class AreasByLevel:
    """One area for each level, out of areas for ranges of levels. Asked like an `AreaOfInterest`."""

    def __init__(self, areas: Sequence[tuple[LevelRanges | None, AreaOfInterest]]) -> None:
        """Gather areas.

        Args:
            areas: Each with the levels it is for, or None for all levels that no range names. Areas for the same level
                are united.

        Raises:
            AreaOfInterestError: There are none.
        """
        if not areas:
            raise AreaOfInterestError("no area of interest was given")
        self._ranged = [(ranges, area) for ranges, area in areas if ranges is not None]
        self._general = [area for ranges, area in areas if ranges is None]
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
        target = to_crs(scheme.spatial_reference)
        levels = read.levels if read.levels is not None else np.empty(0, dtype=np.int64)
        areas: list[tuple[LevelRanges | None, AreaOfInterest]] = []
        for level in np.unique(levels).tolist():
            rows = ReadArea(
                place=f"{read.place}, level {level}",
                polygons=read.polygons[levels == level],
                crs=read.crs,
                warnings=read.warnings,
            )
            areas.append((((level, level),), build_area(rows, scheme, target)))
        return cls(areas)

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


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False  # no file can have such a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area of interest as it is given, before it is read."""

    source: str | Path | Mapping[str, Any]
    """Path of a vector file, or of a layer in one (``x.gdb/layer``); WKT; or GeoJSON, as text or parsed. A text may
    begin with the LevelIDs it is for: ``0-8,10=country.gpkg``. An area without is for all that no other names."""
    layer: str | None = None
    """Layer of a file that has several."""
    where: str | None = None
    """Attribute filter, in SQL."""
    crs: CrsLike | None = None
    """Spatial reference of the coordinates; needed where the source names none."""

    def split(self) -> tuple[LevelRanges | None, str | Path | Mapping[str, Any]]:
        """Part the levels that the area is for, None for all others, from what it is.

        Raises:
            AreaOfInterestError: What stands before the ``=`` means no levels.
        """
        return split_levels(self.source) if isinstance(self.source, str) else (None, self.source)


AreaLike = str | Path | Mapping[str, Any] | Area


def read_areas(area: AreaLike | Sequence[AreaLike], scheme: TilingScheme) -> AreasByLevel:
    """Read one area of interest, or several for ranges of levels, into a cache's spatial reference.

    Raises:
        AreaOfInterestError: An area cannot be read or reprojected.
    """
    given = [area] if isinstance(area, str | Path | Mapping | Area) else list(area)
    read: list[tuple[LevelRanges | None, AreaOfInterest]] = []
    for each in given:
        asked = each if isinstance(each, Area) else Area(source=each)
        ranges, source = asked.split()
        read.append((ranges, AreaOfInterest.read(source, scheme, layer=asked.layer, where=asked.where, crs=asked.crs)))
    return AreasByLevel(read)
