"""The adapter of one namespace in a cluster: the rooms of this process, and the other servers.

This process comes first, at once, by an adapter in memory; then the others are told. The one
exception is in :mod:`.ordering`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ...events.acks import BroadcastAcks
from ...exceptions import BroadcastAckError
from ...protocol import EncodeError
from ...runtime.awaitables import DONE, together
from ..base import Adapter, FetchedSockets, LocalNamespace, SocketDetails
from ..memory import MemoryAdapter
from ..observer import AdapterObserver
from ..packet import SharedPacket, to_plain
from ..recovery import can_be_missed
from ..target import Target
from .core import Core
from .delivery import Delivery
from .log import ClusterLog
from .message import (
    Body,
    Broadcast,
    Disconnection,
    Fetch,
    Message,
    MessageType,
    RoomChange,
    ServerEvent,
)
from .ordering import BrokerOrder
from .receiving import Receiving
from .requests import AckRequest, Answers
from .rooms import ClusterRooms

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

_NOT_STARTED = (
    "the cluster adapter has not been started: it starts with the server's lifespan, or with the"
    " first use of the server in an event loop"
)


class ClusterNamespace(Adapter):
    """The part of a namespace in this process, joined to those in others.

    Args:
        namespace: The namespace it serves.
        local_recovery: Whether packets for clients that come back are kept in this process, and
            not by the broker.
        on_close: Called when the namespace goes.
    """

    def __init__(
        self,
        namespace: LocalNamespace,
        *,
        local_recovery: bool,
        on_close: Callable[[ClusterNamespace], Awaitable[None]],
    ) -> None:
        self._local = MemoryAdapter(namespace, recovers=local_recovery)
        self._recovers = namespace.recovery is not None and not local_recovery
        log = ClusterLog(namespace, self) if self._recovers else self._local.log
        super().__init__(namespace, log)
        self._local.notes = self.notes
        self._local.log = log  # it hears there of rooms and of who goes
        self._on_close = on_close
        self._core: Core | None = None
        self.delivery: Delivery = Delivery(self._local, log if self._recovers else None)
        self._rooms = ClusterRooms(namespace, self._local, log)
        self._receiving = Receiving(self._local, self._rooms, self.delivery, self)

    @property
    def core(self) -> Core:
        """The core that it shares with the other namespaces of the server.

        Raises:
            RuntimeError: The server has not been used in an event loop.
        """
        if self._core is None:
            raise RuntimeError(_NOT_STARTED)
        return self._core

    @property
    def started_core(self) -> Core | None:
        """The same; None while the server has not been used in an event loop."""
        return self._core

    @property
    def recovers(self) -> bool:
        """True if it needs a broker that keeps messages."""
        return self._recovers

    def bind(self, core: Core) -> None:
        """Begin in an event loop, the first or another one."""
        self._core = core
        self._rooms.bind(core)
        self.delivery.order = None
        self._receiving.unread.clear()

    def observe(self, observer: AdapterObserver | None) -> None:
        """Tell an observer of every broadcast."""
        super().observe(observer)
        self._local.observe(observer)

    # -- rooms -------------------------------------------------------------------------------

    def added(self, sid: str) -> None:
        """Called when a socket has connected."""
        self._rooms.connected(sid)

    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms."""
        return self._rooms.join(sid, rooms)

    def leave(self, sid: str, room: str) -> Awaitable[None]:
        """Take a socket out of a room."""
        self._rooms.leave(sid, room)
        return DONE

    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket out of all rooms."""
        self._rooms.leave_all(sid)
        return DONE

    def rooms_of(self, sid: str) -> frozenset[str]:
        """The rooms of a socket, without the one of its own."""
        return self._local.rooms_of(sid)

    def has_members(self, room: str) -> bool:
        """True if a room has members in this process."""
        return self._local.has_members(room)

    @property
    def keeps_missed(self) -> bool:
        """True if clients that are away may miss an event."""
        return self.namespace.recovery is not None

    def rooms_with_members(self, *, private: bool = False) -> Iterable[str]:
        """The rooms that have members in this process.

        Args:
            private: Whether to include the room that each socket has for itself.
        """
        rooms = self._local.rooms_with_members()
        return [*rooms, *self.namespace.recipients] if private else rooms

    # -- to sockets of all servers -----------------------------------------------------------

    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for."""
        packet.encode()  # errors are the caller's, and come before anything is delivered
        if target.local:
            self.delivery.deliver(packet, target)
            return DONE
        core = self.core
        _check_size(packet, core.traits.max_payload)
        if self._recovers and can_be_missed(packet, target):
            if self.delivery.order is not None and core.ready:
                return self._publish_first(self.delivery.order, packet, target)
            core.not_ordered()
        self.delivery.deliver(packet, target)
        return self._publish(MessageType.BROADCAST, Broadcast(packet, target))

    def _publish_first(
        self, order: BrokerOrder, packet: SharedPacket, target: Target
    ) -> Awaitable[None]:
        def send(number: int) -> Awaitable[str | None]:
            body = Broadcast(packet, target, number=number)
            return self._publish(MessageType.BROADCAST, body)

        deliver = self.delivery.later(packet, target)
        return order.publish(deliver, send, echo=self.core.traits.echo)

    def broadcast_with_ack(
        self, packet: SharedPacket, target: Target, acks: BroadcastAcks
    ) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for, and collect what they answer."""
        packet.encode()
        if target.local:
            self.delivery.behind(partial(self._local.broadcast_with_ack, packet, target, acks))
            return DONE
        core = self.core
        _check_size(packet, core.traits.max_payload)
        request = AckRequest(core.requests.new_id(), self.namespace.name, acks)
        acks.depend_on(request.servers)
        acks.hold(request.id, partial(core.requests.remove, request))
        request.servers.here = True

        def deliver() -> None:
            request.servers.here = False
            self._local.broadcast_with_ack(packet, target, acks)

        self.delivery.behind(deliver)
        body = Broadcast(packet, target, acks.timeout, hears_gone=True)
        message = self._message(MessageType.BROADCAST, body, request.id)
        return core.ask(request, message, acks.timeout)

    async def fetch_sockets(self, target: Target) -> FetchedSockets[SocketDetails]:
        """Look up the sockets that are meant; those of servers that do not answer are missing."""
        found = await self._local.fetch_sockets(target)
        if target.local:
            return FetchedSockets(found)
        type_ = MessageType.FETCH_SOCKETS_RESPONSE
        timeout = self.core.options.request_timeout
        answers = await self._ask(MessageType.FETCH_SOCKETS, Fetch(target), type_, timeout=timeout)
        if answers.servers.silent:
            names = ", ".join(answers.servers.silent_ids)
            logger.warning(
                "the sockets of %d servers are missing in fetch_sockets(), no answer came (%s)",
                answers.servers.silent,
                names or "their ids are unknown",
            )
        return FetchedSockets(
            found + answers.values,
            silent_servers=answers.servers.silent,
            silent_server_ids=answers.servers.silent_ids,
        )

    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant join rooms."""
        joined = self._rooms.let_join(target, rooms)
        body = RoomChange(target, tuple(rooms))
        return together((joined, self._change(MessageType.SOCKETS_JOIN, body)))

    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant leave rooms."""
        self._rooms.let_leave(target, rooms)
        return self._change(MessageType.SOCKETS_LEAVE, RoomChange(target, tuple(rooms)))

    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        """Disconnect all sockets that are meant."""
        self.delivery.disconnect(target, close=close)
        return self._change(MessageType.DISCONNECT_SOCKETS, Disconnection(target, close))

    # -- to the servers themselves -----------------------------------------------------------

    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Send an event to the other servers."""
        return self._publish(MessageType.SERVER_SIDE_EMIT, self._server_event(event, args))

    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        """Send an event to the other servers and collect what their handlers return."""
        type_ = MessageType.SERVER_SIDE_EMIT_RESPONSE
        body = self._server_event(event, args)
        answers = await self._ask(MessageType.SERVER_SIDE_EMIT, body, type_, timeout=timeout)
        silent, ids = answers.servers.silent, answers.servers.silent_ids
        if silent:
            raise BroadcastAckError(event, answers.values, 0, 0, silent, silent_server_ids=ids)
        return answers.values

    def _server_event(self, event: str, args: Sequence[Any]) -> ServerEvent:
        return ServerEvent(to_plain([event, *args], self.namespace.parser))

    # -- messages out ------------------------------------------------------------------------

    def _message(self, type_: MessageType, body: Body, request: str | None = None) -> Message:
        return Message(type_, self.namespace.name, self.core.server_id, body, request)

    def _publish(self, type_: MessageType, body: Body) -> Awaitable[Any]:
        return self.core.publish(self._message(type_, body))

    def _change(self, type_: MessageType, body: RoomChange | Disconnection) -> Awaitable[None]:
        """Tell the others of a change that was made here, unless it is local."""
        if body.target.local:
            return DONE
        message = self._message(type_, body)
        if self.delivery.order is not None and self.core.ready and self.core.traits.echo:
            self._receiving.unread.append(message)
        return self.core.publish(message)

    async def _ask(
        self, type_: MessageType, body: Body, answer: MessageType, *, timeout: float
    ) -> Answers:
        """Ask the other servers, and wait for their answers."""
        core = self.core
        answers = Answers(core.requests.new_id(), self.namespace.name, answer, core.runtime)
        try:
            core.ask(answers, self._message(type_, body, answers.id), timeout)
            await answers.wait(timeout)
        finally:
            core.requests.remove(answers)
        return answers

    # -- messages in -------------------------------------------------------------------------

    def on_message(self, message: Message, position: str | None) -> None:
        """Called when another server has sent something other than an answer."""
        self._receiving.on_message(message, position)

    def on_own_message(self, message: Message, position: str | None) -> None:
        """Called when a message of this server was read back."""
        self._receiving.on_own_message(message, position)

    def on_connected(self) -> None:
        """There is a driver, and its traits are known."""
        traits, core = self.core.traits, self.core
        if self._recovers and traits.positions and self.delivery.order is None:
            self.delivery.order = BrokerOrder(core.runtime, core.not_ordered)

    def on_away(self) -> None:
        """Called when the broker is gone."""
        self._receiving.unread.clear()
        if self.delivery.order:
            self.delivery.order.release()

    def plain(self, value: Any) -> Any:
        """A value in plain types; None when it cannot be represented."""
        try:
            return to_plain(value, self.namespace.parser)
        except EncodeError:
            return None

    @property
    def unread_changes(self) -> Sequence[Message]:
        """The changes that this server has published, and not read back yet."""
        return self._receiving.unread

    async def close(self) -> None:
        """Close the namespace; the others stay."""
        self.on_away()  # nothing that waits will be read back any more
        self._rooms.close()
        await self._on_close(self)


def _check_size(packet: SharedPacket, limit: int | None) -> None:
    if limit is not None and packet.size > limit:
        raise EncodeError(f"the event has {packet.size} bytes, and the broker takes {limit}")
