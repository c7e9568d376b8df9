"""Applications on the extension that hands a WebSocket over without ASGI in between.

>>> async def app(scope, receive, send):
...     await receive()
...     await send({"type": "websocket.accept"})
...     attach_echo(scope)
"""

from __future__ import annotations

from socketio_asgi.extensions.websocket import AttachedWebSocket, find_attach
from socketio_asgi.websocket.frames import Opcode, encode_frame, text_frame

from .echo import Scope

MAX_MESSAGE = 20_000_000  # bytes; the server's own limit is to count


class DirectReceiver:
    """Sends every message back, and records what happens.

    Attributes:
        websocket: The connection; set when it is attached.
        messages: What came.
        closed: The code and the reason of the end, if it has come.
        failed: The same, when the client broke the protocol.
        exits: How often the server said that it ends.
    """

    websocket: AttachedWebSocket

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None
        self.failed: tuple[int, str] | None = None
        self.exits = 0

    def on_message(self, data: str | bytes) -> None:
        """Send a message back; read no more while the client does not."""
        self.messages.append(data)
        self.websocket.write(message_frame(data))
        if self.websocket.paused:
            self.websocket.pause_reading()

    def on_writable(self) -> None:
        """Go on."""
        self.websocket.resume_reading()

    def on_close(self, code: int, reason: str) -> None:
        """Note the end."""
        assert self.closed is None, "the end was told twice"
        self.closed = (code, reason)

    def on_failure(self, code: int, reason: str) -> None:
        """Note the failure."""
        assert self.failed is None, "the end was told twice"
        self.failed = (code, reason)

    def on_server_exit(self) -> None:
        """Note the end of the server."""
        self.exits += 1


def message_frame(data: str | bytes) -> bytes:
    """The frame of one message."""
    if isinstance(data, str):
        return text_frame(data.encode())
    return encode_frame(Opcode.BINARY, data)


def attach_echo(
    scope: Scope,
    receiver: DirectReceiver | None = None,
    *,
    max_size: int = MAX_MESSAGE,
    resume: bool = True,
) -> bool:
    """Take an accepted WebSocket over; False when that is not possible.

    Args:
        scope: The scope of the WebSocket.
        receiver: The callbacks from now on; a new one by default.
        max_size: The largest message that is accepted, in bytes.
        resume: Begin to receive at once.

    Raises:
        RuntimeError: The server does not offer the extension.
    """
    attach = find_attach(scope)
    if attach is None:
        raise RuntimeError("the server has no extension for direct callbacks")
    receiver = receiver or DirectReceiver()
    websocket = attach(receiver, max_size=max_size)
    if websocket is None:
        return False
    receiver.websocket = websocket
    websocket.on_message = receiver.on_message
    if resume:
        websocket.resume_reading()
    return True
