"""HTTP responses to a request for a WebSocket: made by a server, checked by a client.

Source: RFC 6455, sections 4.1 and 4.2.2
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha1
from http import HTTPStatus

from .headers import Header, header_lines, is_header, parse_headers

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"upgrade: websocket\r\n"
    b"connection: Upgrade\r\n"
    b"sec-websocket-accept: %s\r\n"
    b"%s\r\n"
)
_PHRASES = {int(status): status.phrase.encode() for status in HTTPStatus}


def accept_key(key: bytes) -> bytes:
    """The answer to the key of a request (section 4.2.2, item 5.4)."""
    return b2a_base64(sha1(key + _GUID, usedforsecurity=False).digest(), newline=False)


# -- the server's side -----------------------------------------------------------------------


def accept_response(key: bytes, headers: Iterable[Header]) -> bytes:
    """The response that turns the connection into a WebSocket.

    Args:
        key: The key of the request.
        headers: More headers.

    Raises:
        ValueError: A header would break out of its line.
    """
    return switching_response(key, header_lines(headers))


def switching_response(key: bytes, lines: bytes) -> bytes:
    """The same for headers that are lines already."""
    return _SWITCHING % (accept_key(key), lines)


def response_head(status: int, headers: Iterable[Header]) -> bytes:
    """The beginning of any other response, after which the connection ends.

    Args:
        status: The status code.
        headers: The headers; ``Connection: close`` is added.

    Raises:
        ValueError: The status is no such code, or a header would break out of its line.
    """
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is no status of a response that refuses a WebSocket")
    lines = header_lines(header for header in headers if header[0].lower() != b"connection")
    phrase = _PHRASES.get(status, b"")
    return b"HTTP/1.1 %d %s\r\n%sconnection: close\r\n\r\n" % (status, phrase, lines)


def text_response(status: int, text: str, headers: Iterable[Header]) -> bytes:
    """A whole response with a line of text."""
    body = text.encode()
    own = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
    )
    return response_head(status, (*headers, *own)) + body


# -- the client's side -----------------------------------------------------------------------


class HandshakeFailed(Exception):
    """The server did not open a WebSocket."""


class BadResponse(HandshakeFailed):
    """The response breaks the rules of HTTP or of the opening handshake."""


class HandshakeRefused(HandshakeFailed):
    """The server answered with another status than 101.

    Attributes:
        status: The HTTP status.
        headers: The headers of the response, their names in lower case.
    """

    def __init__(self, status: int, headers: list[Header]) -> None:
        super().__init__(f"the server refused the WebSocket with status {status}")
        self.status: int = status
        self.headers: list[Header] = headers


@dataclass(slots=True)
class UpgradeResponse:
    """A response that opens a WebSocket.

    Attributes:
        headers: The headers, their names in lower case.
        subprotocol: The subprotocol that the server chose, if any.
    """

    headers: list[Header]
    subprotocol: str | None


_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?")


def parse_response(head: bytes, key: bytes, subprotocols: Collection[str] = ()) -> UpgradeResponse:
    """Read and check the response to a request of :func:`.opening_request.upgrade_request`.

    Args:
        head: The status line and the headers, without the empty line.
        key: The key of the request.
        subprotocols: The subprotocols that the request offered.

    Raises:
        HandshakeRefused: The server gave another answer than a WebSocket.
        BadResponse: The response is not valid.
    """
    status_line, *lines = head.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise BadResponse(f"this is no status line: {status_line[:100]!r}")
    headers = parse_headers(lines)
    for header, line in zip(headers, lines, strict=True):
        if b":" not in line or not is_header(*header):
            raise BadResponse(f"this is no header: {line[:100]!r}")
    status = int(match[1])
    if status != 101:
        raise HandshakeRefused(status, headers)
    _check_upgrade(headers, key)
    return UpgradeResponse(headers, _chosen(headers, subprotocols))


def _check_upgrade(headers: list[Header], key: bytes) -> None:
    """The first five checks of section 4.1, page 19."""
    if [value.lower() for value in _values(headers, b"upgrade")] != [b"websocket"]:
        raise BadResponse("the header Upgrade does not say websocket")
    tokens = b",".join(_values(headers, b"connection")).lower().split(b",")
    if b"upgrade" not in [token.strip(b" \t") for token in tokens]:
        raise BadResponse("the header Connection does not say Upgrade")
    if _values(headers, b"sec-websocket-accept") != [accept_key(key)]:
        raise BadResponse("the header Sec-WebSocket-Accept does not answer the key")
    if _values(headers, b"sec-websocket-extensions"):
        raise BadResponse("the server uses an extension that was not offered")


def _chosen(headers: list[Header], offered: Collection[str]) -> str | None:
    """The subprotocol that the server chose (section 4.1, page 20)."""
    values = _values(headers, b"sec-websocket-protocol")
    if not values:
        return None
    chosen = values[0].decode("latin-1")
    if len(values) > 1 or chosen not in offered:
        raise BadResponse(f"the server uses the subprotocol {chosen!r}, which was not offered")
    return chosen


def _values(headers: list[Header], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
