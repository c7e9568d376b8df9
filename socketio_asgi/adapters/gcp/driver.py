"""The driver for Google Cloud Pub/Sub: at least once, in the order of each sender."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import uuid4

from ...brokers.gcp.service import Outgoing, PubSub, Received, SubscriptionSettings
from ...brokers.gcp.source import PubSubSource
from ...exceptions import NotRetryable
from ...runtime import Runtime
from ..cluster.batches import BatchLimits, BatchSender
from ..cluster.driver import MAX_MESSAGE_BYTES, RESERVED_BYTES, Driver, Inbox, Traits
from ..cluster.history import History
from ..cluster.message import Message
from ..cluster.wires.cloud import CloudWire, attributes_of, hand_in_addressed, is_heartbeat
from .reader import SubscriptionReader

LIMITS = BatchLimits(messages=1000, bytes=MAX_MESSAGE_BYTES + RESERVED_BYTES)
"""The largest request: Pub/Sub takes 1000 messages, and 10 MB.

Source: https://cloud.google.com/pubsub/quotas#resource_limits
"""

ATTRIBUTE_BYTES = 256
"""Bytes of a message that its attributes take, about."""


@dataclass(frozen=True, slots=True)
class PubSubOptions:
    """The options of the adapter, as the driver needs them; see :class:`.GcpPubSubAdapter`.

    Attributes:
        answer_seconds: How long Pub/Sub may take for an answer.
        silence_seconds: How long the subscription may bring nothing.
    """

    source: PubSubSource
    subscription_prefix: str
    subscription_expiry: float
    create_topic: bool
    ordered: bool
    max_message: int
    answer_seconds: float
    silence_seconds: float


@dataclass(slots=True)
class PubSubHistory(History):
    """The memory that the drivers of one server share.

    Attributes:
        service: The clients.
        subscription: The full name of the subscription of this server.
        numbers: The numbers of the messages that it has sent.
    """

    service: PubSub | None = None
    subscription: str | None = None
    numbers: count[int] = field(default_factory=count, repr=False)

    async def end(self) -> None:
        """Delete the subscription, and close the clients."""
        service, self.service = self.service, None
        path, self.subscription = self.subscription, None
        if service is None:
            return
        try:
            if path is not None:
                await service.delete_subscription(path)
        finally:
            await service.close()


class PubSubDriver(Driver):
    """Publishes to the topic, and reads a subscription of its own.

    Args:
        options: The options.
        history: What came before.
    """

    def __init__(self, options: PubSubOptions, history: PubSubHistory) -> None:
        self.traits: Traits = Traits(
            echo=False, at_least_once=True, foreign=True, max_payload=options.max_message
        )
        self._options = options
        self._history = history
        self._wire = CloudWire()
        self._reader: SubscriptionReader | None = None
        self._sender: BatchSender[Outgoing] | None = None
        self._closed = False

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        history = self._history
        self._check_loop(inbox.runtime)
        self._inbox = inbox
        with history.connecting(inbox.server_id) as connected_before:
            gap = await self._connect()
        return gap and connected_before

    def _check_loop(self, runtime: Runtime) -> None:
        if runtime.asyncio_loop is None:
            raise NotRetryable("GcpPubSubAdapter needs asyncio: its library grpcio knows no trio")

    async def _connect(self) -> bool:
        options, inbox, history = self._options, self._inbox, self._history
        if history.service is None:
            history.service = PubSub(options.source, options.answer_seconds)
        self._service = history.service
        gap = await self._subscribe()
        self._sender = BatchSender(inbox.runtime, self._publish, LIMITS, inbox.refused, self._lost)
        self._reader = SubscriptionReader(
            self._service,
            history.subscription or "",
            inbox.runtime,
            receive=self._receive,
            on_lost=self._lost,
            silence=options.silence_seconds,
        )
        self._reader.start()
        return gap

    async def _subscribe(self) -> bool:
        """See that the subscription is there; True if it has missed messages, being new."""
        history, options = self._history, self._options
        if history.subscription and await self._service.has_subscription(history.subscription):
            return False
        # Of the same form as those of official servers.
        name = f"{options.subscription_prefix}-{uuid4().hex[:16]}"
        path = options.source.subscription_path(name)
        settings = SubscriptionSettings(
            expiry=options.subscription_expiry,
            ordered=options.ordered,
            filter=filter_of(self._inbox.server_id),
        )
        if not await self._service.create_subscription(path, settings):
            await self._create_topic()
            if not await self._service.create_subscription(path, settings):
                raise ConnectionError(f"the topic {options.source.topic_path} is not there yet")
        history.subscription = path
        return True

    async def _create_topic(self) -> None:
        source = self._options.source
        if not self._options.create_topic:
            raise NotRetryable(
                f"there is no topic {source.topic_path}; with create_topic=True it is made, or by:"
                f" gcloud pubsub topics create {source.topic} --project={source.project}"
            )
        try:
            await self._service.create_topic()
        except LookupError as error:
            raise NotRetryable(f"there is no project {source.project}: {error}") from error

    async def close(self) -> None:
        """Read and send no more; the subscription waits for the next driver."""
        self._stop(ConnectionError("the server ends"))

    def _stop(self, error: Exception) -> None:
        self._closed = True
        if self._reader is not None:
            self._reader.close()
        if self._sender is not None:
            self._sender.close(error)

    def _lost(self, error: Exception) -> None:
        if not self._closed:
            self._stop(error)
            self._inbox.lost(error)

    async def open_namespace(self, name: str) -> None:
        """Do nothing: the subscription is for all of them."""

    async def close_namespace(self, name: str) -> None:
        """Do nothing: messages for others are dropped by their attributes."""

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Publish a message; see :meth:`.Driver.publish`."""
        if self._sender is None:
            raise ConnectionError("the driver has not been started")
        delivery = f"{self._inbox.server_id}-{next(self._history.numbers)}"
        attributes = attributes_of(message, delivery)
        body = self._wire.encode(message)
        return self._sender.add(Outgoing(attributes, body), len(body) + ATTRIBUTE_BYTES)

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Publish an answer, which others do not get; see :meth:`.Driver.respond`."""
        return self.publish(replace(message, recipient=server))

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        await self._service.publish(messages, self._ordering_key)

    @property
    def _ordering_key(self) -> str:
        return self._inbox.server_id if self._options.ordered else ""

    def _receive(self, received: Received) -> None:
        hand_in_addressed(
            self._inbox,
            self._wire.decode_unless,
            received.attributes,
            received.body,
            received.message_id,
            heartbeat=is_heartbeat(received.body),
        )


def filter_of(server: str) -> str:
    """The messages that a server needs: answers to others are none of them.

    Source: https://cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax
    """
    return f'NOT attributes:requesterUid OR attributes.requesterUid = "{server}"'
