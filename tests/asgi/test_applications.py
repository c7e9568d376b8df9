"""An application works as before when a server is mounted into it or put in front of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel
import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from socketio_asgi import ConnectionRefused, Cors, Server, Socket, SocketIOMiddleware
from socketio_asgi.integrations.fastapi import mount
from tests.asgi.clients import ENGINE, check_both_transports, connect_error, get
from tests.support.backends import on_asyncio, serves
from tests.support.clients import connect_raw, connect_websocket
from tests.support.peer import join_peer, polling_of
from tests.support.serving import Served, serve
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]
Combine = Callable[[FastAPI, Server], Any]
PAGE = "https://page.example"


class Broken(Exception):
    """What a route of the application raises."""


def mounted(app: FastAPI, io: Server) -> Any:
    mount(app, "/socket.io", io)
    return app


def wrapped(app: FastAPI, io: Server) -> Any:
    return SocketIOMiddleware(app, io)


def added(app: FastAPI, io: Server) -> Any:
    app.add_middleware(SocketIOMiddleware, server=io)
    return app


each_way = pytest.mark.parametrize("combine", [mounted, wrapped, added])


def make_application(events: list[str]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, str]]:
        events.append("started")
        yield {"database": "connected"}
        events.append("stopped")

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(Broken)
    async def repair(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"repaired": True}, status_code=418)

    @app.get("/state")
    async def state(request: Request) -> str:
        return str(request.state.database)

    @app.get("/broken")
    async def broken() -> None:
        raise Broken

    @app.get("/login")
    async def login(request: Request) -> str:
        request.session["user"] = "alice"
        return "logged in"

    @app.websocket("/shout")
    async def shout(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text((await websocket.receive_text()).upper())
        await websocket.close(4000)

    return app


@each_way
async def test_everything_of_the_application_works(serving: Serving, combine: Combine) -> None:
    events: list[str] = []
    io = Server()

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        events.append("connected")

    @io.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        events.append(reason)

    served = await serving(combine(make_application(events), io))
    assert (await get(served.url + "/state")).json() == "connected"
    broken = await get(served.url + "/broken")
    assert (broken.status_code, broken.json()) == (418, {"repaired": True})
    assert (await get(served.url + "/absent")).json() == {"detail": "Not Found"}
    async with connect_websocket(served.ws_url + "/shout") as ws:
        await ws.send("hello")
        assert await ws.receive() == "HELLO"
        assert (await ws.receive_close()).code == 4000
    await check_both_transports(served.url, "/socket.io/")
    assert events == ["started", "connected", "transport close"]


@serves
@each_way
async def test_the_server_ends_before_the_application(combine: Combine) -> None:
    events: list[str] = []
    io = Server()

    @io.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        await anyio.lowlevel.checkpoint()
        events.append(reason)

    async with (
        serve(combine(make_application(events), io)) as served,
        join_peer(served.url, "polling"),
    ):
        pass
    assert events == ["started", "server shutting down", "stopped"]


@each_way
async def test_cors_and_sessions(serving: Serving, combine: Combine) -> None:
    # Mounted, a server is behind the middlewares; it only has to check the origin itself.
    io = Server(cors=Cors(origins=PAGE, headers=combine is not mounted))
    app = make_application([])
    app.add_middleware(CORSMiddleware, allow_origins=[PAGE], expose_headers=["X-Page"])
    app.add_middleware(SessionMiddleware, secret_key="secret")
    served = await serving(combine(app, io))
    for path in ("/state", "/socket.io/"):
        response = await get(served.url + path, {"Origin": PAGE}, query=ENGINE)
        assert response.status_code == 200
        assert response.headers.get_list("Access-Control-Allow-Origin") == [PAGE]
    assert "session=" in (await get(served.url + "/login")).headers["Set-Cookie"]


async def test_cors_headers_of_both_are_not_doubled(serving: Serving) -> None:
    app = make_application([])
    app.add_middleware(CORSMiddleware, allow_origins=[PAGE])
    served = await serving(mounted(app, Server(cors=PAGE)))
    response = await get(served.url + "/socket.io/", {"Origin": PAGE}, query=ENGINE)
    assert response.headers.get_list("Access-Control-Allow-Origin") == [PAGE]


def added_before_sessions(app: FastAPI, io: Server) -> Any:
    app.add_middleware(SocketIOMiddleware, server=io)
    app.add_middleware(SessionMiddleware, secret_key="secret")
    return app


def mounted_with_sessions(app: FastAPI, io: Server) -> Any:
    app.add_middleware(SessionMiddleware, secret_key="secret")
    return mounted(app, io)


@pytest.mark.parametrize("combine", [added_before_sessions, mounted_with_sessions])
async def test_the_handshake_sees_the_session(serving: Serving, combine: Combine) -> None:
    io = Server()

    @io.use
    async def who(socket: Socket) -> None:
        user = socket.handshake.connection.session.get("user")
        raise ConnectionRefused("this is", data={"user": user})

    served = await serving(combine(make_application([]), io))
    cookie = (await get(served.url + "/login")).cookies["session"]
    answer = await connect_error(served.url, "/socket.io/", {"Cookie": f"session={cookie}"})
    assert answer == {"message": "this is", "data": {"user": "alice"}}


class PassingOn(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["X-Passed-On"] = "yes"
        return response


def below_http_middlewares(combine: Combine, io: Server) -> Any:
    app = make_application([])
    combine(app, io)
    app.add_middleware(PassingOn)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    return app


@pytest.mark.parametrize("combine", [mounted, added])
async def test_polling_below_http_middlewares(serving: Serving, combine: Combine) -> None:
    served = await serving(below_http_middlewares(combine, Server()))
    await check_both_transports(served.url, "/socket.io/")
    response = await get(served.url + "/socket.io/", {"Accept-Encoding": "gzip"}, query=ENGINE)
    assert response.headers["X-Passed-On"] == "yes"
    assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("combine", [mounted, added])
async def test_an_aborted_poll_below_http_middlewares(
    serving: Serving, combine: Combine, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    served = await serving(below_http_middlewares(combine, io))
    async with join_peer(served.url, "polling") as peer, connect_raw(served.url) as raw:
        await raw.send_request("GET", polling_of(peer).target())
        (session,) = (socket.conn.__socketio__ for socket in io.sockets.sockets.values())
        await until(lambda: session.transport.writable)  # the poll waits
        await raw.abort()
        await until(lambda: io.engine.clients_count == 0)
    await check_both_transports(served.url, "/socket.io/")
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_an_application_without_lifespan(serving: Serving) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await Response("plain")(scope, receive, send)

    served = await serving(SocketIOMiddleware(app, Server()))
    assert (await get(served.url)).text == "plain"
    await check_both_transports(served.url, "/socket.io/")


async def test_an_application_that_ignores_lifespan(serving: Serving) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await Response("plain")(scope, receive, send)

    served = await serving(SocketIOMiddleware(app, Server()))
    assert (await get(served.url)).text == "plain"
    await check_both_transports(served.url, "/socket.io/")


@each_way
async def test_an_application_that_cannot_start(serving: Serving, combine: Combine) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        int("no number")
        yield

    with pytest.raises(RuntimeError, match="did not start"):
        await serving(combine(FastAPI(lifespan=lifespan), Server()))


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_a_mount_on_trio_needs_the_lifespan(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette()
    app.mount("/socket.io", Server())
    served = await serving(app)
    assert (await get(served.url + "/socket.io/", query=ENGINE)).status_code == 500
    await until(lambda: "Starlette(lifespan=io.lifespan)" in caplog.text)


@on_asyncio
async def test_a_mount_without_its_slash_needs_the_helper(serving: Serving) -> None:
    app = Starlette()
    app.mount("/plain", Server())
    mount(app, "/helped", Server())
    served = await serving(app)
    assert (await get(served.url + "/plain", query=ENGINE)).status_code == 307
    assert (await get(served.url + "/helped", query=ENGINE)).status_code == 200


def catch_all(app: Starlette) -> None:
    async def any_path(request: Request) -> Response:
        return Response(f"all of {request.url.path}")

    app.add_route("/{path:path}", any_path)


def catch_all_of_websockets(app: Starlette) -> None:
    async def shout(websocket: WebSocket) -> None:
        await websocket.close(4000)

    app.router.routes.append(WebSocketRoute("/{path:path}", shout))


def files_at_the_root(app: Starlette) -> None:
    app.mount("/", StaticFiles(directory=Path(__file__).parent))


def another_application_at_the_root(app: Starlette) -> None:
    app.mount("", Starlette(routes=[Route("/", lambda _: Response("below"))]))


TAKING_ALL = [
    catch_all,
    catch_all_of_websockets,
    files_at_the_root,
    another_application_at_the_root,
]


on_one_backend = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@on_one_backend
@pytest.mark.parametrize("take_all", TAKING_ALL)
@pytest.mark.parametrize("path", ["/socket.io", "/{tenant}/live"])
async def test_mounted_behind_a_route_that_takes_all(
    serving: Serving, take_all: Callable[[Starlette], None], path: str
) -> None:
    app = FastAPI()
    app.add_route("/front", lambda _: Response("front"))
    take_all(app)
    mount(app, path, Server())
    served = await serving(app)
    concrete = path.format(tenant="acme")
    await check_both_transports(served.url, concrete)
    await check_both_transports(served.url, concrete + "/")
    assert (await get(served.url + "/front")).text == "front"
    if take_all is catch_all:
        assert (await get(served.url + "/else")).text == "all of /else"


@on_one_backend
async def test_mounted_at_the_root_behind_other_routes(serving: Serving) -> None:
    app = Starlette(routes=[Route("/", lambda _: Response("home"))])
    mount(app, "/", Server())
    served = await serving(app)
    assert (await get(served.url)).text == "home"
    await check_both_transports(served.url, "/socket.io/")


def test_routes_keep_their_order() -> None:
    app = FastAPI()
    catch_all(app)
    before = list(app.router.routes)
    mount(app, "/socket.io", Server())
    after = [route for route in app.router.routes if route in before]
    assert after == before
    assert app.router.routes.index(before[-1]) == len(before)  # only the catch-all came after it
