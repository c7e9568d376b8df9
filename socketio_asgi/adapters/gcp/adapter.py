"""The adapter for Google Cloud Pub/Sub, as applications make it."""

from __future__ import annotations

import logging
from typing import Any, Unpack

from ...brokers.gcp.source import check_client, check_name, source_of
from ...checks import check_count, check_flag, shown
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import MAX_MESSAGE_BYTES, Driver
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .driver import PubSubDriver, PubSubHistory, PubSubOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MIN_ANSWER_SECONDS = 1.0
"""The shortest time that a cloud has for an answer, however short the heartbeats are."""

MIN_SILENCE_SECONDS = 2.0
"""The shortest time after which a subscription that brings nothing is taken for dead."""

DAY_SECONDS = 24 * 3600.0
"""The shortest time after which Pub/Sub deletes a subscription that nobody uses.

Source: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#expirationpolicy
"""

MAX_EXPIRY_SECONDS = 365 * DAY_SECONDS


class GcpPubSubAdapter(ClusterAdapter):
    """Joins servers over Google Cloud Pub/Sub: ``Server(adapter=GcpPubSubAdapter("my-project"))``.

    Servers in Node.js with ``@socket.io/gcp-pubsub-adapter`` take part. Each server has a
    subscription of its own to one topic, which it deletes when it is closed; Pub/Sub deletes that
    of a server that crashed.

    Args:
        project: The id of the project; None for that of ``GOOGLE_CLOUD_PROJECT``, or of the full
            name of the topic.
        topic: The name of the topic, or its full name, ``projects/PROJECT/topics/TOPIC``.
        create_topic: Whether the topic is made when it is missing.
        subscription_prefix: What the names of the subscriptions begin with.
        subscription_expiry: The time after which Pub/Sub deletes a subscription that nobody uses,
            in seconds; a day at least.
        ordered: Whether the events of each server keep their order. Pub/Sub then takes 1 MB/s of
            each server at the most. Those of official servers have no order.
        max_message: The largest event, in bytes; a larger one raises at the ``emit``.
        credentials: Credentials of google-auth; None for those of the environment.
        endpoint: Another endpoint of Google Cloud, such as
            ``europe-west1-pubsub.googleapis.com:443``: events keep their order within one region.
        emulator_host: Host and port of an emulator; None for ``PUBSUB_EMULATOR_HOST``.
        publisher: A ``google.pubsub_v1.PublisherAsyncClient`` of the application, which stays open.
        subscriber: A ``google.pubsub_v1.SubscriberAsyncClient``, beside the publisher.
        **options: Those of :class:`.ClusterOptions`. ``heartbeat_interval`` is also how long
            Pub/Sub may take for an answer, before it counts as gone.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.

    Source: https://socket.io/docs/v4/gcp-pubsub-adapter/
    """

    def __init__(
        self,
        project: str | None = None,
        topic: str = "socket.io",
        *,
        create_topic: bool = True,
        subscription_prefix: str = "socket.io",
        subscription_expiry: float = DAY_SECONDS,
        ordered: bool = True,
        max_message: int = MAX_MESSAGE_BYTES,
        credentials: Any = None,
        endpoint: str | None = None,
        emulator_host: str | None = None,
        publisher: Any = None,
        subscriber: Any = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        super().__init__(self._new_driver, **options)
        self._pubsub = PubSubOptions(
            source=source_of(
                project,
                topic,
                credentials=credentials,
                endpoint=endpoint,
                emulator=emulator_host,
                publisher=check_client("PublisherAsyncClient", publisher),
                subscriber=check_client("SubscriberAsyncClient", subscriber),
            ),
            subscription_prefix=check_name("subscription_prefix", subscription_prefix),
            subscription_expiry=_expiry(subscription_expiry),
            create_topic=check_flag("create_topic", create_topic),
            ordered=check_flag("ordered", ordered),
            max_message=_max_message(max_message),
            answer_seconds=max(self._options.heartbeat_interval, MIN_ANSWER_SECONDS),
            silence_seconds=max(self._silence_seconds, MIN_SILENCE_SECONDS),
        )
        self._history = PubSubHistory()

    @property
    def _silence_seconds(self) -> float:
        """Own heartbeats come back: they are missed when one should have expired elsewhere."""
        return self._options.heartbeat_interval + self._options.heartbeat_timeout

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history = PubSubHistory()

    async def close(self) -> None:
        """Say goodbye, delete the subscription, and close the connection."""
        await super().close()
        try:
            await self._history.end()
        except Exception as error:  # noqa: BLE001  # of whichever library
            logger.warning("a subscription of Pub/Sub could not be deleted: %s", error)

    def _new_driver(self) -> Driver:
        return PubSubDriver(self._pubsub, self._history)


def _expiry(value: object) -> float:
    problem = f"subscription_expiry must be a number of seconds, not {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(problem)
    if not DAY_SECONDS <= value <= MAX_EXPIRY_SECONDS:
        raise ValueError(f"subscription_expiry is from a day to a year, in seconds, not {value!r}")
    return value


def _max_message(value: object) -> int:
    size = check_count("max_message", value, "bytes")
    if size > MAX_MESSAGE_BYTES:
        raise ValueError(f"max_message is {MAX_MESSAGE_BYTES} bytes at the most, not {size}")
    return size
