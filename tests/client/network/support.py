"""A transport that notes what it hears, and servers that do what they are told."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream

from socketio_asgi.client.network.base import WebSocket
from socketio_asgi.client.network.sockets import SocketNetwork
from tests.support.ports import HOST, Address
from tests.support.waiting import until


class Heard:
    """A transport of a WebSocket.

    Attributes:
        messages: The messages that came.
        drained: How often nothing waited any more.
        ends: The ends that were heard: the error and the code of each.
    """

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.drained = 0
        self.ends: list[tuple[Exception | None, int]] = []

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)

    def on_drain(self) -> None:
        self.drained += 1

    def on_end(self, error: Exception | None, code: int) -> None:
        self.ends.append((error, code))

    async def count(self, number: int) -> None:
        """Wait until so many messages have come, and no more."""
        await until(lambda: len(self.messages) == number)

    async def end(self) -> tuple[str, int]:
        """Wait for the end; returns the text of the error, and the code."""
        await until(lambda: self.ends, message="no end was heard")
        assert len(self.ends) == 1
        error, code = self.ends[0]
        return "" if error is None else str(error), code


class MakeNetwork(Protocol):
    """``make_network(**options)``: a network that is closed after the test."""

    def __call__(self, **options: Any) -> SocketNetwork: ...


class OpenWebSocket(Protocol):
    """``open_websocket(url, heard)``: opens a WebSocket that is aborted after the test."""

    async def __call__(
        self,
        url: str,
        owner: Heard | None = None,
        *,
        network: SocketNetwork | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> WebSocket: ...


Handler = Callable[[ByteStream], Awaitable[None]]


class TCPServer(Address):
    """A server whose connections are handled by a function.

    Attributes:
        port: Its port, on loopback.
        open: The number of connections that are open.
        accepted: The number of connections that were made.
        tls: Whether it is encrypted.
    """

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self.open = 0
        self.accepted = 0
        self.port = 0

    @property
    def https_url(self) -> str:
        """The URL with encryption."""
        return f"https://{HOST}:{self.port}"

    async def handle(self, stream: ByteStream) -> None:
        """Serve one connection."""
        self.accepted += 1
        self.open += 1
        try:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                if self._tls is not None:
                    stream = await TLSStream.wrap(
                        stream, server_side=True, ssl_context=self._tls, standard_compatible=False
                    )
                await self._handler(stream)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            self.open -= 1

    async def none_open(self) -> None:
        """Wait until all connections have ended."""
        await until(lambda: not self.open, message=f"{self.open} connections are open")


@asynccontextmanager
async def tcp_server(
    handler: Handler, tls: ssl.SSLContext | None = None
) -> AsyncIterator[TCPServer]:
    """Serve connections by a function until the block ends."""
    server = TCPServer(handler, tls)
    listener = await anyio.create_tcp_listener(local_host=HOST)
    # The operating system takes little on behalf of a handler that reads nothing.
    for each in listener.listeners:
        own = each.extra(SocketAttribute.raw_socket)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    server.port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.handle)
        try:
            yield server
        finally:
            tasks.cancel_scope.cancel()


async def until_end(stream: ByteStream) -> bytes:
    """Read all that comes."""
    data = bytearray()
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            data += await stream.receive()
    return bytes(data)


async def read_head(stream: ByteStream) -> bytes:
    """Read a request without a body."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += await stream.receive()
    return data
