"""Work in groups: everything is done once and in order, whoever waits for it is told what went wrong."""

from __future__ import annotations

import threading
import time

import pytest

from tilepack.disk.groups import GroupWorker


def test_everything_is_worked_off_once_and_in_order():
    done: list[int] = []
    worker = GroupWorker(done.extend, "test")
    for number in range(1000):
        worker.hand_over(number, 1)
    worker.finish()
    assert done == list(range(1000))


def test_what_comes_meanwhile_is_one_group():
    groups: list[list[str]] = []
    first_is_at_work, may_go_on = threading.Event(), threading.Event()

    def work(items):
        groups.append(list(items))
        first_is_at_work.set()
        may_go_on.wait(10)

    worker = GroupWorker(work, "test")
    worker.hand_over("a", 1)
    first_is_at_work.wait(10)
    for item in "bcd":
        worker.hand_over(item, 1)
    may_go_on.set()
    worker.finish()
    assert groups == [["a"], ["b", "c", "d"]]


def test_a_failure_reaches_whoever_hands_over_or_waits():
    worker = GroupWorker(lambda _: 1 / 0, "test")

    def hand_over_until_it_fails() -> None:
        while True:
            worker.hand_over("x", 1)
            time.sleep(0.01)

    with pytest.raises(ZeroDivisionError):
        hand_over_until_it_fails()
    with pytest.raises(ZeroDivisionError):
        worker.finish()
    with pytest.raises(ZeroDivisionError):  # and whoever clears up after that
        worker.finish()


def test_too_much_that_waits_holds_up_whoever_hands_over():
    may_go_on = threading.Event()
    worker = GroupWorker(lambda _: may_go_on.wait(10), "test")
    worker.hand_over("large", 1 << 40)
    other = threading.Thread(target=worker.hand_over, args=("next", 1))
    other.start()
    other.join(0.1)
    assert other.is_alive()
    may_go_on.set()
    other.join(10)
    assert not other.is_alive()
    worker.finish()


def test_nothing_handed_over_is_nothing_to_wait_for():
    worker = GroupWorker(lambda _: None, "test")
    worker.finish()
    worker.finish()
