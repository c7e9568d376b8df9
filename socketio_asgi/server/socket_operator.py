"""The modifiers of an event to one client.

Source: https://socket.io/docs/v4/server-socket-instance/
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, overload

from ..adapters import Target
from ..events.declared import Event, ParamsT, ReplyT, declared_ack
from .broadcast import BroadcastOperator
from .selection import Selection
from .socket_core import SocketCore


def selection_of(core: SocketCore, target: Target | None = None) -> Selection:
    """The choice that a socket emits to: its namespace, as far as nothing else is chosen."""
    return Selection(core.namespace) if target is None else Selection(core.namespace, target)


async def ask_for_all_values(
    core: SocketCore, selection: Selection, event: str, args: Sequence[Any]
) -> list[Any]:
    """Ask a client; returns all values of its answer."""
    values: list[Any] = await core.ask(selection, event, args, list)
    return values


def others(core: SocketCore) -> BroadcastOperator:
    """All other sockets of its namespace."""
    return BroadcastOperator(selection_of(core, Target(excluded=frozenset((core.id,)))))


class SocketOperator:
    """The modifiers of an event to the client of a socket; immutable.

    :attr:`broadcast`, :meth:`to` and :meth:`except_` address the other sockets instead, with the
    same modifiers.
    """

    __slots__ = ("_selection", "_socket")

    def __init__(self, socket: SocketCore, selection: Selection) -> None:
        self._socket = socket
        self._selection = selection

    # -- the client itself -------------------------------------------------------------------

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> Awaitable[None]: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> Awaitable[None]: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Send an event to the client; see :meth:`Socket.emit`."""
        values: Sequence[Any] = args
        if kwargs or type(event) is not str:
            event, values = self._socket.namespace.outgoing(event, args, kwargs)
        return self._emit(event, values)

    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message`` to the client; see :meth:`Socket.emit`."""
        return self._emit("message", args)

    def _emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        selection = self._selection
        volatile, compress = selection.target.volatile, selection.compress
        return self._socket.send_event(event, args, volatile=volatile, compress=compress)

    @overload
    async def emit_with_ack(
        self, event: Event[ParamsT, ReplyT], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> ReplyT: ...
    @overload
    async def emit_with_ack(self, event: str, /, *args: Any) -> Any: ...

    async def emit_with_ack(self, event: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Send an event and wait for its acknowledgement; see :meth:`Socket.emit_with_ack`."""
        if type(event) is str and not kwargs:
            return await self._socket.ask(self._selection, event, args)
        read, options, _ = declared_ack(event, kwargs)
        name, values = self._socket.namespace.outgoing(event, args, options)
        return read(await ask_for_all_values(self._socket, self._selection, name, values))

    async def emit_with_ack_values(self, event: str, *args: Any) -> list[Any]:
        """Send an event and wait for all values of its acknowledgement.

        See :meth:`Socket.emit_with_ack_values`.
        """
        return await ask_for_all_values(self._socket, self._selection, event, args)

    @property
    def volatile(self) -> SocketOperator:
        """Let the client miss the event when it cannot be sent at once."""
        target = replace(self._selection.target, volatile=True)
        return SocketOperator(self._socket, self._selection.with_target(target))

    def compress(self, compress: bool) -> SocketOperator:
        """Say whether HTTP responses that carry the event may be compressed."""
        return SocketOperator(self._socket, self._selection.with_compress(compress))

    def timeout(self, timeout: float) -> SocketOperator:
        """Say how long an acknowledgement is waited for, in seconds."""
        return SocketOperator(self._socket, self._selection.with_timeout(timeout))

    # -- the others --------------------------------------------------------------------------

    @property
    def broadcast(self) -> BroadcastOperator:
        """All sockets in the namespace but this one."""
        target = replace(self._selection.target, excluded=frozenset((self._socket.id,)))
        return BroadcastOperator(self._selection.with_target(target))

    @property
    def local(self) -> BroadcastOperator:
        """All sockets in this process but this one."""
        return self.broadcast.local

    def to(self, *rooms: str) -> BroadcastOperator:
        """The sockets in any of these rooms, but not the socket itself."""
        return self.broadcast.to(*rooms)

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return self.broadcast.in_(*rooms)

    def except_(self, *rooms: str) -> BroadcastOperator:
        """All sockets but this one and those in any of these rooms."""
        return self.broadcast.except_(*rooms)
