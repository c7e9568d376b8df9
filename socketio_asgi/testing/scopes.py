"""ASGI scopes, as a server makes them.

Source: https://asgi.readthedocs.io/en/stable/specs/www.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.types import Scope

from ..websocket.headers import Header

SPEC_VERSION = "2.4"
"""The version of ASGI's messages: by it, an application that sends to nobody gets an OSError."""

_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """The parts of an URL that a scope is made of.

    Attributes:
        secure: Whether its scheme is ``https``.
        host: The host.
        port: The port, that of the scheme if it names none.
        netloc: Host and port, as they were written.
        path: The path, percent-encoded.
        query: The query string.
    """

    secure: bool
    host: str
    port: int
    netloc: str
    path: str
    query: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take an URL apart.

        Raises:
            ValueError: Its scheme is neither ``http`` nor ``https``, or it names no host.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(
                f"the address of a server begins with http://HOST or https://HOST: {url}"
            )
        port = parts.port or _PORTS[parts.scheme]
        secure = parts.scheme == "https"
        netloc = parts.netloc.rpartition("@")[2]
        return cls(secure, parts.hostname, port, netloc, parts.path or "/", parts.query)


class Origin(NamedTuple):
    """The place that requests seem to come from, and to.

    Attributes:
        client: The address of the client: host and port.
        root_path: The prefix under which the application is reached, which a proxy has stripped
            from the path.
        state: The state of the application's lifespan.
    """

    client: tuple[str, int]
    root_path: str
    state: dict[str, Any]


def http_scope(
    method: str, address: Address, headers: Mapping[str, str], origin: Origin, body: bytes | None
) -> Scope:
    """The scope of an HTTP request."""
    scope = _scope(address, headers, origin, "https" if address.secure else "http")
    scope["type"] = "http"
    scope["method"] = method.upper()
    if body is not None:
        scope["headers"].append((b"content-length", b"%d" % len(body)))
    return scope


def websocket_scope(address: Address, headers: Mapping[str, str], origin: Origin) -> Scope:
    """The scope of a WebSocket."""
    scope = _scope(address, headers, origin, "wss" if address.secure else "ws")
    scope["type"] = "websocket"
    scope["headers"] += [
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),  # the example of RFC 6455
        (b"sec-websocket-version", b"13"),
    ]
    scope["subprotocols"] = []
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


def _scope(address: Address, headers: Mapping[str, str], origin: Origin, scheme: str) -> Scope:
    path = origin.root_path + address.path
    return {
        "asgi": {"version": "3.0", "spec_version": SPEC_VERSION},
        "http_version": "1.1",
        "server": (address.host, address.port),
        "client": origin.client,
        "scheme": scheme,
        "root_path": origin.root_path,
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": address.query.encode("ascii"),
        "headers": _headers(address, headers),
        "extensions": {},
        "state": dict(origin.state),
    }


def _headers(address: Address, headers: Mapping[str, str]) -> list[Header]:
    all_headers = {"host": address.netloc, "accept": "*/*", "user-agent": "socketio_asgi.testing"}
    all_headers |= {name.lower(): value for name, value in headers.items()}
    return [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()
    ]
