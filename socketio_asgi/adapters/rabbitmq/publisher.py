"""Publishing to RabbitMQ: in order, without waiting, and confirmed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ...brokers.rabbitmq.connection import Connection
from ...runtime.deadlines import DeadlineQueue
from ..cluster.fate import Fate

CONFIRM_SECONDS = 5.0
"""The time that RabbitMQ has to confirm a message, before the connection is given up."""

MAX_UNCONFIRMED = 10_000
"""The most messages that wait for it."""

MAX_UNCONFIRMED_BYTES = 16 * 1024 * 1024
"""The most bytes of them."""


class Publisher:
    """The messages of one connection.

    Args:
        connection: The connection; it is open.
        exchange: The exchange.
        server_id: The id of the server.
        on_refused: Called for each message that RabbitMQ has not confirmed.
    """

    def __init__(
        self,
        connection: Connection,
        exchange: str,
        server_id: str,
        on_refused: Callable[[Exception], object],
    ) -> None:
        from pamqp.commands import Basic

        self._properties: Any = Basic.Properties
        self._connection = connection
        self._exchange = exchange
        self._server_id = server_id
        self._on_refused = on_refused
        self._last = 0
        self._waiting: dict[int, tuple[Fate, int]] = {}
        self._bytes = 0
        self._deadlines: DeadlineQueue[int] = DeadlineQueue(
            connection.runtime, CONFIRM_SECONDS, self._on_late
        )

    def __len__(self) -> int:
        return len(self._waiting)

    def publish(self, key: str, data: bytes, kind: str) -> Fate:
        """Publish a message.

        Args:
            key: The routing key.
            data: The message.
            kind: Its type, for those who look at the queue.

        Raises:
            ConnectionError: The connection is lost, or too much is not confirmed.
        """
        channel = self._connection.publishing
        too_many = len(self._waiting) >= MAX_UNCONFIRMED
        if too_many or self._bytes + len(data) > MAX_UNCONFIRMED_BYTES:
            raise ConnectionError("RabbitMQ does not confirm what was published")
        self._last += 1
        number, fate = self._last, Fate(self._connection.runtime)
        self._waiting[number] = fate, len(data)
        self._bytes += len(data)
        self._deadlines.add(number)
        properties = self._properties(
            delivery_mode=1, app_id=self._server_id, message_id=str(number), message_type=kind
        )
        # Tasks begin in the order in which they are made, and a channel sends in that of its calls.
        work = channel.basic_publish(
            data, exchange=self._exchange, routing_key=key, properties=properties, wait=False
        )
        self._connection.runtime.start_background(self._confirm(number, work))
        return fate

    async def _confirm(self, number: int, work: Coroutine[Any, Any, Any]) -> None:
        error: Exception | None = ConnectionError("the RabbitMQ connection was lost")
        try:
            await work
            error = None
        except Exception as failed:  # noqa: BLE001  # aiormq has errors of its own
            error = failed
        finally:  # aiormq cancels what waits for a channel that ends
            self._settle(number, error)

    def end(self, error: Exception) -> None:
        """Nothing will be confirmed any more."""
        for number in list(self._waiting):
            self._settle(number, error)

    def _settle(self, number: int, error: Exception | None) -> None:
        fate, size = self._waiting.pop(number, (None, 0))
        if fate is None:
            return
        self._bytes -= size
        self._deadlines.discard(number)
        fate.settle(error)
        if error is not None:
            self._on_refused(error)

    def _on_late(self, _number: int) -> None:
        self._connection.lose(ConnectionError("RabbitMQ has not confirmed a message in time"))
