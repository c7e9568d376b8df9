"""Ways to reach a server: an HTTP request, and a WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from anyio.abc import ByteStream

from socketio_asgi.client.network.sockets import SocketNetwork
from socketio_asgi.runtime import Runtime
from socketio_asgi.websocket.opening_request import parse_request
from socketio_asgi.websocket.opening_response import accept_response

from .support import Heard, read_head, until_end

Reach = Callable[[SocketNetwork, str, Runtime], Awaitable[None]]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def request(network: SocketNetwork, url: str, runtime: Runtime) -> None:
    """Make a request to :func:`serve_both`."""
    response = await network.request("GET", url, {})
    assert response.body == b"ok"


async def websocket(network: SocketNetwork, url: str, runtime: Runtime) -> None:
    """Open a WebSocket to :func:`serve_both`, and end it."""
    opened = await network.open_websocket(url, {}, Heard(), runtime)
    opened.abort()


WAYS: dict[str, Reach] = {"http": request, "websocket": websocket}


async def serve_both(stream: ByteStream) -> None:
    """Answer requests, and accept WebSockets."""
    while True:
        head = await read_head(stream)
        if b"upgrade: websocket" not in head.lower():
            await stream.send(ANSWER)
            continue
        key = parse_request(head.removesuffix(b"\r\n\r\n")).key
        await stream.send(accept_response(key, []))
        await until_end(stream)
        return
