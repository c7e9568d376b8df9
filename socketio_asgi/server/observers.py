"""The observers of a server, by what each wants to know; what one of them raises is logged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ..adapters import AdapterState
from ..adapters.observer import AdapterObserver, Member, hears_of_rooms
from ..events.observer import CallObserver
from ..events.plans import HandlerCall
from ..exceptions import ConnectionRefused, EventError
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from .observer import Observer, overrides

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

Observers = tuple[Observer, ...]


class ServerObservers:
    """The observers of a server; those of connections are the engine's business.

    Attributes:
        sees_events: Whether one of them wants to know of every event of every socket.
        calls: What is told of the calls of handlers; None when nobody wants to know.
        adapters: What is told of rooms, broadcasts and the cluster; None when nobody wants to know.
    """

    __slots__ = (
        "_failing",
        "_joining",
        "_leaving",
        "_of_adapters",
        "_of_calls",
        "_receiving",
        "_refusing",
        "_sending",
        "adapters",
        "calls",
        "sees_events",
    )

    def __init__(self) -> None:
        self._joining: Observers = ()
        self._refusing: Observers = ()
        self._leaving: Observers = ()
        self._failing: Observers = ()
        self._receiving: Observers = ()
        self._sending: Observers = ()
        self._of_calls: Observers = ()
        self._of_adapters: Observers = ()
        self.sees_events: bool = False
        self.calls: CallObserver | None = None
        self.adapters: AdapterObserver | None = None

    def add(self, observer: Observer) -> None:
        """Add an observer."""
        self._joining = _with(self._joining, observer, "socket_joined")
        self._refusing = _with(self._refusing, observer, "socket_refused")
        self._leaving = _with(self._leaving, observer, "socket_left")
        self._failing = _with(self._failing, observer, "event_failed")
        self._receiving = _with(self._receiving, observer, "event_received")
        self._sending = _with(self._sending, observer, "event_sent")
        self.sees_events = bool(self._receiving or self._sending)
        if overrides(observer, CallObserver):
            self._of_calls += (observer,)
            self.calls = _GuardedCalls(self._of_calls)
        if overrides(observer, AdapterObserver):
            self._of_adapters += (observer,)
            rooms = any(map(hears_of_rooms, self._of_adapters))
            self.adapters = (_GuardedRooms if rooms else _GuardedAdapters)(self._of_adapters)

    def joined(self, socket: Any) -> None:
        """Tell of a client that has joined a namespace."""
        for observer in self._joining:
            tell(observer.socket_joined, socket)

    def refused(self, namespace: str, error: ConnectionRefused) -> None:
        """Tell of a client that a middleware has refused."""
        for observer in self._refusing:
            tell(observer.socket_refused, namespace, error)

    def left(self, socket: Any, reason: str) -> None:
        """Tell of a client that has left a namespace."""
        for observer in self._leaving:
            tell(observer.socket_left, socket, reason)

    def failed(self, namespace: str, event: str, error: EventError) -> None:
        """Tell of an event that has ended in an error."""
        for observer in self._failing:
            tell(observer.event_failed, namespace, event, error)

    def received(self, socket: Any, values: Sequence[Any]) -> None:
        """Tell of an event of a client."""
        for observer in self._receiving:
            tell(observer.event_received, socket, values)

    def sent(self, socket: Any, values: Sequence[Any]) -> None:
        """Tell of an event to a client."""
        for observer in self._sending:
            tell(observer.event_sent, socket, values)


def _with(observers: Observers, observer: Observer, method: str) -> Observers:
    """The observers that override a method, with another one if it does, too."""
    overridden = getattr(type(observer), method) is not getattr(Observer, method)
    return (*observers, observer) if overridden else observers


class _GuardedCalls(CallObserver):
    """Observers of calls that raise nothing."""

    def __init__(self, observers: Observers) -> None:
        self._observers = observers

    def handler_started(self, call: HandlerCall) -> None:
        """Called when a handler, middleware or listener is about to be called."""
        for observer in self._observers:
            tell(observer.handler_started, call)

    def handler_ended(self, call: HandlerCall, seconds: float, error: BaseException | None) -> None:
        """Called when a handler, middleware or listener has returned or raised."""
        for observer in self._observers:
            tell(observer.handler_ended, call, seconds, error)


class _GuardedAdapters(AdapterObserver):
    """Observers of adapters that raise nothing."""

    def __init__(self, observers: Observers) -> None:
        self._observers = observers

    def broadcast(self, namespace: str, recipients: int) -> None:
        """Called when a packet was handed to sockets of this process."""
        for observer in self._observers:
            tell(observer.broadcast, namespace, recipients)

    def adapter_state(self, state: AdapterState, error: Exception | None) -> None:
        """Called when the state of a server's adapters has changed."""
        for observer in self._observers:
            tell(observer.adapter_state, state, error)

    def member_joined(self, member: Member) -> None:
        """Called when another server of the cluster has introduced itself."""
        for observer in self._observers:
            tell(observer.member_joined, member)

    def member_left(self, member: Member) -> None:
        """Called when another server of the cluster has ended."""
        for observer in self._observers:
            tell(observer.member_left, member)

    def messages_dropped(self, reason: str, count: int) -> None:
        """Called when messages of a cluster were not sent, or not handled."""
        for observer in self._observers:
            tell(observer.messages_dropped, reason, count)


class _GuardedRooms(_GuardedAdapters):
    """The same, where one of them wants to hear of rooms as well."""

    def room_joined(self, namespace: str, room: str, sid: str) -> None:
        """Called when a socket of this process has joined a room."""
        for observer in self._observers:
            tell(observer.room_joined, namespace, room, sid)

    def room_left(self, namespace: str, room: str, sid: str) -> None:
        """Called when a socket of this process has left a room."""
        for observer in self._observers:
            tell(observer.room_left, namespace, room, sid)


def tell(method: Callable[..., None], *args: Any) -> None:
    """Call a method of an observer; what it raises is logged."""
    try:
        method(*args)
    except Exception as error:
        if may_log_fault(locate(method), error):
            logger.exception("the observer raised in %r", method)
