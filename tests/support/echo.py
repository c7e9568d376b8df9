"""A bare ASGI application for the harness's own tests: HTTP, WebSocket and lifespan.

``GET /`` answers ``ok``, ``POST /echo`` the body, ``GET /lifespan`` whether the application was
started, ``GET /wait`` never answers. WebSocket ``/deny`` is refused with a response of its own
(403 where the server cannot), ``/close`` is closed with 4001, and every other path echoes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class EchoApp:
    """The application; ``started`` counts running lifespans."""

    def __init__(self) -> None:
        self.started = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handlers = {"http": self._http, "websocket": _websocket, "lifespan": self._lifespan}
        await handlers[scope["type"]](scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.started += 1
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.started -= 1
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if scope["path"] == "/wait":
            await anyio.sleep_forever()
        answers = {"/echo": body, "/lifespan": str(self.started).encode()}
        await _respond(send, answers.get(scope["path"], b"ok"))


async def _read_body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _respond(send: Send, body: bytes, kind: str = "http.response", status: int = 200) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


async def _websocket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    if scope["path"] == "/deny":
        await _deny(scope, send)
        return
    await send({"type": "websocket.accept"})
    if scope["path"] == "/close":
        await send({"type": "websocket.close", "code": 4001, "reason": "bye"})
        return
    while (message := await receive())["type"] == "websocket.receive":
        reply = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
        await send({"type": "websocket.send", **reply})


async def _deny(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await _respond(send, b"denied", kind="websocket.http.response", status=401)
    else:
        await send({"type": "websocket.close", "code": 1000})


app = EchoApp()
