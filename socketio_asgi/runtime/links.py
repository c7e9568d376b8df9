"""Byte streams, below connections that this package makes itself.

An owner is called back with what comes, and writes without waiting. What is written in one turn of
the loop goes out together.

On asyncio a stream is a protocol of the event loop, which needs no task: a client that keeps
thousands of connections has no more than their sockets. On trio, and for what has to talk before it
is a stream (through a proxy), it is a stream of anyio with a task for each direction.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import anyio

from .base import Runtime

if TYPE_CHECKING:
    from anyio.abc import ByteStream

HAPPY_EYEBALLS_DELAY = 0.25
"""Seconds that an address has before the next one is tried beside it (RFC 8305, section 5)."""


class LinkOwner(Protocol):
    """A connection, as its byte stream sees it."""

    def on_data(self, data: bytes) -> None:
        """Called with what came."""
        ...

    def on_drain(self) -> None:
        """Called when everything that was written has been handed to the operating system."""
        ...

    def on_end(self, error: Exception | None) -> None:
        """Called once, when the stream has ended; with None, one of the two sides has closed it.

        It is not called after :meth:`Link.abort`.
        """
        ...


class Link(Protocol):
    """A byte stream.

    Attributes:
        owner: The connection, which may hand the stream over to another one.
        waiting: The number of bytes that wait to be handed to the operating system, without a last
            piece.
    """

    owner: LinkOwner
    waiting: int

    @property
    def buffered(self) -> int:
        """The number of bytes that wait to be handed to the operating system, as far as known."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes, when this turn of the loop is over; does nothing after the end."""
        ...

    def pause_reading(self) -> None:
        """Call back with no more data, and let the other side wait."""
        ...

    def resume_reading(self) -> None:
        """Go on with what comes."""
        ...

    def close(self) -> None:
        """End the stream, in order if the other side takes what waits; else that is lost."""
        ...

    def abort(self) -> None:
        """End the stream at once; the owner hears nothing more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The other end of a stream.

    Attributes:
        host: The host: a name, or an address of IPv4 or IPv6.
        port: The port.
        path: The path of a Unix socket, in place of host and port.
        tls: How to encrypt; None for a plain stream.
        server_name: The name that the certificate has to be for; None is the host.
    """

    host: str = "localhost"
    port: int = 0
    path: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


Receive = Callable[[], Awaitable[bytes]]
"""Waits for more bytes; nothing at the end."""

Converse = Callable[[Callable[[bytes], Awaitable[None]], Receive], Awaitable[None]]
"""Called with functions that send and receive, talks with a proxy until that is a way further."""


async def open_link(endpoint: Endpoint, owner: LinkOwner, runtime: Runtime) -> Link:
    """Connect with a server; nothing stays open when that fails or is cancelled.

    Args:
        endpoint: The server.
        owner: The connection; it is called back from now on.
        runtime: The event loop.

    Raises:
        OSError: The server cannot be reached.
        ssl.SSLError: It has no certificate that is trusted, or no TLS.
    """
    loop = runtime.asyncio_loop
    if loop is None:
        return StreamLink(await _open_stream(endpoint), owner, runtime)

    def make() -> AsyncioLink:
        return AsyncioLink(owner, loop)

    name = (endpoint.server_name or endpoint.host) if endpoint.tls is not None else None
    if endpoint.path is not None:
        _, link = await loop.create_unix_connection(
            make, endpoint.path, ssl=endpoint.tls, server_hostname=name
        )
    elif isinstance(loop, asyncio.BaseEventLoop):
        _, link = await loop.create_connection(
            make,
            endpoint.host,
            endpoint.port,
            ssl=endpoint.tls,
            server_hostname=name,
            happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY,
        )
    else:  # uvloop tries the addresses one after the other
        _, link = await loop.create_connection(
            make, endpoint.host, endpoint.port, ssl=endpoint.tls, server_hostname=name
        )
    return link


async def open_link_through(
    proxy: Endpoint, converse: Converse, endpoint: Endpoint, owner: LinkOwner, runtime: Runtime
) -> Link:
    """Connect with a server by way of another one.

    Args:
        proxy: The server on the way.
        converse: Tells it where to.
        endpoint: The server at the end, for its name and its encryption.
        owner: The connection; it is called back from now on.
        runtime: The event loop.

    Raises:
        OSError: The proxy cannot be reached, or the connection ended.
        ssl.SSLError: One of them has no certificate that is trusted, or no TLS.
    """
    stream = await _open_stream(proxy)
    try:

        async def receive() -> bytes:
            try:
                return await stream.receive()
            except anyio.EndOfStream:
                return b""

        try:
            await converse(stream.send, receive)
        except anyio.BrokenResourceError as error:
            raise _reset(error) from error
        if endpoint.tls is not None:
            name = endpoint.server_name or endpoint.host
            stream = await _encrypt(stream, endpoint.tls, name)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
    return StreamLink(stream, owner, runtime)


# -- asyncio ---------------------------------------------------------------------------------------


class AsyncioLink(asyncio.Protocol):
    """A byte stream of asyncio, which calls its owner without a task in between.

    Args:
        owner: The connection.
        loop: The event loop.
    """

    def __init__(self, owner: LinkOwner, loop: asyncio.AbstractEventLoop) -> None:
        self.owner: LinkOwner = owner
        self.waiting: int = 0
        self._loop = loop
        self._parts: list[bytes] = []
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called when the stream is open."""
        self._transport = cast("asyncio.Transport", transport)
        # Whatever the operating system does not take at once waits here, and so its end is known.
        # (Not 0: for the TLS of asyncio, nothing at all is as much as that.)
        self._transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        """Called with what came."""
        self.owner.on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the stream has ended."""
        self._closing = True
        self._parts.clear()
        self.waiting = 0
        self.owner.on_end(exc)

    def pause_writing(self) -> None:
        """Called when the other side does not take what was written."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called when the other side has taken it."""
        self._paused = False
        if self._parts:
            self._flush()
        elif not self._closing:
            self.owner.on_drain()

    @property
    def buffered(self) -> int:
        """The number of bytes that wait; those that the TLS of asyncio has passed on are not known.

        They are 64 KB at the most.
        """
        transport = self._transport
        return self.waiting + (0 if transport is None else transport.get_write_buffer_size())

    def write(self, data: bytes) -> None:
        """Send bytes, when this turn of the loop is over."""
        if self._closing:
            return
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
            # Writing may have paused it.
            if not self._paused and not self._closing:
                self.owner.on_drain()

    def pause_reading(self) -> None:
        """Call back with no more data."""
        if self._transport is not None and not self._closing:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on with what comes."""
        if self._transport is not None and not self._closing:
            self._transport.resume_reading()

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

    def abort(self) -> None:
        """End the stream at once."""
        self._closing = True
        self._parts.clear()
        self.waiting = 0
        self.owner = _NOBODY
        if self._transport is not None:
            self._transport.abort()


class _Nobody:
    """The owner of a stream that was aborted."""

    def on_data(self, data: bytes) -> None:
        """Drop it."""

    def on_drain(self) -> None:
        """Do nothing."""

    def on_end(self, error: Exception | None) -> None:
        """Do nothing."""


_NOBODY = _Nobody()


# -- anyio -----------------------------------------------------------------------------------------


async def _open_stream(endpoint: Endpoint) -> ByteStream:
    stream: ByteStream
    if endpoint.path is not None:
        stream = await anyio.connect_unix(endpoint.path)
    else:
        stream = await anyio.connect_tcp(
            endpoint.host, endpoint.port, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY
        )
    if endpoint.tls is None:
        return stream
    try:
        return await _encrypt(stream, endpoint.tls, endpoint.server_name or endpoint.host)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise


async def _encrypt(stream: ByteStream, context: ssl.SSLContext, name: str) -> ByteStream:
    from anyio.streams.tls import TLSStream

    try:
        return await TLSStream.wrap(
            stream, hostname=name, ssl_context=context, standard_compatible=False
        )
    except (anyio.EndOfStream, anyio.BrokenResourceError) as error:
        raise _reset(error) from error


def _reset(error: Exception) -> OSError:
    """The error below one of anyio, which says nothing by itself."""
    below = error.__cause__ or error
    if isinstance(below, OSError):
        return below
    return ConnectionResetError(str(below) or "the connection was reset")


class StreamLink:
    """A byte stream of anyio, with a task for each direction.

    Args:
        stream: The open stream.
        owner: The connection.
        runtime: The event loop.
    """

    def __init__(self, stream: ByteStream, owner: LinkOwner, runtime: Runtime) -> None:
        self.owner: LinkOwner = owner
        self.waiting: int = 0
        self._stream = stream
        self._parts: list[bytes] = []
        self._sending = 0
        self._closing = False
        self._ended = False
        self._wake_up = runtime.event()
        self._resumed = runtime.event()
        self._resumed.set()
        self._runtime = runtime
        self._reading = runtime.start_background(self._read())
        self._writing = runtime.start_background(self._write())

    @property
    def buffered(self) -> int:
        """The number of bytes that wait to be handed to the operating system."""
        return self.waiting + self._sending

    def write(self, data: bytes) -> None:
        """Send bytes, together with others of the same time."""
        if not self._closing:
            self._parts.append(data)
            self.waiting += len(data)
            self._wake_up.set()

    def pause_reading(self) -> None:
        """Call back with no more data."""
        if self._resumed.is_set():
            self._resumed = self._runtime.event()

    def resume_reading(self) -> None:
        """Go on with what comes."""
        self._resumed.set()

    def close(self) -> None:
        """End the stream."""
        if self._closing:
            return
        self._closing = True
        self._reading.cancel()
        if self._sending:
            self._writing.cancel()  # the other side takes nothing, so it would never end
        else:
            self._wake_up.set()

    def abort(self) -> None:
        """End the stream at once."""
        self._closing = True
        self.owner = _NOBODY
        self._reading.cancel()
        self._writing.cancel()

    async def _read(self) -> None:
        error: Exception | None = None
        try:
            while True:
                data = await self._stream.receive()
                await self._resumed.wait()
                self.owner.on_data(data)
        except anyio.EndOfStream:
            await self._resumed.wait()
        except _BROKEN as caught:
            error = _reset(caught)
        finally:
            self._end(error)

    async def _write(self) -> None:
        error: Exception | None = None
        try:
            while self._parts or not self._closing:
                await self._wake_up.wait()
                self._wake_up = self._runtime.event()
                await self._send()
        except _BROKEN as caught:
            error = _reset(caught)
        finally:
            self._end(error)
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(self._stream)

    async def _send(self) -> None:
        while parts := self._parts:
            self._parts, self._sending, self.waiting = [], self.waiting, 0
            await self._stream.send(b"".join(parts))
            self._sending = 0
        if not self._closing:
            self.owner.on_drain()

    def _end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended = self._closing = True
            self._parts.clear()
            self.waiting = 0
            self._wake_up.set()
            self.owner.on_end(error)


_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
