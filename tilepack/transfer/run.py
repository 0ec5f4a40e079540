"""Working off a plan: bundles in parallel, all or nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import StorageFormat
from tilepack.disk.container import creation_time
from tilepack.errors import TransferError
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, TileKey
from tilepack.pixels.thumbnail import draw_thumbnail
from tilepack.spatial import to_degrees
from tilepack.stores.base import PackageItem, SupportsRawRead, SupportsRawWrite, TileReader, TileWriter
from tilepack.stores.targets import create_target
from tilepack.transfer.plan import Action, BundleTask, TransferPlan

Progress = Callable[[int, int], None]
"""Called with tiles and bytes moved since the last call, from any thread."""

_SLICE_ROWS: Final = 16
"""Rows of an exploded window that one thread writes; a window is split when it holds more than a slice's tiles."""

_REPORT_TILES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """What was done."""

    plan: TransferPlan
    tiles: int
    """Number of tiles moved."""
    tile_bytes: int
    """Bytes moved."""
    seconds: float
    """From the first bundle to the rename."""

    def as_json(self) -> dict[str, object]:
        """Give the result's figures as JSON's values."""
        return {
            **self.plan.as_json(),
            "tiles": self.tiles,
            "tileBytes": self.tile_bytes,
            "seconds": round(self.seconds, 3),
        }


class _Stopped(Exception):  # noqa: N818  no error: the work was called off elsewhere
    """Another bundle failed, or the user had enough."""


class _Counter:
    """Counts what was moved, passes it on, and ends the work when it is called off."""

    def __init__(self, progress: Progress | None) -> None:
        self.tiles = 0
        self.bytes = 0
        self.stopped = threading.Event()
        self._progress = progress
        self._lock = threading.Lock()

    def add(self, tiles: int, count: int) -> None:
        if self.stopped.is_set():
            raise _Stopped
        with self._lock:
            self.tiles += tiles
            self.bytes += count
            if self._progress is not None:
                self._progress(tiles, count)

    def add_bytes(self, count: int) -> None:
        self.add(0, count)

    def watch(self, tiles: Iterator[tuple[TileKey, bytes]]) -> Iterator[tuple[TileKey, bytes]]:
        number = size = 0
        for tile in tiles:
            yield tile
            number += 1
            size += len(tile[1])
            if number == _REPORT_TILES:
                self.add(number, size)
                number = size = 0
        self.add(number, size)


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
    counter = _Counter(progress)
    _out_of_reach(lambda: _carry_out(plan, reader, counter, jobs or os.cpu_count() or 1), counter)
    return TransferResult(plan=plan, tiles=counter.tiles, tile_bytes=counter.bytes, seconds=time.monotonic() - begun)


def _out_of_reach(work: Callable[[], None], counter: _Counter) -> None:
    """Work in a thread that Ctrl-C does not reach, so that it stops between two steps and clears up undisturbed.

    An exception that may come out of any line of the main thread (KeyboardInterrupt) could come between a file's making
    and its being remembered, and leave it behind.
    """
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            counter.add(0, 0)
            work()
        except BaseException as error:  # noqa: BLE001  it is raised again below
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    thread = threading.Thread(target=run, name="tilepack")
    try:
        thread.start()
        while not outcome.done():
            wait([outcome], timeout=1)  # in turns of a second: Windows hears Ctrl-C only between waits
    except BaseException:
        counter.stopped.set()
        while thread.is_alive():
            thread.join(1)
        raise
    outcome.result()


def _carry_out(plan: TransferPlan, reader: TileReader, counter: _Counter, jobs: int) -> None:
    writer = create_target(plan.target, plan.kind, plan.info, replace=plan.replace)
    try:
        for task in plan.tasks:
            writer.reserve(task.bundle, task.slot_bytes)
        _move_all(plan, reader, writer, counter, jobs)
        for name, data in reader.substitutes.items():
            writer.write_substitute(name, data)
        item = _package_item(plan, reader)
        counter.add(0, 0)
        writer.commit(plan.info, item)
    except BaseException:
        writer.abort()
        raise


def _move_all(plan: TransferPlan, reader: TileReader, writer: TileWriter, counter: _Counter, jobs: int) -> None:
    pool = ThreadPoolExecutor(jobs, "tilepack")
    futures: list[Future[None]] = []
    try:
        for task in plan.tasks:
            futures += [
                pool.submit(_move, task, part, reader, writer, counter)
                for part in _parts(task, plan.kind.storage_format)
            ]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        failed = [error for future in done if (error := future.exception())]
        if failed:
            raise failed[0]
    except BaseException:
        counter.stopped.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _parts(task: BundleTask, storage_format: StorageFormat) -> list[NDArray[np.bool_] | None]:
    """Split a window whose tiles become files, so that one large window keeps all threads busy."""
    if storage_format is not StorageFormat.EXPLODED or task.tiles <= _SLICE_ROWS * PACKET_SIZE:
        return [None]
    parts: list[NDArray[np.bool_] | None] = []
    for start in range(0, TILES_PER_BUNDLE, _SLICE_ROWS * PACKET_SIZE):
        wanted = np.zeros(TILES_PER_BUNDLE, np.bool_)
        wanted[start : start + _SLICE_ROWS * PACKET_SIZE] = True
        parts.append(wanted)
    return parts


def _move(
    task: BundleTask, wanted: NDArray[np.bool_] | None, reader: TileReader, writer: TileWriter, counter: _Counter
) -> None:
    counter.add(0, 0)
    if task.action is Action.REPACK:
        writer.write_bundle(task.bundle, counter.watch(reader.tiles(task.bundle, wanted)), task.slot_bytes)
        return
    if not (isinstance(reader, SupportsRawRead) and isinstance(writer, SupportsRawWrite)):
        raise TypeError("a plan to copy needs a source and a target of bundles")
    raw = reader.raw(task.bundle)
    if raw is None or raw.slot_bytes != task.slot_bytes:
        raise TransferError(f"{reader.place}: bundle {task.bundle} changed while it was being worked on; start again")
    with raw.data:
        writer.write_raw(raw, counter.add_bytes)
    counter.add(task.tiles, -LENGTH_PREFIX * task.tiles)  # the lengths went by too, but are no tiles' data


def _package_item(plan: TransferPlan, reader: TileReader) -> PackageItem:
    """Make what packages and folders that are ready to serve say beyond their cache."""
    info = plan.info
    degrees = thumbnail = None
    described = plan.kind.is_package or plan.kind.ready_to_serve
    if described and info.extent is not None:
        degrees = to_degrees(info.extent, info.scheme.spatial_reference)
        ranges = [(tiles.level, tiles) for tiles in plan.occupied]
        thumbnail = draw_thumbnail(reader.read, info.scheme, info.extent, ranges)
    return PackageItem(guid=plan.guid, created=creation_time(), degrees=degrees, thumbnail=thumbnail or b"")
