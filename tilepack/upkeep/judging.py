"""Parting what was found in a cache into what is mended and what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from tilepack.inspect.findings import MOST_KEPT, Collector, Finding
from tilepack.inspect.rules import RULES
from tilepack.upkeep.mending import BLOCKS_DOCUMENTS, BLOCKS_PACKAGE, MENDING, Mending
from tilepack.upkeep.repair_plan import Ledger

_BESIDE: Final = (
    "its bundle holds tiles that nothing settles, and so stays as it is; into a new target, tilepack repair SOURCE "
    "TARGET puts the others right"
)
_DOCUMENTS: Final = "no document is written while one is malformed or two contradict each other; mend that first"
_VECTOR: Final = "documents of vector tiles are not written anew; mend p12/root.json by hand"
_PACKAGE: Final = (
    "the package is not written anew while bytes of it are damaged; tilepack repair SOURCE TARGET makes a new one"
)
_BEHEADED: Final = "tile-beheaded-png"


class Verdict(NamedTuple):
    """What was found in one bundle, or in rows of tiles that are files, and what can be had of it."""

    found: Collector
    lost: Mapping[str, str]
    """Why tiles cannot be had, by the places that findings name."""
    mended: frozenset[str]
    """Places of tiles that are mended one by one."""
    is_rewritten: bool
    """Whether something of it is mended."""
    are_files: bool = False
    """Whether its tiles are files, each mended or not."""

    def settles(self, code: str, place: str) -> bool:
        """Tell whether a finding is settled when something is mended."""
        if not self.is_rewritten or MENDING[code] is not Mending.SETTLED or place in self.lost:
            return False
        if self.is_by_tile(code):
            return place in self.mended
        return code != "bundle-truncated" or not self.lost

    def is_by_tile(self, code: str) -> bool:
        """Tell whether each tile is mended or not, whatever becomes of its bundle."""
        return code == _BEHEADED or self.are_files


def is_settled_by_witnesses(found: Collector) -> bool:
    """Tell whether there is a finding that the witnesses may settle."""
    return any(MENDING[code] is Mending.SETTLED for code in found.counts)


def has_more_than_torn_pngs(found: Collector) -> bool:
    """Tell whether there is such a finding beside PNGs without their start."""
    return any(MENDING[code] is Mending.SETTLED and code != _BEHEADED for code in found.counts)


class Judge:
    """Parts findings as they come; what is about one bundle first, the rest at the end. Used by one thread."""

    def __init__(self, *, anew: bool, is_package: bool, is_vector: bool = False) -> None:
        """Begin with nothing found.

        Args:
            anew: Whether the cache is repaired into a new target.
            is_package: Whether it is a package.
            is_vector: Whether it is one of vector tiles, of which no document is written anew.
        """
        self.ledger = Ledger()
        self.codes: set[str] = set()
        """Everything that was found so far."""
        self.described: frozenset[str] = frozenset()
        """Codes of what documents are written for."""
        self._anew = anew
        self._is_package = is_package
        self._is_vector = is_vector

    @property
    def is_blocked(self) -> bool:
        """Whether a package is not to be written anew in place."""
        return self._is_package and not self._anew and bool(self.codes & BLOCKS_PACKAGE)

    def take(self, verdict: Verdict) -> None:
        """Part what was found in one bundle."""
        ledger, found = self.ledger, verdict.found
        self.codes |= found.counts.keys()
        for finding in found.found:
            mended = verdict.settles(finding.code, finding.place) or self._is_by_packing(finding.code)
            stays = verdict.lost and MENDING[finding.code] is Mending.SETTLED and finding.place not in verdict.lost
            ledger.add(finding, mended=mended, remedy=_BESIDE if stays else None)
        for code, number in found.counts.items():
            kept = [finding.place for finding in found.found if finding.code == code]
            more = number - len(kept)
            settled = more if verdict.settles(code, "") else 0
            if verdict.is_rewritten and verdict.is_by_tile(code):
                settled = min(more, len(verdict.mended.difference(kept)))
            ledger.add_more(code, settled, mended=True)
            ledger.add_more(code, more - settled, mended=self._is_by_packing(code))
        self._name_the_lost(verdict)

    def _name_the_lost(self, verdict: Verdict) -> None:
        """Name each tile that cannot be had once: the check names one of two, or their bundle."""
        told = {finding.place for finding in verdict.found.found}
        code = "tile-beyond-end" if "bundle-truncated" in verdict.found.counts else "bundle-overlap"
        for place, reason in verdict.lost.items():
            if place not in told and len(told) < MOST_KEPT:
                finding = Finding(code, RULES[code].severity, place, reason, RULES[code].remedy)
                self.ledger.add(finding, mended=False)

    def _is_by_packing(self, code: str) -> bool:
        """Tell whether a breach is gone once the cache is packed anew."""
        return MENDING[code] is Mending.ALWAYS or (MENDING[code] is Mending.ANEW and self._anew)

    def finish(self, found: Collector, *, holds_tiles: bool) -> None:
        """Part what is not about one bundle, and tell what stays for its sake.

        Args:
            found: Whatever else was found.
            holds_tiles: Whether there is a tile to measure extents by.
        """
        self.codes |= found.counts.keys()
        if self.is_blocked:
            self.ledger.leave_all(_PACKAGE)
        if not self._is_vector and (self._anew or not (self.is_blocked or self.codes & BLOCKS_DOCUMENTS)):
            self.described = frozenset(
                code
                for code in found.counts
                if MENDING[code] is Mending.DESCRIBED and (holds_tiles or code != "extent-missing")
            )
        for finding in found.found:
            mended = self._is_mended(finding.code)
            self.ledger.add(finding, mended=mended, remedy=self._reason(finding.code) if holds_tiles else None)
        for code, number in found.counts.items():
            kept = sum(finding.code == code for finding in found.found)
            self.ledger.add_more(code, number - kept, mended=self._is_mended(code))

    def _is_mended(self, code: str) -> bool:
        return code in self.described or (self._is_by_packing(code) and not self.is_blocked)

    def _reason(self, code: str) -> str | None:
        """Say why something stays that can be mended elsewhere."""
        if self.is_blocked and MENDING[code] in (Mending.ALWAYS, Mending.DESCRIBED):
            return _PACKAGE
        if MENDING[code] is not Mending.DESCRIBED:
            return None
        return _VECTOR if self._is_vector else _DOCUMENTS
