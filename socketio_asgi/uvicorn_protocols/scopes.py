"""The scopes of WebSockets, and their lines in the log."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from ..websocket.headers import Header
from .server_context import ServerContext, logger


class HTTPConnection(Protocol):
    """The class for HTTP, which has asked the network for all of this."""

    scheme: str | None
    server: tuple[str, int | None] | None
    client: tuple[str, int] | None


def http_scope(
    config: Config,
    app_state: dict[str, Any],
    http: HTTPConnection,
    *,
    method: str,
    raw_path: bytes,
    query_string: bytes,
    headers: list[Header],
) -> Scope:
    """The scope of an HTTP request whose path is the same when it is decoded, as uvicorn's.

    Args:
        config: The configuration of the server, which has no root path.
        app_state: The state that the application's lifespan has set.
        http: The connection on which it came.
        method: The method.
        raw_path: The path.
        query_string: The part behind the question mark.
        headers: The headers, their names in lower case.
    """
    return {
        "type": "http",
        "asgi": {"version": config.asgi_version, "spec_version": "2.3"},
        "http_version": "1.1",
        "server": http.server,
        "client": http.client,
        "scheme": http.scheme,
        "root_path": "",
        "headers": headers,
        "state": app_state.copy(),
        "method": method,
        "path": raw_path.decode("ascii"),
        "raw_path": raw_path,
        "query_string": query_string,
    }


def websocket_scope(
    config: Config,
    app_state: dict[str, Any],
    http: HTTPConnection,
    *,
    path: str,
    raw_path: bytes,
    query_string: bytes,
    headers: list[Header],
    subprotocols: list[str],
) -> Scope:
    """The scope of a WebSocket.

    Args:
        config: The configuration of the server.
        app_state: The state that the application's lifespan has set.
        http: The connection on which it was asked for.
        path: The path, decoded.
        raw_path: The path as it was sent, without the query.
        query_string: The part behind the question mark.
        headers: The headers, their names in lower case.
        subprotocols: The subprotocols on offer, the preferred one first.
    """
    root_path = config.root_path
    return {
        "type": "websocket",
        "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if http.scheme == "https" else "ws",
        "server": http.server,
        "client": http.client,
        "root_path": root_path,
        "path": root_path + path,
        "raw_path": root_path.encode("ascii") + raw_path,
        "query_string": query_string,
        "headers": headers,
        "subprotocols": subprotocols,
        "state": app_state.copy(),
        "extensions": {"websocket.http.response": {}},
    }


def log_websocket(context: ServerContext, scope: Scope, outcome: str) -> None:
    """Write a line about a WebSocket, where there is one about each request."""
    if context.config.access_log and logger.isEnabledFor(logging.INFO):
        path = get_path_with_query_string(scope)  # type: ignore[arg-type]
        address = get_client_addr(scope)  # type: ignore[arg-type]
        logger.info('%s - "WebSocket %s" %s', address, path, outcome)
