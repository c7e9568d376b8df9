"""Requests that an application serves at once, without ASGI.

For every request, a server makes a scope, a task, and two channels. An application that needs none
of them for some of its requests may take those as calls:

    by_path = application.__direct_requests__()  # once, before the first request
    requests = by_path.get(path)
    if requests is None or not requests.serve(connection, method, query_string, headers, body):
        ...  # by way of ASGI

Only the outermost application is asked, so nothing that stands around it is left out. ASGI stays
the way of all other requests, and of each that is not plain: what is answered False was not
touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from starlette.types import Scope

from ..websocket.headers import Header
from .websocket import AttachedWebSocket, Receiver


class WaitingRequest(Protocol):
    """A request whose answer is not known yet, as the application sees it."""

    def answer(self) -> None:
        """Called once, in the end of a turn after :meth:`DirectConnection.wake`: answer now."""
        ...

    def left(self) -> None:
        """Called when the client left before it was answered; nothing follows."""
        ...


class DirectConnection(Protocol):
    """An HTTP connection with a request that is complete."""

    def asgi_scope(self) -> Scope:
        """The request as a scope of ASGI, with what forwarding proxies say of the client."""
        ...

    def respond(self, lines: bytes, body: bytes) -> None:
        """Answer the request, with status 200.

        Args:
            lines: The lines of the headers, with the length of the body.
            body: The whole body.
        """
        ...

    def wait(self, request: WaitingRequest) -> None:
        """Let the request wait."""
        ...

    def wake(self) -> None:
        """Have :meth:`WaitingRequest.answer` called, when this turn of the event loop is over."""
        ...


class Accept(Protocol):
    """Turns a handshake into a WebSocket, which receives nothing until it is told to."""

    def __call__(
        self, receiver: Receiver, *, max_size: int, headers: list[Header]
    ) -> AttachedWebSocket:
        """Accept it.

        Args:
            receiver: The callbacks.
            max_size: The largest message that is accepted, in bytes.
            headers: Headers of the response, beside those of the server.
        """
        ...


class DirectRequests(Protocol):
    """The requests of one path. Nothing is raised but for a fault in the application."""

    def serve(
        self,
        connection: DirectConnection,
        method: str,
        query_string: bytes,
        headers: list[Header],
        body: bytes,
    ) -> bool:
        """Serve an HTTP request; False leaves it to ASGI.

        Args:
            connection: The connection of the client.
            method: ``GET`` or ``POST``.
            query_string: The part behind the question mark.
            headers: The headers, their names in lower case.
            body: The whole body.
        """
        ...

    def open(self, scope: Scope, accept: Accept) -> bool:
        """Serve the handshake of a WebSocket; False leaves it to ASGI."""
        ...


def direct_requests_of(application: object) -> Mapping[bytes, DirectRequests]:
    """The paths that an application serves without ASGI; none for most.

    The paths are as they come in requests: before percent-decoding, and whole.
    """
    offer: object = getattr(application, "__direct_requests__", None)
    if not callable(offer):
        return {}
    return cast("Callable[[], Mapping[bytes, DirectRequests]]", offer)()
