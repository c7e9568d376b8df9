"""A namespace: handlers, middlewares and sockets under one name.

Source: https://socket.io/docs/v4/namespaces/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..adapters import Adapter
from ..events.acks import ACK_SECONDS
from ..events.context import NamespaceBase
from ..events.registry import HandlerRegistry, HandlerT
from ..events.scopes import HandlerScope, nest
from ..events.signatures import check_name
from ..exceptions import EventError
from ..protocol.names import check_event_name, normalize_name
from .broadcast import Broadcaster
from .namespace_core import NamespaceCore
from .registering import Registering
from .selection import Selection, check_timeout

if TYPE_CHECKING:
    from .socket import Socket

_EVENT_MARK = "__socketio_event__"


class _Mark(NamedTuple):
    """The note that :func:`event` leaves on a method."""

    name: str
    ordered: bool | None
    errors: Sequence[type[EventError]]


def event(
    name: str, *, ordered: bool | None = None, errors: Sequence[type[EventError]] = ()
) -> Callable[[HandlerT], HandlerT]:
    """Mark a method of a :class:`Namespace` subclass as the handler of an event.

    Args:
        name: The name of the event, or of a lifecycle event.
        ordered: As in :meth:`Namespace.on`.
        errors: As in :meth:`Namespace.on`.

    Raises:
        TypeError: The name is not text.

    Example:
        ```python
        class Chat(Namespace):
            @event("message")
            async def on_message(self, socket, text): ...

        io.register(Chat("/chat"))
        ```
    """
    check_name(name, "@event")

    def mark(function: HandlerT) -> HandlerT:
        setattr(function, _EVENT_MARK, _Mark(name, ordered, errors))
        return function

    return mark


class Namespace(Broadcaster, Registering, NamespaceBase):
    """A part of a server that clients join under a name of its own.

    Get one with :meth:`Server.of`, or subclass it, mark methods with :func:`event` and pass an
    instance to :meth:`Server.register`.

    Methods and attributes of a subclass may have any name that is not a public member of this
    class. Such a name raises TypeError when the class is defined, unless the method overrides the
    member on purpose and is marked with :func:`typing.override`.

    Args:
        name: The name that clients use; a missing slash in front is added.
        ordered: Whether events of one socket are handled strictly one after another, unless a
            handler says otherwise.
    """

    # The inside of the namespace. As with `__selection__`, the underscores on both sides keep the
    # name clear of those that subclasses choose.
    __socketio__: NamespaceCore

    def __init__(self, name: str = "/", *, ordered: bool = False) -> None:
        furnish(self, NamespaceCore(normalize_name(name), ordered=ordered, public=self))

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _check_members(cls)

    def __setattr__(self, name: str, value: object) -> None:
        if name in reserved_names():
            raise AttributeError(
                f"{name!r} is a member of Namespace, which an attribute of that name would hide;"
                " choose another name"
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {len(self.sockets)} sockets>"

    @property
    def name(self) -> str:
        """The name, with its slash."""
        return self.__socketio__.name

    @property
    def ordered(self) -> bool:
        """True when events of one socket are handled strictly one after another by default."""
        return self.__socketio__.ordered

    @property
    def sockets(self) -> Mapping[str, Socket[Any]]:
        """The connected sockets by id, those of this process."""
        return _Sockets(self.__socketio__)

    @property
    def adapter(self) -> Adapter:
        """The adapter, which leads packets to the sockets of the namespace.

        Raises:
            RuntimeError: The namespace belongs to no server yet.
        """
        return self.__socketio__.adapter

    def __registry__(self) -> HandlerRegistry:
        return self.__socketio__.handlers

    # -- other servers -----------------------------------------------------------------------

    def server_side_emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the other servers of the cluster.

        Args:
            event: The name of the event.
            *args: Any values that JSON knows.

        Raises:
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/server-api/#namespaceserversideemiteventname-args
        """
        check_event_name(event)
        core = self.__socketio__
        return core.server.tell_servers(core.adapter, event, args)

    async def server_side_emit_with_ack(
        self, event: str, *args: Any, timeout: float = ACK_SECONDS
    ) -> list[Any]:
        """Send an event to the other servers of the cluster and collect their replies.

        Args:
            event: The name of the event.
            *args: Any values that JSON knows.
            timeout: The time to wait, in seconds.

        Returns:
            One reply for each other server.

        Raises:
            BroadcastAckError: Not all of them answered in time.

        Source: https://socket.io/docs/v4/server-api/#namespaceserversideemitwithackeventname-args
        """
        check_event_name(event)
        core = self.__socketio__
        core.server.find_runtime()
        return await core.adapter.server_side_emit_with_ack(event, args, check_timeout(timeout))


class _Sockets(Mapping[str, "Socket[Any]"]):
    """The sockets of a namespace, as applications see them."""

    def __init__(self, core: NamespaceCore) -> None:
        self._members = core.members

    def __getitem__(self, sid: str) -> Socket[Any]:
        return cast("Socket[Any]", self._members[sid].subject)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return repr(dict(self))


def furnish(namespace: Namespace, core: NamespaceCore) -> None:
    """Give a namespace its inside, and register the methods of its class that are marked."""
    give_inside(namespace, core)
    cls = type(namespace)
    for attribute in dir(cls):
        mark = _find_mark(cls, attribute)
        if mark is not None:
            register = namespace.on(mark.name, ordered=mark.ordered, errors=mark.errors)
            register(getattr(namespace, attribute))


def move_into(
    namespace: Namespace, core: NamespaceCore, scopes: Sequence[HandlerScope] = ()
) -> None:
    """Let a namespace take over the inside of another one, with what was registered at both.

    Args:
        namespace: The namespace.
        core: The inside that it takes over.
        scopes: What holds for its handlers beside what it says itself, the innermost first.

    Raises:
        ValueError: It belongs to a server already, or an event has a handler in both.
    """
    own = namespace.__socketio__
    own.check_unbound()
    inner = own.handlers.scope.within(nest(scopes, core.handlers.scope)) if scopes else None
    core.handlers.absorb(own.handlers, inner)
    core.handlers.ordered, core.public = own.ordered, namespace
    give_inside(namespace, core)


def check_namespace(namespace: object) -> None:
    """Check what is registered as a namespace.

    Raises:
        TypeError: It is no instance of a subclass, or its ``__init__`` does not call that of its
            base.
    """
    if isinstance(namespace, type) and issubclass(namespace, Namespace):
        name = namespace.__name__
        raise TypeError(f"register an instance of the class: io.register({name}('/name'))")
    if not isinstance(namespace, Namespace):
        raise TypeError(f"register an instance of a subclass of Namespace, not {namespace!r}")
    if not hasattr(namespace, "__socketio__"):
        raise TypeError(f"{type(namespace).__name__}.__init__() has to call super().__init__()")


def give_inside(namespace: Namespace, core: NamespaceCore) -> None:
    """Give a namespace its inside; for a class without marked methods, that is all it needs."""
    object.__setattr__(namespace, "__socketio__", core)
    object.__setattr__(namespace, "__selection__", Selection(core))


def _find_mark(cls: type, attribute: str) -> _Mark | None:
    """The mark of a method; one that overrides a marked method need not be marked again."""
    for base in cls.__mro__:
        mark: _Mark | None = getattr(vars(base).get(attribute), _EVENT_MARK, None)
        if mark is not None:
            return mark
    return None


@cache
def reserved_names() -> frozenset[str]:
    """The names that instances and subclasses of :class:`Namespace` may not take."""
    public = (name for name in dir(Namespace) if not name.startswith("_"))
    return frozenset((*public, "__socketio__", "__selection__"))


def _check_members(cls: type[Namespace]) -> None:
    """Check that a subclass hides no member by accident.

    Raises:
        TypeError: It does.
    """
    for name in reserved_names():
        definer = next((base for base in cls.__mro__ if name in vars(base)), None)
        if definer is None or definer.__module__.startswith(_OWN_MODULES):
            continue
        value = vars(definer)[name]
        handles = getattr(value, _EVENT_MARK, None) is not None
        if handles or not _overrides(value):
            raise TypeError(
                f"{definer.__qualname__}.{name} hides Namespace.{name}; choose another name"
                + (", the event is named in @event()" if handles else _OVERRIDE)
            )


def _overrides(value: object) -> bool:
    """True for something that is marked with :func:`typing.override`."""
    function = value.fget if isinstance(value, property) else value
    return bool(getattr(function, "__override__", False))


_OWN_MODULES = __name__.rpartition(".")[0] + "."
_OVERRIDE = ", or mark a method that is to replace it with typing.override"
