"""Small applications, and clients that see bytes and segments."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import anyio
import pytest
from anyio.abc import SocketAttribute
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from socketio_asgi.extensions.direct import DirectRequests
from socketio_asgi.uvicorn_protocols.http_direct import DirectServing
from socketio_asgi.uvicorn_protocols.http_handover import HandingOver
from tests.support.echo import Message, Receive, Scope, Send
from tests.support.ports import HOST
from tests.support.rawhttp import RawConnection
from tests.support.serving import Served

HTTPClass = type[asyncio.Protocol]
Script = Callable[[Scope, Receive, Send], Awaitable[None]]
Serving = Callable[..., Awaitable[Served]]
ServeHTTP = Callable[..., Awaitable[Served]]


class OursOnH11(HandingOver, cast("Any", H11Protocol)):  # type: ignore[misc]
    """Our class where httptools is not installed."""


class OursOnHttpTools(HandingOver, cast("Any", HttpToolsProtocol)):  # type: ignore[misc]
    """Our class where it is."""


class OursKeeping(DirectServing, cast("Any", HttpToolsProtocol)):  # type: ignore[misc]
    """Our class with requests that it keeps, and leaves to ASGI in the end."""


STOCK: Final[dict[str, HTTPClass]] = {
    "h11": cast("HTTPClass", H11Protocol),
    "httptools": cast("HTTPClass", HttpToolsProtocol),
}
OURS: Final[dict[str, HTTPClass]] = {"h11": OursOnH11, "httptools": OursOnHttpTools}

ours_only: Final = pytest.mark.parametrize("which", ["ours", "keeping"], indirect=True)
"""A test of what our class does and uvicorn's own does not."""

TCP_INFO: Final = 11
DATA_SEGMENTS_IN: Final = 152
"""The offset of ``tcpi_data_segs_in`` in ``struct tcp_info`` of Linux."""


def http_only(script: Script) -> Script:
    """An application of one HTTP endpoint, without a lifespan."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await script(scope, receive, send)

    return app


class Declining:
    """An application that is asked to serve its requests without ASGI, and declines.

    Args:
        app: What serves them.
    """

    def __init__(self, app: Script) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def __direct_requests__(self) -> Mapping[bytes, DirectRequests]:
        return _Everywhere()


class _Everywhere(dict[bytes, DirectRequests]):
    """Takes every path, and declines what comes there."""

    def __bool__(self) -> bool:
        return True

    def get(self, key: bytes, default: Any = None) -> Any:
        return self

    def serve(self, *request: Any) -> bool:
        return False

    def open(self, *request: Any) -> bool:
        return False


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    """The beginning of a response."""
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: Any = b"", *, more: bool = False) -> Message:
    """A part of the body of a response, by default the last."""
    return {"type": "http.response.body", "body": data, "more_body": more}


def length(data: bytes) -> tuple[bytes, bytes]:
    """The header that tells the length of a body."""
    return (b"content-length", b"%d" % len(data))


def answers(*messages: Message) -> Script:
    """An application that reads no request, and sends these messages without a pause."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return script


async def echo_path(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the path of the request."""
    data = scope["path"].encode()
    await send(start(200, length(data)))
    await send(body(data))


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    pieces: list[bytes] = []
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request", message
        pieces.append(message["body"])
        more = message["more_body"]
    return b"".join(pieces)


async def echo_body(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the body of the request."""
    data = await read_body(receive)
    await send(start(200, length(data)))
    await send(body(data))


def request(
    method: str = "GET",
    target: str = "/",
    headers: Iterable[str] = (),
    data: bytes = b"",
    *,
    version: str = "1.1",
) -> bytes:
    """A request as it is sent; a body has its length."""
    lines = [f"{method} {target} HTTP/{version}", f"Host: {HOST}", *headers]
    if data:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + data


class Connection(RawConnection):
    """A client that counts what comes; ``rest`` is for what came at the end of the server."""

    rest: bytes

    @property
    def segments(self) -> int:
        """The number of segments with data that have come."""
        if sys.platform != "linux":
            pytest.skip("this system does not tell how many segments came")
        raw: socket.socket = self.stream.extra(SocketAttribute.raw_socket)
        info = raw.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 256)
        (count,) = struct.unpack_from("I", info, DATA_SEGMENTS_IN)
        assert isinstance(count, int)
        return count

    async def ask(self, *requests: bytes) -> bytes:
        """Send requests in one segment; returns all that comes up to the end of the connection."""
        await self.send(b"".join(requests))
        return await self.read_until_closed()


@asynccontextmanager
async def connect(served: Served) -> AsyncIterator[Connection]:
    """A TCP connection; leaving the block closes it."""
    stream = await anyio.connect_tcp(HOST, served.port)
    try:
        yield Connection(stream, HOST)
    finally:
        await anyio.aclose_forcefully(stream)
