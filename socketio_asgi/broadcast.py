"""The broadcast operator: who gets an event, chosen step by step without changing anything.

Source: https://socket.io/docs/v4/server-api/#broadcastoperator
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from .adapters import Adapter, Outgoing, Target
from .awaitables import DONE
from .engine.runtime import Runtime
from .protocol import RESERVED_EVENTS, Packet, PacketType, Parser


class Emitter(Protocol):
    """What the operator needs of a namespace."""

    @property
    def name(self) -> str:
        """The name of the namespace, with its slash."""
        ...

    @property
    def adapter(self) -> Adapter:
        """Who leads packets to their sockets."""
        ...

    @property
    def parser(self) -> Parser:
        """How packets are encoded."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while no client has come yet."""
        ...


def event_packet(namespace: str, event: str, args: Sequence[Any], id: int | None = None) -> Packet:
    """The packet of an event.

    Raises:
        TypeError: The name is not text.
        ValueError: The name is reserved.
    """
    if not isinstance(event, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"an event name must be a str, not {event!r}")
    if event in RESERVED_EVENTS:
        raise ValueError(f"the event name {event!r} is reserved; choose another one")
    return Packet(PacketType.EVENT, namespace, [event, *args], id)


def check_rooms(rooms: Sequence[str], method: str) -> frozenset[str]:
    """Check the arguments of a method that takes rooms.

    Raises:
        ValueError: There are none; in JavaScript that silently means everybody.
        TypeError: One of them is not text.
    """
    if not rooms:
        raise ValueError(f"{method}() needs at least one room")
    for room in rooms:
        if not isinstance(room, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a room is a str, not {room!r}; for several, write {method}(*rooms)")
    return frozenset(rooms)


class Broadcaster(ABC):
    """The methods that start or continue the choice of who gets an event."""

    __slots__ = ()

    @abstractmethod
    def _operator(self) -> BroadcastOperator:
        """The choice that the methods build on."""

    def to(self, *rooms: str) -> BroadcastOperator:
        """Choose the sockets in any of these rooms, beside those chosen already.

        Args:
            rooms: Names of rooms; the id of a socket is the room of that socket alone.

        Raises:
            ValueError: No room was given.

        Source: https://socket.io/docs/v4/rooms/
        """
        return self._operator().including(check_rooms(rooms, "to"))

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return self._operator().including(check_rooms(rooms, "in_"))

    def except_(self, *rooms: str) -> BroadcastOperator:
        """Leave out the sockets in any of these rooms.

        Args:
            rooms: Names of rooms, or ids of sockets.

        Raises:
            ValueError: No room was given.
        """
        return self._operator().excluding(check_rooms(rooms, "except_"))

    @property
    def volatile(self) -> BroadcastOperator:
        """Let sockets that cannot take the event at once miss it.

        Source: https://socket.io/docs/v4/emitting-events/#volatile-events
        """
        return self._operator().with_volatile()

    @property
    def local(self) -> BroadcastOperator:
        """Reach only the sockets of this process."""
        return self._operator().with_local()

    def compress(self, compress: bool) -> BroadcastOperator:
        """Say whether HTTP responses that carry the event may be compressed."""
        return self._operator().with_compress(compress)


class BroadcastOperator(Broadcaster):
    """A choice of sockets in one namespace; immutable, so it can be kept and used again."""

    __slots__ = ("_compress", "_namespace", "_target")

    def __init__(
        self, namespace: Emitter, target: Target | None = None, *, compress: bool = True
    ) -> None:
        self._namespace = namespace
        self._target = target or _EVERYBODY
        self._compress = compress

    def _operator(self) -> BroadcastOperator:
        return self

    def including(self, rooms: frozenset[str]) -> BroadcastOperator:
        """The same choice with more rooms."""
        return self._with(replace(self._target, rooms=self._target.rooms | rooms))

    def excluding(self, rooms: frozenset[str]) -> BroadcastOperator:
        """The same choice without the members of more rooms."""
        return self._with(replace(self._target, excluded=self._target.excluded | rooms))

    def with_volatile(self) -> BroadcastOperator:
        """The same choice for an event that may be missed."""
        return self._with(replace(self._target, volatile=True))

    def with_local(self) -> BroadcastOperator:
        """The same choice within this process."""
        return self._with(replace(self._target, local=True))

    def with_compress(self, compress: bool) -> BroadcastOperator:
        """The same choice, with or without compression."""
        return BroadcastOperator(self._namespace, self._target, compress=compress)

    def _with(self, target: Target) -> BroadcastOperator:
        return BroadcastOperator(self._namespace, target, compress=self._compress)

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the chosen sockets, at once and from any thread.

        Args:
            event: The name of the event.
            args: Any values that JSON knows, bytes at any depth, and rich types.

        Returns:
            An awaitable; waiting is only needed for back-pressure.

        Raises:
            TypeError: The name is not text.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.
        """
        namespace = self._namespace
        packet = event_packet(namespace.name, event, args)
        outgoing = Outgoing(packet, namespace.parser, compress=self._compress)
        runtime = namespace.runtime
        if runtime is None:
            return DONE  # no client has ever come
        if runtime.in_thread():
            return namespace.adapter.broadcast(outgoing, self._target)
        _ = outgoing.frames  # errors are the caller's, and the values may change later
        runtime.call_from_thread(namespace.adapter.broadcast, outgoing, self._target)
        return DONE


_EVERYBODY = Target()
