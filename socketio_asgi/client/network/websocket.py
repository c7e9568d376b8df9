"""An open WebSocket of a client: a frame reader and frames, on a byte stream.

OPEN ── close() ──→ CLOSING ── the server answers, goes, or not in time ──→ CLOSED
  └── the server closes, breaks the protocol, or goes ────────────────────────┘

In CLOSED the owner knows. The byte stream may last a little longer: the server is the one to end it
(RFC 6455, section 7.1.1), and has a bounded time for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from ...exceptions import TransportError
from ...runtime import Cancellable, Runtime
from ...runtime.link import NOBODY, Link
from ...websocket.frames import (
    CloseCode,
    Opcode,
    Side,
    close_payload,
    encode_frame,
    encode_masked_frame,
)
from ...websocket.masking import Masks
from ...websocket.reader import FrameReader
from .base import WebSocketOwner
from .failures import reason_of

CLOSE_SECONDS: Final = 5.0
"""The time for the close handshake, and for the end of the byte stream after it."""

MAX_WAITING_PONGS: Final = 64 * 1024
"""Bytes that wait for the server, beyond which pings are not answered: it does not read."""


class State(Enum):
    """The states of a connection."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


_OPEN = State.OPEN  # a global name: members of an enum are slow on the path of every frame
_TEXT, _BINARY = int(Opcode.TEXT), int(Opcode.BINARY)


class ClientWebSocket:
    """An open WebSocket; the owner of its byte stream, and the sink of its frame reader.

    Args:
        link: The byte stream; this becomes its owner.
        owner: The transport; it hears nothing before :meth:`start`.
        runtime: The event loop.
        location: The host and port, for errors.
        max_size: The largest message that is accepted, in bytes; None is any.
        lingering: Where it stands while its byte stream lasts longer than itself.

    Attributes:
        state: The state of the connection.
    """

    __slots__ = (
        "__weakref__",
        "_lingering",
        "_link",
        "_location",
        "_lost",
        "_lost_with",
        "_masks",
        "_owner",
        "_paused",
        "_reader",
        "_runtime",
        "_timer",
        "state",
    )

    def __init__(
        self,
        link: Link,
        owner: WebSocketOwner,
        runtime: Runtime,
        *,
        location: str,
        max_size: int | None,
        lingering: set[ClientWebSocket],
    ) -> None:
        self._owner: WebSocketOwner | None = owner
        self._runtime = runtime
        self._location = location
        self._lingering = lingering
        self._reader = FrameReader(self, owner.on_message, side=Side.CLIENT, max_size=max_size)
        self.state: State = State.OPEN
        self._paused = False
        self._lost = False
        self._lost_with: Exception | None = None
        self._timer: Cancellable | None = None
        self._masks = Masks()
        self._link: Link = link
        link.owner = self

    def start(self) -> None:
        """Call back from now on, at once for what came already."""
        self._read_on(self._reader.resume)

    # -- for the transport -------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """The bytes that wait to be handed to the operating system."""
        return self._link.buffered

    def send(self, messages: Sequence[str | bytes]) -> None:
        """Send messages, each as one frame; does nothing once it has ended."""
        if self.state is not _OPEN:
            return
        write, next_mask = self._link.write, self._masks.next
        for message in messages:
            if isinstance(message, str):
                # As everywhere else, half a character becomes a question mark.
                write(encode_frame(_TEXT, message.encode("utf-8", "replace"), next_mask()))
            else:
                write(encode_frame(_BINARY, message, next_mask()))

    def pause_reading(self) -> None:
        """Call back with no more messages, and let the server wait."""
        if self.state is not State.CLOSED:
            self._paused = True
            self._reader.pause()
            self._link.pause_reading()

    def resume_reading(self) -> None:
        """Go on with the messages."""
        if self._paused and self.state is not State.CLOSED:
            self._paused = False
            self._read_on(self._reader.resume)

    def close(self) -> None:
        """Close it properly; what was sent before goes first.

        Messages that come until the server answers are still handed over, unless reading is paused.
        """
        if self.state is _OPEN:
            self.state = State.CLOSING
            self._write_close(CloseCode.NORMAL)
            self._set_timer()
            if self._paused:  # else the answer would wait behind messages that nobody wants
                self._reader.on_message = _drop
                self.resume_reading()

    def abort(self) -> None:
        """End it at once; the owner hears nothing more."""
        self.state = State.CLOSED
        self._owner = None
        self._reader.discard()
        self._gone()
        self._link.abort()

    # -- for the byte stream -----------------------------------------------------------------

    def on_data(self, data: bytes) -> None:
        """Read what came."""
        self._reader.feed(data)

    def on_drain(self) -> None:
        """Tell the owner that nothing waits any more."""
        if self._owner is not None:
            self._owner.on_drain()

    def on_end(self, error: Exception | None) -> None:
        """The byte stream has ended; the owner hears that after the messages before it."""
        if self.state is State.CLOSED:
            self._gone()
        elif self._paused or self._reader.read_on_due:
            self._lost, self._lost_with = True, error
        else:
            self._lose(error)

    # -- for the frame reader ----------------------------------------------------------------

    def ping_received(self, payload: bytes) -> None:
        """Answer a ping (section 5.5.3)."""
        if self.state is _OPEN and self._link.buffered <= MAX_WAITING_PONGS:
            self._link.write(encode_masked_frame(Opcode.PONG, payload))

    def pong_received(self) -> None:
        """Nothing was asked."""

    def close_received(self, code: int, reason: str) -> None:
        """The server has closed it, or has answered (section 5.5.1)."""
        if self.state is _OPEN:
            self._write_close(code)
        self._end(None, code)

    def frame_failed(self, code: int, reason: str) -> None:
        """The server broke the protocol (section 7.1.7)."""
        if self.state is _OPEN:
            self._write_close(code)
        message = f"{self._location} broke the rules of WebSocket: {reason}"
        self._end(TransportError(message), code)

    def backlog_exceeded(self) -> None:
        """Let the server wait: the owner reads nothing."""
        self._link.pause_reading()

    def turn_exceeded(self) -> None:
        """Let others have their turn before the rest of what came is read."""
        self._link.pause_reading()
        self._runtime.call_later(0, self._next_turn)

    def _next_turn(self) -> None:
        if self.state is not State.CLOSED:
            self._read_on(self._reader.read_on)

    def _read_on(self, read: Callable[[], bool]) -> None:
        if read():
            self._link.resume_reading()
        if self._lost and not self._paused and not self._reader.read_on_due:
            self._lose(self._lost_with)

    # -- the end -----------------------------------------------------------------------------

    def _write_close(self, code: int) -> None:
        payload = b"" if code == CloseCode.NONE_RECEIVED else close_payload(code)
        self._link.write(encode_masked_frame(Opcode.CLOSE, payload))

    def _lose(self, error: Exception | None) -> None:
        if self.state is State.CLOSED:
            return
        reason = "it was closed there" if error is None else reason_of(error)
        self._end(TransportError(f"the connection with {self._location} is lost: {reason}"))
        self._gone()

    def _end(self, error: Exception | None, code: int = CloseCode.ABNORMAL) -> None:
        """Tell the owner; the byte stream ends by itself, or when its time is up."""
        self.state = State.CLOSED
        owner, self._owner = self._owner, None
        self._reader.discard()
        self._link.resume_reading()
        if self._timer is None:
            self._set_timer()
        self._lingering.add(self)
        if owner is not None:
            owner.on_end(error, int(code))

    def _set_timer(self) -> None:
        self._timer = self._runtime.call_later(CLOSE_SECONDS, self._on_time_up)

    def _on_time_up(self) -> None:
        if self.state is State.CLOSED:
            return self.abort()
        self._end(None)
        self.abort()

    def _gone(self) -> None:
        self._lingering.discard(self)
        # They are to be freed without the garbage collector.
        self._link.owner = NOBODY
        self._reader.on_message = _drop
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _drop(message: str | bytes) -> None:
    """Nobody wants the message."""
