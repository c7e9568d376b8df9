"""Pub/Sub in one event loop: a topic, and a subscription.

The generated asynchronous clients are used, and not those with threads: these hand messages to a
pool of threads, which mixes up their order, and keep leases for handlers that take long. Here a
message is handled when it is read, in the thread of the event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...exceptions import NotRetryable
from .library import code_of, failure, library, make_client
from .source import PubSubSource

SUBSCRIPTION_SECONDS = 10
"""The time that Pub/Sub waits for an acknowledgement, before it sends a message again; as short as
it may be, so that what a broken connection has swallowed comes soon."""

RETENTION_SECONDS = 600
"""The time that messages are kept for a server that is away; the shortest that there is."""

MAX_PULLED_BYTES = 64 * 1024 * 1024
"""The most bytes of messages that are on their way and not acknowledged."""

MAX_PULLED_MESSAGES = 10_000
"""The most such messages."""


class Outgoing(NamedTuple):
    """A message on its way to the topic.

    Attributes:
        attributes: Its attributes.
        body: Its body.
    """

    attributes: Mapping[str, str]
    body: bytes


class Received(NamedTuple):
    """A message of the subscription.

    Attributes:
        ack_id: The id by which it is acknowledged.
        message_id: The id that the topic has given it.
        attributes: Its attributes.
        body: Its body.
    """

    ack_id: str
    message_id: str
    attributes: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSettings:
    """The settings of a subscription.

    Attributes:
        expiry: The time after which Pub/Sub deletes it when nobody uses it, in seconds.
        ordered: Whether messages with the same ordering key keep their order.
        filter: The messages that it gets, in the language of Pub/Sub.
    """

    expiry: float
    ordered: bool
    filter: str


class PubSub:
    """The clients of a server, in one event loop. Its errors are those of :func:`.failure`.

    Args:
        source: The way to the topic.
        seconds: How long a request may take.

    Raises:
        NotRetryable: The library is missing, or there are no credentials.
    """

    def __init__(self, source: PubSubSource, seconds: float) -> None:
        self._source = source
        self._options: dict[str, Any] = {"retry": None, "timeout": seconds}
        self._own: list[Any] = []
        self._types = library("google.pubsub_v1.types")
        self._publisher = source.publisher or self._make("Publisher")
        self._subscriber = source.subscriber or self._make("Subscriber")

    def _make(self, kind: str) -> Any:
        client = make_client(self._source, kind, asynchronous=True)
        self._own.append(client)
        return client

    async def close(self) -> None:
        """Close the clients, except those of the application."""
        clients, self._own = self._own, []
        for client in clients:
            await client.transport.close()

    # -- topic and subscription --------------------------------------------------------------

    async def create_topic(self) -> None:
        """Make the topic, unless it is there."""
        request = {"name": self._source.topic_path}
        await self._make_resource(self._publisher.create_topic, request)

    async def create_subscription(self, path: str, settings: SubscriptionSettings) -> bool:
        """Make a subscription, unless it is there; False when the topic is missing."""
        request = {
            "name": path,
            "topic": self._source.topic_path,
            "ack_deadline_seconds": SUBSCRIPTION_SECONDS,
            "message_retention_duration": {"seconds": RETENTION_SECONDS},
            "expiration_policy": {"ttl": {"seconds": round(settings.expiry)}},
            "enable_message_ordering": settings.ordered,
            "filter": settings.filter,
        }
        try:
            await self._make_resource(self._subscriber.create_subscription, request)
        except LookupError:
            return False
        return True

    async def _make_resource(self, create: Any, request: dict[str, Any]) -> None:
        try:
            await create(request=request, **self._options)
        except Exception as error:
            match code_of(error):
                case "ALREADY_EXISTS":
                    return
                case "NOT_FOUND":
                    raise LookupError(str(error)) from error
                case _:
                    raise failure(error) from error

    async def has_subscription(self, path: str) -> bool:
        """True if a subscription is there, and gets messages of the topic."""
        try:
            found = await self._subscriber.get_subscription(
                request={"subscription": path}, **self._options
            )
        except Exception as error:
            if code_of(error) == "NOT_FOUND":
                return False
            raise failure(error) from error
        # It outlives its topic, of which another one with the same name knows nothing.
        return bool(found.topic == self._source.topic_path)

    async def delete_subscription(self, path: str) -> None:
        """Delete a subscription."""
        try:
            await self._subscriber.delete_subscription(
                request={"subscription": path}, **self._options
            )
        except Exception as error:
            if code_of(error) != "NOT_FOUND":
                raise failure(error) from error

    # -- messages ----------------------------------------------------------------------------

    async def publish(self, messages: Sequence[Outgoing], ordering_key: str) -> None:
        """Publish messages, all or none of them.

        Args:
            messages: The messages.
            ordering_key: Their ordering key; empty without any.
        """
        types = self._types
        made = [
            types.PubsubMessage.pb()(
                data=body, attributes=attributes, ordering_key=ordering_key or None
            )
            for attributes, body in messages
        ]
        request = types.PublishRequest.pb()(topic=self._source.topic_path, messages=made)
        try:
            await self._publisher.publish(
                request=types.PublishRequest.wrap(request), **self._options
            )
        except Exception as error:
            if code_of(error) == "NOT_FOUND":
                raise NotRetryable(f"the topic {self._source.topic_path} is gone") from error
            raise failure(error) from error

    async def acknowledge(self, path: str, ids: Sequence[str]) -> None:
        """Acknowledge messages of a subscription."""
        request = {"subscription": path, "ack_ids": ids}
        try:
            await self._subscriber.acknowledge(request=request, **self._options)
        except Exception as error:
            raise failure(error) from error

    async def pull(
        self, path: str, keep_alive: AsyncIterator[None]
    ) -> AsyncGenerator[list[Received]]:
        """Read the messages of a subscription, until Pub/Sub ends that.

        Args:
            path: The subscription.
            keep_alive: Something to say on the stream now and then.
        """
        types = self._types

        async def requests() -> AsyncIterator[Any]:
            yield types.StreamingPullRequest(
                subscription=path,
                stream_ack_deadline_seconds=SUBSCRIPTION_SECONDS,
                max_outstanding_messages=MAX_PULLED_MESSAGES,
                max_outstanding_bytes=MAX_PULLED_BYTES,
            )
            async for _ in keep_alive:
                yield types.StreamingPullRequest()

        # The generated client knows no place for the request from a stream of them.
        header = [("x-goog-request-params", f"subscription={path}")]
        try:
            stream = await self._subscriber.streaming_pull(
                requests=requests(), retry=None, timeout=None, metadata=header
            )
            async for response in stream:
                yield [
                    _received(item)
                    for item in types.StreamingPullResponse.pb(response).received_messages
                ]
        except Exception as error:
            raise failure(error) from error


def _received(item: Any) -> Received:
    message = item.message
    return Received(item.ack_id, message.message_id, dict(message.attributes), message.data)
