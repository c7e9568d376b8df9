"""Open WebSockets: what servers send, right and wrong, and how they end."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream

from socketio_asgi.client.network import websocket as websocket_module
from socketio_asgi.client.network.base import WebSocket
from socketio_asgi.client.network.websocket import ClientWebSocket
from socketio_asgi.runtime import Runtime
from socketio_asgi.websocket.opening_request import parse_request
from socketio_asgi.websocket.opening_response import accept_response
from tests.support.backends import serves
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close_payload,
    header,
    xor,
)
from tests.support.frames import frame as masked_frame
from tests.support.residue import no_residue
from tests.support.tcp import abort_stream
from tests.support.waiting import until

from .support import Heard, MakeNetwork, TCPServer, read_head, tcp_server

pytestmark = [pytest.mark.runtime, serves]

MIB = 1024 * 1024


def frame(opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """A frame of a server, which has no mask."""
    return masked_frame(opcode, payload, mask=None, **options)


def closing(code: int) -> bytes:
    """A close frame of a server."""
    return frame(CLOSE, code.to_bytes(2, "big"))


class Connection:
    """An open WebSocket, seen from both sides.

    Attributes:
        websocket: The client's side.
        heard: What its owner heard.
        server: The server.
        stream: The server's side.
    """

    websocket: ClientWebSocket
    server: TCPServer
    stream: ByteStream

    def __init__(self) -> None:
        self.heard = Heard()
        self._data = bytearray()

    async def read(self) -> Frame:
        """Read a frame that the client has sent; its payload without the mask."""
        first, second = await self._take(2)
        assert second & 0x80
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(await self._take(2 if length == 126 else 8), "big")
        mask = await self._take(4)
        return Frame(first & 0x0F, xor(await self._take(length), mask))

    async def wait(self) -> None:
        """Wait until something came; it is kept."""
        self._data += await self.stream.receive()

    async def _take(self, size: int) -> bytes:
        while len(self._data) < size:
            with anyio.fail_after(10):
                await self.wait()
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    async def read_close(self) -> int:
        """Read a close frame; returns its code."""
        opcode, payload = await self.read()
        assert opcode == CLOSE
        return close_payload(payload)[0]

    async def ended(self) -> None:
        """Wait until the client has ended the connection."""
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await self._take(1)


@asynccontextmanager
async def connection(
    make_network: MakeNetwork, runtime: Runtime, **options: Any
) -> AsyncIterator[Connection]:
    """Open a WebSocket to a server that does nothing by itself; it must end in the block."""
    it = Connection()
    accepted, done = anyio.Event(), anyio.Event()

    async def handle(stream: ByteStream) -> None:
        request = parse_request((await read_head(stream)).removesuffix(b"\r\n\r\n"))
        await stream.send(accept_response(request.key, []))
        it.stream = stream
        accepted.set()
        await done.wait()

    async with no_residue(classes=(ClientWebSocket,)):
        async with tcp_server(handle) as it.server:
            network = make_network(**options)
            it.websocket = await network.open_websocket(it.server.url, {}, it.heard, runtime)
            await accepted.wait()
            try:
                yield it
            finally:
                done.set()
                await it.server.none_open()
                await until(lambda: it.websocket.state is websocket_module.State.CLOSED)
        it.websocket = None  # type: ignore[assignment]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers have little time for their part of the end."""
    monkeypatch.setattr(websocket_module, "CLOSE_SECONDS", 0.05)


async def test_fragments(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        text = "äöü€😀".encode()
        for size in (1, 2, 5):
            pieces = [text[start : start + size] for start in range(0, len(text), size)]
            await it.stream.send(frame(TEXT, pieces[0], final=False))
            for piece in pieces[1:]:
                await it.stream.send(frame(CONTINUATION, piece, final=False))
                await it.stream.send(frame(PING, b"between"))
            await it.stream.send(frame(CONTINUATION))
        await it.stream.send(frame(BINARY, b"\x00", final=False) + frame(CONTINUATION, b"\xff"))
        await until(lambda: len(it.heard.messages) == 4)
        assert it.heard.messages == [text.decode()] * 3 + [b"\x00\xff"]
        assert await it.read() == (PONG, b"between")


async def test_pings(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        await it.stream.send(frame(PING, b"one") + frame(PONG, b"unasked") + frame(PING))
        assert await it.read() == (PONG, b"one")
        assert await it.read() == (PONG, b"")
        assert not it.heard.messages


async def test_pings_of_a_server_that_reads_nothing(
    make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.send([b"x" * (8 * MIB)])
        await it.stream.receive()
        for _ in range(20):
            await it.stream.send(frame(PING, b"y" * 125) * 1000)
        await it.stream.send(frame(TEXT, b"last"))
        await until(lambda: it.heard.messages)
        assert it.websocket.buffered < 8 * MIB + websocket_module.MAX_WAITING_PONGS
        it.websocket.abort()


async def test_a_large_message_in_both_directions(
    make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        content = bytes(range(256)) * 4096
        it.websocket.send([content, "€" * 400_000])
        assert await it.read() == (BINARY, content)
        assert await it.read() == (TEXT, ("€" * 400_000).encode())
        await until(lambda: it.heard.drained)
        await it.stream.send(frame(BINARY, content))
        await until(lambda: it.heard.messages)
        assert it.heard.messages == [content]


async def test_half_characters(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.send(["4\ud800x"])
        assert await it.read() == (TEXT, b"4?x")


async def test_messages_of_one_turn_go_out_together(
    make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.send(["one", "two"])
        it.websocket.send([b"three"])
        assert len(await it.stream.receive()) == 9 + 9 + 11


async def test_pausing(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.pause_reading()
        sent = 0
        with anyio.move_on_after(0.5):
            while True:
                await it.stream.send(frame(BINARY, b"z" * MIB))
                sent += 1
        assert sent < 100  # the client lets the server wait
        assert not it.heard.messages
        it.websocket.resume_reading()
        await until(lambda: len(it.heard.messages) >= sent)
        it.websocket.abort()


async def test_pausing_from_within(make_network: MakeNetwork, runtime: Runtime) -> None:
    """No message comes after the one whose callback pauses it."""
    async with connection(make_network, runtime) as it:
        heard = it.heard
        note = heard.on_message

        def on_message(message: str | bytes) -> None:
            note(message)
            it.websocket.pause_reading()

        it.websocket._reader.on_message = on_message
        await it.stream.send(frame(TEXT, b"a") * 3 + closing(4001))
        for count in (1, 2, 3):
            await heard.count(count)
            assert not heard.ends
            it.websocket.resume_reading()
        assert await heard.end() == ("", 4001)


async def test_the_end_waits_for_messages(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.pause_reading()
        await it.stream.send(frame(TEXT, b"last"))
        await it.stream.aclose()
        await anyio.sleep(0.05)
        assert not it.heard.messages
        assert not it.heard.ends
        it.websocket.resume_reading()
        error, code = await it.heard.end()
        assert code == 1006
        assert error == (
            f"the connection with 127.0.0.1:{it.server.port} is lost: it was closed there"
        )
        assert it.heard.messages == ["last"]


async def test_many_messages_at_once(make_network: MakeNetwork, runtime: Runtime) -> None:
    """Others have their turn in between, and the end comes after all of them."""
    async with connection(make_network, runtime) as it:
        await it.stream.send(frame(TEXT, b"m") * 50_000)
        await it.stream.aclose()
        await it.heard.end()
        assert len(it.heard.messages) == 50_000


async def test_closing(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.send(["before"])
        it.websocket.close()
        it.websocket.close()
        it.websocket.send(["after"])
        assert await it.read() == (TEXT, b"before")
        assert await it.read_close() == 1000
        await it.stream.send(frame(TEXT, b"on the way") + closing(1000))
        assert await it.heard.end() == ("", 1000)
        assert it.heard.messages == ["on the way"]
        await it.stream.aclose()


async def test_closing_while_paused(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.pause_reading()
        await it.stream.send(frame(TEXT, b"unwanted"))
        it.websocket.close()
        assert await it.read_close() == 1000
        await it.stream.send(closing(1000))
        assert await it.heard.end() == ("", 1000)
        assert not it.heard.messages
        await it.stream.aclose()


async def test_closing_when_the_server_does_not_answer(
    hasty: None, make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.close()
        assert await it.heard.end() == ("", 1006)
        assert await it.read_close() == 1000
        await it.ended()


async def test_closing_when_the_server_takes_nothing(
    hasty: None, make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.send([b"x" * (8 * MIB)])
        await it.stream.receive()
        it.websocket.close()
        assert await it.heard.end() == ("", 1006)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 3000, 4999])
async def test_the_server_closes_it(make_network: MakeNetwork, runtime: Runtime, code: int) -> None:
    async with connection(make_network, runtime) as it:
        await it.stream.send(closing(code))
        assert await it.heard.end() == ("", code)
        assert await it.read_close() == code
        it.websocket.send(["too late"])
        it.websocket.close()
        it.websocket.pause_reading()
        it.websocket.resume_reading()
        await it.stream.aclose()


async def test_the_server_closes_it_without_a_code(
    make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        await it.stream.send(frame(CLOSE))
        assert await it.heard.end() == ("", 1005)
        assert await it.read() == (CLOSE, b"")
        await it.stream.aclose()


async def test_a_server_that_stays_after_the_end(
    hasty: None, make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        await it.stream.send(closing(1000))
        assert await it.heard.end() == ("", 1000)
        assert await it.read_close() == 1000
        await it.ended()


async def test_a_network_that_is_closed_ends_what_lingers(
    make_network: MakeNetwork, runtime: Runtime
) -> None:
    network = make_network()
    async with connection(lambda **_: network, runtime) as it:
        await it.stream.send(closing(1000))
        assert await it.heard.end() == ("", 1000)
        assert await it.read_close() == 1000
        await network.close()
        await it.ended()


async def test_aborting(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.abort()
        it.websocket.abort()
        it.websocket.send(["too late"])
        it.websocket.close()
        await it.ended()
        assert not it.heard.ends


async def test_aborting_from_within(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        note = it.heard.on_message

        def on_message(message: str | bytes) -> None:
            note(message)
            it.websocket.abort()

        it.websocket._reader.on_message = on_message
        await it.stream.send(frame(TEXT, b"a") * 3)
        await it.ended()
        assert it.heard.messages == ["a"]


async def test_the_connection_is_cut(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with connection(make_network, runtime) as it:
        await abort_stream(it.stream)
        error, code = await it.heard.end()
        assert code == 1006
        assert error == (
            f"the connection with 127.0.0.1:{it.server.port} is lost:"
            " the connection was closed by the other side"
        )


@pytest.mark.parametrize(
    ("data", "code", "problem"),
    [
        (masked_frame(TEXT, b"masked"), 1002, "a frame of a server has a mask"),
        (frame(TEXT, b"x", reserved=4), 1002, "a reserved bit is set"),
        (frame(0x3, b"x"), 1002, "unknown opcode 3"),
        (frame(0xB, b"x"), 1002, "unknown opcode 11"),
        (frame(CONTINUATION, b"x"), 1002, "a frame is not the continuation expected"),
        (frame(TEXT, b"\xff\xfe"), 1007, "a text is not UTF-8"),
        (frame(PING, b"x" * 126), 1002, "a control frame is too long or in parts"),
        (frame(CLOSE, b"x"), 1002, "half a close code"),
        (closing(1005), 1002, "1005 is no close code that may be sent"),
        (header(BINARY, 1001, mask=None), 1009, "a message is larger than 1000 bytes"),
        (header(BINARY, 1 << 62, mask=None), 1009, "a message is larger than 1000 bytes"),
        (
            frame(TEXT, b"x" * 600, final=False) + frame(CONTINUATION, b"x" * 600),
            1009,
            "a message is larger than 1000 bytes",
        ),
    ],
)
async def test_a_server_that_breaks_the_rules(
    make_network: MakeNetwork, runtime: Runtime, data: bytes, code: int, problem: str
) -> None:
    async with connection(make_network, runtime, max_message_size=1000) as it:
        await it.stream.send(data + frame(TEXT, b"never"))
        error, reported = await it.heard.end()
        assert (reported, await it.read_close()) == (code, code)
        assert error == f"127.0.0.1:{it.server.port} broke the rules of WebSocket: {problem}"
        assert not it.heard.messages
        await it.stream.aclose()


async def test_drain_after_a_server_has_taken_everything(
    make_network: MakeNetwork, runtime: Runtime
) -> None:
    async with connection(make_network, runtime) as it:
        it.websocket.send([b"x" * (8 * MIB)])
        it.websocket.send([b"y" * MIB])
        await it.wait()
        assert it.websocket.buffered > MIB
        assert not it.heard.drained
        for _ in range(2):
            await it.read()
        await until(lambda: it.heard.drained)
        assert it.websocket.buffered == 0


class Transport(Heard):
    """Keeps its WebSocket, as transports do."""

    websocket: WebSocket


@pytest.mark.parametrize("way", ["close", "abort", "server", "cut"])
async def test_it_is_freed_without_the_garbage_collector(
    make_network: MakeNetwork, runtime: Runtime, way: str
) -> None:
    async def handle(stream: ByteStream) -> None:
        request = parse_request((await read_head(stream)).removesuffix(b"\r\n\r\n"))
        await stream.send(accept_response(request.key, []) + frame(TEXT, b"hello"))
        if way == "server":
            await stream.send(closing(1000))
        elif way == "cut":
            return await abort_stream(stream)
        if way != "abort":
            await stream.receive()
            await stream.send(closing(1000))

    async def use(url: str) -> weakref.ref[WebSocket]:
        owner = Transport()
        owner.websocket = await make_network().open_websocket(url, {}, owner, runtime)
        if way == "close":
            owner.websocket.close()
        if way == "abort":
            owner.websocket.abort()
        else:
            await owner.end()
        return weakref.ref(owner.websocket)

    async with tcp_server(handle) as server:
        gc.disable()
        try:
            reference = await use(server.url)
            await until(lambda: reference() is None, message="it is still there")
        finally:
            gc.enable()
        await server.none_open()
