"""Counting what was moved, and calling the work off: from a thread that failed, or from the user's Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Final, TypeVar

from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.stores.base import Piece, RawBundle

Progress = Callable[[int, int], None]
"""Called with tiles and bytes moved since the last call, from any thread."""

Finishing = Callable[[int, int], None]
"""Called with what is done and how much there is, while one file is written anew at the end."""

_AnyPiece = TypeVar("_AnyPiece", bound=Piece)

_REPORT_TILES: Final = 64
"""Tiles after which progress is told."""


class Stopped(Exception):  # noqa: N818  no error: the work was called off elsewhere
    """Another bundle failed, or the user had enough."""


class Counter:
    """Counts what was moved, passes it on, and ends the work when it is called off. Safe to share among threads."""

    def __init__(self, progress: Progress | None, finishing: Finishing | None = None) -> None:
        self.tiles = 0
        self.bytes = 0
        self.stopped = threading.Event()
        self._progress = progress
        self._finishing = finishing
        self._lock = threading.Lock()

    def add(self, tiles: int, count: int) -> None:
        """Count tiles and bytes.

        Raises:
            Stopped: The work was called off.
        """
        if self.stopped.is_set():
            raise Stopped
        with self._lock:
            self.tiles += tiles
            self.bytes += count
            if self._progress is not None:
                self._progress(tiles, count)

    def finish(self, done: int, total: int) -> None:
        """Tell how much of what is written at the end is done.

        Raises:
            Stopped: The work was called off.
        """
        self.add(0, 0)
        if self._finishing is not None:
            self._finishing(done, total)

    def add_bytes(self, count: int) -> None:
        """Count bytes of tiles that are not yet through.

        Raises:
            Stopped: The work was called off.
        """
        self.add(0, count)

    def watch(self, pieces: Iterator[_AnyPiece]) -> Iterator[_AnyPiece]:
        """Count tiles, and runs of tiles, as they pass.

        Raises:
            Stopped: The work was called off.
        """
        number = size = 0
        for piece in pieces:
            yield piece
            if isinstance(piece, RawBundle):
                number += len(piece.order)
                size += piece.slot_bytes - LENGTH_PREFIX * len(piece.order)
            else:
                number += 1
                size += len(piece[1])
            if number >= _REPORT_TILES:
                self.add(number, size)
                number = size = 0
        self.add(number, size)


def out_of_reach(work: Callable[[], None], counter: Counter) -> None:
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
