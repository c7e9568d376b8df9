"""Deadlines behind one timer, on a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi.runtime.deadlines import SLACK_SECONDS, DeadlineQueue


class FakeTimer:
    def __init__(self, due: float, callback: Callable[[], object]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """As much of a runtime as the queue uses; time passes by :meth:`advance` only."""

    def __init__(self) -> None:
        self.time = 0.0
        self.timers: list[FakeTimer] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], object]) -> FakeTimer:
        self.timers.append(FakeTimer(self.time + delay, callback))
        return self.timers[-1]

    @property
    def pending(self) -> list[FakeTimer]:
        return sorted((t for t in self.timers if not t.cancelled), key=lambda t: t.due)

    def stall(self, to: float) -> None:
        self.time = to

    def advance(self, to: float) -> None:
        while self.pending and self.pending[0].due <= to:
            timer = self.pending[0]
            self.timers.remove(timer)
            self.time = max(self.time, timer.due)
            timer.callback()
        self.time = to


@pytest.fixture
def clock() -> Clock:
    return Clock()


def queue(
    clock: Clock, delay: float, callback: Callable[[str], object], *, lenient: bool = False
) -> DeadlineQueue[str]:
    runtime: Any = clock
    return DeadlineQueue(runtime, delay, callback, lenient=lenient)


class Noted:
    """A lenient queue with a delay of 10, and when its items were called."""

    def __init__(self, clock: Clock) -> None:
        self.met: list[tuple[str, float]] = []
        self.deadlines = queue(
            clock, 10, lambda item: self.met.append((item, round(clock.time, 1))), lenient=True
        )


def test_a_late_timer_gives_another_chance(clock: Clock) -> None:
    noted = Noted(clock)
    noted.deadlines.add("silent")
    noted.deadlines.add("answers")
    clock.advance(5)
    noted.deadlines.add("later")
    clock.stall(13)  # three seconds too late for two of them
    clock.advance(13)
    assert noted.met == []
    noted.deadlines.discard("answers")
    clock.advance(30)
    assert noted.met == [("silent", 16.0), ("later", 16.0)]  # in the order of their deadlines


def test_there_is_one_chance_for_each(clock: Clock) -> None:
    noted = Noted(clock)
    noted.deadlines.add("first")
    clock.advance(5)
    noted.deadlines.add("second")
    clock.stall(12)
    clock.advance(12)  # late for the first
    clock.stall(20)
    clock.advance(20)  # late for both: the first has had its chance
    assert noted.met == [("first", 20.0)]
    clock.advance(40)
    assert [item for item, _ in noted.met] == ["first", "second"]
    noted.deadlines.add("first")  # anew
    clock.stall(60)
    clock.advance(60)
    assert len(noted.met) == 2


def test_no_chance_is_longer_than_the_delay(clock: Clock) -> None:
    noted = Noted(clock)
    noted.deadlines.add("a")
    clock.stall(1000)
    clock.advance(1000)
    assert noted.met == []
    clock.advance(1010)
    assert noted.met == [("a", 1010.0)]


def test_a_timer_that_is_a_little_late(clock: Clock) -> None:
    noted = Noted(clock)
    noted.deadlines.add("a")
    clock.stall(10.05)
    clock.advance(10.05)
    assert [item for item, _ in noted.met] == ["a"]


def test_a_late_timer_is_enough_for_most_queues(clock: Clock) -> None:
    met: list[str] = []
    deadlines = queue(clock, 10, met.append)
    deadlines.add("a")
    clock.stall(20)
    clock.advance(20)
    assert met == ["a"]


def test_each_item_is_due_after_the_delay(clock: Clock) -> None:
    met: list[tuple[str, float]] = []
    deadlines = queue(clock, 10, lambda item: met.append((item, clock.time)))
    for second, item in enumerate("abc"):
        clock.advance(second)
        deadlines.add(item)
    assert deadlines.items() == ["a", "b", "c"]
    clock.advance(9.9)
    assert met == []
    clock.advance(100)
    assert [item for item, _ in met] == ["a", "b", "c"]
    for (_, time), due in zip(met, (10, 11, 12), strict=True):
        assert due - SLACK_SECONDS <= time <= due
    assert len(deadlines) == 0
    assert clock.pending == []


def test_one_timer_for_all(clock: Clock) -> None:
    deadlines = queue(clock, 10, str)
    for item in "abcdefgh":
        deadlines.add(item)
    assert len(clock.pending) == 1


def test_moving_a_deadline(clock: Clock) -> None:
    met: list[str] = []
    deadlines = queue(clock, 10, met.append)
    deadlines.add("a")
    deadlines.add("b")
    clock.advance(5)
    deadlines.add("a")
    clock.advance(10)
    assert met == ["b"]
    clock.advance(15)
    assert met == ["b", "a"]


def test_discarding(clock: Clock) -> None:
    met: list[str] = []
    deadlines = queue(clock, 10, met.append)
    deadlines.add("a")
    deadlines.add("b")
    deadlines.discard("a")
    deadlines.discard("unknown")
    clock.advance(10)
    assert met == ["b"]
    deadlines.add("c")
    deadlines.discard("c")
    assert clock.pending == []
    clock.advance(30)
    assert met == ["b"]


def test_adding_from_the_callback_delays_nobody_else(clock: Clock) -> None:
    met: list[tuple[str, int]] = []

    def again(item: str) -> None:
        met.append((item, round(clock.time)))
        if item == "a" and len(met) < 4:
            deadlines.add("a")

    deadlines = queue(clock, 10, again)
    deadlines.add("a")
    clock.advance(5)
    deadlines.add("b")
    clock.advance(100)
    assert met == [("a", 10), ("b", 15), ("a", 20), ("a", 30)]
    assert clock.pending == []


def test_discarding_from_the_callback(clock: Clock) -> None:
    met: list[str] = []

    def discard_all(item: str) -> None:
        met.append(item)
        for other in "abc":
            deadlines.discard(other)

    deadlines = queue(clock, 10, discard_all)
    for item in "abc":
        deadlines.add(item)
    clock.advance(100)
    assert met == ["a"]
    assert clock.pending == []


def test_a_failing_callback_does_not_keep_others(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    met: list[str] = []

    def fail_once(item: str) -> None:
        met.append(item)
        if item == "a":
            raise LookupError("from a callback")

    deadlines = queue(clock, 10, fail_once)
    deadlines.add("a")
    deadlines.add("b")
    clock.advance(20)
    assert met == ["a", "b"]
    assert "from a callback" in caplog.text
