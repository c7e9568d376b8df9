"""The order of each sender, over brokers that keep none, and that may bring a message twice."""

from __future__ import annotations

import random

import pytest

from socketio_asgi.adapters.cluster.sequences import (
    HOLD_SECONDS,
    MAX_BEFORE,
    MAX_HELD_BYTES,
    MAX_LATE,
    MAX_SENDERS,
    PATIENT_SECONDS,
    Sequences,
)
from tests.support.clock import Clock

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Receiver:
    """Sequences on a clock of the test, and what they have handed on."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.got: list[str] = []
        self.sequences: Sequences[str] = Sequences(self.clock.runtime(), self.got.append)

    def add(self, *numbers: int, stream: str = "a", size: int = 1) -> list[str]:
        """Take messages; returns what was handed on."""
        self.got.clear()
        for number in numbers:
            self.sequences.add(stream, number, f"{stream}{number}", size)
        return list(self.got)

    def wait(self, seconds: float) -> list[str]:
        """Let time pass; returns what was handed on."""
        self.got.clear()
        self.clock.advance(seconds)
        return list(self.got)


async def test_messages_in_order_do_not_wait() -> None:
    receiver = Receiver()
    assert receiver.add(1, 2, 3) == ["a1", "a2", "a3"]


async def test_one_that_is_early_waits_for_those_before_it() -> None:
    receiver = Receiver()
    assert receiver.add(1, 3, 5, 4) == ["a1"]
    assert receiver.add(2) == ["a2", "a3", "a4", "a5"]
    assert receiver.wait(HOLD_SECONDS * 2) == []


async def test_one_that_comes_twice() -> None:
    receiver = Receiver()
    assert receiver.add(1, 1, 2, 4, 4) == ["a1", "a2"]
    assert receiver.add(3, 3, 4, 2, 1) == ["a3", "a4"]
    assert receiver.add(*range(5, 5000)) == [f"a{number}" for number in range(5, 5000)]
    assert receiver.add(5, 4999) == []


async def test_senders_do_not_wait_for_one_another() -> None:
    receiver = Receiver()
    assert receiver.add(1, 3) == ["a1"]
    assert receiver.add(7, 8, stream="b") == ["b7", "b8"]
    assert receiver.add(2) == ["a2", "a3"]


async def test_what_is_missing_is_given_up() -> None:
    receiver = Receiver()
    assert receiver.add(1, 3, 4) == ["a1"]
    assert receiver.wait(HOLD_SECONDS * 0.9) == []
    assert receiver.add(6) == []
    assert receiver.wait(HOLD_SECONDS * 0.2) == ["a3", "a4"]
    assert receiver.wait(HOLD_SECONDS * 0.9) == ["a6"]


async def test_what_was_given_up_comes_late_and_once() -> None:
    receiver = Receiver()
    receiver.add(1, 4)
    assert receiver.wait(HOLD_SECONDS * 2) == ["a4"]
    assert receiver.add(3, 3, 2, 5) == ["a3", "a2", "a5"]
    assert receiver.add(2, 3, 4) == []


async def test_the_first_one_need_not_be_number_one() -> None:
    """A server that begins to listen does not know what was sent before."""
    receiver = Receiver()
    assert receiver.add(1000) == ["a1000"]
    assert receiver.add(999, 999, 1000 - MAX_BEFORE) == ["a999", f"a{1000 - MAX_BEFORE}"]
    assert receiver.add(1001, 1000 - MAX_BEFORE - 1) == ["a1001"]


async def test_a_release() -> None:
    receiver = Receiver()
    receiver.add(1, 3, 7)
    receiver.add(4, 6, stream="b")
    receiver.got.clear()
    receiver.sequences.release()
    assert receiver.got == ["a3", "a7", "b6"]
    assert receiver.add(5, 8) == ["a5", "a8"]
    assert receiver.wait(HOLD_SECONDS * 2) == []


async def test_while_the_broker_is_away_nothing_is_missing() -> None:
    receiver = Receiver()
    receiver.add(1, 3)
    receiver.sequences.pause()
    assert receiver.wait(HOLD_SECONDS * 10) == []
    later: list[str] = []
    receiver.sequences.resume(later.append)
    assert receiver.wait(HOLD_SECONDS * 0.9) == []
    receiver.add(2)
    assert later == ["a2", "a3"]
    receiver.add(5)
    receiver.wait(HOLD_SECONDS * 1.1)
    assert later == ["a2", "a3", "a5"]


async def test_more_time_while_messages_are_delayed() -> None:
    receiver = Receiver()
    receiver.add(1)
    receiver.sequences.be_patient(10)
    receiver.add(3)
    assert receiver.wait(PATIENT_SECONDS * 0.9) == []
    assert receiver.wait(PATIENT_SECONDS * 0.2) == ["a3"]
    receiver.wait(10)
    receiver.add(5)
    assert receiver.wait(HOLD_SECONDS * 1.1) == ["a5"]


async def test_too_many_bytes_do_not_wait() -> None:
    receiver = Receiver()
    assert receiver.add(1, 3, size=MAX_HELD_BYTES) == ["a1"]
    assert receiver.add(2, stream="b") == ["b2"]
    assert receiver.add(5, size=MAX_HELD_BYTES) == ["a3", "a5"]
    assert receiver.add(7, size=MAX_HELD_BYTES) == []


async def test_what_is_remembered_has_limits() -> None:
    receiver = Receiver()
    receiver.add(1, MAX_LATE * 10)
    receiver.wait(HOLD_SECONDS * 2)
    assert receiver.add(MAX_LATE * 9 - 1, MAX_LATE * 9) == [f"a{MAX_LATE * 9}"]
    receiver.add(3, 5, stream="old")
    for number in range(MAX_SENDERS):
        receiver.add(1, stream=f"{number}-")
    assert "old5" in receiver.got  # it was handed on when its sender was forgotten
    assert len(receiver.sequences._streams) == MAX_SENDERS
    assert receiver.wait(HOLD_SECONDS * 2) == []


@pytest.mark.parametrize("seed", range(20))
async def test_any_disorder_becomes_order(seed: int) -> None:
    """Doubled and shuffled within a window, as queues do it."""
    chance = random.Random(seed)
    receiver = Receiver()
    waiting = [number for number in range(1, 301) for _ in range(chance.choice((1, 1, 2)))]
    window: list[int] = []
    got = receiver.add(1)
    for number in waiting:
        window.append(number)
        if len(window) > 10:
            got += receiver.add(window.pop(chance.randrange(len(window))))
    chance.shuffle(window)
    got += receiver.add(*window)
    assert got == [f"a{number}" for number in range(1, 301)]
