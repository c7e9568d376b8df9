"""The applications whose requests are served without ASGI, and those that nothing passes by."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route

from socketio_asgi import Server, Socket, SocketIOMiddleware
from socketio_asgi.engine.direct import DirectRouter
from socketio_asgi.integrations.starlette import mount
from socketio_asgi.integrations.uvicorn import ASGIHTTPProtocol, HTTPProtocol, WebSocketProtocol
from tests.support.peer import join_peer
from tests.support.serving import Served, serve

pytestmark = pytest.mark.anyio
CLASSES: dict[str, Any] = {"ws": WebSocketProtocol, "http": HTTPProtocol}
_RANDOM = re.compile(r":\d+ |[?&](?:sid|t)=[\w-]+")
POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
def anyio_backend() -> Any:
    """Run on uvloop."""
    return ("asyncio", {"use_uvloop": True})


class Counted:
    """Counts the requests that are served without ASGI, and those that are left to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.served: list[bool] = []
        for name in ("serve", "open"):
            monkeypatch.setattr(DirectRouter, name, self._counting(getattr(DirectRouter, name)))

    def _counting(self, method: Callable[..., bool]) -> Callable[..., bool]:
        def count(*args: Any, **options: Any) -> bool:
            served = method(*args, **options)
            self.served.append(served)
            return served

        return count

    @property
    def all_direct(self) -> bool:
        return bool(self.served) and all(self.served)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def chat() -> Server:
    io = Server()

    @io.on("who")
    async def who(socket: Socket) -> str:
        return type(socket.handshake.connection.scope.get("app")).__name__

    return io


async def visit(served: Served) -> list[Any]:
    """Ask on both transports."""
    answers: list[Any] = []
    for transport in ("polling", "websocket"):
        async with join_peer(served.url, transport) as peer:
            answers += await peer.request("who")
            await peer.close()
    return answers


class Passing:
    """A middleware that does nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def mounted(app: Any, **options: Any) -> Any:
    mount(app, "/socket.io", chat(), **options)
    return app


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


class OwnStarlette(Starlette):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, send)


class OwnServer(Server):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, send)


class OwnMiddleware(SocketIOMiddleware):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, send)


def with_router(app: FastAPI) -> FastAPI:
    from fastapi import APIRouter

    router = APIRouter(prefix="/api")
    router.add_api_route("/hello", lambda: "hello")
    app.include_router(router)
    return app


def late(app: Starlette) -> Starlette:
    """A route that is put in front of the server, when that is mounted."""
    mounted(app)
    app.router.routes.insert(0, Route("/socket.io/", hello))
    return app


DIRECT: dict[str, tuple[Callable[[], Any], str]] = {
    "the server": (chat, "NoneType"),
    "the middleware": (lambda: SocketIOMiddleware(Starlette(), chat()), "Starlette"),
    "the middleware around middlewares": (
        lambda: SocketIOMiddleware(Passing(FastAPI()), chat()),
        "FastAPI",
    ),
    "Starlette": (lambda: mounted(Starlette(routes=[Route("/", hello)])), "Starlette"),
    "FastAPI": (lambda: mounted(FastAPI()), "FastAPI"),
    "FastAPI with a router": (lambda: mounted(with_router(FastAPI())), "FastAPI"),
    "a mount beside it": (
        lambda: mounted(Starlette(routes=[Mount("/static", app=Starlette())])),
        "Starlette",
    ),
    "a middleware, by the user's word": (
        lambda: mounted(Starlette(middleware=[Middleware(Passing)]), direct=True),
        "Starlette",
    ),
}


@pytest.mark.parametrize("name", DIRECT)
async def test_applications_that_are_passed_by(counted: Counted, name: str) -> None:
    make, application = DIRECT[name]
    async with serve(make(), **CLASSES) as served:
        assert await visit(served) == [application] * 2
    assert counted.all_direct, counted.served


PASSED_THROUGH: dict[str, Callable[[], Any]] = {
    "something around the server": lambda: Passing(chat()),
    "something around the middleware": lambda: Passing(SocketIOMiddleware(Starlette(), chat())),
    "a class of one's own": OwnServer,
    "a middleware of one's own": lambda: OwnMiddleware(Starlette(), chat()),
    "an application of one's own": lambda: mounted(OwnStarlette()),
    "a middleware": lambda: mounted(Starlette(middleware=[Middleware(Passing)])),
    "a middleware of FastAPI": lambda: mounted(FastAPI(middleware=[Middleware(Passing)])),
    "a route before the server": lambda: late(Starlette()),
    "a host before the server": lambda: mounted(
        Starlette(routes=[Host("example.com", app=Starlette())])
    ),
    "a prefix of a proxy": lambda: mounted(FastAPI(root_path="/api")),
    "not by the user's word": lambda: mounted(Starlette(), direct=False),
    "Starlette's own mount": lambda: Starlette(routes=[Mount("/socket.io", app=chat())]),
}


@pytest.mark.filterwarnings("ignore:The `root_path` parameter")
@pytest.mark.parametrize("name", PASSED_THROUGH)
async def test_applications_that_are_not(counted: Counted, name: str) -> None:
    async with (
        serve(PASSED_THROUGH[name](), **CLASSES) as served,
        httpx.AsyncClient(base_url=served.url, trust_env=False) as client,
    ):
        assert (await client.get(POLLING)).status_code == 200
    assert counted.served == []


async def test_a_middleware_that_refuses_is_heard(counted: Counted) -> None:
    class Refusing(Passing):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                return await PlainTextResponse("no", 403)(scope, receive, send)
            await self.app(scope, receive, send)

    app = mounted(FastAPI(middleware=[Middleware(Refusing)]))
    async with (
        serve(app, **CLASSES) as served,
        httpx.AsyncClient(base_url=served.url, trust_env=False) as client,
    ):
        assert (await client.get(POLLING)).status_code == 403
    assert counted.served == []


async def test_a_route_that_comes_later_is_heard(counted: Counted) -> None:
    app = mounted(Starlette())
    async with (
        serve(app, **CLASSES) as served,
        httpx.AsyncClient(base_url=served.url, trust_env=False) as client,
    ):
        assert '"sid"' in (await client.get(POLLING)).text
        app.router.routes.insert(0, Route("/socket.io/", hello))
        assert (await client.get(POLLING)).text == "hello"
    assert counted.served == [True]


OPTIONS: dict[str, dict[str, Any]] = {
    "root_path": {"root_path": "/api"},
    "limit_concurrency": {"limit_concurrency": 100},
}


@pytest.mark.parametrize("name", OPTIONS)
async def test_options_that_asgi_knows(counted: Counted, name: str) -> None:
    async with serve(chat(), **CLASSES, **OPTIONS[name]) as served:
        assert await visit(served) == ["NoneType"] * 2
    assert counted.served == []


async def _use(io: Server) -> None:
    io.engine.use(Passing)


async def _hook(io: Server) -> None:
    @io.engine.on("headers")
    def hook(headers: Any, request: Any) -> None:
        headers["x-own"] = "yes"


@pytest.mark.parametrize("change", [_use, _hook])
async def test_what_stands_in_front_of_the_engine(
    counted: Counted, change: Callable[[Server], Awaitable[None]]
) -> None:
    io = chat()
    await change(io)
    async with serve(io, **CLASSES) as served:
        assert await visit(served) == ["NoneType"] * 2
    assert not any(counted.served)


async def test_middlewares_come_before_the_first_request() -> None:
    io = chat()
    async with serve(io, **CLASSES) as served:
        await visit(served)
        with pytest.raises(RuntimeError, match="before the first request"):
            io.engine.use(Passing)


async def test_a_function_that_admits_is_asked_of_new_clients_alone(counted: Counted) -> None:
    asked: list[str] = []

    async def allow(request: Any) -> bool:
        await anyio.lowlevel.checkpoint()
        asked.append(request.transport)
        return True

    io = Server(allow_request=allow)
    async with serve(io, **CLASSES) as served, join_peer(served.url, "polling") as peer:
        await peer.close()
    assert asked == ["polling"]
    assert counted.served[0] is False
    assert all(counted.served[1:])


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("trusted", [True, False])
async def test_what_proxies_say_of_a_client(
    counted: Counted, transport: str, trusted: bool
) -> None:
    io = Server()
    seen: list[tuple[str, bool]] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        seen.append((socket.handshake.address, socket.handshake.secure))

    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    proxies = "127.0.0.1" if trusted else "10.0.0.1"
    async with (
        serve(io, **CLASSES, forwarded_allow_ips=proxies) as served,
        join_peer(served.url, transport, headers=headers) as peer,
    ):
        await peer.close()
    assert seen == [("203.0.113.7", True) if trusted else ("127.0.0.1", False)]
    assert counted.all_direct


async def test_the_access_log(counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logs: list[list[str]] = []
    for http in (HTTPProtocol, ASGIHTTPProtocol):
        caplog.clear()
        async with serve(chat(), ws=WebSocketProtocol, http=http, access_log=True) as served:
            await visit(served)
        lines = [record.getMessage() for record in caplog.records if record.args]
        logs.append([_RANDOM.sub("", line) for line in lines if '"' in line and " - " in line])
    assert logs[0] == logs[1]
    assert any("WebSocket" in line for line in logs[0])
    assert any("GET" in line for line in logs[0])
    assert counted.all_direct


async def test_a_fault_ends_the_connection_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    io = chat()

    def fail(*_: Any, **__: Any) -> bool:
        raise ValueError("on purpose")

    async with (
        serve(io, **CLASSES) as served,
        httpx.AsyncClient(base_url=served.url, trust_env=False) as client,
    ):
        with monkeypatch.context() as broken:
            broken.setattr(DirectRouter, "serve", fail)
            response = await client.get(POLLING)
        assert response.status_code == 500
        assert response.headers["connection"] == "close"
        assert "on purpose" in caplog.text
        assert (await client.get(POLLING)).status_code == 200


async def test_an_idle_connection_is_closed() -> None:
    async with (
        serve(chat(), **CLASSES, timeout_keep_alive=1) as served,
        await anyio.connect_tcp("127.0.0.1", served.port) as stream,
    ):
        await stream.send(b"GET " + POLLING.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        with anyio.fail_after(10):
            assert b"200 OK" in await stream.receive()
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
