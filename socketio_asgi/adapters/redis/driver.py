"""The common part of the drivers over Redis: the connection, heartbeats, and the limits."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Generator
from dataclasses import replace
from typing import Any

from ...brokers.redis import (
    RedisConnection,
    RedisDeployment,
    RedisError,
    RedisReplyError,
    RedisServers,
    Reply,
    Subscription,
)
from ...protocol import EncodeError
from ..cluster.driver import (
    MAX_MESSAGE_BYTES,
    RESERVED_BYTES,
    Census,
    Driver,
    Inbox,
    Traits,
    hand_in,
)
from ..cluster.message import Message, MessageType
from ..cluster.wires.python import PythonWire
from ..errors import ClusterUnavailable

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_MESSAGE = MAX_MESSAGE_BYTES
"""The largest event, in bytes. Redis ends the connections of all subscribers that it would have to
hold 32 MiB for, so a message of 33 MB ends those of every server of the cluster."""

PRESENCE = frozenset(
    {MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT, MessageType.ADAPTER_CLOSE}
)

Handler = Callable[[bytes, bytes], object]
"""Called with the channel and the data of a message."""


class Sent(Awaitable[None]):
    """The end of a message's way to Redis, which may be awaited or dropped.

    Raises:
        ClusterUnavailable: Redis has refused it, or was lost before it said anything.
    """

    __slots__ = ("_reply",)

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        try:
            await self._reply
        except RedisError as error:
            raise ClusterUnavailable(f"Redis has not taken a message: {error}") from error


class RedisDriver(Driver):
    """A driver over Redis, which has counted servers, and heartbeats of our own beside them.

    The heartbeats are on channels that official servers do not subscribe to.

    Args:
        deployment: The servers of Redis.
        heartbeats: The channel of the heartbeats; with ``UID#`` behind it, that of one server.
        kind: The kind of subscriptions.
        max_message: The largest event, in bytes.
    """

    servers: RedisServers
    inbox: Inbox

    def __init__(
        self, deployment: RedisDeployment, heartbeats: str, kind: Subscription, max_message: int
    ) -> None:
        self.traits: Traits = Traits(
            counts=True, max_payload=max_message, subscribes_rooms=False, direct=True
        )
        self.max_bytes: int = max_message + RESERVED_BYTES
        self._deployment = deployment
        self._heartbeats = heartbeats
        self._kind = kind
        self._sharded = kind is Subscription.SHARD
        self._wire = PythonWire()
        self._connected = False
        self.handlers: dict[bytes, Handler] = {}

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect, and subscribe to the heartbeats."""
        self.inbox = inbox
        self.servers = await self._deployment.connect(
            inbox.runtime, self._on_message, inbox.lost, self.on_pattern_message
        )
        self._connected = True
        for channel in (self._heartbeats, f"{self._heartbeats}{inbox.server_id}#"):
            await self.subscribe(channel, self._on_heartbeat)
        await self._check_counting()
        return True

    async def close(self) -> None:
        """Wait until Redis has taken what was sent, and end the connections."""
        if not self._connected:
            return
        try:
            await self.servers.drain()
        except RedisError as error:
            logger.debug("the connection with Redis cannot be drained: %r", error)
        finally:
            self.servers.close()

    # -- channels ----------------------------------------------------------------------------

    def connection(self, channel: str) -> RedisConnection:
        """The connection for a channel: in a cluster, sharded ones are each on one server."""
        return self.servers.for_key(channel) if self._sharded else self.servers.main

    def subscribe(self, channel: str, handler: Handler) -> Reply:
        """Subscribe to a channel."""
        name = channel.encode("utf-8", "replace")
        self.handlers[name] = handler
        return self.connection(channel).subscribe(self._kind, name)

    def unsubscribe(self, channel: str) -> Reply:
        """End a subscription."""
        name = channel.encode("utf-8", "replace")
        self.handlers.pop(name, None)
        return self.connection(channel).unsubscribe(self._kind, name)

    def send(self, channel: str, data: bytes) -> Sent:
        """Publish data on a channel.

        Raises:
            EncodeError: They are too large.
            RedisError: The connection is over, or takes no more.
        """
        if len(data) > self.max_bytes:
            raise EncodeError(f"the message has {len(data)} bytes, more than max_message")
        command = "SPUBLISH" if self._sharded else "PUBLISH"
        name = channel.encode("utf-8", "replace")
        reply = self.connection(channel).send(command, name, data)
        reply.on_error = self.on_refused
        return Sent(reply)

    def on_refused(self, error: Exception) -> None:
        """Called when Redis has not taken a message."""
        self.inbox.refused(error)
        if isinstance(error, RedisReplyError) and error.code == "MOVED":
            self.inbox.lost(error)  # to ask again which server has which channels

    def fits(self, data: bytes) -> bool:
        """True if data are small enough to be read; others are counted."""
        if len(data) <= self.max_bytes:
            return True
        self.inbox.malformed("larger than max_message", len(data))
        return False

    def _on_message(self, channel: bytes, data: bytes) -> None:
        handler = self.handlers.get(channel)
        if handler is not None:  # otherwise the subscription is just ending
            handler(channel, data)

    def on_pattern_message(self, pattern: bytes, channel: bytes, data: bytes) -> None:
        """Called with a message of a subscription to a pattern."""

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[str | None]:
        """Send a message to all servers that have its namespace."""
        if message.type in PRESENCE:
            sent = self.send(self._heartbeats, self._wire.encode(message))
        else:
            sent = self.publish_message(message)
        return sent

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send a message to one server."""
        if message.type in PRESENCE:
            return self.send(f"{self._heartbeats}{server}#", self._wire.encode(message))
        return self.respond_message(server, message)

    @abstractmethod
    def publish_message(self, message: Message) -> Sent:
        """Send a message that is no heartbeat."""

    @abstractmethod
    def respond_message(self, server: str, message: Message) -> Sent:
        """Send an answer that is no heartbeat."""

    def _on_heartbeat(self, channel: bytes, data: bytes) -> None:
        hand_in(self.inbox, self._wire, data)

    # -- counting ----------------------------------------------------------------------------

    @abstractmethod
    def counted_channel(self, namespace: str) -> str:
        """The channel that every server with a namespace has subscribed to."""

    @abstractmethod
    def server_channel(self, namespace: str, server: str) -> str:
        """The channel that one server with a namespace has subscribed to, for answers to it."""

    async def server_count(self, namespace: str) -> int:
        """The number of servers that have a namespace, official ones included."""
        return (await self.census(namespace, ())).servers

    async def census(self, namespace: str, named: Collection[str]) -> Census:
        """The servers that have a namespace: those that have subscribed to its channels."""
        counted = self.counted_channel(namespace).encode("utf-8", "replace")
        own = {
            server: self.server_channel(namespace, server).encode("utf-8", "replace")
            for server in named
        }
        count = self.servers.count_subscribers
        subscribers = await count([counted, *own.values()], sharded=self._sharded)
        absent = frozenset(server for server, channel in own.items() if not subscribers[channel])
        return Census(subscribers[counted], absent)

    async def _check_counting(self) -> None:
        """Look whether servers can be counted: a user of Redis may lack the right to do so."""
        try:
            channel = self._heartbeats.encode("utf-8", "replace")
            await self.servers.count_subscribers([channel], sharded=self._sharded)
        except RedisReplyError as error:
            if error.code != "NOPERM":
                raise
            logger.warning("only servers of ours are waited for, because of Redis: %s", error)
            self.traits = replace(self.traits, counts=False)
