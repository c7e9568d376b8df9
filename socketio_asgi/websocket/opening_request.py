"""The request that asks for a WebSocket.

Source: RFC 6455, section 4.2.1
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote

from .headers import Header

VERSION = b"13"
"""The only version of the protocol (section 4.1)."""

KEY_SIZE = 16
"""Bytes of the key that a client sends (section 4.1)."""


class BadHandshake(Exception):
    """The request cannot be served.

    Attributes:
        status: The HTTP status that says so.
        headers: More headers of that response.
    """

    def __init__(self, status: int, problem: str, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(problem)
        self.status: int = status
        self.headers: tuple[Header, ...] = headers


@dataclass(slots=True)
class UpgradeRequest:
    """What a client asks for.

    Attributes:
        raw_path: The path as it was sent, without the query.
        query_string: What follows the question mark.
        headers: The headers, their names in lower case.
        key: What the client wants to see again in the response.
        subprotocols: What it would speak, the preferred one first.
    """

    raw_path: bytes
    query_string: bytes
    headers: list[Header]
    key: bytes
    subprotocols: list[str]

    @property
    def path(self) -> str:
        """The path, decoded."""
        path = self.raw_path.decode("ascii")
        return unquote(path) if "%" in path else path


def parse_request(head: bytes) -> UpgradeRequest:
    """Read a request that an HTTP parser has let pass already.

    Args:
        head: The request line and the headers.

    Raises:
        BadHandshake: It is no opening handshake.
    """
    request_line, *lines = head.split(b"\r\n")
    method, target, _ = request_line.split(b" ", 2)
    headers: list[Header] = []
    versions: list[bytes] = []
    keys: list[bytes] = []
    subprotocols: list[str] = []
    for line in lines:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        headers.append((name, value))
        if name == b"sec-websocket-version":
            versions.append(value)
        elif name == b"sec-websocket-key":
            keys.append(value)
        elif name == b"sec-websocket-protocol":
            subprotocols.extend(item.strip() for item in value.decode("latin-1").split(","))
    if method != b"GET":
        raise BadHandshake(405, "Method Not Allowed", ((b"allow", b"GET"),))
    if versions != [VERSION]:
        raise BadHandshake(426, "Upgrade Required", ((b"sec-websocket-version", VERSION),))
    if len(keys) != 1 or not _is_key(keys[0]):
        raise BadHandshake(400, "Sec-WebSocket-Key is missing or not valid")
    raw_path, _, query_string = target.partition(b"?")
    return UpgradeRequest(raw_path, query_string, headers, keys[0], subprotocols)


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == KEY_SIZE
    except binascii.Error:
        return False
