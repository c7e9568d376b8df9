"""The ASGI side of a WebSocket: runs the application, and is its ``receive`` and ``send``.

    CONNECTING ── websocket.accept ──────────────→ OPEN ──────→ CLOSED
        ├──────── websocket.http.response.start ─→ REFUSING ──────↑
        └──────── websocket.close ────────────────────────────────┘

From each of the first three, GONE is reached when the client leaves, or the server ends.

An application that takes the connection over (:meth:`ASGIConnection.attach`) returns while the
WebSocket lives on; nothing refers to the ASGI side then.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Protocol

from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.utils import ClientDisconnected

from ..extensions.websocket import EXTENSION, AttachedWebSocket, Receiver
from ..websocket.frames import CloseCode, Opcode, encode_frame, text_frame
from ..websocket.headers import Header
from .open_websocket import OpenWebSocket
from .scopes import log_websocket
from .server_context import ServerContext, logger

MAX_QUEUED = 16
"""Messages that may wait for the application; then the client is not read."""

MAX_QUEUED_SIZE = 64 * 1024
"""Length of a message that waits alone, so that a few large ones do not fill the memory."""


class Phase(Enum):
    """The phases of a connection, with what the application may do."""

    CONNECTING = "decide about the connection"
    OPEN = "send and close"
    REFUSING = "send the body of its response"
    CLOSED = "send nothing more"
    GONE = "send nothing to a client that has left"


class PendingConnection(Protocol):
    """A connection before it is a WebSocket, or instead."""

    @property
    def paused(self) -> bool:
        """True while the client does not read."""
        ...

    def accept(self, connection: ASGIConnection, headers: Iterable[Header]) -> OpenWebSocket | None:
        """Turn the connection into a WebSocket.

        Args:
            connection: The recipient of what happens to it.
            headers: Headers of the response.

        Returns:
            The WebSocket; None when the client has left.

        Raises:
            ValueError: A header would break out of its line.
        """
        ...

    def refuse(self, status: int, text: str) -> None:
        """Answer with a whole HTTP response, unless one has begun already, and end."""
        ...

    def begin_response(self, status: int, headers: Iterable[Header]) -> None:
        """Answer with an HTTP response whose body the application makes.

        Raises:
            ValueError: The status is no such code, or a header would break out of its line.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send a part of the response."""
        ...

    def end(self) -> None:
        """Close the connection after what was written."""
        ...


class ASGIConnection:
    """One run of an ASGI application.

    Args:
        context: The context of the server.
        pending: The connection until it is accepted.
        scope: The scope of the connection.
    """

    __slots__ = (
        "_context",
        "_disconnected",
        "_drained",
        "_head",
        "_pending",
        "_phase",
        "_queue",
        "_reading_paused",
        "_scope",
        "_waiters",
        "_websocket",
    )

    def __init__(self, context: ServerContext, pending: PendingConnection, scope: Scope) -> None:
        self._context = context
        self._pending = pending
        self._scope = scope
        self._phase = Phase.CONNECTING
        # The WebSocket, in the phase OPEN.
        self._websocket: OpenWebSocket | None = None
        self._queue: deque[Message] = deque([{"type": "websocket.connect"}])
        self._waiters: list[asyncio.Future[None]] = []
        self._drained: asyncio.Future[None] | None = None
        # The beginning of a response whose first piece of body is to come.
        self._head: tuple[int, list[Header]] | None = None
        # Whether the client is not read; for the turn of accept, in which the connection may be
        # taken over, and while enough messages wait.
        self._reading_paused = True
        self._disconnected = False
        scope["extensions"][EXTENSION] = {"attach": self.attach}

    def _enter(self, phase: Phase, websocket: OpenWebSocket | None = None) -> None:
        self._phase = phase
        self._websocket = websocket

    # -- the application ---------------------------------------------------------------------

    def start(self) -> None:
        """Run the application, in a task of its own."""
        context = self._context
        task = context.loop.create_task(self._run(context.application))
        context.state.tasks.add(task)
        task.add_done_callback(context.state.tasks.discard)

    async def _run(self, app: ASGIApp) -> None:
        try:
            await app(self._scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException as error:
            logger.exception("Exception in ASGI application\n")
            self._finish(CloseCode.INTERNAL_ERROR)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        else:
            if self._phase is Phase.CONNECTING:
                logger.error("ASGI callable returned without completing handshake.")
            self._finish(CloseCode.NORMAL)
        finally:
            self._scope["extensions"].pop(EXTENSION, None)  # which refers back to this object

    def _finish(self, code: CloseCode) -> None:
        """End what the application has left open."""
        if self._phase in (Phase.CONNECTING, Phase.REFUSING):
            self._pending.refuse(500, "Internal Server Error")
        elif self._websocket is not None:
            self._websocket.close(code)
        if self._phase is not Phase.GONE:
            self._enter(Phase.CLOSED)

    def attach(self, receiver: Receiver, *, max_size: int) -> AttachedWebSocket | None:
        """Let an application take the connection over; see :class:`.Attach`."""
        websocket = self._websocket
        if websocket is None or self._queue:
            return None
        # Paused before there is another receiver: what comes until that begins is kept for it.
        websocket.pause_reading()
        websocket.attach(receiver, max_size=max_size)
        self._enter(Phase.CLOSED)
        # The scope outlives the call, and must not keep this object.
        del self._scope["extensions"][EXTENSION]
        return websocket

    # -- receive -----------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Receive the next event; after the end, always that it has come."""
        queue = self._queue
        if not queue:
            self._resume_reading()
        while not queue:
            waiter = self._context.loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)
        if queue[0]["type"] == "websocket.disconnect":
            return queue[0]
        return queue.popleft()

    def _resume_reading(self) -> None:
        if self._reading_paused and self._websocket is not None:
            # First, because a message that waits already may pause it again.
            self._reading_paused = False
            self._websocket.resume_reading()

    def _put(self, message: Message) -> None:
        self._queue.append(message)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- send --------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send an event.

        Raises:
            ClientDisconnected: The client has left.
            RuntimeError: The event does not fit here.
            ValueError: A header, a status or a close code is not valid.
        """
        phase, kind, websocket = self._phase, message["type"], self._websocket
        if websocket is not None and kind == "websocket.send":
            await self._send(websocket, message)
        elif websocket is not None and kind == "websocket.close":
            websocket.close(message.get("code", CloseCode.NORMAL), message.get("reason") or "")
            self._enter(Phase.CLOSED)
        elif phase is Phase.CONNECTING and kind == "websocket.accept":
            self._accept(message)
        elif phase is Phase.CONNECTING and kind == "websocket.close":
            self._log("403")
            self._pending.refuse(403, "")
            self._end(Phase.CLOSED, CloseCode.ABNORMAL, "")
        elif phase is Phase.CONNECTING and kind == "websocket.http.response.start":
            self._head = (message["status"], list(message.get("headers", ())))
            self._enter(Phase.REFUSING)
        elif phase is Phase.REFUSING and kind == "websocket.http.response.body":
            await self._send_body(message)
        elif phase is Phase.GONE:
            raise ClientDisconnected
        else:
            raise RuntimeError(
                f"unexpected ASGI message {kind!r}: the application may {phase.value}"
            )

    def _accept(self, message: Message) -> None:
        headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        subprotocol = message.get("subprotocol")
        if subprotocol:
            headers.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        websocket = self._pending.accept(self, headers)
        if websocket is None:
            raise ClientDisconnected
        self._enter(Phase.OPEN, websocket)
        self._context.loop.call_soon(self._begin)
        self._log("[accepted]")

    def _begin(self) -> None:
        """Begin to read: the turn of accept is over, and the connection was not taken over."""
        if self._websocket is not None:
            self._websocket.keep_alive()
            # Also for an application that never receives: pings and closes are to be answered.
            self._resume_reading()

    async def _send(self, websocket: OpenWebSocket, message: Message) -> None:
        if websocket.paused:
            await self._writable()
            if self._websocket is None:
                raise ClientDisconnected
        data = message.get("bytes")
        if data is None:
            websocket.write(text_frame(message["text"].encode()))
        else:
            websocket.write(encode_frame(Opcode.BINARY, bytes(data)))

    async def _send_body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._head is not None:
            self._begin_response(*self._head, size=None if more else len(body))
            self._head = None
        self._pending.write(body)
        if not more:
            self._pending.end()
            self._end(Phase.CLOSED, CloseCode.ABNORMAL, "")
        elif self._pending.paused:
            await self._writable()

    def _begin_response(self, status: int, headers: list[Header], *, size: int | None) -> None:
        names = {bytes(name).lower() for name, _ in headers}
        if size is not None and b"content-length" not in names:
            headers.append((b"content-length", b"%d" % size))
        self._pending.begin_response(status, headers)
        self._log(str(status))

    async def _writable(self) -> None:
        if self._drained is None:
            self._drained = self._context.loop.create_future()
        await asyncio.shield(self._drained)

    def _release_senders(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _log(self, outcome: str) -> None:
        log_websocket(self._context, self._scope, outcome)

    # -- what happens to the connection ------------------------------------------------------

    def client_left(self) -> None:
        """Give the WebSocket up: the client has left, or the server ends."""
        if self._phase in (Phase.CONNECTING, Phase.REFUSING):
            self._end(Phase.GONE, CloseCode.ABNORMAL, "")

    def on_message(self, data: str | bytes) -> None:
        """Called when a message came, which the application will receive."""
        kind = "text" if isinstance(data, str) else "bytes"
        self._put({"type": "websocket.receive", kind: data})
        full = len(self._queue) >= MAX_QUEUED or len(data) > MAX_QUEUED_SIZE
        if full and self._websocket is not None:
            self._reading_paused = True
            self._websocket.pause_reading()

    def on_writable(self) -> None:
        """Called when the client reads again."""
        self._release_senders()

    def on_close(self, code: int, reason: str) -> None:
        """Called when the WebSocket is closed."""
        self._end(Phase.GONE, code, reason)

    def on_failure(self, code: int, reason: str) -> None:
        """Called when the WebSocket was closed because the client broke the protocol."""
        self._end(Phase.GONE, code, reason)

    def on_server_exit(self) -> None:
        """Called when the server ends; closes the WebSocket."""
        # Without a reason: that is how an application knows it from what a client says.
        self._end(Phase.GONE, CloseCode.SERVICE_RESTART, None)

    def _end(self, phase: Phase, code: int, reason: str | None) -> None:
        # Several things may end a connection, one after another, and the first counts.
        if self._phase not in (Phase.CLOSED, Phase.GONE):
            self._enter(phase)
        if not self._disconnected:
            self._disconnected = True
            named = {} if reason is None else {"reason": reason}
            self._put({"type": "websocket.disconnect", "code": code, **named})
        self._release_senders()
