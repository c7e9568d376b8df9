"""The workers as one of them sees them: what goes over the mesh, in one event loop."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from starlette.types import ASGIApp

from ...brokers.mesh import Handovers, Mesh, Relays, SessionIds
from ...extensions.handover import Exchange, Recipient, close_exchange, open_exchange
from ...runtime import Runtime


class Workers:
    """The mesh, and what uses it besides the messages of the cluster.

    Args:
        runtime: The event loop.
        place: The folder of the workers; None when there is this one alone.
        serve: Serves requests of other workers.

    Attributes:
        mesh: The connections with the others.
        session_ids: The workers that have sessions.
        relays: The requests that are passed on.
    """

    def __init__(self, runtime: Runtime, place: Path | None, serve: ASGIApp) -> None:
        self.mesh: Mesh = Mesh(runtime, place)
        self.session_ids: SessionIds = SessionIds(self.mesh)
        self.relays: Relays = Relays(self.mesh, serve)
        self.handovers: Handovers | None = None
        self._exchange: Exchange | None = None
        self._loop = runtime.asyncio_loop

    async def start(self, name: str) -> None:
        """Connect with the others; see :meth:`.Mesh.start`."""
        if self._loop is not None and self.mesh.place is not None and self._exchange is None:
            self._exchange = open_exchange(self._loop, self._recipient)
            self.handovers = Handovers(self.mesh, self._exchange)
        await self.mesh.start(name)

    @property
    def counters(self) -> Counter[str]:
        """The number of connections and requests that went between the workers, by kind."""
        handovers = Counter[str]() if self.handovers is None else self.handovers.counters
        return handovers + self.relays.counters + self.mesh.counters

    def _recipient(self, sid: str) -> Recipient | None:
        """The worker that a connection for a session goes to."""
        peer = self.session_ids.owner(sid)
        if peer is None or self.handovers is None:
            return None
        return self.handovers.recipient(peer)

    def retire(self) -> None:
        """Take no more connections, and be found by no new worker: this one is about to end.

        A server that ends waits for its connections, and has told those to end that it had.
        """
        if self._exchange is not None:
            self._exchange.taking = False
        self.mesh.retire()

    def close(self) -> None:
        """End all connections with the others."""
        if self._loop is not None and self._exchange is not None:
            close_exchange(self._loop, self._exchange)
            self._exchange = None
        self.mesh.close()
        self.relays.close()
