"""The way of events and acknowledgements to the server: at once, when it is there again, or again.

Source: https://socket.io/docs/v4/client-offline-behavior/
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple

from ..events.acks import Pick
from ..events.listeners import Listeners, call_all
from ..exceptions import AckTimeout, ConnectionLost, SocketIOError
from ..protocol import Packet, PacketType
from ..runtime import Event, Runtime
from ..runtime.awaitables import DONE, Waiting
from ..runtime.deadlines import DeadlineQueue
from .manager_core import ManagerCore
from .retries import QueuedEvent, RetryQueue

logger: logging.Logger = logging.getLogger("socketio_asgi.client")

HIGH_WATER = 64 * 1024
"""Bytes that may wait for the server before ``await io.emit(...)`` waits for it."""

MAX_LENGTHS = 16
"""Lengths of time for acknowledgements whose timers are kept."""

_ACK, _EVENT = PacketType.ACK, PacketType.EVENT


class OfflineBufferFull(SocketIOError):
    """More events wait for the connection than the option ``offline_buffer`` allows.

    Args:
        limit: The number of events that may wait.

    Attributes:
        limit: The same.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit: int = limit

    def __str__(self) -> str:
        return (
            f"{self.limit} events wait for the connection already: send volatile ones, look at"
            " connected before, or raise offline_buffer"
        )


class WaitingPacket(NamedTuple):
    """A packet that waits for the connection.

    Attributes:
        packet: The packet.
        encoded: Its messages.
    """

    packet: Packet
    encoded: Sequence[str | bytes]


class Answer:
    """The acknowledgement of one event by the server.

    Args:
        done: Set when it is there, or will not come.

    Attributes:
        done: The same.
        values: Its values; None when there are none.
        lost: Whether the connection has ended before.
    """

    __slots__ = ("done", "lost", "values")

    def __init__(self, done: Event) -> None:
        self.done: Event = done
        self.values: list[Any] | None = None
        self.lost: bool = False

    def settle(self, values: list[Any] | None) -> None:
        """Called with the values; None when the connection has ended."""
        self.values, self.lost = values, values is None
        self.done.set()

    def give_up(self) -> None:
        """Called when the time is up."""
        self.done.set()


class AckDeadlines:
    """The deadlines of acknowledgements: a queue for each length of time.

    Args:
        runtime: The event loop.
    """

    __slots__ = ("_queues", "_runtime")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._queues: dict[float, DeadlineQueue[Answer]] = {}

    def add(self, answer: Answer, timeout: float) -> DeadlineQueue[Answer]:
        """Set a deadline, after so many seconds; returns the queue, to take it back."""
        queue = self._queues.get(timeout)
        if queue is None:
            self._drop_empty()
            queue = self._queues[timeout] = DeadlineQueue(
                self._runtime, timeout, Answer.give_up, lasting=True
            )
        queue.add(answer)
        return queue

    def _drop_empty(self) -> None:
        """Forget lengths of time that are not in use, when there are many."""
        if len(self._queues) >= MAX_LENGTHS:
            for timeout, queue in tuple(self._queues.items()):
                if not queue:
                    self._queues.pop(timeout).close()

    def close(self) -> None:
        """Take all deadlines back."""
        for queue in self._queues.values():
            queue.close()
        self._queues.clear()


class Outbox:
    """Sends the events and acknowledgements of one namespace of a client.

    Args:
        manager: The connection below.
        name: The name of the namespace.
        listeners: Those of them that see what is sent.

    Attributes:
        open: Whether the namespace is connected.
    """

    def __init__(self, manager: ManagerCore, name: str, listeners: Listeners) -> None:
        self.open: bool = False
        self._manager = manager
        self._name = name
        self._listeners = listeners
        self._last_ack_id = -1
        self._answers: dict[int, Answer] = {}
        self._waiting: list[WaitingPacket] = []
        self._deadlines: AckDeadlines | None = None
        retries = manager.options.retries
        self._retries: RetryQueue | None = None
        if retries:
            self._retries = RetryQueue(retries, self.ask_once, self.is_open)

    def is_open(self) -> bool:
        """True while the namespace is connected."""
        return self.open

    # -- events ------------------------------------------------------------------------------

    def emit(self, event: str, args: Sequence[Any], *, volatile: bool = False) -> Awaitable[None]:
        """Send an event, from any thread.

        Raises:
            EncodeError: It cannot be represented.
            OfflineBufferFull: Too many events wait for the connection.
        """
        if self._retries is not None and not volatile:
            return self._emit_until_acknowledged(event, args)
        packet = Packet(_EVENT, self._name, [event, *args])
        encoded = self._manager.encode(packet)
        if not self._manager.in_loop:
            self._manager.runtime.call_from_thread(self._send_or_log, packet, encoded, volatile)
            return DONE
        return self._send(packet, encoded, volatile=volatile)

    def _send_or_log(self, packet: Packet, encoded: Sequence[str | bytes], volatile: bool) -> None:
        try:
            self._send(packet, encoded, volatile=volatile)
        except OfflineBufferFull as error:
            logger.warning("an event of another thread is dropped: %s", error)

    def _send(
        self, packet: Packet, encoded: Sequence[str | bytes], *, volatile: bool
    ) -> Awaitable[None]:
        manager = self._manager
        if self.open:
            if volatile and not manager.writable:
                return DONE
            self._send_encoded(packet, encoded)
            session = manager.session
            if volatile or session is None or session.buffered < HIGH_WATER:
                return DONE
            return Waiting(manager.drain)
        if not volatile:
            self._check_room(len(self._waiting))
            self._waiting.append(WaitingPacket(packet, encoded))
        return DONE

    def _check_room(self, waiting: int) -> None:
        limit = self._manager.options.offline_buffer
        if waiting >= limit:
            raise OfflineBufferFull(limit)

    def _send_encoded(self, packet: Packet, encoded: Sequence[str | bytes]) -> None:
        if self._listeners.outgoing:
            call_all(self._listeners.outgoing, *packet.data)
        self._manager.send_encoded(encoded)

    # -- the connection comes and goes -------------------------------------------------------

    def on_connected(self) -> None:
        """Called when the namespace is connected: what waited is sent."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._send_encoded(*each)
        self._drain_retries()

    def on_disconnected(self) -> None:
        """Called when it is connected no longer: answers to what was sent will not come."""
        waiting = {each.packet.id for each in self._waiting}
        for number in [number for number in self._answers if number not in waiting]:
            self._answers.pop(number).settle(None)

    def close(self) -> None:
        """Set no timer any more: the client has ended."""
        if self._deadlines is not None:
            self._deadlines.close()
            self._deadlines = None

    # -- acknowledgements by the server ------------------------------------------------------

    async def ask(
        self,
        event: str,
        args: Sequence[Any],
        timeout: float,
        pick: Pick,
        *,
        volatile: bool = False,
    ) -> Any:
        """Send an event, and wait for its acknowledgement.

        Raises:
            AckTimeout: The server did not answer in time.
            ConnectionLost: The connection ended before.
        """
        if self._retries is not None and not volatile:
            return await self._queue(event, args, timeout).wait(pick, self._manager.runtime)
        return pick(await self.ask_once(event, args, timeout, volatile=volatile))

    async def ask_once(
        self, event: str, args: Sequence[Any], timeout: float, *, volatile: bool = False
    ) -> list[Any]:
        """The same, without sending it again; returns all values."""
        self._last_ack_id = number = self._last_ack_id + 1
        packet = Packet(_EVENT, self._name, [event, *args], number)
        encoded = self._manager.encode(packet)
        runtime = self._manager.runtime
        answer = self._answers[number] = Answer(runtime.event())
        if self._deadlines is None:
            self._deadlines = AckDeadlines(runtime)
        deadlines = self._deadlines.add(answer, timeout)
        try:
            self._send(packet, encoded, volatile=volatile)
            await answer.done.wait()
        finally:
            deadlines.discard(answer)
            self._answers.pop(number, None)
            if self._waiting:
                self._waiting = [each for each in self._waiting if each.packet.id != number]
        if answer.values is not None:
            return answer.values
        raise ConnectionLost(event) if answer.lost else AckTimeout(event, timeout)

    def on_ack(self, packet: Packet) -> None:
        """Called with an acknowledgement of the server."""
        answer = self._answers.pop(packet.id or 0, None)
        if answer is None:
            logger.debug("an acknowledgement of nothing, or too late")
        else:
            answer.settle(packet.data)

    # -- events that are sent until they are acknowledged ------------------------------------

    def _emit_until_acknowledged(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        manager = self._manager
        timeout = manager.options.ack_timeout
        if manager.in_loop:
            queued = self._queue(event, args, timeout)
            return Waiting(lambda: queued.wait(_nothing, manager.runtime))
        self._check_values(event, args)
        manager.runtime.call_from_thread(self._queue, event, args, timeout)
        return DONE

    def _queue(self, event: str, args: Sequence[Any], timeout: float) -> QueuedEvent:
        assert self._retries is not None  # noqa: S101  # the callers have looked
        self._check_room(len(self._retries))
        self._check_values(event, args)
        queued = QueuedEvent(event, args, timeout)
        self._retries.add(queued)
        self._drain_retries()
        return queued

    def _check_values(self, event: str, args: Sequence[Any]) -> None:
        self._manager.encode(Packet(_EVENT, self._name, [event, *args], 0))

    def _drain_retries(self) -> None:
        if self._retries is not None and self.open:
            self._retries.send_in(self._manager.runtime)

    # -- acknowledgements by the client ------------------------------------------------------

    def acknowledge(self, number: int, values: Sequence[Any]) -> None:
        """Acknowledge an event of the server, from any thread; too late, it does nothing.

        Raises:
            EncodeError: The values cannot be represented.
        """
        encoded = self._manager.encode(Packet(_ACK, self._name, list(values), number))
        if self._manager.in_loop:
            self._send_ack(encoded)
        else:
            self._manager.runtime.call_from_thread(self._send_ack, encoded)

    def _send_ack(self, encoded: Sequence[str | bytes]) -> None:
        if self.open:
            self._manager.send_encoded(encoded)


def _nothing(_values: list[Any]) -> None:
    """The result of an event that is sent for no answer."""
