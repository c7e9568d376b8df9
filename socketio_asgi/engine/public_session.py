"""The session as applications see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from .http.request import EngineRequest
from .transports.base import Transport, TransportName

ListenerT = TypeVar("ListenerT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class TransportInfo:
    """A transport of a session.

    Attributes:
        name: ``polling`` or ``websocket``.
    """

    name: TransportName


class SessionInside(Protocol):
    """The part of a session that its public side needs.

    Attributes:
        id: The session id.
        request: The request that opened the session.
        transport: The transport that carries it at present.
    """

    id: str
    request: EngineRequest
    transport: Transport

    @property
    def protocol(self) -> int:
        """The revision of the protocol that the client speaks."""
        ...

    @property
    def ready_state(self) -> str:
        """The state by its official name."""
        ...

    @property
    def buffered(self) -> int:
        """The bytes that wait for the client."""
        ...

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener to an event."""
        ...

    def close(self) -> None:
        """Close the session once everything that waits was sent."""
        ...

    def end(self, reason: str, description: str | None = None) -> None:
        """End the session now."""
        ...


class Session:
    """The connection of one client, which the sockets of all its namespaces share.

    Source: https://socket.io/docs/v4/server-api/#socketconn
    """

    __slots__ = ("__socketio__", "__weakref__")

    def __init__(self, inside: SessionInside) -> None:
        self.__socketio__: SessionInside = inside

    def __repr__(self) -> str:
        # Without the id, which is a secret.
        return f"<Session {self.transport.name} {self.ready_state}>"

    @property
    def id(self) -> str:
        """The session id: a secret between the two sides, never to be shown to other clients."""
        return self.__socketio__.id

    @property
    def protocol(self) -> int:
        """The revision of the Engine.IO protocol that the client speaks: 4, or 3 for 2.x."""
        return self.__socketio__.protocol

    @property
    def ready_state(self) -> str:
        """``opening``, ``open``, ``closing`` or ``closed``, as in the official API."""
        return self.__socketio__.ready_state

    @property
    def request(self) -> EngineRequest:
        """The request that opened the session."""
        return self.__socketio__.request

    @property
    def transport(self) -> TransportInfo:
        """The transport that carries the session at present."""
        return TransportInfo(self.__socketio__.transport.name)

    @property
    def buffered(self) -> int:
        """The bytes that wait for the client."""
        return self.__socketio__.buffered

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function, a plain one, as a listener to an event.

        The events: ``upgrade`` (with the new transport), ``packet`` (with each packet that comes),
        ``packet_create`` (with each packet that goes), ``drain`` (everything was handed to the
        transport) and ``close`` (with the reason and its description).

        Raises:
            ValueError: There is no such event.
            TypeError: The listener is asynchronous.

        Source: https://socket.io/docs/v4/server-api/#socketconn
        """
        return self.__socketio__.on(name)

    def close(self) -> None:
        """Close the session once everything that waits was sent."""
        self.__socketio__.close()
