"""What was done, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from tilepack.cache import CacheInfo
from tilepack.keys import TileKey
from tilepack.transfer.plan import Action, TransferPlan

NOT_IN_THUMBNAIL: Final = "not_in_thumbnail"
"""Name, among ``TransferResult.notes``, of tiles that the thumbnail lacks, because they could not be read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileCounts:
    """Number of tiles by what became of them: each that is taken, or trimmed, is one of these or was skipped."""

    copied: int = 0
    """Moved with their whole bundle."""
    repacked: int = 0
    """Their data moved untouched, among others."""
    blended: int = 0
    """Decoded, cut or laid on another, and encoded anew; the target's that lost their inside, too."""
    dropped: int = 0
    """Nothing visible is left of them."""
    unchanged: int = 0
    """Already in the target as they would be, or nothing of them shows."""
    deleted: int = 0
    """The target's, gone because the source has none there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """What was done."""

    plan: TransferPlan
    tiles: int
    """Number of the source's tiles that are in the target now, or were already."""
    tile_bytes: int
    """Bytes of the source's tiles that were moved, cut or laid."""
    info: CacheInfo
    """What the target says of itself."""
    counts: TileCounts
    notes: Mapping[str, int]
    """Number of decoded tiles to which something worth telling happened, by the names of ``TileNotes``; or
    ``NOT_IN_THUMBNAIL``."""
    skipped: Mapping[TileKey, str]
    """Tiles that were left out because they cannot be decoded, with the reason."""
    actions: Mapping[Action, int] | None = None
    """Number of bundles by what happened to them, in a target that exists; None: what was planned."""
    unchanged_bundles: int = 0
    """Bundles of the target that stayed as they were."""
    resumed_bundles: int = 0
    """Bundles that a run which was stopped had done; their tiles are not among the counts."""
    seconds: float
    """From the first bundle to the last rename."""

    def as_json(self) -> dict[str, object]:
        """Give the result's figures as JSON's values."""
        actions = {action: self.plan.count(action) for action in Action} if self.actions is None else self.actions
        return {
            **self.plan.as_json(),
            "bundlesCopied": actions.get(Action.COPY, 0),
            "bundlesRepacked": actions.get(Action.REPACK, 0),
            "bundlesBlended": actions.get(Action.BLEND, 0),
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            **{f"tiles{name.title()}": number for name, number in asdict(self.counts).items()},
            "tilesSkipped": len(self.skipped),
            "bundlesUnchanged": self.unchanged_bundles,
            "bundlesResumed": self.resumed_bundles,
            "notes": dict(self.notes),
            "skipped": {str(tile): reason for tile, reason in self.skipped.items()},
            "seconds": round(self.seconds, 3),
        }
