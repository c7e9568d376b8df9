"""The calls of what an application does when a client joins a namespace, and when it leaves."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from ..events.errors import as_event_error, error_body
from ..events.failures import check_verdict, describe, log_failure
from ..events.plans import Handler
from ..exceptions import ConnectionRefused
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from .namespace_core import NamespaceCallSite, NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class Admission(NamespaceCallSite):
    """The decision of the middlewares of a namespace about one client."""

    __slots__ = ("_refusal",)

    def __init__(self, namespace: NamespaceCore, subject: object) -> None:
        super().__init__(namespace, subject)
        self._refusal: ConnectionRefused | None = None

    async def ask(self, middleware: Handler) -> ConnectionRefused | None:
        """Ask one middleware; returns its refusal."""
        self._refusal = _undecided()
        self.begin()
        await self.invoke(middleware, (), 0)
        return self._refusal

    def acknowledge(self, number: int, result: Any) -> None:
        """Take the decision of a middleware."""
        self._refusal = None if check_verdict(result) else ConnectionRefused()

    def failed(self, handler: Handler, error: Exception) -> None:
        """Refuse the client, also for an error of the middleware."""
        told = as_event_error(error)
        if isinstance(error, ConnectionRefused):
            self._refusal = error
        elif told is not None and (told.status or 0) < 500:
            self._refusal = ConnectionRefused(told.message or told.code, error_body(told))
        else:
            log_failure(handler, self.namespace.name, error, "; the client is refused")
            self._refusal = _undecided()


def _undecided() -> ConnectionRefused:
    """The refusal of a client that no middleware has let through."""
    return ConnectionRefused("Internal server error")


class LifeCycleCalls(NamespaceCallSite):
    """The calls of the handlers of ``connection``, ``disconnecting`` and ``disconnect``.

    Attributes:
        refused: Whether a handler has refused the client, for which it is too late.
    """

    __slots__ = ("refused",)

    def __init__(self, namespace: NamespaceCore, subject: object) -> None:
        super().__init__(namespace, subject)
        self.refused: bool = False

    def call(self, handler: Handler, args: Sequence[Any]) -> Awaitable[None]:
        """Call the handler of a lifecycle event."""
        self.begin()
        return self.invoke(handler, args)

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what the handler has raised."""
        namespace = self.namespace.name
        if isinstance(error, ConnectionRefused) and handler.registration.name == "connection":
            self.refused = True
            if may_log_fault(locate(handler.registration.function), error):
                logger.error(
                    "%s raised ConnectionRefused(%r): the client is in already, and is"
                    " disconnected; to refuse clients, raise it in a middleware (@io.use)",
                    describe(handler, namespace),
                    error.message,
                )
        else:
            log_failure(handler, namespace, error)
