"""One WebSocket to an ASGI application in this process: the application's side and the client's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Any

from starlette.types import Message

from ..client.network.base import WebSocketOwner
from ..runtime import Runtime
from ..websocket.frames import CloseCode
from ..websocket.headers import Header
from .line import CUT, Line
from .signal import Signal

BUFFER_BYTES = 65_536
"""Bytes that are on their way in either direction, without either side noticing: about what the
operating system holds for a connection."""


class ClientGone(OSError):
    """The application sends to a client that has gone.

    Source: https://asgi.readthedocs.io/en/stable/specs/www.html#send-send-event
    """


class WebSocketExchange:
    """The two sides of a WebSocket.

    Args:
        runtime: The event loop.
        line: The line that it goes over.
        owner: The client's transport.
        on_fault: Called with what a callback of the owner raises.

    Attributes:
        accepted: Whether the application has accepted it.
        status: The status of the refusal, if there is one.
        headers: The headers of the acceptance or of the refusal.
        body: The body of the refusal.
    """

    def __init__(
        self,
        runtime: Runtime,
        line: Line,
        owner: WebSocketOwner,
        on_fault: Callable[[Exception], object],
    ) -> None:
        self.accepted: bool = False
        self.status: int | None = None
        self.headers: list[Header] = []
        self.body: bytearray = bytearray()
        self._line = line
        self._owner = owner
        self._on_fault = on_fault
        self._context: Context = copy_context()
        self._changed = Signal(runtime)
        self._answered = False
        self._ended = False
        self._reading = True
        # What the application has still to receive, and its bytes.
        self._to_application: deque[Message] = deque([{"type": "websocket.connect"}])
        self._buffered = 0
        self._was_full = False
        # The end, as the application receives it, and whether it has.
        self._disconnect: Message | None = None
        self._application_told = False
        self._client_told = False
        # What the client has still to receive, and its bytes; last of all the end.
        self._to_client: deque[str | bytes | tuple[Exception | None, int]] = deque()
        self._held = 0

    # -- the client's side -------------------------------------------------------------------

    async def answered(self) -> None:
        """Wait until the application has accepted the WebSocket, or refused it."""
        while not self._answered:
            await self._changed.wait()

    def refusal(self) -> tuple[str, int | None, str]:
        """The refusal of a client: a sentence, the status and the body."""
        if self.status is None:
            return CUT, None, ""
        body = self.body.decode("utf-8", "replace")
        message = f"the server refused the WebSocket with status {self.status}: {body[:200]}"
        return message.removesuffix(": "), self.status, body

    @property
    def buffered(self) -> int:
        """The bytes that wait to be handed to the operating system, if there were one."""
        return max(0, self._buffered - BUFFER_BYTES)

    def send(self, messages: Sequence[str | bytes]) -> None:
        """Send messages; does nothing once it has ended."""
        if self._ended or self._disconnect is not None:
            return
        for message in messages:
            kind = "text" if isinstance(message, str) else "bytes"
            self._to_application.append({"type": "websocket.receive", kind: message})
            self._buffered += len(message)
        self._was_full = self.buffered > 0
        self._changed.notify()

    def pause_reading(self) -> None:
        """Call back with no more messages."""
        self._reading = False

    def resume_reading(self) -> None:
        """Go on with the messages."""
        self._reading = True
        self._deliver()

    def close(self) -> None:
        """Close it properly, after everything that waits; the owner hears the server's answer."""
        self._reading = True
        self._hang_up(CloseCode.NORMAL)

    def abort(self) -> None:
        """End it at once; the owner hears nothing more."""
        self._ended = self._client_told = True
        self._to_application.clear()
        self._to_client.clear()
        self._hang_up(CloseCode.ABNORMAL)
        self._line.connections.discard(self)

    # -- the line ----------------------------------------------------------------------------

    def on_lost(self) -> None:
        """Called when the line breaks."""
        self._to_application.clear()
        self._to_client.clear()
        self._answered = True
        self._hang_up(CloseCode.ABNORMAL)
        self._end(ConnectionResetError(CUT), CloseCode.ABNORMAL)

    def on_restored(self) -> None:
        """Called when the line is no longer stalled."""
        self._changed.notify()
        self._deliver()

    # -- the application's side --------------------------------------------------------------

    async def receive_event(self) -> Message:
        """Receive what the client does; for the application."""
        while True:
            if not self._line.stalled:
                if self._to_application:
                    return self._take()
                if self._disconnect is not None:
                    return self._take_end(self._disconnect)
            await self._changed.wait()

    def _take(self) -> Message:
        message = self._to_application.popleft()
        if message["type"] == "websocket.receive":
            self._buffered -= len(message.get("text", message.get("bytes")))
            if self._was_full and not self.buffered:
                self._was_full = False
                self._call(self._owner.on_drain)
        return message

    def _take_end(self, message: Message) -> Message:
        if not self._application_told:
            self._application_told = True
            self._end(None, message["code"])
        return message

    async def send_event(self, message: Message) -> None:
        """Send what the application does; for the application.

        Raises:
            ClientGone: The client has gone.
            RuntimeError: The message is out of place.
        """
        if self._application_told:
            raise ClientGone("the client has gone")
        if self._disconnect is not None:
            return  # it goes to nobody, but the application does not know that yet
        kind = message["type"]
        if self.accepted:
            await self._send_open(kind, message)
        elif not self._answered:
            self._answer(kind, message)
        elif kind != "websocket.http.response.body":
            raise RuntimeError(f"{kind} was sent after the WebSocket was refused")

    def _answer(self, kind: str, message: Message) -> None:
        if kind == "websocket.accept":
            self.accepted = True
            self.headers = list(message.get("headers", ()))
        elif kind == "websocket.close":
            self.status = 403
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
            return
        elif kind == "websocket.http.response.body" and self.status is not None:
            self.body += message.get("body", b"")
            if message.get("more_body", False):
                return
        else:
            raise RuntimeError(f"{kind} was sent before websocket.accept")
        self._answered = True
        self._changed.notify()

    async def _send_open(self, kind: str, message: Message) -> None:
        if kind == "websocket.close":
            code = message.get("code") or CloseCode.NORMAL
            self._hang_up(code)
            self._end(None, code)
        elif kind == "websocket.send":
            text = message.get("text")
            data: str | bytes = message["bytes"] if text is None else text
            self._to_client.append(data)
            self._held += len(data)
            self._deliver()
            while self._held > BUFFER_BYTES and not self._ended:
                await self._changed.wait()
        else:
            raise RuntimeError(f"{kind} was sent over an open WebSocket")

    def on_return(self, error: Exception | None) -> None:
        """Called when the application has returned, or raised."""
        if not self._answered:
            self.status = 500
            self._answered = True
        elif self.accepted:
            self._hang_up(CloseCode.NORMAL if error is None else CloseCode.INTERNAL_ERROR)
        if self._disconnect is not None:
            self._take_end(self._disconnect)
        self._changed.notify()

    # -- both --------------------------------------------------------------------------------

    def _hang_up(self, code: int) -> None:
        """Let the application hear of the end, after what it has still to receive."""
        if self._disconnect is None:
            self._disconnect = {"type": "websocket.disconnect", "code": int(code), "reason": ""}
        self._changed.notify()

    def _end(self, error: Exception | None, code: int) -> None:
        """Let the client hear of the end, after what it has still to receive, and once."""
        if self._client_told:
            return
        self._client_told = True
        self._to_client.append((error, int(code)))
        self._deliver()

    def _deliver(self) -> None:
        """Hand over what came, as far as the client reads and the line lets it through."""
        before = self._held
        while self._to_client and self._reading and not (self._line.stalled or self._ended):
            item = self._to_client.popleft()
            if isinstance(item, tuple):
                self._ended = True
                self._line.connections.discard(self)
                self._call(self._owner.on_end, *item)
            else:
                self._held -= len(item)
                self._call(self._owner.on_message, item)
        if self._held < before or self._ended:
            self._changed.notify()

    def _call(self, callback: Callable[..., None], *args: Any) -> None:
        # In a copy of the client's context: this may well be the server's task. A copy, because
        # the client itself may run just now, and a callback may lead to the next one.
        try:
            self._context.copy().run(callback, *args)
        except Exception as error:  # noqa: BLE001  # the server has nothing to do with it
            self._on_fault(error)
