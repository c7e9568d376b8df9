"""The decisions of a socket's middlewares about the events of its client."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ..events.failures import InvalidVerdict, check_verdict, describe, log_failure
from ..events.listeners import Listeners, call_all
from ..events.plans import Handler
from ..exceptions import SocketIOError
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from .namespace_core import NamespaceCallSite, NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class EventScreening(NamespaceCallSite):
    """The decision about one event.

    Args:
        namespace: The namespace of the socket.
        listeners: The listeners of the socket, its middlewares among them.
    """

    __slots__ = ("_listeners", "_passed")

    def __init__(self, namespace: NamespaceCore, listeners: Listeners) -> None:
        super().__init__(namespace)
        self._listeners = listeners
        self._passed = False

    async def passes(self, middlewares: Sequence[Handler], event: Sequence[Any]) -> bool:
        """Ask the middlewares in their order, until one refuses the event."""
        for middleware in middlewares:
            self._passed = False  # until the middleware has said otherwise
            self.begin()
            await self.invoke(middleware, event, 0)
            if not self._passed:
                return False
        return True

    def acknowledge(self, number: int, result: Any) -> None:
        """Take the decision of a middleware."""
        self._passed = check_verdict(result)
        if not self._passed:
            raise SocketIOError("a middleware of the socket returned False")

    def failed(self, handler: Handler, error: Exception) -> None:
        """Refuse the event, and tell the listeners for that."""
        heard = bool(self._listeners.errors)
        call_all(self._listeners.errors, error)
        if isinstance(error, InvalidVerdict):
            log_failure(handler, self.namespace_name, error, "; the event is refused")
        elif not heard and may_log_fault(locate(handler.registration.function), error):
            subject = describe(handler, self.namespace_name)
            logger.warning("%s refused an event: %r", subject, error)
