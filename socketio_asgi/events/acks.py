"""Acknowledgements, both ways.

Source: https://socket.io/docs/v4/emitting-events/#acknowledgements
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, Unpack

from ..exceptions import AckTimeout, BroadcastAckError, ClientDisconnected
from ..runtime import Event, Runtime

if sys.version_info >= (3, 13):
    from typing import TypeVarTuple
else:
    from typing_extensions import TypeVarTuple

ACK_SECONDS = 10.0
"""The time that an acknowledgement is waited for by default."""


Pick = Callable[[list[Any]], Any]
"""Makes of the values of an acknowledgement what the application is given."""


def first_value(values: list[Any]) -> Any:
    """The first value of an acknowledgement; None when it has none."""
    return values[0] if values else None


class AckTarget(Protocol):
    """The place where the acknowledgement of an event is waited for."""

    def reply(self, sid: str, values: list[Any]) -> None:
        """Called when a client acknowledged."""
        ...

    def gone(self, sid: str) -> None:
        """Called when a client left before it acknowledged."""
        ...


class AckReceiver(AckTarget, Protocol):
    """The place where the answers of one server's clients to a broadcast come together."""

    def expect(self, clients: int) -> None:
        """Called when one server has reached that many clients."""
        ...


class AckSink(AckReceiver, Protocol):
    """The acknowledgements of a broadcast, as the sockets of this process see them."""

    def hold(self, key: str, forget: Callable[[], object]) -> None:
        """Remember a socket or a request that waits for an acknowledgement.

        Args:
            key: The id of a socket, or any other name, such as that of a request to other servers.
            forget: Ends its waiting; called when the acknowledgements are not wanted any more.
        """
        ...


class OtherServers(Protocol):
    """The other servers that take part in a broadcast, as far as they still owe something."""

    @property
    def owing(self) -> int:
        """The number of those that have yet to say how many clients they reached."""
        ...

    @property
    def silent(self) -> int:
        """The number of those that have said nothing, even if they are not waited for any more."""
        ...

    @property
    def silent_ids(self) -> tuple[str, ...]:
        """The ids of the silent servers, as far as they are known."""
        ...


class BroadcastAcks(AckSink, Protocol):
    """The acknowledgements of a broadcast, as an adapter sees them."""

    @property
    def timeout(self) -> float:
        """The time that they are waited for, in seconds."""
        ...

    def depend_on(self, others: OtherServers) -> None:
        """Wait for other servers too; comes before the first :meth:`expect`.

        Whatever changes in ``others`` is told by :meth:`expect`, :meth:`lose` or :meth:`check`.
        """
        ...

    def lose(self, clients: int) -> None:
        """Give up that many expected clients, whose server is gone; they will not answer."""
        ...

    def check(self) -> None:
        """Look whether the waiting is over."""
        ...


class SingleAck:
    """The acknowledgement of one client.

    Args:
        runtime: The event loop.
        event: The name of the event, for errors.
        pick: Makes the result of its values.
    """

    __slots__ = ("_done", "_event", "_gone", "_pick", "_runtime", "_values")

    def __init__(self, runtime: Runtime, event: str, pick: Pick = first_value) -> None:
        self._runtime = runtime
        self._event = event
        self._pick = pick
        self._done: Event = runtime.event()
        self._values: list[Any] | None = None
        self._gone = False

    def reply(self, sid: str, values: list[Any]) -> None:
        """Called when the client acknowledged; only the first time counts."""
        if not self._done.is_set():
            self._values = values
            self._done.set()

    def gone(self, sid: str) -> None:
        """Called when the client left."""
        self._gone = True
        self._done.set()

    async def wait(self, timeout: float) -> Any:
        """Wait for the acknowledgement.

        Returns:
            What was picked of its values.

        Raises:
            AckTimeout: It did not come in time.
            ClientDisconnected: The client left first.
        """
        await wait_at_most(self._runtime, self._done, timeout)
        if self._values is not None:
            return self._pick(self._values)
        raise ClientDisconnected(self._event) if self._gone else AckTimeout(self._event, timeout)


class _Holder:
    """The sockets and requests that wait for acknowledgements."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, Callable[[], object]] = {}

    def hold(self, key: str, forget: Callable[[], object]) -> None:
        """Remember what waits for an acknowledgement; see :meth:`AckSink.hold`."""
        self._held[key] = forget

    def release(self) -> None:
        """End the waiting of all that still wait."""
        held, self._held = self._held, {}
        for forget in held.values():
            forget()


class AckCollector(_Holder):
    """The acknowledgements of a broadcast, from the clients of one or several servers.

    It is complete when every server has said how many clients it reached, and each of those has
    acknowledged or left.

    Args:
        runtime: The event loop.
        event: The name of the event, for errors.
        timeout: How long the acknowledgements are waited for, in seconds.
        pick: Makes the result of the values of each.

    Attributes:
        timeout: The same.
    """

    __slots__ = (
        "_done",
        "_event",
        "_expected",
        "_left",
        "_lost",
        "_others",
        "_pick",
        "_replies",
        "_reported",
        "_runtime",
        "timeout",
    )

    def __init__(
        self, runtime: Runtime, event: str, timeout: float, pick: Pick = first_value
    ) -> None:
        super().__init__()
        self.timeout: float = timeout
        self._pick = pick
        self._runtime = runtime
        self._event = event
        self._done: Event = runtime.event()
        self._others: OtherServers | None = None
        self._reported = False
        self._expected = 0
        self._left = 0
        self._lost = 0
        self._replies: list[Any] = []

    def depend_on(self, others: OtherServers) -> None:
        """Wait for other servers too; see :meth:`BroadcastAcks.depend_on`."""
        self._others = others

    def expect(self, clients: int) -> None:
        """Called when one server has reached that many clients."""
        self._reported = True
        self._expected += clients
        self.check()

    def reply(self, sid: str, values: list[Any]) -> None:
        """Called when a client acknowledged."""
        self._held.pop(sid, None)
        self._replies.append(self._pick(values))
        self.check()

    def gone(self, sid: str) -> None:
        """Called when a client left before it acknowledged."""
        self._held.pop(sid, None)
        self._left += 1
        self.check()

    def lose(self, clients: int) -> None:
        """Give up that many expected clients; see :meth:`BroadcastAcks.lose`."""
        self._lost += clients
        self.check()

    def check(self) -> None:
        """Look whether the waiting is over."""
        if not self._reported or (self._others is not None and self._others.owing > 0):
            return
        if len(self._replies) + self._left + self._lost >= self._expected:
            self._done.set()

    async def wait(self) -> list[Any]:
        """Wait for all acknowledgements.

        Returns:
            What was picked of the values of each, in the order in which they came.

        Raises:
            BroadcastAckError: Some did not come; it has those that did.
        """
        await wait_at_most(self._runtime, self._done, self.timeout)
        missing = max(0, self._expected - len(self._replies))
        silent = 0 if self._reported else 1
        ids: tuple[str, ...] = ()
        if self._others is not None:
            silent, ids = silent + self._others.silent, self._others.silent_ids
        if missing or silent:
            raise BroadcastAckError(
                self._event, self._replies, missing, self._left, silent, silent_server_ids=ids
            )
        return self._replies


async def wait_at_most(runtime: Runtime, event: Event, timeout: float) -> None:
    """Wait for an event, but no longer than ``timeout`` seconds."""
    timer = runtime.call_later(timeout, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


ValuesT = TypeVarTuple("ValuesT", default=Unpack[tuple[Any, ...]])


class Ack(Generic[*ValuesT]):
    """The acknowledgement of an event, for a handler that gives it by itself.

    A handler gets one for a parameter of this type, or for a keyword-only parameter ``ack``. Call
    it once, now or later: ``await ack("stored")``. When the client asked for no acknowledgement,
    calling it sends nothing. ``Ack[str, int]`` is one of a text and a number.

    Args:
        send_ack: Sends an acknowledgement of that number with those values; checks the values when
            there is no number.
        number: The number that the client gave the event, or None.
        write: Makes what is sent of the values, by their types; None sends them as they are.
    """

    __slots__ = ("_number", "_send_ack", "_write")

    def __init__(
        self,
        send_ack: Callable[[int | None, Sequence[Any]], Awaitable[None]],
        number: int | None,
        write: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
    ) -> None:
        self._number = number
        self._send_ack = send_ack
        self._write = write

    def __call__(self, *values: *ValuesT) -> Awaitable[None]:
        """Acknowledge the event with these values; a second call sends nothing.

        Raises:
            EncodeError: A value cannot be represented, whether it is sent or not.
            TypeError: A value is not of the type that the annotation of the parameter names.
        """
        sent = values if self._write is None else self._write(values)
        return self._send_ack(self.take(), sent)

    @property
    def wanted(self) -> bool:
        """True while the client waits for the acknowledgement."""
        return self._number is not None

    def take(self) -> int | None:
        """The number of the acknowledgement, unless it was given already; it is given now."""
        number, self._number = self._number, None
        return number
