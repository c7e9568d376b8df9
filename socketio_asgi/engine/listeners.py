"""Listeners to the events of the connection layer, as observers of one method each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..protocol import EnginePacket, OutgoingPacket
from ..runtime.callables import check_plain
from .observer import EngineObserver, RefusedRequest
from .public_session import ListenerT, Session, TransportInfo


class ListenerObserver(EngineObserver):
    """An observer that calls a function of the application.

    Args:
        listener: The function.
    """

    def __init__(self, listener: Callable[..., Any]) -> None:
        self.listener: Callable[..., Any] = listener

    def __repr__(self) -> str:
        return f"the listener {self.listener!r}"


class _OnConnection(ListenerObserver):
    def session_opened(self, session: Session) -> None:
        self.listener(session)


class _OnConnectionError(ListenerObserver):
    def request_refused(self, refused: RefusedRequest) -> None:
        self.listener(refused)


class _OnUpgrade(ListenerObserver):
    def session_upgraded(self, session: Session, transport: TransportInfo) -> None:
        self.listener(transport)


class _OnPacket(ListenerObserver):
    def packet_received(self, session: Session, packet: EnginePacket, size: int) -> None:
        self.listener(packet)


class _OnPacketCreate(ListenerObserver):
    def packet_sent(self, session: Session, packet: OutgoingPacket, size: int) -> None:
        self.listener(packet)


class _OnDrain(ListenerObserver):
    def session_drained(self, session: Session) -> None:
        self.listener()


class _OnClose(ListenerObserver):
    def session_closed(self, session: Session, reason: str, description: str | None) -> None:
        self.listener(reason, description)


ENGINE_EVENTS: Mapping[str, type[ListenerObserver]] = {
    "connection": _OnConnection,
    "connection_error": _OnConnectionError,
}
"""The events of an engine, beside those for response headers."""

SESSION_EVENTS: Mapping[str, type[ListenerObserver]] = {
    "upgrade": _OnUpgrade,
    "packet": _OnPacket,
    "packet_create": _OnPacketCreate,
    "drain": _OnDrain,
    "close": _OnClose,
}
"""The events of one session."""


def registration(
    name: str, names: Collection[str], add: Callable[[Callable[..., Any]], object]
) -> Callable[[ListenerT], ListenerT]:
    """A decorator that adds a listener to an event.

    Args:
        name: The event.
        names: The events that there are.
        add: Called with each listener.

    Raises:
        ValueError: There is no such event.
    """
    if name not in names:
        raise ValueError(f"no event {name!r} here; there are {sorted(names)}")

    def register(listener: ListenerT) -> ListenerT:
        check_plain(listener)
        add(listener)
        return listener

    return register
