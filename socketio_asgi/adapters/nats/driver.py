"""The driver for NATS without JetStream: at most once, in the order of each sender."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from ...brokers.nats.client import NatsMessage
from ...brokers.nats.connection import Connection, Subscribed
from ...brokers.nats.options import ConnectionOptions
from ...exceptions import NotRetryable
from ...runtime import Runtime
from ...runtime.awaitables import DONE, Waiting
from ..cluster.driver import Driver, Inbox, Traits, hand_in
from ..cluster.history import History
from ..cluster.message import Message
from ..cluster.names import is_sid, name_of
from ..cluster.wires.python import PythonWire
from .subjects import Subjects

RESERVED_BYTES = 1024
"""Bytes of the largest message that are left for what goes around an event: rooms, and ids."""


class NatsDriver(Driver):
    """Publishes and subscribes.

    Args:
        options: The way to the server.
        subjects: The subjects of the cluster.
        history: What came before.
    """

    def __init__(self, options: ConnectionOptions, subjects: Subjects, history: History) -> None:
        self.traits = Traits()
        self._options = options
        self._subjects = subjects
        self._history = history
        self._wire = PythonWire()
        self._namespaces: dict[str, list[Subscribed]] = {}
        self._rooms: dict[tuple[str, str], Subscribed] = {}

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        self._check_loop(inbox.runtime)
        self._inbox = inbox
        self._connection = Connection(self._options, inbox.runtime, inbox.lost)
        with self._history.connecting(inbox.server_id) as connected_before:
            gap = await self._begin(self._connection)
        return gap and connected_before

    def _check_loop(self, runtime: Runtime) -> None:
        if runtime.asyncio_loop is None:
            raise NotRetryable("NatsAdapter needs asyncio: its library nats-py knows no trio")
        if self._options.client is not None:
            first = self._history.runtime = self._history.runtime or runtime
            if first.asyncio_loop is not runtime.asyncio_loop:
                raise NotRetryable(
                    "a NATS client belongs to the event loop that it was connected in; give"
                    " NatsAdapter the URL when the server is used in another one"
                )

    async def _begin(self, connection: Connection) -> bool:
        await connection.open()
        server = self._subjects.to_server("*", self._inbox.server_id)
        connection.subscribe(server, self._receive)
        connection.publish(self._subjects.check, b"")
        await self._confirm_permitted()
        self.traits: Traits = self._traits(connection)
        return True

    def _traits(self, connection: Connection) -> Traits:
        max_payload = max(connection.max_payload - RESERVED_BYTES, RESERVED_BYTES)
        return Traits(echo=connection.echoes, subscribes_rooms=True, max_payload=max_payload)

    async def _confirm_permitted(self) -> None:
        try:
            await self._connection.confirm()
        except PermissionError as error:
            raise NotRetryable(
                f"the NATS user needs the right to publish and to subscribe to"
                f" {self._subjects.prefix}.>: {error}"
            ) from error

    async def close(self) -> None:
        """End the connection; see :meth:`.Driver.close`."""
        connection: Connection | None = getattr(self, "_connection", None)
        if connection is not None:
            await connection.close()

    # -- namespaces and rooms ----------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Subscribe to what concerns a namespace, and all its rooms together."""
        self._subscribe_namespace(name)
        await self._confirm_permitted()

    def _subscribe_namespace(self, name: str) -> None:
        subscribe, subjects = self._connection.subscribe, self._subjects
        self._namespaces[name] = [
            subscribe(subjects.to_all(name), self._receive),
            subscribe(subjects.to_sockets(name), partial(self._receive_for_socket, name)),
        ]
        for room in self._inbox.rooms(name):
            self._subscribe_room(name, room)

    async def close_namespace(self, name: str) -> None:
        """End these subscriptions."""
        for room in [room for namespace, room in self._rooms if namespace == name]:
            self.room_deleted(name, room)
        for subscribed in self._namespaces.pop(name, ()):
            self._connection.unsubscribe(subscribed)

    def room_created(self, namespace: str, room: str) -> Awaitable[None]:
        """Subscribe to a room."""
        if not self._subscribe_room(namespace, room):
            return DONE
        return Waiting(self._connection.confirm)

    def _subscribe_room(self, namespace: str, room: str) -> bool:
        if is_sid(room) or (namespace, room) in self._rooms:
            return False
        subject = self._subjects.to_room(namespace, room)
        receive = partial(self._receive_for_room, namespace, room)
        self._rooms[namespace, room] = self._connection.subscribe(subject, receive)
        return True

    def room_deleted(self, namespace: str, room: str) -> None:
        """End the subscription to a room."""
        subscribed = self._rooms.pop((namespace, room), None)
        if subscribed is not None:
            self._connection.unsubscribe(subscribed)

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[str | None]:
        """Publish a message; see :meth:`.Driver.publish`."""
        data = self._wire.encode(message)
        self._connection.publish(self._subjects.for_message(message), data)
        return Waiting(self._connection.confirm)

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Publish an answer; see :meth:`.Driver.respond`."""
        subject = self._subjects.to_server(message.namespace, server)
        self._connection.publish(subject, self._wire.encode(message))
        return Waiting(self._connection.confirm)

    def _receive(self, received: NatsMessage) -> None:
        hand_in(self._inbox, self._wire, received.data)

    def _receive_for_room(self, namespace: str, room: str, received: NatsMessage) -> None:
        if self._inbox.wants(namespace, room):  # the end of a subscription takes a moment
            self._receive(received)

    def _receive_for_socket(self, namespace: str, received: NatsMessage) -> None:
        sid = name_of(received.subject.rpartition(".")[2])
        if sid is None or self._inbox.wants(namespace, sid):
            self._receive(received)
