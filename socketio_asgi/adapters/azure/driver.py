"""The driver for Azure Service Bus: at least once, in the order of the topic."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

from ...brokers.azure.library import is_too_large
from ...brokers.azure.service import (
    Outgoing,
    Received,
    ServiceBus,
    Subscription,
    close_quietly,
)
from ...brokers.azure.source import ServiceBusSource
from ...exceptions import NotRetryable
from ...runtime import Runtime
from ...runtime.awaitables import all_of
from ..cluster.batches import BatchLimits, BatchSender, MessagesRefused
from ..cluster.driver import Driver, Inbox, Traits
from ..cluster.history import History
from ..cluster.message import Message
from ..cluster.wires.cloud import CloudWire, attributes_of, hand_in_addressed, is_heartbeat
from .reader import SubscriptionReader

LIMITS = BatchLimits(messages=100, bytes=128 * 1024)
"""The largest batch: a Service Bus of the tier Standard takes 256 KB, with all that is around them.

Source: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
"""

OPEN_SECONDS = 10.0
"""The time that the links to a Service Bus have to open: each takes several round trips."""

ATTRIBUTE_BYTES = 512
"""Bytes of a message that its properties take, about."""


@dataclass(frozen=True, slots=True)
class ServiceBusOptions:
    """The options of the adapter, as the driver needs them; see :class:`.AzureServiceBusAdapter`.

    Attributes:
        answer_seconds: How long Service Bus may take for an answer.
        silence_seconds: How long the subscription may bring nothing.
    """

    source: ServiceBusSource
    subscription_prefix: str
    auto_delete_on_idle: float
    create_topic: bool
    max_message: int
    answer_seconds: float
    silence_seconds: float


@dataclass(slots=True)
class ServiceBusHistory(History):
    """The memory that the drivers of one server share.

    Attributes:
        service: The clients.
        subscription: The name of the subscription of this server.
        numbers: The numbers of the messages that it has sent.
    """

    service: ServiceBus | None = None
    subscription: str | None = None
    numbers: count[int] = field(default_factory=count, repr=False)

    async def end(self) -> None:
        """Delete the subscription, and close the clients."""
        service, self.service = self.service, None
        name, self.subscription = self.subscription, None
        if service is None:
            return
        try:
            if name is not None:
                await service.delete_subscription(name)
        finally:
            await service.close()


class ServiceBusDriver(Driver):
    """Sends to the topic, and reads a subscription of its own.

    Args:
        options: The options.
        history: What came before.
    """

    def __init__(self, options: ServiceBusOptions, history: ServiceBusHistory) -> None:
        self.traits: Traits = Traits(
            echo=False, at_least_once=True, foreign=True, max_payload=options.max_message
        )
        self._options = options
        self._history = history
        self._wire = CloudWire()
        self._link: Any = None
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
            raise NotRetryable(
                "AzureServiceBusAdapter needs asyncio: its library azure-servicebus knows no trio"
            )

    async def _connect(self) -> bool:
        options, inbox, history = self._options, self._inbox, self._history
        if history.service is None:
            history.service = ServiceBus(options.source)
        self._service = service = history.service
        within = inbox.runtime.within
        gap = await within(OPEN_SECONDS, self._subscribe())
        self._link = service.sender()
        receiver = service.receiver(history.subscription or "")
        self._reader = SubscriptionReader(
            service,
            receiver,
            inbox.runtime,
            receive=self._receive,
            on_lost=self._lost,
            silence=options.silence_seconds,
        )
        self._sender = BatchSender(inbox.runtime, self._send, LIMITS, inbox.refused, self._lost)
        await within(OPEN_SECONDS, service.open(self._link, receiver))
        self._reader.start()
        return gap

    async def _subscribe(self) -> bool:
        """See that the subscription is there; True if it has missed messages, being new."""
        history, options = self._history, self._options
        if history.subscription and await self._service.has_subscription(history.subscription):
            return False
        # Of the same form as those of official servers.
        name = f"{options.subscription_prefix}-{uuid4().hex[:16]}"
        subscription = Subscription(name, options.auto_delete_on_idle)
        if not await self._service.create_subscription(subscription):
            await self._create_topic()
            if not await self._service.create_subscription(subscription):
                raise ConnectionError(f"the topic {options.source.topic} is not there yet")
        history.subscription = name
        return True

    async def _create_topic(self) -> None:
        topic = self._options.source.topic
        if not self._options.create_topic:
            raise NotRetryable(
                f"there is no topic {topic}; with create_topic=True it is made, or by:"
                f" az servicebus topic create --name {topic} --namespace-name NAMESPACE"
                " --resource-group GROUP"
            )
        await self._service.create_topic()

    async def close(self) -> None:
        """Read and send no more; the subscription waits for the next driver."""
        self._stop(ConnectionError("the server ends"))
        reader, self._reader = self._reader, None
        link, self._link = self._link, None
        if reader is not None:
            await all_of([reader.close, partial(close_quietly, link)])

    def _stop(self, error: Exception) -> None:
        self._closed = True
        if self._sender is not None:
            self._sender.close(error)

    def _lost(self, error: Exception) -> None:
        if not self._closed:
            self._stop(error)
            self._inbox.lost(error)

    async def open_namespace(self, name: str) -> None:
        """Do nothing: the subscription is for all of them."""

    async def close_namespace(self, name: str) -> None:
        """Do nothing: messages for others are dropped by their properties."""

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Send a message to all; see :meth:`.Driver.publish`."""
        if self._sender is None:
            raise ConnectionError("the driver has not been started")
        delivery = f"{self._inbox.server_id}-{next(self._history.numbers)}"
        body = self._wire.encode(message)
        form = Outgoing(attributes_of(message), body, delivery)
        return self._sender.add(form, len(body) + ATTRIBUTE_BYTES)

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send an answer, which others drop by its properties; see :meth:`.Driver.respond`."""
        return self.publish(replace(message, recipient=server))

    async def _send(self, messages: Sequence[Outgoing]) -> None:
        seconds = self._options.answer_seconds
        try:
            await self._service.send(self._link, messages, seconds)
        except ValueError as error:
            if is_too_large(error):
                raise MessagesRefused(f"this Service Bus takes no such message: {error}") from error
            raise

    def _receive(self, received: Received) -> None:
        hand_in_addressed(
            self._inbox,
            self._wire.decode_unless,
            received.attributes,
            received.body,
            received.delivery,
            heartbeat=is_heartbeat(received.body),
        )
