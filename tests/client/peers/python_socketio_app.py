"""The application of the tests of the client on python-socketio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import socketio
from socketio.exceptions import ConnectionRefusedError as Refused

io: Any = socketio.AsyncServer(
    async_mode="asgi", ping_interval=1, ping_timeout=1, namespaces=["/", "/admin", "/slow"]
)
app: Any = socketio.ASGIApp(io)
HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
left: list[str] = []
auths: dict[str, Any] = {}


def on(event: str, namespace: str = "/") -> Callable[[HandlerT], HandlerT]:
    """Register a handler; python-socketio has no types."""

    def register(handler: HandlerT) -> HandlerT:
        io.on(event, handler, namespace=namespace)
        return handler

    return register


@on("connect")
async def connect(sid: str, environ: dict[str, Any], auth: Any) -> None:
    auths[sid] = auth


@on("disconnect")
async def disconnect(sid: str, reason: str) -> None:
    left.append(reason)


@on("echo")
async def echo(sid: str, *args: Any) -> Any:
    return args


@on("again")
async def again(sid: str, *args: Any) -> None:
    await io.emit("again", args, to=sid)


@on("burst")
async def burst(sid: str, count: int) -> None:
    for number in range(count):
        await io.emit("again", number, to=sid)


@on("ask me")
async def ask_me(sid: str, *args: Any) -> Any:
    return await io.call("question", args, to=sid, timeout=5)


@on("never")
async def never(sid: str, *args: Any) -> None:
    await asyncio.sleep(60)


@on("leave")
async def leave(sid: str) -> None:
    await io.disconnect(sid)


@on("cut")
async def cut(sid: str) -> None:
    await io.eio.disconnect(io.manager.eio_sid_from_sid(sid, "/"))


@on("who am I")
async def who_am_i(sid: str) -> Any:
    environ = io.get_environ(sid)
    query = dict(each.split("=", 1) for each in environ["QUERY_STRING"].split("&"))
    return {
        "id": sid,
        "auth": auths[sid] or {},
        "query": query,
        "header": environ.get("HTTP_X_TEST"),
        "transport": io.transport(sid),
        "recovered": False,
    }


@on("who left")
async def who_left(sid: str) -> Any:
    return (left,)


@on("connect", namespace="/admin")
async def connect_admin(sid: str, environ: dict[str, Any], auth: Any) -> None:
    if (auth or {}).get("token") != "secret":
        raise Refused("who are you?", {"code": 42})


@on("hello", namespace="/admin")
async def hello(sid: str) -> str:
    return "admin"


@on("connect", namespace="/slow")
async def connect_slowly(sid: str, environ: dict[str, Any], auth: Any) -> None:
    await asyncio.sleep(0.2)
