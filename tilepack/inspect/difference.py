"""What differs between two caches, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tilepack.keys import BundleKey, TileKey

LISTED: Final = 1000
"""Tiles of each kind that are named one by one; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceCounts:
    """Numbers of tiles by what two caches have of them; each tile is counted in one of the first four."""

    only_a: int = 0
    """Tiles that only the first cache has."""
    only_b: int = 0
    """Tiles that only the second has."""
    differing: int = 0
    """Tiles that both have, and that are not the same."""
    same: int = 0
    """Tiles that both have, of the same bytes or the same pixels."""
    recoded: int = 0
    """Those of the same ones whose bytes differ, though their pixels do not; only where pixels were compared."""
    undecodable: int = 0
    """Those of the differing ones of which no pixels can be had in one cache or both."""
    pixels: int = 0
    """Pixels that differ, in tiles that both have; only where pixels were compared."""
    largest: int | None = None
    """Largest difference of a channel in these pixels, 1 to 255; None where there are none."""

    def __add__(self, other: DifferenceCounts) -> DifferenceCounts:
        largest = max(self.largest or 0, other.largest or 0)
        return DifferenceCounts(
            only_a=self.only_a + other.only_a,
            only_b=self.only_b + other.only_b,
            differing=self.differing + other.differing,
            same=self.same + other.same,
            recoded=self.recoded + other.recoded,
            undecodable=self.undecodable + other.undecodable,
            pixels=self.pixels + other.pixels,
            largest=largest or None,
        )

    @property
    def is_same(self) -> bool:
        """Whether both caches have the same tiles."""
        return not (self.only_a or self.only_b or self.differing)

    @property
    def tiles(self) -> int:
        """Number of tiles compared."""
        return self.only_a + self.only_b + self.differing + self.same

    def as_json(self) -> dict[str, object]:
        """Give the numbers as JSON's values."""
        return {
            "onlyA": self.only_a,
            "onlyB": self.only_b,
            "differing": self.differing,
            "same": self.same,
            "recoded": self.recoded,
            "undecodable": self.undecodable,
            "pixels": self.pixels,
            "largestDifference": self.largest,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TileDifference:
    """One tile that both caches have, and that is not the same."""

    tile: TileKey
    """As the first cache names it."""
    bytes_a: int
    """Bytes of its data in the first cache."""
    bytes_b: int
    """Likewise in the second."""
    pixels: int | None = None
    """Pixels that differ; None where pixels were not compared."""
    largest: int | None = None
    """Largest difference of a channel in these pixels, 1 to 255; None likewise."""
    reason: str = ""
    """Why no pixels can be had of it, in one cache or both."""

    def as_json(self) -> dict[str, object]:
        """Give the figures as JSON's values."""
        return {
            **tile_json(self.tile),
            "bytesA": self.bytes_a,
            "bytesB": self.bytes_b,
            "pixels": self.pixels,
            "largestDifference": self.largest,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDifference:
    """One bundle, or window of 128 x 128 tiles, in which something differs."""

    bundle: BundleKey
    """As the first cache names it; as the second does where only that has the level."""
    counts: DifferenceCounts
    damage: str = ""
    """Why its tiles cannot be compared; none of them are counted then."""

    def as_json(self) -> dict[str, object]:
        """Give the figures as JSON's values."""
        return {
            "level": self.bundle.level,
            "bundle": str(self.bundle).rpartition("/")[2],
            **self.counts.as_json(),
            "damage": self.damage or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDifference:
    """One level of two caches."""

    level_a: int | None
    """LevelID in the first cache; None where its tiling scheme has no such resolution."""
    level_b: int | None
    """LevelID in the second cache; None likewise."""
    resolution: float | None
    """Map units of a pixel; None where tiles lie on a level that no tiling scheme has."""
    scale: float | None
    """Scale denominator as the first cache declares it, or else the second."""
    counts: DifferenceCounts

    def as_json(self) -> dict[str, object]:
        """Give the figures as JSON's values."""
        return {
            "levelA": self.level_a,
            "levelB": self.level_b,
            "resolution": self.resolution,
            "scale": self.scale,
            **self.counts.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheDifference:
    """What differs between two caches: A, given first, and B, given second."""

    a: str
    """Path of the first."""
    b: str
    """Path of the second."""
    pixels_compared: bool
    """Whether tiles of other bytes were compared by their pixels."""
    metadata: tuple[str, ...]
    """What their documents say differently, in sentences: "here" is A, "there" is B."""
    notes: tuple[str, ...]
    """What differs, too, but makes no other cache: how tiles are stored, what only one layout can say; in sentences."""
    warnings: tuple[str, ...] = ()
    """What was noticed about the area and the levels that were asked for."""
    is_comparable: bool = True
    """Whether both lie on one grid; where not, ``metadata`` says why, and no tile was compared."""
    levels: tuple[LevelDifference, ...] = ()
    """Levels compared, ascending in A; those that only B has come last."""
    bundles: tuple[BundleDifference, ...] = ()
    """Bundles in which something differs, in the order of the levels, then by row and column."""
    only_a: tuple[TileKey, ...] = ()
    """The first 1,000 tiles that only A has, as A names them."""
    only_b: tuple[TileKey, ...] = ()
    """The first 1,000 tiles that only B has, as B names them."""
    differing: tuple[TileDifference, ...] = ()
    """The first 1,000 tiles that differ."""

    @property
    def counts(self) -> DifferenceCounts:
        """The numbers of all levels together."""
        return sum((level.counts for level in self.levels), DifferenceCounts())

    @property
    def damage(self) -> tuple[str, ...]:
        """What is damaged, and could not be compared, in sentences."""
        return tuple(bundle.damage for bundle in self.bundles if bundle.damage)

    @property
    def has_same_tiles(self) -> bool:
        """Whether the tiles are the same, whatever the documents say."""
        return self.is_comparable and not self.bundles

    @property
    def is_same(self) -> bool:
        """Whether tiles and metadata are the same; notes do not matter."""
        return self.has_same_tiles and not self.metadata

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        return {
            "a": self.a,
            "b": self.b,
            "same": self.is_same,
            "comparable": self.is_comparable,
            "pixelsCompared": self.pixels_compared,
            "metadata": list(self.metadata),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            **self.counts.as_json(),
            "levels": [level.as_json() for level in self.levels],
            "bundles": [bundle.as_json() for bundle in self.bundles],
            "tilesOnlyA": [tile_json(tile) for tile in self.only_a],
            "tilesOnlyB": [tile_json(tile) for tile in self.only_b],
            "tilesDiffering": [tile.as_json() for tile in self.differing],
        }


def tile_json(tile: TileKey) -> dict[str, object]:
    """Give a tile's name as JSON's values."""
    return {"level": tile.level, "row": tile.row, "column": tile.column}
