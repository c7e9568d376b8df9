"""The transport that buffers what is written, on one that notes the calls."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from socketio_asgi.uvicorn_protocols.http_writing import BufferingTransport
from socketio_asgi.uvicorn_protocols.server_context import MAX_BUFFERED, ServerContext
from tests.support.network import Network

from .support import answers


@pytest.fixture
async def context(anyio_backend: Any) -> ServerContext:
    """The context of a server that does not run."""
    config = Config(answers(), log_config=None)
    config.load()
    return ServerContext(config, ServerState())


@pytest.fixture
def network() -> Network:
    """The transport below."""
    return Network()


@pytest.fixture
def transport(network: Network, context: ServerContext) -> BufferingTransport:
    """The transport that buffers."""
    return BufferingTransport(network, context)


async def turn() -> None:
    """Let a turn of the event loop pass."""
    await anyio.lowlevel.checkpoint()
    await anyio.lowlevel.checkpoint()


async def test_one_write(transport: BufferingTransport, network: Network) -> None:
    for piece in (b"a", b"", bytearray(b"b"), memoryview(b"c")):
        transport.write(piece)
    transport.writelines([b"d", b"e"])
    assert network.calls == []
    await turn()
    assert network.calls == [b"abcde"]
    transport.write(b"f")
    await turn()
    assert network.calls == [b"abcde", b"f"]


async def test_nothing_is_written_for_nothing(
    transport: BufferingTransport, network: Network, context: ServerContext
) -> None:
    transport.write(b"")
    assert context.unsent == []
    await turn()
    assert network.calls == []


async def test_a_large_piece_is_not_copied(transport: BufferingTransport, network: Network) -> None:
    large = bytes(MAX_BUFFERED + 1)
    for piece in (b"head", large, b"tail", large):
        transport.write(piece)
    assert [len(call) for call in network.calls] == [4, len(large), 4, len(large)]
    assert network.calls[1] is large
    await turn()
    assert len(network.calls) == 4


async def test_the_buffer_is_bounded(transport: BufferingTransport, network: Network) -> None:
    for _ in range(1000):
        transport.write(bytes(1000))
        buffered = transport.get_write_buffer_size() - network.get_write_buffer_size()
        assert 0 < buffered <= MAX_BUFFERED
    await turn()
    assert sum(map(len, network.calls)) == 1_000_000
    assert len(network.calls) <= 16


async def test_the_buffer_goes_before_the_end(
    transport: BufferingTransport, network: Network
) -> None:
    transport.write(b"last")
    transport.close()
    assert network.calls == [b"last", "close"]
    transport.write(b"too late")
    await turn()
    assert network.calls == [b"last", "close"]
    assert transport.is_closing()


async def test_the_buffer_goes_before_the_end_of_the_half(
    transport: BufferingTransport, network: Network
) -> None:
    assert transport.can_write_eof()
    transport.write(b"last")
    transport.write_eof()
    await turn()
    assert network.calls == [b"last", "eof"]


async def test_the_buffer_goes_before_another_owner(
    transport: BufferingTransport, network: Network
) -> None:
    transport.write(b"first")
    assert transport.release() is network
    network.write(b"second")
    await turn()
    assert network.calls == [b"first", b"second"]


async def test_a_connection_that_is_cut(transport: BufferingTransport, network: Network) -> None:
    transport.write(b"lost")
    transport.abort()
    await turn()
    assert network.calls == ["abort"]


async def test_a_connection_that_is_lost(transport: BufferingTransport, network: Network) -> None:
    transport.write(b"lost")
    network.closing = True
    await turn()
    assert network.calls == []


async def test_one_that_fails_does_not_take_others_with_it(
    context: ServerContext, caplog: pytest.LogCaptureFixture
) -> None:
    networks = [Network() for _ in range(3)]
    networks[1].error = RuntimeError("on purpose")
    for network in networks:
        BufferingTransport(network, context).write(b"hello")
    await turn()
    assert [network.calls for network in networks] == [[b"hello"], ["abort"], [b"hello"]]
    assert "on purpose" in caplog.text


async def test_the_rest_is_of_the_network(transport: BufferingTransport, network: Network) -> None:
    assert transport.get_extra_info("peername") == ("there", 1)
    assert transport.get_extra_info("nothing", "default") == "default"
    assert transport.get_write_buffer_limits() == (1, 2)
    assert transport.is_reading()
    protocol = asyncio.Protocol()
    transport.set_protocol(protocol)
    assert transport.get_protocol() is network.protocol is protocol
    transport.set_write_buffer_limits(10, 5)
    transport.pause_reading()
    transport.resume_reading()
    assert network.calls == [(10, 5), "pause", "resume"]
