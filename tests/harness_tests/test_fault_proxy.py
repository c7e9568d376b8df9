"""The proxy that does what networks do to connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.ports import HOST
from tests.support.waiting import until

TIMEOUT = 5.0


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """A proxy before a server that sends back what it gets."""

    async def echo(stream: SocketStream) -> None:
        with suppress(anyio.BrokenResourceError):
            async with stream:
                async for data in stream:
                    await stream.send(data)

    listener = await anyio.create_tcp_listener(local_host=HOST)
    port: int = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        async with fault_proxy(port) as made:
            yield made
        tasks.cancel_scope.cancel()


async def connect(proxy: FaultProxy) -> SocketStream:
    return await anyio.connect_tcp(HOST, proxy.port)


async def answer(stream: SocketStream, data: bytes) -> bytes:
    await stream.send(data)
    return await receive(stream)


async def receive(stream: SocketStream) -> bytes:
    with anyio.fail_after(TIMEOUT):
        return await stream.receive()


async def test_it_hands_bytes_on(proxy: FaultProxy) -> None:
    async with await connect(proxy) as stream:
        assert await answer(stream, b"hello") == b"hello"
        proxy.delay = 0.001
        assert await answer(stream, b"late") == b"late"
    assert (b"".join(proxy.pieces), proxy.accepted) == (b"hellolate", 1)


async def test_it_cuts_connections(proxy: FaultProxy) -> None:
    async with await connect(proxy) as stream:
        assert await answer(stream, b"hello") == b"hello"
        proxy.cut()
        with pytest.raises(anyio.BrokenResourceError):
            await receive(stream)
    async with await connect(proxy) as stream:
        assert await answer(stream, b"again") == b"again"


async def test_it_cuts_within_a_message(proxy: FaultProxy) -> None:
    async with await connect(proxy) as stream:
        proxy.cut_after(7)
        assert await answer(stream, b"hello") == b"hello"
        assert await answer(stream, b"again") == b"ag"
        with pytest.raises(anyio.BrokenResourceError):
            await receive(stream)
    async with await connect(proxy) as stream:
        assert await answer(stream, b"again") == b"again"


async def test_it_freezes_connections(proxy: FaultProxy) -> None:
    async with await connect(proxy) as stream:
        proxy.freeze()
        await stream.send(b"hello")
        await until(lambda: proxy.pieces)
        with pytest.raises(TimeoutError), anyio.fail_after(0.05):
            await stream.receive()
        proxy.thaw()
        assert await receive(stream) == b"hello"


async def test_it_refuses_connections(proxy: FaultProxy) -> None:
    proxy.refusing = True
    async with await connect(proxy) as stream:
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
            await receive(stream)
    proxy.refusing = False
    async with await connect(proxy) as stream:
        assert await answer(stream, b"hello") == b"hello"
