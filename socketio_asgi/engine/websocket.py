"""The WebSocket transport on plain ASGI: one packet in each message.

Source: https://socket.io/docs/v4/engine-io-protocol/#websocket
"""

from __future__ import annotations

import logging
from typing import Any, cast

import anyio
from starlette.types import Message, Receive, Send

from ..protocol import EngineCodec, Frame
from .outbox import Outbox
from .runtime import Event, Runtime
from .transport import Transport

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

NORMAL_CLOSURE = 1000
SERVICE_RESTART = 1012
MESSAGE_TOO_BIG = 1009

CLOSE_SECONDS = 5.0
"""How long an ASGI server may take to accept a close: it waits for a client that does not read."""


class WebSocketTransport(Transport):
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

    name = "websocket"

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
        self._wake: Event = runtime.event()
        self._sending = False
        self._closing = False
        self._close_code = NORMAL_CLOSURE
        self._close_due = False
        self._scope = anyio.CancelScope()
        # Why the connection ended, once it has.
        self._end: tuple[str, str | None] | None = None

    @property
    def connected(self) -> bool:
        """Always, as long as the transport lasts."""
        return True

    @property
    def writable(self) -> bool:
        """Whether nothing waits and nothing is on its way to the ASGI server."""
        return not (self._sending or self.outbox or self._closing)

    def flush(self) -> None:
        """Let the writer send what waits."""
        self._wake.set()

    def close(self) -> None:
        """Close after everything that waits was sent."""
        self._closing = True
        self._wake.set()

    def abort(self, code: int = NORMAL_CLOSURE) -> None:
        """Close at once; a message that the client does not take is given up."""
        self.outbox: Outbox = Outbox()
        self._close_code = code
        self.close()
        if self._sending:
            self._scope.cancel()

    async def run(self) -> None:
        """Move messages until the connection ends; the owner is told, however it ends."""
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write)
                    await self._read()
                    tasks.cancel_scope.cancel()
            if self._close_due:
                # Not before the end of the reader: granian sends no close while it receives.
                await self._send_close()
        finally:
            reason, description = self._end or ("transport close", None)
            self.owner.transport_closed(self, reason, description)

    async def _read(self) -> None:
        while True:
            try:
                message = await self._receive()
            except Exception as error:  # noqa: BLE001  # some servers raise for a lost client
                message = {"type": "websocket.disconnect", "code": 1006, "reason": repr(error)}
            if message["type"] == "websocket.disconnect":
                return self._on_disconnect(message)
            data = _data(message)
            if self._is_too_big(data):
                self._end = ("transport error", "message is larger than max_http_buffer_size")
                self._close_code, self._close_due = MESSAGE_TOO_BIG, True
                return
            self.owner.receive(data)
            await self.owner.readable()

    def _on_disconnect(self, message: Message) -> None:
        code: int = message.get("code") or NORMAL_CLOSURE
        if self._end is None:
            self._end = ("transport close", f"WebSocket closed with code {code}")
        # Clients may close with this code as well. Only where their reason would come with it is
        # one without a reason the ASGI server's own.
        if code == SERVICE_RESTART and self._names_reasons and "reason" not in message:
            self.owner.server_exits()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = self.runtime.event()
            try:
                await self._send_all()
            except Exception as error:  # noqa: BLE001  # every server has its own for a lost client
                self._end = ("transport error", f"write error: {error!r}")
                return self._scope.cancel()
            if self._closing:
                self._close_due = True
                return self._scope.cancel()

    async def _send_all(self) -> None:
        # A packet leaves the outbox only when the ASGI server has it. The outbox is looked up
        # anew each time: an upgrade or abort() exchanges it.
        self._sending = True
        try:
            while self.outbox:
                outbox = self.outbox
                await self._send(self._message(outbox.first()))
                outbox.take(1)
        finally:
            self._sending = False

    def _message(self, frame: Frame) -> dict[str, Any]:
        if frame.text is not None:
            return {"type": "websocket.send", "text": frame.text}
        return {"type": "websocket.send", "bytes": self.codec.encode_binary(frame.binary or b"")}

    async def _send_close(self) -> None:
        # daphne takes no other of the codes that a server may have to send.
        codes = dict.fromkeys((self._close_code, NORMAL_CLOSURE))
        with anyio.move_on_after(CLOSE_SECONDS):
            for code in codes:
                try:
                    return await self._send({"type": "websocket.close", "code": code})
                except Exception as error:  # noqa: BLE001  # the client was faster
                    logger.debug("a WebSocket did not close with code %s: %r", code, error)

    def _is_too_big(self, data: str | bytes) -> bool:
        # The ASGI server has a limit of its own, which may be larger.
        size = len(data)
        if isinstance(data, str) and not data.isascii():
            size = len(data.encode("utf-8", "replace"))
        return size > self._max_payload


def _data(message: Message) -> str | bytes:
    text: Any = message.get("text")
    return cast("str | bytes", message["bytes"] if text is None else text)
