"""What a transfer will do, as a value: printed by a dry run, refused from, worked off."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import BundleKey, TileRange
from tilepack.stores.targets import TargetKind
from tilepack.transfer.changes import Changes
from tilepack.transfer.request import TransferRequest
from tilepack.wording import counted

_BYTES_PER_SECOND: Final = 500e6
"""Moved from disk to disk, synced at the end."""
_SECONDS_PER_FILE: Final = 130e-6
"""To make the file of an exploded tile."""
_SECONDS_PER_PIXEL: Final = 4e-3 / 65536
"""For one thread to decode, cut and encode."""
_SHRUNK: Final = 0.7
"""Bytes of a cut tile over those it had: half of it is transparent."""
_JPEG_TO_PNG: Final = 4.0
"""Likewise, where it was JPEG."""


class Estimate(NamedTuple):
    """What a plan may come to. Measured on two cores and a fast disk; half or double is no surprise."""

    tile_bytes: int
    """Bytes of the target's tiles."""
    seconds: float
    """From the first bundle to the last rename."""


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
    empty: int = 0
    """Number of tiles to cut of which no pixel centre lies inside; 0 where nobody asked."""
    laid: int = 0
    """Number of others that may have to be laid on tiles of the target, or put into its tile format."""
    deleted: int = 0
    """Number of the target's tiles to delete."""
    tile_bytes: int
    """Bytes to move: the tiles' data in the source, dead space included where it is kept."""
    looked_at: bool = False
    """Whether each tile is looked at on its way, and may become another or go, though none is cut."""

    @property
    def slot_bytes(self) -> int | None:
        """Bytes of lengths and data together in the target; None where tiles may change, for who knows their bytes."""
        changing = self.action is Action.BLEND or self.looked_at
        return None if changing else self.tile_bytes + LENGTH_PREFIX * self.tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPlan:
    """What will be done."""

    source: str
    target: Path
    kind: TargetKind
    request: TransferRequest
    source_tile_format: TileFormat
    """The target's may be another: JPEG that is cut becomes MIXED."""
    info: CacheInfo
    """What the target will say of itself, should no tile be cut away wholly."""
    levels: Mapping[int, int]
    """LevelID in the target of each level of the source that is taken."""
    tasks: tuple[BundleTask, ...]
    """By level, row, column."""
    occupied: tuple[TileRange, ...]
    """Rectangle of the tiles of each task's bundle."""
    left_out: int
    """Number of tiles outside what was asked for, among the bundles that were looked at."""
    guid: str
    """Derived from the documents and the indexes: the same source gives the same."""
    warnings: tuple[str, ...]
    fingerprint: str = ""
    """Of the work on a target that exists; a run that was stopped is only taken up by the same."""
    changes: Changes | None = field(default=None, repr=False)
    """What differs from what the last run took, where only that is taken."""

    @property
    def tiles(self) -> int:
        """Number of tiles to move."""
        return sum(task.tiles for task in self.tasks)

    @property
    def bundles_as_before(self) -> int:
        """Number of bundles that are left alone because they are as the last run took them."""
        return 0 if self.changes is None else self.changes.as_before

    def tell_changes(self) -> str:
        """Say what is as the last run took it; "" where that was not asked."""
        changes, number = self.changes, self.bundles_as_before
        if changes is None:
            return ""
        if changes.changed is None:
            return "no such job was done here before, so every bundle counts as changed"
        bundles = counted(number, "bundle")
        if changes.changed:
            return f"{bundles} as in the last run"
        how = "; no bundle was opened" if changes.from_outside else ""
        return f"nothing has changed since the last run, {bundles}{how}"

    @property
    def tile_bytes(self) -> int:
        """Bytes to move: the tiles' data, dead space included where it is kept."""
        return sum(task.tile_bytes for task in self.tasks)

    @property
    def tiles_empty(self) -> int:
        """Number of tiles to cut of which no pixel centre lies inside, where that was asked for."""
        return sum(task.empty for task in self.tasks)

    @property
    def tiles_to_lay(self) -> int:
        """Number of tiles that may have to be laid on tiles of the target, or put into its tile format."""
        return sum(task.laid for task in self.tasks)

    @property
    def tiles_to_delete(self) -> int:
        """Number of tiles that the target is to lose."""
        return sum(task.deleted for task in self.tasks)

    @property
    def tiles_to_cut(self) -> int:
        """Number of tiles that an area's edge crosses."""
        return sum(task.cut for task in self.tasks)

    def count(self, action: Action) -> int:
        """Give the number of bundles to which something happens."""
        return sum(task.action == action for task in self.tasks)

    def estimate(self, jobs: int | None = None) -> Estimate:
        """Estimate the target's bytes and the time it takes, before a tile is read.

        Args:
            jobs: Threads; None for as many as there are processors.
        """
        scheme = self.info.scheme
        becomes_png = self.info.tile_format is TileFormat.MIXED and self.source_tile_format is TileFormat.JPEG
        cut = sum(task.tile_bytes * task.cut / task.tiles for task in self.tasks if task.tiles)
        tile_bytes = self.tile_bytes + cut * ((_JPEG_TO_PNG if becomes_png else _SHRUNK) - 1)
        decoded = self.tiles_to_cut + self.tiles_to_lay
        pixels = decoded * scheme.tile_width * scheme.tile_height
        threads = min(jobs or os.cpu_count() or 1, max(1, decoded))
        files = self.tiles if self.kind.storage_format in (StorageFormat.EXPLODED, StorageFormat.XYZ) else 0
        seconds = tile_bytes / _BYTES_PER_SECOND + files * _SECONDS_PER_FILE + pixels * _SECONDS_PER_PIXEL / threads
        return Estimate(round(tile_bytes), seconds)

    def as_json(self) -> dict[str, object]:
        """Give the plan's figures as JSON's values."""
        return {
            "source": self.source,
            "target": str(self.target),
            "storageFormat": str(self.kind.storage_format),
            "tileFormat": str(self.info.tile_format),
            "mode": None if self.request.update is None else str(self.request.update.mode),
            "levels": sorted({task.bundle.level for task in self.tasks}),
            "targetLevels": {str(level): there for level, there in sorted(self.levels.items())},
            "bundles": len(self.tasks),
            **({} if self.changes is None else {"bundlesAsBefore": self.bundles_as_before}),
            "bundlesCopied": self.count(Action.COPY),
            "bundlesRepacked": self.count(Action.REPACK),
            "bundlesBlended": self.count(Action.BLEND),
            "tiles": self.tiles,
            "tilesToCut": self.tiles_to_cut,
            "tilesToDrop": self.tiles_empty,
            "tilesToLay": self.tiles_to_lay,
            "tilesToDelete": self.tiles_to_delete,
            "tilesLeftOut": self.left_out,
            "tileBytes": self.tile_bytes,
            "byLevel": [self._level_as_json(level) for level in sorted({task.bundle.level for task in self.tasks})],
            "warnings": list(self.warnings),
        }

    def _level_as_json(self, level: int) -> dict[str, int]:
        tasks = [task for task in self.tasks if task.bundle.level == level]
        actions = {action: sum(task.action == action for task in tasks) for action in Action}
        return {
            "level": level,
            "bundlesCopied": actions[Action.COPY],
            "bundlesRepacked": actions[Action.REPACK],
            "bundlesBlended": actions[Action.BLEND],
            "tiles": sum(task.tiles for task in tasks),
            "tilesToCut": sum(task.cut for task in tasks),
            "tilesToLay": sum(task.laid for task in tasks),
            "tilesToDelete": sum(task.deleted for task in tasks),
            "tileBytes": sum(task.tile_bytes for task in tasks),
        }
