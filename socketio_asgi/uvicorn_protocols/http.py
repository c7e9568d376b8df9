"""The classes for HTTP connections: uvicorn's own, with bounds for what comes and fewer writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from ..websocket.headers import Header
from .http_handover import HandingOver

if TYPE_CHECKING:
    from .http_direct import DirectServing as _Serving

    _HTTPProtocol = asyncio.Protocol
else:  # the one for httptools where that is installed, the one for h11 otherwise
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as _HTTPProtocol

    if hasattr(_HTTPProtocol, "on_headers_complete"):
        from .http_direct import DirectServing as _Serving
    else:  # h11 does not call back
        _Serving = HandingOver


class _KnownUpgrade:
    """Looks once for the protocol that a client asks for; uvicorn does so three times."""

    headers: list[Header]
    _upgrade: tuple[list[Header], bytes | None] | None = None

    def _get_upgrade(self) -> bytes | None:
        known = self._upgrade
        if known is None or known[0] is not self.headers:
            upgrade = cast("bytes | None", cast("Any", super())._get_upgrade())  # noqa: SLF001
            self._upgrade = known = (self.headers, upgrade)
        return known[1]


class HTTPProtocol(_KnownUpgrade, _Serving, _HTTPProtocol):
    """The protocol class for uvicorn's option ``http``.

    Requests that the application serves without ASGI do not pass through it; httptools is needed
    for that.

    Args:
        config: The configuration of the server.
        server_state: Its connections and tasks.
        app_state: The state that the application's lifespan has set.

    Example:
        ```console
        $ uvicorn main:app --http socketio_asgi.integrations.uvicorn:HTTPProtocol
        ```
    """


class ASGIHTTPProtocol(_KnownUpgrade, HandingOver, _HTTPProtocol):
    """The same, but every request goes through ASGI.

    Args:
        config: The configuration of the server.
        server_state: Its connections and tasks.
        app_state: The state that the application's lifespan has set.

    Example:
        ```console
        $ uvicorn main:app --http socketio_asgi.integrations.uvicorn:ASGIHTTPProtocol
        ```
    """
