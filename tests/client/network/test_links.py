"""Byte streams, on all event loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from socket import AF_INET, IPPROTO_TCP, SOCK_STREAM
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream

from socketio_asgi.runtime import Runtime
from socketio_asgi.runtime.asyncio_link import open_asyncio_link
from socketio_asgi.runtime.links import Endpoint, Link, open_link, open_link_through
from tests.support.backends import on_asyncio, serves
from tests.support.certificates import client_tls, make_certificate, server_tls
from tests.support.ports import HOST, PortReservation
from tests.support.residue import no_residue
from tests.support.waiting import until

from .support import Handler, TCPServer, tcp_server, until_end

pytestmark = [pytest.mark.runtime, serves]

MIB = 1024 * 1024

certificate = pytest.fixture(scope="module")(make_certificate)


class Owner:
    """Notes what happens to a stream."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.drained = 0
        self.ends: list[Exception | None] = []

    def on_data(self, data: bytes) -> None:
        self.data += data

    def on_drain(self) -> None:
        self.drained += 1

    def on_end(self, error: Exception | None) -> None:
        self.ends.append(error)


@pytest.fixture(params=["plain", "tls", "through"])
def way(request: pytest.FixtureRequest) -> str:
    """The kind of a stream."""
    return str(request.param)


class Opened:
    """A stream, both of its ends, and what the other end does."""

    def __init__(self, server: TCPServer, owner: Owner, link: Link) -> None:
        self.server = server
        self.owner = owner
        self.link = link


@asynccontextmanager
async def opened(
    way: str, handler: Handler, runtime: Runtime, certificate: Path
) -> AsyncIterator[Opened]:
    """A stream with a server that a function handles."""
    tls = None if way == "plain" else server_tls(certificate)
    owner = Owner()
    async with no_residue(), tcp_server(handler, tls) as server:
        trust = None if tls is None else client_tls(certificate)
        endpoint = Endpoint(host=HOST, port=server.port, tls=trust)
        if way == "through":  # as if the server were the proxy, for what comes after that
            link = await open_link_through(endpoint, _nothing, Endpoint(), owner, runtime)
        else:
            link = await open_link(endpoint, owner, runtime)
        try:
            yield Opened(server, owner, link)
        finally:
            link.abort()
            await server.none_open()


async def _nothing(*_: object) -> None:
    """Ask for no tunnel."""


async def echo(stream: ByteStream) -> None:
    async for data in stream:
        await stream.send(data)


async def test_data_in_both_directions(way: str, runtime: Runtime, certificate: Path) -> None:
    async with opened(way, echo, runtime, certificate) as it:
        for part in (b"one ", b"two ", b"three"):
            it.link.write(part)
        assert it.link.waiting == it.link.buffered == 13
        await until(lambda: it.owner.data == b"one two three")
        assert it.link.waiting == it.link.buffered == 0
        assert it.owner.drained == 1
        assert not it.owner.ends


async def test_much_data(way: str, runtime: Runtime, certificate: Path) -> None:
    async with opened(way, echo, runtime, certificate) as it:
        data = bytes(range(256)) * 4096 * 8
        for start in range(0, len(data), MIB):
            it.link.write(data[start : start + MIB])
        await until(lambda: len(it.owner.data) >= len(data), timeout=20)
        assert it.owner.data == data
        await until(lambda: it.owner.drained)
        assert it.link.buffered == 0


async def test_a_server_that_takes_nothing(way: str, runtime: Runtime, certificate: Path) -> None:
    received = bytearray()
    go_on = anyio.Event()

    async def stall(stream: ByteStream) -> None:
        received.extend(await stream.receive())  # before that, anyio itself reads all that comes
        await go_on.wait()
        received.extend(await until_end(stream))

    async with opened(way, stall, runtime, certificate) as it:
        it.link.write(b"x" * (8 * MIB))
        await until(lambda: it.link.waiting == 0)
        for _ in range(3):
            it.link.write(b"y" * MIB)
            await anyio.lowlevel.checkpoint()
        assert it.link.waiting == 3 * MIB
        assert it.link.buffered > 3 * MIB
        assert not it.owner.drained
        go_on.set()
        await until(lambda: it.owner.drained, timeout=20)
        assert it.link.buffered == 0
        it.link.close()
        await until(lambda: it.owner.ends)
        await it.server.none_open()
        assert received == b"x" * (8 * MIB) + b"y" * (3 * MIB)


async def test_closing_sends_what_waits(way: str, runtime: Runtime, certificate: Path) -> None:
    received = bytearray()

    async def take(stream: ByteStream) -> None:
        received.extend(await until_end(stream))

    async with opened(way, take, runtime, certificate) as it:
        it.link.write(b"first ")
        it.link.write(b"last")
        it.link.close()
        it.link.close()
        it.link.write(b"too late")
        await it.server.none_open()
        await until(lambda: it.owner.ends)
        assert it.owner.ends == [None]
        assert received == b"first last"
        it.link.write(b"too late")
        it.link.pause_reading()
        it.link.resume_reading()


async def test_closing_when_the_server_takes_nothing(
    way: str, runtime: Runtime, certificate: Path
) -> None:
    async def stall(stream: ByteStream) -> None:
        await stream.receive()
        await ended.wait()
        await until_end(stream)

    ended = anyio.Event()
    async with opened(way, stall, runtime, certificate) as it:
        it.link.write(b"x" * (8 * MIB))
        await until(lambda: it.link.waiting == 0)
        it.link.close()
        await until(lambda: it.owner.ends)
        ended.set()


async def test_aborting(way: str, runtime: Runtime, certificate: Path) -> None:
    async with opened(way, echo, runtime, certificate) as it:
        it.link.write(b"never sent")
        it.link.abort()
        it.link.abort()
        it.link.close()
        it.link.write(b"too late")
        await it.server.none_open()
        assert not it.owner.data
        assert not it.owner.ends


async def test_aborting_from_within(way: str, runtime: Runtime, certificate: Path) -> None:
    async with opened(way, echo, runtime, certificate) as it:
        it.owner.on_data = lambda data: it.link.abort()  # type: ignore[method-assign]
        it.link.write(b"hello")
        await it.server.none_open()
        assert not it.owner.ends


async def test_the_server_ends_it(way: str, runtime: Runtime, certificate: Path) -> None:
    async def say(stream: ByteStream) -> None:
        await stream.send(b"goodbye")

    async with opened(way, say, runtime, certificate) as it:
        await until(lambda: it.owner.ends)
        assert it.owner.data == b"goodbye"
        assert len(it.owner.ends) == 1
        it.link.write(b"too late")
        assert it.link.buffered == 0


async def test_pausing(way: str, runtime: Runtime, certificate: Path) -> None:
    sent = 0

    async def flood(stream: ByteStream) -> None:
        nonlocal sent
        while True:
            await stream.send(b"z" * MIB)
            sent += 1

    async with opened(way, flood, runtime, certificate) as it:
        await until(lambda: it.owner.data)
        it.link.pause_reading()
        it.link.pause_reading()
        before = 0
        while before != sent:  # until the operating system takes no more
            before = sent
            await anyio.sleep(0.1)
        size = len(it.owner.data)
        await anyio.sleep(0.05)
        assert len(it.owner.data) == size
        it.link.resume_reading()
        it.link.resume_reading()
        await until(lambda: len(it.owner.data) > size + MIB)


async def test_pausing_comes_before_the_end(way: str, runtime: Runtime, certificate: Path) -> None:
    async def say(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(b"goodbye")

    async with opened(way, say, runtime, certificate) as it:
        it.link.pause_reading()
        it.link.write(b"hello")
        await it.server.none_open()
        assert not it.owner.data
        assert not it.owner.ends
        it.link.resume_reading()
        await until(lambda: it.owner.ends)
        assert it.owner.data == b"goodbye"


async def test_nothing_listens(runtime: Runtime) -> None:
    with PortReservation() as reservation:
        for host in (HOST, "localhost"):
            endpoint = Endpoint(host=host, port=reservation.port)
            with pytest.raises(OSError, match=r"111|All connection attempts"):
                await open_link(endpoint, Owner(), runtime)


class FoundAddresses:
    """An event loop that finds certain addresses for every name."""

    def __init__(self, *found: tuple[str, int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._found = found

    async def getaddrinfo(self, *_: object, **__: object) -> list[Any]:
        return [(AF_INET, SOCK_STREAM, IPPROTO_TCP, "", address) for address in self._found]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address that does not even refuse."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.2", 0))
        listener.listen(0)
        for _ in range(4):  # it takes few connections that nobody accepts
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


@on_asyncio
async def test_an_address_that_does_not_answer(runtime: Runtime, silent: tuple[str, int]) -> None:
    async with no_residue(), tcp_server(echo) as server:
        found: Any = FoundAddresses(silent, (HOST, server.port), silent)
        owner = Owner()
        link = await open_asyncio_link(Endpoint(host="two"), owner, found)
        link.write(b"hello")
        await until(lambda: owner.data == b"hello")
        link.abort()
        await server.none_open()
    with PortReservation() as reservation:
        found = FoundAddresses((HOST, reservation.port), (HOST, reservation.port))
        with pytest.raises(ConnectionRefusedError):
            await open_asyncio_link(Endpoint(host="two"), owner, found)
    async with no_residue():
        found = FoundAddresses(silent, silent, silent)
        with anyio.move_on_after(0.6) as scope:
            await open_asyncio_link(Endpoint(host="silent"), owner, found)
        assert scope.cancelled_caught


async def test_a_unix_socket(runtime: Runtime, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    owner = Owner()
    server = TCPServer(echo)
    listener = await anyio.create_unix_listener(path)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.handle)
        link = await open_link(Endpoint(path=path), owner, runtime)
        link.write(b"hello")
        await until(lambda: owner.data == b"hello")
        link.abort()
        await server.none_open()
        tasks.cancel_scope.cancel()


async def test_a_certificate_that_is_not_trusted(runtime: Runtime, certificate: Path) -> None:
    async with no_residue(), tcp_server(echo, server_tls(certificate)) as server:
        tls = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await open_link(Endpoint(host=HOST, port=server.port, tls=tls), Owner(), runtime)
        await server.none_open()
