"""The WebSocket client holds servers to the rules."""

from __future__ import annotations

import anyio
import pytest
from anyio.abc import ByteStream

from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close,
    frame,
    header,
    text,
)
from tests.support.rawwebsocket import RawWebSocket
from tests.support.websocket import WebSocketClient, WebSocketClosed

LONG = b"x" * 126


class Canned(ByteStream):
    """A server that has sent everything already."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.sent = b""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self._data:
            raise anyio.EndOfStream
        piece, self._data = self._data[:3], self._data[3:]
        return piece

    async def send(self, item: bytes) -> None:
        self.sent += item

    async def send_eof(self) -> None: ...

    async def aclose(self) -> None: ...


def client(*frames: bytes) -> tuple[WebSocketClient, Canned]:
    stream = Canned(b"".join(frames))
    return WebSocketClient(RawWebSocket(stream)), stream


def server_frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    return frame(opcode, payload, final=final, mask=None)


async def test_messages_and_control_frames() -> None:
    websocket, stream = client(
        server_frame(TEXT, "hä".encode()[:2], final=False),
        server_frame(PING, b"there?"),
        server_frame(CONTINUATION, "hä".encode()[2:]),
        server_frame(PONG),
        server_frame(BINARY, LONG),
        server_frame(BINARY, b"y" * 70_000),
        server_frame(CLOSE, (1012).to_bytes(2, "big") + b"restart"),
    )
    assert await websocket.receive() == "hä"
    assert await websocket.receive() == LONG
    assert await websocket.receive() == b"y" * 70_000
    with pytest.raises(WebSocketClosed, match="1012 'restart'"):
        await websocket.receive()
    with pytest.raises(WebSocketClosed, match="1012 'restart'"):
        await websocket.send("late")
    assert stream.sent == frame(PONG, b"there?") + close(1012)


async def test_the_end_without_a_close_frame() -> None:
    websocket, _ = client(server_frame(TEXT, b"cut short")[:5])
    assert await websocket.receive_close() == WebSocketClosed(1006)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(text("masked"), id="a mask"),
        pytest.param(frame(TEXT, reserved=4, mask=None), id="a reserved bit"),
        pytest.param(b"\x81\x7e\x00\x05hello", id="a length in two bytes too many"),
        pytest.param(b"\x82\x7f" + (126).to_bytes(8, "big") + LONG, id="in six"),
        pytest.param(header(PING, 126, mask=None) + LONG, id="a long control frame"),
        pytest.param(server_frame(0x3), id="an unknown opcode"),
        pytest.param(server_frame(CONTINUATION), id="nothing to continue"),
        pytest.param(server_frame(TEXT, final=False) + server_frame(TEXT), id="one within another"),
        pytest.param(server_frame(CLOSE, b"x"), id="half a close code"),
    ],
)
async def test_what_is_wrong_fails(data: bytes) -> None:
    websocket, _ = client(data)
    with pytest.raises(AssertionError):
        await websocket.receive()


async def test_text_that_is_none() -> None:
    websocket, _ = client(server_frame(TEXT, b"\xff"))
    with pytest.raises(UnicodeDecodeError):
        await websocket.receive()
