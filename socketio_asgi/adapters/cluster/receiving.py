"""The messages that come in for one namespace, and what they do in this process."""

from __future__ import annotations

from collections import deque
from functools import partial

from ..memory import MemoryAdapter
from ..packet import SharedPacket
from .answering import Answering, InCluster
from .delivery import Delivery
from .log import CHANGES
from .message import (
    Broadcast,
    Disconnection,
    Fetch,
    Message,
    MessageType,
    RoomChange,
    ServerEvent,
)
from .rooms import ClusterRooms

MAX_UNREAD_CHANGES = 1000
"""Changes of sockets that this server has published, and waits to read back."""


class Receiving:
    """Does what the other servers say, and notes what comes back of this one.

    Args:
        local: The sockets of the namespace in this process.
        rooms: Their rooms.
        delivery: The way to them.
        adapter: The adapter of the namespace.

    Attributes:
        unread: The changes that this server has published, and not read back yet.
    """

    def __init__(
        self, local: MemoryAdapter, rooms: ClusterRooms, delivery: Delivery, adapter: InCluster
    ) -> None:
        self.unread: deque[Message] = deque(maxlen=MAX_UNREAD_CHANGES)
        self._local = local
        self._namespace = local.namespace
        self._rooms = rooms
        self._delivery = delivery
        self._adapter = adapter
        self._answering = Answering(local, adapter)

    def on_message(self, message: Message, position: str | None) -> None:
        """Called when another server has sent something other than an answer."""
        if position is not None and message.type in CHANGES:
            self._delivery.record(position, message)
        match message.body:
            case Broadcast():
                self._on_broadcast(message, message.body, position)
            case RoomChange(target, rooms):
                if message.type is MessageType.SOCKETS_JOIN:
                    self._rooms.let_join(target, rooms)
                else:
                    self._rooms.let_leave(target, rooms)
            case Disconnection(target, close):
                self._delivery.disconnect(target, close=close)
            case Fetch(target) if message.request is not None:
                self._adapter.core.start_task(self._answering.fetch, message, target)
            case ServerEvent(data):
                self._adapter.core.start_task(self._answering.server_event, message, data)
            case _:
                pass

    def _on_broadcast(self, message: Message, body: Broadcast, position: str | None) -> None:
        if isinstance(body.event, SharedPacket):
            return  # only on its way out
        packet = body.event.shared(self._namespace.name, self._namespace.parser)
        if message.request is not None:
            relay = self._answering.relay(message, body)
            if relay is not None:
                # The number is from the counter of this server, where no other event has it.
                packet = packet.with_id(self._namespace.next_ack_id())
                ask = partial(self._local.broadcast_with_ack, packet, body.target, relay)
                self._delivery.behind(ask)
        elif self._delivery.order is not None and position is not None and not body.target.volatile:
            self._delivery.later(packet, body.target)(position)
        else:
            self._local.broadcast(self._delivery.with_last_offset(packet), body.target)

    def on_own_message(self, message: Message, position: str | None) -> None:
        """Called when a message of this server was read back."""
        body = message.body
        if position is not None and message.type in CHANGES:
            if self.unread:
                self.unread.popleft()
            self._delivery.record(position, message)
        if self._delivery.order and position is not None and isinstance(body, Broadcast):
            self._delivery.order.read_back(body.number or 0, position)
