"""Replacing one bundle of a target: by another one whole, or by what two of them make together."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import numpy as np

from tilepack.errors import TransferError
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.pixels.blend import BlendMode
from tilepack.pixels.outcome import Outcome
from tilepack.stores.base import Piece, SupportsRawRead, TileReader
from tilepack.stores.copying import stored_pieces
from tilepack.stores.updating import SupportsRawUpdate, TileUpdater
from tilepack.transfer.choice import Flags, pack, unpack
from tilepack.transfer.counting import Counter
from tilepack.transfer.cutting import CutTally
from tilepack.transfer.overlap import Overlap, Overlaps
from tilepack.transfer.plan import Action, BundleTask
from tilepack.transfer.request import UpdateOptions
from tilepack.transfer.result import TileCounts
from tilepack.transfer.splicing import Splice, Splicer, admits_all

_NOTHING: Final = np.zeros(TILES_PER_BUNDLE, np.bool_)


class BundleReplacer:
    """Replaces bundles, and counts what becomes of their tiles. Shared by all threads."""

    def __init__(
        self,
        source: TileReader,
        target: TileReader,
        updater: TileUpdater,
        overlaps: Overlaps,
        splicer: Splicer,
        *,
        options: UpdateOptions,
        tally: CutTally,
        counter: Counter,
    ) -> None:
        """Keep what all bundles share.

        Args:
            source: The source.
            target: The target, open for reading.
            updater: The target, open to have bundles replaced.
            overlaps: What the source's bundles mean for the target's.
            splicer: Tells what becomes of tiles, and composes them.
            options: How tiles come into the target.
            tally: Where the splicer counts.
            counter: Told of progress.
        """
        self.tiles = 0
        """The source's tiles that the target has now."""
        self.unchanged = 0
        """Bundles that stayed as they were."""
        self.resumed = 0
        """Bundles that a run which was stopped had done."""
        self._reader = source
        self._target = target
        self._updater = updater
        self._overlaps = overlaps
        self._splicer = splicer
        self._options = options
        self._tally = tally
        self._counter = counter
        self.actions: Counts[Action] = Counts()
        """Number of bundles by what happened to them."""
        self._moved = {"copied": 0, "repacked": 0, "unchanged": 0, "deleted": 0}
        self._there: dict[BundleKey, bytes] = {}

    def counts(self) -> TileCounts:
        """Give the number of tiles by what became of them."""
        outcomes, moved = self._tally.outcomes, self._moved
        return TileCounts(
            copied=moved["copied"],
            repacked=moved["repacked"] + outcomes[Outcome.MOVED],
            blended=outcomes[Outcome.COMPOSED],
            dropped=outcomes[Outcome.DROPPED],
            unchanged=moved["unchanged"] + outcomes[Outcome.UNCHANGED],
            deleted=moved["deleted"],
        )

    def there(self, bundle: BundleKey) -> Flags:
        """Tell which of a source's bundle's tiles the target has now, shape (16384,)."""
        packed = self._there.get(bundle)
        return _NOTHING if packed is None else unpack(packed)

    def keep(self, there: BundleKey) -> None:
        """Let a bundle of the target stay as it is.

        Raises:
            BundleError: It is malformed.
            TransferError: Reading or writing failed.
        """
        self._counter.add(0, 0)
        if not self._splicer.has_failed:
            self._updater.keep(there)

    def replace(self, task: BundleTask) -> None:
        """Do what is to be done about a bundle of the source, unless it is done already.

        Raises:
            BundleError: A bundle is malformed.
            TransferError: Reading or writing failed, or the source changed meanwhile.
        """
        self._counter.add(0, 0)
        # First of all: since the plan was made, bundles may have got the names that a stopped run had no time to give.
        if self._updater.is_done(self._overlaps.there(task.bundle)):
            self._there[task.bundle] = pack(self._overlaps.asked_and_there(task.bundle))
            with self._tally.lock:
                self.resumed += 1
            self._counter.add(task.tiles, task.tile_bytes)
            return
        overlap = self._overlaps.of(task.bundle)
        if np.count_nonzero(overlap.taken) != task.tiles:
            raise TransferError(
                f"{self._reader.place}: bundle {task.bundle} has other tiles than when the work was planned; the "
                f"source changed meanwhile, start again"
            )
        if not self._replace_whole(task, overlap):
            with ExitStack() as files:
                self._join(task, overlap, files)

    def _replace_whole(self, task: BundleTask, overlap: Overlap) -> bool:
        """Move a bundle whole, where it takes the place of the target's and all its tiles may; else do nothing."""
        reader, target, updater = self._reader, self._target, self._updater
        if not (
            task.action is Action.COPY
            and overlap.takes_place
            and isinstance(updater, SupportsRawUpdate)
            and isinstance(reader, SupportsRawRead)
            and not self._splicer.has_failed
        ):
            return False
        raw = reader.raw(task.bundle)
        if raw is None:
            return False
        with raw.data:
            equal = self._equal(task.bundle, overlap)
            if np.array_equal(equal, overlap.taken):
                return False  # nothing may change: that has to be looked at tile by tile
            tile_format, mode = target.info.tile_format, self._options.mode
            is_laid = mode is BlendMode.MERGE and bool(overlap.met.any())
            moved = 0

            def count(size: int) -> None:
                nonlocal moved
                moved += size
                self._counter.add_bytes(size)

            done = updater.replace_whole(
                replace(raw, bundle=overlap.there),
                count,
                lambda heads: not self._splicer.has_failed and admits_all(tile_format, heads, is_laid=is_laid),
            )
        if not done:
            self._counter.add(0, -moved)
            return False
        self._counter.add(task.tiles, -LENGTH_PREFIX * task.tiles)
        self._remember(task.bundle, overlap.taken)
        self._count(copied=task.tiles)
        self._act(Action.COPY)
        return True

    def _equal(self, bundle: BundleKey, overlap: Overlap) -> Flags:
        """Tell which tiles have as many bytes in the target as in the source."""
        if not overlap.met.any():
            return _NOTHING
        equal: Flags = self._reader.index(bundle) == self._target.index(overlap.there)
        return equal & overlap.met

    def _join(self, task: BundleTask, overlap: Overlap, files: ExitStack) -> None:
        """Make one bundle of two."""
        reader, target, updater, splicer = self._reader, self._target, self._updater, self._splicer
        bundle, there = task.bundle, overlap.there
        has_failed = splicer.has_failed
        if has_failed and not (task.cut or task.laid):
            return  # nothing more is written, and here is nothing to check
        source = files.enter_context(reader.reading(bundle)) if task.tiles else None
        old = files.enter_context(target.reading(there)) if overlap.present.any() else None
        splice = splicer.begin(overlap, source)
        if source is not None and old is not None:
            splicer.drop_equal(splice, source, old, self._equal(bundle, overlap))
        composed = splicer.compose(splice, bundle, old, self._counter.watch)
        first = next(composed, None)
        if has_failed or splicer.has_failed:
            for _ in composed:
                pass  # checked, and not written
            return
        if not splice.is_changed:
            updater.keep(there)
        elif first is None and not (splice.kept | splice.moved).any():
            files.close()
            updater.remove(there, splice.gone)
        else:
            pieces = self._pieces(first, composed, splice, bundle, files)

            def agreed() -> bool:
                files.close()  # Windows renames nothing over an open file
                return not splicer.has_failed

            if not updater.write(there, pieces, splice.gone, agreed):
                return
        self._note(task, splice)

    def _pieces(
        self,
        first: tuple[TileKey, bytes] | None,
        composed: Iterator[tuple[TileKey, bytes]],
        splice: Splice,
        bundle: BundleKey,
        files: ExitStack,
    ) -> Iterator[Piece]:
        """Yield what the new bundle is made of: tiles written anew, those the target keeps, those that move."""
        if first is not None:
            yield first
        yield from composed
        there = splice.overlap.there
        if self._target.info.storage_format.is_compact:
            yield from self._stored(self._target, there, there, splice.kept, files)
        yield from self._counter.watch(self._stored(self._reader, bundle, there, splice.moved, files))

    def _stored(
        self, reader: TileReader, bundle: BundleKey, there: BundleKey, wanted: Flags, files: ExitStack
    ) -> Iterator[Piece]:
        """Yield tiles of a bundle under the target's name for it, in runs where the target takes such."""
        if self._target.info.storage_format.is_compact:
            yield from stored_pieces(reader, bundle, wanted, files, there=there)
        elif wanted.any():
            yield from ((there.tile(bundle.position(tile)), data) for tile, data in reader.tiles(bundle, wanted))

    def _note(self, task: BundleTask, splice: Splice) -> None:
        """Count what became of a bundle's tiles."""
        self._remember(task.bundle, splice.there)
        moved, equal = int(np.count_nonzero(splice.moved)), int(np.count_nonzero(splice.equal))
        self._count(repacked=moved, unchanged=equal, deleted=int(np.count_nonzero(splice.overlap.deleted)))
        if equal:
            self._counter.add(equal, 0)
        if splice.is_changed:
            self._act(Action.BLEND if splice.is_blended else Action.REPACK)
        else:
            with self._tally.lock:
                self.unchanged += 1

    def _remember(self, bundle: BundleKey, there: Flags) -> None:
        """Take note of the tiles of a source's bundle that the target has now."""
        with self._tally.lock:
            self._there[bundle] = pack(there)
            self.tiles += int(np.count_nonzero(there))

    def _act(self, action: Action) -> None:
        with self._tally.lock:
            self.actions[action] += 1

    def _count(self, **numbers: int) -> None:
        with self._tally.lock:
            for name, number in numbers.items():
                self._moved[name] += number
