"""Acknowledgements, both ways.

Source: https://socket.io/docs/v4/emitting-events/#acknowledgements
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..exceptions import AckTimeout, BroadcastAckError, ClientDisconnected
from ..runtime import Event, Runtime

ACK_SECONDS = 10.0
"""How long an acknowledgement is waited for, unless something else is asked for."""


class AckTarget(Protocol):
    """Who waits for the acknowledgement of an event."""

    def reply(self, sid: str, values: list[Any]) -> None:
        """A client acknowledged."""
        ...

    def gone(self, sid: str) -> None:
        """A client left before it acknowledged."""
        ...


class AckReceiver(AckTarget, Protocol):
    """Who is told how the clients of one server answer a broadcast."""

    def expect(self, clients: int) -> None:
        """One server has reached that many clients."""
        ...


class AckSink(AckReceiver, Protocol):
    """Who collects the acknowledgements of a broadcast in one process."""

    @property
    def timeout(self) -> float:
        """How long they are waited for, in seconds."""
        ...

    def hold(self, key: str, forget: Callable[[], object]) -> None:
        """Something waits for an acknowledgement, and is to be told when that ends.

        Args:
            key: The id of a socket, or any other name, such as that of a request to other servers.
            forget: Ends the waiting.
        """
        ...


class SingleAck:
    """The acknowledgement of one client.

    Args:
        runtime: The event loop.
        event: The name of the event, for errors.
    """

    __slots__ = ("_done", "_event", "_gone", "_runtime", "_values")

    def __init__(self, runtime: Runtime, event: str) -> None:
        self._runtime = runtime
        self._event = event
        self._done: Event = runtime.event()
        self._values: list[Any] | None = None
        self._gone = False

    def reply(self, sid: str, values: list[Any]) -> None:
        """The client acknowledged; only the first time counts."""
        if not self._done.is_set():
            self._values = values
            self._done.set()

    def gone(self, sid: str) -> None:
        """The client left."""
        self._gone = True
        self._done.set()

    async def wait(self, timeout: float) -> Any:
        """Wait for the acknowledgement.

        Returns:
            Its first value, or None when it has none.

        Raises:
            AckTimeout: It did not come in time.
            ClientDisconnected: The client left first.
        """
        await _wait(self._runtime, self._done, timeout)
        if self._values is not None:
            return self._values[0] if self._values else None
        raise ClientDisconnected(self._event) if self._gone else AckTimeout(self._event, timeout)


class _Holder:
    """Remembers who waits for an acknowledgement."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, Callable[[], object]] = {}

    def hold(self, key: str, forget: Callable[[], object]) -> None:
        """Something waits for an acknowledgement; see :meth:`AckSink.hold`."""
        self._held[key] = forget

    def release(self) -> None:
        """Let everything that still waits forget about it."""
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
        servers: How many servers take part.
        timeout: How long the acknowledgements are waited for, in seconds.

    Attributes:
        timeout: The same.
    """

    __slots__ = (
        "_done",
        "_event",
        "_expected",
        "_left",
        "_replies",
        "_runtime",
        "_servers",
        "timeout",
    )

    def __init__(self, runtime: Runtime, event: str, servers: int, timeout: float) -> None:
        super().__init__()
        self.timeout: float = timeout
        self._runtime = runtime
        self._event = event
        self._servers = servers
        self._done: Event = runtime.event()
        self._expected = 0
        self._left = 0
        self._replies: list[Any] = []

    def expect(self, clients: int) -> None:
        """One server has reached that many clients."""
        self._servers -= 1
        self._expected += clients
        self._check()

    def reply(self, sid: str, values: list[Any]) -> None:
        """A client acknowledged."""
        self._held.pop(sid, None)
        self._replies.append(values[0] if values else None)
        self._check()

    def gone(self, sid: str) -> None:
        """A client left before it acknowledged."""
        self._held.pop(sid, None)
        self._left += 1
        self._check()

    def _check(self) -> None:
        if self._servers <= 0 and len(self._replies) + self._left >= self._expected:
            self._done.set()

    async def wait(self) -> list[Any]:
        """Wait for all acknowledgements.

        Returns:
            The first value of each, in the order in which they came.

        Raises:
            BroadcastAckError: Some did not come; it has those that did.
        """
        await _wait(self._runtime, self._done, self.timeout)
        missing = self._expected - len(self._replies)
        silent = max(0, self._servers)
        if missing or silent:
            raise BroadcastAckError(self._event, self._replies, missing, self._left, silent)
        return self._replies


class AckRelay(_Holder):
    """The acknowledgements of this process's clients to a broadcast of another server.

    Everything is passed on, until all have answered or time is up; then the sockets forget.

    Args:
        runtime: The event loop.
        receiver: What passes it on to the server that asked.
        timeout: How long that server waits, in seconds.

    Attributes:
        timeout: The same.
    """

    __slots__ = ("_receiver", "_timer", "timeout")

    def __init__(self, runtime: Runtime, receiver: AckReceiver, timeout: float) -> None:
        super().__init__()
        self.timeout: float = timeout
        self._receiver = receiver
        self._timer = runtime.call_later(timeout, self.release)

    def expect(self, clients: int) -> None:
        """All clients of this process were reached."""
        self._receiver.expect(clients)
        self._check()

    def reply(self, sid: str, values: list[Any]) -> None:
        """A client acknowledged."""
        self._held.pop(sid, None)
        self._receiver.reply(sid, values)
        self._check()

    def gone(self, sid: str) -> None:
        """A client left before it acknowledged."""
        self._held.pop(sid, None)
        self._receiver.gone(sid)
        self._check()

    def _check(self) -> None:
        if not self._held:
            self._timer.cancel()


async def _wait(runtime: Runtime, event: Event, timeout: float) -> None:
    timer = runtime.call_later(timeout, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()
