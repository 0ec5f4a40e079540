"""What a transfer will do, as a value: printed by a dry run, refused from, worked off."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tilepack.cache import CacheInfo
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import BundleKey, TileRange
from tilepack.stores.targets import TargetKind
from tilepack.transfer.request import TransferRequest


class Action(StrEnum):
    """What happens to a bundle."""

    COPY = "copy"
    """Moved whole, order and dead space kept."""
    REPACK = "repack"
    """Its tiles' data moved untouched, one by one."""
    BLEND = "blend"
    """Some of its tiles decoded, cut and encoded anew; the others' data moved untouched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleTask:
    """One bundle's work."""

    bundle: BundleKey
    action: Action
    tiles: int
    """Number of tiles, those to cut included."""
    cut: int = 0
    """Number of tiles that an area's edge crosses."""
    tile_bytes: int
    """Bytes to move: the tiles' data in the source, dead space included where it is kept."""

    @property
    def slot_bytes(self) -> int | None:
        """Bytes of lengths and data together in the target; None where tiles are cut, for who knows their bytes."""
        return None if self.action is Action.BLEND else self.tile_bytes + LENGTH_PREFIX * self.tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPlan:
    """What will be done."""

    source: str
    target: Path
    kind: TargetKind
    request: TransferRequest
    info: CacheInfo
    """What the target will say of itself, should no tile be cut away wholly."""
    tasks: tuple[BundleTask, ...]
    """By level, row, column."""
    occupied: tuple[TileRange, ...]
    """Rectangle of the tiles of each task's bundle."""
    left_out: int
    """Number of tiles outside what was asked for, among the bundles that were looked at."""
    guid: str
    """Derived from the documents and the indexes: the same source gives the same."""
    warnings: tuple[str, ...]

    @property
    def tiles(self) -> int:
        """Number of tiles to move."""
        return sum(task.tiles for task in self.tasks)

    @property
    def tile_bytes(self) -> int:
        """Bytes to move: the tiles' data, dead space included where it is kept."""
        return sum(task.tile_bytes for task in self.tasks)

    @property
    def tiles_to_cut(self) -> int:
        """Number of tiles that an area's edge crosses."""
        return sum(task.cut for task in self.tasks)

    def count(self, action: Action) -> int:
        """Give the number of bundles to which something happens."""
        return sum(task.action == action for task in self.tasks)

    def as_json(self) -> dict[str, object]:
        """Give the plan's figures as JSON's values."""
        return {
            "source": self.source,
            "target": str(self.target),
            "storageFormat": str(self.kind.storage_format),
            "levels": sorted({task.bundle.level for task in self.tasks}),
            "bundles": len(self.tasks),
            "bundlesCopied": self.count(Action.COPY),
            "bundlesRepacked": self.count(Action.REPACK),
            "bundlesBlended": self.count(Action.BLEND),
            "tiles": self.tiles,
            "tilesToCut": self.tiles_to_cut,
            "tilesLeftOut": self.left_out,
            "tileBytes": self.tile_bytes,
            "warnings": list(self.warnings),
        }
