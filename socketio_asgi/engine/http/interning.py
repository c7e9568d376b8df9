"""The parts that requests have in common, shared so that thousands of them take less memory."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from starlette.types import Scope

from ...websocket.headers import Header

_COMMON = ("asgi", "extensions", "server", "path", "raw_path", "subprotocols")
"""The keys on which the scopes of nearly all clients agree, besides most of their headers."""

MAX_COMMON_HEADERS = 100
"""Names of headers that are remembered: more than honest clients use, and clients choose them."""

MAX_COMMON_SIZE = 512
"""Bytes of a header, or of another part of a request, that is remembered. Longer ones are seldom
the same for two clients, and would outlive the session of the one who sent them."""


class ScopeInterner:
    """Keeps a single copy of the parts that a request has in common with earlier ones.

    Each session keeps the request that opened it, and most of what that says is the same for all.
    """

    __slots__ = ("_common", "_headers", "_query_string")

    def __init__(self) -> None:
        self._headers: dict[bytes, Header] = {}
        # By the type of the scope, because those of HTTP requests have no subprotocols.
        self._common: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._query_string = b""

    def share(self, scope: Scope) -> None:
        """Replace parts of the scope by equal ones, where the latest of their name are equal."""
        known = self._headers
        headers = [
            latest if (latest := known.get(header[0])) == header else self._remember(header, latest)
            for header in scope["headers"]
        ]
        if isinstance(scope["headers"], list):
            scope["headers"][:] = headers  # in its place: parsed headers refer to the list
        else:
            scope["headers"] = headers
        common = self._common[scope["type"]]
        # Nearly always; which keys there are is a matter of the server, and so learned once.
        if common and common.items() <= scope.items():
            scope.update(common)
        else:
            _share_each(scope, common)
        # Apart from the others, because that of a request may have something random in it.
        if scope["query_string"] == self._query_string:
            scope["query_string"] = self._query_string
        elif len(scope["query_string"]) <= MAX_COMMON_SIZE:
            self._query_string = scope["query_string"]

    def _remember(self, header: Header, known: Header | None) -> Header:
        """Remember a new header, with the name of the known one when there is one."""
        name, value = header
        if len(name) + len(value) > MAX_COMMON_SIZE:
            return header
        if known is not None:
            name = known[0]
        elif len(self._headers) >= MAX_COMMON_HEADERS:
            self._headers.clear()
        self._headers[name] = header = (name, value)
        return header


def _share_each(scope: Scope, common: dict[str, Any]) -> None:
    for name in _COMMON:
        value, latest = scope.get(name), common.get(name)
        if value is None:
            continue
        if value == latest:
            scope[name] = latest
        elif _size(name, value) <= MAX_COMMON_SIZE:
            common[name] = value


def _size(name: str, value: Any) -> int:
    return sum(map(len, value)) if name == "subprotocols" else len(value)
