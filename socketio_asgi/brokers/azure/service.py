"""A Service Bus in one event loop: a topic, and a subscription."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple, cast

from ...runtime.awaitables import all_of
from ...runtime.shielding import at_most
from .library import exists_already, failure, library, make_administration, make_client
from .source import ServiceBusSource

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

CLOSE_SECONDS = 1.0
"""The time that a link has to end in order."""

PREFETCHED = 200
"""The messages that are on their way to this server before it asks for them."""

PEEK_LOCK_SECONDS = 30.0
"""The time that Service Bus waits for the settlement of a message, before it sends it again."""

KEEP_MESSAGES_SECONDS = 600.0
"""The time that messages are kept for a server that is away."""

MAX_REDELIVERIES = 100
"""The deliveries of one message, after which Service Bus puts it aside."""


class Outgoing(NamedTuple):
    """A message on its way to the topic.

    Attributes:
        attributes: Its application properties.
        body: Its body.
        message_id: An id that no other message has.
    """

    attributes: Mapping[str, str]
    body: bytes
    message_id: str


class Received(NamedTuple):
    """A message of the subscription.

    Attributes:
        message: The message of the library, to be settled.
        delivery: An id by which it is known if it comes again.
        attributes: Its application properties that are text.
        body: Its body.
    """

    message: Any
    delivery: str
    attributes: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to the topic.

    Attributes:
        name: Its name.
        idle_seconds: The time after which Service Bus deletes it when nobody reads it.
    """

    name: str
    idle_seconds: float


class ServiceBus:
    """The clients of a server, in one event loop. Its errors are those of :func:`.failure`.

    Args:
        source: The way to the topic.

    Raises:
        NotRetryable: The library is missing, or does not take the connection string.
    """

    def __init__(self, source: ServiceBusSource) -> None:
        self._topic = source.topic
        self._messages = library("azure.servicebus")
        self._own: list[Any] = []
        self._client = source.client or self._keep(make_client(source, asynchronous=True))
        given = source.administration
        if given is None or isinstance(given, str):
            given = self._keep(make_administration(source))
        self._administration = given

    def _keep(self, client: Any) -> Any:
        self._own.append(client)
        return client

    async def close(self) -> None:
        """Close the clients, except those of the application."""
        clients, self._own = self._own, []
        for client in clients:
            await close_quietly(client)

    # -- topic and subscription --------------------------------------------------------------

    async def create_topic(self) -> None:
        """Make the topic, unless it is there."""
        try:
            await self._administration.create_topic(self._topic)
        except Exception as error:
            if not exists_already(error):
                raise failure(error) from error

    async def create_subscription(self, subscription: Subscription) -> bool:
        """Make a subscription, unless it is there; False when the topic is missing."""
        try:
            await self._administration.create_subscription(
                self._topic,
                subscription.name,
                auto_delete_on_idle=timedelta(seconds=subscription.idle_seconds),
                default_message_time_to_live=timedelta(seconds=KEEP_MESSAGES_SECONDS),
                lock_duration=timedelta(seconds=PEEK_LOCK_SECONDS),
                max_delivery_count=MAX_REDELIVERIES,
            )
        except Exception as error:
            if exists_already(error):
                return True
            found = failure(error)
            if isinstance(found, LookupError):
                return False
            raise found from error
        return True

    async def has_subscription(self, name: str) -> bool:
        """True if a subscription is there."""
        try:
            await self._administration.get_subscription(self._topic, name)
        except Exception as error:
            found = failure(error)
            if isinstance(found, LookupError):
                return False
            raise found from error
        return True

    async def delete_subscription(self, name: str) -> None:
        """Delete a subscription."""
        try:
            await self._administration.delete_subscription(self._topic, name)
        except Exception as error:
            found = failure(error)
            if not isinstance(found, LookupError):
                raise found from error

    # -- messages ----------------------------------------------------------------------------

    def sender(self) -> Any:
        """A link to the topic, which opens when it is used."""
        return self._client.get_topic_sender(self._topic)

    def receiver(self, name: str) -> Any:
        """A link from a subscription."""
        return self._client.get_subscription_receiver(self._topic, name, prefetch_count=PREFETCHED)

    async def open(self, *links: Any) -> None:
        """Open links, which would be done at their first use."""
        try:
            await all_of([link.__aenter__ for link in links])
        except ExceptionGroup as group:
            error = group.exceptions[0]
            raise failure(error) from error

    async def send(self, sender: Any, messages: Sequence[Outgoing], seconds: float) -> None:
        """Send messages, all or none of them.

        Args:
            sender: The link.
            messages: The messages.
            seconds: How long that may take.
        """
        made = [to_library(self._messages, message) for message in messages]
        try:
            # Only a message alone may be larger than a batch.
            await sender.send_messages(made if len(made) > 1 else made[0], timeout=seconds)
        except ValueError:  # too large
            raise
        except Exception as error:
            raise failure(error) from error

    async def messages(self, receiver: Any) -> AsyncGenerator[Received]:
        """Read the messages of a subscription, until the link ends."""
        try:
            async for message in receiver:
                yield from_library(message)
        except Exception as error:
            raise failure(error) from error

    async def complete(self, receiver: Any, messages: Sequence[Received]) -> None:
        """Settle messages: they need not come again."""

        async def complete(message: Any) -> None:
            try:
                await receiver.complete_message(message)
            except Exception as error:  # noqa: BLE001  # it comes again, and is known
                logger.debug("a message of Service Bus is not settled: %r", error)

        # Each waits for the answer of Service Bus.
        await all_of([partial(complete, each.message) for each in messages])


def to_library(module: Any, message: Outgoing) -> Any:
    """A message as the library sends it."""
    return module.ServiceBusMessage(
        message.body,
        application_properties=dict(message.attributes),
        message_id=message.message_id,
    )


def from_library(message: Any) -> Received:
    """A message as the library has read it: keys and values of properties are bytes there."""
    found = cast("Mapping[object, object]", message.application_properties or {})
    attributes = {_text(name): _text(value) for name, value in found.items()}
    attributes.pop("", None)
    # Official servers give no id; the number is the same when a message comes again.
    delivery = str(message.message_id or f"#{message.sequence_number}")
    return Received(message, delivery, attributes, _body_of(message))


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _body_of(message: Any) -> bytes:
    try:
        return b"".join(message.body)
    except TypeError:  # a value, and not data
        return b""


async def close_quietly(closable: Any) -> None:
    """Close a link or a client, which may be broken."""
    try:
        await at_most(CLOSE_SECONDS, closable.close())
    except Exception as error:  # noqa: BLE001  # of a connection that is broken anyway
        logger.debug("a link of Service Bus cannot be closed: %r", error)
