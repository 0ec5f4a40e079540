"""Steps are taken by many threads, few of them waiting at any time, and the first failure ends the work."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from tilepack.transfer.counting import Counter
from tilepack.transfer.working import AHEAD, work_off

STEPS = 1000
THREADS = pytest.mark.parametrize("jobs", [1, 3])


@THREADS
def test_steps_are_asked_for_as_others_are_done(jobs):
    """Each may hold what it works on, and their number grows with the cache."""
    done: list[int] = []
    ahead: list[int] = []

    def steps():
        for number in range(STEPS):
            ahead.append(number - len(done))
            yield partial(done.append, number)

    work_off(steps(), jobs, Counter(None))
    assert sorted(done) == list(range(STEPS))
    assert max(ahead) <= AHEAD * jobs


def test_one_thread_takes_steps_in_their_order():
    done: list[int] = []
    work_off((partial(done.append, number) for number in range(STEPS)), 1, Counter(None))
    assert done == list(range(STEPS))


@THREADS
def test_first_failure_ends_the_work(jobs):
    begun: list[int] = []
    counter = Counter(None)

    def step(number: int) -> None:
        begun.append(number)
        if number == 100:
            raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        work_off((partial(step, number) for number in range(STEPS)), jobs, counter)
    assert counter.stopped.is_set()
    assert max(begun) <= 100 + AHEAD * jobs
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tilepack_")]


def test_failure_of_the_last_step_is_told():
    def fail() -> None:
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        work_off([fail], 2, Counter(None))


def test_failure_of_whoever_gives_the_steps_ends_the_work():
    done: list[int] = []
    counter = Counter(None)

    def steps():
        yield partial(done.append, 1)
        raise ValueError("the index is damaged")

    with pytest.raises(ValueError, match="the index is damaged"):
        work_off(steps(), 2, counter)
    assert counter.stopped.is_set()
