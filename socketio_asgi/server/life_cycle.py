"""The calls of what an application does when a client joins a namespace, and when it leaves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ..events.call_site import CallSite
from ..events.observer import CallObserver
from ..events.plans import Handler
from ..events.workers import Workers
from ..exceptions import ConnectionRefused
from .namespace_core import NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class _NamespaceCalls(CallSite):
    """Calls of functions that a namespace has for all its sockets.

    Args:
        namespace: The namespace.
        subject: The socket that they are given.
    """

    __slots__ = ("_namespace",)

    def __init__(self, namespace: NamespaceCore, subject: object) -> None:
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


class Admission(_NamespaceCalls):
    """The decision of the middlewares of a namespace about one client."""

    __slots__ = ("refusal",)

    def __init__(self, namespace: NamespaceCore, subject: object) -> None:
        super().__init__(namespace, subject)
        self.refusal: ConnectionRefused | None = None

    async def ask(self, middleware: Handler) -> ConnectionRefused | None:
        """Ask one middleware; returns its refusal."""
        self.in_flight += 1
        await self.invoke(middleware, ())
        return self.refusal

    def failed(self, handler: Handler, error: Exception) -> None:
        """Refuse the client, also for an error of the middleware."""
        if isinstance(error, ConnectionRefused):
            self.refusal = error
            return
        name = self._namespace.name
        logger.error("a middleware of %s raised; client refused", name, exc_info=error)
        self.refusal = ConnectionRefused("Internal server error")


class LifeCycleCalls(_NamespaceCalls):
    """The calls of the handlers of ``connection``, ``disconnecting`` and ``disconnect``."""

    __slots__ = ()

    async def call(self, name: str, args: Sequence[Any]) -> None:
        """Call the handler of a lifecycle event, if there is one."""
        handler = self._namespace.handlers.lifecycle(name)
        if handler is not None:
            self.in_flight += 1
            await self.invoke(handler, args)

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what the handler has raised."""
        name, namespace = handler.registration.name, self._namespace.name
        logger.error("the %r handler of %s raised", name, namespace, exc_info=error)
