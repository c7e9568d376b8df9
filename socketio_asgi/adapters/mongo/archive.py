"""The memory of MongoDB for clients that come back: its oplog, and sessions in the collection.

What was missed is read with a change stream, and not in the collection: the ids of documents, by
which those have to be looked for, are not in the order in which they were inserted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, TypeVar

from ...brokers.mongo.library import failure
from ...runtime import Runtime
from ..cluster.driver import Archive
from ..cluster.message import MalformedMessage, Message
from ..cluster.wires.mongo import (
    NO_OFFSET,
    OLDEST,
    SESSION,
    TAKEN,
    MongoWire,
    Place,
    decode_session,
    is_offset,
    order_of,
    parse_position,
)
from ..recovery import SavedSocket
from .history import MongoHistory
from .pipelines import logged
from .streams import Change, change_of, open_stream

ResultT = TypeVar("ResultT")

CLOCK_SECONDS = 10
"""The most that the clock of a server may be ahead of that of MongoDB, in seconds."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The driver, as its archive sees it.

    Attributes:
        collection: The collection.
        runtime: The event loop.
        seconds: How long MongoDB may take for an answer.
    """

    collection: Any
    runtime: Runtime
    seconds: float


class MongoArchive(Archive):
    """Sockets are documents of the collection; messages are read again in the oplog.

    Args:
        wire: The form of both.
        history: How far was read.
    """

    def __init__(self, wire: MongoWire, history: MongoHistory) -> None:
        self._wire = wire
        self._history = history
        self._connected: Connected | None = None
        self._ids: dict[str, Any] = {}  # of the documents of sockets that were found

    def begin(self, connected: Connected) -> None:
        """Use a collection."""
        self._connected = connected

    async def _within(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """What MongoDB answers, in time.

        Raises:
            ConnectionError: It does not, or refuses.
        """
        connected = self._connection
        try:
            return await connected.runtime.within(connected.seconds, work)
        except Exception as error:
            raise ConnectionError(str(failure(error))) from error

    @property
    def _connection(self) -> Connected:
        if self._connected is None:
            raise ConnectionError("MongoDB is not connected")
        return self._connected

    # -- sockets -----------------------------------------------------------------------------

    async def save(self, namespace: str, saved: SavedSocket, seconds: float) -> None:
        """Keep a socket, at most as long as the collection keeps what it has."""
        until = datetime.now(UTC).timestamp() + seconds
        server = self._history.server_id or ""
        data = self._wire.encode_session(server, namespace, saved, until)
        document = import_module("bson.raw_bson").RawBSONDocument(data)
        await self._within(self._connection.collection.insert_one(document))

    async def find(self, namespace: str, pid: str) -> SavedSocket | None:
        """Look a socket up; what is no session of this namespace is none."""
        found = await self._newest(pid)
        try:
            session = None if found is None else decode_session(namespace, pid, found.raw)
        except MalformedMessage:
            return None
        if session is None or found is None:
            return None
        if session.until is not None and session.until < datetime.now(UTC).timestamp():
            return None
        return session.saved

    async def _newest(self, pid: str) -> Any:
        """The last session under a secret, as a document that is not read yet."""
        if not pid.isascii():  # such as half a character, which BSON has no form for
            return None
        question = {"type": SESSION, "data.pid": pid}
        collection = self._connection.collection
        return await self._within(collection.find_one(question, sort=[("_id", -1)]))

    async def take(self, namespace: str, pid: str) -> bool:
        """Remove a socket; True for exactly one caller in the whole cluster."""
        found = await self._newest(pid)
        if found is None:
            return False
        collection = self._connection.collection
        this = {"_id": found["_id"], "type": SESSION}
        if self._wire.add_created_at:
            return bool((await self._within(collection.delete_one(this))).deleted_count)
        # Old versions of MongoDB delete nothing in a capped collection, nor let a document grow.
        change = {"$set": {"type": TAKEN}}
        return bool((await self._within(collection.update_one(this, change))).modified_count)

    # -- messages ----------------------------------------------------------------------------

    def latest(self, *positions: str) -> str:
        """The latest of some positions; see :meth:`.Archive.latest`."""
        return max(positions, key=order_of)

    async def located(self, saved: SavedSocket, offset: str) -> str:
        """The position of the event with an offset; see :meth:`.Archive.located`."""
        if not is_offset(offset):
            raise ValueError(f"not the id of a document: {offset[:50]!r}")
        if offset == NO_OFFSET:
            return OLDEST
        track = saved.track
        for position in (track.sent, track.left):
            if position and parse_position(position).offset == offset:
                return position
        return self._history.offsets.get(offset) or await self._search(offset)

    async def _search(self, offset: str) -> str:
        """Look for an event from about the time on at which it was made."""
        made = int(offset[:8], 16) - CLOCK_SECONDS
        if made << 32 > self._history.place.time:
            raise LookupError(f"the event {offset} is to come yet")
        changes = self._changes(Place(max(made, 1) << 32, 0, NO_OFFSET), known=False)
        async with aclosing(changes) as items:
            async for place, change in items:
                if change.head.offset == offset:
                    return str(place)
        raise LookupError(f"there is no event with the id {offset}")

    async def since(self, namespace: str, position: str) -> AsyncGenerator[tuple[str, Message]]:
        """The messages of a namespace behind a position; see :meth:`.Archive.since`."""
        start = parse_position(position)
        async with aclosing(self._logged_behind(start)) as items:
            async for place, change in items:
                if change.namespace != namespace:
                    continue
                try:
                    message = self._wire.decode(change.data)
                except MalformedMessage:
                    continue
                yield str(place), message

    async def _logged_behind(self, start: Place) -> AsyncGenerator[tuple[Place, Change]]:
        """What clients may have missed behind a place, from memory if it is there.

        Raises:
            LookupError: It is not kept any more, or MongoDB is away.
        """
        recent = self._history.recent.since(start)
        if recent is not None:
            for item in recent:
                yield item
            return
        async with aclosing(self._changes(start, known=True)) as items:
            async for place, change in items:
                if change.head.logged:
                    yield place, change

    async def _changes(self, start: Place, *, known: bool) -> AsyncGenerator[tuple[Place, Change]]:
        """The documents behind a place, up to the last one that this server has read.

        Args:
            start: The place.
            known: Whether it is that of a document, which has to be there still.

        Raises:
            LookupError: They are not kept any more, or MongoDB is away.
        """
        connected, last, place = self._connection, self._history.last, start.before
        if last is None:
            return
        timestamp = import_module("bson").Timestamp(start.time >> 32, start.time & 0xFFFFFFFF)
        opening = open_stream(
            connected.collection,
            logged(timestamp, last),
            connected.seconds,
            start_at_operation_time=timestamp,
        )
        try:
            stream = await connected.runtime.within(connected.seconds, opening)
        except Exception as error:
            raise LookupError(f"what was missed cannot be read: {error}") from error
        try:
            while True:
                change = await self._next(stream)
                if known and change.time != start.time:
                    raise LookupError("the oplog begins behind what was missed")
                known = False
                place = place.after(change.time, change.head)
                if place[:2] > start[:2]:
                    yield place, change
                if change.id == last:
                    return
        finally:
            await stream.close()

    async def _next(self, stream: Any) -> Change:
        try:
            return change_of(await self._within(stream.next()))
        except (ConnectionError, StopAsyncIteration) as error:
            raise LookupError(f"what was missed cannot be read: {error}") from error
