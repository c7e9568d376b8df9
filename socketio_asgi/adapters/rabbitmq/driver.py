"""The driver for RabbitMQ: at most once, in the order of each sender.

Every server has a queue of its own, which lives as long as its connection. Messages are not
acknowledged: a queue that goes with its reader has nobody to deliver them to again, and an
acknowledgement would cost as much as the message.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from ...brokers.rabbitmq.client import Received, described
from ...brokers.rabbitmq.connection import Connection
from ...brokers.rabbitmq.options import ConnectionOptions
from ...exceptions import NotRetryable
from ...runtime import Runtime
from ...runtime.awaitables import DONE
from ..cluster.driver import MAX_MESSAGE_BYTES, Driver, Inbox, Traits, hand_in
from ..cluster.history import History
from ..cluster.message import Message, MessageType
from ..cluster.names import is_sid
from ..cluster.wires.python import PythonWire
from . import keys
from .bindings import Bindings
from .publisher import Publisher

RESERVED_BYTES = 65_536
"""Bytes of the largest message that are left for what goes around an event: rooms, and ids."""

READ_BACK = frozenset(
    str(int(type_)) for type_ in (MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT)
)
"""The types of messages that a server wants back: the way of heartbeats is measured."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The queue of a server; see :class:`.RabbitMqAdapter`.

    Attributes:
        prefix: The name of the exchange, and the beginning of the names of queues.
        bind_rooms: Whether rooms are bound that have members here, or all at once.
        create_exchange: Whether the exchange is made when it is absent.
        max_queued: The most messages that wait for a server.
        max_queued_bytes: The most bytes of them.
    """

    prefix: str
    bind_rooms: bool
    create_exchange: bool
    max_queued: int
    max_queued_bytes: int


class RabbitMqDriver(Driver):
    """Publishes to an exchange, and reads a queue.

    Args:
        options: The way to the broker.
        queues: What this server has there.
        history: What came before.
    """

    def __init__(self, options: ConnectionOptions, queues: QueueOptions, history: History) -> None:
        self.traits: Traits = Traits(
            subscribes_rooms=queues.bind_rooms, max_payload=MAX_MESSAGE_BYTES - RESERVED_BYTES
        )
        self._options = options
        self._queues = queues
        self._history = history
        self._wire = PythonWire()
        self._opened: dict[str, list[str]] = {}
        self._rooms: set[tuple[str, str]] = set()
        self._started = False

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        self._check_loop(inbox.runtime)
        self._inbox = inbox
        self._connection = Connection(self._options, inbox.runtime, self._lost)
        with self._history.connecting(inbox.server_id) as connected_before:
            await self._connection.open()
            await self._begin(f"{self._queues.prefix}.{inbox.server_id}.{secrets.token_hex(4)}")
            self._started = True
            _ = self._connection.publishing  # raises when it was lost meanwhile
        return connected_before  # the queue of the last connection went with it

    def _check_loop(self, runtime: Runtime) -> None:
        if runtime.asyncio_loop is None:
            raise NotRetryable("RabbitMqAdapter needs asyncio: its library aio-pika knows no trio")
        if self._options.connection is not None:
            first = self._history.runtime = self._history.runtime or runtime
            if first.asyncio_loop is not runtime.asyncio_loop:
                raise NotRetryable(
                    "a connection of aio-pika belongs to the event loop that it was made in; give"
                    " RabbitMqAdapter the URL when the server is used in another one"
                )

    async def _begin(self, queue: str) -> None:
        prefix, inbox = self._queues.prefix, self._inbox
        self._publisher = Publisher(self._connection, prefix, inbox.server_id, inbox.refused)
        try:
            await self._connection.within(self._declare(queue))
        except Exception as error:
            raise self._explained(error) from error

    async def _declare(self, queue: str) -> None:
        options, channel, exchange = self._queues, self._connection.channel, self._queues.prefix
        passive = not options.create_exchange
        await channel.exchange_declare(
            exchange, exchange_type="topic", durable=True, passive=passive
        )
        lost = f"{queue}.lost"
        limits: dict[str, Any] = {
            "x-max-length": options.max_queued,
            "x-max-length-bytes": options.max_queued_bytes,
            "x-dead-letter-exchange": exchange,
            "x-dead-letter-routing-key": keys.lost_from(queue),
        }
        # In the second queue is one message, at most, when the first has dropped some.
        for name, arguments in ((queue, limits), (lost, {"x-max-length": 1})):
            await channel.queue_declare(name, exclusive=True, auto_delete=True, arguments=arguments)
        await channel.queue_bind(lost, exchange, keys.lost_from(queue))
        self._bindings = Bindings(self._connection, exchange, queue)
        await self._bindings.add(keys.to_server(self._inbox.server_id))
        await self._publisher.publish(keys.CHECK, b"", "")
        await channel.basic_consume(lost, self._on_lost, no_ack=True)
        await channel.basic_consume(queue, self._on_message, no_ack=True)

    def _explained(self, error: Exception) -> Exception:
        detail = described(error.__cause__ or error)
        prefix = self._queues.prefix
        if "ACCESS_REFUSED" in detail:
            return NotRetryable(
                f"the RabbitMQ user needs the rights to configure, to write and to read what begins"
                f" with {prefix}: {detail}"
            )
        if "PRECONDITION_FAILED" in detail or "NOT_FOUND" in detail:
            return NotRetryable(
                f"{prefix} must be a durable topic exchange of RabbitMQ, or be absent and"
                f" create_exchange true: {detail}"
            )
        return ConnectionError(f"RabbitMQ gives this server no queue: {detail}")

    def _lost(self, error: Exception) -> None:
        self._end(error)
        if self._started:
            self._inbox.lost(error)

    def _end(self, error: Exception) -> None:
        publisher: Publisher | None = getattr(self, "_publisher", None)
        if publisher is not None:
            publisher.end(error)

    async def close(self) -> None:
        """End the connection; see :meth:`.Driver.close`."""
        self._end(ConnectionError("the RabbitMQ connection is closed"))
        connection: Connection | None = getattr(self, "_connection", None)
        if connection is not None:
            await connection.close()

    # -- namespaces and rooms ----------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Bind what concerns a namespace, and all its rooms together."""
        wanted = [keys.to_all(name), keys.to_sockets(name), keys.to_rooms(name)]
        self._opened[name] = wanted
        for bound in [self._bindings.add(key) for key in wanted]:
            await bound
        if self._queues.bind_rooms:
            self._inbox.runtime.start_background(self._bind_rooms(name))

    async def _bind_rooms(self, name: str) -> None:
        """Bind the rooms of a namespace, which takes long, and only then no more all of them."""
        for room in self._inbox.rooms(name):
            self.room_created(name, room)
        await self._bindings.settled()
        if name in self._opened:
            self._opened[name].remove(keys.to_rooms(name))
            self._bindings.remove(keys.to_rooms(name))

    async def close_namespace(self, name: str) -> None:
        """End these bindings."""
        for room in [room for namespace, room in self._rooms if namespace == name]:
            self.room_deleted(name, room)
        for key in self._opened.pop(name, ()):
            self._bindings.remove(key)

    def room_created(self, namespace: str, room: str) -> Awaitable[None]:
        """Bind a room."""
        if is_sid(room):
            return DONE
        self._rooms.add((namespace, room))
        bound = self._bindings.add(keys.to_room(namespace, room))
        return DONE if keys.to_rooms(namespace) in self._opened.get(namespace, ()) else bound

    def room_deleted(self, namespace: str, room: str) -> None:
        """End the binding of a room."""
        if (namespace, room) in self._rooms:
            self._rooms.discard((namespace, room))
            self._bindings.remove(keys.to_room(namespace, room))

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[str | None]:
        """Publish a message; see :meth:`.Driver.publish`."""
        return self._send(keys.for_message(message), message)

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Publish an answer; see :meth:`.Driver.respond`."""
        return self._send(keys.to_server(server), message)

    def _send(self, key: str, message: Message) -> Awaitable[None]:
        return self._publisher.publish(key, self._wire.encode(message), str(int(message.type)))

    async def _on_message(self, message: Received) -> None:
        properties = message.header.properties
        if properties.app_id == self._inbox.server_id and properties.message_type not in READ_BACK:
            return
        meant = keys.meant(message.delivery.routing_key or "")
        if meant is None or self._inbox.wants(*meant):  # the end of a binding takes a moment
            hand_in(self._inbox, self._wire, message.body)

    async def _on_lost(self, _message: Received) -> None:
        self._inbox.away(ConnectionError("RabbitMQ has dropped messages: this server was too slow"))
        self._inbox.back(gap=True)
