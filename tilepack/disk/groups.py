"""Work that costs as much for many as for one, done for all that has come together meanwhile.

Waiting for the disk is such work: whoever waits for one file has waited for all that were written before. So one thread
takes what was handed over while it was busy, and does it at once; those who hand over need not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

MOST_TOGETHER = 1024
"""Items of a group; one at a time makes the steps of some work the same in every run."""

_MOST_WAITING: Final = 512 << 20
"""Bytes that wait, beyond which whoever hands over more has to wait, too."""


class GroupWorker(Generic[Item]):
    """Works items off in the order in which they were handed over, in groups, in a thread of its own."""

    def __init__(self, work: Callable[[Sequence[Item]], None], name: str) -> None:
        """Begin once there is something to do.

        Args:
            work: Works off a group.
            name: Of the thread.
        """
        self._work = work
        self._name = name
        self._waiting: list[tuple[Item, int]] = []
        self._bytes = 0
        self._failure: BaseException | None = None
        self._is_ending = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def hand_over(self, item: Item, size: int) -> None:
        """Hand an item over, to be worked off some time.

        Args:
            item: The item.
            size: Bytes that it stands for.

        Raises:
            BaseException: What made an earlier group fail; this item is worked off no more then.
        """
        with self._changed:
            while self._bytes > _MOST_WAITING and self._failure is None and not self._is_ending:
                self._changed.wait()
            self._waiting.append((item, size))
            self._bytes += size
            if self._failure is not None:
                raise self._failure
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name)
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        while group := self._next():
            try:
                self._work([item for item, _ in group])
            except BaseException as error:  # noqa: BLE001  it is raised where somebody waits
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
            with self._changed:
                del self._waiting[: len(group)]
                self._bytes -= sum(size for _, size in group)
                self._changed.notify_all()

    def _next(self) -> list[tuple[Item, int]]:
        """Wait for a group; give none when there will be no more."""
        with self._changed:
            while not self._waiting and not self._is_ending:
                self._changed.wait()
            return self._waiting[:MOST_TOGETHER]

    def finish(self) -> None:
        """Wait until everything is worked off.

        Raises:
            BaseException: What made a group fail.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure
