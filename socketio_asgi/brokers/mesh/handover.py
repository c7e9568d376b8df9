"""Connections that are handed to the worker which has their session.

The sender keeps a duplicate until the other worker says that it has the connection, and serves it
itself when that one has ended before. So no connection is lost, and none is served twice.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import Counter

from ...extensions.handover import Exchange
from .link import FrameKind
from .mesh import Mesh, Peer

MAX_IN_FLIGHT = 64
"""Connections on their way to one worker; with more, requests are passed on instead."""

_NUMBER = struct.Struct("!I")
_ANSWER = struct.Struct("!I?")


class Handovers:
    """The connections that come from other workers, and go to them.

    Args:
        mesh: The workers.
        exchange: The place in the event loop where servers give and take connections.

    Attributes:
        counters: How many connections were handed over, taken, and not taken.
    """

    def __init__(self, mesh: Mesh, exchange: Exchange) -> None:
        self._exchange = exchange
        self._in_flight: dict[Peer, dict[int, tuple[socket.socket, bytes]]] = {}
        self._last = 0
        self.counters: Counter[str] = Counter()
        mesh.handle(FrameKind.HANDOVER, self._on_handover)
        mesh.handle(FrameKind.HANDOVER_ANSWER, self._on_answer)
        mesh.on_left.append(self._on_left)

    def recipient(self, peer: Peer) -> PeerRecipient:
        """A worker, as servers see it."""
        return PeerRecipient(self, peer)

    def send(self, peer: Peer, connection: socket.socket, data: bytes) -> bool:
        """Hand a connection over; see :meth:`..extensions.handover.Recipient.hand_over`."""
        waiting = self._in_flight.setdefault(peer, {})
        if len(waiting) >= MAX_IN_FLIGHT:
            return False
        number = self._last = (self._last + 1) & 0xFFFFFFFF
        if not peer.send(FrameKind.HANDOVER, _NUMBER.pack(number), data, carried=connection):
            return False
        waiting[number] = connection, data
        return True

    def _on_handover(self, peer: Peer, frame: bytes) -> None:
        descriptor = peer.take_descriptor()
        try:
            (number,) = _NUMBER.unpack_from(frame)
            connection = socket.socket(fileno=descriptor)
        except (OSError, struct.error) as error:
            os.close(descriptor)
            raise ValueError(f"no connection was handed over: {error}") from error
        connection.setblocking(False)
        # Before anything is done: were it taken and not said, it would be served twice.
        taken = self._exchange.takes(connection)
        peer.send(FrameKind.HANDOVER_ANSWER, _ANSWER.pack(number, taken))
        if taken:
            self.counters["taken"] += 1
            self._exchange.accept(connection, frame[_NUMBER.size :])
        else:
            connection.close()

    def _on_answer(self, peer: Peer, frame: bytes) -> None:
        if len(frame) != _ANSWER.size:
            raise ValueError("no answer to a handover")
        number, taken = _ANSWER.unpack(frame)
        found = self._in_flight.get(peer, {}).pop(number, None)
        if found is None:
            raise ValueError("an answer to no handover")
        connection, data = found
        if taken:
            self.counters["handed over"] += 1
            connection.close()
        else:
            self._serve_here(connection, data)

    def _on_left(self, peer: Peer) -> None:
        for connection, data in self._in_flight.pop(peer, {}).values():
            self._serve_here(connection, data)

    def _serve_here(self, connection: socket.socket, data: bytes) -> None:
        self.counters["not taken"] += 1
        if self._exchange.serves(connection):
            self._exchange.accept(connection, data)
        else:
            connection.close()


class PeerRecipient:
    """A worker that takes connections.

    Args:
        handovers: The connections on their way.
        peer: The worker.
    """

    __slots__ = ("_handovers", "_peer")

    def __init__(self, handovers: Handovers, peer: Peer) -> None:
        self._handovers = handovers
        self._peer = peer

    def hand_over(self, connection: socket.socket, data: bytes) -> bool:
        """Give it a connection; see :meth:`..extensions.handover.Recipient.hand_over`."""
        return self._handovers.send(self._peer, connection, data)
