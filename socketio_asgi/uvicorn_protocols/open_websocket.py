"""An open WebSocket: what uvicorn's event loop calls, and what the application calls.

OPEN ── close() ──→ CLOSING ── the client answers, or not in time ──→ CLOSED
  └── the client closes, breaks the protocol, or goes ───────────────────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import cast

from ..extensions.websocket import Receiver
from ..websocket.frames import CloseCode, Opcode, close_frame, encode_frame
from ..websocket.reader import FrameReader
from .shared import MAX_BUFFERED, ServerContext


class State(Enum):
    """Where a connection stands."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


_OPEN = State.OPEN  # a global name: members of an enum are slow on the way of every frame


class OpenWebSocket(FrameReader, asyncio.Protocol):
    """An accepted WebSocket.

    Args:
        shared: What it shares with the other connections of its server.
        transport: The network.
        receiver: Who gets what comes in.

    Attributes:
        state: Where it stands.
        paused: Whether the client does not read: what is written now waits in memory.
        receiver: Who is told what happens.
    """

    __slots__ = (
        "__weakref__",
        "_held",
        "_held_size",
        "_kept_alive",
        "_network_held",
        "_shared",
        "_transport",
        "paused",
        "receiver",
        "state",
    )

    def __init__(
        self,
        shared: ServerContext,
        transport: asyncio.Transport,
        receiver: Receiver,
        *,
        paused: bool,
    ) -> None:
        super().__init__(shared.config.ws_max_size)
        self.receiver: Receiver = receiver
        self._shared = shared
        self._transport = transport
        # The frames of this turn of the event loop.
        self._held: bytes | list[bytes] | None = None
        self._held_size = 0
        self._kept_alive = False
        self._network_held = False
        self.state: State = State.OPEN
        self.paused: bool = paused
        shared.state.connections.add(self)  # type: ignore[arg-type]

    def keep_alive(self) -> None:
        """Ping the client from now on, if the server is to."""
        if self._shared.keepalive is not None and self.state is _OPEN:
            self._kept_alive = True
            self._shared.keepalive.add(self)

    def attach(self, receiver: Receiver, *, max_size: int) -> None:
        """Let an application take the connection over, which has a heartbeat of its own."""
        self.receiver = receiver
        self.limit_size(max_size)
        self._stop_keepalive()

    def _stop_keepalive(self) -> None:
        if self._kept_alive and self._shared.keepalive is not None:
            self._kept_alive = False
            self._shared.keepalive.discard(self)

    # -- out ---------------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        """Send a frame, with what else is written in this turn of the event loop."""
        held = self._held
        if held is None:
            self._held = frame
            shared = self._shared
            if not shared.unsent:  # as flush_at_end_of_turn(), without a call for each frame
                shared.flush_later()
            return shared.unsent.append(self)
        if isinstance(held, bytes):
            self._held = [held, frame]
            self._held_size = len(held) + len(frame)
        else:
            held.append(frame)
            self._held_size += len(frame)
        if self._held_size > MAX_BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Send what was written in this turn of the event loop, unless it was after a close."""
        held, self._held = self._held, None
        if held is not None and self.state is _OPEN:
            self._transport.write(held if isinstance(held, bytes) else b"".join(held))

    def pause_writing(self) -> None:
        """The client does not read."""
        self.paused = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self.paused = False
        self.receiver.on_writable()

    # -- in ----------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Receive no more messages; what comes yet is kept, within a bound."""
        self.stop_reading()

    def resume_reading(self) -> None:
        """Receive messages, first those that came already."""
        self.start_reading()
        if self._network_held:
            self._network_held = False
            self._transport.resume_reading()

    def hold_network(self) -> None:
        """Let the client wait: nobody reads what it sends."""
        if not self._network_held:
            self._network_held = True
            self._transport.pause_reading()

    def ping_received(self, payload: bytes) -> None:
        """Answer a ping, unless the client does not read the answers."""
        if self.state is State.OPEN and not self.paused:
            self.write(encode_frame(Opcode.PONG, payload))

    def pong_received(self) -> None:
        """The client is alive."""
        if self._kept_alive and self._shared.keepalive is not None:
            self._shared.keepalive.add(self)

    def eof_received(self) -> None:
        """The client sends no more; the event loop closes the connection after what was written."""
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._end(CloseCode.ABNORMAL, "")
        self._shared.state.connections.discard(self)
        self._shared.closing.discard(self)
        self._shared.ending.discard(self)

    # -- the end -----------------------------------------------------------------------------

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Close the connection after what was written; the receiver is told in the next turn.

        Raises:
            ValueError: The code may not be sent.
        """
        if self.state is State.OPEN:
            self.write(close_frame(code, reason))
            self.flush()
            self._shared.loop.call_soon(self.receiver.on_close, code, reason)
            self._let_go(State.CLOSING)
            self._shared.closing.add(self)
            if not self._reading:
                self.resume_reading()  # for the answer

    def abort(self) -> None:
        """Cut the connection."""
        self._held = None
        self._transport.abort()

    def close_received(self, code: int, reason: str) -> None:
        """The client closes the connection, or has answered our close."""
        if self.state is State.OPEN:
            answer = b"" if code == CloseCode.NONE_RECEIVED else code.to_bytes(2, "big")
            self.write(encode_frame(Opcode.CLOSE, answer))
        self.flush()
        self._close_transport()
        self._end(code, reason)

    def frame_failed(self, code: CloseCode, reason: str) -> None:
        """The client broke the protocol."""
        if self.state is State.OPEN:
            self.write(close_frame(code, reason))
        self.flush()
        self._close_transport()
        receiver = self.receiver
        if self._let_go(State.CLOSED):
            receiver.on_failure(code, reason)

    def ping(self) -> None:
        """Ask the client for a sign of life."""
        self.write(encode_frame(Opcode.PING, b""))

    def fail_keepalive(self) -> None:
        """The client gave no sign of life."""
        self.frame_failed(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
        self._shared.ending.add(self)

    def shutdown(self) -> None:
        """The server ends: say goodbye while the connection is open."""
        if self.state is State.OPEN:
            self.receiver.on_server_exit()
        if self.state is State.OPEN:
            self.close(CloseCode.SERVICE_RESTART)
        self.flush()
        self._transport.close()
        self._shared.ending.add(self)

    def _close_transport(self) -> None:
        """Close the network after what was written, for which a client has a bounded time."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._shared.closing.add(self)

    def _end(self, code: int, reason: str) -> None:
        receiver = self.receiver
        if self._let_go(State.CLOSED):
            receiver.on_close(code, reason)

    def _let_go(self, state: State) -> bool:
        """Leave the open state; False when that has happened before."""
        was_open = self.state is State.OPEN
        self.state = state
        self.receiver = NULL_RECEIVER
        self.on_message: Callable[[str | bytes], None] = _drop
        self._stop_keepalive()
        if state is State.CLOSED:
            self._network_held = False  # nothing is read any more, whatever the receiver wants
            self.discard()
        return was_open


def _drop(_data: str | bytes) -> None:
    """Messages after a close are not for anybody."""


class _NullReceiver:
    """The receiver of what comes too late."""

    def on_writable(self) -> None:
        """Nothing waits."""

    def on_close(self, code: int, reason: str) -> None:
        """That is known."""

    def on_failure(self, code: int, reason: str) -> None:
        """That is known."""

    def on_server_exit(self) -> None:
        """The connection is closing."""


NULL_RECEIVER: Receiver = cast("Receiver", _NullReceiver())
