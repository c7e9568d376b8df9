"""Sockets, rooms and events, as they come and go: what the admin UI shows in development mode."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from ..engine import Session
from ..engine.public_session import TransportInfo
from ..protocol import Parser
from ..server.observer import Observer
from ..server.server import Server
from ..server.socket import Socket
from .channel import Channel
from .describing import Connection, describe_socket, now, present_data
from .presenting import present

logger: logging.Logger = logging.getLogger("socketio_asgi.admin")

MAX_EVENTS = 500
"""Events of a second that are shown: each is sent to every page, and a page keeps the last 1000."""

MAX_EVENT_CHARACTERS = 4096
"""Characters of the arguments of one event that are shown."""

CHECKED_SOCKETS = 1000
"""Sockets whose data are compared at a time, with what is shown of them."""

Key = tuple[str, str]
"""A socket: the name of its namespace, and its id."""


class Watcher(Observer):
    """Tells the pages of everything that happens to the sockets of this server.

    Args:
        io: The server.
        channel: The way to the pages.
        clock: The clock of the event loop, in seconds.
        check_soon: Lets :meth:`check_touched` be called soon, once.
    """

    def __init__(
        self,
        io: Server,
        channel: Channel,
        clock: Callable[[], float],
        check_soon: Callable[[], object],
    ) -> None:
        self._io = io
        self._channel = channel
        self._clock = clock
        self._check_soon = check_soon
        self._own_name = channel.namespace.name
        # The sockets that were shown, and the hashes of the data that were.
        self._shown: OrderedDict[Key, int] = OrderedDict()
        self._by_session: dict[str, set[Key]] = {}
        # Those that have sent something, and whose data may have changed by that.
        self._touched: dict[Key, None] = {}
        self._second = 0
        self._events = 0

    @property
    def _parser(self) -> Parser:
        return self._io.__socketio__.parser

    # -- coming and going --------------------------------------------------------------------

    def socket_joined(self, socket: Socket[Any]) -> None:
        """Called when a client has joined a namespace."""
        namespace = socket.namespace.name
        key, connection = (namespace, socket.id), Connection.of_session(socket.conn)
        self._shown[key] = self._hash_of_data(socket)
        self._by_session.setdefault(socket.conn.id, set()).add(key)
        socket.namespace.adapter.notes[socket.id] = connection.note()
        if not self._channel.heard:
            return
        shown = describe_socket(socket, namespace, connection, self._parser).value
        for room in shown["rooms"]:
            self._channel.tell("room_joined", namespace, room, socket.id, now())
        self._channel.tell("socket_connected", shown, now())

    def socket_left(self, socket: Socket[Any], reason: str) -> None:
        """Called when a client has left a namespace."""
        namespace = socket.namespace.name
        key = (namespace, socket.id)
        socket.namespace.adapter.notes.pop(socket.id, None)
        self._forget(key, socket.conn.id)
        if not self._channel.heard:
            return
        self._channel.tell("socket_disconnected", namespace, socket.id, reason, now())
        for room in (*sorted(socket.rooms - {socket.id}), socket.id):
            self._channel.tell("room_left", namespace, room, socket.id, now())

    def _forget(self, key: Key, session: str) -> None:
        self._shown.pop(key, None)
        keys = self._by_session.get(session)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._by_session[session]

    def session_upgraded(self, session: Session, transport: TransportInfo) -> None:
        """Called when a client has moved on to another transport."""
        connection = Connection.of_session(session)
        for namespace, sid in self._by_session.get(session.id, ()):
            owner = self._io.namespaces.get(namespace)
            if owner is not None:
                owner.adapter.notes[sid] = connection.note()
            if self._channel.heard:
                update = {"id": sid, "nsp": namespace, "transport": transport.name}
                self._channel.tell("socket_updated", update)

    def room_joined(self, namespace: str, room: str, sid: str) -> None:
        """Called when a socket has joined a room."""
        if (namespace, sid) in self._shown and self._channel.heard:
            self._channel.tell("room_joined", namespace, room, sid, now())

    def room_left(self, namespace: str, room: str, sid: str) -> None:
        """Called when a socket has left a room."""
        if (namespace, sid) in self._shown and self._channel.heard:
            self._channel.tell("room_left", namespace, room, sid, now())

    # -- events ------------------------------------------------------------------------------

    def event_received(self, socket: Socket[Any], values: Sequence[Any]) -> None:
        """Called when an event of a client is about to be handled."""
        if self._channel.heard:
            self._touched[socket.namespace.name, socket.id] = None
            self._check_soon()
        self._tell_event("event_received", socket, values)

    def event_sent(self, socket: Socket[Any], values: Sequence[Any]) -> None:
        """Called when an event is about to go to a client."""
        self._tell_event("event_sent", socket, values)

    def _tell_event(self, event: str, socket: Socket[Any], values: Sequence[Any]) -> None:
        namespace = socket.namespace.name
        # Those of the UI itself are left out: each would cause another one.
        if namespace == self._own_name or not self._channel.heard or not self._may_show():
            return
        shown, _ = present(list(values), self._parser, MAX_EVENT_CHARACTERS)
        self._channel.tell(event, namespace, socket.id, shown, now())

    def _may_show(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._events = second, 0
        self._events += 1
        return self._events <= MAX_EVENTS

    # -- data --------------------------------------------------------------------------------

    def check_data(self) -> None:
        """Tell the pages of data that have changed; some sockets at a time, in turn."""
        for _ in range(min(CHECKED_SOCKETS, len(self._shown))):
            self._check(next(iter(self._shown)))

    def check_touched(self) -> None:
        """The same for the sockets that have sent an event."""
        touched, self._touched = self._touched, {}
        for key in islice(touched, CHECKED_SOCKETS):
            self._check(key)

    def _check(self, key: Key) -> None:
        known = self._shown.pop(key, None)
        namespace, sid = key
        owner = self._io.namespaces.get(namespace)
        socket = None if owner is None else owner.sockets.get(sid)
        if known is None or socket is None:
            return
        data, _ = present_data(socket.data, self._parser)
        self._shown[key] = shown = hash(repr(data))  # at the end of those that are looked at
        if shown != known and self._channel.heard:
            self._channel.tell("socket_updated", {"id": sid, "nsp": namespace, "data": data})

    def _hash_of_data(self, socket: Socket[Any]) -> int:
        return hash(repr(present_data(socket.data, self._parser)[0]))
