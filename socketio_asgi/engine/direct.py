"""The WebSocket transport without ASGI in between.

An ASGI server may offer an extension by which an application takes over an accepted WebSocket:
messages come as calls, frames go out as ready bytes, and the application callable returns while
the connection lives on. No task waits per connection, and no message passes a queue. Everything
above the transport is the same.

    attach = scope["extensions"]["socketio_asgi.websocket"]["attach"]
    websocket = attach(receiver, max_size=1_000_000)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from starlette.types import Scope

from ..protocol import EngineCodec, EnginePacketType, Frame
from ..protocol.websocket_frames import CloseCode, text_frame
from .outbox import Outbox
from .runtime import Runtime
from .transport import Transport, TransportOwner

EXTENSION = "socketio_asgi.websocket"
"""The name of the ASGI extension."""

_MESSAGE = b"%d" % EnginePacketType.MESSAGE


class Receiver(Protocol):
    """Who is called with what happens to a WebSocket; everything in the event loop's thread."""

    def on_writable(self) -> None:
        """The client has read: :attr:`DirectWebSocket.paused` is False again."""
        ...

    def on_close(self, code: int, reason: str) -> None:
        """The connection is closed, by whichever side; nothing follows.

        Args:
            code: The close code; 1005 when the client gave none, 1006 when it just went.
            reason: What the side that closed gave as a reason.
        """
        ...

    def on_failure(self, code: int, reason: str) -> None:
        """The connection was closed because the client broke its rules; nothing follows.

        Args:
            code: The close code that the client was sent.
            reason: What it did.
        """
        ...

    def on_server_exit(self) -> None:
        """The ASGI server is about to end; the connection is open for what must be said yet."""
        ...


class DirectWebSocket(Protocol):
    """An accepted WebSocket.

    Attributes:
        on_message: What is called with each message; to be set before the connection is read.
    """

    on_message: Callable[[str | bytes], None]

    @property
    def paused(self) -> bool:
        """Whether the client does not read: what is written now waits in memory."""
        ...

    def write(self, frame: bytes) -> None:
        """Send a frame as it is; with what else is written in this turn of the event loop."""
        ...

    def pause_reading(self) -> None:
        """Receive no more messages."""
        ...

    def resume_reading(self) -> None:
        """Receive messages; an attached connection begins without."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection after what was written; the receiver is told in the next turn."""
        ...

    def abort(self) -> None:
        """Cut the connection; what was written is lost, and the receiver is told later."""
        ...


class Attach(Protocol):
    """What the extension offers."""

    def __call__(self, receiver: Receiver, *, max_size: int) -> DirectWebSocket | None:
        """Take an accepted WebSocket over; it receives nothing until it is told to.

        Args:
            receiver: Who is called from now on.
            max_size: The largest message that is accepted, in bytes.

        Returns:
            The WebSocket; None when it is too late, because messages came already.
        """
        ...


def find_attach(scope: Scope) -> Attach | None:
    """What takes a WebSocket over, if its ASGI server has that."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    extension = extensions.get(EXTENSION)
    return None if extension is None else cast("Attach", extension["attach"])


class DirectTransport(Transport):
    """Packets as frames of a WebSocket that calls back.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets that wait while the client does not read.
    """

    __slots__ = ("_closing", "_websocket")

    name = "websocket"
    _websocket: DirectWebSocket

    def __init__(self, runtime: Runtime, codec: EngineCodec, outbox: Outbox) -> None:
        super().__init__(runtime, codec, outbox)
        self._closing = False

    def take_over(self, attach: Attach, *, max_payload: int) -> bool:
        """Take a WebSocket over; False when that is not possible.

        Args:
            attach: The extension of the ASGI server.
            max_payload: The largest message that is accepted, in bytes.
        """
        websocket = attach(self, max_size=max_payload)
        if websocket is None:
            return False
        self._websocket = websocket
        return True

    async def run(self) -> None:
        """Begin to receive; the connection outlives the call."""
        self._websocket.resume_reading()

    @property
    def connected(self) -> bool:
        """Always, as long as the transport lasts."""
        return True

    @property
    def writable(self) -> bool:
        """Whether the client reads."""
        return not (self._websocket.paused or self._closing)

    # -- out ---------------------------------------------------------------------------------

    def send(self, frames: Sequence[Frame]) -> None:
        """Send packets at once, or when the client reads again."""
        websocket, outbox = self._websocket, self.outbox
        if websocket.paused:
            return outbox.extend(frames)
        encode = self.codec.encode_websocket
        for frame in frames:
            websocket.write(frame.ready or encode(frame))
        if outbox.on_drained is not None:
            outbox.on_drained()

    def send_message(self, message: str | bytes) -> None:
        """Send one message at once, or when the client reads again."""
        websocket, outbox = self._websocket, self.outbox
        if websocket.paused or outbox.on_drained is not None or not isinstance(message, str):
            return super().send_message(message)
        websocket.write(text_frame(_MESSAGE + message.encode("utf-8", "replace")))

    def flush(self) -> None:
        """Send what waits, as far as the client reads."""
        websocket, outbox = self._websocket, self.outbox
        while (frame := outbox.first) is not None and not websocket.paused:
            websocket.write(self.codec.encode_websocket(frame))
            outbox.take_first()
        if self._closing and not outbox:
            websocket.close(CloseCode.NORMAL)

    def close(self) -> None:
        """Close after everything that waits was sent."""
        self._closing = True
        self.flush()

    def abort(self) -> None:
        """Close at once; a client that does not read is cut off."""
        self.outbox: Outbox = Outbox()
        self._closing = True
        if self._websocket.paused:
            self._websocket.abort()
        else:
            self._websocket.close(CloseCode.NORMAL)

    # -- in ----------------------------------------------------------------------------------

    def set_owner(self, owner: TransportOwner) -> None:
        """Say who receives what comes in."""
        super().set_owner(owner)
        self._websocket.on_message = owner.receive  # messages go there without a detour

    def pause_reading(self) -> None:
        """Receive no more messages."""
        self._websocket.pause_reading()

    def resume_reading(self) -> None:
        """Receive messages again."""
        self._websocket.resume_reading()

    def on_writable(self) -> None:
        """The client reads again."""
        self.flush()

    def on_server_exit(self) -> None:
        """The ASGI server is about to end."""
        self.owner.server_exits()

    def on_close(self, code: int, reason: str) -> None:
        """The connection is closed."""
        self.owner.transport_closed(self, "transport close", f"WebSocket closed with code {code}")

    def on_failure(self, code: int, reason: str) -> None:
        """The client broke the rules of WebSocket."""
        self.owner.transport_closed(self, "transport error", reason)
