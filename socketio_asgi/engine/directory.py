"""The way from a request to its session, also when another process has it.

An engine looks among its own sessions first. Only for an id that is not there it asks the directory
that it was given, if it was given one, in one of three ways:

    packets     :meth:`SessionDirectory.find` returns an :class:`AddressedSession` that passes on
                what it is asked to the engine that has the session. That engine drives it with a
                transport of its own making, a :class:`~.transports.base.Transport` whose other end
                is here; to the session it is like any other.
    requests    :meth:`SessionDirectory.find` raises :class:`HandedOver` with an ASGI callable that
                passes on the whole request: the other engine has it served by what
                :meth:`SessionDirectory.bind` has given it.
    connections :meth:`SessionDirectory.find` gives the connection itself to the other process, and
                raises :class:`HandedOver`. Here the request is over then, without an answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from starlette.types import ASGIApp

from ..protocol import EngineCodec, EnginePacket, OutgoingPacket
from ..runtime import Runtime
from ..runtime.ids import random_id
from .delayed_start import DelayedStart
from .http.body import RequestBody
from .http.request import EngineRequest
from .http.response import Response
from .offer import Offer
from .options import EngineOptions
from .transports.base import ConnectionTransport, Transport


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

    def forgo_upgrade(self) -> None:
        """Called when there will be no upgrade after all, in place of :meth:`begin_upgrade`."""
        ...


class LocalSession(AddressedSession, Protocol):
    """A session of an engine, as the engine's own directory sees it.

    Attributes:
        paused: Whether no more packets are welcome, because some wait already.
        delayed: The delay in which nobody has heard of the session; None when it is over.
    """

    paused: bool
    delayed: DelayedStart | None

    @property
    def transport(self) -> Transport:
        """The transport that carries the session at present."""
        ...

    def probe_elsewhere(self, on_dropped: Callable[[], object]) -> DirectedUpgrade:
        """Have another engine test a transport, after :meth:`begin_upgrade`.

        Args:
            on_dropped: Called when the transport is not wanted any more.
        """
        ...

    def hand_over(self) -> tuple[list[EnginePacket], list[OutgoingPacket]]:
        """End the session here, because another engine goes on with it; see :attr:`delayed`.

        Returns:
            What the client has sent so far, and what waits for it.
        """
        ...

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets of the client."""
        ...

    def readable(self) -> Awaitable[None]:
        """Wait until more packets are welcome."""
        ...

    def end(self, reason: str, description: str | None = None) -> None:
        """End the session now."""
        ...


class DirectedUpgrade(Protocol):
    """An upgrade that another engine tells the outcome of."""

    def complete(self, transport: Transport) -> None:
        """Let a transport carry the session."""
        ...

    @property
    def under_way(self) -> bool:
        """True until it is complete, or given up."""
        ...

    def fail(self, problem: str) -> None:
        """Give the upgrade up; the session stays on its transport."""
        ...


class LocalSessions(Protocol):
    """The sessions of an engine in one event loop, as the engine's own directory sees them."""

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    @property
    def options(self) -> EngineOptions:
        """The options of the engine."""
        ...

    @property
    def shutting_down(self) -> bool:
        """True when the engine ends."""
        ...

    def get(self, sid: str) -> LocalSession | None:
        """The session of that id; None when there is none."""
        ...

    def check_allowed(self, request: EngineRequest) -> Awaitable[None]:
        """Check a request by which a session would move here, as if it opened one.

        Raises:
            Refusal: It must not.
        """
        ...

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        ...

    def adopt(
        self, sid: str, codec: EngineCodec, request: EngineRequest, transport: ConnectionTransport
    ) -> LocalSession:
        """Go on with a session of another engine, whose client has moved to a transport here."""
        ...


class SessionDirectory(ABC):
    """The sessions of other engines."""

    @abstractmethod
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
            HandedOver: Another process answers.
        """

    def bind(self, serve: ASGIApp) -> None:  # noqa: B027  # not every directory needs it
        """Take in what serves requests of this engine's own sessions, past its middlewares.

        For those that came to another engine, whose middlewares have seen them.
        """

    def begin(self, sessions: LocalSessions) -> None:  # noqa: B027  # not every directory needs it
        """Take in the sessions of this engine; called in each event loop that it begins in."""

    @property
    def start_delay(self) -> float:
        """The time in which a new session may still move to another engine, in seconds.

        As long as that, nobody hears of it; see :mod:`.delayed_start`.
        """
        return 0.0

    def new_id(self) -> str:
        """The id of a new session, unless the application makes ids."""
        return random_id()

    def opened(self, sid: str) -> None:  # noqa: B027  # not every directory needs it
        """Called when a session of this engine begins."""

    def closed(self, sid: str) -> None:  # noqa: B027  # not every directory needs it
        """Called when a session of this engine has ended."""

    def closing(self) -> None:  # noqa: B027  # not every directory needs it
        """Called when this engine is about to end: it takes no more requests of other engines."""


class HandedOver(Exception):
    """Raised by a directory that has a request served by another process.

    Args:
        serve: Passes the request on, and the answer back; it may raise a :class:`.Refusal` instead.
            None when the other process has the connection, and answers by itself.
    """

    def __init__(self, serve: ASGIApp | None = None) -> None:
        super().__init__("another process serves the request")
        self.serve: ASGIApp | None = serve
