"""The order of each sender, over brokers that keep none, and that may bring a message twice.

Senders of ours number the messages that all servers get. One that comes too early waits for those
before it; what does not come in time is given up, and delivered late if it comes after all. One
that has come already is known by its number, however long ago that was.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from ...runtime import Runtime
from ...runtime.deadlines import DeadlineQueue

HOLD_SECONDS = 0.5
"""The time that a message waits for those before it."""

PATIENT_SECONDS = 5.0
"""The same while it is known that messages are delayed."""

MAX_HELD_BYTES = 16 * 1024 * 1024
"""The most bytes of messages that wait, all together."""

MAX_LATE = 1000
"""The most numbers of one sender that are given up, and may come yet."""

MAX_BEFORE = 100
"""The most numbers before the first message that came from a sender, which may come yet."""

MAX_SENDERS = 4096
"""The most senders that are remembered."""

ItemT = TypeVar("ItemT")


class Sequences(Generic[ItemT]):
    """Puts the messages of each sender into their order.

    Args:
        runtime: The event loop.
        hand_on: Called with each message, in order.
    """

    def __init__(self, runtime: Runtime, hand_on: Callable[[ItemT], object]) -> None:
        self._runtime = runtime
        self._hand_on = hand_on
        self._paused = False
        self._patient_until = 0.0
        self._streams: OrderedDict[str, _Stream[ItemT]] = OrderedDict()
        self._bytes = 0
        self._deadlines: DeadlineQueue[tuple[str, int]] = DeadlineQueue(
            runtime, HOLD_SECONDS, self._on_late
        )
        self._patient_deadlines: DeadlineQueue[tuple[str, int]] = DeadlineQueue(
            runtime, PATIENT_SECONDS, self._on_late
        )

    # -- while the broker is away --------------------------------------------------------------

    def pause(self) -> None:
        """Let everything that waits wait on: nothing is missing while nothing is read."""
        self._paused = True

    def resume(self, hand_on: Callable[[ItemT], object]) -> None:
        """Go on.

        Args:
            hand_on: Called with each message from now on.
        """
        self._paused, self._hand_on = False, hand_on
        for name, stream in self._streams.items():
            for number in stream.held:
                self._discard(name, number)
                self._wait_for_earlier(name, number)

    def be_patient(self, seconds: float) -> None:
        """Give what is missing more time, for so long: the broker has it, and will bring it."""
        self._patient_until = self._runtime.now() + seconds

    # -- messages ------------------------------------------------------------------------------

    def add(self, name: str, number: int, item: ItemT, size: int) -> None:
        """Take a message.

        Args:
            name: The stream that it belongs to.
            number: Its number there; the first one is 1.
            item: The message.
            size: Its size, in bytes.
        """
        stream = self._stream(name, number)
        if number < stream.next:
            if number in stream.late:
                del stream.late[number]
                self._hand_on(item)
            return
        if number in stream.held:
            return
        stream.held[number] = item, size
        self._bytes += size
        if number != stream.next:
            self._wait_for_earlier(name, number)
        self._drain(name, stream)
        if self._bytes > MAX_HELD_BYTES:
            self.release()

    def release(self) -> None:
        """Hand on everything that waits."""
        for name, stream in self._streams.items():
            while stream.held:
                self._give_up(name, stream)

    def _wait_for_earlier(self, name: str, number: int) -> None:
        patient = self._runtime.now() < self._patient_until
        deadlines = self._patient_deadlines if patient else self._deadlines
        deadlines.add((name, number))

    def _discard(self, name: str, number: int) -> None:
        self._deadlines.discard((name, number))
        self._patient_deadlines.discard((name, number))

    def _stream(self, name: str, number: int) -> _Stream[ItemT]:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Stream(number)
            if len(self._streams) > MAX_SENDERS:
                oldest, forgotten = next(iter(self._streams.items()))
                while forgotten.held:
                    self._give_up(oldest, forgotten)
                del self._streams[oldest]
        self._streams.move_to_end(name)
        return stream

    def _drain(self, name: str, stream: _Stream[ItemT]) -> None:
        while (waiting := stream.held.pop(stream.next, None)) is not None:
            item, size = waiting
            self._bytes -= size
            self._discard(name, stream.next)
            stream.next += 1
            self._hand_on(item)

    def _on_late(self, key: tuple[str, int]) -> None:
        if self._paused:
            return
        name, number = key
        stream = self._streams[name]
        while number in stream.held:
            self._give_up(name, stream)

    def _give_up(self, name: str, stream: _Stream[ItemT]) -> None:
        """Wait no longer for what is missing before the next message."""
        if stream.held:
            stream.skip_to(min(stream.held))
            self._drain(name, stream)


class _Stream(Generic[ItemT]):
    """What has come from one sender.

    Args:
        number: The first number that came.

    Attributes:
        next: The number that is due.
        held: What came too early, and its size.
        late: The numbers that were given up, and may come yet.
    """

    __slots__ = ("held", "late", "next")

    def __init__(self, number: int) -> None:
        self.next: int = max(1, number - MAX_BEFORE)
        self.held: dict[int, tuple[ItemT, int]] = {}
        self.late: OrderedDict[int, None] = OrderedDict()
        # Nobody knows what was sent before this server listened.
        self.skip_to(number)

    def skip_to(self, number: int) -> None:
        """Give up all numbers before that."""
        for missing in range(max(self.next, number - MAX_LATE), number):
            self.late[missing] = None
        while len(self.late) > MAX_LATE:
            self.late.popitem(last=False)
        self.next = number
