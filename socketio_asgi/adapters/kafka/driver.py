"""The driver for Kafka: everything is a record of one partition, whose order is everybody's.

Every server reads all of it, without a consumer group, from the end. One that was away reads on
where it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from ...brokers.kafka.client import TooLarge
from ...brokers.kafka.connection import Connection, Record
from ...brokers.kafka.options import ConnectionOptions
from ...brokers.kafka.topics import TopicSettings
from ...exceptions import NotRetryable
from ...runtime import Runtime
from ..cluster.batches import BatchLimits, BatchSender, MessagesRefused
from ..cluster.driver import Archive, Driver, Inbox, Traits, hand_in
from ..cluster.fate import Fate
from ..cluster.history import History
from ..cluster.inbox import RecentDeliveries
from ..cluster.message import Message
from ..cluster.wires.python import PythonWire
from .archive import Log, TopicArchive
from .places import Place, parse_position, place_of
from .records import KIND, TO, headers_of, id_of, namespace_key, new_record
from .sessions import Sessions

ENVELOPE_BYTES = 16_384
"""Bytes of the largest message that are left for what goes around an event: rooms, and ids."""

BATCH_MESSAGES = 500
"""The most messages in one request."""

RECORD_BYTES = 128
"""Bytes of a record beside its value, about."""


@dataclass(slots=True)
class LogHistory(History):
    """The memory that the drivers of one server share.

    Attributes:
        last: The number of the last record that was sent.
        sessions: The sockets that are kept; None before the first connection.
        records: The ids of sockets' records that were read.
    """

    last: int = 0
    sessions: Sessions | None = None
    records: RecentDeliveries | None = None


class KafkaDriver(Driver):
    """Sends to a partition, and reads it.

    Args:
        options: The way to the partition.
        topic: The settings to make the topic with; None to make none.
        history: What came before.
        seconds_away: How long a client may be away; 0 when clients are not recovered.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        topic: TopicSettings | None,
        history: LogHistory,
        seconds_away: float,
    ) -> None:
        self.traits: Traits = Traits(
            positions=True,
            at_least_once=True,
            direct=False,
            max_payload=max(options.max_message - ENVELOPE_BYTES, 1),
        )
        self._options = options
        self._topic = topic
        self._history = history
        self._seconds_away = seconds_away
        self._wire = PythonWire()
        self._connection: Connection | None = None
        self._sender: BatchSender[Record] | None = None
        self._current_log: Log | None = None
        self.archive: Archive | None = TopicArchive(lambda: self._log)
        self._begin_at = 0
        self._live_from = 0
        self._reading = False
        self._started = False

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        if inbox.runtime.asyncio_loop is None:
            raise NotRetryable("KafkaAdapter needs asyncio: its library aiokafka knows no trio")
        self._inbox = inbox
        connection = self._connection = Connection(self._options, inbox.runtime, self._lost)
        with self._history.connecting(inbox.server_id) as connected_before:
            await connection.open(self._topic)
            gap = await self._find_place(connection)
            self._begin(connection, inbox.runtime)
        return gap and connected_before

    def _begin(self, connection: Connection, runtime: Runtime) -> None:
        if connection.lost:
            raise ConnectionError("Kafka was lost again at once")
        self._started = True
        limits = BatchLimits(messages=BATCH_MESSAGES, bytes=self._options.max_message // 2)
        self._sender = BatchSender(runtime, self._send, limits, self._inbox.refused, self._lost)
        self._current_log = Log(connection, self._sessions, self._add, self._new_id)
        self._current_log.next = self._begin_at

    @property
    def _log(self) -> Log:
        if self._current_log is None:
            raise ConnectionError("Kafka is not there")
        return self._current_log

    async def _find_place(self, connection: Connection) -> bool:
        """Find the record to begin with; True if some are missing since the last one."""
        first, end = await connection.bounds()
        history, runtime = self._history, self._inbox.runtime
        read = await self._read_before(connection, first, end)
        if read is not None and history.sessions is not None and history.records is not None:
            self._sessions, self._records = history.sessions, history.records
            self._begin_at = self._live_from = read.offset + 1
            self.position: str | None = str(read)
            return False
        self._sessions = history.sessions = Sessions(runtime)
        self._records = history.records = RecentDeliveries()
        last = await connection.record_at(end - 1) if end > first else None
        self.position = str(Place(end - 1, 0) if last is None else place_of(last))
        self._begin_at = self._live_from = end
        if self._seconds_away:  # the sockets that others have saved, until then
            earlier = await connection.offset_before(self._seconds_away)
            self._begin_at = end if earlier is None else min(earlier, end)
        return True

    async def _read_before(self, connection: Connection, first: int, end: int) -> Place | None:
        """The place to go on behind; None for the present."""
        position = self._inbox.position
        if position is None:
            return None
        place = parse_position(position)
        if not place.time:
            return place if first <= place.offset + 1 <= end else None
        if not first <= place.offset < end:
            return None
        record = await connection.record_at(place.offset)
        return place if record is not None and place_of(record) == place else None

    def _lost(self, error: Exception) -> None:
        if self._sender is not None:
            self._sender.close(error)
        if self._started:
            self._inbox.lost(error)

    async def close(self) -> None:
        """End the connection; see :meth:`.Driver.close`."""
        if self._sender is not None:
            self._sender.close(ConnectionError("the Kafka connection is closed"))
        if self._connection is not None:
            await self._connection.close()

    async def open_namespace(self, name: str) -> None:
        """Begin to read, with the first namespace."""
        if not self._reading and self._connection is not None:
            self._reading = True
            self._connection.read(self._begin_at, self._receive)

    async def close_namespace(self, name: str) -> None:
        """Nothing ends: there is one topic for all."""

    # -- out ---------------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Send a message; see :meth:`.Driver.publish`."""
        data = self._wire.encode(message)
        if len(data) > self._options.max_message:
            raise ValueError(f"the topic takes {self._options.max_message} bytes, not {len(data)}")
        to = [] if message.recipient is None else [(TO, message.recipient.encode())]
        return self._add(new_record(namespace_key(message.namespace), data, self._new_id(), to))

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send an answer, which says who is meant."""
        return self.publish(message)

    def _new_id(self) -> str:
        self._history.last += 1
        return f"{self._inbox.server_id}-{self._history.last}"

    def _add(self, record: Record) -> Fate:
        if self._sender is None:
            raise ConnectionError("Kafka is not there")
        return self._sender.add(record, len(record.value) + RECORD_BYTES)

    async def _send(self, records: Sequence[Record]) -> None:
        connection = self._connection
        if connection is None:
            raise ConnectionError("Kafka is not there")
        try:
            await connection.send(records)
        except TooLarge as error:
            raise MessagesRefused(str(error)) from error

    # -- in ----------------------------------------------------------------------------------

    def _receive(self, record: Any) -> None:
        headers = headers_of(record)
        id = id_of(record, headers)
        if KIND in headers:
            if self._records.add(id):
                self._sessions.apply(record, headers, id)
            value = None
        else:
            value = record.value or b""
        if record.offset >= self._live_from:
            self._receive_live(headers, value, str(place_of(record)), id)
        self._log.read_up_to(record.offset)

    def _receive_live(
        self, headers: dict[str, bytes], value: bytes | None, position: str, id: str
    ) -> None:
        to = headers.get(TO)
        if value is None or (to is not None and to != self._inbox.server_id.encode()):
            self._inbox.skipped(position)
        else:
            hand_in(self._inbox, self._wire, value, position, id)
