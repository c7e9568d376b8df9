"""The ASGI side of a WebSocket: runs the application, and is its ``receive`` and ``send``.

    CONNECTING ── websocket.accept ──────────────→ OPEN ──────→ CLOSED
        ├──────── websocket.http.response.start ─→ REFUSING ──────↑
        └──────── websocket.close ────────────────────────────────┘

From each of the first three, GONE is reached when the client leaves, or the server ends.

An application that takes the connection over (:meth:`Channel.attach`) returns while the connection
lives on; the channel is done then.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_path_with_query_string,
)

from ..extensions.websocket import EXTENSION, AttachedWebSocket, Receiver
from ..websocket.frames import CloseCode, Opcode, encode_frame, text_frame
from .shared import logger

if TYPE_CHECKING:
    from ..websocket.headers import Header
    from .open_websocket import OpenWebSocket
    from .websocket import WebSocketProtocol

MAX_QUEUED = 16
"""Messages that may wait for the application; then the client is not read."""

MAX_QUEUED_SIZE = 64 * 1024
"""Length of a message that waits alone, so that a few large ones do not fill the memory."""


class Phase(Enum):
    """What the application may do."""

    CONNECTING = "decide about the connection"
    OPEN = "send and close"
    REFUSING = "send the body of its response"
    CLOSED = "send nothing more"
    GONE = "send nothing to a client that has left"


class Channel:
    """One run of an ASGI application.

    Args:
        protocol: The connection until it is accepted.
        scope: The scope of the connection.
    """

    __slots__ = (
        "_connection",
        "_disconnected",
        "_drained",
        "_head",
        "_phase",
        "_protocol",
        "_queue",
        "_scope",
        "_stopped",
        "_waiters",
    )

    _connection: OpenWebSocket  # once it is accepted

    def __init__(self, protocol: WebSocketProtocol, scope: Scope) -> None:
        self._protocol = protocol
        self._scope = scope
        self._phase = Phase.CONNECTING
        self._queue: deque[Message] = deque([{"type": "websocket.connect"}])
        self._waiters: list[asyncio.Future[None]] = []
        self._drained: asyncio.Future[None] | None = None
        # The beginning of a response whose first piece of body is to come.
        self._head: tuple[int, list[Header]] | None = None
        # Whether the client is not read; for the turn of accept, in which the connection may be
        # taken over, and while enough messages wait.
        self._stopped = True
        self._disconnected = False
        scope["extensions"][EXTENSION] = {"attach": self.attach}

    # -- the application ---------------------------------------------------------------------

    def start(self) -> None:
        """Run the application, in a task of its own."""
        shared = self._protocol.shared
        task = shared.loop.create_task(self._run(shared.application))
        shared.state.tasks.add(task)
        task.add_done_callback(shared.state.tasks.discard)

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
            self._scope["extensions"].pop(EXTENSION, None)  # which refers back to the channel

    def _finish(self, code: CloseCode) -> None:
        """End what the application has left open."""
        if self._phase in (Phase.CONNECTING, Phase.REFUSING):
            self._protocol.refuse(500, "Internal Server Error")
        elif self._phase is Phase.OPEN:
            self._connection.close(code)
        if self._phase is not Phase.GONE:
            self._phase = Phase.CLOSED

    def attach(self, receiver: Receiver, *, max_size: int) -> AttachedWebSocket | None:
        """Let an application take the connection over; see :class:`Attach`."""
        if self._phase is not Phase.OPEN or self._queue:
            return None
        connection = self._connection
        connection.pause_reading()
        connection.attach(receiver, max_size=max_size)
        self._phase = Phase.CLOSED
        # The scope outlives the call, and must not hold the channel.
        del self._scope["extensions"][EXTENSION]
        return connection

    # -- receive -----------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Receive the next event; after the end, always that it has come."""
        queue = self._queue
        if not queue:
            self._start_reading()
        while not queue:
            waiter = self._protocol.shared.loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)
        if queue[0]["type"] == "websocket.disconnect":
            return queue[0]
        return queue.popleft()

    def _start_reading(self) -> None:
        if self._stopped and self._phase is Phase.OPEN:
            self._stopped = False
            self._connection.resume_reading()

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
        phase, kind = self._phase, message["type"]
        if phase is Phase.OPEN and kind == "websocket.send":
            await self._send(message)
        elif phase is Phase.OPEN and kind == "websocket.close":
            self._close(message)
        elif phase is Phase.CONNECTING and kind == "websocket.accept":
            self._accept(message)
        elif phase is Phase.CONNECTING and kind == "websocket.close":
            self._log("403")
            self._protocol.refuse(403, "")
            self._end(Phase.CLOSED, CloseCode.ABNORMAL, "")
        elif phase is Phase.CONNECTING and kind == "websocket.http.response.start":
            self._head = (message["status"], list(message.get("headers", ())))
            self._phase = Phase.REFUSING
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
        connection = self._protocol.accept(self, headers)
        if connection is None:
            raise ClientDisconnected
        self._connection = connection
        self._phase = Phase.OPEN
        self._protocol.shared.loop.call_soon(self._begin)
        self._log("[accepted]")

    def _begin(self) -> None:
        """The turn of accept is over, and nobody has taken the connection over in it."""
        if self._phase is Phase.OPEN:
            self._connection.keep_alive()
            # Also for an application that never receives: pings and closes are to be answered.
            self._start_reading()

    async def _send(self, message: Message) -> None:
        connection = self._connection
        if connection.paused:
            await self._writable()
            if self._phase is not Phase.OPEN:
                raise ClientDisconnected
        data = message.get("bytes")
        if data is None:
            connection.write(text_frame(message["text"].encode()))
        else:
            connection.write(encode_frame(Opcode.BINARY, bytes(data)))

    def _close(self, message: Message) -> None:
        code = message.get("code", CloseCode.NORMAL)
        self._connection.close(code, message.get("reason") or "")
        self._phase = Phase.CLOSED

    async def _send_body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._head is not None:
            self._begin_response(*self._head, size=None if more else len(body))
            self._head = None
        self._protocol.write(body)
        if not more:
            self._protocol.end()
            self._end(Phase.CLOSED, CloseCode.ABNORMAL, "")
        elif self._protocol.paused:
            await self._writable()

    def _begin_response(self, status: int, headers: list[Header], *, size: int | None) -> None:
        names = {bytes(name).lower() for name, _ in headers}
        if size is not None and b"content-length" not in names:
            headers.append((b"content-length", b"%d" % size))
        self._protocol.begin_response(status, headers)
        self._log(str(status))

    async def _writable(self) -> None:
        if self._drained is None:
            self._drained = self._protocol.shared.loop.create_future()
        await asyncio.shield(self._drained)

    def _release_senders(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _log(self, outcome: str) -> None:
        if self._protocol.shared.config.access_log and logger.isEnabledFor(logging.INFO):
            scope = self._scope
            path = get_path_with_query_string(scope)  # type: ignore[arg-type]
            address = get_client_addr(scope)  # type: ignore[arg-type]
            logger.info('%s - "WebSocket %s" %s', address, path, outcome)

    # -- what happens to the connection ------------------------------------------------------

    def client_left(self) -> None:
        """There will be no WebSocket: the client has left, or the server ends."""
        if self._phase in (Phase.CONNECTING, Phase.REFUSING):
            self._end(Phase.GONE, CloseCode.ABNORMAL, "")

    def on_message(self, data: str | bytes) -> None:
        """A message came, which the application will receive."""
        kind = "text" if isinstance(data, str) else "bytes"
        self._put({"type": "websocket.receive", kind: data})
        if len(self._queue) >= MAX_QUEUED or len(data) > MAX_QUEUED_SIZE:
            self._stopped = True
            self._connection.pause_reading()

    def on_writable(self) -> None:
        """The client reads again."""
        self._release_senders()

    def on_close(self, code: int, reason: str) -> None:
        """The WebSocket is closed."""
        self._end(Phase.GONE, code, reason)

    def on_failure(self, code: int, reason: str) -> None:
        """The WebSocket was closed because the client broke the protocol."""
        self._end(Phase.GONE, code, reason)

    def on_server_exit(self) -> None:
        """The server ends, and closes the WebSocket."""
        # Without a reason: that is how an application knows it from what a client says.
        self._end(Phase.GONE, CloseCode.SERVICE_RESTART, None)

    def _end(self, phase: Phase, code: int, reason: str | None) -> None:
        if self._phase in (Phase.CLOSED, Phase.GONE):
            phase = self._phase
        self._phase = phase
        if not self._disconnected:
            self._disconnected = True
            named = {} if reason is None else {"reason": reason}
            self._put({"type": "websocket.disconnect", "code": code, **named})
        self._release_senders()
