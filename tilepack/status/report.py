"""The state of a cache, as a value: a row for each bundle and level, and a row for each level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_levels import AreasByLevel
from tilepack.cache import CacheInfo
from tilepack.extent import Extent
from tilepack.status.columns import bundle_columns, level_columns, rows_of
from tilepack.status.rows import BundleRows, LevelStatus


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StatusReport:
    """What is built of a cache, and what is missing."""

    place: str
    """The cache."""
    info: CacheInfo
    """What it says of itself."""
    extent: Extent | None
    """What bounds the report where no area does: the extent named, else declared, else measured; map units."""
    areas: AreasByLevel | None
    """Areas of interest that bound it."""
    box: AreaOfInterest | None
    """The rectangle in degrees that bounds it, in the cache's spatial reference."""
    bounded_by: str
    """What bounds it, in words."""
    taken: datetime
    """When the counting began, UTC."""
    levels: tuple[LevelStatus, ...]
    """By LevelID."""
    bundles: BundleRows | None
    """A row for each bundle of which tiles are expected, there or not; without area and named extent also for those
    that hold only others. None where they were not asked for."""
    warnings: tuple[str, ...]

    def area_at(self, level: int) -> AreaOfInterest | None:
        """Give the area that bounds a level of the report; None where a rectangle in map units does."""
        return self.box if self.areas is None else self.areas.at(level)

    def as_json(self) -> dict[str, Any]:
        """Give everything as JSON's values, under the names of the columns."""
        bundles = self.bundles
        extent = None if self.extent is None or self.areas is not None else self.extent.as_json()
        rows = {} if bundles is None else {"bundles": list(rows_of(bundle_columns(bundles, self.info.scheme)))}
        return {
            "path": self.place,
            "name": self.info.name,
            "extent": extent,
            "levels": list(rows_of(level_columns(self.levels))),
            **rows,
            "warnings": list(self.warnings),
        }
