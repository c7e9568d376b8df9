"""The driver for Redis streams."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...brokers.redis import RedisDeployment, RedisError, RedisReplyError, Reply, Subscription
from ...checks import check_count, check_flag, check_seconds, shown
from ..cluster.driver import MAX_MESSAGE_BYTES, Archive, Inbox, Traits, hand_in
from ..cluster.message import MalformedMessage, Message, MessageType
from ..cluster.wires.streams import (
    SignalWire,
    decode_entry_unless,
    encode_entry,
    parse_position,
    stream_names,
)
from ..errors import ClusterUnavailable, NotRetryable
from .driver import RedisDriver, Sent
from .stream_archive import StreamArchive
from .stream_reader import StreamReader, is_kept, last_position

MAX_BLOCK_SECONDS = 4.0
"""The longest wait for entries; a connection that is silent for longer is looked after."""

MAX_EVENT_BYTES = MAX_MESSAGE_BYTES * 3 // 4 - 65_536
"""The largest event: binary data take a third more in an entry, and rooms some bytes."""

_IN_STREAM = frozenset(
    {
        MessageType.BROADCAST,
        MessageType.SOCKETS_JOIN,
        MessageType.SOCKETS_LEAVE,
        MessageType.DISCONNECT_SOCKETS,
    }
)
"""Types that are entries of the stream, unless an answer is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """The options of the streams adapter, see :class:`RedisStreamsAdapter`."""

    stream_name: str = "socket.io"
    stream_count: int = 1
    channel_prefix: str = "socket.io"
    use_sharded_pubsub: bool = False
    max_length: int = 10_000
    read_count: int = 100
    block_time: float = 2.0
    session_key_prefix: str = "sio:session:"

    def __post_init__(self) -> None:
        for name in ("stream_name", "channel_prefix", "session_key_prefix"):
            value: object = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise TypeError(f"{name} must be text that is not empty, not {shown(value)}")
        check_count("stream_count", self.stream_count, "streams")
        check_flag("use_sharded_pubsub", self.use_sharded_pubsub)
        check_count("max_length", self.max_length, "entries")
        check_count("read_count", self.read_count, "entries")
        check_seconds("block_time", self.block_time, MAX_BLOCK_SECONDS)


class StreamDriver(RedisDriver):
    """The connections of one server; see :class:`.RedisStreamsAdapter`.

    Args:
        deployment: The servers of Redis.
        options: The options of the adapter.
        positions: The positions behind which streams are read, by their names; those of the driver
            before this one, if there was one.
    """

    def __init__(
        self, deployment: RedisDeployment, options: StreamOptions, positions: dict[str, str]
    ) -> None:
        kind = Subscription.SHARD if options.use_sharded_pubsub else Subscription.CHANNEL
        super().__init__(deployment, f"{options.channel_prefix}-python#", kind, MAX_EVENT_BYTES)
        self.traits: Traits = Traits(positions=True, counts=True, max_payload=MAX_EVENT_BYTES)
        self._options = options
        self._positions = positions
        self._readers: dict[str, StreamReader] = {}
        self.archive: Archive | None = StreamArchive(
            lambda: self.servers, options.session_key_prefix, lambda name: self._streams(name)[0]
        )

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect, and begin to read the streams.

        Returns:
            Whether entries are gone that this server has not read.
        """
        if inbox.position is None:
            self._positions.clear()
        await super().start(inbox)
        name, count = self._options.stream_name, self._options.stream_count
        names = [name] if count == 1 else [f"{name}-{number}" for number in range(count)]
        try:
            gaps = [await self._read(stream) for stream in names]
        except RedisReplyError as error:
            if error.code in {"NOPERM", "WRONGTYPE"}:
                raise NotRetryable(f"the stream {name!r} cannot be used: {error}") from error
            raise
        self.position: str | None = self._positions[names[0]]
        return any(gaps)

    async def close(self) -> None:
        """End the connections."""
        for reader in self._readers.values():
            reader.close()
        await super().close()

    # -- namespaces --------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Subscribe to the channels of a namespace."""
        foreign = self._streams(name)[1]
        if foreign is not None and foreign not in self._readers:
            await self._read(foreign)
        for reply in [self.subscribe(item, self._on_signal) for item in self._channels(name)]:
            await reply

    async def close_namespace(self, name: str) -> None:
        """End these subscriptions."""
        for reply in [self.unsubscribe(channel) for channel in self._channels(name)]:
            await reply

    def _channels(self, namespace: str) -> tuple[str, str]:
        own = self.server_channel(namespace, self.inbox.server_id)
        return self.counted_channel(namespace), own

    def counted_channel(self, namespace: str) -> str:
        """The channel of a namespace."""
        return f"{self._options.channel_prefix}#{namespace}#"

    def server_channel(self, namespace: str, server: str) -> str:
        """The channel of one server in a namespace."""
        return f"{self.counted_channel(namespace)}{server}#"

    def position_of(self, namespace: str) -> str:
        """The position up to which the stream of a namespace was read."""
        return self._positions[self._streams(namespace)[0]]

    def _streams(self, namespace: str) -> tuple[str, str | None]:
        return stream_names(self._options.stream_name, self._options.stream_count, namespace)

    # -- out ---------------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[str | None]:
        """Append a message to the stream, or publish it."""
        if message.type in _IN_STREAM and message.request is None:
            return self._append(message)
        return super().publish(message)

    def _append(self, message: Message) -> Awaitable[str | None]:
        stream, _ = self._streams(message.namespace)
        limit = ("MAXLEN", "~", self._options.max_length, "*")
        connection = self.servers.for_key(stream)
        reply = connection.send("XADD", stream, *limit, *encode_entry(message))
        reply.on_error = self.on_refused
        return _Appended(reply)

    def publish_message(self, message: Message) -> Sent:
        """Publish a question, or an event for the servers."""
        return self.send(self.counted_channel(message.namespace), _SIGNALS.encode(message))

    def respond_message(self, server: str, message: Message) -> Sent:
        """Publish an answer for the server that asked."""
        channel = self.server_channel(message.namespace, server)
        return self.send(channel, _SIGNALS.encode(message))

    # -- in ----------------------------------------------------------------------------------

    async def _read(self, stream: str) -> bool:
        """Begin to read a stream; True if entries are missing that this server has not read."""
        connection = await self.servers.open_another(stream, self.inbox.lost)
        known = self._positions.get(stream)
        try:
            gap = known is not None and not await is_kept(connection, stream, known)
            if known is None or gap:
                last = await last_position(connection, stream)
                earlier = last if known is None else min(last, known, key=parse_position)
                self._positions[stream] = earlier
        except BaseException:
            connection.close()
            raise
        options = self._options
        # Nobody of ours writes to a stream whose name is negative, nor restores clients from it.
        foreign = stream.startswith(f"{options.stream_name}--")
        reader = self._readers[stream] = StreamReader(
            stream,
            connection,
            self._positions,
            count=options.read_count,
            block=options.block_time,
            on_entry=partial(self._on_entry, foreign),
        )
        self.inbox.runtime.start_background(reader.run(self.inbox.lost))
        return gap

    def _on_entry(self, foreign: bool, id: str, fields: Sequence[bytes]) -> None:
        position = None if foreign else id
        size = sum(map(len, fields))
        if size > MAX_MESSAGE_BYTES:
            return self.inbox.malformed("larger than MAX_MESSAGE_BYTES", size, position)
        try:
            message = decode_entry_unless(self.inbox.skips, fields)
        except MalformedMessage as error:
            return self.inbox.malformed(str(error), size, position)
        if message is None:
            self.inbox.skipped(position)
        else:
            self.inbox.received(message, position)

    def _on_signal(self, channel: bytes, data: bytes) -> None:
        if self.fits(data):
            hand_in(self.inbox, _SIGNALS, data)


_SIGNALS = SignalWire()


class _Appended(Awaitable["str | None"]):
    """The answer to XADD, as a position; it may be dropped.

    Raises:
        ClusterUnavailable: Redis has refused it, or was lost before it said anything.
    """

    __slots__ = ("_reply",)

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __await__(self) -> Generator[Any, None, str | None]:
        return self._wait().__await__()

    async def _wait(self) -> str:
        try:
            position: bytes = await self._reply
        except RedisError as error:
            raise ClusterUnavailable(f"Redis has not taken a message: {error}") from error
        return position.decode()
