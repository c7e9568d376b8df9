"""The adapter for Azure Service Bus, as applications make it."""

from __future__ import annotations

import logging
from typing import Any, Unpack

from ...brokers.azure.source import MAX_PREFIX_LENGTH, check_client, check_name, source_of
from ...checks import check_count, check_flag, shown
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import MAX_MESSAGE_BYTES, Driver
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .driver import ServiceBusDriver, ServiceBusHistory, ServiceBusOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MIN_ANSWER_SECONDS = 1.0
"""The shortest time that a cloud has for an answer, however short the heartbeats are."""

MIN_SILENCE_SECONDS = 2.0
"""The shortest time after which a subscription that brings nothing is taken for dead."""

MIN_IDLE_SECONDS = 300.0
"""The shortest time after which Service Bus deletes a subscription that nobody reads.

Source: https://learn.microsoft.com/azure/service-bus-messaging/message-expiration
"""

MAX_IDLE_SECONDS = 365 * 24 * 3600.0

STANDARD_MESSAGE_BYTES = 240 * 1024
"""The largest event over a Service Bus of the tier Standard, which takes 256 KB with all that is
around it."""


class AzureServiceBusAdapter(ClusterAdapter):
    """Joins servers over Azure Service Bus: ``AzureServiceBusAdapter("Endpoint=sb://...")``.

    Servers in Node.js with ``@socket.io/azure-service-bus-adapter`` take part. Each server has a
    subscription of its own to one topic, which it deletes when it is closed; Service Bus deletes
    that of a server that crashed.

    Args:
        connection: The connection string of the namespace, with the right to manage it; or its
            host, such as ``my-app.servicebus.windows.net``, with a ``credential``.
        topic: The name of the topic.
        credential: A credential of ``azure.identity.aio``, for a host.
        create_topic: Whether the topic is made when it is missing.
        subscription_prefix: What the names of the subscriptions begin with.
        auto_delete_on_idle: The time after which Service Bus deletes a subscription that nobody
            reads, in seconds; five minutes at least.
        max_message: The largest event, in bytes; a larger one raises at the ``emit``. The tier
            Premium takes more than the default.
        client: A ``azure.servicebus.aio.ServiceBusClient`` of the application, which stays open.
        administration: A ``azure.servicebus.aio.management.ServiceBusAdministrationClient`` beside
            it, or a connection string for the administration, if that is another one.
        **options: Those of :class:`.ClusterOptions`. ``heartbeat_interval`` is also how long
            Service Bus may take for an answer, before it counts as gone.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.

    Source: https://socket.io/docs/v4/azure-service-bus-adapter/
    """

    def __init__(
        self,
        connection: str | None = None,
        topic: str = "socket.io",
        *,
        credential: Any = None,
        create_topic: bool = True,
        subscription_prefix: str = "socket.io",
        auto_delete_on_idle: float = 600.0,
        max_message: int = STANDARD_MESSAGE_BYTES,
        client: Any = None,
        administration: Any = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        super().__init__(self._new_driver, **options)
        if client is not None and (administration is None or isinstance(administration, str)):
            raise TypeError("a client of the application needs an administration client beside it")
        self._service_bus = ServiceBusOptions(
            source=source_of(
                connection,
                topic,
                credential=credential,
                client=check_client("aio.ServiceBusClient", client),
                administration=_administration(administration),
            ),
            subscription_prefix=check_name(
                "subscription_prefix", subscription_prefix, MAX_PREFIX_LENGTH
            ),
            auto_delete_on_idle=_idle(auto_delete_on_idle),
            create_topic=check_flag("create_topic", create_topic),
            max_message=_max_message(max_message),
            answer_seconds=max(self._options.heartbeat_interval, MIN_ANSWER_SECONDS),
            silence_seconds=max(self._silence_seconds, MIN_SILENCE_SECONDS),
        )
        self._history = ServiceBusHistory()

    @property
    def _silence_seconds(self) -> float:
        """Own heartbeats come back: they are missed when one should have expired elsewhere."""
        return self._options.heartbeat_interval + self._options.heartbeat_timeout

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history = ServiceBusHistory()

    async def close(self) -> None:
        """Say goodbye, delete the subscription, and close the connection."""
        await super().close()
        try:
            await self._history.end()
        except Exception as error:  # noqa: BLE001  # of whichever library
            logger.warning("a subscription of Service Bus could not be deleted: %s", error)

    def _new_driver(self) -> Driver:
        return ServiceBusDriver(self._service_bus, self._history)


def _administration(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    return check_client("aio.management.ServiceBusAdministrationClient", value)


def _idle(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"auto_delete_on_idle must be a number of seconds, not {shown(value)}")
    if not MIN_IDLE_SECONDS <= value <= MAX_IDLE_SECONDS:
        raise ValueError(
            f"auto_delete_on_idle is from five minutes to a year, in seconds, not {value!r}"
        )
    return value


def _max_message(value: object) -> int:
    size = check_count("max_message", value, "bytes")
    if size > MAX_MESSAGE_BYTES:
        raise ValueError(f"max_message is {MAX_MESSAGE_BYTES} bytes at the most, not {size}")
    return size
