"""The heads of requests that a connection has brought already.

A client that polls sends the same heads again and again: only the query of the path changes, and
the length of the body. The parser reads such a head once. After that it is known by its bytes,
every one of which has to be the same, and is not parsed.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..extensions.direct import DirectRequests
from ..websocket.headers import Header

FEW_REQUESTS: Final = 3
"""Requests of a connection whose heads are not kept: most go on as WebSockets soon."""

MAX_UNKNOWN: Final = 8
"""Heads that are kept and then not known again, after which none is kept for some time: a proxy
sends those of many clients."""

PAUSE_REQUESTS: Final = 200
"""That time, in requests of the connection."""

QUERY: Final = rb"[!-\"$-~]*"
"""A query, as browsers and HTTP libraries send them."""

_QUERY = re.compile(QUERY)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([1-9][0-9]*)(?=\r\n)", re.IGNORECASE)
_VERSION = b" HTTP/1.1\r\n"
_END = b"\r\n\r\n"
_GET: Final = b"G"[0]


class KnownHead(NamedTuple):
    """One head.

    Attributes:
        requests: Where requests of its path are served.
        method: Its method.
        path: Its path, without the query.
        headers: Its headers; the length of the body is that of the first request.
        before: What it begins with, up to the query.
        between: What stands between the query and the length of the body, or the end.
        after: What comes after the length of the body; None when there is no body.
    """

    requests: DirectRequests
    method: str
    path: bytes
    headers: list[Header]
    before: bytes
    between: bytes
    after: bytes | None


class KnownHeads:
    """The heads of one connection: the latest of each method.

    Attributes:
        unknown: The number of heads that were kept since one was known again.
    """

    __slots__ = ("_get", "_post", "unknown")

    def __init__(self) -> None:
        self.unknown: int = 0
        self._get: KnownHead | None = None
        self._post: KnownHead | None = None

    def add(
        self,
        requests: DirectRequests,
        method: str,
        target: bytes,
        headers: list[Header],
        head: bytes,
        *,
        has_body: bool,
    ) -> None:
        """Keep a head that the parser has just read, if it can be known again.

        Args:
            requests: Where requests of its path are served.
            method: Its method: ``GET`` or ``POST``.
            target: Its path and query.
            headers: Its headers.
            head: What was read, without the body.
            has_body: Whether a body followed.
        """
        self.unknown += 1
        path = target.partition(b"?")[0]
        start, query_start = len(method) + 1, len(method) + len(path) + 2
        end = start + len(target)
        between, after = head[end:], None
        if (
            head.find(_END) != len(head) - len(_END)  # there is more than one
            or head[start:end] != target
            or end < query_start  # there is no query
            or not between.startswith(_VERSION)
        ):
            return
        if has_body:
            length = _LENGTH.search(between)
            if length is None:
                return
            between, after = between[: length.start(1)], between[length.end(1) :]
        before = head[:query_start]
        known = KnownHead(requests, method, path, headers, before, between, after)
        if method == "GET":
            self._get = known
        else:
            self._post = known

    def read(self, request: bytes) -> tuple[KnownHead, bytes, bytes] | None:
        """Read a request whose head is known.

        Args:
            request: Bytes that begin with a request, and may not end there.

        Returns:
            The head, the query and the body; None when the parser is to read it.
        """
        head = self._get if request[0] == _GET else self._post
        if head is None or not request.startswith(head.before):
            return None
        start, between, after = len(head.before), head.between, head.after
        body = b""
        if after is None:
            if not request.endswith(between):
                return None
            end = len(request) - len(between)
        else:
            end = request.find(between, start)
            length_start = end + len(between)
            length_end = request.find(b"\r", length_start)
            if end < 0 or not request.startswith(after, length_end):
                return None
            body = request[length_end + len(after) :]
            if request[length_start:length_end] != b"%d" % len(body):
                return None
        query = request[start:end]
        if not _QUERY.fullmatch(query):
            return None
        self.unknown = 0
        return head, query, body
