"""Emitters over Google Cloud Pub/Sub, which has no official one.

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
from ..brokers.gcp.library import library, make_client
from ..brokers.gcp.source import PubSubSource, check_client, source_of
from ..checks import check_flag
from ..exceptions import NotRetryable
from ..protocol import Parser
from .base import Emitter

REQUEST_SECONDS = 10.0
"""The time that Pub/Sub may take for an answer; failures that pass are tried again until then."""


class _Form:
    """The request that publishes a message.

    Args:
        source: The way to the topic.
        ordered: Whether messages keep their order.
    """

    def __init__(self, source: PubSubSource, *, ordered: bool) -> None:
        self.source = source
        self._wire = CloudWire()
        self._id = secrets.token_hex(8)
        self._numbers = count()
        self._ordering_key = self._id if ordered else ""

    def of(self, message: Message) -> dict[str, Any]:
        """The request, by the names of its fields."""
        # It stays the same when it is made again, so that nothing is delivered twice.
        delivery = f"{self._id}-{next(self._numbers)}"
        made = {
            "data": self._wire.encode(message),
            "attributes": attributes_of(message, delivery),
            "ordering_key": self._ordering_key,
        }
        return {"topic": self.source.topic_path, "messages": [made]}


class SyncTransport:
    """Publishes, and waits until Pub/Sub has what was published.

    Args:
        form: The request for each message.
    """

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._lock = threading.Lock()
        self._own: Any = None
        self._client: Any = form.source.publisher
        # The client with threads has another method of that name.
        self._publish = _library().PublisherClient.publish

    def send(self, message: Message) -> None:
        """Send a message."""
        with self._lock:
            if self._client is None:
                self._own = self._client = make_client(
                    self._form.source, "Publisher", asynchronous=False
                )
            self._publish(self._client, request=self._form.of(message), timeout=REQUEST_SECONDS)

    def close(self) -> None:
        """End the connection, if it was made here."""
        client, self._own = self._own, None
        if client is not None:
            self._client = None
            client.transport.close()


class AsyncTransport:
    """Publishes with an asynchronous client, made where it is used first.

    Args:
        form: The request for each message.
    """

    def __init__(self, form: _Form) -> None:
        _library()
        self._form = form
        self._lock = anyio.Lock()
        self._own: Any = None
        self._client: Any = form.source.publisher

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return self._send(self._form.of(message))

    async def _send(self, request: dict[str, Any]) -> None:
        async with self._lock:
            if self._client is None:
                self._own = self._client = make_client(
                    self._form.source, "Publisher", asynchronous=True
                )
            await self._client.publish(request=request, timeout=REQUEST_SECONDS)

    async def close(self) -> None:
        """End the connection, if it was made here."""
        client, self._own = self._own, None
        if client is not None:
            self._client = None
            await client.transport.close()


def _library() -> Any:
    try:
        return library()
    except NotRetryable as error:
        raise ModuleNotFoundError(str(error), name="google.pubsub_v1") from error


class GcpPubSubEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.GcpPubSubAdapter`; waits for Pub/Sub.

    For functions that are not asynchronous, in any thread. Its methods return when Pub/Sub has what
    was sent, and raise the errors of google-cloud-pubsub.

    Args:
        project: The option of the adapter.
        topic: The option of the adapter; the topic has to be there.
        ordered: Whether what this emitter sends keeps its order, as the option of the adapter.
        credentials: Credentials of google-auth; None for those of the environment.
        endpoint: The option of the adapter.
        emulator_host: The option of the adapter.
        publisher: A ``PublisherClient`` of the application, which stays open.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: google-cloud-pubsub is not installed.
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        project: str | None = None,
        topic: str = "socket.io",
        *,
        ordered: bool = True,
        credentials: Any = None,
        endpoint: str | None = None,
        emulator_host: str | None = None,
        publisher: Any = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        source = source_of(
            project,
            topic,
            credentials=credentials,
            endpoint=endpoint,
            emulator=emulator_host,
            publisher=check_client("PublisherClient", publisher),
        )
        transport = SyncTransport(_Form(source, ordered=check_flag("ordered", ordered)))
        super().__init__(transport, namespace=namespace, parser=parser)


class AsyncGcpPubSubEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`GcpPubSubEmitter`, asynchronous: ``await emitter.emit("news", 1)``.

    It needs asyncio, and belongs to the event loop that it is used in first.

    Args:
        project: The option of the adapter.
        topic: The option of the adapter; the topic has to be there.
        ordered: Whether what this emitter sends keeps its order, as the option of the adapter.
        credentials: Credentials of google-auth; None for those of the environment.
        endpoint: The option of the adapter.
        emulator_host: The option of the adapter.
        publisher: A ``google.pubsub_v1.PublisherAsyncClient`` of the application, which stays open.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: google-cloud-pubsub is not installed.
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        project: str | None = None,
        topic: str = "socket.io",
        *,
        ordered: bool = True,
        credentials: Any = None,
        endpoint: str | None = None,
        emulator_host: str | None = None,
        publisher: Any = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        source = source_of(
            project,
            topic,
            credentials=credentials,
            endpoint=endpoint,
            emulator=emulator_host,
            publisher=check_client("PublisherAsyncClient", publisher),
        )
        transport = AsyncTransport(_Form(source, ordered=check_flag("ordered", ordered)))
        super().__init__(transport, namespace=namespace, parser=parser)
