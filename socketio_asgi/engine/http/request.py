"""A request for the connection layer: what it asks for, read once and only as far as needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import HTTPConnection
from starlette.types import Scope

_REVISIONS = {"4": 4, "3": 3}

DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}


class EngineRequest:
    """One HTTP request or WebSocket handshake.

    Args:
        scope: The ASGI connection scope, with everything that outer middlewares put into it.

    Attributes:
        scope: The same.
        method: The HTTP method; ``GET`` for a WebSocket handshake.
        query: The query parameters; of a repeated one, the last counts.
        sid: The session that the request belongs to; empty when it asks for a new one.
        transport: The transport that the request asks for; empty when there is none.
        origin: The origin of the page that makes the request; None when no page does.
    """

    __slots__ = ("_connection", "method", "origin", "query", "scope", "sid", "transport")

    def __init__(self, scope: Scope) -> None:
        self.scope: Scope = scope
        self.method: str = scope.get("method", "GET")
        self.query: Mapping[str, str] = parse_query(scope["query_string"])
        self.sid: str = self.query.get("sid", "")
        self.transport: str = self.query.get("transport", "")
        self.origin: str | None = self.header(b"origin")
        self._connection: HTTPConnection | None = None

    @property
    def is_websocket(self) -> bool:
        """True for a WebSocket handshake."""
        return bool(self.scope["type"] == "websocket")

    @property
    def revision(self) -> int | None:
        """The revision of the Engine.IO protocol that the client speaks; None when invalid.

        Some clients of revision 3 do not say so: the official one for iOS before its version 16.
        """
        return _REVISIONS.get(self.query.get("EIO", "3"))

    def header(self, name: bytes) -> str | None:
        """The first header of that (lower-case) name, or None."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value).decode("latin-1")
        return None

    @property
    def connection(self) -> HTTPConnection:
        """The request as Starlette's class, for headers, cookies, session, user and state."""
        if self._connection is None:
            self._connection = HTTPConnection(self.scope)
        return self._connection

    @property
    def address(self) -> str:
        """The address of the client, as the ASGI server reports it; empty when unknown.

        A proxy may have it from the client, who may put anything there: what cannot be printed is
        escaped.
        """
        client: Any = self.scope.get("client")
        address = str(client[0]) if client else ""
        return address if address.isprintable() else ascii(address)[1:-1]

    @property
    def secure(self) -> bool:
        """True when the connection to the ASGI server is encrypted."""
        return self.scope.get("scheme") in {"https", "wss"}


def asgi_version(scope: Scope) -> tuple[int, ...]:
    """The version of ASGI's HTTP and WebSocket specification that the server follows."""
    return _version(scope.get("asgi", {}).get("spec_version", "2.0"))


@cache
def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def parse_query(query_string: bytes) -> dict[str, str]:
    """Parse a query string; bad UTF-8 becomes U+FFFD, a repeated name keeps its last value."""
    query: dict[str, str] = {}
    text = query_string.decode("latin-1")
    quoted = "%" in text or "+" in text
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if quoted:
            name, value = unquote_plus(name), unquote_plus(value)
        if name:
            query[name] = value
    return query
