"""A request for the connection layer: what it asks for, read once and only as far as needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import HTTPConnection
from starlette.types import Scope

DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}


class EngineRequest:
    """One HTTP request or WebSocket handshake.

    Args:
        scope: The ASGI connection scope, with everything that outer middlewares put into it.

    Attributes:
        scope: The same.
        query: The query parameters; of a repeated one, the last counts.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.query: Mapping[str, str] = parse_query(scope["query_string"])

    @property
    def method(self) -> str:
        """The HTTP method; ``GET`` for a WebSocket handshake."""
        method: str = self.scope.get("method", "GET")
        return method

    @property
    def is_websocket(self) -> bool:
        """Whether this is a WebSocket handshake."""
        return bool(self.scope["type"] == "websocket")

    @property
    def sid(self) -> str:
        """The session that the request belongs to; empty when it asks for a new one."""
        return self.query.get("sid", "")

    @property
    def transport(self) -> str:
        """The transport that the request asks for; empty when there is none."""
        return self.query.get("transport", "")

    @property
    def revision(self) -> int | None:
        """The revision of the Engine.IO protocol that the client speaks; None when invalid."""
        return {"4": 4, "3": 3}.get(self.query.get("EIO", ""))

    def header(self, name: bytes) -> str | None:
        """The first header of that (lower-case) name, or None."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value).decode("latin-1")
        return None

    @cached_property
    def connection(self) -> HTTPConnection:
        """The request as Starlette's class, for headers, cookies, session, user and state."""
        return HTTPConnection(self.scope)

    @property
    def address(self) -> str:
        """The address of the client, as the ASGI server reports it; empty when unknown."""
        client: Any = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def spec_version(self) -> tuple[int, ...]:
        """The version of ASGI's HTTP and WebSocket specification that the server follows."""
        version: str = self.scope.get("asgi", {}).get("spec_version", "2.0")
        return tuple(int(part) for part in version.split(".") if part.isdecimal())

    @property
    def secure(self) -> bool:
        """Whether the connection to the ASGI server is encrypted."""
        return self.scope.get("scheme") in {"https", "wss"}


def parse_query(query_string: bytes) -> dict[str, str]:
    """Parse a query string; bad UTF-8 becomes U+FFFD, a repeated name keeps its last value."""
    query: dict[str, str] = {}
    for pair in query_string.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if name:
            query[_unquote(name)] = _unquote(value)
    return query


def _unquote(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text
