"""The calls of what an application does when a client joins a namespace, and when it leaves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ..events.call_site import CallSite
from ..events.failures import check_verdict, describe, log_failure
from ..events.observer import CallObserver
from ..events.plans import Handler
from ..events.workers import Workers
from ..exceptions import ConnectionRefused
from .namespace_core import NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class NamespaceCalls(CallSite):
    """Calls of functions that decide about a socket, or hear of it.

    Args:
        namespace: The namespace.
        subject: The socket that they are given, if they are.
    """

    __slots__ = ("_namespace",)

    def __init__(self, namespace: NamespaceCore, subject: object = None) -> None:
        super().__init__(subject)
        self._namespace = namespace

    @property
    def namespace_name(self) -> str:
        """The name of the namespace."""
        return self._namespace.name

    @property
    def workers(self) -> Workers:
        """The threads for plain functions."""
        return self._namespace.server.workers

    @property
    def observer(self) -> CallObserver | None:
        """The observer of the calls, if there is one."""
        return self._namespace.server.call_observer


class Admission(NamespaceCalls):
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
        if isinstance(error, ConnectionRefused):
            self._refusal = error
        else:
            log_failure(handler, self._namespace.name, error, "; the client is refused")
            self._refusal = _undecided()


def _undecided() -> ConnectionRefused:
    """The refusal of a client that no middleware has let through."""
    return ConnectionRefused("Internal server error")


class LifeCycleCalls(NamespaceCalls):
    """The calls of the handlers of ``connection``, ``disconnecting`` and ``disconnect``.

    Attributes:
        refused: Whether a handler has refused the client, for which it is too late.
    """

    __slots__ = ("refused",)

    def __init__(self, namespace: NamespaceCore, subject: object) -> None:
        super().__init__(namespace, subject)
        self.refused: bool = False

    async def call(self, name: str, args: Sequence[Any]) -> None:
        """Call the handler of a lifecycle event, if there is one."""
        handler = self._namespace.handlers.lifecycle(name)
        if handler is not None:
            self.begin()
            await self.invoke(handler, args)

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what the handler has raised."""
        namespace = self._namespace.name
        if isinstance(error, ConnectionRefused) and handler.registration.name == "connection":
            self.refused = True
            logger.error(
                "%s raised ConnectionRefused(%r): the client is in already, and is disconnected;"
                " to refuse clients, raise it in a middleware (@io.use)",
                describe(handler, namespace),
                error.message,
            )
        else:
            log_failure(handler, namespace, error)
