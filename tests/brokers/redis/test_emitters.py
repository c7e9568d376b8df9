"""Emitters with the clients of redis-py for a Redis Cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio.cluster
import redis.cluster

from socketio_asgi import Server
from socketio_asgi.adapters import (
    AdapterProvider,
    RedisAdapter,
    RedisShardedAdapter,
    RedisStreamsAdapter,
)
from socketio_asgi.emitters import (
    AsyncRedisEmitter,
    AsyncRedisShardedEmitter,
    AsyncRedisStreamsEmitter,
    Emitter,
    RedisEmitter,
    RedisShardedEmitter,
    RedisStreamsEmitter,
)
from tests.support.peer import join_peer
from tests.support.serving import serve
from tests.support.waiting import until

from .servers import RedisProcess

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

ADAPTERS: dict[str, Callable[[str, str], AdapterProvider]] = {
    "classic": lambda url, prefix: RedisAdapter(url, key=prefix),
    "sharded": lambda url, prefix: RedisShardedAdapter(url, channel_prefix=prefix),
    "streams": lambda url, prefix: RedisStreamsAdapter(
        url, stream_name=prefix, channel_prefix=prefix
    ),
}
EMITTERS: dict[str, Callable[[Any, str], Emitter[None]]] = {
    "classic": lambda client, prefix: RedisEmitter(client, key=prefix),
    "sharded": lambda client, prefix: RedisShardedEmitter(client, channel_prefix=prefix),
    "streams": lambda client, prefix: RedisStreamsEmitter(client, stream_name=prefix),
}
ASYNC_EMITTERS: dict[str, Callable[[Any, str], Emitter[Awaitable[None]]]] = {
    "classic": lambda client, prefix: AsyncRedisEmitter(client, key=prefix),
    "sharded": lambda client, prefix: AsyncRedisShardedEmitter(client, channel_prefix=prefix),
    "streams": lambda client, prefix: AsyncRedisStreamsEmitter(client, stream_name=prefix),
}


@pytest.mark.parametrize("kind", list(ADAPTERS))
async def test_a_redis_cluster(cluster_of_two: list[RedisProcess], prefix: str, kind: str) -> None:
    url = cluster_of_two[0].url
    io = Server(adapter=ADAPTERS[kind](url, prefix))

    @io.on("join")
    async def join(socket: Any, room: str) -> None:
        await socket.join(room)

    rooms = [f"room-{number}" for number in range(8)]  # on both servers
    async with serve(io) as served, join_peer(served.url) as peer:
        await io.cluster.ready()
        for room in rooms:
            await peer.request("join", room)
        with redis.cluster.RedisCluster.from_url(url) as client:
            emitter = EMITTERS[kind](client, prefix)
            for room in rooms:
                emitter.to(room).emit("sync", room)
                assert await peer.expect("sync") == [room]
        async with redis.asyncio.cluster.RedisCluster.from_url(url) as later:
            async_emitter = ASYNC_EMITTERS[kind](later, prefix)
            for room in rooms:
                await async_emitter.to(room).emit("async", room)
                assert await peer.expect("async") == [room]
            await async_emitter.to("room-0").sockets_leave("room-0")
        (socket,) = io.sockets.sockets.values()
        await until(lambda: "room-0" not in socket.rooms)
