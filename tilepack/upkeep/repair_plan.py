"""What a repair will mend and what it leaves, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tilepack.inspect.findings import MOST_KEPT, Finding
from tilepack.inspect.rules import RULES, Severity
from tilepack.keys import BundleKey
from tilepack.stores.targets import TargetKind
from tilepack.transfer.result import TransferResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """What will be mended, and what will be left."""

    source: str
    """The cache."""
    target: Path | None
    """A new target; None mends in place."""
    kind: TargetKind | None
    """What the cache is; None where it cannot be opened."""
    mended: tuple[Finding, ...]
    """Findings of ``verify`` that it will not have afterwards, at most 1,000 of each code."""
    mended_counts: Mapping[str, int]
    """All of them, by code: also what is not kept."""
    left: tuple[Finding, ...]
    """What cannot be mended without guessing, likewise; the remedy says what to do."""
    left_counts: Mapping[str, int]
    """All of that, by code."""
    bundles: tuple[BundleKey, ...]
    """Bundles, of exploded caches windows of 128 x 128 tiles, of which something is mended."""
    documents: Mapping[str, bytes]
    """Documents to write in place, by path."""
    repacks: bool = False
    """Whether a package is written anew for the sake of its members alone."""

    @property
    def changes(self) -> bool:
        """Whether anything is to be done in place."""
        return bool(self.bundles or self.documents or self.repacks)

    @property
    def is_left(self) -> bool:
        """Whether an error or a warning is left; notes are of what is sound."""
        return any(RULES[code].severity is not Severity.NOTE for code in self.left_counts)

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        return {
            "source": self.source,
            "target": None if self.target is None else str(self.target),
            "storageFormat": None if self.kind is None else str(self.kind.storage_format),
            "bundlesToMend": len(self.bundles),
            "documentsToWrite": sorted(self.documents),
            "mendedCounts": dict(self.mended_counts),
            "leftCounts": dict(self.left_counts),
            "mended": [finding.as_json() for finding in self.mended],
            "left": [finding.as_json() for finding in self.left],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairResult:
    """What was mended."""

    plan: RepairPlan
    mended_bundles: int = 0
    """Bundles written anew in place."""
    resumed_bundles: int = 0
    """Bundles that a run which was stopped had done."""
    transfer: TransferResult | None = None
    """How the new target was made."""
    seconds: float = 0.0
    """Looking included; 0 where nothing was to do."""

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        return {
            **self.plan.as_json(),
            "bundlesMended": self.mended_bundles,
            "bundlesResumed": self.resumed_bundles,
            "tiles": None if self.transfer is None else self.transfer.tiles,
            "seconds": round(self.seconds, 3),
        }


class Ledger:
    """Findings, parted into what is mended and what is left; used by one thread."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        self.mended: list[Finding] = []
        self.left: list[Finding] = []
        self.mended_counts: Counter[str] = Counter()
        self.left_counts: Counter[str] = Counter()

    def add(self, finding: Finding, *, mended: bool, remedy: str | None = None) -> None:
        """Take a finding in.

        Args:
            finding: The finding.
            mended: Whether it is mended.
            remedy: What to do where it is left, when that is not what its rule says.
        """
        counts, kept = (self.mended_counts, self.mended) if mended else (self.left_counts, self.left)
        counts[finding.code] += 1
        if counts[finding.code] <= MOST_KEPT:
            kept.append(finding if mended or remedy is None else replace(finding, remedy=remedy))

    def leave_all(self, remedy: str) -> None:
        """Leave what was to be mended.

        Args:
            remedy: What to do instead.
        """
        findings, counts = self.mended, self.mended_counts
        self.mended, self.mended_counts = [], Counter()
        for finding in findings:
            self.add(finding, mended=False, remedy=remedy)
            counts[finding.code] -= 1
        for code, number in counts.items():
            self.add_more(code, number, mended=False)

    def add_more(self, code: str, number: int, *, mended: bool) -> None:
        """Count findings of a code that nobody kept."""
        if number > 0:
            (self.mended_counts if mended else self.left_counts)[code] += number
