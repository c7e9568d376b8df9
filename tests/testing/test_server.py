"""An application that is served in the process of a test: its lifespan, and its errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.testing.clock import Clock
from socketio_asgi.testing.lifespan import LifespanFailed
from socketio_asgi.testing.server import TestServer, server_of

pytestmark = pytest.mark.runtime


class Broken(Exception):
    """What applications raise."""


async def get(server: TestServer, path: str = "/") -> Any:
    return await server.network().request("GET", "http://test" + path, {})


async def test_the_lifespan_and_its_state() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[dict[str, str]]:
        events.append("started")
        yield {"database": "connected"}
        events.append("stopped")

    async def state(request: Request) -> Response:
        return Response(request.state.database)

    app = Starlette(routes=[Route("/", state)], lifespan=lifespan)
    async with TestServer(app) as server:
        assert events == ["started"]
        assert (await get(server)).body == b"connected"
    assert events == ["started", "stopped"]
    async with TestServer(app, lifespan=False):
        pass
    assert events == ["started", "stopped"]


async def test_applications_without_a_lifespan() -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "Django and Channels raise here"
        await Response(b"here")(scope, receive, send)

    async with TestServer(refuse) as server:
        assert (await get(server)).body == b"here"
    async with TestServer(SocketIOMiddleware(refuse, Server())) as server:
        assert (await get(server)).body == b"here"


@pytest.mark.parametrize("step", ["startup", "shutdown"])
async def test_a_lifespan_that_fails(step: str) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        if step == "startup":
            raise Broken
        yield
        raise Broken

    with pytest.raises(Broken):
        async with TestServer(Starlette(lifespan=lifespan)):
            assert step == "shutdown"


async def test_an_application_that_says_that_it_cannot_start() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "Traceback\nno database"})

    with pytest.raises(LifespanFailed, match="no database"):
        async with TestServer(app):
            pass


async def test_an_error_of_a_route_reaches_the_test() -> None:
    async def broken(request: Request) -> Response:
        raise Broken

    app = Starlette(routes=[Route("/", broken)])
    with pytest.raises(Broken):
        async with TestServer(app) as server:
            assert (await get(server)).status == 500
    async with TestServer(app, raise_server_exceptions=False) as server:
        assert (await get(server)).status == 500


async def test_several_errors_come_as_a_group() -> None:
    async def broken(request: Request) -> Response:
        raise Broken

    async def use_twice() -> None:
        async with TestServer(Starlette(routes=[Route("/", broken)])) as server:
            await get(server)
            await get(server)

    with pytest.raises(BaseExceptionGroup) as caught:
        await use_twice()
    assert [type(error) for error in caught.value.exceptions] == [Broken, Broken]


async def test_the_error_of_the_test_itself_comes_first() -> None:
    async def broken(request: Request) -> Response:
        raise Broken

    async def fail() -> None:
        async with TestServer(Starlette(routes=[Route("/", broken)])) as server:
            await get(server)
            raise AssertionError("that of the test")

    with pytest.raises(AssertionError, match="that of the test"):
        await fail()


async def test_requests_that_do_not_end_are_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socketio_asgi.testing.application.CALL_SECONDS", 0.05)
    cancelled = anyio.Event()

    async def forever(scope: Any, receive: Any, send: Any) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    async with TestServer(forever, lifespan=False) as server:
        with anyio.move_on_after(0.01):
            await get(server)
    assert cancelled.is_set()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio has bounds for its tasks
async def test_nothing_is_left(anyio_backend: str) -> None:
    before = asyncio.all_tasks()
    io = Server()
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        async with TestServer(io) as server, server.connect(transports=transports):
            assert server_of(io) is server
        assert server_of(io) is None
        assert asyncio.all_tasks() == before


async def test_mistakes() -> None:
    wrong: Any = "app"
    with pytest.raises(TypeError, match="ASGI application"):
        TestServer(wrong)
    with pytest.raises(TypeError, match="Clock"):
        TestServer(Starlette(), clock=wrong)
    server = TestServer(Starlette())
    with pytest.raises(RuntimeError, match="within its context"):
        server.network()
    async with server:
        pass
    with pytest.raises(RuntimeError, match="make another one"):
        await server.__aenter__()


async def test_handlers_that_do_not_end_with_a_clock() -> None:
    io = Server()
    clock = Clock()
    started = anyio.Event()

    @io.engine.on("connection")
    def connected(session: Any) -> None:
        started.set()

    async with TestServer(io, clock=clock) as server:
        await get(server, "/socket.io/?EIO=4&transport=polling")
        assert io.engine.clients_count == 1
        await clock.advance(44)
        assert io.engine.clients_count == 1
        await clock.advance(1)
        assert io.engine.clients_count == 0
    assert started.is_set()
    assert clock.elapsed >= 45
