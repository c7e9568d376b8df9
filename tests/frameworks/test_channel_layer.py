"""Servers that are joined by channel layers of Channels: in memory, and in Redis."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import AdapterState, ClusterUnavailable
from socketio_asgi.adapters.cluster.namespace import ClusterNamespace
from socketio_asgi.exceptions import NotRetryable
from tests.brokers.interop.services import redis_url
from tests.support.background import background
from tests.support.peer import Peer, join_peer
from tests.support.requirements import require_module
from tests.support.serving import serve, unwrapped
from tests.support.waiting import until

only_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])

LONG = 30.0
CAPACITY = {"socketio*": 10_000}

Layers = dict[str, dict[str, Any]]


def in_memory(key: str) -> Layers:
    config = {"capacity": 10_000}
    layer = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": config}
    return {"default": layer}


def in_redis(backend: str, **options: Any) -> Callable[[str], Layers]:
    def layers(key: str) -> Layers:
        # One for each server: they have nothing in common but Redis, as in processes of their own.
        config = {"hosts": [redis_url()], "prefix": key, **options}
        layer = {"BACKEND": backend, "CONFIG": config}
        return {"default": layer, "other": layer}

    return layers


LAYERS = {
    "memory": in_memory,
    "redis": in_redis("channels_redis.core.RedisChannelLayer", channel_capacity=CAPACITY),
    "pubsub": in_redis("channels_redis.pubsub.RedisPubSubChannelLayer"),
}


class Cluster:
    """Two servers, with one client each."""

    def __init__(self, aliases: list[str]) -> None:
        from socketio_asgi.integrations.django import ChannelLayerAdapter

        self.servers = [Server(adapter=ChannelLayerAdapter(alias)) for alias in aliases]
        self.clients: list[Peer] = []
        for server in self.servers:
            server.on("join")(join)

    @property
    def here(self) -> Server:
        return self.servers[0]

    @property
    def there(self) -> Server:
        return self.servers[1]

    async def start(self, stack: AsyncExitStack) -> None:
        for server in self.servers:
            served = await stack.enter_async_context(serve(server))
            self.clients.append(await stack.enter_async_context(join_peer(served.url)))
        await self.acquainted()

    async def acquainted(self, namespace: str = "/") -> None:
        cores = [core_of(server) for server in self.servers]
        await until(
            lambda: all(
                core.asking.gathered and len(core.members.of(namespace)) == 1 for core in cores
            ),
            timeout=10,
        )

    def socket(self, number: int) -> Socket:
        return self.servers[number].sockets.sockets[self.clients[number].id]


async def join(socket: Socket, room: str) -> None:
    await socket.join(room)


def core_of(server: Server) -> Any:
    adapter = server.sockets.adapter
    assert isinstance(adapter, ClusterNamespace)
    return adapter.core


async def start(server: Server) -> None:
    """Start a server without clients; raises what makes that impossible."""
    server.emit("begin")
    await server.__socketio__.adapters.started()


def state_of(server: Server) -> AdapterState:
    return server.cluster.health.state


@pytest.fixture(params=list(LAYERS))
def layers(request: pytest.FixtureRequest) -> Any:
    """The channel layers of the settings; gives their names, one for each server."""
    for name in ("channels", "channels_redis", "django"):
        require_module(name)
    from django.test import override_settings

    from tests.frameworks.django_settings import configure

    configure()
    made = LAYERS[request.param](f"test-{secrets.token_hex(6)}")
    with override_settings(CHANNEL_LAYERS=made):
        yield [*made, *made][:2]


@pytest.fixture
async def cluster(layers: list[str], fast_path: None) -> AsyncIterator[Cluster]:
    cluster = Cluster(layers)
    async with AsyncExitStack() as stack:
        await cluster.start(stack)
        yield cluster


@only_asyncio
async def test_broadcasts_and_rooms(cluster: Cluster, anyio_backend: str) -> None:
    await cluster.clients[1].request("join", "räume")
    await cluster.here.emit("all", {"data": b"\x00\xff"})
    for client in cluster.clients:
        assert await client.receive() == '51-["all",{"data":{"_placeholder":true,"num":0}}]'
        assert await client.receive() == b"\x00\xff"
    await cluster.here.to("räume").emit("some", 1)
    assert await cluster.clients[1].expect("some") == [1]
    await cluster.there.except_("räume").emit("others", 2)
    assert await cluster.clients[0].expect("others") == [2]


@only_asyncio
async def test_order_in_a_burst(cluster: Cluster, anyio_backend: str) -> None:
    for number in range(500):
        cluster.here.emit("event", number)
    assert [(await cluster.clients[1].expect("event"))[0] for _ in range(500)] == list(range(500))


@only_asyncio
async def test_questions(cluster: Cluster, anyio_backend: str) -> None:
    async with background(cluster.here.timeout(LONG).emit_with_ack, "ask", 1) as asked:
        for number, client in enumerate(cluster.clients):
            assert await client.answer(number) == ["ask", 1]
        assert sorted(await asked.wait()) == [0, 1]
    cluster.socket(1).data["name"] = "é"
    found = {socket.id: socket.data for socket in await cluster.here.fetch_sockets()}
    assert found == {cluster.clients[0].id: {}, cluster.clients[1].id: {"name": "é"}}

    @cluster.there.on_server_event("asked")
    async def asked_there(value: Any) -> Any:
        return ["answer", value]

    assert await cluster.here.server_side_emit_with_ack("asked", 1) == [["answer", 1]]
    await cluster.here.in_(cluster.clients[1].id).disconnect_sockets()
    await until(lambda: not cluster.there.sockets.sockets)


@only_asyncio
async def test_namespaces(cluster: Cluster, anyio_backend: str) -> None:
    for server in cluster.servers:
        server.of("/ä/b c")
    for client in cluster.clients:
        await client.connect("/ä/b c")
    await cluster.acquainted("/ä/b c")
    await cluster.there.of("/ä/b c").emit("hello")
    for client in cluster.clients:
        assert await client.expect("hello", "/ä/b c") == []


@only_asyncio
async def test_a_server_that_leaves_is_forgotten_at_once(
    cluster: Cluster, anyio_backend: str
) -> None:
    assert len(cluster.here.cluster.members) == 2
    await cluster.there.close()
    await until(lambda: len(cluster.here.cluster.members) == 1)


@only_asyncio
async def test_a_channel_layer_that_fails(cluster: Cluster, anyio_backend: str) -> None:
    core = core_of(cluster.here)
    layer = core.driver._layer

    class Failing:
        extensions = ("groups",)

        def __getattr__(self, name: str) -> Any:
            return self.fail if name == "group_send" else getattr(layer, name)

        async def fail(self, *_arguments: Any) -> None:
            raise ConnectionError("the broker is gone")

    core.driver._layer = Failing()
    with pytest.raises(ClusterUnavailable):
        await cluster.here.emit("lost")
    assert await cluster.clients[0].expect("lost") == []
    await until(lambda: state_of(cluster.here) is AdapterState.READY, timeout=15)
    await cluster.acquainted()
    await cluster.here.emit("again")
    assert await cluster.clients[1].expect("again") == []


@only_asyncio
async def test_groups_that_were_lost(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    # As when Redis begins anew, empty: what the driver does every minute is done now.
    driver = core_of(cluster.there).driver
    for group in driver._groups:
        await driver._layer.group_discard(group, driver._channel)
    driver._renew_soon()
    reached = anyio.Event()

    @cluster.there.on_server_event("reached")
    async def on_reached() -> None:
        reached.set()

    with anyio.fail_after(10):
        while not reached.is_set():
            await cluster.here.server_side_emit("reached")
            await anyio.sleep(0.01)


# -- what is told at the start -------------------------------------------------------------


@pytest.mark.usefixtures("fast_path")
@pytest.mark.parametrize("layers", ["memory"], indirect=True)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "CHANNEL_LAYERS has no channel layer 'default'"),
        (
            {
                "default": {
                    "BACKEND": "channels_redis.core.RedisChannelLayer",
                    "CONFIG": {"hosts": [None], "serializer_format": "json"},
                }
            },
            "does not carry bytes",
        ),
        ({"default": {"BACKEND": "channels.layers.BaseChannelLayer"}}, "has no groups"),
    ],
)
@only_asyncio
async def test_what_cannot_work(
    layers: list[str],
    change: Layers,
    message: str,
    anyio_backend: str,
) -> None:
    from django.test import override_settings

    from socketio_asgi.integrations.django import ChannelLayerAdapter

    for layer in change.values():
        if "CONFIG" in layer:
            layer["CONFIG"]["hosts"] = [redis_url()]
    with override_settings(CHANNEL_LAYERS=change), pytest.raises(NotRetryable, match=message):
        await start(Server(adapter=ChannelLayerAdapter()))


@pytest.mark.usefixtures("fast_path")
@pytest.mark.parametrize("layers", ["memory"], indirect=True)
@only_asyncio
async def test_a_channel_layer_of_small_capacity(
    layers: list[str], caplog: pytest.LogCaptureFixture, anyio_backend: str
) -> None:
    from django.test import override_settings

    from socketio_asgi.integrations.django import ChannelLayerAdapter

    change = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    with (
        override_settings(CHANNEL_LAYERS=change),
        caplog.at_level(logging.WARNING, logger="socketio_asgi"),
    ):
        io = Server(adapter=ChannelLayerAdapter())
        await start(io)
        await io.close()
    assert '"channel_capacity": {"socketio*": 10000}' in caplog.text


@pytest.mark.parametrize("layers", ["memory"], indirect=True)
def test_wrong_arguments(layers: list[str]) -> None:
    from socketio_asgi.integrations.django import ChannelLayerAdapter

    with pytest.raises(TypeError, match="alias"):
        ChannelLayerAdapter(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="prefix"):
        ChannelLayerAdapter(prefix="a b")


@pytest.mark.parametrize("layers", ["memory"], indirect=True)
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio(layers: list[str], anyio_backend: str) -> None:
    from socketio_asgi.integrations.django import ChannelLayerAdapter

    io = Server(adapter=ChannelLayerAdapter())
    with pytest.raises(NotRetryable, match="Channels knows no trio"), unwrapped():
        async with io.lifespan():
            raise AssertionError("it must not start")
