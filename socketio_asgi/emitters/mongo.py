"""Emitters over MongoDB, with pymongo.

Source: https://socket.io/docs/v4/mongo-adapter/#emitter
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.mongo import MongoWire
from ..brokers.mongo.library import failure
from ..brokers.mongo.source import Opened, Source, source_of
from ..checks import check_flag
from ..protocol import Parser
from ..runtime.awaitables import DONE
from .base import Emitter

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient, MongoClient
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.collection import Collection

DATABASE_SECONDS = 10.0
"""The time that a server is looked for."""


def _document(data: bytes) -> Any:
    return import_module("bson.raw_bson").RawBSONDocument(data)


class SyncTransport:
    """Inserts documents, and waits until MongoDB has them.

    Args:
        source: The collection.
        wire: The form of messages.
    """

    def __init__(self, source: Source, wire: MongoWire) -> None:
        self._source = source
        self._wire = wire
        self._lock = threading.Lock()
        self._opened: Opened | None = None

    def send(self, message: Message) -> None:
        """Send a message."""
        document = _document(self._wire.encode(message))
        with self._lock:
            opened = self._opened = self._opened or self._source.open(DATABASE_SECONDS)
        opened.collection.insert_one(document)

    def close(self) -> None:
        """End the connections, if they were made here."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()


class AsyncTransport:
    """The same, asynchronous.

    Args:
        source: The collection.
        wire: The form of messages.
    """

    def __init__(self, source: Source, wire: MongoWire) -> None:
        self._source = source
        self._wire = wire
        self._opened: Opened | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return self._send(_document(self._wire.encode(message)))

    async def _send(self, document: Any) -> None:
        opened = self._opened = self._opened or self._source.open(DATABASE_SECONDS)
        try:
            await opened.collection.insert_one(document)
        except import_module("pymongo.errors").ConnectionFailure as error:
            raise failure(error) from error

    async def close(self) -> None:
        """End the connections, if they were made here."""
        opened, self._opened = self._opened, None
        await ((opened.close() if opened else None) or DONE)


def _wire(add_created_at_field: bool) -> MongoWire:
    return MongoWire(add_created_at=check_flag("add_created_at_field", add_created_at_field))


class MongoEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.MongoAdapter`; waits for MongoDB.

    For functions that are not asynchronous, in any thread. Its methods return when MongoDB has what
    was sent, and raise the errors of pymongo.

    Args:
        source: The URL of MongoDB, or a ``MongoClient`` of the application, or one of its
            collections; both stay open.
        database: The option of the adapter.
        collection: The option of the adapter.
        add_created_at_field: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: pymongo is not installed.
        ValueError: The URL is none of MongoDB, or a name is missing.
        TypeError: ``source`` is of another kind.

    Source: https://socket.io/docs/v4/mongo-adapter/#emitter
    """

    def __init__(
        self,
        source: str | MongoClient[Any] | Collection[Any],
        *,
        database: str | None = None,
        collection: str | None = None,
        add_created_at_field: bool = False,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        found = source_of(source, database, collection, asynchronous=False)
        transport = SyncTransport(found, _wire(add_created_at_field))
        super().__init__(transport, namespace=namespace, parser=parser)


class AsyncMongoEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`MongoEmitter`, asynchronous: ``await emitter.emit("news", 1)``.

    It raises ConnectionError when MongoDB is away.

    Args:
        source: The URL of MongoDB, or an ``AsyncMongoClient`` of the application, or one of its
            collections; both stay open.
        database: The option of the adapter.
        collection: The option of the adapter.
        add_created_at_field: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: pymongo is not installed.
        ValueError: The URL is none of MongoDB, or a name is missing.
        TypeError: ``source`` is of another kind.
    """

    def __init__(
        self,
        source: str | AsyncMongoClient[Any] | AsyncCollection[Any],
        *,
        database: str | None = None,
        collection: str | None = None,
        add_created_at_field: bool = False,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        found = source_of(source, database, collection, asynchronous=True)
        transport = AsyncTransport(found, _wire(add_created_at_field))
        super().__init__(transport, namespace=namespace, parser=parser)
