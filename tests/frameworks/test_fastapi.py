"""FastAPI's dependencies in handlers, however the server is put into the application.

These tests also run with the oldest version of FastAPI that is supported (``test_versions``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
import httpx
import pytest
from fastapi import (
    Depends,
    FastAPI,
    Request,
)
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from socketio_asgi import (
    Namespace,
    Server,
    Socket,
)
from socketio_asgi.integrations.fastapi import get_server, mount
from tests.support.backends import serves
from tests.support.peer import join_peer
from tests.support.serving import serve
from tests.support.waiting import until

from .fastapi_support import (
    Combine,
    Serving,
    Sessions,
    both,
    each_way,
    nested,
    plainly_mounted,
)

# -- the application -----------------------------------------------------------------------------


async def real_setting() -> str:
    return "real"


def state_of(connection: HTTPConnection) -> str:
    return str(connection.state.database)


@each_way
@both
async def test_everywhere(serving: Serving, combine: Combine, transport: str) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"database": "connected"}

    io, app = Server(), FastAPI(lifespan=None if combine in (plainly_mounted, nested) else lifespan)

    @io.on("before")
    async def before(value: Annotated[str, Depends(real_setting)]) -> str:
        return value

    combined = combine(app, io)

    @io.on("after")
    def after(socket: Socket, number: int, value: str = Depends(real_setting)) -> list[Any]:
        return [number, value]

    @io.on("app")
    async def of_app(request: Request) -> bool:
        return request.app is app

    @io.on("state")
    async def state(value: Annotated[str, Depends(state_of)]) -> str:
        return value

    served = await serving(combined)
    async with join_peer(served.url, transport) as peer:
        assert await peer.request("before") == ["real"]
        app.dependency_overrides[real_setting] = lambda: "override"
        assert await peer.request("before") == ["override"]
        assert await peer.request("after", 5) == [[5, "override"]]
        app.dependency_overrides.clear()
        assert await peer.request("after", 5) == [[5, "real"]]
        assert await peer.request("app") == [True]
        if combine not in (plainly_mounted, nested):
            assert await peer.request("state") == ["connected"]


async def test_overrides_of_the_server(serving: Serving) -> None:
    io, app = Server(), FastAPI()
    mount(app, "/socket.io", io)

    @io.on("value")
    async def value(found: Annotated[str, Depends(real_setting)]) -> str:
        return found

    served = await serving(app)
    async with join_peer(served.url) as peer:
        io.dependency_overrides[real_setting] = lambda: "of the server"
        assert await peer.request("value") == ["of the server"]
        app.dependency_overrides[real_setting] = lambda: "of the application"
        assert await peer.request("value") == ["of the application"]


# -- what events leave ---------------------------------------------------------------------------


@both
@pytest.mark.parametrize("kind", ["get", "get_plain"])
async def test_one_session_for_an_event(serving: Serving, transport: str, kind: str) -> None:
    io, sessions = Server(), Sessions()
    get_session = getattr(sessions, kind)

    async def user(session: int = Depends(get_session)) -> str:
        return f"user of {session}"

    @io.on("async")
    async def handle(session: int = Depends(get_session), name: str = Depends(user)) -> list[Any]:
        return [session, name, sessions.closed]

    @io.on("plain")
    def handle_in_thread(session: int = Depends(get_session)) -> list[Any]:
        return [session, sessions.closed]

    served = await serving(io)
    async with join_peer(served.url, transport) as peer:
        assert await peer.request("async") == [[1, "user of 1", 0]]
        assert sessions.balanced
        assert await peer.request("plain") == [[2, 1]]
        assert sessions.balanced


@both
@pytest.mark.parametrize("kind", ["get", "get_plain"])
async def test_closed_after_a_disconnect(serving: Serving, transport: str, kind: str) -> None:
    io, sessions = Server(ping_interval=0.2, ping_timeout=0.2), Sessions()
    begun, gone = anyio.Event(), anyio.Event()

    @io.on("slow")
    async def slow(socket: Socket, session: int = Depends(getattr(sessions, kind))) -> None:
        begun.set()
        await gone.wait()

    @io.on("disconnect")
    async def disconnected(socket: Socket, session: int = Depends(sessions.get)) -> None:
        gone.set()

    served = await serving(io)
    async with join_peer(served.url, transport) as peer:
        await peer.emit("slow")
        await begun.wait()
        await peer.drop()
        await until(lambda: sessions.opened == 2 == sessions.closed)
    assert sessions.ends == []


@serves
@both
@pytest.mark.runtime
@pytest.mark.parametrize("kind", ["get", "get_plain"])
async def test_closed_at_shutdown(transport: str, kind: str, monkeypatch: Any) -> None:
    io, sessions = Server(), Sessions()
    begun = anyio.Event()
    monkeypatch.setattr("socketio_asgi.engine.core.GRACE_SECONDS", 0.05)

    @io.on("endless")
    async def endless(session: int = Depends(getattr(sessions, kind))) -> None:
        begun.set()
        await anyio.sleep_forever()

    async with serve(io) as served, join_peer(served.url, transport) as peer:
        await peer.emit("endless")
        await begun.wait()
    assert sessions.balanced
    assert sessions.ends in (["CancelledError"], ["Cancelled"])


# -- requests and credentials --------------------------------------------------------------------


@both
async def test_bearer_tokens_in_headers(serving: Serving, transport: str) -> None:
    io, scheme = Server(), HTTPBearer()

    @io.on("who")
    async def who(credentials: Annotated[Any, Depends(scheme)]) -> str:
        return str(credentials.credentials)

    served = await serving(io)
    headers = {"Authorization": "Bearer secret"}
    async with join_peer(served.url, transport, headers=headers) as peer:
        assert await peer.request("who") == ["secret"]


async def test_the_state_of_a_request_is_that_of_an_event(serving: Serving) -> None:
    io = Server()
    waiting, go_on = anyio.Event(), anyio.Event()

    def name_of(request: Request) -> str:
        return str(getattr(request.state, "name", "nobody"))

    @io.on("first")
    async def first(request: Request, name: Annotated[str, Depends(name_of)]) -> list[str]:
        request.state.name = "first"
        waiting.set()
        await go_on.wait()
        return [name, str(request.state.name)]

    @io.on("second")
    async def second(request: Request) -> str:
        request.state.name = "second"
        go_on.set()
        return "done"

    served = await serving(io)
    async with join_peer(served.url) as peer:
        await peer.emit("first", ack=1)
        await waiting.wait()
        assert await peer.request("second", ack=2) == ["done"]
        assert await peer.acknowledgement(ack=1) == [["nobody", "first"]]


# -- more than events ----------------------------------------------------------------------------


async def test_the_context_of_an_event(serving: Serving) -> None:
    io = Server()

    def names(socket: Socket, namespace: Namespace, server: Server) -> list[Any]:
        return [socket.id, namespace.name, server is io]

    @io.on("who")
    async def who(socket: Socket, found: Annotated[list[Any], Depends(names)]) -> list[Any]:
        return found

    served = await serving(io)
    async with join_peer(served.url) as peer:
        assert await peer.request("who") == [[peer.id, "/", True]]


# -- routes --------------------------------------------------------------------------------------


@each_way
async def test_the_server_in_routes(serving: Serving, combine: Combine) -> None:
    io, app = Server(), FastAPI()

    @app.post("/sync")
    def announce(server: Annotated[Server, Depends(get_server)]) -> bool:
        server.emit("news", "from a thread")
        return server is io

    @app.post("/async")
    async def announce_there(server: Annotated[Server, Depends(get_server)]) -> bool:
        await server.emit("news", "from the event loop")
        return server is io

    served = await serving(combine(app, io))
    async with join_peer(served.url) as peer, httpx.AsyncClient(base_url=served.url) as http:
        assert (await http.post("/sync")).json() is True
        assert await peer.expect("news") == ["from a thread"]
        assert (await http.post("/async")).json() is True
        assert await peer.expect("news") == ["from the event loop"]


async def test_without_a_server(serving: Serving) -> None:
    app = FastAPI()

    @app.get("/")
    def nothing(server: Annotated[Server, Depends(get_server)]) -> None: ...

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as http:
        with pytest.raises(RuntimeError, match=r"no Socket\.IO server in this application"):
            await http.get("/")
