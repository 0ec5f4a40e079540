"""Working off a plan: windows drawn in parallel, laid down along a Z, averaged upwards as soon as four are there.

A window is a square of tiles. One thread draws it, cuts it, encodes its tiles, and halves it until one tile is left:
all that without waiting for anything. What is above is put together in the order of the Z, where a parent's four
children come one after the other: one unfinished tile a rung is all that is ever kept. So the tiles, their order and
their bytes depend on no thread, and memory on no raster's size.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tilepack.building.averaging import halve
from tilepack.building.drawing import Drawer
from tilepack.building.drawn import Drawn, DrawnLog
from tilepack.building.encoding import TileEncoder
from tilepack.building.fingerprint import fingerprint_of
from tilepack.building.gathering import BundleGatherer
from tilepack.building.picture import PictureTiles, picture_of
from tilepack.building.plan import BuildPlan, BuildResult, BuiltLevel
from tilepack.building.planning import window_side
from tilepack.building.pyramids import Pyramid, Reach, Window
from tilepack.cache import CacheInfo
from tilepack.errors import AreaOfInterestError, TransferError
from tilepack.keys import TileKey, TileRange
from tilepack.pixels.blend import Pixels, cut, is_blank
from tilepack.pixels.coverage import Coverage
from tilepack.stores.base import TileWriter
from tilepack.stores.extents import declared_extent
from tilepack.stores.targets import create_target
from tilepack.transfer.choice import TileChooser
from tilepack.transfer.counting import Counter, out_of_reach
from tilepack.transfer.describe import Described, clipped_to_areas, derive_guid, package_item, settle

Told = Callable[[int, int], None]
"""Called with the windows that are done, and how many there are."""

_AHEAD: Final = 2
"""Windows drawn or waiting, for each thread."""


def run_build(
    plan: BuildPlan, *, jobs: int | None = None, progress: Told | None = None, keep: bool = False
) -> BuildResult:
    """Work off a plan. When it fails, nothing stands under the target's name that was not there before.

    What was drawn is kept beside the target then, and the same build goes on from there.

    Args:
        plan: What to do.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        progress: Called as windows are done.
        keep: Keep what was drawn also when all is well: the target is but a step to another, and ``forget_drawn`` is
            called when that stands.

    Raises:
        CacheExistsError: The target has come to exist.
        AreaOfInterestError: No visible pixel lies in the area.
        TransferError: Reading or writing failed.
    """
    begun = time.monotonic()
    counter = Counter(None)
    work = _Work(plan, counter, jobs or os.cpu_count() or 1, progress, keep=keep)
    try:
        out_of_reach(work.carry_out, counter)
    except BaseException as error:
        if work.kept:
            error.add_note(work.kept)
        raise
    levels = [
        BuiltLevel(level=level, tiles=found.tiles, tile_bytes=found.tile_bytes, kinds=dict(sorted(found.kinds.items())))
        for level, found in sorted(work.gatherer.levels.items())
    ]
    seconds = time.monotonic() - begun
    return BuildResult(plan=plan, info=work.info, levels=tuple(levels), resumed_windows=work.resumed, seconds=seconds)


class _Work:
    """One plan's work."""

    def __init__(self, plan: BuildPlan, counter: Counter, jobs: int, progress: Told | None, *, keep: bool) -> None:
        self.info = plan.info
        self.gatherer: BundleGatherer
        self._plan = plan
        self._counter = counter
        self._jobs = jobs
        self._progress = progress
        self._keep = keep
        self._done = 0
        self.resumed = 0
        """Windows that an earlier run has drawn."""
        self._drawer = Drawer(plan.layers, plan.info.scheme)
        self._picture = picture_of(plan)
        self._log: DrawnLog
        self.kept = ""
        """Where what was drawn is kept, when the work was stopped: a sentence."""

    def carry_out(self) -> None:
        plan = self._plan
        writer = create_target(plan.target, plan.kind, plan.info, replace=plan.request.replace)
        try:
            self._log = DrawnLog(plan.target, fingerprint_of(plan), plan.windows)
            self._build_target(writer)
        except BaseException:
            writer.abort()
            raise

    def _build_target(self, writer: TileWriter) -> None:
        plan = self._plan
        try:
            self.gatherer = BundleGatherer(writer, Path(os.path.abspath(plan.target)).parent)  # noqa: PTH100
            try:
                for pyramid in plan.pyramids:
                    self._build(pyramid)
                self.gatherer.finish()
            finally:
                self.gatherer.close()
                self._drawer.close()
            if not self.gatherer.lines:
                raise AreaOfInterestError(
                    f"{plan.target}: no visible pixel of the rasters is left; nothing was written"
                )
            self.info = self._describe()
            found = Described()
            found.lines = self.gatherer.lines
            guid = derive_guid(self.info, plan.request, found)
            picture = plan.request.thumbnail
            if self._picture is not None and self.info.extent is not None:
                picture = self._picture.draw(self.info.extent)
            item = package_item(self.info, plan.kind, guid, read=lambda _: None, tiles=(), thumbnail=picture)
            self._counter.add(0, 0)
            writer.commit(self.info, item)
        except AreaOfInterestError:
            self._log.discard()
            raise
        except BaseException:
            self.kept = self._log.close()
            raise
        self._log.finish(keep=self._keep)

    def _build(self, pyramid: Pyramid) -> None:
        picture = self._picture if self._picture is not None and self._picture.pyramid is pyramid else None
        climb = _Climb(self._plan, pyramid, self.gatherer, picture)
        for row, column, drawn in self._windows(pyramid, climb):
            climb.take(row, column, drawn)
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._plan.windows)
        climb.finish()

    def _windows(self, pyramid: Pyramid, climb: _Climb) -> Iterator[tuple[int, int, Drawn]]:
        """Yield windows in the order of the Z, some being drawn ahead."""
        plan = self._plan
        rects = np.concatenate([layer.footprint.rects for layer in plan.layers])
        reach = Reach(plan.info.scheme, pyramid.base.level, rects, TileChooser(plan.info, plan.request))
        number, scheme = plan.pyramids.index(pyramid), plan.info.scheme
        waiting: deque[tuple[int, int, Future[Drawn]]] = deque()
        pool = ThreadPoolExecutor(self._jobs, "tilepack")
        try:
            for window in reach.windows(climb.side):
                row, column = (at // climb.side for at in (window.tiles.row_start, window.tiles.column_start))
                known = self._log.take(number, row, column, width=scheme.tile_width, height=scheme.tile_height)
                if known is not None:
                    self._counter.add(0, 0)
                    self.resumed += 1
                    yield row, column, known
                    continue
                waiting.append((row, column, pool.submit(self._draw, window, climb)))
                if len(waiting) >= _AHEAD * self._jobs:
                    yield self._next(waiting, number)
            while waiting:
                yield self._next(waiting, number)
        except BaseException:
            self._counter.stopped.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _next(self, waiting: deque[tuple[int, int, Future[Drawn]]], number: int) -> tuple[int, int, Drawn]:
        row, column, future = waiting.popleft()
        drawn = future.result()
        self._log.add(number, row, column, drawn)
        return row, column, drawn

    def _draw(self, window: Window, climb: _Climb) -> Drawn:
        self._counter.add(0, 0)
        pixels = self._drawer.draw(window.tiles)
        return Drawn() if pixels is None else climb.work_up(window, pixels)

    def _describe(self) -> CacheInfo:
        plan, scheme = self._plan, self._plan.info.scheme
        levels = {level: found.bundles for level, found in self.gatherer.levels.items()}
        extent = declared_extent(scheme, levels, self.gatherer.present)
        if extent is not None:
            extent = clipped_to_areas(extent, plan.request.areas, levels)
        return settle(replace(plan.info, extent=extent), plan.kind, held=(min(levels), max(levels)))


class _Climb:
    """The way of one pyramid's pixels from its base to its top."""

    def __init__(
        self, plan: BuildPlan, pyramid: Pyramid, gatherer: BundleGatherer, picture: PictureTiles | None
    ) -> None:
        self.side = window_side(plan.info.scheme)
        self._depth = self.side.bit_length() - 1
        self._pyramid = pyramid
        self._gatherer = gatherer
        self._picture = picture
        self._top = pyramid.top if picture is None else max(pyramid.top, picture.rung)
        self._areas = None if plan.request.pixels.whole_tiles else plan.request.areas
        self._width, self._height = plan.info.scheme.tile_width, plan.info.scheme.tile_height
        self._encoder = TileEncoder(
            tile_format=plan.info.tile_format, quality=plan.info.quality, background=plan.background
        )
        self._unfinished: dict[int, tuple[int, int, Pixels]] = {}

    def work_up(self, window: Window, pixels: Pixels) -> Drawn:
        """Cut a window, and make all tiles of it; any thread may."""
        self._keep_to_what_is_asked(window, pixels)
        drawn = Drawn()
        row, column = window.tiles.row_start, window.tiles.column_start
        for rung in range(self._depth + 1):
            self._make(rung, row >> rung, column >> rung, pixels, drawn)
            if rung == self._top:
                return drawn
            if rung < self._depth:
                pixels = halve(pixels)
        drawn.top = None if is_blank(pixels) else pixels
        return drawn

    def take(self, row: int, column: int, drawn: Drawn) -> None:
        """Take a window in its turn: its row and column among windows."""
        self._finish_all_but(row, column)
        self._hand_over(drawn)
        if drawn.top is not None:
            self._lay(self._depth, row, column, drawn.top)

    def finish(self) -> None:
        """Finish all that is left; no window follows."""
        self._finish_all_but(None, None)

    def _finish_all_but(self, row: int | None, column: int | None) -> None:
        """Finish the tiles that the window to come is no part of: along a Z nothing of theirs will follow."""
        for rung in range(self._depth + 1, self._top + 1):
            there = self._unfinished.get(rung)
            if there is None:
                continue
            up = rung - self._depth
            if row is not None and column is not None and there[:2] == (row >> up, column >> up):
                return  # what is above holds it, too
            del self._unfinished[rung]
            tile_row, tile_column, pixels = there
            drawn = Drawn()
            self._make(rung, tile_row, tile_column, pixels, drawn)
            self._hand_over(drawn)
            if rung < self._top:
                self._lay(rung, tile_row, tile_column, pixels)

    def _hand_over(self, drawn: Drawn) -> None:
        for rung, row, column, data in drawn.tiles:
            self._gatherer.add(TileKey(self._pyramid.levels[rung], row, column), data)
        if self._picture is not None:
            for row, column, data in drawn.kept:
                self._picture.add(row, column, data)

    def _lay(self, rung: int, row: int, column: int, pixels: Pixels) -> None:
        """Lay a tile, halved, into its quarter of the one above."""
        parent = self._unfinished.get(rung + 1)
        if parent is None:
            parent = row >> 1, column >> 1, np.zeros((self._height, self._width, 4), np.uint8)
            self._unfinished[rung + 1] = parent
        if parent[:2] != (row >> 1, column >> 1):
            raise TransferError("windows came in another order than that of the Z; please report it")
        top, left = (row & 1) * self._height // 2, (column & 1) * self._width // 2
        quarter = halve(pixels)
        parent[2][top : top + quarter.shape[0], left : left + quarter.shape[1]] = quarter

    def _keep_to_what_is_asked(self, window: Window, pixels: Pixels) -> None:
        """Make transparent what lies outside areas, or in tiles that nobody asked for."""
        first = window.tiles
        for tile, part in self._parts(first.level, first.row_start, first.column_start, pixels):
            if window.asked[tile.row - first.row_start, tile.column - first.column_start]:
                self._cut(tile, part)
            else:
                part[...] = 0

    def _cut(self, tile: TileKey, pixels: Pixels) -> None:
        """Make transparent what lies outside the area."""
        coverage = Coverage.INSIDE if self._areas is None else self._areas.coverage(TileRange.of(tile))[0, 0]
        if coverage == Coverage.OUTSIDE:
            pixels[...] = 0
        elif coverage == Coverage.CROSSING and self._areas is not None:
            kept = np.ascontiguousarray(pixels)
            cut(kept, self._areas.mask(tile))
            pixels[...] = kept

    def _make(self, rung: int, row: int, column: int, pixels: Pixels, drawn: Drawn) -> None:
        """Make the tiles of a square on a rung, if a level stands on it, and those for the picture."""
        if rung in self._pyramid.levels:
            drawn.tiles += self._tiles(rung, row, column, pixels)
        if self._picture is not None and rung == self._picture.rung:
            for tile, part in self._parts(0, row, column, pixels):
                data = self._picture.encode(np.ascontiguousarray(part))
                if data is not None:
                    drawn.kept.append((tile.row, tile.column, data))

    def _parts(self, level: int, row: int, column: int, pixels: Pixels) -> Iterator[tuple[TileKey, Pixels]]:
        """Yield tiles with their part of the pixels."""
        for top in range(0, pixels.shape[0], self._height):
            for left in range(0, pixels.shape[1], self._width):
                part = pixels[top : top + self._height, left : left + self._width]
                yield TileKey(level, row + top // self._height, column + left // self._width), part

    def _tiles(self, rung: int, row: int, column: int, pixels: Pixels) -> list[tuple[int, int, int, bytes]]:
        """Encode the tiles of a square."""
        made = []
        for tile, part in self._parts(self._pyramid.levels[rung], row, column, pixels):
            own = part.copy()
            if rung:
                self._cut(tile, own)
            data = self._encoder.encode(own)
            if data is not None:
                made.append((rung, tile.row, tile.column, data))
        return made
