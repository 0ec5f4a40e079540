"""Steps taken by many threads in any order, few of them waiting at any time; the first failure ends the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Final

from tilepack.transfer.counting import Counter

AHEAD: Final = 32
"""Steps handed out for each thread: so many that none idles, so few that memory does not grow with their number."""


def work_off(steps: Iterable[Callable[[], None]], jobs: int, counter: Counter) -> None:
    """Take steps until all are done or one fails; the others are called off then, and waited for.

    Args:
        steps: They begin in this order, and are asked for one by one.
        jobs: Threads.
        counter: Told to stop when a step fails.

    Raises:
        BaseException: What the step raised that failed, or whoever gives the steps.
    """
    pool = ThreadPoolExecutor(jobs, "tilepack")
    waiting: set[Future[None]] = set()
    try:
        for step in steps:
            waiting.add(pool.submit(step))
            if len(waiting) >= AHEAD * jobs:
                waiting = _still_waiting(waiting, FIRST_COMPLETED)
        _still_waiting(waiting, FIRST_EXCEPTION)
    except BaseException:
        counter.stopped.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _still_waiting(futures: set[Future[None]], until: str) -> set[Future[None]]:
    """Wait for some steps; give those that are not done yet, or raise what one of the others raised."""
    done, waiting = wait(futures, return_when=until)
    for future in done:
        future.result()
    return waiting
