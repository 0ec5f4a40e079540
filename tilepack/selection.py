"""Which levels to take: by number, by scale, or all that hold tiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tilepack.errors import TilingSchemeError
from tilepack.scheme import TilingScheme

_PART = re.compile(r"\s*(\d{1,3})\s*(?:-\s*(\d{1,3})\s*)?")


@dataclass(frozen=True, slots=True)
class LevelSelection:
    """Levels as asked for; nothing asked for means all that hold tiles."""

    numbers: tuple[int, ...] = ()
    """LevelIDs that must be there."""
    ranges: tuple[tuple[int, int], ...] = ()
    """First and last LevelID; whatever lies between is taken."""
    scales: tuple[float, ...] = ()
    """Scale denominators that must match a level within 1e-4."""

    @classmethod
    def of(
        cls, levels: str | Iterable[int] | None = None, scales: str | Iterable[float] | None = None
    ) -> LevelSelection:
        """Read a selection.

        Args:
            levels: ``"0-7,9"``, or LevelIDs.
            scales: ``"500000,250000"`` (also separated by ``;``), or scale denominators.

        Raises:
            TilingSchemeError: Both are given, or a text means no levels or scales.
        """
        if levels is not None and scales is not None:
            raise TilingSchemeError("levels and scales were both given; choose by one of them")
        if levels is not None and not isinstance(levels, str):
            levels = ",".join(str(number) for number in levels)
        numbers, ranges = _parse_levels(levels) if levels is not None else ((), ())
        denominators = _parse_scales(scales) if scales is not None else ()
        return cls(numbers, ranges, denominators)

    @property
    def takes_all(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.numbers or self.ranges or self.scales)

    def choose(self, scheme: TilingScheme, held: Sequence[int]) -> tuple[list[int], list[str]]:
        """Choose levels.

        Args:
            scheme: The source's scheme.
            held: LevelIDs that hold tiles.

        Returns:
            The LevelIDs, ascending, and a warning for each that was named but holds no tiles.

        Raises:
            TilingSchemeError: A level or scale that was named does not exist, or none is left.
        """
        if self.takes_all:
            return sorted(held), []
        known = [lod.level for lod in scheme.levels]
        chosen = {scheme.level(number).level for number in self.numbers}
        chosen |= {scheme.level_at_scale(scale).level for scale in self.scales}
        for first, last in self.ranges:
            within = {level for level in known if first <= level <= last}
            if not within:
                raise TilingSchemeError(
                    f"no level lies in {first}-{last}; there are {', '.join(str(level) for level in known)}"
                )
            # A range takes what there is: levels of the scheme that hold nothing were not named one by one.
            chosen |= within & set(held)
        empty = sorted(chosen - set(held))
        return sorted(chosen), [f"level {level} holds no tiles" for level in empty]


def _parse_levels(text: str) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    numbers: list[int] = []
    ranges: list[tuple[int, int]] = []
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if not found:
            raise TilingSchemeError(f"levels {text!r} cannot be read; write them as 0-7,9")
        first = int(found[1])
        if found[2] is None:
            numbers.append(first)
            continue
        last = int(found[2])
        if last < first:
            raise TilingSchemeError(f"levels {part.strip()} run backwards; write {last}-{first}")
        ranges.append((first, last))
    return tuple(numbers), tuple(ranges)


def _parse_scales(scales: str | Iterable[float]) -> tuple[float, ...]:
    parts = re.split("[,;]", scales) if isinstance(scales, str) else list(scales)
    denominators = []
    for part in parts:
        try:
            scale = float(part)
        except (TypeError, ValueError):
            scale = 0.0
        if not 0 < scale < float("inf"):
            raise TilingSchemeError(f"scale {part!r} cannot be read; write denominators as 500000,250000")
        denominators.append(scale)
    return tuple(denominators)
