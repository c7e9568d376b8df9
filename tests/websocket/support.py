"""A client that writes frames byte by byte, and an application that notes what it gets."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import anyio
import pytest
from anyio.abc import ByteStream, SocketStream

from tests.support.direct import DirectReceiver, attach_echo
from tests.support.echo import Message, Receive, Scope, Send
from tests.support.ports import HOST
from tests.support.processes import OUR_CLASSES
from tests.support.serving import Served
from tests.support.tcp import TIMEOUT, abort_stream

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

STOCK: Final = "websockets-sansio"
OURS: Final = f"{OUR_CLASSES}:WebSocketProtocol"

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the examples in RFC 6455, section 1.3."""
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

FLOOD: Final = 64_000_000
"""Bytes, far more than the operating system takes on behalf of a server that does not read."""

ABNORMAL: Final = (1006, "")
"""What :meth:`Peer.read_close` tells of a connection that ends without a close frame."""


class Setting(NamedTuple):
    """A way in which the application is served."""

    ws: str
    attached: bool

    @property
    def ours(self) -> bool:
        """Whether it is our class."""
        return self.ws == OURS


SETTINGS: Final = {
    "stock": Setting(STOCK, attached=False),
    "plain": Setting(OURS, attached=False),
    "attached": Setting(OURS, attached=True),
}

ours_only: Final = pytest.mark.parametrize("ws", ["plain"], indirect=True)
"""A test of what our class does and uvicorn's own does not."""
our_settings: Final = pytest.mark.parametrize("setting", ["plain", "attached"], indirect=True)
"""The same, for both kinds of applications."""


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x37\xfa\x21\x3d",
) -> bytes:
    """A frame of a client, right or wrong; ``mask=None`` leaves the mask out."""
    return header(opcode, len(payload), final=final, reserved=reserved, mask=mask) + (
        payload if mask is None else xor(payload, mask)
    )


def header(
    opcode: int,
    length: int,
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x37\xfa\x21\x3d",
) -> bytes:
    """The header of a frame, with its mask."""
    masked = 0 if mask is None else 0x80
    first = bytes([final << 7 | reserved << 4 | opcode])
    if length < 126:
        head = first + bytes([masked | length])
    elif length < 1 << 16:
        head = first + bytes([masked | 126]) + length.to_bytes(2, "big")
    else:
        head = first + bytes([masked | 127]) + length.to_bytes(8, "big")
    return head + (mask or b"")


def xor(payload: bytes, mask: bytes) -> bytes:
    """Apply a mask, in the plainest way."""
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def text(value: str, **options: Any) -> bytes:
    """A text message in one frame."""
    return frame(TEXT, value.encode(), **options)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """A close frame; without a code it is empty."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


class OutgoingPacket(NamedTuple):
    """A frame of the server."""

    opcode: int
    payload: bytes


class Peer:
    """A client on any byte stream; holds the server to the rules for its frames."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._data = b""

    # -- the handshake -----------------------------------------------------------------------

    async def send(self, *data: bytes) -> None:
        """Write bytes as they are, in one segment."""
        await self.stream.send(b"".join(data))

    async def send_each(self, *pieces: bytes) -> None:
        """Write pieces, each in a segment of its own."""
        for piece in pieces:
            await self.stream.send(piece)
            await anyio.sleep(0.001)  # the event loop of the server is this one: let it read

    async def request(
        self,
        target: str = "/",
        headers: Mapping[str, str | None] | None = None,
        *,
        method: str = "GET",
        more: str = "",
    ) -> None:
        """Send a handshake; None leaves a header out, ``more`` is raw lines that are added."""
        values: dict[str, str | None] = {
            "Host": HOST,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": KEY,
            **(headers or {}),
        }
        lines = [f"{name}: {value}\r\n" for name, value in values.items() if value is not None]
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(lines) + more + "\r\n"
        await self.send(head.encode("latin-1"))

    async def read_head(self) -> int:
        """Read the head of the response; returns its status."""
        while b"\r\n\r\n" not in self._data:
            if not await self._more():
                raise EOFError(f"the connection ended within a response: {self._data!r}")
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(status.split(" ")[1])
        pairs = [line.partition(":") for line in lines]
        self.headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        return self.status

    def header(self, name: str) -> str | None:
        """The value of a header of the response, which must not be there twice."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, values
        return values[0] if values else None

    async def read_exactly(self, size: int) -> bytes:
        """Read bytes as they are."""
        return await self._take(size)

    async def read_response(self) -> bytes:
        """Read the head of a response and all that follows, up to the end; returns the body."""
        await self.read_head()
        return await self.read_rest()

    # -- frames ------------------------------------------------------------------------------

    async def _more(self) -> bool:
        try:
            with anyio.fail_after(TIMEOUT):
                self._data += await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return False
        return True

    async def _take(self, size: int) -> bytes:
        while len(self._data) < size:
            if not await self._more():
                raise EOFError("the connection ended")
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    async def read(self) -> OutgoingPacket:
        """Read a frame, which must be whole, without a mask, and in the shortest form.

        Raises:
            EOFError: The connection ended instead.
        """
        first, second = await self._take(2)
        assert first & 0xF0 == 0x80, f"not a final frame, or a reserved bit: {first:#x}"
        assert not second & 0x80, "a frame of a server has no mask"
        length, least = second, 0
        if second >= 126:
            width, least = (2, 126) if second == 126 else (8, 1 << 16)
            length = int.from_bytes(await self._take(width), "big")
        assert length >= least, "the length is not in the shortest form"
        assert first < 0x88 or length < 126, "a control frame is too long"
        return OutgoingPacket(first & 0xF, await self._take(length))

    async def read_text(self) -> str:
        """Read a text message."""
        opcode, payload = await self.read()
        assert opcode == TEXT, (opcode, payload[:100])
        return payload.decode()

    async def read_close(self) -> tuple[int, str]:
        """Read a close frame, or the end of the connection.

        Returns:
            The code and the reason; 1005 for an empty close frame, 1006 for none.
        """
        try:
            opcode, payload = await self.read()
        except EOFError:
            return ABNORMAL
        assert opcode == CLOSE, (opcode, payload[:100])
        return close_payload(payload)

    async def read_end(self, *, answer: bool = False) -> tuple[int, str]:
        """Read a close frame, or none, and the end of the connection, with nothing between.

        Args:
            answer: Answer the close frame, for which a server waits that was the first to close.
        """
        closed = await self.read_close()
        if answer and closed != ABNORMAL:
            await self.send(close())
        assert await self.read_rest() == b""
        return closed

    async def read_rest(self) -> bytes:
        """Read up to the end of the connection."""
        while await self._more():
            pass
        rest, self._data = self._data, b""
        return rest

    async def flood(self, data: bytes, limit: int = FLOOD) -> int:
        """Send ``data`` over and over, until the server does not read, or ``limit`` is reached.

        The last piece may be sent in part: nothing but the end can follow.

        Returns:
            How many bytes were sent.
        """
        sent = 0
        with suppress(TimeoutError):
            while sent < limit:
                with anyio.fail_after(0.5):
                    await self.stream.send(data)
                sent += len(data)
        return sent

    async def abort(self) -> None:
        """Reset the TCP connection."""
        assert isinstance(self.stream, SocketStream)
        await abort_stream(self.stream)


def close_payload(payload: bytes) -> tuple[int, str]:
    """The code and the reason in a close frame."""
    assert len(payload) != 1
    return (int.from_bytes(payload[:2], "big"), payload[2:].decode()) if payload else (1005, "")


@asynccontextmanager
async def tcp(served: Served) -> AsyncIterator[Peer]:
    """A connection, without a handshake."""
    async with await anyio.connect_tcp(HOST, served.port) as stream:
        yield Peer(stream)


@asynccontextmanager
async def connect(served: Served, target: str = "/", **request: Any) -> AsyncIterator[Peer]:
    """An open WebSocket; leaving the block drops the TCP connection."""
    async with tcp(served) as peer:
        await peer.request(target, **request)
        assert await peer.read_head() == 101, await peer.read_rest()
        yield peer


@asynccontextmanager
async def connect_tls(served: Served, trusted: ssl.SSLContext) -> AsyncIterator[Peer]:
    """A connection with TLS, without a handshake of WebSocket."""
    async with await anyio.connect_tcp(
        HOST, served.port, ssl_context=trusted, tls_standard_compatible=False
    ) as stream:
        yield Peer(stream)


@asynccontextmanager
async def connect_unix(path: str) -> AsyncIterator[Peer]:
    """A connection over a Unix socket, without a handshake."""
    async with await anyio.connect_unix(path) as stream:
        yield Peer(stream)


def new_key() -> tuple[str, str]:
    """A random key, and the answer to it (RFC 6455, section 4.2.2)."""
    key = base64.b64encode(os.urandom(16)).decode()
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return key, base64.b64encode(digest).decode()


@dataclass
class Call:
    """One WebSocket of :class:`EchoApp`.

    Attributes:
        scope: Its scope.
        messages: The messages that came.
        closed: The code and the reason of the end, if it has come.
        returned: Whether the application has returned.
    """

    scope: Scope
    messages: list[str | bytes] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    returned: bool = False


class EchoApp:
    """Sends back every message and notes it, on plain ASGI or through the extension."""

    def __init__(self, *, attached: bool = False) -> None:
        self.attached = attached
        self.calls: list[Call] = []
        self.receivers: list[DirectReceiver] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            return await respond(send, b"over http")
        if scope["type"] != "websocket":
            return
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        if self.attached:
            self.receivers.append(DirectReceiver())
            assert attach_echo(scope, self.receivers[-1])
        else:
            await self._echo(scope, receive, send)

    async def _echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope)
        self.calls.append(call)
        try:
            while (message := await receive())["type"] == "websocket.receive":
                call.messages.append(content(message))
                with suppress(OSError):  # the client has left, but there may be more of it
                    await send({**message, "type": "websocket.send"})
            call.closed = (message["code"], message.get("reason") or "")
        finally:
            call.returned = True

    def forget(self) -> None:
        """Begin anew."""
        self.calls, self.receivers = [], []

    @property
    def messages(self) -> list[str | bytes]:
        """The messages of the last connection."""
        return self.receivers[-1].messages if self.attached else self.calls[-1].messages

    @property
    def closed(self) -> tuple[int, str] | None:
        """How the last connection ended, if it did."""
        if self.attached:
            return self.receivers[-1].closed or self.receivers[-1].failed
        return self.calls[-1].closed


def content(message: Message) -> str | bytes:
    """What is in ``websocket.receive``: a text or bytes, and never both."""
    values = [message.get("text"), message.get("bytes")]
    (value,) = [value for value in values if value is not None]
    assert isinstance(value, (str, bytes))
    return value


async def respond(send: Send, body: bytes) -> None:
    """Answer an HTTP request."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


Script = Callable[[Scope, Receive, Send], Awaitable[None]]


def websocket_only(script: Script) -> Script:
    """An application of one WebSocket endpoint: lifespan and HTTP are none of its business."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await script(scope, receive, send)
        elif scope["type"] == "http":
            await respond(send, b"over http")

    return app
