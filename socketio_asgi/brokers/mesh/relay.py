"""Requests that are passed on to the worker which has their session, without their connection.

Below ASGI servers that give no connection away, and with TLS, the events of ASGI travel: those of
``receive`` to the other worker, those of ``send`` back. Each direction of a request has a window:
who sends more than the other side has consumed waits.
"""

from __future__ import annotations

import contextlib
import logging
import struct
from collections import Counter, deque
from enum import IntEnum

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...runtime import Cancellable, Event, Runtime
from .asgi_events import decode_event, decode_scope, encode_event, encode_scope
from .link import FrameKind
from .mesh import Mesh, Peer

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

WINDOW = 256 * 1024
"""Bytes of a request in one direction that may be sent and not consumed; then the sender waits."""

MAX_STREAMS = 100_000
"""The most requests of one other worker that are served at a time."""

RELAYED = "socketio_asgi.relayed"
"""The key of a scope that came from another worker, and is not passed on again."""

_HEAD = struct.Struct("!IB")
_CREDIT = struct.Struct("!I")
_BY_OPENER = 0x80


class RelayFailed(Exception):
    """The other worker is gone, or cannot answer, and nothing was sent to the client."""


class _Kind(IntEnum):
    """The kinds of messages about a request."""

    OPEN = 0
    EVENT = 1
    CREDIT = 2
    END = 3


class Relays:
    """The requests that other workers serve for this one, and this one for them.

    Args:
        mesh: The workers.
        app: Serves the requests of other workers.

    Attributes:
        counters: How many requests were passed on, and served for others.
    """

    def __init__(self, mesh: Mesh, app: ASGIApp) -> None:
        self._runtime = mesh.runtime
        self._app = app
        self._last = 0
        # By the worker, whether this one has opened it, and the number.
        self._streams: dict[tuple[Peer, bool, int], _Stream] = {}
        self._served: dict[Peer, int] = {}
        self._tasks: set[Cancellable] = set()
        self.counters: Counter[str] = Counter()
        mesh.handle(FrameKind.RELAY, self._on_frame)
        mesh.on_left.append(self._on_left)

    async def pass_on(self, peer: Peer, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request served by another worker.

        Raises:
            RelayFailed: It is gone, and the client has no answer.
        """
        number = self._last = (self._last + 1) & 0xFFFFFFFF
        self.counters["passed on"] += 1
        stream = self._add(peer, number, opener=True)
        stream.put(_Kind.OPEN, encode_scope(scope))
        pump = self._runtime.start_background(_pump(receive, stream))
        try:
            await _Answer(scope["type"], send).run(stream)
        finally:
            pump.cancel()
            self._remove(stream)

    def close(self) -> None:
        """End all requests."""
        for stream in list(self._streams.values()):
            stream.end()
        for task in list(self._tasks):
            task.cancel()

    # -- streams -----------------------------------------------------------------------------

    def _add(self, peer: Peer, number: int, *, opener: bool) -> _Stream:
        stream = _Stream(self._runtime, peer, number, opener=opener)
        self._streams[stream.key] = stream
        return stream

    def _remove(self, stream: _Stream) -> None:
        stream.put(_Kind.END)
        stream.end()
        self._streams.pop(stream.key, None)

    def _on_frame(self, peer: Peer, frame: bytes) -> None:
        if len(frame) < _HEAD.size:
            raise ValueError("a short frame of a request")
        number, kind = _HEAD.unpack_from(frame)
        opener, kind = not kind & _BY_OPENER, kind & ~_BY_OPENER
        data = frame[_HEAD.size :]
        if kind == _Kind.OPEN and not opener:
            return self._serve(peer, number, decode_scope(data))
        stream = self._streams.get((peer, opener, number))
        if stream is not None:  # otherwise it has ended here
            stream.on_frame(kind, data)

    def _on_left(self, peer: Peer) -> None:
        for stream in list(self._streams.values()):
            if stream.peer is peer:
                stream.end()

    # -- requests of other workers -----------------------------------------------------------

    def _serve(self, peer: Peer, number: int, scope: Scope) -> None:
        if (peer, False, number) in self._streams or self._served.get(peer, 0) >= MAX_STREAMS:
            raise ValueError("too many requests, or one that is there already")
        self._served[peer] = self._served.get(peer, 0) + 1
        scope[RELAYED] = True
        self.counters["served for others"] += 1
        stream = self._add(peer, number, opener=False)
        task = self._runtime.start_background(self._run(stream, scope))
        stream.task = task
        self._tasks.add(task)

    async def _run(self, stream: _Stream, scope: Scope) -> None:
        gone: Message = {"type": "http.disconnect"}
        if scope["type"] == "websocket":
            gone = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
            stream.add({"type": "websocket.connect"}, 0)

        async def receive() -> Message:
            return await stream.receive() or gone

        try:
            await self._app(scope, receive, stream.send)
        except Exception:
            logger.exception("unexpected error in a request of another worker")
        finally:
            self._remove(stream)
            self._served[stream.peer] -= 1
            if not self._served[stream.peer]:
                del self._served[stream.peer]
            if stream.task is not None:
                self._tasks.discard(stream.task)


class _Stream:
    """One request, at one of its two ends."""

    def __init__(self, runtime: Runtime, peer: Peer, number: int, *, opener: bool) -> None:
        self.peer = peer
        self.key = (peer, opener, number)
        self._queue: deque[Message] = deque()
        self.task: Cancellable | None = None
        self._runtime = runtime
        self._number = number
        self._flag = _BY_OPENER if opener else 0
        self._sizes: deque[int] = deque()
        self._waiting = 0
        self._consumed = 0
        self._credit = WINDOW
        self._ended = False
        self._changes: list[Event] = []

    def put(self, kind: _Kind, data: bytes = b"") -> None:
        """Send a message about the request."""
        if self._ended:
            return
        head = _HEAD.pack(self._number, kind | self._flag)
        if not self.peer.send(FrameKind.RELAY, head, data):
            self.end()  # something is missing now

    async def send(self, event: Message) -> None:
        """Send an event, when the other side has consumed enough of those before it."""
        while self._credit <= 0 and not self._ended:
            await self._changed()
        data = encode_event(event)
        self._credit -= len(data)
        self.put(_Kind.EVENT, data)

    async def receive(self) -> Message | None:
        """The next event; None when there are no more."""
        while not self._queue:
            if self._ended:
                return None
            await self._changed()
        event = self._queue.popleft()
        size = self._sizes.popleft()
        self._waiting -= size
        self._consumed += size
        if self._consumed >= WINDOW // 2:
            self.put(_Kind.CREDIT, _CREDIT.pack(self._consumed))
            self._consumed = 0
        return event

    def add(self, event: Message, size: int) -> None:
        """Add an event that has come."""
        self._queue.append(event)
        self._sizes.append(size)
        self._waiting += size

    async def _changed(self) -> None:
        change = self._runtime.event()
        self._changes.append(change)
        await change.wait()

    def _wake(self) -> None:
        changes, self._changes = self._changes, []
        for change in changes:
            change.set()

    def on_frame(self, kind: int, data: bytes) -> None:
        """Called with each message of the other side.

        Raises:
            ValueError: It makes no sense.
        """
        if kind == _Kind.EVENT:
            if self._waiting > 2 * WINDOW:
                raise ValueError("more of a request than was asked for")
            self.add(decode_event(data), len(data))
        elif kind == _Kind.CREDIT:
            (consumed,) = _CREDIT.unpack(data)
            self._credit += consumed
        elif kind == _Kind.END:
            self._ended = True
        else:
            raise ValueError(f"a message of the kind {kind} about a request")
        self._wake()

    def end(self) -> None:
        """The other side is gone: nothing is sent or received any more."""
        self._ended = True
        self._wake()


class _Answer:
    """Passes the events of another worker on to the client.

    Args:
        scope_type: ``http`` or ``websocket``.
        send: The way to the client.
    """

    def __init__(self, scope_type: str, send: Send) -> None:
        self._websocket = scope_type == "websocket"
        self._send = send
        self._start: Message | None = None
        self._begun = False
        self._complete = False

    async def run(self, stream: _Stream) -> None:
        """Pass events on, until the request is over.

        Raises:
            RelayFailed: The other worker has ended before there was an answer.
        """
        while not self._complete and (event := await stream.receive()) is not None:
            try:
                await self._pass(event)
            except Exception as error:  # noqa: BLE001  # every server has its own for a lost client
                logger.debug("the client left before it was answered: %r", error)
                return
        if self._complete:
            return
        if not self._begun:
            raise RelayFailed
        if self._websocket:
            with contextlib.suppress(Exception):  # the client may have been faster
                await self._send({"type": "websocket.close", "code": 1012})

    async def _pass(self, event: Message) -> None:
        kind = event["type"]
        if kind.endswith("response.start"):
            # With the first of the body: until then the answer can be another one.
            self._start = event
            return
        if self._start is not None:
            start, self._start = self._start, None
            self._begun = True
            await self._send(start)
        self._begun = True
        await self._send(event)
        if kind.endswith("response.body"):
            self._complete = not event.get("more_body", False)
        else:
            self._complete = kind == "websocket.close"


async def _pump(receive: Receive, stream: _Stream) -> None:
    """Pass on what comes from the client."""
    try:
        while True:
            event = await receive()
            await stream.send(event)
            if event["type"].endswith(".disconnect"):
                return
    except Exception as error:  # noqa: BLE001  # of the server: it is as if the client had left
        logger.debug("a client that is served by another worker cannot be read: %r", error)
        stream.put(_Kind.END)
