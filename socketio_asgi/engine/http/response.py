"""HTTP responses of the connection layer: few, small, and written at once."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import orjson
from starlette.types import Scope, Send

from ...websocket.headers import Header, header_lines
from .request import EngineRequest

TEXT = b"text/plain; charset=UTF-8"
BINARY = b"application/octet-stream"
JSON = b"application/json"
# Not text/plain: some user agents offered a plain "ok" for download.
HTML = b"text/html"

_OWN_LINES = b"content-type: %s\r\ncontent-length: %d\r\ncache-control: no-store\r\n%s"

_COMPRESSION_LEVEL = 6
"""zlib's own default: what Node.js uses as well."""

_COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, _COMPRESSION_LEVEL, mtime=0),
    "deflate": lambda data: zlib.compress(data, _COMPRESSION_LEVEL),
}
"""The content codings, the preferred one first."""

_WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*")
"""The weight of a coding (RFC 9110, section 12.4.2); some clients put space around its ``=``."""


class ErrorCode(IntEnum):
    """The reason why a request was refused; the number is part of the answer.

    Source: https://socket.io/docs/v4/server-api/#event-connection_error-1
    """

    UNKNOWN_TRANSPORT = 0
    UNKNOWN_SID = 1
    BAD_HANDSHAKE_METHOD = 2
    BAD_REQUEST = 3
    FORBIDDEN = 4
    UNSUPPORTED_PROTOCOL_VERSION = 5


ERROR_MESSAGES: Mapping[ErrorCode, str] = {
    ErrorCode.UNKNOWN_TRANSPORT: "Transport unknown",
    ErrorCode.UNKNOWN_SID: "Session ID unknown",
    ErrorCode.BAD_HANDSHAKE_METHOD: "Bad handshake method",
    ErrorCode.BAD_REQUEST: "Bad request",
    ErrorCode.FORBIDDEN: "Forbidden",
    ErrorCode.UNSUPPORTED_PROTOCOL_VERSION: "Unsupported protocol version",
}
"""The official messages."""


class Response(NamedTuple):
    """An HTTP response.

    Attributes:
        status: The status code.
        body: The whole body.
        content_type: The value of that header.
        compressible: Whether the body may be compressed.
        headers: More headers.
    """

    status: int
    body: bytes = b""
    content_type: bytes = TEXT
    compressible: bool = False
    headers: tuple[Header, ...] = ()

    def with_headers(self, headers: list[Header]) -> Response:
        """The same response with more headers."""
        return self._replace(headers=(*self.headers, *headers)) if headers else self


class Refusal(Exception):
    """A request that is not served; turned into an HTTP response or a refused WebSocket.

    Args:
        code: The official error code.
        message: What the client is told; the official message by default.
        status: The HTTP status.
        detail: What the log says beyond that.
        notable: Whether the log shows it by default; most are noise of the internet, or of clients
            that come back after a restart.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str | None = None,
        *,
        status: int | None = None,
        detail: str = "",
        notable: bool = False,
    ) -> None:
        self.code = code
        self.message: str = ERROR_MESSAGES[code] if message is None else message
        self.status: int = status or (403 if code is ErrorCode.FORBIDDEN else 400)
        self.detail = detail
        # A page that is not allowed to connect is a matter of configuration.
        self.notable: bool = notable or code is ErrorCode.FORBIDDEN
        super().__init__(code, self.message)

    def __str__(self) -> str:
        return f"{self.message}: {self.detail}" if self.detail else self.message

    def response(self) -> Response:
        """The refusal as an HTTP response with a JSON body."""
        body = orjson.dumps({"code": int(self.code), "message": self.message})
        return Response(self.status, body, JSON)


def compressed(response: Response, request: EngineRequest) -> Response:
    """Compress the body when it may be compressed and the client accepts it."""
    if not response.compressible:
        return response
    encoding = best_encoding(request.header(b"accept-encoding") or "", tuple(_COMPRESS))
    if encoding is None:
        return response
    body = _COMPRESS[encoding](response.body)
    return response._replace(body=body, compressible=False).with_headers(
        [(b"content-encoding", encoding.encode()), (b"vary", b"Accept-Encoding")]
    )


def best_encoding(accept: str, offered: Sequence[str]) -> str | None:
    """The content coding that a client accepts best.

    Args:
        accept: The value of its ``Accept-Encoding`` header.
        offered: The codings to choose from, the preferred one first.

    Returns:
        One of them; None when it accepts none.

    Source: RFC 9110, section 12.5.3
    """
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        name, _, parameter = item.partition(";")
        weights[name.strip()] = _weight(parameter)
    other = weights.get("*", 0.0)
    best = max(offered, key=lambda name: weights.get(name, other))
    return best if weights.get(best, other) > 0 else None


def _weight(parameter: str) -> float:
    """The weight of a coding; one that is not valid rules it out."""
    if not parameter.strip():
        return 1.0
    match = _WEIGHT.fullmatch(parameter)
    return float(match[1]) if match else 0.0


def lines_of(response: Response) -> bytes:
    """The lines of the headers that :func:`respond` sends.

    Raises:
        ValueError: One of those that were added would break out of its line.
    """
    more = header_lines(response.headers) if response.headers else b""
    return _OWN_LINES % (response.content_type, len(response.body), more)


async def respond(send: Send, response: Response) -> None:
    """Send a response."""
    headers: list[Header] = [
        (b"content-type", response.content_type),
        (b"content-length", b"%d" % len(response.body)),
        (b"cache-control", b"no-store"),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def refuse(scope: Scope, send: Send, response: Response) -> None:
    """Refuse a request of either kind."""
    if scope["type"] == "websocket":
        await refuse_websocket(scope, send, response)
    else:
        await respond(send, response)


async def refuse_websocket(scope: Scope, send: Send, response: Response) -> None:
    """Refuse a WebSocket with an HTTP response, where the ASGI server can send one."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        return await send({"type": "websocket.close"})
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", b"%d" % len(response.body)),
    ]
    status = response.status
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})
