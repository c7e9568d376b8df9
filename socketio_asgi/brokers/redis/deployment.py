"""The servers that an application means, by a URL or by its client of redis-py.

redis-py reads the URL, with all its options, and nothing else: its own connections need a task and
several times as long for each message, and come back after a loss without a word of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any, Protocol

from ...exceptions import NotRetryable
from ...runtime import Runtime
from .connection import OnLost, OnMessage, OnPatternMessage, RedisConnection
from .errors import RedisConnectionError, RedisError
from .server import RedisServer
from .servers import RedisServers
from .slots import Slots, read_slots


class PooledClient(Protocol):
    """A client of ``redis.asyncio`` (or ``valkey.asyncio``): ``Redis``, also one of a Sentinel."""

    @property
    def connection_pool(self) -> Any:
        """The pool that makes its connections."""
        ...


class ClusterClient(Protocol):
    """A ``RedisCluster`` of ``redis.asyncio``."""

    @property
    def nodes_manager(self) -> Any:
        """The nodes that it knows."""
        ...


RedisSource = str | PooledClient | ClusterClient
"""A URL (``redis://``, ``rediss://``, ``unix://``), or a client, whose settings are used."""


class RedisDeployment:
    """One server, one behind Sentinel, or a Redis Cluster; nothing is connected yet.

    A URL of any server of a cluster stands for all of it.

    Args:
        source: A URL, see ``redis.asyncio.Redis.from_url``; or a client of ``redis.asyncio``, whose
            settings are used, but not its connections. The client that stands for the server
            behind Sentinel is made by ``Sentinel.master_for(name)``.
        silence_seconds: The time without a word of a server after which it is asked whether it is
            there; None for 5 seconds.
        answer_seconds: The time that it has for the answer; None for 5 seconds.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis.
        TypeError: It is neither a URL nor such a client.
    """

    def __init__(
        self,
        source: RedisSource,
        *,
        silence_seconds: float | None = None,
        answer_seconds: float | None = None,
    ) -> None:
        self._times: dict[str, float] = {}
        if silence_seconds is not None:
            self._times["silence_seconds"] = silence_seconds
        if answer_seconds is not None:
            self._times["answer_seconds"] = answer_seconds
        self._sentinels: list[RedisServer] = []
        self._service = ""
        self._remap: Callable[[tuple[str, int]], tuple[str, int]] | None = None
        self._known: list[RedisServer] = []
        self._reached = False
        self._seeds = self._read(_from_url(source) if isinstance(source, str) else source)

    def _read(self, client: Any) -> list[RedisServer]:
        nodes = getattr(client, "nodes_manager", None)
        if nodes is not None:
            self._remap = getattr(nodes, "address_remap", None)
            return [self._server(node) for node in nodes.startup_nodes.values()]
        pool = getattr(client, "connection_pool", None)
        if pool is None or not hasattr(pool, "connection_class"):
            raise TypeError(
                "redis= takes a URL or a client of redis.asyncio (of a Sentinel, what its"
                f" master_for(name) returns), not {client!r}"
            )
        sentinel = getattr(pool, "sentinel_manager", None)
        if sentinel is not None:
            self._service = pool.service_name
            pools = [each.connection_pool for each in sentinel.sentinels]
            self._sentinels = [self._server(each) for each in pools]
        return [self._server(pool)]

    def _server(self, maker: Any) -> RedisServer:
        """The server that the connections of a pool, or of a node of a cluster, go to."""
        made = maker.connection_class(**maker.connection_kwargs)  # it does not connect
        if not iscoroutinefunction(made.connect):
            raise TypeError("the client must be one of redis.asyncio")
        tls = getattr(made, "ssl_context", None)
        provider = getattr(made, "credential_provider", None)
        return RedisServer(
            host=getattr(made, "host", None) or "localhost",
            port=int(getattr(made, "port", None) or 6379),
            path=getattr(made, "path", None),
            username=made.username or None,
            password=made.password,
            credentials=None if provider is None else provider.get_credentials_async,
            database=int(made.db or 0),
            tls=None if tls is None else tls.get(),
            client_name=made.client_name,
            **self._times,
        )

    # -- connecting --------------------------------------------------------------------------

    async def connect(
        self,
        runtime: Runtime,
        on_message: OnMessage,
        on_lost: OnLost,
        on_pattern_message: OnPatternMessage | None = None,
    ) -> RedisServers:
        """Connect with the server, or with all masters of the cluster.

        Args:
            runtime: The event loop, in which everything is called.
            on_message: Called with the channel and the data of each message, in the order of each
                connection.
            on_lost: Called once, when any of the connections is lost; all are closed then.
            on_pattern_message: Called with the pattern, the channel and the data of each message
                of a subscription to a pattern.

        Raises:
            NotRetryable: A server does not let this client in, and never has.
            RedisError: It makes sense to try again.
        """
        servers = RedisServers(runtime, on_message, on_lost, on_pattern_message)
        try:
            await self._connect(servers, runtime)
            servers.opened()
        except NotRetryable as error:
            servers.close()
            if self._reached:  # it worked before: somebody changes something there just now
                raise RedisConnectionError(str(error)) from error
            raise
        except BaseException:
            servers.close()
            raise
        self._reached = True
        return servers

    async def _connect(self, servers: RedisServers, runtime: Runtime) -> None:
        seeds = [*self._known, *self._seeds]
        if self._sentinels:
            seeds = [await self._ask_sentinels(runtime)]
        first = await _first(seeds, servers.make)
        servers.main = first
        if first.mode == "sentinel":
            raise NotRetryable(
                f"{first.server} is a Sentinel: give Sentinel([...]).master_for(name) instead"
            )
        if first.mode == "cluster":
            slots = await read_slots(first, self._remap)
            await servers.add_cluster(slots, self._remap)
            self._remember(slots)
        elif self._sentinels:
            role = await first.send("ROLE")
            if role[0] != b"master":
                raise RedisConnectionError(f"{first.server} is not the master any more")

    def _remember(self, slots: Slots) -> None:
        """Keep the servers of a cluster: the one that was given may be away the next time."""
        self._known = list(slots.masters.values())
        random.shuffle(self._known)

    async def _ask_sentinels(self, runtime: Runtime) -> RedisServer:
        last: Exception = RedisConnectionError("there is no Sentinel")
        for server in self._sentinels:
            sentinel = RedisConnection(server, runtime)
            try:
                await sentinel.connect()
                found = await sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            except (RedisError, NotRetryable) as error:
                last = error
                continue
            finally:
                sentinel.close()
            if found is not None:
                return self._seeds[0].at(found[0].decode(), int(found[1]))
            last = RedisConnectionError(f"{server} knows no {self._service!r}")
        raise last


async def _first(
    servers: Iterable[RedisServer], make: Callable[[RedisServer], RedisConnection]
) -> RedisConnection:
    """The first of some servers that answers.

    Raises:
        NotRetryable: None did, and the last refuses this client.
        RedisError: None did.
    """
    last: Exception = RedisConnectionError("there is no server")
    for server in dict.fromkeys(servers):
        connection = make(server)
        try:
            await connection.connect()
        except (RedisError, NotRetryable) as error:
            last = error
        else:
            return connection
    raise last


def _from_url(url: str) -> Any:
    try:
        from redis.asyncio import Redis
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Redis needs redis-py: pip install "socketio-asgi[redis]"', name="redis"
        ) from error
    make: Callable[[str], Any] = Redis.from_url  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return make(url)
