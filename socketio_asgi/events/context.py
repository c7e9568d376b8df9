"""Parameters that are given something because of their type alone, such as the handshake.

The classes here are bases, by which types of higher layers are known.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Protocol, TypeVar, Union, get_args, get_origin

from ..engine.handshake import Handshake
from .acks import Ack


class Subject:
    """The base of what handlers are called about: the socket of a client."""

    __slots__ = ()


class NamespaceBase:
    """The base of namespaces, as applications see them."""

    __slots__ = ()


class ServerBase:
    """The base of servers, as applications see them."""

    __slots__ = ()


class ContextBase:
    """The base of what a handler may know about the event beside its arguments."""

    __slots__ = ()


class Surroundings(Protocol):
    """Everything around a call, from which parameters are given something by their type."""

    @property
    def namespace(self) -> Any:
        """The namespace, as applications see it."""
        ...

    @property
    def server(self) -> Any:
        """The server, as applications see it."""
        ...

    @property
    def handshake(self) -> Any:
        """The handshake of the client."""
        ...


class Provided(Enum):
    """The things that are found by their type."""

    SOCKET = "socket"
    ACK = "acknowledgement"
    HANDSHAKE = "handshake"
    NAMESPACE = "namespace"
    SERVER = "server"
    CONTEXT = "context"


_BASES: tuple[tuple[type, Provided], ...] = (
    (Subject, Provided.SOCKET),
    (Ack, Provided.ACK),
    (Handshake, Provided.HANDSHAKE),
    (NamespaceBase, Provided.NAMESPACE),
    (ServerBase, Provided.SERVER),
    (ContextBase, Provided.CONTEXT),
)


class ContextCall(Protocol):
    """A call, as far as parameters are given something of it by their type."""

    @property
    def subject(self) -> Any:
        """The socket; None without a client."""
        ...

    @property
    def ack(self) -> Any:
        """The function that answers the event."""
        ...

    @property
    def context(self) -> Surroundings:
        """Everything around the call."""
        ...


_GETTERS: dict[Provided, Callable[[ContextCall], Any]] = {
    Provided.SOCKET: lambda call: call.subject,
    Provided.ACK: lambda call: call.ack,
    Provided.HANDSHAKE: lambda call: call.context.handshake,
    Provided.NAMESPACE: lambda call: call.context.namespace,
    Provided.SERVER: lambda call: call.context.server,
    Provided.CONTEXT: lambda call: call.context,
}


def provided_by(annotation: Any) -> Provided | None:
    """The thing that a parameter of a type is given; None when its type says nothing of that."""
    for cls in classes_of(annotation):
        for base, provided in _BASES:
            if issubclass(cls, base):
                return provided
    return None


def getter_for(provided: Provided, annotation: Any) -> Callable[[ContextCall], Any]:
    """A function that finds the thing of that type for a call.

    Args:
        provided: The thing.
        annotation: The type of the parameter; a subclass of Namespace is checked for.
    """
    get = _GETTERS[provided]
    classes = tuple(cls for cls in classes_of(annotation) if issubclass(cls, NamespaceBase))
    if provided is not Provided.NAMESPACE or any(cls in _plain_bases() for cls in classes):
        return get

    def checked(call: ContextCall) -> Any:
        found = get(call)
        if isinstance(found, classes):
            return found
        wanted = " or ".join(cls.__name__ for cls in classes)
        raise TypeError(f"a parameter is annotated with {wanted}, but the namespace is {found!r}")

    return checked


def _plain_bases() -> tuple[type, ...]:
    """The namespace class itself, which every namespace is of."""
    return tuple(NamespaceBase.__subclasses__())


def classes_of(annotation: Any) -> list[type]:
    """The classes that an annotation allows; none when that cannot be said."""
    origin = get_origin(annotation)
    if isinstance(annotation, TypeVar):
        return classes_of(annotation.__bound__)
    if origin is Annotated:
        return classes_of(get_args(annotation)[0])
    if origin in (Union, UnionType):
        parts = [classes_of(part) for part in get_args(annotation)]
        return [cls for part in parts for cls in part] if all(parts) else []
    cls = annotation if origin is None else origin
    if cls is None:
        return [type(None)]
    return [cls] if isinstance(cls, type) else []
