"""The namespaces of a server, and what a server does for its main namespace or for all of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast, overload

from ..events.acks import ACK_SECONDS
from ..events.declared import AnyEvent
from ..events.foreign_words import ON, explaining
from ..events.registry import HandlerT
from ..events.scopes import HandlerScope, nest
from ..exceptions import EventError
from ..protocol.names import normalize_name
from ..runtime.callables import check_plain, check_takes
from .broadcast import Broadcaster
from .core import ServerCore
from .namespace import Namespace, check_namespace, move_into
from .namespace_registry import NamespaceRegistry
from .parent_namespace import NamePredicate, ParentCore, ParentNamespace
from .registering import (
    ErrorT,
    EventMiddlewareT,
    ExceptionHandler,
    MiddlewareT,
    ResultT,
    register_exception_handler,
)
from .router import EventRouter, include_into

NamespaceT = TypeVar("NamespaceT", bound=Namespace)
NewNamespaceT = TypeVar("NewNamespaceT", bound=Callable[[Namespace], object])


class NamespaceHost(Broadcaster):
    """The part of a server that deals with namespaces."""

    __socketio__: ServerCore
    _namespaces: NamespaceRegistry
    _main: Namespace
    _main_is_plain: bool
    _cleanup: bool | None

    # -- namespaces and handlers -------------------------------------------------------------

    @overload
    def of(self, name: str) -> Namespace: ...

    @overload
    def of(self, name: re.Pattern[str] | NamePredicate) -> ParentNamespace: ...

    def of(self, name: str | re.Pattern[str] | NamePredicate) -> Namespace:
        """The namespace of that name, made when it is asked for the first time.

        A name that fits the regular expression of a parent is one of its children.

        Args:
            name: The name that clients use, such as ``/admin``; or a regular expression that has
                to match the whole name, or a (possibly async) function that is given the name and
                the client's ``auth`` and decides: then it is the parent of all that fit.

        Raises:
            TypeError: It is none of these.
            ValueError: The name holds a comma.

        Source: https://socket.io/docs/v4/namespaces/
        """
        if callable(name):
            check_takes(
                name, 2, "a function that decides about namespaces is given a name and an auth"
            )
        if isinstance(name, re.Pattern) or callable(name):
            by_name = isinstance(name, re.Pattern)
            cleanup = by_name if self._cleanup is None else self._cleanup
            return self._add_parent(ParentNamespace(name, cleanup=cleanup))
        name = normalize_name(name)
        return self._namespaces.get(name) or self._add(Namespace(name))

    @property
    def namespaces(self) -> Mapping[str, Namespace]:
        """The namespaces that there are at present, by name, the main one among them."""
        return self._namespaces.by_name

    def _add_parent(self, parent: ParentNamespace) -> ParentNamespace:
        core = cast("ParentCore", parent.__socketio__)
        core.attach(self.__socketio__)
        core.on_child, core.on_emptied = self._namespaces.add, self._remove_child
        core.on_returned = self._namespaces.replace
        self._namespaces.add_parent(core)
        return parent

    def register(self, namespace: NamespaceT) -> NamespaceT:
        """Add an instance of a :class:`Namespace` subclass.

        One named ``/`` becomes the main namespace, and keeps the handlers of the server.

        Raises:
            ValueError: An instance of that name was registered already, or, in the main namespace,
                an event has a handler already.
            TypeError: It is not such an instance, or its ``__init__`` does not call that of its
                base.
        """
        check_namespace(namespace)
        self.__register__(namespace, ())
        return namespace

    def __register__(self, namespace: Namespace, scopes: Sequence[HandlerScope]) -> None:
        core = namespace.__socketio__
        if namespace.name == "/" and self._main_is_plain:
            move_into(namespace, self._main.__socketio__, scopes)
            self._main, self._main_is_plain = namespace, False
            self._namespaces.replace(namespace)
        elif namespace.name in self._namespaces:
            raise ValueError(f"there is a namespace {namespace.name!r} already")
        else:
            core.check_unbound()
            core.handlers.scope.outer = nest(scopes, self.__socketio__.scope)
            self._add(namespace)

    def include_router(
        self, router: EventRouter, *, namespace: str | Namespace | None = None
    ) -> None:
        """Add all that was registered at a router, which takes no more handlers from then on.

        Args:
            router: The router.
            namespace: The name of the namespace that its handlers go to, or the namespace, such as
                the parent of dynamic ones; None is the one that the router was made with.

        Raises:
            TypeError: It is no router.
            RuntimeError: It was included already.
            ValueError: An event has a handler already, or the namespace is not one of this server.
        """
        include_into(self, router, namespace)

    def __namespace__(self, namespace: str | Namespace) -> Namespace:
        if isinstance(namespace, str):
            return self.of(namespace)
        check_namespace(namespace)
        core = namespace.__socketio__
        if not core.bound or core.server is not self.__socketio__:
            raise ValueError(f"{namespace!r} is no namespace of this server: register it first")
        return namespace

    def __apart__(self, namespace: Namespace) -> None:
        """Add a namespace that watches the server; see :attr:`.NamespaceCore.apart`.

        Raises:
            ValueError: There is one of that name.
        """
        if self.__known__(namespace.name) is not None:
            raise ValueError(f"there is a namespace {namespace.name!r} already")
        self._add(namespace)

    def __known__(self, name: str) -> Namespace | None:
        """The namespace of that name, also a child that a parent would have; otherwise None."""
        return self._namespaces.get(normalize_name(name))

    def _add(self, namespace: Namespace) -> Namespace:
        namespace.__socketio__.bind(self.__socketio__)
        self._namespaces.add(namespace)
        return namespace

    @explaining(ON)
    def on(
        self,
        name: str,
        *,
        ordered: bool | None = None,
        errors: Sequence[type[EventError]] = (),
    ) -> Callable[[HandlerT], HandlerT]:
        """Register a handler in the main namespace; see :meth:`Namespace.on`."""
        return self._main.on(name, ordered=ordered, errors=errors)

    # What holds for all namespaces: the registry that they have in common.
    def exception_handler(
        self, cls: type[ErrorT]
    ) -> Callable[[ExceptionHandler[ErrorT, ResultT]], ExceptionHandler[ErrorT, ResultT]]:
        """Register the decorated function for an exception of the handlers of all namespaces.

        See :meth:`Namespace.exception_handler`; those of routers and namespaces come before.
        """
        return register_exception_handler(self.__socketio__.common, cls)

    def event_middleware(self, middleware: EventMiddlewareT) -> EventMiddlewareT:
        """Register a function that is called around the handlers of events, in all namespaces.

        See :meth:`Namespace.event_middleware`; it is called outside of those of a namespace.
        """
        self.__socketio__.common.add_event_middleware(middleware)
        return middleware

    def catch_all(self, function: HandlerT) -> HandlerT:
        """Register the handler of all events that nothing else takes, in all namespaces.

        See :meth:`Namespace.catch_all`; one of the namespace comes before.
        """
        self.__socketio__.common.set_catch_all(function)
        return function

    def on_new_namespace(self, listener: NewNamespaceT) -> NewNamespaceT:
        """Register a plain function that is given every namespace that is made from now on.

        Raises:
            TypeError: It is asynchronous, or cannot be called with one argument.

        Source: https://socket.io/docs/v4/server-api/#event-new_namespace
        """
        check_plain(listener)
        check_takes(listener, 1, "a listener to new namespaces is given the namespace")
        self._namespaces.on_new.append(listener)
        return listener

    def on_server_event(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Register a handler of other servers' events; see :meth:`Namespace.on_server_event`."""
        return self._main.on_server_event(name)

    def use(self, middleware: MiddlewareT) -> MiddlewareT:
        """Register a middleware in the main namespace; see :meth:`Namespace.use`."""
        return self._main.use(middleware)

    def emits(self, *events: AnyEvent) -> None:
        """List declared events that the main namespace sends; see :meth:`Namespace.emits`."""
        self._main.emits(*events)

    # -- emitting ----------------------------------------------------------------------------

    def server_side_emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the other servers; see :meth:`Namespace.server_side_emit`."""
        return self._main.server_side_emit(event, *args)

    async def server_side_emit_with_ack(
        self, event: str, *args: Any, timeout: float = ACK_SECONDS
    ) -> list[Any]:
        """Ask the other servers; see :meth:`Namespace.server_side_emit_with_ack`."""
        return await self._main.server_side_emit_with_ack(event, *args, timeout=timeout)

    def _remove_child(self, child: Namespace) -> None:
        self._namespaces.remove(child.name)
        core, adapter = self.__socketio__, child.adapter
        core.adapters.forget(adapter)
        if core.runtime is not None and adapter.needs_closing:
            core.runtime.task_starter(core.context).start(core.adapters.release, adapter)
