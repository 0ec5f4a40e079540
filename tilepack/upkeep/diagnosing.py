"""Finding what is wrong with a cache, bundle by bundle, and telling what of that can be mended.

The checks are those of ``verify``; what can be had of a malformed bundle, ``tilepack.stores.salvage`` tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from tilepack.cache import StorageFormat
from tilepack.disk.package_tree import PackageTree
from tilepack.errors import BundleError, TransferError
from tilepack.formats.bundle import occupied
from tilepack.inspect.checks.bundles import check_bundle
from tilepack.inspect.checks.documents import check_documents, check_extents, check_levels
from tilepack.inspect.checks.names import BundleFiles, check_level_folders, list_bundles_of
from tilepack.inspect.checks.package import check_members
from tilepack.inspect.checks.tiles import HEAD, TileChecks, place_of
from tilepack.inspect.findings import MOST_KEPT, Collector, Finding
from tilepack.inspect.rules import RULES
from tilepack.keys import BundleKey, TileRange
from tilepack.stores.reader import StoreReader
from tilepack.stores.salvage import SalvagedBundle, open_salvaged
from tilepack.transfer.rewriting import Told
from tilepack.upkeep.mending import BLOCKS_DOCUMENTS, BLOCKS_PACKAGE, MENDING, Mending
from tilepack.upkeep.repair_plan import Ledger
from tilepack.upkeep.windows import Looking, check_rows

_BESIDE: Final = (
    "its bundle holds tiles that nothing settles, and so stays as it is; into a new target, tilepack repair SOURCE "
    "TARGET puts the others right"
)
_DOCUMENTS: Final = "no document is written while one is malformed or two contradict each other; mend that first"
_PACKAGE: Final = (
    "the package is not written anew while bytes of it are damaged; tilepack repair SOURCE TARGET makes a new one"
)
_BEHEADED: Final = "tile-beheaded-png"


class Verdict(NamedTuple):
    """What was found in one bundle, and what can be had of it."""

    found: Collector
    lost: Mapping[str, str]
    """Why tiles cannot be had, by the places that findings name."""
    mended: frozenset[str]
    """Places of tiles that are mended one by one: PNGs without their start, and whatever is a file of its own."""
    is_rewritten: bool
    """Whether something of it is mended."""


@dataclass(slots=True)
class Diagnosis:
    """What is wrong with a cache."""

    ledger: Ledger = field(default_factory=Ledger)
    listing: dict[BundleKey, tuple[str, str | None]] = field(default_factory=dict)
    """Bundles that can be read, in whole or in part."""
    bundles: list[BundleKey] = field(default_factory=list)
    """Those, or the windows of exploded caches, of which something is mended."""
    boxes: dict[int, TileRange] = field(default_factory=dict)
    """The rectangle of the tiles of each level that holds any."""
    described: frozenset[str] = frozenset()
    """Codes of what documents are written for."""
    is_blocked: bool = False
    """Whether a package is not to be written anew."""

    def widen(self, tiles: TileRange | None) -> None:
        """Count tiles into their level's rectangle."""
        if tiles is not None and tiles.count:
            before = [self.boxes[tiles.level]] if tiles.level in self.boxes else []
            around = TileRange.around(tiles.level, [*before, tiles])
            if around is not None:
                self.boxes[tiles.level] = around


def diagnose(found: Collector, reader: StoreReader, how: Looking, progress: Told | None = None) -> Diagnosis:
    """Look at everything in a cache.

    Args:
        found: What opening it found.
        reader: The cache.
        how: How to look.
        progress: Called with how much of how much is done.

    Raises:
        TransferError: The cache vanished.
    """
    return _Look(found, reader, how, progress).run()


class _Look:
    """One look at one open cache."""

    def __init__(self, found: Collector, reader: StoreReader, how: Looking, progress: Told | None) -> None:
        self._reader = reader
        self._how = how
        self._anew = how.anew
        self._progress = progress
        self._found = found
        """Whatever is not about one bundle."""
        self._verdicts: list[Verdict] = []
        self._made = Diagnosis()

    def run(self) -> Diagnosis:
        reader, found, made = self._reader, self._found, self._made
        check_documents(found, reader)
        if isinstance(reader.tree, PackageTree):
            # Whoever writes a package anew gives it new checksums: the old ones are looked at first.
            check_members(found, reader.tree, deep=True)
        check_level_folders(found, reader.tree, reader.folders)
        if reader.info.storage_format is StorageFormat.EXPLODED:
            self._look_at_rows()
        else:
            self._look_at_bundles()
        check_levels(found, reader.info, made.boxes, is_all=True)
        check_extents(found, reader, made.boxes)
        if not made.boxes and not found.has_errors and not self._verdicts:
            found.add("cache-empty", "levels", "no level holds a tile")
        self._judge()
        return made

    # Looking

    def _look_at_rows(self) -> None:
        rows = check_rows(self._found, self._reader, self._how, self._progress)
        for tiles in rows.ranges:
            self._made.widen(tiles)
        if rows.found.counts:
            self._verdicts.append(Verdict(rows.found, {}, rows.mended, is_rewritten=True))
        self._made.bundles += rows.windows

    def _look_at_bundles(self) -> None:
        reader = self._reader
        is_v1 = reader.info.storage_format is StorageFormat.COMPACT
        listed = [
            files
            for level in reader.levels()
            for files in list_bundles_of(self._found, reader.tree, level, reader.folders[level], is_v1=is_v1)
        ]
        twice = _repeated(listed)
        for number, files in enumerate(listed, 1):
            self._look_at(files, is_v1=is_v1, is_alone=files.bundle not in twice)
            if self._progress is not None:
                self._progress(number, len(listed))

    def _look_at(self, files: BundleFiles, *, is_v1: bool, is_alone: bool) -> None:
        """Look at one bundle; of two of one name none is touched."""
        reader, made = self._reader, self._made
        found = Collector(reader.place)
        with TileChecks(found, reader.info, deep=self._how.deep, jobs=self._how.jobs) as checks:
            tiles = check_bundle(found, reader.tree, files, checks, is_v1=is_v1, part=lambda _: None)
            checks.finish()
        opened = self._salvage(files, is_v1=is_v1) if _is_settled_by_witnesses(found) else None
        if opened is None:
            made.widen(tiles)
            if tiles is not None and is_alone and not _is_settled_by_witnesses(found):
                made.listing[files.bundle] = files.path, files.bundlx
            if found.counts:
                self._verdicts.append(Verdict(found, {}, frozenset(), is_rewritten=False))
            return
        with opened:
            self._look_again(found, files, opened)
            verdict = _verdict(found, files, opened, is_rewritten=is_alone and (self._anew or not opened.lost))
            present = opened.index.present
        self._verdicts.append(verdict)
        is_had = verdict.is_rewritten
        made.widen(occupied(present, files.bundle) if is_had else tiles)
        if is_had:
            made.listing[files.bundle] = files.path, files.bundlx
            made.bundles.append(files.bundle)

    def _look_again(self, found: Collector, files: BundleFiles, opened: SalvagedBundle) -> None:
        """Look at the tiles that can be had of those that the check could not look at, for what else is wrong."""
        hidden = {finding.place for finding in found.found if MENDING[finding.code] is Mending.SETTLED}
        all_are = "bundle-truncated" in found.counts
        with TileChecks(found, self._reader.info, deep=self._how.deep, jobs=self._how.jobs) as checks:
            for position in opened.order.tolist():
                tile = files.bundle.tile(position)
                data = opened.read(position) if all_are or place_of(tile, files.path) in hidden else None
                if data and checks.check_head(tile, files.path, data[:HEAD]).is_decodable:
                    checks.check_pixels(tile, files.path, data)
            checks.finish()

    def _salvage(self, files: BundleFiles, *, is_v1: bool) -> SalvagedBundle | None:
        """Open a bundle for what can be had of it; None when that is nothing."""
        tree = self._reader.tree
        try:
            data = tree.open(files.path)
        except (BundleError, TransferError):
            return None
        try:
            if not is_v1 or files.bundlx is None:
                return open_salvaged(files.bundle, data, None, is_v1=is_v1)
            with tree.open(files.bundlx) as bundlx:
                return open_salvaged(files.bundle, data, bundlx, is_v1=True)
        except (BundleError, TransferError):
            data.close()
            return None
        except BaseException:
            data.close()
            raise

    # Judging

    def _judge(self) -> None:
        """Part what was found into what is mended and what is left."""
        made, anew = self._made, self._anew
        codes = set(self._found.counts)
        is_package = isinstance(self._reader.tree, PackageTree)
        everywhere = codes.union(*(verdict.found.counts for verdict in self._verdicts))
        made.is_blocked = is_package and not anew and bool(everywhere & BLOCKS_PACKAGE)
        has_described = anew or not (made.is_blocked or codes & BLOCKS_DOCUMENTS)
        made.described = frozenset(
            code
            for code in codes
            if MENDING[code] is Mending.DESCRIBED and has_described and (made.boxes or code != "extent-missing")
        )
        remedy = _PACKAGE if made.is_blocked else None
        for finding in self._found.found:
            self._judge_one(finding, remedy)
        for code, number in self._found.counts.items():
            kept = sum(finding.code == code for finding in self._found.found)
            made.ledger.add_more(code, number - kept, mended=self._is_mended(code))
        for verdict in self._verdicts:
            self._judge_bundle(verdict, remedy)
        if made.is_blocked:
            made.bundles.clear()

    def _is_mended(self, code: str) -> bool:
        mending = MENDING[code]
        if mending is Mending.DESCRIBED:
            return code in self._made.described
        return (mending is Mending.ALWAYS and not self._made.is_blocked) or (mending is Mending.ANEW and self._anew)

    def _judge_one(self, finding: Finding, remedy: str | None) -> None:
        mended = self._is_mended(finding.code)
        if MENDING[finding.code] is Mending.DESCRIBED and not mended:
            remedy = remedy or (_DOCUMENTS if self._made.boxes else None)
        can_be = MENDING[finding.code] in (Mending.DESCRIBED, Mending.ALWAYS)
        self._made.ledger.add(finding, mended=mended, remedy=remedy if can_be else None)

    def _judge_bundle(self, verdict: Verdict, remedy: str | None) -> None:
        ledger, found = self._made.ledger, verdict.found
        is_rewritten = verdict.is_rewritten and not self._made.is_blocked
        for finding in found.found:
            mended = is_rewritten and self._settles(verdict, finding.code, finding.place)
            can_be = MENDING[finding.code] is Mending.SETTLED and finding.place not in verdict.lost
            other = remedy or (_BESIDE if verdict.lost else None)
            ledger.add(finding, mended=mended or self._is_mended(finding.code), remedy=other if can_be else None)
        for code, number in found.counts.items():
            kept = [finding.place for finding in found.found if finding.code == code]
            more = number - len(kept)
            settled = more if is_rewritten and self._settles(verdict, code, "") else 0
            if is_rewritten and self._is_by_tile(code):
                settled = min(more, len(verdict.mended) - len(verdict.mended.intersection(kept)))
            ledger.add_more(code, settled, mended=True)
            ledger.add_more(code, more - settled, mended=self._is_mended(code))
        told = {finding.place for finding in found.found}
        # The check names one of two tiles, or the bundle: each tile that cannot be had is named once.
        code = "tile-beyond-end" if "bundle-truncated" in found.counts else "bundle-overlap"
        for place, reason in verdict.lost.items():
            if place not in told and len(told) < MOST_KEPT:
                ledger.add(Finding(code, RULES[code].severity, place, reason, RULES[code].remedy), mended=False)

    def _is_by_tile(self, code: str) -> bool:
        """Tell whether each tile is mended or not, whatever becomes of its bundle."""
        return code == _BEHEADED or self._reader.info.storage_format is StorageFormat.EXPLODED

    def _settles(self, verdict: Verdict, code: str, place: str) -> bool:
        """Tell whether a finding of a bundle that is written anew is settled by that."""
        if MENDING[code] is not Mending.SETTLED or place in verdict.lost:
            return False
        if self._is_by_tile(code):
            return place in verdict.mended
        return code != "bundle-truncated" or not verdict.lost


def _is_settled_by_witnesses(found: Collector) -> bool:
    return any(MENDING[code] is Mending.SETTLED for code in found.counts)


def _verdict(found: Collector, files: BundleFiles, opened: SalvagedBundle, *, is_rewritten: bool) -> Verdict:
    lost = {place_of(files.bundle.tile(at), files.path): reason for at, reason in sorted(opened.lost.items())}
    mended = frozenset(place_of(files.bundle.tile(at), files.path) for at in np.flatnonzero(opened.beheaded).tolist())
    settled = {code for code in found.counts if MENDING[code] is Mending.SETTLED}
    return Verdict(found, lost, mended, is_rewritten and (settled != {_BEHEADED} or bool(mended)))


def _repeated(listed: Collection[BundleFiles]) -> set[BundleKey]:
    """Give the bundles of which there are several files."""
    return {bundle for bundle, number in Counter(files.bundle for files in listed).items() if number > 1}
