"""What each bundle of a source means for a target that exists: tiles to take, to cut, to delete."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tilepack.formats.bundle import occupied
from tilepack.keys import TILES_PER_BUNDLE, BundleKey
from tilepack.pixels.coverage import Coverage
from tilepack.stores.base import TileReader
from tilepack.transfer.choice import Flags, TileChoice, TileChooser
from tilepack.transfer.request import TransferRequest, UpdateOptions


class Overlap(NamedTuple):
    """What one bundle of the source means for the target's. Flags are by row-major position, shape (16384,)."""

    there: BundleKey
    """The target's bundle."""
    held: int
    """Number of tiles that the source has."""
    taken: Flags
    """Tiles of the source to take."""
    cut: Flags
    """Those of them that an area's edge crosses."""
    present: Flags
    """Tiles that the target has."""
    deleted: Flags
    """Tiles of the target to delete: the source has none where they are, and they lie inside."""
    trimmed: Flags
    """Tiles of the target to cut away the inside of, likewise."""

    @property
    def takes_place(self) -> bool:
        """Whether all tiles of the source are taken uncut, and none of the target's stays or is deleted."""
        whole = self.held > 0 and np.count_nonzero(self.taken) == self.held and not self.cut.any()
        return whole and not (self.present & ~self.taken).any()

    @property
    def met(self) -> Flags:
        """Tiles of the source that come to lie where the target has one."""
        return self.taken & self.present


class Overlaps:
    """Compares two caches bundle by bundle. Asked again it tells the same, as long as both stay as they are."""

    def __init__(self, source: TileReader, target: TileReader, request: TransferRequest) -> None:
        """Compare two caches.

        Args:
            source: The source.
            target: The target, open for reading.
            request: What is asked for.
        """
        self.levels: dict[int, int] = {}
        """LevelID in the target of each level of the source that is taken; to be filled in before anything is asked."""
        self._source = source
        self._target = target
        options = request.update or UpdateOptions()
        self._deletes = options.delete_missing
        self._only_missing = options.only_missing
        self._chooser = TileChooser(source.info, request)
        self._known: dict[tuple[bool, int], frozenset[BundleKey]] = {}

    def in_source(self, bundle: BundleKey) -> bool:
        """Tell whether the source has a bundle."""
        return bundle in self._held(self._source, bundle.level)

    def in_target(self, there: BundleKey) -> bool:
        """Tell whether the target has a bundle."""
        return there in self._held(self._target, there.level)

    def _held(self, reader: TileReader, level: int) -> frozenset[BundleKey]:
        key = reader is self._source, level
        if key not in self._known:
            self._known[key] = frozenset(reader.bundles(level))
        return self._known[key]

    def there(self, bundle: BundleKey) -> BundleKey:
        """Give the target's name for a bundle of the source."""
        return BundleKey(self.levels[bundle.level], bundle.row, bundle.column)

    def bundles(self, level: int) -> list[BundleKey]:
        """Give the bundles of a level of the source that there may be something to do about, by row, then column."""
        found = set(self._held(self._source, level))
        if self._deletes:
            there = self._held(self._target, self.levels[level])
            found |= {BundleKey(level, bundle.row, bundle.column) for bundle in there}
        return sorted(found)

    def of(self, bundle: BundleKey) -> Overlap:
        """Tell what a bundle of the source, or the lack of it, means for the target.

        Raises:
            BundleError: A bundle is malformed.
        """
        held, choice = self._choose(bundle)
        taken, cut = choice.wanted, choice.cut
        present = self._present(bundle)
        if self._only_missing:
            taken, cut = taken & ~present, cut & ~present
        deleted = trimmed = np.zeros(TILES_PER_BUNDLE, np.bool_)
        if self._deletes:
            cover = self._chooser.coverage(bundle, bundle.tiles())
            missing = present & ~held
            deleted, trimmed = missing & (cover == Coverage.INSIDE), missing & (cover == Coverage.CROSSING)
        return Overlap(self.there(bundle), int(np.count_nonzero(held)), taken, cut, present, deleted, trimmed)

    def asked(self, bundle: BundleKey) -> Flags:
        """Tell which tiles of a bundle of the source are asked for, whether the target has them or not.

        Raises:
            BundleError: The bundle is malformed.
        """
        return self._choose(bundle)[1].wanted

    def asked_and_there(self, bundle: BundleKey) -> Flags:
        """Tell which of the tiles asked for the target has.

        Raises:
            BundleError: A bundle is malformed.
        """
        return self.asked(bundle) & self._present(bundle)

    def _choose(self, bundle: BundleKey) -> tuple[Flags, TileChoice]:
        """Give the tiles of the source, and what is chosen of them."""
        nothing = np.zeros(TILES_PER_BUNDLE, np.bool_)
        held = self._source.present(bundle) if self.in_source(bundle) else nothing
        choice = self._chooser.choose(self._source, bundle, occupied(held, bundle), held) if held.any() else None
        return held, choice or TileChoice(held, nothing)

    def _present(self, bundle: BundleKey) -> Flags:
        there = self.there(bundle)
        return self._target.present(there) if self.in_target(there) else np.zeros(TILES_PER_BUNDLE, np.bool_)
