"""Dynamic namespaces: one set of handlers for every name that fits.

Source: https://socket.io/docs/v4/namespaces/#dynamic-namespaces
"""

from __future__ import annotations

import inspect
import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast
from weakref import WeakValueDictionary

from ..adapters import MemoryAdapter, SharedPacket, SocketDetails, Target
from ..events.acks import AckSink
from ..runtime import Cancellable
from ..runtime.awaitables import together
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from .core import ServerCore
from .namespace import Namespace, give_inside
from .namespace_core import Member, NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

NamePredicate = Callable[[str, Mapping[str, Any]], "Awaitable[bool] | bool"]
"""Decides whether a name, asked for with that ``auth``, is a namespace."""

_numbers = itertools.count()


class ParentNamespace(Namespace):
    """The parent of dynamic namespaces: their handlers, their middlewares, and broadcasts to all.

    Get one with :meth:`Server.of`.
    """

    def __init__(self, matcher: re.Pattern[str] | NamePredicate, *, cleanup: bool) -> None:
        core = ParentCore(f"/_{next(_numbers)}", matcher, cleanup=cleanup, public=self)
        give_inside(self, core)

    @property
    def children(self) -> dict[str, Namespace]:
        """The namespaces that clients have asked for, by name."""
        core = cast("ParentCore", self.__socketio__)
        return {name: cast("Namespace", child.public) for name, child in core.children.items()}


class ChildNamespace(Namespace):
    """One namespace of a parent, whose handlers and middlewares it inherits.

    Args:
        name: The name that clients use.
        parent: The inside of the parent.
    """

    def __init__(self, name: str, parent: ParentCore) -> None:
        give_inside(self, ChildCore(name, parent, public=self))


class ParentCore(NamespaceCore):
    """The inside of a parent.

    Args:
        name: A name that no client can ask for.
        matcher: A regular expression that has to match the whole name, or a function.
        cleanup: Whether a child goes when its last client has left, and none may come back.
        public: The parent as applications see it.

    Attributes:
        children: The namespaces that clients have asked for, by name.
        cleanup: The same as the argument.
        on_child: Called with each child that is made.
        on_returned: Called with each child that comes back as it was.
        on_emptied: Called with each child that goes.
    """

    __slots__ = (
        "_gone",
        "_matcher",
        "children",
        "cleanup",
        "on_child",
        "on_emptied",
        "on_returned",
    )

    def __init__(
        self,
        name: str,
        matcher: re.Pattern[str] | NamePredicate,
        *,
        cleanup: bool,
        public: ParentNamespace,
    ) -> None:
        super().__init__(name, ordered=False, public=public)
        self.children: dict[str, ChildCore] = {}
        self.cleanup: bool = cleanup
        self.on_child: Callable[[Namespace], object] = _ignore
        self.on_returned: Callable[[Namespace], object] = _ignore
        self.on_emptied: Callable[[Namespace], object] = _ignore
        self._matcher = matcher
        # Those that something still refers to, such as the handlers of their last clients.
        self._gone: WeakValueDictionary[str, ChildCore] = WeakValueDictionary()

    @property
    def by_function(self) -> bool:
        """True when a function decides about names."""
        return not isinstance(self._matcher, re.Pattern)

    @property
    def pattern(self) -> str:
        """The expression for names, or the name of the function that decides about them."""
        if isinstance(self._matcher, re.Pattern):
            return self._matcher.pattern
        return f"{getattr(self._matcher, '__name__', type(self._matcher).__name__)}()"

    def attach(self, server: ServerCore) -> None:
        """Make the parent a part of a server."""
        self.bind(server, lambda _: ParentAdapter(self))

    def takes(self, name: str) -> bool:
        """True when the matcher is a regular expression and matches the whole name."""
        matcher = self._matcher
        return isinstance(matcher, re.Pattern) and matcher.fullmatch(name) is not None

    async def matches(self, name: str, auth: Mapping[str, Any]) -> bool:
        """Decide whether a name is one of its children; an exception means that it is not."""
        matcher = self._matcher
        if isinstance(matcher, re.Pattern):
            return self.takes(name)
        try:
            result = matcher(name, auth)
            return bool(await result if inspect.isawaitable(result) else result)
        except Exception as error:
            if may_log_fault(locate(matcher), error):
                logger.exception("the function that decides about namespaces raised")
            return False

    def child(self, name: str) -> Namespace:
        """The child of that name, made when it is asked for the first time, or again."""
        child = self.children.get(name)
        if child is None:
            child = self._gone.pop(name, None)
            child = self._make(name) if child is None else self._take_back(child)
        return cast("Namespace", child.public)

    def _make(self, name: str) -> ChildCore:
        child = cast("ChildCore", ChildNamespace(name, self).__socketio__)
        self.children[name] = child
        child.bind(self.server)
        self._tell_of(child)
        return child

    def _take_back(self, child: ChildCore) -> ChildCore:
        """Go on with a child that was let go, so that references to it reach its clients."""
        self.children[child.name] = child
        child.adapter = self.server.adapters.adapter_for(child)
        if child.has_more:
            self.on_returned(cast("Namespace", child.public))
        else:  # as if it was a new one: it is unknown when the other one would be forgotten
            child.handlers.clear()
            self._tell_of(child)
        return child

    def _tell_of(self, child: ChildCore) -> None:
        self.on_child(cast("Namespace", child.public))
        child.note_beginning()

    def emptied(self, child: ChildCore) -> None:
        """Let a child go that has no clients, and to which none may come back."""
        if self.children.get(child.name) is child:
            del self.children[child.name]
            self._gone[child.name] = child
            self.on_emptied(cast("Namespace", child.public))


def _ignore(_child: Namespace) -> None:
    """Do nothing: the parent belongs to no server yet."""


class ChildCore(NamespaceCore):
    """The inside of a child.

    Args:
        name: The name that clients use.
        parent: The inside of the parent.
        public: The child as applications see it.
    """

    __slots__ = ("__weakref__", "_beginning", "_parent", "_timer")

    def __init__(self, name: str, parent: ParentCore, *, public: ChildNamespace) -> None:
        super().__init__(name, ordered=parent.ordered, public=public, inherited=parent.handlers)
        self._parent = parent
        self._timer: Cancellable | None = None
        self._beginning = self._own()

    def _own(self) -> tuple[int, int]:
        """The numbers of handlers and of attributes that the application has given it."""
        return self.handlers.size, len(vars(self.public))

    def note_beginning(self) -> None:
        """Note what it has from those who heard that it is new, and will hear of it again."""
        self._beginning = self._own()

    @property
    def has_more(self) -> bool:
        """True when it was given handlers or attributes later, which would not come back."""
        return self._own() != self._beginning

    def joining_ended(self) -> None:
        """Note that a client has joined, was refused, or left before that."""
        super().joining_ended()
        self._check()

    def remove(self, member: Member) -> None:
        """Forget a socket that has left."""
        super().remove(member)
        self._check()

    def loop_changed(self) -> None:
        """Set the timer anew, which ended with an earlier event loop."""
        self._check()

    def _check(self) -> None:
        if not self._parent.cleanup:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.empty and not self.has_more:
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
        parent: The inside of the parent namespace.
    """

    def __init__(self, parent: ParentCore) -> None:
        super().__init__(parent, recovers=False)
        self._parent = parent

    @property
    def reaches_other_processes(self) -> bool:
        """True when a broadcast of one of the children may."""
        return any(child.adapter.reaches_other_processes for child in self._children())

    def _children(self) -> list[NamespaceCore]:
        return list(self._parent.children.values())

    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets of all children that it is meant for."""
        results: list[Awaitable[None]] = []
        for child in self._children():
            # The first child has raised what there is to raise.
            shared = packet.for_namespace(child.name, checked=bool(results))
            results.append(child.adapter.broadcast(shared, target))
        if not results:
            packet.check()
        return together(results)

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
