"""The opening handshake: refusals, servers that are none, and what an interruption leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest
from anyio.abc import ByteStream

from socketio_asgi.client.network.websocket import ClientWebSocket
from socketio_asgi.exceptions import TransportError
from socketio_asgi.runtime import Runtime
from socketio_asgi.websocket.opening_request import parse_request
from socketio_asgi.websocket.opening_response import accept_response
from tests.support.backends import serves
from tests.support.frames import CLOSE, TEXT, frame
from tests.support.residue import no_residue
from tests.support.waiting import until

from .support import (
    Heard,
    MakeNetwork,
    OpenWebSocket,
    TCPServer,
    read_head,
    tcp_server,
    until_end,
)

pytestmark = [pytest.mark.runtime, serves]


def answering(*pieces: bytes) -> Callable[[ByteStream], Awaitable[None]]:
    """Answer every request with bytes, and then wait for the end."""

    async def handle(stream: ByteStream) -> None:
        await read_head(stream)
        for piece in pieces:
            await stream.send(piece)
            await anyio.sleep(0.01)  # each in a segment of its own
        await until_end(stream)

    return handle


def accepting(*more: bytes) -> Callable[[ByteStream], Awaitable[None]]:
    """Accept every WebSocket, send bytes after that in the same segment, and wait for the end."""

    async def handle(stream: ByteStream) -> None:
        request = parse_request((await read_head(stream)).removesuffix(b"\r\n\r\n"))
        await stream.send(accept_response(request.key, []) + b"".join(more))
        await until_end(stream)

    return handle


async def failure(
    handler: Callable[[ByteStream], Awaitable[None]], open_websocket: OpenWebSocket
) -> TransportError:
    """The error of opening a WebSocket; the place of the server is in it as HERE."""
    async with no_residue(classes=(ClientWebSocket,)), tcp_server(handler) as server:
        heard = Heard()
        with pytest.raises(TransportError) as caught:
            await open_websocket(f"{server.url}/socket.io/?EIO=4", heard)
        await server.none_open()
        assert not heard.messages
        assert not heard.ends
    error = caught.value
    error.message = error.message.replace(f"127.0.0.1:{server.port}", "HERE")
    return error


CHUNKED = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = "x" * 10_000


ELSEWHERE = (
    "HERE sends elsewhere (301): connect with the right address, which is at 'https://b.example/'"
)


@pytest.mark.parametrize(
    ("answer", "status", "body", "message"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing",
            404,
            "nothing",
            "HERE refused the WebSocket with status 404: 'nothing'",
        ),
        (
            b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n",
            503,
            "",
            "HERE refused the WebSocket with status 503",
        ),
        (
            CHUNKED + b"3\r\nfor\r\n4;x\r\n you\r\n0\r\n\r\n",
            400,
            "for you",
            "HERE refused the WebSocket with status 400: 'for you'",
        ),
        (
            CHUNKED + b"nonsense\r\n0\r\n\r\n",
            400,
            "",
            "HERE refused the WebSocket with status 400",
        ),
        (
            b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
            403,
            "",
            "HERE refused the WebSocket with status 403",
        ),
        (
            b"HTTP/1.1 500 Oh\r\nContent-Length: 10000\r\n\r\n" + LONG.encode(),
            500,
            LONG[:4096],
            f"HERE refused the WebSocket with status 500: '{LONG[:99]}...",
        ),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: https://b.example/\r\nContent-Length: 0\r\n\r\n",
            301,
            "",
            ELSEWHERE,
        ),
    ],
)
async def test_refusals(
    open_websocket: OpenWebSocket, answer: bytes, status: int, body: str, message: str
) -> None:
    error = await failure(answering(answer), open_websocket)
    assert (error.status, error.body, str(error)) == (status, body, message)


async def test_the_body_of_a_refusal_in_pieces(open_websocket: OpenWebSocket) -> None:
    pieces = b"HTTP/1.1 400 Bad", b" Request\r\nContent-Length: 6\r\n\r", b"\n123", b"456"
    error = await failure(answering(*pieces), open_websocket)
    assert (error.status, error.body) == (400, "123456")


async def test_a_refusal_whose_body_never_comes(open_websocket: OpenWebSocket) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 6\r\n\r\n123"
    error = await failure(answering(answer), open_websocket)
    assert (error.status, error.body) == (400, "123")


async def test_a_refusal_up_to_the_end(open_websocket: OpenWebSocket) -> None:
    async def handle(stream: ByteStream) -> None:
        await read_head(stream)
        await stream.send(b"HTTP/1.0 400 Bad Request\r\n\r\nall of it")

    error = await failure(handle, open_websocket)
    assert (error.status, error.body) == (400, "all of it")


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", "this is no HTTP"),
        (b"HT", None),
        (b"\r\n\r\n", "this is no status line"),
        (b"HTTP/1.1 abc\r\n\r\n", "this is no status line"),
        (b"HTTP/2 200\r\n\r\n", "this is no status line"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, "the head of a message is larger than"),
        (ACCEPTED + b"Sec-WebSocket-Accept: wrong\r\n\r\n", "does not answer the key"),
        (ACCEPTED + b"\r\n", "does not answer the key"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", "Upgrade does not say websocket"),
    ],
)
async def test_no_server_of_websockets(
    open_websocket: OpenWebSocket, answer: bytes, problem: str | None
) -> None:
    async def handle(stream: ByteStream) -> None:
        await read_head(stream)
        await stream.send(answer)
        if problem is not None:
            await until_end(stream)

    error = await failure(handle, open_websocket)
    assert error.status is None
    if problem is None:
        assert str(error) == (
            "HERE did not answer the request for a WebSocket: it closed the connection"
        )
    else:
        assert str(error).startswith("HERE did not answer as a WebSocket: ")
        assert problem in str(error)


async def test_a_server_that_ends_at_once(open_websocket: OpenWebSocket) -> None:
    async def handle(stream: ByteStream) -> None:
        pass

    error = await failure(handle, open_websocket)
    assert str(error).startswith("HERE did not answer the request for a WebSocket: ")


async def test_messages_with_the_handshake(open_websocket: OpenWebSocket) -> None:
    more = frame(TEXT, b"one", mask=None), frame(TEXT, b"two", mask=None)
    async with tcp_server(accepting(*more)) as server:
        heard = Heard()
        await open_websocket(server.url, heard)
        await until(lambda: heard.messages == ["one", "two"])


async def test_many_messages_with_the_handshake(open_websocket: OpenWebSocket) -> None:
    more = [frame(TEXT, b"%d" % number, mask=None) for number in range(20_000)]
    async with tcp_server(accepting(*more)) as server:
        heard = Heard()
        await open_websocket(server.url, heard)
        await until(lambda: len(heard.messages) == len(more), timeout=20)
        assert heard.messages == [str(number) for number in range(len(more))]


async def test_the_end_with_the_handshake(open_websocket: OpenWebSocket) -> None:
    async def handle(stream: ByteStream) -> None:
        request = parse_request((await read_head(stream)).removesuffix(b"\r\n\r\n"))
        message = frame(TEXT, b"only", mask=None)
        end = frame(CLOSE, (4000).to_bytes(2, "big"), mask=None)
        await stream.send(accept_response(request.key, []) + message + end)

    async with no_residue(), tcp_server(handle) as server:
        heard = Heard()
        await open_websocket(server.url, heard)
        assert await heard.end() == ("", 4000)
        assert heard.messages == ["only"]


async def test_headers_and_cookies(
    open_websocket: OpenWebSocket, make_network: MakeNetwork
) -> None:
    heads: list[bytes] = []

    async def handle(stream: ByteStream) -> None:
        head = await read_head(stream)
        heads.append(head)
        request = parse_request(head.removesuffix(b"\r\n\r\n"))
        cookie = (b"set-cookie", b"route=b; Path=/")
        await stream.send(accept_response(request.key, [cookie]))
        await until_end(stream)

    network = make_network(
        headers={"Authorization": "Bearer t"}, cookies={"own": "1", "route": "a"}
    )
    async with tcp_server(handle) as server:
        url = f"{server.url}/a path/?x=ä&b=%20#no"
        await open_websocket(url, network=network, headers={"X-More": "ü"})
        await open_websocket(server.url, network=network, headers={"Host": "other"})
        lines = heads[0].split(b"\r\n")
        assert lines[0] == b"GET /a%20path/?x=%C3%A4&b=%20 HTTP/1.1"
        assert f"host: 127.0.0.1:{server.port}".encode() in lines
        assert b"authorization: Bearer t" in lines
        assert b"x-more: \xfc" in lines
        assert b"cookie: own=1; route=a" in lines
        assert any(line.startswith(b"user-agent: socketio-asgi/") for line in lines)
        lines = heads[1].split(b"\r\n")
        assert b"host: other" in lines
        assert b"cookie: own=1; route=b" in lines


async def test_user_and_password_in_the_url(open_websocket: OpenWebSocket) -> None:
    heads: list[bytes] = []

    async def handle(stream: ByteStream) -> None:
        heads.append(await read_head(stream))

    async with tcp_server(handle) as server:
        with pytest.raises(TransportError):
            await open_websocket(f"http://me:p%40ss@127.0.0.1:{server.port}")
    assert b"\r\nauthorization: Basic bWU6cEBzcw==\r\n" in heads[0]


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ws://host", {}),
        ("http://", {}),
        ("nonsense", {}),
        ("http://[::1", {}),
        ("http://host:99999", {}),
        ("http://127.0.0.1:1", {"Upgrade": "h2c"}),
        ("http://127.0.0.1:1", {"a": "b\r\nc: d"}),
    ],
)
async def test_mistakes_of_the_caller(
    open_websocket: OpenWebSocket, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        await open_websocket(url, headers=headers)


async def interrupt_everywhere(
    server: TCPServer, work: Callable[[], Awaitable[bool]], steps: int
) -> None:
    """Interrupt some work a little later each time, until it is not interrupted any more.

    Args:
        server: The server; nothing must stay open there.
        work: Returns whether it got through.
        steps: How often it is interrupted at least.
    """
    interrupted = 0
    for turns in range(2000):
        done = False
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                nonlocal done
                done = await work()
                tasks.cancel_scope.cancel()

            tasks.start_soon(run)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await server.none_open()
        if done:
            break
        interrupted += 1
    else:
        raise AssertionError("it never got through")
    assert interrupted >= steps


async def test_interruptions_leave_nothing(runtime: Runtime, make_network: MakeNetwork) -> None:
    async with no_residue(classes=(ClientWebSocket,)), tcp_server(accepting()) as server:
        network = make_network()

        async def work() -> bool:
            websocket = await network.open_websocket(server.url, {}, Heard(), runtime)
            websocket.abort()
            return True

        await interrupt_everywhere(server, work, steps=3)


async def test_an_owner_that_fails_at_once(runtime: Runtime, make_network: MakeNetwork) -> None:
    class Failing(Heard):
        def on_message(self, message: str | bytes) -> None:
            raise LookupError(message)

    handler = accepting(frame(TEXT, b"one", mask=None))
    async with no_residue(classes=(ClientWebSocket,)), tcp_server(handler) as server:
        with pytest.raises(LookupError):
            await make_network().open_websocket(server.url, {}, Failing(), runtime)
        await server.none_open()


async def test_the_frames_of_a_client_are_masked(open_websocket: OpenWebSocket) -> None:
    """Each with a mask of its own (RFC 6455, section 5.3)."""
    received = bytearray()

    async def handle(stream: ByteStream) -> None:
        request = parse_request((await read_head(stream)).removesuffix(b"\r\n\r\n"))
        await stream.send(accept_response(request.key, []))
        async for data in stream:
            received.extend(data)

    async with tcp_server(handle) as server:
        websocket = await open_websocket(server.url)
        websocket.send(["same"])
        websocket.send(["same"])
        websocket.close()
        await until(lambda: len(received) == 28)
        websocket.abort()
        await server.none_open()
    first, second, last = bytes(received[:10]), bytes(received[10:20]), bytes(received[20:])
    assert first[:2] == second[:2] == b"\x81\x84"
    assert first[2:6] != second[2:6]
    assert last[:2] == bytes((0x80 | CLOSE, 0x80 | 2))
