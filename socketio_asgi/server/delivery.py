"""The way of packets to the client of one socket."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

from orjson import JSONEncodeError, dumps

from ..adapters import SharedPacket, Target
from ..events.acks import AckTarget, Pick, SingleAck, first_value
from ..events.listeners import call_all
from ..exceptions import ClientDisconnected
from ..protocol import RESERVED_EVENTS, Packet, PacketType
from ..protocol.json import PLAIN
from ..protocol.names import event_packet
from ..protocol.states import SocketState
from ..runtime.awaitables import DONE, Waiting
from .dispatch import Dispatcher
from .selection import Selection

HIGH_WATER = 64 * 1024
"""Bytes that may wait for a client before ``await socket.emit(...)`` waits for it."""

# Global names: members of an enum are slow on the way of every packet.
_ACK, _EVENT, _CONNECTED = PacketType.ACK, PacketType.EVENT, SocketState.CONNECTED


class Delivery(Dispatcher):
    """Sends the events and the acknowledgements for the client of one socket."""

    __slots__ = ()

    def emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Send an event to the client, from any thread; see :meth:`.socket.Socket.emit`.

        The short cut of :meth:`send_event`: a client that reads, and whose events nobody watches,
        is written to at once, without a packet. What has no plain JSON form goes the other way.
        """
        source = self._source
        writer = source.session.writer
        if (
            writer is not None
            and self.listeners is None
            and self.state is _CONNECTED
            and (head := self.namespace.event_head)
            and event.__class__ is str
            and event not in RESERVED_EVENTS
            and source.runtime.thread == get_ident()
        ):
            try:
                text = head + dumps([event, *args], None, PLAIN)
            except JSONEncodeError:
                pass
            else:
                if writer.write_text(text):
                    return DONE
        return self.send_event(event, args)

    def send_event(
        self, event: str, args: Sequence[Any], *, volatile: bool = False, compress: bool = True
    ) -> Awaitable[None]:
        """Send an event to the client, in one of the ways of :class:`.SocketOperator`."""
        server = self.namespace.server
        packet = event_packet(self.namespace.name, event, args)
        shared = SharedPacket(packet, server.parser, compress=compress)
        if server.recovery is None:
            return self._send(shared, volatile)
        # Only what goes through the adapter gets an offset, and can be sent again.
        rooms = frozenset((self.id,))
        own_room = Target(rooms, volatile=volatile, local=volatile)
        return server.send(self.namespace.adapter.broadcast, shared, own_room)

    async def ask(
        self, selection: Selection, event: str, args: Sequence[Any], pick: Pick = first_value
    ) -> Any:
        """Send an event and wait for its answer; see :meth:`.socket.Socket.emit_with_ack`."""
        number = self.namespace.next_ack_id()
        packet = selection.packet(event, args, number)
        packet.encode()  # errors are the caller's, also when the client has left
        if self.state is not _CONNECTED:
            raise ClientDisconnected(event)
        ack = SingleAck(self._source.runtime, event, pick)
        forget = self.deliver_with_ack(packet, ack, volatile=selection.target.volatile)
        try:
            return await ack.wait(selection.timeout)
        finally:
            forget()

    def deliver(self, packet: SharedPacket, volatile: bool = False) -> None:
        """Queue a packet for the client, unless it has left."""
        packets = packet.encoded or packet.encode()
        if self.state is _CONNECTED:
            listeners = self.listeners
            if listeners is not None and packet.packet.type is _EVENT:
                if listeners.observed:
                    self.namespace.server.observers.sent(self.subject, packet.packet.data)
                call_all(listeners.outgoing, *packet.packet.data)
            session = self._source.session
            writer = session.writer
            # As session.send(), without what has no effect there.
            if volatile or writer is None or not writer.write_packets(packets):
                session.send(packets, volatile)

    def deliver_with_ack(
        self, packet: SharedPacket, ack: AckTarget, *, volatile: bool = False
    ) -> Callable[[], object]:
        """Queue an event for the client, and pass its acknowledgement on.

        Returns:
            A function that ends the waiting.
        """
        number = cast("int", packet.packet.id)
        packet.encode()  # before anything waits: the values may not be representable
        self.expect_ack(number, ack)
        self.deliver(packet, volatile)
        return partial(self.forget_ack, number)

    def send_ack(self, number: int | None, values: Sequence[Any]) -> Awaitable[None]:
        """Acknowledge an event of the client, from any thread.

        Args:
            number: The number that the client gave the event; None when it wants no answer.
            values: The values of the answer.

        Raises:
            EncodeError: They cannot be represented, whether they are sent or not.
        """
        packet = Packet(_ACK, self.namespace.name, list(values), number or 0)
        shared = SharedPacket(packet, self.namespace.server.parser)
        if number is not None:
            return self._send(shared)
        shared.check()
        return DONE

    def _send(self, packet: SharedPacket, volatile: bool = False) -> Awaitable[None]:
        connection = self._source
        if not connection.runtime.is_current():
            packet.encode()  # errors are the caller's, and the values may change later
            connection.runtime.call_from_thread(self._send, packet, volatile)
            return DONE
        self.deliver(packet, volatile)
        session = connection.session
        if volatile or session.buffered < HIGH_WATER:  # a volatile packet was sent, or dropped
            return DONE
        return Waiting(session.drain)
