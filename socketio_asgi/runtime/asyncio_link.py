"""Byte streams on asyncio: protocols of the event loop, which need no task."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, cast

import anyio

from .link import HAPPY_EYEBALLS_DELAY, NOBODY, Endpoint, LinkOwner
from .tls import TLS


async def open_asyncio_link(
    endpoint: Endpoint, owner: LinkOwner, loop: asyncio.AbstractEventLoop
) -> AsyncioLink:
    """Connect with a server; see :func:`.links.open_link`."""

    def make() -> AsyncioLink:
        return AsyncioLink(owner, loop)

    if endpoint.path is not None:
        _, link = await loop.create_unix_connection(make, endpoint.path)
    else:
        sock = await _connect_first(endpoint, loop)
        try:
            _, link = await loop.create_connection(make, sock=sock)
        except BaseException:
            if not isinstance(loop, asyncio.BaseEventLoop):
                sock.detach()  # libuv closes it; otherwise the transport has done so
            raise
    if endpoint.tls is not None:
        await link.encrypt(endpoint.tls, endpoint.name)
    return link


_AddressInfo = tuple[Any, Any, int, str, Any]
"""An address, as ``getaddrinfo()`` returns it."""


async def _connect_first(endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> socket.socket:
    """Connect with that address of a host which answers first (RFC 8305).

    Event loops could do that as well. But uvloop tries one address after the other, and asyncio
    leaves sockets open when it is cancelled.

    Raises:
        OSError: None of them does.
    """
    connected: list[socket.socket] = []
    errors: list[OSError] = []

    async def attempt(address: _AddressInfo, failed: anyio.Event) -> None:
        try:
            connected.append(await _connect(address, loop))
        except OSError as error:
            errors.append(error)
            failed.set()
        else:
            tasks.cancel_scope.cancel()

    found = _literal(endpoint)
    if found is None:
        found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    try:
        async with anyio.create_task_group() as tasks:
            for address in _by_turns(found):
                failed = anyio.Event()
                tasks.start_soon(attempt, address, failed)
                with anyio.move_on_after(HAPPY_EYEBALLS_DELAY):
                    await failed.wait()
        if not connected:
            raise errors[-1]
        return connected.pop()
    finally:
        for sock in connected:
            sock.close()


def _literal(endpoint: Endpoint) -> list[_AddressInfo] | None:
    """The address if it is given as such: then no thread has to look it up."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, endpoint.host)
            where = (endpoint.host, endpoint.port)
            return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]
    return None


def _by_turns(found: list[_AddressInfo]) -> list[_AddressInfo]:
    """Addresses of both families by turns, the preferred one first (RFC 8305, section 4)."""
    first = [each for each in found if each[0] == found[0][0]]
    others = [each for each in found if each[0] != found[0][0]]
    pairs = zip_longest(first, others)
    return [each for each in chain.from_iterable(pairs) if each is not None]


async def _connect(address: _AddressInfo, loop: asyncio.AbstractEventLoop) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


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
        self._tls: TLS | None = None
        self._encrypted: asyncio.Future[None] | None = None

    async def encrypt(self, context: ssl.SSLContext, name: str) -> None:
        """Encrypt everything; called before anything is written.

        Args:
            context: How to encrypt.
            name: The name that the certificate has to be for.

        Raises:
            OSError: The stream ended; nothing stays open.
            ssl.SSLError: The server has no certificate that is trusted, or no TLS.
        """
        self._tls = TLS(context, name)
        self._encrypted = self._loop.create_future()
        try:
            self._shake_hands(self._tls)
            await self._encrypted
        except BaseException:
            self.abort()
            raise
        finally:
            self._encrypted = None

    def _shake_hands(self, tls: TLS) -> None:
        waiter = self._encrypted
        if waiter is None or waiter.done():
            return
        try:
            tls.shake_hands()
        except (ssl.SSLError, ssl.CertificateError) as error:
            waiter.set_exception(error)
        else:
            if tls.ready:
                waiter.set_result(None)
        self._pass_on(tls)  # in the end an alert says what is wrong

    def _pass_on(self, tls: TLS) -> None:
        """Send what the encryption has to say by itself."""
        output = tls.output()
        if output and self._transport is not None:
            self._transport.write(output)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called when the stream is open."""
        self._transport = cast("asyncio.Transport", transport)
        # Whatever the operating system does not take at once waits here, and so its end is known.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Called with what came."""
        if self._tls is None:
            self.owner.on_data(data)
        else:
            self._decrypt(self._tls, data)

    def _decrypt(self, tls: TLS, data: bytes) -> None:
        tls.feed(data)
        if not tls.ready:
            self._shake_hands(tls)
            if not tls.ready:
                return
        try:
            content = tls.decrypt()
        except ssl.SSLError as error:
            return self._fail(error)
        self._pass_on(tls)
        if content and not self._closing:
            self.owner.on_data(content)
        if tls.ended:
            self.close()
        elif self._parts and not self._paused:
            self._flush()

    def _fail(self, error: Exception) -> None:
        """End the stream, because of a fault in its encryption."""
        owner = self.owner
        self.abort()
        owner.on_end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the stream has ended."""
        self._closing = True
        if self._encrypted is not None and not self._encrypted.done():
            error = ConnectionResetError("the connection ended in the handshake of TLS")
            self._encrypted.set_exception(exc or error)
            return
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
        """The number of bytes that wait to be handed to the operating system."""
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
            if self._tls is not None:
                try:
                    data = self._tls.encrypt(data)
                except ssl.SSLWantReadError:
                    self._parts[:] = [data]
                    return  # it waits for what comes
                except ssl.SSLError as error:
                    return self._fail(error)
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
        if self._tls is not None:
            self._tls.end()
            self._pass_on(self._tls)
        if self._paused:
            self._transport.abort()  # the other side takes nothing, so it would never end
        else:
            self._transport.close()

    def abort(self) -> None:
        """End the stream at once."""
        self._closing = True
        self._parts.clear()
        self.waiting = 0
        self.owner = NOBODY
        if self._transport is not None:
            self._transport.abort()
