"""Reading a stream of JetStream in order, from some position on.

The consumer is made for one connection, pushes messages, and expects no acknowledgements. Whatever
goes wrong (a message that is missing, a server that falls silent) ends the connection, and the next
one goes on behind the last position.

Source: https://docs.nats.io/nats-concepts/jetstream/consumers, "ordered consumers"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...brokers.nats.client import NatsMessage
from ...brokers.nats.connection import Connection
from ...runtime import Cancellable
from .stream import Stream

HEARTBEAT_SECONDS = 2.0
"""The time between two signs of life that JetStream gives for an idle consumer."""

SILENCE_SECONDS = 5.0
"""A consumer that is silent for so long is gone."""

INACTIVE_SECONDS = 10.0
"""The time after which JetStream forgets a consumer that nobody listens to."""

CONTROL_STATUS = "100"


class Place(NamedTuple):
    """The place of a message.

    Attributes:
        sequence: Its number in the stream.
        delivery: Its number for the consumer, which counts from 1 without a gap.
        pending: The number of messages behind it that the consumer has not sent yet.
    """

    sequence: int
    delivery: int
    pending: int


def place_of(reply: str) -> Place | None:
    """The place of a message, by the subject for answers to it; None when it has none.

    Source: https://docs.nats.io/reference/reference-protocols/nats_api_reference,
    "$JS.ACK.<stream>.<consumer>.<delivered count>.<stream sequence>.<consumer sequence>.<timestamp>
    .<pending messages>"; with domain and account there are two parts more before the stream.
    """
    parts = reply.split(".")
    first = 5 if len(parts) == 9 else 7
    if len(parts) < first + 4 or parts[:2] != ["$JS", "ACK"]:
        return None
    try:
        return Place(int(parts[first]), int(parts[first + 1]), int(parts[first + 3]))
    except ValueError:
        return None


class StreamReader:
    """Reads the messages of a stream.

    Args:
        connection: The connection.
        stream: The stream.
        receive: Called with each message, and its sequence number, in order.
    """

    def __init__(
        self,
        connection: Connection,
        stream: Stream,
        receive: Callable[[NatsMessage, int], object],
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._receive = receive
        self._delivered = 0
        self._heard = 0.0
        self._timer: Cancellable | None = None

    async def start(self, after: int) -> None:
        """Begin to read behind a sequence number."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        inbox = self._connection.client.new_inbox()
        self._connection.subscribe(inbox, self._on_message)
        config = ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            max_deliver=1,
            flow_control=True,
            idle_heartbeat=HEARTBEAT_SECONDS,
            inactive_threshold=INACTIVE_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
        self._heard = self._connection.runtime.now()
        await self._stream.jet.add_consumer(self._stream.name, config)
        self._watch()

    def stop(self) -> None:
        """Watch it no more; the subscription ends with the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        self._timer = self._connection.runtime.call_later(HEARTBEAT_SECONDS, self._look)

    def _look(self) -> None:
        if self._connection.runtime.now() - self._heard > SILENCE_SECONDS:
            self._lose("the consumer of JetStream is silent")
        else:
            self._watch()

    def _lose(self, what: str) -> None:
        self.stop()
        self._connection.lose(ConnectionError(what))

    def _on_message(self, message: NatsMessage) -> None:
        self._heard = self._connection.runtime.now()
        headers = message.headers
        if headers and headers.get("Status") == CONTROL_STATUS:
            return self._on_control(message, headers)
        place = place_of(message.reply)
        if place is None:
            return
        if place.delivery != self._delivered + 1:
            return self._lose("a message of JetStream is missing")
        self._delivered = place.delivery
        self._receive(message, place.sequence)

    def _on_control(self, message: NatsMessage, headers: Any) -> None:
        # A question of the flow control, or a sign of life of a consumer that waits for the answer
        # to one.
        reply = message.reply or headers.get("Nats-Consumer-Stalled")
        if reply:
            self._connection.publish(reply, b"")
        elif headers.get("Nats-Last-Consumer", "") != str(self._delivered):
            self._lose("the last message of JetStream is missing")
