"""Work for many threads whose results are wanted in order, a few ahead of the one that is waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Final, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_AHEAD: Final = 64
"""Results that wait for one before them, so that memory stays flat."""


def in_order(items: Iterable[tuple[Key, Value | Callable[[], Value]]], pool: Executor) -> Iterator[tuple[Key, Value]]:
    """Yield keys with their values in order; values that are still to be worked out are so by a pool.

    Args:
        items: Keys, each with its value or with what gives it. Values cannot be called.
        pool: Where they are worked out.
    """
    waiting: deque[tuple[Key, Value | Future[Value]]] = deque()
    for key, value in items:
        waiting.append((key, pool.submit(value) if callable(value) else value))
        while waiting and (len(waiting) > _AHEAD or _is_there(waiting[0][1])):
            yield _next(waiting)
    while waiting:
        yield _next(waiting)


def _next(waiting: deque[tuple[Key, Value | Future[Value]]]) -> tuple[Key, Value]:
    key, value = waiting.popleft()
    return key, value.result() if isinstance(value, Future) else value


def _is_there(value: object) -> bool:
    return not isinstance(value, Future) or value.done()
