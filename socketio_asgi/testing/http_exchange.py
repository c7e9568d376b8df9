"""One HTTP request to an ASGI application in this process, and its response."""

from __future__ import annotations

from starlette.types import Message

from ..runtime import Runtime
from ..websocket.headers import Header
from .signal import Signal


class HTTPExchange:
    """The two channels of an application that is called with an HTTP request.

    Args:
        runtime: The event loop.
        body: The body of the request.

    Attributes:
        status: The status code; None until the response has begun.
        headers: The headers of the response.
        body: The body of the response, as far as it came.
        lost: Whether the line broke before all of it was there.
    """

    def __init__(self, runtime: Runtime, body: bytes) -> None:
        self.status: int | None = None
        self.headers: list[Header] = []
        self.body: bytearray = bytearray()
        self.lost: bool = False
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._complete = False
        self._gone = False
        self._changed = Signal(runtime)

    async def complete(self) -> None:
        """Wait until the response is complete."""
        while not (self._complete or self.lost):
            await self._changed.wait()

    def on_lost(self) -> None:
        """Called when the line breaks."""
        self.lost = True
        self.disconnect()

    def on_restored(self) -> None:
        """Called when the line is no longer stalled."""

    def disconnect(self) -> None:
        """Tell the application that the client has left."""
        self._gone = True
        self._changed.notify()

    def on_return(self, error: Exception | None) -> None:
        """Called when the application has returned, or raised."""
        if not self._complete and self.status is None:
            self.status = 500
            self.headers = [(b"content-type", b"text/plain; charset=utf-8")]
            self.body[:] = b"Internal Server Error"
        self._complete = True
        self._changed.notify()

    async def receive_event(self) -> Message:
        """Receive the request, and then the end of its client; for the application."""
        request, self._request = self._request, None
        if request is not None:
            return request
        while not (self._complete or self._gone):
            await self._changed.wait()
        return {"type": "http.disconnect"}

    async def send_event(self, message: Message) -> None:
        """Send a part of the response; for the application."""
        if self._gone or self._complete:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            if self.status is None:
                raise RuntimeError("the application sent a body before http.response.start")
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self._complete = True
                self._changed.notify()
