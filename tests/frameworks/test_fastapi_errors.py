"""Errors in FastAPI, credentials, and the order in which things end.

These tests also run with the oldest version of FastAPI that is supported (``test_versions``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Cookie, Depends, Header, HTTPException, Query, Security
from fastapi.security import OAuth2PasswordBearer, SecurityScopes

from socketio_asgi import ConnectionRefused, EventError, Server, Socket
from tests.support.peer import join_peer, open_peer
from tests.support.waiting import until

from .fastapi_support import Serving, Sessions, both


@both
@pytest.mark.parametrize("kind", ["get", "get_plain"])
async def test_closed_on_errors(serving: Serving, transport: str, kind: str) -> None:
    io, sessions = Server(), Sessions()
    get_session = getattr(sessions, kind)

    @io.on("declared")
    async def declared(session: int = Depends(get_session)) -> None:
        raise EventError("not_found", "it is not there")

    @io.on("http")
    def http(session: int = Depends(get_session)) -> None:
        raise HTTPException(404, "it is not there")

    @io.on("bug")
    async def bug(session: int = Depends(get_session)) -> None:
        raise LookupError

    served = await serving(io)
    async with join_peer(served.url, transport) as peer:
        for event in ("declared", "http"):
            (answer,) = await peer.request(event)
            assert answer["error"]["code"] == "not_found"
            assert sessions.balanced
        (answer,) = await peer.request("bug")
        assert answer["error"]["code"] == "internal"
        assert sessions.balanced
    assert sessions.ends == ["EventError", "HTTPException", "LookupError"]


async def test_committed_then_acknowledged_then_tasks(serving: Serving) -> None:
    io = Server()
    order: list[str] = []

    async def session() -> AsyncIterator[None]:
        yield
        order.append("committed")

    @io.on("save")
    async def save(socket: Socket, tasks: BackgroundTasks, _: None = Depends(session)) -> str:
        tasks.add_task(order.append, "task")
        tasks.add_task(socket.emit, "told")
        order.append("handled")
        return "saved"

    @io.on("fails")
    async def fails(socket: Socket, tasks: BackgroundTasks) -> None:
        tasks.add_task(order.append, "never")
        raise EventError("failed")

    served = await serving(io)
    async with join_peer(served.url) as peer:
        assert await peer.request("save") == ["saved"]
        assert await peer.expect("told") == []
        assert order == ["handled", "committed", "task"]
        await peer.request("fails")
        assert order == ["handled", "committed", "task"]


async def test_an_error_of_a_commit_is_the_answer(serving: Serving) -> None:
    io = Server()

    async def session() -> AsyncIterator[None]:
        yield
        raise EventError("conflict", "somebody was faster")

    @io.on("save")
    async def save(_: None = Depends(session)) -> str:
        return "saved"

    served = await serving(io)
    async with join_peer(served.url) as peer:
        (answer,) = await peer.request("save")
        assert answer == {
            "error": {"code": "conflict", "message": "somebody was faster", "details": None}
        }


@both
async def test_headers_cookies_and_query(serving: Serving, transport: str) -> None:
    io = Server()

    def filters(limit: int, x_kind: Annotated[str, Header()], theme: str = Cookie("light")) -> Any:
        return {"limit": limit, "kind": x_kind, "theme": theme}

    @io.on("list")
    async def list_them(
        room: str,
        found: Annotated[dict[str, Any], Depends(filters)],
        order: Annotated[str, Query()] = "up",
    ) -> Any:
        return {"room": room, "order": order, **found}

    served = await serving(io)
    headers = {"X-Kind": "all", "Cookie": "theme=dark"}
    query = {"limit": "5", "order": "down"}
    async with join_peer(served.url, transport, headers=headers, query=query) as peer:
        for _ in range(2):
            assert await peer.request("list", "lobby") == [
                {"room": "lobby", "order": "down", "limit": 5, "kind": "all", "theme": "dark"}
            ]
    async with join_peer(served.url, transport, query={"limit": "many"}) as peer:
        (answer,) = await peer.request("list", "lobby")
    error = answer["error"]
    assert error["code"] == "validation"
    assert [detail["loc"] for detail in error["details"]] == [
        ["query", "limit"],
        ["header", "x-kind"],
    ]
    assert "many" not in str(answer)


@both
async def test_tokens_that_expire(serving: Serving, transport: str) -> None:
    io = Server(bearer_from_auth="token")
    bearer = OAuth2PasswordBearer("token")
    valid = {"first"}

    def current_user(token: Annotated[str, Depends(bearer)]) -> str:
        if token not in valid:
            raise HTTPException(401, "the token has expired")
        return f"user with the {token} token"

    @io.on("who")
    async def who(user: Annotated[str, Depends(current_user)]) -> str:
        return user

    @io.on("renew")
    async def renew(socket: Socket, token: str) -> None:
        socket.handshake.auth["token"] = token

    served = await serving(io)
    async with join_peer(served.url, transport, auth={"token": "first"}) as peer:
        assert await peer.request("who") == ["user with the first token"]
        valid.clear()
        (answer,) = await peer.request("who")
        assert answer["error"] == {
            "code": "unauthorized",
            "message": "the token has expired",
            "details": None,
            "status": 401,
        }
        valid.add("second")
        assert await peer.request("renew", "second") == []
        assert await peer.request("who") == ["user with the second token"]
        # The same by connecting again.
        await peer.leave()
        await peer.join(auth={"token": "second"})
        assert await peer.request("who") == ["user with the second token"]
    async with join_peer(served.url, transport) as peer:
        (answer,) = await peer.request("who")
        assert answer["error"]["code"] == "unauthorized"


async def test_security_scopes(serving: Serving) -> None:
    io = Server()

    def user(required: SecurityScopes, x_scopes: Annotated[str, Header()]) -> str:
        missing = set(required.scopes) - set(x_scopes.split())
        if missing:
            raise HTTPException(403, f"scopes are missing: {sorted(missing)}")
        return "alice"

    @io.on("read")
    async def read(name: Annotated[str, Security(user, scopes=["read"])]) -> str:
        return name

    @io.on("write")
    async def write(name: Annotated[str, Security(user, scopes=["read", "write"])]) -> str:
        return name

    served = await serving(io)
    async with join_peer(served.url, headers={"X-Scopes": "read"}) as peer:
        assert await peer.request("read") == ["alice"]
        (answer,) = await peer.request("write")
        assert answer["error"]["code"] == "forbidden"


async def get_name(x_name: Annotated[str, Header()] = "") -> str:
    if not x_name:
        raise HTTPException(401, "who are you?")
    return x_name


async def test_middlewares_and_lifecycle_handlers(serving: Serving) -> None:
    io, sessions = Server(), Sessions()

    @io.use
    async def check(socket: Socket, name: Annotated[str, Depends(get_name)]) -> None:
        if name == "mallory":
            raise ConnectionRefused("not you")
        socket.data["name"] = name

    @io.on("connection")
    async def connected(socket: Socket, session: int = Depends(sessions.get)) -> None:
        await socket.emit("welcome", socket.data["name"], session)

    served = await serving(io)
    async with join_peer(served.url, headers={"X-Name": "alice"}) as peer:
        assert await peer.expect("welcome") == ["alice", 1]
        # It ends with the handler, not with the connection.
        await until(lambda: sessions.balanced)
    async with open_peer(served.url, headers={"X-Name": "mallory"}) as peer:
        assert await peer.refused() == {"message": "not you"}
    async with open_peer(served.url) as peer:
        assert await peer.refused() == {
            "message": "who are you?",
            "data": {
                "code": "unauthorized",
                "message": "who are you?",
                "details": None,
                "status": 401,
            },
        }


async def test_dependencies_of_the_server(serving: Serving) -> None:
    checked: list[str] = []

    async def check(socket: Socket, x_name: Annotated[str, Header()] = "nobody") -> None:
        checked.append(x_name)
        if x_name == "mallory":
            raise HTTPException(403)

    io = Server(dependencies=[Depends(check)])

    @io.on("event")
    async def handle(socket: Socket, text: str) -> str:
        return text

    @io.of("/admin").on("event")
    def handle_there(text: str) -> str:
        return text

    @io.catch_all
    async def all_others(socket: Socket, *args: Any) -> str:
        return "caught"

    heard: list[str] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        socket.on("heard")(heard.append)

    served = await serving(io)
    async with join_peer(served.url, headers={"X-Name": "alice"}) as peer:
        assert await peer.request("event", "text") == ["text"]
        assert checked == ["alice"]
        await peer.emit("heard", "text")
        await until(lambda: heard == ["text"])
    for namespace, event in (("/", "event"), ("/admin", "event"), ("/", "anything")):
        headers = {"X-Name": "mallory"}
        async with join_peer(served.url, namespace=namespace, headers=headers) as peer:
            await peer.emit("heard", "nothing", namespace="/" if namespace == "/" else None)
            (answer,) = await peer.ask(event, "text")
            assert answer["error"]["code"] == "forbidden"
    assert heard == ["text"]
