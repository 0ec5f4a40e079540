"""Progress on stderr, shown to people only: nothing is drawn unless stderr is a terminal.

Rich decides what a terminal is; its variables ``TTY_INTERACTIVE`` and ``FORCE_COLOR`` overrule it.
"""

from __future__ import annotations

import time
from typing import Final, Self

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from tilepack_cli.consoles import messages
from tilepack_cli.figures import count, size

_EVERY: Final = 0.1
"""Seconds between two looks at the figures."""


class _Bytes(ProgressColumn):
    """Bytes moved, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        if not task.total or not task.fields.get("in_bytes", True):
            return Text()
        rate = size(task.finished_speed or task.speed or 0)
        return Text(f"{size(task.completed)}/{size(task.total)}  {rate}/s", style="progress.download")


class _Shown:
    """A line on stderr that is redrawn while work goes on, and is gone after it."""

    def __init__(self, *columns: ProgressColumn, quiet: bool) -> None:
        self.console = messages()
        self._shown = not quiet and self.console.is_interactive
        self._progress = Progress(*columns, console=self.console, transient=True, disable=not self._shown)
        self._next = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _is_due(self) -> bool:
        """Tell whether to look at the figures again: callers report far oftener than anybody looks."""
        if not self._shown or (now := time.monotonic()) < self._next:
            return False
        self._next = now + _EVERY
        return True


class Looking(_Shown):
    """Counts the bundles looked at."""

    def __init__(self, *, quiet: bool) -> None:
        """Start at 0.

        Args:
            quiet: Show nothing.
        """
        super().__init__(SpinnerColumn(), TextColumn("{task.description}"), quiet=quiet)
        self._bundles = 0
        self._task = self._progress.add_task("looking at bundles", total=None)

    def more(self, bundles: int) -> None:
        """Count bundles looked at since the last call."""
        self.so_far(self._bundles + bundles)

    def so_far(self, bundles: int) -> None:
        """Tell how many bundles were looked at until now."""
        self._bundles = bundles
        if self._is_due():
            self._progress.update(self._task, description=f"looked at {count(bundles)} bundles")


class Working(_Shown):
    """A bar of what is done, of how much."""

    def __init__(self, doing: str, *, quiet: bool) -> None:
        """Start before anything is known.

        Args:
            doing: What is being done, in a word: ``comparing``.
            quiet: Show nothing.
        """
        super().__init__(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None),
            TaskProgressColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            quiet=quiet,
        )
        self._progress.expand = True
        self._task = self._progress.add_task(doing, total=None)

    def so_far(self, done: float, total: int) -> None:
        """Tell how much of how much is done."""
        if done == total or self._is_due():
            self._progress.update(self._task, completed=done, total=total)


class Drawing(_Shown):
    """Counts the tiles laid for a picture."""

    def __init__(self, *, quiet: bool) -> None:
        """Start at 0.

        Args:
            quiet: Show nothing.
        """
        super().__init__(SpinnerColumn(), TextColumn("{task.description}"), quiet=quiet)
        self._tiles = 0
        self._task = self._progress.add_task("looking at the cache", total=None)

    def more(self, tiles: int) -> None:
        """Count tiles laid since the last call."""
        self._tiles += tiles
        if self._is_due():
            self._progress.update(self._task, description=f"laid {count(self._tiles)} tiles")


class Moving(_Shown):
    """A bar of the bytes moved, with tiles and rate."""

    def __init__(self, *, quiet: bool) -> None:
        """Start before anything is known; ``expect`` tells how much there is.

        Args:
            quiet: Show nothing.
        """
        super().__init__(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None),
            TaskProgressColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            _Bytes(Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            quiet=quiet,
        )
        self._progress.expand = True
        self._tiles = self._bytes = 0
        self._total = self._width = 0
        self._finishing = False
        self._task = self._progress.add_task("looking at the source", total=None)

    def so_far(self, bundles: int) -> None:
        """Tell how many bundles were looked at for the plan until now."""
        if bundles and self._is_due():
            self._progress.update(self._task, description=f"looked at {count(bundles)} bundles")

    def expect(self, tiles: int, data: int) -> None:
        """Tell how many tiles and bytes there are to move."""
        self._total = data
        self._width = len(count(tiles))
        self._progress.reset(self._task, total=data or None, description=self._tiles_so_far())

    def moved(self, tiles: int, data: int) -> None:
        """Count tiles and bytes moved since the last call. Callers take turns."""
        self._tiles += tiles
        self._bytes += data
        if self._total and self._bytes >= self._total:  # what is left: to the disk with it all, and the documents
            if not self._finishing:
                self._finishing = True
                self._progress.update(self._task, completed=self._total, description="finishing")
        elif self._is_due():
            self._progress.update(self._task, completed=self._bytes, description=self._tiles_so_far())

    def writing(self, name: str, done: int, total: int) -> None:
        """Tell how much of a file that is written anew is there.

        Args:
            name: The file's.
            done: Parts of it that are there.
            total: How many there are.
        """
        if not done:  # windows of tiles are counted from now on
            self._progress.reset(self._task, total=total, description=f"writing {name}", in_bytes=False)
        elif self._is_due():
            self._progress.update(self._task, completed=done)

    def _tiles_so_far(self) -> str:
        return f"{count(self._tiles):>{self._width}} tiles"
