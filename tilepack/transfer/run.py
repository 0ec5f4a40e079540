"""Working off a plan: bundles in parallel, all or nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import StorageFormat, TileFormat
from tilepack.errors import AreaOfInterestError, BundleError, TileError, TransferError, UnsupportedError
from tilepack.formats.bundle import LENGTH_PREFIX, occupied
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey, TileRange
from tilepack.pixels.outcome import Outcome
from tilepack.stores.base import (
    PackageItem,
    Piece,
    RawBundle,
    SupportsRawRead,
    SupportsRawWrite,
    TileReader,
    TileWriter,
)
from tilepack.stores.copying import stored_pieces
from tilepack.stores.extents import Occupied
from tilepack.stores.targets import create_target
from tilepack.transfer.admission import is_looked_at
from tilepack.transfer.choice import TileChoice, TileChooser, pack, unpack
from tilepack.transfer.counting import Counter, Progress, out_of_reach
from tilepack.transfer.cutting import CutTally, TileCutter
from tilepack.transfer.describe import describe_target, package_item
from tilepack.transfer.plan import Action, BundleTask, TransferPlan
from tilepack.transfer.result import NOT_IN_THUMBNAIL, TileCounts, TransferResult
from tilepack.transfer.working import work_off
from tilepack.transfer.zooms import Renumbered, wanted_order

_ALL: Final = TileChoice(np.ones(TILES_PER_BUNDLE, np.bool_), np.zeros(TILES_PER_BUNDLE, np.bool_))
"""What is chosen where nobody has to choose."""

_HEADS: Final = {b"\x89P": TileFormat.PNG, b"\xff\xd8": TileFormat.JPEG}

_SLICE_ROWS: Final = 16
"""Rows of an exploded window that one thread writes; a window is split when it holds more than a slice's tiles."""


def run_transfer(
    plan: TransferPlan, reader: TileReader, *, jobs: int | None = None, progress: Progress | None = None
) -> TransferResult:
    """Work off a plan. When it fails, nothing stands under the target's name that was not there before.

    Args:
        plan: What to do.
        reader: The source that was planned for.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        progress: Called as tiles are moved.

    Raises:
        CacheExistsError: The target has come to exist.
        BundleError: A bundle is malformed.
        TransferError: Reading or writing failed.
    """
    begun = time.monotonic()
    counter = Counter(progress)
    work = _Work(plan, reader, counter, jobs or os.cpu_count() or 1)
    out_of_reach(work.carry_out, counter)
    tally = work.tally
    tiles = counter.tiles - tally.outcomes[Outcome.DROPPED] - len(tally.bad)
    copied = sum(task.tiles for task in plan.tasks if task.action is Action.COPY)
    blended = tally.outcomes[Outcome.COMPOSED]
    return TransferResult(
        plan=plan,
        tiles=tiles,
        tile_bytes=counter.bytes,
        info=work.info,
        counts=TileCounts(
            copied=copied,
            repacked=tiles - copied - blended,
            blended=blended,
            dropped=tally.outcomes[Outcome.DROPPED],
        ),
        notes=dict(sorted(tally.notes.items())),
        skipped=dict(sorted(tally.bad.items())),
        seconds=time.monotonic() - begun,
    )


class _Work:
    """One plan's work, and what comes to be known by it."""

    def __init__(self, plan: TransferPlan, reader: TileReader, counter: Counter, jobs: int) -> None:
        self.info = plan.info
        self.tally = CutTally()
        self._plan = plan
        self._reader = reader
        self._counter = counter
        self._jobs = jobs
        self._chooser = TileChooser(reader.info, plan.request)
        self._choices: dict[BundleKey, TileChoice | None] = {}
        self._left: dict[BundleKey, bytes] = {}
        self._cutter: TileCutter | None = None
        self._order: Callable[[BundleKey], NDArray[np.int64]] | None = None

    def carry_out(self) -> None:
        plan, reader = self._plan, self._reader
        made = create_target(
            plan.target, plan.kind, plan.info, replace=plan.request.replace, dedupe=plan.request.dedupe
        )
        line = wanted_order(made, plan.levels)
        renumbers = any(here != there for here, there in plan.levels.items())
        writer: TileWriter = Renumbered(made, plan.levels) if renumbers else made
        tasks = plan.tasks
        if line is not None:
            tasks = tuple(sorted(tasks, key=lambda task: line.rank(task.bundle)))
            self._order = line.order
        try:
            for task in tasks:
                writer.reserve(task.bundle, task.slot_bytes)
            self._move_all(tasks, writer)
            if self._cutter is not None and self._cutter.has_failed:
                if plan.request.areas is None:
                    raise self.tally.error(
                        reader.place, "cannot be decoded; mend them, or export without them by --skip-errors"
                    )
                raise self.tally.error(reader.place)
            if not isinstance(reader, SupportsRawRead) and self._counter.tiles != plan.tiles:  # files are counted alone
                raise TransferError(
                    f"{reader.place}: {self._counter.tiles} tiles came, {plan.tiles} were planned; the source changed "
                    f"meanwhile, start again"
                )
            for name, data in reader.substitutes.items():
                writer.write_substitute(name, data)
            occupied = self._occupied()
            if plan.tasks and not occupied and not self.tally.bad and plan.request.areas is not None:
                raise AreaOfInterestError(
                    f"{reader.place}: no visible pixel lies in the area of interest; choose another"
                )
            item = self._package_item(occupied)
            self._counter.add(0, 0)
            writer.commit(self.info, item)
        except BaseException:
            writer.abort()
            raise

    def _move_all(self, tasks: Sequence[BundleTask], writer: TileWriter) -> None:
        # What is one stream takes one bundle at a time: another thread would only make its bytes depend on chance.
        kind = self._plan.kind
        threads = 1 if kind.is_package and kind.storage_format.is_web else self._jobs
        pixels = ThreadPoolExecutor(self._jobs, "tilepack-pixels")
        areas = self._plan.request.areas
        looks = any(task.looked_at for task in tasks)
        if areas is not None or looks:
            scheme, options = self._reader.info.scheme, self._plan.request.pixels
            tile_format = self._plan.info.tile_format
            is_from_web, quality = is_looked_at(self._reader, kind), self._plan.request.quality
            self._cutter = TileCutter(
                areas, scheme, tile_format, options, pixels, is_from_web=is_from_web, quality=quality
            )
            self.tally = self._cutter.tally
        steps = (
            partial(self._move, task, part, writer) for task in tasks for part in _parts(task, kind.storage_format)
        )
        try:
            work_off(steps, threads, self._counter)
        finally:
            pixels.shutdown(wait=True, cancel_futures=True)

    def _move(self, task: BundleTask, wanted: NDArray[np.bool_] | None, writer: TileWriter) -> None:
        self._counter.add(0, 0)
        failed = self._cutter is not None and self._cutter.has_failed
        if task.action is Action.BLEND or task.looked_at:
            self._blend(task, writer)
        elif failed:
            return  # nothing will come of the target: the tiles to cut are only checked from here on
        elif task.action is Action.REPACK:
            choice = self._chooser.choose(self._reader, task.bundle, task.bundle.tiles())
            if choice is not None:
                wanted = choice.wanted if wanted is None else wanted & choice.wanted
            tiles = self._counter.watch(self._tiles(task.bundle, wanted))
            writer.write_bundle(task.bundle, tiles, task.slot_bytes)
        else:
            self._copy(task, writer)

    def _copy(self, task: BundleTask, writer: TileWriter) -> None:
        reader = self._reader
        if not (isinstance(reader, SupportsRawRead) and isinstance(writer, SupportsRawWrite)):
            raise TypeError("a plan to copy needs a source and a target of bundles")
        raw = reader.raw(task.bundle)
        if raw is None or raw.slot_bytes != task.slot_bytes:
            raise TransferError(
                f"{reader.place}: bundle {task.bundle} changed while it was being worked on; start again"
            )
        with raw.data:
            writer.write_raw(raw, self._counter.add_bytes)
        # The lengths went by too, but are no tiles' data.
        self._counter.add(task.tiles, -LENGTH_PREFIX * task.tiles)

    def _blend(self, task: BundleTask, writer: TileWriter) -> None:
        """Write a bundle some of whose tiles become others; one of which nothing is left is not written."""
        if self._cutter is None:
            raise TypeError("a plan to cut needs an area")
        choice = self._chooser.choose(self._reader, task.bundle, task.bundle.tiles()) or _ALL
        wanted = choice.cut if self._cutter.has_failed and not task.looked_at else choice.wanted
        alone = choice.wanted if task.looked_at else choice.cut
        left = np.zeros(TILES_PER_BUNDLE, np.bool_)
        with ExitStack() as files:
            if isinstance(writer, SupportsRawWrite):
                pieces = stored_pieces(self._reader, task.bundle, wanted, files, alone=alone)
            else:
                pieces = self._tiles(task.bundle, wanted)
            made = self._noted(
                self._cutter.stream(self._counter.watch(pieces), task.bundle, choice.cut), task.bundle, left
            )
            first = next(made, None)
            if first is None:
                writer.cancel(task.bundle)
            else:
                writer.write_bundle(task.bundle, chain((first,), made), None)
        self._left[task.bundle] = pack(left)

    def _tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None) -> Iterator[tuple[TileKey, bytes]]:
        """Give the tiles of a bundle as they are stored, or in the order that the target wants."""
        if self._order is None:
            yield from self._reader.tiles(bundle, wanted)
            return
        held = self._reader.present(bundle)
        if wanted is not None:
            held &= wanted
        order = self._order(bundle)
        with self._reader.reading(bundle) as opened:
            for position in order[held[order]].tolist():
                data = opened.read(position)
                if data is not None:
                    yield bundle.tile(position), data

    @staticmethod
    def _noted(pieces: Iterator[Piece], bundle: BundleKey, left: NDArray[np.bool_]) -> Iterator[Piece]:
        for piece in pieces:
            left[piece.order if isinstance(piece, RawBundle) else bundle.position(piece[0])] = True
            yield piece

    def _occupied(self) -> list[TileRange]:
        """Give the rectangles of the tiles that there are now, and describe the target by those."""
        if not self._left:
            return list(self._plan.occupied)
        planned = self._chooser.present(self._reader)

        def present(bundle: BundleKey) -> NDArray[np.bool_]:
            left = self._left.get(bundle)
            return planned(bundle) if left is None else unpack(left)

        levels: dict[int, list[Occupied]] = {}
        for task, tiles in zip(self._plan.tasks, self._plan.occupied, strict=True):
            there = occupied(present(task.bundle), task.bundle) if task.bundle in self._left else tiles
            if there.count:
                levels.setdefault(task.bundle.level, []).append((task.bundle, there))
        plan = self._plan
        tile_format = plan.info.tile_format
        if self._cutter is not None and is_looked_at(self._reader, plan.kind):
            tile_format = _holding(tile_format, self._cutter.heads)
        self.info = describe_target(
            self._reader, plan.kind, plan.request, levels, present=present, tile_format=tile_format
        )
        return [tiles for bundles in levels.values() for _, tiles in bundles]

    def _package_item(self, occupied: list[TileRange]) -> PackageItem:
        """Make what packages and folders that are ready to serve say beyond their cache."""
        plan = self._plan
        ranges = [(tiles.level, tiles) for tiles in occupied]
        return package_item(
            self.info, plan.kind, plan.guid, read=self._as_written, tiles=ranges, thumbnail=plan.request.thumbnail
        )

    def _as_written(self, tile: TileKey) -> bytes | None:
        """Give a tile as the target has it."""
        bundle = tile.bundle
        if bundle not in self._choices:
            self._choices[bundle] = self._chooser.choose(self._reader, bundle, bundle.tiles())
        choice, position = self._choices[bundle], bundle.position(tile)
        if choice is not None and not choice.wanted[position]:
            return None
        try:
            data = self._reader.read(tile)
        except BundleError:  # it was whole while its bundle was moved, or moved unseen; the picture goes without it
            self.tally.notes[NOT_IN_THUMBNAIL] += 1
            return None
        if data is None or choice is None or self._cutter is None or not choice.cut[position]:
            return data
        try:
            return self._cutter.clip(tile, data).data
        except (TileError, UnsupportedError):  # it was left out of the target, too
            return None


def _holding(tile_format: TileFormat, heads: AbstractSet[bytes]) -> TileFormat:
    """Give the tile format that admits what was written: sources of the web do not tell it of every tile."""
    kinds = [kind for kind in map(_HEADS.get, heads) if kind is not None]
    fits = tile_format is TileFormat.MIXED or not tile_format.is_image
    if fits or all((kind is TileFormat.JPEG) == (tile_format is TileFormat.JPEG) for kind in kinds):
        return tile_format
    return TileFormat.MIXED


def _parts(task: BundleTask, storage_format: StorageFormat) -> list[NDArray[np.bool_] | None]:
    """Split a window whose tiles become files, so that one large window keeps all threads busy."""
    if (
        storage_format not in (StorageFormat.EXPLODED, StorageFormat.XYZ)
        or task.slot_bytes is None
        or task.tiles <= _SLICE_ROWS * PACKET_SIZE
    ):
        return [None]
    parts: list[NDArray[np.bool_] | None] = []
    for start in range(0, TILES_PER_BUNDLE, _SLICE_ROWS * PACKET_SIZE):
        wanted = np.zeros(TILES_PER_BUNDLE, np.bool_)
        wanted[start : start + _SLICE_ROWS * PACKET_SIZE] = True
        parts.append(wanted)
    return parts
