"""The driver of the cluster over the mesh of workers."""

from __future__ import annotations

from collections.abc import Awaitable

from ...brokers.mesh import FrameKind, Peer, PlaceError
from ...runtime.awaitables import DONE
from ..cluster import Driver, Inbox, Message, PythonWire, Traits, hand_in
from ..errors import NotRetryable
from .workers import Workers


class WorkersDriver(Driver):
    """Sends each message to each worker, over the connection with it.

    Args:
        workers: The workers.
    """

    traits: Traits = Traits(echo=False)

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._wire = PythonWire()

    async def start(self, inbox: Inbox) -> bool:
        """Connect with the other workers."""
        mesh = self._workers.mesh

        def received(_peer: Peer, frame: bytes) -> None:
            hand_in(inbox, self._wire, frame)

        def left(peer: Peer) -> None:
            inbox.server_gone(peer.name)

        mesh.handle(FrameKind.MESSAGE, received)
        mesh.on_left.append(left)
        try:
            await self._workers.start(inbox.server_id)
        except PlaceError as error:
            raise NotRetryable(str(error)) from error
        return False

    async def close(self) -> None:
        """End the connections with the others."""
        self._workers.close()

    async def open_namespace(self, name: str) -> None:
        """Do nothing: each worker gets everything, and drops what it has no namespace for."""

    async def close_namespace(self, name: str) -> None:
        """Do nothing."""

    def publish(self, message: Message) -> Awaitable[None]:
        """Send a message to all workers.

        Raises:
            ConnectionError: One of them does not read; the others have got it.
        """
        frame = self._wire.encode(message)
        sent = [peer.send(FrameKind.MESSAGE, frame) for peer in self._workers.mesh.peers.values()]
        if not all(sent):
            raise ConnectionError("a worker does not read what the others send it")
        return DONE

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send a message to one worker.

        Raises:
            ConnectionError: It does not read.
        """
        frame = self._wire.encode(message)
        for peer in list(self._workers.mesh.peers.values()):
            if peer.name == server and not peer.send(FrameKind.MESSAGE, frame):
                raise ConnectionError("a worker does not read what the others send it")
        return DONE
