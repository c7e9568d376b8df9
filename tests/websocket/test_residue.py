"""After connections that ended in all ways, nothing is left: no task, timer, socket or object."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from socketio_asgi.uvicorn_protocols import WebSocketProtocol
from socketio_asgi.uvicorn_protocols.asgi_connection import ASGIConnection
from socketio_asgi.uvicorn_protocols.open_websocket import OpenWebSocket
from socketio_asgi.uvicorn_protocols.server_context import ServerContext
from tests.support.direct import DirectReceiver, attach_echo
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import CONTINUATION, TEXT, close, frame, header, text
from tests.support.rawwebsocket import RawWebSocket
from tests.support.residue import Snapshot, instances, no_residue
from tests.support.serving import Served, serve
from tests.support.waiting import until

from .support import OURS, connect, tcp

ROUNDS, MANY_ROUNDS = 3, 10


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the log empty: its records hold exceptions, and these whole frames."""
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "disabled", True)


CLASSES = (ASGIConnection, OpenWebSocket, DirectReceiver, WebSocketProtocol)


class ManyWays:
    """An application that ends as its path says."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await getattr(self, scope["path"].strip("/"))(scope, receive, send)

    async def echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})

    async def attached(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        assert attach_echo(scope)

    async def closes(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})

    async def raises(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("on purpose")

    async def returns(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def refuses(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close"})

    async def denies(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})

    async def fails(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("on purpose")

    async def waits(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.disconnect"

    async def floods(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "bytes": bytes(100_000)})


End = Callable[[RawWebSocket], Awaitable[Any]]


async def abort(peer: RawWebSocket) -> None:
    await peer.abort()


async def leave(peer: RawWebSocket) -> None:
    """Nothing: the connection is closed without a word."""


async def answer(peer: RawWebSocket) -> None:
    await peer.read_end(answer=True)


def sends(*data: bytes) -> End:
    async def end(peer: RawWebSocket) -> None:
        await peer.send(*data)
        await peer.read_rest()

    return end


OPEN_ENDS: list[tuple[str, End]] = [
    *((path, end) for path in ("/echo", "/attached") for end in (
        abort,
        leave,
        sends(text("hello"), close()),
        sends(close(None)),
        sends(close(999)),
        sends(frame(5)),
        sends(frame(TEXT, b"\xff")),
        sends(header(TEXT, 1 << 40)),
        sends(frame(TEXT, b"a", final=False), close()),
        sends(frame(TEXT, b"a", final=False), frame(CONTINUATION), frame(CONTINUATION)),
    )),
    ("/closes", answer),
    ("/closes", abort),
    ("/raises", answer),
    ("/returns", answer),
    ("/floods", abort),
    ("/floods", leave),
]  # fmt: skip
REFUSED = ("/refuses", "/denies", "/fails")


async def end_in_all_ways(served: Served) -> int:
    """Returns how many connections there were."""
    count = 0
    for path, end in OPEN_ENDS:
        async with connect(served, path) as peer:
            await end(peer)
            count += 1
    for path in REFUSED:
        async with tcp(served) as peer:
            await peer.request(path)
            await peer.read_response()
            count += 1
    for headers in ({"Sec-WebSocket-Version": "8"}, {"Sec-WebSocket-Key": "x"}):
        async with tcp(served) as peer:
            await peer.request("/echo", headers)
            await peer.read_response()
            count += 1
    for end in (abort, leave):
        async with tcp(served) as peer:
            await peer.request("/waits")
            await anyio.sleep(0.01)
            await end(peer)
            count += 1
    return count


@pytest.mark.parametrize("keepalive", [None, 0.05])
async def test_nothing_is_left_while_the_server_runs(
    http: str, keepalive: float | None, thorough: bool
) -> None:
    rounds = MANY_ROUNDS if thorough else ROUNDS
    options: dict[str, Any] = {"ws_ping_interval": keepalive, "ws_ping_timeout": 5}
    async with serve(ManyWays(), ws=OURS, http=http, **options) as served:
        cold = Snapshot.take(CLASSES)
        await end_in_all_ways(served)  # caches are warm
        await until(lambda: Snapshot.take(CLASSES).objects <= cold.objects)
        before = Snapshot.take(CLASSES)
        for _ in range(rounds):
            assert await end_in_all_ways(served) >= 30
        await before.assert_nothing_left()


async def test_connections_are_freed_without_the_garbage_collector(http: str) -> None:
    """It may not run for long, and a server would keep the memory of those that have gone."""
    async with serve(ManyWays(), ws=OURS, http=http) as served:
        gc.collect()
        gc.disable()
        try:
            await end_in_all_ways(served)
            await until(lambda: not [thing for kind in CLASSES for thing in instances(kind)])
        finally:
            gc.enable()


async def test_nothing_is_left_of_a_server(http: str) -> None:
    async with (
        no_residue((*CLASSES, ServerContext)),
        serve(ManyWays(), ws=OURS, http=http) as served,
    ):
        await end_in_all_ways(served)
        async with connect(served, "/echo"), connect(served, "/attached"):
            pass


async def test_nothing_is_left_of_connections_that_the_end_of_the_server_closes(
    http: str,
) -> None:
    async with (
        no_residue((*CLASSES, ServerContext)),
        AsyncExitStack() as clients,
        serve(ManyWays(), ws=OURS, http=http) as served,
    ):
        for path in ("/echo", "/attached", "/floods"):
            await clients.enter_async_context(connect(served, path))
