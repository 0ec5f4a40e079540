"""Numbers as people read them.

Counts and sizes are grouped by commas. Scales, resolutions and coordinates are not: they are copied into options, where
a comma separates one from the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def count(number: int) -> str:
    """Give a count: ``1,234,567``."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """Give a count of something: ``1 bundle``, ``1,234 bundles``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: float) -> str:
    """Give a number of bytes in binary units: ``512 B``, ``1.5 MiB``."""
    unit = 0
    while number >= (1000 if unit == 0 else 1023.95) and unit < len(_UNITS) - 1:
        number /= 1024
        unit += 1
    return f"{number:.0f} B" if unit == 0 else f"{number:,.1f} {_UNITS[unit]}"


def measure(number: float | None, digits: int = 10) -> str:
    """Give a scale, resolution or coordinate, to so many digits; "-" for none."""
    return "-" if number is None else f"{number:.{digits}g}"


def coordinates(numbers: Iterable[float]) -> list[str]:
    """Give coordinates; what is next to nothing beside the others is rounding, and shown as 0."""
    values = list(numbers)
    nothing = 1e-12 * max(map(abs, values), default=0.0)
    return [measure(0.0 if abs(value) < nothing else value) for value in values]


def duration(seconds: float) -> str:
    """Give a time: ``0.3 s``, ``1:02:03``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"


def spans(levels: Iterable[int]) -> str:
    """Give levels as ``--levels`` takes them: ``0-7,9``."""
    numbers = sorted(set(levels))
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
