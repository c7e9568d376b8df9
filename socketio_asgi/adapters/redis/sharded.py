"""The sharded adapter for Redis 7, compatible with ``createShardedAdapter`` of Node.js.

Source: https://socket.io/docs/v4/redis-adapter/#with-redis-sharded-pubsub
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from typing import Unpack

from ...brokers.redis import RedisDeployment, RedisError, RedisSource, Reply, Subscription
from ...exceptions import NotRetryable
from ...runtime import Cancellable
from ...runtime.awaitables import DONE, Waiting
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import Inbox, Traits, hand_in
from ..cluster.message import Message
from ..cluster.options import ClusterSettings
from ..cluster.wires.official import OfficialWire, ending
from .channels import ShardedChannels, SubscriptionMode
from .driver import MAX_MESSAGE, Handler, RedisDriver, Sent

KEEP_ROOM_SECONDS = 1.0
"""The time for which a server still hears of a room that its last member has left: the next one may
come at once."""


class RedisShardedAdapter(ClusterAdapter):
    """Joins servers over the sharded channels of Redis 7 or Valkey.

    Rooms have channels of their own, so that a server hears nothing of rooms without members. In a
    Redis Cluster the channels are spread over all its servers.

    Args:
        redis: A URL, or a client of ``redis.asyncio``; see :class:`RedisAdapter`.
        channel_prefix: The beginning of the names of all channels; servers with another one are no
            part of the cluster.
        subscription_mode: The rooms that have a channel of their own: none (``"static"``), those
            that are not the private room of a socket (``"dynamic"``), or all
            (``"dynamic-private"``). All servers need the same one.
        max_message: The largest event, in bytes; :class:`~socketio_asgi.protocol.EncodeError` is
            raised for larger ones, and larger ones of other servers are dropped.
        options: Those of :class:`~socketio_asgi.adapters.cluster.ClusterOptions`.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or the value of an option makes no sense.
        TypeError: ``redis`` is neither a URL nor such a client, or an option has the wrong type.

    Source: https://socket.io/docs/v4/redis-adapter/#with-redis-sharded-pubsub
    """

    def __init__(
        self,
        redis: RedisSource | RedisDeployment,
        *,
        channel_prefix: str = "socket.io",
        subscription_mode: SubscriptionMode = "dynamic",
        max_message: int = MAX_MESSAGE,
        **options: Unpack[ClusterSettings],
    ) -> None:
        channels = ShardedChannels(channel_prefix, subscription_mode)
        deployment = redis if isinstance(redis, RedisDeployment) else RedisDeployment(redis)
        make = partial(ShardedDriver, deployment, channels, max_message=max_message)
        super().__init__(make, **options)


class ShardedDriver(RedisDriver):
    """Moves messages on sharded channels.

    Args:
        deployment: The servers of Redis.
        channels: The names of the channels.
        max_message: The largest event, in bytes.
    """

    def __init__(
        self, deployment: RedisDeployment, channels: ShardedChannels, *, max_message: int
    ) -> None:
        super().__init__(deployment, f"{channels.prefix}-python#", Subscription.SHARD, max_message)
        self.traits: Traits = Traits(
            counts=True,
            max_payload=max_message,
            subscribes_rooms=channels.mode != "static",
            private_rooms=channels.mode == "dynamic-private",
        )
        self._channels = channels
        self._messages = OfficialWire()
        self._rooms: dict[str, Reply] = {}
        self._leaving: dict[str, Cancellable] = {}

    async def start(self, inbox: Inbox) -> bool:
        """Connect, and subscribe to the heartbeats.

        Raises:
            NotRetryable: Redis is older than version 7, which has the first sharded channels.
        """
        try:
            return await super().start(inbox)
        except RedisError as error:
            if "unknown command" in str(error).lower():
                raise NotRetryable(f"sharded channels need Redis 7: {error}") from error
            raise

    async def close(self) -> None:
        """End the connections."""
        for timer in self._leaving.values():
            timer.cancel()
        await super().close()

    # -- namespaces and rooms ----------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Subscribe to what concerns a namespace."""
        own = self.server_channel(name, self.inbox.server_id)
        handler = self._handler(name)
        replies = [
            self.subscribe(channel, handler) for channel in (self.counted_channel(name), own)
        ]
        for reply in replies:
            await reply

    async def close_namespace(self, name: str) -> None:
        """End these subscriptions; nobody is left in the rooms."""
        base = self.counted_channel(name)
        own = self.server_channel(name, self.inbox.server_id)
        replies = [self.unsubscribe(channel) for channel in (base, own)]
        rooms = [channel for channel in self._rooms if channel.startswith(base)]
        replies += [self._leave(channel) for channel in rooms]
        for reply in replies:
            await reply

    def counted_channel(self, namespace: str) -> str:
        """The channel of a namespace."""
        return self._channels.all(namespace)

    def server_channel(self, namespace: str, server: str) -> str:
        """The channel of one server in a namespace."""
        return f"{self.counted_channel(namespace)}{server}#"

    def room_created(self, namespace: str, room: str) -> Awaitable[None]:
        """Subscribe to the channel of a room; ends when that is confirmed."""
        if not self._channels.has_room(room):
            return DONE
        channel = f"{self.counted_channel(namespace)}{room}#"
        timer = self._leaving.pop(channel, None)
        if timer is not None:
            timer.cancel()
        reply = self._rooms.get(channel)
        if reply is None:
            reply = self._rooms[channel] = self.subscribe(channel, self._handler(namespace))
            reply.on_error = self.inbox.lost  # without it the room would stay deaf
        return DONE if reply.done else Waiting(partial(_confirmed, reply))

    def room_deleted(self, namespace: str, room: str) -> None:
        """End that subscription soon, unless the room has a member again by then."""
        channel = f"{self.counted_channel(namespace)}{room}#"
        if channel in self._rooms and channel not in self._leaving:
            end = partial(self._linger_ended, channel)
            self._leaving[channel] = self.inbox.runtime.call_later(KEEP_ROOM_SECONDS, end)

    def _linger_ended(self, channel: str) -> None:
        with suppress(RedisError):  # the connection is lost, and with it the subscription
            self._leave(channel)

    def _leave(self, channel: str) -> Reply:
        timer = self._leaving.pop(channel, None)
        if timer is not None:
            timer.cancel()
        del self._rooms[channel]
        return self.unsubscribe(channel)

    # -- out ---------------------------------------------------------------------------------

    def publish_message(self, message: Message) -> Sent:
        """Send a message on the channel of its namespace, or of its only room."""
        return self.send(self._channels.of(message), self._messages.encode(message))

    def respond_message(self, server: str, message: Message) -> Sent:
        """Send an answer on the channel of the server that asked."""
        channel = self.server_channel(message.namespace, server)
        return self.send(channel, self._messages.encode(message))

    # -- in ----------------------------------------------------------------------------------

    def _handler(self, namespace: str) -> Handler:
        return partial(self._on_data, ending(self.inbox.server_id, namespace))

    def _on_data(self, own: bytes, channel: bytes, data: bytes) -> None:
        # Redis sends everything back to its sender as well.
        if not data.endswith(own) and self.fits(data):
            hand_in(self.inbox, self._messages, data, max_bytes=self.max_bytes)


async def _confirmed(reply: Reply) -> None:
    """Wait for a subscription; the one who joins a room does not care for its loss."""
    with suppress(RedisError):
        await reply
