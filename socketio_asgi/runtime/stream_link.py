"""Byte streams of anyio, with a task for each direction: for trio, and through proxies."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import anyio

from .base import Runtime
from .link import HAPPY_EYEBALLS_DELAY, NOBODY, Endpoint, LinkOwner

if TYPE_CHECKING:
    from anyio.abc import ByteStream


async def open_stream(endpoint: Endpoint) -> ByteStream:
    """Connect with a server; see :func:`.links.open_link`."""
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
        return await encrypt(stream, endpoint.tls, endpoint.name)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise


async def encrypt(stream: ByteStream, context: ssl.SSLContext, name: str) -> ByteStream:
    """Encrypt a stream.

    Args:
        stream: The stream.
        context: How to encrypt.
        name: The name that the certificate has to be for.

    Raises:
        OSError: The stream ended.
        ssl.SSLError: The server has no certificate that is trusted, or no TLS.
    """
    from anyio.streams.tls import TLSStream

    try:
        return await TLSStream.wrap(
            stream, hostname=name, ssl_context=context, standard_compatible=False
        )
    except (anyio.EndOfStream, anyio.BrokenResourceError) as error:
        raise system_error(error) from error


def system_error(error: Exception) -> OSError:
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
        self._started = False
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
        if self._sending:
            self._writing.cancel()  # the other side takes nothing, so it would never end
        else:
            self._wake_up.set()

    def abort(self) -> None:
        """End the stream at once."""
        self._closing = True
        self.owner = NOBODY
        self._parts.clear()
        self.waiting = 0
        self._reading.cancel()
        if self._started:
            self._writing.cancel()  # else it ends when it begins, and closes the stream

    async def _read(self) -> None:
        error: Exception | None = None
        try:
            while True:
                data = await self._stream.receive()
                await self._resumed.wait()
                if not self._closing:
                    self.owner.on_data(data)
        except anyio.EndOfStream:
            await self._resumed.wait()
        except _BROKEN as caught:
            error = system_error(caught)
        finally:
            self._end(error)
            self._writing.cancel()

    async def _write(self) -> None:
        error: Exception | None = None
        self._started = True
        try:
            while self._parts or not self._closing:
                await self._wake_up.wait()
                self._wake_up = self._runtime.event()
                await self._send()
        except _BROKEN as caught:
            error = system_error(caught)
        finally:
            self._end(error)
            self._reading.cancel()
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
            self.waiting = self._sending = 0
            self.owner.on_end(error)


_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
