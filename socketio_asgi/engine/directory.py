"""The way from a request to its session, also when another process has it.

An engine looks among its own sessions first. Only for an id that is not there it asks the directory
that it was given, if it was given one, in one of two ways:

    relay       :meth:`SessionDirectory.find` returns an :class:`AddressedSession` that passes on
                what it is asked to the engine that has the session. That engine drives it with a
                transport of its own making, a :class:`~.transports.base.Transport` whose other end
                is here; to the session it is like any other.
    hand over   :meth:`SessionDirectory.find` gives the connection itself to the other process, and
                raises :class:`HandedOver`. Here the request is over then, without an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from ..protocol import EngineCodec
from .http.body import RequestBody
from .http.request import EngineRequest
from .http.response import Response
from .offer import Offer
from .transports.base import ConnectionTransport


class ServingTransport(Protocol):
    """The transport of a session, as requests see it."""

    @property
    def name(self) -> str:
        """The value of the query parameter ``transport``."""
        ...

    def serve(self, request: EngineRequest, body: RequestBody) -> Awaitable[Response]:
        """Serve an HTTP request of the session.

        Raises:
            Refusal: There is no use for the request.
        """
        ...


class AddressedSession(Protocol):
    """A session as requests see it, wherever it lives."""

    @property
    def codec(self) -> EngineCodec:
        """The revision of the protocol that the client speaks."""
        ...

    @property
    def transport(self) -> ServingTransport:
        """The transport that carries the session at present."""
        ...

    def begin_upgrade(self, target: str) -> bool:
        """Begin to test another transport; False when the session takes none of that name.

        True is followed by a call of :meth:`probe`, in the same turn of the event loop.
        """
        ...

    def probe(self, transport: ConnectionTransport) -> None:
        """Test a transport that has just been opened, and move on to it if it works."""
        ...


class SessionDirectory(Protocol):
    """The sessions of other engines."""

    def find(
        self, offer: Offer, request: EngineRequest
    ) -> Awaitable[AddressedSession | None] | AddressedSession | None:
        """Find the session that a client names; it is none of this engine.

        It is asked for each such request, also of clients that made the id up: an answer has to
        cost little, and must not depend on the client's honesty.

        Args:
            offer: The words of the client.
            request: Its request, whose origin was checked.

        Returns:
            The session, or None when there is none; possibly later.

        Raises:
            HandedOver: Another process has the connection now, and answers.
        """
        ...


class HandedOver(Exception):
    """Raised by a directory that gave the connection of a request to another process."""
