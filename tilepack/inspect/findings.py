"""What a check of a cache found, as a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilepack.errors import TilepackError, TransferError
from tilepack.inspect.rules import RULES, Severity

MOST_KEPT: Final = 1_000
"""Findings of one code that are kept; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of one rule."""

    code: str
    """Stable name of the rule."""
    severity: Severity
    place: str
    """What it was found in: a path within the cache, a tile with the file that holds it, a level, a document."""
    message: str
    """What was found there."""
    remedy: str
    """What to do about it."""

    def as_json(self) -> dict[str, str]:
        """Give it as JSON's values."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "place": self.place,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a check of a cache found, and how much it looked at."""

    place: str
    """The cache, by the path it was given by."""
    deep: bool
    """Whether every tile was decoded."""
    levels: tuple[int, ...]
    """LevelIDs looked at."""
    bundles: int
    """Bundles looked at; of an exploded cache, windows of 128 x 128 tiles."""
    tiles: int
    """Tiles looked at."""
    tile_bytes: int
    """Bytes of their data."""
    decoded: int
    """Tiles decoded."""
    blank: int
    """Tiles among those in which nothing is visible."""
    uniform: int
    """Tiles among those that are of one colour, and visible."""
    found: tuple[Finding, ...]
    """In the order of the walk, at most 1,000 of each code."""
    counts: Mapping[str, int]
    """All that was found, by code: also what is not kept."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The errors that are kept; a cache without any is sound."""
        return tuple(finding for finding in self.found if finding.severity is Severity.ERROR)

    def count(self, severity: Severity) -> int:
        """Give how many of a severity were found, kept or not."""
        return sum(number for code, number in self.counts.items() if RULES[code].severity is severity)

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        return {
            "path": self.place,
            "deep": self.deep,
            "levels": list(self.levels),
            "bundles": self.bundles,
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            "decodedTiles": self.decoded,
            "blankTiles": self.blank,
            "uniformTiles": self.uniform,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "notes": self.count(Severity.NOTE),
            "counts": dict(self.counts),
            "findings": [finding.as_json() for finding in self.found],
        }


class Collector:
    """Findings and figures while a check is going on; used by one thread."""

    def __init__(self, source: str) -> None:
        """Begin with nothing found.

        Args:
            source: The cache, as messages of errors call it.
        """
        self.found: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self.levels: list[int] = []
        self.bundles = self.tiles = self.tile_bytes = 0
        self.decoded = self.blank = self.uniform = 0
        self._source = source

    def add(self, code: str, place: str, message: str) -> None:
        """Add a finding; severity and remedy are those of its rule."""
        rule = RULES[code]
        self.counts[code] += 1
        if self.counts[code] <= MOST_KEPT:
            self.found.append(Finding(code, rule.severity, place, message, rule.remedy))

    def add_error(self, code: str, place: str, error: TilepackError) -> None:
        """Add what a reader raised, without the path that its message begins with."""
        message = str(error)
        for start in (f"{self._source}/{place}: ", f"{self._source}: ", f"{self._source}/"):
            message = message.removeprefix(start)
        self.add(code, place, message)

    def add_unreadable(self, place: str, error: TilepackError) -> None:
        """Add a file or folder whose bytes cannot be had.

        Raises:
            TransferError: The whole source is gone, so that there is nothing left to check.
        """
        if isinstance(error, TransferError) and not Path(self._source).exists():
            raise error
        self.add_error("file-unreadable", place, error)

    @property
    def has_errors(self) -> bool:
        """Whether an error was found."""
        return any(RULES[code].severity is Severity.ERROR for code in self.counts)

    def findings(self, place: str, *, deep: bool) -> Findings:
        """Give all of it as a value."""
        return Findings(
            place=place,
            deep=deep,
            levels=tuple(self.levels),
            bundles=self.bundles,
            tiles=self.tiles,
            tile_bytes=self.tile_bytes,
            decoded=self.decoded,
            blank=self.blank,
            uniform=self.uniform,
            found=tuple(self.found),
            counts=dict(self.counts),
        )
