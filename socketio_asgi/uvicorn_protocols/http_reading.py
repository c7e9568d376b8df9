"""Bounds for what an HTTP client sends: one request at a time, with a bounded head, and in time.

uvicorn parses whatever comes at once: it keeps every request that is sent before the last one is
answered, and with httptools a head of any length, for which a client may take any time. Here its
parser gets what came in pieces, and none while a request waits for its response.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from ..runtime.log_limit import may_log_fault
from ..websocket.headers import MAX_HEAD_SIZE
from ..websocket.opening_response import text_response
from .http_writing import WriteBuffering
from .server_context import logger

PIECE_SIZE = 4096
"""Bytes that are parsed in one go. A few hundred requests may be in them; they wait in uvicorn."""


class BoundedReading(WriteBuffering):
    """Bounds for an HTTP class of uvicorn, before which it stands among the bases.

    Attributes:
        cycle: uvicorn's object for the latest request, with its response.
        parser: httptools' parser, where that is used.
    """

    cycle: Any
    parser: Any
    _counts_head: bool

    # What came and was not parsed; the network is not read while there is some.
    _pieces: deque[bytes]
    _parsing = False
    # Bytes since the last head was complete, or a piece of a body came.
    _head_size = 0
    _head_awaited = False
    # Whether a request has begun whose head is not complete, as far as httptools knows.
    _in_head = False
    # Whether requests may have to be served elsewhere.
    _may_leave = False

    def __init_subclass__(cls) -> None:
        """Note which of uvicorn's classes this one stands before."""
        super().__init_subclass__()
        # h11 has limits of its own; it does not call what resets the size.
        cls._counts_head = hasattr(super(), "on_headers_complete")

    # -- called by the event loop --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._pieces = deque()
        super().connection_made(transport)
        self._buffering.on_resume = self._parse_waiting
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._pieces.clear()
        self._context.head_deadlines.discard(self)
        self._buffering.on_resume = None  # which refers back to this object
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if len(data) <= PIECE_SIZE and not self._pieces and self._may_parse:
            return self._parse(data)  # nearly always
        if len(data) > PIECE_SIZE:
            starts = range(0, len(data), PIECE_SIZE)
            self._pieces.extend(data[start : start + PIECE_SIZE] for start in starts)
        else:
            self._pieces.append(data)
        self._parse_waiting()

    # -- parsing -------------------------------------------------------------------------------

    @property
    def _answering(self) -> bool:
        """True while a request has no whole response yet."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _may_parse(self) -> bool:
        buffering, cycle = self._buffering, self.cycle
        if buffering.reading_paused or buffering.released:
            return False
        # The rest of a body, or the next request.
        return bool(cycle is None or cycle.response_complete or cycle.more_body)

    def _parse_waiting(self) -> None:
        if self._parsing:
            return
        self._parsing = True
        try:
            while self._pieces and self._may_parse and not self._network.is_closing():
                self._parse(self._pieces.popleft())
        finally:
            self._parsing = False
        if self._buffering.released or self._network.is_closing():
            return
        if self._pieces or self._buffering.reading_paused:
            self._network.pause_reading()
        else:
            self._network.resume_reading()

    def _leaves(self, piece: bytes) -> bool:
        """Have the request that begins here served elsewhere; False when it is served here."""
        return False

    def _parse(self, piece: bytes) -> None:
        if self._may_leave and self._leaves(piece):
            return
        self._head_size += len(piece)
        super().data_received(piece)
        if self._buffering.released:
            self._let_go()
            return
        if self._answering or not self._head_size:  # a head is complete
            if self._head_awaited:
                self._head_awaited = False
                self._context.head_deadlines.discard(self)
        elif not self._head_awaited:
            self._await_head()
        if self._counts_head and self._head_size > MAX_HEAD_SIZE:
            self._refuse(431, "Request Header Fields Too Large")

    def _let_go(self) -> None:
        """Let go of everything: the connection is a WebSocket by now."""
        # A client that goes on before the answer breaks the rules, and uvicorn has dropped a part
        # of it already.
        self._pieces.clear()
        self._context.head_deadlines.discard(self)
        self._network.resume_reading()
        # The parser of httptools and this object refer to each other, and are to be freed without
        # the garbage collector. uvicorn does the same at the end of a connection.
        self.parser = None

    def _await_head(self) -> None:
        """Expect a whole head from now on, however much of it is there."""
        self._head_awaited = True
        self._context.head_deadlines.add(self)

    def time_out(self) -> None:
        """Called when the head of a request did not come in time."""
        if self._head_size:
            self._refuse(408, "Request Timeout")
        else:  # nothing at all has come
            self._buffering.close()

    def _refuse(self, status: int, text: str) -> None:
        """Answer what is no request, and end; a response under way is cut off."""
        if self._buffering.is_closing():
            return
        if may_log_fault(f"a request with {status} {text}"):
            logger.warning("HTTP request refused: %s", text)
        if not self._answering:
            headers = (*self._context.state.default_headers, (b"connection", b"close"))
            self._buffering.write(text_response(status, text, headers))
        self._buffering.close()

    # -- called by uvicorn and its parser --------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        super().on_message_begin()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        self._in_head = False
        self._head_size = 0
        super().on_headers_complete()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def on_body(self, body: bytes) -> None:
        """A piece of a body came."""
        self._head_size = 0
        super().on_body(body)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def on_response_complete(self) -> None:
        """The response to a request is complete."""
        super().on_response_complete()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        if self._pieces:
            self._parse_waiting()
