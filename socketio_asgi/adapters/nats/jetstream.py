"""The driver for NATS with JetStream: a stream keeps all events, and its order is everybody's.

What reaches clients goes through the stream: events (those with acknowledgements as well, so that
they stay in their place), rooms, disconnections, and events for the servers themselves. Questions
of servers to servers, answers and heartbeats go directly.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from ...brokers.nats.client import NatsMessage
from ...brokers.nats.connection import HEADER_BYTES, Connection
from ...brokers.nats.options import ConnectionOptions
from ..cluster.driver import Archive, Inbox, Traits, hand_in
from ..cluster.history import History
from ..cluster.message import Message, MessageType
from .archive import StreamArchive
from .driver import RESERVED_BYTES, NatsDriver
from .publisher import Publisher
from .reader import StreamReader
from .stream import Stream
from .subjects import Subjects

ALWAYS_LOGGED = frozenset(
    {
        MessageType.BROADCAST,
        MessageType.SOCKETS_JOIN,
        MessageType.SOCKETS_LEAVE,
        MessageType.DISCONNECT_SOCKETS,
    }
)


@dataclass(slots=True)
class StreamHistory(History):
    """The same with JetStream.

    Attributes:
        publisher: What was published and not confirmed.
    """

    publisher: Publisher | None = None


class JetStreamDriver(NatsDriver):
    """Publishes to a stream, and reads it.

    Args:
        options: The way to the server.
        subjects: The subjects of the cluster.
        history: What came before.
        stream: The stream.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        subjects: Subjects,
        history: StreamHistory,
        stream: Stream,
    ) -> None:
        super().__init__(options, subjects, history)
        self._stream = stream
        self._streams = history
        self._after = 0
        self._reader: StreamReader | None = None
        self._archive = StreamArchive(stream, subjects)
        self.archive: Archive | None = self._archive

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        if self._streams.server_id != inbox.server_id or self._streams.publisher is None:
            self._streams.publisher = Publisher(inbox.runtime, inbox.server_id, inbox.refused)
        self._streams.publisher.on_refused = inbox.refused
        self._publisher = self._streams.publisher
        return await super().start(inbox)

    async def _begin(self, connection: Connection) -> bool:
        await super()._begin(connection)
        first, last = await self._stream.open(connection)
        self._archive.begin(connection)
        read = self._read_before(last)
        # Messages between the two are gone; and all that a stream had which was made anew.
        gap = read is None or first > read + 1
        self._after = last if read is None else max(read, first - 1)
        self.position: str | None = self._stream.position(self._after)
        return gap

    def _read_before(self, last: int) -> int | None:
        """The sequence number to go on behind; None for the present."""
        position = self._inbox.position
        if position is None:
            return None
        try:
            sequence = self._stream.sequence(position)
        except ValueError:
            return None
        return sequence if sequence <= last else None

    def _traits(self, connection: Connection) -> Traits:
        max_payload = max(connection.max_payload - RESERVED_BYTES - HEADER_BYTES, RESERVED_BYTES)
        return Traits(positions=True, max_payload=max_payload)

    async def close(self) -> None:
        """End the connection; see :meth:`.Driver.close`."""
        if self._reader is not None:
            self._reader.stop()
        await super().close()

    async def open_namespace(self, name: str) -> None:
        """Subscribe to what concerns a namespace; the first one begins the reading."""
        await super().open_namespace(name)
        if self._reader is None:
            self._publisher.begin(self._connection, self._stream.position)
            self._reader = StreamReader(self._connection, self._stream, self._receive_logged)
            await self._reader.start(self._after)

    def _subscribe_namespace(self, name: str) -> None:
        subject = self._subjects.to_all(name)
        self._namespaces[name] = [self._connection.subscribe(subject, self._receive)]

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[str | None]:
        """Publish a message; see :meth:`.Driver.publish`."""
        if not is_logged(message):
            return super().publish(message)
        subject = self._subjects.for_message(message, logged=True)
        return self._publisher.publish(subject, self._wire.encode(message))

    def _receive_logged(self, received: NatsMessage, sequence: int) -> None:
        # Nothing is left out by its subject: a client may be about to come back to this server
        # that was in a room which has no members here.
        hand_in(self._inbox, self._wire, received.data, self._stream.position(sequence))


def is_logged(message: Message) -> bool:
    """True if a message goes through the stream."""
    if message.type is MessageType.SERVER_SIDE_EMIT:
        return message.request is None
    return message.type in ALWAYS_LOGGED
