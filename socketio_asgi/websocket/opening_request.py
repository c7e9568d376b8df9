"""The request that asks for a WebSocket: made by a client, read by a server.

Source: RFC 6455, sections 4.1 and 4.2.1
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final
from urllib.parse import unquote

from .headers import Header, header_lines, is_token, parse_headers

VERSION: Final = b"13"
"""The only version of the protocol (section 4.1)."""

KEY_SIZE: Final = 16
"""Bytes of the key that a client sends (section 4.1)."""

OWN_HEADERS: Final = frozenset(
    {
        *(b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"),
        *(b"sec-websocket-protocol", b"sec-websocket-extensions"),
    }
)
"""The headers of the handshake itself, which a client may not add to."""

_VISIBLE = re.compile(r"[!-~]+")


# -- the client's side -----------------------------------------------------------------------


def new_key() -> bytes:
    """A key for one request; its response proves by it that the server speaks WebSocket."""
    return b64encode(token_bytes(KEY_SIZE))


def upgrade_request(
    host: str,
    target: str,
    key: bytes,
    *,
    subprotocols: Sequence[str] = (),
    headers: Iterable[Header] = (),
) -> bytes:
    """The request of a client.

    Args:
        host: The name of the server, with its port unless that is the default one.
        target: The path and the query.
        key: A key of :func:`new_key`.
        subprotocols: The subprotocols on offer, the preferred one first.
        headers: More headers.

    Raises:
        ValueError: One of them is not valid, or a header is one of :data:`OWN_HEADERS`.
    """
    if not (_VISIBLE.fullmatch(host) and _VISIBLE.fullmatch(target)):
        raise ValueError(f"host {host!r} or target {target!r} is not valid")
    if not target.startswith("/") or "#" in target:
        raise ValueError(f"target {target!r} is no path with a query")
    more = list(headers)
    for name, _ in more:
        if name.lower() in OWN_HEADERS:
            raise ValueError(f"the header {name.decode('latin-1')!r} belongs to the handshake")
    own = [
        (b"host", host.encode()),
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-key", key),
        (b"sec-websocket-version", VERSION),
        *_offer(subprotocols),
    ]
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (target.encode(), header_lines([*own, *more]))


def _offer(subprotocols: Sequence[str]) -> list[Header]:
    if not subprotocols:
        return []
    if not all(map(is_token, subprotocols)) or len({*subprotocols}) != len(subprotocols):
        raise ValueError(f"subprotocols {subprotocols!r} are not valid or not distinct")
    return [(b"sec-websocket-protocol", ", ".join(subprotocols).encode())]


# -- the server's side -----------------------------------------------------------------------


class BadHandshake(Exception):
    """The request cannot be served.

    Attributes:
        status: The HTTP status of the response.
        headers: More headers of the response.
    """

    def __init__(self, status: int, problem: str, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(problem)
        self.status: int = status
        self.headers: tuple[Header, ...] = headers


@dataclass(slots=True)
class UpgradeRequest:
    """A request for a WebSocket.

    Attributes:
        raw_path: The path as it was sent, without the query.
        query_string: The part behind the question mark.
        headers: The headers, their names in lower case.
        key: The key that the response answers.
        subprotocols: The subprotocols on offer, the preferred one first.
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
    headers = parse_headers(lines)
    versions: list[bytes] = []
    keys: list[bytes] = []
    subprotocols: list[str] = []
    for name, value in headers:
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
    if len(keys) != 1 or not is_key(keys[0]):
        raise BadHandshake(400, "Sec-WebSocket-Key is missing or not valid")
    raw_path, _, query_string = target.partition(b"?")
    return UpgradeRequest(raw_path, query_string, headers, keys[0], subprotocols)


def is_key(key: bytes) -> bool:
    """True for a key of a client (section 4.1)."""
    try:
        return len(binascii.a2b_base64(key, strict_mode=True)) == KEY_SIZE
    except binascii.Error:
        return False
