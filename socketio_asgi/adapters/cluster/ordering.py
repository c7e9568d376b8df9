"""Delivery in the order of the broker, for namespaces that recover their clients.

Where the broker gives the offsets, an event must not reach a client before those with a smaller
one: the client would ask for what is behind the larger one when it comes back, and the earlier
event would be lost to it. So an event of this process is delivered when it is read back, like those
of other servers; usually that takes less than a millisecond. What is not kept for clients that come
back waits behind it, so that nothing overtakes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from ...runtime import Event, Runtime
from ...runtime.awaitables import Waiting
from ...runtime.deadlines import DeadlineQueue
from .outbox import Refused

READ_BACK_SECONDS = 1.0
"""The time that an event waits for its position, before it is delivered without."""

Deliver = Callable[["str | None"], object]
"""Delivers an event with its position, or without one."""


class BrokerOrder:
    """The events of one namespace that wait to be read back.

    Args:
        runtime: The event loop.
        on_unordered: Called for each event that is delivered without a position.
    """

    def __init__(self, runtime: Runtime, on_unordered: Callable[[], object]) -> None:
        self._runtime = runtime
        self._on_unordered = on_unordered
        self._waiting: OrderedDict[int, _Turn] = OrderedDict()
        self._last = 0
        self._deadlines: DeadlineQueue[int] = DeadlineQueue(
            runtime, READ_BACK_SECONDS, self._settle
        )

    def __len__(self) -> int:
        return len(self._waiting)

    def publish(
        self, deliver: Deliver, send: Callable[[int], Awaitable[str | None]], *, echo: bool
    ) -> Awaitable[None]:
        """Publish an event, and deliver it when it is read back.

        Args:
            deliver: Delivers it to the sockets that are meant now: a client that joins or leaves
                until then makes no difference.
            send: Publishes it under a number.
            echo: Whether it is read back; otherwise the broker's answer has its position.

        Returns:
            An awaitable that ends when the event is delivered and the broker has it.
        """
        self._last += 1
        number = self._last
        # It is often read back before the broker has confirmed it.
        turn = self._waiting[number] = _Turn(deliver)
        self._deadlines.add(number)
        sent = send(number)
        if isinstance(sent, Refused):
            self._settle(number, error=sent.error)
        if echo:
            return Waiting(lambda: self._confirm(number, turn, sent))
        self._runtime.start_background(self._await_position(number, sent))
        return Waiting(lambda: turn.wait(self._runtime))

    async def _confirm(self, number: int, turn: _Turn, sent: Awaitable[str | None]) -> None:
        try:
            await sent
        except Exception as error:
            self._settle(number, error=error)
            raise
        await turn.wait(self._runtime)

    async def _await_position(self, number: int, sent: Awaitable[str | None]) -> None:
        try:
            self._settle(number, await sent)
        except Exception as error:  # noqa: BLE001  # it is raised where the result is awaited
            self._settle(number, error=error)

    def behind(self, act: Callable[[], object]) -> None:
        """Call a function when all events that wait now are delivered; at once when none waits."""
        if not self._waiting:
            act()
            return
        self._last += 1
        turn = self._waiting[self._last] = _Turn(lambda _position: act())
        turn.settled = True

    def read_back(self, number: int, position: str) -> None:
        """Deliver an event of this process that came back, unless it was delivered already."""
        self._settle(number, position)

    def release(self) -> None:
        """Deliver all waiting events without a position: nothing will be read back for now."""
        for number in list(self._waiting):
            self._settle(number)

    def _settle(
        self, number: int, position: str | None = None, error: Exception | None = None
    ) -> None:
        turn = self._waiting.get(number)
        if turn is None or turn.settled:
            return
        self._deadlines.discard(number)
        turn.settled, turn.position, turn.error = True, position, error
        if position is None:
            self._on_unordered()
        while self._waiting:
            first, turn = next(iter(self._waiting.items()))
            if not turn.settled:
                break
            del self._waiting[first]
            turn.take()


class _Turn:
    """An event, or something else, that waits until all before it is delivered."""

    __slots__ = ("_deliver", "_event", "error", "position", "settled", "taken")

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._event: Event | None = None
        self.position: str | None = None
        self.error: Exception | None = None
        self.settled = False
        self.taken = False

    def take(self) -> None:
        """Everything before it is delivered."""
        self.taken = True
        self._deliver(self.position)
        if self._event is not None:
            self._event.set()

    async def wait(self, runtime: Runtime) -> None:
        """Wait until it was delivered; raises what the broker has said, if that was an error."""
        if not self.taken:
            self._event = self._event or runtime.event()
            await self._event.wait()
        if self.error is not None:
            raise self.error
