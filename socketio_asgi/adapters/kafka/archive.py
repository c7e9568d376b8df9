"""The memory of Kafka for clients that come back: the topic itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from ...brokers.kafka.connection import Connection, Record
from ..cluster.driver import Archive
from ..cluster.fate import Fate
from ..cluster.message import MalformedMessage, Message
from ..cluster.wires.python import PythonWire
from ..cluster.wires.saved import decode_socket, encode_socket
from ..recovery import SavedSocket
from .places import parse_position, place_of
from .records import (
    KIND,
    SAVED,
    SECONDS,
    TAKEN,
    headers_of,
    id_of,
    namespace_key,
    new_record,
    socket_key,
)
from .sessions import Claim, Sessions

READ_SECONDS = 5.0
"""The time in which this server reads what is in the topic already."""


class Log:
    """The reading and writing of the topic, as its archive needs it.

    Args:
        connection: The connection.
        sessions: The sockets that are kept.
        send: Sends a record.
        new_id: Makes the id of a record.

    Attributes:
        next: The offset of the next record that this server reads.
    """

    def __init__(
        self,
        connection: Connection,
        sessions: Sessions,
        send: Callable[[Record], Fate],
        new_id: Callable[[], str],
    ) -> None:
        self.next: int = 0
        self.connection = connection
        self.sessions = sessions
        self.send = send
        self.new_id = new_id
        self._waiting: list[tuple[int, Any]] = []

    def read_up_to(self, offset: int) -> None:
        """A record was read."""
        self.next = offset + 1
        if self._waiting:
            for wanted, event in self._waiting:
                if wanted <= self.next:
                    event.set()
            self._waiting = [item for item in self._waiting if item[0] > self.next]

    async def catch_up(self) -> None:
        """Wait until all is read that is in the topic now.

        Raises:
            TimeoutError: That takes too long.
        """
        end = await self.connection.end()
        if self.next < end:
            event = self.connection.runtime.event()
            self._waiting.append((end, event))
            await self.connection.runtime.within(READ_SECONDS, _wait(event))


class TopicArchive(Archive):
    """The memory of a topic.

    Args:
        log: Gives the topic, as this server reads and writes it.
    """

    def __init__(self, log: Callable[[], Log]) -> None:
        self._current_log = log
        self._wire = PythonWire()

    @property
    def _log(self) -> Log:
        return self._current_log()

    # -- sockets -----------------------------------------------------------------------------

    async def save(self, namespace: str, saved: SavedSocket, seconds: float) -> None:
        """Keep a socket for that long."""
        more = [(KIND, SAVED), (SECONDS, str(seconds).encode())]
        key = socket_key(namespace, saved.pid)
        await self._log.send(new_record(key, encode_socket(saved), self._log.new_id(), more))

    async def find(self, namespace: str, pid: str) -> SavedSocket | None:
        """Look a socket up; it stays where it is."""
        await self._log.catch_up()  # the server that the client comes from may have saved it now
        data = self._log.sessions.find(socket_key(namespace, pid))
        try:
            saved = None if data is None else decode_socket(data)
        except MalformedMessage:
            return None
        return saved if saved is not None and saved.pid == pid else None

    async def take(self, namespace: str, pid: str) -> bool:
        """Remove a socket; True for exactly one caller in the whole cluster."""
        id, runtime = self._log.new_id(), self._log.connection.runtime
        claim = self._log.sessions.claims[id] = Claim(runtime)
        try:
            key = socket_key(namespace, pid)
            await self._log.send(new_record(key, b"", id, [(KIND, TAKEN)]))
            await runtime.within(READ_SECONDS, _wait(claim.event))
        except TimeoutError:
            return False
        finally:
            self._log.sessions.claims.pop(id, None)
        return claim.won

    # -- messages ----------------------------------------------------------------------------

    def latest(self, *positions: str) -> str:
        """The latest of some positions; see :meth:`.Archive.latest`."""
        return max(positions, key=lambda position: parse_position(position).offset)

    async def since(self, namespace: str, position: str) -> AsyncGenerator[tuple[str, Message]]:
        """The messages of a namespace behind a position; see :meth:`.Archive.since`."""
        connection, start = self._log.connection, parse_position(position)
        first, end = await connection.bounds()
        if not first <= start.offset + 1 <= end or (start.time and start.offset < first):
            raise LookupError(position)
        offset = start.offset if start.time else start.offset + 1
        wanted, seen = namespace_key(namespace), set[str]()
        async with connection.reader() as reader:
            jump = offset
            while offset < end:
                records = await connection.read_from(reader, jump)
                jump = -1
                if not records:
                    raise LookupError(position)
                for record in records:
                    offset = record.offset + 1
                    if record.offset <= start.offset:
                        if place_of(record) != start:
                            raise LookupError(position)  # another topic of that name
                    elif record.key == wanted and (message := self._decode(record, seen)):
                        yield str(place_of(record)), message

    def _decode(self, record: Any, seen: set[str]) -> Message | None:
        headers = headers_of(record)
        id = id_of(record, headers)
        if KIND in headers or id in seen:
            return None
        seen.add(id)
        try:
            return self._wire.decode(record.value or b"")
        except MalformedMessage:
            return None


async def _wait(event: Any) -> None:
    await event.wait()
