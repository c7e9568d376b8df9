"""Servers of ours as processes, and crowds of official clients that come to all of them in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import AdapterState, ClusterEngineHealth, RedisClusterEngine
from socketio_asgi.adapters.cluster_engine.directory import ClusterDirectory, ClusterParts
from socketio_asgi.adapters.cluster_engine.members import EngineMembers
from socketio_asgi.engine import SessionCore
from tests.brokers.redis.servers import RedisProcess
from tests.support.clients import PollingClient
from tests.support.node import start_node
from tests.support.ports import HOST
from tests.support.processes import ServerProcess
from tests.support.serving import serve
from tests.support.waiting import until

CLIENTS = 20
ROUNDS = 5
SHOUTS = 5

POLLING: dict[str, Any] = {"transports": ["polling"], "upgrade": False}
UPGRADING: dict[str, Any] = {"transports": ["polling", "websocket"], "upgrade": True}


@contextmanager
def servers(
    name: str, redis: RedisProcess, prefix: str, count: int = 3, app: str = "io"
) -> Iterator[list[ServerProcess]]:
    """Some servers of ours."""
    env = {"REDIS_URL": redis.url, "PREFIX": prefix}
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                ServerProcess(name, f"tests.brokers.cluster_engine.apps:{app}", env=env)
            )
            for _ in range(count)
        ]


async def holds(server: ServerProcess, count: int = 1) -> bool:
    """True while a server has so much of other servers' sessions."""
    async with httpx.AsyncClient(trust_env=False) as http:
        held: int = (await http.get(f"{server.url}/held")).json()
    return held == count


async def check_crowd(
    ports: list[int],
    options: dict[str, Any],
    clients: int = CLIENTS,
    processes: int = 0,
    shouts: int = SHOUTS,
) -> dict[str, int]:
    """Have clients come to some servers in turn, and talk; returns what servers have counted."""
    settings = {"clients": clients, "ports": ports, **options}
    url = f"http://{HOST}:{ports[0]}"
    async with start_node("workers/crowd.mjs", url, settings, timeout=90) as script:
        connected = await script.wait_for("connected", 60)
        assert connected["events"] == {}
        assert len(connected["pids"]) == (processes or len(ports))
        await script.send("talk", rounds=ROUNDS, shouts=shouts)
        talked = await script.wait_for("talked", 60)
        assert talked["said"] == ROUNDS * shouts
        assert talked["events"] == {}
        assert [talked[name] for name in ("failed", "missing", "doubled", "disordered")] == [0] * 4
        assert talked["transports"] == {options["transports"][-1]: clients}
        counters: dict[str, int] = {}
        if options.get("counted", True):
            await script.send("count")
            counters = (await script.wait_for("counted"))["counters"]
        await script.send("finish")
        await script.finish()
    return counters


class Sharing:
    """Some servers in this process that share sessions.

    Attributes:
        servers: The servers.
        urls: Their addresses.
        heard: What sockets have said, of each server, and how they have ended.
    """

    def __init__(self) -> None:
        self.servers: list[Server] = []
        self.urls: list[str] = []
        self.heard: list[list[Any]] = []

    def add(self, io: Server, url: str) -> None:
        """Add a server that is being served."""
        self.servers.append(io)
        self.urls.append(url)

    def make(self, redis: Any, prefix: str, *, engine: dict[str, Any], **options: Any) -> Server:
        """Make a server that is not served."""
        shared = RedisClusterEngine(redis, channel_prefix=prefix, **engine)
        io = Server(cluster_engine=shared, **options)
        heard: list[Any] = []
        self.heard.append(heard)

        @io.on("connection")
        async def connect(socket: Socket) -> None:
            heard.append("connect")

        @io.on("disconnect")
        async def disconnect(socket: Socket, reason: str) -> None:
            heard.append(reason)

        @io.on("say")
        async def say(socket: Socket, value: Any) -> None:
            heard.append(value)

        @io.on("echo")
        async def echo(socket: Socket, value: Any) -> Any:
            return value

        return io

    def health(self, number: int) -> ClusterEngineHealth:
        """The health of a server's engine."""
        health = self.servers[number].cluster.engine_health
        assert health is not None
        return health

    def session(self, number: int, sid: str) -> SessionCore | None:
        """A session of a server."""
        found = self.servers[number].engine.__socketio__.bound().sessions.get(sid)
        assert found is None or isinstance(found, SessionCore)
        return found

    def unknown(self, number: int) -> set[str]:
        """The ids that a server has asked all about a moment ago, and nobody knew."""
        return set(self._parts(number).lookups._unknown)

    def members(self, number: int) -> EngineMembers:
        """The servers, as one of them knows them."""
        return self._parts(number).network.members

    def _parts(self, number: int) -> ClusterParts:
        directory = self.servers[number].engine.__socketio__._directory
        assert isinstance(directory, ClusterDirectory)
        assert directory.parts is not None
        return directory.parts

    def states(self) -> list[AdapterState]:
        """The states of all engines."""
        return [self.health(number).state for number in range(len(self.servers))]


@asynccontextmanager
async def share(
    redis: Any, prefix: str, count: int = 2, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Sharing]:
    """Serve some servers that share sessions; all know each other.

    Args:
        redis: The URL of Redis; one for each server where there are several.
        prefix: The prefix of the channels.
        count: How many.
        engine: Options of the cluster engine.
        options: Options of the servers.
    """
    sharing = Sharing()
    urls = redis if isinstance(redis, list) else [redis] * count
    async with AsyncExitStack() as stack:
        for url in urls:
            io = sharing.make(url, prefix, engine=engine or {}, **options)
            served = await stack.enter_async_context(serve(io))
            sharing.add(io, served.url)
        await until(
            lambda: all(sharing.health(i).members == count for i in range(count)), timeout=10
        )
        yield sharing


@asynccontextmanager
async def client_of(sharing: Sharing, *, joins: bool = True) -> AsyncIterator[list[PollingClient]]:
    """One polling client of the first server, as it comes to each of them."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(PollingClient(url)) for url in sharing.urls]
        await clients[0].open()
        for client in clients:
            client.sid = clients[0].sid
        if joins:
            await clients[1].post("40")
            assert str((await clients[-1].poll())[0]).startswith("40")
        yield clients
