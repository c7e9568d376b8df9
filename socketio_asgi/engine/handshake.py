"""The handshake of a client, as handlers see it.

Source: https://socket.io/docs/v4/server-socket-instance/#sockethandshake
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from .http.request import EngineRequest


class Handshake:
    """The introduction of a client; everything but ``auth`` comes from its HTTP request.

    Args:
        request: The request that opened the connection.
        auth: The ``auth`` that the client gave for this namespace.
        size: The bytes that it takes if it is large.

    Attributes:
        auth: The same: any JSON object, empty when the client gave none.
        issued: The time at which the client joined the namespace, in seconds since the epoch.
    """

    __slots__ = ("_request", "auth", "issued", "size")

    def __init__(self, request: EngineRequest, auth: dict[str, Any], size: int = 0) -> None:
        self._request = request
        self.size: int = size
        self.auth: dict[str, Any] = auth
        self.issued: float = time.time()

    @property
    def connection(self) -> HTTPConnection:
        """The request as Starlette's class.

        It has ``session``, ``user`` and ``state`` where outer middlewares have set them.
        """
        return self._request.connection

    @property
    def headers(self) -> Headers:
        """The headers of the request, case-insensitive."""
        return self._request.connection.headers

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters of the request."""
        return self._request.query

    @property
    def url(self) -> str:
        """The path and query string of the request."""
        query_string = self._request.scope["query_string"].decode("latin-1")
        return f"{self._request.scope['path']}?{query_string}"

    @property
    def address(self) -> str:
        """The address of the client, as the ASGI server reports it; empty when unknown."""
        return self._request.address

    @property
    def secure(self) -> bool:
        """True when the connection to the ASGI server is encrypted."""
        return self._request.secure

    @property
    def xdomain(self) -> bool:
        """True when the request has an ``Origin``, as those of browsers across origins have."""
        return self._request.origin is not None

    @property
    def time(self) -> str:
        """The time at which the client joined the namespace, as text in ISO 8601."""
        return datetime.fromtimestamp(self.issued, UTC).isoformat()

    def to_dict(self) -> dict[str, Any]:
        """The handshake as JSON data for other processes, with the official names and units."""
        return {
            "headers": dict(self.headers),
            "time": self.time,
            "address": self.address,
            "xdomain": self.xdomain,
            "secure": self.secure,
            "issued": round(self.issued * 1000),
            "url": self.url,
            "query": dict(self.query),
            "auth": self.auth,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Handshake:
        """The handshake of a client of another process; ``connection`` has no more than that.

        Raises:
            ValueError: The data are not what :meth:`to_dict` makes.
        """
        match cast("dict[str, Any]", data):
            case {
                "headers": dict(),
                "address": str(address),
                "secure": bool(secure),
                "issued": int() | float() as issued,
                "url": str(url),
                "auth": dict(),
            }:
                scope = _scope(data["headers"], address, url, secure=secure)
                handshake = cls(EngineRequest(scope), data["auth"])
                handshake.issued = issued / 1000
                return handshake
            case _:
                raise ValueError("not a handshake of another process")


def _scope(headers: Mapping[str, Any], address: str, url: str, *, secure: bool) -> dict[str, Any]:
    """A connection scope of ASGI that says the same."""
    path, _, query = url.partition("?")
    pairs = ((str(name).lower(), str(value)) for name, value in headers.items())
    return {
        "type": "http",
        "scheme": "https" if secure else "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs],
        "client": (address, 0),
    }
