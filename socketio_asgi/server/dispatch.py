"""What happens to an event of a client until its handler runs.

    on_event      it waits while the "connection" handler runs
    _admit        the catch-all listeners of the socket see it
    _screen       the middlewares of the socket decide, one event after another
    _start        listeners of the socket, the handler of the namespace
    _run          the handler; its return value acknowledges the event

Too many events at a time make the connection stop reading.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from ..events.handlers import Handler
from ..events.listeners import Listeners, call_all
from ..protocol import Packet
from ..protocol.states import SocketState
from ..runtime.awaitables import DONE
from ..runtime.serial import SerialQueue

if TYPE_CHECKING:
    from .client_connection import ClientConnection
    from .socket_core import SocketCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


_LEFT = SocketState.LEFT  # a global name: members of an enum are slow on the way of every packet

_RAISED = "the handler %r of %s raised"


class AckSender:
    """The ``ack`` argument of a handler that answers by itself: call it once, now or later.

    When the client asked for no acknowledgement, calling it does nothing.

    Args:
        socket: The socket that sent the event.
        number: The number that the client gave the event, or None.
    """

    __slots__ = ("_number", "_socket")

    def __init__(self, socket: SocketCore, number: int | None) -> None:
        self._socket = socket
        self._number = number

    def __call__(self, *values: Any) -> Awaitable[None]:
        """Acknowledge the event with these values; a second call does nothing."""
        number, self._number = self._number, None
        return DONE if number is None else self._socket.send_ack(number, values)


class Dispatcher:
    """Leads the events of one socket to their handlers.

    Args:
        socket: The socket.
        connection: Its connection.

    Attributes:
        listeners: What the socket listens to by itself; None until it does.
    """

    __slots__ = (
        "_connection",
        "_handlers",
        "_held",
        "_in_flight",
        "_limit",
        "_ordered",
        "_paused",
        "_screening",
        "_socket",
        "_task_starter",
        "listeners",
    )

    def __init__(self, socket: SocketCore, connection: ClientConnection) -> None:
        self._socket = socket
        self._connection = connection
        self._task_starter = connection.task_starter
        self._handlers = socket.namespace.handlers
        self._limit = socket.namespace.max_events_in_flight
        self._in_flight = 0
        self._paused = False
        # Events that came while the "connection" handler runs; None when they need not wait.
        self._held: deque[Packet] | None = None
        self._screening: SerialQueue | None = None
        self._ordered: SerialQueue | None = None
        self.listeners: Listeners | None = None

    @property
    def holding(self) -> bool:
        """Whether events wait for the "connection" handler."""
        return self._held is not None

    def hold(self) -> None:
        """Let events wait."""
        self._held = deque()

    def release(self) -> None:
        """Start the events that waited; those that are read meanwhile wait behind them."""
        held = self._held
        while held:
            packet = held.popleft()
            self._in_flight -= 1
            self._admit(packet)
        self._held = None
        self._resume()

    def on_event(self, packet: Packet) -> None:
        """The client sent an event."""
        if self._held is not None:
            self._held.append(packet)
            self._begin()
        elif self.listeners is None:
            self._start(packet)  # nearly always
        else:
            self._admit(packet)

    @property
    def _dismissed(self) -> bool:
        # What a client sent before it knew that the server disconnected it counts no more.
        return self._socket.state is _LEFT

    def _admit(self, packet: Packet) -> None:
        listeners = self.listeners
        if listeners is not None and not self._dismissed:
            call_all(listeners.incoming, *packet.data)
        if listeners is None or not listeners.middlewares:
            return self._start_unless_dismissed(packet)
        if self._screening is None:
            self._screening = SerialQueue(self._task_starter)
        self._begin()
        self._screening.add(self._screen, packet, listeners)

    async def _screen(self, packet: Packet, listeners: Listeners) -> None:
        try:
            name, *args = packet.data
            for middleware in tuple(listeners.middlewares):
                await middleware.call_listener(self._socket.namespace.workers, (name, args))
            packet.data = [name, *args]
        except Exception as error:  # noqa: BLE001  # whatever it is, it refuses the event
            self._refuse(error, listeners)
        else:
            self._start_unless_dismissed(packet)
        finally:
            self._end()

    def _refuse(self, error: Exception, listeners: Listeners) -> None:
        if listeners.errors:
            call_all(listeners.errors, error)
        else:
            logger.warning("a middleware of a socket refused an event: %r", error)

    def _start_unless_dismissed(self, packet: Packet) -> None:
        if not self._dismissed:
            self._start(packet)

    def _start(self, packet: Packet) -> None:
        name, *args = packet.data
        if self.listeners is not None:
            self._start_listeners(self.listeners, name, args, packet.id)
        handler = self._handlers.event(name)
        if handler is None:
            return
        if len(args) < handler.required:
            return self._refuse_short(handler, name, args)
        self._in_flight += 1
        if self._in_flight >= self._limit:
            self._pause()
        if not handler.ordered:
            return self._task_starter.start(self._run, handler, args, packet.id)
        if self._ordered is None:
            self._ordered = SerialQueue(self._task_starter)
        self._ordered.add(self._run, handler, args, packet.id)

    def _start_listeners(
        self, listeners: Listeners, name: str, args: Sequence[Any], number: int | None
    ) -> None:
        for listener in listeners.take(name):
            if len(args) < listener.required:
                self._refuse_short(listener, name, args)
            else:
                self._begin()
                self._task_starter.start(self._run_listener, listener, args, number)

    def _refuse_short(self, handler: Handler, name: str, args: Sequence[Any]) -> None:
        logger.warning(
            "event %r in %s refused: %d arguments came, its handler needs %d",
            name,
            self._socket.namespace.name,
            len(args),
            handler.required,
        )

    async def _run(self, handler: Handler, args: Sequence[Any], number: int | None) -> None:
        socket = self._socket
        try:
            if socket.state is _LEFT:  # while it waited for its turn
                return
            if handler.simple and len(args) <= handler.maximum:  # nearly always
                result = await handler.function(socket, *args)
            else:
                ack = AckSender(socket, number) if handler.takes_ack else None
                result = await handler.call(socket.namespace.workers, socket, args, ack)
            if number is not None and not handler.takes_ack:
                socket.acknowledge(number, result)
        except Exception:
            logger.exception(_RAISED, handler.function, socket.namespace.name)
        finally:
            self._in_flight -= 1
            if self._paused:
                self._resume()

    async def _run_listener(
        self, handler: Handler, args: Sequence[Any], number: int | None
    ) -> None:
        try:
            if not self._dismissed:
                ack = AckSender(self._socket, number)
                await handler.call_listener(self._socket.namespace.workers, args, ack)
        except Exception:
            logger.exception(_RAISED, handler.function, self._socket.namespace.name)
        finally:
            self._end()

    # -- back-pressure -----------------------------------------------------------------------

    def _begin(self) -> None:
        self._in_flight += 1
        if self._in_flight >= self._limit:
            self._pause()

    def _pause(self) -> None:
        if self._full:
            self._paused = True
            self._connection.pause_for(self)

    def _end(self) -> None:
        self._in_flight -= 1
        if self._paused:
            self._resume()

    def expect_ack(self) -> None:
        """The client was asked something: its answer must be read, or nobody would see it."""
        self._resume()

    @property
    def _full(self) -> bool:
        # A handler that waits for the client does not count, within bounds.
        asking = min(self._socket.acks_awaited, self._limit)
        return self._in_flight - asking >= self._limit

    def _resume(self) -> None:
        if self._paused and not self._full:
            self._paused = False
            self._connection.resume_for(self)
