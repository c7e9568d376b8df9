"""Taking over an accepted WebSocket.

An ASGI server may offer an extension by which an application takes over an accepted WebSocket:
messages come as calls, frames go out as ready bytes, and the application callable returns while
the connection lives on. No task waits per connection, and no message passes a queue.

    attach = scope["extensions"]["socketio_asgi.websocket"]["attach"]
    websocket = attach(receiver, max_size=1_000_000)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from starlette.types import Scope

from ..websocket.reader import OnEvent

EXTENSION = "socketio_asgi.websocket"
"""The name of the ASGI extension."""


class Receiver(Protocol):
    """Callback interface of a WebSocket; everything is called in the event loop's thread."""

    def on_writable(self) -> None:
        """Called when the client has read: :attr:`AttachedWebSocket.paused` is False again."""
        ...

    def on_close(self, code: int, reason: str) -> None:
        """Called when the connection is closed, by whichever side; nothing follows.

        Args:
            code: The close code; 1005 when the client gave none, 1006 when it just went.
            reason: The explanation of the side that closed.
        """
        ...

    def on_failure(self, code: int, reason: str) -> None:
        """Called when the connection was closed for a fault of the client; nothing follows.

        Args:
            code: The close code that the client was sent.
            reason: A description of the fault.
        """
        ...

    def on_server_exit(self) -> None:
        """Called when the ASGI server is about to end; a last message can still be sent."""
        ...


class AttachedWebSocket(Protocol):
    """An accepted WebSocket."""

    @property
    def on_message(self) -> Callable[[str | bytes], None]:
        """Called with each message; to be set before :meth:`resume_reading` is called first."""
        ...

    @on_message.setter
    def on_message(self, on_message: Callable[[str | bytes], None]) -> None: ...

    @property
    def on_event(self) -> OnEvent | None:
        """Called before that with a message that is a short event of Socket.IO; None for never."""
        ...

    @on_event.setter
    def on_event(self, on_event: OnEvent | None) -> None: ...

    @property
    def paused(self) -> bool:
        """True while the client does not read: what is written then waits in memory."""
        ...

    @property
    def flushed(self) -> bool:
        """True when nothing was written in this turn of the event loop."""
        ...

    def write(self, frame: bytes) -> None:
        """Send a frame as it is; with what else is written in this turn of the event loop."""
        ...

    def pause_reading(self) -> None:
        """Receive no more messages."""
        ...

    def resume_reading(self) -> None:
        """Receive messages; an attached connection begins without."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection after what was written; the receiver is told in the next turn."""
        ...

    def abort(self) -> None:
        """Cut the connection; what was written is lost, and the receiver is told later."""
        ...


class Attach(Protocol):
    """The function that the extension offers."""

    def __call__(self, receiver: Receiver, *, max_size: int) -> AttachedWebSocket | None:
        """Take an accepted WebSocket over; it receives nothing until it is told to.

        Args:
            receiver: The callbacks from now on.
            max_size: The largest message that is accepted, in bytes.

        Returns:
            The WebSocket; None when it is too late, because messages came already.
        """
        ...


def find_attach(scope: Scope) -> Attach | None:
    """The function that takes a WebSocket over, if its ASGI server offers that."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    extension = extensions.get(EXTENSION)
    return None if extension is None else cast("Attach", extension["attach"])
