"""The messages that wait for a broker which is away: few, and not for long.

Two seconds bridge a reconnection; older events do more harm than good.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from ...runtime import Cancellable, Event, Runtime
from ...runtime.awaitables import Waiting
from ..errors import ClusterUnavailable
from ..packet import SharedPacket
from .message import Broadcast, Message

KEEP_SECONDS = 2.0
"""The time that a message waits for the broker."""

MAX_KEPT_MESSAGES = 1000
"""The most messages that wait."""

MAX_KEPT_BYTES = 1024 * 1024
"""The most bytes of events that wait."""


class Refused(Awaitable[Any]):
    """The result of a message that was not sent: it raises when it is awaited.

    Args:
        cause: Why, if it was an error.

    Attributes:
        error: The error that is raised.
    """

    def __init__(self, cause: Exception | None) -> None:
        self.error: ClusterUnavailable = ClusterUnavailable("the other servers were not reached")
        self.error.__cause__ = cause

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()
        raise self.error


class Outbox:
    """Keeps messages until the broker is there, or their time is up.

    Args:
        runtime: The event loop.
        on_dropped: Called with the reason, for each message that is dropped.
    """

    def __init__(self, runtime: Runtime, on_dropped: Callable[[str], object]) -> None:
        self._runtime = runtime
        self._on_dropped = on_dropped
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._timer: Cancellable | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, message: Message, seconds: float | None = None) -> Awaitable[None]:
        """Let a message wait.

        Args:
            message: The message.
            seconds: For how long; None is :data:`KEEP_SECONDS`.

        Returns:
            An awaitable that ends when the broker has it, or raises ClusterUnavailable.
        """
        longest = KEEP_SECONDS if seconds is None else seconds
        kept = _Kept(self._runtime, message, self._runtime.now() + longest)
        self._kept.append(kept)
        self._bytes += kept.size
        while len(self._kept) > MAX_KEPT_MESSAGES or self._bytes > MAX_KEPT_BYTES:
            self._drop(self._kept[0], "too many messages wait for the broker")
        if self._timer is None:
            self._arm()
        return Waiting(kept.wait)

    def flush(self, send: Callable[[Message], Awaitable[Any]]) -> None:
        """The broker is there: send everything, in order."""
        self._stop()
        kept, self._kept, self._bytes = self._kept, deque(), 0
        for item in kept:
            item.settle(send(item.message))

    def drop_all(self) -> None:
        """The broker will not be there again."""
        self._stop()
        while self._kept:
            self._drop(self._kept[0], "the broker was away for too long")

    def _drop(self, kept: _Kept, reason: str) -> None:
        self._kept.remove(kept)
        self._bytes -= kept.size
        kept.settle(None)
        self._on_dropped(reason)

    def _arm(self) -> None:
        if self._kept:
            first = min(kept.expires for kept in self._kept)
            delay = max(0.0, first - self._runtime.now())
            self._timer = self._runtime.call_later(delay, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._runtime.now()
        for kept in [kept for kept in self._kept if kept.expires <= now]:
            self._drop(kept, "the broker was away for too long")
        self._arm()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Kept:
    """A message that waits, and its result."""

    __slots__ = ("_event", "_runtime", "_sent", "_settled", "expires", "message", "size")

    def __init__(self, runtime: Runtime, message: Message, expires: float) -> None:
        self.message = message
        self.expires = expires
        self.size = event_size(message)
        self._runtime = runtime
        self._event: Event | None = None
        self._settled = False
        self._sent: Awaitable[Any] | None = None

    def settle(self, sent: Awaitable[Any] | None) -> None:
        """The message was sent; with None, it was dropped."""
        self._settled = True
        self._sent = sent
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Wait until the broker has the message."""
        if not self._settled:
            self._event = self._event or self._runtime.event()
            await self._event.wait()
        if self._sent is None:
            raise ClusterUnavailable("the other servers were not reached: the broker is away")
        await self._sent


def event_size(message: Message) -> int:
    """The size of the event that a message carries, in bytes; 0 when it carries none."""
    body = message.body
    if isinstance(body, Broadcast) and isinstance(body.event, SharedPacket):
        return body.event.size
    return 0
