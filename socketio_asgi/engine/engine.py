"""The engine as applications see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from ..checks import check_function
from ..runtime import RuntimeFactory, current_runtime
from .core import EngineCore, OnBind
from .directory import SessionDirectory
from .observer import EngineObserver
from .opening import OnSession
from .options import EngineOptions
from .public_session import ListenerT


class Engine:
    """The connection layer of a server.

    Args:
        options: Its behaviour.
        on_session: Called with the inside of each new session; returns the receiver of its
            messages.
        observer: An observer of all that happens; None costs nothing.
        directory: The sessions of other engines, for requests with the id of one of those;
            None when there are none.
        runtime_factory: Makes the runtime on asyncio; another one may have a clock of its own.
        on_bind: Called with each event loop in which the engine begins to live.

    Source: https://socket.io/docs/v4/server-api/#engine
    """

    __slots__ = ("__socketio__", "__weakref__")

    def __init__(
        self,
        options: EngineOptions,
        on_session: OnSession,
        observer: EngineObserver | None = None,
        *,
        directory: SessionDirectory | None = None,
        runtime_factory: RuntimeFactory = current_runtime,
        on_bind: OnBind | None = None,
    ) -> None:
        self.__socketio__: EngineCore = EngineCore(
            options,
            on_session,
            observer,
            directory=directory,
            runtime_factory=runtime_factory,
            on_bind=on_bind,
        )

    @property
    def clients_count(self) -> int:
        """The number of connected clients."""
        return self.__socketio__.clients_count

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function, a plain one, as a listener to an event.

        The events: ``connection`` (with the :class:`Session`), ``connection_error`` (with a
        :class:`RefusedRequest`), ``initial_headers`` and ``headers`` (with the
        :class:`ResponseHeaders` of the application, to which it may add, and the request; the first
        for a client's first request, the second for all).

        Raises:
            ValueError: There is no such event.
            TypeError: The listener is asynchronous.

        Source: https://socket.io/docs/v4/server-api/#engine
        """
        return self.__socketio__.on(name)

    def use(self, middleware: Callable[..., ASGIApp], *args: Any, **options: Any) -> None:
        """Put an ASGI middleware in front of all requests of Socket.IO clients.

        Args:
            middleware: A class (or function) that is given the application and the options.
            *args: Passed on to it.
            **options: Passed on to it.

        Raises:
            TypeError: It cannot be called.
            RuntimeError: There was a request already.

        Source: https://socket.io/docs/v4/server-api/#engineusemiddleware
        """
        check_function("the middleware", middleware, "a class of ASGI middleware")
        self.__socketio__.requests.use(lambda app: middleware(app, *args, **options))
