"""Routers: handlers in modules of their own, which a server includes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from ..events.declared import AnyEvent
from ..events.dependencies.markers import check_dependencies
from ..events.registry import HandlerRegistry
from ..events.scopes import HandlerScope, nest
from ..protocol.names import normalize_name
from .namespace import Namespace, check_namespace
from .registering import Registering

NamespaceT = TypeVar("NamespaceT", bound=Namespace)


class Inclusion(NamedTuple):
    """The part of one router in what a server takes over.

    Attributes:
        router: The router.
        namespace: Where its handlers go.
        scopes: What holds for them, the innermost first.
    """

    router: EventRouter
    namespace: str | Namespace
    scopes: tuple[HandlerScope, ...]


class EventRouter(Registering):
    """Handlers and middlewares that are registered apart from the server, in a module of their own.

    It has the decorators of a namespace. :meth:`Server.include_router` puts what was registered
    into the server.

    Args:
        namespace: The name of the namespace that they are for.
        dependencies: What is called before each of its handlers, as ``[Depends(check)]``; for
            events of clients and listeners of sockets.
        errors: The errors that each of its handlers declares.
        ordered: Whether events of one socket are handled strictly one after another, unless a
            handler says otherwise; None is the setting of the namespace.
        emits: The declared events that clients are sent; the same as :meth:`emits`.

    Raises:
        TypeError: The name is not text, a dependency is not written with ``Depends``, or something
            in ``emits`` is no declared event.
        ValueError: The name holds a comma, or two events have the same name.

    Example:
        ```python
        router = EventRouter("/chat")

        @router.on("message")
        async def message(socket, text): ...

        io.include_router(router)
        ```
    """

    def __init__(
        self,
        namespace: str = "/",
        *,
        dependencies: Sequence[Any] = (),
        errors: Sequence[type[Exception]] = (),
        ordered: bool | None = None,
        emits: Sequence[AnyEvent] = (),
    ) -> None:
        self.__socketio__: RouterCore = RouterCore(
            normalize_name(namespace),
            HandlerRegistry(
                ordered=ordered, scope=HandlerScope(check_dependencies(dependencies), tuple(errors))
            ),
        )
        self.emits(*emits)

    def __repr__(self) -> str:
        return f"<EventRouter {self.namespace}>"

    @property
    def namespace(self) -> str:
        """The name of the namespace, with its slash."""
        return self.__socketio__.namespace

    def __registry__(self) -> HandlerRegistry:
        self.__socketio__.check_open(self)
        return self.__socketio__.handlers

    def register(self, namespace: NamespaceT) -> NamespaceT:
        """Add an instance of a :class:`Namespace` subclass, which keeps the name that it has.

        Raises:
            TypeError: It is no such instance.
            RuntimeError: The router was included already.
        """
        self.__socketio__.check_open(self)
        check_namespace(namespace)
        self.__socketio__.namespaces.append(namespace)
        return namespace

    def include_router(
        self, router: EventRouter, *, namespace: str | Namespace | None = None
    ) -> None:
        """Add the handlers of another router, for which what holds for this one holds as well.

        Args:
            router: The other router; it takes no more handlers from now on.
            namespace: Where its handlers go; None is the namespace that it was made with.

        Raises:
            TypeError: It is no router.
            RuntimeError: One of the two was included already.
            ValueError: A router cannot include itself.
        """
        self.__socketio__.check_open(self)
        if router is self:
            raise ValueError(f"{router!r} cannot include itself")
        check_router(router)
        router.__socketio__.included = True
        self.__socketio__.routers.append((router, namespace))


class Host(Protocol):
    """A server, as a router sees it."""

    def __namespace__(self, namespace: str | Namespace) -> Namespace:
        """A namespace of the server, given itself or its name.

        Raises:
            ValueError: It belongs to another server, or to none.
        """
        ...

    def __register__(self, namespace: Namespace, scopes: Sequence[HandlerScope]) -> None:
        """Add a class-based namespace, with what holds for it, the innermost first."""
        ...


class RouterCore:
    """The inside of a router.

    Args:
        namespace: The name of the namespace that its handlers are for.
        handlers: What is registered.

    Attributes:
        namespace: The same.
        handlers: The same.
        namespaces: The class-based namespaces.
        routers: The routers that it has included, each with the namespace for its handlers.
        included: Whether it is a part of a server, or of another router.
    """

    __slots__ = ("handlers", "included", "namespace", "namespaces", "routers")

    def __init__(self, namespace: str, handlers: HandlerRegistry) -> None:
        self.namespace: str = namespace
        self.handlers: HandlerRegistry = handlers
        self.namespaces: list[Namespace] = []
        self.routers: list[tuple[EventRouter, str | Namespace | None]] = []
        self.included: bool = False

    def check_open(self, router: EventRouter) -> None:
        """Check that handlers can still be added.

        Raises:
            RuntimeError: The router was included already.
        """
        if self.included:
            raise RuntimeError(
                f"{router!r} was included already, and what is added to it now would never be"
                " called: include_router() comes after the last registration, so import the modules"
                " of the handlers before"
            )


def check_router(router: object) -> None:
    """Check what is to be included.

    Raises:
        TypeError: It is no router.
        RuntimeError: It is a part of something already.
    """
    if not isinstance(router, EventRouter):
        raise TypeError(f"include_router() takes an EventRouter, not {router!r}")
    if router.__socketio__.included:
        raise RuntimeError(
            f"{router!r} was included already; for the same handlers in several namespaces, make a"
            " router for each in a function"
        )


def inclusions(
    router: EventRouter,
    namespace: str | Namespace | None,
    outer: tuple[HandlerScope, ...] = (),
) -> Iterator[Inclusion]:
    """All that comes with a router: its own handlers, and those of routers that it has included.

    Args:
        router: The router.
        namespace: Where its handlers go; None is the namespace that it was made with.
        outer: What holds for it, beside what it says itself.
    """
    core = router.__socketio__
    scopes = (core.handlers.scope, *outer)
    yield Inclusion(router, core.namespace if namespace is None else namespace, scopes)
    for inner, name in core.routers:
        yield from inclusions(inner, name, scopes)


def include_into(host: Host, router: EventRouter, namespace: str | Namespace | None) -> None:
    """Put all that comes with a router into a server, or nothing of it.

    Raises:
        TypeError: It is no router, or no namespace.
        RuntimeError: It was included already.
        ValueError: An event has a handler already, or the namespace belongs to another server.
    """
    check_router(router)
    parts = [(part, host.__namespace__(part.namespace)) for part in inclusions(router, namespace)]
    for part, target in parts:
        _try(part, target, target.__registry__().check_absorbs)
    for part, target in parts:
        registry = target.__registry__()
        _try(part, target, partial(registry.absorb, scope=nest(part.scopes, registry.scope)))
        for added in part.router.__socketio__.namespaces:
            host.__register__(added, part.scopes)
    router.__socketio__.included = True


def _try(part: Inclusion, target: Namespace, action: Callable[[HandlerRegistry], object]) -> None:
    try:
        action(part.router.__socketio__.handlers)
    except ValueError as error:
        raise ValueError(f"{part.router!r} cannot be included in {target!r}: {error}") from None
