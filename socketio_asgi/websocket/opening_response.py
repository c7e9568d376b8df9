"""HTTP responses to a request for a WebSocket.

Source: RFC 6455, section 4.2.2
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from http import HTTPStatus

from .headers import Header, header_lines

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"upgrade: websocket\r\n"
    b"connection: Upgrade\r\n"
    b"sec-websocket-accept: %s\r\n"
    b"%s\r\n"
)
_PHRASES = {int(status): status.phrase.encode() for status in HTTPStatus}


def accept_response(key: bytes, headers: Iterable[Header]) -> bytes:
    """The response that turns the connection into a WebSocket.

    Args:
        key: What the client has sent.
        headers: More headers.

    Raises:
        ValueError: A header would break out of its line.
    """
    accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    return _SWITCHING % (accept, header_lines(headers))


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
