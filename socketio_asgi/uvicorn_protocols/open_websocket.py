"""An open WebSocket: the callbacks of uvicorn's event loop, and the calls of the application.

OPEN ── close() ──→ CLOSING ── the client answers, or not in time ──→ CLOSED
  ├── the client closes, breaks the protocol, or goes ────────────────────┤
  └── it goes, and some of what it has sent is still to be read ─→ LOST ──┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import cast

from ..extensions.websocket import Receiver
from ..websocket.frames import CloseCode, Opcode, Side, close_frame, encode_frame
from ..websocket.reader import FrameReader, OnEvent
from .keepalive import KeepAlive
from .server_context import MAX_BUFFERED, ServerContext


class State(Enum):
    """The states of a connection."""

    OPEN = "open"
    LOST = "lost"
    CLOSING = "closing"
    CLOSED = "closed"


# Global names: members of an enum are slow on the path of every frame, and of every connection.
_OPEN, _LOST, _CLOSING, _CLOSED = State.OPEN, State.LOST, State.CLOSING, State.CLOSED
_LIVE = (_OPEN, _LOST)  # in which the receiver is told what happens
_NONE_RECEIVED, _CLOSE = CloseCode.NONE_RECEIVED, Opcode.CLOSE


class OpenWebSocket(asyncio.BaseProtocol):
    """An accepted WebSocket, in the role of an :class:`asyncio.Protocol` and of a frame sink.

    Args:
        context: The context of its server.
        transport: The network.
        receiver: The recipient of what happens.
        on_message: Called with each message.
        paused: Whether the client does not read at present.

    Attributes:
        data_received: Called by the event loop with what the client sends: the frame reader itself,
            so that a message passes no call in between.
        state: The state of the connection.
        paused: Whether the client does not read: what is written now waits in memory.
        receiver: The recipient of what happens.
    """

    __slots__ = (
        "_buffer",
        "_context",
        "_keepalive",
        "_reader",
        "_transport",
        "data_received",
        "paused",
        "receiver",
        "state",
    )

    def __init__(
        self,
        context: ServerContext,
        transport: asyncio.Transport,
        receiver: Receiver,
        on_message: Callable[[str | bytes], None],
        *,
        paused: bool,
    ) -> None:
        self._reader = FrameReader(
            self, on_message, side=Side.SERVER, max_size=context.config.ws_max_size
        )
        # Event loops may look this up once, when they are given the protocol (uvloop does).
        self.data_received: Callable[[bytes], None] = self._reader.feed
        self.receiver: Receiver = receiver
        self._context = context
        self._transport = transport
        # The frames of this turn of the event loop: one as it is, or several joined.
        self._buffer: bytes | bytearray | None = None
        # The pings, as long as the client is pinged.
        self._keepalive: KeepAlive | None = None
        self.state: State = _OPEN
        self.paused: bool = paused
        context.state.connections.add(self)  # type: ignore[arg-type]

    @classmethod
    def taken_over(
        cls,
        context: ServerContext,
        transport: asyncio.Transport,
        receiver: Receiver,
        response: bytes,
        *,
        max_size: int,
        paused: bool,
    ) -> OpenWebSocket:
        """A WebSocket that an application takes over as it opens, and that is not read yet.

        Args:
            context: The context of its server.
            transport: The network.
            receiver: The recipient of what happens.
            response: The response that opens it, which goes out with the first frames.
            max_size: The largest message that is accepted, in bytes.
            paused: Whether the client does not read at present.
        """
        websocket = cls(context, transport, receiver, _drop, paused=paused)
        # The rest of attach() is as it begins: no pings, and a reader that is paused.
        websocket._reader.limit_size(max_size)
        websocket.write(response)
        return websocket

    def keep_alive(self) -> None:
        """Ping the client from now on, if the server is to."""
        if self._context.keepalive is not None and self.state is _OPEN:
            self._keepalive = self._context.keepalive
            self._keepalive.add(self)

    def attach(self, receiver: Receiver, *, max_size: int) -> None:
        """Let an application take the connection over, which has a heartbeat of its own."""
        self.receiver = receiver
        self._reader.on_message = _drop
        self._reader.on_event = None
        self._reader.limit_size(max_size)
        self._stop_keepalive()

    def _stop_keepalive(self) -> None:
        if self._keepalive is not None:
            self._keepalive.discard(self)
            self._keepalive = None

    # -- out ---------------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        """Send a frame, with what else is written in this turn of the event loop."""
        buffer = self._buffer
        if buffer is None:
            self._buffer = frame
            context = self._context
            if not context.unsent:  # as flush_at_end_of_turn(), without a call for each frame
                context.flush_later()
            return context.unsent.append(self)
        if buffer.__class__ is bytes:
            self._buffer = buffer = bytearray(buffer)
        buffer += frame
        if len(buffer) > MAX_BUFFERED:
            self.flush()
            self._buffer = bytearray()  # the turn goes on

    @property
    def flushed(self) -> bool:
        """True when nothing was written in this turn of the event loop."""
        return self._buffer is None

    def flush(self) -> None:
        """Send what was written in this turn of the event loop, unless it was after a close."""
        buffer, self._buffer = self._buffer, None
        if buffer and self.state is _OPEN:
            self._transport.write(buffer)

    def _write_last(self, frame: bytes) -> None:
        """Send a close frame at once, behind what was written in this turn."""
        buffer, self._buffer = self._buffer, None
        if self.state is _OPEN:
            self._transport.write(frame if buffer is None else b"".join((buffer, frame)))

    def pause_writing(self) -> None:
        """Called when the client does not read."""
        self.paused = True

    def resume_writing(self) -> None:
        """Called when the client reads again."""
        self.paused = False
        self.receiver.on_writable()

    # -- in ----------------------------------------------------------------------------------

    @property
    def on_message(self) -> Callable[[str | bytes], None]:
        """Called with each message; a reader calls it without a detour."""
        return self._reader.on_message

    @on_message.setter
    def on_message(self, on_message: Callable[[str | bytes], None]) -> None:
        self._reader.on_message = on_message

    @property
    def on_event(self) -> OnEvent | None:
        """Called first with a message that is a short event."""
        return self._reader.on_event

    @on_event.setter
    def on_event(self, on_event: OnEvent | None) -> None:
        self._reader.on_event = on_event

    def pause_reading(self) -> None:
        """Receive no more messages; what comes yet is kept, within a bound."""
        self._reader.pause()

    def resume_reading(self) -> None:
        """Receive messages, first those that came already."""
        # Not the network when one of them has led to another pause, or to the end: it would bring
        # more with each call than the receiver takes.
        if self._reader.resume():
            self._transport.resume_reading()

    def backlog_exceeded(self) -> None:
        """Pause the network: the receiver does not read what the client sends."""
        self._transport.pause_reading()

    def turn_exceeded(self) -> None:
        """Let others have their turn before the rest of what came is read.

        The network is paused until then, so that its end does not come before what it has brought.
        """
        self._transport.pause_reading()
        self._context.read_later(self)

    def read_on(self) -> None:
        """Read more of what came."""
        if self._reader.read_on():
            self._transport.resume_reading()
        if self.state is _LOST and not self._reader.read_on_due:
            self._end(CloseCode.ABNORMAL, "")

    def ping_received(self, payload: bytes) -> None:
        """Answer a ping, unless the client does not read the answers."""
        if self.state is _OPEN and not self.paused:
            self.write(encode_frame(Opcode.PONG, payload))

    def pong_received(self) -> None:
        """Note that the client is alive."""
        if self._keepalive is not None:
            self._keepalive.add(self)

    def eof_received(self) -> None:
        """Called when the client sends no more; the event loop closes after what was written."""
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection is gone."""
        if self.state is _OPEN and self._reader.read_on_due:
            self.state = _LOST  # first what came before
        elif self.state is not _CLOSED:
            self._end(CloseCode.ABNORMAL, "")
        self._context.state.connections.discard(self)
        self._context.close_deadlines.discard(self)
        self._context.shutdown_deadlines.discard(self)

    # -- the end -----------------------------------------------------------------------------

    # A buffer is flushed while the state is still OPEN: in any other one flush() drops it, for
    # nothing may follow a close frame (section 5.5.1). And it is flushed before the network is
    # closed, which sends what it was given before.

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Close the connection after what was written; the receiver is told in the next turn.

        Raises:
            ValueError: The code may not be sent.
        """
        if self.state in _LIVE:
            self._write_last(close_frame(code, reason))
            # Later, because the caller may be the receiver, in the middle of something; and of this
            # receiver, because _release() puts another in its place.
            self._context.loop.call_soon(self.receiver.on_close, code, reason)
            if self.state is _LOST:
                self._release(_CLOSED)
            else:
                self._release(_CLOSING)
                self._context.close_deadlines.add(self)
                self.resume_reading()  # for the answer

    def abort(self) -> None:
        """Cut the connection."""
        self._buffer = None
        self._reader.discard()
        self._transport.abort()

    def close_received(self, code: int, reason: str) -> None:
        """Called when the client closes the connection, or has answered our close."""
        if self.state is _OPEN:
            answer = b"" if code == _NONE_RECEIVED else code.to_bytes(2, "big")
            self._write_last(encode_frame(_CLOSE, answer))
        self._close_transport()
        self._end(code, reason)

    def frame_failed(self, code: int, reason: str) -> None:
        """Called when the client broke the protocol."""
        if self.state is _OPEN:
            # The code says all there is about a message that is too large; Node.js adds nothing.
            told = "" if code == CloseCode.MESSAGE_TOO_BIG else reason
            self._write_last(close_frame(code, told))
        self._close_transport()
        receiver = self.receiver
        if self._release(_CLOSED):
            receiver.on_failure(code, reason)

    def ping(self) -> None:
        """Ask the client for a sign of life."""
        self.write(encode_frame(Opcode.PING, b""))

    def fail_keepalive(self) -> None:
        """Give the client up, because it gave no sign of life."""
        self.frame_failed(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
        self._context.shutdown_deadlines.add(self)

    def shutdown(self) -> None:
        """Called when the server ends: let the receiver say goodbye, and close."""
        if self.state is _OPEN:
            self.receiver.on_server_exit()  # while it can still send
        if self.state is _OPEN:  # unless the receiver has closed
            self.close(CloseCode.SERVICE_RESTART)
        # After the close frame, and without waiting for the answer: uvicorn ends when all
        # connections have. A client that does not read has little time left.
        self._transport.close()
        self._context.shutdown_deadlines.add(self)

    def _close_transport(self) -> None:
        """Close the network after what was written, for which a client has a bounded time."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._context.close_deadlines.add(self)

    def _end(self, code: int, reason: str) -> None:
        receiver = self.receiver
        if self._release(_CLOSED):
            receiver.on_close(code, reason)

    def _release(self, state: State) -> bool:
        """Leave the live states and let go of the receiver; False when that was done before."""
        was_live = self.state in _LIVE
        self.state = state
        self.receiver = NULL_RECEIVER
        self._reader.on_message = _drop
        self._reader.on_event = None
        self._stop_keepalive()
        if state is _CLOSED:
            self._reader.discard()
        return was_live


def _drop(_data: str | bytes) -> None:
    """Drop a message: it came after a close, or before there is a recipient."""


class _NullReceiver:
    """The receiver in place of one that was told of the end."""

    def on_writable(self) -> None:
        """Do nothing: nothing waits."""

    def on_close(self, code: int, reason: str) -> None:
        """Do nothing: the end was told."""

    def on_failure(self, code: int, reason: str) -> None:
        """Do nothing: the end was told."""

    def on_server_exit(self) -> None:
        """Do nothing: the connection is closing."""


NULL_RECEIVER: Receiver = cast("Receiver", _NullReceiver())
