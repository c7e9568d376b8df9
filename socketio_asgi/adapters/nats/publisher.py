"""Publishing to JetStream: in order, without waiting, and once.

The answer of JetStream to each message has its place in the stream. Messages without an answer are
published again on the next connection, under the same id, by which JetStream knows those that it
has already.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, cast

import orjson

from ...brokers.nats.client import NatsMessage
from ...brokers.nats.connection import Connection
from ...runtime import Event, Runtime
from ...runtime.deadlines import DeadlineQueue
from ..cluster.outbox import KEEP_SECONDS
from ..errors import ClusterUnavailable

CONFIRM_SECONDS = 5.0
"""The time that JetStream has to confirm a message."""

MAX_UNCONFIRMED = 10_000
"""The most messages that wait for it."""

MAX_UNCONFIRMED_BYTES = 16 * 1024 * 1024
"""The most bytes of them."""

MESSAGE_ID = "Nats-Msg-Id"
"""The header by which JetStream knows a message that is published again."""


class Unconfirmed(Awaitable["str | None"]):
    """A message that JetStream may not have yet; awaiting it gives its position.

    Args:
        runtime: The event loop.
        number: Its number on this server.
        subject: Its subject.
        data: Its bytes.
    """

    __slots__ = ("_error", "_event", "_runtime", "data", "number", "position", "settled", "subject")

    def __init__(self, runtime: Runtime, number: int, subject: str, data: bytes) -> None:
        self.number: int = number
        self.subject: str = subject
        self.data: bytes = data
        self.settled: bool = False
        self.position: str | None = None
        self._runtime = runtime
        self._event: Event | None = None
        self._error: Exception | None = None

    def settle(self, position: str | None, error: Exception | None = None) -> None:
        """JetStream has it, or it will not."""
        self.settled, self.position, self._error = True, position, error
        if self._event is not None:
            self._event.set()

    def __await__(self) -> Generator[Any, None, str | None]:
        return self._wait().__await__()

    async def _wait(self) -> str | None:
        if not self.settled:
            self._event = self._event or self._runtime.event()
            await self._event.wait()
        if self._error is not None:
            raise ClusterUnavailable("JetStream has not taken the message") from self._error
        return self.position


class Publisher:
    """The messages of one server to the stream; it outlives the connections.

    Args:
        runtime: The event loop.
        server_id: The id of the server.
        on_refused: Called for each message that JetStream did not take.
    """

    def __init__(
        self, runtime: Runtime, server_id: str, on_refused: Callable[[Exception], object]
    ) -> None:
        self._runtime = runtime
        self._server_id = server_id
        self.on_refused: Callable[[Exception], object] = on_refused
        self._last = 0
        self._waiting: dict[int, tuple[Unconfirmed, float]] = {}
        self._bytes = 0
        self._deadlines: DeadlineQueue[int] = DeadlineQueue(runtime, CONFIRM_SECONDS, self._on_late)
        self._connection: Connection | None = None
        self._inbox = ""
        self._position: Callable[[int], str] = str

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, connection: Connection, position: Callable[[int], str]) -> None:
        """Go on with a new connection, and publish again what was not confirmed on the last one.

        Args:
            connection: The connection.
            position: Makes a position of a sequence number.
        """
        self._connection, self._position = connection, position
        self._inbox = connection.client.new_inbox()
        connection.subscribe(f"{self._inbox}.*", self._on_answer)
        oldest = self._runtime.now() - KEEP_SECONDS
        for message, since in list(self._waiting.values()):
            if since < oldest:
                self._settle(message.number, error=ConnectionError("NATS was away for too long"))
            else:
                self._send(connection, message)

    def publish(self, subject: str, data: bytes) -> Unconfirmed:
        """Publish a message.

        Raises:
            ConnectionError: The connection is lost, or too much is not confirmed.
            ValueError: The message is larger than the server takes.
        """
        too_many = len(self._waiting) >= MAX_UNCONFIRMED
        if too_many or self._bytes + len(data) > MAX_UNCONFIRMED_BYTES or self._connection is None:
            raise ConnectionError("JetStream does not confirm what was published")
        self._last += 1
        message = Unconfirmed(self._runtime, self._last, subject, data)
        self._send(self._connection, message)
        self._waiting[message.number] = message, self._runtime.now()
        self._bytes += len(data)
        self._deadlines.add(message.number)
        return message

    def _send(self, connection: Connection, message: Unconfirmed) -> None:
        number = message.number
        headers = {MESSAGE_ID: f"{self._server_id}-{number}"}
        connection.publish(message.subject, message.data, f"{self._inbox}.{number}", headers)

    def _on_answer(self, answer: NatsMessage) -> None:
        number = answer.subject[len(self._inbox) + 1 :]
        if not (number.isascii() and number.isdigit()):
            return
        sequence, problem = _parse(answer)
        if sequence is None:
            self._settle(int(number[:20]), error=ConnectionError(problem))
        else:
            self._settle(int(number[:20]), self._position(sequence))

    def _on_late(self, number: int) -> None:
        self._settle(number, error=ConnectionError("JetStream has not confirmed it in time"))

    def _settle(
        self, number: int, position: str | None = None, error: Exception | None = None
    ) -> None:
        message, _ = self._waiting.pop(number, (None, 0.0))
        if message is None:
            return
        self._bytes -= len(message.data)
        self._deadlines.discard(number)
        message.settle(position, error)
        if error is not None:
            self.on_refused(error)


def _parse(answer: NatsMessage) -> tuple[int | None, str]:
    """The sequence number in an answer; None, and what is wrong, when the message was not taken."""
    if answer.headers and answer.headers.get("Status") == "503":
        return None, "there is no stream for it"
    try:
        values = orjson.loads(answer.data)
    except ValueError:
        values = None
    if isinstance(values, dict):
        found = cast("dict[str, Any]", values)
        sequence = found.get("seq")
        if type(sequence) is int and "error" not in found:
            return sequence, ""
        return None, str(found.get("error"))[:200]
    return None, "an answer that is none"
