"""The messages between engines over Redis."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ...brokers.redis import (
    RedisConnectionError,
    RedisDeployment,
    RedisError,
    RedisReplyError,
    RedisServers,
    Reply,
    Subscription,
)
from ...runtime import Cancellable, Runtime
from ..cluster.message import MalformedMessage
from .engine import ClusterEngineHost
from .members import EngineMembers
from .options import ClusterEngineOptions
from .questions import Awaited, OnAnswer, Questions
from .redis_presence import EngineChannels, RedisPresence
from .wire import EngineMessage, MessageKind, decode, encode

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_ENGINE_MESSAGE = 24 * 1024 * 1024
"""The largest message, in bytes. Redis ends the connections of subscribers that it would have to
hold 32 MiB for."""

WATCH_SECONDS = 1.0
"""The time between two looks who is there: foreign servers, and those that have something of a
session."""

_ANSWERS = frozenset(
    {MessageKind.LOCK_RESPONSE, MessageKind.UPGRADE_RESPONSE, MessageKind.CONFIRMED}
)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The parts that are told of the network.

    Attributes:
        on_message: Called with each message that is no answer.
        nodes: Tells the servers that have something of a session here, or the other way.
        on_node_gone: Called when a server is gone.
        on_all_gone: Called when no server can be reached.
    """

    on_message: Callable[[EngineMessage], object]
    nodes: Callable[[], set[str]]
    on_node_gone: Callable[[str], object]
    on_all_gone: Callable[[], object]


class RedisNetwork:
    """The connection of one server; see :class:`.network.Network`.

    Args:
        host: The surroundings.
        deployment: The servers of Redis.
        prefix: The beginning of the names of all channels.
        options: The options.

    Attributes:
        runtime: The event loop.
        members: The servers that share sessions.
        options: The options.
        counters: What went between the servers so far, by kind.
        dropped: Messages that were not sent or not handled, by reason.
    """

    callbacks: Callbacks

    def __init__(
        self,
        host: ClusterEngineHost,
        deployment: RedisDeployment,
        prefix: str,
        options: ClusterEngineOptions,
    ) -> None:
        self.runtime: Runtime = host.runtime
        self.members: EngineMembers = EngineMembers(host.runtime.now)
        self.options: ClusterEngineOptions = options
        self.counters: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._host = host
        self._deployment = deployment
        self._channels = EngineChannels(prefix)
        self._questions = Questions(host.runtime)
        self._presence = RedisPresence(
            host.runtime,
            self.members,
            options,
            self._channels,
            on_node_gone=self._node_gone,
            on_namesake=self._on_namesake,
        )
        self._servers: RedisServers | None = None
        # Messages may go out as soon as answers come in; requests find all others a moment later.
        self._open = False
        self._connected = False
        self._last: Reply | None = None
        self._timers: dict[str, Cancellable] = {}

    @property
    def connected(self) -> bool:
        """True while messages go out and come in, and the others are known."""
        return self._connected

    def count(self, what: str) -> None:
        """Count something for the health."""
        self.counters[what] += 1

    def drop(self, reason: str) -> None:
        """Count a message that was not sent, or not handled."""
        self.dropped[reason] += 1
        if self._host.observer is not None:
            self._host.observer.messages_dropped(reason, 1)

    # -- life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, and make the acquaintance of the others."""
        servers = await self._deployment.connect(self.runtime, self._on_message, self._on_lost)
        self._servers = self._presence.servers = servers
        try:
            await self._join(servers)
        except BaseException:
            self._end()
            servers.close()
            raise

    async def _join(self, servers: RedisServers) -> None:
        node = self.members.node
        channels = self._channels
        # Those of ours first: who is counted on the last one is one of them, or foreign.
        for channel in (
            channels.hellos(),
            channels.hellos(node),
            channels.messages(node),
            channels.messages(),
        ):
            await servers.main.subscribe(Subscription.CHANNEL, channel.encode())
        self._open = True
        await self._presence.meet()
        if self._servers is not servers:
            raise RedisConnectionError("the connection with Redis was lost at once")
        self._connected = True
        self._repeat(self.options.heartbeat_interval, self._presence.beat)
        self._repeat(WATCH_SECONDS, self._watch)

    def _repeat(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something again and again, as long as the connection lasts."""
        servers = self._servers

        async def run() -> None:
            try:
                await work()
            except RedisError as error:
                logger.debug("the cluster engine cannot reach Redis: %r", error)
            if self._connected and servers is self._servers:
                self._repeat(seconds, work)

        def begin() -> None:
            if self._connected and servers is self._servers:
                self.runtime.start_background(run())

        self._timers[work.__name__] = self.runtime.call_later(seconds, begin)

    def _on_lost(self, error: Exception) -> None:
        self._end()
        self._host.lost(error)

    def _end(self) -> None:
        self._open = self._connected = False
        self._servers = self._presence.servers = None
        for timer in self._timers.values():
            timer.cancel()
        self._questions.all_gone()
        self.callbacks.on_all_gone()

    async def close(self) -> None:
        """Say goodbye, and end the connection."""
        servers = self._servers
        if servers is None:
            return
        self._presence.say_hello(leaves=True)
        try:
            await servers.drain()
        except RedisError as error:
            logger.debug("the connection with Redis cannot be drained: %r", error)
        finally:
            self._end()
            servers.close()

    # -- who is there ------------------------------------------------------------------------

    async def _watch(self) -> None:
        await self._presence.watch(self.callbacks.nodes())

    def _node_gone(self, node: str) -> None:
        self._questions.node_gone(node)
        self.callbacks.on_node_gone(node)

    def _on_namesake(self) -> None:
        servers = self._servers
        self._on_lost(RedisError("another server has the same id; this one takes another"))
        if servers is not None:
            servers.close()

    # -- out ---------------------------------------------------------------------------------

    def send(self, message: EngineMessage) -> bool:
        """Send a message; False when that is not possible."""
        return self._publish(message) is not None

    def _publish(self, message: EngineMessage) -> Reply | None:
        servers = self._servers
        if servers is None or not self._open:
            return None
        data = encode(message)
        if len(data) > MAX_ENGINE_MESSAGE:
            self.drop("too large")
            return None
        try:
            reply = servers.main.send("PUBLISH", self._channels.messages(message.recipient), data)
        except RedisError:
            self.drop("not taken by Redis")
            return None
        reply.on_error = self._on_refused
        self._last = reply
        return reply

    def _on_refused(self, error: Exception) -> None:
        self.drop("not taken by Redis")
        if isinstance(error, RedisReplyError):
            logger.warning("Redis refuses a message of the cluster engine: %s", error)

    async def sent(self) -> bool:
        """Wait until Redis has taken what was sent so far; False when it has not."""
        if self._last is None or not self._connected:
            return False
        try:
            await self._last
        except RedisError:
            return False
        return True

    async def ask(self, message: EngineMessage, on_answer: OnAnswer) -> EngineMessage | None:
        """Ask a question, and wait for the answer at most as long as the option says."""
        awaited = Awaited(self.runtime, on_answer)
        return await self._ask(message, awaited, self.options.response_timeout)

    async def ask_until_gone(self, message: EngineMessage) -> EngineMessage | None:
        """Ask a question, and wait for the answer as long as the other server is there."""
        return await self._ask(message, Awaited(self.runtime), None)

    async def _ask(
        self, message: EngineMessage, awaited: Awaited, seconds: float | None
    ) -> EngineMessage | None:
        number = self._questions.add(message.recipient, awaited.settle, seconds)
        message.request = number
        try:
            await self._deliver(message, number)
            return await awaited.wait()
        except BaseException:
            self._questions.settle(number, None)
            raise

    async def _deliver(self, question: EngineMessage, number: int) -> None:
        """Publish a question; it ends when nobody is there to hear it."""
        servers = self._servers
        reply = self._publish(question)
        if reply is None or servers is None:
            return self._questions.settle(number, None)
        try:
            listeners: int = await reply
        except RedisError:
            return self._questions.settle(number, None)
        # This server hears what goes to all. A Redis Cluster counts those of one server alone.
        if not servers.is_cluster and listeners <= (question.recipient is None):
            self._questions.settle(number, None)
            if question.recipient is not None:
                self._node_gone(question.recipient)

    def ask_later(self, message: EngineMessage, on_answer: OnAnswer) -> bool:
        """Ask a question that is answered in its time, or never if the server goes."""
        message.request = self._questions.add(message.recipient, on_answer, None)
        if self._publish(message) is None:
            self._questions.withdraw(message.request)
            return False
        return True

    # -- in ----------------------------------------------------------------------------------

    def _on_message(self, channel: bytes, data: bytes) -> None:
        try:
            if self._channels.has_hellos(channel):
                self._presence.on_hello(data)
            else:
                self._on_engine_message(data)
        except MalformedMessage as error:
            self.drop("malformed messages")
            logger.debug("a message of %r is none: %s", channel, error)

    def _on_engine_message(self, data: bytes) -> None:
        if len(data) > MAX_ENGINE_MESSAGE:
            return self.drop("too large")
        message = decode(data)
        members = self.members
        if message.sender == members.node or message.recipient not in {None, members.node}:
            return
        if not members.is_ours(message.sender):
            members.heard_foreign()
        if message.kind not in _ANSWERS:
            self.callbacks.on_message(message)
        elif not self._questions.answered(message):
            self.count("late answers")
