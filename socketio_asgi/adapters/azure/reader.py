"""Reading a subscription: messages are handed on when they come, and settled afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from ...brokers.azure.service import Received, ServiceBus, close_quietly
from ...runtime import Cancellable, Runtime

MAX_SETTLED = 100
"""The messages that are settled at a time."""

TURN_MESSAGES = 50
"""The messages that are handled before others have their turn."""


class SubscriptionReader:
    """Reads a subscription, until it is lost.

    Args:
        service: The Service Bus.
        receiver: The link from the subscription.
        runtime: The event loop.
        receive: Called with each message.
        on_lost: Called once, when no message comes any more.
        silence: The time after which a link that brings nothing is taken for dead, in seconds: this
            server's own heartbeats come back.
    """

    def __init__(
        self,
        service: ServiceBus,
        receiver: Any,
        runtime: Runtime,
        *,
        receive: Callable[[Received], object],
        on_lost: Callable[[Exception], object],
        silence: float,
    ) -> None:
        self._service = service
        self._receiver = receiver
        self._runtime = runtime
        self._receive = receive
        self._on_lost = on_lost
        self._silence = silence
        self._heard = runtime.now()
        self._unsettled: list[Received] = []
        self._tasks: dict[str, Cancellable] = {}

    def start(self) -> None:
        """Begin to read."""
        self._tasks["read"] = self._runtime.start_background(self._run())
        self._look_later()

    async def close(self) -> None:
        """Read no more."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        await close_quietly(self._receiver)

    def _look_later(self) -> None:
        self._tasks["look"] = self._runtime.call_later(self._silence / 4, self._look)

    def _look(self) -> None:
        if self._runtime.now() - self._heard > self._silence:
            self._on_lost(ConnectionError("Azure Service Bus sends nothing any more"))
        else:
            self._look_later()

    async def _run(self) -> None:
        try:
            await self._read()
            self._on_lost(ConnectionError("Azure Service Bus has ended a link"))
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._on_lost(error)

    async def _read(self) -> None:
        number = 0
        async with aclosing(self._service.messages(self._receiver)) as messages:
            async for message in messages:
                self._heard = self._runtime.now()
                self._receive(message)
                self._settle_soon(message)
                number += 1
                if number % TURN_MESSAGES == 0:
                    await self._runtime.next_turn()

    def _settle_soon(self, message: Received) -> None:
        self._unsettled.append(message)
        if "settle" not in self._tasks:
            self._tasks["settle"] = self._runtime.start_background(self._settle())

    async def _settle(self) -> None:
        # What one turn of the event loop brings goes together.
        await self._runtime.next_turn()
        while self._unsettled:
            messages, self._unsettled = (
                self._unsettled[:MAX_SETTLED],
                self._unsettled[MAX_SETTLED:],
            )
            await self._service.complete(self._receiver, messages)
        self._tasks.pop("settle", None)
