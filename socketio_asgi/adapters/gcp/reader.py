"""Reading a subscription: the stream is opened again when it ends, and messages are acknowledged.

Pub/Sub ends every stream now and then, and keeps the messages meanwhile: that is no loss. Only when
the stream cannot be opened again for a while, or nothing comes, the connection is given up.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from ...brokers.gcp.service import PubSub, Received
from ...runtime import Cancellable, Runtime
from ..cluster.batches import RETRY_SECONDS, pause
from ..cluster.outbox import KEEP_SECONDS

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

ACK_GATHER_SECONDS = 0.1
"""The time in which acknowledgements gather."""

MAX_ACKS = 2500
"""The most acknowledgements of one request, which may have 512 KiB."""

MAX_UNSENT_ACKS = 20_000
"""The most acknowledgements that wait; the messages of further ones come again."""

KEEP_ALIVE_SECONDS = 30.0
"""The time between two signs of life on a stream: Pub/Sub would end it."""

TURN_MESSAGES = 50
"""The messages that are handled before others have their turn."""


class SubscriptionReader:
    """Reads a subscription, until it is lost.

    Args:
        service: Pub/Sub.
        path: The full name of the subscription.
        runtime: The event loop.
        receive: Called with each message.
        on_lost: Called once, when Pub/Sub does not send any more.
        silence: The time after which a stream that brings nothing is taken for dead, in seconds:
            this server's own heartbeats come back.
    """

    def __init__(
        self,
        service: PubSub,
        path: str,
        runtime: Runtime,
        *,
        receive: Callable[[Received], object],
        on_lost: Callable[[Exception], object],
        silence: float,
    ) -> None:
        self._service = service
        self._path = path
        self._runtime = runtime
        self._receive = receive
        self._on_lost = on_lost
        self._silence = silence
        self._heard = runtime.now()
        self._failing_since: float | None = None
        self._unacknowledged: list[str] = []
        self._task: Cancellable | None = None
        self._timers: dict[str, Cancellable] = {}

    def start(self) -> None:
        """Begin to read."""
        self._task = self._runtime.start_background(self._run())
        self._after(self._silence / 4, "look", self._look)

    def close(self) -> None:
        """Read no more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._task is not None:
            self._task.cancel()

    def _after(self, seconds: float, name: str, callback: Callable[[], Any]) -> None:
        self._timers[name] = self._runtime.call_later(seconds, callback)

    def _look(self) -> None:
        if self._runtime.now() - self._heard > self._silence:
            self._on_lost(ConnectionError("Google Cloud Pub/Sub sends nothing any more"))
        else:
            self._after(self._silence / 4, "look", self._look)

    # -- reading -----------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while True:
                await self._read()
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._on_lost(error)

    async def _read(self) -> None:
        try:
            async with aclosing(self._service.pull(self._path, self._keep_alive())) as pulled:
                async for messages in pulled:
                    self._heard, self._failing_since = self._runtime.now(), None
                    await self._hand_on(messages)
        except ConnectionError as error:
            logger.debug("a stream of Pub/Sub has ended: %s", error)
            self._check_failures(error)
        await pause(self._runtime, RETRY_SECONDS)

    def _check_failures(self, error: ConnectionError) -> None:
        now = self._runtime.now()
        if self._failing_since is None:
            self._failing_since = now
        elif now - self._failing_since > KEEP_SECONDS:
            raise error

    async def _hand_on(self, messages: list[Received]) -> None:
        for number, message in enumerate(messages, 1):
            self._receive(message)
            self._acknowledge(message.ack_id)
            if number % TURN_MESSAGES == 0:
                await self._runtime.next_turn()

    async def _keep_alive(self) -> AsyncIterator[None]:
        while True:
            await pause(self._runtime, KEEP_ALIVE_SECONDS)
            yield

    # -- acknowledging -----------------------------------------------------------------------

    def _acknowledge(self, ack_id: str) -> None:
        if len(self._unacknowledged) < MAX_UNSENT_ACKS:
            self._unacknowledged.append(ack_id)
        if "acknowledge" not in self._timers:
            self._after(ACK_GATHER_SECONDS, "acknowledge", self._send_acks)

    def _send_acks(self) -> None:
        self._runtime.start_background(self._send_all_acks())

    async def _send_all_acks(self) -> None:
        try:
            while self._unacknowledged:
                ids = self._unacknowledged[:MAX_ACKS]
                await self._service.acknowledge(self._path, ids)
                del self._unacknowledged[: len(ids)]
        except ConnectionError as error:
            logger.debug("acknowledgements were not sent yet: %s", error)
        except Exception as error:  # noqa: BLE001  # the messages come again, and are known
            logger.debug("acknowledgements were not sent: %r", error)
            self._unacknowledged.clear()
        finally:
            self._timers.pop("acknowledge", None)
