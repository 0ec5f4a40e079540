"""What a build will do, and what it did, as values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilepack.building.pyramids import Pyramid
from tilepack.building.sources import Layer
from tilepack.cache import CacheInfo, TileFormat
from tilepack.pixels.blend import Colour
from tilepack.stores.targets import TargetKind
from tilepack.transfer.plan import Estimate
from tilepack.transfer.request import TransferRequest

_SECONDS_PER_PIXEL: Final = 0.12e-6
"""For one thread to draw it from one raster, and to encode and average it."""
_BYTES_PER_PIXEL: Final = 0.35
"""Of JPEG of quality 75, what most pictures come to."""
_BYTES_PER_PNG_PIXEL: Final = 1.5


def staged_beside(target: Path) -> Path:
    """Name the cache that is built first, where what is asked for is made of one."""
    whole = Path(os.path.abspath(target))  # noqa: PTH100  resolves no links: they are the user's names
    return whole.with_name(f".{whole.name}.tilepack-build")


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPlan:
    """What is planned of one level."""

    level: int
    """LevelID."""
    resolution: float
    """Map units of a pixel."""
    scale: float
    """Scale denominator."""
    is_drawn: bool
    """Whether it is drawn from the rasters; the others are averaged from the level below."""
    tiles: int
    """Most tiles that it may come to have: where a raster's rectangle or the area only may have pixels counts too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What a build will do."""

    layers: tuple[Layer, ...]
    """The rasters, each laid on those before it."""
    target: Path
    """What is made; a target of web tiles is made of a package beside it."""
    kind: TargetKind
    """What the target is to be."""
    request: TransferRequest
    """Areas, extents, description; of its levels nothing is left open any more."""
    info: CacheInfo
    """What the target will say of itself, but for its extent."""
    levels: tuple[LevelPlan, ...]
    """Ascending."""
    pyramids: tuple[Pyramid, ...]
    """The levels by what they are made of, finest first."""
    windows: int
    """Squares of tiles to draw."""
    background: Colour
    """What shows through where a JPEG cache has no pixel."""
    warnings: tuple[str, ...]
    """What its user should know beforehand, in sentences."""

    @property
    def tiles(self) -> int:
        """Most tiles that there may be."""
        return sum(level.tiles for level in self.levels)

    def estimate(self, jobs: int | None) -> Estimate:
        """Guess what it comes to, with so many threads (None: one per processor)."""
        tile = self.info.scheme.tile_width * self.info.scheme.tile_height
        is_jpeg = self.info.tile_format in (TileFormat.JPEG, TileFormat.MIXED)
        bytes_per_pixel = _BYTES_PER_PIXEL if is_jpeg else _BYTES_PER_PNG_PIXEL
        seconds = self.tiles * tile * _SECONDS_PER_PIXEL / (jobs or os.cpu_count() or 1)
        return Estimate(tile_bytes=round(self.tiles * tile * bytes_per_pixel), seconds=seconds)

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        return {
            "rasters": [
                {
                    "path": layer.raster.path,
                    "width": layer.raster.width,
                    "height": layer.raster.height,
                    "resolution": layer.footprint.resolution,
                    "resampling": str(layer.resampling),
                }
                for layer in self.layers
            ],
            "target": str(self.target),
            "kind": "package" if self.kind.is_package else "folder",
            "storageFormat": str(self.kind.storage_format),
            "tileFormat": str(self.info.tile_format),
            "quality": self.info.quality,
            "levels": [
                {
                    "level": level.level,
                    "resolution": level.resolution,
                    "scale": level.scale,
                    "from": "rasters" if level.is_drawn else "level below",
                    "tilesAtMost": level.tiles,
                }
                for level in self.levels
            ],
            "tilesAtMost": self.tiles,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltLevel:
    """What came to be of one level."""

    level: int
    """LevelID."""
    tiles: int
    """Number of tiles written."""
    tile_bytes: int
    """Bytes of their data."""
    kinds: Mapping[str, int]
    """Number of tiles by what they are: ``JPEG``, ``PNG32``."""

    def as_json(self) -> dict[str, object]:
        """Give it as JSON's values."""
        return {"level": self.level, "tiles": self.tiles, "tileBytes": self.tile_bytes, "formats": dict(self.kinds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What was built."""

    plan: BuildPlan
    info: CacheInfo
    """What the target says of itself."""
    levels: tuple[BuiltLevel, ...]
    """Ascending."""
    resumed_windows: int
    """Squares of tiles, of the plan's, that an earlier run has drawn."""
    seconds: float
    """From the first window to the last rename."""

    @property
    def tiles(self) -> int:
        """Number of tiles written."""
        return sum(level.tiles for level in self.levels)

    @property
    def tile_bytes(self) -> int:
        """Their bytes."""
        return sum(level.tile_bytes for level in self.levels)

    def as_json(self) -> dict[str, object]:
        """Give the plan, and what came of it, as JSON's values."""
        return {
            **self.plan.as_json(),
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            "built": [level.as_json() for level in self.levels],
            "extent": None if self.info.extent is None else self.info.extent.as_json(),
            "windows": self.plan.windows,
            "windowsDrawnByEarlierRun": self.resumed_windows,
            "seconds": round(self.seconds, 3),
        }
