"""The interface of the observers of a server, such as metrics and traces.

Each layer has an interface of its own; :class:`Observer` has the methods of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..adapters.observer import AdapterObserver
from ..engine.observer import EngineObserver
from ..events.observer import CallObserver
from ..exceptions import ConnectionRefused, EventError
from ..runtime.callables import is_async

if TYPE_CHECKING:
    from .socket import Socket


class Observer(EngineObserver, CallObserver, AdapterObserver):
    """An observer of a server; a subclass overrides the methods that it needs.

    Give an instance to ``Server(observer=...)``, or to :meth:`.Server.observe`. Every method is
    called in the event loop, at once, and has to return at once. An exception is logged and changes
    nothing. A method that is not overridden costs nothing.
    """

    def socket_joined(self, socket: Socket[Any]) -> None:
        """Called when a client has joined a namespace, before its ``connection`` handler runs."""

    def socket_refused(self, namespace: str, error: ConnectionRefused) -> None:
        """Called when a middleware has refused a client.

        Args:
            namespace: The name of the namespace.
            error: The refusal that the client is told.
        """

    def event_failed(self, namespace: str, event: str, error: EventError) -> None:
        """Called when an event of a client has ended in an error.

        Args:
            namespace: The name of the namespace.
            event: The name of the event.
            error: The error that the client is told, if it asked for an acknowledgement; its code
                is ``validation`` when the arguments were refused, and ``internal`` for an exception
                that was not meant for it.
        """

    def event_received(self, socket: Socket[Any], values: Sequence[Any]) -> None:
        """Called when an event of a client is about to be handled, whether anything takes it.

        Args:
            socket: The socket.
            values: The name of the event and its arguments, which must not be changed.
        """

    def event_sent(self, socket: Socket[Any], values: Sequence[Any]) -> None:
        """Called when an event is about to go to a client, once for each client of a broadcast.

        Args:
            socket: The socket.
            values: The name of the event and its arguments, which must not be changed.
        """

    def socket_left(self, socket: Socket[Any], reason: str) -> None:
        """Called when a client has left a namespace, or its connection has ended.

        Args:
            socket: The socket, which still knows the rooms that it was in; it is in none of them.
            reason: The official name of the reason.
        """


def check_observer(observer: object) -> None:
    """Check the observer of a server.

    Raises:
        TypeError: It is not an observer, or a method is asynchronous, and so would never run.
    """
    if not isinstance(observer, Observer):
        raise TypeError(f"observer has to be an instance of a subclass of Observer: {observer!r}")
    for name in dir(Observer):
        if not name.startswith("_") and is_async(getattr(observer, name)):
            raise TypeError(
                f"{type(observer).__name__}.{name}() is called at once, so it must be a plain def"
            )


def overrides(observer: Observer, interface: type) -> bool:
    """True when an observer wants to know something of an interface."""
    return any(
        getattr(type(observer), name) is not getattr(interface, name)
        for name in vars(interface)
        if not name.startswith("_")
    )
