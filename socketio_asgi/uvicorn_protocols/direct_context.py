"""The part of a uvicorn server's configuration that direct requests have to respect."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import ServerState

from ..extensions.direct import DirectRequests, direct_requests_of
from ..websocket.headers import Header, header_lines


class DirectContext:
    """The requests that the application serves without ASGI, and what uvicorn adds to them.

    Args:
        config: The configuration of the server.
        state: Its connections and tasks.

    Attributes:
        by_path: The requests, by their paths; none when the server has an option for requests
            that ASGI alone knows.
        logs_access: Whether each request has a line in the access log.
    """

    def __init__(self, config: Config, state: ServerState) -> None:
        self._state = state
        application: Any = cast("Any", config).loaded_app
        self._proxies: ProxyHeadersMiddleware | None = None
        if type(application) is ProxyHeadersMiddleware:  # by default, uvicorn has it around all
            self._proxies = ProxyHeadersMiddleware(_stop)
            self._proxies.trusted_hosts = application.trusted_hosts
            application = application.app
        self.by_path: Mapping[bytes, DirectRequests] = {}
        if config.limit_concurrency is None and not config.root_path:
            self.by_path = direct_requests_of(application)
        # As uvicorn looks, at the beginning of each connection.
        self.logs_access: bool = logging.getLogger("uvicorn.access").hasHandlers()
        self._headers: list[Header] | None = None
        self._header_lines = b""

    def header_lines(self) -> bytes:
        """The lines of the headers that the server itself adds; they change once a second."""
        headers = self._state.default_headers
        if headers is not self._headers:
            self._headers, self._header_lines = headers, header_lines(headers)
        return self._header_lines

    def forward(self, scope: Scope) -> None:
        """Put into a scope what trusted proxies say of the client."""
        if self._proxies is not None:
            # It is uvicorn's own code, which has nothing to wait for.
            passed: Any = scope
            nothing: Any = None
            work = self._proxies(passed, nothing, nothing)
            try:
                work.send(None)
            except StopIteration:
                return
            work.close()


async def _stop(_scope: Any, _receive: Any, _send: Any) -> None:
    """Stand where the application is."""
