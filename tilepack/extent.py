"""A rectangle in map units."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A rectangle in the units of some spatial reference, edges included; y grows upwards."""

    xmin: float
    """Left edge."""
    ymin: float
    """Lower edge."""
    xmax: float
    """Right edge; not left of the left one."""
    ymax: float
    """Upper edge; not below the lower one."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in self.as_tuple()):
            raise ValueError(f"an extent needs four finite numbers, not {self.as_tuple()}")
        if self.xmin > self.xmax or self.ymin > self.ymax:
            raise ValueError(f"an extent's minima lie below its maxima, not {self.as_tuple()}")

    def __str__(self) -> str:
        return ", ".join(f"{value:.10g}" for value in self.as_tuple())

    @property
    def width(self) -> float:
        """Width in map units."""
        return self.xmax - self.xmin

    @property
    def height(self) -> float:
        """Height in map units."""
        return self.ymax - self.ymin

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Give (xmin, ymin, xmax, ymax)."""
        return self.xmin, self.ymin, self.xmax, self.ymax

    def as_json(self) -> dict[str, float]:
        """Give the four edges under ArcGIS' names."""
        return {"xmin": self.xmin, "ymin": self.ymin, "xmax": self.xmax, "ymax": self.ymax}

    def union(self, other: Extent) -> Extent:
        """Give the smallest rectangle that holds both."""
        return Extent(
            xmin=min(self.xmin, other.xmin),
            ymin=min(self.ymin, other.ymin),
            xmax=max(self.xmax, other.xmax),
            ymax=max(self.ymax, other.ymax),
        )

    def meets(self, other: Extent) -> bool:
        """Tell whether the two share more than an edge."""
        return self.xmin < other.xmax and other.xmin < self.xmax and self.ymin < other.ymax and other.ymin < self.ymax

    def intersection(self, other: Extent) -> Extent | None:
        """Give the shared rectangle, or None when the two share no more than an edge."""
        if not self.meets(other):
            return None
        return Extent(
            xmin=max(self.xmin, other.xmin),
            ymin=max(self.ymin, other.ymin),
            xmax=min(self.xmax, other.xmax),
            ymax=min(self.ymax, other.ymax),
        )

    def holds(self, other: Extent, tolerance: float = 0.0) -> bool:
        """Tell whether the other lies within this one, give or take a tolerance in map units."""
        return (
            self.xmin - tolerance <= other.xmin
            and self.ymin - tolerance <= other.ymin
            and self.xmax + tolerance >= other.xmax
            and self.ymax + tolerance >= other.ymax
        )
