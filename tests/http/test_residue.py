"""After connections that ended in all ways, nothing is left: no task, timer, socket or object."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from socketio_asgi.uvicorn_protocols.http_writing import BufferingTransport
from socketio_asgi.uvicorn_protocols.server_context import ServerContext
from tests.support.echo import Receive, Scope, Send
from tests.support.residue import Snapshot, no_residue
from tests.support.serving import Served, serve
from tests.support.waiting import until
from tests.websocket import test_residue as websockets
from tests.websocket.support import OURS as OUR_WEBSOCKETS

from .conftest import PLAIN
from .support import (
    Connection,
    HTTPClass,
    body,
    connect,
    echo_body,
    echo_path,
    http_only,
    length,
    ours_only,
    request,
    start,
)

ROUNDS, MANY_ROUNDS = 3, 10
OPTIONS: dict[str, Any] = {**PLAIN, "timeout_keep_alive": 0.2}
"""Uvicorn's timer of keep-alive goes on after a connection that was reset, and refers to it."""

pytestmark = ours_only


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the log empty: its records hold exceptions, and these whole frames."""
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "disabled", True)


class ManyWays:
    """An application that answers as the path says."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await getattr(self, scope["path"].strip("/"))(scope, receive, send)

    async def answers(self, scope: Scope, receive: Receive, send: Send) -> None:
        await echo_path(scope, receive, send)

    async def echoes(self, scope: Scope, receive: Receive, send: Send) -> None:
        await echo_body(scope, receive, send)

    async def raises(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("on purpose")

    async def breaks(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, length(b"hello")))
        await send(body(b"hel", more=True))
        raise ValueError("on purpose")

    async def returns(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass

    async def waits(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def floods(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for _ in range(1000):
            await send(body(bytes(100_000), more=True))


End = Callable[[Connection], Awaitable[None]]


async def leave(client: Connection) -> None:
    """Nothing: the connection is closed without a word."""


async def abort(client: Connection) -> None:
    await client.abort()


async def read_one(client: Connection) -> None:
    await client.read_response()


async def read_to_the_end(client: Connection) -> None:
    await client.read_until_closed()


async def send_no_more(client: Connection) -> None:
    await client.half_close()
    await client.read_until_closed()


async def pause_and_abort(client: Connection) -> None:
    await anyio.sleep(0.01)
    await client.abort()


CLOSE = ["Connection: close"]
ENDS: list[tuple[bytes, End]] = [
    (request(target="/answers"), read_one),
    (request(target="/answers"), leave),
    (request(target="/answers"), abort),
    (request(target="/answers"), send_no_more),
    (request(target="/answers", headers=CLOSE), read_to_the_end),
    (request(target="/answers") * 5, read_one),
    (request(target="/answers") * 5, abort),
    (request("POST", "/echoes", data=b"x" * 200_000), read_one),
    (request("POST", "/echoes", ["Content-Length: 10"]), leave),
    (request("POST", "/echoes", ["Expect: 100-continue", "Content-Length: 10"]), abort),
    (request(target="/raises"), read_to_the_end),
    (request(target="/breaks"), read_to_the_end),
    (request(target="/returns"), read_to_the_end),
    (request(target="/waits"), pause_and_abort),
    (request(target="/waits"), send_no_more),
    (request(target="/floods"), pause_and_abort),
    (b"no request\r\n\r\n", read_to_the_end),
    (b"GET / HT", leave),
    (b"", leave),
]


async def end_in_all_ways(served: Served) -> int:
    """Returns how many connections there were."""
    for data, end in ENDS:
        async with connect(served) as client:
            await client.send(data)
            await end(client)
    return len(ENDS)


def classes(http: HTTPClass) -> tuple[type, ...]:
    return (BufferingTransport, http)


async def test_nothing_is_left_while_the_server_runs(http: HTTPClass, thorough: bool) -> None:
    rounds = MANY_ROUNDS if thorough else ROUNDS
    async with serve(http_only(ManyWays()), http=http, **OPTIONS) as served:
        cold = Snapshot.take(classes(http))
        await end_in_all_ways(served)  # caches are warm
        await until(lambda: Snapshot.take(classes(http)).objects <= cold.objects)
        before = Snapshot.take(classes(http))
        for _ in range(rounds):
            assert await end_in_all_ways(served) >= 15
        await before.assert_nothing_left()


async def test_nothing_is_left_of_a_server(http: HTTPClass) -> None:
    async with (
        no_residue((*classes(http), ServerContext)),
        serve(http_only(ManyWays()), http=http, **OPTIONS) as served,
    ):
        await end_in_all_ways(served)


async def test_nothing_is_left_of_connections_that_the_end_of_the_server_closes(
    http: HTTPClass,
) -> None:
    async with (
        no_residue((*classes(http), ServerContext)),
        AsyncExitStack() as clients,
        serve(http_only(ManyWays()), http=http, grace=0, **OPTIONS) as served,
    ):
        for path in ("/answers", "/echoes", "/waits"):
            client = await clients.enter_async_context(connect(served))
            await client.send(request("POST", path, ["Content-Length: 10"]))
        await anyio.sleep(0.05)


async def test_nothing_is_left_of_connections_that_became_websockets(http: HTTPClass) -> None:
    options: dict[str, Any] = {**OPTIONS, "ws": OUR_WEBSOCKETS}
    async with (
        no_residue((*classes(http), *websockets.CLASSES, ServerContext)),
        serve(websockets.ManyWays(), http=http, **options) as served,
    ):
        await websockets.end_in_all_ways(served)
