"""The sessions of the other workers, as the engine sees them."""

from __future__ import annotations

from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from ...brokers.mesh import Peer
from ...brokers.mesh.relay import RELAYED, RelayFailed
from ...engine import EngineRequest
from ...engine.directory import HandedOver, SessionDirectory
from ...engine.http.response import ErrorCode, Refusal
from ...engine.offer import Offer
from .workers import Workers


class WorkersDirectory(SessionDirectory):
    """Has a request served by the worker that has its session.

    Most never come here: our HTTP class for uvicorn hands their connection over before.

    Attributes:
        workers: The workers, from the first event loop on.
    """

    def __init__(self) -> None:
        self.workers: Workers | None = None
        self._serve: ASGIApp | None = None

    def bind(self, serve: ASGIApp) -> None:
        """Take in what serves the requests of other workers."""
        self._serve = serve

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that came to another worker."""
        if self._serve is not None:
            await self._serve(scope, receive, send)

    def new_id(self) -> str:
        """The id of a new session, which says that this worker has it."""
        workers = self.workers
        if workers is None or not workers.mesh.ready:
            return super().new_id()
        return workers.session_ids.new()

    def opened(self, sid: str) -> None:
        """Called when a session of this worker begins."""
        if self.workers is not None:
            self.workers.session_ids.opened(sid)

    def closed(self, sid: str) -> None:
        """Called when a session of this worker has ended."""
        if self.workers is not None:
            self.workers.session_ids.closed(sid)

    def closing(self) -> None:
        """Called when this worker is about to end."""
        if self.workers is not None:
            self.workers.retire()

    def find(self, offer: Offer, request: EngineRequest) -> None:
        """Find the worker that has a session.

        Raises:
            HandedOver: Another worker has it.
        """
        workers = self.workers
        if workers is not None and RELAYED not in request.scope:
            peer = workers.session_ids.owner(offer.sid)
            if peer is not None:
                raise HandedOver(partial(_pass_on, workers, peer))


async def _pass_on(
    workers: Workers, peer: Peer, scope: Scope, receive: Receive, send: Send
) -> None:
    try:
        await workers.relays.pass_on(peer, scope, receive, send)
    except RelayFailed:
        detail = "the worker that had the session has ended"
        raise Refusal(ErrorCode.UNKNOWN_SID, detail=detail) from None
