"""The interface of the observers of a server, such as metrics and traces.

Each layer has an interface of its own; :class:`Observer` has the methods of all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..adapters import AdapterState
from ..adapters.observer import AdapterObserver, Member
from ..engine.observer import EngineObserver
from ..events.observer import CallObserver
from ..events.plans import HandlerCall
from ..exceptions import ConnectionRefused, EventError
from ..runtime.callables import is_async, locate
from ..runtime.log_limit import may_log_fault

if TYPE_CHECKING:
    from .socket import Socket

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class Observer(EngineObserver, CallObserver, AdapterObserver):
    """An observer of a server; a subclass overrides the methods that it needs.

    Give an instance to ``Server(observer=...)``. Every method is called in the event loop, at once,
    and has to return at once. An exception is logged and changes nothing. A method that is not
    overridden costs nothing.
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

    def socket_left(self, socket: Socket[Any], reason: str) -> None:
        """Called when a client has left a namespace, or its connection has ended.

        Args:
            socket: The socket.
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


class GuardedCalls(CallObserver):
    """An observer of calls that raises nothing."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def handler_started(self, call: HandlerCall) -> None:
        """Called when a handler, middleware or listener is about to be called."""
        tell(self._observer.handler_started, call)

    def handler_ended(self, call: HandlerCall, seconds: float, error: BaseException | None) -> None:
        """Called when a handler, middleware or listener has returned or raised."""
        tell(self._observer.handler_ended, call, seconds, error)


class GuardedAdapters(AdapterObserver):
    """An observer of adapters that raises nothing."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def broadcast(self, namespace: str, recipients: int) -> None:
        """Called when a packet was handed to sockets of this process."""
        tell(self._observer.broadcast, namespace, recipients)

    def adapter_state(self, state: AdapterState, error: Exception | None) -> None:
        """Called when the state of a server's adapters has changed."""
        tell(self._observer.adapter_state, state, error)

    def member_joined(self, member: Member) -> None:
        """Called when another server of the cluster has introduced itself."""
        tell(self._observer.member_joined, member)

    def member_left(self, member: Member) -> None:
        """Called when another server of the cluster has ended."""
        tell(self._observer.member_left, member)

    def messages_dropped(self, reason: str, count: int) -> None:
        """Called when messages of a cluster were not sent, or not handled."""
        tell(self._observer.messages_dropped, reason, count)


def tell(method: Callable[..., None], *args: Any) -> None:
    """Call a method of an observer; what it raises is logged."""
    try:
        method(*args)
    except Exception as error:
        if may_log_fault(locate(method), error):
            logger.exception("the observer raised in %r", method)
