"""A request that waits for its answer without ASGI."""

from __future__ import annotations

from starlette.types import Scope

from ..extensions.direct import WaitingRequest
from .http_writing import BufferingTransport


class WaitingResponse:
    """A request that waits for its answer, where uvicorn has its object for the latest request.

    Args:
        network: The connection.
        request: The request as the application sees it.
        scope: The request for the access log; None where there is none.

    Attributes:
        keep_alive: Whether the connection lasts; uvicorn denies that when it is about to end.
        response_complete: Whether it was answered.
        disconnected: Whether the client left, which uvicorn says.
        more_body: Whether more of it is to come.
    """

    __slots__ = ("_network", "_request", "disconnected", "keep_alive", "response_complete", "scope")

    more_body = False

    def __init__(
        self, network: BufferingTransport, request: WaitingRequest, scope: Scope | None
    ) -> None:
        self._network = network
        self._request: WaitingRequest | None = request
        self.scope: Scope | None = scope
        self.keep_alive: bool = True
        self.response_complete: bool = False
        self.disconnected: bool = False

    def flush(self) -> None:
        """Answer: the turn of the event loop is over."""
        request, self._request = self._request, None
        if request is not None:
            request.answer()

    def abort(self) -> None:
        """Cut the connection."""
        self._network.abort()

    def leave(self) -> None:
        """Tell that the client left."""
        request, self._request = self._request, None
        if request is not None:
            request.left()

    @property
    def message_event(self) -> WaitingResponse:
        """The event by which uvicorn wakes its request."""
        return self

    def set(self) -> None:
        """Do nothing: the end of the connection is told by the connection itself."""
