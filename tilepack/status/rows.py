"""The state of bundles and levels, as values. All counts are of tiles, all sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tilepack.formats.names import corner_name
from tilepack.keys import BundleKey
from tilepack.scheme import TilingScheme

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

UNKNOWN = -1
"""Stands in ``BundleRows.slack`` for what only the tiles' own lengths would tell."""


class BuildStatus(StrEnum):
    """How far a bundle or level is built, in words that ArcGIS Online has for the jobs of hosted tile layers."""

    SUBMITTED = "SUBMITTED"
    """Tiles are expected, and none is there."""
    INPROGRESS = "INPROGRESS"
    """Some of the tiles expected are there."""
    DONE = "DONE"
    """All tiles expected are there, or none is expected."""


def status_of_counts(built: Integers, expected: Integers) -> NDArray[np.object_]:
    """Give the status of each pair of counts."""
    done, begun = built >= expected, built > 0
    words = np.array([BuildStatus.SUBMITTED, BuildStatus.INPROGRESS, BuildStatus.DONE], dtype=object)
    return words[np.where(done, 2, begun.astype(np.intp))]


def percent_complete(built: Integers, expected: Integers) -> Floats:
    """Give the percentage built of what is expected; 100 where nothing is, and below 100 wherever anything is missing.

    >>> percent_complete(np.array([0, 1, 4, 0]), np.array([4, 4, 4, 0])).tolist()
    [0.0, 25.0, 100.0, 100.0]
    """
    return np.where(expected > 0, 100.0 * built / np.maximum(expected, 1), 100.0)


@dataclass(frozen=True, slots=True, eq=False)
class BundleRows:
    """A row for each bundle and level, by level, row and column. All arrays have one length."""

    level: Integers
    """LevelID."""
    row: Integers
    """First tile row of the bundle, a multiple of 128."""
    column: Integers
    """First tile column, likewise."""
    expected: Integers
    """Tiles with at least one pixel centre inside the area or extent."""
    built: Integers
    """Those of them that are there."""
    outside: Integers
    """Tiles that are there and not expected."""
    tile_bytes: Integers
    """Bytes of the built tiles' data; with dead space for whole V1 bundles, unless looked at deep."""
    slack: Integers
    """Bytes of the bundle's slots that belong to no tile; -1 where only the tiles' own lengths would tell (V1)."""
    newest: NDArray[np.datetime64]
    """When the newest file of the bundle was changed, whole seconds, UTC; NaT in packages and where there is none."""
    boxes: Integers
    """The tiles that the row's polygon is drawn around, (n, 4): first row, row behind the last, first column, column
    behind the last. It is the bundle cut to the declared extent grown to whole tiles, and holds every tile expected."""

    def __len__(self) -> int:
        return int(self.level.size)

    @property
    def percent(self) -> Floats:
        """How much of what is expected is built, 0 to 100."""
        return percent_complete(self.built, self.expected)

    @property
    def status(self) -> NDArray[np.object_]:
        """`BuildStatus` of each row."""
        return status_of_counts(self.built, self.expected)

    def bundle(self, number: int) -> BundleKey:
        """Name the bundle of a row."""
        return BundleKey(int(self.level[number]), int(self.row[number]), int(self.column[number]))

    def names(self) -> list[str]:
        """Give the bundles' names, as their files have them without suffix: ``R0080C0100``."""
        return [corner_name(row, column) for row, column in zip(self.row.tolist(), self.column.tolist(), strict=True)]

    def extents(self, scheme: TilingScheme) -> Floats:
        """Give xmin, ymin, xmax, ymax of each row's polygon, (n, 4), map units of the scheme."""
        known = {lod.level: lod.resolution for lod in scheme.levels}
        resolution = np.array([known[level] for level in self.level.tolist()], np.float64)
        width, height = scheme.tile_width * resolution, scheme.tile_height * resolution
        top, bottom, left, right = self.boxes.T
        return np.stack(
            (
                scheme.origin_x + left * width,
                scheme.origin_y - bottom * height,
                scheme.origin_x + right * width,
                scheme.origin_y - top * height,
            ),
            axis=1,
        )

    def sorted(self) -> BundleRows:
        """Give the rows by level, row and column."""
        order = np.lexsort((self.column, self.row, self.level))
        return BundleRows(*(getattr(self, name)[order] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: Iterable[BundleRows]) -> BundleRows:
        """Put the rows of several levels one behind the other."""
        every = [cls.empty(), *parts]
        return cls(*(np.concatenate([getattr(part, name) for part in every]) for name in cls.__slots__))

    @classmethod
    def empty(cls) -> BundleRows:
        """Give no row."""
        none = np.empty(0, np.int64)
        times = np.empty(0, "datetime64[s]")
        return cls(none, none, none, none, none, none, none, none, times, np.empty((0, 4), np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelStatus:
    """One level."""

    level: int
    """LevelID."""
    scale: float
    """Scale denominator, as the cache's document prints it."""
    resolution: float
    """Map units of a pixel."""
    expected: int
    """Tiles with at least one pixel centre inside the area or extent."""
    built: int
    """Those of them that are there."""
    outside: int
    """Tiles that are there and not expected; under an area or extent that was named, only in bundles that meet it."""
    tile_bytes: int
    """Bytes of the built tiles' data; with dead space for whole V1 bundles, unless looked at deep."""
    bundles: int
    """Bundles that hold tiles; under an area or extent that was named, those that meet it."""
    expected_bundles: int
    """Bundles that the expected tiles lie in."""

    @property
    def percent(self) -> float:
        """How much of what is expected is built, 0 to 100."""
        return 100.0 * self.built / self.expected if self.expected else 100.0

    @property
    def status(self) -> BuildStatus:
        """How far it is built."""
        if self.built >= self.expected:
            return BuildStatus.DONE
        return BuildStatus.INPROGRESS if self.built else BuildStatus.SUBMITTED
