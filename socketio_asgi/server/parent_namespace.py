"""Dynamic namespaces: one set of handlers for every name that fits.

Source: https://socket.io/docs/v4/namespaces/#dynamic-namespaces
"""

from __future__ import annotations

import inspect
import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from ..adapters import MemoryAdapter, SharedPacket, SocketDetails, Target
from ..events.acks import AckSink
from ..events.handlers import Handler, HandlerRegistry
from ..runtime import Cancellable
from ..runtime.awaitables import together
from .namespace import Namespace, NamespaceHost
from .socket_core import SocketCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

NamePredicate = Callable[[str, Mapping[str, Any]], "Awaitable[bool] | bool"]
"""Decides whether a name, asked for with that ``auth``, is a namespace."""

_numbers = itertools.count()


class DynamicHost(NamespaceHost, Protocol):
    """What a parent namespace needs of its server."""

    def add_child(self, child: Namespace) -> None:
        """A client has asked for a name that fits."""
        ...

    def remove_child(self, child: Namespace) -> None:
        """The last client has left."""
        ...


class ParentNamespace(Namespace):
    """What its children have in common: handlers, middlewares, and broadcasts to all of them.

    Get one with :meth:`Server.of`.

    Args:
        matcher: A regular expression that has to match the whole name, or a function.
        cleanup: Whether a child goes when its last client has left, and none may come back.

    Attributes:
        children: The namespaces that clients have asked for, by name.
        cleanup: The same as the argument.
    """

    def __init__(self, matcher: re.Pattern[str] | NamePredicate, *, cleanup: bool) -> None:
        super().__init__(f"/_{next(_numbers)}")
        self.children: dict[str, Namespace] = {}
        self.cleanup: bool = cleanup
        self._matcher = matcher
        self._server: DynamicHost | None = None

    def attach(self, host: DynamicHost) -> None:
        """Make the parent a part of a server."""
        self._server = host
        self.bind(host, lambda _: ParentAdapter(self))

    def takes(self, name: str) -> bool:
        """Whether the regular expression, if it is one, matches the whole name."""
        matcher = self._matcher
        return isinstance(matcher, re.Pattern) and matcher.fullmatch(name) is not None

    async def matches(self, name: str, auth: Mapping[str, Any]) -> bool:
        """Whether a name is one of its children; an exception means that it is not."""
        matcher = self._matcher
        if isinstance(matcher, re.Pattern):
            return self.takes(name)
        try:
            result = matcher(name, auth)
            return bool(await result if inspect.isawaitable(result) else result)
        except Exception:
            logger.exception("the function that decides about namespaces raised")
            return False

    def child(self, name: str) -> Namespace:
        """The child of that name, made when it is asked for the first time."""
        child = self.children.get(name)
        if child is None:
            child = self.children[name] = ChildNamespace(name, self)
            if self._server is not None:
                child.bind(self._server)
                self._server.add_child(child)
        return child

    def emptied(self, child: Namespace) -> None:
        """Nobody is in a child any more, and nobody may come back: it goes."""
        if self._server is not None and self.children.get(child.name) is child:
            del self.children[child.name]
            self._server.remove_child(child)


class ChildNamespace(Namespace):
    """One namespace of a parent, whose handlers and middlewares it inherits.

    Args:
        name: The name that clients use.
        parent: The parent.
    """

    def __init__(self, name: str, parent: ParentNamespace) -> None:
        super().__init__(name, ordered=parent.ordered)
        self._parent = parent
        self._timer: Cancellable | None = None
        self.handlers: HandlerRegistry = HandlerRegistry(inherited=parent.handlers)

    @property
    def middlewares(self) -> Sequence[Handler]:
        """Those of the parent, then its own."""
        return [*self._parent.middlewares, *self._middlewares]

    def joining_ended(self) -> None:
        """A client has joined, was refused, or left before that."""
        super().joining_ended()
        self._check()

    def remove(self, socket: SocketCore) -> None:
        """A socket has left."""
        super().remove(socket)
        self._check()

    def remove_all(self) -> None:
        """The event loop of all sockets is gone, and of the timer."""
        super().remove_all()
        self._check()

    def _check(self) -> None:
        if not self._parent.cleanup:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.empty:
            self._leave_or_wait()

    def _leave_or_wait(self) -> None:
        log, runtime = self.adapter.log, self.runtime
        seconds = 0.0 if log is None else log.kept_for()
        if seconds > 0 and runtime is not None:
            self._timer = runtime.call_later(seconds, self._check)
        else:
            self._parent.emptied(self)


class ParentAdapter(MemoryAdapter):
    """Hands everything on to the adapters of the children.

    Args:
        parent: The parent namespace.
    """

    def __init__(self, parent: ParentNamespace) -> None:
        super().__init__(parent, recovers=False)
        self._parent = parent

    @property
    def reaches_other_processes(self) -> bool:
        """Whether one of its children does."""
        return any(child.adapter.reaches_other_processes for child in self._children())

    def _children(self) -> list[Namespace]:
        return list(self._parent.children.values())

    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets of all children that it is meant for."""
        return together(
            child.adapter.broadcast(packet.for_namespace(child.name), target)
            for child in self._children()
        )

    def broadcast_with_ack(
        self, packet: SharedPacket, target: Target, acks: AckSink
    ) -> Awaitable[None]:
        """Acknowledgements of several namespaces cannot be told apart.

        Raises:
            TypeError: Always.
        """
        raise TypeError("emit_with_ack() works on one namespace, not on a parent namespace")

    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        """Another server may have children that are unknown here, so the answer would be wrong.

        Raises:
            TypeError: Always.
        """
        raise TypeError("fetch_sockets() works on one namespace, not on a parent namespace")

    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant join rooms."""
        return together(child.adapter.sockets_join(target, rooms) for child in self._children())

    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant leave rooms."""
        return together(child.adapter.sockets_leave(target, rooms) for child in self._children())

    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        """Disconnect all sockets that are meant."""
        return together(
            child.adapter.disconnect_sockets(target, close=close) for child in self._children()
        )

    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Other servers have other children.

        Raises:
            TypeError: Always.
        """
        raise TypeError("server_side_emit() works on one namespace, not on a parent namespace")

    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        """Other servers have other children.

        Raises:
            TypeError: Always.
        """
        raise TypeError("server_side_emit() works on one namespace, not on a parent namespace")
