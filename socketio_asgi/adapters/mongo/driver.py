"""The driver for MongoDB: each message a document, read in the order of the oplog."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from ...brokers.mongo.library import REPLICA_SET, failure
from ...brokers.mongo.source import Opened, Source
from ...exceptions import NotRetryable
from ...runtime import Cancellable, Runtime
from ..cluster.batches import BatchSender
from ..cluster.driver import Archive, Driver, Inbox, Traits
from ..cluster.message import Message
from ..cluster.wires.mongo import RESERVED_BYTES, MongoWire
from .archive import Connected, MongoArchive
from .collection import CollectionOptions
from .history import MongoHistory
from .inserting import LIMITS, insert
from .pipelines import live
from .reader import Reader
from .streams import AWAIT_SECONDS, HistoryLost, cluster_time, open_stream

ResultT = TypeVar("ResultT")

SELECT_SECONDS = 2.0
"""The time that a server which takes writes is looked for; then MongoDB counts as gone."""

CLOSE_SECONDS = 2.0
"""The time that the connections have for their end."""


@dataclass(frozen=True, slots=True)
class MongoOptions:
    """The options of the adapter, as the driver needs them; see :class:`.MongoAdapter`.

    Attributes:
        answer_seconds: How long MongoDB may take for an answer.
    """

    source: Source
    collection: CollectionOptions
    answer_seconds: float
    max_message: int


class MongoDriver(Driver):
    """Inserts documents, and reads a change stream.

    Args:
        options: The options.
        history: What came before.
        recovers: Whether clients that come back get what they have missed.
    """

    def __init__(self, options: MongoOptions, history: MongoHistory, *, recovers: bool) -> None:
        self._options = options
        self._history = history
        self._recovers = recovers
        self.traits: Traits = Traits(
            positions=True, direct=False, foreign=True, max_payload=options.max_message
        )
        self._wire = MongoWire(
            add_created_at=options.collection.add_created_at_field,
            max_bytes=options.max_message + RESERVED_BYTES,
        )
        self._archive = MongoArchive(self._wire, history)
        self.archive: Archive | None = self._archive
        self._opened: Opened | None = None
        self._sender: BatchSender[bytes] | None = None
        self._reader: Reader | None = None
        self._timer: Cancellable | None = None
        self._closed = False

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        self._inbox = inbox
        self._check_loop(inbox.runtime)
        with self._history.connecting(inbox.server_id) as connected_before:
            if not connected_before:
                self._history.forget()
            gap = await self._connect()
        return gap and connected_before

    def _check_loop(self, runtime: Runtime) -> None:
        if runtime.asyncio_loop is None:
            raise NotRetryable("MongoAdapter needs asyncio: its library pymongo knows no trio")
        if self._options.source.of_one_loop:
            first = self._history.runtime = self._history.runtime or runtime
            if first.asyncio_loop is not runtime.asyncio_loop:
                raise NotRetryable(
                    "a client of pymongo belongs to the event loop that it was used in; give"
                    " MongoAdapter the URL when the server is used in another one"
                )

    async def _connect(self) -> bool:
        """Open everything; True if messages may have been missed."""
        options, inbox = self._options, self._inbox
        self._opened = opened = options.source.open(min(SELECT_SECONDS, options.answer_seconds))
        collection = _as_is(opened.collection)
        prepare = options.collection.prepare(opened.collection, recovers=self._recovers)
        await self._within(prepare)
        stream, gap = await self._within(self._open_stream(collection))
        self.position: str | None = str(self._history.place)
        self._archive.begin(Connected(collection, inbox.runtime, options.answer_seconds))

        async def send(documents: Sequence[bytes]) -> None:
            work = insert(collection, documents)
            try:
                await inbox.runtime.within(options.answer_seconds, work)
            except TimeoutError as error:
                raise TimeoutError("MongoDB has not confirmed a message in time") from error

        self._sender = BatchSender(inbox.runtime, send, LIMITS, inbox.refused, self._lost)
        self._reader = Reader(
            stream,
            inbox,
            self._wire,
            self._history,
            recovers=self._recovers,
            on_lost=self._lost,
        )
        self._reader.start()
        self._timer = inbox.runtime.call_later(options.answer_seconds, self._check)
        return gap

    async def _within(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """What MongoDB answers, in twice the time: it may have to be connected first.

        Raises:
            NotRetryable: It makes no sense to try again.
            ConnectionError: It does.
        """
        try:
            return await self._inbox.runtime.within(2 * self._options.answer_seconds, work)
        except (NotRetryable, ConnectionError):
            raise
        except Exception as error:
            raise failure(error) from error

    async def _open_stream(self, collection: Any) -> tuple[Any, bool]:
        """Read on where the last driver was, if MongoDB knows that; otherwise from now on."""
        history = self._history
        stages = live(self._inbox.server_id, recovers=self._recovers)
        seconds = self._options.answer_seconds
        if history.token is not None:
            try:
                stream = await open_stream(collection, stages, seconds, resume_after=history.token)
            except HistoryLost:
                history.token = None
            else:
                return stream, False
        now = (await collection.database.command("ping")).get("operationTime")
        if now is None:
            raise NotRetryable(REPLICA_SET)
        stream = await open_stream(collection, stages, seconds, start_at_operation_time=now)
        history.restart(cluster_time(now))
        history.token = stream.resume_token
        return stream, True

    async def close(self) -> None:
        """End everything that was begun here."""
        self._stop(ConnectionError("the server ends"))
        opened, self._opened = self._opened, None
        try:
            if self._reader is not None:
                await self._reader.close()
        finally:
            if opened is not None:
                await self._inbox.runtime.within(CLOSE_SECONDS, _closing(opened))

    def _stop(self, error: Exception) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sender is not None:
            self._sender.close(error)

    def _lost(self, error: Exception) -> None:
        if not self._closed:
            self._stop(error)
            self._inbox.lost(error)

    def _check(self) -> None:
        """Look whether MongoDB still says now and then that there is nothing new."""
        runtime, seconds = self._inbox.runtime, self._options.answer_seconds
        self._timer = runtime.call_later(seconds / 2, self._check)
        if self._reader is not None and runtime.now() - self._reader.heard > (
            seconds + AWAIT_SECONDS
        ):
            self._lost(ConnectionError("MongoDB does not answer"))

    # -- namespaces --------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Nothing is to be done: the documents of all namespaces come."""

    async def close_namespace(self, name: str) -> None:
        """Nothing is to be done."""

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Insert a message for all; see :meth:`.Driver.publish`."""
        if self._sender is None:
            raise ConnectionError("the driver has not been started")
        data = self._wire.encode(message)
        return self._sender.add(data, len(data))

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Insert an answer, which MongoDB hands to one server; see :meth:`.Driver.respond`."""
        return self.publish(message)


def _as_is(collection: Any) -> Any:
    """A collection whose documents are not read before somebody looks at them."""
    options = import_module("bson.codec_options").CodecOptions(
        document_class=import_module("bson.raw_bson").RawBSONDocument
    )
    primary = import_module("pymongo").ReadPreference.PRIMARY
    concern = import_module("pymongo.read_concern").ReadConcern()
    return collection.with_options(
        codec_options=options, read_preference=primary, read_concern=concern
    )


async def _closing(opened: Opened) -> None:
    closing = opened.close()
    if closing is not None:
        await closing
