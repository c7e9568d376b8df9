"""A client that loses its connection with one of our servers, and comes back to an official one.

And the other way round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import RedisStreamsAdapter
from tests.server.recovery.support import Guest
from tests.support.node import install_node_modules, start_node
from tests.support.peer import join_peer
from tests.support.ports import HOST
from tests.support.serving import serve
from tests.support.waiting import until

from .servers import RedisProcess

HERE = Path(__file__).parent
SECONDS = 15.0


@pytest.fixture
def anyio_backend() -> str:
    """Node.js is driven from asyncio."""
    return "asyncio"


@pytest.fixture
async def urls(redis_server: RedisProcess, prefix: str) -> AsyncIterator[dict[str, str]]:
    """One server of each kind, over one stream."""
    install_node_modules(HERE.parent)
    adapter = RedisStreamsAdapter(
        redis_server.url,
        stream_name=prefix,
        channel_prefix=prefix,
        session_key_prefix=f"{prefix}:session:",
    )
    io = Server(adapter=adapter, connection_state_recovery=True)

    @io.on("join")
    async def join(socket: Socket, room: str) -> None:
        await socket.join(room)

    @io.on("tell")
    async def tell(socket: Socket, room: str, *event: Any) -> None:
        await io.to(room).emit(*event)

    script = start_node(HERE / "recovering.mjs", redis_server.url, {"prefix": prefix})
    async with script as node, serve(io) as served:
        port = (await node.wait_for("listening"))["port"]
        yield {"ours": served.url, "node": f"http://{HOST}:{port}"}


@pytest.mark.parametrize(("first", "second"), [("ours", "node"), ("node", "ours")])
async def test_a_client_comes_back_to_a_server_of_the_other_kind(
    urls: dict[str, str], redis_server: RedisProcess, prefix: str, first: str, second: str
) -> None:
    guest = Guest(urls[first])
    async with join_peer(urls["ours"]) as here, join_peer(urls["node"]) as there:
        async with guest.connected():
            await guest.emit("join", "room")
            # Until the other server reaches the client: it may have joined a moment later.
            await until(lambda: reached(here if second == "ours" else there, guest), SECONDS)
        sid = guest.sid
        key = f"{prefix}:session:{guest.pid}"
        await until(lambda: redis_server.run("EXISTS", key), SECONDS)
        await here.emit("tell", "room", "missed", 1)
        await until(lambda: redis_server.run("XLEN", prefix) >= 2, SECONDS)
        await there.emit("tell", "room", "missed", 2)
        await there.emit("tell", "elsewhere", "not for it")
        await until(lambda: in_stream(redis_server, prefix, "not for it"), SECONDS)
        guest.url = urls[second]
        async with guest.connected():
            assert guest.sid == sid
            await (here if second == "ours" else there).emit("tell", "room", "end")
            assert await guest.events() == [["missed", 1], ["missed", 2]]


async def reached(peer: Any, guest: Guest) -> bool:
    """Whether an event for the room has reached the client."""
    await peer.emit("tell", "room", "probe")
    packet = await guest.event()
    return packet == ["probe"]


def in_stream(redis: RedisProcess, stream: str, text: str) -> bool:
    return text.encode() in repr(redis.run("XRANGE", stream, "-", "+")).encode()
