"""What a deletion will do, and what it did, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tilepack.keys import BundleKey, TileKey
from tilepack.stores.targets import TargetKind
from tilepack.transfer.request import TransferRequest


class DeletionTask(NamedTuple):
    """What happens to one bundle."""

    bundle: BundleKey
    deleted: int
    """Number of tiles to delete."""
    cut: int
    """Number of tiles on the area's edge, of which the inside is cut away."""
    crossing: int
    """Number of tiles on the area's edge that stay whole."""
    outside: int
    """Number of its other tiles."""
    tile_bytes: int
    """Bytes of the data of the tiles to delete."""

    @property
    def is_changed(self) -> bool:
        """Whether anything of the bundle goes."""
        return self.deleted + self.cut > 0

    @property
    def is_removed(self) -> bool:
        """Whether it goes as a whole."""
        return self.deleted > 0 and not self.cut + self.crossing + self.outside


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPlan:
    """What will be deleted."""

    cache: str
    kind: TargetKind
    request: TransferRequest
    """What was asked for, as a transfer of nothing onto the cache."""
    is_pixels: bool
    """Whether the inside of the area is cut away from tiles on its edge."""
    tasks: tuple[DeletionTask, ...]
    """Bundles with tiles in what was asked for or on its edge, by level, row, column."""
    left: int
    """Number of tiles outside, among the levels that were looked at."""
    warnings: tuple[str, ...]
    fingerprint: str
    """Of the work; a run that was stopped is only taken up by the same."""

    @property
    def tiles(self) -> int:
        """Number of tiles to delete."""
        return sum(task.deleted for task in self.tasks)

    @property
    def tiles_to_cut(self) -> int:
        """Number of tiles of which the inside is cut away; those of which nothing is left are deleted as well."""
        return sum(task.cut for task in self.tasks)

    @property
    def tiles_crossing(self) -> int:
        """Number of tiles on the area's edge that stay whole."""
        return sum(task.crossing for task in self.tasks)

    @property
    def tile_bytes(self) -> int:
        """Bytes of the data of the tiles to delete."""
        return sum(task.tile_bytes for task in self.tasks)

    @property
    def bundles_removed(self) -> int:
        """Number of bundles that go as a whole."""
        return sum(task.is_removed for task in self.tasks)

    @property
    def bundles_rewritten(self) -> int:
        """Number of bundles of which tiles stay."""
        return sum(task.is_changed and not task.is_removed for task in self.tasks)

    def as_json(self) -> dict[str, object]:
        """Give the plan's figures as JSON's values."""
        levels = sorted({task.bundle.level for task in self.tasks})
        return {
            "cache": self.cache,
            "storageFormat": str(self.kind.storage_format),
            **self._figures(self.tasks),
            "tilesLeft": self.left + self.tiles_crossing,
            "byLevel": [
                {"level": level, **self._figures([task for task in self.tasks if task.bundle.level == level])}
                for level in levels
            ],
            "warnings": list(self.warnings),
        }

    @staticmethod
    def _figures(tasks: tuple[DeletionTask, ...] | list[DeletionTask]) -> dict[str, int]:
        return {
            "bundlesRemoved": sum(task.is_removed for task in tasks),
            "bundlesRewritten": sum(task.is_changed and not task.is_removed for task in tasks),
            "tilesToDelete": sum(task.deleted for task in tasks),
            "tilesToCut": sum(task.cut for task in tasks),
            "tilesCrossing": sum(task.crossing for task in tasks),
            "tileBytes": sum(task.tile_bytes for task in tasks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionResult:
    """What was deleted."""

    plan: DeletionPlan
    deleted: int = 0
    """Number of tiles deleted, those on the edge of which nothing visible was left among them."""
    cut: int = 0
    """Number of tiles of which the inside was cut away."""
    unchanged_bundles: int = 0
    """Bundles on the area's edge in which nothing was to be seen inside."""
    resumed_bundles: int = 0
    """Bundles that a run which was stopped had done; their tiles are not among the counts."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """Number of decoded tiles to which something worth telling happened, by the names of ``TileNotes``."""
    skipped: Mapping[TileKey, str] = field(default_factory=dict)
    """Tiles that stay whole because they cannot be cut, with the reason."""
    seconds: float = 0.0
    """From the lock to the last rename; 0 where nothing was to do."""

    def as_json(self) -> dict[str, object]:
        """Give the result's figures as JSON's values."""
        return {
            **self.plan.as_json(),
            "tilesDeleted": self.deleted,
            "tilesCut": self.cut,
            "tilesSkipped": len(self.skipped),
            "bundlesUnchanged": self.unchanged_bundles,
            "bundlesResumed": self.resumed_bundles,
            "notes": dict(self.notes),
            "skipped": {str(tile): reason for tile, reason in self.skipped.items()},
            "seconds": round(self.seconds, 3),
        }
