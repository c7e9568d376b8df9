"""Connections to write bytes to, and an application that notes what it gets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import anyio
import pytest

from tests.support.direct import DirectReceiver, attach_echo
from tests.support.echo import Message, Receive, Scope, Send
from tests.support.ports import HOST
from tests.support.processes import OUR_CLASSES
from tests.support.rawwebsocket import RawWebSocket
from tests.support.serving import Served

STOCK: Final = "websockets-sansio"
OURS: Final = f"{OUR_CLASSES}:WebSocketProtocol"


class Setting(NamedTuple):
    """A way in which the application is served."""

    ws: str
    attached: bool

    @property
    def ours(self) -> bool:
        """True for our class."""
        return self.ws == OURS


SETTINGS: Final = {
    "stock": Setting(STOCK, attached=False),
    "plain": Setting(OURS, attached=False),
    "attached": Setting(OURS, attached=True),
}

ours_only: Final = pytest.mark.parametrize("ws", ["plain"], indirect=True)
"""A test of what our class does and uvicorn's own does not."""
our_settings: Final = pytest.mark.parametrize("setting", ["plain", "attached"], indirect=True)
"""The same, for both kinds of applications."""


@asynccontextmanager
async def tcp(served: Served) -> AsyncIterator[RawWebSocket]:
    """A connection, without a handshake."""
    async with await anyio.connect_tcp(HOST, served.port) as stream:
        yield RawWebSocket(stream)


@asynccontextmanager
async def connect(served: Served, target: str = "/", **request: Any) -> AsyncIterator[RawWebSocket]:
    """An open WebSocket; leaving the block drops the TCP connection."""
    async with tcp(served) as peer:
        await peer.request(target, **request)
        assert await peer.read_head() == 101, await peer.read_rest()
        yield peer


@asynccontextmanager
async def connect_tls(served: Served, trusted: ssl.SSLContext) -> AsyncIterator[RawWebSocket]:
    """A connection with TLS, without a handshake of WebSocket."""
    async with await anyio.connect_tcp(
        HOST, served.port, ssl_context=trusted, tls_standard_compatible=False
    ) as stream:
        yield RawWebSocket(stream)


@asynccontextmanager
async def connect_unix(path: str) -> AsyncIterator[RawWebSocket]:
    """A connection over a Unix socket, without a handshake."""
    async with await anyio.connect_unix(path) as stream:
        yield RawWebSocket(stream)


@dataclass
class Call:
    """One WebSocket of :class:`EchoApp`.

    Attributes:
        scope: Its scope.
        messages: The messages that came.
        closed: The code and the reason of the end, if it has come.
        returned: Whether the application has returned.
    """

    scope: Scope
    messages: list[str | bytes] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    returned: bool = False


class EchoApp:
    """Sends back every message and notes it, on plain ASGI or through the extension."""

    def __init__(self, *, attached: bool = False) -> None:
        self.attached = attached
        self.calls: list[Call] = []
        self.receivers: list[DirectReceiver] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            return await respond(send, b"over http")
        if scope["type"] != "websocket":
            return
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        if self.attached:
            self.receivers.append(DirectReceiver())
            assert attach_echo(scope, self.receivers[-1])
        else:
            await self._echo(scope, receive, send)

    async def _echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope)
        self.calls.append(call)
        try:
            while (message := await receive())["type"] == "websocket.receive":
                call.messages.append(content(message))
                with suppress(OSError):  # the client has left, but there may be more of it
                    await send({**message, "type": "websocket.send"})
            call.closed = (message["code"], message.get("reason") or "")
        finally:
            call.returned = True

    def forget(self) -> None:
        """Begin anew."""
        self.calls, self.receivers = [], []

    @property
    def messages(self) -> list[str | bytes]:
        """The messages of the last connection."""
        return self.receivers[-1].messages if self.attached else self.calls[-1].messages

    @property
    def closed(self) -> tuple[int, str] | None:
        """The end of the last connection, if it has come."""
        if self.attached:
            return self.receivers[-1].closed or self.receivers[-1].failed
        return self.calls[-1].closed


def content(message: Message) -> str | bytes:
    """The content of ``websocket.receive``: a text or bytes, and never both."""
    values = [message.get("text"), message.get("bytes")]
    (value,) = [value for value in values if value is not None]
    assert isinstance(value, (str, bytes))
    return value


async def respond(send: Send, body: bytes) -> None:
    """Answer an HTTP request."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


Script = Callable[[Scope, Receive, Send], Awaitable[None]]


def websocket_only(script: Script) -> Script:
    """An application of one WebSocket endpoint: lifespan and HTTP are none of its business."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await script(scope, receive, send)
        elif scope["type"] == "http":
            await respond(send, b"over http")

    return app
