"""Waiting for what an HTTP client sends, and noticing when it goes away."""

from __future__ import annotations

import anyio
from starlette.types import Message, Receive

from .request import EngineRequest
from .runtime import Event

BODY_SECONDS = 30.0
"""How long a client may take to send the body of one request."""

DISCARD_SECONDS = 1.0
"""How long a request that is refused may go on sending its body."""


class BodyTooLarge(Exception):
    """The body is larger than allowed."""


class ClientGone(Exception):
    """The client left, or took too long, before its request was complete."""


class BodyReceiver:
    """The ASGI receive channel of a request, which knows whether the body came to its end.

    Args:
        receive: The ASGI receive channel.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def __call__(self) -> Message:
        """Receive the next message."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def discard(self, limit: int) -> None:
        """Read the rest of a body that nobody wants, if it is not too long.

        Some ASGI servers cut the connection when the response comes before the end of the body,
        and the client may never see that response.

        Args:
            limit: The number of bytes after which reading stops.
        """
        with anyio.move_on_after(DISCARD_SECONDS):
            while limit > 0 and not self._ended:
                limit -= len((await self()).get("body", b""))


async def read_body(request: EngineRequest, receive: Receive, limit: int) -> bytes:
    """Read the body of a request, and no more than is allowed.

    Args:
        request: The request, for its announced length.
        receive: The ASGI receive channel.
        limit: The largest body that is accepted, in bytes.

    Raises:
        BodyTooLarge: The body is larger; reading stopped there.
        ClientGone: The client left or was too slow.
    """
    announced = request.header(b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    with anyio.move_on_after(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
    raise ClientGone


async def wait_or_disconnect(event: Event, receive: Receive) -> bool:
    """Wait until an event is set or the client leaves.

    Returns:
        False when the client left before the event was set.
    """
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await _disconnected(receive)
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await event.wait()
        tasks.cancel_scope.cancel()
    return event.is_set()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # the (empty) body of the request comes first
