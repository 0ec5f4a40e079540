"""Finding what is wrong with a cache, bundle by bundle, and telling what of that can be mended.

The checks are those of ``verify``; what can be had of a malformed bundle, ``tilepack.stores.salvage`` tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from tilepack.cache import StorageFormat, TileFormat
from tilepack.disk.package_tree import PackageTree
from tilepack.errors import BundleError, TransferError
from tilepack.formats.bundle import occupied
from tilepack.inspect.checks.bundles import check_bundle
from tilepack.inspect.checks.documents import check_documents, check_extents, check_levels, widen
from tilepack.inspect.checks.names import BundleFiles, check_level_folders, list_bundles_of
from tilepack.inspect.checks.package import check_members
from tilepack.inspect.checks.tiles import HEAD, TileChecks, place_of
from tilepack.inspect.findings import Collector
from tilepack.keys import BundleKey, TileRange
from tilepack.stores.reader import StoreReader
from tilepack.stores.salvage import SalvagedBundle, find_salvaged
from tilepack.transfer.rewriting import Told
from tilepack.upkeep.judging import Judge, Verdict, has_more_than_torn_pngs, is_settled_by_witnesses
from tilepack.upkeep.mending import MENDING, Mending
from tilepack.upkeep.repair_plan import Ledger
from tilepack.upkeep.windows import Looking, check_rows


@dataclass(slots=True)
class Diagnosis:
    """What is wrong with a cache."""

    ledger: Ledger = field(default_factory=Ledger)
    """What is mended, and what is left."""
    listing: dict[BundleKey, tuple[str, str | None]] = field(default_factory=dict)
    """Bundles that can be read, in whole or in part."""
    bundles: list[BundleKey] = field(default_factory=list)
    """Those, or the windows of exploded caches, of which something is mended."""
    boxes: dict[int, TileRange] = field(default_factory=dict)
    """The rectangle of the tiles of each level that holds any."""
    described: frozenset[str] = frozenset()
    """Codes of what documents are written for."""

    def widen(self, tiles: TileRange | None) -> None:
        """Count tiles into their level's rectangle."""
        widen(self.boxes, tiles)


def diagnose(found: Collector, reader: StoreReader, how: Looking, progress: Told | None = None) -> Diagnosis:
    """Look at everything in a cache.

    Args:
        found: What opening it found.
        reader: The cache.
        how: How to look.
        progress: Called with how many of how many bundles, or rows of exploded caches, were looked at.

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
        is_vector = reader.info.tile_format is TileFormat.PBF
        self._judge = Judge(anew=how.anew, is_package=isinstance(reader.tree, PackageTree), is_vector=is_vector)
        self._made = Diagnosis(self._judge.ledger)

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
        if not made.boxes and not found.has_errors and not self._judge.codes:
            found.add("cache-empty", "levels", "no level holds a tile")
        self._judge.finish(found, holds_tiles=bool(made.boxes))
        made.described = self._judge.described
        if self._judge.is_blocked:
            made.bundles.clear()
        return made

    def _look_at_rows(self) -> None:
        rows = check_rows(self._found, self._reader, self._how, self._progress)
        for tiles in rows.ranges:
            self._made.widen(tiles)
        if rows.found.counts:
            self._judge.take(Verdict(rows.found, {}, rows.mended, is_rewritten=True, are_files=True))
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
        is_settled = is_settled_by_witnesses(found)
        opened = self._salvage(files, is_v1=is_v1) if is_settled else None
        if opened is None:
            made.widen(tiles)
            if tiles is not None and is_alone and not is_settled:
                made.listing[files.bundle] = files.path, files.bundlx
            self._judge.take(Verdict(found, {}, frozenset(), is_rewritten=False))
            return
        with opened:
            self._look_again(found, files, opened)
            present = opened.index.present
            lost = {place_of(files.bundle.tile(at), files.path): why for at, why in sorted(opened.lost.items())}
            positions = np.flatnonzero(opened.beheaded).tolist()
        mended = frozenset(place_of(files.bundle.tile(position), files.path) for position in positions)
        is_had = is_alone and (self._anew or not lost)
        is_rewritten = is_had and (has_more_than_torn_pngs(found) or bool(mended))
        self._judge.take(Verdict(found, lost, mended, is_rewritten))
        made.widen(occupied(present, files.bundle) if is_rewritten else tiles)
        if is_had:
            made.listing[files.bundle] = files.path, files.bundlx
        if is_rewritten:
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
        try:
            return find_salvaged(self._reader.tree, files.bundle, files.path, files.bundlx, is_v1=is_v1)
        except (BundleError, TransferError):
            return None


def _repeated(listed: Collection[BundleFiles]) -> set[BundleKey]:
    """Give the bundles of which there are several files."""
    return {bundle for bundle, number in Counter(files.bundle for files in listed).items() if number > 1}
