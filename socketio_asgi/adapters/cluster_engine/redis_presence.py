"""The engines that are there, as those of ours say by their hellos, and Redis by its count."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from ...brokers.redis import RedisError, RedisReplyError, RedisServers
from ...runtime import Event, Runtime
from .members import EngineMembers, Hello
from .options import ClusterEngineOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


@dataclass(frozen=True, slots=True)
class EngineChannels:
    """The names of the channels.

    Attributes:
        prefix: The beginning of all.
    """

    prefix: str

    def messages(self, node: str | None = None) -> str:
        """The channel of messages to one engine, or to all."""
        return f"{self.prefix}#" if node is None else f"{self.prefix}#{node}#"

    def hellos(self, node: str | None = None) -> str:
        """The channel of hellos, which engines in Node.js do not read."""
        return f"{self.prefix}-python#" if node is None else f"{self.prefix}-python#{node}#"

    def has_hellos(self, channel: bytes) -> bool:
        """True if what comes on a channel are hellos."""
        return channel.startswith(self.hellos().encode())


class RedisPresence:
    """Says that this engine is there, and keeps the table of the others.

    Args:
        runtime: The event loop.
        members: The table.
        options: The options.
        channels: The channels.
        on_node_gone: Called when an engine is gone.
        on_namesake: Called when another engine has the same id, and this one has taken another.

    Attributes:
        servers: The connections; None while there are none.
    """

    def __init__(
        self,
        runtime: Runtime,
        members: EngineMembers,
        options: ClusterEngineOptions,
        channels: EngineChannels,
        *,
        on_node_gone: Callable[[str], object],
        on_namesake: Callable[[], object],
    ) -> None:
        self.servers: RedisServers | None = None
        self._runtime = runtime
        self._members = members
        self._options = options
        self._channels = channels
        self._on_node_gone = on_node_gone
        self._on_namesake = on_namesake
        self._counts = True
        self._newcomer: Event = runtime.event()

    # -- this engine -------------------------------------------------------------------------

    def say_hello(
        self, node: str | None = None, *, asks: bool = False, leaves: bool = False
    ) -> None:
        """Tell all engines, or one, that this one is there."""
        if self.servers is not None:
            hello = self._members.hello(asks=asks, leaves=leaves)
            with suppress(RedisError):
                self.servers.main.send("PUBLISH", self._channels.hellos(node), hello.encode())

    async def beat(self) -> None:
        """Say so again, and forget those that have not for long."""
        self.say_hello()
        for member in self._members.silent(self._options.heartbeat_timeout):
            self._on_node_gone(member.node)

    # -- the others --------------------------------------------------------------------------

    async def meet(self) -> None:
        """Ask who is there, and wait until the others have introduced themselves, if they do."""
        self.say_hello(asks=True)
        ours = await self._count_engines()

        async def meet() -> None:
            while len(self._members.others) + 1 < ours:
                self._newcomer = self._runtime.event()
                await self._newcomer.wait()

        with suppress(TimeoutError):
            await self._runtime.within(self._options.response_timeout, meet())

    async def watch(self, nodes: Iterable[str]) -> None:
        """Look whether these engines still are there, and how many there are."""
        await self._count_engines()
        watched = sorted(nodes)
        if not watched:
            return
        counts = await self._count([self._channels.messages(node) for node in watched])
        for node, count in zip(watched, counts or (), strict=False):
            if not count:
                self._on_node_gone(node)

    async def _count_engines(self) -> int:
        """Count all engines; returns the number of those of ours."""
        counts = await self._count([self._channels.messages(), self._channels.hellos()])
        if counts is None:
            self._members.foreign = None
            return 1
        engines, ours = counts
        self._members.foreign = max(engines - ours, 0)
        return ours

    async def _count(self, channels: Iterable[str]) -> list[int] | None:
        """The number of subscribers of channels; None where Redis does not let us ask."""
        servers = self.servers
        if servers is None or not self._counts:
            return None
        names = [channel.encode() for channel in channels]
        try:
            found = await servers.count_subscribers(names)
        except RedisReplyError as error:
            if error.code != "NOPERM":
                raise
            logger.warning("the cluster engine cannot count servers, because of Redis: %s", error)
            self._counts = False
            return None
        return [found[name] for name in names]

    def on_hello(self, data: bytes) -> None:
        """Called with a hello.

        Raises:
            MalformedMessage: It is none.
        """
        hello = Hello.decode(data)
        if hello.instance == self._members.instance:
            return
        if hello.node == self._members.node:
            return self._on_hello_of_namesake(hello)
        self._members.heard(hello)
        if hello.leaves:
            self._on_node_gone(hello.node)
            return
        if hello.asks:
            self.say_hello(hello.node)
        self._newcomer.set()

    def _on_hello_of_namesake(self, hello: Hello) -> None:
        """Take another id if this server is the one of two with the same id that has to."""
        self.say_hello()
        if hello.instance < self._members.instance and not hello.leaves:
            self._members.rename()
            self._on_namesake()
