"""Emitters over Azure Service Bus, which has no official one.

They send what servers send, by the name of an emitter; official servers take that as well.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Awaitable
from itertools import count
from typing import Any

import anyio

from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.cloud import CloudWire, attributes_of
from ..brokers.azure.library import library, make_client
from ..brokers.azure.service import Outgoing, close_quietly, to_library
from ..brokers.azure.source import ServiceBusSource, check_client, source_of
from ..exceptions import NotRetryable
from ..protocol import Parser
from .base import Emitter

REQUEST_SECONDS = 10.0
"""The time that Service Bus may take for an answer."""


class _Form:
    """The messages of the library.

    Args:
        source: The way to the topic.

    Raises:
        ModuleNotFoundError: azure-servicebus is not installed.
    """

    def __init__(self, source: ServiceBusSource) -> None:
        self.source = source
        self._library = _library()
        self._wire = CloudWire()
        self._id = secrets.token_hex(8)
        self._numbers = count()

    def of(self, message: Message) -> Any:
        """The message, as it is sent."""
        # It is the same when the library sends it again, so that nothing is delivered twice.
        message_id = f"{self._id}-{next(self._numbers)}"
        form = Outgoing(attributes_of(message), self._wire.encode(message), message_id)
        return to_library(self._library, form)


class SyncTransport:
    """Sends, and waits until Service Bus has what was sent.

    Args:
        form: The messages of the library.
    """

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._lock = threading.Lock()
        self._client: Any = None
        self._sender: Any = None

    def send(self, message: Message) -> None:
        """Send a message."""
        made = self._form.of(message)
        with self._lock:
            if self._sender is None:
                source = self._form.source
                if source.client is None:
                    self._client = make_client(source, asynchronous=False)
                client = source.client or self._client
                self._sender = client.get_topic_sender(source.topic)
            self._sender.send_messages(made, timeout=REQUEST_SECONDS)

    def close(self) -> None:
        """End the connection; a client of the application stays open."""
        sender, client, self._sender, self._client = self._sender, self._client, None, None
        for closable in (sender, client):
            if closable is not None:
                closable.close()


class AsyncTransport:
    """Sends with an asynchronous client, made where it is used first.

    Args:
        form: The messages of the library.
    """

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._lock = anyio.Lock()
        self._client: Any = None
        self._sender: Any = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return self._send(self._form.of(message))

    async def _send(self, made: Any) -> None:
        async with self._lock:
            if self._sender is None:
                source = self._form.source
                if source.client is None:
                    self._client = make_client(source, asynchronous=True)
                client = source.client or self._client
                self._sender = client.get_topic_sender(source.topic)
            await self._sender.send_messages(made, timeout=REQUEST_SECONDS)

    async def close(self) -> None:
        """End the connection; a client of the application stays open."""
        sender, client, self._sender, self._client = self._sender, self._client, None, None
        for closable in (sender, client):
            if closable is not None:
                await close_quietly(closable)


def _library() -> Any:
    try:
        return library("azure.servicebus")
    except NotRetryable as error:
        raise ModuleNotFoundError(str(error), name="azure.servicebus") from error


class AzureServiceBusEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.AzureServiceBusAdapter`; waits for it.

    For functions that are not asynchronous, in any thread. Its methods return when Service Bus has
    what was sent, and raise the errors of azure-servicebus.

    Args:
        connection: A connection string with the right to send, or a host with a ``credential``.
        topic: The option of the adapter; the topic has to be there.
        credential: A credential of ``azure.identity``, for a host.
        client: A ``azure.servicebus.ServiceBusClient`` of the application, which stays open.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: azure-servicebus is not installed.
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        connection: str | None = None,
        topic: str = "socket.io",
        *,
        credential: Any = None,
        client: Any = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        client = check_client("ServiceBusClient", client)
        source = source_of(connection, topic, credential=credential, client=client)
        super().__init__(SyncTransport(_Form(source)), namespace=namespace, parser=parser)


class AsyncAzureServiceBusEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`AzureServiceBusEmitter`, asynchronous: ``await emitter.emit("news", 1)``.

    It needs asyncio, and belongs to the event loop that it is used in first.

    Args:
        connection: A connection string with the right to send, or a host with a ``credential``.
        topic: The option of the adapter; the topic has to be there.
        credential: A credential of ``azure.identity.aio``, for a host.
        client: A ``azure.servicebus.aio.ServiceBusClient`` of the application, which stays open.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: azure-servicebus is not installed.
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        connection: str | None = None,
        topic: str = "socket.io",
        *,
        credential: Any = None,
        client: Any = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        client = check_client("aio.ServiceBusClient", client)
        source = source_of(connection, topic, credential=credential, client=client)
        super().__init__(AsyncTransport(_Form(source)), namespace=namespace, parser=parser)
