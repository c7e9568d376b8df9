"""The adapter for MongoDB, as applications make it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from ...brokers.mongo.source import source_of
from ...checks import check_count, check_flag, check_seconds
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import MAX_MESSAGE_BYTES, Driver
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .collection import CollectionOptions
from .driver import MongoDriver, MongoOptions
from .history import MongoHistory

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient
    from pymongo.asynchronous.collection import AsyncCollection

CAPPED_SIZE = 64 * 1024 * 1024
"""The size of a collection that is made here, in bytes: MongoDB takes up to 16 MiB for one message,
and the sockets of clients that are away lie among them."""

AGE_SECONDS = 3600.0
"""The age at which documents are deleted, by an index that is made here."""

MAX_EXPIRE_AFTER = 2_147_483_647.0
"""The highest age that MongoDB takes.

Source: https://www.mongodb.com/docs/manual/core/index-ttl/
"""

MAX_DOCUMENT_BYTES = 15 * 1024 * 1024
"""The largest message: a document has 16 MiB at the most, and so has the event around it, by which
others are told."""


class MongoAdapter(ClusterAdapter):
    """Joins servers over MongoDB: ``Server(adapter=MongoAdapter("mongodb://localhost/app"))``.

    Servers in Node.js with ``@socket.io/mongo-adapter`` take part. Each message is a document of
    one collection, and a change stream tells of it: a server whose connection was lost reads on
    where it was. With ``connection_state_recovery``, clients get what they have missed on whichever
    server they come back to. MongoDB has to be a replica set, of one server at least.

    Args:
        source: The URL of MongoDB, or an ``AsyncMongoClient`` of the application, or one of its
            collections; both stay open.
        database: The name of the database, if neither the URL nor a collection says it.
        collection: The name of the collection; None for ``socket.io-adapter-events``.
        create_collection: Whether the collection and its indexes are made when they are missing.
        capped_size: The size of a collection that is made, in bytes. It is capped: MongoDB deletes
            the oldest documents when it is full.
        add_created_at_field: Whether MongoDB deletes documents by their age instead. All servers
            and emitters of a cluster have the same.
        expire_after: The age at which they are deleted, for an index that is made, in seconds; more
            than clients may be away.
        max_message: The largest event, in bytes; a larger one raises at the ``emit``.
        connect_options: Options of the client, such as ``username`` and ``tls``; with a URL only.
        **options: Those of :class:`.ClusterOptions`. ``heartbeat_interval`` is also how long
            MongoDB may take for an answer, before it counts as gone.

    Raises:
        ModuleNotFoundError: pymongo is not installed.
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.

    Source: https://socket.io/docs/v4/mongo-adapter/
    """

    def __init__(
        self,
        source: str | AsyncMongoClient[Any] | AsyncCollection[Any],
        *,
        database: str | None = None,
        collection: str | None = None,
        create_collection: bool = True,
        capped_size: int = CAPPED_SIZE,
        add_created_at_field: bool = False,
        expire_after: float = AGE_SECONDS,
        max_message: int = MAX_MESSAGE_BYTES,
        connect_options: Mapping[str, Any] | None = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        super().__init__(self._new_driver, **options)
        self._mongo = MongoOptions(
            source=source_of(source, database, collection, connect_options, asynchronous=True),
            collection=CollectionOptions(
                create=check_flag("create_collection", create_collection),
                capped_size=check_count("capped_size", capped_size, "bytes"),
                add_created_at_field=check_flag("add_created_at_field", add_created_at_field),
                expire_after=check_seconds("expire_after", expire_after, MAX_EXPIRE_AFTER),
            ),
            answer_seconds=self._options.heartbeat_interval,
            max_message=_size(max_message),
        )
        self._history = MongoHistory()

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history = MongoHistory(runtime=self._history.runtime)

    def _new_driver(self) -> Driver:
        recovers = any(namespace.recovers for namespace in self._namespaces.values())
        return MongoDriver(self._mongo, self._history, recovers=recovers)


def _size(value: object) -> int:
    size = check_count("max_message", value, "bytes")
    if size > MAX_DOCUMENT_BYTES:
        raise ValueError(f"max_message is {MAX_DOCUMENT_BYTES} bytes at the most, not {size}")
    return size
