"""Events that are sent again until the server has acknowledged them, one after another.

Source: https://socket.io/docs/v4/client-options/#retries
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..events.acks import Pick
from ..exceptions import AckError
from ..runtime import Event, Runtime

logger: logging.Logger = logging.getLogger("socketio_asgi.client")

Ask = Callable[[str, Sequence[Any], float], Awaitable[list[Any]]]
"""Sends an event, and waits for all values of its acknowledgement."""


class QueuedEvent:
    """An event on its way.

    Args:
        event: Its name.
        args: Its values.
        timeout: The time that each acknowledgement is waited for, in seconds.

    Attributes:
        event: The same.
        args: The same.
        timeout: The same.
        attempts: The number of times that it was sent.
    """

    __slots__ = ("_done", "_error", "_settled", "_values", "args", "attempts", "event", "timeout")

    def __init__(self, event: str, args: Sequence[Any], timeout: float) -> None:
        self.event: str = event
        self.args: Sequence[Any] = args
        self.timeout: float = timeout
        self.attempts: int = 0
        self._done: Event | None = None
        self._settled = False
        self._error: Exception | None = None
        self._values: list[Any] = []

    def acknowledged(self, values: list[Any]) -> None:
        """Called when the server has it."""
        self._values = values
        self._settle()

    def failed(self, error: Exception) -> None:
        """Called when it is given up."""
        self._error = error
        if self._done is None:
            logger.warning("the event %r is given up: %s", self.event, error)
        self._settle()

    def _settle(self) -> None:
        self._settled = True
        if self._done is not None:
            self._done.set()

    async def wait(self, pick: Pick, runtime: Runtime) -> Any:
        """Wait for the acknowledgement.

        Raises:
            AckError: It was given up.
        """
        if not self._settled:
            if self._done is None:
                self._done = runtime.event()
            await self._done.wait()
        if self._error is not None:
            raise self._error
        return pick(self._values)


class RetryQueue:
    """The events of one namespace that are sent until they are acknowledged.

    Args:
        retries: How often each is sent again.
        ask: Sends one, and waits for its acknowledgement.
        ready: Whether the namespace is connected.
    """

    __slots__ = ("_ask", "_queue", "_ready", "_retries", "_running")

    def __init__(self, retries: int, ask: Ask, ready: Callable[[], bool]) -> None:
        self._retries = retries
        self._ask = ask
        self._ready = ready
        self._queue: deque[QueuedEvent] = deque()
        self._running = False

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, queued: QueuedEvent) -> None:
        """Add an event; :meth:`send_in` is to be called."""
        self._queue.append(queued)

    def send_in(self, runtime: Runtime) -> None:
        """Send what waits, one after another, if the namespace is connected."""
        if self._queue and not self._running and self._ready():
            self._running = True
            runtime.start_background(self._send())

    async def _send(self) -> None:
        try:
            while self._queue and self._ready():
                await self._send_first(self._queue[0])
        finally:
            self._running = False

    async def _send_first(self, queued: QueuedEvent) -> None:
        queued.attempts += 1
        try:
            values = await self._ask(queued.event, queued.args, queued.timeout)
        except AckError as error:
            if queued.attempts > self._retries:
                self._remove(queued)
                queued.failed(error)
        except Exception as error:  # noqa: BLE001  # whoever sent it hears of it
            self._remove(queued)
            queued.failed(error)
        else:
            self._remove(queued)
            queued.acknowledged(values)

    def _remove(self, queued: QueuedEvent) -> None:
        if self._queue and self._queue[0] is queued:
            self._queue.popleft()

    def give_up(self, error: Exception) -> None:
        """Give all of them up."""
        queue, self._queue = self._queue, deque()
        for queued in queue:
            queued.failed(error)
