"""The way of an event of a client to its handler.

    on_event      it waits while the "connection" handler runs
    _admit        the catch-all listeners of the socket see it
    _screen       the middlewares of the socket decide, one event after another
    _start        listeners of the socket, the handler of the namespace
    invoke        the handler; its return value acknowledges the event

Too many events at a time make the connection stop reading.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, cast

from ..engine import SessionCore
from ..events.acks import Ack, AckTarget
from ..events.call_site import Load
from ..events.failures import UnsendableAnswer, log_failure
from ..events.listeners import Listeners, call_all
from ..events.plans import AckCallback, Handler, HandlerCall, HandlerKind
from ..exceptions import EventError
from ..protocol import EncodeError, Packet, PacketType
from ..protocol.states import SocketState
from ..runtime import Runtime, TaskStarter
from ..runtime.serial import SerialQueue
from .event_errors import settle
from .namespace_core import NamespaceCallSite, NamespaceCore
from .screening import EventScreening

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

# Global names: members of an enum are slow on the way of every packet.
_ACK, _CONNECTING, _CONNECTED = PacketType.ACK, SocketState.CONNECTING, SocketState.CONNECTED

Invoke = Callable[[Handler, Sequence[Any], int | None], Coroutine[Any, Any, None]]


class PacketSource(Load, Protocol):
    """A connection, as far as the packets that it brings and takes are concerned."""

    @property
    def session(self) -> SessionCore:
        """The session below."""
        ...

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    @property
    def max_in_flight(self) -> int:
        """Calls for all sockets of the connection that may wait or run at a time."""
        ...

    @property
    def task_starter(self) -> TaskStarter:
        """The starter of this client's handlers."""
        ...

    def send(self, packet: Packet) -> None:
        """Send a packet that is meant for this client alone."""
        ...

    def acknowledge(self, number: int, values: Sequence[Any]) -> bool:
        """Acknowledge an event of the main namespace; False when a packet is to be sent."""
        ...

    def pause_for(self, dispatcher: Dispatcher) -> None:
        """Read no more, if a socket, or all together, have too many events in flight."""
        ...

    def may_log(self, kind: object) -> bool:
        """True when the client may cause another line of the log, of that kind."""
        ...

    def large_began(self, size: int) -> None:
        """Count the bytes of an event that waits or is handled; beyond the limit, read no more."""
        ...

    def large_ended(self, size: int) -> None:
        """Count no longer what :meth:`large_began` has counted."""
        ...


class Dispatcher(NamespaceCallSite):
    """Leads the events and the acknowledgements of one socket to their handlers.

    Args:
        namespace: The namespace of the socket.
        source: The connection below.

    Attributes:
        id: The public id of the socket.
        namespace: The same.
        state: The state of the socket.
        listeners: The listeners of this socket alone; None until there are some.
    """

    id: str
    in_flight: int

    __slots__ = (
        "_acks",
        "_held",
        "_ordered",
        "_screening",
        "_source",
        "_task_starter",
        "listeners",
        "state",
    )

    def __init__(self, namespace: NamespaceCore, source: PacketSource) -> None:
        super().__init__(namespace, load=source)
        self._source = source  # the same as `load`, which is where calls are counted
        self.state: SocketState = _CONNECTING
        self._task_starter = source.task_starter
        # Events that came while the "connection" handler runs; None when they need not wait.
        self._held: deque[Packet] | None = None
        self._screening: SerialQueue | None = None
        self._ordered: SerialQueue | None = None
        self.listeners: Listeners | None = None
        # The acknowledgements that the client owes; None while there are none.
        self._acks: dict[int, AckTarget] | None = None

    def own_listeners(self) -> Listeners:
        """The listeners of this socket alone, made when they are needed for the first time."""
        if self.listeners is None:
            self.listeners = Listeners(self.namespace.handlers.plan)
        return self.listeners

    # -- waiting for the "connection" handler ------------------------------------------------

    @property
    def holding(self) -> bool:
        """True while events wait for the "connection" handler."""
        return self._held is not None

    def hold(self) -> None:
        """Let events wait."""
        if self._held is None:
            self._held = deque()

    def release(self) -> None:
        """Start the events that waited; those that are read meanwhile wait behind them."""
        held = self._held
        while held:
            packet = held.popleft()
            self.in_flight -= 1
            self.load.in_flight -= 1
            self._admit(packet)  # counts it again, before its size is given up here
            if packet.size:
                self._source.large_ended(packet.size)
        self._held = None
        if self.load.paused:
            self.load.call_ended()

    def drop_held(self) -> None:
        """Forget the events that waited: the client does not join."""
        held, self._held = self._held, None
        for packet in held or ():
            self._end_waiting(packet)

    # -- events ------------------------------------------------------------------------------

    def on_event(self, packet: Packet) -> None:
        """Take an event of the client."""
        if self._held is not None:
            self._held.append(packet)
            self._begin_waiting(packet)
        elif self.listeners is None:
            self._start(packet)  # nearly always
        else:
            self._admit(packet)

    def on_short_event(self, number: int | None, items: list[Any]) -> bool:
        """Take an event of the client; False when it has more to it than to be handled.

        The short cut of :meth:`on_event`.
        """
        handler = self.namespace.handlers.event(items[0])
        if handler is None or self._held is not None or self.listeners is not None:
            return False
        args = items[1:]
        if len(args) < handler.required:
            return False
        source = self._source  # as in begin(), without a call
        self.in_flight += 1
        source.in_flight += 1
        if (
            self.in_flight >= self.namespace.max_events_in_flight
            or source.in_flight >= source.max_in_flight
        ):
            source.pause_for(self)
        if handler.ordered:
            self._start_in_order(self.invoke, handler, args, number)
        else:
            self._task_starter.start(self.invoke, handler, args, number)
        return True

    def _admit(self, packet: Packet) -> None:
        listeners = self.listeners
        if self.dismissed:  # the client did not know yet that the server disconnected it
            return
        if listeners is not None:
            if listeners.observed:
                self.namespace.server.observers.received(self.subject, packet.data)
            call_all(listeners.incoming, *packet.data)
        if listeners is None or not listeners.middlewares:
            return self._start_unless_dismissed(packet)
        if self._screening is None:
            self._screening = SerialQueue(self._task_starter)
        self._begin_waiting(packet)
        self._screening.add(self._screen, packet, listeners)

    async def _screen(self, packet: Packet, listeners: Listeners) -> None:
        try:
            name, *args = packet.data
            screening = EventScreening(self.namespace, listeners)
            if await screening.passes(tuple(listeners.middlewares), (name, args)):
                packet.data = [name, *args]
                self._start_unless_dismissed(packet)
        finally:
            self._end_waiting(packet)

    def _start_unless_dismissed(self, packet: Packet) -> None:
        if not self.dismissed:
            self._start(packet)

    def _start(self, packet: Packet) -> None:
        name, *args = packet.data
        taken = False
        if self.listeners is not None:
            taken = self._start_listeners(self.listeners, packet, args)
        handler = self.namespace.handlers.event(name)
        if handler is None:
            handler = self.namespace.catch_all()
            if handler is None:
                return None if taken else self._warn_of(name)
            args = packet.data
        if len(args) < handler.required:
            return self._refuse_short(handler, args, packet.id)
        invoke = self.invoke if not packet.size else self._counting(packet.size)
        source = self._source  # as in begin(), without a call
        self.in_flight += 1
        source.in_flight += 1
        if (
            self.in_flight >= self.namespace.max_events_in_flight
            or source.in_flight >= source.max_in_flight
        ):
            source.pause_for(self)
        if handler.ordered:
            self._start_in_order(invoke, handler, args, packet.id)
        else:
            self._task_starter.start(invoke, handler, args, packet.id)

    def _start_in_order(self, invoke: Invoke, *call: Any) -> None:
        if self._ordered is None:
            self._ordered = SerialQueue(self._task_starter)
        self._ordered.add(invoke, *call)

    def _start_listeners(self, listeners: Listeners, packet: Packet, args: Sequence[Any]) -> bool:
        """Call the listeners of the socket; returns whether there are any."""
        name: str = packet.data[0]
        taken = bool(listeners.incoming)
        for listener in listeners.take(name):
            taken = True
            if len(args) < listener.required:
                self._refuse_short(listener, args, None)
            else:
                invoke = self.invoke if not packet.size else self._counting(packet.size)
                self.begin()
                self._task_starter.start(invoke, listener, args, packet.id)
        return taken

    def _counting(self, size: int) -> Invoke:
        """The call of a handler, which counts the bytes of its event until it has ended."""
        self._source.large_began(size)

        async def invoke(handler: Handler, args: Sequence[Any], number: int | None) -> None:
            try:
                await self.invoke(handler, args, number)
            finally:
                self._source.large_ended(size)

        return invoke

    def _warn_of(self, name: str) -> None:
        namespace = self.namespace
        if namespace.server.warn_unknown_events:
            own = [] if self.listeners is None else self.listeners.event_names()
            known = {*namespace.handlers.event_names(), *own}
            namespace.handlers.unknown.warn(name, namespace.name, known)

    def _refuse_short(self, handler: Handler, args: Sequence[Any], number: int | None) -> None:
        """Refuse an event that has too few arguments."""
        self.begin()
        self._task_starter.start(self.refuse, handler, args, number)

    async def settle(self, call: HandlerCall, number: int | None, error: Exception) -> None:
        """Tell the client, and the log, of the error in which a call has ended."""
        if call.handler.registration.kind is HandlerKind.LISTENER:  # it does not own the answer
            self.failed(call.handler, error)
        else:
            await settle(self, call, number, error)

    def may_log(self, kind: object) -> bool:
        """True when the client may cause another line of the log, of that kind."""
        return self._source.may_log(kind)

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what a handler or a listener has raised."""
        if self._source.may_log((handler, "raised")):
            log_failure(handler, self.namespace.name, error)

    # -- acknowledgements --------------------------------------------------------------------

    def acknowledge(self, number: int, result: Any) -> None:
        """Acknowledge an event of the client with what its handler returned.

        Args:
            number: The number that the client gave the event.
            result: None for no value, a tuple for several, anything else for one.

        Raises:
            UnsendableAnswer: It cannot be encoded.
        """
        values: list[Any] = [result]
        if result is None:
            values = []
        elif type(result) is tuple:  # a NamedTuple is one value
            values = list(cast("Any", result))
        name = self.namespace.name
        if name == "/" and self.state is _CONNECTED and self._source.acknowledge(number, values):
            return  # nearly always
        packet = Packet(_ACK, name, values, number)
        try:
            if self.state is _CONNECTED:
                self._source.send(packet)
            else:  # nobody gets it, but a mistake is one all the same
                self.namespace.parser.encode(packet)
        except EncodeError as error:
            if isinstance(result, EventError):  # returned instead of raised
                raise result from None
            raise UnsendableAnswer(error) from error

    def acknowledge_error(self, number: int, value: Any) -> None:
        """Acknowledge an event of the client with one value.

        Raises:
            UnsendableAnswer: It cannot be encoded.
        """
        self.acknowledge(number, (value,))

    @abstractmethod
    def emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Send an event to the client."""

    def ack_callback(self, number: int | None, handler: Handler) -> AckCallback:
        """The function that answers the event of that number, for a handler that calls it."""
        return Ack(self.send_ack, number, handler.write_ack)

    @abstractmethod
    def send_ack(self, number: int | None, values: Sequence[Any]) -> Awaitable[None]:
        """Acknowledge an event of the client, from any thread; None: it wants no answer."""

    def on_ack(self, packet: Packet) -> None:
        """Take an acknowledgement of the client."""
        ack = self._acks.pop(cast("int", packet.id), None) if self._acks else None
        if ack is None:
            logger.debug("acknowledgement of nothing, or too late")
        else:
            ack.reply(self.id, packet.data)

    @property
    def acks_awaited(self) -> int:
        """The number of acknowledgements that the client owes."""
        return len(self._acks or ())

    def expect_ack(self, number: int, ack: AckTarget) -> None:
        """Wait for an acknowledgement of the client."""
        if self._acks is None:
            self._acks = {}
        self._acks[number] = ack
        if self.load.paused:  # the answer must be read, or the handler would wait for nothing
            self.load.call_ended()

    def forget_ack(self, number: int) -> None:
        """Wait for an acknowledgement no longer."""
        if self._acks is not None:
            self._acks.pop(number, None)

    def give_up_acks(self) -> None:
        """Tell everything that waits for an acknowledgement that the client has left."""
        acks, self._acks = self._acks, None
        for ack in (acks or {}).values():
            ack.gone(self.id)

    # -- back-pressure -----------------------------------------------------------------------

    def _begin_waiting(self, packet: Packet) -> None:
        self.begin()
        if packet.size:
            self._source.large_began(packet.size)

    def _end_waiting(self, packet: Packet) -> None:
        self.end()
        if packet.size:
            self._source.large_ended(packet.size)

    def begin(self) -> None:
        """Count an event; the connection is not read while there are too many."""
        source = self._source
        self.in_flight += 1
        source.in_flight += 1
        if (
            self.in_flight >= self.namespace.max_events_in_flight
            or source.in_flight >= source.max_in_flight
        ):
            source.pause_for(self)

    @property
    def full(self) -> bool:
        """True while the socket has as many events in flight as it may have."""
        # A handler that waits for the client does not count, within bounds.
        limit = self.namespace.max_events_in_flight
        asking = min(self.acks_awaited, limit)
        return self.in_flight - asking >= limit
