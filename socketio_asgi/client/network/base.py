"""The interface between a client's transports and what carries them.

A network makes HTTP requests and opens WebSockets. There is one over sockets, and one that calls an
ASGI application in the same process, for tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ...runtime import Runtime


class HTTPResponse(NamedTuple):
    """The answer to an HTTP request, when all of it is there.

    Attributes:
        status: The status code.
        body: The body, not compressed any more.
        content_type: The header of that name; empty if there is none.
    """

    status: int
    body: bytes
    content_type: str = ""


class WebSocketOwner(Protocol):
    """The transport that a WebSocket belongs to; everything is called in the event loop."""

    def on_message(self, message: str | bytes) -> None:
        """Called with each message, in order."""
        ...

    def on_drain(self) -> None:
        """Called when everything has been handed to the operating system, after there was more."""
        ...

    def on_end(self, error: Exception | None, code: int) -> None:
        """Called once, when the WebSocket has ended, unless this side aborted it.

        Args:
            error: The fault; None when it was closed properly by either side.
            code: The close code; 1006 when there was none.
        """
        ...


class WebSocket(Protocol):
    """An open WebSocket."""

    @property
    def buffered(self) -> int:
        """The bytes that wait to be handed to the operating system."""
        ...

    def send(self, messages: Sequence[str | bytes]) -> None:
        """Send messages, each as one frame; does nothing once it has ended."""
        ...

    def pause_reading(self) -> None:
        """Call back with no more messages, and let the server wait."""
        ...

    def resume_reading(self) -> None:
        """Go on with the messages."""
        ...

    def close(self) -> None:
        """Close it properly: what waits is sent, then the close frame; the owner hears the end."""
        ...

    def abort(self) -> None:
        """End it at once; the owner hears nothing more."""
        ...


class Network(Protocol):
    """Carries the requests and the WebSockets of one client.

    What fails to reach the server raises :class:`~socketio_asgi.exceptions.TransportError`.
    """

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HTTPResponse:
        """Make an HTTP request, and wait for the whole answer.

        Args:
            method: ``GET`` or ``POST``.
            url: The address, its scheme ``http`` or ``https``.
            headers: More headers than the network sends by itself.
            body: The body of a POST.

        Raises:
            TransportError: There is no answer.
        """
        ...

    async def open_websocket(
        self, url: str, headers: Mapping[str, str], owner: WebSocketOwner, runtime: Runtime
    ) -> WebSocket:
        """Open a WebSocket; calls back for messages from then on, maybe before this returns.

        The owner hears nothing of one that cannot be opened, or when this is cancelled. Redirects
        are not followed.

        Args:
            url: The address, its scheme ``http`` or ``https`` (for ``ws`` and ``wss``).
            headers: More headers than the network sends by itself.
            owner: The transport.
            runtime: The event loop.

        Raises:
            TransportError: It could not be opened.
        """
        ...

    async def close(self) -> None:
        """Close connections that are kept for further requests; the network can be used again."""
        ...
