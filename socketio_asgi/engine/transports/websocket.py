"""The WebSocket transport on plain ASGI: one packet in each message.

Source: https://socket.io/docs/v4/engine-io-protocol/#websocket
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Coroutine, Sequence
from contextvars import Context, copy_context
from typing import Any

from starlette.types import Message, Receive, Send

from ...protocol import EngineCodec, OutgoingPacket
from ...protocol.reasons import TRANSPORT_CLOSE, TRANSPORT_ERROR
from ...runtime import Cancellable, CancelScope, Runtime
from ...websocket.frames import MEDIUM, CloseCode
from ...websocket.python_events import TEXT_EVENT, read_event
from ...websocket.reader import OnEvent
from .base import PACKETS_PER_TURN
from .outbox import Outbox
from .websocket_base import WebSocketBase

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

MAX_UTF8_BYTES = 4
"""The most bytes of a character; so most messages are known to be small enough at once."""

CLOSE_SECONDS = 5.0
"""The time for an ASGI server to take a close: it waits for a client that does not read."""


class WebSocketTransport(WebSocketBase):
    """Packets as messages of a WebSocket that was accepted already.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets to send.
        receive: The ASGI receive channel.
        send: The ASGI send channel.
        max_payload: The largest message that is accepted, in bytes.
        names_reasons: Whether the ASGI server passes on the reasons that clients give.
    """

    __slots__ = (
        "_close_code",
        "_close_due",
        "_closing",
        "_end",
        "_flush_due",
        "_max_payload",
        "_names_reasons",
        "_on_event",
        "_reading",
        "_receive",
        "_send",
        "_sending",
        "_sent_at",
        "context",
        "send_task",
    )

    def __init__(
        self,
        runtime: Runtime,
        codec: EngineCodec,
        outbox: Outbox,
        receive: Receive,
        send: Send,
        *,
        max_payload: int,
        names_reasons: bool,
    ) -> None:
        super().__init__(runtime, codec, outbox)
        self._receive = receive
        self._send = send
        self._max_payload = max_payload
        self._names_reasons = names_reasons
        self._on_event: OnEvent | None = None
        self.context: Context = copy_context()
        self.send_task: Cancellable | None = None
        self._flush_due = False
        # The number of arrivals when something was sent last.
        self._sent_at = -1
        self._sending = False
        self._closing = False
        self._close_code = CloseCode.NORMAL
        self._close_due = False
        self._reading: CancelScope = runtime.cancel_scope()
        # The reason of the end and more about it, once the connection has ended.
        self._end: tuple[str, str | None] | None = None

    def set_on_event(self, on_event: OnEvent) -> None:
        """Set the receiver of short events."""
        self._on_event = on_event

    @property
    def writable(self) -> bool:
        """True while the ASGI server takes what is sent, unless something was sent just before."""
        if self._sending or self._closing:
            return False
        return not self._flush_due or self._sent_at != self.runtime.arrivals

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets when this turn of the event loop is over.

        Handlers of other connections run first, and then all that they have to say is sent: code
        that is interrupted by a system call for each message runs at half the speed.
        """
        self.outbox.extend(packets)
        self._sent_at = self.runtime.arrivals
        if not self._flush_due:
            self._flush_due = True
            self.runtime.send_after_turn(self)

    def flush(self) -> None:
        """Send what waits when this turn of the event loop is over."""
        self.send(())

    def begin_sending(self) -> Coroutine[Any, Any, None] | None:
        """A coroutine that sends all that waits; None when nothing waits, or one is at work."""
        self._flush_due = False
        if self._sending or not (self.outbox.size or self._closing):
            return None
        self._sending = True
        return self._send_all()

    def close(self) -> None:
        """Close after everything that waits was sent."""
        self._closing = True
        self.runtime.send_now(self)  # the ASGI server may be about to end

    def abort(self) -> None:
        """Close at once; a message that the client does not take is given up."""
        self.outbox.clear()
        self._closing = True
        if self.send_task is not None:
            self.send_task.cancel()
        self._end_reading()

    def _end_reading(self) -> None:
        self._close_due = True
        self._reading.cancel()

    async def run(self) -> None:
        """Move messages until the connection ends; the owner is told, however it ends."""
        try:
            async with self._reading:
                await self._read()
            if self._close_due:
                # Not before the end of the reader: granian sends no close while it receives.
                with contextlib.suppress(TimeoutError):
                    await self.runtime.within(CLOSE_SECONDS, self._send_close())
        finally:
            if self.send_task is not None:
                self.send_task.cancel()
            self._sending = True  # nothing is sent any more
            self._on_event = None
            reason, description = self._end or (TRANSPORT_CLOSE, None)
            self._report_end(reason, description)

    async def _read(self) -> None:
        receive, fits = self._receive, self._max_payload // MAX_UTF8_BYTES
        left = PACKETS_PER_TURN
        while True:
            try:
                message = await receive()
            except Exception as error:  # noqa: BLE001  # some servers raise for a lost client
                return self._on_disconnect({"code": 1006, "reason": repr(error)})
            if message["type"] == "websocket.disconnect":
                return self._on_disconnect(message)
            text: Any = message.get("text")
            data: str | bytes = message["bytes"] if text is None else text
            if len(data) > fits and self._is_too_big(data):
                self._end = (TRANSPORT_ERROR, "message is larger than max_http_buffer_size")
                self._close_code, self._close_due = CloseCode.MESSAGE_TOO_BIG, True
                return
            if text is None or text[:2] != TEXT_EVENT or not self._take_event(text):
                self.owner.receive(data)
            if self.owner.paused:
                await self.owner.readable()
            # What has come already is received without a wait, however much it is.
            left -= 1
            if not left:
                left = PACKETS_PER_TURN
                await self.runtime.next_turn()

    def _take_event(self, text: str) -> bool:
        """Take a message that is a short event; False when it is not, or has more to it."""
        on_event = self._on_event
        if on_event is None or len(text) >= MEDIUM:
            return False
        event = read_event(text.encode("utf-8", "surrogatepass"))
        return event is not None and on_event(*event)

    def _on_disconnect(self, message: Message) -> None:
        code: int = message.get("code") or CloseCode.NORMAL
        if self._end is None:
            self._end = (TRANSPORT_CLOSE, f"WebSocket closed with code {code}")
        # Clients may close with this code as well. Only where their reason would come with it is
        # one without a reason the ASGI server's own.
        if code == CloseCode.SERVICE_RESTART and self._names_reasons and "reason" not in message:
            self.owner.server_exits()

    async def _send_all(self) -> None:
        # A packet leaves the outbox only when the ASGI server has it. The outbox is looked up
        # anew each time: an upgrade moves what waits to another one, and abort() clears it.
        try:
            while (packet := self.outbox.first) is not None:
                text = packet.text
                if text is None:
                    message = self._binary(packet)
                else:
                    message = {"type": "websocket.send", "text": text}
                await self._send(message)
                outbox = self.outbox
                if outbox.first is packet:
                    outbox.take_first()
        except Exception as error:  # noqa: BLE001  # every server has its own for a lost client
            self._end = (TRANSPORT_ERROR, f"write error: {error!r}")
            self._reading.cancel()
        else:
            if self._closing:
                self._end_reading()
        finally:
            self._sending = False

    def _binary(self, packet: OutgoingPacket) -> dict[str, Any]:
        return {"type": "websocket.send", "bytes": self.codec.encode_binary(packet.binary or b"")}

    async def _send_close(self) -> None:
        # daphne takes no other of the codes that a server may have to send.
        codes = dict.fromkeys((self._close_code, CloseCode.NORMAL))
        for code in codes:
            try:
                # Autobahn, below daphne, refuses members of an enumeration.
                return await self._send({"type": "websocket.close", "code": int(code)})
            except Exception as error:  # noqa: BLE001  # the client was faster
                logger.debug("a WebSocket did not close with code %s: %r", code, error)

    def _is_too_big(self, data: str | bytes) -> bool:
        # The ASGI server has a limit of its own, which may be larger.
        size = len(data)
        if isinstance(data, str) and not data.isascii():
            size = len(data.encode("utf-8", "replace"))
        return size > self._max_payload
