"""The parts that requests have in common, shared so that thousands of them take less memory."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

from ...websocket.headers import Header

_COMMON = ("asgi", "extensions", "server", "path", "raw_path", "query_string", "subprotocols")
"""The keys on which the scopes of many clients agree, besides most of their headers."""

MAX_COMMON_HEADERS = 100
"""Names of headers that are remembered: more than honest clients use, and clients choose them."""


class ScopeInterner:
    """Keeps a single copy of the parts that a request has in common with earlier ones.

    Each session keeps the request that opened it, and most of what that says is the same for all.
    """

    __slots__ = ("_headers", "_values")

    def __init__(self) -> None:
        self._headers: dict[bytes, Header] = {}
        self._values: dict[str, Any] = {}

    def share(self, scope: Scope) -> None:
        """Replace parts of the scope by equal ones, where the latest of their name are equal."""
        headers: list[Header] = []
        for header in scope["headers"]:
            known = self._headers.get(header[0])
            if known is None or known != header:
                known = self._remember(header, known)
            headers.append(known)
        if isinstance(scope["headers"], list):
            scope["headers"][:] = headers  # in its place: parsed headers refer to the list
        else:
            scope["headers"] = headers
        values = self._values
        for name in _COMMON:
            value = scope.get(name)
            if value is not None:
                latest = values.get(name)
                if latest == value:
                    scope[name] = latest
                else:
                    values[name] = value

    def _remember(self, header: Header, known: Header | None) -> Header:
        """Remember a new header, with the name of the known one when there is one."""
        name, value = header
        if known is not None:
            name = known[0]
        elif len(self._headers) >= MAX_COMMON_HEADERS:
            self._headers.clear()
        self._headers[name] = header = (name, value)
        return header
