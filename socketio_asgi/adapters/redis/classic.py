"""The classic adapter for Redis, compatible with ``createAdapter`` of ``@socket.io/redis-adapter``.

Source: https://socket.io/docs/v4/redis-adapter/
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

from ...brokers.redis import RedisDeployment, RedisSource, Subscription
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import Inbox
from ..cluster.message import ANSWERS, MalformedMessage, Message, MessageType
from ..cluster.options import ClusterSettings
from ..cluster.wires.classic import ClassicWire, RoomsQuestion, SocketChange, ValueParser
from .channels import ClassicChannels
from .driver import MAX_MESSAGE, RedisDriver, Sent


class RedisAdapter(ClusterAdapter):
    """Joins servers over Redis or Valkey: ``Server(adapter=RedisAdapter("redis://..."))``.

    Every server reads every event, and drops those for rooms without members before it decodes
    them. From some ten servers on, :class:`RedisShardedAdapter` costs less.

    Args:
        redis: A URL, see ``redis.asyncio.Redis.from_url``; or a client of ``redis.asyncio``, whose
            settings are used. A URL of any server of a Redis Cluster stands for all of it; the
            client that stands for a server behind Sentinel is made by ``Sentinel.master_for``.
        key: The beginning of the names of all channels; servers with another one are no part of
            the cluster.
        publish_on_specific_response_channel: Whether answers go on the channel of the server that
            asked, and not on one that all servers read. Servers in Node.js understand both, from
            version 7.1 of their adapter on.
        parser: In place of MessagePack; all servers need the same one.
        max_message: The largest event, in bytes; :class:`~socketio_asgi.protocol.EncodeError` is
            raised for larger ones, and larger ones of other servers are dropped.
        options: Those of :class:`~socketio_asgi.adapters.cluster.ClusterOptions`.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or the value of an option makes no sense.
        TypeError: ``redis`` is neither a URL nor such a client, or an option has the wrong type.

    Source: https://socket.io/docs/v4/redis-adapter/
    """

    def __init__(
        self,
        redis: RedisSource | RedisDeployment,
        *,
        key: str = "socket.io",
        publish_on_specific_response_channel: bool = False,
        parser: ValueParser | None = None,
        max_message: int = MAX_MESSAGE,
        **options: Unpack[ClusterSettings],
    ) -> None:
        deployment = redis if isinstance(redis, RedisDeployment) else RedisDeployment(redis)
        make = partial(
            ClassicDriver,
            deployment,
            key=key,
            specific=publish_on_specific_response_channel,
            wire=ClassicWire(parser),
            max_message=max_message,
        )
        super().__init__(make, **options)


class ClassicDriver(RedisDriver):
    """Moves messages on the classic channels.

    Args:
        deployment: The servers of Redis.
        key: The beginning of the names of all channels.
        specific: Whether answers go on the channel of the server that asked.
        wire: The form of messages.
        max_message: The largest event, in bytes.
    """

    def __init__(
        self,
        deployment: RedisDeployment,
        *,
        key: str,
        specific: bool,
        wire: ClassicWire,
        max_message: int,
    ) -> None:
        super().__init__(deployment, f"{key}-python#", Subscription.CHANNEL, max_message)
        self._channels = ClassicChannels(key)
        self._specific = specific
        self._messages = wire
        # By pattern: the namespace, and the length of the part of the channels that all have.
        self._patterns: dict[bytes, tuple[str, int]] = {}
        self._own: bytes | None = None

    async def start(self, inbox: Inbox) -> bool:
        """Connect, and subscribe to the heartbeats."""
        self._own = self._messages.beginning(inbox.server_id)
        return await super().start(inbox)

    # -- namespaces --------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Subscribe to what concerns a namespace."""
        prefix = self._channels.events(name)
        pattern = escape(prefix).encode() + b"*"
        self._patterns[pattern] = (name, len(prefix.encode()))
        on_response = partial(self._on_response, name)
        replies = [
            self.servers.main.subscribe(Subscription.PATTERN, pattern),
            self.subscribe(self.counted_channel(name), partial(self._on_request, name)),
            self.subscribe(self._channels.responses(name), on_response),
            self.subscribe(self.server_channel(name, self.inbox.server_id), on_response),
        ]
        for reply in replies:
            await reply

    async def close_namespace(self, name: str) -> None:
        """End these subscriptions."""
        pattern = escape(self._channels.events(name)).encode() + b"*"
        del self._patterns[pattern]
        replies = [
            self.servers.main.unsubscribe(Subscription.PATTERN, pattern),
            self.unsubscribe(self.counted_channel(name)),
            self.unsubscribe(self._channels.responses(name)),
            self.unsubscribe(self.server_channel(name, self.inbox.server_id)),
        ]
        for reply in replies:
            await reply

    def counted_channel(self, namespace: str) -> str:
        """The channel of requests."""
        return self._channels.requests(namespace)

    def server_channel(self, namespace: str, server: str) -> str:
        """The channel of responses to one server."""
        return self._channels.responses(namespace, server)

    # -- out ---------------------------------------------------------------------------------

    def publish_message(self, message: Message) -> Sent:
        """Send an event on its channel, and all else on that of requests."""
        return self.send(self._channels.of(message), self._messages.encode(message))

    def respond_message(self, server: str, message: Message) -> Sent:
        """Send an answer; one to a server-side event goes to all, for Node.js does so too."""
        shared = message.type is MessageType.SERVER_SIDE_EMIT_RESPONSE or not server
        return self._respond(
            message.namespace, self._messages.encode(message), None if shared else server
        )

    def _respond(self, namespace: str, data: bytes, server: str | None) -> Sent:
        specific = server if self._specific else None
        return self.send(self._channels.responses(namespace, specific), data)

    # -- in ----------------------------------------------------------------------------------

    def on_pattern_message(self, pattern: bytes, channel: bytes, data: bytes) -> None:
        """Called with an event; the channel says whether anybody here is meant."""
        found = self._patterns.get(pattern)
        if found is None or not self.fits(data):
            return
        if self._own is not None and data.startswith(self._own):
            return  # Redis sends everything back to its sender as well
        namespace, length = found
        room = channel[length:-1].decode("utf-8", "replace")
        if room and not self.inbox.wants(namespace, room):
            return
        try:
            message = self._messages.decode_event(data, namespace)
        except MalformedMessage as error:
            return self.inbox.malformed(str(error), len(data))
        if message is not None:
            self.inbox.received(message)

    def _on_request(self, namespace: str, channel: bytes, data: bytes) -> None:
        if not self.fits(data):
            return
        try:
            request = self._messages.decode_request(data, namespace)
        except MalformedMessage as error:
            return self.inbox.malformed(str(error), len(data))
        match request:
            case RoomsQuestion():
                self._answer_rooms(namespace, request)
            case SocketChange():
                self._change_socket(namespace, request)
            case _:
                self.inbox.received(request)

    def _answer_rooms(self, namespace: str, question: RoomsQuestion) -> None:
        rooms = list(self.inbox.rooms(namespace, private=True))
        self._respond(namespace, self._messages.encode_rooms(question, rooms), question.sender)

    def _change_socket(self, namespace: str, request: SocketChange) -> None:
        if self.inbox.wants(namespace, request.sid):
            self.inbox.received(request.change)
            data = self._messages.encode_confirmation(request)
            self._respond(namespace, data, request.change.sender)

    def _on_response(self, namespace: str, channel: bytes, data: bytes) -> None:
        # All servers read all answers; the ids of our questions begin with our own id.
        if self.inbox.server_id.encode() not in data or not self.fits(data):
            return
        try:
            message = self._messages.decode_response(data, namespace)
        except MalformedMessage as error:
            return self.inbox.malformed(str(error), len(data))
        if message.type in ANSWERS and (message.request or "").startswith(self.inbox.server_id):
            self.inbox.received(message)


def escape(text: str) -> str:
    r"""Take the special meaning from the characters that have one in a pattern of Redis.

    >>> escape("/room[1]*")
    '/room\\[1\\]\\*'
    """
    return "".join(f"\\{char}" if char in "*?[]\\^" else char for char in text)
