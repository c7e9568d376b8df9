"""The byte stream below a connection: what is written in one turn of the loop goes out together."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import anyio

from ...runtime import Runtime
from .server import RedisServer


class LinkOwner(Protocol):
    """The connection, as its byte stream sees it."""

    def on_data(self, data: bytes) -> None:
        """Called with what came."""
        ...

    def on_end(self, error: Exception | None) -> None:
        """Called once, when the stream has ended; with None, the server has closed it."""
        ...


class Link(Protocol):
    """A byte stream.

    Attributes:
        waiting: The number of bytes that wait to be handed to the operating system, without a last
            piece.
    """

    waiting: int

    def write(self, data: bytes) -> None:
        """Send bytes, when this turn of the loop is over."""
        ...

    def close(self) -> None:
        """End the stream; what waits may be lost."""
        ...


async def open_link(server: RedisServer, owner: LinkOwner, runtime: Runtime) -> Link:
    """Connect with a server.

    Raises:
        OSError: The server cannot be reached.
        ssl.SSLError: It has no certificate that is trusted, or no TLS.
    """
    loop = runtime.asyncio_loop
    if loop is None:
        return await _open_stream(server, owner, runtime)

    def make() -> AsyncioLink:
        return AsyncioLink(owner, loop)

    if server.path is not None:
        _, link = await loop.create_unix_connection(make, server.path)
    else:
        _, link = await loop.create_connection(make, server.host, server.port, ssl=server.tls)
    return link


class AsyncioLink(asyncio.Protocol):
    """A byte stream of asyncio, which calls its owner without a task in between.

    Args:
        owner: The connection.
        loop: The event loop.
    """

    def __init__(self, owner: LinkOwner, loop: asyncio.AbstractEventLoop) -> None:
        self.waiting: int = 0
        self._loop = loop
        self._parts: list[bytes] = []
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called when the stream is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called with what came."""
        self._owner.on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the stream has ended."""
        self._parts.clear()
        self._owner.on_end(exc)

    def pause_writing(self) -> None:
        """Called when the server does not take what was written."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called when the server has taken it."""
        self._paused = False
        self._flush()

    def write(self, data: bytes) -> None:
        """Send bytes, when this turn of the loop is over."""
        if not self._parts and not self._paused:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self.waiting += len(data)

    def _flush(self) -> None:
        if self._parts and self._transport is not None and not self._paused:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self.waiting = 0
            self._transport.write(data)

    def close(self) -> None:
        """End the stream."""
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._flush()
        if self._paused:
            self._transport.abort()  # the other side takes nothing, so it would never end
        else:
            self._transport.close()


# -- trio ------------------------------------------------------------------------------------------


async def _open_stream(server: RedisServer, owner: LinkOwner, runtime: Runtime) -> StreamLink:
    stream: anyio.abc.ByteStream
    if server.path is not None:
        stream = await anyio.connect_unix(server.path)
    elif server.tls is not None:
        stream = await anyio.connect_tcp(
            server.host, server.port, ssl_context=server.tls, tls_standard_compatible=False
        )
    else:
        stream = await anyio.connect_tcp(server.host, server.port)
    return StreamLink(stream, owner, runtime)


class StreamLink:
    """A byte stream of anyio, which serves trio.

    Args:
        stream: The open stream.
        owner: The connection.
        runtime: The event loop.
    """

    def __init__(self, stream: anyio.abc.ByteStream, owner: LinkOwner, runtime: Runtime) -> None:
        self.waiting: int = 0
        self._stream = stream
        self._owner = owner
        self._parts: list[bytes] = []
        self._closing = False
        self._wake_up = runtime.event()
        self._runtime = runtime
        self._ended = False
        self._reading = runtime.start_background(self._read())
        self._writing = runtime.start_background(self._write())

    def write(self, data: bytes) -> None:
        """Send bytes, together with others of the same time."""
        self._parts.append(data)
        self.waiting += len(data)
        self._wake_up.set()

    def close(self) -> None:
        """End the stream."""
        self._closing = True
        self._reading.cancel()
        self._writing.cancel()

    async def _read(self) -> None:
        error: Exception | None = None
        try:
            while True:
                self._owner.on_data(await self._stream.receive())
        except anyio.EndOfStream:
            pass
        except _BROKEN as caught:
            error = caught
        finally:
            self._end(error)

    async def _write(self) -> None:
        error: Exception | None = None
        try:
            while not self._closing:
                await self._wake_up.wait()
                self._wake_up = self._runtime.event()
                parts, self._parts, self.waiting = self._parts, [], 0
                if parts:
                    await self._stream.send(b"".join(parts))
        except _BROKEN as caught:
            error = caught
        finally:
            self._end(error)
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(self._stream)

    def _end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended = self._closing = True
            self._wake_up.set()
            self._owner.on_end(error)


_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
