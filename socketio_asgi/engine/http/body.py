"""The body of an HTTP request, and the end of its client."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable

from starlette.types import Message, Receive

from ...runtime import Runtime
from .request import EngineRequest

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

DISCARD_SECONDS = 1.0
"""The time for a refused request to go on sending its body."""


class BodyTooLarge(Exception):
    """The body is larger than allowed."""


class ClientGone(Exception):
    """The client left before its request was complete."""


class RequestBody:
    """The part of an HTTP request that comes after its head.

    Args:
        request: The request, for the announced length.
        receive: The ASGI receive channel.
    """

    __slots__ = ("_ended", "_receive", "_request")

    def __init__(self, request: EngineRequest, receive: Receive) -> None:
        self._request = request
        self._receive = receive
        self._ended = False

    async def receive(self) -> Message:
        """Receive the next event of the request, as something else is to handle it."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    def read(self, runtime: Runtime, limit: int, seconds: float) -> Awaitable[bytes]:
        """Read the whole body, and no more than is allowed.

        Args:
            runtime: The event loop.
            limit: The largest body that is accepted, in bytes.
            seconds: The time that the client may take.

        Raises:
            BodyTooLarge: The body is larger; reading stopped there.
            ClientGone: The client left.
            TimeoutError: The client was too slow.
        """
        announced = self._request.header(b"content-length")
        if announced is not None and announced.isdigit() and int(announced) > limit:
            raise BodyTooLarge
        return runtime.within(seconds, self._read_all(limit))

    async def _read_all(self, limit: int) -> bytes:
        # Pieces are joined as they come: a body of small ones takes no more memory than another.
        body = bytearray()
        while not self._ended:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGone
            self._ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if len(body) + len(chunk) > limit:
                raise BodyTooLarge
            if self._ended and not body:  # nearly always it is one piece
                return chunk
            body += chunk
        return bytes(body)

    async def discard(self, runtime: Runtime, limit: int) -> bytes:
        """Read the rest of a body that is of no use, if it is not too long.

        Some ASGI servers cut the connection when the response comes before the end of the body,
        and the client may never see that response.

        Args:
            runtime: The event loop.
            limit: The number of bytes after which reading stops.

        Returns:
            The beginning of the body; empty when the rest took too long.
        """
        with contextlib.suppress(TimeoutError):
            return await runtime.within(DISCARD_SECONDS, self._discard(limit))
        return b""

    async def _discard(self, limit: int) -> bytes:
        beginning = b""
        while limit > 0 and not self._ended:
            message = await self.receive()
            chunk: bytes = message.get("body", b"")
            limit -= len(chunk)
            beginning = beginning or chunk
        return beginning

    async def disconnected(self) -> None:
        """Wait until the client of a request without a body leaves."""
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass  # the (empty) body of the request comes first
        except Exception as error:  # noqa: BLE001  # some servers raise for a lost client
            logger.debug("a client left: %r", error)
