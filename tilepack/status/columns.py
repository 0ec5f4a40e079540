"""The columns of a status report, as geodatabases, tables and JSON name them.

Of ``TaskStatus`` only its name is ArcGIS' own, and that a row is a bundle: its columns are published nowhere. Those of
the levels are the names that ArcGIS Online documents for the jobs of hosted tile layers. All the rest is tilepack's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tilepack.scheme import TilingScheme
from tilepack.status.rows import UNKNOWN, BundleRows, LevelStatus

TASK_STATUS: Final = "TaskStatus"
"""Layer with a polygon for each bundle and level."""

LEVEL_STATUS: Final = "LevelStatus"
"""Table with a row for each level."""

SCHEMA_VERSION: Final = 1
"""Of these columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column."""

    name: str
    values: NDArray[Any]
    """int32, int64, float64, datetime64[s] (UTC) or objects that are texts."""
    missing: NDArray[np.bool_] | None = None
    """Rows without a value; None if all have one. Times miss where they are NaT."""

    def plain(self) -> list[Any]:
        """Give the values as Python's own: times as ISO texts in UTC, None where there is no value."""
        if self.values.dtype.kind == "M":
            texts = np.datetime_as_string(self.values, unit="s", timezone="UTC").tolist()
            return [None if text == "NaT" else text for text in texts]
        values = self.values.tolist()
        if self.missing is None:
            return list(map(str, values)) if self.values.dtype == object else values
        return [None if gone else value for value, gone in zip(values, self.missing.tolist(), strict=True)]


def bundle_columns(rows: BundleRows, scheme: TilingScheme) -> list[Column]:
    """Give the columns of ``TaskStatus``, one row for each bundle and level.

    Args:
        rows: The bundles.
        scheme: The cache's grid.
    """
    lods = {lod.level: lod for lod in scheme.levels}
    levels = rows.level.tolist()
    return [
        Column("LevelID", rows.level.astype(np.int32)),
        Column("Scale", np.array([lods[level].scale for level in levels], np.float64)),
        Column("Resolution", np.array([lods[level].resolution for level in levels], np.float64)),
        Column("BundleName", np.array(rows.names(), dtype=object)),
        Column("StartRow", rows.row),
        Column("StartColumn", rows.column),
        Column("expectedTileCount", rows.expected.astype(np.int32)),
        Column("tileCount", rows.built.astype(np.int32)),
        Column("outsideTileCount", rows.outside.astype(np.int32)),
        Column("percentComplete", rows.percent),
        Column("tilesSize", rows.tile_bytes),
        Column("slack", rows.slack, rows.slack == UNKNOWN),
        Column("newestTime", rows.newest),
        Column("status", rows.status),
    ]


def level_columns(levels: Sequence[LevelStatus]) -> list[Column]:
    """Give the columns of ``LevelStatus``: ArcGIS Online's, then tilepack's own."""
    return [
        Column("levelID", np.array([each.level for each in levels], np.int32)),
        Column("scale", np.array([each.scale for each in levels], np.float64)),
        Column("resolution", np.array([each.resolution for each in levels], np.float64)),
        Column("tileCount", np.array([each.built for each in levels], np.int64)),
        Column("expectedTileCount", np.array([each.expected for each in levels], np.int64)),
        Column("percentComplete", np.array([each.percent for each in levels], np.float64)),
        Column("tilesSize", np.array([each.tile_bytes for each in levels], np.int64)),
        Column("status", np.array([each.status for each in levels], dtype=object)),
        Column("outsideTileCount", np.array([each.outside for each in levels], np.int64)),
        Column("bundleCount", np.array([each.bundles for each in levels], np.int64)),
        Column("expectedBundleCount", np.array([each.expected_bundles for each in levels], np.int64)),
    ]


def rows_of(columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """Yield the rows of some columns by name."""
    names = [column.name for column in columns]
    for values in zip(*(column.plain() for column in columns), strict=True):
        yield dict(zip(names, values, strict=True))
