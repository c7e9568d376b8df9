"""The client for tests with each framework: routes and sockets of one application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio.to_thread
import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette

from socketio_asgi import ConnectionRefused, Server, Socket, SocketIOMiddleware
from socketio_asgi.exceptions import TransportError
from socketio_asgi.integrations.fastapi import mount
from socketio_asgi.testing import connect, connect_blocking
from tests.docs.snippets import run_blocks

from .pages import PAGES, run
from .test_django_users import make_server as make_django_server
from .test_django_users import ways

BASE_URL = "http://testserver"

each_transport = pytest.mark.parametrize("transport", ["polling", "websocket"])
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def http_client(app: Any) -> httpx.AsyncClient:
    """A client of routes, in the event loop of the test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL)


async def check_hello(app: Any, method: str, path: str, transport: str) -> None:
    """A handler, and a route that sends an event: both in one event loop."""
    async with connect(app, transports=[transport]) as client, http_client(app) as http:
        assert await client.emit_with_ack("hello", "Ann") == "hello Ann"
        assert (await http.request(method, path)).status_code < 300
        assert await client.received("announcement") == "tea"


async def check_login(app: Any, transport: str) -> None:
    """The cookie of a session that a route has set."""
    with pytest.raises(ConnectionRefused, match="log in first"):
        async with connect(app, transports=[transport]):
            pass
    async with http_client(app) as http:
        await http.post("/login/ann")
        async with connect(app, transports=[transport], cookies=http.cookies) as client:
            assert await client.emit_with_ack("whoami") == "ann"


@pytest.fixture
def starlette_client(recwarn: pytest.WarningsRecorder) -> Any:
    """Starlette's client of routes, which may warn of httpx when it is imported."""
    from starlette.testclient import TestClient

    return TestClient


def make_fastapi(events: list[str]) -> tuple[FastAPI, Server]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        events.append("started")
        yield
        events.append("stopped")

    io, app = Server(), FastAPI(lifespan=lifespan)
    mount(app, "/socket.io", io)

    def get_user() -> str:
        return "nobody"

    @io.on("whoami")
    async def whoami(socket: Socket, user: str = Depends(get_user)) -> str:
        return user

    @app.post("/announce")
    async def announce(text: str) -> int:
        await io.emit("announced", text)
        return io.engine.clients_count

    @app.post("/announce-in-a-thread")
    def announce_in_a_thread(text: str) -> None:
        io.emit("announced", text)

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @io.on("broken")
    async def broken_handler(socket: Socket) -> None:
        raise KeyError("broken")

    app.dependency_overrides[get_user] = lambda: "ann"
    return app, io


@pytest.mark.runtime
@each_transport
async def test_fastapi(transport: str) -> None:
    events: list[str] = []
    app, _ = make_fastapi(events)
    async with connect(app, transports=[transport]) as client, http_client(app) as http:
        assert events == ["started"]
        assert await client.emit_with_ack("whoami") == "ann"
        assert (await http.post("/announce", params={"text": "hello"})).json() == 1
        assert await client.received("announced") == "hello"
        await http.post("/announce-in-a-thread", params={"text": "again"})
        assert await client.received("announced") == "again"
    assert events == ["started", "stopped"]


@pytest.mark.runtime
@each_transport
async def test_starlette(transport: str) -> None:
    names = run_blocks(PAGES / "starlette.md")
    await check_hello(names["app"], "GET", "/announce?text=tea", transport)
    app: Starlette = names["site"]
    with pytest.raises(ConnectionRefused, match="log in first"):
        async with connect(app, transports=[transport]):
            pass
    async with connect(app, headers={"X-Token": "ann"}, transports=[transport]) as client:
        assert await client.emit_with_ack("whoami") == "ann"


@pytest.mark.runtime
@each_transport
async def test_litestar(transport: str) -> None:
    names = run("litestar")
    await check_hello(names["app"], "POST", "/announce/tea", transport)
    await check_login(names["site"], transport)


@on_asyncio  # as Quart
@each_transport
@pytest.mark.filterwarnings("ignore::DeprecationWarning:quart")
async def test_quart(transport: str, anyio_backend: str) -> None:
    names = run("quart")
    await check_login(names["app"], transport)
    with pytest.raises(TransportError, match="status 404"):
        async with connect(names["quart"]):  # which is within the application
            pass


@on_asyncio  # as Django
@ways
@each_transport
async def test_django(django: Any, way: Any, transport: str, anyio_backend: str) -> None:
    app, path = way(make_django_server())
    host = "http://127.0.0.1"
    async with http_client(app) as http:
        await http.get(host + "/login/ann")
        options: dict[str, Any] = {"path": path, "transports": [transport], "base_url": host}
        async with connect(app, **options) as client:
            assert await client.emit_with_ack("plain") == ["", None]
        async with connect(app, cookies=http.cookies, **options) as client:
            assert (await client.emit_with_ack("plain"))[0] == "ann"
            assert (await client.emit_with_ack("asynchronous"))[0] == "ann"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_beside_the_test_client_of_starlette(backend: Any, starlette_client: Any) -> None:
    events: list[str] = []
    app, _ = make_fastapi(events)
    with starlette_client(app, backend=backend) as http, connect_blocking(http) as client:
        assert events == ["started"]
        assert client.emit_with_ack("whoami") == "ann"
        assert http.post("/announce", params={"text": "hello"}).json() == 1
        assert client.received("announced") == "hello"
        with connect_blocking(http, transports=["polling", "websocket"]) as bob:
            http.post("/announce-in-a-thread", params={"text": "again"})
            assert bob.next_event().data == "again"
            assert client.received("announced") == "again"
            bob.assert_nothing_received()
            assert bob.id != client.id
            assert bob.client.transport == "websocket"
            bob.disconnect()
            assert bob.disconnected() == "io client disconnect"
            assert not bob.connected
        assert [event.name for event in client.history] == ["announced", "announced"]
        with pytest.raises(ZeroDivisionError):
            http.get("/broken")
        with pytest.raises(KeyError, match="broken"):
            client.emit_with_ack("broken")
    with (
        starlette_client(app, backend=backend) as http,
        connect_blocking(http, raise_server_exceptions=False) as client,
    ):
        assert client.emit_with_ack("broken")["error"]["code"] == "internal"
        assert client.emit_with_ack_values("whoami") == ["ann"]
    assert events == ["started", "stopped"] * 2


@pytest.mark.runtime
async def test_the_test_client_of_starlette_in_another_event_loop(starlette_client: Any) -> None:
    """Without ``with``, each of its requests has one; it must not block that of the test."""
    app, _ = make_fastapi([])
    async with connect(app) as client:
        http = starlette_client(app)
        post = partial(http.post, "/announce", params={"text": "hello"})
        assert (await anyio.to_thread.run_sync(post)).json() == 1
        assert await client.received("announced") == "hello"


def test_mistakes_with_the_test_client_of_starlette(starlette_client: Any) -> None:
    app, _ = make_fastapi([])
    unentered = connect_blocking(starlette_client(app))
    with pytest.raises(RuntimeError, match="enter the TestClient first"), unentered:
        pass
    with pytest.raises(TypeError, match="takes a TestClient"), connect_blocking(app):
        pass


@pytest.mark.runtime
async def test_a_wrapped_application_has_its_lifespan() -> None:
    events: list[str] = []
    app, _ = make_fastapi(events)
    io = Server(path="/other")
    async with connect(SocketIOMiddleware(app, io), path="/other") as client:
        assert client.connected
        assert events == ["started"]
    assert events == ["started", "stopped"]
